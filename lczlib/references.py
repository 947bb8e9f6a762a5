"""A reference to judge a map by: class codes in a raster, or labelled polygons or points, also in a table."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import xarray as xr

from lczlib.classes import Scheme
from lczlib.maps import MapOptions, open_lcz_map
from lczlib.point_tables import is_point_table
from lczlib.polygons import open_polygons
from lczlib.unreadable import kind_of_file
from lczlib.vector_files import is_polygon_file
from lczlib.vector_maps import scheme_of_polygons

_ARCHIVES = (".zip", ".kmz")  # what is in them is the polygon reader's business


def open_reference(
    path: str | Path,
    column: str | None = None,
    *,
    scheme: Scheme | None = None,
    layer: str | None = None,
    chunks: object = None,
    options: MapOptions | None = None,
) -> xr.DataArray | gpd.GeoDataFrame:
    """Open a reference, raster, polygons or points, by what the file holds rather than by its suffix.

    Parameters
    ----------
    path : path
        See `lczlib.maps.open_lcz_map` and `lczlib.polygons.open_polygons`.
    column, layer : str, optional
        Of polygons and points.
    scheme : Scheme, optional
        Numbering of the classes; in place of that of `options`, as column and layer are.
    chunks : optional
        Of a raster.
    options : MapOptions, optional
        Of a raster: band, numbering, no data, legend; of polygons numbering, column, layer.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        As the two do.
    """
    known = Path(path).is_file() and Path(path).suffix.lower() not in _ARCHIVES
    kind = kind_of_file(path) if known else None
    polygons = is_polygon_file(path) if kind is None else kind == "polygons"
    polygons = polygons or is_point_table(path)
    options = options or MapOptions()
    if polygons:
        stated = scheme_of_polygons(options, path, "reference")
        return open_polygons(
            path, column or options.column, scheme=scheme or stated, layer=layer or options.layer,
            what="reference", points=True,
        )  # fmt: skip
    return open_lcz_map(
        path,
        scheme=scheme,
        options=options,
        chunks=chunks,
        what="reference",
        wanted="raster or polygons",
    )
