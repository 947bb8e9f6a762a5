"""How much of each grid cell polygons cover, exactly.

The area left of a point is a sum over the outlines (Green's theorem), so that each piece of an outline
between two grid lines tells what it adds to its own cell and to all cells right of it; a running sum
along the rows gives the areas, as in the drawing of letters (exact area coverage: R. Levien's font-rs
and FreeType's smooth rasterizer). Nothing is sampled, and no polygon is cut.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from odc.geo.geobox import GeoBox

_NOTHING = 1e-9
"""Shares of a cell below this are rounding."""


def class_cells(shapes: gpd.GeoDataFrame, grid: GeoBox) -> pd.DataFrame:
    """How much of each cell each class covers.

    Parameters
    ----------
    shapes : GeoDataFrame
        As of `lczlib.polygons.open_polygons`; any CRS.
    grid : GeoBox
        The grid.

    Returns
    -------
    DataFrame
        ``cell`` (row x columns + column), ``lcz`` and ``share`` of the cell's area (polygons that
        lie on one another count each), one line a class and cell.
    """
    local = shapes.geometry.to_crs(grid.crs).to_numpy()
    finite = np.isfinite(shapely.bounds(local)).all(1)
    a = ~grid.affine
    cells = shapely.transform(
        local[finite], lambda xy: np.c_[a.a * xy[:, 0] + a.b * xy[:, 1] + a.c,
                                        a.d * xy[:, 0] + a.e * xy[:, 1] + a.f]
    )  # fmt: skip
    lcz = shapes["lcz"].to_numpy()[finite]
    (top, left), (rows, cols) = _window(cells, grid.shape)
    cells = shapely.transform(cells, lambda xy: xy - (left, top))
    parts = [
        pd.DataFrame({"cell": np.empty(0, np.int64), "lcz": np.empty(0, np.uint8), "share": []})
    ]
    for number in np.unique(lcz):
        covered = coverage(cells[lcz == number], (rows, cols))
        row, col = np.nonzero(covered > _NOTHING)
        cell = (row + top) * grid.shape[1] + col + left
        parts.append(pd.DataFrame({"cell": cell, "lcz": number, "share": covered[row, col]}))
    filled = [p for p in parts if len(p)] or parts[:1]
    return pd.concat(filled, ignore_index=True)


def _window(cells: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """First row and column, and numbers of them, of the part of a grid that shapes reach."""
    if not len(cells):
        return np.zeros(2, int), np.zeros(2, int)
    west, north, east, south = shapely.total_bounds(cells)
    low = np.clip(np.floor([north, west]), 0, shape).astype(int)
    high = np.clip(np.ceil([south, east]), low, shape).astype(int)
    return low, high - low


def coverage(shapes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Area of polygons in each unit cell of a grid.

    Parameters
    ----------
    shapes : array of Polygon or MultiPolygon
        Valid, in cells: x is the column, y the row.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    array (rows, columns), float64
        1 in a cell that is covered wholly, more where polygons lie on one another.

    Examples
    --------
    >>> coverage(np.array([shapely.box(0.5, 0, 2, 1)]), (2, 3))
    array([[0.5, 1. , 0. ],
           [0. , 0. , 0. ]])
    """
    rows, cols = shape
    if not rows or not cols:
        return np.zeros(shape)
    x, y, step = _pieces(shapes, rows, cols)
    # what lies left of the grid counts from its first column on, what lies beyond counts nowhere
    x0, x1 = (np.clip(v, 0, cols) for v in x)
    y0, y1 = (np.clip(v, 0, rows) for v in y)
    rise = (y0 - y1) * step
    keep = rise != 0
    x0, x1, y0, y1, rise = (v[keep] for v in (x0, x1, y0, y1, rise))
    row = np.minimum(np.floor((y0 + y1) / 2), rows - 1).astype(np.int64)
    middle = (x0 + x1) / 2
    col = np.minimum(np.floor(middle), cols).astype(np.int64)
    right = rise * (middle - col)
    size, width = rows * (cols + 2), cols + 2
    at = row * width + col
    total = np.bincount(at, weights=rise - right, minlength=size)
    total += np.bincount(at + 1, weights=right, minlength=size)
    return total.reshape(rows, width).cumsum(1)[:, :cols]


def _pieces(
    shapes: np.ndarray, rows: int, cols: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The pieces of all outlines between grid lines: x and y of both ends, and the ring's sign."""
    polygons = shapely.get_parts(shapes)
    rings, owner = shapely.get_rings(polygons, return_index=True)
    outer = np.diff(owner, prepend=-1) > 0
    sign = np.where(shapely.is_ccw(rings) == outer, 1.0, -1.0)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = xy[edge], xy[edge + 1]
    number = np.arange(len(edge))
    owners, places = [number, number], [np.zeros(len(edge)), np.ones(len(edge))]
    for axis, last in ((0, cols), (1, rows)):
        which, where = _crossings(start[:, axis], end[:, axis], last)
        owners.append(which)
        places.append(where)
    which, where = np.concatenate(owners), np.concatenate(places)
    order = np.lexsort((where, which))
    which, where = which[order], where[order]
    point = start[which] + where[:, None] * (end - start)[which]
    first = np.flatnonzero(which[1:] == which[:-1])
    x, y = point.T
    return (x[first], x[first + 1]), (y[first], y[first + 1]), sign[ring[edge]][which[first]]


def _crossings(start: np.ndarray, end: np.ndarray, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Which edges cross the grid lines 0..last of an axis, and where (0..1 along the edge)."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    first = np.clip(np.floor(low) + 1, 0, last + 1).astype(np.int64)
    beyond = np.clip(np.ceil(high), 0, last + 1).astype(np.int64)
    n = np.maximum(beyond - first, 0)
    which = np.repeat(np.arange(len(n)), n)
    line = first[which] + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    where = (line - start[which]) / (end - start)[which]
    return which, np.clip(where, 0, 1)
