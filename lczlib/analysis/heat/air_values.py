"""Air temperatures in degC from the values of a file: units, fill values, stuck sensors."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.heat.air_changes import changes, in_one_unit, refuse_common_change, told
from lczlib.analysis.heat.air_units import body_of, find_units, some, to_celsius
from lczlib.errors import InputError
from lczlib.reading import Notes, counted, share
from lczlib.scenes.thermal_units import PLAUSIBLE_AIR

_REPEATED = 3  # as often does one value come that is a fill
_JUMP, _STEPS = 8.0, 8.0  # K, and median steps of the station, from its neighbours to a fill
_NEXT = pd.Timedelta(hours=3)
_STUCK, _MOVES = pd.Timedelta(hours=48), 1.0  # of one value while the network moves, K
_MUCH = 0.2  # of a station's values lost is worth a caution


def air_values(
    raw: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    stated: str | None,
    column: str,
    path: Path,
    notes: Notes,
) -> pd.DataFrame:
    """The temperatures of a network in degC, without fills.

    Parameters
    ----------
    raw : DataFrame
        Index UTC times in order, a column for each station; values as in the file.
    sites : GeoDataFrame
        Index station, points in EPSG:4326, ``elevation`` (m).
    stated : str or None
        ``degC``, ``K`` or ``degF``, where the user states it.
    column : str
        Name of the column of temperatures.
    path : path
        For messages.
    notes : Notes
        Takes the unit and how it was known, what was masked, and cautions.

    Returns
    -------
    DataFrame
        degC, index and columns as given, NaN for what was masked.

    Raises
    ------
    InputError
        If the values fit no unit, or two, or not the stated one.
    """
    raw = raw.astype(float)
    raw = raw.where(np.isfinite(raw))
    refuse_common_change(raw, path)
    units = find_units(in_one_unit(raw), sites, stated, column, path)
    changed = changes(raw, units.of, units.main)
    air, fills, lost = {}, {}, {}
    for station in raw:
        values, unit = raw[station], units.of[station]
        if station in changed:
            change = changed[station]
            new = values.index >= change.at
            parts = [
                _in_celsius(values[rows], part)
                for rows, part in ((~new, change.before), (new, change.after))
            ]
            air[station], bad = (pd.concat(both) for both in zip(*parts, strict=True))
        else:
            air[station], bad = _in_celsius(values, unit)
        counts = values[bad].value_counts()
        lost[station] = int(counts.sum())
        for value, n in counts.items():
            fills[value] = fills.get(value, 0) + int(n)
    clean = pd.DataFrame(air, index=raw.index)
    if not clean.notna().any(axis=None):
        msg = f"{path} has no temperature left: all of its values lie outside {_range()}."
        raise InputError(msg)
    given = raw.notna().sum()
    repeated = {v: n for v, n in fills.items() if n >= _REPEATED}
    single = sum(fills.values()) - sum(repeated.values())
    notes.said += [f"unit {units.main}, {units.how}", _masked(repeated, single, int(given.sum()))]
    alike = units.of.drop(list(changed))
    others = alike[(alike != units.main) & (alike != "")]
    notes.cautions += [*units.cautions, *told(changed), *_in_others(others, units.main)]
    notes.cautions += _much_lost(lost, given)
    stuck = _stuck(clean)
    if stuck:
        what = ", ".join(f"{s} ({hours:.0f} h)" for s, hours in list(stuck.items())[:10])
        notes.cautions.append(
            f"One value for two days or more while the others change, as of a stuck sensor: {what}; "
            "leave these out, or those times."
        )
    notes.facts |= {
        "unit": units.main,
        "unit_how": units.how,
        "units_of_stations": others.to_dict(),
        "units_changed": {s: str(c) for s, c in changed.items()},
        "temperatures_masked": sum(fills.values()),
        "fills": {f"{v:g}": n for v, n in sorted(repeated.items())},
        "masked_by_station": {s: n for s, n in lost.items() if n},
        "stuck_hours": stuck,
    }
    return clean


def _in_celsius(values: pd.Series, unit: str) -> tuple[pd.Series, pd.Series]:
    """A record in degC without fills, and which of its values are masked; without a unit all are."""
    if not unit:
        return values.where(values.isna()), values.notna()
    celsius = to_celsius(values, unit)
    bad = values.notna() & ~(body_of(values.to_numpy()) & celsius.between(*PLAUSIBLE_AIR))
    bad |= celsius.isin(_fills_by_jump(celsius.mask(bad).dropna()))
    return celsius.mask(bad), bad


def _in_others(others: pd.Series, main: str) -> list[str]:
    """Cautions that name the stations of another unit than the network's."""
    cautions = []
    for unit in sorted(set(others)):
        stations = others.index[others == unit]
        one = len(stations) == 1
        cautions.append(
            f"{some(stations)} {'is' if one else 'are'} read as {unit}, the other stations as {main}: "
            f"{'its' if one else 'their'} values agree with the network in no other unit."
        )
    return cautions


