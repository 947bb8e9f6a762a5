"""Change beyond the maps' own errors: areas, cells, transitions, samples."""

from __future__ import annotations

import importlib
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lczlib.analysis.change import change_area, change_posterior, sample_area, strata
from lczlib.analysis.change.pairs import Image
from lczlib.analysis.change.sample import STRATA
from lczlib.analysis.change.transitions import GROUPS, group_of_pairs, plausible
from lczlib.errors import InputError

SIDE = 50


@pytest.fixture(scope="module")
def simulated():
    """The benchmark, whose cities are known."""
    folder = Path(__file__).resolve().parents[1] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("change")
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def places(simulated):
    """For rates of change: the truth, its images, and what is found in them."""
    found = {}
    for rate in (0.0, 0.1):
        rng = np.random.default_rng(5)
        truth = simulated.city(rng, SIDE, rate)
        images = simulated.images(rng, truth, 9.0)
        area = change_area(images[:1], images[1:], simulated.blocks(SIDE))
        found[rate] = truth, images, area
    return found


def test_a_built_class_that_becomes_natural_is_rare_before_anything_is_seen():
    shares = np.full(17, 1 / 17)
    table = plausible(shares, shares, 0.05)
    groups = group_of_pairs()
    assert table.sum() == pytest.approx(1)
    assert not np.diag(table).any()
    assert table[groups == 3].max() == pytest.approx(0.05 * table[groups == 0].min())
    shares = np.where(np.arange(17) == 4, 0, 1 / 16)
    assert not plausible(shares, shares)[4].any()
    assert not plausible(shares, shares)[:, 4].any()


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_the_area_of_change_is_found_where_naive_differencing_sees_a_third(places, rate):
    truth, _, area = places[rate]
    low, high = area.intervals["ci"]
    assert low <= truth.rate <= high
    assert area.rate == pytest.approx(truth.rate, abs=0.03)
    assert area.naive > truth.rate + 0.15
    assert area.false_by == "images of one year"


def test_intervals_hold_the_truth_in_most_trials(simulated):
    rows = [simulated.trial(seed, 0.03, 30, 9.0, "two of the second year") for seed in range(8)]
    assert sum(r["ci_in"] for r in rows) >= 6
    assert np.mean([r["ci_width"] for r in rows]) < 0.12
    assert np.mean([abs(r["found"] - r["rate"]) for r in rows]) < 0.025
    assert min(r["naive"] - r["rate"] for r in rows) > 0.15


def test_without_two_images_of_a_year_the_interval_reaches_over_both_assumptions(places, simulated):
    truth, images, known = places[0.1]
    area = change_area(images[:1], images[1:2], simulated.blocks(SIDE))
    low, high = area.intervals["ci"]
    assert area.false_by == "assumption"
    assert np.isnan(area.naive_false)
    assert low <= truth.rate <= high
    # errors that are always the same: all that is seen is change
    assert high >= area.seen / area.found
    assert high - low > 2 * (known.intervals["ci"][1] - known.intervals["ci"][0])
    ends = area.group_interval(0.95)
    assert ((ends[1] - ends[0]) > 0).all()


def test_an_image_of_each_year_twice_and_of_a_third_year_twice_give_an_interval_too(simulated):
    rng = np.random.default_rng(8)
    truth = simulated.city(rng, SIDE, 0.05)
    first, *second = simulated.images(rng, truth, 9.0)
    still = simulated.Truth(truth.before, truth.before)
    again = simulated.images(np.random.default_rng(9), still, 9.0)
    block = simulated.blocks(SIDE)
    for ends in (
        {"before": again[1:], "after": second},
        {"before": [first], "after": second[:1], "beside": again[1:]},
    ):
        area = change_area(**ends, block=block)
        low, high = area.intervals["ci"]
        assert area.false_by == "images of one year"
        assert high > low
        assert area.n_blocks == 25


def test_probabilities_of_cells_add_up_to_the_area_and_find_what_changed(places):
    truth, _, area = places[0.1]
    found = change_posterior([area])
    changed = (truth.before != truth.after).ravel()
    assert found.change.mean() == pytest.approx(area.rate, abs=0.02)
    assert found.change[changed].mean() > 0.6
    assert found.change[~changed].mean() < 0.06
    assert found.changed.tolist() == (found.change > 0.5).tolist()
    assert np.allclose(found.steps[0], found.change, atol=1e-4)


