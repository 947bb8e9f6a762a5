"""Calibration: known probabilities give known gaps; intervals follow polygons and blocks."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box as rectangle

from lczlib.analysis.calibration import calibration
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, probabilities

BOX = GeoBox((300, 200), Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")


def simulated(stated, true, seed=0):
    """Synthetic map whose top probability is `stated` and right with frequency `true`."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 18, BOX.shape)
    right = rng.random(BOX.shape) < true
    top = np.where(right, truth, (truth + rng.integers(0, 16, BOX.shape)) % 17 + 1)
    stated = np.broadcast_to(stated, BOX.shape)
    p = np.where(np.arange(1, 18)[:, None, None] == top, stated, (1 - stated) / 16)
    proba = probabilities(on_grid(p.astype(np.float32), BOX, ("lcz", "y", "x")))
    return proba, lcz_map(on_grid(truth.astype(np.uint8), BOX))


def test_honest_probabilities_have_no_calibration_error():
    stated = np.random.default_rng(1).uniform(0.3, 1, BOX.shape)
    result = calibration(*simulated(stated, stated), replicates=200)
    assert result.n == 60_000
    assert result.ece < 0.01
    seen = result.reliability[result.reliability["n"] > 0]
    np.testing.assert_allclose(seen["accuracy"], seen["confidence"], atol=0.03)
    assert (seen["accuracy_ci_low"] <= seen["accuracy"]).all()
    assert (seen["accuracy"] <= seen["accuracy_ci_high"]).all()


def test_overconfidence_shows_as_its_size():
    result = calibration(*simulated(0.85, 0.6), replicates=200)
    assert result.ece == pytest.approx(0.25, abs=0.01)
    assert result.ece_ci[0] < 0.25 < result.ece_ci[1]
    (only,) = result.reliability[result.reliability["n"] > 0].to_dict("records")
    assert (only["low"], only["n"]) == (pytest.approx(0.8), 60_000)
    empty = result.reliability[result.reliability["n"] == 0]
    assert empty["accuracy"].isna().all()


def test_a_map_is_better_where_it_is_surer():
    stated = np.random.default_rng(2).uniform(0.2, 1, BOX.shape)
    result = calibration(*simulated(stated, stated), replicates=200)
    table = result.certainty
    assert table["n"].iloc[0] == 60_000
    assert table["share"].iloc[0] == 1
    kept = table[table["n"] > 500]
    assert len(kept) > 6
    assert kept["accuracy"].is_monotonic_increasing
    assert kept["n"].is_monotonic_decreasing


def test_cells_without_probabilities_or_reference_do_not_count():
    proba, reference = simulated(0.7, 0.7)
    proba = proba.where(on_grid(np.indices(BOX.shape)[0] >= 100, BOX))
    reference = reference.where(reference > 8, 0).astype(np.uint8)
    expected = int((reference.values[100:] > 0).sum())
    assert calibration(proba, reference, replicates=100).n == expected


def test_lazy_probabilities_give_the_same():
    proba, reference = simulated(np.linspace(0.3, 0.99, 200), np.linspace(0.3, 0.99, 200))
    eager = calibration(proba, reference, replicates=100)
    lazy = calibration(proba.chunk(y=70, x=90), reference.chunk(y=110), replicates=100)
    pd.testing.assert_frame_equal(lazy.reliability, eager.reliability)
    pd.testing.assert_frame_equal(lazy.certainty, eager.certainty)
    assert (lazy.ece, lazy.ece_ci) == (eager.ece, eager.ece_ci)


def test_polygons_are_the_units_where_they_are_the_reference():
    proba, _ = simulated(0.7, 0.7)
    shapes, codes = [], []
    for i in range(12):
        shapes.append(rectangle(5e5 + 1500 * i, 4.99e6, 5e5 + 1500 * i + 1000, 4.99e6 + 2000))
        codes.append(1 + i % 3)
    polygons = gpd.GeoDataFrame(
        {"lcz": np.array(codes, np.uint8), "polygon": range(1, 13)},
        geometry=shapes,
        crs="EPSG:32633",
    )
    result = calibration(proba, polygons, replicates=100)
    assert (result.unit, result.n_units, result.n) == ("polygon", 12, 2400)


def test_what_cannot_be_matched_is_refused():
    proba, reference = simulated(0.7, 0.7)
    with pytest.raises(GridError, match="grids differ"):
        calibration(proba, reference[:-1])
    with pytest.raises(InputError, match="No labelled cell"):
        calibration(proba, reference * 0)
