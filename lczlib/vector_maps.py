"""LCZ maps drawn as polygons, such as GeoClimate's and those of cadastres: as maps on a grid.

Each cell takes the class that covers most of it, by the exact share of the cell that each polygon
covers; no point of it is sampled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.cell_coverage import class_cells
from lczlib.classes import Scheme
from lczlib.errors import InputError
from lczlib.grid import CELL_SIZE, describe, on_grid, row_cell_areas
from lczlib.limits import check_size
from lczlib.maps import MapOptions, as_lcz_map, lcz_map, open_lcz_map
from lczlib.polygons import labelled_shapes
from lczlib.reading import Reading, share, tell
from lczlib.terms import option
from lczlib.unreadable import kind_of_file
from lczlib.vector_files import called, is_polygon_file

LEAST_COVERED = 0.5
"""Share of a cell that polygons must cover, for it to have a class: as of valid pixels in mapping."""

_MIXED = 0.01  # of a cell, in other classes than its own
_CELL_BYTES = 30  # of a grid, while it is made
_RASTERS = (".tif", ".tiff", ".vrt", ".img", ".nc", ".nc4", ".hdf", ".h5", ".asc", ".jp2", ".png")


def is_vector_map(path: str | Path | gpd.GeoDataFrame) -> bool:
    """Whether a file holds polygons and not a raster, by its content; an open table does."""
    if isinstance(path, gpd.GeoDataFrame):
        return True
    if Path(path).suffix.lower() in _RASTERS or not Path(path).is_file():
        return False
    if Path(path).suffix.lower() in (".zip", ".kmz", ".parquet"):
        return is_polygon_file(path)
    return kind_of_file(path) == "polygons"


def scheme_of_polygons(options: MapOptions, path: str | Path, what: str) -> Scheme | None:
    """The numbering among the options of a map.

    Raises
    ------
    InputError
        If there are others, which polygons do not have.
    """
    of_raster = [n for n in ("band", "nodata", "legend") if getattr(options, n)]
    if of_raster:
        msg = f"The {what} {path} holds polygons: for these there is no {option(of_raster[0])}."
        raise InputError(msg)
    if options.scheme == "wrf":
        msg = (
            f"The {what} {path} holds polygons, and wrf numbers rasters only: give another {option('scheme')}, or "
            "none."
        )
        raise InputError(msg)
    return options.scheme


def open_any_map(
    source: str | Path | xr.DataArray | gpd.GeoDataFrame,
    *,
    options: MapOptions | None = None,
    cell: float | None = None,
    column: str | None = None,
    layer: str | None = None,
    grid: GeoBox | None = None,
    what: str = "LCZ map",
    chunks: object = None,
    cell_bytes: float = 0,
) -> xr.DataArray:
    """Open an LCZ map, raster or polygons, by what the file holds.

    Parameters
    ----------
    source : path, DataArray or GeoDataFrame
        See `lczlib.maps.open_lcz_map` and `open_vector_map`; an array that is open already is numbered
        1-17, and taken as it is.
    options : MapOptions, optional
        Of a raster: band, numbering, no data, legend; of polygons numbering, column, layer.
    cell, column, layer, grid
        Of polygons; column and layer in place of those of `options`.
    what : str
        What messages call it.
    chunks : optional
        Of a raster.
    cell_bytes : float
        Memory that a cell takes in what is made of it.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        As the two do; and if an option of the one is given for the other.
    """
    options = options or MapOptions()
    column, layer = column or options.column, layer or options.layer
    is_open = isinstance(source, xr.DataArray)
    path = called(source)
    if not is_open and is_vector_map(source):
        scheme = scheme_of_polygons(options, path, what)
        return open_vector_map(
            source, cell=cell, column=column, layer=layer, grid=grid, scheme=scheme, what=what,
            cell_bytes=cell_bytes,
        )  # fmt: skip
    of_polygons = {
        f"cell size ({option('cell')})": cell,
        f"class column ({option('column')})": column,
        f"layer ({option('layer')})": layer,
    }
    for asked, value in of_polygons.items():
        if value is not None:
            msg = f"The {what} {path} is no file of polygons, so that it takes no {asked}."
            raise InputError(msg)
    if is_open:
        return as_lcz_map(source, options, what)
    wanted = "raster or polygons"
    return open_lcz_map(
        source, options=options, chunks=chunks, what=what, wanted=wanted, cell_bytes=cell_bytes
    )


def open_vector_map(
    source: str | Path | gpd.GeoDataFrame,
    *,
    cell: float | None = None,
    column: str | None = None,
    layer: str | None = None,
    grid: GeoBox | None = None,
    scheme: Scheme | None = None,
    what: str = "LCZ map",
    cell_bytes: float = 0,
) -> xr.DataArray:
    """Open an LCZ map of polygons on a grid, by the class that covers most of each cell.

    Parameters
    ----------
    source : path or GeoDataFrame
        See `lczlib.polygons.open_polygons`.
    cell : float, optional
        Edge of a cell in metres, 100 if not given; the grid is in the UTM zone of the place.
    column, layer, scheme
        See `lczlib.polygons.open_polygons`.
    grid : GeoBox, optional
        Grid to lay it on, such as that of another map, in place of a `cell`.
    what : str
        What messages call it.
    cell_bytes : float
        Memory that a cell takes in what is made of it.

    Returns
    -------
    DataArray (y, x), uint8
        As of `lczlib.maps.open_lcz_map`. Cells of which polygons cover less than half are no data;
        of classes that cover equal parts the lower number is taken.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        See `lczlib.polygons.open_polygons`; and if the grid would be too large.
    """
    path = called(source)
    shapes, reading = labelled_shapes(source, column, scheme=scheme, layer=layer, what=what)
    if grid is None or cell is not None:
        size = CELL_SIZE if cell is None else cell
        grid = utm_grid(shapes, size, path, what, cell_bytes=cell_bytes)
    else:
        n = float(grid.shape[0]) * grid.shape[1]
        content = f"polygons on a grid of {n:,.0f} cells"
        check_size(n * max(_CELL_BYTES, cell_bytes), path, what, content)
    lcz, facts = on_cells(shapes, grid)
    said = (
        f"laid on {describe(grid)}, each cell the class that covers most of it",
        f"{share(facts['mixed_cells'], facts['cells'])} of {facts['cells']:,} cells mixed, "
        f"{share(facts['area_kept_km2'], facts['area_km2'])} of the area keeps its class",
    )
    cautions = []
    if facts["overlap_share"] > 0.01:
        cautions.append(
            f"Polygons of {Path(path).name} lie on one another ({share(facts['overlap_share'], 1)} of "
            "their area): areas there count several times."
        )
    if not facts["cells"]:
        cautions.append(f"No cell of the grid is covered to half or more by {Path(path).name}.")
    tell(
        Reading(
            reading.what, reading.source, (*reading.said, *said), (*reading.cautions, *cautions),
            {**reading.facts, **facts},
        )
    )  # fmt: skip
    return lcz.assign_attrs(source=str(path))


def utm_grid(
    shapes: gpd.GeoDataFrame, cell: float, path: str | Path, what: str, *, cell_bytes: float = 0
) -> GeoBox:
    """The grid of a vector map: its own UTM zone, or that of its place, at whole multiples of a cell.

    Raises
    ------
    InputError
        If it would be too large.
    """
    crs = shapes.crs
    if not (crs.to_epsg() and crs.to_epsg() // 100 in (326, 327)):
        crs = shapes.estimate_utm_crs()
    west, south, east, north = shapes.geometry.to_crs(crs).total_bounds
    if not np.isfinite([west, south, east, north]).all():
        msg = (
            f"The {what} {path} reaches beyond the UTM zone of its middle: it is no map of one "
            "place; cut it to the city."
        )
        raise InputError(msg)
    hair = 1e-6  # of a cell: borders that met a grid line before they were projected
    with np.errstate(over="ignore"):  # of a cell that is next to nothing
        wide, high = (east - west) / cell, (north - south) / cell
    content = f"polygons over {high:,.0f} x {wide:,.0f} cells of {cell:g} m"
    check_size(max(wide, 1) * max(high, 1) * max(_CELL_BYTES, cell_bytes), path, what, content)
    left, top = np.floor(west / cell + hair), np.ceil(north / cell - hair)
    cols = max(int(np.ceil(east / cell - hair) - left), 1)
    rows = max(int(top - np.floor(south / cell + hair)), 1)
    return GeoBox.from_bbox(
        (left * cell, (top - rows) * cell, (left + cols) * cell, top * cell), crs,
        shape=(rows, cols), tight=True,
    )  # fmt: skip


def on_cells(shapes: gpd.GeoDataFrame, grid: GeoBox) -> tuple[xr.DataArray, dict[str, Any]]:
    """Polygons as a map on a grid, by the class that covers most of each cell.

    Returns
    -------
    DataArray (y, x), uint8
    dict
        ``cells`` with a class, ``mixed_cells`` (with more than 1 % in other classes), ``area_km2`` of
        the polygons on the grid, ``area_kept_km2`` (in cells of their class), ``overlap_share``.
    """
    table = class_cells(shapes, grid)
    size = grid.shape[0] * grid.shape[1]
    covered = np.bincount(table["cell"], weights=table["share"], minlength=size)
    # most of the cell first, the lower number at a tie; rounding makes no winner
    order = table.assign(rounded=table["share"].round(9)).sort_values(
        ["cell", "rounded", "lcz"], ascending=[True, False, True]
    )
    best = order.drop_duplicates("cell")
    best = best[covered[best["cell"]] >= LEAST_COVERED - 1e-9]
    codes = np.zeros(size, np.uint8)
    codes[best["cell"]] = best["lcz"]
    lcz = lcz_map(on_grid(codes.reshape(grid.shape), grid))
    km2 = np.repeat(row_cell_areas(grid) / 1e6, grid.shape[1])
    kept = float((best["share"] * km2[best["cell"]]).sum())
    total = float((table["share"] * km2[table["cell"]]).sum())
    mixed = (covered[best["cell"]] - best["share"]) > _MIXED
    excess = np.maximum(covered - 1, 0) * km2
    return lcz, {
        "cells": len(best), "mixed_cells": int(mixed.sum()), "area_km2": total,
        "area_kept_km2": kept, "overlap_share": float(excess.sum() / total) if total else 0.0,
    }  # fmt: skip
