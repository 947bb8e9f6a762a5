"""Kelvin or degrees Celsius: what a thermal raster says, and whether its values agree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from lczlib.errors import InputError

KELVIN = 273.15
PLAUSIBLE = (-60.0, 85.0)
"""Surface temperatures in degC that occur on Earth's land (Zhao et al. 2021, doi
10.1175/BAMS-D-20-0325.1: up to 80.8 degC by satellite), with a margin."""

_UNITS = {
    "k": "K", "kelvin": "K", "kelvins": "K", "degree_kelvin": "K",
    "c": "degC", "°c": "degC", "degc": "degC", "deg_c": "degC", "celsius": "degC",
    "degree_celsius": "degC", "degrees_celsius": "degC", "degree celsius": "degC",
    "degrees celsius": "degC", "degreec": "degC", "degreesc": "degC",
}  # fmt: skip


def known_unit(text: str) -> Literal["K", "degC"] | None:
    """``K`` or ``degC`` of any usual spelling, None of anything else."""
    return _UNITS.get(text.strip().lower())


def unit_of(layer: xr.DataArray, unit: str | None, path: Path) -> str:
    """``K`` or ``degC``: as asked, or as the file states it; an `InputError` where neither tells."""
    told = unit or layer.attrs.get("units") or layer.attrs.get("unit") or layer.attrs.get("UNITS")
    told = told[0] if isinstance(told, (list, tuple)) else told
    known = known_unit(str(told)) if told else None
    if known is None:
        what = f"the unit {told!r}, which is no temperature" if told else "no unit"
        msg = (
            f"{path} states {what}: say whether its values are kelvin or degrees Celsius "
            "(--unit K or --unit degC), or which product it is (--kind)."
        )
        raise InputError(msg)
    return known


def check_unit(
    celsius: np.ndarray, stored: np.ndarray, unit: str | None, kind: str | None, path: Path
) -> None:
    """A median off by the kelvin offset betrays a wrong unit, which no plausible range would name.

    Unless one stored value makes that median: then it is a fill value nobody declared.
    """
    middle = float(np.nanmedian(celsius))
    if not PLAUSIBLE[0] <= middle <= PLAUSIBLE[1]:
        _refuse_fill(stored, path)
    stated = f"as {unit}" if unit else f"as {kind}" if kind else "by the unit in the file"
    for shift, other in ((-KELVIN, "K"), (KELVIN, "degC")):
        if not PLAUSIBLE[0] <= middle <= PLAUSIBLE[1] and -40 <= middle + shift <= 70:
            msg = (
                f"{path} read {stated} has a median of {middle:.1f} degC: its values look like {other}; "
                f"state --unit {other}."
            )
            raise InputError(msg)


def _refuse_fill(stored: np.ndarray, path: Path) -> None:
    """Refuse valid pixels of which half or more hold one stored value, 0 or below.

    Such are 0, -9999 and -32768; no unit has temperatures there that repeat so.
    """
    values, counts = np.unique(stored, return_counts=True)
    most = counts.argmax()
    if counts[most] < stored.size / 2 or values[most] > 0:
        return
    alone = counts[most] == stored.size
    what, verb = ("every one", "is") if alone else (f"{counts[most] / stored.size:.0%}", "are")
    msg = (
        f"{path} holds no temperatures: {what} of its {stored.size:,} valid pixels {verb} "
        f"{values[most]:g}, which looks like a no-data value that the file does not declare; give "
        f"another raster, or declare it with `gdal_edit.py -a_nodata {values[most]:g} FILE`."
    )
    raise InputError(msg)
