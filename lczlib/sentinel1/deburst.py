"""The bursts and sub-swaths of a pass as one image in radar geometry.

All bursts of a data take lie on one grid of lines and samples (to some thousandths of a line, by
their annotation), so that they are copied and not resampled. Between two bursts of a sub-swath the
seam lies midway between the first's last valid and the second's first valid line; between two
sub-swaths, on each line, midway between the near one's last and the far one's first valid sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from lczlib.errors import InputError
from lczlib.sentinel1.product import Burst, Product, Swath

Change = Callable[[Product, str, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(product, swath, DN, lines, samples of the measurement) -> values: calibration."""

_ALIKE = 0.5  # of a burst's lines: bursts that begin closer are one, delivered in two slices
_OFF_GRID = 0.1  # of a line or sample: more and the products are none of one data take


@dataclass(frozen=True)
class Window:
    """Lines and samples of the image: the first, and the one after the last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Lines, samples."""
        return self.bottom - self.top, self.right - self.left

    def wider(self, by: int) -> Window:
        """With a halo on all sides."""
        return Window(self.top - by, self.left - by, self.bottom + by, self.right + by)


@dataclass(frozen=True, eq=False)
class Piece:
    """What the image takes of a burst.

    Attributes
    ----------
    product : Product
    swath : str
    number : int
        Of the burst in its measurement, from 0.
    line : int
        Its first line in the measurement.
    top, left : int
        Where its first line and its swath's first sample lie in the image.
    begin, end : int
        The lines of the image that it fills: from `begin` up to before `end`.
    first, last : array of int (end - begin,)
        The samples of the image that it fills on each of them; `last` below `first` for none.
    """

    product: Product
    swath: str
    number: int
    line: int
    top: int
    left: int
    begin: int
    end: int
    first: np.ndarray
    last: np.ndarray


