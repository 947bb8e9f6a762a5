"""Runs of pixels: what is worked out once for each is what each pixel would give."""

import numpy as np
import pytest
from scipy import ndimage

from lczlib.analysis.heat.patches import patch_numbers, patches_of
from lczlib.analysis.heat.runs import Runs, every_of, numbers_in


def scenes():
    """Noise, whose runs are short, and squares, whose runs are long; with gaps, and of odd shapes."""
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (1, 30), (30, 1), (17, 23), (40, 31)):
        noise = rng.integers(0, 4, shape).astype(np.uint8)
        yield noise
        yield np.kron(noise, np.ones((3, 5), np.uint8))
    yield np.full((4, 6), 17, np.uint8)
    yield np.eye(9, dtype=np.uint8) * 3  # neighbours across corners only


@pytest.fixture(params=[2_000_000, 40], ids=["at once", "in blocks"], autouse=True)
def blocks(request, monkeypatch):
    monkeypatch.setattr("lczlib.analysis.heat.runs._ROWS", request.param)


@pytest.mark.parametrize("lcz", scenes(), ids=lambda z: f"{z.shape}")
def test_patches_are_the_connected_areas_of_each_class(lcz):
    expected, count = np.zeros(lcz.shape, int), 0
    for number in range(1, 18):
        found, n = ndimage.label(lcz == number, np.ones((3, 3)))
        expected[found > 0] = found[found > 0] + count
        count += n
    numbers, n = patch_numbers(lcz)
    np.testing.assert_array_equal(numbers, expected)
    assert n == count
    keep = (lcz > 0) & (np.random.default_rng(1).random(lcz.shape) < 0.6)
    if keep.any():
        own, n = patches_of(lcz, keep)
        np.testing.assert_array_equal(own, expected[keep])
        assert n == count


@pytest.mark.parametrize("lcz", scenes(), ids=lambda z: f"{z.shape}")
def test_runs_hold_each_pixel_once_and_pieces_each_square(lcz):
    keep = lcz > 0
    if not keep.any():
        return
    patches = patch_numbers(lcz)[0][keep]
    runs = Runs.of(keep, lcz[keep], patches)
    assert runs.length.sum() == runs.n == keep.sum()
    np.testing.assert_array_equal(np.repeat(runs.codes, runs.length), lcz[keep])
    np.testing.assert_array_equal(np.repeat(runs.patches, runs.length), patches)
    along = np.arange(runs.n) - np.repeat(runs.start, runs.length)
    y, x = np.nonzero(keep)
    np.testing.assert_array_equal(np.repeat(runs.row, runs.length), y)
    np.testing.assert_array_equal(np.repeat(runs.column, runs.length) + along, x)
    of_column = (np.arange(lcz.shape[1]) + 2) * 3 // 7  # of uneven width
    run, number, length = runs.split(of_column)
    np.testing.assert_array_equal(np.repeat(number, length), of_column[x])
    np.testing.assert_array_equal(np.repeat(runs.row[run], length), y)
    assert (np.diff(run) >= 0).all()


def test_numbers_are_those_that_occur():
    assert numbers_in(np.array([3, 17, 3, 0], np.uint8)).tolist() == [0, 3, 17]
    assert numbers_in(np.empty(0, np.uint8)).tolist() == []


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_a_sample_of_the_pixels_is_each_so_many_of_all(step):
    for lcz in scenes():
        np.testing.assert_array_equal(every_of(lcz > 0, step), np.flatnonzero(lcz)[::step])
