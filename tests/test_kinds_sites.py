"""Sites that are turned, named in another case, or classed from 0: named, matched, or asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox
from test_kinds_stations import network

from lczlib.analysis.heat.sites import places_of
from lczlib.analysis.heat.station_zones import read_classes, station_classes
from lczlib.analysis.heat.stations import read_stations
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map
from lczlib.reading import Notes, readings
from lczlib.terms import worded


def _files(folder: Path, climate="Minneapolis in January", longitude=-93.3, **sites_changed):
    """A long record whose unit is open, and its sites."""
    air, sites = network(climate, longitude, n=6)
    air.rename_axis("time").reset_index().melt(
        "time", var_name="station", value_name="temp"
    ).to_csv(folder / "air.csv", index=False)
    table = pd.DataFrame({
        "station": sites.index, "lat": sites.geometry.y.to_numpy(), "lon": sites.geometry.x.to_numpy(),
    }).assign(**sites_changed)  # fmt: skip
    table.to_csv(folder / "sites.csv", index=False)
    box = GeoBox.from_bbox(
        (longitude - 0.2, sites.geometry.y.min() - 0.2, longitude + 0.2, sites.geometry.y.max() + 0.2),
        crs="EPSG:4326", shape=(80, 80),
    )  # fmt: skip
    codes = np.full((80, 80), 6, np.uint8)
    return air, table, lcz_map(on_grid(codes, box))


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (
            lambda t: t.assign(lat=t["lon"], lon=t["lat"]),
            "latitude and longitude exchanged: name them",
        ),
        (
            lambda t: t.assign(lon=-t["lon"]),
            "the sign of the longitude changed: write degrees south and",
        ),
        (
            lambda t: t.assign(lat=-t["lat"]),
            "the sign of the latitude changed: write degrees south and",
        ),
    ],
)
def test_coordinates_are_tested_on_the_map_before_the_unit_is_asked_for(tmp_path, turn, told):
    _, table, lcz = _files(tmp_path, "Yakutsk in January", 66.0)
    with pytest.raises(InputError, match="state it with --unit degC or --unit degF"):
        read_stations(tmp_path / "air.csv", sites=tmp_path / "sites.csv", lcz=lcz)
    turn(table).to_csv(tmp_path / "sites.csv", index=False)
    with pytest.raises(InputError) as refused:
        read_stations(tmp_path / "air.csv", sites=tmp_path / "sites.csv", lcz=lcz)
    assert f"6 stations of 6 lie outside the LCZ map, most of them inside it with {told}" in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("place", "one", "told"),
    [
        ((52.5, 13.4), (13.4, 52.5), "among them with latitude and longitude exchanged"),
        ((45.0, -93.3), (45.0, 93.3), "among them with the sign of the longitude changed"),
        ((-37.8, 145.0), (37.8, 145.0), "among them with the sign of the latitude changed"),
        (
            (22.3, 114.2),
            (114.2, 22.3),
            "has latitude and longitude exchanged in one station, not in the",
        ),
        ((-16.8, 179.9), (16.8, 179.9), "among them with the sign of the latitude changed"),
    ],
)
def test_one_station_that_is_turned_is_named(place, one, told):
    table = pd.DataFrame({
        "station": list("ABCDE"), "latitude": place[0] + 0.01 * np.arange(5),
        "longitude": place[1] + 0.01 * np.arange(5),
    })  # fmt: skip
    names = {"latitude": "lat", "longitude": "lon"}
    assert len(places_of(table, Path("sites.csv"), names, Notes())) == 5
    table.loc[2, ["latitude", "longitude"]] = one
    with pytest.raises(InputError) as refused:
        places_of(table, Path("sites.csv"), names, Notes())
    assert told in str(refused.value)
    assert "'C'" in str(refused.value)
    assert str(refused.value).endswith("correct its row.")


@pytest.mark.parametrize("wide", [True, False])
def test_names_in_other_case_or_with_other_blanks_are_one_and_it_is_told(tmp_path, wide):
    air, table, lcz = _files(tmp_path)
    table.assign(station=["s0 ", " S1", "s 2", "S3", "S4", "s5"]).to_csv(
        tmp_path / "sites.csv", index=False
    )
    if wide:
        air.rename_axis("time").reset_index().to_csv(tmp_path / "air.csv", index=False)
    with readings() as heard:
        data = read_stations(tmp_path / "air.csv", sites=tmp_path / "sites.csv", unit="degC")
        zones = station_classes(data.sites, lcz, by_hand={"s0": 2, "S 1": 3})
    assert list(data.air) == list(air)
    assert zones["lcz"].tolist() == [2, 3, 6, 6, 6, 6]
    told = " ".join(str(r) for r in heard)
    assert (
        "names of sites that differ in case or blanks matched: 's0' is 'S0', 's 2' is 'S2', 's5' is 'S5'"
        in told
    )
    assert "names that differ in case or blanks matched: 's0' is 'S0', 'S 1' is 'S1'" in told


def test_two_names_of_one_record_that_differ_in_case_are_said_to(tmp_path):
    air, _, _ = _files(tmp_path)
    air.rename(columns={"S1": "s0"}).rename_axis("time").reset_index().melt(
        "time", var_name="station", value_name="temp"
    ).to_csv(tmp_path / "air.csv", index=False)
    with pytest.raises(
        InputError, match=r"without coordinates .*: s0 \('s0' and 'S0' differ in case or"
    ):
        read_stations(tmp_path / "air.csv", sites=tmp_path / "sites.csv", unit="degC")


@pytest.mark.parametrize("write", [str, float, lambda c: f"{c}.0"])
def test_classes_from_0_are_asked_about_and_read_as_stated(tmp_path, write):
    codes = [0, 1, 5, 13, 16]
    path = tmp_path / "hand.csv"
    pd.DataFrame({"station": list("ABCDE"), "lcz": [write(c) for c in codes]}).to_csv(
        path, index=False
    )
    with pytest.raises(
        InputError, match=r"1 of 5 stations.* --station-scheme 0-16 or --station-scheme 1-17"
    ):
        read_classes(path)
    assert read_classes(path, "0-16") == dict(zip("ABCDE", [1, 2, 6, 14, 17], strict=True))
    assert read_classes(path, "1-17") == dict(zip("BCDE", [1, 5, 13, 16], strict=True))
    for others in (["2", "D", "0", "G", "LCZ 6"], [0, 2, 14, 17, 6], [0, 2, 103, 107, 6]):
        pd.DataFrame({"station": list("ABCDE"), "lcz": others}).to_csv(path, index=False)
        assert len(read_classes(path)) == 4


def test_the_sites_own_classes_from_0_are_asked_about_and_stated_on_the_command_line(
    run_lcz, tmp_path
):
    _files(tmp_path, "Berlin in July", 13.4, lcz=[0, 0, 5, 5, 13, 13])
    command = [
        "uhi", "--stations", tmp_path / "air.csv", "--sites", tmp_path / "sites.csv", "--time-zone", "UTC",
        "--no-figures", "--replicates", 100, "--out", tmp_path / "out",
    ]  # fmt: skip
    code, _, err = run_lcz(*command)
    assert code == 1
    assert "--station-scheme 0-16" in " ".join(err.split())
    code, _, err = run_lcz(*command, "--station-scheme", "0-16")
    assert code == 0, err
    classes = pd.read_csv(tmp_path / "out/station_classes.csv")["lcz"]
    assert classes.tolist() == [1, 1, 6, 6, 14, 14]


def test_classes_one_below_the_maps_name_the_option(tmp_path):
    _, _, lcz = _files(tmp_path)
    sites = network("Minneapolis in January", -93.3, n=6)[1].assign(lcz=5)
    with readings() as heard:
        station_classes(sites, lcz)
    assert "6 of them are one less" in heard[0].cautions[0]
    assert worded(heard[0].cautions[0]).endswith("state it with --station-scheme 0-16.")
