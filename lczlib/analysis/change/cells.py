"""The probability of change of each cell, and its classes, over all dates: a hidden Markov model.

States are the true classes. From year to year a class changes with a small probability, shared out over the
changes by their estimated shares, so that built classes are nearly irreversible; an image is as probable as
its calibrated class probabilities over the shares of the classes say (`Image.likelihood`). Where the class
stays, the two images' errors are not independent: the step's likelihood is multiplied so that the odds of
change are those that were learned from images of one year (`lczlib.analysis.change.evidence.ScoreRatio`). A
cell's history is summed over all paths, forwards and backwards (Rabiner 1989, doi 10.1109/5.18626).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lczlib.analysis.change.area import ChangeArea
from lczlib.analysis.change.pairs import Pair
from lczlib.classes import N_CLASSES

_AT_ONCE = 20_000
_MOST = 0.9  # of a class that may change in a step


@dataclass(frozen=True)
class ChangePosterior:
    """What is known of each cell.

    Attributes
    ----------
    change : (n,) float32
        Probability that the class of the last year is not that of the first.
    before, after : (n,) uint8
        The most probable classes 1..17 of the two, the same where `change` is below a half.
    steps : (n_years - 1, n) float32
        Probability of a change in each step.
    """

    change: np.ndarray
    before: np.ndarray
    after: np.ndarray
    steps: np.ndarray

    @property
    def changed(self) -> np.ndarray:
        """Whether a cell counts as changed: where that is more probable than not, (n,) bool."""
        return self.before != self.after


@dataclass(frozen=True)
class _Step:
    """A step from year to year for all cells: the images of its end, the moves, and how probable staying is."""

    pair: Pair
    moves: np.ndarray
    stays: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, pair: Pair, area: ChangeArea, log_ratio: np.ndarray) -> _Step:
        start = np.where(pair.stable > 0, pair.stable, np.inf)
        moves = area.map_rate * area.composition / start[:, None]
        most = moves.sum(1, keepdims=True)
        moves = moves * np.minimum(1.0, _MOST / np.maximum(most, 1e-12))
        stays = 1 - moves.sum(1)
        now = Pair(pair.first, pair.second, pair.stable * stays, area.composition)
        changed, stable = now.evidence()
        plain, _ = pair.evidence()
        # of the density where the class changed: that of the estimated shares
        log_ratio = log_ratio + np.log(changed) - np.log(plain)
        kept = (1 - area.map_rate) * np.exp(np.log(changed) - log_ratio - np.log(stable))
        return cls(pair, moves, stays, kept)


def change_posterior(areas: Sequence[ChangeArea]) -> ChangePosterior:
    """Cells of two years or more.

    Parameters
    ----------
    areas : sequence of ChangeArea
        Of each step from a year to the next, in order. Of two years with several images the probabilities
        of all pairs are averaged; of more years each is seen by its first image.
    """
    if len(areas) == 1:
        area = areas[0]
        routes = [
            [_Step.of(pair, area, ratio)]
            for pair, ratio in zip(area.pairs, area.log_ratios(), strict=True)
        ]
    else:
        routes = [[_Step.of(a.pairs[0], a, a.ratio(a.pairs[0].score())) for a in areas]]
    n = len(routes[0][0].kept)
    out = ChangePosterior(
        np.empty(n, np.float32), np.empty(n, np.uint8), np.empty(n, np.uint8),
        np.empty((len(areas), n), np.float32),
    )  # fmt: skip
    for first in range(0, n, _AT_ONCE):
        cells = slice(first, first + _AT_ONCE)
        joint = np.mean([_ends(route, cells) for route in routes], axis=0)
        same = np.einsum("naa->na", joint)
        out.change[cells] = np.clip(1 - same.sum(1), 0, 1)
        moved = joint * ~np.eye(N_CLASSES, dtype=bool)
        pair = moved.reshape(len(joint), -1).argmax(1)
        kept, change = same.argmax(1) + 1, out.change[cells] > 0.5
        out.before[cells] = np.where(change, pair // N_CLASSES + 1, kept)
        out.after[cells] = np.where(change, pair % N_CLASSES + 1, kept)
        out.steps[:, cells] = np.mean([_by_step(route, cells) for route in routes], axis=0)
    return out


def _ends(steps: list[_Step], cells: slice) -> np.ndarray:
    """Joint posterior of the classes of the first and last year, (n, 17, 17)."""
    joint = (steps[0].pair.first[cells] * steps[0].pair.stable)[:, :, None] * np.eye(N_CLASSES)
    for step in steps:
        second = step.pair.second[cells][:, None, :]
        stay = joint * (step.stays * step.kept[cells, None])[:, None, :]
        joint = (joint @ step.moves + stay) * second
        joint /= np.maximum(joint.sum((1, 2), keepdims=True), 1e-300)
    return joint


def _by_step(steps: list[_Step], cells: slice) -> np.ndarray:
    """Probability of a change in each step, (steps, n), by forward and backward sums."""
    ahead = [steps[0].pair.first[cells] * steps[0].pair.stable]
    for step in steps:
        stay = ahead[-1] * step.stays * step.kept[cells, None]
        now = (ahead[-1] @ step.moves + stay) * step.pair.second[cells]
        ahead.append(now / np.maximum(now.sum(1, keepdims=True), 1e-300))
    behind = np.ones_like(ahead[0])
    found = np.empty((len(steps), len(behind)))
    for i in range(len(steps) - 1, -1, -1):
        step, seen = steps[i], steps[i].pair.second[cells] * behind
        moved = ((ahead[i] @ step.moves) * seen).sum(1)
        weight = step.stays * step.kept[cells, None]
        stayed = (ahead[i] * weight * seen).sum(1)
        found[i] = moved / np.maximum(moved + stayed, 1e-300)
        behind = seen @ step.moves.T + seen * weight
        behind /= np.maximum(behind.sum(1, keepdims=True), 1e-300)
    return found
