"""Paired differences in accuracy: right where the truth is known, wide where it is chance."""

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from lczlib.analysis import accuracy_difference, assess
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map

BOX = GeoBox((120, 120), Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")


def city(rng: np.random.Generator):
    """Synthetic: 36 polygons of four classes, and a painter of maps that fail polygon by polygon."""
    truth = np.kron(rng.choice([2, 6, 11, 14], (12, 12)), np.ones((10, 10), int))
    corners = [(r, c) for r in range(0, 120, 20) for c in range(0, 120, 20)]
    left, top = 5e5, 5e6
    polygons = gpd.GeoDataFrame(
        {"lcz": [truth[r, c] for r, c in corners], "polygon": range(len(corners))},
        geometry=[
            box(left + 100 * c, top - 100 * (r + 10), left + 100 * (c + 10), top - 100 * r)
            for r, c in corners
        ],
        crs=BOX.crs.proj,
    )

    def painted(share: float, hard: np.ndarray):
        wrong = np.kron(hard < 1 - share, np.ones((10, 10), bool))
        return lcz_map(on_grid(np.where(wrong, 8, truth), BOX))

    return lcz_map(on_grid(truth, BOX)), polygons, painted


@pytest.mark.parametrize("kind", ["polygons", "raster"])
def test_a_map_that_is_better_wherever_they_differ_is_significantly_better(kind):
    rng = np.random.default_rng(1)
    truth, polygons, painted = city(rng)
    hard = rng.random((12, 12))
    good, poor = painted(0.8, hard), painted(0.6, hard)  # fails where the good one does, and more
    reference = polygons if kind == "polygons" else truth
    found = accuracy_difference(good, poor, reference, replicates=400)
    row = found.scores.loc["oa"]
    assert row["difference"] == pytest.approx(
        assess(good, reference, replicates=100).scores["oa"]
        - assess(poor, reference, replicates=100).scores["oa"]
    )
    assert row["significant"]
    assert 0 < row["ci_low"] <= row["difference"] <= row["ci_high"]
    assert found.unit == kind.rstrip("s").replace("raster", "block")
    turned = accuracy_difference(poor, good, reference, replicates=400).scores.loc["oa"]
    assert turned["ci_high"] == pytest.approx(-row["ci_low"])


def test_intervals_may_overlap_although_the_difference_is_significant():
    rng = np.random.default_rng(1)
    _, polygons, painted = city(rng)
    hard = rng.random((12, 12))
    good, poor = painted(0.8, hard), painted(0.6, hard)
    (low, _), (_, high) = (
        assess(m, polygons, replicates=400).intervals["oa_ci"] for m in (good, poor)
    )
    assert low < high
    assert accuracy_difference(good, poor, polygons, replicates=400).scores.loc["oa", "significant"]


def test_equal_maps_are_rarely_told_apart():
    rng = np.random.default_rng(3)
    told = 0
    for seed in range(60):
        _, polygons, painted = city(rng)
        pair = [painted(0.7, rng.random((12, 12))) for _ in range(2)]
        scores = accuracy_difference(*pair, polygons, replicates=200, seed=seed).scores
        told += bool(scores.loc["oa", "significant"])
    assert told <= 9  # 5 % of 60 are 3; 10 or more have a chance of 1 in 1,400


def test_a_map_differs_from_itself_by_nothing():
    _, polygons, painted = city(np.random.default_rng(0))
    one = painted(0.7, np.random.default_rng(5).random((12, 12)))
    scores = accuracy_difference(one, one, polygons, replicates=100).scores
    assert (scores[["difference", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert not scores["significant"].any()


def test_maps_without_a_common_cell_are_refused():
    truth, polygons, _ = city(np.random.default_rng(0))
    west, east = (truth.where(m, 0).astype(np.uint8) for m in (truth.x < 506000, truth.x >= 506000))
    with pytest.raises(InputError, match="mapped by both"):
        accuracy_difference(west, east, polygons)
