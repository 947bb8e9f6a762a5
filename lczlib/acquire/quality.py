"""The best day of each pixel, after Schmitt et al. (2019, doi 10.5194/isprs-annals-IV-2-W7-145-2019).

A pixel's cloud and shadow scores are means over its surroundings; of each pixel the day with the lowest
is taken whole, and days that are nearly without cloud come before all others. The scores of the paper
read two bands that surface reflectance lacks or networks do not read (B10, B1): they are left out, and the
scene classification takes their place. Shadows are dark pixels, not projected from clouds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from lczlib.scenes.bands import BANDS

RIM = 6
"""Pixels of 10 m around a tile that its scores depend on: half of the surroundings, on whole 20 m."""
_AROUND = 11  # pixels along a side of the surroundings
_NEARLY_CLEAR = 0.05
"""Share of cloud of a day that comes before cloudier ones, whatever the scores of its pixels."""
_DN = 1e-4


def best_days(stack: np.ndarray, cloud_shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Values of the best day of each pixel.

    Parameters
    ----------
    stack : array (y, x, band, day) uint16
        DN, 0 where a day is not clear.
    cloud_shares : sequence of float
        Of each day over the place.

    Returns
    -------
    values : array (y, x, band) uint16
        0 where no day is clear.
    pick : array (y, x) int
        Which day it is.
    """
    shape = stack.shape[:2]
    quality = np.full(shape, -np.inf, np.float32)
    pick = np.zeros(shape, np.int64)
    for i, share in enumerate(cloud_shares):
        valid = stack[:, :, 0, i] > 0
        if not valid.any():
            continue
        score = ndimage.uniform_filter(_unclear(stack[..., i], valid), _AROUND, mode="nearest")
        mine = np.where(valid, (share < _NEARLY_CLEAR) * 2 - score, -np.inf)
        better = mine > quality
        quality[better], pick[better] = mine[better], i
    return np.take_along_axis(stack, pick[:, :, None, None], axis=-1)[..., 0], pick


def _unclear(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """How much a pixel looks like cloud or shadow, 0 to 1; what is masked does so wholly."""
    b = {band: values[..., i] * np.float32(_DN) for i, band in enumerate(BANDS)}
    with np.errstate(invalid="ignore", divide="ignore"):
        moisture = (b["B08"] - b["B11"]) / (b["B08"] + b["B11"])
        snow = (b["B03"] - b["B11"]) / (b["B03"] + b["B11"])
        water = (b["B03"] - b["B08"]) / (b["B03"] + b["B08"])
    cloud = np.minimum.reduce([
        _between(b["B02"], 0.1, 0.5), _between(b["B02"] + b["B03"] + b["B04"], 0.2, 0.8),
        _between(moisture, -0.1, 0.1), _between(snow, 0.8, 0.6),
    ])  # fmt: skip
    dark = _between(b["B08"] + b["B11"] + b["B12"], 0.3, 0.15)
    shadow = np.where(water > 0, 0, dark)
    return np.where(valid, np.maximum(cloud, shadow), 1).astype(np.float32)


def _between(values: np.ndarray, none: float, whole: float) -> np.ndarray:
    """0 at `none`, 1 at `whole`, and so beyond."""
    return np.clip(np.nan_to_num((values - none) / (whole - none)), 0, 1)
