"""How much of each class lies in each of some polygons: of districts, or of a model's grid."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.cell_coverage import coverage
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import geobox_of, row_cell_areas


def zonal_areas(lcz: xr.DataArray, polygons: gpd.GeoDataFrame) -> pd.DataFrame:
    """Area of each class in each polygon, by the exact share of each cell that it covers.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 0..17, in memory.
    polygons : GeoDataFrame
        Valid polygons in any CRS, which may lie on one another.

    Returns
    -------
    DataFrame
        A row a polygon, in their order: ``area_km2`` (by the map's cells; on the
        ellipsoid where it lies off the map), ``no_data_share`` (0..1 of it:
        cells without a class, and what lies off the map), ``outside_share`` (off the map alone),
        ``cells`` (of the grid, that it reaches) and ``cells_no_data``, and columns 1..17: square kilometres
        of each class.

    Raises
    ------
    InputError
        If no polygon reaches the map.
    """
    box = geobox_of(lcz, "LCZ map")
    codes = lcz.transpose("y", "x").values
    km2 = row_cell_areas(box) / 1e6
    local = polygons.geometry.to_crs(str(box.crs)).to_numpy()
    ground = polygons.geometry.to_crs("EPSG:4326").to_numpy()
    geod = pyproj.Geod(ellps="WGS84")
    rows = [
        _row(shape, codes, km2, box, abs(geod.geometry_area_perimeter(place)[0]) / 1e6)
        for shape, place in zip(local, ground, strict=True)
    ]
    table = pd.DataFrame(rows, index=polygons.index)
    if len(table) and not (table["cells"] > 0).any():
        msg = (
            f"None of the {len(table)} polygons reaches the LCZ map: give those of the same place, and see that "
            "both say their coordinate reference system right."
        )
        raise InputError(msg)
    first = ["area_km2", "no_data_share", "outside_share", "cells", "cells_no_data"]
    return table[[*first, *range(1, N_CLASSES + 1)]]


def _row(
    shape: shapely.Geometry, codes: np.ndarray, km2: np.ndarray, box: GeoBox, on_ellipsoid: float
) -> dict[str | int, float]:
    a = ~box.affine
    cells = shapely.transform(
        shape, lambda xy: np.c_[a.a * xy[:, 0] + a.b * xy[:, 1] + a.c,
                                a.d * xy[:, 0] + a.e * xy[:, 1] + a.f]
    )  # fmt: skip
    empty = dict.fromkeys(range(1, N_CLASSES + 1), 0.0) | {
        "no_data_share": 1.0, "outside_share": 1.0, "cells": 0, "cells_no_data": 0, "area_km2": on_ellipsoid,
    }  # fmt: skip
    bounds = shapely.bounds(cells)
    if not np.isfinite(bounds).all():
        return empty
    west, north, east, south = bounds
    low = np.clip(np.floor([north, west]), 0, codes.shape).astype(int)
    high = np.clip(np.ceil([south, east]), low, codes.shape).astype(int)
    rows, cols = high - low
    if not rows or not cols:
        return empty
    shifted = shapely.transform(cells, lambda xy: xy - (low[1], low[0]))
    share = np.clip(coverage(np.array([shifted], object), (rows, cols)), 0, 1)
    part = codes[low[0] : high[0], low[1] : high[1]]
    reached = share > 1e-9
    area = share * km2[low[0] : high[0], None]
    by_class = np.bincount(part.ravel(), weights=area.ravel(), minlength=N_CLASSES + 1)
    whole = float(shapely.area(cells))
    inside = float(share.sum())
    classed = float(share[part > 0].sum())
    outside = max(0.0, 1 - inside / whole) if whole else 1.0
    return {n: float(by_class[n]) for n in range(1, N_CLASSES + 1)} | {
        # measured as the cells are, so that the areas of the classes add up to it
        "area_km2": float(area.sum()) / inside * whole if inside else on_ellipsoid,
        "no_data_share": max(0.0, 1 - classed / whole) if whole else 1.0,
        "outside_share": outside if outside > 1e-9 else 0.0,
        "cells": int(reached.sum()),
        "cells_no_data": int((reached & (part == 0)).sum()),
    }  # fmt: skip