class Deburst:
    """The image of a pass.

    Parameters
    ----------
    products : sequence of Product
        One SLC of IW, or several slices of one data take, with times from the same epoch.
    polarisations : sequence of str
        Where all of them are valid.
    swaths : sequence of str, optional
        Of the products, by default all.

    Attributes
    ----------
    time, line_interval : float
        Zero-Doppler time of line 0 in seconds of the epoch, s a line.
    slant_range_time, sample_rate : float
        Two-way time of sample 0 in s, samples a second.
    lines, samples : int
    pieces : tuple of Piece
        By swath and time.
    off_grid : float
        How far a burst or sub-swath lies from whole lines and samples at most.

    Raises
    ------
    InputError
        If a swath or polarisation is missing, or the bursts share no grid.
    """

    def __init__(
        self,
        products: Sequence[Product],
        polarisations: Sequence[str],
        swaths: Sequence[str] | None = None,
    ) -> None:
        self.products = tuple(products)
        names = tuple(swaths or sorted({s for p in products for s in p.names}))
        for product in products:
            lacking = [
                f"{s} {p}" for s in names for p in polarisations if (s, p) not in product.swaths
            ]
            if lacking:
                msg = f"{product.path} lacks {', '.join(lacking)}: fetch the whole product."
                raise InputError(msg)
        self.polarisations = tuple(polarisations)
        every = [p.swaths[s, polarisations[0]] for p in products for s in names]
        one = every[0]
        self.epoch = one.epoch
        self.line_interval, self.sample_rate = one.line_interval, one.sample_rate
        self.time = min(s.bursts[0].time for s in every)
        self.slant_range_time = min(s.slant_range_time for s in every)
        self.off_grid = 0.0
        self.pieces = self._laid(names)
        self.lines = max(p.end for p in self.pieces)
        self.samples = max(int(p.last.max()) for p in self.pieces) + 1
        if self.off_grid > _OFF_GRID:
            msg = (
                f"The bursts of {', '.join(p.name for p in products)} lie {self.off_grid:.2f} of a line or sample "
                "off one grid: give products of one pass."
            )
            raise InputError(msg)

    def _laid(self, names: Sequence[str]) -> tuple[Piece, ...]:
        rows = [self._bursts(name) for name in names]
        height = max(b.top + len(b.first) for row in rows for b in row)
        limits = []
        for row in rows:
            first, last = np.zeros(height, int), np.full(height, -1)
            for burst, (begin, end) in zip(row, _own_lines(row), strict=True):
                own = slice(begin - burst.top, end - burst.top)
                first[begin:end], last[begin:end] = burst.first[own], burst.last[own]
            limits.append((first, last))
        for near, far in pairwise(limits):
            both = (near[1] >= near[0]) & (far[1] >= far[0]) & (near[1] >= far[0])
            seam = (near[1] + far[0] + 1) // 2
            near[1][both], far[0][both] = seam[both] - 1, seam[both]
        return tuple(
            replace(burst, begin=begin, end=end, first=first[begin:end], last=last[begin:end])
            for row, (first, last) in zip(rows, limits, strict=True)
            for burst, (begin, end) in zip(row, _own_lines(row), strict=True)
        )

    def _bursts(self, swath: str) -> list[Piece]:
        """All bursts of a swath, of whole extent, each once, in the order of time."""
        found: list[Piece] = []
        for product in self.products:
            told = product.swaths[swath, self.polarisations[0]]
            left = self._whole((told.slant_range_time - self.slant_range_time) * self.sample_rate)
            others = [product.swaths[swath, p] for p in self.polarisations[1:]]
            for i, burst in enumerate(told.bursts):
                top = self._whole((burst.time - self.time) / self.line_interval)
                first, last = _valid(burst, i, others)
                near = _ALIKE * len(burst.first)
                if (last >= 0).any() and all(abs(p.top - top) > near for p in found):
                    end = top + len(burst.first)
                    piece = Piece(product, swath, i, burst.line, top, left, top, end, first, last)
                    shifted = {"first": first + left, "last": np.where(last < 0, -1, last + left)}
                    found.append(replace(piece, **shifted))
        return sorted(found, key=lambda p: p.top)

    def _whole(self, place: float) -> int:
        nearest = round(place)
        self.off_grid = max(self.off_grid, abs(place - nearest))
        return nearest

    @property
    def whole(self) -> Window:
        """All of the image."""
        return Window(0, 0, self.lines, self.samples)

    @property
    def swaths(self) -> tuple[str, ...]:
        """Of which it is made."""
        return tuple(sorted({piece.swath for piece in self.pieces}))

    @cached_property
    def azimuth_shift(self) -> tuple[float, float]:
        """What the image's line times are later than zero-Doppler times: s at range time 0, s a s."""
        return azimuth_shift(self.products)

    def placed(self, line: np.ndarray, sample: np.ndarray) -> None:
        """Lines and samples of slant range are those of the image."""

    def within(self, window: Window) -> Iterator[Piece]:
        """The pieces that a window takes something of."""
        for piece in self.pieces:
            top, bottom = max(piece.begin, window.top), min(piece.end, window.bottom)
            if top < bottom:
                rows = slice(top - piece.begin, bottom - piece.begin)
                if (piece.last[rows] >= window.left).any() and (
                    piece.first[rows] < window.right
                ).any():
                    yield piece

    def holds(self, line: np.ndarray, sample: np.ndarray) -> np.ndarray:
        """Whether lines and samples of the image lie in a burst's valid part."""
        out = np.zeros(line.shape, bool)
        for piece in self.pieces:
            own = (line >= piece.begin) & (line < piece.end)
            at = line[own] - piece.begin
            out[own] |= (sample[own] >= piece.first[at]) & (sample[own] <= piece.last[at])
        return out

    def read(
        self, window: Window, polarisation: str, change: Change | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A window of the image, which may reach beyond it.

        Parameters
        ----------
        window : Window
            Lines and samples of the image.
        polarisation : str
            ``VH`` or ``VV``.
        change : callable, optional
            What is made of the digital numbers; see `Change`.

        Returns
        -------
        values : array complex64 (lines, samples)
            0 where there is none.
        valid : array of bool (lines, samples)

        Raises
        ------
        InputError
            If a measurement is missing or damaged.
        """
        values = np.zeros(window.shape, np.complex64)
        valid = np.zeros(window.shape, bool)
        for piece in self.within(window):
            top, bottom = max(piece.begin, window.top), min(piece.end, window.bottom)
            first = piece.first[top - piece.begin : bottom - piece.begin]
            last = piece.last[top - piece.begin : bottom - piece.begin]
            there = last >= first
            left = max(int(first[there].min()), window.left)
            right = min(int(last[there].max()) + 1, window.right)
            if left >= right:
                continue
            line, sample = piece.line + top - piece.top, left - piece.left
            with piece.product.measurement(piece.swath, polarisation) as measurement:
                dn = measurement.read(line, sample, bottom - top, right - left)
            if change is not None:
                lines, samples = np.arange(bottom - top) + line, np.arange(right - left) + sample
                dn = change(piece.product, piece.swath, dn, lines, samples)
            column = np.arange(left, right)
            own = (column >= first[:, None]) & (column <= last[:, None])
            part = np.s_[
                top - window.top : bottom - window.top, left - window.left : right - window.left
            ]
            values[part][own] = dn[own]
            valid[part] |= own
        return values, valid


def azimuth_shift(products: Sequence[Product]) -> tuple[float, float]:
    """What line times are later than zero-Doppler times: s at range time 0, s a s.

    The processor corrects the delay between sending and receiving for the middle of all swaths only;
    the annotated tie points hold the rest, half the range time from that middle.
    """
    tau, late = [], []
    for product in products:
        for swath in product.swaths.values():
            tau.append(swath.ties.slant_range_time)
            late.append(line_time(swath, swath.ties.line) - swath.ties.time)
    slope, at_zero = np.polyfit(np.concatenate(tau), np.concatenate(late), 1)
    return float(at_zero), float(slope)


def line_time(swath: Swath, line: np.ndarray) -> np.ndarray:
    """Times of a measurement's lines in seconds of the epoch, of bursts within each."""
    line = np.asarray(line, float)
    if not swath.bursts:
        return swath.time + line * swath.line_interval
    starts = np.array([b.line for b in swath.bursts])
    times = np.array([b.time for b in swath.bursts])
    which = np.clip(np.searchsorted(starts, line, side="right") - 1, 0, None)
    return times[which] + (line - starts[which]) * swath.line_interval


def _valid(burst: Burst, number: int, others: Sequence[Swath]) -> tuple[np.ndarray, np.ndarray]:
    """First and last sample of each line that is valid in all polarisations; last below first: none."""
    first, last = burst.first.copy(), burst.last.copy()
    for other in others:
        first = np.where(
            other.bursts[number].first < 0, -1, np.maximum(first, other.bursts[number].first)
        )
        last = np.minimum(last, other.bursts[number].last)
    none = (first < 0) | (last < first)
    return np.where(none, 0, first), np.where(none, -1, last)


def _own_lines(bursts: Sequence[Piece]) -> list[tuple[int, int]]:
    """Of each burst of a swath the lines of the image that it fills."""
    valid = [np.flatnonzero(b.last >= 0) + b.top for b in bursts]
    begins, ends = [int(v[0]) for v in valid], [int(v[-1]) + 1 for v in valid]
    for i in range(len(bursts) - 1):
        if ends[i] > begins[i + 1]:
            ends[i] = begins[i + 1] = (ends[i] + begins[i + 1]) // 2
    return list(zip(begins, ends, strict=True))
