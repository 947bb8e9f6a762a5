"""Which pixels of a scene show the land, by its scene classification (SCL)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from lczlib.scenes.classification import UNCLEAR, hides_land

NO_DATA = 0
OUTSIDE = 255
"""What stands in a classification where the scene does not reach."""
MASKED = (NO_DATA, *UNCLEAR)
"""Classes that are masked; class 7, unclassified, is kept: it holds bright roofs and thin haze alike."""
CLOUDY = (3, 8, 9, 10)
"""Cloud and its shadow; snow and defects are masked too, and are no cloud."""


def clear_pixels(classes: np.ndarray, metres: float, pixel: float) -> np.ndarray:
    """Pixels that show the land, and are not near any that do not.

    Parameters
    ----------
    classes : array (y, x)
        Scene classification; `OUTSIDE` where there is none, which nothing near it suffers from.
    metres : float
        Around what is masked.
    pixel : float
        Edge of a pixel, in metres.

    Returns
    -------
    array (y, x) bool
    """
    hidden = near(hides_land(classes, MASKED), metres, pixel)
    return ~hidden & (classes != OUTSIDE)


def near(these: np.ndarray, metres: float, pixel: float) -> np.ndarray:
    """Pixels (y, x) that are some, or lie within so many metres of one."""
    if metres <= 0 or not these.any():
        return these
    return ndimage.distance_transform_edt(~these) * pixel <= metres


def shares(classes: np.ndarray) -> dict[str, float]:
    """What a classification shows of a box.

    Parameters
    ----------
    classes : array
        Scene classification of the box's pixels; `OUTSIDE` where there is none.

    Returns
    -------
    dict
        ``covered_share`` of the box that has data, ``cloud_share`` of that which is cloud or its shadow
        (NaN where nothing is covered), ``clear_share`` of the box that shows the land.
    """
    seen = (classes != OUTSIDE) & (classes != NO_DATA)
    n = int(seen.sum())
    cloudy = int(hides_land(classes, CLOUDY).sum())
    clear = int((seen & ~hides_land(classes, MASKED)).sum())
    return {
        "covered_share": n / classes.size,
        "cloud_share": cloudy / n if n else float("nan"),
        "clear_share": clear / classes.size,
    }
