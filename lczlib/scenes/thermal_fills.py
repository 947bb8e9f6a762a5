"""Pixels of a temperature raster that are none: fills nobody declared, implausible values, fringes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

_FEWEST = 40
_SMALLEST_SHARE = 0.005
_SPIKE = 8.0
"""A value this many times as frequent as those next to it is no part of a continuous field; in whole
kelvins or tenths neighbouring numbers are alike."""
_COMMONER = 3.0
"""And this many times as frequent as the commonest values of the field."""
_LEVELS = 15.0
"""So many levels at least, weighed by their frequency, make a histogram whose spikes can be told."""
_MOST_FILLS = 4


def repeated_values(values: np.ndarray) -> list[tuple[float, int]]:
    """Values that so many pixels hold exactly as no continuous field has them, commonest first.

    Parameters
    ----------
    values : array (n,)
        Stored values, without declared no data.

    Returns
    -------
    list of (value, pixels)
        A value is one where it is `_SPIKE` times as frequent as the values next to it, or stands apart
        from all others by half of their range. Rasters resampled by nearest neighbour, and those in
        coarse steps, repeat all their values alike, and have none.
    """
    levels, counts = np.unique(values, return_counts=True)
    found: list[tuple[float, int]] = []
    fewest = max(_FEWEST, _SMALLEST_SHARE * values.size)
    while len(found) < _MOST_FILLS and levels.size >= 10:
        frequent = np.flatnonzero(counts >= fewest)
        i = next((i for i in _by_count(frequent, counts) if _is_odd(levels, counts, i)), None)
        if i is None:
            break
        found.append((float(levels[i]), int(counts[i])))
        levels, counts = np.delete(levels, i), np.delete(counts, i)
    return found


def _by_count(which: np.ndarray, counts: np.ndarray) -> Sequence[int]:
    return which[np.argsort(counts[which])[::-1]][:20]


def _is_odd(levels: np.ndarray, counts: np.ndarray, i: int) -> bool:
    rest = np.delete(counts, i).astype(float)
    if rest.sum() ** 2 / (rest**2).sum() >= _LEVELS:
        beside = max(counts[i - 1] if i else 0, counts[i + 1] if i + 1 < counts.size else 0)
        # few blocks of a coarse grid fall on a level by chance: the commonest others tell how many
        usual = np.partition(rest, -_MOST_FILLS - 1)[-_MOST_FILLS - 1]
        if counts[i] >= max(_SPIKE * beside, _COMMONER * usual):
            return True
    others = np.delete(levels, i).astype(float)
    cumulative = np.cumsum(rest) / rest.sum()
    low, high = others[np.searchsorted(cumulative, [0.01, 0.99])]
    gap = np.abs(others - float(levels[i])).min()
    return bool(high > low and gap >= 0.5 * (high - low))


def mask_implausible(
    celsius: np.ndarray, missing: np.ndarray, plausible: tuple[float, float], fringe: int
) -> dict[str, int]:
    """Mask values off the plausible range, then outliers in the rim along no data (in place).

    Returns
    -------
    dict
        Pixels: ``implausible``, ``fringe``.
    """
    low, high = plausible
    with np.errstate(invalid="ignore"):
        off = (celsius <= low) | (celsius > high)
    celsius[off] = np.nan
    gone = missing | off
    rim = np.zeros(celsius.shape, bool)
    if fringe and gone.any() and np.isfinite(celsius).any():
        rim = ndimage.binary_dilation(gone, np.ones((3, 3)), iterations=fringe) & ~gone
        middle = np.nanmedian(celsius)
        spread = 1.4826 * np.nanmedian(np.abs(celsius - middle))
        with np.errstate(invalid="ignore"):
            rim &= np.abs(celsius - middle) > 6 * max(spread, 0.5)
        celsius[rim] = np.nan
    return {"implausible": int(off.sum()), "fringe": int(rim.sum())}
