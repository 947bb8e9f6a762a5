"""A field of air temperature from stations: fitted, and predicted on the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.field.covariance import Covariance, Places
from lczlib.analysis.field.ground import UNITS, Ground
from lczlib.analysis.field.kriging import Kriging, Solved
from lczlib.analysis.field.likelihood import fit_covariance, patterns
from lczlib.analysis.field.options import FEWEST_STATIONS, ModelOptions, PeriodOptions
from lczlib.analysis.field.record import (
    LEAST_SHARE,
    Composite,
    composite,
    hours_that_count,
    solar_hours,
)  # fmt: skip
from lczlib.analysis.heat.air_units import some
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.reading import counted
from lczlib.terms import option

_HOURS_OF_FIT = 20
"""Most hours, evenly spread over the record, to which the covariance of a part of the day is fitted."""
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


@dataclass(frozen=True)
class Field:
    """A fitted field: of a composite, or of each hour.

    Attributes
    ----------
    ground : Ground
    sample : Sample
    options : ModelOptions
    composite : Composite or None
        None where each hour has its own field.
    covariances : dict of int to Covariance
        By the first of three hours of the local solar day; of a composite under -1.
    """

    ground: Ground
    sample: Sample
    options: ModelOptions
    composite: Composite | None
    covariances: dict[int, Covariance]

    @property
    def supported(self) -> np.ndarray:
        """LCZ numbers that a station stands in."""
        return np.unique(self.sample.places.zone)

    def table(self) -> pd.DataFrame:
        """The stations that the field is made of: place, zone, drifts, hours, mean."""
        places, means = self.sample.places, self.composite or composite(self.sample.air)
        found = pd.DataFrame(
            {"x": places.x, "y": places.y, "lcz": places.zone,
             "code": [CLASSES[z - 1].code for z in places.zone]},
            index=pd.Index(self.sample.names, name="station"),
        )  # fmt: skip
        for name, column in zip(self.ground.drifts, places.drift.T[1:], strict=True):
            found[f"{name} ({UNITS[name].removeprefix('K per ')})"] = column
        found["n_hours"] = means.n_hours
        found["temperature"] = means.values + self.sample.lapse
        found["error_of_gaps"] = np.sqrt(means.error)
        return found

    def effects(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Effects of zones about the mean of zones, and of drifts, K; of a composite.

        Returns
        -------
        zones : DataFrame
            Index ``lcz``: ``code``, ``n_stations``, ``effect``, ``standard_error``.
        drifts : DataFrame
            Index name: ``unit``, ``effect``, ``standard_error``.
        """
        system, solved = next(iter(self.systems()))[1:3]
        zones, counts = np.unique(self.sample.places.zone, return_counts=True)
        effect, error = system.zone_effects(solved, zones)
        table = pd.DataFrame({
            "code": [CLASSES[z - 1].code for z in zones], "n_stations": counts,
            "effect": effect[0], "standard_error": error,
        }, index=pd.Index(zones, name="lcz"))  # fmt: skip
        names = list(self.ground.drifts)
        of_drift = np.sqrt(np.diag(system.drift_covariance))[1:]
        return table, pd.DataFrame(
            {"unit": [UNITS[n] for n in names], "effect": solved.drift[0, 1:], "standard_error": of_drift},
            index=pd.Index(names, name="drift"),
        )  # fmt: skip

    def predict(
        self, places: Places, lapse: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Temperatures (T, m) in degC and their standard errors (T, m); T is 1 of a composite.

        The standard error is that of what a station there would measure. Hours in which too few stations
        measured are NaN. Zones without a station have the mean of all zones, with the variance of zones in
        their standard error: `temperature` masks them.
        """
        n = 1 if self.composite else len(self.sample.air)
        found, error = np.full((2, n, len(places)), np.nan)
        shared: dict[Covariance, np.ndarray] = {}
        for rows, system, solved, known in self.systems():
            covariance = system.covariance
            if covariance not in shared:  # one at a time: it is as large as the block
                shared = {covariance: covariance.between(places, self.sample.places)}
            c = shared[covariance]
            c = c if known.size == c.shape[1] else c[:, known]
            found[rows], error[rows] = system.predict(places, solved, c)
        return found + (0.0 if lapse is None else lapse), error

    def temperature(self, *, mask: bool = True) -> tuple[xr.DataArray, xr.DataArray]:
        """Temperature and standard error (y, x) of a composite on the map, float32.

        Parameters
        ----------
        mask : bool
            Whether zones without a station are NaN.
        """
        found, error = np.full((2, *self.ground.lcz.shape), np.nan, np.float32)
        for rows, values, errors in self.rows(mask=mask):
            found[rows], error[rows] = values[0], errors[0]
        told = {"units": "degC", "long_name": "air temperature"}
        of_error = {"units": "K", "long_name": "standard error of the air temperature"}
        box = self.ground.box
        return on_grid(found, box, attrs=told), on_grid(error, box, attrs=of_error)

    def rows(self, *, mask: bool = True) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """The map by blocks of rows: which, temperatures and standard errors (T, rows, x), float32."""
        for rows, places, lapse in self.ground.blocks():
            shape = (-1, rows.stop - rows.start, self.ground.lcz.shape[1])
            keep = self._kept(places, mask) & np.isfinite(lapse)
            n = 1 if self.composite else len(self.sample.air)
            both = np.full((2, n, len(places)), np.nan, np.float32)
            if keep.any():
                values, errors = self.predict(places.pick(keep), lapse[keep])
                both[0][:, keep], both[1][:, keep] = values, errors
            yield rows, both[0].reshape(shape), both[1].reshape(shape)

    def _kept(self, places: Places, mask: bool) -> np.ndarray:
        keep = np.isfinite(places.drift).all(axis=1) & (places.zone > 0)
        return keep & np.isin(places.zone, self.supported) if mask else keep

    def systems(self) -> Iterator[tuple[np.ndarray, Kriging, Solved, np.ndarray]]:
        """Rows with one covariance and the same stations: their system, solved, and the stations."""
        yield from systems(self.sample, self.composite, self.covariances)


def systems(
    sample: Sample, means: Composite | None, covariances: dict[int, Covariance]
) -> Iterator[tuple[np.ndarray, Kriging, Solved, np.ndarray]]:
    """Rows of a sample with one covariance and the same stations: their system, solved, and the stations."""
    for hour, rows, values, error in groups(sample, means):
        for own, known in patterns(values):
            if known.size < enough(sample.places):
                continue
            system = Kriging(sample.places.pick(known), covariances[hour], error[known])
            part = values[np.ix_(own, known)]
            yield rows[own], system, system.solve(part), known


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


def covariances_of(
    sample: Sample,
    means: Composite | None,
    options: ModelOptions,
    *,
    stations: np.ndarray | None = None,
    zones: bool = True,
    drifts: bool = True,
    hours: int = _HOURS_OF_FIT,
) -> dict[int, Covariance]:
    """The covariance of each group of rows, from some of the stations.

    Parameters
    ----------
    sample, means, options
        See `Field`.
    stations : array of bool, optional
        Those that count.
    zones, drifts : bool
        Whether zones have effects, and whether the mean has drifts.
    hours : int
        Most hours that each is fitted to, evenly spread.
    """
    keep = np.ones(len(sample.places), bool) if stations is None else stations
    places = sample.places if drifts else sample.places.without_drift()
    places, found = places.pick(keep), {}
    for hour, _, values, error in groups(sample, means):
        values = values[:, keep]
        values = values[np.isfinite(values).sum(axis=1) >= min(enough(places), keep.sum())]
        if not len(values):
            continue
        spread = np.linspace(0, len(values) - 1, min(len(values), hours)).astype(int)
        found[hour] = fit_covariance(
            places, values[np.unique(spread)], error=error[keep], zones=zones, shape=options.covariance,
        )  # fmt: skip
    return found


def fit_field(
    air: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    zones: pd.Series,
    ground: Ground,
    *,
    period: PeriodOptions | None = None,
    options: ModelOptions | None = None,
    hourly: bool = False,
) -> Field:
    """Fit a field to stations.

    Parameters
    ----------
    air : DataFrame
        degC, index UTC hours, a column for each station; NaN where missing.
    sites : GeoDataFrame
        Index station, points in EPSG:4326, ``elevation`` (m).
    zones : Series
        LCZ number of each station.
    ground : Ground
        The map.
    period : PeriodOptions, optional
        Which hours count.
    options : ModelOptions, optional
        The model.
    hourly : bool
        Whether each hour has a field of its own, else the mean of the hours that count.

    Raises
    ------
    InputError
        If the stations do not make a field: see `Sample.of` and `composite`.

    Examples
    --------
    >>> found = fit_field(air, sites, zones, Ground.of(lcz))  # doctest: +SKIP
    >>> temperature, error = found.temperature()  # doctest: +SKIP
    """
    options = options or ModelOptions()
    sample = Sample.of(air, sites, zones, ground, period or PeriodOptions())
    means = None if hourly else composite(sample.air)
    return Field(ground, sample, options, means, covariances_of(sample, means, options))
