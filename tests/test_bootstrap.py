"""Intervals: right width on clustered data, reproducible, honest where they cannot be had."""

import numpy as np
import pytest

from lczlib.analysis.bootstrap import bootstrap_sums, draw_weights, interval, score_intervals
from lczlib.analysis.scores import overall_accuracy, producers_accuracy
from lczlib.errors import InputError

CLASSES = np.repeat(np.arange(6), [12, 10, 8, 6, 15, 9])
"""Synthetic reference: class of each of 60 polygons."""
MEAN_ACCURACY = np.array([0.9, 0.7, 0.5, 0.6, 0.8, 0.75])


def simulated_polygons(rng, lcz=CLASSES):
    """Synthetic clustered truth: polygons of 5-80 cells, each with its own share of right cells."""
    units = np.zeros((len(lcz), 17, 17))
    size = rng.integers(5, 81, len(lcz))
    share = rng.beta(2 * MEAN_ACCURACY[lcz], 2 * (1 - MEAN_ACCURACY[lcz]))
    right = rng.binomial(size, share)
    wrong = (lcz + rng.integers(1, 6, len(lcz))) % 6
    rows = np.arange(len(lcz))
    units[rows, lcz, lcz] = right
    units[rows, lcz, wrong] = size - right
    return units


def true_accuracy():
    """Sizes do not depend on the class, so that each class weighs its number of polygons."""
    return MEAN_ACCURACY[CLASSES].mean()


@pytest.mark.slow
def test_polygon_bootstrap_covers_the_truth_and_the_pixel_bootstrap_does_not():
    truth, trials = true_accuracy(), 300
    rng = np.random.default_rng(2014)
    by_polygon = by_pixel = 0
    for trial in range(trials):
        units = simulated_polygons(rng)
        sums = bootstrap_sums(units, CLASSES, replicates=1000, seed=trial)
        low, high = score_intervals(sums, overall_accuracy)["ci"]
        by_polygon += low <= truth <= high
        counts = units.sum(0)
        n = int(counts.sum())
        pixels = rng.multinomial(n, counts.ravel() / n, size=1000).reshape(-1, 17, 17)
        low, high = score_intervals(pixels, overall_accuracy)["ci"]
        by_pixel += low <= truth <= high
    assert 0.90 <= by_polygon / trials <= 0.99
    assert by_pixel / trials < 0.60


@pytest.mark.slow
def test_block_bootstrap_covers_the_truth():
    """Without strata the number of polygons a class varies too, as in blocks of a map."""
    rng = np.random.default_rng(11)
    covered = 0
    for trial in range(300):
        units = simulated_polygons(rng, rng.choice(CLASSES, 60))
        low, high = score_intervals(
            bootstrap_sums(units, replicates=1000, seed=trial), overall_accuracy
        )["ci"]
        covered += low <= true_accuracy() <= high
    assert 0.90 <= covered / 300 <= 0.99


def test_each_class_keeps_its_weight_and_totals_are_unbiased():
    strata = np.repeat([0, 1, 2], [5, 2, 1])
    weights = np.concatenate(list(draw_weights(strata, 4000, np.random.default_rng(0))))
    for s, n in ((0, 5), (1, 2), (2, 1)):
        np.testing.assert_allclose(weights[:, strata == s].sum(1), n)
    np.testing.assert_allclose(weights.mean(0), 1, atol=0.06)
    assert (weights[:, 7] == 1).all()


def test_variance_of_a_stratum_mean_is_the_textbook_one():
    """s^2 / n, where the plain bootstrap of 4 units would give three quarters of it."""
    values = np.array([1.0, 4.0, 6.0, 13.0])
    means = bootstrap_sums(values[:, None], replicates=40_000)[:, 0] / 4
    assert means.var() == pytest.approx(values.var(ddof=1) / 4, rel=0.03)


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    units = simulated_polygons(np.random.default_rng(3))
    first, again, other = (
        bootstrap_sums(units, CLASSES, replicates=150, seed=s) for s in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_90_interval_lies_within_the_95_one():
    sums = bootstrap_sums(simulated_polygons(np.random.default_rng(4)), CLASSES)
    bounds = score_intervals(sums, producers_accuracy)
    seen = ~np.isnan(bounds["ci"][0])
    assert seen.sum() == 6
    assert (bounds["ci"][0] <= bounds["ci90"][0])[seen].all()
    assert (bounds["ci90"][1] <= bounds["ci"][1])[seen].all()


def test_a_score_that_is_often_undefined_has_no_interval():
    values = np.ones((1000, 2))
    values[:200, 0] = np.nan
    low, high = interval(values)
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert (low[1], high[1]) == (1, 1)


def test_too_few_units_or_replicates_are_refused():
    with pytest.raises(InputError, match="1 reference unit"):
        bootstrap_sums(np.ones((1, 17, 17)))
    with pytest.raises(InputError, match="99 bootstrap replicates"):
        bootstrap_sums(np.ones((5, 17, 17)), replicates=99)
