"""Filters: parity with the LCZ Generator's own product, probabilities that stay probabilities."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import generic_filter

from lczlib.analysis.filters import KERNELS, gaussian_filter, majority_filter
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import labels, lcz_map, open_lcz_map, probabilities

BOX = GeoBox((60, 50), Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")


def patchwork(seed=0):
    """Synthetic map: patches of 5 x 5 cells with salt, and a hole of no data."""
    rng = np.random.default_rng(seed)
    codes = np.kron(rng.integers(1, 18, (12, 10)), np.ones((5, 5), int))
    salt = rng.random(codes.shape) < 0.15
    codes[salt] = rng.integers(1, 18, salt.sum())
    codes[20:26, 10:14] = 0
    return lcz_map(on_grid(codes.astype(np.uint8), BOX))


def soft(seed=0):
    """Synthetic probabilities with a hole of no data."""
    p = np.random.default_rng(seed).dirichlet(np.full(17, 0.4), BOX.shape).astype(np.float32)
    p[20:26, 10:14] = np.nan
    return probabilities(on_grid(np.moveaxis(p, -1, 0), BOX, ("lcz", "y", "x")))


def one_hot(lcz):
    p = (lcz.values == np.arange(1, 18)[:, None, None]).astype(np.float32)
    p[:, lcz.values == 0] = np.nan
    return probabilities(on_grid(p, BOX, ("lcz", "y", "x")))


def test_the_gaussian_filter_reproduces_the_lcz_generators_own(shared):
    """The Generator delivers its map before and after its filter: 90,000 of 822,000 cells change."""
    path = shared / "data/lcz_maps/sydney_lcz_generator_3band.tif"
    raw, filtered = open_lcz_map(path, band="lcz"), open_lcz_map(path, band="lczFilter")
    both = (raw.values > 0) & (filtered.values > 0)
    assert (raw.values == filtered.values)[both].mean() < 0.9
    ours = gaussian_filter(raw)
    assert (ours.values == filtered.values)[both].mean() > 0.9995
    # its 126 remaining cells lie at the rim, where it saw the map beyond the file, or are ties
    inner = (slice(5, -5), slice(5, -5))
    assert (ours.values == filtered.values)[inner][both[inner]].mean() > 0.9998


@pytest.mark.parametrize("filtered", [gaussian_filter, majority_filter])
def test_probabilities_stay_probabilities(filtered):
    proba = soft()
    out = filtered(proba)
    gap = np.isnan(proba.values).any(0)
    np.testing.assert_array_equal(np.isnan(out.values).any(0), gap)
    np.testing.assert_allclose(out.values.sum(0)[~gap], 1, rtol=1e-5)
    assert out.values[:, ~gap].min() >= 0
    assert out.dtype == np.float32
    assert out["lcz"].values.tolist() == list(range(1, 18))


@pytest.mark.parametrize("filtered", [gaussian_filter, majority_filter])
def test_a_map_and_its_certain_probabilities_give_the_same_classes(filtered):
    lcz = patchwork()
    from_map, from_proba = filtered(lcz), labels(filtered(one_hot(lcz)))
    assert (from_map.values == from_proba.values).mean() > 0.999  # float32 ties aside
    np.testing.assert_array_equal(from_map.values == 0, lcz.values == 0)


@pytest.mark.parametrize("filtered", [gaussian_filter, majority_filter])
@pytest.mark.parametrize("make", [patchwork, soft])
def test_chunks_leave_no_seams(filtered, make):
    data = make()
    lazy = filtered(data.chunk(y=17, x=13))
    assert lazy.chunks is not None
    np.testing.assert_allclose(lazy.compute(), filtered(data), rtol=1e-5)


def test_uniform_ground_stays_and_specks_go():
    codes = np.full(BOX.shape, 6, np.uint8)
    codes[30, 20] = 2
    for filtered in (gaussian_filter, majority_filter):
        assert (filtered(lcz_map(on_grid(codes, BOX))).values == 6).all()


def test_water_keeps_what_its_narrow_kernel_holds():
    """A one-cell river stays (50 m kernel); a one-cell strip of LCZ 8 (500 m) does not."""
    for number, stays in ((17, True), (8, False)):
        codes = np.full(BOX.shape, 14, np.uint8)
        codes[:, 20] = number
        out = gaussian_filter(lcz_map(on_grid(codes, BOX))).values[30, 20]
        assert (out == number) is np.bool_(stays)


def test_kernels_are_those_of_the_generator():
    assert set(KERNELS) == set(range(1, 18))
    assert {KERNELS[c] for c in (2, 3, 4, 5, 6, 7, 9, 15)} == {(300, 150)}
    assert (KERNELS[1], KERNELS[8], KERNELS[17]) == ((200, 100), (500, 250), (50, 25))


def test_the_majority_is_that_of_a_plain_count_and_the_centre_breaks_ties():
    lcz = patchwork(3)

    def mode(window):
        centre = window[len(window) // 2]
        counts = np.bincount(window.astype(int), minlength=18)
        counts[0] = 0
        best = np.flatnonzero(counts == counts.max())
        return 0 if centre == 0 else centre if centre in best else best[0]

    for radius in (1, 2):
        expected = generic_filter(lcz.values, mode, size=2 * radius + 1, mode="constant", cval=0)
        np.testing.assert_array_equal(majority_filter(lcz, radius), expected)


def test_a_majority_needs_neighbours():
    with pytest.raises(InputError, match="radius of 1"):
        majority_filter(patchwork(), 0)
