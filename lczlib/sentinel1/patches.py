"""A prepared Sentinel-1 raster cut into the patches of a Sentinel-2 tile, as BigEarthNet's are.

Patches are 1,200 m wide, side by side from the tile's upper left corner: 91 x 91 whole ones, and a rest of
600 m at the right and lower edges. They are counted from 0, i to the right and j downwards.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine

from lczlib.errors import GridError, InputError
from lczlib.rasters import band_names, choose_band, open_raster, physical
from lczlib.sentinel1.choices import EdgeOf, NamesOf
from lczlib.sentinel1.tiles import SIZE, Tile, TileGrid
from lczlib.terms import option

if TYPE_CHECKING:
    import xarray as xr

EDGE = 1200.0
"""Of a patch, m."""
BANDS = ("VV", "VH")
_PRODUCT = re.compile(r"(S1[A-D]_IW_(?:GRDH|SLC_)_1S[DS][VH])_(\d{8}T\d{6})_\w+")
_OFF = 1e-3  # pixels by which a grid may be off


@dataclass(frozen=True)
class Patch:
    """A patch of a tile.

    Attributes
    ----------
    i, j : int
        Which one, from the left and from the top.
    rows, columns : int
        Pixels.
    left, top : float
        Its upper left corner, m.
    """

    i: int
    j: int
    rows: int
    columns: int
    left: float
    top: float


def patches_of(grid: TileGrid, pixel: float, edge: EdgeOf) -> list[list[Patch]]:
    """The patches of a tile, row by row.

    Parameters
    ----------
    grid : TileGrid
        Of the tile.
    pixel : float
        m; a patch is a whole number of them.
    edge : {"drop", "part"}
        Whether the narrower patches at the right and lower edges are left out.
    """
    side, all_of_it = round(EDGE / pixel), round(SIZE / pixel)
    count = all_of_it // side if edge == "drop" else -(-all_of_it // side)

    def length(k: int) -> int:
        return min(side, all_of_it - k * side)

    return [
        [
            Patch(i, j, length(j), length(i), grid.left + i * EDGE, grid.top - j * EDGE)
            for i in range(count)
        ]
        for j in range(count)
    ]


class Prepared:
    """A raster of VV and VH on the grid of a tile.

    Parameters
    ----------
    path : path
        Such as ``lcz prepare-s1`` makes.
    tile : Tile
        Whose grid it must lie on.

    Attributes
    ----------
    grid : TileGrid
        Of the tile.
    pixel : float
        m.
    tags : dict of str to str
        What the raster says of itself.

    Raises
    ------
    InputError, GridError
        If it has not these bands, or lies on another grid.
    """

    def __init__(self, path: str | Path, tile: Tile) -> None:
        if tile.grid is None:
            msg = (
                f"{tile.name} states no grid: give the product's SAFE, or an item that has proj:code and "
                "proj:transform."
            )
            raise InputError(msg, parameter="tile")
        data = open_raster(path, "Sentinel-1 raster", chunks={"band": 1, "y": 128, "x": -1})
        names = [n.upper() for n in band_names(data)]
        if not set(BANDS) <= set(names):
            told = ", ".join(n or "unnamed" for n in names)
            msg = f"The Sentinel-1 raster {path} has bands {told}, not VV and VH: prepare it, or name its bands."
            raise InputError(msg, parameter="raster")
        order = [choose_band(data, b, path) for b in BANDS]
        self._data = physical(data).isel(band=order)
        with rasterio.open(data.encoding["source"]) as src:
            self.tags = {
                k: v for k, v in src.tags().items() if k not in ("AREA_OR_POINT", "LAYOUT")
            }
        self.pixel, self._row, self._column = _place(self._data, tile.grid, path)
        self.grid = tile.grid

    def strip(self, patches: list[Patch]) -> np.ndarray:
        """A row of patches ``(band, y, x)`` from the tile's left edge; NaN where the raster ends."""
        rows, columns = patches[0].rows, sum(p.columns for p in patches)
        top = self._row + round((self.grid.top - patches[0].top) / self.pixel)
        out = np.full((len(BANDS), rows, columns), np.nan, np.float32)
        height, width = self._data.shape[1:]
        y, x = _shared(top, rows, height), _shared(self._column, columns, width)
        if y.start < y.stop and x.start < x.stop:
            part = self._data.isel(y=y, x=x).compute().values
            down, right = y.start - top, x.start - self._column
            out[:, down : down + part.shape[1], right : right + part.shape[2]] = part
        return out


def _shared(first: int, count: int, whole: int) -> slice:
    """What of a raster's axis lies in a window."""
    return slice(max(first, 0), max(min(first + count, whole), 0))


def _place(data: xr.DataArray, grid: TileGrid, path: str | Path) -> tuple[float, int, int]:
    """Pixel of the raster, and row and column of the tile's corner in it."""
    affine, epsg = data.rio.transform(), data.rio.crs.to_epsg() if data.rio.crs else None
    again = f"prepare it on the tile's grid ({option('like')} with a band of the tile)"
    if epsg != grid.epsg:
        told = f"EPSG:{epsg}" if epsg else "no EPSG code"
        msg = f"The Sentinel-1 raster {path} has {told}, and the tile EPSG:{grid.epsg}: {again}."
        raise GridError(msg, parameter="raster")
    pixel = affine.a
    count = EDGE / pixel if pixel > 0 else 0.0
    if affine.b or affine.d or pixel != -affine.e or count < 1 or abs(count - round(count)) > _OFF:
        msg = (
            f"The Sentinel-1 raster {path} has pixels of {affine.a:g} x {-affine.e:g} m, of which no whole number "
            f"makes a patch of {EDGE:g} m: {again}."
        )
        raise GridError(msg, parameter="raster")
    column, row = (grid.left - affine.c) / pixel, (affine.f - grid.top) / pixel
    off = max(abs(column - round(column)), abs(row - round(row)))
    if off > _OFF:
        msg = f"The Sentinel-1 raster {path} lies {off:.2f} pixels off the tile's grid: {again}."
        raise GridError(msg, parameter="raster")
    return pixel, round(row), round(column)


