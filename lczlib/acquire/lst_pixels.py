"""A pass of surface temperature as rasters: its scenes laid together, clouds removed, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from lczlib.acquire.ahead import TILE, Reader, read_tiles
from lczlib.acquire.grids import inside, tiles_of
from lczlib.acquire.lst import LstPass
from lczlib.acquire.lst_products import VALID, Thermometer
from lczlib.acquire.search import in_order
from lczlib.errors import InputError
from lczlib.longitudes import Box

_Layers = tuple[np.ndarray, np.ndarray, np.ndarray]


def laid_together(
    scenes: Sequence[_Layers], product: Thermometer
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scenes of a pass as one: of each pixel the first that is valid, else the first that is not fill.

    Parameters
    ----------
    scenes : sequence of (temperature, quality, uncertainty)
        As stored, ``(y, x)`` each.
    product : Thermometer
        Whose they are.

    Returns
    -------
    temperature, uncertainty : array (y, x)
        As stored; no data where the pixel is not valid.
    kinds : array (y, x) of uint8
        What each pixel is: `VALID`, or a position in `Thermometer.lost`, from 1.
    """
    fill = product.code("fill")
    temperature, quality, error = (layer.copy() for layer in scenes[0])
    kinds = product.sort(temperature, quality)
    for other in scenes[1:]:
        own = product.sort(other[0], other[1])
        better = ((own == VALID) & (kinds != VALID)) | ((own != fill) & (kinds == fill))
        for layer, more in zip((temperature, error, kinds), (other[0], other[2], own), strict=True):
            layer[better] = more[better]
    temperature[kinds != VALID] = product.nodata
    error[(kinds != VALID) | (error < 0)] = product.error_nodata
    return temperature, error, kinds


def write_pass(
    one: LstPass,
    grid: GeoBox,
    corner: tuple[float, float],
    box: Box,
    reader: Reader,
    paths: tuple[Path, Path],
    progress: Callable[[int, int], None],
) -> Counter[str]:
    """Write a pass as two plain GeoTIFFs, of temperature and of its uncertainty, tile by tile.

    Parameters
    ----------
    one : LstPass
        Its scenes.
    grid : GeoBox
        Of the place.
    corner : tuple of float
        Upper-left corner of a scene, where its blocks begin.
    box : tuple of float
        West, south, east, north in degrees: counts are of the pixels in it.
    reader : Reader
        By which its files are read.
    paths : (Path, Path)
        Targets, in a folder that is there.
    progress : callable
        Called with how many tiles are done, and how many there are; it may raise to stop.

    Returns
    -------
    Counter
        Pixels of the box: ``pixels``, ``valid``, and those of each kind of `Thermometer.lost`; ``cloudy_in_grid``
        and ``valid_in_grid``, of the whole grid.

    Raises
    ------
    AssetFailed
        If one of its files cannot be read.
    ServiceError
        If the service fails.
    InputError
        If no pixel of the box is valid.
    """
    product = one.thermometer
    tiles = tiles_of(grid, TILE, corner)
    counts: Counter[str] = Counter()
    with (
        rasterio.open(paths[0], "w", **_profile(grid, product.dtype, product.nodata)) as target,
        rasterio.open(
            paths[1], "w", **_profile(grid, product.error_dtype, product.error_nodata)
        ) as errors,
    ):
        for done, (tile, scenes) in enumerate(
            read_tiles(in_order(one.scenes, grid), product.layers, grid, tiles, reader)
        ):
            progress(done, len(tiles))
            temperature, error, kinds = laid_together(scenes, product)
            within = inside(box, grid[tile])
            counts.update(_counted(kinds[within], product))
            whole = _counted(kinds, product)
            counts["valid_in_grid"] += whole["valid"]
            counts["cloudy_in_grid"] += (
                whole.total() - whole["valid"] - whole["fill"] - whole["pixels"]
            )
            rows, cols = tile
            window = Window(cols.start, rows.start, kinds.shape[1], kinds.shape[0])
            target.write(temperature.astype(product.dtype), 1, window=window)
            errors.write(error.astype(product.error_dtype), 1, window=window)
    progress(len(tiles), len(tiles))
    if not counts["valid"]:
        raise InputError(why_empty(counts, product))
    return counts


def why_empty(counts: Mapping[str, int], product: Thermometer) -> str:
    """Why a pass shows no temperature of the box, as a clause."""
    most = max(product.lost, key=lambda name: counts.get(name, 0))
    words = {"fill": "no data", "no_temperature": "without surface temperature"}
    share = counts.get(most, 0) / max(counts.get("pixels", 0), 1)
    return f"it has no clear pixel in the box: {share:.0%} are {words.get(most, most)}"


def cloud_share(counts: Mapping[str, int], product: Thermometer) -> float:
    """Share of cloud and its shadow in what a pass shows of the box."""
    seen = counts["pixels"] - counts["fill"]
    return sum(counts.get(n, 0) for n in product.cloudy) / seen if seen else float("nan")


def _counted(kinds: np.ndarray, product: Thermometer) -> Counter[str]:
    """How many pixels are of each kind, and how many there are."""
    n = np.bincount(kinds.ravel(), minlength=len(product.lost) + 1)
    names = ("valid", *product.lost)
    return Counter({"pixels": kinds.size, **dict(zip(names, map(int, n), strict=True))})


def _profile(grid: GeoBox, dtype: str, nodata: float) -> dict[str, object]:
    return {
        "driver": "GTiff", "count": 1, "height": grid.shape[0], "width": grid.shape[1], "dtype": dtype,
        "crs": grid.crs.to_wkt(), "transform": grid.affine, "nodata": nodata, "tiled": True, "blockxsize": 256,
        "blockysize": 256, "compress": "deflate", "bigtiff": "if_safer",
    }  # fmt: skip
