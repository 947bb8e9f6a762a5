"""The canopy heat island: Berlin's stations, synthetic networks with known truth, wrong input."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat.canopy import CanopyOptions, canopy_heat_island
from lczlib.analysis.heat.quality import LEVELS, qn_scale, quality_control
from lczlib.analysis.heat.solar import local_solar_time, solar_elevation
from lczlib.analysis.heat.station_zones import read_classes, station_classes, with_elevation
from lczlib.analysis.heat.stations import read_stations
from lczlib.analysis.heat.weather import read_weather
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map

INNER = {"bamberger": 2, "dessauer": 5}
RURAL = ("baruth", "berge", "kaniswall", "lindenberg", "muencheberg", "neuruppin", "zehdenick")


@pytest.fixture(scope="module")
def berlin(shared):
    return read_stations(
        shared / "data/berlin/uco_air_temperature_2019-2020.parquet", time_zone="UTC"
    )


def _network(zones: dict[str, int], hours: int = 24 * 60, seed: int = 0):
    """Synthetic: stations of given classes; LCZ 2 is 3 K warmer by night, 0.5 K by day."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2021-06-01", periods=hours, freq="h", tz="UTC", name="time")
    sites = gpd.GeoDataFrame(
        {"elevation": 40.0, "lcz": 0},
        geometry=gpd.points_from_xy(
            13.3 + 0.01 * np.arange(len(zones)), np.full(len(zones), 52.5), crs=4326
        ),
        index=list(zones),
    )
    night = solar_elevation(times, 52.5, 13.3) < 0
    base = 18 + 6 * np.sin((times.hour.to_numpy() - 9) / 24 * 2 * np.pi)
    air = {
        name: base
        + (zone == 2) * np.where(night, 3.0, 0.5)
        + rng.normal(0, 0.2)
        + rng.normal(0, 0.1, hours)
        for name, zone in zones.items()
    }
    return pd.DataFrame(air, index=times), sites, pd.Series(zones)


ZONES = {f"d{i}": 14 for i in range(6)} | {f"c{i}": 2 for i in range(5)}


def test_berlin_is_warmest_inside_at_night(berlin):
    zones = {**INNER, **dict.fromkeys(RURAL, 14)}
    air = berlin.air[list(zones)]
    result = canopy_heat_island(air, berlin.sites, pd.Series(zones))
    for number in (2, 5):
        cycle = result.diurnal[result.diurnal["lcz"] == number].set_index("hour")["difference"]
        assert cycle.idxmax() in (20, 21, 22, 23, 0, 1, 2, 3)
        assert cycle.max() > 1.5
        assert cycle.loc[8:11].mean() < 0.6
        assert result.classes.loc[number, "night_maximum"] > cycle.max()
    heat = result.subsets[result.subsets["lcz"] == 5].set_index("subset")["difference"]
    assert heat["heat-wave nights"] > heat["night"] > heat["day"]


def test_berlin_times_need_their_zone_and_are_not_local(shared):
    path = shared / "data/berlin/uco_air_temperature_2019-2020.parquet"
    with pytest.raises(InputError, match="carry no time zone: state it with --time-zone"):
        read_stations(path)
    with pytest.raises(InputError, match=r"2019-03-31 02:00, of stations .* skips in spring"):
        read_stations(path, time_zone="Europe/Berlin")


def test_outlier_levels_take_berlins_hottest_streets_for_errors(berlin):
    strict = quality_control(berlin.air, berlin.sites, LEVELS).report
    gentle = quality_control(berlin.air, berlin.sites, ("duplicates", "correlation")).report
    assert strict.loc["dessauer", "n_kept"] < 0.05 * strict.loc["dessauer", "n_given"]
    assert gentle["n_kept"].sum() > 0.99 * gentle["n_given"].sum()
    removed = strict[list(LEVELS)].sum(axis=1)
    assert (strict["n_given"] - removed == strict["n_kept"]).all()


