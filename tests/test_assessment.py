"""The whole assessment of a map: scores, intervals, sample sizes, what was left out, errors."""

import time

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box as rectangle

from lczlib.analysis.assessment import assess, assess_units, default_block
from lczlib.analysis.confusion import polygon_confusion
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map
from lczlib.polygons import open_polygons


def raster(values, x=0.0, crs="EPSG:32633"):
    values = np.asarray(values, np.uint8)
    box = GeoBox(values.shape, Affine(100, 0, x, 0, -100, 100 * values.shape[0]), crs)
    return lcz_map(on_grid(values, box))


@pytest.fixture(scope="module")
def hong_kong(shared):
    path = f"zip://{shared}/mirror/prd_lcz_2020.zip!tiff/prd_lcz_v0817c.tif"
    return (
        open_lcz_map(path, chunks={"y": 2048, "x": 2048}),
        open_lcz_map(shared / "data/hong_kong/hong_kong_lcz_GT.tif"),
        open_polygons(shared / "data/hong_kong/lcz_training_polygons.shp"),
    )


def test_pearl_river_delta_on_hong_kong_with_polygon_intervals(hong_kong):
    lcz, reference, polygons = hong_kong
    result = assess(lcz, reference, units=polygons, resampling="nearest")
    assert result.n == 8846
    assert result.scores["oa"] == pytest.approx(0.6743, abs=5e-5)
    assert result.method["unit"] == "polygon"
    assert result.method["n_units"] == 173
    low, high = result.intervals["oa_ci"]
    assert 0.55 < low < 0.6743 < high < 0.80  # 173 polygons are no 8,846 samples
    present = result.classes[result.classes["n_reference"] > 0]
    assert len(present) == 13
    for score in ("pa", "ua", "f1"):
        assert (present[f"{score}_ci_low"] <= present[score]).all()
        assert (present[score] <= present[f"{score}_ci_high"]).all()
    assert result.classes.loc[7, ["pa", "pa_ci_low", "f1"]].isna().all()


def test_without_polygons_blocks_are_drawn(hong_kong):
    lcz, reference, _ = hong_kong
    result = assess(lcz, reference, resampling="nearest")
    assert result.method["unit"] == "block"
    assert result.method["block_cells"] == 20
    low, high = result.intervals["oa_ci"]
    assert high - low > 0.1  # 8,846 independent cells would give 0.02


def test_polygons_are_laid_onto_the_maps_own_grid(hong_kong):
    lcz, _, polygons = hong_kong
    result = assess(lcz, polygons)
    assert result.n == 9543  # its cells are 0.000833 degrees: smaller than 100 m from east to west
    assert abs(result.scores["oa"] - 0.6743) < 0.01


def test_plain_values_hold_the_contract(hong_kong):
    lcz, reference, polygons = hong_kong
    out = assess(lcz, reference, units=polygons, resampling="nearest", replicates=200).to_dict()
    assert {"oa", "aa", "kappa", "oau", "oabu", "oaw", "n", "classes", "confusion_matrix"} <= set(
        out
    )
    assert out["oa_ci"][0] < out["oa"] < out["oa_ci"][1]
    assert [c["lcz"] for c in out["classes"]] == list(range(1, 18))
    keys = {"lcz", "pa", "ua", "f1", "pa_ci", "ua_ci", "f1_ci", "n_reference", "n_predicted"}
    assert keys <= set(out["classes"][0])
    assert sum(c["n_reference"] for c in out["classes"]) == out["n"]
    assert np.sum(out["confusion_matrix"], 1).tolist() == [c["n_reference"] for c in out["classes"]]
    assert out["intervals"]["seed"] == 0
    assert out["left_out"]["no_reference"] > 0


TRUTH = np.repeat([2, 6, 8, 14], 10)[None, :].repeat(40, 0)


def test_a_perfect_map_is_perfect():
    result = assess(raster(TRUTH), raster(TRUTH))
    names = ("oa", "aa", "kappa", "oau", "oabu", "oaw", "mean_f1")
    assert result.scores == dict.fromkeys(names, 1.0)


