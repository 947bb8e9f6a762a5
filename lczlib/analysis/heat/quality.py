"""Quality control of station temperatures, after CrowdQC+ (Fenner et al. 2021).

Levels and limits: Fenner, Bechtel, Demuzere, Kittner & Meier 2021, doi 10.3389/fenvs.2021.720747;
robust scale Qn: Rousseeuw & Croux 1993, doi 10.1080/01621459.1993.10476408. There a value is judged by
all stations; with the zones of the stations it is judged by those of the same or a similar zone, since what
tells the hottest street from the others is its zone and no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod
from scipy import special

from lczlib.analysis.heat.options import LEVELS
from lczlib.analysis.scores import SIMILARITY
from lczlib.errors import InputError
from lczlib.terms import option

LAPSE_RATE = 0.0065
"""K per m, the standard atmosphere, as CrowdQC+ corrects for elevation."""
_LOW, _HIGH = 0.01, 0.95
_WHY = {
    "duplicates": "it has the coordinates of another station",
    "outliers": "all values lie apart from the other stations'",
    "flagged": "more than 20% of its values are outliers in each month",
    "correlation": "it correlates less than 0.9 with the median of those it is judged by",
    "buddies": "its values are off those of its neighbours",
}
"""Why a level drops a station."""
_MOST_FLAGGED = 0.2
_LEAST_CORRELATION = 0.9
_BUDDY_RADIUS = 3000.0
_BUDDIES = 5
_ALIKE = 10 / 12
"""Similarity (Bechtel et al. 2017) from which on two zones are taken for similar: LCZ 1 and 3, D and C. It
takes water (G) for as similar to low plants as bare soil is, by height and openness; the air over it has
another course of the day, so that a station on water is like those on water alone."""
_WATER = 17
_FEW_HOURS = 24
_EARTH = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Quality:
    """Cleaned temperatures and what was removed.

    Attributes
    ----------
    air : DataFrame
        As given, with NaN for what was removed.
    report : DataFrame
        Index station; a column for each level with the number of values it removed, ``n_given``,
        ``n_kept``, and with zones ``n_alike``: stations of the same or a similar zone, itself among
        them.
    elevation_corrected : bool
        Whether z-scores were taken at one height.
    """

    air: pd.DataFrame
    report: pd.DataFrame
    elevation_corrected: bool

    def dropped(self) -> dict[str, str]:
        """Stations of which no value was kept, each with the reason."""
        return {s: self._why(row) for s, row in self.report.iterrows() if not row["n_kept"]}

    def _why(self, row: pd.Series) -> str:
        if not row["n_given"]:
            return "no values"
        removed = row[[level for level in LEVELS if level in row.index]]
        level = removed.idxmax()
        if removed[level] < row["n_given"]:
            return f"quality control: {', '.join(removed.index[removed > 0])}"
        return f"quality control, {level}: {_WHY[level]}"


def quality_control(
    air: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    levels: Sequence[str] = LEVELS,
    zones: pd.Series | None = None,
) -> Quality:
    """Remove implausible values level by level.

    Made for dense networks of private stations: in a small network of tended ones the outlier
    levels take the hottest street for an error (a one-sided limit of 0.95 cuts one value in
    twenty of a perfect record).

    With zones, ``outliers`` and ``correlation`` compare a station with those of its own or a similar
    zone where they are five or more, itself among them, else with all; ``buddies`` with the
    neighbours of its own or a similar zone.

    Parameters
    ----------
    air : DataFrame
        degC, index UTC hours, a column for each station.
    sites : GeoDataFrame
        Index station, points in EPSG:4326, ``elevation`` (m).
    levels : sequence of str
        Of :data:`LEVELS`, applied in that order.
    zones : Series, optional
        LCZ number of each station.

    Raises
    ------
    InputError
        If a level is unknown, or fewer than two stations are left.
    """
    check_levels(levels)
    clean = air.copy()
    report = pd.DataFrame({"n_given": air.notna().sum()}, index=air.columns)
    heights = sites.loc[air.columns, "elevation"]
    corrected = bool(heights.notna().all())
    lift = (heights - heights.mean()) * LAPSE_RATE if corrected else heights * 0
    lift = lift.fillna(0.0)
    outlying = pd.DataFrame(False, index=air.index, columns=air.columns)
    alike = _alike(air.columns, zones)
    peers = np.where((alike.sum(axis=1) >= _BUDDIES)[:, None], alike, True)
    for level in (name for name in LEVELS if name in levels):
        before = clean.notna().sum()
        level_air = clean + lift
        if level == "duplicates":
            clean.loc[:, _same_place(sites.loc[air.columns])] = np.nan
        elif level == "outliers":
            outlying = _outliers(level_air, peers)
            clean = clean.mask(outlying)
        elif level == "flagged":
            clean = clean.mask(_station_months(outlying.where(air.notna()), _too_many_flagged))
        elif level == "correlation":
            clean = clean.mask(_uncorrelated(level_air, peers))
        else:
            clean = clean.mask(_off_buddies(level_air, sites.loc[air.columns], alike))
        report[level] = before - clean.notna().sum()
    report["n_kept"] = clean.notna().sum()
    if zones is not None:
        report["n_alike"] = alike.sum(axis=1)
    left = int((report["n_kept"] > 0).sum())
    if left < 2:
        msg = (
            f"Quality control ({', '.join(levels)}) removed all but {left} of {len(report)} stations: they "
            f"share coordinates, or do not move together; use fewer levels ({option('qc')} none keeps all)."
        )
        raise InputError(msg)
    return Quality(clean, report, corrected)


def check_levels(levels: Sequence[str]) -> None:
    """Refuse what is none of :data:`LEVELS` with an `InputError`."""
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        msg = (
            f"{unknown[0]!r} is no level of quality control: use {', '.join(LEVELS)}, all or none."
        )
        raise InputError(msg)


def in_words(reasons: Mapping[str, str]) -> str:
    """Stations by the reason for which they were dropped.

    Examples
    --------
    >>> in_words({"S01": "no coordinates", "S07": "no values", "S04": "no coordinates"})
    'S01, S04 (no coordinates); S07 (no values)'
    """
    by_reason: dict[str, list[str]] = {}
    for station, why in reasons.items():
        by_reason.setdefault(why, []).append(station)
    return "; ".join(f"{', '.join(names)} ({why})" for why, names in by_reason.items())


def _same_place(sites: gpd.GeoDataFrame) -> np.ndarray:
    """Stations that share coordinates: private stations without GPS get those of their network address."""
    places = pd.Series(list(zip(sites.geometry.x, sites.geometry.y, strict=True)), sites.index)
    return places.duplicated(keep=False).to_numpy()


def _alike(stations: pd.Index, zones: pd.Series | None) -> np.ndarray:
    """Which stations are of the same or a similar zone: (stations, stations); all without zones."""
    if zones is None:
        return np.ones((len(stations), len(stations)), bool)
    at = zones.loc[stations].to_numpy(int)
    wet = at == _WATER
    return (SIMILARITY[np.ix_(at - 1, at - 1)] >= _ALIKE - 1e-9) & (wet[:, None] == wet)


def _groups(peers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Stations that are compared with the same others, and these others."""
    rows, which = np.unique(peers, axis=0, return_inverse=True)
    for i, others in enumerate(rows):
        yield np.flatnonzero(which.ravel() == i), np.flatnonzero(others)