def test_known_differences_are_found_by_day_and_night():
    result = canopy_heat_island(*_network(ZONES))
    parts = result.subsets[result.subsets["lcz"] == 2].set_index("subset")
    assert parts.loc["night", "difference"] == pytest.approx(3.0, abs=0.3)
    assert parts.loc["day", "difference"] == pytest.approx(0.5, abs=0.3)
    row = result.classes.loc[2]
    assert row["ci_low"] < row["difference"] < row["ci_high"]
    assert row["interval_over"] == "stations and days"
    assert result.classes.loc[14, "difference"] == pytest.approx(0, abs=1e-6)
    hours = result.diurnal[result.diurnal["lcz"] == 2].set_index("hour")["difference"]
    assert hours[[0, 1, 23]].mean() - hours[[11, 12, 13]].mean() == pytest.approx(2.5, abs=0.1)


@pytest.mark.slow
def test_intervals_hold_the_truth_where_stations_are_drawn_and_less_often_for_one_station():
    held = {"both": [], "one": []}
    for seed in range(40):
        air, sites, zones = _network(ZONES, hours=24 * 15, seed=seed)
        options = CanopyOptions(replicates=200, seed=seed)
        night = canopy_heat_island(air, sites, zones, options).subsets
        row = night[(night["lcz"] == 2) & (night["subset"] == "night")].iloc[0]
        held["both"].append(row["ci_low"] <= 3.0 <= row["ci_high"])
        two = [*[f"d{i}" for i in range(6)], "c0"]
        night = canopy_heat_island(air[two], sites.loc[two], zones[two], options).subsets
        row = night[(night["lcz"] == 2) & (night["subset"] == "night")].iloc[0]
        held["one"].append(row["ci_low"] <= 3.0 <= row["ci_high"])
    assert np.mean(held["both"]) >= 0.85
    assert np.mean(held["one"]) < np.mean(held["both"])


def test_one_station_is_not_a_class_and_says_so():
    air, sites, zones = _network({**{f"d{i}": 14 for i in range(4)}, "c0": 2})
    row = canopy_heat_island(air, sites, zones).classes.loc[2]
    assert row["n_stations"] == 1
    assert row["interval_over"] == "reference stations and days"
    assert "leaves out how such stations differ" in row["note"]
    assert np.isnan(row["station_sd"])


def test_the_median_over_hours_is_to_be_had():
    air, sites, zones = _network(ZONES)
    air.loc[air.index[:200], "c0"] += 40.0
    mean = canopy_heat_island(air, sites, zones, CanopyOptions(statistic="mean")).classes
    median = canopy_heat_island(air, sites, zones, CanopyOptions(statistic="median")).classes
    assert mean.loc[2, "difference"] > median.loc[2, "difference"] + 0.3
    assert np.isfinite(median.loc[2, "ci_low"])


def test_gaps_in_the_reference_leave_those_hours_out():
    air, sites, zones = _network(ZONES)
    air.iloc[:100, :6] = np.nan
    assert canopy_heat_island(air, sites, zones).classes.loc[2, "n_hours"] == len(air) - 100


def test_calm_and_clear_nights_are_a_subset():
    air, sites, zones = _network(ZONES)
    weather = pd.DataFrame({"wind": 5.0, "cloud": 8.0}, index=air.index)
    weather.iloc[:480] = 1.0
    subsets = canopy_heat_island(air, sites, zones, weather=weather).subsets
    calm = subsets[(subsets["lcz"] == 2) & (subsets["subset"] == "calm and clear nights")].iloc[0]
    assert 0 < calm["n_hours"] <= 480


def test_without_low_plants_there_are_no_differences_until_scrub_is_asked_for():
    air, sites, zones = _network(ZONES)
    scrub = zones.replace(14, 13)
    result = canopy_heat_island(air, sites, scrub)
    assert result.reference.classes == ()
    assert "LCZ D has no station; ask for LCZ C" in result.reference.note
    assert result.classes["difference"].isna().all()
    assert result.classes.loc[2, "mean"] == pytest.approx(
        air.loc[:, (zones == 2).to_numpy()].mean(axis=1).mean()
    )
    asked = canopy_heat_island(air, sites, scrub, CanopyOptions(fallback=True))
    assert asked.reference.label == "LCZ C in place of LCZ D, because LCZ D has no station"
    np.testing.assert_allclose(
        asked.classes.loc[2, "difference"],
        canopy_heat_island(air, sites, zones).classes.loc[2, "difference"],
    )
    trees = canopy_heat_island(air, sites, zones.replace(14, 11), CanopyOptions(fallback=True))
    assert trees.reference.classes == ()


