"""What two images say of a cell: changed or not, by a hidden Markov model of two dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from lczlib.classes import N_CLASSES

PILOT = 0.05
"""Rate of change that a pair of images is scored with. Any rate gives an unbiased area, since the same score
is taken where nothing changed; near the true rate it is a sharp one."""
_FEWEST = 1.0  # expected cells of a class, below which it is none of the place


@dataclass(frozen=True)
class Image:
    """Calibrated class probabilities of one date, at the cells that all dates know.

    Attributes
    ----------
    day : date
    proba : (n, 17) float32
    weight : (n,)
        Share of each cell in the area, of sum 1.
    """

    day: date
    proba: np.ndarray
    weight: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Shares of the classes, (17,): of calibrated probabilities their mean."""
        found = self.weight @ self.proba.astype(np.float64)
        found = np.where(found * len(self.proba) < _FEWEST, 0.0, found)
        return found / found.sum()

    def likelihood(self) -> np.ndarray:
        """What the image says of each class, (n, 17): its probability over the class's share.

        By Bayes' rule that is proportional to the density of the image under the class; a class that the
        place does not have gets 0.
        """
        shares = self.shares
        over = np.divide(1.0, shares, out=np.zeros(N_CLASSES), where=shares > 0)
        return self.proba * over.astype(np.float32)


@dataclass(frozen=True)
class Pair:
    """Two images as evidence of change.

    Attributes
    ----------
    first, second : (n, 17)
        Likelihoods (`Image.likelihood`).
    stable : (17,)
        Shares of the classes where nothing changes.
    changes : (17, 17)
        Shares of the changes, of sum 1 (`lczlib.analysis.change.transitions.plausible`).
    """

    first: np.ndarray
    second: np.ndarray
    stable: np.ndarray
    changes: np.ndarray

    def evidence(self) -> tuple[np.ndarray, np.ndarray]:
        """Likelihoods of a cell's two images where its class changed, and where it did not, (n,) each."""
        changes, stable = self.changes.astype(np.float32), self.stable.astype(np.float32)
        ones, tiny = np.ones(N_CLASSES, np.float32), np.float32(1e-12)
        changed = ((self.first @ changes) * self.second) @ ones
        kept = (self.first * self.second) @ stable
        return changed + tiny, kept + tiny

    def score(self) -> np.ndarray:
        """Log of the likelihood ratio of change, (n,)."""
        changed, kept = self.evidence()
        return np.log(changed) - np.log(kept)

    def transition_sums(self, weight: np.ndarray, changed: np.ndarray | None = None) -> np.ndarray:
        """Sums over cells of `weight` x the posterior of each change given that there is one, (17, 17).

        `changed` is the first of `evidence`, where that is known.
        """
        changed = self.evidence()[0] if changed is None else changed
        first = self.first * (weight / changed).astype(np.float32)[:, None]
        return (first.T @ self.second).astype(np.float64) * self.changes


def posterior(score: np.ndarray, rate: float) -> np.ndarray:
    """Probability of change of scores (log likelihood ratios) at a rate of change."""
    odds = np.log(rate) - np.log1p(-rate)
    return 1.0 / (1.0 + np.exp(-np.clip(score + odds, -60, 60)))
