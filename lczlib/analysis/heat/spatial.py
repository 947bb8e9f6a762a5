"""How far class temperatures can be off: intervals from the covariance of the scene's residuals.

Neighbouring pixels of a thermal image share their error (one field, one slope, one air mass), so
the number of pixels says little about how well a class temperature is known. The residuals, pooled
in some hundred parts (`lczlib.analysis.heat.parts`), are taken for a Gaussian field with an
exponential correlogram beside an effect of each patch. Neither range nor shares are picked: a grid of
them is weighed by the restricted likelihood, and the interval of a difference
(`lczlib.analysis.heat.intervals`) is that of the mixture of the Student distributions that belong to
them (Handcock & Stein 1993, doi 10.1080/00401706.1993.10485354; Berger, De Oliveira & Sanso 2001, doi
10.1198/016214501753382282).

Residuals resist what is no part of the field: for medians they are clipped at two robust standard
deviations of their class (Huber 1964, doi 10.1214/aoms/1177703732). A gradient across the scene,
elevation and distance to water are fitted beside the field, so that they do not pass for a long
range; what they add to a difference, because the classes lie apart, counts as uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from lczlib.analysis.heat.options import Statistic
from lczlib.analysis.heat.order import median_of
from lczlib.analysis.heat.parts import Parts

_RANGES = 9
_RATIOS = np.geomspace(1e-3, 30, 14)
_CUT = (1.0, 0.1)
"""Share of a patch effect that ends where a square cuts the patch: all of it, or hardly any."""
_CLIP = 2.0
_BORROWED = 6.0
_FEWEST_FREE = 6
CORRELATED = 2.3
"""An exponential correlogram falls below 0.1 at so many of its lengths."""


def influences(values: np.ndarray, statistic: Statistic) -> tuple[np.ndarray, float]:
    """How each pixel (n,) of a class pulls on its statistic: its residual, clipped for medians; and the statistic."""
    if statistic == "mean":
        own = values.astype(float)
        level = float(own.mean())
        return (own - level).astype(np.float32), level
    level = median_of(values.copy())
    own = values.astype(float)
    own -= level
    away = np.abs(own)
    limit = _CLIP * (1.4826 * median_of(away) or own.std())
    inside = np.count_nonzero(away <= limit) / away.size
    del away
    np.clip(own, -limit, limit, out=own)
    own /= max(inside, 0.5)
    return own.astype(np.float32), level


@dataclass
class Sums:
    """What residuals and covariates of the pixels come to in the parts of a cut.

    Attributes
    ----------
    pulls, squares : array (parts,)
        Sum of the residuals, and of their squares.
    covariates : list of (array (parts,), array (parts,))
        Of each the sum of the known values, and how many there are.
    """

    pulls: np.ndarray
    squares: np.ndarray
    covariates: list[tuple[np.ndarray, np.ndarray]]


def sums_by_part(
    cuts: Sequence[Parts],
    pulls: Iterable[tuple[int, np.ndarray]],
    covariates: Callable[[int], Sequence[np.ndarray]],
) -> list[Sums]:
    """Sum up residuals and covariates in the parts of each cut of a scene.

    Parameters
    ----------
    cuts : sequence of Parts
        Of the scene, cut in several ways.
    pulls : iterable of (int, array (n,))
        The residuals of each class, as `influences` gives them: a class at a time, since those of all take room.
    covariates : callable
        What else than its class the temperature of the pixels of a class depends on, such as elevation: arrays
        (n,), NaN where it is not known.
    """
    out = [Sums(np.zeros(p.n.size), np.zeros(p.n.size), []) for p in cuts]
    for number, own in pulls:
        more = [(np.where(k, v, 0), k) for v in covariates(number) for k in [np.isfinite(v)]]
        for sums, parts in zip(out, cuts, strict=True):
            total, squares = parts.totals(number, own)
            sums.pulls += total
            sums.squares += squares
            sums.covariates = sums.covariates or [(0 * total, 0 * total) for _ in more]
            for (value, known), pair in zip(more, sums.covariates, strict=True):
                for so_far, of in zip(pair, (value, known), strict=True):
                    so_far += parts.totals(number, of)[0]
        del own  # before the next class is made
    return out


@dataclass(frozen=True)
class Candidates:
    """The covariances of the parts of a cut that residuals are weighed against, from the map alone.

    Attributes
    ----------
    parts : Parts
    reach : float
        Longer side of the scene, m.
    lengths : array (lengths,)
        Of the correlogram, m.
    ratios : array (lengths, 2, ratios)
        Variance of the patch effects over that of the field.
    field, patch : array (lengths, parts, parts), array (2, parts, parts)
        Covariance of the parts by length; of their patch effects, cut by the squares or mostly not.
    """

    parts: Parts
    reach: float
    lengths: np.ndarray
    ratios: np.ndarray
    field: np.ndarray
    patch: np.ndarray


Bases = list[tuple[np.ndarray, np.ndarray, float]]
"""Eigenvalues and vectors of each pair of covariances of `Candidates`, field against patch, and the logarithm of the
determinant of the latter. They take ten times the room."""


def candidates(
    cuts: Sequence[Parts], reach: float, cell: float
) -> Iterator[tuple[Candidates, Bases]]:
    """One grid of lengths and ratios, and the covariances that they make of each cut of a scene in turn.

    Parameters
    ----------
    cuts : sequence of Parts
        Of the scene, cut in several ways.
    reach, cell : float
        Longer side of the scene and side of a pixel, m.
    """
    lengths = np.geomspace(max(cell, cuts[0].side / 40), reach / 2, _RANGES)
    fields = [parts.covariances(lengths) for parts in cuts]
    shares = [
        np.diagonal(field, axis1=1, axis2=2).mean(1) / np.diag(parts.patch).mean()
        for parts, field in zip(cuts, fields, strict=True)
    ]
    share = np.mean(shares, axis=0)[:, None, None]
    ratios = share * np.broadcast_to(_RATIOS, (len(_CUT), len(_RATIOS)))
    for parts in cuts:
        yield _of_cut(parts, fields.pop(0), lengths, ratios, reach)


def _of_cut(
    parts: Parts, field: np.ndarray, lengths: np.ndarray, ratios: np.ndarray, reach: float
) -> tuple[Candidates, Bases]:
    own = np.diag(parts.patch)
    patch = np.array([c * np.diag(own) + (1 - c) * parts.patch for c in _CUT])
    sizes = np.linalg.slogdet(patch)[1]
    bases = []
    for one in field:
        for other, size in zip(patch, sizes, strict=True):
            values, vectors = linalg.eigh(one, other)
            bases.append((values.clip(1e-9), vectors, float(size)))
    single = field.astype(np.float32), patch.astype(np.float32)
    return Candidates(parts, reach, lengths, ratios, *single), bases


@dataclass(frozen=True)
class SpatialError:
    """The residuals' covariance by one cut of the scene: a grid of ranges and patch effects.

    Attributes
    ----------
    grid : Candidates
    spread : array (parts,)
        Standard deviation of the class of each part against that of all, by which residuals are
        scaled.
    likelihoods, variances : array (g,)
        Logarithm of the restricted likelihood of each point of the grid, and the variance of the
        field under it, K2.
    trend : array (parts, t)
        Gradients and covariates.
    slopes, slope_covariances : array (g, t), array (g, t, t)
        Of them.
    free : int
        Degrees of freedom.
    """

    grid: Candidates
    spread: np.ndarray
    likelihoods: np.ndarray
    variances: np.ndarray
    trend: np.ndarray
    slopes: np.ndarray
    slope_covariances: np.ndarray
    free: int

    @property
    def parts(self) -> Parts:
        """What it is of."""
        return self.grid.parts

    def _variance(self, contrast: np.ndarray) -> np.ndarray:
        """Variance (g,) of a contrast of parts over that of the field."""
        scaled = contrast * self.spread
        single = scaled.astype(np.float32)  # matrices of half the size are read twice as fast
        smooth, rough = (of @ single @ scaled for of in (self.grid.field, self.grid.patch))
        return (smooth[:, None, None] + self.grid.ratios * rough[:, None]).ravel()

    def one_in(self, share: np.ndarray) -> np.ndarray:
        """1 over the number of independent pieces that shares of the parts are worth: (g,)."""
        alike = self._variance(share / self.spread)  # as if all classes had one spread
        return alike / (1 + self.grid.ratios.ravel())

    def variance(self, contrast: np.ndarray) -> np.ndarray:
        """Variance (g,) of a contrast of parts, K2: of field and patches, and what gradients add."""
        between = contrast @ self.trend
        slope = self.slopes @ between
        known = self.slope_covariances @ between @ between
        return self.variances * self._variance(contrast) + np.clip(slope**2 - known, 0, None)

    def level_variance(self, contrast: np.ndarray) -> np.ndarray:
        """Variance (g,) of a contrast of parts without gradients, K2."""
        return self.variances * self._variance(contrast)


def spatial_error(grid: Candidates, bases: Bases, sums: Sums) -> SpatialError | None:
    """What residuals say of the covariances; None where there are too few parts for it.

    Parameters
    ----------
    grid : Candidates
        The covariances.
    bases : list
        Of them.
    sums : Sums
        Of the residuals and of what else than the class the temperature of a pixel depends on.
    """
    parts = grid.parts
    spread = _spreads(parts, sums.squares)
    trend = _trend(parts, sums.covariates, grid.reach)
    classes = (parts.codes[:, None] == np.unique(parts.codes)).astype(float)
    first = classes.shape[1]
    design = np.hstack([classes, trend]) / spread[:, None]
    y = sums.pulls / parts.n / spread
    free = len(y) - design.shape[1]
    if free < _FEWEST_FREE:
        return None
    ratios = grid.ratios.reshape(len(bases), -1)
    found = []
    for (values, vectors, size), ratio in zip(bases, ratios, strict=True):
        turned = vectors.T @ np.column_stack([y, design])
        log, *more = _likelihoods(turned[:, 0], turned[:, 1:], values, ratio, free)
        found.append((log - size / 2, *more))
    log, variances, slopes, errors = (np.concatenate(of) for of in zip(*found, strict=True))
    return SpatialError(
        grid, spread, log, variances, trend, slopes[:, first:],
        errors[:, first:, first:], free,
    )  # fmt: skip


def _likelihoods(
    y: np.ndarray, design: np.ndarray, values: np.ndarray, ratios: np.ndarray, free: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Restricted log likelihood, variance, coefficients and their covariance for each ratio.

    Of data and design turned so that the covariance is diagonal, ``values`` + ratio.
    """
    precision = 1 / (values + ratios[:, None])
    p = design.shape[1]
    squares = (design[:, :, None] * design[:, None]).reshape(-1, p * p)
    normal = (precision @ squares).reshape(-1, p, p)
    inverse = np.linalg.inv(normal)
    coefficients = (inverse @ (precision @ (design * y[:, None]))[:, :, None])[:, :, 0]
    left = ((y - coefficients @ design.T) ** 2 * precision).sum(1).clip(1e-18)
    log = np.log(precision).sum(1) - np.linalg.slogdet(normal)[1] - free * np.log(left)
    return log / 2, left / free, coefficients, inverse * (left / free)[:, None, None]


