"""`lcz field` and `lcz sites` beside stations: files, faces, refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from field_city import City, simulated

import lczlib
from lczlib import extras
from lczlib.analysis.field.further import further_sites
from lczlib.analysis.field.ground import Ground
from lczlib.analysis.field.model import fit_field
from lczlib.analysis.field.options import hours_of
from lczlib.analysis.heat.options import SiteOptions
from lczlib.cli import main
from lczlib.errors import InputError
from lczlib.jobs import field as field_job
from lczlib.jobs import further_sites as further_job
from lczlib.jobs.field import FieldRequest
from lczlib.jobs.further_sites import FurtherSitesRequest


@pytest.fixture(scope="module")
def city() -> City:
    return simulated(24, 1, days=3, size=50)


@pytest.fixture(scope="module")
def folder(city, tmp_path_factory) -> Path:
    return city.write(tmp_path_factory.mktemp("city"))


@pytest.fixture
def lcz(monkeypatch, capsys):
    """Run the command: exit status, and what it printed."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lcz", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, " ".join(printed.err.split())

    return run


@pytest.fixture(scope="module")
def composite(city, folder, tmp_path_factory):
    """A composite of nights by the library, and its folder."""
    request = FieldRequest(
        map_path=folder / "map.tif", stations=folder / "air.csv", elevation=folder / "dem.tif",
        time_zone="UTC", hours="night",
    )  # fmt: skip
    result = field_job.run(request)
    return result, result.write(tmp_path_factory.mktemp("out") / "field")


def test_the_files_of_a_composite(city, composite):
    result, out = composite
    made = {f.name for f in out.iterdir()}
    assert made >= {
        "field.tif", "standard_error.tif", "stations.csv", "zones.csv", "cross_validation.csv",
        "cross_validation_stations.csv", "cross_validation.json", "cross_validation.png", "field.png",
        "field.json", "manifest.json",
    }  # fmt: skip
    with (
        rasterio.open(out / "field.tif") as src,
        rasterio.open(out / "standard_error.tif") as error,
    ):
        assert src.crs == city.box.crs.to_wkt()
        assert src.transform == city.box.affine
        assert src.units == ("degC",)
        assert error.units == ("K",)
        np.testing.assert_array_equal(src.read(1), result.temperature)
        assert np.nanmin(error.read(1)) > 0
    stations = pd.read_csv(out / "stations.csv", index_col="station")
    assert list(stations.index) == list(result.fitted.sample.names)
    assert (stations["lcz"] == result.network.zones["lcz"][stations.index]).all()
    mean = city.air[result.fitted.sample.air.index[0] :].loc[result.fitted.sample.air.index].mean()
    whole = stations.index[stations["n_hours"] == stations["n_hours"].max()]
    assert len(whole) > 10
    assert (stations["temperature"] - mean)[whole].abs().max() < 1e-3


def test_the_cross_validation_as_json_and_as_a_table(composite):
    result, out = composite
    found = json.loads((out / "cross_validation.json").read_text())
    names = [m["name"] for m in found["methods"]]
    assert names == ["lcz_kriging", "drift_kriging", "ordinary_kriging", "mean"]
    for method in found["methods"]:
        assert method["n"] == 24
        assert method["rmse_ci"][0] < method["rmse"] < method["rmse_ci"][1]
        assert 0 <= method["coverage"] <= 1
    assert set(found["designs"]) == {"station", "class", "days"}
    table = pd.read_csv(out / "cross_validation.csv")
    own = table[(table["design"] == "station") & (table["method"] == "mean")].iloc[0]
    assert own["rmse"] == pytest.approx(found["methods"][3]["rmse"], rel=1e-4)
    rows = pd.read_csv(out / "cross_validation_stations.csv")
    rows = rows[(rows["design"] == "station") & (rows["method"] == "lcz_kriging")]
    square = ((rows["predicted"] - rows["measured"]) ** 2).mean()
    assert np.sqrt(square) == pytest.approx(found["methods"][0]["rmse"], rel=1e-3)
    # the mean of the others is told by hand
    flat = result.validation.score("station", "mean")["rmse"]
    values = result.fitted.composite.values.to_numpy()
    others = (values.sum() - values) / (values.size - 1)
    assert flat == pytest.approx(np.sqrt(((others - values) ** 2).mean()), rel=1e-9)


def test_what_is_assumed_is_written(composite):
    result, out = composite
    told = json.loads((out / "field.json").read_text())
    assert told["drifts"] == ["elevation"]
    assert told["headline"] == result.headline()
    assert told["covariances"][0]["shape"] == "exponential"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["command"] == "field"
    assert manifest["parameters"]["hours"] == "night"
    lone = [z for z in told["zones"] if z["n_stations"] == 0]
    assert told["masked_zones"] == [z["lcz"] for z in lone]
    area = sum(z["area_km2"] for z in told["zones"])
    assert area == pytest.approx(25.0)


