"""Temperatures that lie beside the scenes of a place, for its heat island: of the demo, and of ``lcz get``."""

from __future__ import annotations

from pathlib import Path

import rasterio

from lczlib.acquire.folder import item_of
from lczlib.scenes.thermal_dates import dates_in
from lczlib.study.material import Material

_LST = "lst.tif"
_STATIONS = ("air_temperature.csv", "stations.gpkg")


def surface_temperatures(material: Material, overpass: str) -> tuple[tuple[Path, ...], str | None]:
    """Thermal rasters of a place, and which band of them is meant.

    Among the place's references lies one raster with a band for each overpass, or one of dates. In a folder
    that ``lcz get`` made lie rasters of dates, one a period; of several products only those of the first.

    Parameters
    ----------
    material : Material
        The scenes.
    overpass : {"day", "night"}
        The band that is meant where bands are named so.

    Returns
    -------
    tuple of Path
        None where there is no temperature.
    str or None
        None where rasters tell their dates, or name no band so: they are read as `lczlib.surface_heat` reads them.
    """
    beside = material.beside(_LST)
    if beside is not None:
        named = not dates_in(beside) and overpass in _bands(beside)
        return (beside,), overpass if named else None
    folder, told = _fetched(material, "surface_temperature")
    rasters = [r for r in told.get("rasters", ()) if r.get("files")]
    of_first = [r["files"][0] for r in rasters if r.get("product") == rasters[0].get("product")]
    return tuple(path for name in of_first if (path := _in(folder, name)) is not None), None


def stations(material: Material) -> tuple[Path, Path] | None:
    """Hours of stations and their sites; None where a place has none."""
    folder, _ = _fetched(material, "air_temperature")
    for found in (
        [material.beside(name) for name in _STATIONS],
        [_in(folder, name) for name in _STATIONS],
    ):
        if None not in found:
            return found[0], found[1]
    return None


def _fetched(material: Material, section: str) -> tuple[Path | None, dict]:
    """The folder of a place that ``lcz get`` made, and what its item tells of some temperatures."""
    folder = Path(material.inputs[0]) if len(material.inputs) == 1 else None
    if folder is None or not folder.is_dir():
        return None, {}
    item = item_of(folder)
    told = item.get("properties", {}).get(section)
    if item.get("id") != material.city or not isinstance(told, dict):
        return None, {}  # another place's: a folder may hold several cities
    return folder, told


def _in(folder: Path | None, name: str) -> Path | None:
    """A file right in a folder."""
    path = folder / name if folder and Path(name).name == name else None
    return path if path and path.is_file() else None


def _bands(path: Path) -> list[str]:
    try:
        with rasterio.open(path) as src:
            return [str(name).casefold() for name in src.descriptions]
    except (rasterio.errors.RasterioError, OSError):
        return []  # what is wrong with it is said where it is read
