"""A thermal raster and an LCZ map on one grid, by a stated method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.errors import GridError
from lczlib.grid import check_projected, describe, geobox_of, same_grid, to_grid
from lczlib.terms import option

Resample = Literal["nearest", "mode", "average"]


@dataclass(frozen=True)
class Aligned:
    """Temperature and classes on one grid, and in words how they came there."""

    temperature: xr.DataArray
    lcz: xr.DataArray
    method: str


def align(
    temperature: xr.DataArray, lcz: xr.DataArray, resample: Resample | None = None
) -> Aligned:
    """Bring a thermal raster and an LCZ map to one grid in metres.

    Parameters
    ----------
    temperature : DataArray (y, x)
        degC, NaN where missing.
    lcz : DataArray (y, x)
        0..17.
    resample : {"nearest", "mode", "average"}, optional
        ``nearest`` and ``mode`` bring the classes to the thermal grid, ``average`` the temperature
        to the LCZ grid by area mean. When not given, the finer of two grids in metres is brought to
        the coarser: temperature by area mean, classes by mode, since a class code can be counted
        but not averaged.

    Raises
    ------
    GridError
        If they do not overlap, or a grid is in degrees and no resampling onto one in metres was
        asked for.
    """
    thermal_box, lcz_box = geobox_of(temperature, "thermal raster"), geobox_of(lcz, "LCZ map")
    if same_grid(thermal_box, lcz_box):
        check_projected(lcz_box, "LCZ map")
        # coordinates may differ by rounding; codes take those of the temperature
        return Aligned(temperature, temperature.copy(data=lcz.data).rename("lcz"), "same grid")
    if resample is None:
        if lcz_box.crs.geographic:
            msg = (
                f"The LCZ map is in degrees ({describe(lcz_box)}): pixels of unequal width cannot be "
                "eroded or blocked in metres; bring its classes to the thermal grid with "
                f"{option('resample')} nearest (or mode)."
            )
            raise GridError(msg)
        if thermal_box.crs.geographic:
            resample = "average"
        else:
            resample = "average" if _cell(thermal_box) < _cell(lcz_box) else "mode"
    if resample == "average":
        check_projected(lcz_box, "LCZ map")
        moved = to_grid(temperature, lcz_box, "average")
        return Aligned(
            moved.assign_attrs(temperature.attrs),
            moved.copy(data=lcz.data).rename("lcz"),
            "temperature brought to the LCZ grid by area mean",
        )
    check_projected(thermal_box, "thermal raster")
    moved = to_grid(lcz, thermal_box, resample)
    codes = temperature.copy(data=moved.data.astype(np.uint8)).rename("lcz")
    return Aligned(temperature, codes, f"LCZ map brought to the thermal grid by {resample}")


def _cell(box: GeoBox) -> float:
    return abs(box.affine.a)
