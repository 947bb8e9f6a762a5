"""Surface reflectance back to approximate top-of-atmosphere reflectance.

Networks trained on So2Sat read top-of-atmosphere reflectance (L1C). Given surface reflectance (L2A)
they lack the haze they know, above all in blue, and take dark blocks for bare rock. A standard
atmosphere puts most of it back; it is an approximation, and said to be one wherever it is used.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.longitudes import centre_of
from lczlib.scenes.bands import BANDS
from lczlib.terms import option

CENTRE_UM = dict(
    zip(BANDS, (0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 1.614, 2.202), strict=True)
)
"""Central wavelengths of Sentinel-2A in micrometres (Sentinel-2 MSI user guide)."""

AEROSOL_OPTICAL_DEPTH = 0.2  # at 0.55 um; between clean rural (0.1) and hazy urban air (0.3)
ANGSTROM_EXPONENT = 1.3  # continental aerosol
_AEROSOL_BACKSCATTER = 0.12  # phase function at the backward angles a nadir view has, over 4 pi
_OVERPASS_HOUR_ANGLE = math.radians(-22.5)  # 10:30 mean local solar time


def sun_elevation(date: dt.date, latitude: float) -> float:
    """Elevation of the sun in degrees at Sentinel-2's overpass (10:30 local solar time).

    Declination after Cooper (1969, doi 10.1016/0038-092X(69)90047-4), good to about one degree.

    Examples
    --------
    >>> round(sun_elevation(dt.date(2024, 6, 21), 52.5))
    56
    """
    declination = math.radians(23.45) * math.sin(
        2 * math.pi * (284 + date.timetuple().tm_yday) / 365
    )
    phi = math.radians(latitude)
    sine = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(
        _OVERPASS_HOUR_ANGLE
    )
    return math.degrees(math.asin(sine))


def rayleigh_optical_depth(wavelength_um: float) -> float:
    """Optical depth of the molecules at sea level (Hansen & Travis 1974, doi 10.1007/BF00168069)."""
    w = wavelength_um**-2
    return 0.008569 * w**2 * (1 + 0.0113 * w + 0.00013 * w**2)


def to_top_of_atmosphere(
    scene: xr.Dataset,
    *,
    date: str | dt.date | None = None,
    aerosol_optical_depth: float = AEROSOL_OPTICAL_DEPTH,
) -> xr.Dataset:
    """Approximate top-of-atmosphere reflectance of a surface reflectance scene.

    Path reflectance by single scattering of molecules and aerosol for a view at nadir, diffuse
    transmittance after Gordon & Wang (1994, doi 10.1364/AO.33.000443); no gas absorption, no
    adjacency effect.

    Parameters
    ----------
    scene : Dataset
        Sentinel-2 surface reflectance.
    date : str or date, optional
        Day of the image (``yyyy-mm-dd``); the scene's own by default. Gives the sun's elevation.
    aerosol_optical_depth : float
        At 0.55 micrometres.

    Raises
    ------
    InputError
        If no date is known, or the sun was below 5 degrees.
    """
    day = date or scene.attrs.get("date") or ""
    try:
        day = day if isinstance(day, dt.date) else dt.date.fromisoformat(str(day))
    except ValueError as err:
        what = f"{day!r} is no date" if day else "the scene does not say its date"
        msg = f"Sun elevation unknown, {what}: give the day of the image ({option('date')} 2024-10-24)."
        raise InputError(msg) from err
    elevation = sun_elevation(day, centre_of(geobox_of(scene, "scene"))[1])
    if elevation < 5:
        msg = (
            f"On {day} the sun stands at {elevation:.0f} degrees at this latitude: no usable image."
        )
        raise InputError(msg)
    mu = math.sin(math.radians(elevation))
    airmass = 1 / mu + 1
    out = scene.copy()
    for band, wavelength in CENTRE_UM.items():
        rayleigh = rayleigh_optical_depth(wavelength)
        aerosol = aerosol_optical_depth * (wavelength / 0.55) ** -ANGSTROM_EXPONENT
        phase = 0.75 * (1 + mu**2)  # of molecules, at the scattering angle of a nadir view
        path = (1 - math.exp(-rayleigh * airmass)) * phase / (4 * (mu + 1))
        path += (1 - math.exp(-aerosol * airmass)) * _AEROSOL_BACKSCATTER / (4 * (mu + 1))
        transmittance = math.exp(-(0.5 * rayleigh + 0.16 * aerosol) * airmass)
        out[band] = scene[band] * np.float32(transmittance) + np.float32(path)
        out[band].attrs = scene[band].attrs
    out.attrs = {
        **scene.attrs, "level": "L1C", "sun_elevation": elevation,
        "aerosol_optical_depth": aerosol_optical_depth,
    }  # fmt: skip
    return out


def what_was_put_back(scenes: Iterable[xr.Dataset]) -> list[str]:
    """That some scenes got an atmosphere, in a sentence for all of them; nothing where none did."""
    suns: dict[float, list[str]] = {}
    for scene in scenes:
        if (depth := scene.attrs.get("aerosol_optical_depth")) is not None:
            suns.setdefault(depth, []).append(f"{scene.attrs['sun_elevation']:.0f}")
    return [
        f"An approximate atmosphere was put back on surface reflectance (sun at {', '.join(dict.fromkeys(of))} "
        f"degrees, aerosol optical depth {depth:g})."
        for depth, of in suns.items()
    ]
