"""Numbers of Landsat Level-1 products as reflectance, so that images of several days are alike.

The numbers of OLI follow the light that the ground sends up: under a low sun the same roof has smaller ones. Divided
by the sine of the sun's elevation they are reflectances at the top of the atmosphere, which a network trained on one
day can read of another. The atmosphere of the day stays in them.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.longitudes import centre_of
from lczlib.reading import Reading, tell
from lczlib.scenes.atmosphere import sun_elevation
from lczlib.scenes.image_days import SUN
from lczlib.terms import option

LEVEL = "TOA"
"""Processing level of such reflectances, as `lczlib.models.Weights` records it."""
NUMBERS = "landsat-l1"
"""What ``attrs["numbers"]`` of a scene says that can be made so."""
_MULT, _ADD = 2e-5, -0.1
"""Reflectance = number x 2e-5 - 0.1, before the sun, in all Level-1 products of Landsat 8 and 9: their
REFLECTANCE_MULT_BAND_n and REFLECTANCE_ADD_BAND_n (Level 1 Data Format Control Book, LSDS-1822, USGS)."""
_DARKEST, _BRIGHTEST = 4_500, 40_000
"""Between these lies the median of a band: 5,000 is no light at all."""
_SURFACE_STARTS = 7_000
"""Numbers of Level-2 surface reflectance are as large, but start at 7,273: where water or shadow lies below in some
band they are of Level-1; where nothing does, only the name of the product can say so."""
_REFLECTIVE = re.compile(r"B0?[1-9]", re.IGNORECASE)
_OLD_NAME = re.compile(r"(?<![A-Z0-9])L[CO][89]\d{6}(\d{4})(\d{3})[A-Z]{3}\d\d", re.IGNORECASE)
_NAME = re.compile(r"(?<![A-Z0-9])L[CO]0[89]_L1[A-Z]{2}_\d{6}_(\d{4})(\d\d)(\d\d)_", re.IGNORECASE)
_SURFACE = re.compile(r"_L2[A-Z]{2}_|_SR(?![A-Z])|sr_band", re.IGNORECASE)
_LOW_SUN = 5.0


def day_in_name(path: str | Path) -> str:
    """The day in the name of a Level-1 product of Landsat 8 or 9, YYYY-MM-DD; empty where it has none.

    The file's own name, or that of the folder of the product that it lies in.

    Examples
    --------
    >>> day_in_name("LC81220442014288LGN00_B1-7.tif"), day_in_name("LC08_L1TP_122044_20141015_20170418_01_T1.tif")
    ('2014-10-15', '2014-10-15')
    """
    for name in Path(path).parts[:-3:-1]:
        if day := _day_in(name):
            return day
    return ""


def _day_in(name: str) -> str:
    old, new = _OLD_NAME.search(name), _NAME.search(name)
    try:
        if old:
            day = dt.date(int(old[1]), 1, 1) + dt.timedelta(int(old[2]) - 1)
            return str(day) if day.year == int(old[1]) else ""
        return str(dt.date(*map(int, new.groups()))) if new else ""
    except ValueError:  # digits that are no date
        return ""


def numbers_of(
    path: str | Path, sensor: str, names: Sequence[str], sample: np.ndarray, fills: Sequence[float]
) -> str:
    """Whether a raster holds numbers of Level-1: `NUMBERS` if so, else empty.

    Parameters
    ----------
    path : path
        Its name may say that it is another product.
    sensor : str
        As the user named it; ``landsat`` or ``landsat8`` may hold such.
    names : sequence of str
        Of the bands; those called B1 to B9 count.
    sample : array (bands, rows, columns)
        Stored values, decimated.
    fills : sequence of float
        Stored values of missing pixels.
    """
    if not sensor.casefold().startswith("landsat") or _SURFACE.search(Path(path).name):
        return ""
    medians, darkest = [], math.inf
    for name, values in zip(names, sample, strict=True):
        known = values[np.isfinite(values) & ~np.isin(values, [0, *fills])]
        if _REFLECTIVE.fullmatch(name):
            medians.append(float(np.median(known)) if known.size else math.nan)
            darkest = min(darkest, float(np.quantile(known, 0.01)) if known.size else math.inf)
    sure = bool(day_in_name(path)) or darkest < _SURFACE_STARTS
    return NUMBERS if sure and medians and all(_DARKEST < m < _BRIGHTEST for m in medians) else ""


def is_known(scene: xr.Dataset) -> bool:
    """Whether the scene holds numbers of Level-1, of a day that is known."""
    return scene.attrs.get("numbers") == NUMBERS and bool(scene.attrs.get("date"))


def to_reflectance(scene: xr.Dataset) -> xr.Dataset:
    """Reflectance at the top of the atmosphere of a scene's bands B1 to B9; other bands stay.

    The sun's elevation is the metadata's where that states it; else it follows from day and latitude
    (`lczlib.scenes.atmosphere.sun_elevation`, to about two degrees: Landsat passes within a quarter of an hour of
    Sentinel-2).

    Parameters
    ----------
    scene : Dataset (y, x)
        Numbers of Level-1 with ``attrs["date"]``.

    Raises
    ------
    InputError
        If its day is not known, or the sun was below 5 degrees.
    """
    source = str(scene.attrs.get("source", "scene"))
    if not is_known(scene):
        msg = (
            f"{source} holds numbers of Landsat Level-1, which the network reads as reflectance: say the day of the "
            f"image, from which the sun's elevation follows ({option('date')} YYYY-MM-DD)."
        )
        raise InputError(msg, parameter="date")
    day = dt.date.fromisoformat(scene.attrs["date"])
    stated = scene.attrs.get(SUN)
    elevation = stated or sun_elevation(day, centre_of(geobox_of(scene, "scene"))[1])
    if elevation < _LOW_SUN:
        msg = f"{source}: on {day} the sun stands at {elevation:.0f} degrees at this latitude, too low for an image."
        raise InputError(msg)
    sine = math.sin(math.radians(elevation))
    out = scene.copy()
    done = [b for b in map(str, scene.data_vars) if _REFLECTIVE.fullmatch(b)]
    for band in done:
        out[band] = scene[band] * np.float32(_MULT / sine) + np.float32(_ADD / sine)
        out[band].attrs = scene[band].attrs
    out.attrs = {**scene.attrs, "level": LEVEL, "sun_elevation": elevation, "units": "reflectance"}
    said = (
        f"numbers of Landsat Level-1 of {day} made reflectance at the top of the atmosphere in {', '.join(done)}",
        f"sun at {elevation:.0f} degrees, by {'its metadata' if stated else 'day and latitude'}",
    )
    tell(Reading("raster", source, said, (), {"level": LEVEL, "sun_elevation": elevation}))
    return out


def alike(scenes: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Scenes to train on: reflectances, where all of them can be made so; else as they are, and why."""
    if scenes and all(is_known(s) for s in scenes.values()):
        return {name: to_reflectance(s) for name, s in scenes.items()}
    for scene in scenes.values():
        if scene.attrs.get("numbers") == NUMBERS and not scene.attrs.get("date"):
            why = (
                "Numbers of Landsat Level-1 of an unknown day are taken as they are stored: an image of another day is "
                f"lighter or darker by its sun alone, and this network would read it wrongly. Give the day "
                f"({option('date')} YYYY-MM-DD), and they become reflectances."
            )
            tell(
                Reading("raster", str(scene.attrs.get("source", "")), ("values as stored",), (why,))
            )
    return scenes
