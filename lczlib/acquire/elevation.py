"""Copernicus GLO-30 of a place as one file, whose heights say what they count from.

Tiles of one degree are read by windows and put on one grid of theirs. North of 50 degrees their pixels
are wider: where both kinds meet, the wider ones are interpolated along the row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.io import DatasetReader
from rasterio.windows import Window

from lczlib.acquire import providers
from lczlib.acquire.addresses import AddressFailed, read_address
from lczlib.errors import InputError, ServiceError
from lczlib.export.files import staged
from lczlib.export.geotiff import gdal_writing
from lczlib.longitudes import Box
from lczlib.sentinel1.terrain import MARGIN

_CRS = "EPSG:9518"  # WGS 84 with heights above EGM2008
_DEGREE = 111_320.0  # m
_ALIGNED = 0.01  # of a pixel
_NODATA = -32767.0


@dataclass(frozen=True)
class _Part:
    """What a tile holds of the region; `left` and `top` are the corner of its first pixel."""

    values: np.ndarray
    left: float
    top: float
    width: float
    height: float


def tiles_of(box: Box) -> list[tuple[str, int]]:
    """Names of the tiles that hold a box and the rim around it, and by how many turns they are shifted.

    Examples
    --------
    >>> tiles_of((13.2, 52.4, 13.6, 52.6))
    [('Copernicus_DSM_COG_10_N52_00_E013_00_DEM', 0)]
    """
    west, south, east, north = _with_rim(box)
    return [
        (_name(lat, (lon + 180) % 360 - 180), (lon - ((lon + 180) % 360 - 180)) // 360)
        for lat in range(math.floor(south), math.ceil(north))
        for lon in range(math.floor(west), math.ceil(east))
    ]


def _name(latitude: int, longitude: int) -> str:
    ns, ew = "SN"[latitude >= 0], "WE"[longitude >= 0]
    return f"Copernicus_DSM_COG_10_{ns}{abs(latitude):02d}_00_{ew}{abs(longitude):03d}_00_DEM"


def _with_rim(box: Box) -> Box:
    west, south, east, north = box
    east += 360 * (east < west)
    # a little more than what is read around a region, so that it is there to the last pixel
    rim = 1.2 * MARGIN / _DEGREE
    wide = rim / math.cos(math.radians(min(84.0, max(abs(south), abs(north)))))
    return west - wide, south - rim, east + wide, north + rim


def height_at(longitude: float, latitude: float, cancelled: Callable[[], bool]) -> float:
    """The height of one place above EGM2008, m.

    Raises
    ------
    AddressFailed
        If its tile cannot be read.
    """

    def read(src: DatasetReader) -> float:
        return float(next(src.sample([(longitude, latitude)]))[0])

    name = _name(math.floor(latitude), math.floor(longitude))
    return read_address(f"{providers.ELEVATION}/{name}/{name}.tif", read, cancelled)


def write_elevation(box: Box, path: Path, cancelled: Callable[[], bool]) -> list[str]:
    """Write the heights of a box and what lies around it as one GeoTIFF.

    Parameters
    ----------
    box : tuple of float
        West, south, east, north in degrees.
    path : Path
        Of the GeoTIFF.
    cancelled : callable
        Whether to stop.

    Returns
    -------
    list of str
        Names of tiles that there are none of: sea, or land that is not released.

    Raises
    ------
    InputError
        If there is no tile at all.
    ServiceError
        If one cannot be read.
    """
    region = _with_rim(box)
    parts, missing = [], []
    for name, turns in tiles_of(box):
        address = f"{providers.ELEVATION}/{name}/{name}.tif"
        try:
            part = read_address(address, partial(_part, region=region, turns=turns), cancelled)
        except AddressFailed as error:
            if not error.missing:
                msg = f"Copernicus GLO-30: {error.message}; it is at fault, or the network: try later."
                raise ServiceError(msg) from error
            missing.append(name)
            continue
        if part is not None:
            parts.append(part)
    if not parts:
        msg = (
            f"Copernicus GLO-30 has no tile of the box ({', '.join(missing)}): it is sea there, or land that is not "
            "released; give lcz prepare-s1 an elevation model of your own."
        )
        raise InputError(msg)
    _write(path, parts, region)
    return missing


def _part(src: DatasetReader, region: Box, turns: int) -> _Part | None:
    west, south, east, north = region
    at = src.transform
    left, top = (west - 360 * turns - at.c) / at.a, (north - at.f) / at.e
    right, bottom = (east - 360 * turns - at.c) / at.a, (south - at.f) / at.e
    x0, y0 = max(0, math.floor(left)), max(0, math.floor(top))
    x1, y1 = min(src.width, math.ceil(right)), min(src.height, math.ceil(bottom))
    if x1 <= x0 or y1 <= y0:
        return None
    values = src.read(1, window=Window(x0, y0, x1 - x0, y1 - y0), masked=True)
    return _Part(
        np.ma.filled(values.astype(np.float32), _NODATA),
        at.c + 360 * turns + x0 * at.a,
        at.f + y0 * at.e,
        at.a,
        at.e,
    )


def _write(path: Path, parts: list[_Part], region: Box) -> None:
    fine = min(parts, key=lambda p: p.width)
    west, south, east, north = region
    # whole pixels of the finest tile, from its own corner
    first = math.floor((west - fine.left) / fine.width)
    upper = math.floor((north - fine.top) / fine.height)
    columns = math.ceil((east - fine.left) / fine.width) - first
    rows = math.ceil((south - fine.top) / fine.height) - upper
    corner = fine.left + first * fine.width, fine.top + upper * fine.height
    at = Affine(fine.width, 0, corner[0], 0, fine.height, corner[1])
    with staged(path) as temporary, gdal_writing(path), rasterio.open(
        temporary, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs=_CRS,
        transform=at, nodata=_NODATA, tiled=True, compress="deflate", predictor=3, sparse_ok=True,
    ) as target:  # fmt: skip
        target.update_tags(
            source="Copernicus GLO-30", attribution=providers.ELEVATION_CREDIT,
            terms=providers.ELEVATION_TERMS,
        )  # fmt: skip
        target.set_band_description(1, "height above EGM2008, m")
        for part in parts:
            values, left = _as_fine(part, fine, corner[0])
            top = _whole((part.top - corner[1]) / fine.height)
            y0, x0 = max(0, top), max(0, left)
            inside = values[y0 - top : rows - top, x0 - left : columns - left]
            if inside.size:
                window = Window(x0, y0, inside.shape[1], inside.shape[0])
                target.write(inside, 1, window=window)


def _as_fine(part: _Part, fine: _Part, corner: float) -> tuple[np.ndarray, int]:
    """A part's values at the columns of the finest tile, and the first of those columns."""
    if abs(part.width / fine.width - 1) < 1e-6:
        return part.values, _whole((part.left - corner) / fine.width)
    wide = part.values.shape[1] * part.width
    first = math.ceil((part.left - corner) / fine.width - 0.5 + 1e-6)
    last = math.floor((part.left + wide - corner) / fine.width - 0.5 - 1e-6)
    centres = corner + (np.arange(first, last + 1) + 0.5) * fine.width
    place = np.clip((centres - part.left) / part.width - 0.5, 0, part.values.shape[1] - 1)
    low = np.minimum(place.astype(int), part.values.shape[1] - 2)
    share = (place - low).astype(np.float32)
    one, other = part.values[:, low], part.values[:, low + 1]
    missing = (one == _NODATA) | (other == _NODATA)
    return np.where(missing, np.float32(_NODATA), one + share * (other - one)), first


def _whole(pixels: float) -> int:
    if abs(pixels - round(pixels)) > _ALIGNED:
        msg = "Copernicus GLO-30: its tiles do not lie on one grid any more, and cannot be put together."
        raise ServiceError(msg)
    return round(pixels)
