"""What an export is made of: the map, how certain it is, the polygons it is summed over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import check_projected, geobox_of
from lczlib.jobs.certainty import found_certainty
from lczlib.jobs.map_files import open_map
from lczlib.maps import lcz_map
from lczlib.reading import Reading, counted, share, tell
from lczlib.terms import option
from lczlib.vector_files import called, read_features

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from lczlib.export.targets.wrf import Domain, UrbanForm
    from lczlib.jobs.export_request import ExportRequest

_CELL_BYTES = 40
"""Memory that a cell takes: numbers of patches, areas, certainty."""
_MOST_PLACES = 200_000
"""Squares or polygons that are summed over at most."""


@dataclass(frozen=True)
class Material:
    """What an export is made of.

    Attributes
    ----------
    request : ExportRequest
    lcz : DataArray (y, x)
        Codes 0..17, in memory; filled where that was asked for.
    filled : int
        Cells that took the nearest cell's class.
    certainty : DataArray (y, x) or None
        0..1, NaN where not known.
    certainty_file : Path or None
        The probabilities it is of, where they are in a file of their own.
    polygons : GeoDataFrame or None
        With ``id`` (whole numbers), ``name`` and geometry.
    zones : DataFrame or None
        As of `lczlib.analysis.zonal.zonal_areas`, with ``id`` and ``name`` first.
    domain, form : Domain and UrbanForm, or None
        Of WRF.
    """

    request: ExportRequest
    lcz: xr.DataArray
    filled: int = 0
    certainty: xr.DataArray | None = None
    certainty_file: Path | None = None
    polygons: gpd.GeoDataFrame | None = None
    zones: pd.DataFrame | None = None
    domain: Domain | None = None
    form: UrbanForm | None = None


def material_of(request: ExportRequest) -> Material:
    """Open all that an export is made of.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If a file cannot be read, or they do not lie on one grid.
    """
    lcz = open_map(request.map_path, request, cell_bytes=_CELL_BYTES).transpose("y", "x").compute()
    filled = 0
    if request.fill:
        lcz, filled = _filled(lcz)
    sure, source = None, None
    if request.to in ("gpkg", "netcdf"):
        sure, source = found_certainty(request.map_path, lcz, request.probabilities)
    polygons = zones = None
    if request.polygons is not None:
        polygons = _polygons(request)
    elif request.to == "suews":
        polygons = squares(lcz, request.block)
    if polygons is not None:
        zones = _zones(lcz, polygons)
    domain = form = None
    if request.to == "wrf" and request.geo_em is not None:
        from lczlib.export.targets.wrf import class_shares, urban_form

        domain = _domain(request.geo_em)
        form = urban_form(class_shares(lcz, domain))
    return Material(request, lcz, filled, sure, source, polygons, zones, domain, form)


def _filled(lcz: xr.DataArray) -> tuple[xr.DataArray, int]:
    """A map whose cells without a class have that of the nearest cell, and how many these are."""
    from scipy import ndimage

    empty = lcz.values == 0
    if not empty.any() or empty.all():
        return lcz, 0
    box = geobox_of(lcz, "LCZ map")
    steps = (abs(box.affine.e), abs(box.affine.a))
    row, col = ndimage.distance_transform_edt(
        empty, sampling=steps, return_distances=False, return_indices=True
    )
    attrs = {k: v for k, v in lcz.attrs.items() if k == "source"}
    n = int(empty.sum())
    text = f"{n:,} of {lcz.size:,} cells without a class ({share(n, lcz.size)}) filled from the nearest cell"
    tell(
        Reading(
            "map to be written", str(lcz.attrs.get("source", "")), (text,), (), {"cells_filled": n}
        )
    )
    return lcz_map(lcz.copy(data=lcz.values[row, col]), **attrs), n


def _polygons(request: ExportRequest) -> gpd.GeoDataFrame:
    """The polygons of a file, each with a whole number and a name."""
    import geopandas as gpd

    path = called(request.polygons)
    table = read_features(request.polygons, what="file of polygons").table
    shapes = table.geometry.to_numpy()
    areal = (shapely.get_dimensions(shapes) == 2) & ~shapely.is_empty(shapes)
    kept = table[areal]
    if not len(kept):
        msg = f"{path} holds no polygon: points and lines have no area to sum over."
        raise InputError(msg, parameter="polygons")
    names = [str(n) for n in range(1, len(kept) + 1)]
    numbers = np.arange(1, len(kept) + 1)
    if request.name_column is not None:
        columns = [c for c in table.columns if c != table.geometry.name]
        if request.name_column not in columns:
            msg = f"{path} has no column {request.name_column!r}: it has {', '.join(map(str, columns)) or 'none'}."
            raise InputError(msg, parameter="name_column")
        given = kept[request.name_column]
        names = ["" if v is None or v != v else str(v) for v in given]
        if given.dtype.kind in "iu" and given.is_unique:
            numbers = given.to_numpy()
    mended = kept.geometry.make_valid(method="structure", keep_collapsed=False)
    n_mended, n_left = int((~kept.geometry.is_valid).sum()), int((~areal).sum())
    said = [counted(len(kept), "polygon")]
    said += [f"{n_mended} mended (outlines that cross themselves)"] if n_mended else []
    said += [f"{n_left} without area left out"] if n_left else []
    tell(Reading("file of polygons", path, tuple(said), (), {"polygons": len(kept)}))
    content = {"id": numbers, "name": names}
    return gpd.GeoDataFrame(content, geometry=mended.to_numpy(), crs=table.crs)


def squares(lcz: xr.DataArray, edge: float) -> gpd.GeoDataFrame:
    """Squares from the map's upper-left corner that cover it, as polygons.

    Raises
    ------
    GridError
        If the map is not in metres.
    InputError
        If there would be too many.
    """
    import geopandas as gpd

    remedy = f", or give polygons to sum over ({option('polygons')})"
    box = check_projected(geobox_of(lcz, "LCZ map"), "LCZ map", remedy=remedy)
    left, bottom, right, top = box.boundingbox
    cols, rows = (int(np.ceil(v / edge - 1e-6)) for v in (right - left, top - bottom))
    if rows * cols > _MOST_PLACES:
        msg = (
            f"Squares of {edge:g} m make {rows * cols:,} of the map, more than {_MOST_PLACES:,}: take larger ones "
            f"({option('block')})."
        )
        raise InputError(msg, parameter="block")
    col, row = (v.ravel() for v in np.meshgrid(np.arange(cols), np.arange(rows)))
    x, y = left + col * edge, top - row * edge
    numbers = np.arange(1, len(x) + 1)
    # the last ones end where the map does, so that they are of its ground alone
    shapes = shapely.box(x, np.maximum(y - edge, bottom), np.minimum(x + edge, right), y)
    content = {"id": numbers, "name": [str(n) for n in numbers]}
    return gpd.GeoDataFrame(content, geometry=shapes, crs=str(box.crs))


def _zones(lcz: xr.DataArray, polygons: gpd.GeoDataFrame) -> pd.DataFrame:
    from lczlib.analysis.zonal import zonal_areas

    table = zonal_areas(lcz, polygons)
    table.insert(0, "id", polygons["id"].to_numpy())
    table.insert(1, "name", polygons["name"].to_numpy())
    return table


def _domain(path: str | Path) -> Domain:
    """Read a geo_em file, and tell what was read."""
    from lczlib.export.targets.wrf import open_domain

    domain = open_domain(path)
    rows, cols = domain.shape
    attrs = domain.content.attrs
    said = (
        f"{rows} x {cols} cells of {float(attrs['DX']):g} m",
        f"{domain.categories} land use categories",
        f"urban category {int(attrs['ISURBAN'])}",
    )
    tell(Reading("geo_em file", str(path), said, (), {"rows": rows, "columns": cols}))
    return domain
