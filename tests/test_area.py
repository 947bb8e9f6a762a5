"""Areas: as mapped, and after Olofsson et al. (2014) from a stratified sample."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from lczlib.analysis.area import class_areas, row_cell_areas, stratified_estimate
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map

SAMPLE = np.zeros((17, 17))
"""The worked example of Olofsson et al. 2014, table 8 (rows = reference here): deforestation,
forest gain, stable forest, stable non-forest in the places of LCZ 1-4."""
SAMPLE[:4, :4] = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]).T
PIXELS = np.zeros(17)
PIXELS[:4] = [200_000, 150_000, 3_200_000, 6_450_000]
KM2 = PIXELS * 900 / 1e6  # Landsat pixels of 30 m


def test_the_worked_example_of_olofsson_comes_out():
    """Section 5.2.3: 235,086 pixels of deforestation, 21,158 +- 6,158 ha; OA 0.95 +- 0.02."""
    estimate = stratified_estimate(SAMPLE, KM2)
    first = estimate.classes.loc[1]
    assert first["share"] * PIXELS.sum() == pytest.approx(235_086, abs=10)
    assert first["area_km2"] * 100 == pytest.approx(21_158, abs=1)
    half = (first["area_ci_high_km2"] - first["area_ci_low_km2"]) / 2 * 100
    assert half == pytest.approx(6_158, abs=2)
    assert estimate.n == 640
    oa, oa_se = estimate.overall
    assert (round(oa, 2), round(1.96 * oa_se, 2)) == (0.95, 0.02)
    ua = estimate.classes["ua"][:4]
    np.testing.assert_array_equal(np.round(ua, 2), [0.88, 0.73, 0.93, 0.96])
    np.testing.assert_array_equal(
        np.round(1.96 * estimate.classes["ua_se"][:4], 2), [0.07, 0.10, 0.04, 0.02]
    )
    np.testing.assert_array_equal(np.round(estimate.classes["pa"][:4], 2), [0.75, 0.85, 0.93, 0.96])
    assert round(1.96 * estimate.classes.loc[1, "pa_se"], 2) == 0.21
    assert estimate.classes.loc[5:, "n"].sum() == 0


@pytest.mark.slow
def test_standard_errors_match_the_spread_of_repeated_samples():
    """Synthetic population of three classes, sampled anew 2,000 times."""
    rng = np.random.default_rng(8)
    truth = np.array([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.02, 0.03, 0.95]])  # map -> reference
    area = np.zeros(17)
    area[:3] = [10, 30, 60]
    shares, errors, pa, pa_errors = [], [], [], []
    for _ in range(2000):
        counts = np.zeros((17, 17))
        for i in range(3):
            counts[:3, i] = rng.multinomial(120, truth[i])
        estimate = stratified_estimate(counts, area).classes
        shares.append(estimate["share"][:3])
        errors.append(estimate["share_se"][:3])
        pa.append(estimate["pa"][:3])
        pa_errors.append(estimate["pa_se"][:3])
    np.testing.assert_allclose(np.mean(shares, 0), area[:3] / 100 @ truth, atol=0.002)
    np.testing.assert_allclose(np.mean(errors, 0), np.std(shares, 0), rtol=0.06)
    np.testing.assert_allclose(np.mean(pa_errors, 0), np.std(pa, 0), rtol=0.08)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_estimated_areas_add_up_to_the_map(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, (17, 17)) + 2 * np.eye(17, dtype=int)
    area = rng.uniform(1, 100, 17)
    estimate = stratified_estimate(counts, area)
    assert estimate.classes["area_km2"].sum() == pytest.approx(area.sum())
    assert 0 <= estimate.overall[0] <= 1
    assert (estimate.classes["pa"].between(0, 1)).all()


def test_a_mapped_class_without_samples_is_named():
    area = KM2.copy()
    area[12] = 5
    with pytest.raises(InputError, match="LCZ C have less than two samples"):
        stratified_estimate(SAMPLE, area)
    with pytest.raises(InputError, match="LCZ 4 have samples but no area"):
        stratified_estimate(SAMPLE, np.where(np.arange(17) == 3, 0, KM2))


def checkerboard(crs, affine, shape=(60, 50)):
    values = np.where(np.indices(shape).sum(0) % 2, 6, 14).astype(np.uint8)
    values[:, 0] = 0
    return lcz_map(on_grid(values, GeoBox(shape, affine, crs)))


@pytest.mark.parametrize("chunks", [None, {"y": 13, "x": 20}])
def test_areas_of_projected_cells(chunks):
    lcz = checkerboard("EPSG:32633", Affine(100, 0, 5e5, 0, -100, 5e6))
    areas = class_areas(lcz if chunks is None else lcz.chunk(chunks))
    assert areas.loc[6, "n_cells"] + areas.loc[14, "n_cells"] == 60 * 49
    assert areas["area_km2"].sum() == pytest.approx(60 * 49 * 0.01)
    assert areas["share"].sum() == pytest.approx(1)


def test_cells_in_degrees_shrink_towards_the_pole():
    box = GeoBox((180, 1), Affine(1, 0, 0, 0, -1, 90), "EPSG:4326")
    area = row_cell_areas(box)
    assert area.sum() * 360 == pytest.approx(510_065_621e6, rel=1e-6)  # surface of WGS 84
    np.testing.assert_allclose(area, area[::-1], rtol=1e-9)
    assert area[0] < area[89] / 50


def test_areas_in_degrees_agree_with_those_in_utm(shared):
    degrees = open_lcz_map(shared / "data/lcz_maps/sydney_lcz_generator_3band.tif")
    from lczlib.grid import to_grid

    utm = to_grid(degrees, degrees.odc.output_geobox("EPSG:32756", resolution=100), "nearest")
    a, b = class_areas(degrees), class_areas(utm)
    common = a["n_cells"] > 2000
    np.testing.assert_allclose(a["area_km2"][common], b["area_km2"][common], rtol=0.02)
