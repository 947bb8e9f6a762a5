"""Several thermal scenes: on one grid, day and night apart, their median and each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import csgraph

from lczlib.analysis.heat.alignment import Resample, align
from lczlib.analysis.heat.solar import local_solar_time, solar_elevation
from lczlib.errors import InputError
from lczlib.grid import geobox_of, same_grid, to_grid
from lczlib.longitudes import centre_of
from lczlib.scenes.thermal import Thermal
from lczlib.scenes.thermal_quality import NO_LAYER
from lczlib.terms import option

_POLISHED = 50_000
_ROUNDS = 10
_OF_DATES = ("time", "scene", "clouds", "cloudy")


def stack(
    scenes: Sequence[Thermal], lcz: xr.DataArray, resample: Resample | None = None
) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Bring scenes and an LCZ map to the grid that suits the first scene.

    Returns
    -------
    temperature : DataArray (time, y, x)
        degC; coordinates ``scene`` (the file), ``time`` (NaT where not known), and of surfaces
        ``clouds`` (the quality layer) and ``cloudy`` (pixels that it masks).
    lcz : DataArray (y, x)
    method : str
        How they came there (:func:`lczlib.analysis.heat.alignment.align`); scenes of another
        footprint are brought to the first one's grid by nearest neighbour.
    """
    first = align(scenes[0].temperature, lcz, resample)
    box = geobox_of(first.temperature)
    layers = [first.temperature]
    for scene in scenes[1:]:
        moved = scene.temperature
        if not same_grid(geobox_of(moved), box):
            finer = abs(geobox_of(moved).affine.a) < abs(box.affine.a)
            moved = to_grid(moved, box, "average" if finer else "nearest")
        layers.append(first.temperature.copy(data=np.asarray(moved.data)))
    times = np.array([s.time or np.datetime64("NaT") for s in scenes], "datetime64[s]")
    names = [str(s.temperature.attrs.get("source", i)) for i, s in enumerate(scenes)]
    # a single scene is not copied
    one = layers[0].expand_dims("time") if len(layers) == 1 else xr.concat(layers, "time")
    out = one.assign_coords(time=times, scene=("time", names))
    out = out.assign_attrs({k: v for k, v in first.temperature.attrs.items() if k != "clouds"})
    layers_used = [s.temperature.attrs.get("clouds") for s in scenes]
    if None not in layers_used:  # of the surface
        cloudy = [s.counts.get("cloud_or_poor") or 0 for s in scenes]
        out = out.assign_coords(clouds=("time", layers_used), cloudy=("time", cloudy))
    return out, first.lcz, first.method


def one_date(temperature: xr.DataArray, date: int) -> xr.DataArray:
    """One scene (y, x) of a stack, with its own ``clouds`` in words."""
    part = temperature.isel(time=slice(date, date + 1))
    out = part[0].drop_vars(_OF_DATES, errors="ignore")
    return _with_clouds(out, part)


def composite(temperature: xr.DataArray) -> xr.DataArray:
    """The only scene of a stack (time, y, x), or the median of several; ``clouds`` in words."""
    if temperature.sizes["time"] == 1:
        return one_date(temperature, 0)
    return _with_clouds(median_composite(temperature), temperature)


def _with_clouds(out: xr.DataArray, dates: xr.DataArray) -> xr.DataArray:
    return out.assign_attrs(clouds=clouds_of(dates)) if "clouds" in dates.coords else out


def clouds_of(dates: xr.DataArray) -> str:
    """How clouds were removed from the dates of a stack (time, y, x), in words.

    It ends with :data:`lczlib.scenes.thermal_quality.NO_LAYER` where a date has no quality layer.
    """
    layers = [str(layer) for layer in dates["clouds"].to_numpy()]
    without = layers.count(NO_LAYER)
    if without == len(layers):
        return NO_LAYER
    used = ", ".join(dict.fromkeys(layer for layer in layers if layer != NO_LAYER))
    some = f"; {without} of {len(layers)} dates have {NO_LAYER}" if without else ""
    return f"{int(dates['cloudy'].sum()):,} cloudy or poor by {used}{some}"


