"""Parts of the classes: the pixels of one class in one square of the scene, pooled.

A scene has millions of pixels and their covariance matrix cannot be held. Its parts are few hundred;
their means carry what an interval needs, since a class temperature is a weighted mean of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

MOST_PARTS = 320
"""Parts whose covariance matrix is taken apart in a second."""
_MOST_ACROSS = 14
_POINTS = 6
_OWN_POINTS = 16
_GOLDEN = (5**0.5 - 1) / 2
"""Its multiples, less whole numbers, are spread evenly: so are the pixels that stand for a part."""


@dataclass(frozen=True)
class Parts:
    """The parts of a scene.

    Attributes
    ----------
    side : float
        Of a square, m.
    index : array (n,) int16
        The part of each pixel.
    codes : array (parts,)
        LCZ number.
    n : array (parts,)
        Pixels.
    patch : array (parts, parts)
        Covariances of the means of effects of variance 1, one for each patch.
    points : array (parts, 6) complex
        Some of its pixels, x + iy in m, for the distances to others.
    own : array (parts, 16) complex
        The same, for the distances within.
    """

    side: float
    index: np.ndarray
    codes: np.ndarray
    n: np.ndarray
    patch: np.ndarray
    points: np.ndarray
    own: np.ndarray

    def share(self, mask: np.ndarray) -> np.ndarray:
        """Which share of the pixels of a mask (n,) lies in each part: (parts,)."""
        found = np.bincount(self.index[mask], minlength=self.n.size).astype(float)
        return found / max(found.sum(), 1)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of values (n,) in each part."""
        return np.bincount(self.index, values, minlength=self.n.size) / self.n

    def covariance(self, length: float) -> np.ndarray:
        """Covariances of the means of a field of variance 1 with the correlogram exp(-h / length).

        Between parts from six of their pixels each; within a part from the pairs of 16, the share of
        pairs that are one pixel added by its size.
        """
        m, q = self.points.shape
        flat = self.points.ravel().astype(np.complex64)
        between = np.exp(np.abs(flat[:, None] - flat[None]) / np.float32(-length))
        out = between.reshape(m, q, m, q).mean((1, 3)).astype(float)
        k = self.own.shape[1]
        within = np.exp(np.abs(self.own[:, :, None] - self.own[:, None]) / -length).sum((1, 2))
        pairs = (within - k) / (k * (k - 1))
        out[np.diag_indices(m)] = pairs + (1 - pairs) / self.n
        return out


def parts_of(
    keep: np.ndarray, codes: np.ndarray, patches: np.ndarray, cell: float, side: float | None
) -> Parts:
    """Cut the classes by squares.

    Parameters
    ----------
    keep : array (y, x) of bool
        The pixels in use, n of them.
    codes, patches : array (n,)
        Their LCZ and patch numbers.
    cell : float
        m.
    side : float or None
        Of the squares, m; by default a fourteenth of the scene's longer side. Squares grow until
        there are at most 320 parts.
    """
    pixels = max(1, round((side or max(keep.shape) * cell / _MOST_ACROSS) / cell))
    while True:
        across = np.int32(-(-keep.shape[1] // pixels) * 18)
        rows, cols = ((np.arange(n) // pixels).astype(np.int32) for n in keep.shape)
        key = (rows[:, None] * across + cols * np.int32(18))[keep] + codes
        used = np.bincount(key) > 0
        if used.sum() <= MOST_PARTS or pixels >= max(keep.shape):
            break
        pixels = -(-pixels * 5 // 4)
    index = (np.cumsum(used) - 1).astype(np.int16)[key]
    n = np.bincount(index)
    within = sparse.csr_array((np.ones(index.size, np.float32), (index, patches)), dtype=float)
    within = sparse.diags_array(1 / n) @ within
    order, kept = np.argsort(index, kind="stable"), np.flatnonzero(keep)
    first = np.r_[0, np.cumsum(n)[:-1]]

    def some(k: int) -> np.ndarray:
        at = kept[
            order[first[:, None] + (_GOLDEN * np.arange(1, k + 1) % 1 * n[:, None]).astype(int)]
        ]
        return (at % keep.shape[1] + 1j * (at // keep.shape[1])) * cell

    return Parts(
        pixels * cell, index, (np.flatnonzero(used) % 18).astype(np.uint8), n.astype(float),
        (within @ within.T).toarray(), some(_POINTS), some(_OWN_POINTS),
    )  # fmt: skip
