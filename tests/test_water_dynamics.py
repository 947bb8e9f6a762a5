"""Water through time: monthly means, occurrence, regime, trend; and LCZ G against it."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import stats

from lczlib.analysis.water_area import cell_areas
from lczlib.analysis.water_check import compare_with_lcz
from lczlib.analysis.water_dynamics import (
    area_trend,
    monthly,
    regime_areas,
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
