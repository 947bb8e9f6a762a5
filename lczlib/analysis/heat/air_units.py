"""Which unit air temperatures are in: as stated, by the column's name, or by the values.

A network's values are tested station by station: a unit must make temperatures that occur on Earth,
stations in it must agree with each other, and where two units do all that, the place and the season
decide, or the user is asked.
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

from lczlib.errors import InputError
from lczlib.longitudes import mean_longitude
from lczlib.scenes.thermal_units import KELVIN, PLAUSIBLE_AIR

AirUnit = Literal["degC", "K", "degF"]
AIR_UNITS: tuple[AirUnit, ...] = ("degC", "K", "degF")
TENTHS = "0.1 degC"
"""Whole numbers that are tenths of degC, as older tables of weather services have them."""

_AGREE, _CLOSE = 10.0, 5.0  # K between two stations of a network, root mean square
_MOST_ANCHORS, _MOST_HOURS = 9, 2000
_MOVES_WITH = 0.35  # of the spread that is left in the network's own unit
_NEARLY = 3.0  # K by which a month may leave its usual range
_NO_JUMP = 40.0  # values of one station have no gap as wide, in any unit

# Mean air temperature of the warmest and the coldest month by latitude (degC at low elevation): the
# lowest and highest that inhabited land has, read off climatological maps, with a margin.
_LATITUDES = (0, 10, 20, 30, 40, 50, 60, 70, 90)
_WARM_LOW = (20, 20, 16, 15, 14, 10, 7, 0, -40)
_WARM_HIGH = (34, 38, 42, 45, 42, 34, 28, 22, 12)
_COLD_LOW = (20, 17, 8, -8, -22, -33, -50, -50, -70)
_COLD_HIGH = (34, 34, 32, 26, 19, 13, 10, 6, 2)
_LAPSE, _HIGHEST_CITY = 0.0065, 1000.0  # K per m; m, where no elevation is known
_FAHRENHEIT_LANDS = (
    (24, 50, -126, -66), (54, 72, -169, -130), (51, 56, -180, -169), (18, 23, -161, -154),
    (17, 28, -80, -64), (15, 19, -90, -87), (4, 9, -12, -7), (12, 21, 144, 147), (-15, -14, -171, -169),
)  # fmt: skip
"""South, north, west, east of where degF is in use: the United States, its islands, the Bahamas,
the Cayman Islands, Belize, Liberia."""


def to_celsius(values: pd.Series | pd.DataFrame | float, unit: str) -> pd.Series:
    """Temperatures in a unit of `AIR_UNITS`, or `TENTHS`, in degC."""
    if unit == "K":
        return values - KELVIN
    if unit == "degF":
        return (values - 32) / 1.8
    return values / 10 if unit == TENTHS else values


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

    The values fall into groups that gaps of 40 separate; the group with the most different values
    is the bulk.
    """
    distinct = np.unique(values[np.isfinite(values)])
    if not distinct.size:
        return np.zeros(values.shape, bool)
    ends = np.flatnonzero(np.diff(distinct) > _NO_JUMP)
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
    fits = pd.DataFrame({s: _fitting(bulk[s].dropna()) for s in bulk}).T
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
            f"{path} has values (median {middle:.1f}) that are no air temperatures in degC, K or degF: "
            "name the column with --columns temperature=NAME."
        )
        raise InputError(msg)
    if named in worlds:
        return _units(worlds[named], named, f"by the name of column {column!r}")
    off = {unit: _off_season(bulk, world, sites) for unit, world in worlds.items()}
    main = _by_season(off, sites)
    if main is None:
        both = " and ".join(worlds)
        options = " or ".join(f"--unit {u}" for u in worlds if u in AIR_UNITS)
        msg = (
            f"{path} states no unit of temperature, and its values (median {middle:.1f}) fit {both} at "
            f"this place and season: state it with {options}."
        )
        raise InputError(msg)
    how = "not stated, by its values" + (", place and season" if len(worlds) > 1 else "")
    also = [unit for unit in worlds if unit != main and off[unit] == 0]
    how += f" (as {also[0]} they would fit too)" if also else ""
    found = _units(worlds[main], main, how)
    if named is None or (named, main) == ("degC", TENTHS):
        return found
    text = f"The name of column {column!r} of {path.name} says {named}, but its values fit {main} only."
    return replace(found, cautions=(text, *found.cautions))


def _by_season(off: Mapping[str, float], sites: gpd.GeoDataFrame) -> str | None:
    """The one unit that makes temperatures of the place and season; None where two do.

    Nearly all networks are in degC outside the few lands that use degF: there it is enough that
    degC fits, and another unit is taken only where degC is out of question.
    """
    if len(off) == 1:
        return next(iter(off))
    right = [unit for unit, far in off.items() if far == 0]
    if "degC" in right and not _fahrenheit_land(sites):
        return "degC"
    near = [unit for unit, far in off.items() if far <= _NEARLY]
    return right[0] if len(right) == 1 and near == right else None


