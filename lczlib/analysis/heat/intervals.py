"""Intervals of differences between classes, from five ways to cut a scene into squares.

Squares of one size and origin are an accident, and so is what the likelihood makes of them. The five see
the same pixels, so that the mean of their log likelihoods weighs the covariances (a composite likelihood,
held to the information of one of them: Varin, Reid & Firth 2011, Statistica Sinica 21, 5-42).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize, special

from lczlib.analysis.heat.parts import parts_of, side_of_squares
from lczlib.analysis.heat.runs import Runs
from lczlib.analysis.heat.spatial import (
    CORRELATED,
    Candidates,
    SpatialError,
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

    def shares(self, mask: np.ndarray) -> Shares:
        """Which share of the pixels of a mask (n,) lies in each part, for each way to cut."""
        return tuple(e.parts.share(mask) for e in self.each)

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


def grids_of(
    keep: np.ndarray, codes: np.ndarray, patches: np.ndarray, cell: float, side: int | None = None
) -> tuple[Candidates, ...]:
    """The covariances of a scene that residuals are weighed against, cut into squares in five ways.

    Parameters
    ----------
    keep : array (y, x) of bool
        The pixels in use, n of them.
    codes, patches : array (n,)
        Their LCZ and patch numbers.
    cell : float
        m.
    side : int, optional
        Of the smallest squares, pixels; by default `side_of_squares`.
    """
    side = side or side_of_squares(keep, codes)
    runs, cuts = Runs.of(keep, codes, patches), []
    for i, by in enumerate(_SIDES):
        own = max(1, round(side * by))
        cuts.append(parts_of(runs, cell, own, own * i // len(_SIDES)))
    return candidates(tuple(cuts), max(keep.shape) * cell, cell)


class KeptGrids:
    """The covariances of a scene, made once for dates that see the same pixels."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._grids: tuple[Candidates, ...] = ()

    def grids_of(
        self, keep: np.ndarray, codes: np.ndarray, patches: np.ndarray, cell: float
    ) -> tuple[Candidates, ...]:
        """As the function of that name, which works for seconds; the last ones again where they fit."""
        new = (keep, codes, patches, cell)
        if not self._of or not all(map(np.array_equal, self._of, new)):
            self._of, self._grids = new, grids_of(*new)
        return self._grids


def spatial_errors(
    grids: tuple[Candidates, ...], pulls: np.ndarray, covariates: tuple[np.ndarray, ...] = ()
) -> SpatialErrors | None:
    """How far class temperatures can be off; None where there are too few parts to tell.

    Parameters
    ----------
    grids : tuple of Candidates
        The covariances.
    pulls : array (n,)
        Residual of each pixel, as `lczlib.analysis.heat.spatial.influences` gives it.
    covariates : tuple of array (n,)
        What else than the class the temperature of a pixel depends on.
    """
    each = [spatial_error(grid, pulls, covariates) for grid in grids]
    known = tuple(error for error in each if error is not None)
    return SpatialErrors(known) if known else None
