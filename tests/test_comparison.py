"""Comparing maps: agreement, cross tables, areas, class pairs, consensus."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.stats import mode
from sklearn.metrics import cohen_kappa_score

from lczlib.analysis.comparison import (
    agreement_matrix,
    class_pairs,
    compare,
    compare_all,
    consensus,
)
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map


def raster(codes, x=0.0):
    codes = np.asarray(codes, np.uint8)
    box = GeoBox(codes.shape, Affine(100, 0, x, 0, -100, 0), "EPSG:32633")
    return lcz_map(on_grid(codes, box))


@pytest.fixture
def three():
    rng = np.random.default_rng(7)
    base = rng.integers(0, 18, (80, 60))
    noisy = [
        np.where(rng.random(base.shape) < 0.3, rng.integers(0, 18, base.shape), base) for _ in "ab"
    ]
    return {"s1": raster(base), "s2": raster(noisy[0]), "fused": raster(noisy[1])}


def test_agreement_counts_cells_that_both_maps_have():
    result = compare(raster([[1, 2, 6, 0]]), raster([[1, 3, 6, 6]]))
    assert (result.n, result.agreement) == (3, pytest.approx(2 / 3))
    assert result.agreement_weighted == pytest.approx((2 + 11 / 12) / 3)
    assert result.to_dict()["left_out"] == {"only_first": 0, "only_second": 1, "neither": 0}


def test_kappa_and_cross_table_match_scikit_learn(three):
    result = compare(three["s1"], three["s2"])
    a, b = three["s1"].values.ravel(), three["s2"].values.ravel()
    both = (a > 0) & (b > 0)
    assert result.kappa == pytest.approx(cohen_kappa_score(a[both], b[both]))
    assert np.trace(result.to_dict()["cross_table"]) == (a == b)[both].sum()


def test_classes_have_areas_with_differences():
    table = compare(raster([[2, 2, 2, 6]]), raster([[2, 2, 6, 6]])).classes
    assert table.loc[2, "n_both"] == 2
    assert table.loc[2, "agreement_first"] == pytest.approx(2 / 3)
    assert table.loc[2, "agreement_second"] == 1
    assert table.loc[2, "overlap"] == pytest.approx(2 / 3)
    assert table.loc[2, "difference_km2"] == pytest.approx(-0.01)
    assert table.loc[6, "difference_km2"] == pytest.approx(0.01)
    assert np.isnan(table.loc[9, "overlap"])


def test_changes_are_listed_from_the_most_frequent():
    changes = compare(raster([[2, 2, 6, 6, 6, 8]]), raster([[3, 3, 6, 14, 2, 8]])).changes()
    assert changes.to_numpy()[:, :3].tolist() == [[2, 3, 2], [6, 2, 1], [6, 14, 1]]
    assert changes["share"].sum() == pytest.approx(4 / 6)


def test_class_pairs_tell_where_and_how():
    pairs = class_pairs(raster([[6, 6, 0, 17]]), raster([[6, 14, 5, 2]]))
    assert pairs.values.tolist() == [[1, 614, 0, 1702]]
    assert pairs.dtype == np.uint16
    assert pairs.odc.geobox.crs.to_epsg() == 32633


def test_each_pair_of_several_maps_is_compared(three):
    comparisons = compare_all(three)
    assert [c.names for c in comparisons] == [("s1", "s2"), ("s1", "fused"), ("s2", "fused")]
    table = agreement_matrix(comparisons)
    np.testing.assert_array_equal(table, table.T)
    assert table.loc["s1", "fused"] == comparisons[1].agreement
    assert agreement_matrix(comparisons, "kappa").loc["s2", "fused"] == comparisons[2].kappa
    with pytest.raises(InputError, match="two maps or more"):
        compare_all({"s1": three["s1"]})


def test_consensus_is_the_mode_with_its_votes(three):
    out = consensus(three)
    stack = np.stack([m.values for m in three.values()]).astype(float)
    expected = mode(np.where(stack == 0, np.nan, stack), nan_policy="omit")
    expected_lcz = np.nan_to_num(np.ma.filled(expected.mode, 0))
    np.testing.assert_array_equal(out["lcz"], expected_lcz)
    np.testing.assert_array_equal(out["maps"], (stack > 0).sum(0))
    np.testing.assert_array_equal(out["votes"], ((stack == expected_lcz) & (stack > 0)).sum(0))
    assert out["lcz"].odc.geobox.crs.to_epsg() == 32633


def test_lazy_maps_give_the_same(three):
    lazy = {n: m.chunk(y=30 + 10 * i, x=25) for i, (n, m) in enumerate(three.items())}
    for a, b in zip(compare_all(three), compare_all(lazy), strict=True):
        assert a.to_dict() == b.to_dict()
    lazy_consensus = consensus(lazy)
    assert lazy_consensus["lcz"].chunks is not None
    assert lazy_consensus.compute().equals(consensus(three))
    np.testing.assert_array_equal(
        class_pairs(lazy["s1"], lazy["s2"]), class_pairs(three["s1"], three["s2"])
    )


def test_maps_on_other_grids_need_resampling(three):
    shifted = raster(three["s1"].values, x=20)
    with pytest.raises(GridError, match="first is EPSG:32633"):
        compare(three["s1"], shifted)
    assert compare(three["s1"], shifted, resampling="nearest").agreement == 1
    with pytest.raises(GridError, match="do not overlap"):
        compare(three["s1"], raster(three["s1"].values, x=1e6), resampling="nearest")
    with pytest.raises(InputError, match="No cell is mapped in second on the grid of first"):
        compare(three["s1"], raster(np.zeros((80, 60))))
    left, right = np.zeros((2, 80, 60), np.uint8)
    left[:, :30], right[:, 30:] = 2, 6
    with pytest.raises(InputError, match="first and second have no mapped cell in common"):
        compare(raster(left), raster(right))


def test_a_mode_resampling_takes_the_frequent_class():
    fine = np.kron([[2, 6], [8, 14]], np.ones((4, 4), int))
    fine[0, 0] = 17
    box = GeoBox((8, 8), Affine(25, 0, 0, 0, -25, 0), "EPSG:32633")
    result = compare(
        raster([[2, 6], [8, 14]]), lcz_map(on_grid(fine.astype(np.uint8), box)), resampling="mode"
    )
    assert result.agreement == 1


def test_sydney_before_and_after_its_filter(shared):
    path = shared / "data/lcz_maps/sydney_lcz_generator_3band.tif"
    result = compare(open_lcz_map(path, band="lcz"), open_lcz_map(path, band="lczFilter"))
    assert result.agreement == pytest.approx(0.8912, abs=1e-4)
    assert result.agreement < result.agreement_weighted < 1
