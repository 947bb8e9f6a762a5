"""Which unit air temperatures are in: as stated, by the column's name, or by the values.

A network's values are tested station by station: a unit must make temperatures that occur on Earth,
stations in it must agree with each other, and where two units do all that, the place and the season
decide (`air_climate`), or the user is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.heat.air_climate import converted, in_use, likelihood
from lczlib.errors import InputError
from lczlib.scenes.thermal_units import KELVIN, PLAUSIBLE_AIR, scaled_unit

AirUnit = Literal["degC", "K", "degF", "0.1 degC", "0.01 degC", "0.1 K", "0.01 K"]
AIR_UNITS = ("degC", "K", "degF")
SCALED = ("0.1 degC", "0.01 degC", "0.1 K", "0.01 K")
"""Whole numbers that are tenths or hundredths, as weather services and loggers store them."""

_AGREE, _CLOSE = 10.0, 5.0  # K between two stations of a network, root mean square
_MOST_ANCHORS, _MOST_HOURS = 9, 2000
_MOVES_WITH = 0.35  # of the spread that is left in the network's own unit
_SURE = np.log(100.0)  # as much likelier is a unit that is taken than any other
_STEADY, _USUAL_DAY = 1.0, 2.5  # K that air on land moves through a day: at least, and mostly
_NO_JUMP = 40.0  # values of one station have no gap as wide, in any unit
_SCALED_FROM = 80.0  # between the quartiles of the different values: beyond, tenths or hundredths


def to_celsius(values: pd.Series | pd.DataFrame | float, unit: str) -> pd.Series:
    """Temperatures in a unit of `AIR_UNITS` or `SCALED` in degC."""
    scale, _, whole = unit.rpartition(" ")
    if scale:
        values = values / round(1 / float(scale))
    if whole == "K":
        return values - KELVIN
    return (values - 32) / 1.8 if whole == "degF" else values


def air_unit(text: str) -> AirUnit | None:
    """A unit of air temperature of any usual spelling, also tenths and hundredths; None else.

    Examples
    --------
    >>> [air_unit(t) for t in ("Kelvin", "°C", "0.1 K", "0.01°C", "1/10 degC", "0.1 m")]
    ['K', 'degC', '0.1 K', '0.01 degC', '0.1 degC', None]
    """
    found = scaled_unit(re.sub(r"^\s*1/(10+)\b", lambda m: f"{1 / int(m[1])}", text))
    if found is None or found[0] == 1:
        return found[1] if found else None
    named = f"{found[0]:g} {found[1]}"
    return named if named in SCALED else None  # type: ignore[return-value]


def check_air_unit(text: str) -> AirUnit:
    """A unit that a user states, refused with an `InputError` where it is none."""
    unit = air_unit(text)
    if unit is None:
        msg = f"{text!r} is no unit of air temperature: use {', '.join(AIR_UNITS + SCALED)}."
        raise InputError(msg)
    return unit


_NAMED = (
    r"°\s?([cfk])\b", r"[(\[]\s?([ckf])\s?[)\]]", r"(?:^|[^a-z])(kelvin)\b", r"(celsius|fahrenheit)",
    r"(?:^|[^a-z])deg[\s_.]?([cf])(?:[^a-z]|$)",
    r"^(?:air[\s_.-]?)?(?:temp(?:erature)?|tmp)[\s_.-]?([cfk])$",
)  # fmt: skip


def unit_in_name(name: str) -> AirUnit | None:
    """The unit that a column's name states.

    Examples
    --------
    >>> [unit_in_name(n) for n in ("temp_F", "ta_degC", "Air temperature (°F)", "TT_TU", "airT")]
    ['degF', 'degC', 'degF', 'degC', None]
    """
    text = str(name).strip().lower()
    if text in ("tt_tu", "tt_10"):  # of the Deutscher Wetterdienst
        return "degC"
    found = next((m for pattern in _NAMED if (m := re.search(pattern, text))), None)
    return {"c": "degC", "f": "degF", "k": "K"}[found[1][0]] if found else None


def without_unit(name: str) -> str:
    """A column's name, lower case and with underscores, without the unit that it states.

    Examples
    --------
    >>> [without_unit(n) for n in ("temp_F", "ta_degC", "Air temperature (°F)", "TempC", "TT_TU")]
    ['temp', 'ta', 'air_temperature', 'temp', 't']
    """
    text = str(name).strip().lower()
    if unit_in_name(text) is None:
        return text
    if text in ("tt_tu", "tt_10"):
        return "t"
    text = re.sub(r"[(\[].*?[)\]]|°\s?[cfk]\b|deg(?:rees?)?|kelvin|celsius|fahrenheit", " ", text)
    text = re.sub(r"(temp(?:erature)?|tmp|[\s_.-])[cfk]\s*$", r"\1", text)
    return re.sub(r"[\s_.-]+", "_", text.strip(" _.-"))


@dataclass(frozen=True)
class Units:
    """The unit of each station, and how it was known.

    Attributes
    ----------
    of : Series
        Index station: a unit, or an empty text where the values fit none.
    main : str
        Of the network.
    how : str
        In words.
    cautions : tuple of str
    """

    of: pd.Series
    main: str
    how: str
    cautions: tuple[str, ...] = ()


def body_of(values: np.ndarray) -> np.ndarray:
    """Which values of a station are among the bulk: fills lie apart from it, whatever the unit.

    The values fall into groups that gaps of 40 separate, or of twice the spread of hundredths; the
    group with the most different values is the bulk.
    """
    distinct = np.unique(values[np.isfinite(values)])
    if not distinct.size:
        return np.zeros(values.shape, bool)
    spread = float(np.subtract(*np.quantile(distinct, [0.75, 0.25])))
    widest = _NO_JUMP if spread <= _SCALED_FROM else 2 * spread
    ends = np.flatnonzero(np.diff(distinct) > widest)
    groups = np.split(distinct, ends + 1)
    most = max(groups, key=lambda g: (g.size, -abs(g).min()))
    return (values >= most[0]) & (values <= most[-1])


def find_units(
    raw: pd.DataFrame, sites: gpd.GeoDataFrame, stated: str | None, column: str, path: Path
) -> Units:
    """The unit of each station of a network.

    Parameters
    ----------
    raw : DataFrame
        Index UTC times, a column for each station; values as in the file.
    sites : GeoDataFrame
        Points in EPSG:4326, ``elevation`` in m.
    stated : str or None
        The unit that the user states.
    column : str
        Name of the column of temperatures, which may state one.
    path : path
        For messages.

    Raises
    ------
    InputError
        If the values fit no unit or not the stated one, or fit two and nothing tells which.
    """
    bulk = raw.apply(lambda s: s.where(body_of(s.to_numpy())))
    fits = pd.DataFrame({s: _fitting(bulk[s].dropna(), stated) for s in bulk}).T
    middle = float(bulk.stack().median())
    if np.isnan(middle):
        msg = f"{path} has no temperature that is a number."
        raise InputError(msg)
    worlds = _worlds(bulk, fits)
    named = unit_in_name(column)
    if stated is not None:
        return _as_stated(worlds, stated, middle, fits, path)
    if not worlds:
        msg = (
            f"{path} has values (median {middle:g}) that are no air temperatures in degC, K or degF: name "
            "the column with --columns temperature=NAME, or state the unit with --unit, one of "
            f"{', '.join(AIR_UNITS + SCALED)}."
        )
        raise InputError(msg)
    if named in worlds:
        return Units(worlds[named], named, f"by the name of column {column!r}")
    main, why = _likeliest(bulk, worlds, sites)
    if main is None:
        both = " and ".join(worlds)
        options = " or ".join(f"--unit {_quoted(u)}" for u in worlds)
        msg = (
            f"{path} states no unit of temperature, and its values (median {middle:g}) fit {both} at "
            f"this place and season: state it with {options}."
        )
        raise InputError(msg)
    found = Units(worlds[main], main, f"not stated, by its values{why}")
    if named is None or main.endswith(f" {named}"):
        return found
    text = f"The name of column {column!r} of {path.name} says {named}, but its values fit {main} only."
    return replace(found, cautions=(text,))


def _quoted(unit: str) -> str:
    return f"'{unit}'" if " " in unit else unit


def _likeliest(
    bulk: pd.DataFrame, worlds: Mapping[str, pd.Series], sites: gpd.GeoDataFrame
) -> tuple[str | None, str]:
    """The unit that makes temperatures of the place and season, and why; None where two do."""
    first = next(iter(worlds))
    if all(w.equals(worlds[first]) for w in worlds.values()):
        return first, ""
    by_steps = converted(bulk, worlds)
    if by_steps:
        return by_steps, " and their steps"
    likely = {
        unit: in_use(unit, sites)
        + likelihood(
            pd.DataFrame({s: to_celsius(bulk[s], u) for s, u in world.items() if u}), sites
        )
        for unit, world in worlds.items()
    }
    best, second = sorted(likely, key=likely.__getitem__, reverse=True)[:2]
    sure = likely[best] - likely[second] >= _SURE
    return (best, ", place and season") if sure else (None, "")


def _as_stated(
    worlds: Mapping[str, pd.Series], stated: str, middle: float, fits: pd.DataFrame, path: Path
) -> Units:
    if stated in worlds:
        return Units(worlds[stated], stated, "stated")
    if fits[stated].mean() > 0.5:
        return Units(pd.Series(stated, fits.index).where(fits[stated], ""), stated, "stated")
    others = " or ".join("kelvin" if w == "K" else w for w in worlds)
    options = " or ".join(f"--unit {_quoted(w)}" for w in worlds)
    looks = f"its values look like {others}; state {options}"
    if not others:
        looks = "its values are no air temperatures in it"
    msg = f"{path} has a median of {middle:g}, read as {stated}: {looks}."
    raise InputError(msg)


def some(names: Sequence[str], most: int = 10) -> str:
    """``S01, S02 and 3 more``."""
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _fitting(values: pd.Series, stated: str | None) -> dict[str, bool]:
    """Which units make temperatures of a station's values, index time."""
    out = dict.fromkeys((*AIR_UNITS, *SCALED), False)
    if values.empty:
        return out
    whole = bool((values == values.round()).all())
    celsius = {u: to_celsius(values, u) for u in out}
    likely = {u: float(c.between(*PLAUSIBLE_AIR).mean()) >= 0.98 for u, c in celsius.items()}
    for unit in AIR_UNITS:
        out[unit] = likely[unit] and not (whole and _too_rough(celsius[unit]))
    if whole and not any(out.values()):
        days = {u: _daily_range(celsius[u]) for u in SCALED if likely[u]}
        days = {u: k for u, k in days.items() if not (k < _STEADY or _too_rough(celsius[u]))}
        largest = max(days.values(), default=0.0)  # NaN where there is no day
        out |= {u: not (k < _USUAL_DAY <= largest) for u, k in days.items()}
    if stated in SCALED:
        out[stated] = likely[stated]
    return out


