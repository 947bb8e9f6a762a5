"""Fields of air temperature: the model against formulas written out, known truth, and what leaks."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from field_city import simulated
from scipy import stats

from lczlib.analysis.field.covariance import Covariance, Places
from lczlib.analysis.field.ground import Ground
from lczlib.analysis.field.kriging import Kriging
from lczlib.analysis.field.likelihood import fit_covariance
from lczlib.analysis.field.model import fit_field
from lczlib.analysis.field.options import ModelOptions, PeriodOptions
from lczlib.analysis.field.record import composite, hours_that_count
from lczlib.analysis.field.validation import cross_validate
from lczlib.errors import GridError, InputError
from lczlib.grid import on_grid

KNOWN = Covariance(1.4, 0.6, 2500.0, 0.2)


def places(n: int, seed: int = 0, *, drift: bool = True) -> Places:
    rng = np.random.default_rng(seed)
    columns = [np.ones(n), rng.uniform(0, 3, n)] if drift else [np.ones(n)]
    return Places(*rng.uniform(0, 2e4, (2, n)), rng.integers(1, 6, n), np.column_stack(columns))


def dense(
    at: Places, stations: Places, y: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Universal kriging by its bordered system with Lagrange multipliers, one place after another."""
    n, p = stations.drift.shape

    def between(i: Places, j: Places, a: int, b: int) -> float:
        apart = np.hypot(i.x[a] - j.x[b], i.y[a] - j.y[b])
        same = KNOWN.zones if i.zone[a] == j.zone[b] else 0.0
        return same + KNOWN.sill * np.exp(-apart / KNOWN.length)

    c = np.array([[between(stations, stations, a, b) for b in range(n)] for a in range(n)])
    c += np.diag(KNOWN.nugget + error)
    system = np.block([[c, stations.drift], [stations.drift.T, np.zeros((p, p))]])
    found, spread = [], []
    for k in range(len(at)):
        to = np.array([between(stations, at, a, k) for a in range(n)])
        weights = np.linalg.solve(system, np.concatenate([to, at.drift[k]]))
        found.append(weights[:n] @ y)
        total = KNOWN.zones + KNOWN.sill + KNOWN.nugget
        spread.append(np.sqrt(total - weights @ np.concatenate([to, at.drift[k]])))
    return np.array(found), np.array(spread)


def test_the_prediction_is_that_of_the_bordered_kriging_system():
    stations, at = places(25), places(9, 1)
    rng = np.random.default_rng(2)
    y, error = rng.normal(20, 2, 25), rng.uniform(0, 0.3, 25)
    system = Kriging(stations, KNOWN, error)
    found, spread = system.predict(at, system.solve(y[None]))
    want, want_spread = dense(at, stations, y, error)
    np.testing.assert_allclose(found[0], want, rtol=1e-9)
    np.testing.assert_allclose(spread, want_spread, rtol=1e-9)


def test_without_zones_it_is_the_kriging_of_gstools():
    import gstools

    stations, at = places(20, drift=False), places(7, 3, drift=False)
    y = np.random.default_rng(4).normal(18, 1.5, 20)
    plain = Covariance(0.0, 0.8, 3000.0, 0.1)
    system = Kriging(stations, plain, np.zeros(20))
    found, spread = system.predict(at, system.solve(y[None]))
    model = gstools.Exponential(dim=2, var=0.8, len_scale=3000.0, nugget=0.1)
    theirs = gstools.krige.Ordinary(model, (stations.x, stations.y), y)
    field, variance = theirs((at.x, at.y), return_var=True)
    np.testing.assert_allclose(found[0], field, rtol=1e-8)
    np.testing.assert_allclose(spread**2, variance, rtol=1e-8)


@pytest.mark.parametrize("together", ["each", "zone"])
def test_stations_left_out_are_predicted_as_if_they_were_not_there(together):
    stations = places(18)
    rng = np.random.default_rng(5)
    y, error = rng.normal(20, 2, (3, 18)), rng.uniform(0, 0.3, 18)
    groups = np.arange(18) if together == "each" else stations.zone
    off, variance = Kriging(stations, KNOWN, error).left_out(y, groups)
    for i in range(18):
        kept = groups != groups[i]
        rest = Kriging(stations.pick(kept), KNOWN, error[kept])
        found, spread = rest.predict(stations.pick(np.array([i])), rest.solve(y[:, kept]))
        np.testing.assert_allclose(y[:, i] - off[:, i], found[:, 0], rtol=1e-8)
        assert variance[i] == pytest.approx(spread[0] ** 2 + error[i], rel=1e-8)


