"""Rasters as the browser shows them: in web mercator, projected once, thinned where they are large."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO

import datashader as ds
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from PIL import Image
from pyproj import Transformer

from lczlib.grid import geobox_of
from lczlib.mercator import MERCATOR, WORLD, beside, mercator_box, to_mercator_grid

MOST_CELLS = 1_500_000
"""Rasters up to this size go to the browser whole, which then pans and zooms without the server."""
_WIDEST_WEBP = 16_383
_IMAGE_FINER = 1.1
_MARGIN = 0.25
_LEVELS, _PACKED = "levels", "packed"  # attributes of large rasters as they are shown
Bounds = tuple[float, float, float, float]
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

    @cached_property
    def address(self) -> str:
        """An image (packed RGBA) as a ``data:`` address, WebP without loss: half of its bytes to send."""
        file = BytesIO()
        pixels = (
            np.ascontiguousarray(self.values[::-1]).view(np.uint8).reshape(*self.values.shape, 4)
        )
        Image.fromarray(pixels).save(file, "WEBP", lossless=True, quality=0, method=0)
        return f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}"


def projected(data: xr.DataArray, finer: float = 2.0) -> xr.DataArray:
    """A raster (y, x) in web mercator by nearest neighbour, at somewhat finer cells.

    Cells are made finer so that the turn against the city's own grid loses no row of cells.
    """
    out = to_mercator_grid(data, _projected_box(geobox_of(data), finer), "nearest")
    if is_large(out):
        levels_of(out)  # here, in the background, and not when it is first shown
    return out


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


def picture(data: xr.DataArray, window: Window | Bounds | None = None) -> Picture:
    """A projected raster, or the part of it in a window, as at most about `MOST_CELLS` cells.

    Classes (integers) are thinned by their mode, other values by their mean, images by leaving pixels out.
    """
    if not is_large(data):
        left, bottom, right, top = geobox_of(data).boundingbox
        return Picture(
            np.ascontiguousarray(data.values[::-1]), left, bottom, right - left, top - bottom
        )
    if not isinstance(window, Window):
        window = window_of(data, window or tuple(geobox_of(data).boundingbox), margin=0.0)
    values, cell = levels_of(data)[window.level], abs(geobox_of(data).affine.a) * 2**window.level
    left, _, _, top = geobox_of(data).boundingbox
    rows, columns = values.shape
    first, last = (
        int(np.clip((x - left) / cell, 0, columns))
        for x in (window.bounds[0], window.bounds[2] + cell)
    )
    upper, lower = (
        int(np.clip((top - y) / cell, 0, rows)) for y in (window.bounds[3], window.bounds[1] - cell)
    )
    part = np.ascontiguousarray(values[upper:lower, first:last][::-1])
    part = part.view(np.uint32) if _PACKED in data.attrs else part
    high, wide = part.shape
    return Picture(part, left + first * cell, top - (upper + high) * cell, wide * cell, high * cell)


def is_large(data: xr.DataArray) -> bool:
    """Whether a raster is too large to be sent whole: of it only what is in view is."""
    return data.size > MOST_CELLS


def levels_of(data: xr.DataArray) -> tuple[np.ndarray, ...]:
    """A large raster and its ever coarser copies, each of cells twice as wide; made once.

    Each is made of the cells themselves, since a mode of modes is no mode. A border of less than one coarse
    cell is left out.
    """
    if _LEVELS not in data.attrs:
        levels = [data.values]
        while levels[-1].size > MOST_CELLS / 4:
            levels.append(_thinned(data.values, 2 ** len(levels), _PACKED in data.attrs))
        data.attrs[_LEVELS] = tuple(levels)
    return data.attrs[_LEVELS]


def _thinned(values: np.ndarray, factor: int, packed: bool) -> np.ndarray:
    rows, columns = (n // factor for n in values.shape)
    whole = values[: rows * factor, : columns * factor]
    if packed:
        return whole[factor // 2 :: factor, factor // 2 :: factor]
    high, wide = whole.shape
    at = {"y": np.arange(high) + 0.5, "x": np.arange(wide) + 0.5}
    canvas = ds.Canvas(columns, rows, (0, wide), (0, high))
    how = "mode" if values.dtype.kind in "iu" else "mean"
    thin = canvas.raster(
        xr.DataArray(whole, at, ("y", "x")), downsample_method=how, interpolate="nearest"
    )
    return np.ascontiguousarray(thin.values.astype(values.dtype))


@dataclass(frozen=True)
class Window:
    """A part of a large raster: its bounds in web mercator, and which of its `levels_of`."""

    bounds: Bounds
    level: int


def window_of(
    data: xr.DataArray, view: Bounds, held: Window | None = None, margin: float = _MARGIN
) -> Window:
    """What of a large raster to show for a view: with a margin, so that small moves need nothing new.

    Parameters
    ----------
    data : DataArray
        Projected, large.
    view : tuple of float
        West, south, east, north.
    held : Window, optional
        What is shown; it stays where it holds the view and is as fine as the view allows.
    margin : float
        Around the view, as a share of its width and height.
    """
    box = geobox_of(data)
    cell, whole = abs(box.affine.a), tuple(box.boundingbox)
    wide, high = view[2] - view[0], view[3] - view[1]
    wanted = (
        view[0] - margin * wide,
        view[1] - margin * high,
        view[2] + margin * wide,
        view[3] + margin * high,
    )
    bounds = _within(wanted, whole)
    cells = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / cell**2
    level = int(np.ceil(np.log2(max(1.0, cells / MOST_CELLS)) / 2))
    level = min(level, len(levels_of(data)) - 1)
    seen = _within(view, whole)
    if held is not None and held.level <= level and _within(seen, held.bounds) == seen:
        return held
    return Window(bounds, level)


def _within(one: Bounds, other: Bounds) -> Bounds:
    """The part of a box in another; of one beside it, an edge or a corner without extent."""
    x0, x1 = np.clip(one[::2], other[0], other[2])
    y0, y1 = np.clip(one[1::2], other[1], other[3])
    return float(x0), float(y0), float(x1), float(y1)


def rgba_picture(rgb: xr.DataArray) -> Picture:
    """An image ``(y, x, 3)`` uint8 with 0, 0, 0 as missing, as packed RGBA in web mercator."""
    step = max(1, int(np.ceil((rgb.shape[0] * rgb.shape[1] / MOST_CELLS) ** 0.5)))
    out = _packed(rgb[::step, ::step])
    values = np.ascontiguousarray(out.values.view(np.uint32)[::-1])
    left, bottom, right, top = geobox_of(out).boundingbox
    made = Picture(values, left, bottom, right - left, top - bottom)
    _ = made.address  # here, in the background, and not when it is first shown
    return made


def rgba_layer(rgb: xr.DataArray) -> Picture | xr.DataArray:
    """As `rgba_picture`; of a large image all pixels, of which a map shows those in view."""
    out = _packed(rgb) if rgb.shape[0] * rgb.shape[1] > MOST_CELLS else None
    if out is None or not is_large(out):
        return rgba_picture(rgb)
    out.attrs[_PACKED] = True
    levels_of(out)
    return out


def _packed(thin: xr.DataArray) -> xr.DataArray:
    """An image in web mercator, red, green, blue and alpha of a pixel in the bytes of one int32."""
    packed = np.zeros(thin.shape[:2], np.uint32)
    for i in range(3):
        packed |= thin.values[..., i].astype(np.uint32) << np.uint32(8 * i)
    packed |= np.where(packed > 0, np.uint32(0xFF000000), np.uint32(0))
    layer = thin[..., 0].copy(data=packed.view(np.int32)).drop_vars("band", errors="ignore")
    layer.attrs = {}
    return to_mercator_grid(layer, _image_box(geobox_of(layer)), "nearest", dst_nodata=0)


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
