"""Canopy layer urban heat island by LCZ: air temperature at stations against stations in LCZ D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from lczlib.analysis.heat.bootstrap import percentile_interval
from lczlib.analysis.heat.canopy_levels import levels_only
from lczlib.analysis.heat.canopy_result import CanopyHeatIsland
from lczlib.analysis.heat.canopy_subsets import subsets_of
from lczlib.analysis.heat.options import LOW_PLANTS, CanopyOptions
from lczlib.analysis.heat.reference import Reference, choose_reference
from lczlib.analysis.heat.solar import local_solar_time, solar_elevation
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.longitudes import mean_longitude

_FEWEST_STATIONS = 3


def canopy_heat_island(
    air: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    classes: pd.Series,
    options: CanopyOptions | None = None,
    *,
    weather: pd.DataFrame | None = None,
) -> CanopyHeatIsland:
    """Hourly air temperature of each LCZ's stations against those in LCZ D, with intervals.

    Hour by hour, the mean of a class's stations minus the mean of the reference's. The interval
    draws stations within each class and blocks of days with replacement. Where the class or the
    reference has fewer than three stations, these stand as they are, and ``note`` and
    ``interval_over`` say so: one station is not a class.

    Parameters
    ----------
    air : DataFrame
        degC, index UTC hours, a column for each station.
    sites : GeoDataFrame
        Index station, points in EPSG:4326; places the network for local solar time.
    classes : Series
        LCZ number of each station.
    options : CanopyOptions, optional
        All defaults when not given.
    weather : DataFrame, optional
        Index UTC hours, columns ``wind`` (m/s) and ``cloud`` (oktas), for the calm-and-clear subset.

    Raises
    ------
    InputError
        If no station stands in a reference class other than LCZ D that was asked for, or nothing is
        left.
    """
    options = options or CanopyOptions()
    air = air.dropna(how="all").dropna(axis="columns", how="all")
    if air.shape[1] < 2:
        msg = f"{air.shape[1]} station(s) have data: a heat island needs at least two to compare."
        raise InputError(msg)
    if options.lapse_rate:
        air = _at_one_height(air, sites, options.lapse_rate)
    zones = classes.loc[air.columns].astype(int)
    reference = choose_reference(
        lambda wanted: bool(zones.isin(wanted).any()),
        lambda _: "no station",
        wanted=options.reference,
        fallback=options.fallback,
    )
    if not reference.classes:
        return levels_only(air, zones, reference, options)
    base = air.loc[:, zones.isin(reference.classes).to_numpy()].mean(axis=1)
    low_plants = air.loc[:, (zones == LOW_PLANTS).to_numpy()].mean(axis=1)
    bias = None
    if reference.classes != (LOW_PLANTS,) and (base - low_plants).notna().any():
        bias = float((base - low_plants).agg(options.statistic))
    air, base = air[base.notna()], base.dropna()
    hourly = air.sub(base, axis=0)
    clock = _Clock.of(air.index, sites.loc[air.columns])
    subsets, facts = subsets_of(air.index, base, clock, weather, options)
    engine = _Replicates(air, zones, reference, clock, options)
    rows, diurnal, hour_month, parts = {}, [], [], []
    for number in sorted(zones.unique()):
        series = air.loc[:, (zones == number).to_numpy()].mean(axis=1) - base
        drawn, note, over = engine.of(number)
        own = hourly.loc[:, (zones == number).to_numpy()]
        rows[number] = _class_row(air, own, series, clock, zones, number, options)
        rows[number] |= {"interval_over": over, "note": note}
        for name, mask in subsets.items():
            parts.append(engine.summary(series, drawn, mask) | {"lcz": number, "subset": name})
        rows[number] |= {k: parts[-len(subsets)][k] for k in ("difference", "ci_low", "ci_high")}
        if number in reference.classes and len(reference.classes) == 1:
            rows[number] |= {"note": "reference"}
        diurnal.append(engine.by_hour(series, drawn).assign(lcz=number))
        hour_month.append(_by_hour_and_month(series, clock).assign(lcz=number))
    stations = pd.DataFrame({
        "lcz": zones,
        "n_hours": hourly.notna().sum(),
        "mean": air.mean(),
        "difference": hourly.agg(options.statistic),
        "night_difference": hourly[clock.night].agg(options.statistic),
    })  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "lcz"
    first = ["lcz", "subset"]
    part_table = pd.DataFrame(parts)
    part_table = part_table[first + [c for c in part_table if c not in first]]
    return CanopyHeatIsland(
        table, stations, hourly, pd.concat(diurnal, ignore_index=True),
        pd.concat(hour_month, ignore_index=True), part_table, reference, facts, options, bias,
    )  # fmt: skip


def _at_one_height(air: pd.DataFrame, sites: gpd.GeoDataFrame, lapse_rate: float) -> pd.DataFrame:
    heights = sites.loc[air.columns, "elevation"]
    if heights.isna().any():
        without = ", ".join(map(str, heights.index[heights.isna()]))
        msg = (
            f"A lapse rate needs every station's elevation; {without} has none: give --elevation, or "
            "leave such stations out."
        )
        raise InputError(msg)
    return air + (heights - heights.mean()) * lapse_rate


@dataclass(frozen=True)
class _Clock:
    """Local solar hour, month, day (from solar noon to noon: a night is one) and night of each hour."""

    hour: np.ndarray
    month: np.ndarray
    day: np.ndarray
    night_of: np.ndarray
    night: np.ndarray

    @classmethod
    def of(cls, times: pd.DatetimeIndex, sites: gpd.GeoDataFrame) -> _Clock:
        latitude, longitude = float(sites.geometry.y.mean()), mean_longitude(sites.geometry.x)
        solar = local_solar_time(times, longitude)
        shift = pd.to_timedelta(longitude / 15, unit="h")
        local = (
            times.tz_localize(None) + shift if times.tz is None else times.tz_convert(None) + shift
        )
        day = local.normalize().to_numpy()
        evening = (local - pd.Timedelta(hours=12)).normalize().to_numpy()
        dark = solar_elevation(times, latitude, longitude) < 0
        return cls(np.floor(solar).astype(int), local.month.to_numpy(), day, evening, dark)


class _Replicates:
    """Bootstrap replicates of the hourly class differences: stations first, then blocks of days."""

    def __init__(
        self,
        air: pd.DataFrame,
        zones: pd.Series,
        reference: Reference,
        clock: _Clock,
        options: CanopyOptions,
    ) -> None:
        self.options, self.clock, self.zones = options, clock, zones
        self.values = air.to_numpy(np.float32)
        self.rng = np.random.default_rng(options.seed)
        days = (clock.day - clock.day.min()).astype("timedelta64[D]").astype(int)
        self.block = days // options.day_block
        self.n_blocks = int(self.block.max()) + 1
        shares = np.full(self.n_blocks, 1 / self.n_blocks)
        drawn = self.rng.multinomial(self.n_blocks, shares, options.replicates)
        self.day_weights = drawn.T.astype(np.float32)[self.block]  # (hours, replicates)
        self.is_reference = zones.isin(reference.classes).to_numpy()
        self.reference = self._means(self.is_reference)
        self.effective = float(self.n_blocks)

    def of(self, number: int) -> tuple[np.ndarray, str, str]:
        """Hourly differences of one class in each replicate, a note, and what was drawn."""
        mask = (self.zones == number).to_numpy()
        n, m = int(mask.sum()), int(self.is_reference.sum())
        same = bool((mask == self.is_reference).all())
        own = self.reference if same else self._means(mask)
        drawn = [k for k in (n, m) if k >= _FEWEST_STATIONS]
        self.effective = float(min([*drawn, self.n_blocks]))
        if len(drawn) == 2:
            return own - self.reference, "", "stations and days"
        few = [f"{n} in the class"] * (n < _FEWEST_STATIONS)
        few += [f"{m} in the reference"] * (m < _FEWEST_STATIONS)
        note = f"{' and '.join(few)}: the interval leaves out how such stations differ"
        over = (
            "days" if not drawn else f"{'class' if n in drawn else 'reference'} stations and days"
        )
        return own - self.reference, note, over

    def _means(self, mask: np.ndarray) -> np.ndarray:
        """Mean over drawn stations at each hour: (hours, replicates), NaN where none has data."""
        n, reps = int(mask.sum()), self.options.replicates
        if n >= _FEWEST_STATIONS:
            weights = self.rng.multinomial(n, np.full(n, 1 / n), reps).T.astype(np.float32)
        else:
            weights = np.ones((n, reps), np.float32)
        part = self.values[:, mask]
        known = np.isfinite(part)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (np.where(known, part, 0) @ weights) / (known.astype(np.float32) @ weights)

    def summary(self, series: pd.Series, drawn: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
        """The statistic over some of the hours, with its interval."""
        values = series.to_numpy()[mask]
        n = int(np.isfinite(values).sum())
        row = {"difference": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n_hours": n}
        if not n:
            return row
        row["difference"] = float(getattr(np, "nan" + self.options.statistic)(values))
        part, weights = drawn[mask], self.day_weights[mask]
        if self.options.statistic == "mean":
            known = np.isfinite(part)
            with np.errstate(invalid="ignore", divide="ignore"):
                total = (np.where(known, part, 0) * weights).sum(0)
                replicates = total / np.where(known, weights, 0).sum(0)
        else:
            replicates = np.array([
                _weighted_median(part[:, r], weights[:, r]) for r in range(part.shape[1])
            ])  # fmt: skip
        used = np.unique(self.block[mask]).size
        low, high = percentile_interval(
            replicates, row["difference"], self.options.confidence, min(self.effective, used)
        )
        return row | {"ci_low": low, "ci_high": high}

    def by_hour(self, series: pd.Series, drawn: np.ndarray) -> pd.DataFrame:
        """Mean difference at each local solar hour, with its interval."""
        hours = self.clock.hour
        pick = sparse.csr_matrix(
            (np.ones(hours.size, np.float32), (hours, np.arange(hours.size))), (24, hours.size)
        )
        known = np.isfinite(drawn)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = pick @ (np.where(known, drawn, 0) * self.day_weights)
            replicates = total / (pick @ np.where(known, self.day_weights, 0))
        means = series.groupby(hours).agg(["mean", "count"])
        rows = []
        for hour, row in means.iterrows():
            low, high = percentile_interval(
                replicates[hour], row["mean"], self.options.confidence, self.effective
            )
            rows.append((hour, row["mean"], low, high, int(row["count"])))
        return pd.DataFrame(rows, columns=["hour", "difference", "ci_low", "ci_high", "n_hours"])


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    usable = np.isfinite(values) & (weights > 0)
    if not usable.any():
        return np.nan
    order = np.argsort(values[usable])
    cumulative = np.cumsum(weights[usable][order])
    return float(values[usable][order][np.searchsorted(cumulative, cumulative[-1] / 2)])


def _class_row(
    air: pd.DataFrame,
    own: pd.DataFrame,
    series: pd.Series,
    clock: _Clock,
    zones: pd.Series,
    number: int,
    options: CanopyOptions,
) -> dict[str, Any]:
    temperature = air.loc[:, (zones == number).to_numpy()].mean(axis=1)
    nightly = series[clock.night].groupby(clock.night_of[clock.night]).agg(["max", "count"])
    nightly = nightly[nightly["count"] >= 4]["max"]  # a night with a few hours has no maximum
    return {
        "code": CLASSES[number - 1].code,
        "n_stations": int(own.shape[1]),
        "n_hours": int(series.notna().sum()),
        "mean": float(temperature.mean()),
        "median": float(temperature.median()),
        "station_sd": float(own.agg(options.statistic).std(ddof=1)) if own.shape[1] > 1 else np.nan,
        "night_maximum": float(nightly.mean()) if nightly.size else np.nan,
        "n_nights": int(nightly.size),
    }


def _by_hour_and_month(series: pd.Series, clock: _Clock) -> pd.DataFrame:
    table = series.groupby([clock.month, clock.hour]).agg(["mean", "count"])
    table.index.names = ["month", "hour"]
    return table.rename(columns={"mean": "difference", "count": "n_hours"}).reset_index()
