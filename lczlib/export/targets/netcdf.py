"""An LCZ map as NetCDF by the CF conventions (1.8, http://cfconventions.org)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyproj
import xarray as xr

from lczlib.classes import CLASSES, NUMBERING, Scheme, in_scheme
from lczlib.errors import InputError
from lczlib.export.files import staged
from lczlib.grid import geobox_of
from lczlib.maps import FLAG_ATTRS

MOST_PLACES = 4_000_000
"""Cells up to which each has its latitude and longitude written beside its x and y."""


def can_write() -> bool:
    """Whether h5netcdf, which writes the file, is installed."""
    return find_spec("h5netcdf") is not None


def write_netcdf(
    path: str | Path,
    lcz: xr.DataArray,
    certainty: xr.DataArray | None = None,
    *,
    scheme: Scheme = "1-17",
    facts: Mapping[str, str],
) -> Path:
    """Write a map as ``lcz`` with its flags and grid mapping, and its certainty beside it.

    Parameters
    ----------
    path : path
        Target; appears only when complete.
    lcz : DataArray (y, x)
        Codes 0..17.
    certainty : DataArray (y, x), optional
        0..1, NaN where not known.
    scheme : Scheme
        Numbering: ``1-17``, ``101-107`` (fill value 0) or ``0-16`` (fill value -1).
    facts : mapping
        Global attributes, such as ``source`` and ``references``.

    Raises
    ------
    InputError
        If h5netcdf is not installed.
    """
    if not can_write():
        msg = "NetCDF needs h5netcdf: install it (pip install h5netcdf), or write another format."
        raise InputError(msg)
    content = as_cf(lcz, certainty, scheme=scheme, facts=facts)
    packed = {
        name: {"zlib": True, "complevel": 4} for name in ("lcz", "certainty") if name in content
    }
    plain = {name: {"_FillValue": None} for name in content.coords}
    with staged(path) as temporary:
        content.to_netcdf(temporary, engine="h5netcdf", encoding=packed | plain)
    return Path(path)


def as_cf(
    lcz: xr.DataArray,
    certainty: xr.DataArray | None,
    *,
    scheme: Scheme,
    facts: Mapping[str, str],
) -> xr.Dataset:
    """A map as a data set by the CF conventions; see `write_netcdf`."""
    box = geobox_of(lcz, "LCZ map")
    crs = pyproj.CRS(box.crs.to_wkt())
    dims = ("lat", "lon") if crs.is_geographic else ("y", "x")
    codes, nodata = in_scheme(lcz.transpose("y", "x").values, scheme)
    fill = -1 if nodata else 0
    stored = np.where(codes == nodata, fill, codes).astype(np.int8)
    numbers, _ = in_scheme(np.array([c.number for c in CLASSES], np.uint8), scheme)
    x, y = _axes(lcz, crs)
    places = _places(lcz, crs) if not crs.is_geographic and lcz.size <= MOST_PLACES else {}
    mapped = {"grid_mapping": "crs", **({"coordinates": "lat lon"} if places else {})}
    told = {
        "long_name": "Local Climate Zone",
        "flag_values": numbers.astype(np.int8),
        "flag_meanings": FLAG_ATTRS["flag_meanings"],
        NUMBERING: scheme,
        "flag_colors": " ".join(c.color for c in CLASSES),
        "valid_range": np.array([numbers.min(), numbers.max()], np.int8),
        "_FillValue": np.int8(fill),
        **mapped,
    }
    if certainty is not None:
        told["ancillary_variables"] = "certainty"
    out = xr.Dataset({"lcz": (dims, stored, told)}, {dims[0]: y, dims[1]: x, **places}, dict(facts))
    out.attrs |= {"Conventions": "CF-1.8", "title": "Local Climate Zones"}
    if certainty is not None:
        attrs = {
            "long_name": certainty.attrs.get("long_name", "certainty of the class"),
            "units": "1",
        }
        values = certainty.transpose("y", "x").values.astype(np.float32)
        out["certainty"] = (dims, values, {**attrs, **mapped, "_FillValue": np.float32("nan")})
    out["crs"] = ((), np.int32(0), _grid_mapping(crs, lcz))
    # the coordinates attribute is written as told, not worked out again
    for name in ("lcz", "certainty"):
        if name in out and places:
            out[name].encoding["coordinates"] = out[name].attrs.pop("coordinates")
    return out


def _grid_mapping(crs: pyproj.CRS, lcz: xr.DataArray) -> dict[str, object]:
    """The attributes of a CRS by CF, with the transform that GDAL reads."""
    affine = geobox_of(lcz).affine
    told = {k: v for k, v in crs.to_cf().items() if v not in (None, "")}
    steps = (affine.c, affine.a, affine.b, affine.f, affine.d, affine.e)
    return told | {"spatial_ref": crs.to_wkt(), "GeoTransform": " ".join(f"{v!r}" for v in steps)}


def _axes(lcz: xr.DataArray, crs: pyproj.CRS) -> tuple[tuple, tuple]:
    """The x and y of the cells' middles, each as (dim, values, attributes)."""
    box = geobox_of(lcz)
    rows, cols = box.shape
    a = box.affine
    x = a.c + a.a * (np.arange(cols) + 0.5)
    y = a.f + a.e * (np.arange(rows) + 0.5)
    if crs.is_geographic:
        return (
            ("lon", x, {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}),
            ("lat", y, {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}),
        )
    named = {"metre": "m", "meter": "m", "US survey foot": "US_survey_foot"}
    unit = crs.axis_info[0].unit_name if crs.axis_info else "m"
    unit = named.get(unit, unit)
    return (
        ("x", x, {"standard_name": "projection_x_coordinate", "units": unit, "axis": "X"}),
        ("y", y, {"standard_name": "projection_y_coordinate", "units": unit, "axis": "Y"}),
    )


def _places(lcz: xr.DataArray, crs: pyproj.CRS) -> dict[str, tuple]:
    """Latitude and longitude of each cell's middle, which CF wants beside projected axes."""
    (_, x, _), (_, y, _) = _axes(lcz, crs)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(*np.meshgrid(x, y))
    return {
        "lat": (("y", "x"), latitude, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": (("y", "x"), longitude, {"standard_name": "longitude", "units": "degrees_east"}),
    }