def test_transitions_are_parts_of_the_area(places, simulated):
    truth, _, area = places[0.1]
    assert area.transitions.sum() == pytest.approx(area.rate)
    assert area.groups.sum() == pytest.approx(area.rate)
    low, high = area.group_interval(0.95)
    assert ((low <= truth.groups()) & (truth.groups() <= high)).all()
    assert area.groups.argmax() == GROUPS.index("natural to built")


HELD = np.array([5, 6, 12, 14])


def _images(classes: list[np.ndarray], sure: float) -> list[Image]:
    """Images of years 2018, 2019, ... that see these classes (1..17) with this certainty."""
    found = []
    for i, lcz in enumerate(classes):
        p = np.zeros((lcz.size, 17), np.float32)
        p[:, HELD - 1] = (1 - sure) / (len(HELD) - 1)
        p[np.arange(lcz.size), lcz.ravel() - 1] = sure
        found.append(Image(date(2018 + i, 7, 1), p, np.full(lcz.size, 1 / lcz.size)))
    return found


def test_a_cell_that_flickers_between_three_years_has_not_changed_and_one_that_stays_has():
    rng = np.random.default_rng(0)
    before = np.where(np.arange(2000) < 1000, 6, 14)
    middle, after = before.copy(), before.copy()
    after[1000:1100] = 5  # built in the last year
    flicker = np.array([10, 20, 30])
    middle[flicker] = 14  # built, natural, built
    wrong = rng.random((3, 2000)) < 0.03
    wrong[:, flicker] = False
    others = np.array([np.setdiff1d(HELD, [c]) for c in range(18)], object)
    seen = [
        np.where(w, [rng.choice(others[c]) for c in y], y)
        for w, y in zip(wrong, (before, middle, after), strict=True)
    ]
    images = _images(seen, 0.97)
    block = np.arange(2000) // 50
    steps = [change_area(images[i : i + 1], images[i + 1 : i + 2], block) for i in (0, 1)]
    found = change_posterior(steps)
    clear = ~wrong.any(0)
    new = clear & (after != before)
    assert (found.change[flicker] < 0.5).all()
    assert (found.before == found.after)[flicker].all()
    assert found.change[new].min() > 0.5
    assert (found.steps[1] > found.steps[0])[new].all()
    assert set(found.after[new]) == {5}
    assert set(found.before[new]) == {14}


def test_classes_of_a_change_map_tell_how_it_changed():
    before = np.array([14, 6, 14, 6, 14, 6, 0, 6])
    after = np.array([14, 6, 6, 5, 11, 14, 6, 0])
    assert strata(before, after).tolist() == [1, 2, 3, 4, 5, 6, 0, 0]
    assert len(STRATA) == 6


def test_the_sample_of_olofsson_2014_gives_the_papers_area():
    """Their table 8 and section 5.2: 21,158 ha of deforestation, 95 % interval of 6,158 ha to each side."""
    forest, cleared = 11, 14
    labels = {  # deforested, gained, stable forest, stable other land
        3: (66, 0, 5, 4), 6: (0, 55, 8, 12), 1: (1, 0, 153, 11), 2: (2, 1, 9, 313),
    }  # fmt: skip
    as_class = ((forest, 6), (6, forest), (forest, forest), (cleared, cleared))
    rows = [
        (h, *pair)
        for h, counts in labels.items()
        for n, pair in zip(counts, as_class, strict=True)
        for _ in range(n)
    ]
    stratum, before, after = np.array(rows).T
    pixels = np.array([3_200_000, 6_450_000, 200_000, 0, 0, 150_000])
    found = sample_area(stratum, before, after, pixels * 0.0009)
    deforested = GROUPS.index("natural to built")
    assert found.groups[deforested] == pytest.approx(211.58, rel=1e-3)
    assert 1.96 * found.group_errors[deforested] == pytest.approx(61.58, rel=5e-3)
    assert found.n == 640
    assert found.transitions[forest - 1, 5] == pytest.approx(found.groups[deforested])
    low, high = found.intervals["ci"]
    assert low < found.km2 < high


def test_strata_whose_samples_are_all_alike_still_have_an_error():
    stratum, lcz = np.repeat([1, 3], 20), np.repeat([14, 14], 20)
    found = sample_area(stratum, lcz, np.where(stratum == 3, 6, 14), np.array([50, 0, 5, 0, 0, 0]))
    assert found.km2 == pytest.approx(5)
    assert found.error > 0.2


def test_a_class_of_the_map_with_one_sample_is_refused_by_its_name():
    with pytest.raises(InputError, match=r"natural to built \(1\)"):
        sample_area(
            np.array([1, 1, 3]), np.full(3, 14), np.full(3, 14), np.array([5, 0, 5, 0, 0, 0])
        )
