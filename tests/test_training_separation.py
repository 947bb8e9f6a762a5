"""Training and test patches share no pixel, however the polygons lie."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lczlib.errors import InputError, Inseparable
from lczlib.terms import settings_in
from lczlib.training.inputs import PatchSize
from lczlib.training.patches import Patches, PatchKind
from lczlib.training.run import Subsets
from lczlib.training.separation import overlap_of, separated
from lczlib.training.splits import Split


class Placed(Patches):
    """Patches of known place, whose values nobody reads."""

    def read(self, index):
        raise AssertionError(index)

    def subset(self, index):
        return Placed(self.kind, self.table.iloc[index].reset_index(drop=True))


def placed(at, size=8, pixel=100.0, lcz=None, crs="EPSG:32633"):
    """Patches whose first pixels are at (column, row) of one grid, in whole pixels."""
    at = np.asarray(at, float).reshape(-1, 2)
    table = pd.DataFrame({
        "lcz": lcz if lcz is not None else np.ones(len(at), int), "crs": crs,
        "left": 500_000 + at[:, 0] * pixel, "top": 5_800_000 - at[:, 1] * pixel,
    })  # fmt: skip
    return Placed(PatchKind("landsat", ("B1",), size, pixel), table)


def cells_of(patches, index):
    """The ground cells of patches as a set, the slow and certain way."""
    kind, found = patches.kind, set()
    for _, row in patches.table.iloc[index].iterrows():
        col = round((row["left"] - 500_000) / kind.pixel_size)
        line = round((5_800_000 - row["top"]) / kind.pixel_size)
        found |= {
            (row["crs"], r, c)
            for r in range(line, line + kind.patch_size)
            for c in range(col, col + kind.patch_size)
        }
    return found


@settings(max_examples=60, deadline=None)
@given(
    at=st.lists(st.tuples(st.integers(-20, 40), st.integers(-20, 40)), min_size=6, max_size=25),
    size=st.integers(1, 9),
    pixel=st.sampled_from([10.0, 30.0, 100.0]),
    seed=st.integers(0, 9),
)
def test_overlap_is_that_of_the_pixels_and_separation_ends_it(at, size, pixel, seed):
    patches = placed([*at, (1000, 1000)], size, pixel)  # the last is out of all reach, to train on
    names = np.append(np.random.default_rng(seed).permutation(len(at)) % 3, 0)
    split = Split(*(np.flatnonzero(names == i) for i in range(3)), method="polygon", seed=0)
    trained = cells_of(patches, np.concatenate([split.train, split.validation]))
    shares = [np.mean([c in trained for c in cells_of(patches, [i])]) for i in split.test]
    whole = Subsets.of(patches, split, buffer=-1)
    assert whole.overlap.area == pytest.approx(np.mean(shares))
    assert whole.overlap.n_touched == sum(s > 0 for s in shares)
    kept = separated(patches, split)
    subsets = [cells_of(patches, getattr(kept, n)) for n in ("train", "validation", "test")]
    assert not subsets[0] & (subsets[1] | subsets[2])
    assert not subsets[1] & subsets[2]
    assert np.array_equal(kept.test, split.test)
    # nothing is left out that shares no pixel with what is kept
    for i in np.setdiff1d(split.train, kept.train):
        assert cells_of(patches, [i]) & (subsets[1] | subsets[2])


def test_a_buffer_is_metres_between_edges():
    patches = placed([(0, 0), (12, 0), (30, 0)], size=8, pixel=100.0)
    split = Split(np.array([0, 2]), np.array([], int), np.array([1]), "polygon", 0)
    assert separated(patches, split, 400.0).train.tolist() == [0, 2]
    assert separated(patches, split, 401.0).train.tolist() == [2]


def test_a_random_split_keeps_its_neighbours_and_says_how_much_it_flatters():
    patches = placed([(0, 0), (1, 0), (2, 0), (40, 0)], size=4)
    split = Split(np.array([0, 3]), np.array([2]), np.array([1]), "random", 0)
    subsets = Subsets.of(patches, split)
    assert subsets.left_out == 0
    assert "100.0 % of a test patch's area lies in training" in subsets.separation
    assert "(1 of 1 test patch touched)" in subsets.separation


def test_other_places_never_touch():
    here, there = placed([(0, 0)]), placed([(0, 0)], crs="EPSG:32733")
    assert overlap_of(here, there).n_touched == 0
    assert overlap_of(here, here).area == 1.0


def test_a_class_that_loses_all_training_patches_is_named():
    patches = placed([(0, 0), (1, 0), (30, 0), (60, 0)], lcz=[6, 6, 2, 2])
    split = Split(np.array([0, 2]), np.array([], int), np.array([1, 3]), "polygon", 0)
    with pytest.raises(
        Inseparable, match="LCZ 6 keeps no training patch: all 1 reach into test"
    ) as told:
        separated(patches, split)
    assert {"patch_metres", "without"} <= {*settings_in(told.value.message)}
    assert settings_in(told.value.drawn) == ()  # for who can but draw
    assert "Draw polygons of it further apart." in told.value.drawn


def test_patches_of_unknown_place_cannot_be_parted():
    patches = placed([(0, 0), (1, 0)])
    patches = Placed(patches.kind, patches.table.drop(columns=["left", "top"]))
    split = Split(np.array([0]), np.array([], int), np.array([1]), "polygon", 0)
    subsets = Subsets.of(patches, split)
    assert subsets.overlap is None
    assert "is not known" in subsets.separation
    with pytest.raises(InputError, match="do not say where they lie"):
        separated(patches, split, 100.0)


@pytest.mark.parametrize(
    ("pixel", "size", "expected"),
    [
        (10.0, PatchSize(32, 8), 32),
        (30.0, PatchSize(32, 8), 11),
        (100.0, PatchSize(32, 8), 8),
        (100.0, PatchSize(32, 8, pixels=32), 32),
        (20.0, PatchSize(32, 8, metres=480.0), 24),
    ],
)
def test_a_patch_shows_the_ground_that_the_network_was_designed_for(pixel, size, expected):
    assert size.of(pixel) == expected


def test_metres_that_a_network_cannot_take_are_refused():
    with pytest.raises(InputError, match="use --patch-metres 800"):
        PatchSize(32, 8, metres=320.0).of(100.0)
    with pytest.raises(InputError, match="not both"):
        PatchSize(32, 8, 32, 320.0).of(10.0)
