"""Random fields, lattices and rays on the 10 m pixel grid: the tools the simulation is made of.

Arrays are ``(y, x)`` float32, x to the east and y to the south; lengths are metres, pixels 10 m.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft

PIXEL = 10.0


def smooth_field(
    rng: np.random.Generator, n: int, length: float, pixel: float = PIXEL
) -> np.ndarray:
    """Gaussian random field ``(n, n)`` of mean 0 and variance 1, correlated over `length` metres,
    on a grid of `pixel` metres.

    White noise times a Gaussian transfer function in the Fourier domain, so the correlation falls
    to 1/e at `length`. The field is made larger than asked and cut, so that it does not wrap.
    """
    sigma = length / pixel / 2.0
    step = max(1, int(sigma / 4))  # a field this smooth is known from every step-th pixel
    coarse = -(-n // step) + 2
    size = scipy.fft.next_fast_len(coarse + int(4 * sigma / step) + 1, real=True)
    spectrum = scipy.fft.rfft2(rng.standard_normal((size, size), np.float32))
    k = 2 * np.pi * np.fft.fftfreq(size).astype(np.float32)
    half = np.abs(k[: size // 2 + 1])
    width = np.float32((sigma / step) ** 2 / 2)
    spectrum *= np.exp(-width * k**2)[:, None] * np.exp(-width * half**2)[None]
    field = scipy.fft.irfft2(spectrum, (size, size))
    field /= field.std()
    return _magnify(field[:coarse, :coarse], step, n)


def _magnify(field: np.ndarray, step: int, n: int) -> np.ndarray:
    """Bilinear magnification by a whole factor, cut to ``(n, n)``."""
    if step == 1:
        return np.ascontiguousarray(field[:n, :n], np.float32)
    where = np.arange(n, dtype=np.float32) / step
    low = where.astype(np.intp)
    part = where - low
    rows = field[low] * (1 - part)[:, None] + field[low + 1] * part[:, None]
    return (rows[:, low] * (1 - part) + rows[:, low + 1] * part).astype(np.float32)


def lattice_hash(seed: int, *indices: np.ndarray) -> np.ndarray:
    """A uniform number in [0, 1) for each lattice cell, the same wherever the cell is seen.

    The mixing step is the 32-bit finaliser of MurmurHash3 (A. Appleby, public domain).
    """
    h = np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
    for index in indices:
        h = h ^ index.astype(np.int32).view(np.uint32)
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
            h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return (h >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def comb_cover(at: np.ndarray, period: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Share of the pixel around `at` that lies under bars of `width`, one in the middle of each
    `period`. Exact for any width, so bars narrower than a pixel keep their area.
    """

    def filled(s: np.ndarray) -> np.ndarray:
        count = np.floor(s / period)
        return count * width + np.clip(s - count * period - (period - width) / 2, 0, width)

    return np.clip((filled(at + PIXEL / 2) - filled(at - PIXEL / 2)) / PIXEL, 0, 1)


def steps_along(
    arrays: list[np.ndarray], azimuth: float, reach: float
) -> Iterator[tuple[float, list[np.ndarray]]]:
    """Walk from every pixel towards an azimuth, a pixel at a time, up to `reach` metres.

    Yields the distance in metres and, for each array, what stands there (views, no copies). The
    border value continues outside.
    """
    count = int(np.ceil(reach / PIXEL))
    padded = [np.pad(a, count, mode="edge") for a in arrays]
    n_rows, n_cols = arrays[0].shape
    angle = np.deg2rad(azimuth)
    for step in range(1, count + 1):
        col = count + round(step * np.sin(angle))
        row = count - round(step * np.cos(angle))
        yield step * PIXEL, [p[row : row + n_rows, col : col + n_cols] for p in padded]


def cast_shadow(
    height: np.ndarray, cover: np.ndarray, azimuth: float, elevation: float
) -> np.ndarray:
    """Share of each pixel that is hidden from a source at `azimuth` and `elevation` (degrees).

    Parameters
    ----------
    height : array (y, x)
        Height of what stands in the pixel, metres.
    cover : array (y, x)
        Share of the pixel it covers.
    azimuth, elevation : float
        Direction of the source, from north clockwise and above the horizon.
    """
    slope = np.float32(np.tan(np.deg2rad(elevation)))
    own = np.clip(height / (PIXEL * slope), 0, 1) * cover * (1 - cover)
    shadow = own
    standing = height * cover
    reach = min(float(height.max()) / slope, 400.0)
    for distance, (tall, wide) in steps_along([height, cover], azimuth, reach):
        above = (tall - standing) * (1 / (PIXEL * slope)) - (distance / PIXEL - 0.5)
        np.maximum(shadow, np.clip(above, 0, 1) * wide, out=shadow)
    return shadow
