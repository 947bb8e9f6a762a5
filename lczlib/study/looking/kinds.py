"""What a study takes files for, and the settings that say how each is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import param

from lczlib.study.heat_inputs import HeatInputs
from lczlib.study.map_inputs import OWN_MAPS, MapInputs, map_settings
from lczlib.study.scene_inputs import SceneInputs
from lczlib.study.water_inputs import WaterInputs
from lczlib.texts import N_

Form = Literal["raster", "vector", "table", "netcdf"]
_FORMS: dict[str, Form] = {
    ".tif": "raster", ".tiff": "raster",
    ".geojson": "vector", ".json": "vector", ".kml": "vector", ".kmz": "vector", ".gpkg": "vector",
    ".shp": "vector", ".zip": "vector",
    ".csv": "table", ".txt": "table", ".parquet": "table", ".nc": "netcdf",
}  # fmt: skip
_TABLES = (".csv", ".txt", ".parquet")


class Settings(MapInputs, SceneInputs, HeatInputs, WaterInputs):
    """What can be said of how files are read, before a study takes them: its own settings, apart from it."""


@dataclass(frozen=True)
class FileKind:
    """What a study takes a file for.

    Attributes
    ----------
    name : str
        Unlike that of any other.
    title : str
        In words, within a sentence: ``an LCZ map``; to be given to `lczlib.texts.text`.
    target : str
        The input of a study that it becomes; empty where nothing takes it.
    endings : tuple of str
        Of the files that can be it.
    several : bool
        Whether a study takes more than one.
    at_once : bool
        Whether its files make one input, which replaces the one before.
    settings : tuple of str
        The study's settings that say how it is read, the most asked for first.
    """

    name: str
    title: str
    target: str
    endings: tuple[str, ...]
    several: bool = False
    at_once: bool = False
    settings: tuple[str, ...] = ()


_RASTERS = (".tif", ".tiff")
_VECTORS = (".geojson", ".json", ".kml", ".gpkg", ".shp")
_MAP = ("scheme", "legend", "band", "nodata", "column", "layer")


def _said_of(which: str) -> tuple[str, ...]:
    known = map_settings(which)
    return tuple(sorted(known, key=lambda n: _MAP.index(n.removeprefix(f"{which}_"))))


_SCENE = ("s2_level", "s2_date", "s2_bands", "s2_scale", "s2_offset", "s2_nodata", "s2_keep_clouds")
_THERMAL = ("heat_unit", "heat_band", "heat_acquired", "heat_product")
_STATIONS = (
    "heat_air_unit", "heat_time_zone", "heat_time_format", "heat_columns", "heat_ambiguous",
    "heat_skip_outside", "heat_station_scheme",
)  # fmt: skip
_WATER = ("water_units", "water_dn_scale", "water_orbit")

KINDS: dict[str, FileKind] = {
    k.name: k
    for k in (
        FileKind(
            "scene",
            N_("a Sentinel-2 image"),
            "scene_files",
            _RASTERS,
            several=True,
            settings=_SCENE,
        ),
        FileKind(
            "radar", N_("a Sentinel-1 image"), "radar_files", _RASTERS, several=True, at_once=True
        ),
        FileKind(
            "reference",
            N_("a reference"),
            "reference_files",
            (*_RASTERS, *_VECTORS, ".csv", ".txt"),
            settings=_said_of("reference"),
        ),
        FileKind(
            "map",
            N_("an LCZ map"),
            "map_files",
            (*_RASTERS, *_VECTORS),
            settings=_said_of("map"),
        ),
        FileKind(
            "thermal",
            N_("surface temperature"),
            "thermal_files",
            _RASTERS,
            several=True,
            settings=_THERMAL,
        ),
        FileKind(
            "air",
            N_("air temperature"),
            "air_files",
            _RASTERS,
            several=True,
            settings=("heat_unit", "heat_band", "heat_acquired"),
        ),
        FileKind("quality", N_("a quality layer of temperatures"), "quality_files", _RASTERS),
        FileKind("mtl", N_("Landsat metadata"), "mtl_files", (".txt",)),
        FileKind("elevation", N_("elevation"), "elevation_files", _RASTERS),
        FileKind("coast", N_("a coast"), "coast_files", _VECTORS),
        FileKind(
            "stations",
            N_("air temperatures of stations"),
            "station_files",
            (*_TABLES, ".gpkg"),
            several=True,
            settings=_STATIONS,
        ),
        FileKind(
            "station_classes",
            N_("classes of stations set by hand"),
            "station_class_files",
            _TABLES,
            settings=("heat_station_scheme",),
        ),
        FileKind(
            "weather",
            N_("wind and cloud"),
            "weather_files",
            _TABLES,
            settings=("heat_time_zone", "heat_time_format", "heat_ambiguous"),
        ),
        FileKind("maxima", N_("daily maxima of the air"), "maxima_files", _TABLES),
        FileKind(
            "water",
            N_("Sentinel-1 for water"),
            "water_files",
            _RASTERS,
            several=True,
            settings=_WATER,
        ),
        FileKind(
            "water_descending",
            N_("the descending pass for water"),
            "water_descending_files",
            _RASTERS,
            several=True,
            settings=_WATER,
        ),
        FileKind("polygons", N_("polygons to sum over"), "polygon_files", _VECTORS),
        FileKind("geo_em", N_("a domain of WRF"), "geo_em_files", (".nc",)),
        FileKind("area", N_("an own area"), "area", _VECTORS),
    )
}
"""By their names, in the order in which they are offered."""
RECOGNISED = {
    "probabilities": N_(
        "class probabilities, which are made here with a map and cannot be given: give the map of classes itself"
    ),
    "index": N_("an index or another quantity that is no temperature and no class"),
}
"""What can be told of a file though nothing takes it."""


def form_of(path: str | Path) -> Form | None:
    """Whether a file is a raster, shapes, a table or NetCDF by its ending; None where it is none of these."""
    return _FORMS.get(Path(path).suffix.lower())


def kinds_for(path: str | Path) -> tuple[FileKind, ...]:
    """What a file of this ending can be given as."""
    ending = Path(path).suffix.lower()
    return tuple(k for k in KINDS.values() if ending in k.endings)


def settings_from(study: param.Parameterized, kind: FileKind) -> dict[str, object]:
    """What a study says now of how such files are read.

    Of maps and of the time of a raster it says nothing, for that is of one file.
    """
    own = {"heat_acquired", *(n for which in OWN_MAPS for n in map_settings(which))}
    return {n: getattr(study, n) for n in kind.settings if n not in own}
