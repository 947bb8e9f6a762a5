"""Runs of pixels: neighbours in a row that are of one class, and so of one patch.

A scene of 10,000 x 10,000 pixels has a hundred million of them, but classes lie together: what is the same all along
a run is worked out once for it, which takes a fraction of the time and of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

_ROWS = 2_000_000
"""Pixels looked at together."""


def bands(shape: tuple[int, int], least: int = 1) -> Iterator[slice]:
    """Rows of a scene that are looked at together, from the top down: `least` at least, but for the last."""
    step = max(least, _ROWS // max(shape[1], 1))
    for top in range(0, shape[0], step):
        yield slice(top, min(top + step, shape[0]))


def every_of(keep: np.ndarray, step: int) -> np.ndarray:
    """Where the first and each `step`-th pixel after it lie among (y, x) of bool, counted row by row: int64."""
    flat = keep.ravel()  # a block at a time, as the places of all take eight times their room
    before, found = 0, []
    for first in range(0, flat.size, _ROWS):
        at = np.flatnonzero(flat[first : first + _ROWS])
        found.append(at[-before % step :: step] + first)
        before += at.size
    return np.concatenate(found)


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of the pixels in use, row by row, or class by class and in each row by row.

    Attributes
    ----------
    row, column : array (runs,) int32
        Of the first pixel in the scene.
    length : array (runs,) int32
        Pixels.
    codes : array (runs,) uint8
        LCZ number.
    patches : array (runs,) int32
        Patch number; 0 where they are not counted.
    shape : tuple of int
        Of the scene.
    """

    row: np.ndarray
    column: np.ndarray
    length: np.ndarray
    codes: np.ndarray
    patches: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, lcz: np.ndarray, keep: np.ndarray | None = None) -> Runs:
        """Find them, row by row.

        Parameters
        ----------
        lcz : array (y, x) of uint8
            0..17, 0 = no data.
        keep : array (y, x) of bool, optional
            The pixels in use; by default all that have a class.
        """
        found = []
        for rows in bands(lcz.shape):
            own = lcz[rows]
            own = own if keep is None else np.where(keep[rows], own, np.uint8(0))
            edge = np.ones((own.shape[0], own.shape[1] + 1), bool)
            np.not_equal(own[:, 1:], own[:, :-1], out=edge[:, 1:-1])
            row, column = np.divmod(np.flatnonzero(edge), edge.shape[1])
            inside = column[:-1] < own.shape[1]  # the others end a row
            row, column, length = row[:-1][inside], column[:-1][inside], np.diff(column)[inside]
            codes = own[row, column]
            used = codes > 0
            found.append(tuple(a[used] for a in (row + rows.start, column, length, codes)))
        row, column, length, codes = (np.concatenate(a) for a in zip(*found, strict=True))
        whole = (a.astype(np.int32) for a in (row, column, length))
        return cls(*whole, codes, np.zeros(codes.size, np.int32), lcz.shape)

    def by_class(self) -> Runs:
        """The same class by class."""
        order = np.argsort(self.codes, kind="stable")
        names = ("row", "column", "length", "codes", "patches")
        return replace(self, **{name: getattr(self, name)[order] for name in names})

    def same_as(self, other: Runs) -> bool:
        """Whether they are the same runs of the same patches."""
        names = ("row", "column", "length", "codes", "patches")
        return self.shape == other.shape and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in names
        )

    @cached_property
    def n(self) -> int:
        """Pixels in use."""
        return int(self.length.sum())

    @cached_property
    def numbers(self) -> list[int]:
        """The LCZ numbers that occur, rising."""
        return np.flatnonzero(np.bincount(self.codes)).tolist()

    def of_class(self, number: int) -> slice:
        """Where the runs of a class lie among runs that are in order of classes."""
        first, last = np.searchsorted(self.codes, [number, number + 1])
        return slice(int(first), int(last))

    def pixels_of(self, number: int) -> int:
        """Pixels of a class."""
        return int(self.length[self.of_class(number)].sum())

    def take(self, layer: np.ndarray, number: int) -> np.ndarray:
        """The pixels of a class of a layer (y, x), run by run: (n,)."""
        runs = self.of_class(number)
        length = self.length[runs]
        start = self.row[runs].astype(np.int64) * self.shape[1] + self.column[runs]
        out = np.empty(int(length.sum()), layer.dtype)
        flat, end = layer.ravel(), np.cumsum(length, dtype=np.int64)
        cuts = np.searchsorted(end, np.arange(_ROWS, out.size, _ROWS))
        # some runs at a time, as the places of all take twice the room of what lies there
        for first, last in zip([0, *cuts], [*cuts, length.size], strict=True):
            if first == last:
                continue
            begins = end[first] - length[first]
            shift = start[first:last] - (end[first:last] - length[first:last])
            at = np.repeat(shift, length[first:last])
            at += np.arange(begins, end[last - 1])
            np.take(flat, at, out=out[begins : end[last - 1]])
        return out

    def patches_of_pixels(self, number: int) -> np.ndarray:
        """The patch of each pixel of a class, run by run: (n,) int32."""
        runs = self.of_class(number)
        return np.repeat(self.patches[runs], self.length[runs])

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
        """Where each run begins in the scene, counted row by row: (runs,) int64, rising in runs row by row."""
        return self.row.astype(np.int64) * self.shape[1] + self.column

    def connected(self) -> tuple[np.ndarray, int]:
        """Areas of one class (8 neighbours): the number of each run's, (runs,) int32 from 1, and how many.

        Of runs row by row. Numbers rise with the class, and within it row by row.
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