def _spreads(parts: Parts, square: np.ndarray) -> np.ndarray:
    """Standard deviation of the residuals of each part's class over that of all.

    Classes with few parts borrow from all: their own spread is hardly known.
    """
    of = np.unique(parts.codes, return_inverse=True)[1]
    count = np.bincount(of)
    own = np.bincount(of, square) / np.bincount(of, parts.n)
    common = (own * count).sum() / count.sum()
    if not common > 0:
        return np.ones(parts.n.size)
    return np.sqrt((count * own / common + _BORROWED) / (count + _BORROWED))[of]


def _trend(
    parts: Parts, covariates: list[tuple[np.ndarray, np.ndarray]], reach: float
) -> np.ndarray:
    """Gradients and covariates by part, each less its class means and what the ones before explain."""
    place = parts.place / reach
    columns = [place.real, place.imag]
    for total, known in covariates:  # where it is not known, it counts as the mean of all
        columns.append((total + (parts.n - known) * total.sum() / known.sum()) / parts.n)
    kept: list[np.ndarray] = []
    classes = (parts.codes[:, None] == np.unique(parts.codes)).astype(float)
    for column in columns:
        base = np.column_stack([classes, *kept])
        left = column - base @ np.linalg.lstsq(base, column, rcond=None)[0]
        if left.std() > 1e-3 * column.std():
            kept.append(column / left.std())
    return np.column_stack(kept) if kept else np.empty((parts.n.size, 0))