def _as_stated(
    worlds: Mapping[str, pd.Series], stated: str, middle: float, fits: pd.DataFrame, path: Path
) -> Units:
    if stated in worlds:
        return _units(worlds[stated], stated, "stated")
    if fits[stated].mean() > 0.5:
        return _units(pd.Series(stated, fits.index).where(fits[stated], ""), stated, "stated")
    others = " or ".join(w for w in worlds if w in AIR_UNITS)
    looks = f"its values look like {'kelvin' if others == 'K' else others}; state --unit {others}"
    if not others:
        looks = "leave --unit out" if worlds else "its values are no air temperatures in it"
    msg = f"{path} has a median of {middle:.1f} {stated}: {looks}."
    raise InputError(msg)


def _units(of: pd.Series, main: str, how: str) -> Units:
    cautions = []
    for unit in sorted(set(of) - {main, ""}):
        stations = of.index[of == unit]
        their = "its" if len(stations) == 1 else "their"
        cautions.append(
            f"{some(stations)} {'is' if len(stations) == 1 else 'are'} read as {unit}, the other "
            f"stations as {main}: {their} values agree with the network in no other unit."
        )
    return Units(of, main, how, tuple(cautions))


def some(names: Sequence[str], most: int = 10) -> str:
    """``S01, S02 and 3 more``."""
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _fitting(values: pd.Series) -> dict[str, bool]:
    """Which units make temperatures of a station's values, index time."""
    out = dict.fromkeys((*AIR_UNITS, TENTHS), False)
    if values.empty:
        return out
    whole = bool((values == values.round()).all())
    for unit in out:
        celsius = to_celsius(values, unit)
        out[unit] = float(celsius.between(*PLAUSIBLE_AIR).mean()) >= 0.98
        if unit != TENTHS and whole and out[unit]:
            out[unit] = not _too_rough(celsius)
    out[TENTHS] &= whole and not any(out[u] for u in AIR_UNITS)
    return out


def _too_rough(celsius: pd.Series) -> bool:
    """Whether air could not change as fast: tenths that are taken for whole degrees do."""
    hours = celsius.index.to_series().diff() / pd.Timedelta(hours=1)
    steps = celsius.diff().abs()[(hours <= 1.5).to_numpy()]
    if len(steps) < 12:
        return False
    return bool(steps.median() > 2.5 or steps.quantile(0.9) > 6)


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


def _off_season(bulk: pd.DataFrame, units: pd.Series, sites: gpd.GeoDataFrame) -> float:
    """How far (K) the network's monthly medians are from what its latitude, season and height have."""
    celsius = pd.DataFrame({s: to_celsius(bulk[s], u) for s, u in units.items() if u})
    middle = celsius.median(axis=1).dropna()
    latitude = float(sites.geometry.y.median())
    heights = sites.loc[celsius.columns, "elevation"].dropna()
    height = float(heights.median()) if len(heights) else None
    days = middle.index.tz_convert(None) if middle.index.tz is not None else middle.index
    far = 0.0
    for _, month in middle.groupby(days.to_period("M")):
        low, high = season_range(latitude, int(month.index.day_of_year.to_numpy().mean()), height)
        value = float(month.median())
        far = max(far, low - value, value - high)
    return far


def season_range(latitude: float, day: int, height: float | None = None) -> tuple[float, float]:
    """Lowest and highest mean air temperature (degC) that land has at a latitude and time of year.

    Parameters
    ----------
    latitude : float
        Degrees north.
    day : int
        Of the year.
    height : float, optional
        m above the sea; up to 1,000 m where it is not known.
    """
    peak = 200 if latitude >= 0 else 17  # warmest some weeks after the solstice
    summer = 0.5 + 0.5 * np.cos(2 * np.pi * (day - peak) / 365.25)
    at = abs(latitude)
    low, high = (
        summer * np.interp(at, _LATITUDES, warm) + (1 - summer) * np.interp(at, _LATITUDES, cold)
        for warm, cold in ((_WARM_LOW, _COLD_LOW), (_WARM_HIGH, _COLD_HIGH))
    )
    above = _HIGHEST_CITY if height is None else max(height, 0.0)
    return float(low - _LAPSE * above), float(
        high - _LAPSE * (0.0 if height is None else above) / 2
    )


def _fahrenheit_land(sites: gpd.GeoDataFrame) -> bool:
    latitude, longitude = float(sites.geometry.y.median()), mean_longitude(sites.geometry.x)
    return any(
        south <= latitude <= north and west <= longitude <= east
        for south, north, west, east in _FAHRENHEIT_LANDS
    )
