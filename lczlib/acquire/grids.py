"""The grid of a place on that of the scenes: their own UTM zone, their own 10 m pixels."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform

from lczlib.longitudes import Box, middle_of, utm_of

PIXEL = 10.0
_BLOCK = 1024  # pixels along a side of the largest blocks that services' files have
_CELL = 10  # pixels of an LCZ cell of 100 m: the grid holds whole ones


def zone_of(box: Box, codes: Iterable[int | None]) -> int:
    """EPSG code of the zone that a box is put on.

    Parameters
    ----------
    box : tuple of float
        West, south, east, north in degrees.
    codes : iterable of int
        Of the scenes there are. That of the box's middle, if they have it, so that most of it is not
        resampled; else the most frequent one.
    """
    count = Counter(c for c in codes if c)
    own = int(utm_of(*middle_of(box)).removeprefix("EPSG:"))
    return own if own in count or not count else count.most_common(1)[0][0]


def grid_on(box: Box, epsg: int, corner: tuple[float, float] = (0.0, 0.0)) -> GeoBox:
    """The grid of whole LCZ cells over a box, on 20 m pixels that begin at a scene's corner.

    Parameters
    ----------
    box : tuple of float
        West, south, east, north in degrees.
    epsg : int
        The UTM zone.
    corner : tuple of float
        Any corner of a 20 m pixel of the scenes.
    """
    x, y = _outline(box, epsg)
    step = 2 * PIXEL
    left, top = (
        corner[0] + math.floor((x.min() - corner[0]) / step + 1e-6) * step,
        corner[1] + math.ceil((y.max() - corner[1]) / step - 1e-6) * step,
    )
    cols, rows = (
        math.ceil(length / (_CELL * PIXEL) - 1e-6) * _CELL
        for length in (x.max() - left, top - y.min())
    )
    return GeoBox(
        (max(rows, _CELL), max(cols, _CELL)), Affine(PIXEL, 0, left, 0, -PIXEL, top), f"EPSG:{epsg}"
    )


def grid_of_pixels(box: Box, epsg: int, lattice: tuple[float, float, float]) -> GeoBox:
    """The grid of whole pixels of a scene over a box.

    Parameters
    ----------
    box : tuple of float
        West, south, east, north in degrees.
    epsg : int
        The UTM zone.
    lattice : tuple of float
        Left and top of a corner of any of the scene's pixels, and their edge in metres.
    """
    left, top, size = lattice
    x, y = _outline(box, epsg)
    west = left + math.floor((x.min() - left) / size + 1e-6) * size
    north = top + math.ceil((y.max() - top) / size - 1e-6) * size
    cols, rows = (math.ceil(n / size - 1e-6) for n in (x.max() - west, north - y.min()))
    return GeoBox(
        (max(rows, 1), max(cols, 1)), Affine(size, 0, west, 0, -size, north), f"EPSG:{epsg}"
    )


def coarse(grid: GeoBox, most: int, first: float = 20.0) -> GeoBox:
    """A grid over the same ground with at most so many pixels along a side, of `first` metres or multiples."""
    times = max(1, math.ceil(max(grid.shape) * PIXEL / first / most))
    size = first * times
    rows, cols = (max(1, math.ceil(n * PIXEL / size)) for n in grid.shape)
    a = grid.affine
    return GeoBox((rows, cols), Affine(size, 0, a.c, 0, -size, a.f), grid.crs)


def tiles_of(grid: GeoBox, size: int, corner: tuple[float, float]) -> list[tuple[slice, slice]]:
    """Parts of a grid that end where blocks of the scenes' files do, those of one block together.

    A block of a file of 20 m, or one of 1,024 pixels, lies under several parts; taken one after the other,
    these find it in GDAL's cache.

    Parameters
    ----------
    grid : GeoBox
        The whole.
    size : int
        Pixels along a side: a part of the blocks' 512 or 1,024.
    corner : tuple of float
        Upper-left corner of a scene, where its blocks begin.
    """
    a = grid.affine
    first = round((a.f - corner[1]) / a.e), round((a.c - corner[0]) / a.a)
    cuts = []
    for at, n in zip(first, grid.shape, strict=True):
        inner = range(-at % size, n, size)
        edges = sorted({0, *inner, n})
        cuts.append([slice(i, j) for i, j in itertools.pairwise(edges)])
    found = [(rows, cols) for rows in cuts[0] for cols in cuts[1]]
    return sorted(
        found,
        key=lambda part: [(s.start + at) // _BLOCK for s, at in zip(part, first, strict=True)],
    )


def inside(box: Box, grid: GeoBox) -> np.ndarray:
    """Which pixels (y, x) of a grid over a box lie in it: the grid is upright, the box leans."""
    from rasterio.features import geometry_mask

    west, south, east, north = box
    east += 360 * (west > east)
    ring = [(west, south), (east, south), (east, north), (west, north)]
    sides = zip(ring, [*ring[1:], ring[0]], strict=True)
    points = np.concatenate([np.linspace(a, b, 41)[:-1] for a, b in sides])
    x, y = _projected(points[:, 0], points[:, 1], str(grid.crs))
    shape = {"type": "Polygon", "coordinates": [[*zip(x, y, strict=True), (x[0], y[0])]]}
    return geometry_mask([shape], grid.shape, grid.affine, invert=True)


def _outline(box: Box, epsg: int) -> tuple[np.ndarray, np.ndarray]:
    west, south, east, north = box
    across = np.linspace(west, east + (360 if west > east else 0), 41)
    up = np.linspace(south, north, 41)
    lon = np.concatenate([across, across, np.full(41, across[0]), np.full(41, across[-1])])
    lat = np.concatenate([np.full(41, south), np.full(41, north), up, up])
    return _projected(lon, lat, f"EPSG:{epsg}")


def _projected(lon: np.ndarray, lat: np.ndarray, crs: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = transform("EPSG:4326", crs, (lon + 180) % 360 - 180, lat)
    return np.array(x), np.array(y)