def test_errors_name_what_is_wrong():
    lcz = raster(TRUTH)
    with pytest.raises(GridError, match="grids differ"):
        assess(lcz, raster(TRUTH, x=50))
    with pytest.raises(GridError, match="EPSG:32634"):
        assess(lcz, raster(TRUTH, crs="EPSG:32634"))
    with pytest.raises(GridError, match="do not overlap"):
        assess(lcz, raster(TRUTH, x=1e6), resampling="nearest")
    with pytest.raises(InputError, match="the reference is empty"):
        assess(lcz, raster(np.zeros_like(TRUTH)))
    with pytest.raises(InputError, match=r"single class \(LCZ 6, 1600 cells\)"):
        assess(lcz, raster(np.full_like(TRUTH, 6)))
    with pytest.raises(InputError, match="too few for an interval"):
        assess(lcz, lcz, replicates=5)


def areas(*places):
    shapes = [rectangle(100 * a, 100 * b, 100 * c, 100 * d) for _, a, b, c, d in places]
    table = {
        "lcz": np.array([p[0] for p in places], np.uint8),
        "polygon": range(1, len(places) + 1),
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32633")


def test_crossing_polygons_are_reported_and_contested_cells_left_out():
    polygons = areas((2, 0, 0, 8, 10), (6, 6, 0, 16, 10), (8, 20, 0, 28, 10))
    result = assess(raster(TRUTH), polygons)
    assert result.left_out["contested_cells"] == 20
    assert result.n == 60 + 80 + 80
    (pair,) = result.to_dict()["crossing_polygons"]
    assert (pair["polygon_a"], pair["polygon_b"], pair["lcz_a"], pair["lcz_b"]) == (1, 2, 2, 6)
    assert pair["area"] == pytest.approx(200_000, rel=0.01)


def test_a_class_with_one_polygon_has_a_score_but_no_interval():
    polygons = areas((2, 0, 0, 4, 4), (6, 11, 0, 14, 4), (6, 16, 0, 19, 4))
    result = assess(raster(TRUTH), polygons)
    assert result.classes.loc[2, "pa"] == 1
    assert np.isnan(result.classes.loc[2, "pa_ci_low"])
    assert result.classes.loc[6, "pa_ci_low"] == pytest.approx(0.025**0.5)  # two of two right
    assert result.classes.loc[2, "n_units"] == 1


def test_a_single_unit_has_scores_without_intervals():
    one = polygon_confusion(areas((2, 0, 0, 4, 4), (6, 8, 0, 14, 4)), raster(TRUTH))
    whole = one.sum("polygon").expand_dims("city")
    result = assess_units(whole)
    assert result.scores["oa"] == pytest.approx((16 + 16) / 40)
    assert np.isnan(result.intervals["oa_ci"]).all()
    assert result.method["method"] == "none, a single city"


def test_polygons_must_hold_every_labelled_cell_of_the_raster_they_explain():
    with pytest.raises(InputError, match="lie in none of the polygons"):
        assess(raster(TRUTH), raster(TRUTH), units=areas((2, 0, 0, 8, 10), (6, 10, 0, 16, 10)))


def test_a_stratified_sample_adds_areas_with_standard_errors():
    rng = np.random.default_rng(0)
    sample = np.where(rng.random(TRUTH.shape) < 0.2, TRUTH, 0)
    mapped = np.where(rng.random(TRUTH.shape) < 0.8, TRUTH, rng.choice([2, 6, 8, 14], TRUTH.shape))
    result = assess(raster(mapped), raster(sample), stratified_sample=True)
    weighted = result.to_dict()["area_weighted"]
    assert weighted["n"] == result.n == int((sample > 0).sum())
    assert weighted["oa"] == pytest.approx(0.85, abs=4 * weighted["oa_se"])
    truth = 4.0  # km2 of each class
    for row in weighted["classes"]:
        if row["lcz"] in (2, 6, 8, 14):
            assert row["area_km2"] == pytest.approx(truth, abs=4 * row["area_se_km2"])


def test_blocks_grow_with_the_map():
    assert default_block((528, 529)) == 20
    assert default_block((10_000, 10_000)) == 157


@pytest.mark.slow
def test_ten_thousand_polygons_are_assessed_within_seconds():
    rng = np.random.default_rng(0)
    lcz = raster(np.kron(rng.integers(1, 18, (50, 50)), np.ones((8, 8), int)))
    centre, reach = rng.random((10_000, 2)) * 40_000, rng.uniform(60, 200, 10_000)
    shapes = shapely.buffer(shapely.points(centre), reach, quad_segs=3)
    table = {"lcz": rng.integers(1, 18, 10_000).astype(np.uint8), "polygon": range(1, 10_001)}
    polygons = gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32633")
    begun = time.process_time()
    result = assess(lcz, polygons)
    assert time.process_time() - begun < 5
    assert result.method["n_units"] > 9_000