def test_another_reference_tells_its_bias_against_low_plants():
    air, sites, zones = _network(ZONES)
    result = canopy_heat_island(air, sites, zones, CanopyOptions(reference="2"))
    expected = canopy_heat_island(air, sites, zones).classes.loc[2, "difference"]
    assert result.reference_bias == pytest.approx(expected)
    assert "LCZ 2 is +" in result.bias
    assert "stations)" in result.bias


def _long(air: pd.DataFrame, sites: gpd.GeoDataFrame) -> pd.DataFrame:
    table = (
        air.tz_localize(None)
        .rename_axis("date")
        .reset_index()
        .melt("date", var_name="station", value_name="airT")
    )
    return table.assign(
        Latitude=table["station"].map(sites.geometry.y),
        Longitude=table["station"].map(sites.geometry.x),
    )


def test_long_wide_and_geopackage_files_read_the_same(tmp_path):
    air, sites, _ = _network(ZONES, hours=48)
    table = _long(air, sites)
    table.to_csv(tmp_path / "long.csv", index=False)
    air.tz_localize(None).rename_axis("time").reset_index().to_csv(
        tmp_path / "wide.csv", index=False
    )
    sites.assign(station=sites.index).to_file(tmp_path / "sites.gpkg")
    points = gpd.GeoDataFrame(
        table[["date", "station", "airT"]],
        geometry=gpd.points_from_xy(table["Longitude"], table["Latitude"], crs=4326),
    )
    points.to_file(tmp_path / "long.gpkg")
    long = read_stations(tmp_path / "long.csv", time_zone="UTC")
    wide = read_stations(tmp_path / "wide.csv", sites=tmp_path / "sites.gpkg", time_zone="UTC")
    gpkg = read_stations(tmp_path / "long.gpkg", time_zone="UTC")
    for other in (wide, gpkg):
        np.testing.assert_allclose(other.air[long.air.columns], long.air)
        assert other.air.index.equals(long.air.index)
    named = read_stations(
        tmp_path / "long.csv",
        time_zone="UTC",
        columns={"temperature": "airT", "station": "station"},
    )
    assert named.air.equals(long.air)


def test_offsets_in_the_file_need_no_zone_and_kelvin_is_converted(tmp_path):
    air, sites, _ = _network(ZONES, hours=48)
    table = _long(air, sites)
    table["date"] = table["date"].dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")
    table["airT"] += 273.15
    table.to_csv(tmp_path / "k.csv", index=False)
    with pytest.raises(InputError, match="look like kelvin; state --unit K"):
        read_stations(tmp_path / "k.csv", unit="degC")
    assert read_stations(tmp_path / "k.csv").air.equals(
        read_stations(tmp_path / "k.csv", unit="K").air
    )
    read = read_stations(tmp_path / "k.csv", unit="K")
    assert read.clock == "offset in the file"
    assert read.air.index[0] == pd.Timestamp("2021-05-31 22:00", tz="UTC")
    np.testing.assert_allclose(read.air["d0"], air["d0"], atol=1e-6)


def test_the_hour_shown_twice_in_autumn_must_be_settled(tmp_path):
    air, sites, _ = _network(ZONES, hours=6)
    local = pd.DatetimeIndex([f"2021-10-31 0{h}:00" for h in (0, 1, 2, 2, 3, 4)])
    table = _long(air, sites)
    table["date"] = np.tile(local, air.shape[1])
    table.to_csv(tmp_path / "local.csv", index=False)
    with pytest.raises(
        InputError, match=r"shows twice: say which of the two with --ambiguous infer"
    ):
        read_stations(tmp_path / "local.csv", time_zone="Europe/Berlin")
    inferred = read_stations(tmp_path / "local.csv", time_zone="Europe/Berlin", ambiguous="infer")
    assert len(inferred.air) == 6
    with pytest.raises(InputError, match="more than one value"):
        read_stations(tmp_path / "local.csv", time_zone="Europe/Berlin", ambiguous="earlier")
    assert (
        len(read_stations(tmp_path / "local.csv", time_zone="Europe/Berlin", ambiguous="drop").air)
        == 4
    )


