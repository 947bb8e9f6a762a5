"""The heat island of a study's zones: the jobs' requests from its settings, and what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import xarray as xr

from lczlib.analysis.heat.dates import Season
from lczlib.errors import InputError, Lacking
from lczlib.jobs import air_heat, canopy_heat, surface_heat
from lczlib.jobs.canopy_heat import CanopyHeat, CanopyHeatRequest
from lczlib.jobs.heat_words import level_of
from lczlib.jobs.pixel_heat import NO_TIME, Overpass, PixelHeat
from lczlib.jobs.request import Cancel, Progress, Request
from lczlib.study.given import Given
from lczlib.study.heat_beside import stations, surface_temperatures
from lczlib.study.heat_inputs import NAMES, REQUESTS, HeatInputs
from lczlib.study.material import Material
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
    def seasons(self) -> tuple[Season, ...]:
        """With several dates: what each class differs by through a season."""
        one = self.overpass
        return () if one is None else one.seasons

    @property
    def doubt(self) -> str:
        """What is to be said of several dates, and where there is none of the wanted overpass; else empty."""
        one = self.overpass
        if one is None or one.name in (self.wanted, NO_TIME):
            return "" if one is None else one.doubt
        return f"There are no temperatures by {self.wanted}: those by {one.name} are shown. {one.doubt}".rstrip()

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
    given: Given,
    lcz: xr.DataArray,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> Heat:
    """The surface or canopy heat island of a map's zones.

    Parameters
    ----------
    given : Given
        The scene, the maps (their probabilities, for the map's own error), and the settings of
        `lczlib.study.heat_inputs.HeatInputs`.
    lcz : DataArray (y, x)
        The map.
    progress, cancelled
        As of all jobs.

    Raises
    ------
    InputError, GridError
        If data are missing or do not fit together.
    """
    request = heat_request(given, lcz)
    found = _RUN[given.heat_kind](request, progress=progress, cancelled=cancelled)
    heat = Heat(found, given.heat_time)
    _ = (
        heat.persistence,
        heat.seasons,
        heat.doubt,
    )  # computed here, and not when they are first shown
    return heat


def heat_request(given: Given, lcz: xr.DataArray) -> Request:
    """The request that a study's settings stand for; see `heat_island`."""
    kind = given.heat_kind
    request = REQUESTS[kind]
    settings = told(given, request, NAMES[kind], HeatInputs)
    if request is CanopyHeatRequest:
        files = station_files(given) | {"weather": _first(given.weather_files)}
    else:
        files = _rasters(given)
    return request(map_path=lcz, elevation=elevation(given), **(settings | files))


def elevation(given: Given) -> Any:
    """An own raster, else where asked for that beside the scenes."""
    if given.elevation_files:
        return given.elevation_files[0]
    return given.scene.beside("elevation.tif") if given.heat_place_elevation else None


def _probabilities(given: Given, needed: str = "") -> xr.DataArray | None:
    """Class probabilities of the map; refused where something `needed` has none, in words."""
    found = given.maps.probabilities.get(given.heat_map) if given.maps is not None else None
    if found is None and needed:
        msg = (
            f"{needed} needs its class probabilities, which this map does not have: "
            "choose a map made here, or leave that out."
        )
        raise InputError(msg)
    return found


def _rasters(given: Given) -> dict[str, Any]:
    """Own rasters, else the surface temperatures that lie beside the scenes."""
    needed = "The map's own error"
    common = {
        "probabilities": _probabilities(given, needed) if given.heat_map_error else None,
        "daily_maxima": _first(given.maxima_files),
    }
    if given.heat_kind == "air":
        if not given.air_files:
            raise _nothing(given.scene, "raster of air temperature")
        return common | {"air": given.air_files}
    if given.thermal_files:
        more = {"quality": _first(given.quality_files), "mtl": _first(given.mtl_files)}
        return common | {"lst": given.thermal_files, **more}
    rasters, band = surface_temperatures(given.scene, given.heat_time)
    if not rasters:
        raise _nothing(given.scene, "thermal raster")
    return common | {"lst": rasters, "band": band}


def _nothing(material: Material, what: str) -> Lacking:
    return Lacking(f"There is no {what} of {material.place.name}: upload one on the City page.")


def station_files(given: Given) -> dict[str, Any]:
    """Own stations, else those that lie beside the scenes, and what tells of their zones.

    Raises
    ------
    InputError
        If there are none, or their zones are to be told by probabilities that the map does not have.
    """
    material: Material = given.scene
    files = given.station_files or stations(material)
    if not files:
        msg = f"There are no air temperatures of {material.place.name}: upload stations on the City page."
        raise Lacking(msg)
    by_them = given.heat_station_zone == "probabilities"
    needed = "The map's most probable zone" if by_them else ""
    return {
        "probabilities": _probabilities(given, needed),
        "stations": files[0],
        "sites": files[1] if len(files) > 1 else None,
        "station_classes": _first(given.station_class_files),
    }


def _first(files: Sequence[str]) -> str | None:
    return files[0] if files else None
