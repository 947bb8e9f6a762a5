"""Parts of raster files on a grid, by nearest neighbour, as stored."""

from __future__ import annotations

import math

import numpy as np
import rasterio.crs
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

_DRIVERS = ["GTiff", "JP2OpenJPEG"]
_CLOSE = 1e-3  # of a pixel
_DEGREE = 111_320.0  # m


def opened(path: str, **options: int) -> DatasetReader:
    """A GeoTIFF or JPEG 2000 file: a virtual raster in its place would open others, on this machine too.

    Within a `rasterio.Env`; `rasterio.open` takes one driver alone, against its documentation.
    """
    return DatasetReader(path, driver=_DRIVERS, **options)


def read_part(path: str, box: GeoBox, *, fill: float = 0, overview: bool = False) -> np.ndarray:
    """The first band of a file on a grid.

    Parameters
    ----------
    path : str
        What GDAL opens.
    box : GeoBox
        The grid.
    fill : float
        Where the file does not reach.
    overview : bool
        Take averages that the file has, as fine as the grid.

    Returns
    -------
    array (rows, columns)
        In the file's own type. On the grid of the file itself, or on one that parts its pixels, these
        are its own values; else each is that of the nearest pixel.
    """
    with opened(path) as src:
        level = _level(src, box) if overview else None
        if level is None:
            return _read(src, box, fill)
    with opened(path, overview_level=level) as src:
        return _read(src, box, fill)


def lattice_of(path: str) -> tuple[float, float, float]:
    """Upper-left corner of a file, where its blocks begin, and the edge of its pixels."""
    with opened(path) as src:
        return src.transform.c, src.transform.f, src.transform.a


def pixel_metres(path: str) -> float:
    """The longer side of a file's pixels in metres; of degrees, as at the middle of the file."""
    with opened(path) as src:
        width, height = abs(src.transform.a), abs(src.transform.e)
        if src.crs is not None and src.crs.is_geographic:
            middle = math.radians((src.bounds.bottom + src.bounds.top) / 2)
            width, height = (
                width * _DEGREE * math.cos(middle),
                height * _DEGREE,
            )
        return max(width, height)


def _level(src: DatasetReader, box: GeoBox) -> int | None:
    """The coarsest overview that is not coarser than the grid."""
    times = abs(box.affine.a / src.transform.a)
    fine = [i for i, factor in enumerate(src.overviews(1)) if factor <= times]
    return fine[-1] if fine else None


def _read(src: DatasetReader, box: GeoBox, fill: float) -> np.ndarray:
    parts = _parted(src, box)
    if parts:
        return _own_pixels(src, box, parts, fill)
    with WarpedVRT(
        src, crs=str(box.crs), transform=box.affine, width=box.shape[1], height=box.shape[0],
        resampling=Resampling.nearest, src_nodata=None, nodata=fill, init_dest_nodata=True,
    ) as warped:  # fmt: skip
        return warped.read(1, masked=False)


def _parted(src: DatasetReader, box: GeoBox) -> int:
    """Into how many each side of the file's pixels is parted by the grid; 0 if not evenly."""
    if src.crs is None or rasterio.crs.CRS.from_user_input(str(box.crs)) != src.crs:
        return 0
    own, asked = src.transform, box.affine
    if own.b or own.d or not asked.a:
        return 0
    times = own.a / asked.a
    parts = round(times)
    if parts < 1 or abs(times - parts) > _CLOSE or abs(own.e / asked.e - parts) > _CLOSE:
        return 0
    col, row = ~asked * (own.c, own.f)
    return parts if max(abs(col - round(col)), abs(row - round(row))) < 0.01 else 0


def _own_pixels(src: DatasetReader, box: GeoBox, parts: int, fill: float) -> np.ndarray:
    """The file's own pixels, each repeated `parts` times along both sides."""
    rows, cols = box.shape
    left, top = (round(v) for v in ~box.affine * (src.transform.c, src.transform.f))
    out = np.full((rows, cols), fill, src.dtypes[0])
    # from the grid's edges to the file's pixels, and back to what these cover
    first_row, first_col = max(0, -top) // parts, max(0, -left) // parts
    last_row = min(src.height, -(-(rows - top) // parts))
    last_col = min(src.width, -(-(cols - left) // parts))
    if last_row <= first_row or last_col <= first_col:
        return out
    window = Window(first_col, first_row, last_col - first_col, last_row - first_row)
    values = src.read(1, window=window)
    if parts > 1:
        values = values.repeat(parts, axis=0).repeat(parts, axis=1)
    y, x = first_row * parts + top, first_col * parts + left
    y0, x0 = max(0, y), max(0, x)
    y1, x1 = min(rows, y + values.shape[0]), min(cols, x + values.shape[1])
    out[y0:y1, x0:x1] = values[y0 - y : y1 - y, x0 - x : x1 - x]
    return out