def test_wrong_station_files_are_refused(tmp_path):
    air, sites, _ = _network(ZONES, hours=24)
    table = _long(air, sites)

    def refuse(changed: pd.DataFrame, match: str, **options) -> None:
        changed.to_csv(tmp_path / "bad.csv", index=False)
        with pytest.raises(InputError, match=match):
            read_stations(tmp_path / "bad.csv", **{"time_zone": "UTC"} | options)

    other = table[:3].assign(airT=table["airT"][:3] + 1)
    refuse(pd.concat([table, other]), "more than one value at")
    refuse(table[table["station"] == "d0"], "has one station")
    refuse(table.drop(columns="Latitude"), "no latitude")
    refuse(table.drop(columns="date"), "no column of times")
    refuse(table.drop(columns="airT"), "no columns for station and temperature")
    refuse(table, "is no time zone", time_zone="Berlin")
    refuse(table, "has no column 'Ta'", columns={"temperature": "Ta"})
    refuse(table.assign(date="yesterday"), "times cannot be read")
    moved = table.copy()
    moved.loc[0, "Latitude"] = 10.0
    refuse(moved, "several places")


def test_station_zones_from_the_map_by_hand_and_outside():
    box = GeoBox.from_bbox((380_000, 5_800_000, 384_000, 5_804_000), "EPSG:32633", resolution=100)
    codes = np.full((40, 40), 6, np.uint8)
    codes[:, 20:] = 14
    lcz = lcz_map(on_grid(codes, box))
    points = gpd.GeoSeries.from_xy([381_000, 381_950, 390_000], [5_802_000] * 3, crs=32633).to_crs(
        4326
    )
    sites = gpd.GeoDataFrame(
        {"lcz": 0, "elevation": np.nan},
        geometry=points.to_numpy(),
        index=["in", "edge", "out"],
        crs=4326,
    )
    with pytest.raises(InputError, match=r"'out' at .* lies outside the LCZ map"):
        station_classes(sites, lcz)
    zones = station_classes(sites, lcz, by_hand={"out": "D"})
    assert zones["lcz"].tolist() == [6, 6, 14]
    assert zones["source"].tolist() == ["map", "map", "by hand"]
    assert zones["flagged"].tolist() == [False, True, False]
    assert zones.loc["in", "homogeneity"] == 1.0
    assert 0.5 < zones.loc["edge", "homogeneity"] < 0.8
    degrees = lcz_map(
        on_grid(codes, GeoBox.from_bbox((13.2, 52.3, 13.3, 52.4), "EPSG:4326", shape=(40, 40)))
    )
    assert station_classes(sites.loc[["in"]], degrees).loc["in", "lcz"] in (6, 14)
    with pytest.raises(InputError, match="is not among the stations"):
        station_classes(sites, lcz, by_hand={"elsewhere": 2})
    heights = with_elevation(sites, on_grid(np.full((40, 40), 34.0, np.float32), box))
    assert heights["elevation"].tolist()[:2] == [34.0, 34.0]
    assert np.isnan(heights.loc["out", "elevation"])


def test_hand_set_classes_are_read_by_number_code_and_name(tmp_path):
    (tmp_path / "c.csv").write_text("station,lcz\na,2\nb,A\nc,low plants\n")
    sites = gpd.GeoDataFrame(
        {"lcz": 0}, geometry=gpd.points_from_xy([0] * 3, [0] * 3, crs=4326), index=list("abc")
    )
    assert station_classes(sites, None, by_hand=read_classes(tmp_path / "c.csv"))[
        "lcz"
    ].tolist() == [2, 11, 14]
    (tmp_path / "d.csv").write_text("name,zone\na,2\n")
    with pytest.raises(InputError, match="must have the columns station and lcz"):
        read_classes(tmp_path / "d.csv")


