"""Runs of pixels: what is worked out once for each is what each pixel would give."""

import numpy as np
import pytest
from scipy import ndimage

from lczlib.analysis.heat.order import median_of, quantile_of
from lczlib.analysis.heat.patches import interior, patch_medians, patch_numbers, runs_in_patches
from lczlib.analysis.heat.runs import Runs, every_of


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
        runs = runs_in_patches(lcz, keep)
        for number in runs.numbers:
            own = keep & (lcz == number)
            np.testing.assert_array_equal(runs.patches_of_pixels(number), expected[own])


@pytest.mark.parametrize("lcz", scenes(), ids=lambda z: f"{z.shape}")
def test_runs_hold_each_pixel_once_and_pieces_each_square(lcz):
    keep = lcz > 0
    if not keep.any():
        return
    runs = Runs.of(lcz)
    assert runs.length.sum() == runs.n == keep.sum()
    np.testing.assert_array_equal(np.repeat(runs.codes, runs.length), lcz[keep])
    along = np.arange(runs.n) - np.repeat(np.cumsum(runs.length) - runs.length, runs.length)
    y, x = np.nonzero(keep)
    np.testing.assert_array_equal(np.repeat(runs.row, runs.length), y)
    np.testing.assert_array_equal(np.repeat(runs.column, runs.length) + along, x)
    of_column = (np.arange(lcz.shape[1]) + 2) * 3 // 7  # of uneven width
    run, number, length = runs.split(of_column)
    np.testing.assert_array_equal(np.repeat(number, length), of_column[x])
    np.testing.assert_array_equal(np.repeat(runs.row[run], length), y)
    assert (np.diff(run) >= 0).all()


@pytest.mark.parametrize("lcz", scenes(), ids=lambda z: f"{z.shape}")
def test_pixels_of_a_class_are_taken_out_row_by_row(lcz):
    runs, layer = Runs.of(lcz).by_class(), np.arange(lcz.size, dtype=float).reshape(lcz.shape)
    assert runs.numbers == sorted(set(lcz[lcz > 0].tolist()))
    for number in range(19):
        mask = (lcz == number) & (lcz > 0)
        np.testing.assert_array_equal(runs.take(layer, number), layer[mask])
        np.testing.assert_array_equal(runs.take(layer.T[::-1].T, number), layer[:, ::-1][mask])
        assert runs.pixels_of(number) == mask.sum()
    assert runs.same_as(Runs.of(lcz.copy()).by_class())
    if lcz.any():
        assert not runs.same_as(Runs.of(np.where(lcz == lcz.max(), 0, lcz)).by_class())


@pytest.mark.parametrize("lcz", scenes(), ids=lambda z: f"{z.shape}")
@pytest.mark.parametrize("pixels", [0, 1, 2, 3])
def test_interior_pixels_have_only_their_class_around_them(lcz, pixels):
    padded = np.pad(lcz, pixels, constant_values=99)
    size = 2 * pixels + 1
    around = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    expected = (around == lcz[:, :, None, None]).all((2, 3)) & (lcz > 0)
    np.testing.assert_array_equal(interior(lcz, pixels), expected)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 101])
def test_medians_are_those_of_numpy(n):
    rng = np.random.default_rng(n)
    values = rng.normal(size=n).astype(np.float32)
    assert median_of(values.copy()) == pytest.approx(np.median(values.astype(float)), abs=1e-12)
    for q in (0.002, 0.25, 0.998, 1.0):
        expected = np.quantile(values.astype(float), q)
        assert quantile_of(values.copy(), q) == pytest.approx(expected, abs=1e-12)
    patches = rng.choice([7, 8, 1000], n).astype(np.int32)
    numbers, medians = patch_medians(values, patches)
    expected = {p: np.median(values[patches == p].astype(float)) for p in np.unique(patches)}
    assert dict(zip(numbers.tolist(), medians.tolist(), strict=True)) == pytest.approx(expected)


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_a_sample_of_the_pixels_is_each_so_many_of_all(step):
    for lcz in scenes():
        np.testing.assert_array_equal(every_of(lcz > 0, step), np.flatnonzero(lcz)[::step])
