"""Maps drawn from class probabilities, to carry the map's error into what is computed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy import ndimage, special

if TYPE_CHECKING:
    from lczlib.analysis.heat.options import SurfaceOptions


def sampled_classes(
    probabilities: xr.DataArray, keep: np.ndarray, cell: float, options: SurfaceOptions
) -> np.ndarray:
    """Classes of the kept pixels in maps drawn from their probabilities.

    Each map compares the cumulative probabilities of a pixel with one uniform number from a smooth
    random field (Gaussian, of standard deviation `error_range` / 2), so that a whole neighbourhood
    is mistaken together, as classifiers do; independent draws would average map error away.

    Parameters
    ----------
    probabilities : DataArray (lcz, y, x)
        NaN where no data.
    keep : array (y, x) of bool
        The pixels to draw classes for, n of them.
    cell : float
        Pixel size in m.
    options : SurfaceOptions
        `sampled_maps`, `error_range`, `seed`.

    Returns
    -------
    array (maps, n) of uint8
        0 where a kept pixel has no probabilities.
    """
    shares = np.asarray(probabilities.data)[:, keep]
    known = np.isfinite(shares).all(axis=0)
    cumulative = np.cumsum(np.nan_to_num(shares), axis=0)
    total = np.where(cumulative[-1] > 0, cumulative[-1], 1)
    rng = np.random.default_rng(options.seed + 1)
    maps = np.zeros((options.sampled_maps, shares.shape[1]), np.uint8)
    for drawn in maps:
        field = rng.standard_normal(keep.shape, dtype=np.float32)
        field = ndimage.gaussian_filter(field, options.error_range / 2 / cell, mode="wrap")
        uniform = special.ndtr(field / max(field.std(), 1e-9))[keep] * total
        drawn[:] = np.where(known, (cumulative < uniform).sum(0).clip(max=len(shares) - 1) + 1, 0)
    return maps
