"""The heat island of a study's zones: the jobs' requests from its settings, and what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import xarray as xr

from lczlib.errors import InputError
from lczlib.jobs import air_heat, canopy_heat, surface_heat
from lczlib.jobs.canopy_heat import CanopyHeat, CanopyHeatRequest
from lczlib.jobs.heat_words import level_of
from lczlib.jobs.pixel_heat import Overpass, PixelHeat
from lczlib.jobs.request import Cancel, Progress, Request
from lczlib.study.heat_inputs import NAMES, REQUESTS, HeatInputs
from lczlib.study.material import Maps, Material
from lczlib.study.settings import told

_RUN = {"surface": surface_heat.run, "air": air_heat.run, "canopy": canopy_heat.run}


@dataclass(frozen=True)
class Heat:
    """What is shown of a heat island: of rasters, one overpass.

    Attributes
    ----------
    job : PixelHeat or CanopyHeat
        The result, whole.
    wanted : str
        ``day`` or ``night``.
    """

    job: PixelHeat | CanopyHeat
    wanted: str

    @property
    def overpass(self) -> Overpass | None:
        """The overpass that is shown: the wanted one, else the only one; none of stations."""
        if isinstance(self.job, CanopyHeat):
            return None
        return self.job.overpasses.get(self.wanted, self.job.main)

    @property
    def kind(self) -> str:
        """``surface`` or ``canopy``."""
        return self.job.kind

    @property
    def result(self) -> Any:
        """SurfaceHeatIsland of pixels, CanopyHeatIsland of stations."""
        one = self.overpass
        return self.job.result if one is None else one.result

    @property
    def pixels(self) -> bool:
        """Whether it is read from the pixels of rasters, not from stations."""
        return self.job.pixels

    @property
    def method(self) -> str:
        """How it was made, in words."""
        one = self.overpass
        return self.job.method() if one is None else self.job.method(one.name)

    @property
    def stations(self) -> gpd.GeoDataFrame | None:
        """Sites of stations with their zones; none of rasters."""
        return self.job.stations if isinstance(self.job, CanopyHeat) else None

    @property
    def persistence(self) -> xr.DataArray | None:
        """With several dates: the share of them on which a pixel is hot."""
        one = self.overpass
        return None if one is None else one.persistence

    @property
    def counted(self) -> tuple[str, str]:
        """The columns of what was counted: pixels and patches, or stations and hours."""
        return ("n_pixels", "n_patches") if self.pixels else ("n_stations", "n_hours")

    @property
    def level(self) -> str:
        """Confidence of the intervals, ``95%``."""
        return level_of(self.result)

    @property
    def measures(self) -> Mapping[str, Any]:
        """The further measures; none of stations."""
        one = self.overpass
        return {} if one is None else one.further.facts

    def sentence(self) -> str:
        """The result in a sentence, with its uncertainty."""
        one = self.overpass
        return self.job.sentence() if one is None else self.job.sentence(one.name)


def heat_island(
    material: Material,
    lcz: xr.DataArray,
    maps: Maps | None,
    v: Mapping[str, Any],
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> Heat:
    """The surface or canopy heat island of a map's zones.

    Parameters
    ----------
    material : Material
        The place.
    lcz : DataArray (y, x)
        The map.
    maps : Maps or None
        Results with probabilities, for the map's own error.
    v : mapping
        The settings of `lczlib.study.heat_inputs.HeatInputs`.
    progress, cancelled
        As of all jobs.

    Raises
    ------
    InputError, GridError
        If data are missing or do not fit together.
    """
    request = heat_request(material, lcz, maps, v)
    found = _RUN[v["heat_kind"]](request, progress=progress, cancelled=cancelled)
    heat = Heat(found, v["heat_time"])
    _ = heat.persistence  # computed here, and not when it is first shown
    return heat


def heat_request(
    material: Material, lcz: xr.DataArray, maps: Maps | None, v: Mapping[str, Any]
) -> Request:
    """The request that a study's settings stand for; see `heat_island`."""
    kind = v["heat_kind"]
    request = REQUESTS[kind]
    given = told(v, request, NAMES[kind], HeatInputs) | {"map_path": lcz}
    elevation = v["elevation_files"][:1] or (
        (material.beside("elevation.tif"),) if v["heat_place_elevation"] else ()
    )
    if elevation and elevation[0] is not None:
        given["elevation"] = elevation[0]
    if request is CanopyHeatRequest:
        return request(**given, **_stations(material, v))
    if v["heat_map_error"]:
        given["probabilities"] = _probabilities(maps, v["heat_map"])
    return request(**given, **_rasters(material, v, kind))


def _probabilities(maps: Maps | None, name: str) -> xr.DataArray:
    found = maps.probabilities.get(name) if maps is not None else None
    if found is None:
        msg = (
            "The map's own error needs its class probabilities, which this map does not have: "
            "choose a map made here, or leave that out."
        )
        raise InputError(msg)
    return found


def _rasters(material: Material, v: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Own rasters, else the surface temperatures that lie beside the scenes."""
    name, files = ("air", v["air_files"]) if kind == "air" else ("lst", v["thermal_files"])
    if files:
        others = {n: v[f"{n}_files"][0] for n in ("quality", "mtl") if v[f"{n}_files"]}
        return {name: files, **(others if kind == "surface" else {})}
    beside = material.beside("lst.tif") if kind == "surface" else None
    if beside is None:
        what = "thermal raster" if kind == "surface" else "raster of air temperature"
        msg = f"There is no {what} of {material.place.name}: upload one on the City page."
        raise InputError(msg)
    return {name: (beside,), "band": v["heat_time"]}


def _stations(material: Material, v: Mapping[str, Any]) -> dict[str, Any]:
    """Own stations, else those that lie beside the scenes."""
    found = {
        n: v[called][0]
        for n, called in (("station_classes", "station_class_files"), ("weather", "weather_files"))
        if v[called]
    }
    files = v["station_files"] or (
        material.beside("air_temperature.csv"), material.beside("stations.gpkg"),
    )  # fmt: skip
    if files[0] is None or files[-1] is None:
        msg = f"There are no air temperatures of {material.place.name}: upload stations on the City page."
        raise InputError(msg)
    return found | {"stations": files[0], "sites": files[1] if len(files) > 1 else None}
