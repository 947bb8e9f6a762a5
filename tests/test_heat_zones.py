"""Stations and the zones of a map: quality control that knows zones, and a station's class in three ways."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat.quality import quality_control
from lczlib.analysis.heat.station_zones import station_classes, told_ways
from lczlib.cli import main
from lczlib.errors import InputError
from lczlib.export.geotiff import write_probabilities
from lczlib.grid import on_grid
from lczlib.maps import lcz_map, open_lcz_map
from lczlib.scenes.simulation import simulate_city, write_so2sat

STREETS = {f"d{i}": 14 for i in range(14)} | {f"c{i}": 2 for i in range(6)}


def network(zones, warmer=3.0, apart=0.002, hours=24 * 28):
    """Synthetic: stations in a row, those of LCZ 2 warmer in all hours."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2021-06-01", periods=hours, freq="h", tz="UTC", name="time")
    day = 18 + 6 * np.sin((times.hour.to_numpy() - 9) / 24 * 2 * np.pi)
    air = pd.DataFrame(
        {
            name: day + warmer * (zone in (2, 3)) + rng.normal(0, 0.05) + rng.normal(0, 0.3, hours)
            for name, zone in zones.items()
        },
        index=times,
    )
    places = gpd.points_from_xy(13.3 + apart * np.arange(len(zones)), [52.5] * len(zones), crs=4326)
    sites = gpd.GeoDataFrame({"elevation": 40.0}, geometry=places, index=list(zones))
    return air, sites, pd.Series(zones)


def kept(report):
    return (report["n_kept"] / report["n_given"]).to_dict()


@pytest.mark.parametrize("levels", [("outliers", "flagged"), ("buddies",)])
def test_streets_that_their_zone_makes_hot_are_kept(levels):
    air, sites, zones = network(STREETS)
    blind = kept(quality_control(air, sites, levels).report)
    knows = kept(quality_control(air, sites, levels, zones).report)
    for name in (n for n, zone in STREETS.items() if zone == 2):
        assert blind[name] < 0.3
        assert knows[name] > 0.7
    assert all(knows[name] > 0.7 for name in STREETS)


@pytest.mark.parametrize("levels", [("outliers", "flagged"), ("buddies",)])
def test_a_station_unlike_its_own_zone_is_found_though_others_are_as_warm(levels):
    zones = {f"d{i}": 14 for i in range(8)} | {f"c{i}": 2 for i in range(12)}
    air, sites, of = network(zones)
    air["d3"] += 3.0  # on a wall, in the sun: as warm as the streets
    assert kept(quality_control(air, sites, levels).report)["d3"] > 0.7
    assert kept(quality_control(air, sites, levels, of).report)["d3"] < 0.3


def test_similar_zones_are_compared_and_too_few_of_them_with_all():
    zones = (
        {f"d{i}": 14 for i in range(10)}
        | {f"c{i}": 2 + i % 2 for i in range(6)}
        | {"w0": 9, "w1": 9}
    )
    air, sites, of = network(zones)
    report = quality_control(air, sites, ("outliers",), of).report
    assert report["n_alike"].to_dict() == {
        n: {14: 10, 2: 6, 3: 6, 9: 2}[z] for n, z in zones.items()
    }
    blind = quality_control(air, sites, ("outliers",)).report
    assert "n_alike" not in blind
    assert report.loc[["w0", "w1"], "outliers"].equals(blind.loc[["w0", "w1"], "outliers"])
    assert report.loc["c1", "outliers"] < blind.loc["c1", "outliers"] / 3


def test_correlation_is_with_stations_of_the_zone():
    air, sites, of = network({f"d{i}": 14 for i in range(5)} | {f"g{i}": 17 for i in range(9)})
    own = 20 + 4 * np.cos(np.arange(len(air)) / 24 * 2 * np.pi)  # water: another course of the day
    for name in (n for n in of.index if of[n] == 17):
        air[name] = own + np.random.default_rng(1).normal(0, 0.3, len(air))
    assert kept(quality_control(air, sites, ("correlation",)).report)["d0"] == 0
    assert set(kept(quality_control(air, sites, ("correlation",), of).report).values()) == {1.0}


@pytest.fixture
def edge():
    """A station on a lone pixel of LCZ 5 in LCZ 6, where the network rather believes LCZ 9; one in LCZ 6."""
    box = GeoBox.from_bbox((380_000, 5_800_000, 384_000, 5_804_000), "EPSG:32633", resolution=100)
    codes = np.full((40, 40), 6, np.uint8)
    codes[20, 10] = 5
    shares = np.zeros((17, 40, 40), np.float32)
    shares[5] = 1.0
    around = slice(15, 26), slice(5, 16)
    shares[5][around], shares[8][around] = 0.45, 0.55
    points = gpd.GeoSeries.from_xy([381_050, 383_000], [5_801_950] * 2, crs=32633).to_crs(4326)
    sites = gpd.GeoDataFrame(
        {"lcz": 0, "elevation": np.nan},
        geometry=points.to_numpy(),
        index=["yard", "plain"],
        crs=4326,
    )
    of = on_grid(shares, box, dims=("lcz", "y", "x"), coords={"lcz": np.arange(1, 18)})
    return sites, lcz_map(on_grid(codes, box)), of


