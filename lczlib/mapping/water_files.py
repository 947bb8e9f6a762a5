"""Water maps as files: written tile by tile, and opened as one series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import rioxarray
import xarray as xr
from rasterio.windows import Window

from lczlib.errors import InputError
from lczlib.export import write_raster
from lczlib.export.files import writing
from lczlib.export.geotiff import PROBABILITY_NODATA, PROBABILITY_SCALE, gdal_writing
from lczlib.grid import check_same_grid, geobox_of
from lczlib.mapping.water import (
    WATER_NODATA,
    Edges,
    Progress,
    check_threshold,
    water_of,
    water_probability,
    water_tiles,
)
from lczlib.mapping.water_scene import Orbit
from lczlib.rasters import layer_of, open_raster, physical
from lczlib.temporary import TemporaryFolder

if TYPE_CHECKING:
    from lczlib.models.gmnet import GMNet

LAZY = {"y": 512, "x": -1}
"""Chunks in which layers are read where they need not fit into memory."""

WATER_COLORS = {0: (230, 226, 216), 1: (31, 97, 184), WATER_NODATA: (255, 255, 255)}

_GDAL_CACHE_MB = 64  # GDAL's own default, 5% of the machine's memory, would not be bounded
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01]))?(?!\d)"
)


def write_water_probability(
    scene: xr.DataArray,
    orbit: Orbit,
    folder: str | Path,
    name: str,
    *,
    model: GMNet,
    edges: Edges = "mirror",
    tags: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Map surface water into a file, in memory that does not grow with the scene.

    Parameters
    ----------
    scene : DataArray (band, y, x)
        From `open_water_scene` or `water_scene`.
    orbit, model, edges, progress
        See `lczlib.mapping.water.water_map`.
    folder, name : path, str
        Writes ``<name>_water_proba.tif`` (uint16, scale 1e-4, 65535 no data).
    tags : mapping, optional
        Its GeoTIFF metadata items.
    """
    folder = Path(folder)
    box = geobox_of(scene)
    profile = {
        "driver": "GTiff", "count": 1, "height": box.shape[0], "width": box.shape[1],
        "dtype": "float32", "crs": box.crs.to_wkt(), "transform": box.affine, "nodata": np.nan,
        "tiled": True, "blockxsize": 256, "blockysize": 256, "bigtiff": "if_safer",
    }  # fmt: skip
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    proba = folder / f"{name}_water_proba.tif"
    with (
        gdal_writing(proba),
        rasterio.Env(GDAL_CACHEMAX=_GDAL_CACHE_MB),
        TemporaryFolder(folder) as scratch,
    ):
        raw = scratch / "probability.tif"
        with rasterio.open(raw, "w", **profile) as dst:
            for top, left, tile in water_tiles(scene, orbit, model, edges=edges, progress=progress):
                dst.write(tile, 1, window=Window(left, top, tile.shape[1], tile.shape[0]))
        with rioxarray.open_rasterio(raw, chunks=LAZY) as opened:
            stored = np.rint(opened.isel(band=0, drop=True) / PROBABILITY_SCALE)
            return write_raster(
                proba, stored.fillna(PROBABILITY_NODATA).astype(np.uint16),
                nodata=PROBABILITY_NODATA, descriptions=["water probability"],
                scale=PROBABILITY_SCALE, tags=tags,
            )  # fmt: skip


def write_water_map(
    probability: xr.DataArray,
    folder: str | Path,
    name: str,
    threshold: float = 0.5,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write ``<name>_water.tif`` of a probability (y, x): 1 water, 0 not, 255 no data.

    Of a probability as `open_water_probability` reads it the map is what that file says.
    """
    return write_raster(
        Path(folder) / f"{name}_water.tif",
        water_of(probability, check_threshold(threshold)),
        nodata=WATER_NODATA, descriptions=["water"], colormap=WATER_COLORS,
        tags={"threshold": f"{threshold:g}", **(tags or {})}, overview_resampling="mode",
    )  # fmt: skip


def write_darkness(dark: xr.DataArray, path: str | Path) -> Path:
    """Write where a scene is as dark as open water (`dark_as_water`), for `open_darkness`."""
    stored = dark.fillna(WATER_NODATA).astype(np.uint8)
    return write_raster(path, stored, nodata=WATER_NODATA, overview_resampling="mode")


def open_darkness(path: str | Path, *, chunks: object = None) -> xr.DataArray:
    """What `write_darkness` wrote: ``(y, x)`` float32, 1 dark, 0 not, NaN where no data."""
    return _layer(path, "darkness", chunks).rename("dark_as_water")


def open_water_probability(path: str | Path, *, chunks: object = None) -> xr.DataArray:
    """Open a ``_water_proba.tif`` as `water_map` gives it: ``(y, x)`` float32, NaN where no data.

    Raises
    ------
    InputError
        If the file is no raster of one band with values 0-1.
    """
    data = _layer(path, "water probability", chunks)
    return water_probability(data).assign_attrs(source=str(path))


def _layer(path: str | Path, what: str, chunks: object) -> xr.DataArray:
    data = open_raster(path, what, chunks=chunks)
    if data.sizes["band"] != 1:
        msg = f"{path} has {data.sizes['band']} bands; a {what} has one."
        raise InputError(msg)
    data = physical(layer_of(data, 0))
    geobox_of(data, f"{what} {path}")
    return data


def date_in_name(path: str | Path) -> date | None:
    """The first date in a file's name: ``20200105``, ``2020-01-05``, ``2020_01``; None without one.

    A month without a day is its first day.
    """
    found = _DATE.search(Path(path).stem)
    if found is None:
        return None
    year, _, month, day = found.groups()
    try:
        return date(int(year), int(month), int(day or 1))
    except ValueError:  # the 31st of a short month: digits that are no date
        return None


def open_water_series(paths: Sequence[str | Path], dates: Sequence[date]) -> xr.DataArray:
    """Open probabilities of water as one series, read when needed.

    Parameters
    ----------
    paths : sequence of path
        ``_water_proba.tif`` files on one grid.
    dates : sequence of date
        Of each file.

    Returns
    -------
    DataArray (time, y, x) float32
        Ordered by date.

    Raises
    ------
    GridError
        If a file has another grid than the first.
    """
    if not paths or len(paths) != len(dates):
        msg = f"A water series needs a date for each file: {len(dates)} dates, {len(paths)} files."
        raise InputError(msg)
    layers = [open_water_probability(path, chunks=LAZY) for path in paths]
    for path, layer in zip(paths[1:], layers[1:], strict=True):
        check_same_grid(layers[0], layer, (str(paths[0]), str(path)))
    return as_series(layers, dates)


def as_series(layers: Sequence[xr.DataArray], dates: Sequence[date]) -> xr.DataArray:
    """Layers ``(y, x)`` of one grid as a series ``(time, y, x)``, ordered by date."""
    first = layers[0]
    # coordinates may differ by rounding where the grids are the same
    aligned = [layer.assign_coords(x=first.x, y=first.y) for layer in layers]
    time = np.array(dates, "datetime64[D]").astype("datetime64[ns]")
    return xr.concat(aligned, "time").assign_coords(time=time).sortby("time")
