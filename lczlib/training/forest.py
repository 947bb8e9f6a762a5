"""Random forest on 100 m pixels: the way of WUDAPT level 0, to compare networks with.

Bechtel et al. (2015, doi 10.3390/ijgi4010199) classify Landsat pixels resampled to 100 m, each by
itself.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import CELL_SIZE
from lczlib.training.patches import Patches, centre_of

_AT_ONCE = 1024


class Forest:
    """Random forest that reads the mean of each band over the LCZ cell at a patch's centre.

    Parameters
    ----------
    n_trees : int
        Trees.
    seed : int
        Of the random numbers.
    """

    def __init__(self, n_trees: int = 200, seed: int = 0) -> None:
        self._forest = RandomForestClassifier(n_trees, random_state=seed)

    def fit(self, train: Patches, validation: Patches | None = None) -> Forest:  # noqa: ARG002 - one interface with networks
        """Grow the trees; validation patches are not needed, and left out.

        Raises
        ------
        InputError
            If all patches are of one class.
        """
        if len(np.unique(train.labels)) < 2:
            msg = f"All training patches are of one class (LCZ {train.labels[0]}): add polygons of others."
            raise InputError(msg)
        features = cell_means(train)
        self._fill = np.nanmean(features, axis=0)
        self._forest.fit(np.where(np.isnan(features), self._fill, features), train.labels)
        return self

    def predict(self, patches: Patches) -> np.ndarray:
        """Class probabilities (n, 17) float32."""
        features = cell_means(patches)
        found = self._forest.predict_proba(np.where(np.isnan(features), self._fill, features))
        out = np.zeros((len(patches), N_CLASSES), np.float32)
        out[:, self._forest.classes_.astype(int) - 1] = found
        return out


def cell_means(patches: Patches) -> np.ndarray:
    """Mean of each band over the valid pixels of the 100 m cell at each patch's centre, (n, C)."""
    step = max(1, round(CELL_SIZE / patches.kind.pixel_size))
    own = centre_of(patches.kind.patch_size, step)
    parts = []
    for start in range(0, len(patches), _AT_ONCE):
        index = np.arange(start, min(start + _AT_ONCE, len(patches)))
        values = patches.read(index)[:, :, own, own].astype(np.float64)
        count = np.isfinite(values).sum((2, 3))
        with np.errstate(invalid="ignore"):
            parts.append(np.nansum(values, axis=(2, 3)) / np.where(count > 0, count, np.nan))
    return np.concatenate(parts)