def test_the_class_at_the_point_of_the_circle_and_by_probabilities_stand_side_by_side(edge):
    sites, lcz, shares = edge
    found = station_classes(sites, lcz, probabilities=shares)
    ways = found[["lcz_point", "lcz_majority", "lcz_probable"]]
    assert ways.loc["yard"].tolist() == [5, 6, 9]
    assert ways.loc["plain"].tolist() == [6, 6, 6]
    assert found.loc["yard", "probability"] == pytest.approx(0.55)
    assert found["lcz"].tolist() == [6, 6]
    for way, expected in (("point", 5), ("majority", 6), ("probabilities", 9)):
        used = station_classes(sites, lcz, probabilities=shares, way=way)
        assert used["lcz"].tolist() == [expected, 6]
    assert told_ways(found) == (
        "class at the point, of most of the circle and by probabilities the same for 1 of 2 stations, not for "
        "yard 5/6/9"
    )
    assert "by probabilities" not in told_ways(station_classes(sites, lcz))
    stated = station_classes(sites, lcz, by_hand={"yard": 2}, way="point")
    assert stated["lcz"].tolist() == [2, 6]
    assert stated.loc["yard", "lcz_point"] == 5


def test_zones_by_probabilities_need_them(edge):
    sites, lcz, _ = edge
    with pytest.raises(
        InputError, match=r"need the class probabilities of the map: give them \(--prob"
    ):
        station_classes(sites, lcz, way="probabilities")


def test_stations_without_probabilities_are_told_so(edge):
    sites, lcz, shares = edge
    shares = shares.copy()
    shares[:, :, 20:] = np.nan  # the map has a class there, the network had no image
    with pytest.raises(InputError, match=r"'plain' at .* lies outside the class probabilities"):
        station_classes(sites, lcz, probabilities=shares, way="probabilities")
    three = sites.loc[["yard", "yard", "plain"]].set_axis(["yard", "court", "plain"])
    found = station_classes(
        three, lcz, probabilities=shares, way="probabilities", skip_outside=True
    )
    assert found["lcz"].to_dict() == {"yard": 9, "court": 9}
    assert found.attrs["left_out"] == {
        "plain": "outside the class probabilities, or where there are none"
    }
    assert station_classes(three, lcz, probabilities=shares).loc["plain", "lcz_probable"] == 0


@pytest.mark.slow
def test_the_command_tells_all_three_classes_and_uses_the_one_asked_for(
    tmp_path, monkeypatch, capsys
):
    write_so2sat(simulate_city(5, 2), tmp_path, "00000_00000_Simulated")
    monkeypatch.chdir(tmp_path / "Reference" / "00000_00000_Simulated")
    lcz = open_lcz_map("lcz.tif")
    other = np.where(lcz.values == 6, 5, lcz.values)  # the network takes LCZ 6 for 5
    shares = (np.arange(1, 18)[:, None, None] == other).astype(np.float32)
    shares[:, lcz.values == 0] = np.nan
    write_probabilities("proba.tif", lcz.expand_dims(lcz=np.arange(1, 18)).copy(data=shares))
    gpd.read_file("stations.gpkg").drop(columns="lcz").to_file("sites.gpkg")

    def documents(out, *words):
        told = (
            "lcz.tif",
            "--stations",
            "air_temperature.csv",
            "--sites",
            "sites.gpkg",
            "--replicates",
            "100",
            *words,
        )
        monkeypatch.setattr(sys, "argv", ["lcz", "uhi", *told, "--no-figures", "--out", out])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = " ".join(capsys.readouterr().out.split())
        assert not stop.value.code
        return json.loads(Path(out, "heat_island.json").read_text()), printed

    with_shares = "--probabilities", "proba.tif"
    usual, _ = documents("usual", *with_shares, "--qc", "all")
    asked, printed = documents(
        "asked", *with_shares, "--station-zone", "probabilities", "--peers", "all"
    )
    for row, same in zip(usual["station_classes"], asked["station_classes"], strict=True):
        assert row["lcz"] == row["lcz_majority"]
        assert same["lcz"] == row["lcz_probable"] == (5 if row["lcz"] == 6 else row["lcz"])
    assert any(row["lcz"] == 6 for row in usual["station_classes"])
    assert usual["quality_control"]["peers"] == "alike"
    assert all(row["n_alike"] for row in usual["quality_control"]["report"])
    assert asked["quality_control"]["peers"] == "all"
    assert "Class at the point, of most of the circle and by probabilities the same for" in printed
