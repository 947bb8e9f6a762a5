"""Parts of the classes: the pixels of one class in one square of the scene, pooled.

A scene has millions of pixels and their covariance matrix cannot be held. Its parts are few hundred;
their means carry what an interval needs, since a class temperature is a weighted mean of its parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

MOST_PARTS = 480
"""Parts whose covariance matrices are taken apart in a few seconds."""
_MOST_ACROSS = 14
_COUNTED = 2_000_000
_FINE = 8
"""Most cells across a square in which the place of a part's pixels is held."""


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
    place : array (parts,) complex
        Mean of the places of its pixels, x + iy in m.
    square : array (2, parts) int
        Row and column of its square.
    cells : array (parts, cells)
        Share of its pixels in each of 8 x 8 cells of its square, or fewer where it has fewer pixels.
    """

    side: float
    index: np.ndarray
    codes: np.ndarray
    n: np.ndarray
    patch: np.ndarray
    place: np.ndarray
    square: np.ndarray
    cells: np.ndarray

    def share(self, mask: np.ndarray) -> np.ndarray:
        """Which share of the pixels of a mask (n,) lies in each part: (parts,)."""
        found = np.bincount(self.index[mask], minlength=self.n.size).astype(float)
        return found / max(found.sum(), 1)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of values (n,) in each part."""
        return np.bincount(self.index, values, minlength=self.n.size) / self.n

    def covariances(self, lengths: np.ndarray) -> np.ndarray:
        """Covariances of the means of fields of variance 1, correlogram exp(-h / length).

        Parameters
        ----------
        lengths : array (k,)
            m.

        Returns
        -------
        array (k, parts, parts)
        """
        across = math.isqrt(self.cells.shape[1])
        y, x = _places(across)
        near = _within(self.side / across, lengths)
        out = np.empty((len(lengths), self.n.size, self.n.size))
        i, j = np.triu_indices(self.n.size)
        down, right = self.square[:, j] - self.square[:, i]
        key = down * 1000 + right  # of squares so far apart
        order = np.argsort(key, kind="stable")
        for pairs in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
            dy, dx = down[pairs[0]], right[pairs[0]]
            apart = self.side * np.hypot(y - y[:, None] + dy, x - x[:, None] + dx)
            correlated = np.exp(-apart / lengths[:, None, None])
            if not dy and not dx:
                itself = np.arange(y.size)
                correlated[:, itself, itself] = near[:, None]
            one, at = np.unique(i[pairs], return_inverse=True)
            other = self.cells[j[pairs]]
            found = np.einsum("kpc,pc->kp", (self.cells[one] @ correlated)[:, at], other)
            out[:, i[pairs], j[pairs]] = out[:, j[pairs], i[pairs]] = found
        own = np.arange(self.n.size)
        out[:, own, own] += (1 - near[:, None]) / self.n  # pairs that are one pixel
        return out


def _within(side: float, lengths: np.ndarray) -> np.ndarray:
    """Mean correlation of two places in one square: (k,)."""
    y, x = _places(16) * side
    apart = np.hypot(y - y[:, None], x - x[:, None])
    return np.exp(-apart / lengths[:, None, None]).mean((1, 2))


def _places(n: int) -> np.ndarray:
    """Middles of n x n cells of a square of side 1: (2, n * n), y and x."""
    return (np.indices((n, n)).reshape(2, -1) + 0.5) / n


def side_of_squares(keep: np.ndarray, codes: np.ndarray) -> int:
    """Side of squares in pixels: a fourteenth of the longer side, more where that makes over 480 parts.

    Of large scenes a sample of the pixels is counted.

    Parameters
    ----------
    keep : array (y, x) of bool
        The pixels in use, n of them.
    codes : array (n,)
        Their LCZ number.
    """
    every = max(1, codes.size // _COUNTED)
    rows, columns = np.divmod(np.flatnonzero(keep)[::every], keep.shape[1])
    own, longer = codes[::every], max(keep.shape)
    side = max(1, longer // _MOST_ACROSS)
    while side < longer:
        key = (rows // side * (keep.shape[1] // side + 1) + columns // side) * 18 + own
        if np.count_nonzero(np.bincount(key)) <= MOST_PARTS:
            break
        side += max(1, side // 10)
    return side


def parts_of(
    keep: np.ndarray, codes: np.ndarray, patches: np.ndarray, cell: float, side: int, shift: int = 0
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
    side, shift : int
        Of a square, and by which the first of them begins before the scene, pixels.
    """
    numbers = np.flatnonzero(np.bincount(codes)).astype(np.uint8)
    of = np.zeros(256, np.int32)
    of[numbers] = np.arange(numbers.size)
    along = [np.arange(shift, n + shift) for n in keep.shape]
    squares = tuple(int(m[-1]) // side + 1 for m in along)
    y, x = ((m // side).astype(np.int32) for m in along)
    key = (y[:, None] * np.int32(squares[1]) + x)[keep] * np.int32(numbers.size) + of[codes]
    used = np.bincount(key, minlength=squares[0] * squares[1] * numbers.size) > 0
    at = np.where(used, np.cumsum(used) - 1, -1).astype(np.int16)
    index = at[key]
    n = np.bincount(index)
    within = sparse.csr_array((np.ones(index.size, np.float32), (index, patches)))
    within = sparse.diags_array(1 / n) @ within
    across = min(_FINE, side)
    y, x = ((m % side * across // side).astype(np.int32) for m in along)
    fine = (y[:, None] * np.int32(across) + x)[keep] + index.astype(np.int32) * across**2
    cells = np.bincount(fine, minlength=n.size * across**2).reshape(n.size, -1) / n[:, None]
    row, column, which = np.unravel_index(np.flatnonzero(used), (*squares, numbers.size))
    middle = cells @ (_places(across)[1] + 1j * _places(across)[0]) + column + 1j * row
    return Parts(
        side * cell, index, numbers[which], n.astype(float), (within @ within.T).toarray(),
        middle * side * cell, np.array([row, column]), cells,
    )  # fmt: skip
