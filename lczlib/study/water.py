"""Surface water of a study: the map, its area, and how LCZ G agrees with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lczlib.errors import Cancelled, InputError
from lczlib.grid import check_same_grid
from lczlib.reading import quiet
from lczlib.scenes.radar_units import Units
from lczlib.study.material import Material


@dataclass(frozen=True)
class Water:
    """Water probabilities of one or several dates.

    Attributes
    ----------
    probability : DataArray (y, x) or (time, y, x)
        Ordered by date.
    dark : DataArray, same shape
        Where the scenes are as dark as open water, see
        `lczlib.analysis.water_area.dark_as_water`.
    scenes : tuple of DataArray (band, y, x)
        dB, ordered by date; those of files are read when they are needed.
    orbit : str
    """

    probability: xr.DataArray
    dark: xr.DataArray
    scenes: tuple[xr.DataArray, ...]
    orbit: str

    def scene_of(self, month: str) -> xr.DataArray:
        """The last scene of a month like 2021-07; without such a month, the last of all."""
        if "time" in self.probability.dims:
            months = [str(t)[:7] for t in self.probability["time"].values]
            for scene, of in zip(reversed(self.scenes), reversed(months), strict=True):
                if of == month:
                    return scene
        return self.scenes[-1]


def water_scenes(
    material: Material,
    files: Sequence[str],
    orbit: str,
    *,
    units: Units = "db",
    dn_scale: float = 1.0,
) -> tuple[list[date | None], list[xr.DataArray]]:
    """What surface water is mapped from: own Sentinel-1 files, else the place's radar scene.

    Parameters
    ----------
    material : Material
        Of the place.
    files : sequence of path
        Each with VV and VH.
    orbit : {"as", "des", "as_des"}
        Of all scenes.
    units, dn_scale
        Of the files, see `lczlib.mapping.water_scene.open_water_scene`.

    Returns
    -------
    tuple
        Dates, None where unknown, and scenes (band, y, x) in dB, in their order.

    Raises
    ------
    InputError, GridError
        If there is no radar scene, a file holds none, or several have no dates or differing grids.
    """
    from lczlib.mapping.water_scene import open_water_scene, water_scene

    if files:
        dates, paths = _by_date(files)
        scenes = [open_water_scene(p, orbit, units=units, dn_scale=dn_scale) for p in paths]
        _check_grids(paths, scenes)
        return dates, scenes
    if material.radar is None:
        msg = (
            f"There is no Sentinel-1 scene of {material.place.name}: upload one (VV and VH) "
            "on the City page."
        )
        raise InputError(msg)
    with quiet():  # what is missing of its file was told when that was opened
        return [None], [water_scene(backscatter(material.radar), orbit)]


def map_water(
    material: Material,
    v: Mapping[str, Any],
    progress: Callable[[str, int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Water:
    """Surface water by GMNet, of own Sentinel-1 files or of the place's radar scene."""
    from lczlib.analysis.water_area import dark_as_water
    from lczlib.mapping.water import load_water_model, water_map
    from lczlib.mapping.water_files import as_series

    orbit = v["water_orbit"]
    dates, scenes = water_scenes(
        material, v["water_files"], orbit, units=v["water_units"], dn_scale=v["water_dn_scale"]
    )
    model = load_water_model(orbit)
    parts = []
    for i, scene in enumerate(scenes):

        def report(done: int, total: int, at: int = i) -> None:
            if cancelled and cancelled():
                msg = "Stopped by the user."
                raise Cancelled(msg)
            if progress:
                progress("water", at * total + done, total * len(scenes))

        mapped = water_map(scene, orbit, model=model, progress=report)
        parts.append((mapped["probability"], dark_as_water(scene).compute()))
    if len(parts) == 1:
        return Water(*parts[0], tuple(scenes), orbit)
    probability, dark = (as_series(layers, dates) for layers in zip(*parts, strict=True))
    return Water(probability, dark, tuple(scenes), orbit)


def _by_date(paths: Sequence[str]) -> tuple[list[date | None], list[str]]:
    """Dates from the names of files, and the files in their order."""
    from lczlib.mapping.water_files import date_in_name

    dates = {path: date_in_name(path) for path in paths}
    if len(paths) == 1:
        return list(dates.values()), list(paths)
    undated = [Path(path).name for path, day in dates.items() if day is None]
    if undated:
        msg = (
            f"{undated[0]} has no date in its name, which several Sentinel-1 files need: name it "
            "like S1_2021-07.tif."
        )
        raise InputError(msg)
    ordered = sorted(paths, key=lambda path: dates[path])  # type: ignore[arg-type, return-value]
    return [dates[path] for path in ordered], ordered


def _check_grids(paths: Sequence[str], scenes: Sequence[xr.DataArray]) -> None:
    for path, scene in zip(paths[1:], scenes[1:], strict=True):
        check_same_grid(scenes[0], scene, (Path(paths[0]).name, Path(path).name))


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
    probability : DataArray (y, x) or (time, y, x)
        Of the scene, or the mean of each month.
    dark : DataArray, same shape
        Where the scene is as dark as open water, or the share of the month's scenes.
    area : Dataset
        As of `lczlib.analysis.water_area.water_area`.
    occurrence : DataArray or None
        Share of months with water, of a series.
    against_lcz : dict of str to dict
        Agreement of LCZ G with the water map, by map.
    """

    water: xr.DataArray
    probability: xr.DataArray
    dark: xr.DataArray
    area: xr.Dataset
    occurrence: xr.DataArray | None
    against_lcz: dict[str, dict[str, Any]]

    @property
    def months(self) -> list[str]:
        """Of a series, like 2021-07; none of a single scene."""
        if "time" not in self.area.dims:
            return []
        return [str(t)[:7] for t in self.area["time"].values]


def water_summary(water: Water, threshold: float, maps: Mapping[str, xr.DataArray]) -> WaterSummary:
    """Water map, area, occurrence, and how LCZ G agrees with it."""
    from lczlib.analysis.water_area import water_area
    from lczlib.analysis.water_check import compare_with_lcz
    from lczlib.analysis.water_dynamics import monthly, water_occurrence
    from lczlib.mapping.water import water_of

    probability, dark, occurrence = water.probability, water.dark, None
    if "time" in probability.dims:
        probability, dark = monthly(probability), monthly(dark)
        occurrence = water_occurrence(probability, threshold=threshold)["occurrence"]
    last = probability.isel(time=-1) if "time" in probability.dims else probability
    mapped = water_of(last, threshold)
    checks = {}
    for name, lcz in maps.items():
        try:
            checks[name] = compare_with_lcz(lcz, mapped)
        except InputError:  # a map of another place has no cell in common
            continue
    area = water_area(probability, dark=dark, threshold=threshold)
    return WaterSummary(mapped, probability, dark, area, occurrence, checks)
