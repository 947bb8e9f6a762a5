"""The grid of WRF's files (``geo_em``, ``wrfinput``, ``wrfout``), which is told by attributes of their own.

GDAL knows no geotransform and no reference system of them. The grid is on WRF's sphere of 6370 km, its
middle is at ``CEN_LAT`` and ``CEN_LON`` (Skamarock et al. 2021, doi 10.5065/1dfh-6p97, section 3.3.1; the
same as of w2w, doi 10.21105/joss.04432).
"""

from __future__ import annotations

from collections.abc import Mapping

import pyproj
import xarray as xr
from affine import Affine

_PROJECTIONS = {
    1: "+proj=lcc +lat_1={TRUELAT1} +lat_2={TRUELAT2} +lat_0={MOAD_CEN_LAT} +lon_0={STAND_LON}",
    2: "+proj=stere +lat_0={pole} +lat_ts={TRUELAT1} +lon_0={STAND_LON}",
    3: "+proj=merc +lat_ts={TRUELAT1} +lon_0={STAND_LON}",
}
"""By ``MAP_PROJ``: Lambert conformal, polar stereographic, Mercator."""
_STATED = (
    "MAP_PROJ", "TRUELAT1", "TRUELAT2", "MOAD_CEN_LAT", "STAND_LON", "CEN_LAT", "CEN_LON", "DX", "DY",
)  # fmt: skip
_SIZES = {"x": "WEST-EAST_GRID_DIMENSION", "y": "SOUTH-NORTH_GRID_DIMENSION"}


def on_wrf_grid(data: xr.DataArray, tags: Mapping[str, str]) -> xr.DataArray:
    """A layer of a WRF file on its grid; as it is, where the file does not tell it, or was cut.

    Parameters
    ----------
    data : DataArray (..., y, x)
        Rows from north to south, as GDAL gives them.
    tags : mapping
        Of the file, as GDAL names them: ``NC_GLOBAL#MAP_PROJ``.
    """
    told = {k.rpartition("#")[2]: v for k, v in tags.items() if k.startswith("NC_GLOBAL#")}
    try:
        points = {axis: int(float(told[name])) for axis, name in _SIZES.items()}
    except (KeyError, ValueError):
        return data
    # the numbers of points are those between cells, one more than cells
    whole = all(data.sizes[axis] in (n - 1, n) for axis, n in points.items())
    found = wrf_grid(told, (data.sizes["y"], data.sizes["x"])) if whole else None
    if found is None:
        return data
    crs, transform = found
    columns = transform.c + transform.a * (0.5 + xr.DataArray(range(data.sizes["x"]), dims="x"))
    rows = transform.f + transform.e * (0.5 + xr.DataArray(range(data.sizes["y"]), dims="y"))
    out = data.assign_coords(x=columns, y=rows).rio.write_crs(crs.to_wkt())
    return out.rio.write_transform(transform)


def wrf_grid(
    told: Mapping[str, object], shape: tuple[int, int]
) -> tuple[pyproj.CRS, Affine] | None:
    """Reference system and transform, north up, of a grid by WRF's global attributes.

    Parameters
    ----------
    told : mapping
        The attributes by their names in WRF, as numbers or texts.
    shape : (int, int)
        Cells from north to south, and from west to east.

    Returns
    -------
    None where they do not tell it, or the projection is another than these three.
    """
    try:
        known = {name: float(told[name]) for name in _STATED}  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError):
        return None
    if known["MAP_PROJ"] not in _PROJECTIONS or min(known["DX"], known["DY"]) <= 0:
        return None
    text = _PROJECTIONS[int(known["MAP_PROJ"])].format(
        **known, pole=90 if known["TRUELAT1"] > 0 else -90
    )
    crs = pyproj.CRS(f"{text} +R=6370000 +units=m +no_defs")
    x, y = pyproj.Proj(crs)(known["CEN_LON"], known["CEN_LAT"])
    dx, dy = known["DX"], known["DY"]
    left, top = x - shape[1] / 2 * dx, y + shape[0] / 2 * dy
    return crs, Affine(dx, 0, left, 0, -dy, top)
