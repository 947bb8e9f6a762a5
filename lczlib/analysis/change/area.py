"""The area that changed between two years, with its interval; conditional on calibrated probabilities.

Let g be a cell's probability of change by a hidden Markov model of two dates at a fixed rate. Its mean m
over the city is a sum of true and false change::

    m = d0 - r d0' + r d1

with the rate of change r, the mean of g where nothing changed (d0, from two images of one year), the part of
it that the changed cells would have had (d0'), and the mean of g where something changed (d1, from cells of
the two classes, drawn by their calibrated probabilities). So r = (m - d0) / (d1 - d0'): the estimator of
Rogan & Gladen (1978, doi 10.1093/oxfordjournals.aje.a112510) with soft classes. It is not held above 0
until the interval is made, so that it is not biased where little changed.

The noise of m - d0 is that of whole blocks of cells, since errors go together in space. It is seen in images
where no change can be: A and B of one year, C of another; g(A, C) - g(B, C) has the same noise and no change
in it, however much changed between the years.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from lczlib.analysis.bootstrap import LEVELS
from lczlib.analysis.change import evidence
from lczlib.analysis.change.noise import (
    Noise,
    by_block,
    by_group,
    effective_blocks,
    noise_of,
    scores,
    transition_errors,
    variance_of_blocks,
)
from lczlib.analysis.change.pairs import PILOT, Image, Pair, posterior
from lczlib.analysis.change.transitions import REVERSAL, plausible
from lczlib.classes import N_CLASSES

ASSUMPTION, ONE_YEAR = "assumption", "images of one year"
"""By what the rate of false change is known."""
FEWEST_BLOCKS = 3
"""Blocks below which there is no interval: of one there is no spread, and the spread of two, with one degree of
freedom, says nothing of its own error."""
_PART = 1 / 4
"""A block with less of the area than that of the largest one's is a cut-off edge, no block of its own."""
_LEAST_RATE = 1e-3
"""A map of probabilities takes no smaller rate of change, so that a sure cell stays one where the area's
estimate is 0."""