@dataclass(frozen=True)
class Naming:
    """What patches are called.

    Attributes
    ----------
    tile : Tile
        Whose patches they are.
    scheme : {"sentinel2", "bigearthnet"}
        ``<Sentinel-2 product>_S1_i_j``, or ``<mission>_IW_<kind>_<time>_<tile>_i_j`` as published.
    products : tuple of str
        That the raster is made of, the first one first.
    """

    tile: Tile
    scheme: NamesOf
    products: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.scheme == "bigearthnet" and not (self.tile.mgrs and self._parts()):
            msg = (
                f"Names of BigEarthNet need the Sentinel-1 product, which the raster does not state: give it "
                f"({option('product', 'S1A_IW_GRDH_...')}), or choose {option('names', 'sentinel2')}."
                if self.tile.mgrs
                else f"{self.tile.name} states no place in MGRS, which names of BigEarthNet have: choose "
                f"{option('names', 'sentinel2')}."
            )
            raise InputError(msg, parameter="names")

    def _parts(self) -> tuple[str, str] | None:
        found = _PRODUCT.fullmatch(self.products[0]) if self.products else None
        return (found[1], found[2]) if found else None

    @property
    def time(self) -> str:
        """When the first product begins, ``2017-06-13T16:50:43``; empty where it is not known."""
        parts = self._parts()
        if parts is None:
            return ""
        day, clock = parts[1].split("T")
        return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"

    def of(self, patch: Patch) -> str:
        """The name of a patch."""
        parts = self._parts()
        if self.scheme == "bigearthnet" and parts is not None:
            return f"{parts[0]}_{parts[1]}_{self.tile.mgrs}_{patch.i}_{patch.j}"
        return f"{self.tile.name}_S1_{patch.i}_{patch.j}"


def described(patch: Patch, values: np.ndarray, naming: Naming, raster: Prepared) -> dict[str, Any]:
    """The metadata of a patch; what BigEarthNet's have too is called as it is there."""
    missing, pixel = ~np.isfinite(values), raster.pixel
    return {
        "name": naming.of(patch), "i": patch.i, "j": patch.j,
        "corresponding_s2_patch": f"{naming.tile.name}_{patch.i}_{patch.j}",
        "sentinel2_product": naming.tile.name, "tile": naming.tile.mgrs,
        "scene_source": naming.products[0] if naming.products else "",
        "products": list(naming.products), "acquisition_time": naming.time,
        "projection": f"EPSG:{raster.grid.epsg}",
        "coordinates": {
            "ulx": patch.left, "uly": patch.top, "lrx": patch.left + patch.columns * pixel,
            "lry": patch.top - patch.rows * pixel,
        },
        "pixel_m": pixel, "shape": [patch.rows, patch.columns],
        "missing_pixels": {b: int(n) for b, n in zip(BANDS, missing.sum((1, 2)), strict=True)},
        "valid_share": float((~missing.any(0)).mean()), "raster": raster.tags,
    }  # fmt: skip


def write_patch(
    folder: Path, work: Path, patch: Patch, values: np.ndarray, about: Mapping[str, Any]
) -> None:
    """Write a patch as a folder of its own, which appears when it is whole.

    Parameters
    ----------
    folder : Path
        Of all patches.
    work : Path
        Folder on the same disk for what is not finished.
    patch : Patch
        Which one.
    values : array (band, y, x)
        Its pixels.
    about : mapping
        Its metadata, as of `described`.
    """
    name = about["name"]
    unfinished = work / name
    unfinished.mkdir()
    profile = {
        "driver": "GTiff", "count": 1, "height": patch.rows, "width": patch.columns, "dtype": "float32",
        "crs": about["projection"], "nodata": float("nan"), "compress": "deflate", "predictor": 3,
        "transform": Affine(about["pixel_m"], 0, patch.left, 0, -about["pixel_m"], patch.top),
    }  # fmt: skip
    for band, pixels in zip(BANDS, values, strict=True):
        with rasterio.MemoryFile() as memory:  # GDAL does not say that a disk is full
            with memory.open(**profile) as target:
                target.write(pixels, 1)
                target.set_band_description(1, band)
            (unfinished / f"{name}_{band}.tif").write_bytes(memory.getbuffer())
    (unfinished / f"{name}_metadata.json").write_text(
        json.dumps(about, indent=2, allow_nan=False) + "\n"
    )
    if (folder / name).exists():  # is never there in part
        (folder / name).rename(work / f"{name}.old")
    unfinished.rename(folder / name)
    shutil.rmtree(work / f"{name}.old", ignore_errors=True)


def written_before(folder: Path, name: str) -> dict[str, Any] | None:
    """The metadata of a patch that a stopped run has finished."""
    path = folder / name / f"{name}_metadata.json"
    return dict(json.loads(path.read_text())) if path.is_file() else None


def cut(strip: np.ndarray | None, patches: list[Patch]) -> Iterator[tuple[Patch, np.ndarray]]:
    """The pixels of each patch of a row; none where the row was not read."""
    right = 0
    for patch in patches:
        yield patch, np.empty(0) if strip is None else strip[:, :, right : right + patch.columns]
        right += patch.columns
