"""A field of air temperature from stations: fitted, and predicted on the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.field.covariance import Covariance, Places
from lczlib.analysis.field.ground import UNITS, Ground
from lczlib.analysis.field.kriging import Kriging, Solved
from lczlib.analysis.field.likelihood import fit_covariance, patterns
from lczlib.analysis.field.options import ModelOptions, PeriodOptions
from lczlib.analysis.field.record import Composite, composite
from lczlib.analysis.field.sample import Sample, enough, groups
from lczlib.classes import CLASSES
from lczlib.grid import on_grid

_HOURS_OF_FIT = 20
"""Most hours, evenly spread over the record, to which the covariance of a part of the day is fitted."""
_VALUES = 4_000_000
"""Values of a block of the map, over all hours: some 130 MB with their errors."""


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
    def block(self) -> int:
        """Rows of the map that are predicted at once."""
        n = 1 if self.composite else len(self.sample.air)
        return self.ground.rows_of(_VALUES // n)

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
        for rows, places, lapse in self.ground.blocks(self.block):
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