@dataclass(frozen=True)
class ChangeArea:
    """How much changed between two years.

    Attributes
    ----------
    rate : float
        Estimate of the share of the area that changed, 0..1.
    raw : float
        The same before it is held to 0..1.
    intervals : dict of str to (float, float)
        By the names of `lczlib.analysis.bootstrap.LEVELS`; NaN, as those of parts are, where `n_usable` is
        below `FEWEST_BLOCKS`.
    seen, false, found : float
        Means of the score g: between the years; without change; where something changed.
    naive : float
        Share of the area whose most probable class differs: naive differencing.
    naive_false : float
        The same of two images of one year; NaN without.
    false_by : str
        ``images of one year``, or ``assumption``: no such images, and the interval reaches from errors
        that are independent between the dates to such that are always the same.
    composition : (17, 17)
        Shares of the changes of class among what changed, of sum 1.
    transition_error : (17, 17)
        Standard error of the share of the area of each change.
    group_error : (4,)
        The same of `GROUPS`.
    n, n_blocks : int
        Cells, and blocks of the interval.
    n_usable : int
        Blocks with at least a quarter of the largest one's area.
    pairs : tuple of Pair
        Between the years.
    ratio : ScoreRatio
        That turns their scores into calibrated ones.
    """

    rate: float
    raw: float
    intervals: dict[str, tuple[float, float]]
    seen: float
    false: float
    found: float
    naive: float
    naive_false: float
    false_by: str
    composition: np.ndarray
    transition_error: np.ndarray
    group_error: np.ndarray
    n: int
    n_blocks: int
    n_usable: int
    pairs: tuple[Pair, ...]
    ratio: evidence.ScoreRatio

    @property
    def has_interval(self) -> bool:
        """Whether there are blocks enough for intervals."""
        return self.n_usable >= FEWEST_BLOCKS

    @property
    def map_rate(self) -> float:
        """Rate of change that a map of probabilities takes."""
        return min(max(self.rate, _LEAST_RATE), 0.95)

    def log_ratios(self) -> list[np.ndarray]:
        """Of each pair: log of a cell's density where it changed over that where it did not, (n,)."""
        return [self.ratio(pair.score()) for pair in self.pairs]

    @cached_property
    def transitions(self) -> np.ndarray:
        """Share of the area of each change of class, (17, 17)."""
        return self.rate * self.composition

    def transition_interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends of `transitions`."""
        return self._around(self.composition, self.transition_error, level)

    @cached_property
    def groups(self) -> np.ndarray:
        """Share of the area of each of `GROUPS`, (4,)."""
        return by_group(self.transitions)

    def group_interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends of `groups`."""
        return self._around(by_group(self.composition), self.group_error, level)

    def _around(
        self, part: np.ndarray, error: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Interval of parts of what changed."""
        if not self.has_interval:
            return np.full_like(part, np.nan), np.full_like(part, np.nan)
        reach = _reach(error, self.n_blocks, level)
        low, high = self.rate, self.rate
        if self.false_by == ASSUMPTION:  # the parts are as uncertain as the whole
            low, high = next(v for n, v in self.intervals.items() if LEVELS[n] == level)
        return np.clip(part * low - reach, 0, 1), np.clip(part * high + reach, 0, 1)

    def to_dict(self) -> dict[str, Any]:
        """Rates as plain values."""
        return {
            "rate": self.rate, "rate_unbounded": self.raw,
            **{f"rate_{name}": list(ends) for name, ends in self.intervals.items()},
            "score_between_years": self.seen, "score_without_change": self.false, "score_with_change": self.found,
            "false_change_by": self.false_by, "naive_differencing": self.naive,
            "naive_differencing_within_a_year": self.naive_false,
        }  # fmt: skip


def change_area(
    before: Sequence[Image],
    after: Sequence[Image],
    block: np.ndarray,
    *,
    beside: Sequence[Image] = (),
    reversal: float = REVERSAL,
    seed: int = 0,
) -> ChangeArea:
    """The share of an area that changed between two years.

    Parameters
    ----------
    before, after : sequence of Image
        One or two of each year, at the same cells.
    block : (n,) of int
        Number of the block of each cell, whose errors go together.
    beside : sequence of Image
        Two images of another year, where neither `before` nor `after` are two.
    reversal : float
        See `lczlib.analysis.change.transitions.plausible`.
    seed : int
        Of random draws.
    """
    weight = before[0].weight
    shares = [np.mean([i.shares for i in images], axis=0) for images in (before, after)]
    changes, stable = plausible(*shares, reversal), (shares[0] + shares[1]) / 2
    like = {id(i): i.likelihood() for i in (*before, *after, *beside)}

    def pair(one: Image, other: Image) -> Pair:
        return Pair(like[id(one)], like[id(other)], stable, changes)

    across = tuple(pair(a, b) for a in before for b in after)
    within = [(pair(*images), images) for images in (before, after, beside) if len(images) == 2]
    drawn = evidence.drawn_pairs(before[0], after[0], changes, stable, seed=seed)
    noise = noise_of(across, [before, after], beside, pair)
    return _estimate(before, after, across, within, drawn, noise, weight, block)


def _estimate(
    before: Sequence[Image],
    after: Sequence[Image],
    across: tuple[Pair, ...],
    within: list[tuple[Pair, Sequence[Image]]],
    drawn: evidence.DrawnPairs,
    noise: Noise | None,
    weight: np.ndarray,
    block: np.ndarray,
) -> ChangeArea:
    stable = across[0].stable
    scored = [scores(p) for p in across]
    seen = float(np.mean([weight @ g for g in scored]))
    apart = drawn.mean(PILOT)  # where errors are independent between the dates
    numbers, index = np.unique(block, return_inverse=True)
    plain = by_block(weight, index)
    if noise is not None:
        still = [(p.score(), images) for p, images in within]
        false = float(np.mean([weight @ posterior(s, PILOT) for s, _ in still]))
        own = np.mean(
            [_by_class(s, images, weight, last=images is not before) for s, images in still], axis=0
        )
        ratio0 = np.concatenate([s for s, _ in still]), np.tile(weight, len(still))
        differences = sum(scores(p) for p in noise.plus) - sum(scores(p) for p in noise.minus)
        sums = by_block(weight * differences, index)
        spread = float((weight**2) @ differences**2)
        variance = noise.factor * variance_of_blocks(sums)
        grown = max(1.0, variance_of_blocks(sums) / spread) if spread else 1.0
    else:
        same = np.eye(N_CLASSES, dtype=bool)
        false = float(stable @ apart[same])
        own = np.broadcast_to(apart[same], apart.shape)
        alike = drawn.scores[same]
        ratio0 = alike.reshape(-1), np.repeat(stable, alike.shape[1])
        sums = by_block(weight * (np.mean(scored, axis=0) - seen), index)
        variance = variance_of_blocks(sums)
        spread = float((weight**2) @ (np.mean(scored, axis=0) - seen) ** 2)
        grown = max(1.0, variance / spread) if spread else 1.0
    shares, ratio = _composition(across, drawn, ratio0, weight, (seen, false), own, apart, grown)
    gain = float((shares * (apart - own)).sum())
    raw = (seen - false) / gain
    rate = float(np.clip(raw, 0, 1))
    together = _together(across, scored, ratio, weight, index, rate, grown)
    units = grown * float(weight @ weight), together * float(weight @ weight)
    error = _error(rate, gain, variance, shares, apart, own, drawn.spread(PILOT), units)
    usable = int((plain >= _PART * plain.max()).sum())
    ends, good = {}, effective_blocks(sums)
    for name, level in LEVELS.items():
        reach = float(_reach(error, good, level))
        low, high = raw - reach, max(raw, 0.0) + reach
        if noise is None:  # errors that are always the same make no false change at all
            high = max(seen / float((shares * apart).sum()), 0.0) + reach
        ends[name] = (float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)))
        if usable < FEWEST_BLOCKS:
            ends[name] = (float("nan"), float("nan"))
    errors = transition_errors(
        noise, across, weight, index, len(numbers), rate, shares, apart, grown
    )
    naive = np.mean(
        [weight @ (a.proba.argmax(1) != b.proba.argmax(1)) for a in before for b in after]
    )
    naive0 = [weight @ (i[0].proba.argmax(1) != i[1].proba.argmax(1)) for _, i in within]
    return ChangeArea(
        rate=rate, raw=float(raw), intervals=ends, seen=seen, false=false, found=float((shares * apart).sum()),
        naive=float(naive), naive_false=float(np.mean(naive0)) if naive0 else float("nan"),
        false_by=ASSUMPTION if noise is None else ONE_YEAR, composition=shares,
        transition_error=errors[0], group_error=errors[1], n=len(weight), n_blocks=len(plain),
        n_usable=usable, pairs=across, ratio=ratio,
    )  # fmt: skip


def _by_class(
    score: np.ndarray, images: Sequence[Image], weight: np.ndarray, *, last: bool
) -> np.ndarray:
    """Mean of g without change by the changes' class of that year, (17, 17): after where `last`."""
    proba = (images[0].proba + images[1].proba).astype(np.float64) / 2
    total = weight @ proba
    mean = np.divide(
        (weight * posterior(score, PILOT)) @ proba, total, out=np.zeros(N_CLASSES), where=total > 0
    )
    table = np.broadcast_to(mean, (N_CLASSES, N_CLASSES))
    return table if last else table.T


def _composition(
    across: tuple[Pair, ...],
    drawn: evidence.DrawnPairs,
    still: tuple[np.ndarray, np.ndarray],
    weight: np.ndarray,
    means: tuple[float, float],
    own: np.ndarray,
    apart: np.ndarray,
    grown: float,
) -> tuple[np.ndarray, evidence.ScoreRatio]:
    """Shares of the changes, and the ratio of densities that goes with them."""
    seen, false = means
    found = across[0].changes
    pseudo = 3 * grown * float(weight @ weight)  # as much as three cells that err on their own
    for _ in range(2):
        ratio = evidence.score_ratio(*still, drawn, found)
        rate = float(np.clip((seen - false) / (found * (apart - own)).sum(), _LEAST_RATE, 0.95))
        ratios = [ratio(p.score()) for p in across]
        found = evidence.composition([*across], ratios, weight, rate, pseudo)
    return found, evidence.score_ratio(*still, drawn, found)


def _together(
    across: tuple[Pair, ...],
    scored: list[np.ndarray],
    ratio: evidence.ScoreRatio,
    weight: np.ndarray,
    index: np.ndarray,
    rate: float,
    grown: float,
) -> float:
    """How many changed cells are of a kind: what changes are whole quarters, which are seen or missed together.

    Of the scores of what changed, each cell by its probability of it, the variance of block sums over that
    of as many single cells; `grown`, the same without change, at least.
    """
    likely = min(max(rate, _LEAST_RATE), 0.95)
    changed = weight * np.mean([posterior(ratio(p.score()), likely) for p in across], axis=0)
    mean = np.mean(scored, axis=0)
    off = changed * (mean - changed @ mean / changed.sum())
    single = float(off @ off)
    return max(grown, variance_of_blocks(by_block(off, index)) / single) if single else grown


def _error(
    rate: float,
    gain: float,
    variance: float,
    shares: np.ndarray,
    apart: np.ndarray,
    own: np.ndarray,
    spread: np.ndarray,
    units: tuple[float, float],
) -> float:
    """Standard error of the rate.

    Beside the noise it holds that of the score in changed cells, which errs as the images do, and that
    it is an estimate too which changes there are: these come by whole quarters. `units`: shares of the
    area of cells that err as one, and of those that change as one.
    """
    gains = apart - own
    within = float((shares * spread).sum())
    between = float((shares * (gains - gain) ** 2).sum())
    detection = rate * (units[0] * within + units[1] * between)
    return float(np.sqrt(variance + detection)) / gain


def _reach(error: Any, n_blocks: float, level: float) -> Any:
    return special.stdtrit(max(n_blocks - 1, 1), (1 + level) / 2) * error
