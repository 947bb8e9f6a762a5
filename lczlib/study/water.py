"""Surface water of a study: the map, its area, and how LCZ G agrees with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.errors import Cancelled, InputError
from lczlib.grid import geobox_of, same_grid
from lczlib.study.material import Material


@dataclass(frozen=True)
class Water:
    """Water probabilities of one or several dates.

    Attributes
    ----------
    probability : DataArray (y, x) or (time, y, x)
    radar : DataArray (band, y, x)
        The (last) scene in dB.
    orbit : str
    """

    probability: xr.DataArray
    radar: xr.DataArray
    orbit: str


def map_water(
    material: Material,
    v: Mapping[str, Any],
    progress: Callable[[str, int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Water:
    """Surface water by GMNet, of own Sentinel-1 files or of the place's radar scene."""
    from lczlib.mapping.water import load_water_model, water_map
    from lczlib.mapping.water_files import date_in_name
    from lczlib.mapping.water_scene import open_water_scene, water_scene

    orbit = v["water_orbit"]
    scenes: dict[str, xr.DataArray] = {}
    for path in v["water_files"]:
        scenes[path] = open_water_scene(path, orbit)
    if not scenes:
        if material.radar is None:
            msg = f"There is no Sentinel-1 scene of {material.place.name}: upload one (VV and VH in dB)."
            raise InputError(msg)
        scenes["scene"] = water_scene(backscatter(material.radar), orbit)
    model = load_water_model(orbit)
    parts, dates = [], []
    for i, (path, scene) in enumerate(scenes.items()):

        def report(done: int, total: int, at: int = i) -> None:
            if cancelled and cancelled():
                msg = "Stopped by the user."
                raise Cancelled(msg)
            if progress:
                progress("water", at * total + done, total * len(scenes))

        small = min(scene.shape[1:]) < 2048
        out = water_map(
            scene, orbit, edges="mirror" if small else "zero", model=model, progress=report
        )
        parts.append(out["probability"] if "probability" in out else out["water_probability"])
        dates.append(date_in_name(path))
    if len(parts) == 1:
        return Water(parts[0], scene, orbit)
    if None in dates:
        msg = "Several Sentinel-1 files need a date in each name, such as S1_2021-07.tif."
        raise InputError(msg)
    first = parts[0]
    for part in parts[1:]:
        if not same_grid(geobox_of(first), geobox_of(part)):
            msg = "The Sentinel-1 files lie on different grids: bring them to one grid first."
            raise InputError(msg)
    time = pd.DatetimeIndex(dates, name="time")
    series = xr.concat([p.assign_coords(x=first.x, y=first.y) for p in parts], time)
    return Water(series.sortby("time"), scene, orbit)


def backscatter(radar: xr.Dataset) -> xr.Dataset:
    """VV and VH in dB of a radar scene: as they are, or of the Lee-filtered intensities."""
    if "VV" in radar:
        return radar[["VV", "VH"]]
    if "VV_LEE_dB" in radar:
        return xr.Dataset({k: radar[f"{k}_LEE_dB"] for k in ("VV", "VH")})
    pairs = {"VV": "C22", "VH": "C11"}
    return xr.Dataset({k: 10 * np.log10(radar[c].where(radar[c] > 0)) for k, c in pairs.items()})


@dataclass(frozen=True)
class WaterSummary:
    """What follows from water probabilities at a threshold.

    Attributes
    ----------
    water : DataArray (y, x)
        1 water, 0 not, 255 no data (the latest month of a series).
    area : Dataset
        As of `lczlib.analysis.water_dynamics.water_area`.
    occurrence : DataArray or None
        Share of months with water, of a series.
    against_lcz : dict of str to dict
        Agreement of LCZ G with the water map, by map.
    """

    water: xr.DataArray
    area: xr.Dataset
    occurrence: xr.DataArray | None
    against_lcz: dict[str, dict[str, Any]]


def water_summary(water: Water, threshold: float, maps: Mapping[str, xr.DataArray]) -> WaterSummary:
    """Water map, area, occurrence, and how LCZ G agrees with it."""
    from lczlib.analysis.water_check import compare_with_lcz
    from lczlib.analysis.water_dynamics import monthly, water_area, water_occurrence
    from lczlib.mapping.water import water_of

    probability, occurrence = water.probability, None
    if "time" in probability.dims:
        probability = monthly(probability)
        occurrence = water_occurrence(probability, threshold=threshold)["occurrence"]
    last = probability.isel(time=-1) if "time" in probability.dims else probability
    mapped = water_of(last, threshold)
    checks = {}
    for name, lcz in maps.items():
        try:
            checks[name] = compare_with_lcz(lcz, mapped)
        except InputError:  # a map of another place has no cell in common
            continue
    return WaterSummary(mapped, water_area(probability, threshold=threshold), occurrence, checks)