def overpasses(scenes: Sequence[Thermal]) -> list[dict[str, object]]:
    """Time of each scene at its centre: ``time`` (UTC), ``solar_hour``, ``day``, ``overpass`` (day or night).

    A scene is of the day when the sun stands above the horizon; ``day`` is the local one, of a night
    that of its evening. What is not known is None.
    """
    out = []
    for scene in scenes:
        row: dict[str, object] = {
            "time": None, "solar_hour": None, "day": None, "overpass": scene.overpass,
        }  # fmt: skip
        if scene.time is not None:
            centre = centre_of(geobox_of(scene.temperature))
            when = pd.DatetimeIndex([scene.time])
            row["time"] = str(scene.time) + "Z"
            row["solar_hour"] = round(float(local_solar_time(when, centre[0])[0]), 2)
            if scene.overpass is None:
                high = solar_elevation(when, centre[1], centre[0])[0] > 0
                row["overpass"] = "day" if high else "night"
            since = centre[0] / 15 - 12 * (row["overpass"] == "night")  # hours
            row["day"] = str((when + pd.Timedelta(hours=since))[0].date())
        out.append(row)
    return out


def split_by_overpass(facts: Sequence[dict[str, object]]) -> dict[str, list[int]]:
    """Scene numbers by overpass; day and night are never put into one composite.

    Raises
    ------
    InputError
        If some scenes tell their overpass and others do not.
    """
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(facts):
        groups.setdefault(str(row["overpass"] or "time not stated"), []).append(i)
    if len(groups) > 1 and "time not stated" in groups:
        msg = (
            f"{len(groups['time not stated'])} of {len(facts)} scenes tell no acquisition time, so day "
            f"and night cannot be kept apart: state it with {option('time')}, once for each raster."
        )
        raise InputError(msg)
    return groups


def date_levels(temperature: xr.DataArray) -> np.ndarray:
    """How far each date of a stack (time, y, x) is above the middle one, K: (time,); 0 without gaps.

    Where clouds hide other pixels on other dates, a pixel that is seen on warm dates alone would pass for
    warm. A median polish of pixels and dates (Tukey 1977, Exploratory Data Analysis) tells dates and
    places apart; of large stacks it sees a sample of the pixels that have at least two dates.
    """
    values = np.asarray(temperature.data).reshape(temperature.sizes["time"], -1)
    n = np.isfinite(values).sum(axis=0)
    levels = np.zeros(len(values))
    if not ((n > 0) & (n < len(values))).any():
        return levels
    several = np.flatnonzero(n > 1)
    part = values[:, several[:: max(1, several.size // _POLISHED)]].astype(float)
    seen = np.isfinite(part).any(axis=1)
    if seen.sum() < 2:
        return levels
    part = part[seen]
    for _ in range(_ROUNDS):
        place = np.nanmedian(part - levels[seen, None], axis=0)
        levels[seen] = np.nanmedian(part - place, axis=1)
        levels[seen] -= np.median(levels[seen])
    return levels


def dates_apart(temperature: xr.DataArray) -> np.ndarray:
    """Which dates of a stack (time, y, x) see no pixel that most others see, by way of others or not: (time,) bool.

    Nothing tells how warm such a date was beside the others: it has no level that `date_levels` could know.
    """
    if temperature.sizes["time"] == 1:
        return np.zeros(1, bool)
    seen = np.isfinite(np.asarray(temperature.data)).reshape(temperature.sizes["time"], -1)
    counts = seen.astype(np.float32)
    _, group = csgraph.connected_components(counts @ counts.T > 0, directed=False)
    some = seen.any(axis=1)
    if not some.any():
        return np.zeros(len(seen), bool)
    pixels = np.bincount(group, seen.sum(axis=1))
    return some & (group != pixels.argmax())


def median_composite(temperature: xr.DataArray, min_dates: int = 1) -> xr.DataArray:
    """Median over time of the dates with a temperature; NaN where fewer than `min_dates`.

    Dates with gaps are brought to one level first (`date_levels`).
    """
    n = temperature.notnull().sum("time")
    levels = xr.DataArray(date_levels(temperature).astype(np.float32), dims="time")
    out = (temperature - levels).median("time", skipna=True).where(n >= min_dates)
    return out.astype(np.float32).assign_attrs(temperature.attrs).rename("temperature")