def test_command_and_library_write_the_same(composite, folder, lcz, tmp_path):
    result, out = composite
    code, printed, err = lcz(
        "field", folder / "map.tif", "--stations", folder / "air.csv", "--elevation",
        folder / "dem.tif", "--time-zone", "UTC", "--hours", "night", "--no-figures", "--out",
        tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    for name in ("field.json", "cross_validation.csv", "stations.csv", "zones.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (out / name).read_bytes(), name
    told = " ".join(printed.split())
    assert result.headline() in told
    for text in result.notes():
        assert " ".join(text.split()) in told
    again = lczlib.air_field(
        folder / "map.tif",
        folder / "air.csv",
        elevation=folder / "dem.tif",
        time_zone="UTC",
        hours="night",
    )
    np.testing.assert_array_equal(again.temperature, result.temperature)


def test_hours_are_written_as_netcdf(city, folder, lcz, tmp_path):
    code, printed, err = lcz(
        "field", folder / "map.tif", "--stations", folder / "air.csv", "--time-zone", "UTC", "--hourly",
        "--hours", "1,13", "--out", tmp_path, "--no-figures",
    )  # fmt: skip
    assert code == 0, err
    assert "field.nc" in printed
    with xr.open_dataset(tmp_path / "field.nc", engine="h5netcdf") as found:
        assert found.sizes == {"time": 6, "y": 50, "x": 50}
        assert found["temperature"].attrs["standard_name"] == "air_temperature"
        assert found["temperature"].attrs["grid_mapping"] == "spatial_ref"
        request = FieldRequest(
            map_path=folder / "map.tif", stations=folder / "air.csv", time_zone="UTC", hourly=True,
            hours="1,13",
        )  # fmt: skip
        network, ground = field_job.read_ground(request, lambda *_: None)
        again = fit_field(
            network.checked.air, network.sites, network.zones["lcz"], ground, hourly=True,
            period=request,
        )  # fmt: skip
        times = pd.DatetimeIndex(found["time"].to_numpy()).tz_localize("UTC")
        assert list(times) == list(again.sample.air.index)
        for rows, values, errors in again.rows():
            np.testing.assert_allclose(found["temperature"][:, rows], values, atol=0.00501)
            np.testing.assert_allclose(found["standard_error"][:, rows], errors, atol=0.000501)
        np.testing.assert_allclose(found["x"], city.lcz["x"])
        np.testing.assert_allclose(found["y"], city.lcz["y"])
    with rasterio.open(f"netcdf:{tmp_path / 'field.nc'}:temperature") as src:
        assert src.crs == city.box.crs.to_wkt()
        assert src.transform.almost_equals(city.box.affine)


def test_zones_without_a_station_are_told_with_their_area(city, folder, tmp_path):
    lone = int(city.zones.mode().iloc[0])
    air = pd.read_csv(folder / "air.csv")
    air = air[air["station"].map(city.zones) != lone]
    air.to_csv(tmp_path / "air.csv", index=False)
    told = {"map_path": folder / "map.tif", "stations": tmp_path / "air.csv", "time_zone": "UTC",
            "station_zone": "point"}  # fmt: skip
    result = field_job.run(FieldRequest(**told))
    code = result.areas.loc[lone, "code"]
    (said,) = (t for t in result.cautions() if "without a station" in t)
    assert f"LCZ {code} ({result.areas.loc[lone, 'area_km2']:,.1f} km²)" in said.replace(
        "LCZ 1 (", "LCZ 1 ("
    )
    assert "masked" in said
    there = city.lcz.to_numpy() == lone
    assert np.isnan(result.temperature.to_numpy()[there]).all()
    filled = field_job.run(FieldRequest(**told, fill=True))
    assert np.isfinite(filled.temperature).all()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--hours", "25"), 2, "are no hours"),
        (("--start", "yesterday"), 2, "is no day"),
        (("--covariance", "cubic"), 2, "cubic"),
        (("--time-zone", "UTC", "--start", "2030-01-01"), 1, "has no values from 2030-01-01"),
        (("--time-zone", "UTC", "--lapse-rate", "0.0065"), 1, "lapse rate needs the heights"),
        (("--time-zone", "UTC", "--water"), 1, "no water (LCZ G)"),
        (("--time-zone", "UTC", "--qc", "spam"), 2, "spam"),
    ],
)  # fmt: skip
def test_what_makes_no_field_is_refused(folder, lcz, tmp_path, words, status, said):
    out = tmp_path / "out"
    code, _, err = lcz(
        "field", folder / "map.tif", "--stations", folder / "air.csv", *words, "--out", out
    )
    assert code == status, err
    assert said in err
    assert not (out / "field.json").exists()


