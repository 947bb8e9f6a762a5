"""Sentinel-1 over the simulated city: scattering by structure, layover, shadow and speckle.

Each pixel returns power by three mechanisms: the surface and volume scattering of its covers,
and the double bounce between a wall and the ground before it, which grows with the height of the
wall and is strong only where the wall faces the radar. The complex image then is that power under
fully developed speckle. Colour does not matter to a radar: soil of any kind looks alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from lczlib.scenes.simulation.fabric import Fabric
from lczlib.scenes.simulation.fields import (
    PIXEL,
    cast_shadow,
    lattice_hash,
    smooth_field,
    steps_along,
)
from lczlib.scenes.simulation.materials import backscatter_of_covers

LOOK_AZIMUTH = {"ascending": 80.0, "descending": 280.0}
"""Direction the radar looks in: right of a flight at 350 (ascending) or 190 degrees."""

INCIDENCE = 38.0
"""Middle of the Interferometric Wide swath (30-46 degrees)."""

DATE = "2021-07-21"
SEASON = "summer"
NOISE_FLOOR = 10 ** (-2.6)
"""Noise-equivalent sigma nought, about -26 dB (Sentinel-1 performance reports; better than -22)."""

_WALL = 2.6  # power of a wall as high as a pixel is wide that faces the radar squarely
_LAYOVER = 0.3  # share of a wall's power that is single bounce and lies over what is in front of it


@dataclass(frozen=True)
class Power:
    """Expected covariance of a dual-polarised pixel, linear: ``<|VV|^2>``, ``<|VH|^2>`` and the
    complex correlation ``<VV VH*>``, of size 0-1.
    """

    vv: np.ndarray
    vh: np.ndarray
    correlation: np.ndarray


def backscatter(rng: np.random.Generator, fabric: Fabric, orbit: str) -> Power:
    """Expected backscatter of an orbit (``"ascending"`` or ``"descending"``)."""
    look = LOOK_AZIMUTH[orbit]
    n = fabric.roof.shape[0]
    level = backscatter_of_covers(SEASON).T.astype(np.float32) @ fabric.cover.reshape(
        fabric.cover.shape[0], -1
    )
    vv, vh = level.reshape(2, n, n)
    # Moisture and roughness: by parcel and over kilometres, 1 dB each.
    parcel = lattice_hash(23, (fabric.character * 2**20).astype(np.int32)) - 0.5
    decibels = fabric.land * (1.7 * parcel + 0.6 * smooth_field(rng, n, 1800))
    texture = 10 ** (decibels / 10)
    # Slopes that face the radar are brighter
    slope = (1 + fabric.slope(look) / np.tan(np.deg2rad(INCIDENCE))).clip(0.3, 2.5)
    hidden = cast_shadow(fabric.height, fabric.roof, look + 180, 90 - INCIDENCE)
    open_to_radar = (texture * slope * (1 - 0.9 * hidden)).astype(np.float32)

    facing, skew = _facade_angle(fabric.angle, look)
    wall = _walls(fabric, look) * (0.12 + 0.88 * np.exp(-((facing / np.deg2rad(12)) ** 2)))
    wall *= _fittings(fabric) * (1 - 0.5 * fabric.trees)
    wall_vv = _lay_over(wall, fabric, look)
    # Turned walls depolarise: -12 dB of cross-polarisation square to the radar, -6 dB at 45 degrees
    cross = 10 ** (-1.2 + 0.6 * np.sin(2 * facing) ** 2)
    wall_vh = wall_vv * cross.astype(np.float32)

    vv = vv * open_to_radar + wall_vv
    vh = vh * open_to_radar + wall_vh
    of_walls = np.sqrt(wall_vv * wall_vh / (vv * vh))
    correlation = 0.55 * np.sin(4 * skew) * of_walls * np.exp(0.4j) + 0.03
    return Power(vv, vh, correlation.astype(np.complex64))


def _facade_angle(angle: np.ndarray, look: float) -> tuple[np.ndarray, np.ndarray]:
    """Angle between the look direction and the nearest facade normal: absolute, and signed."""
    direction = np.deg2rad(look - 90)  # azimuth, clockwise from north, as angle from east to south
    skew = (direction - angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    return np.abs(skew), skew


def _walls(fabric: Fabric, look: float) -> np.ndarray:
    """Power of the walls that face the radar, at their foot.

    A wall stands where the pixel behind rises above this one; walls within a pixel are as long as
    roof and open ground are mixed in it.
    """
    standing = fabric.height * fabric.roof
    (_, (behind,)) = next(steps_along([standing], look, PIXEL))
    rise = (behind - standing).clip(0)
    within = 0.5 * fabric.height * fabric.roof * (1 - fabric.roof)
    return _WALL * (rise + within) / PIXEL


def _fittings(fabric: Fabric) -> np.ndarray:
    """Windows, balconies and metal make single buildings far brighter than others (mean 1)."""
    unit = lattice_hash(37, (fabric.character * 2**20).astype(np.int32))
    return (-np.log(unit.clip(1e-4))) ** 1.5 / 1.33


def _lay_over(wall: np.ndarray, fabric: Fabric, look: float) -> np.ndarray:
    """Move a part of each wall's power towards the radar, by height over tan(incidence)."""
    lean = np.float32(1 / np.tan(np.deg2rad(INCIDENCE)))
    count = np.ceil(fabric.height * lean / PIXEL)
    (_, (behind,)) = next(steps_along([count], look, PIXEL))
    count = np.maximum(count, behind)
    share = _LAYOVER * wall / count.clip(1)
    out = (1 - _LAYOVER) * wall
    for distance, (power, reach) in steps_along([share, count], look, PIXEL * float(count.max())):
        out += power * (reach >= distance / PIXEL)
    return out


