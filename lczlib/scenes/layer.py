"""One band of a raster of temperatures or heights, as stored, with all that the file says of it.

What a file says stands in GDAL's own fields, in the text of its tags (``scale_factor=0.1``,
``units=Kelvin``, ``valid_range``), in STAC's ``raster:bands``, or in the attributes of a NetCDF variable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from xarray.coding.times import decode_cf_datetime

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.rasters import (
    BANDWISE,
    band_names,
    choose_band,
    layer_of,
    missing_values,
    open_raster,
    variables_of,
)
from lczlib.terms import option
from lczlib.unreadable import unreadable

_SCALE = ("scalefactor", "scale")
_OFFSET = ("addoffset", "offset")
_UNIT = ("units", "unit", "unittype")
_FILL = ("missingvalue", "fillvalue", "nodata", "nodatavalue")
_WORDS = (
    "standardname",
    "longname",
    "title",
    "description",
    "quantity",
    "netcdfvarname",
    "variable",
)


@dataclass(frozen=True)
class Layer:
    """A band as stored.

    Attributes
    ----------
    stored : DataArray (y, x)
        As stored, on a grid with a CRS.
    data : DataArray (band, y, x)
        The whole file, not yet read.
    index : int
        Position of the band in it, from 0.
    name : str
        The band's or variable's name, empty where there is none.
    scale, offset : float
        Value = stored x scale + offset, as the file says; 1 and 0 where it does not.
    unit : str
        As the file words it, empty where it does not.
    fills : tuple of float
        Stored values that mean missing.
    valid_range : (float, float) or None
        Of stored values.
    words : tuple of str
        Names and titles, for telling what is measured.
    time : datetime64 or None
        Of a time step of a NetCDF, as it is written there (UTC by convention); of a band whose tag
        ``TIME`` says so.
    clouds : str
        How clouds were removed before, in words, as the tag ``CLOUDS_REMOVED`` says; empty where it does not.
    cloudy : int
        How many of its pixels that were, by the tag ``CLOUDY_PIXELS``.
    limits : str
        What its users should know, as the tag ``LIMITS`` says.
    """

    stored: xr.DataArray
    data: xr.DataArray
    index: int
    name: str
    scale: float
    offset: float
    unit: str
    fills: tuple[float, ...]
    valid_range: tuple[float, float] | None
    words: tuple[str, ...]
    time: np.datetime64 | None
    clouds: str = ""
    cloudy: int = 0
    limits: str = ""

    @property
    def scaled(self) -> bool:
        """Whether the file gives a scale or an offset."""
        return (self.scale, self.offset) != (1.0, 0.0)

    @property
    def called(self) -> str:
        """The band for messages, empty where the file has only one without a name."""
        count = self.data.sizes["band"]
        number = f"{self.index + 1} of {count}"
        if count == 1:
            return f"band {self.name}" if self.name else ""
        return f"band {self.name} ({number})" if self.name else f"band {number}"

    def missing(self, *more: float | None) -> np.ndarray:
        """Which pixels hold no data by what the file says, and by further fill values: bool (y, x)."""
        values = self.stored.values
        out = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
        for fill in {*self.fills, *more} - {None}:
            # a fill told as float64 is stored as the nearest number of the file's own type
            out |= values == (
                np.asarray(fill).astype(values.dtype) if values.dtype.kind == "f" else fill
            )
        if self.valid_range is not None:
            with np.errstate(invalid="ignore"):
                out |= (values < self.valid_range[0]) | (values > self.valid_range[1])
        return out


def open_layer(
    path: str | Path,
    what: str,
    band: int | str | None = None,
    usual: Collection[str] = (),
    *,
    first: bool = False,
    cell_bytes: float = 0,
) -> Layer:
    """Open one band.

    Parameters
    ----------
    path, what
        The file and what messages call it.
    band : int or str, optional
        Name or number (from 1) of the band; of a NetCDF the variable, its time step after a colon
        (``t2m:13``).
    usual : collection of str
        Names in small letters that tell the band where none is given.
    first : bool
        Whether the first of several bands is taken where neither tells: of files whose band no option
        names.
    cell_bytes : float
        Memory that a pixel takes in what is made of it.

    Raises
    ------
    InputError, GridError
        If there is no such band, or several and none was given; if there is no CRS.
    """
    variable, _, step = str(band).rpartition(":") if band is not None else ("", "", "")
    if not (variable and step.isdecimal()):
        variable, step = (str(band), "") if band is not None else ("", "")
    asked = "" if first else option("band")
    data = open_raster(
        path, what, band=variable or _only(path, usual), chunks=BANDWISE, option=asked,
        cell_bytes=cell_bytes,
    )  # fmt: skip
    tags = _tags(data, path)
    own = variable.casefold() in _variables(tags)
    wanted = (step or None) if own else band
    names = {n.casefold() for n in band_names(data)}
    if first and wanted is None and not names & set(usual):
        wanted = 1
    index = _index(data, path, what, wanted, usual, tags, asked)
    stored = layer_of(data, index)
    geobox_of(stored, f"{what} {path}")
    try:
        stored.load()
    except (rasterio.errors.RasterioError, OSError) as err:
        raise InputError(unreadable(path, what)) from err
    return _described(stored, data, index, tags)


def _only(path: str | Path, usual: Collection[str]) -> str | None:
    """The one variable of a usual name, of a file that holds several."""
    found = [n for n in variables_of(path) if n.casefold() in usual]
    return found[0] if len(found) == 1 else None


def _tags(data: xr.DataArray, path: str | Path) -> list[dict[str, str]]:
    """The texts of the file (first) and of each of its bands but an alpha band, by GDAL."""
    with rasterio.open(data.encoding.get("source", path)) as src:
        numbers = data["band"].values if "band" in data.coords else src.indexes
        return [src.tags(), *(src.tags(int(i)) for i in numbers)]


def _variables(tags: list[dict[str, str]]) -> set[str]:
    return {t["NETCDF_VARNAME"].casefold() for t in tags if "NETCDF_VARNAME" in t}


def _index(
    data: xr.DataArray,
    path: str | Path,
    what: str,
    band: int | str | None,
    usual: Collection[str],
    tags: list[dict[str, str]],
    asked: str,
) -> int:
    names = [n.casefold() for n in band_names(data)]
    found = [i for i, n in enumerate(names) if n in usual]
    if band is None and len(found) == 1:
        return found[0]
    times = [_time(tags, i) for i in range(data.sizes["band"])] if band is None else []
    if len(times) > 1 and None not in times:
        name = next(iter(_variables(tags)), "")
        value = f"{name}:NUMBER" if name else "NUMBER"
        msg = (
            f"The {what} {path} holds {len(times)} times{f' of {name}' if name else ''}, {_minutes(times[0])} to "
            f"{_minutes(times[-1])}: say which with {option('band', value)}, from 1 to {len(times)}."
        )
        raise InputError(msg)
    return choose_band(data, band, path, asked)


def _minutes(time: np.datetime64 | None) -> str:
    return str(np.datetime64(time, "m"))


def _described(
    stored: xr.DataArray, data: xr.DataArray, index: int, tags: list[dict[str, str]]
) -> Layer:
    texts = tags[index + 1] if index + 1 < len(tags) else {}
    name = band_names(data)[index] or texts.get("NETCDF_VARNAME", "")
    variable = _variable(texts, tags, name)
    own, whole = _folded(texts, variable), _folded(tags[0], variable)
    stac = _stac_band(tags[0] | texts, index)
    scale, offset = float(stored.attrs["scale_factor"]), float(stored.attrs["add_offset"])
    for source in (own, stac, whole):
        if (scale, offset) != (1.0, 0.0):
            break
        scale, offset = _number(source, _SCALE, 1.0), _number(source, _OFFSET, 0.0)
    unit = str(stored.attrs.get("units", ""))
    for source in (own, stac, whole):
        unit = unit or next((str(source[k]) for k in _UNIT if k in source), "")
    fills = set(missing_values(stored))
    for source in (own, stac, whole):
        fills |= {v for k in _FILL if (v := _number(source, (k,), np.nan)) == v}
    words = [name, *(str(s[k]) for s in (own, whole) for k in _WORDS if k in s)]
    return Layer(
        stored, data, index, name, scale, offset, unit.strip(), tuple(sorted(fills)),
        _range(own) or _range(whole), tuple(dict.fromkeys(w for w in words if w)),
        _time(tags, index), tags[0].get("CLOUDS_REMOVED", ""), int(_number(own, ("cloudypixels",), 0)),
        tags[0].get("LIMITS", ""),
    )  # fmt: skip


def _variable(texts: Mapping[str, str], tags: list[dict[str, str]], name: str) -> str:
    """The variable of a NetCDF that a band was, in the keys of the texts: ``LST#scale_factor``.

    Conversions may drop which it was: it is the band's name then, or the one variable that is no axis.
    """
    if "NETCDF_VARNAME" in texts:
        return texts["NETCDF_VARNAME"]
    attributes: dict[str, dict[str, str]] = {}
    for key, value in tags[0].items():
        owner, _, attribute = key.rpartition("#")
        if owner:
            attributes.setdefault(owner, {})[attribute] = value
    by_name = [v for v in attributes if v.casefold() == name.casefold()]
    fields = [v for v, a in attributes.items() if not _is_axis(v, a)]
    found = by_name or ([] if name and len(tags) > 2 else fields)
    return found[0] if len(found) == 1 else ""


_AXES = (
    "x",
    "y",
    "time",
    "lon",
    "lat",
    "longitude",
    "latitude",
    "crs",
    "spatial_ref",
    "band",
    "nc_global",
)


def _is_axis(variable: str, attributes: Mapping[str, str]) -> bool:
    """Whether a variable of a NetCDF is a coordinate or its grid mapping."""
    return (
        variable.casefold() in _AXES
        or not {"axis", "grid_mapping_name", "crs_wkt", "spatial_ref", "bounds"}.isdisjoint(
            attributes
        )
        or re.search(r" since |^degrees?_[nesw]", attributes.get("units", "")) is not None
    )


def _folded(texts: Mapping[str, Any], variable: str = "") -> dict[str, str]:
    """Tags by their names in small letters without signs; those of other variables are left out."""
    out = {}
    for key, value in texts.items():
        owner, _, name = key.rpartition("#")
        if not owner or owner == variable:
            out[re.sub(r"[^a-z0-9]", "", name.casefold())] = value
    return out


def _number(source: Mapping[str, Any], keys: tuple[str, ...], default: float) -> float:
    for key in keys:
        try:
            value = float(source[key])
        except (KeyError, TypeError, ValueError):
            continue
        if np.isfinite(value) and (value or key not in _SCALE):  # a scale of 0 says nothing
            return value
    return default


def _range(source: Mapping[str, Any]) -> tuple[float, float] | None:
    """``valid_range`` or ``valid_min`` and ``valid_max``, in stored values (CF conventions)."""
    found = [
        float(n)
        for n in re.findall(r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?", source.get("validrange", ""))
    ]
    if len(found) != 2:
        low, high = (_number(source, (k,), np.nan) for k in ("validmin", "validmax"))
        found = [low if low == low else -np.inf, high if high == high else np.inf]
    if found == [-np.inf, np.inf] or not found[0] < found[1]:
        return None
    return found[0], found[1]


def _stac_band(texts: Mapping[str, str], index: int) -> dict[str, Any]:
    """The band's entry of ``raster:bands`` (STAC raster extension), written as JSON in a tag."""
    for key, value in texts.items():
        # GDAL splits `raster:bands=[...]` at its colon
        found = re.fullmatch(r"raster\W?bands\W*(\[.*\])", f"{key}={value}".strip(), re.DOTALL)
        try:
            if found:
                return _folded(json.loads(found[1].replace("'", '"'))[index])
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return {}


_STATED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?)Z")


def stated_time(texts: Mapping[str, str]) -> np.datetime64 | None:
    """The time (UTC) in the tag ``TIME`` of a band: ``2023-07-09T10:02:33Z``; None without one."""
    found = _STATED.fullmatch(texts.get("TIME", ""))
    try:
        return np.datetime64(found[1], "s") if found else None
    except ValueError:
        return None


def _time(tags: list[dict[str, str]], index: int) -> np.datetime64 | None:
    """The time of a band of a NetCDF, from its place along the time axis; of others by their tag."""
    texts = tags[index + 1] if index + 1 < len(tags) else {}
    if stated := stated_time(texts):
        return stated
    for key, value in texts.items():
        axis = key.removeprefix("NETCDF_DIM_")
        unit = tags[0].get(f"{axis}#units", "")
        if axis == key or " since " not in unit:
            continue
        try:
            calendar = tags[0].get(f"{axis}#calendar", "standard")
            when = decode_cf_datetime(np.array([float(value)]), unit, calendar)[0]
            return np.datetime64(when, "s")
        except (ValueError, OverflowError, ImportError):
            return None
    return None