def test_quality_levels_remove_what_they_are_made_for():
    air, sites, _ = _network({f"s{i:02}": 14 for i in range(20)}, hours=24 * 28)
    air["s03"] += 25.0
    air["s05"] = 20 + np.random.default_rng(0).normal(0, 3, len(air))
    moved = sites.geometry.to_numpy().copy()
    moved[8] = moved[7]
    sites = sites.set_geometry(gpd.GeoSeries(moved, sites.index, crs=4326))
    report = quality_control(air, sites).report
    assert report.loc[["s07", "s08"], "n_kept"].eq(0).all()
    assert report.loc["s03", "n_kept"] == 0
    assert report.loc["s05", "n_kept"] == 0
    assert report.loc["s05", "correlation"] + report.loc["s05", "flagged"] > 0
    assert report.loc["s00", "n_kept"] > 0.5 * len(air)
    with pytest.raises(InputError, match="no level of quality control"):
        quality_control(air, sites, ("magic",))


def test_elevation_is_taken_out_before_values_are_judged():
    air, sites, _ = _network({f"s{i:02}": 14 for i in range(15)}, hours=24 * 28)
    sites.loc["s04", "elevation"] = 1040.0
    air["s04"] -= 6.5
    assert quality_control(air, sites).report.loc["s04", "n_kept"] > 0.5 * len(air)
    flat = quality_control(air, sites.assign(elevation=np.nan))
    assert flat.report.loc["s04", "n_kept"] == 0
    assert not flat.elevation_corrected


def test_stations_are_compared_at_one_height_when_asked():
    air, sites, zones = _network(ZONES)
    sites.loc[[f"d{i}" for i in range(6)], "elevation"] = 440.0
    air[[f"d{i}" for i in range(6)]] -= 400 * 0.0065
    plain = canopy_heat_island(air, sites, zones).classes
    level = canopy_heat_island(air, sites, zones, CanopyOptions(lapse_rate=0.0065)).classes
    assert plain.loc[2, "difference"] - level.loc[2, "difference"] == pytest.approx(2.6, abs=0.01)
    with pytest.raises(InputError, match="needs every station's elevation"):
        canopy_heat_island(
            air, sites.assign(elevation=np.nan), zones, CanopyOptions(lapse_rate=0.0065)
        )


def test_robust_scale_matches_the_normal_and_bears_outliers():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 2.0, (2000, 25))
    assert np.median(qn_scale(values)) == pytest.approx(2.0, rel=0.05)
    values[:, :5] = 1000.0
    assert np.median(qn_scale(values)) < 5.0
    values[:, 3:] = np.nan
    assert np.isfinite(qn_scale(values[:, :3] + rng.normal(0, 1, (2000, 3)))).all()
    assert np.isnan(qn_scale(values[:, 1:3])).all()


def test_solar_time_and_elevation_of_known_moments():
    noon = pd.DatetimeIndex(["2020-06-20 11:08"])  # Berlin, sun in the south
    assert local_solar_time(noon, 13.4)[0] == pytest.approx(12.0, abs=0.05)
    assert solar_elevation(noon, 52.5, 13.4)[0] == pytest.approx(90 - 52.5 + 23.43, abs=0.4)
    assert solar_elevation(pd.DatetimeIndex(["2020-12-21 22:00"]), 52.5, 13.4)[0] < -50


def test_weather_is_read_in_oktas(tmp_path):
    table = pd.DataFrame(
        {"time": pd.date_range("2021-06-01", periods=4, freq="30min"), "wind": 2.0, "cloud": 40.0}
    )
    table.to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(InputError, match="give it in oktas"):
        read_weather(tmp_path / "w.csv", time_zone="UTC")
    table.assign(cloud=3).to_csv(tmp_path / "w.csv", index=False)
    assert len(read_weather(tmp_path / "w.csv", time_zone="UTC")) == 2
