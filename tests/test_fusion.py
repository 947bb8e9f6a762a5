import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.mapping import METHODS, fuse
from lczlib.maps import labels, probabilities

BOX = GeoBox.from_bbox((500000, 5000000, 500600, 5000400), crs="EPSG:32633", resolution=100)


def random_map(seed: int, concentration: float = 0.5) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    values = rng.dirichlet(np.full(17, concentration), BOX.shape).transpose(2, 0, 1)
    return probabilities(on_grid(values, BOX, ("lcz", "y", "x")))


def cell(**shares: float) -> xr.DataArray:
    """The same probabilities everywhere: c1=0.6, c4=0.4, ..."""
    values = np.zeros((17, *BOX.shape))
    for name, share in shares.items():
        values[int(name[1:]) - 1] = share
    return probabilities(on_grid(values, BOX, ("lcz", "y", "x")))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=20, deadline=None)
@given(seeds=st.lists(st.integers(0, 1000), min_size=1, max_size=4, unique=True))
def test_fused_probabilities_sum_to_one(method, seeds):
    fused = fuse({str(s): random_map(s) for s in seeds}, method)
    np.testing.assert_allclose(fused.sum("lcz"), 1, atol=1e-5)
    assert fused.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_a_map_fused_with_itself_keeps_its_labels(method):
    a = random_map(3)
    xr.testing.assert_equal(labels(fuse({"a": a, "b": a}, method)), labels(a))


@pytest.mark.parametrize("method", METHODS)
def test_where_one_map_has_no_data_the_other_decides(method):
    a, b = random_map(1), random_map(2)
    hole = a.where(a.x > a.x[2])
    fused = fuse({"a": hole, "b": b}, method)
    np.testing.assert_array_equal(labels(fused)[:, :3], labels(b)[:, :3])
    both = b.where(b.x > b.x[2])
    assert fuse({"a": hole, "b": both}, method)[:, :, :3].isnull().all()


@pytest.mark.parametrize("method", METHODS)
def test_lazy_maps_stay_lazy_and_give_the_same(method):
    maps = {str(i): random_map(i) for i in range(3)}
    lazy = fuse({k: m.chunk(y=2) for k, m in maps.items()}, method)
    assert lazy.chunks is not None
    np.testing.assert_allclose(lazy, fuse(maps, method), atol=1e-6)


def test_mean_gives_each_map_one_vote():
    fused = fuse({"a": cell(c1=0.9, c2=0.1), "b": cell(c1=0.1, c2=0.9), "c": cell(c3=1)}, "mean")
    np.testing.assert_allclose(fused[:3, 0, 0], [1 / 3, 1 / 3, 1 / 3], atol=1e-6)


def test_product_is_bayes_rule_for_independent_maps():
    fused = fuse({"a": cell(c1=0.8, c2=0.2), "b": cell(c1=0.4, c2=0.6)}, "product")
    np.testing.assert_allclose(fused[0, 0, 0], 0.32 / (0.32 + 0.12), atol=1e-4)


def test_entropy_listens_to_the_map_that_is_sure():
    sure, torn = cell(c5=0.97, c6=0.03), cell(c6=0.4, c8=0.3, c9=0.3)
    assert (labels(fuse({"sure": sure, "torn": torn}, "entropy")) == 5).all()
    weights = fuse({"sure": sure, "torn": torn}, "entropy")
    assert float(weights[4, 0, 0]) > float(fuse({"sure": sure, "torn": torn}, "mean")[4, 0, 0])


def test_vote_follows_the_majority_and_breaks_ties_by_the_mean():
    two_to_one = {
        "a": cell(c1=0.4, c2=0.35, c3=0.25),
        "b": cell(c1=0.4, c2=0.35, c3=0.25),
        "c": cell(c2=1),
    }
    assert (labels(fuse(two_to_one, "vote")) == 1).all()
    assert (labels(fuse(two_to_one, "mean")) == 2).all()
    tie = {"a": cell(c1=0.55, c2=0.45), "b": cell(c2=0.9, c1=0.1)}
    assert (labels(fuse(tie, "vote")) == 2).all()


def test_differing_grids_are_refused_unless_resampling_is_asked_for():
    a = random_map(1)
    b = a.assign_coords(x=a.x + 50)
    with pytest.raises(GridError, match="grids differ"):
        fuse({"a": a, "b": b})
    assert fuse({"a": a, "b": b}, resample=True).shape == a.shape


def test_an_unknown_method_or_nothing_to_fuse_is_refused():
    with pytest.raises(InputError, match="entropy"):
        fuse({"a": random_map(1)}, "median")
    with pytest.raises(InputError, match="no map"):
        fuse({})
