"""Rasters in web mercator, in one piece also where they lie on both sides of 180 degrees.

Web mercator ends at 180 degrees: a city there would be a strip around the world. Such a raster is
laid out beyond the eastern end, at x of more than half of the world's width, as map pages count on.
"""

from __future__ import annotations

from math import pi

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_reproject

from lczlib.grid import Resampling, geobox_of, on_grid
from lczlib.longitudes import crosses

MERCATOR = "EPSG:3857"
WORLD = 2 * pi * 6378137.0
"""Width of the world in web mercator, m."""
_FROM_180 = (
    "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=180 +x_0=0 +y_0=0 +k=1 +units=m "
    "+nadgrids=@null +no_defs"
)


def mercator_box(box: GeoBox) -> GeoBox:
    """The grid in web mercator that holds a grid, of about its cells."""
    if not crosses(box):
        return box.to_crs(MERCATOR)
    source, target = _around_180(box)
    found = source.to_crs(target)
    return GeoBox(found.shape, Affine.translation(WORLD / 2, 0) * found.affine, MERCATOR)


def to_mercator_grid(
    data: xr.DataArray, box: GeoBox, resampling: Resampling, **how: object
) -> xr.DataArray:
    """A raster (y, x) on a grid in web mercator, such as one made from `mercator_box`."""
    own = geobox_of(data)
    if not crosses(own):
        return xr_reproject(data, box, resampling=resampling, **how)
    source, target = _around_180(own)
    moved = GeoBox(box.shape, Affine.translation(-WORLD / 2, 0) * box.affine, target)
    plain = on_grid(np.asarray(data.data), source, attrs=data.attrs)
    out = xr_reproject(plain, moved, resampling=resampling, **how)
    return on_grid(out.values, box, name=data.name, attrs=out.attrs)


def _around_180(box: GeoBox) -> tuple[GeoBox, str]:
    """A grid across 180 degrees and a mercator in which it lies in one piece around x = 0."""
    if not box.crs.geographic:
        return box, _FROM_180
    middle = (box.boundingbox.left + box.boundingbox.right) / 2
    turned = Affine.translation(-180 if middle > 0 else 180, 0) * box.affine
    return GeoBox(box.shape, turned, box.crs), MERCATOR


def beside(x: float | np.ndarray, near: float) -> float | np.ndarray:
    """The same place of the world as an x in web mercator, nearest to another x."""
    return x - WORLD * np.round((x - near) / WORLD)