def test_a_value_cannot_leak_into_its_own_prediction():
    """Nor can its class into another's: what a station measured leaves its own prediction as it was."""
    city = simulated(24, 1, days=4)
    first = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz))
    odd = city.air.copy()
    odd["s3"] += 30.0
    second = fit_field(odd, city.sites, city.zones, Ground.of(city.lcz))
    told = []
    for found in (first, second):
        rows = cross_validate(found, designs=("station", "class")).stations
        rows = rows[rows["station"] == "s3"]
        told.append(rows.set_index(["design", "method"]))
    np.testing.assert_allclose(told[0]["predicted"], told[1]["predicted"], atol=1e-5)
    assert (told[1]["measured"] - told[0]["measured"]).round(6).eq(30.0).all()


def test_a_class_left_out_is_predicted_from_other_classes_alone():
    city = simulated(30, 2, days=4)
    hot = city.zones == city.zones.value_counts().index[0]
    air = city.air.copy()
    air.loc[:, hot.to_numpy()] += 25.0
    found = [fit_field(a, city.sites, city.zones, Ground.of(city.lcz)) for a in (city.air, air)]
    tables = [cross_validate(f, designs=("class",)).stations for f in found]
    own = [t[t["station"].isin(hot.index[hot])] for t in tables]
    np.testing.assert_allclose(own[0]["predicted"], own[1]["predicted"], atol=1e-5)


def test_the_class_of_a_left_out_station_is_its_own():
    city = simulated(40, 3, days=4)
    found = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz))
    rows = cross_validate(found, designs=("station",)).stations
    assert (rows["lcz"] == rows["station"].map(city.zones)).all()


def test_restricted_likelihood_finds_what_the_stations_were_drawn_from():
    stations = places(150, 6)
    c = KNOWN.between(stations, stations) + KNOWN.nugget * np.eye(150)
    rng = np.random.default_rng(7)
    draws = rng.multivariate_normal(20 - 0.6 * stations.drift[:, 1], c, 40)
    found = fit_covariance(stations, draws)
    assert found.sill == pytest.approx(KNOWN.sill, rel=0.25)
    assert found.nugget == pytest.approx(KNOWN.nugget, rel=0.35)
    assert found.length == pytest.approx(KNOWN.length, rel=0.3)
    assert 0.7 < found.zones / KNOWN.zones < 1.4


def test_known_effects_of_zones_and_of_height_are_found():
    city = simulated(150, 4, days=4, lapse=0.0065)
    ground = Ground.of(city.lcz, city.elevation)
    found = fit_field(city.air, city.sites, city.zones, ground)
    zones, drifts = found.effects()
    row = drifts.loc["elevation"]
    assert abs(row["effect"] + 0.65) < 2.5 * row["standard_error"] < 0.6
    truth = city.effects[zones.index] - city.effects[zones.index].mean()
    seen = zones["effect"] - zones["effect"].mean()
    assert np.abs(seen - truth).max() < 0.5
    assert np.corrcoef(seen, truth)[0, 1] > 0.95


def test_a_stated_lapse_rate_is_taken_as_it_is():
    city = simulated(40, 5, days=3, lapse=0.0065)
    ground = Ground.of(city.lcz, city.elevation, 0.0065)
    found = fit_field(city.air, city.sites, city.zones, ground)
    flat = Ground.of(city.lcz)
    level = city.air + 0.0065 * city.sites["elevation"]
    same, _ = fit_field(level, city.sites, city.zones, flat).temperature()
    field, _ = found.temperature()
    np.testing.assert_allclose(field, same - 0.0065 * city.elevation, atol=1e-3)


def test_rare_zones_are_shrunk_the_more():
    stations = places(40, drift=False)
    zone = np.where(np.arange(40) == 0, 9, np.where(np.arange(40) < 20, 1, 2))
    stations = Places(stations.x, stations.y, zone, stations.drift)
    y = np.where(zone == 9, 3.0, 0.0) + np.where(zone == 1, 3.0, 0.0)
    system = Kriging(stations, KNOWN, np.zeros(40))
    effect, error = system.zone_effects(system.solve(y[None]), np.array([1, 9]))
    assert effect[0, 0] > effect[0, 1] > 0
    assert error[1] > error[0]


def test_intervals_hold_the_truth_of_simulated_cities():
    within = []
    for seed in range(6):
        city = simulated(40, 20 + seed, days=2, size=60)
        found = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz))
        score = cross_validate(found, designs=("station",)).score("station", "lcz_kriging")
        within.append(round(score["coverage"] * score["n"]))
    low, high = stats.binomtest(int(sum(within)), 6 * 40).proportion_ci(0.99)
    assert low < 0.95 < high + 0.03, (low, high)


