"""The hours of a record that count, and the mean of each station over them."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.field.options import PeriodOptions, hours_of
from lczlib.analysis.heat.solar import local_solar_time, solar_elevation
from lczlib.errors import InputError
from lczlib.longitudes import mean_longitude
from lczlib.terms import option

LEAST_SHARE = 0.1
"""Share of the hours below which a station's mean says more of its gaps than of its place."""


def solar_hours(air: pd.DataFrame, sites: gpd.GeoDataFrame) -> np.ndarray:
    """Hour of the local solar day, 0..23, of each row of a record."""
    longitude = mean_longitude(sites.loc[air.columns].geometry.x)
    return np.floor(local_solar_time(air.index, longitude)).astype(int)


def hours_that_count(
    air: pd.DataFrame, sites: gpd.GeoDataFrame, options: PeriodOptions
) -> pd.DataFrame:
    """The rows of a record (hours in UTC, stations) in a period, by day, by night, or at some hours.

    Raises
    ------
    InputError
        If none is left.
    """
    kept = air.dropna(how="all")
    if options.start:
        kept = kept[kept.index >= pd.Timestamp(options.start, tz=kept.index.tz)]
    if options.end:
        kept = kept[kept.index < pd.Timestamp(options.end, tz=kept.index.tz) + pd.Timedelta("1D")]
    if kept.empty:
        told = f"{air.index[0]:%Y-%m-%d} to {air.index[-1]:%Y-%m-%d}" if len(air) else "no hours"
        first, last = options.start or "its begin", options.end or "its end"
        msg = (
            f"The record ({told}) has no values from {first} to {last}: give other days "
            f"({option('start')}, {option('end')})."
        )
        raise InputError(msg, parameter="start")
    wanted = hours_of(options.hours)
    if wanted == "all":
        return kept
    if isinstance(wanted, tuple):
        chosen = kept[np.isin(solar_hours(kept, sites), wanted)]
    else:
        near = sites.loc[kept.columns].geometry
        sun = solar_elevation(kept.index, float(near.y.mean()), mean_longitude(near.x))
        chosen = kept[(sun < 0) == (wanted == "night")]
    if chosen.empty:
        msg = (
            f"None of the record's {len(kept):,} hours is of those that count ({options.hours}): choose others "
            f"({option('hours')})."
        )
        raise InputError(msg, parameter="hours")
    return chosen


@dataclass(frozen=True)
class Composite:
    """Means of stations over the same hours.

    Attributes
    ----------
    values : Series
        degC, by station.
    error : Series
        Variance (K2) of the mean of the hours that a station has about that of all hours; 0 of a
        complete record.
    n_hours : Series
        Hours that each station has.
    n_total : int
        Hours in which any station has a value.
    persistence : float
        Correlation of a station's daily deviations with those of the next day.
    """

    values: pd.Series
    error: pd.Series
    n_hours: pd.Series
    n_total: int
    persistence: float


def composite(air: pd.DataFrame) -> Composite:
    """Means over all hours of a record with gaps.

    Hours and stations have additive effects, fitted by least squares, so that a station that missed the
    warm days is not taken for a cool one; without gaps it is the plain mean. What gaps leave open is the
    variance of a station's daily deviations from its network, over the days that it has, with their
    correlation from day to day (an AR(1) process: ``s2 / n (1 + r) / (1 - r)``) and for the share of the
    hours that are missing.

    Parameters
    ----------
    air : DataFrame
        degC, hours in UTC, a column for each station.

    Raises
    ------
    InputError
        If stations have no hours in common by which their means can be compared.
    """
    air = air.dropna(how="all")
    values = air.to_numpy(float)
    known = np.isfinite(values)
    filled, per_hour, n = np.where(known, values, 0.0), known.sum(axis=1), known.sum(axis=0)
    shared = known / per_hour[:, None]
    normal = np.diag(n.astype(float)) - known.T.astype(float) @ shared
    told = (filled - known * (filled.sum(axis=1) / per_hour)[:, None]).sum(axis=0)
    scale, turned = np.linalg.eigh(normal)
    if (scale < 1e-9 * scale.max()).sum() > 1 or scale.max() == 0:
        msg = (
            "The record falls apart: some of its stations have no hour in common with the others, so that their "
            "means cannot be compared; give a period in which they measured together "
            f"({option('start')}, {option('end')})."
        )
        raise InputError(msg)
    effects = turned[:, 1:] @ ((turned[:, 1:].T @ told) / scale[1:])
    hourly = ((filled - known * effects).sum(axis=1)) / per_hour
    left = np.where(known, values - effects - hourly[:, None], np.nan)
    days = pd.DataFrame(left, index=air.index.floor("D"), columns=air.columns)
    days = days.groupby(level=0).mean()
    spread, persistence = _of_days(days)
    n_days = days.notna().sum().clip(lower=1).to_numpy()
    gap = 1 - n / len(air)
    error = gap * spread / n_days * (1 + persistence) / (1 - persistence)
    columns = air.columns
    return Composite(
        pd.Series(effects + hourly.mean(), columns), pd.Series(error, columns),
        pd.Series(n, columns), len(air), persistence,
    )  # fmt: skip


def _of_days(days: pd.DataFrame) -> tuple[float, float]:
    """Variance of the daily deviations, and their correlation with the next day's, 0 to 0.9."""
    spread = float(days.var(ddof=1).mean())
    if len(days) < 3 or not spread > 0:
        return (spread if spread > 0 else 0.0), 0.0
    first, second = days.to_numpy()[:-1], days.to_numpy()[1:]
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or not (first[both] ** 2).sum() > 0:
        return spread, 0.0
    found = (first[both] * second[both]).sum()
    found /= np.sqrt((first[both] ** 2).sum() * (second[both] ** 2).sum())
    return spread, float(np.clip(found, 0.0, 0.9))
