"""Units that change within a record, as where a logger was set up anew: found, and said when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from lczlib.analysis.heat.air_units import AIR_UNITS, SCALED, to_celsius
from lczlib.errors import InputError
from lczlib.scenes.thermal_units import PLAUSIBLE_AIR

_UNITS = (*AIR_UNITS, *SCALED)
_APART, _NEAR = 8.0, 4.0  # K from the network: in the wrong unit at least, in the right one at most
_FEWEST = 12  # hours before and after a change
_MOST_COST = 12.0  # K that one hour counts, so that fills do not decide
_LEAP = 10.0  # K between neighbouring hours that no weather of a whole network makes
_LEAST = 8.0  # in the file's numbers
_NEXT = pd.Timedelta("3h")


@dataclass(frozen=True)
class Change:
    """A station's change of unit.

    Attributes
    ----------
    at : Timestamp
        The first time in the new unit.
    before, after : str
        Units.
    """

    at: pd.Timestamp
    before: str
    after: str

    def __str__(self) -> str:
        return f"from {self.before} to {self.after} at {self.at:%Y-%m-%d %H:%M} UTC"


def refuse_common_change(raw: pd.DataFrame, path: Path) -> None:
    """Refuse a network whose values leap at one time as they do where all change the unit.

    Parameters
    ----------
    raw : DataFrame
        Index UTC times, a column for each station; values as in the file.
    path : path
        For messages.

    Raises
    ------
    InputError
        If half of the stations or more change.
    """
    leap = _leap_of(raw.resample("1h").median().median(axis=1).dropna())
    if leap is not None:
        msg = (
            f"{path}: the temperatures of the network change {leap}, by their values: write all of them in "
            "one unit, or give the two parts as files of their own."
        )
        raise InputError(msg)


def in_one_unit(raw: pd.DataFrame) -> pd.DataFrame:
    """The longer part of each station whose values leap as they do where the unit changes."""
    out = {}
    for station in raw:
        values = raw[station]
        leap = _leap_of(values.resample("1h").median().dropna())
        if leap is not None:
            later = values.index >= leap.at
            values = values.where(later == (later.mean() >= 0.5))
        out[station] = values
    return pd.DataFrame(out, index=raw.index)


def _leap_of(values: pd.Series) -> Change | None:
    """A leap between neighbouring hours that no weather makes, and a change of unit explains."""
    steps = values.diff().abs()[(values.index.to_series().diff() <= _NEXT).to_numpy()]
    day = values.rolling("1D").median()
    later = values[::-1].rolling("1D", closed="both").median()[::-1]
    steps = steps[(later - day.shift()).abs() > _LEAST]  # fills leap back
    for at in steps.nlargest(3).index:
        before = values.loc[at - pd.Timedelta("1D") : at].iloc[:-1]
        after = values.loc[at : at + pd.Timedelta("1D")]
        if min(len(before), len(after)) < _FEWEST:
            continue
        first, second = (
            {u: c for u in _UNITS if (c := _plausible(part, u)) is not None}
            for part in (before, after)
        )
        alike = [abs(second[u].iloc[0] - first[u].iloc[-1]) for u in first.keys() & second.keys()]
        if min(alike, default=np.inf) < _LEAP:
            continue
        pairs = {
            (a, b): abs(second[b].iloc[0] - first[a].iloc[-1])
            for a in first for b in second
            if a != b and abs(second[b].median() - first[a].median()) < _APART
        }  # fmt: skip
        if pairs and min(pairs.values()) <= _NEAR:
            return Change(at, *min(pairs, key=pairs.__getitem__))
    return None


def _plausible(values: pd.Series, unit: str) -> pd.Series | None:
    """Values in degC, None where some cannot be in a unit: parts of degrees are whole numbers."""
    celsius = to_celsius(values, unit)
    if unit in SCALED and (values != values.round()).any():
        return None
    return celsius if celsius.between(*PLAUSIBLE_AIR).all() else None


def changes(raw: pd.DataFrame, units: pd.Series, main: str) -> dict[str, Change]:
    """Stations that agree with the network in one unit up to a time, and in another from then on.

    Parameters
    ----------
    raw : DataFrame
        Index UTC times, a column for each station; values as in the file.
    units : Series
        Index station: the unit that most of its values are in, or an empty text.
    main : str
        Of the network.
    """
    hourly = raw.resample("1h").median().dropna(how="all")
    own = pd.DataFrame({s: to_celsius(hourly[s], units[s] or main) for s in hourly})
    own = own.where((own >= PLAUSIBLE_AIR[0]) & (own <= PLAUSIBLE_AIR[1]))
    found, leaps = {}, {}
    middle = own.median(axis=1)
    for station in raw:
        others = middle if len(own.columns) > 4 else own.drop(columns=station).median(axis=1)
        values = hourly[station]
        off = pd.DataFrame({u: (to_celsius(values, u) - others).abs() for u in _UNITS}).dropna()
        off.loc[(values != values.round()).reindex(off.index), list(SCALED)] = np.inf
        change = _change(off, units[station] or main)
        if change is None:
            continue
        at = _exactly(raw[station], others, change)
        found[station] = Change(at, change.before, change.after)
        leaps[station] = _leap(own[station], at)
    if len(own.columns) == 2 and len(found) == 2:  # each stands for the network of the other
        return {s: c for s, c in found.items() if leaps[s] == max(leaps.values())}
    return found


def _change(off: pd.DataFrame, unit: str) -> Change | None:
    """Where the distance (K) to the network by unit, index hours, tells a change; None where none."""
    if len(off) < 2 * _FEWEST or (off[unit] > _APART).sum() < _FEWEST:
        return None
    day = off.index.floor("1D")
    daily = off.groupby(day).median()
    near = [u for u in _UNITS if (daily[u] < _NEAR).any()]
    cost = off[near].clip(upper=_MOST_COST)
    so_far = cost.cumsum()
    alone = so_far.iloc[-1].min()
    best: tuple[float, int, str, str] = (alone / 2, 0, "", "")
    for a, b in permutations(near, 2):
        total = so_far[a] + so_far[b].iloc[-1] - so_far[b]
        i = int(total.to_numpy().argmin())
        if total.iloc[i] < best[0] and _FEWEST <= i + 1 <= len(off) - _FEWEST:
            best = float(total.iloc[i]), i, a, b
    least, i, a, b = best
    if not a or least / len(off) > _NEAR:
        return None
    parts = off.iloc[: i + 1], off.iloc[i + 1 :]
    clear = all(
        p[mine].median() < min(_NEAR, p[other].median() / 2) and p[other].median() > _APART
        for p, mine, other in ((parts[0], a, b), (parts[1], b, a))
    )
    return Change(off.index[i + 1], a, b) if clear else None


def _exactly(values: pd.Series, others: pd.Series, change: Change) -> pd.Timestamp:
    """The first time in the new unit, where hours hold several values."""
    near = values.loc[change.at - pd.Timedelta("1h") : change.at + pd.Timedelta("2h")].dropna()
    level = others.reindex(near.index.floor("1h")).to_numpy()
    old, new = (abs(to_celsius(near, u) - level).fillna(0) for u in (change.before, change.after))
    cost = np.concatenate([[0.0], (old - new).cumsum()])  # of the first k in the old unit
    k = int(cost.argmin())
    return near.index[k] if k < len(near) else change.at


def _leap(celsius: pd.Series, at: pd.Timestamp) -> float:
    before, after = celsius.loc[:at].dropna().iloc[:-1], celsius.loc[at:].dropna()
    if before.empty or after.empty:
        return np.inf  # of one of the two nothing is a temperature in that unit
    return abs(float(after.iloc[:6].median() - before.iloc[-6:].median()))


def told(found: dict[str, Change]) -> list[str]:
    """A caution for each station that changes."""
    return [
        f"{station} changes its unit {change}, by its values beside the other stations': each part is "
        "read in its own unit; leave the station out where that is wrong."
        for station, change in found.items()
    ]