def _outliers(air: pd.DataFrame, peers: np.ndarray) -> pd.DataFrame:
    values = air.to_numpy(float)
    flags = np.zeros(values.shape, bool)
    low, high = special.ndtri(_LOW), special.ndtri(_HIGH)
    for own, others in _groups(peers):
        among = values[:, others]
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (values[:, own] - _row_median(among)[:, None]) / qn_scale(among)[:, None]
            flags[:, own] = (z < low) | (z > high)
    return pd.DataFrame(flags, air.index, air.columns)


def _row_median(values: np.ndarray) -> np.ndarray:
    out = np.full(len(values), np.nan)
    some = np.isfinite(values).any(axis=1)
    out[some] = np.nanmedian(values[some], axis=1)
    return out


def qn_scale(values: np.ndarray) -> np.ndarray:
    """Robust scale Qn of each row (rows, n): a quantile of all pairwise distances; NaN below 3 values."""
    small = {2: 0.399, 3: 0.994, 4: 0.512, 5: 0.844, 6: 0.611, 7: 0.857, 8: 0.669, 9: 0.872}
    out = np.full(len(values), np.nan)
    counts = np.isfinite(values).sum(axis=1)
    for n in np.unique(counts[counts >= 3]):
        which = np.flatnonzero(counts == n)
        half = n // 2 + 1
        k = half * (half - 1) // 2 - 1
        a, b = np.triu_indices(n, 1)
        factor = small.get(n, n / (n + 1.4) if n % 2 else n / (n + 3.8)) * 2.2219
        step = max(1, 4_000_000 // a.size)
        for start in range(0, which.size, step):
            rows = which[start : start + step]
            block = np.sort(values[rows], axis=1)[:, :n]  # NaN sort last
            out[rows] = factor * np.partition(block[:, b] - block[:, a], k, axis=1)[:, k]
    return np.where(out > 0, out, np.nan)


def _months(index: pd.Index) -> np.ndarray:
    return (index.year * 12 + index.month).to_numpy()


def _too_many_flagged(flags: pd.DataFrame) -> pd.Series:
    return flags.astype(float).mean() > _MOST_FLAGGED


def _station_months(data: pd.DataFrame, judge: object) -> np.ndarray:
    """A mask of the months in which `judge` finds a station wanting."""
    months = _months(data.index)
    out = np.zeros(data.shape, bool)
    for month in np.unique(months):
        out[months == month] = np.asarray(judge(data[months == month]), bool)
    return out


def _uncorrelated(air: pd.DataFrame, peers: np.ndarray) -> np.ndarray:
    def judge(month: pd.DataFrame) -> pd.Series:
        correlation = pd.Series(np.nan, month.columns)
        for own, others in _groups(peers):
            middle = month.iloc[:, others].median(axis=1)
            correlation.iloc[own] = month.iloc[:, own].corrwith(middle)
        few = month.notna().sum() < _FEW_HOURS
        return (correlation < _LEAST_CORRELATION) & ~few

    return _station_months(air, judge)


def _off_buddies(air: pd.DataFrame, sites: gpd.GeoDataFrame, alike: np.ndarray) -> np.ndarray:
    """Values beyond the 0.01 / 0.95 quantiles against at least five alike neighbours within 3 km.

    Stations without that many neighbours are not judged.
    """
    distance = _distances(sites)
    values = air.to_numpy(float)
    out = np.zeros(values.shape, bool)
    low, high = special.ndtri(_LOW), special.ndtri(_HIGH)
    for i in range(len(distance)):
        near = (distance[i] <= _BUDDY_RADIUS) & alike[i] & (np.arange(len(distance)) != i)
        near = np.flatnonzero(near)
        if near.size < _BUDDIES:
            continue
        enough = np.isfinite(values[:, near]).sum(axis=1) >= _BUDDIES
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (values[:, i] - _row_median(values[:, near])) / qn_scale(values[:, near])
            out[:, i] = enough & ((z < low) | (z > high))
    return out


def _distances(sites: gpd.GeoDataFrame) -> np.ndarray:
    """Metres between all pairs of stations on the ellipsoid, wherever they lie."""
    x, y = sites.geometry.x.to_numpy(), sites.geometry.y.to_numpy()
    a, b = (v.ravel() for v in np.indices((x.size, x.size)))
    _, _, metres = _EARTH.inv(x[a], y[a], x[b], y[b])
    return np.reshape(metres, (x.size, x.size))
