"""Reference areas and points on a grid: which cells they label."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

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
        parts = [_cells_inside(shape, box) for shape in local]
        index = np.repeat(np.arange(len(parts)), [len(r) for r, _ in parts])
        rows, cols = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
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


def _cells_inside(shape: shapely.Geometry, box: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells whose centres a shape holds."""
    if not np.isfinite(shapely.bounds(shape)).all():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    parts = [_cells_in_window(part, box) for part in _turned(shape, box)]
    return tuple(np.concatenate([p[i] for p in parts]) for i in (0, 1))


def _cells_in_window(shape: shapely.Geometry, box: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells whose centres a shape holds, from its own small window."""
    bounds = np.array(shapely.bounds(shape)).reshape(2, 2)
    corners = [~box.affine * (x, y) for x in bounds[:, 0] for y in bounds[:, 1]]
    (left, top), (right, bottom) = np.min(corners, 0), np.max(corners, 0)
    c0, r0 = max(int(np.floor(left)), 0), max(int(np.floor(top)), 0)
    c1, r1 = min(int(np.ceil(right)), box.shape[1]), min(int(np.ceil(bottom)), box.shape[0])
    if c1 <= c0 or r1 <= r0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    window = Window(c0, r0, c1 - c0, r1 - r0)
    transform = rasterio.windows.transform(window, box.affine)
    mask = rasterio.features.rasterize(
        [(shape, 1)], out_shape=(r1 - r0, c1 - c0), transform=transform, dtype=np.uint8
    )
    rows, cols = np.nonzero(mask)
    return rows + r0, cols + c0
