"""Reference areas and points on a grid: which cells they label."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from odc.geo.geobox import GeoBox

from lczlib.errors import GridError
from lczlib.grid import describe
from lczlib.vector_files import crs_name_of


def are_points(shapes: gpd.GeoDataFrame) -> bool:
    """Whether references are points and not areas."""
    return len(shapes) > 0 and bool((shapely.get_dimensions(shapes.geometry.to_numpy()) == 0).all())


def polygon_cells(polygons: gpd.GeoDataFrame, box: GeoBox) -> pd.DataFrame:
    """The cells of a grid whose centres lie in reference polygons, or that hold reference points.

    A cell in several polygons (or with several points) of one class counts once, for the one that
    comes first in the file; a cell of different classes is contested and left out.

    Parameters
    ----------
    polygons : GeoDataFrame
        As of `open_polygons`; any CRS.
    box : GeoBox
        The grid.

    Returns
    -------
    DataFrame
        ``row``, ``col``, ``lcz`` (uint8) and ``polygon``, one line a cell, in row order. ``attrs``:
        ``contested_cells``, ``shared_cells`` (counted once instead of several times),
        ``polygons_without_cell``, and these apart: ``polygons_outside`` (off the grid) and
        ``polygons_too_small`` (to hold a cell centre).

    Raises
    ------
    GridError
        If no polygon holds a cell centre of the grid.
    """
    local = polygons.to_crs(box.crs).geometry.to_numpy()
    if are_points(polygons):
        index, rows, cols = _cells_of_points(local, box)
    else:
        index, rows, cols = _cells_of_areas(local, box)
    lcz, number = polygons["lcz"].to_numpy(), polygons["polygon"].to_numpy()
    cells = pd.DataFrame({"row": rows, "col": cols, "lcz": lcz[index], "polygon": number[index]})
    without = np.setdiff1d(np.arange(len(local)), index)
    n_outside = sum(_is_outside(shape, box) for shape in local[without])
    if cells.empty:
        raise GridError(_no_cell(polygons, box, n_outside))
    groups = cells.groupby(["row", "col"], sort=False)
    contested = (groups["lcz"].transform("nunique") > 1).to_numpy()
    repeated = cells.duplicated(["row", "col"]).to_numpy()
    out = cells[~contested & ~repeated].sort_values(["row", "col"], ignore_index=True)
    out.attrs = {
        "contested_cells": int((contested & ~repeated).sum()),
        "shared_cells": int((repeated & ~contested).sum()),
        "polygons_without_cell": len(without),
        "polygons_outside": n_outside,
        "polygons_too_small": len(without) - n_outside,
    }
    return out.astype({"lcz": np.uint8})


def _no_cell(polygons: gpd.GeoDataFrame, box: GeoBox, n_outside: int) -> str:
    points = are_points(polygons)
    noun, does = ("point", "lies in") if points else ("polygon", "holds the centre of")
    where = f"the map ({describe(box)})"
    start = f"No reference {noun} {does} a map cell: the {noun}s ({crs_name_of(polygons)}) "
    if points or n_outside == len(polygons):
        hint = ""
        if polygons.crs.is_geographic and _lie_swapped(polygons, box):
            hint = (
                "; with latitude and longitude swapped they would lie on it: write longitude first"
            )
        return f"{start}lie outside {where}{hint}."
    if not n_outside:
        return f"{start}are smaller than the cells of {where}: draw larger ones."
    small = len(polygons) - n_outside
    return f"{start}lie outside {where} ({n_outside}) or are smaller than its cells ({small})."


def _lie_swapped(polygons: gpd.GeoDataFrame, box: GeoBox) -> bool:
    bounds = polygons.total_bounds
    if np.abs(bounds[[0, 2]]).max() > 90:
        return False
    swapped = polygons.geometry.transform(lambda xy: xy[:, ::-1]).to_crs(box.crs)
    return not all(_is_outside(shape, box) for shape in swapped)


def _is_outside(shape: shapely.Geometry, box: GeoBox) -> bool:
    if not np.isfinite(shapely.bounds(shape)).all():  # beyond what the projection can show
        return True
    return all(shapely.disjoint(part, box.extent.geom) for part in _turned(shape, box))


def _turned(shape: shapely.Geometry, box: GeoBox) -> list[shapely.Geometry]:
    """A shape, and in degrees its copies one turn around the globe that reach the grid."""
    if not box.crs.geographic:
        return [shape]
    west, _, east, _ = shapely.bounds(shape)
    turns = [t for t in (0, -360, 360)
             if t == 0 or (west + t < box.boundingbox.right and east + t > box.boundingbox.left)]  # fmt: skip
    return [
        shapely.transform(shape, lambda xy, t=t: xy + np.array([t, 0])) if t else shape
        for t in turns
    ]


def _cells_of_points(shapes: np.ndarray, box: GeoBox) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the shape, row and column of each point on a grid."""
    xy, index = shapely.get_coordinates(shapes, return_index=True)
    if box.crs.geographic:
        left = box.boundingbox.left
        xy[:, 0] = left + np.mod(xy[:, 0] - left, 360)
    inside = np.isfinite(xy).all(1)
    col, row = ~box.affine * (xy[inside, 0], xy[inside, 1])
    at = np.floor(np.stack([row, col], 1))
    on = ((at >= 0) & (at < box.shape)).all(1)
    rows, cols = at[on].astype(np.int64).T
    return index[inside][on], rows, cols


