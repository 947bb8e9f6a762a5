"""Intervals of differences between classes, from five ways to cut a scene into squares.

Squares of one size and origin are an accident, and so is what the likelihood makes of them. The five see
the same pixels, so that the mean of their log likelihoods weighs the covariances (a composite likelihood,
held to the information of one of them: Varin, Reid & Firth 2011, Statistica Sinica 21, 5-42).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize, special

from lczlib.analysis.heat.parts import Parts, parts_of
from lczlib.analysis.heat.runs import Runs
from lczlib.analysis.heat.spatial import (
    CORRELATED,
    Bases,
    Candidates,
    SpatialError,
    Sums,
    candidates,
    spatial_error,
)

Shares = tuple[np.ndarray, ...]
"""Share of the pixels in each part, for each way to cut the scene."""
_SIDES = (1, 1.05, 1.1, 1.15, 1.2)
FEWEST_PIECES = 4.0
"""Independent pieces of a scene below which there are no intervals."""
FEWEST_OF_CLASS = 2.0
"""Independent pieces of a class below which it has none."""


@dataclass(frozen=True)
class ErrorOfDifference:
    """A mixture of Student distributions.

    Attributes
    ----------
    sd, weights : array (g,)
        Scale in K and weight (sum 1) of each.
    free : int
        Degrees of freedom.
    """

    sd: np.ndarray
    weights: np.ndarray
    free: int

    def half_width(self, confidence: float) -> float:
        """Half the width of its interval, K."""
        likely = self.weights > 1e-6
        sd, weights = self.sd[likely], self.weights[likely]
        if not sd.max() > 0:
            return 0.0
        sd, wanted = sd.clip(1e-9 * sd.max()), (1 + confidence) / 2 * weights.sum()
        reach = 1.01 * sd.max() * special.stdtrit(self.free, (1 + confidence) / 2)

        def beyond(half: float) -> float:
            return float(weights @ special.stdtr(self.free, half / sd) - wanted)

        return float(optimize.brentq(beyond, 0, reach))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Errors (n,), K."""
        at = rng.choice(self.weights.size, n, p=self.weights)
        return self.sd[at] * rng.standard_t(self.free, n)


@dataclass(frozen=True)
class SpatialErrors:
    """How far class temperatures can be off.

    Attributes
    ----------
    each : tuple of SpatialError
        By each way to cut the scene.
    """

    each: tuple[SpatialError, ...]

    @cached_property
    def weights(self) -> np.ndarray:
        """Of the points of the grid (g,), sum 1: by the mean of the cuts' log likelihoods."""
        return special.softmax(np.mean([e.likelihoods for e in self.each], axis=0))

    @property
    def correlation_range(self) -> float:
        """Distance in m from which on the field correlates by less than 0.1."""
        lengths = self.each[0].grid.lengths
        by_length = self.weights.reshape(len(lengths), -1).sum(1)
        return float(CORRELATED * np.exp(by_length @ np.log(lengths)))

    def shares(self, chosen: Mapping[int, np.ndarray | None]) -> Shares:
        """Which share of some pixels lies in each part, for each way to cut; see `Parts.share`."""
        return tuple(e.parts.share(chosen) for e in self.each)

    def shares_of(self, number: int | None = None) -> Shares:
        """The same for all pixels of a class; or of the scene, where each class counts the same.

        No pixel is looked at. A sea of one patch does not outweigh the classes beside it.
        """
        out = []
        for parts in (e.parts for e in self.each):
            of_class = np.bincount(parts.codes, parts.n)
            n = parts.n / of_class[parts.codes]
            n = n if number is None else np.where(parts.codes == number, n, 0)
            out.append(n / n.sum())
        return tuple(out)

    def pieces(self, shares: Shares) -> float:
        """Number of independent pieces that shares of the parts are worth."""
        found = [e.one_in(s) for e, s in zip(self.each, shares, strict=True)]
        return float(1 / (self.weights @ np.mean(found, axis=0)))

    def mean_variance(self, shares: Shares) -> float:
        """Expected variance of a mean over shares of the parts, without gradients, K2."""
        found = [e.level_variance(s) for e, s in zip(self.each, shares, strict=True)]
        return float(self.weights @ np.mean(found, axis=0))

    def difference(self, shares: Shares, against: Shares) -> ErrorOfDifference:
        """The error of the difference of two means over shares of the parts."""
        found = [e.variance(a - b) for e, a, b in zip(self.each, shares, against, strict=True)]
        weights = np.tile(self.weights / len(self.each), len(self.each))
        free = min(e.free for e in self.each)
        return ErrorOfDifference(np.sqrt(np.concatenate(found)), weights, free)


@dataclass
class Cuts:
    """A scene cut into squares in five ways.

    Attributes
    ----------
    parts : tuple of Parts
        By each way.
    reach, cell : float
        Longer side of the scene and side of a pixel, m.
    keep : bool
        Whether the covariances that residuals are weighed against stay, for another date.
    """

    parts: tuple[Parts, ...]
    reach: float
    cell: float
    keep: bool = False
    _kept: tuple[tuple[Candidates, Bases], ...] = ()

    @classmethod
    def of(cls, runs: Runs, cell: float, side: int, keep: bool = False) -> Cuts:
        """Cut it.

        Parameters
        ----------
        runs : Runs
            Of the pixels in use, class by class.
        cell : float
            m.
        side : int
            Of the smallest squares, pixels; see `side_of_squares`.
        keep : bool
            See the class.
        """
        sides = [max(1, round(side * by)) for by in _SIDES]
        parts = (parts_of(runs, cell, own, own * i // len(_SIDES)) for i, own in enumerate(sides))
        return cls(tuple(parts), max(runs.shape) * cell, cell, keep)

    def covariances(self) -> Iterable[tuple[Candidates, Bases]]:
        """Those that residuals are weighed against, cut by cut, which takes seconds."""
        if not self.keep:
            return candidates(self.parts, self.reach, self.cell)
        self._kept = self._kept or tuple(candidates(self.parts, self.reach, self.cell))
        return self._kept


class KeptGrids:
    """The cuts of a scene and their covariances, made once for dates that see the same pixels."""

    def __init__(self) -> None:
        self._of: tuple[Runs, float, int] | None = None
        self._cuts: Cuts | None = None

    def cuts_of(self, runs: Runs, cell: float, side: int) -> Cuts:
        """As `Cuts.of`; the last ones again where they fit."""
        last, new = self._of, (cell, side)
        if self._cuts is None or last is None or last[1:] != new or not last[0].same_as(runs):
            self._of, self._cuts = (runs, *new), Cuts.of(runs, cell, side, keep=True)
        return self._cuts


def spatial_errors(cuts: Cuts, sums: Sequence[Sums]) -> SpatialErrors | None:
    """How far class temperatures can be off; None where there are too few parts to tell.

    Parameters
    ----------
    cuts : Cuts
        Of the scene.
    sums : sequence of Sums
        Of the pixels in the parts of each cut, as `lczlib.analysis.heat.spatial.sums_by_part` gives them.
    """
    each = (
        spatial_error(grid, bases, of)
        for (grid, bases), of in zip(cuts.covariances(), sums, strict=True)
    )
    known = tuple(error for error in each if error is not None)
    return SpatialErrors(known) if known else None
