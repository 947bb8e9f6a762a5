"""The stations of a field, with the hours that count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.field.covariance import Places
from lczlib.analysis.field.ground import Ground
from lczlib.analysis.field.options import FEWEST_STATIONS, PeriodOptions
from lczlib.analysis.field.record import LEAST_SHARE, Composite, hours_that_count, solar_hours
from lczlib.analysis.heat.air_units import some
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.reading import counted
from lczlib.terms import option

_PART = 3
"""Hours of the local solar day that share a covariance: it changes with the sun, not from hour to hour."""


@dataclass(frozen=True)
class Sample:
    """Stations with what is fitted to them.

    Attributes
    ----------
    names : Index
    places : Places
    air : DataFrame
        degC, hours of the record that count, a column for each station, a stated lapse rate taken off.
    lapse : array (n,)
        What it took off.
    hour : array (T,)
        Hour of the local solar day, 0..23.
    dropped : dict of str to str
        Stations that have too few of the hours, each with the reason.
    """

    names: pd.Index
    places: Places
    air: pd.DataFrame = field(repr=False)
    lapse: np.ndarray
    hour: np.ndarray
    dropped: dict[str, str]

    @classmethod
    def of(
        cls,
        air: pd.DataFrame,
        sites: gpd.GeoDataFrame,
        zones: pd.Series,
        ground: Ground,
        period: PeriodOptions,
    ) -> Sample:
        """The stations that have enough of the hours that count.

        Raises
        ------
        InputError
            If they are too few, of one zone, all at one temperature, off the map, or do not tell the
            drifts.
        """
        air = hours_that_count(air.dropna(axis="columns", how="all"), sites, period)
        share = air.notna().mean()
        few = share.index[share < LEAST_SHARE]
        dropped = dict.fromkeys(
            map(str, few), f"values in less than {LEAST_SHARE:.0%} of the hours"
        )
        air = air.drop(columns=few).dropna(how="all")
        _check_enough(air, zones, dropped)
        sites = sites.loc[air.columns]
        places, lapse = ground.stations(sites, zones)
        _check_place(places, ground)
        _check_drifts(places, ground)
        return cls(air.columns, places, air - lapse, lapse, solar_hours(air, sites), dropped)

    def thinned(self, each: int) -> np.ndarray:
        """Which rows are kept where every hour of the day has at most `each`, evenly spread."""
        keep = np.zeros(self.hour.size, bool)
        for hour in np.unique(self.hour):
            own = np.flatnonzero(self.hour == hour)
            keep[own[np.linspace(0, own.size - 1, min(each, own.size)).astype(int)]] = True
        return keep

    def only(self, rows: np.ndarray) -> Sample:
        """The same at some of the hours."""
        return Sample(
            self.names, self.places, self.air[rows], self.lapse, self.hour[rows], self.dropped
        )

    @property
    def days(self) -> np.ndarray:
        """Day (UTC) of each hour, counted from 0 over the days that there are."""
        return np.unique(self.air.index.floor("D"), return_inverse=True)[1]


def _check_enough(air: pd.DataFrame, zones: pd.Series, dropped: dict[str, str]) -> None:
    n = air.shape[1]
    if n < FEWEST_STATIONS:
        left = f" ({counted(len(dropped), 'other')} left out: {some(dropped)})" if dropped else ""
        msg = (
            f"{counted(n, 'station')} with data{left}: a field needs at least {FEWEST_STATIONS}; give more "
            "stations, or a period in which more of them measured."
        )
        raise InputError(msg)
    there = sorted(set(zones.loc[air.columns].astype(int)))
    if len(there) == 1:
        msg = (
            f"All {n} stations are of LCZ {CLASSES[there[0] - 1].code}: nothing tells how zones differ; add stations "
            f"in other zones, or set the classes by hand ({option('station_classes')})."
        )
        raise InputError(msg)
    if float(np.nanmax(air.std(axis=1, ddof=0).to_numpy(), initial=0.0)) < 1e-6:
        msg = (
            f"All {n} stations have the same temperature in every hour: there is no field in them."
        )
        raise InputError(msg)


def _check_place(places: Places, ground: Ground) -> None:
    bounds = ground.box.boundingbox
    inside = (places.x >= bounds.left) & (places.x <= bounds.right)
    inside &= (places.y >= bounds.bottom) & (places.y <= bounds.top)
    if not inside.any():
        msg = (
            f"None of the {len(places)} stations lies on the LCZ map, and the field would be made of other places "
            "alone: give the map of the stations' city."
        )
        raise InputError(msg)


def _check_drifts(places: Places, ground: Ground) -> None:
    for name, column in zip(ground.drifts, places.drift.T[1:], strict=True):
        if np.ptp(column) < 1e-6:
            msg = f"All stations have the same {name}: nothing tells how temperature changes with it; leave it out."
            raise InputError(msg, parameter=name)
    spare = len(places) - places.drift.shape[1]
    if spare < FEWEST_STATIONS - 2 or np.linalg.matrix_rank(places.drift) < places.drift.shape[1]:
        named = ", ".join(ground.drifts)
        msg = (
            f"{counted(len(places), 'station')} do not tell {named} apart: leave some of these out, or give more "
            "stations."
        )
        raise InputError(msg)


def groups(
    sample: Sample, means: Composite | None
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """What has one covariance: first hour of a part of the day (-1: composite), rows, values (T, n), error (n,)."""
    if means is not None:
        yield -1, np.zeros(1, int), means.values.to_numpy()[None], means.error.to_numpy()
        return
    values = sample.air.to_numpy(float)
    part = sample.hour // _PART * _PART
    for hour in np.unique(part):
        rows = np.flatnonzero(part == hour)
        yield int(hour), rows, values[rows], np.zeros(values.shape[1])


def enough(places: Places) -> int:
    """Fewest stations of an hour that has a field."""
    return max(FEWEST_STATIONS, places.drift.shape[1] + FEWEST_STATIONS - 2)
