"""The scene classification (SCL) of Sentinel-2 surface products: below which classes no land is seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

UNCLEAR = {
    1: "saturated or defective", 3: "cloud shadow", 8: "cloud, medium probability",
    9: "cloud, high probability", 10: "thin cirrus", 11: "snow or ice",
}  # fmt: skip
"""Classes below which no land is seen. Class 2, dark areas, is kept: it holds water and shaded streets."""

_LAST = 11
_NAMES = ("scl", "scene_classification", "scene classification", "scene_classification_map")


def classification_of(names: Sequence[str], sample: np.ndarray) -> int | None:
    """Position of the band of a raster that holds the scene classification; None without one.

    Parameters
    ----------
    names : sequence of str
        Of all bands.
    sample : array (band, h, w)
        Their stored values, of some pixels. A band that is called so but holds other than the classes 0
        to 11 is none: it was rescaled, or resampled to what lies between classes.
    """
    found = [i for i, n in enumerate(names) if n.strip().casefold() in _NAMES]
    if len(found) != 1:
        return None
    values = np.unique(sample[found[0]])
    values = values[np.isfinite(values)]
    return found[0] if np.isin(values, range(_LAST + 1)).all() else None


def hides_land(classes: np.ndarray, codes: Collection[int] = tuple(UNCLEAR)) -> np.ndarray:
    """Which pixels are of some classes."""
    return np.isin(classes, tuple(codes))