def test_zones_without_a_station_are_masked_or_have_the_variance_of_zones():
    city = simulated(30, 6, days=3)
    lone = int(city.zones.iloc[0])
    keep = city.zones.index[city.zones != lone]
    found = fit_field(city.air[keep], city.sites.loc[keep], city.zones[keep], Ground.of(city.lcz))
    field, error = found.temperature()
    there = city.lcz.to_numpy() == lone
    assert there.any()
    assert np.isnan(field.to_numpy()[there]).all()
    assert np.isnan(error.to_numpy()[there]).all()
    assert np.isfinite(field.to_numpy()[~there]).all()
    filled, wide = found.temperature(mask=False)
    assert np.isfinite(filled).all()
    assert (wide.to_numpy()[there] ** 2 > found.covariances[-1].zones).all()


def test_no_data_and_pixels_without_height_have_no_temperature():
    city = simulated(30, 7, days=3)
    lcz, dem = city.lcz.copy(), city.elevation.copy()
    lcz[:3], dem[5:8] = 0, np.nan
    for rate in (None, 0.0065):
        found = fit_field(city.air, city.sites, city.zones, Ground.of(lcz, dem, rate))
        field, error = found.temperature()
        for layer in (field, error):
            assert np.isnan(layer[:3]).all()
            assert np.isnan(layer[5:8]).all()
            assert np.isfinite(layer[9:]).all()


def test_one_hour_as_a_composite_and_as_an_hour_is_one_field():
    city = simulated(30, 8, days=1, size=40)
    one = city.air.iloc[[3]].ffill(axis=1)
    ground = Ground.of(city.lcz)
    mean, error = fit_field(one, city.sites, city.zones, ground).temperature()
    hourly = fit_field(one, city.sites, city.zones, ground, hourly=True)
    for rows, values, errors in hourly.rows():
        np.testing.assert_allclose(values[0], mean[rows], atol=1e-4)
        np.testing.assert_allclose(errors[0], error[rows], atol=1e-4)


def test_hours_with_gaps_have_fields_of_the_stations_that_they_have():
    city = simulated(20, 9, days=2, size=30)
    air = city.air.copy()
    air.iloc[5, 3:] = np.nan  # three stations are no field
    found = fit_field(air, city.sites, city.zones, Ground.of(city.lcz), hourly=True)
    values = np.concatenate([v for _, v, _ in found.rows()], axis=1)
    assert np.isnan(values[5]).all()
    known = np.isin(city.lcz, found.supported)
    assert np.isfinite(np.delete(values, 5, axis=0)[:, known]).all()
    assert float(np.abs(np.nanmean(values[4]) - air.iloc[4].mean())) < 2


def test_a_station_that_missed_the_warm_days_is_not_taken_for_a_cool_one():
    times = pd.date_range("2021-06-01", periods=240, freq="h", tz="UTC")
    rng = np.random.default_rng(0)
    warm = np.repeat(np.linspace(10, 25, 10), 24)
    air = pd.DataFrame({f"s{i}": warm + i + rng.normal(0, 0.1, 240) for i in range(6)}, times)
    whole = composite(air)
    np.testing.assert_allclose(whole.values, air.mean(), atol=1e-9)
    assert (whole.error == 0).all()
    air.iloc[120:, 2] = np.nan
    gaps = composite(air)
    assert gaps.values["s2"] == pytest.approx(whole.values["s2"], abs=0.05)
    assert abs(air["s2"].mean() - whole.values["s2"]) > 3
    assert gaps.error["s2"] > 0
    assert (gaps.error.drop("s2") == 0).all()


def test_persistent_weather_makes_gaps_less_certain():
    times = pd.date_range("2021-06-01", periods=24 * 60, freq="h", tz="UTC")

    def errors(memory: float) -> float:
        rng = np.random.default_rng(1)
        daily = np.zeros((60, 8))
        for d in range(1, 60):
            daily[d] = memory * daily[d - 1] + np.sqrt(1 - memory**2) * rng.normal(size=8)
        air = pd.DataFrame(np.repeat(daily, 24, axis=0), times, [f"s{i}" for i in range(8)])
        air.iloc[::2, 0] = np.nan
        return float(composite(air).error["s0"] / daily.var())

    assert errors(0.8) > 3 * errors(0.0)


def test_a_record_that_falls_apart_is_refused():
    times = pd.date_range("2021-06-01", periods=48, freq="h", tz="UTC")
    air = pd.DataFrame(1.0, times, list("abcdef")) + np.arange(6)
    air.iloc[:24, :3] = np.nan
    air.iloc[24:, 3:] = np.nan
    with pytest.raises(InputError, match="no hour in common"):
        composite(air)


