"""Open arrays of temperatures, as heat islands take them beside files."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.jobs.request import Source, is_path
from lczlib.rasters import check_real
from lczlib.scenes.thermal import Thermal
from lczlib.scenes.thermal_names import AIR
from lczlib.scenes.thermal_quality import NO_LAYER
from lczlib.scenes.thermal_time import acquisition
from lczlib.scenes.thermal_units import Conversion, scaled_unit


def each_date(source: Source) -> tuple[Source, ...]:
    """The dates of an open array (time, y, x), one after the other, each with its time; else the source alone.

    Nothing is read: a lazy array stays lazy.

    Raises
    ------
    InputError
        If an array has other dimensions than (y, x) and ``time``, of which one alone may count.
    """
    if is_path(source) or not isinstance(source, xr.DataArray):
        return (source,)
    whole = source.squeeze([d for d in source.dims[:-2] if source.sizes[d] == 1])
    if whole.ndim == 2:
        return (whole,)
    if whole.ndim == 3 and whole.dims[0] == "time":
        return tuple(whole.isel(time=i) for i in range(whole.sizes["time"]))
    shape = ", ".join(f"{d}: {n}" for d, n in whole.sizes.items())
    msg = (
        f"An open array of ({shape}) is no raster of temperatures: give one of (y, x), or of (time, y, x) for several "
        "dates."
    )
    raise InputError(msg)


def open_array(source: Source, quantity: str, unit: str | None, time: str | None = None) -> Thermal:
    """An open array (y, x) of temperatures as a `Thermal`: its unit is stated, or in ``attrs``.

    So is its time (UTC), or it is a coordinate ``time`` of one value.

    Raises
    ------
    InputError
        If it is no array, no unit is known, or it is none of temperature.
    """
    if not isinstance(source, xr.DataArray):
        msg = f"A raster is a path or an open DataArray, not {type(source).__name__}."
        raise InputError(msg)
    check_real(source.dtype, "open array")
    known = scaled_unit(unit or str(source.attrs.get("units", "")))
    if known is None:
        msg = "The open array does not say whether it is in K, degC or degF: state its unit."
        raise InputError(msg, parameter="unit")
    scale, its = known
    kept = source.copy(data=Conversion(scale, 0.0, its, "stated").celsius(np.asarray(source.data)))
    kept.attrs = {
        "source": str(source.attrs.get("source", "open array")), "quantity": quantity, "units": "degC",
        **({"clouds": NO_LAYER} if quantity != AIR else {}),
    }  # fmt: skip
    valid = int(np.isfinite(kept).sum())
    counts: dict[str, int | None] = {
        "total": kept.size, "no_data": kept.size - valid, "repeated": 0, "cloud_or_poor": None,
        "implausible": 0, "fringe": 0, "valid": valid,
    }  # fmt: skip
    return Thermal(
        kept.drop_vars("time", errors="ignore"), counts=counts, time=_time_of(source, time)
    )


def _time_of(source: xr.DataArray, stated: str | None) -> np.datetime64 | None:
    """The acquisition of an open array, UTC; None where nobody tells it."""
    if stated is not None:
        return acquisition(stated)
    known = source.coords.get("time")
    if (
        known is None
        or known.size != 1
        or known.dtype.kind != "M"
        or np.isnat(known.to_numpy()).all()
    ):
        return None
    return known.to_numpy().reshape(1)[0].astype("datetime64[s]")
