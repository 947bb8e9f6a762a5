"""Intervals of differences between classes: the mixture over five ways to cut a scene into squares.

Squares of one size and origin are an accident, and so is what the likelihood makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from lczlib.analysis.heat.parts import parts_of, side_of_squares
from lczlib.analysis.heat.spatial import Candidates, SpatialError, candidates, spatial_error

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

    @property
    def correlation_range(self) -> float:
        """Distance in m from which on the field correlates by less than 0.1."""
        return float(np.exp(np.mean([np.log(e.correlation_range) for e in self.each])))

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
        return float(1 / np.mean([e.one_in(s) for e, s in zip(self.each, shares, strict=True)]))

    def mean_variance(self, shares: Shares) -> float:
        """Expected variance of a mean over shares of the parts, without gradients, K2."""
        found = [e.mean_variance(s) for e, s in zip(self.each, shares, strict=True)]
        return float(np.mean(found))

    def difference(self, shares: Shares, against: Shares) -> ErrorOfDifference:
        """The error of the difference of two means over shares of the parts."""
        found = [e.variance(a - b) for e, a, b in zip(self.each, shares, against, strict=True)]
        weights = np.concatenate([e.weights for e in self.each]) / len(self.each)
        free = min(e.free for e in self.each)
        return ErrorOfDifference(np.sqrt(np.concatenate(found)), weights / weights.sum(), free)


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
    out = []
    for i, by in enumerate(_SIDES):
        own = max(1, round(side * by))
        parts = parts_of(keep, codes, patches, cell, own, own * i // len(_SIDES))
        out.append(candidates(parts, max(keep.shape) * cell, cell))
    return tuple(out)


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
