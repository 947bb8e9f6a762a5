"""Splits of patches: nothing on both sides, shares as asked for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lczlib.errors import InputError
from lczlib.terms import worded
from lczlib.training.splits import SUBSETS, folds, split


def patch_table(polygons_per_class, patches_per_polygon, seed=0, dates=1):
    """Synthetic patches: polygons are clusters of patches at random places of a 20 km city."""
    rng = np.random.default_rng(seed)
    parts, polygon = [], 0
    for lcz, n_polygons in polygons_per_class.items():
        for _ in range(n_polygons):
            polygon += 1
            n = int(rng.integers(1, patches_per_polygon + 1))
            x, y = rng.uniform(0, 20_000, 2)
            parts.append(
                pd.DataFrame({
                    "lcz": lcz, "polygon": polygon,
                    "x": x + rng.uniform(0, 900, n), "y": y + rng.uniform(0, 900, n),
                })
            )  # fmt: skip
    table = pd.concat(parts, ignore_index=True).assign(crs="EPSG:32633", scene="city")
    table["location"] = np.arange(len(table))
    return pd.concat([table] * dates, ignore_index=True)


@settings(max_examples=25, deadline=None)
@given(
    method=st.sampled_from(["polygon", "block"]),
    counts=st.lists(st.integers(4, 12), min_size=2, max_size=6),
    seed=st.integers(0, 1000),
)
def test_no_polygon_is_on_both_sides(method, counts, seed):
    table = patch_table(dict(enumerate(counts, start=3)), 20, seed)
    try:
        chosen = split(table, method, seed=seed)
    except InputError:  # the few polygons of a class may share one block
        assert method == "block"
        return
    sides = table.groupby("polygon").apply(
        lambda rows: len(set(chosen.subset_names(len(table))[rows.index])), include_groups=False
    )
    assert (sides == 1).all()
    every = np.concatenate([getattr(chosen, s) for s in SUBSETS])
    assert np.array_equal(np.sort(every), np.arange(len(table)))
    assert set(table["lcz"][chosen.train]) == set(table["lcz"])


def test_no_block_is_on_both_sides():
    table = patch_table({2: 20, 5: 20, 14: 20}, 8, seed=3)
    names = split(table, "block", block=4000.0, seed=1).subset_names(len(table))
    middle = table.groupby("polygon")[["x", "y"]].median() // 4000.0
    block = middle.loc[table["polygon"]].astype(str).agg(" ".join, axis=1).to_numpy()
    assert (
        pd.DataFrame({"block": block, "name": names}).groupby("block")["name"].nunique().max() == 1
    )


@pytest.mark.parametrize("method", ["polygon", "random"])
def test_shares_are_near_64_16_20_in_every_class(method):
    table = patch_table({1: 25, 6: 30, 17: 40}, 10, seed=1)
    chosen = split(table, method, seed=5)
    for lcz in (1, 6, 17):
        total = (table["lcz"] == lcz).sum()
        for subset, share in zip(SUBSETS, (0.64, 0.16, 0.20), strict=True):
            found = (table["lcz"].to_numpy()[getattr(chosen, subset)] == lcz).sum() / total
            assert found == pytest.approx(share, abs=0.04 if method == "polygon" else 0.02)


def test_three_polygons_of_a_class_reach_all_three_subsets():
    table = patch_table({1: 3, 2: 30}, 5)
    chosen = split(table, "polygon")
    assert all((table["lcz"].to_numpy()[getattr(chosen, s)] == 1).any() for s in SUBSETS)


def test_patches_of_one_place_and_several_dates_stay_together():
    table = patch_table({3: 10, 8: 10}, 10, dates=4)
    names = split(table, "random").subset_names(len(table))
    assert table.assign(name=names).groupby("location")["name"].nunique().max() == 1


def test_the_seed_determines_the_split():
    table = patch_table({3: 20, 8: 20}, 10)
    one, same, other = (split(table, seed=s).test for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_every_patch_is_in_one_fold_and_no_polygon_in_two():
    table = patch_table({3: 12, 8: 15, 11: 9}, 10)
    fold = folds(table, "polygon", n_folds=5)
    assert set(fold) == set(range(5))
    assert table.assign(fold=fold).groupby("polygon")["fold"].nunique().max() == 1


def test_a_single_class_is_refused():
    with pytest.raises(InputError, match=r"single class \(LCZ A\)"):
        split(patch_table({11: 10}, 5))


def test_a_class_with_one_polygon_cannot_be_split_by_polygon():
    table = patch_table({6: 8, 10: 1}, 5)
    with pytest.raises(
        InputError, match=r"LCZ 10 has patches in one polygon only.*--without"
    ) as told:
        split(table, "polygon")
    assert "--" not in worded(told.value.drawn)
    assert "draw another polygon of it" in told.value.drawn


def test_patches_without_polygons_cannot_be_split_by_polygon():
    table = patch_table({3: 5, 8: 5}, 5).drop(columns="polygon")
    with pytest.raises(InputError, match="do not say which polygon"):
        split(table, "polygon")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "cluster"}, "no way to split"),
        ({"fractions": (0.5, 0.2, 0.2)}, "sum to 1"),
        ({"method": "block", "block": 0.0}, "block must have an edge"),
    ],
)
def test_options_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        split(patch_table({3: 5, 8: 5}, 5), **changes)
