"""Parts of the classes: the pixels of one class in one square of the scene, pooled.

A scene has millions of pixels and their covariance matrix cannot be held. Its parts are few hundred;
their means carry what an interval needs, since a class temperature is a weighted mean of its parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from lczlib.analysis.heat.runs import Runs, every_of

MOST_PARTS = 480
"""Parts whose covariance matrices are taken apart in a few seconds."""
_MOST_ACROSS = 14
_COUNTED = 2_000_000
_AT_ONCE = 10_000
"""Pieces of rows that are summed together."""
_FINE = 8
"""Most cells across a square in which the place of a part's pixels is held."""


@dataclass(frozen=True)
class Parts:
    """The parts of a scene.

    Attributes
    ----------
    side : float
        Of a square, m.
    start : array (pieces,) int64
        Where among the pixels (n,) each piece of a row begins that lies in one part.
    part : array (pieces,) int16
        The part of each piece.
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
    start: np.ndarray
    part: np.ndarray
    codes: np.ndarray
    n: np.ndarray
    patch: np.ndarray
    place: np.ndarray
    square: np.ndarray
    cells: np.ndarray

    @property
    def index(self) -> np.ndarray:
        """The part of each pixel, (n,) int16."""
        return np.repeat(self.part, np.diff(np.r_[self.start, int(self.n.sum())]))

    def total(self, values: np.ndarray, *, squared: bool = False) -> np.ndarray:
        """Sum of values (n,), or of their squares, in each part."""
        of_pieces = np.empty(self.start.size)
        edges = [*range(0, self.start.size, _AT_ONCE), self.start.size]
        for first, last in pairwise(
            edges
        ):  # in double precision, which a scene at once would take room for
            begins = self.start[first]
            end = self.start[last] if last < self.start.size else values.size
            some = values[begins:end].astype(float)
            if squared:
                some *= some
            of_pieces[first:last] = np.add.reduceat(some, self.start[first:last] - begins)
        return np.bincount(self.part, of_pieces, minlength=self.n.size)

    def share(self, mask: np.ndarray) -> np.ndarray:
        """Which share of the pixels of a mask (n,) lies in each part: (parts,)."""
        found = self.total(mask)
        return found / max(found.sum(), 1)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of values (n,) in each part."""
        return self.total(values) / self.n

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
    rows, columns = np.divmod(every_of(keep, every), keep.shape[1])
    own, longer = codes[::every], max(keep.shape)
    side = max(1, longer // _MOST_ACROSS)
    while side < longer:
        key = (rows // side * (keep.shape[1] // side + 1) + columns // side) * 18 + own
        if np.count_nonzero(np.bincount(key)) <= MOST_PARTS:
            break
        side += max(1, side // 10)
    return side


def parts_of(runs: Runs, cell: float, side: int, shift: int = 0) -> Parts:
    """Cut the classes by squares.

    Parameters
    ----------
    runs : Runs
        Of the pixels in use.
    cell : float
        m.
    side, shift : int
        Of a square, and by which the first of them begins before the scene, pixels.
    """
    numbers = np.flatnonzero(np.bincount(runs.codes)).astype(np.uint8)
    of = np.zeros(256, np.int32)
    of[numbers] = np.arange(numbers.size)
    across = min(_FINE, side)
    # of rows and columns: number of the cell, counted on from square to square
    down, right = (
        ((m := np.arange(shift, n + shift)) // side * across + m % side * across // side).astype(
            np.int32
        )
        for n in runs.shape
    )
    squares = tuple(int(f[-1]) // across + 1 for f in (down, right))
    run, x, length = runs.split(right)
    y = down[runs.row][run]
    key = (y // across * np.int32(squares[1]) + x // across) * numbers.size + of[runs.codes][run]
    used = np.bincount(key, minlength=squares[0] * squares[1] * numbers.size) > 0
    part = np.where(used, np.cumsum(used) - 1, -1).astype(np.int16)[key]
    n = np.bincount(part, length)
    within = sparse.csr_array((length.astype(float), (part, runs.patches[run])))
    within = sparse.diags_array(1 / n) @ within
    fine = part.astype(np.int32) * across**2 + y % across * across + x % across
    cells = np.bincount(fine, length, minlength=n.size * across**2).reshape(n.size, -1) / n[:, None]
    row, column, which = np.unravel_index(np.flatnonzero(used), (*squares, numbers.size))
    middle = cells @ (_places(across)[1] + 1j * _places(across)[0]) + column + 1j * row
    return Parts(
        side * cell, np.cumsum(length) - length, part, numbers[which], n, (within @ within.T).toarray(),
        middle * side * cell, np.array([row, column]), cells,
    )  # fmt: skip
