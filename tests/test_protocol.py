"""The LCZ Generator's protocol: whole polygons on one side, any classifier, stated repeats."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from lczlib.analysis.protocol import lcz_generator_protocol, split_polygons
from lczlib.errors import InputError
from lczlib.polygon_cells import polygon_cells
from lczlib.polygons import open_polygons
from lczlib.rasters import open_raster

LCZ = np.repeat([2, 6, 14, 17], [10, 5, 2, 1])
POLYGON = np.arange(100, 118)


class Nearest:
    """Class of the nearest training sample."""

    def fit(self, features, lcz):
        self.features, self.lcz = features, lcz

    def predict(self, features):
        return self.lcz[np.abs(features[:, None] - self.features[None]).sum(-1).argmin(1)]


def test_all_samples_of_a_polygon_fall_on_one_side():
    lcz, polygon = LCZ.repeat(7), POLYGON.repeat(7)
    splits = split_polygons(lcz, polygon, seed=4)
    seen = set()
    for _, train in zip(range(50), splits, strict=False):
        assert not set(polygon[train]) & set(polygon[~train])
        per_class = {c: len(set(polygon[train & (lcz == c)])) for c in (2, 6, 14, 17)}
        assert per_class == {2: 7, 6: 4, 14: 1, 17: 1}
        seen.add(tuple(polygon[train]))
    assert len(seen) > 40


def test_scores_come_from_the_test_side_of_each_split():
    rng = np.random.default_rng(0)
    features = LCZ.repeat(5)[:, None] + rng.normal(0, 0.1, (90, 2))
    result = lcz_generator_protocol(Nearest, features, LCZ.repeat(5), POLYGON.repeat(5))
    assert len(result.scores) == 25
    assert (result.scores["oa"] == 1).all()
    assert (result.scores["n_test"] == 25).all()  # 3 + 1 + 1 polygons of 5 samples
    assert result.untested == (17,)
    assert result.classes["pa"][17].isna().all()
    assert result.summary().loc["oa", "count"] == 25


def test_spatial_autocorrelation_does_not_leak_into_the_score():
    """Synthetic: samples share their polygon's noise; a split by sample would score near 1."""
    rng = np.random.default_rng(1)
    lcz, polygon = np.repeat([2, 6], 20), np.arange(40)
    noise = rng.normal(0, 5, 40)  # tells the polygon, not the class
    features = np.repeat(noise, 30)[:, None] + rng.normal(0, 0.01, (1200, 1))
    result = lcz_generator_protocol(Nearest, features, lcz.repeat(30), polygon.repeat(30), seed=2)
    assert result.scores["oa"].mean() < 0.7


@pytest.mark.slow
def test_a_random_forest_on_landsat_of_hong_kong(shared):
    """WUDAPT's own method on real data: OA well above chance, below what pixel splits would give."""
    image = open_raster(shared / "data/hong_kong/LC81220442014288LGN00_B1-7_B10_B11_100m.tif")
    cells = polygon_cells(
        open_polygons(shared / "data/hong_kong/lcz_training_polygons.shp"), image.odc.geobox
    )
    features = image.values[:, cells["row"], cells["col"]].T
    forest = lambda: RandomForestClassifier(30, random_state=0)  # noqa: E731
    lcz, polygon = cells["lcz"].to_numpy(), cells["polygon"].to_numpy()
    result = lcz_generator_protocol(forest, features, lcz, polygon, repeats=10)
    by_pixel = lcz_generator_protocol(forest, features, lcz, np.arange(len(lcz)), repeats=2)
    assert 0.45 < result.scores["oa"].mean() < 0.90
    assert result.scores["oa"].std() > 0
    assert by_pixel.scores["oa"].mean() > result.scores["oa"].mean() + 0.02


def test_the_same_seed_gives_the_same_splits():
    features = np.arange(18.0)[:, None]
    first, again, other = (
        lcz_generator_protocol(Nearest, features, LCZ, POLYGON, repeats=5, seed=s)
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.counts, again.counts)
    assert not first.counts.equals(other.counts)


def test_inputs_that_allow_no_test_are_refused():
    features = np.zeros((18, 2))
    with pytest.raises(InputError, match="17 polygon numbers"):
        lcz_generator_protocol(Nearest, features, LCZ, POLYGON[:-1])
    with pytest.raises(InputError, match="several classes"):
        lcz_generator_protocol(Nearest, features, LCZ, np.ones(18, int))
    with pytest.raises(InputError, match="nothing is left to test"):
        lcz_generator_protocol(Nearest, features[:2], np.array([1, 2]), np.array([1, 2]))
    with pytest.raises(InputError, match=r"training share of 1\.0"):
        lcz_generator_protocol(Nearest, features, LCZ, POLYGON, train_share=1.0)
