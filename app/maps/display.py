"""Rasters as the browser shows them: in web mercator, projected once, thinned where they are large."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import datashader as ds
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from lczlib.grid import geobox_of
from lczlib.mercator import MERCATOR, WORLD, beside, mercator_box, to_mercator_grid

MOST_CELLS = 1_500_000
"""Rasters up to this size go to the browser whole, which then pans and zooms without the server."""
_IMAGE_FINER = 1.1
_TO_MERCATOR = Transformer.from_crs("EPSG:4326", MERCATOR, always_xy=True)
_TO_DEGREES = Transformer.from_crs(MERCATOR, "EPSG:4326", always_xy=True)


@dataclass(frozen=True)
class Picture:
    """An array as bokeh draws it (first row at the bottom) and where it lies, in web mercator."""

    values: np.ndarray
    left: float
    bottom: float
    width: float
    height: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return self.left, self.bottom, self.left + self.width, self.bottom + self.height


def projected(data: xr.DataArray, finer: float = 2.0) -> xr.DataArray:
    """A raster (y, x) in web mercator by nearest neighbour, at somewhat finer cells.

    Cells are made finer so that the turn against the city's own grid loses no row of cells.
    """
    return to_mercator_grid(data, _projected_box(geobox_of(data), finer), "nearest")


@lru_cache(256)  # every layer of a city asks for the same one, each time it is shown
def _projected_box(box: GeoBox, finer: float) -> GeoBox:
    target = mercator_box(box)
    size = target.shape[0] * target.shape[1]
    finer = max(1.0, min(finer, (MOST_CELLS / max(1, size)) ** 0.5))
    return target.zoom_out(1 / finer)


def bounds_of_values(layer: xr.DataArray) -> tuple[float, float, float, float] | None:
    """The box of the cells of a projected layer that hold something; None where none does."""
    held = layer.values > 0 if layer.dtype.kind in "iu" else np.isfinite(layer.values)
    rows, columns = np.flatnonzero(held.any(1)), np.flatnonzero(held.any(0))
    if not len(rows):
        return None
    box = geobox_of(layer)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return tuple(box.boundingbox)


def picture(data: xr.DataArray, window: tuple[float, float, float, float] | None = None) -> Picture:
    """A projected raster, or the part of it in a window, as at most `MOST_CELLS` cells.

    Classes (integers) are thinned by their mode, other values by their mean.
    """
    box = geobox_of(data)
    left, bottom, right, top = box.boundingbox
    values = data.values
    if values.size > MOST_CELLS:
        if window is not None:
            left, bottom = max(left, window[0]), max(bottom, window[1])
            right, top = min(right, window[2]), min(top, window[3])
        cells = (MOST_CELLS * (right - left) / max(top - bottom, 1e-9)) ** 0.5
        canvas = ds.Canvas(
            int(max(2, min(cells, 1600))), int(max(2, min(MOST_CELLS / cells, 1600))),
            (left, right), (bottom, top),
        )  # fmt: skip
        how = "mode" if data.dtype.kind in "iu" else "mean"
        plain = data.drop_vars([c for c in data.coords if c not in data.dims])
        thinned = canvas.raster(plain, downsample_method=how, interpolate="nearest")
        # datashader keeps the direction of the rows, which in a raster is from the north
        values = np.ascontiguousarray(thinned.sortby(thinned.dims[0]).values.astype(data.dtype))
        return Picture(values, left, bottom, right - left, top - bottom)
    return Picture(np.ascontiguousarray(values[::-1]), left, bottom, right - left, top - bottom)


def rgba_picture(rgb: xr.DataArray) -> Picture:
    """An image ``(y, x, 3)`` uint8 with 0, 0, 0 as missing, as packed RGBA in web mercator."""
    step = max(1, int(np.ceil((rgb.shape[0] * rgb.shape[1] / MOST_CELLS) ** 0.5)))
    thin = rgb[::step, ::step]
    packed = np.zeros(thin.shape[:2], np.uint32)
    for i in range(3):
        packed |= thin.values[..., i].astype(np.uint32) << np.uint32(8 * i)
    packed |= np.where(packed > 0, np.uint32(0xFF000000), np.uint32(0))
    layer = thin[..., 0].copy(data=packed.view(np.int32)).drop_vars("band", errors="ignore")
    layer.attrs = {}
    out = to_mercator_grid(layer, _image_box(geobox_of(layer)), "nearest", dst_nodata=0)
    values = np.ascontiguousarray(out.values.view(np.uint32)[::-1])
    left, bottom, right, top = geobox_of(out).boundingbox
    return Picture(values, left, bottom, right - left, top - bottom)


@lru_cache(256)
def _image_box(box: GeoBox) -> GeoBox:
    """Where an image lies in web mercator, at hardly finer pixels than its own.

    Web mercator's metres are shorter than those on the ground, so that pixels of the same number of
    metres would be up to several times as many, all of them sent to the browser.
    """
    target = mercator_box(box)
    more = target.shape[0] * target.shape[1] / (box.shape[0] * box.shape[1])
    return target.zoom_out(max(1.0, more**0.5 / _IMAGE_FINER))


def to_mercator(
    longitude: np.ndarray | float, latitude: np.ndarray | float, near: float | None = None
) -> tuple:
    """Degrees to web mercator; `near` an x of a view, which may go on beyond 180 degrees."""
    x, y = _TO_MERCATOR.transform(longitude, latitude)
    return (x if near is None else beside(x, near)), y


def bounds_in_mercator(
    area: tuple[float, float, float, float], near: float | None = None
) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees as x0, y0, x1, y1, also of a box across 180 degrees."""
    west, south, east, north = area
    (x0, x1), (y0, y1) = to_mercator(np.array([west, east]), np.array([south, north]))
    x1 += WORLD * (x1 < x0)
    moved = 0.0 if near is None else float(beside((x0 + x1) / 2, near)) - (x0 + x1) / 2
    return float(x0 + moved), float(y0), float(x1 + moved), float(y1)


def to_degrees(x: float, y: float) -> tuple[float, float]:
    """Web mercator to degrees."""
    return _TO_DEGREES.transform(x, y)
