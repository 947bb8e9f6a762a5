"""Surface water of a study: the job's request from its settings, and how LCZ G agrees with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import check_same_grid
from lczlib.jobs import water as job
from lczlib.jobs.request import Cancel, Progress
from lczlib.jobs.water import WaterRequest
from lczlib.rasters import open_raster
from lczlib.reading import quiet
from lczlib.study.given import Given
from lczlib.study.material import Material
from lczlib.study.settings import told
from lczlib.study.water_inputs import NAMES, WATER_INPUTS, WaterInputs
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.jobs.water_result import WaterResult

_OF_SCENES = {name: called for name, called in NAMES.items() if called in WATER_INPUTS}
_OF_PLACE = {n: c for n, c in _OF_SCENES.items() if n not in ("dn_scale", "units", "dates")}


def water_request(given: Given) -> WaterRequest:
    """The request that a study's settings stand for: own Sentinel-1 files, else the place's radar scene.

    Parameters
    ----------
    given : Given
        The scene, the device, and the settings of `lczlib.study.water_inputs.WATER_INPUTS`.

    Returns
    -------
    WaterRequest
        Several scenes ordered by date.

    Raises
    ------
    InputError, GridError
        If there is no radar scene, or several files have no dates or differing grids.
    """
    always = {"orbit": given.water_orbit, "device": given.device}
    if given.water_files:
        settings = told(given, WaterRequest, _OF_SCENES, WaterInputs) | always
        descending = given.water_descending_files if given.water_orbit == "as_des" else ()
        request = WaterRequest(inputs=given.water_files, descending=descending, **settings)
        request = _by_date(request)
        _check_grids(request.inputs)
        return request
    material: Material = given.scene
    if material.radar is None:
        msg = (
            f"There is no Sentinel-1 scene of {material.place.name}: upload one (VV and VH) "
            "on the City page."
        )
        raise InputError(msg)
    settings = told(given, WaterRequest, _OF_PLACE, WaterInputs) | always
    return WaterRequest(inputs=(backscatter(material.radar),), **settings)


def _by_date(request: WaterRequest) -> WaterRequest:
    """The same with its files in the order of their dates."""
    days = request.days()
    undated = [Path(path).name for path, day in zip(request.inputs, days, strict=True) if not day]
    if len(days) == 1:
        return request
    if undated:
        msg = (
            f"{undated[0]} has no date in its name, which several Sentinel-1 files need: name it "
            f"like S1_2021-07.tif, or give all dates ({option('dates')})."
        )
        raise InputError(msg, parameter="dates")
    order = sorted(range(len(days)), key=days.__getitem__)
    lists = {
        name: tuple(values[i] for i in order)
        for name in ("inputs", "descending", "dates")
        if (values := getattr(request, name))
    }
    return replace(request, **lists)


def _check_grids(paths: Sequence[str]) -> None:
    opened = [open_raster(path, "Sentinel-1 scene", chunks={}) for path in paths]
    for path, other in zip(paths[1:], opened[1:], strict=True):
        check_same_grid(opened[0], other, (Path(paths[0]).name, Path(path).name))


def water_scenes(given: Given) -> list[xr.DataArray]:
    """What surface water is mapped from, see `water_request`: scenes (band, y, x) in dB by date.

    Raises
    ------
    InputError, GridError
        See `water_request`, or if a file holds no scene that can be mapped.
    """
    request = water_request(given)
    with _once(given):
        return request.scenes()


def map_water(
    given: Given,
    scratch: Path,
    *,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> WaterResult:
    """Surface water by GMNet, of own Sentinel-1 files or of the place's radar scene.

    Parameters
    ----------
    given : Given
        See `water_request`.
    scratch : path
        Folder of the study, for layers that are too large for memory.
    progress, cancelled
        As of all jobs.

    Raises
    ------
    InputError, GridError
        See `water_scenes`.
    """
    request = water_request(given)
    with _once(given):
        return job.run(request, progress=progress, cancelled=cancelled, scratch=scratch)


def _once(given: Given) -> AbstractContextManager[Any]:
    """What is missing of the place's radar scene was told when that was opened."""
    return nullcontext() if given.water_files else quiet()


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
    """Surface water at the threshold of the study, and LCZ G against it.

    Attributes
    ----------
    result : WaterResult
    against_lcz : dict of str to dict
        Agreement of LCZ G with the water map, by map.
    """

    result: WaterResult
    against_lcz: dict[str, dict[str, Any]]

    @property
    def months(self) -> list[str]:
        """Of a series, like 2021-07; none of a single scene."""
        return self.result.series.months if self.result.series else []

    @property
    def probability(self) -> xr.DataArray:
        """Of the scene (y, x), or the mean of each month (time, y, x)."""
        return self._shown.probability

    @property
    def dark(self) -> xr.DataArray:
        """Where the scene is as dark as open water, or the share of the month's scenes."""
        return self._shown.dark

    @property
    def area(self) -> xr.Dataset:
        """As of `lczlib.analysis.water_area.water_area`."""
        return self._shown.area

    @property
    def occurrence(self) -> xr.DataArray | None:
        """Share of months with water, of a series."""
        return self.result.series.occurrence["occurrence"] if self.result.series else None

    @property
    def _shown(self) -> Any:
        return self.result.series or self.result.scenes[0]

    def scene_of(self, month: str) -> xr.DataArray:
        """The last radar scene of a month like 2021-07; without such a month, the last of all."""
        ordered = self.result.scenes
        of_month = [s for s in ordered if str(s.date).startswith(month)] if month else []
        return (of_month or ordered)[-1].backscatter


def water_summary(
    water: WaterResult, threshold: float, maps: Mapping[str, xr.DataArray]
) -> WaterSummary:
    """Surface water at a threshold, measured, and how LCZ G agrees with it in the latest month."""
    from lczlib.analysis.water_check import compare_with_lcz
    from lczlib.mapping.water import water_of

    summary = WaterSummary(water.at(threshold), {})
    _ = summary.area  # computed here, and not when it is first shown
    last = summary.probability.isel(time=-1) if summary.months else summary.probability
    mapped = water_of(last, threshold).compute()
    for name, lcz in maps.items():
        try:
            summary.against_lcz[name] = compare_with_lcz(lcz, mapped)
        except InputError:  # a map of another place has no cell in common
            continue
    return summary
