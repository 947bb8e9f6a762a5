"""Maps of Local Climate Zones that stand in for the published one: made here, and said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import Resampling, reproject

from lczlib.scenes.bands import BANDS

STEP = 0.0008983152841195447  # of the published map
_AROUND = 200  # cells, so that a place is read as a part of the file
NOTE = "made by the tests of lczlib from band ratios or a simulated city: no published map"


def by_band_ratios(dn: np.ndarray, cell: int = 10) -> np.ndarray:
    """Classes of cells by their mean reflectance alone: water, plants, and built with and without them.

    Another rule than any network's, and a crude one: the two agree more than by chance, and not on most.
    """
    rows, cols = (n // cell for n in dn.shape[1:])
    cells = (
        dn[:, : rows * cell, : cols * cell].reshape(len(dn), rows, cell, cols, cell).mean((2, 4))
    )
    green, red, nir, swir = (cells[BANDS.index(b)] for b in ("B03", "B04", "B08", "B11"))
    plants, wet = (nir - red) / (nir + red + 1), (green - swir) / (green + swir + 1)
    classes = np.select([wet > 0, plants > 0.6, plants > 0.28, nir < 1150], [17, 13, 5, 1], 2)
    return classes.astype(np.uint8)


def write_made_map(path: Path, classes: np.ndarray, grid: GeoBox) -> Path:
    """Classes on cells of 100 m as a file in the published map's layout, in degrees on its own grid."""
    west, south, east, north = grid.geographic_extent.boundingbox.bbox
    left, top = np.floor(west / STEP) - _AROUND, np.ceil(north / STEP) + _AROUND
    cols, rows = (
        int(np.ceil(east / STEP) + _AROUND - left), int(top - np.floor(south / STEP) + _AROUND)
    )  # fmt: skip
    out = np.zeros((rows, cols), np.uint8)
    to = Affine(STEP, 0, left * STEP, 0, -STEP, top * STEP)
    reproject(
        classes, out, src_transform=grid.affine, src_crs=str(grid.crs), dst_transform=to, dst_crs="EPSG:4326",
        src_nodata=0, dst_nodata=0, resampling=Resampling.nearest,
    )  # fmt: skip
    profile = {
        "driver": "GTiff", "width": cols, "height": rows, "count": 1, "dtype": "uint8", "nodata": 0,
        "crs": "EPSG:4326", "transform": to, "tiled": True, "blockxsize": 128,
        "blockysize": 128,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dst:
        dst.write(out, 1)
        dst.update_tags(NOTE=NOTE)
    return path


def write_published(path: Path) -> Path:
    """Patches of twelve cells of four classes, over Berlin and some way around."""
    rows, cols = 400, 500
    y, x = np.mgrid[:rows, :cols] // 12
    codes = np.choose((x + 3 * y) % 4, [2, 5, 6, 14]).astype(np.uint8)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=rows, width=cols, dtype="uint8", crs="EPSG:4326",
        transform=Affine(STEP, 0, 13.1, 0, -STEP, 52.7), tiled=True, nodata=0,
    ) as out:  # fmt: skip
        out.write(codes, 1)
        out.update_tags(NOTE=NOTE)
    return path
