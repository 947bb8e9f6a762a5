"""Water through time: areas on the ground, their intervals, occurrence, regime, trend, LCZ G."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Geod, Transformer
from scipy import stats
from synthetic_water import BOX, backscatter, lake

from lczlib.analysis.water_check import compare_with_lcz, dark_not_water
from lczlib.analysis.water_dynamics import (
    area_trend,
    cell_areas,
    monthly,
    regime_areas,
    water_area,
    water_occurrence,
    water_regime,
)
from lczlib.errors import InputError
from lczlib.grid import on_grid

SMALL = GeoBox((64, 96), Affine(10, 0, 5e5, 0, -10, 3.5e6), "EPSG:32650")
MONTHS = np.arange("2020-01", "2021-01", dtype="datetime64[M]").astype("datetime64[ns]")


def series(layers, time, box=SMALL):
    return on_grid(
        np.asarray(layers, np.float32), box, dims=("time", "y", "x"), coords={"time": time}
    )


@pytest.mark.parametrize(
    ("crs", "affine"),
    [
        ("EPSG:32650", Affine(10, 0, 5e5, 0, -10, 4.4e6)),
        ("EPSG:4326", Affine(1e-4, 0, 116.2, 0, -1e-4, 40.0)),
        ("EPSG:4326", Affine(1e-4, 0, -70, 0, -1e-4, -53.0)),
        ("EPSG:3857", Affine(10, 0, 1.3e7, 0, -10, 4.9e6)),
        ("EPSG:3035", Affine(10, 0, 4.5e6, 0, -10, 3.2e6)),
        ("EPSG:2263", Affine(33, 0, 9.8e5, 0, -33, 2.1e5)),  # New York, in feet
    ],
)
def test_cell_areas_are_those_on_the_ellipsoid(crs, affine):
    box = GeoBox((40, 30), affine, crs)
    to_lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    corners = [affine * xy for xy in ((0, 0), (30, 0), (30, 40), (0, 40))]
    lon, lat = to_lonlat.transform(*np.transpose(corners))
    expected = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6
    assert cell_areas(box).sum() * 30 == pytest.approx(expected, rel=2e-3)


def test_web_mercator_is_not_taken_at_its_word():
    box = GeoBox((4, 4), Affine(10, 0, 1.3e7, 0, -10, 4.9e6), "EPSG:3857")
    assert cell_areas(box).mean() < 0.65e-4


def test_sure_probabilities_give_the_area_and_no_interval():
    p = np.full((1, *SMALL.shape), 0.1)
    p[0, :20, :30] = 0.9
    area = water_area(series(p, MONTHS[:1])).isel(time=0)
    truth = 600 * cell_areas(SMALL).mean()
    for key in ("area", "expected", "low", "high"):
        assert float(area[key]) == pytest.approx(truth, rel=1e-3, abs=1e-5)
    assert int(area["n_valid"]) == 64 * 96


def test_doubt_widens_the_interval_and_missing_cells_leave_it():
    p = np.full((3, *SMALL.shape), 0.1)
    p[:, :20, :30] = 0.9
    p[1, 20:24, :30] = 0.45  # below the threshold, but maybe water
    p[2, 32:] = np.nan
    area = water_area(series(p, MONTHS[:3]))
    assert float(area["area"][1]) == pytest.approx(float(area["area"][0]))
    assert float(area["expected"][1]) > float(area["area"][1])
    assert float(area["high"][1]) > float(area["low"][1]) + 1e-3
    assert float(area["valid_share"][2]) == pytest.approx(0.5, abs=1e-3)
    assert float(area["area"][2]) == pytest.approx(float(area["area"][0]))


def test_variance_takes_a_block_as_one():
    """Half-sure cells: the errors of one block add up, those of six blocks add in squares."""
    p = np.full((1, *SMALL.shape), 0.5)
    area = water_area(series(p, MONTHS[:1])).isel(time=0)
    cell, blocks = cell_areas(SMALL).mean(), 6
    spread = 1.96 * np.sqrt(blocks) * 32 * 32 * cell * 0.5
    assert float(area["high"]) == pytest.approx(float(area["expected"]) + spread, rel=1e-3)


def test_rows_read_in_bands_give_the_same_sums(monkeypatch):
    p = np.random.default_rng(1).uniform(0, 1, (2, *SMALL.shape))
    p[0, 40:50, 3:9] = np.nan
    whole = water_area(series(p, MONTHS[:2]))
    monkeypatch.setattr("lczlib.analysis.water_dynamics._BAND_BYTES", 1)
    xr.testing.assert_allclose(water_area(series(p, MONTHS[:2]).chunk(y=20)), whole)


def test_a_month_without_valid_cells_has_no_area():
    p = np.full((2, *SMALL.shape), 0.1)
    p[1] = np.nan
    area = water_area(series(p, MONTHS[:2]))
    assert np.isnan(area["area"][1])
    assert float(area["valid_share"][1]) == 0


def test_scenes_of_a_month_are_averaged_where_valid():
    p = np.full((3, *SMALL.shape), 0.2)
    p[1] = 0.6
    p[1, 0] = np.nan
    time = np.array(["2020-03-02", "2020-03-26", "2020-05-01"], "datetime64[ns]")
    found = monthly(series(p, time))
    assert list(found.time.values.astype("datetime64[M]").astype(str)) == ["2020-03", "2020-05"]
    assert list(found["n_scenes"].values) == [2, 1]
    np.testing.assert_allclose(found[0, 1:], 0.4, rtol=1e-6)
    np.testing.assert_allclose(found[0, 0], 0.2, rtol=1e-6)
    with pytest.raises(InputError, match="dimension 'time'"):
        monthly(series(p, time).isel(time=0))


def test_occurrence_counts_valid_months_and_regime_follows():
    p = np.full((4, *SMALL.shape), 0.1)
    p[:, 0] = 0.9  # always
    p[:2, 1] = 0.9  # half of the months
    p[2:, 0] = np.nan  # seen twice only, wet both times
    p[:, 2] = np.nan
    p[1:, 3] = np.nan
    p[0, 3] = 0.9  # one valid month
    found = water_occurrence(series(p, MONTHS[:4]))
    np.testing.assert_array_equal(found["occurrence"][:5, 0], [1, 0.5, np.nan, 1, 0])
    np.testing.assert_array_equal(found["n_months"][:5, 0], [2, 4, 0, 1, 4])
    regime = water_regime(found)
    np.testing.assert_array_equal(regime[:5, 0], [2, 1, 255, 255, 0])
    np.testing.assert_array_equal(water_regime(found, permanent_from=0.5)[:2, 0], [2, 2])
    areas, row = regime_areas(regime), 96 * cell_areas(SMALL)[0]
    assert areas["permanent"] == pytest.approx(row, rel=1e-4)
    assert areas["seasonal"] == pytest.approx(row, rel=1e-4)
    assert areas["judged"] == pytest.approx(62 * row, rel=1e-4)
    with pytest.raises(InputError, match="Permanent water from a share of 2"):
        water_regime(found, permanent_from=2)


def areas_of(values, start="2018-01", share=1.0):
    time = np.datetime64(start) + np.arange(len(values)).astype("timedelta64[M]")
    data = {"area": ("time", values), "valid_share": ("time", np.full(len(values), share))}
    return xr.Dataset(data, {"time": time.astype("datetime64[ns]")})


def test_trend_sees_through_the_season():
    n = np.arange(48)
    rng = np.random.default_rng(5)
    cycle = 10 * np.sin(2 * np.pi * n / 12)
    trend = area_trend(areas_of(50 + cycle + 0.5 * n / 12 + rng.normal(0, 0.1, 48)))
    assert trend.seasonal
    assert trend.slope_low < 0.5 < trend.slope_high
    assert trend.slope_high - trend.slope_low < 0.1
    assert trend.p_value < 1e-6
    assert area_trend(areas_of(50 + cycle + rng.normal(0, 0.1, 48))).p_value > 0.01


def test_trend_of_one_year_is_sens_slope_and_kendalls_test():
    values = np.array([3.0, 4.1, 3.9, 5.2, 5.0, 6.3, 7.7, 6.9])
    data = areas_of(values)
    trend = area_trend(data)
    years = (data.time.values - data.time.values[0]) / np.timedelta64(1, "D") / 365.25
    expected = stats.theilslopes(values, years, 0.95)
    assert not trend.seasonal
    assert trend.slope == pytest.approx(expected.slope)
    assert trend.slope_low == pytest.approx(expected.low_slope)
    assert trend.slope_high == pytest.approx(expected.high_slope)
    exact = stats.kendalltau(years, values).pvalue
    assert trend.p_value == pytest.approx(exact, abs=0.005)


def test_trend_needs_months_that_were_seen():
    with pytest.raises(InputError, match="at least 4 months"):
        area_trend(areas_of(np.arange(12.0), share=0.5))


def test_lcz_g_is_checked_against_radar_water():
    fine = GeoBox((100, 100), Affine(10, 0, 5e5, 0, -10, 3.5e6), "EPSG:32650")
    coarse = GeoBox((12, 10), Affine(100, 0, 5e5, 0, -100, 3.5e6), "EPSG:32650")
    water = np.zeros(fine.shape, np.uint8)
    water[:, :36] = 1  # three columns of cells, and 60% of a fourth
    water[:10] = 255
    lcz = np.full(coarse.shape, 14, np.uint8)
    lcz[:, :3] = 17
    lcz[9, 9] = 17
    lcz[8, 9] = 0
    found = compare_with_lcz(on_grid(lcz, coarse), on_grid(water, fine))
    # rows 1-9 are seen; the lowest two rows of the LCZ map lie outside the water map
    assert found["n"] == 9 * 10 - 1
    assert (found["both"], found["lcz_only"], found["radar_only"]) == (27, 1, 9)
    assert found["neither"] == found["n"] - 37
    assert found["agreement"] == pytest.approx((found["n"] - 10) / found["n"])
    assert found["jaccard"] == pytest.approx(27 / 37)
    shares = {c["lcz"]: c for c in found["classes"]}
    assert shares[17]["n"] == 28
    assert shares[17]["water_share"] == pytest.approx(27 / 28, abs=1e-3)
    with pytest.raises(InputError, match="No cell is valid"):
        compare_with_lcz(on_grid(lcz * 0, coarse), on_grid(water, fine))


def test_dark_areas_that_are_not_mapped_are_counted():
    dark = np.zeros(SMALL.shape, bool)
    dark[:10, :20] = dark[40:44, 50:60] = True
    values = np.where(dark, [[[-19.0]], [[-25.0]]], [[[-19.0]], [[-15.0]]])  # VH tells them apart
    values[:, 41, 50] = np.nan
    bands = {"dims": ("band", "y", "x"), "coords": {"band": ["VV_as", "VH_as"]}}
    p = np.full(SMALL.shape, 0.1)
    p[:10, :20] = 0.8
    found = dark_not_water(on_grid(values, SMALL, **bands), on_grid(p, SMALL))
    assert found == pytest.approx(39 * cell_areas(SMALL).mean(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("orbit", ["as", "des"])
def test_a_lake_cycle_is_within_the_stated_intervals(shared, tmp_path, monkeypatch, orbit):
    """Synthetic radar of a lake whose area is known, through the network, month by month."""
    from lczlib.mapping.water import load_water_model, water_map

    monkeypatch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    model = load_water_model(orbit, "cpu")
    radii = 70 + 35 * np.sin(2 * np.pi * (np.arange(12) - 3) / 12)
    lakes = [lake(r) for r in radii]
    maps = [
        water_map(backscatter(w, seed=i), orbit, edges="mirror", model=model)
        for i, w in enumerate(lakes)
    ]
    p = series([m.probability.values for m in maps], MONTHS, BOX)
    areas = water_area(monthly(p))
    cell = cell_areas(BOX)[:, None]
    truth = np.array([(w * cell).sum() for w in lakes])
    for t, a, low, high in zip(
        truth, areas["area"].values, areas["low"], areas["high"], strict=True
    ):
        print(f"{orbit}: true {t:.3f}, mapped {a:.3f}, interval {low:.3f}-{high:.3f} km2")  # noqa: T201 - the figure is wanted
    assert ((areas["low"] <= truth) & (truth <= areas["high"])).all()
    assert np.abs(areas["area"] / truth - 1).max() < 0.1
    assert float((areas["high"] - areas["low"]).max()) < 0.5  # an interval that says something

    found = regime_areas(water_regime(water_occurrence(monthly(p))))
    assert found["permanent"] == pytest.approx(truth.min(), rel=0.12)
    assert found["permanent"] + found["seasonal"] == pytest.approx(truth.max(), rel=0.05)
