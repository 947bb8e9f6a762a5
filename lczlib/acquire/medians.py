"""From the clear days of each pixel to one value: medians, and what is left out of them before.

Arrays are (y, x, band, day) in DN, 0 where a day is not clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from lczlib.acquire.quality import best_days
from lczlib.scenes.bands import BANDS

Method = Literal["geomedian", "median", "best"]

FILL = 0
"""Of missing pixels, in all bands."""
LEAST, MOST = 1, 65_535
"""Of values that are not missing."""
_ENOUGH = 3  # days that are left of a pixel where hazy ones are taken from it
_GEOMEDIAN_STEP = 0.1  # DN by which the last iteration moves a pixel at most


def reduced(
    stack: np.ndarray, method: Method, cloud_shares: Sequence[float], threads: int
) -> np.ndarray:
    """One value of each pixel and band.

    Parameters
    ----------
    stack : array (y, x, band, day) uint16
        DN, 0 where a day is not clear.
    method : str
        Of `Method`.
    cloud_shares : sequence of float
        Of each day over the place, for the best one.
    threads : int
        Of the geomedian.

    Returns
    -------
    array (y, x, band) uint16
        0 where no day is clear, and nowhere else.
    """
    if method == "best":
        return best_days(stack, cloud_shares)[0]
    clear = np.count_nonzero(stack[:, :, 0], axis=-1)
    found = _geomedian(stack, threads) if method == "geomedian" else _median(stack, clear)
    whole = np.clip(np.rint(np.nan_to_num(found)), LEAST, MOST).astype(np.uint16)
    whole[clear == 0] = FILL
    return whole


def leave_out_haze(stack: np.ndarray, haze: float) -> None:
    """Take from a pixel the days on which it is brighter in blue than on its clearest: thin cloud.

    The classification misses haze and the rims of clouds, which is brightest in blue. What stands `haze`
    above the lower quartile of a pixel's days is set to missing, where at least `_ENOUGH` days are left:
    of fewer it is not known which are the clear ones.

    Parameters
    ----------
    stack : array (y, x, band, day) uint16
        Changed in place.
    haze : float
        In DN.
    """
    blue = stack[:, :, BANDS.index("B02")]
    n = np.count_nonzero(blue, axis=-1)
    # sorted, the days without data (0) come first
    at = np.clip(blue.shape[-1] - n + (n - 1) // 4, 0, blue.shape[-1] - 1)
    quartile = np.take_along_axis(np.sort(blue, axis=-1), at[..., None], axis=-1)
    hazy = blue > quartile + np.float32(haze)
    hazy &= (n - np.count_nonzero(hazy, axis=-1) >= _ENOUGH)[..., None]
    np.copyto(stack, FILL, where=hazy[:, :, None])


def _geomedian(stack: np.ndarray, threads: int) -> np.ndarray:
    """Geometric median of the clear days (Roberts et al. 2017, doi 10.1109/TGRS.2017.2723896)."""
    from geomad import nangeomedian_pcm

    return nangeomedian_pcm(stack, num_threads=threads, eps=_GEOMEDIAN_STEP, scale=1.0, nodata=FILL)


def _median(stack: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Median of each band over the clear days; of an even number the mean of the middle two."""
    # sorted, the days without data (0) come first, and the middle of the others is picked
    ordered = np.sort(stack, axis=-1)
    absent = stack.shape[-1] - clear
    low, high = absent + (clear - 1) // 2, absent + clear // 2
    pick = [
        np.take_along_axis(ordered, np.clip(at, 0, stack.shape[-1] - 1)[:, :, None, None], axis=-1)[
            ..., 0
        ]
        for at in (low, high)
    ]
    return (pick[0].astype(np.float32) + pick[1]) / 2
