"""How often a 95% interval of accuracy holds the truth when there are few polygons or blocks.

Synthetic reference: polygons of 5 to 80 cells in six classes of known accuracy, each polygon with its
own share of right cells (beta distributed, so that most polygons are nearly all right or nearly all
wrong). Compared: percentiles of the bootstrap over polygons, and the intervals of
``lczlib.analysis.bootstrap.interval``.

    python benchmarks/few_units.py [--trials 1000]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from lczlib.analysis.bootstrap import (
    bootstrap_sums,
    degrees_of_freedom,
    draw_weights,
    interval,
)
from lczlib.analysis.scores import kappa, overall_accuracy, producers_accuracy, users_accuracy

ACCURACY = np.array([0.9, 0.7, 0.5, 0.6, 0.8, 0.75])
SPREAD = 2.0  # of the beta distribution: smaller is more alike within a polygon
N = len(ACCURACY)
Score = Callable[[np.ndarray], np.ndarray]


def draw(lcz: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Confusion matrices (polygons, 17, 17) of one synthetic reference; wrong cells go anywhere."""
    units = np.zeros((len(lcz), 17, 17))
    size = rng.integers(5, 81, len(lcz))
    share = rng.beta(SPREAD * ACCURACY[lcz], SPREAD * (1 - ACCURACY[lcz]))
    right = rng.binomial(size, share)
    wrong = (lcz + rng.integers(1, N, len(lcz))) % N
    rows = np.arange(len(lcz))
    units[rows, lcz, lcz] = right
    units[rows, lcz, wrong] = size - right
    return units


def expected(lcz: np.ndarray) -> np.ndarray:
    """The confusion matrix that many such references have on the average."""
    out = np.zeros((17, 17))
    for c, n in zip(*np.unique(lcz, return_counts=True), strict=True):
        out[c, :N] = n * (1 - ACCURACY[c]) / (N - 1)
        out[c, c] = n * ACCURACY[c]
    return out


def percentiles(units: np.ndarray, strata: np.ndarray, score: Score, seed: int) -> np.ndarray:
    """The plain way: 2.5 and 97.5% of the replicates, a lone polygon of its class kept as it is."""
    flat = units.reshape(len(units), -1)
    rng = np.random.default_rng(seed)
    sums = np.concatenate([w @ flat for w in draw_weights(strata, 500, rng)])
    values = score(sums.reshape(-1, 17, 17))
    known = ~np.isnan(values).all(0)
    bounds = np.nanquantile(np.where(known, values, 0), [0.025, 0.975], axis=0)
    return np.where(known, bounds, np.nan)


def ours(
    units: np.ndarray, strata: np.ndarray, score: Score, seed: int, held: np.ndarray | None
) -> np.ndarray:
    """Intervals as `lczlib.analysis.assess` gives them; `held`: units that hold each class."""
    degrees: np.ndarray | int = degrees_of_freedom(strata)
    if held is not None:
        degrees = np.minimum(held - 1, degrees)
    sums = bootstrap_sums(units, strata, replicates=500, seed=seed)
    lowest = -1.0 if score is kappa else 0.0
    return interval(score(units.sum(0)), score(sums), degrees, lowest=lowest)


def coverage(
    lcz: np.ndarray, score: Score, trials: int, *, stratified: bool, of_class: int | None = None
) -> tuple[float, float, float, float]:
    """Share of trials in which each kind of interval holds the truth, and their mean widths."""
    rng = np.random.default_rng(0)
    truth = score(expected(lcz))
    hits, widths, known = np.zeros(2), np.zeros(2), np.zeros(2)
    for trial in range(trials):
        chosen = lcz if stratified else rng.choice(lcz, len(lcz))
        units = draw(chosen, rng)
        strata = chosen if stratified else np.zeros(len(chosen), int)
        held = None
        if of_class is not None:
            side = 2 if score is producers_accuracy else 1
            held = (units.sum(side) > 0).sum(0)
        found = percentiles(units, strata, score, trial), ours(units, strata, score, trial, held)
        for i, bounds in enumerate(found):
            low, high = bounds if of_class is None else bounds[:, of_class]
            right = truth if of_class is None else truth[of_class]
            if np.isfinite(low):  # a class that is mapped nowhere has no user's accuracy
                known[i] += 1
                hits[i] += low <= right <= high
                widths[i] += high - low
    (before, after), (narrow, wide) = hits / known, widths / known
    return before, after, narrow, wide


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    print(f"{trials} trials each: share of nominal 95% intervals that hold the truth (mean width)")
    print(f"{'':44} {'percentiles':>16} {'lczlib':>16}")

    def line(what: str, *arguments: object, **options: object) -> None:
        before, after, narrow, wide = coverage(*arguments, trials, **options)  # type: ignore[arg-type]
        print(f"{what:44} {before:8.1%} ({narrow:.2f}) {after:8.1%} ({wide:.2f})", flush=True)

    for n in (4, 6, 8, 10, 20, 40):
        line(f"OA, {n} blocks", np.resize(np.arange(N), n), overall_accuracy, stratified=False)
    for each in (1, 2, 3, 10):
        polygons = np.repeat(np.arange(N), each)
        line(
            f"OA, {each} polygons in each of 6 classes", polygons, overall_accuracy, stratified=True
        )
    for each in (1, 2, 3, 10):
        polygons = np.repeat(np.arange(N), each)
        line(f"kappa, {each} polygons in each of 6 classes", polygons, kappa, stratified=True)
    for each in (2, 3, 5, 10):
        polygons = np.repeat(np.arange(N), each)
        for name, score in (("PA", producers_accuracy), ("UA", users_accuracy)):
            what = f"{name} of a class of accuracy 0.7, {each} polygons"
            line(what, polygons, score, stratified=True, of_class=1)


if __name__ == "__main__":
    main()