def test_a_missing_package_is_named(folder, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "gstools" else name)
    with pytest.raises(InputError, match=r"Fields need gstools: pip install 'lczlib\[field\]'"):
        field_job.run(FieldRequest(map_path=folder / "map.tif", stations=folder / "air.csv"))


def test_a_map_in_degrees_is_refused(city, folder, lcz, tmp_path):
    with rasterio.open(folder / "map.tif") as src:
        profile, codes = src.profile, src.read(1)
    box = city.box_in_degrees()
    profile.update(driver="GTiff", crs="EPSG:4326", transform=box.affine)
    with rasterio.open(tmp_path / "degrees.tif", "w", **profile) as dst:
        dst.write(codes, 1)
    code, _, err = lcz(
        "field", tmp_path / "degrees.tif", "--stations", folder / "air.csv", "--time-zone", "UTC",
        "--skip-outside", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 1
    assert "projected coordinate reference system in metres" in err


def test_a_folder_holds_one_kind_of_field(composite, folder, lcz):
    result, out = composite
    before = (out / "field.json").read_bytes()
    code, _, err = lcz(
        "field", folder / "map.tif", "--stations", folder / "air.csv", "--time-zone", "UTC", "--hourly",
        "--out", out,
    )  # fmt: skip
    assert code == 1
    assert "holds the field of the mean of hours: choose another folder" in err
    assert (out / "field.json").read_bytes() == before
    result.write(out, figures=False)  # the same kind again
    assert (out / "field.tif").exists()


@pytest.mark.parametrize("text", ["night", "0", "22,23,0,1"])
def test_hours_are_taken(text):
    assert hours_of(text)
    FieldRequest(map_path="map.tif", stations="air.csv", hours=text)


def test_further_sites_shrink_the_error_as_a_field_with_them_says(city):
    found = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz))
    sites = further_sites(found, 3, SiteOptions(border_distance=100.0))
    assert (sites["shrinks"] > 0).all()
    assert sites["shrinks"].is_monotonic_decreasing
    before = sites.attrs["mean_error_before"]
    assert before - sites["shrinks"].sum() == pytest.approx(sites["mean_error"].iloc[-1])
    _, error = found.temperature(mask=False)
    assert before == pytest.approx(float(error.mean()), rel=0.03)  # by a sample of pixels
    # with stations at these places, whatever they measure, the error is what was promised
    names = [f"new{i}" for i in sites["site"]]
    more = sites.to_crs(4326).set_axis(names)
    air = city.air.assign(**dict.fromkeys(names, 15.0))
    all_sites = pd.concat([city.sites, gpd.GeoDataFrame(
        {"elevation": 50.0, "lcz": 0}, geometry=more.geometry, index=names)])  # fmt: skip
    zones = pd.concat([city.zones, pd.Series(sites["lcz"].to_numpy(), names)])
    again = fit_field(air, all_sites, zones, Ground.of(city.lcz))
    object.__setattr__(again, "covariances", found.covariances)
    _, after = again.temperature(mask=False)
    shrunk = float(error.mean() - after.mean())
    assert shrunk == pytest.approx(sites["shrinks"].sum(), rel=0.1)


def test_the_first_further_site_is_better_than_any_other(city):
    found = fit_field(city.air, city.sites, city.zones, Ground.of(city.lcz))
    options = SiteOptions(border_distance=0.0, spacing=0.0)
    best = further_sites(found, 1, options)
    assert best["lcz"].iloc[0] in np.unique(city.lcz)
    wide = further_sites(found, 1, SiteOptions(border_distance=200.0, spacing=700.0))
    assert wide["shrinks"].iloc[0] <= best["shrinks"].iloc[0]
    assert wide["nearest_site"].iloc[0] >= 700
    assert wide["border_distance"].iloc[0] >= 200


def test_sites_beside_stations_by_command_and_by_library(folder, lcz, tmp_path):
    code, printed, err = lcz(
        "sites", folder / "map.tif", "--stations", folder / "air.csv", "--time-zone", "UTC", "--sensors", 2,
        "--border-distance", 100, "--out", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    request = FurtherSitesRequest(
        map_path=folder / "map.tif", stations=folder / "air.csv", time_zone="UTC", sensors=2,
        border_distance=100.0,
    )  # fmt: skip
    result = further_job.run(request)
    told = json.loads((tmp_path / "sensor_sites.json").read_text())
    assert told["mean_error_after"] == result.sites["mean_error"].iloc[-1]
    assert told["mean_error_after"] < told["mean_error_before"]
    assert result.headline() in " ".join(printed.split())
    assert len(gpd.read_file(tmp_path / "sensor_sites.gpkg")) == told["n_sensors"] == 2


def test_sites_without_stations_know_no_hours(folder, lcz, tmp_path):
    code, _, err = lcz("sites", folder / "map.tif", "-n", 2, "--hours", "night", "--out", tmp_path)
    assert code == 2
    assert "belongs to --stations" in err
