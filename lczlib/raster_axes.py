"""Where the cells of a raster lie, when GDAL does not tell: by the axes of a NetCDF, or nowhere."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from affine import Affine

from lczlib.errors import GridError
from lczlib.reading import Reading, tell
from lczlib.wrf_grids import on_wrf_grid

_PLANE = (("x", "y"), ("X", "Y"), ("easting", "northing"), ("Easting", "Northing"))
_GLOBE = (("lon", "lat"), ("longitude", "latitude"), ("Longitude", "Latitude"), ("LON", "LAT"))
_OFF = 0.1
"""Of a cell, that coordinates of a regular axis may be off: those of 4 bytes are in northings."""


def on_its_grid(data: xr.DataArray, name: str, path: str | Path, what: str) -> xr.DataArray:
    """A NetCDF whose axes are latitude and longitude is in WGS 84, though no variable says so; WRF's tell.

    Longitudes of 180 to 360 are brought to -180 to 0.
    """
    if data.rio.crs is not None:
        return data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(name) as src:
            tags = src.tags()
    units = {v.casefold() for k, v in tags.items() if k.endswith("#units")}
    if not any("degrees_north" in u for u in units) or not any("degrees_east" in u for u in units):
        placed = on_wrf_grid(data, tags)
        if placed is not data:
            said = f"placed by WRF's attributes, cells of {placed.rio.resolution()[0]:g} m"
            tell(Reading(what, str(path), (said,)))
        return placed
    data = data.rio.write_crs("EPSG:4326")
    if float(data["x"].min()) >= 180:
        data = data.assign_coords(x=data["x"] - 360)
    return data


def placed(data: xr.DataArray, name: str, path: str | Path, what: str) -> xr.DataArray:
    """A raster on the grid of its axes, where they carry no attributes by which GDAL would know them.

    Parameters
    ----------
    data : DataArray (band, y, x)
        As GDAL opens it.
    name : str
        Its name for GDAL.
    path, what
        For messages.

    Returns
    -------
    DataArray (band, y, x)
        North up. As it was where it has a geotransform; one on axes named latitude and longitude is in
        WGS 84 where it states no CRS.

    Raises
    ------
    GridError
        If it has a CRS, but no place in it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(name) as src:
            nowhere, netcdf = data.rio.transform() == Affine.identity(), src.driver == "netCDF"
            units = {k: v for k, v in src.tags().items() if k.endswith("#units")} if netcdf else {}
            points = bool(src.gcps[0]) or "X_DATASET" in src.tags(ns="GEOLOCATION")
        if not nowhere and data.rio.crs is not None:
            return _north_up(data, path, what)
        axes = _axes(name, data.sizes["x"], data.sizes["y"], units) if netcdf else None
    if axes is None:
        if nowhere and data.rio.crs is not None:
            to_do = (
                "bring it to a regular grid first (`gdalwarp`)"
                if points
                else "write its corners into it (`gdal_edit.py -a_ullr LEFT TOP RIGHT BOTTOM FILE`)"
            )
            msg = (
                f"The {what} {path} has no georeferencing, neither a geotransform nor regular coordinates, so "
                f"that its cells have no place on Earth: {to_do}."
            )
            raise GridError(msg)
        return data
    x, y, globe = axes
    if nowhere:
        # of axes that it does not know, GDAL takes the first row for the southernmost
        y = y[::-1]
        data = data.assign_coords(x=("x", x), y=("y", y))
        if y[0] < y[-1]:
            data = data.isel(y=slice(None, None, -1))
            y = y[::-1]
        wide, high = (x[-1] - x[0]) / (x.size - 1), (y[-1] - y[0]) / (y.size - 1)
        corner = Affine.translation(x[0] - wide / 2, y[0] - high / 2)
        data = data.rio.write_transform(corner @ Affine.scale(wide, high))
    known = data.rio.write_crs("EPSG:4326") if globe and data.rio.crs is None else data
    return _north_up(known, path, what)


def _axes(
    name: str, width: int, height: int, units: dict[str, str]
) -> tuple[np.ndarray, np.ndarray, bool] | None:
    """Regular coordinates of columns and rows as the file has them, and whether they are degrees."""
    inside = re.fullmatch(r'netcdf:"?(.+?)"?:[^:]+', name, re.IGNORECASE)
    file = inside.group(1) if inside else name
    for pair in (*_PLANE, *_GLOBE):
        both = [_values(file, axis) for axis in pair]
        if [b.size for b in both] != [width, height] or not all(map(_regular, both)):
            continue
        x, y = (
            b * 1000 if units.get(f"{axis}#units") == "km" else b
            for axis, b in zip(pair, both, strict=True)
        )
        globe = pair in _GLOBE
        if not globe or (np.abs(y).max() <= 90 and np.abs(x).max() <= 360):
            return x, y, globe
    return None


def _values(file: str, axis: str) -> np.ndarray:
    try:
        with rasterio.open(f'NETCDF:"{file}":{axis}') as src:
            return src.read(1).ravel().astype(np.float64) if min(src.shape) == 1 else np.empty(0)
    except rasterio.errors.RasterioError:
        return np.empty(0)


def _regular(values: np.ndarray) -> bool:
    if values.size < 2 or not np.isfinite(values).all() or values[0] == values[-1]:
        return False
    even = np.linspace(values[0], values[-1], values.size)
    return bool(np.abs(values - even).max() <= _OFF * abs(even[1] - even[0]))


def _north_up(data: xr.DataArray, path: str | Path, what: str) -> xr.DataArray:
    """Rows from north to south and columns from west to east, as all grids here; a turn is told."""
    affine = data.rio.transform()
    if data.rio.crs is None or affine.b or affine.d:
        return data
    turns = {
        "y": (affine.e > 0, "rows from south to north, turned north up"),
        "x": (affine.a < 0, "columns from east to west, turned"),
    }
    turned = {axis: said for axis, (wrong, said) in turns.items() if wrong}
    if not turned:
        return data
    out = data.isel(dict.fromkeys(turned, slice(None, None, -1)))
    out = out.rio.write_transform(out.rio.transform(recalc=True))
    out.encoding |= data.encoding
    tell(Reading(what, str(path), tuple(turned.values()), facts={"turned": list(turned)}))
    return out
