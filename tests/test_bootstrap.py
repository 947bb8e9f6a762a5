"""Intervals: right width on clustered data, reproducible, honest where they cannot be had."""

import numpy as np
import pytest

from lczlib.analysis.bootstrap import (
    bootstrap_sums,
    collapsed,
    degrees_of_freedom,
    draw_weights,
    interval,
    score_intervals,
)
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


def of_overall_accuracy(units, strata, seed, replicates=1000):
    sums = bootstrap_sums(units, strata, replicates=replicates, seed=seed)
    found = overall_accuracy(units.sum(0)), overall_accuracy(sums), degrees_of_freedom(strata)
    return score_intervals(*found)["ci"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lcz", "stratified"),
    [
        (np.array([0, 1, 2, 3]), False),  # four blocks
        (np.arange(6), True),  # a single polygon of each of six classes
        (np.repeat(np.arange(6), 2), True),
    ],
)
def test_few_units_have_intervals_that_hold_the_truth(lcz, stratified):
    """Percentiles of the replicates do so in 81, 0 and 89 % of the cases (benchmarks/few_units.py)."""
    truth, trials = MEAN_ACCURACY[lcz].mean(), 300
    rng = np.random.default_rng(5)
    covered = plain = 0
    for trial in range(trials):
        chosen = lcz if stratified else rng.choice(lcz, len(lcz))
        units = simulated_polygons(rng, chosen)
        strata = chosen if stratified else np.zeros(len(lcz), int)
        low, high = of_overall_accuracy(units, strata, trial, 300)
        covered += low <= truth <= high
        flat = units.reshape(len(units), -1)
        weights = np.concatenate(list(draw_weights(strata, 300, np.random.default_rng(trial))))
        drawn = overall_accuracy((weights @ flat).reshape(-1, 17, 17))
        low, high = np.quantile(drawn, [0.025, 0.975])
        plain += low <= truth <= high
    assert covered / trials >= 0.92
    assert plain / trials < 0.91


@pytest.mark.slow
def test_polygon_bootstrap_covers_the_truth_and_the_pixel_bootstrap_does_not():
    truth, trials = true_accuracy(), 300
    rng = np.random.default_rng(2014)
    by_polygon = by_pixel = 0
    for trial in range(trials):
        units = simulated_polygons(rng)
        low, high = of_overall_accuracy(units, CLASSES, trial)
        by_polygon += low <= truth <= high
        counts = units.sum(0)
        n = int(counts.sum())
        pixels = rng.multinomial(n, counts.ravel() / n, size=1000).reshape(-1, 17, 17)
        low, high = np.quantile(overall_accuracy(pixels), [0.025, 0.975])
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
        low, high = of_overall_accuracy(units, np.zeros(60, int), trial)
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
    units = simulated_polygons(np.random.default_rng(4))
    sums = bootstrap_sums(units, CLASSES)
    bounds = score_intervals(producers_accuracy(units.sum(0)), producers_accuracy(sums), 5)
    seen = ~np.isnan(bounds["ci"][0])
    assert seen.sum() == 6
    assert (bounds["ci"][0] <= bounds["ci90"][0])[seen].all()
    assert (bounds["ci90"][1] <= bounds["ci"][1])[seen].all()


def test_a_score_that_is_often_undefined_has_no_interval():
    values = np.ones((1000, 2))
    values[:200, 0] = np.nan
    values[::2, 1] = 0.9
    low, high = interval(np.array([1.0, 0.95]), values, 9)
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert 0 < low[1] < 0.95 < high[1] < 1


def test_units_that_are_all_right_are_as_many_trials_and_no_more():
    """Clopper and Pearson: 0.025^(1/n) for n of n; resampling alone would claim 1 to 1."""
    low, high = interval(np.array([1.0, 0.0]), np.tile([1.0, 0.0], (500, 1)), 4)
    np.testing.assert_allclose(low, [0.025**0.2, 0], atol=1e-12)
    np.testing.assert_allclose(high, [1, 1 - 0.025**0.2], atol=1e-12)


def test_a_lone_polygon_of_its_class_is_drawn_together_with_others():
    assert collapsed(np.array([3, 3, 1, 5])).tolist() == [3, 3, 1, 1]
    assert collapsed(np.array([3, 3, 3, 5, 5, 7])).tolist() == [3, 3, 3, 5, 5, 5]
    assert degrees_of_freedom(np.array([3, 3, 3, 5, 5, 7])) == 4
    assert degrees_of_freedom(np.array([1])) == 0
    sums = bootstrap_sums(np.array([0.0, 1.0, 0.0])[:, None], np.array([1, 2, 3]), replicates=200)
    assert sums.std() > 0


def test_kappa_may_reach_below_zero():
    values = np.random.default_rng(0).normal(0.02, 0.1, (500, 1))
    low, high = interval(np.array([0.02]), values, 9, lowest=-1.0)
    assert -1 < low[0] < -0.1 < 0.1 < high[0] < 1


def test_too_few_units_or_replicates_are_refused():
    with pytest.raises(InputError, match="1 reference unit"):
        bootstrap_sums(np.ones((1, 17, 17)))
    with pytest.raises(InputError, match="99 bootstrap replicates"):
        bootstrap_sums(np.ones((5, 17, 17)), replicates=99)