def _too_rough(celsius: pd.Series) -> bool:
    """Whether air could not change as fast: tenths that are taken for whole degrees do."""
    hours = celsius.index.to_series().diff() / pd.Timedelta(hours=1)
    steps = celsius.diff().abs()[(hours <= 1.5).to_numpy()]
    if len(steps) < 12:
        return False
    return bool(steps.median() > 2.5 or steps.quantile(0.9) > 6)


def _daily_range(celsius: pd.Series) -> float:
    """K between the coldest and the warmest of a day, in the median of days; NaN without a day."""
    day = celsius.groupby(celsius.index.floor("1D"))
    return float((day.max() - day.min())[day.size() >= 8].median())


def _worlds(bulk: pd.DataFrame, fits: pd.DataFrame) -> dict[str, pd.Series]:
    """For each unit that a network may be in, the unit of each of its stations.

    A station stands for the network in one of the units that it fits; of the others, those that
    disagree with it by far in that unit and agree in another are in the other. A unit stays where
    hardly fewer stations agree than in the best.
    """
    hourly = bulk.resample("1h").median().dropna(how="all")
    hourly = hourly.iloc[:: max(1, len(hourly) // _MOST_HOURS)]
    known = fits.index[fits.any(axis=1)]
    celsius = {u: to_celsius(hourly[known], u).to_numpy() for u in fits}
    best: dict[str, tuple[int, pd.Series]] = {}
    for anchor in known[:: max(1, len(known) // _MOST_ANCHORS)]:
        for unit in fits.columns[fits.loc[anchor]]:
            at = celsius[unit][:, [known.get_loc(anchor)]]
            off, moves = (
                pd.DataFrame({u: size(c - at) for u, c in celsius.items()}, known).where(
                    fits.loc[known]
                )
                for size in (_root_mean_square, _spread)
            )
            chosen, agreeing = _choose(off, moves, unit, fits)
            counts = chosen[chosen != ""].value_counts()
            main = unit if counts.get(unit, 0) == counts.iloc[0] else counts.index[0]
            if main not in best or agreeing > best[main][0]:
                best[main] = agreeing, chosen
    if not best:
        return {}
    most = max(n for n, _ in best.values())
    return {u: c for u, (n, c) in best.items() if n >= 0.75 * most}


def _root_mean_square(differences: np.ndarray) -> np.ndarray:
    known = np.isfinite(differences)
    total = (np.where(known, differences, 0.0) ** 2).sum(axis=0)
    n = known.sum(axis=0)
    return np.where(n > 0, np.sqrt(total / np.maximum(n, 1)), np.nan)


def _spread(differences: np.ndarray) -> np.ndarray:
    known = np.isfinite(differences)
    n = np.maximum(known.sum(axis=0), 1)
    return _root_mean_square(differences - np.where(known, differences, 0.0).sum(axis=0) / n)


def _choose(
    off: pd.DataFrame, moves: pd.DataFrame, unit: str, fits: pd.DataFrame
) -> tuple[pd.Series, int]:
    """Each station's unit by its distance (K) from the one that stands for the network.

    Near -40, where degC and degF meet, the level tells little: there the unit counts in which a
    station moves with the network.
    """
    best = off.min(axis=1)
    alike = off.le(best + _CLOSE, axis=0)
    nearest = moves.where(alike).fillna(np.inf).idxmin(axis=1)
    best = pd.Series([off.at[s, u] for s, u in nearest.items()], off.index)
    moved = pd.Series([moves.at[s, u] for s, u in nearest.items()], off.index)
    other = (off[unit] > _CLOSE) | (moved < _MOVES_WITH * moves[unit])
    clear = (off[unit].isna() | (other & (best < off[unit] / 2))) & best.notna()
    chosen = nearest.where(clear, unit)
    apart = best.isna()  # no hour in common: the network's unit where it fits, else one that does
    own = fits.loc[off.index]
    chosen[apart] = own[apart].idxmax(axis=1).where(~own.loc[apart, unit], unit)
    reached = pd.Series([off.at[s, u] for s, u in chosen.items()], off.index)
    agreeing = int((reached.isna() | (reached <= _AGREE)).sum())
    return chosen.reindex(fits.index, fill_value=""), agreeing
