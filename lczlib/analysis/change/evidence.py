"""How often a pair of images looks changed where nothing changed, and where something did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lczlib.analysis.change.pairs import Image, Pair, posterior
from lczlib.classes import N_CLASSES

DRAWS = 300
"""Pairs of cells that stand for each change of class."""
_BINS = 30


@dataclass(frozen=True)
class DrawnPairs:
    """Scores of pairs of cells with known classes, the two drawn apart from each other.

    A cell of class a is drawn with its calibrated probability of it. Where a class has changed, the errors
    of the two dates are taken as independent: another surface, another error.

    Attributes
    ----------
    scores : (17, 17, draws)
        Log likelihood ratio of change, before x after; the diagonal: nothing changed, and errors are
        independent between the dates all the same.
    """

    scores: np.ndarray

    def mean(self, rate: float) -> np.ndarray:
        """Mean score as a probability of change at a rate, (17, 17)."""
        return posterior(self.scores, rate).mean(-1)

    def spread(self, rate: float) -> np.ndarray:
        """Variance of the same, (17, 17)."""
        return posterior(self.scores, rate).var(-1)


def drawn_pairs(
    first: Image,
    second: Image,
    changes: np.ndarray,
    stable: np.ndarray,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> DrawnPairs:
    """Draw pairs of cells for every change of class, and for none.

    Parameters
    ----------
    first, second : Image
        Of the two dates.
    changes, stable : (17, 17), (17,)
        As of `Pair`.
    draws, seed : int
        Pairs of each change, and the seed of the draw.
    """
    rng = np.random.default_rng(seed)
    drawn = [_of_classes(image, draws, rng) for image in (first, second)]
    scores = np.zeros((N_CLASSES, N_CLASSES, draws), np.float32)
    for a in np.flatnonzero(stable > 0):
        held = np.flatnonzero((changes[a] > 0) | (np.arange(N_CLASSES) == a))
        other = drawn[1][held]
        one = np.broadcast_to(drawn[0][a], other.shape).reshape(-1, N_CLASSES)
        pairs = Pair(one, other.reshape(-1, N_CLASSES), stable, changes)
        scores[a, held] = pairs.score().reshape(len(held), draws)
    return DrawnPairs(scores)


def _of_classes(image: Image, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Likelihoods of cells drawn for each class, (17, draws, 17); of a class without cells, of any."""
    likelihood = image.likelihood()
    found = np.empty((N_CLASSES, draws, N_CLASSES), np.float32)
    for lcz in range(N_CLASSES):
        weight = np.cumsum(image.proba[:, lcz].astype(np.float64) * image.weight)
        if weight[-1] <= 0:
            weight = np.cumsum(image.weight.astype(np.float64))
        # systematic draws have less spread than single ones; their order is shuffled, to pair them freely
        at = (np.arange(draws) + rng.random()) / draws * weight[-1]
        cells = np.minimum(np.searchsorted(weight, at), len(weight) - 1)
        found[lcz] = likelihood[rng.permutation(cells)]
    return found


@dataclass(frozen=True)
class ScoreRatio:
    """Density of a score where the class changed over that where it did not, as a curve that only rises.

    What a hidden Markov model takes as independent errors of two dates is set right by it: the density
    where nothing changed is that of two images of one year (an empirical null, Efron 2004,
    doi 10.1198/016214504000000089).

    Attributes
    ----------
    at, log_ratio : (k,)
        Scores, and the log of the ratio there.
    """

    at: np.ndarray
    log_ratio: np.ndarray

    def __call__(self, score: np.ndarray) -> np.ndarray:
        """Log ratio of scores, (n,)."""
        return np.interp(score, self.at, self.log_ratio)


def score_ratio(
    still: np.ndarray, still_weight: np.ndarray, drawn: DrawnPairs, composition: np.ndarray
) -> ScoreRatio:
    """The ratio from scores where nothing changed, and drawn ones where something did.

    Parameters
    ----------
    still, still_weight : (n,)
        Scores and weights of pairs without change.
    drawn : DrawnPairs
        As of `drawn_pairs`.
    composition : (17, 17)
        Shares of the changes.
    """
    draws = drawn.scores.shape[-1]
    changed = drawn.scores.reshape(-1)
    weight = np.repeat(composition.reshape(-1) / draws, draws)
    held = weight > 0
    changed, weight = changed[held], weight[held]
    pool = np.concatenate([_quantiles(still, still_weight), _quantiles(changed, weight)])
    edges = np.unique(np.quantile(pool, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = len(edges) + 1
    f0 = np.bincount(np.searchsorted(edges, still), still_weight, bins) / still_weight.sum()
    f1 = np.bincount(np.searchsorted(edges, changed), weight, bins) / weight.sum()
    # a bin that one of the two never reaches is no proof: half a cell of 2,000 stands in it
    log_ratio = np.log(f1 + 2.5e-4) - np.log(f0 + 2.5e-4)
    middles = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])
    return ScoreRatio(middles, _rising(log_ratio, f0 + f1))


def _quantiles(values: np.ndarray, weight: np.ndarray, n: int = 400) -> np.ndarray:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    at = (np.arange(n) + 0.5) / n * total[-1]
    return values[order][np.minimum(np.searchsorted(total, at), len(values) - 1)]


def _rising(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The nearest values that never fall, by pooling those that do (isotonic regression)."""
    from sklearn.isotonic import isotonic_regression

    return isotonic_regression(values, sample_weight=np.maximum(weight, 1e-9))


def composition(
    pairs: list[Pair],
    log_ratios: list[np.ndarray],
    weight: np.ndarray,
    rate: float,
    pseudo: float,
    rounds: int = 20,
) -> np.ndarray:
    """Shares of the changes of class among what changed, (17, 17), by expectation-maximisation.

    Parameters
    ----------
    pairs : list of Pair
        Of one and the same cells; the shares are those of all pairs together.
    log_ratios : list of (n,)
        Of each pair: log of the density where the class changed over that where it did not.
    weight : (n,)
        Of the cells, of sum 1.
    rate : float
        Share of the area that changed.
    pseudo : float
        Share of the area that the plausible changes stand for beside what is seen: with little change the
        shares stay near them.
    rounds : int
        Of the iteration.
    """
    prior = pairs[0].changes
    found = prior
    changed0 = [p.evidence()[0] for p in pairs]
    for _ in range(rounds):
        total = pseudo * prior
        for pair, ratio, base in zip(pairs, log_ratios, changed0, strict=True):
            now = Pair(pair.first, pair.second, pair.stable, found)
            changed, _ = now.evidence()
            score = ratio + np.log(changed) - np.log(base)
            share = weight * posterior(score, rate) / len(pairs)
            total = total + now.transition_sums(share, changed)
        found = total / total.sum()
    return found