def _range() -> str:
    return f"{PLAUSIBLE_AIR[0]:g} to {PLAUSIBLE_AIR[1]:g} degC"


def _masked(repeated: dict[float, int], single: int, given: int) -> str:
    n = sum(repeated.values()) + single
    if not n:
        return "no value masked"
    parts = [
        f"{v:g} ({counted(k, 'time')})" for v, k in sorted(repeated.items(), key=_by_count)[:5]
    ]
    more = len(repeated) - len(parts)
    parts += [f"{counted(more, 'other fill value')}"] if more > 0 else []
    parts += [f"{counted(single, 'implausible value')}"] if single else []
    return (
        f"{n:,} of {counted(given, 'value')} masked ({share(n, given)}) as fills or implausible: "
        + ", ".join(parts)
    )


def _by_count(item: tuple[float, int]) -> int:
    return -item[1]


def _much_lost(lost: dict[str, int], given: pd.Series) -> list[str]:
    out = []
    gone = [s for s, n in lost.items() if n and n == given[s]]
    much = [s for s, n in lost.items() if _MUCH * given[s] < n < given[s]]
    if gone:
        out.append(
            f"{some(gone)} {'has' if len(gone) == 1 else 'have'} no temperature: every value is a fill "
            "or fits no unit."
        )
    if much:
        out.append(f"More than {_MUCH:.0%} of the values are fills or implausible: {some(much)}.")
    return out


def _fills_by_jump(celsius: pd.Series) -> list[float]:
    """Values of one station that come again and again, each time by a leap from those around.

    So do 0 in a warm record and 50 in a mild one, which are no impossible temperatures.
    """
    if len(celsius) < _REPEATED:
        return []
    steps = celsius.diff()
    run = (steps != 0).cumsum().to_numpy()
    times = celsius.index.to_series()
    first = pd.DataFrame({"value": celsius.to_numpy(), "time": times.to_numpy()}).groupby(run)
    runs = first.agg(value=("value", "first"), start=("time", "first"), end=("time", "last"))
    runs["n"] = first.size()
    before = (runs["value"] - runs["value"].shift()).abs()
    before = before.where(runs["start"] - runs["end"].shift() <= _NEXT)
    after = before.shift(-1)
    leaps = pd.concat([before, after], axis=1).min(axis=1)
    usual = float(steps.abs().median())
    grouped = runs.assign(leap=leaps.fillna(0)).groupby("value")
    table = grouped.agg(n=("n", "sum"), leap=("leap", "median"))
    found = (table["n"] >= _REPEATED) & (table["leap"] >= max(_JUMP, _STEPS * usual))
    return table.index[found].tolist()


def _stuck(air: pd.DataFrame) -> dict[str, float]:
    """Hours that a station shows one value in runs of two days or more while the others move."""
    out: dict[str, float] = {}
    for station in air:
        values = air[station].dropna()
        if len(values) < 24:
            continue
        run = (values.diff() != 0).cumsum().to_numpy()
        times = values.index.to_series().groupby(run)
        spans = times.last() - times.first()
        for start, span in zip(times.first()[spans >= _STUCK], spans[spans >= _STUCK], strict=True):
            others = air.drop(columns=station).loc[start : start + span]
            if float(others.std().median()) > _MOVES:
                out[station] = out.get(station, 0.0) + span / pd.Timedelta(hours=1)
    return out