@pytest.mark.parametrize(
    ("hours", "count"), [("all", 48), ("22,23,0,1", 8), ("night", None), ("day", None)]
)
def test_hours_are_of_the_local_solar_day(hours, count):
    city = simulated(8, 0, days=2, size=30)
    kept = hours_that_count(city.air, city.sites, PeriodOptions(hours=hours))
    night = hours_that_count(city.air, city.sites, PeriodOptions(hours="night"))
    day = hours_that_count(city.air, city.sites, PeriodOptions(hours="day"))
    assert len(night) + len(day) == 48
    assert len(day) > 28  # July at 52 N
    if count:
        assert len(kept) == count
    if hours == "22,23,0,1":  # at 13.5 E the sun is an hour before UTC
        assert set(kept.index.hour) == {21, 22, 23, 0} or set(kept.index.hour) == {22, 23, 0, 1}


def test_wrong_inputs_are_refused_in_words():
    city = simulated(30, 10, days=2, size=30)
    ground = Ground.of(city.lcz)
    few = city.air.iloc[:, :4]
    with pytest.raises(InputError, match="4 stations with data: a field needs at least 5"):
        fit_field(few, city.sites, city.zones, ground)
    with pytest.raises(InputError, match="All 30 stations are of LCZ 2"):
        fit_field(city.air, city.sites, city.zones * 0 + 2, ground)
    same = city.air * 0 + 15
    with pytest.raises(InputError, match="same temperature in every hour"):
        fit_field(same, city.sites, city.zones, ground)
    far = city.sites.set_geometry(city.sites.geometry.translate(3.0, 0.0))
    with pytest.raises(InputError, match="None of the 30 stations lies on the LCZ map"):
        fit_field(city.air, far, city.zones, ground)
    degrees = on_grid(city.lcz.to_numpy(), city.box_in_degrees())
    with pytest.raises(GridError, match="projected"):
        Ground.of(degrees)
    with pytest.raises(InputError, match="lapse rate needs the heights"):
        Ground.of(city.lcz, None, 0.0065)
    with pytest.raises(InputError, match="no water"):
        Ground.of(city.lcz, water=True)
    night = hours_that_count(city.air, city.sites, PeriodOptions(hours="night"))
    with pytest.raises(InputError, match="None of the record's"):
        fit_field(night, city.sites, city.zones, ground, period=PeriodOptions(hours="day"))
    with pytest.raises(InputError, match="has no values from 2022-01-01"):
        fit_field(
            city.air, city.sites, city.zones, ground, period=PeriodOptions(start="2022-01-01")
        )
    bare = city.sites.assign(elevation=np.nan)
    with pytest.raises(InputError, match="No height is known of s0"):
        fit_field(city.air, bare, city.zones, Ground.of(city.lcz, city.elevation))
    level = city.sites.assign(elevation=40.0)
    with pytest.raises(InputError, match="same elevation"):
        fit_field(city.air, level, city.zones, Ground.of(city.lcz, city.elevation))


def test_distance_to_the_coast_is_a_drift():
    city = simulated(60, 11, days=2, size=60)
    box = city.box.boundingbox
    shore = gpd.GeoSeries.from_wkt(
        [f"LINESTRING ({box.left} {box.bottom}, {box.left} {box.top})"], crs=city.box.crs.to_wkt()
    )
    ground = Ground.of(city.lcz, coast=gpd.GeoDataFrame(geometry=shore.to_crs(4326)))
    x = city.sites.geometry.to_crs(city.box.crs.to_wkt()).x
    warmed = city.air + 0.8 * (x - box.left) / 1000
    drifts = fit_field(warmed, city.sites, city.zones, ground).effects()[1]
    row = drifts.loc["coast"]
    assert abs(row["effect"] - 0.8) < 3 * row["standard_error"]
    assert row["standard_error"] < 0.3


@pytest.mark.parametrize("shape", ["exponential", "spherical", "matern"])
def test_every_model_of_correlation_makes_a_field(shape):
    city = simulated(30, 12, days=2, size=30)
    options = ModelOptions(covariance=shape)
    found = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz), options=options)
    assert found.covariances[-1].shape == shape
    ratio = Covariance(0, 1, 1000.0, 0, shape)
    at = Places(np.array([0.0, ratio.range]), np.zeros(2), np.ones(2, int), np.ones((2, 1)))
    assert ratio.between(at, at)[0, 1] == pytest.approx(0.05, abs=0.002)
