"""Maps of polygons compared by the areas that they share, instead of cell by cell."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr

from lczlib.analysis.comparison import Comparison, class_table, compare
from lczlib.cell_coverage import class_cells
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.export.targets.patches import mended
from lczlib.grid import geobox_of, row_cell_areas
from lczlib.polygons import equal_area

_BINS = N_CLASSES + 1


def compare_by_area(
    first: xr.DataArray | gpd.GeoDataFrame,
    second: xr.DataArray | gpd.GeoDataFrame,
    *,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """Compare two LCZ maps, one or both of polygons, by the area of each pair of classes.

    Parameters
    ----------
    first, second : DataArray (y, x) or GeoDataFrame
        Codes 0..17, or polygons as of `lczlib.polygons.open_polygons`. Polygons that lie on one
        another count each.
    names : tuple of str
        What the maps are called in results.

    Returns
    -------
    Comparison
        Its counts are square kilometres: those of a raster's grid, or, of two maps of polygons, of
        an equal-area projection.

    Raises
    ------
    InputError
        If both are rasters, or no area is mapped in both.
    """
    vector = [isinstance(m, gpd.GeoDataFrame) for m in (first, second)]
    if not any(vector):
        msg = f"{names[0]} and {names[1]} are both rasters: compare them by cells."
        raise InputError(msg)
    if all(vector):
        table, n = _of_polygons(first, second)
    else:
        shapes, raster = (first, second) if vector[0] else (second, first)
        table, n = _on_raster(shapes, raster)
        table = table if vector[0] else table.T
    counts = xr.DataArray(
        table[1:, 1:],
        {"first": np.arange(1, _BINS), "second": np.arange(1, _BINS)},
        ("first", "second"),
        attrs={"no_prediction": float(table[1:, 0].sum()), "no_reference": float(table[0, 1:].sum()),
               "neither": float(table[0, 0])},
    )  # fmt: skip
    if not float(counts.sum()) > 0:
        msg = f"{names[0]} and {names[1]} have no mapped area in common."
        raise InputError(msg)
    areas = [counts.sum(d).to_pandas() for d in ("second", "first")]
    return Comparison(names, counts, class_table(counts, *areas), polygons=n)


def all_by_area(maps: Mapping[str, xr.DataArray | gpd.GeoDataFrame]) -> list[Comparison]:
    """Compare each pair of several maps by area (see `compare_by_area`); two rasters by their cells.

    Raises
    ------
    InputError
        If all are rasters.
    """
    drawn = {name for name, m in maps.items() if isinstance(m, gpd.GeoDataFrame)}
    if not drawn:
        msg = f"{', '.join(maps)} are all rasters: compare them by cells."
        raise InputError(msg)
    return [
        (compare_by_area if drawn & {a, b} else compare)(maps[a], maps[b], names=(a, b))
        for a, b in itertools.combinations(maps, 2)
    ]


def _on_raster(shapes: gpd.GeoDataFrame, raster: xr.DataArray) -> tuple[np.ndarray, int]:
    """Areas of (polygon class, raster class), km2, and how many polygons reach the raster."""
    box = geobox_of(raster, "map")
    codes = raster.transpose("y", "x").values
    km2 = row_cell_areas(box) / 1e6
    pieces = class_cells(shapes, box)
    cell, row = pieces["cell"].to_numpy(), pieces["cell"].to_numpy() // box.shape[1]
    area = pieces["share"].to_numpy() * km2[row]
    pair = pieces["lcz"].to_numpy().astype(np.int64) * _BINS + codes.ravel()[cell]
    table = np.bincount(pair, weights=area, minlength=_BINS**2).reshape(_BINS, _BINS)
    covered = np.bincount(cell, weights=pieces["share"], minlength=codes.size).reshape(codes.shape)
    bare = np.maximum(1 - covered, 0) * km2[:, None]
    table[0] = np.bincount(codes.ravel(), weights=bare.ravel(), minlength=_BINS)
    extent = box.extent.geom
    reach = shapely.intersects(shapes.geometry.to_crs(box.crs).to_numpy(), extent)
    return table, int(reach.sum())


def _of_polygons(first: gpd.GeoDataFrame, second: gpd.GeoDataFrame) -> tuple[np.ndarray, int]:
    """Areas of (first class, second class), km2, and how many of the first's polygons meet the second's."""
    crs = equal_area(first)
    # what was valid may cross itself in another projection
    a, b = (mended(m.geometry.to_crs(crs).to_numpy()) for m in (first, second))
    tree = shapely.STRtree(b)
    left, right = tree.query(a, predicate="intersects")
    area = shapely.area(shapely.intersection(a[left], b[right])) / 1e6
    classes = [m["lcz"].to_numpy().astype(np.int64) for m in (first, second)]
    pair = classes[0][left] * _BINS + classes[1][right]
    table = np.bincount(pair, weights=area, minlength=_BINS**2).reshape(_BINS, _BINS)
    for axis, shapes, lcz in ((1, a, classes[0]), (0, b, classes[1])):
        whole = np.bincount(lcz, weights=shapely.area(shapes) / 1e6, minlength=_BINS)
        alone = np.maximum(whole - table.sum(axis), 0)[1:]
        if axis:
            table[1:, 0] = alone
        else:
            table[0, 1:] = alone
    return table, len(np.unique(left[area > 0]))
