"""A reference to judge a map by: class codes in a raster, or labelled polygons or points, also in a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import xarray as xr

from lczlib.classes import Scheme
from lczlib.maps import MapOptions, as_lcz_map, open_lcz_map
from lczlib.point_tables import is_point_table
from lczlib.polygons import is_labelled, open_polygons
from lczlib.unreadable import kind_of_file
from lczlib.vector_files import called, is_polygon_file
from lczlib.vector_maps import scheme_of_polygons

_ARCHIVES = (".zip", ".kmz")  # what is in them is the polygon reader's business


def open_reference(
    source: str | Path | xr.DataArray | gpd.GeoDataFrame,
    column: str | None = None,
    *,
    scheme: Scheme | None = None,
    layer: str | None = None,
    chunks: object = None,
    options: MapOptions | None = None,
    cell_bytes: float = 0,
) -> xr.DataArray | gpd.GeoDataFrame:
    """Open a reference, raster, polygons or points, by what the file holds rather than by its suffix.

    Parameters
    ----------
    source : path, DataArray or GeoDataFrame
        See `lczlib.maps.open_lcz_map` and `lczlib.polygons.open_polygons`; what is open already is
        taken as it is, a table of features by the column that holds its classes.
    column, layer : str, optional
        Of polygons and points.
    scheme : Scheme, optional
        Numbering of the classes; in place of that of `options`, as column and layer are.
    chunks : optional
        Of a raster.
    options : MapOptions, optional
        Of a raster: band, numbering, no data, legend; of polygons numbering, column, layer.
    cell_bytes : float
        Of a raster: memory that a cell takes in what is made of it.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        As the two do.
    """
    options = options or MapOptions()
    if isinstance(source, xr.DataArray):
        return as_lcz_map(source, replace(options, scheme=scheme or options.scheme), "reference")
    if is_labelled(source):
        return source
    if isinstance(source, gpd.GeoDataFrame) or _holds_features(source):
        stated = scheme_of_polygons(options, called(source), "reference")
        return open_polygons(
            source, column or options.column, scheme=scheme or stated, layer=layer or options.layer,
            what="reference", points=True,
        )  # fmt: skip
    return open_lcz_map(
        source,
        scheme=scheme,
        options=options,
        chunks=chunks,
        what="reference",
        wanted="raster or polygons",
        cell_bytes=cell_bytes,
    )


def _holds_features(path: str | Path) -> bool:
    """Whether a file holds polygons or points, and no raster."""
    known = Path(path).is_file() and Path(path).suffix.lower() not in _ARCHIVES
    kind = kind_of_file(path) if known else None
    polygons = is_polygon_file(path) if kind is None else kind == "polygons"
    return polygons or is_point_table(path)
