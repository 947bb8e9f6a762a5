"""Runs of pixels: neighbours in a row that belong to one patch.

A scene of 10,000 x 10,000 pixels has a hundred million of them, but classes lie together: what is the same all along
a run is worked out once for it, which takes a fraction of the time and of the memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

_ROWS = 2_000_000
"""Pixels looked at together."""


def numbers_in(codes: np.ndarray) -> np.ndarray:
    """The LCZ numbers among codes (n,) of uint8, rising."""
    there = np.zeros(256, bool)  # a block at a time, as counting takes eight times their room
    for first in range(0, codes.size, _ROWS):
        there |= np.bincount(codes[first : first + _ROWS], minlength=256) > 0
    return np.flatnonzero(there)


def every_of(keep: np.ndarray, step: int) -> np.ndarray:
    """Where the first and each `step`-th pixel after it lie among (y, x) of bool, counted row by row: int64."""
    flat = keep.ravel()  # a block at a time, as the places of all take eight times their room
    before, found = 0, []
    for first in range(0, flat.size, _ROWS):
        at = np.flatnonzero(flat[first : first + _ROWS])
        found.append(at[-before % step :: step] + first)
        before += at.size
    return np.concatenate(found)


@dataclass(frozen=True)
class Runs:
    """The runs of the pixels in use, in their order.

    Attributes
    ----------
    start : array (runs,) int64
        Of the first pixel among those in use.
    row, column : array (runs,) int32
        Of the first pixel in the scene.
    length : array (runs,) int32
        Pixels.
    codes, patches : array (runs,)
        LCZ and patch number.
    shape : tuple of int
        Of the scene.
    n : int
        Pixels in use.
    """

    start: np.ndarray
    row: np.ndarray
    column: np.ndarray
    length: np.ndarray
    codes: np.ndarray
    patches: np.ndarray
    shape: tuple[int, int]
    n: int

    @classmethod
    def of(cls, keep: np.ndarray, codes: np.ndarray, patches: np.ndarray) -> Runs:
        """Find them.

        Parameters
        ----------
        keep : array (y, x) of bool
            The pixels in use, n of them.
        codes, patches : array (n,)
            Their LCZ and patch numbers.
        """
        at, found = 0, []
        step = max(1, _ROWS // keep.shape[1])
        for top in range(0, keep.shape[0], step):
            rows, columns = (a.astype(np.int32) for a in np.nonzero(keep[top : top + step]))
            own = patches[at : at + rows.size]
            new = np.ones(rows.size, bool)
            new[1:] = (own[1:] != own[:-1]) | (np.diff(columns) != 1) | (np.diff(rows) != 0)
            first = np.flatnonzero(new)
            found.append(
                (first + at, rows[first] + top, columns[first], codes[at + first], own[first])
            )
            at += rows.size
        start, row, column, code, patch = (np.concatenate(a) for a in zip(*found, strict=True))
        length = np.diff(np.r_[start, at]).astype(np.int32)
        return cls(start, row, column, length, code, patch, keep.shape, at)

    def split(self, of_column: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pieces of the runs where a number of the columns changes.

        Parameters
        ----------
        of_column : array (x,) int
            Of each column of the scene; it does not fall.

        Returns
        -------
        run, number, length : array (pieces,)
            Run and number of each piece, in order, and its pixels.
        """
        first, last = of_column[self.column], of_column[self.column + self.length - 1]
        pieces = last - first + 1
        run = np.repeat(np.arange(pieces.size, dtype=np.int32), pieces)
        begun = np.cumsum(pieces) - pieces
        number = first[run] + (np.arange(run.size) - begun[run])
        begins = np.searchsorted(of_column, np.arange(of_column[0], of_column[-1] + 2))
        left = np.maximum(begins[number - of_column[0]], self.column[run])
        right = np.minimum(begins[number - of_column[0] + 1], (self.column + self.length)[run])
        return run, number, right - left

    @property
    def key(self) -> np.ndarray:
        """Where each run begins in the scene, counted row by row: (runs,) int64, rising."""
        return self.row.astype(np.int64) * self.shape[1] + self.column

    def connected(self) -> tuple[np.ndarray, int]:
        """Areas of one class (8 neighbours): the number of each run's, (runs,) int32 from 1, and how many.

        Numbers rise with the class, and within it row by row.
        """
        # rows stand apart by more than a diagonal step, so that a run's end never meets the next row's beginning
        wide = self.shape[1] + 2
        begins = self.row.astype(np.int64) * wide + self.column
        ends = begins + self.length - 1
        first = np.searchsorted(ends, begins + wide - 1)
        after = np.searchsorted(begins, ends + wide + 1, side="right")
        met = after - first
        one = np.repeat(np.arange(met.size, dtype=np.int64), met)
        other = first[one] + (np.arange(one.size) - (np.cumsum(met) - met)[one])
        alike = self.codes[one] == self.codes[other]
        links = (np.ones(int(alike.sum()), bool), (one[alike], other[alike]))
        graph = sparse.coo_array(links, shape=(met.size, met.size))
        count, found = sparse.csgraph.connected_components(graph, directed=False)
        seen = np.full(count, met.size)
        np.minimum.at(seen, found, np.arange(met.size))
        order = np.lexsort((seen, self.codes[seen]))
        number = np.empty(count, np.int32)
        number[order] = np.arange(1, count + 1)
        return number[found], count
