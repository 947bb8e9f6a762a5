"""Sentinel-2 over the simulated city: sunlight, shadow, atmosphere and the instrument.

Top-of-atmosphere reflectance of one band is ``path + transmittance * light * surface``: haze and
Rayleigh scattering add the path term (most in the blue), the ground is lit by the direct beam where
no building shades it and by the sky everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from lczlib.scenes.simulation.fabric import Fabric
from lczlib.scenes.simulation.fields import cast_shadow, lattice_hash, smooth_field
from lczlib.scenes.simulation.materials import BANDS, WAVELENGTH, reflectance_of_covers


@dataclass(frozen=True)
class Overpass:
    """One acquisition.

    Attributes
    ----------
    date : str
        ISO date.
    turbidity : float
        Aerosol optical depth at 1 micrometre (Angstrom's beta).
    missing : float
        Share of the scene lost to clouds.
    """

    date: str
    turbidity: float
    missing: float


OVERPASSES = {
    "spring": Overpass("2021-05-09", 0.07, 0.025),
    "summer": Overpass("2021-07-23", 0.10, 0.0),
    "autumn": Overpass("2021-10-11", 0.05, 0.04),
    "winter": Overpass("2021-02-23", 0.06, 0.01),
}
LOCAL_TIME = 10.7
"""Mean solar time of a Sentinel-2 overpass, hours (descending node at 10:30)."""

_TWENTY_METRES = ("B05", "B06", "B07", "B8A", "B11", "B12")
_NOISE = 0.0012  # at a signal-to-noise ratio of 100-170 at the reference radiance (ESA SRD)


def sun_position(date: str, latitude: float) -> tuple[float, float]:
    """Azimuth and elevation of the sun in degrees at the overpass of a date.

    Declination after Cooper (1969), doi 10.1016/0038-092X(69)90047-4; good to half a degree.
    """
    day = (np.datetime64(date) - np.datetime64(date[:4] + "-01-01")).astype(int) + 1
    decl = np.deg2rad(23.45 * np.sin(2 * np.pi * (284 + day) / 365))
    lat, hour = np.deg2rad(latitude), np.deg2rad(15 * (LOCAL_TIME - 12))
    up = np.sin(lat) * np.sin(decl) + np.cos(lat) * np.cos(decl) * np.cos(hour)
    east, north = (
        -np.cos(decl) * np.sin(hour),
        (np.cos(lat) * np.sin(decl) - np.sin(lat) * np.cos(decl) * np.cos(hour)),
    )
    return float(np.rad2deg(np.arctan2(east, north)) % 360), float(np.rad2deg(np.arcsin(up)))


@dataclass(frozen=True)
class Atmosphere:
    """Optics of a clear atmosphere in each band, for a sun elevation.

    Attributes
    ----------
    path : array (band,)
        Reflectance of the air itself.
    direct, diffuse : array (band,)
        Share of the sunlight that reaches the ground as a beam, and as skylight.
    upward : array (band,)
        Transmittance from the ground to the satellite.
    """

    path: np.ndarray
    direct: np.ndarray
    diffuse: np.ndarray
    upward: np.ndarray


def atmosphere(elevation: float, turbidity: float) -> Atmosphere:
    """Single-scattering optics of molecules and aerosol.

    Rayleigh depth after Hansen & Travis (1974, doi 10.1007/BF00168069), aerosol by Angstrom's law
    with exponent 1.3; about half of what molecules scatter and five sixths of what aerosol scatters
    goes forward to the ground (Tanre et al. 1979, doi 10.1364/AO.18.003587).
    """
    w = WAVELENGTH
    rayleigh = 0.008569 * w**-4 * (1 + 0.0113 * w**-2 + 0.00013 * w**-4)
    aerosol = turbidity * w**-1.3
    ozone_and_vapour = np.array([0.99, 0.94, 0.96, 0.98, 0.97, 0.99, 0.96, 0.99, 0.98, 0.96])
    sun = np.sin(np.deg2rad(elevation))
    scattering = np.deg2rad(90 + elevation)  # nadir view: the angle between beam and view
    molecules = 0.75 * (1 + np.cos(scattering) ** 2)
    haze_g = 0.65  # asymmetry of the Henyey-Greenstein function, continental aerosol
    haze = (1 - haze_g**2) / (1 + haze_g**2 - 2 * haze_g * np.cos(scattering)) ** 1.5
    path = (rayleigh * molecules + 0.9 * aerosol * haze) / (4 * sun)
    direct = np.exp(-(rayleigh + aerosol) / sun)
    down = np.exp(-(0.52 * rayleigh + 0.167 * aerosol) / sun)
    up = np.exp(-(0.52 * rayleigh + 0.167 * aerosol))
    return Atmosphere(path, direct, down - direct, up * ozone_and_vapour)


def observe(
    rng: np.random.Generator, fabric: Fabric, season: str, latitude: float
) -> tuple[np.ndarray, dict[str, object]]:
    """Top-of-atmosphere reflectance ``(band, y, x)`` of a season, float32; NaN under clouds.

    Returns it with the facts of the overpass: date, sun azimuth and elevation.
    """
    overpass = OVERPASSES[season]
    azimuth, elevation = sun_position(overpass.date, latitude)
    air = atmosphere(elevation, overpass.turbidity)
    n = fabric.roof.shape[0]

    surface = reflectance_of_covers(season).T.astype(np.float32) @ fabric.cover.reshape(
        fabric.cover.shape[0], -1
    )
    surface = surface.reshape(len(BANDS), n, n)
    surface *= _weathering(rng, fabric)
    beam = _sunlit(fabric, azimuth, elevation)
    haze = 1 + 0.06 * smooth_field(rng, n, 3000)
    missing = _clouds(rng, n, overpass.missing)
    for i, band in enumerate(BANDS):
        light = np.float32(air.direct[i]) * beam + np.float32(air.diffuse[i])
        toa = surface[i] * light * np.float32(air.upward[i]) + np.float32(air.path[i]) * haze
        surface[i] = _instrument(rng, toa, coarse=band in _TWENTY_METRES)
    surface[:, missing] = np.nan
    facts = {"date": overpass.date, "sun_azimuth": azimuth, "sun_elevation": elevation}
    return surface, facts


def _weathering(rng: np.random.Generator, fabric: Fabric) -> np.ndarray:
    """Brightness around each material's mean: by building or parcel, and from pixel to pixel."""
    n = fabric.roof.shape[0]
    unit = lattice_hash(11, (fabric.character * 2**20).astype(np.int32)) - 0.5
    strength = (0.25 + 0.35 * fabric.roof) * fabric.land
    grain = 0.05 * rng.standard_normal((n, n), np.float32)
    return (1 + strength * unit + grain).clip(0.4)


def _sunlit(fabric: Fabric, azimuth: float, elevation: float) -> np.ndarray:
    """Direct light on each pixel, 1 on open level ground: cast shadow and slope of the terrain."""
    solid = np.maximum(fabric.height, fabric.crown * (fabric.roof < 0.3))
    cover = np.maximum(fabric.roof, 0.7 * fabric.trees).astype(np.float32)
    shadow = cast_shadow(solid, cover, azimuth, elevation)
    # cos(incidence) / sin(elevation) of a plane that rises towards the sun's azimuth
    tilt = 1 - fabric.slope(azimuth) / np.tan(np.deg2rad(elevation))
    return ((1 - shadow) * tilt.clip(0, 2)).astype(np.float32)


def _clouds(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    """Pixels lost to clouds and their shadows, in a few whole patches."""
    field = smooth_field(rng, n, 1200) + 0.15 * smooth_field(rng, n, 150)
    return field > np.quantile(field[::4, ::4], 1 - share) if share else np.zeros((n, n), bool)


def _instrument(rng: np.random.Generator, band: np.ndarray, *, coarse: bool) -> np.ndarray:
    """Point spread, ground sampling of 10 or 20 m (held on the 10 m grid), and noise."""
    n = band.shape[0]
    if coarse:
        band = band.reshape(n // 2, 2, n // 2, 2).mean((1, 3))
    band = ndi.gaussian_filter(band, 0.45, truncate=2.5)
    band += np.float32(_NOISE) * rng.standard_normal(band.shape, np.float32)
    band = band.clip(1e-4)  # the smallest number a product holds is 1; 0 is missing
    return band.repeat(2, 0).repeat(2, 1) if coarse else band