def speckle(rng: np.random.Generator, power: Power) -> tuple[np.ndarray, np.ndarray]:
    """Single-look complex amplitudes VH and VV, complex64.

    Circular complex Gaussian with the covariance of `power`: the intensity of a homogeneous area is
    exponentially distributed, with one equivalent look (Goodman 1976, doi 10.1364/JOSA.66.001145).
    """
    shape = power.vv.shape

    def circular() -> np.ndarray:
        parts = rng.standard_normal((*shape, 2), np.float32)
        return parts.view(np.complex64)[..., 0] * np.float32(np.sqrt(0.5))

    first, second = circular(), circular()
    rho = power.correlation
    vv = np.sqrt(power.vv + NOISE_FLOOR) * first
    vh = np.sqrt(power.vh + NOISE_FLOOR) * (
        np.conj(rho) * first + np.sqrt(1 - np.abs(rho) ** 2) * second
    )
    return vh, vv


def lee_covariance(vh: np.ndarray, vv: np.ndarray, size: int = 7) -> np.ndarray:
    """Lee-filtered covariance ``(4, y, x)``: ``|VH|^2``, Re and Im of ``VH VV*``, ``|VV|^2``.

    The window mean and the pixel are weighed by how much the span varies beyond one-look speckle,
    with one weight for all elements, so that the matrix stays positive (Lee et al. 1999,
    doi 10.1109/36.789635).
    """
    product = vh * np.conj(vv)
    elements = np.stack([np.abs(vh) ** 2, product.real, product.imag, np.abs(vv) ** 2])
    mean = np.stack([ndi.uniform_filter(e, size) for e in elements])
    span = elements[0] + elements[3]
    span_mean = mean[0] + mean[3]
    variance = (ndi.uniform_filter(span**2, size) - span_mean**2).clip(0)
    # Speckle variance of the span: the polarisations are nearly uncorrelated, one look each.
    of_speckle = (mean[0] ** 2 + mean[3] ** 2 + 2 * (mean[1] ** 2 + mean[2] ** 2)) / span_mean**2
    true = (variance - span_mean**2 * of_speckle).clip(0) / (1 + of_speckle)
    weight = true / np.maximum(variance, np.finfo(np.float32).tiny)
    return (mean + weight * (elements - mean)).astype(np.float32)


def observe(
    rng: np.random.Generator, fabric: Fabric, orbit: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """VH and VV amplitudes and their Lee-filtered covariance, of an orbit."""
    vh, vv = speckle(rng, backscatter(rng, fabric, orbit))
    return vh, vv, lee_covariance(vh, vv)