def _cells_of_areas(shapes: np.ndarray, box: GeoBox) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the shape, row and column of each cell whose centre a shape holds.

    All outlines are crossed with all lines of centres at once: one call of GDAL a shape takes longer
    than all its cells. A centre on an outline counts as GDAL counts it (`rasterio.features.rasterize`).
    """
    finite = np.flatnonzero(np.isfinite(shapely.bounds(shapes)).all(1))
    copies = [_turned(shape, box) for shape in shapes[finite]]
    owner = np.repeat(finite, [len(c) for c in copies])
    polygons, part = shapely.get_parts(
        [c for several in copies for c in several], return_index=True
    )
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    rings = np.where(shapely.is_ccw(rings), rings, shapely.reverse(rings))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    at, edge = _on_grid(xy, box), np.flatnonzero(ring[1:] == ring[:-1])
    line, row, first, beyond = _spans(at[edge], at[edge + 1], polygon[ring[edge]], box.shape)
    span, col = _runs(first, beyond)
    # a polygon has a level edge's cells twice, and parts that touch may share some
    cells = np.unique((owner[part[line]] * box.shape[0] + row)[span] * box.shape[1] + col)
    line, col = np.divmod(cells, box.shape[1])
    return *np.divmod(line, box.shape[0]), col


def _on_grid(xy: np.ndarray, box: GeoBox) -> np.ndarray:
    """Points in cells, column and row: differences first, which are exact for round numbers."""
    a = box.affine
    x, y = xy[:, 0] - a.c, xy[:, 1] - a.f
    return np.stack([a.e * x - a.b * y, a.a * y - a.d * x], 1) / a.determinant


def _spans(
    start: np.ndarray, end: np.ndarray, polygon: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """The polygon, row, first column and the one beyond the last of what edges enclose of each row."""
    rows, cols = shape
    up = (start[:, 1] < end[:, 1])[:, None]
    (x0, y0), (x1, y1) = np.where(up, start, end).T, np.where(up, end, start).T
    top, bottom = (np.clip(np.ceil(y - 0.5), 0, rows).astype(np.int64) for y in (y0, y1))
    edge, row = _runs(top, bottom)  # none of a level edge
    x = (row + 0.5 - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge] + x0[edge]
    order = np.lexsort((x, row, polygon[edge]))
    first, last = order[::2], order[1::2]  # an outline is closed: in, and out again
    # of outlines that run anticlockwise on the map, GDAL also counts centres on level edges to the east
    level = (y0 == y1) & (start[:, 0] < end[:, 0]) & (np.floor(y0) + 0.5 == y0)
    level = np.flatnonzero(level & (y0 > 0) & (y0 < rows))
    low, high = start[level, 0], end[level, 0]
    columns = (np.concatenate([x[first], low]), np.concatenate([x[last], high]))
    return (
        np.concatenate([polygon[edge][first], polygon[level]]),
        np.concatenate([row[first], np.floor(y0[level]).astype(np.int64)]),
        *(np.clip(np.floor(c + 0.5), 0, cols).astype(np.int64) for c in columns),
    )


def _runs(first: np.ndarray, beyond: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All whole numbers of several runs, and the index of the run of each."""
    n = np.maximum(beyond - first, 0)
    which = np.repeat(np.arange(len(n)), n)
    return which, first[which] + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
