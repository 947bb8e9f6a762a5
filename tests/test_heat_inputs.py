"""What goes into heat islands: scenes with and without clouds, classes of stations, weather, folders."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat import series
from lczlib.analysis.heat.doubts import tell_doubts
from lczlib.analysis.heat.quality import quality_control
from lczlib.analysis.heat.station_zones import read_classes, station_classes, told_sources
from lczlib.analysis.heat.weather import read_weather
from lczlib.clocks import read_stamps
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.jobs.heat_choices import check_kind
from lczlib.maps import lcz_map
from lczlib.reading import readings
from lczlib.scenes.layer import open_layer
from lczlib.scenes.thermal import Thermal
from lczlib.scenes.thermal_quality import NO_LAYER

BOX = GeoBox.from_bbox((380_000, 5_800_000, 384_000, 5_804_000), "EPSG:32633", resolution=100)


def _scene(clouds: str, cloudy: int | None, shift: float = 0.0) -> Thermal:
    celsius = np.full(BOX.shape, 20.0 + shift, np.float32)
    raster = on_grid(celsius, BOX).assign_attrs(clouds=clouds, source=f"{shift}.tif")
    return Thermal(raster, counts={"cloud_or_poor": cloudy})


def test_clouds_are_told_of_the_dates_that_a_composite_is_made_of():
    scenes = [_scene("a_QA.tif", 5), _scene("b_QA.tif", 7, 2.0), _scene(NO_LAYER, None, -3.0)]
    codes = lcz_map(on_grid(np.full(BOX.shape, 6, np.uint8), BOX))
    stacked, _, _ = series.stack(scenes, codes)
    day = series.composite(stacked.isel(time=[0, 1]))
    assert day.attrs["clouds"] == "12 cloudy or poor by a_QA.tif, b_QA.tif"
    assert float(day.mean()) == 21.0
    night = series.composite(stacked.isel(time=[2]))
    assert night.attrs["clouds"] == NO_LAYER
    assert not {"time", "scene", "clouds", "cloudy"} & set(night.coords)
    every = series.composite(stacked)
    assert every.attrs["clouds"].endswith(f"; 1 of 3 dates have {NO_LAYER}")
    assert series.one_date(stacked, 0).attrs["clouds"] == "5 cloudy or poor by a_QA.tif"


@pytest.mark.parametrize(
    ("clouds", "told"),
    [
        (NO_LAYER, "there was no quality layer"),
        (f"3 cloudy or poor by QA.tif; 1 of 2 dates have {NO_LAYER}", "not all dates have"),
        ("3 cloudy or poor by QA.tif", ""),
    ],
)
def test_cold_pixels_are_doubted_where_a_date_has_no_quality_layer(clouds, told):
    celsius = np.random.default_rng(0).normal(30, 1, BOX.shape).astype(np.float32)
    celsius[:4] = -5
    raster = on_grid(celsius, BOX).assign_attrs(clouds=clouds)
    table = pd.DataFrame({"n": [celsius.size], "mean": [28.0]}, index=[6])
    with readings() as heard:
        tell_doubts(raster, np.full(BOX.shape, 6), table, "surface", 30)
    said = " ".join(c for r in heard for c in r.cautions)
    assert (told in said) if told else not said


def test_a_folder_of_pixels_takes_no_result_of_stations(run_lcz, tmp_path):
    (tmp_path / "heat_island.json").write_text('{"kind": "canopy", "by": "pixels"}')
    check_kind(tmp_path, "canopy", "pixels")
    (tmp_path / "air.csv").write_text("")
    (tmp_path / "c.csv").write_text("")
    code, _, err = run_lcz(
        "uhi", "--stations", tmp_path / "air.csv", "--station-classes", tmp_path / "c.csv",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 1
    assert "holds a canopy heat island by pixels: choose another folder" in " ".join(err.split())
    assert not (tmp_path / "quality.csv").exists()
    (tmp_path / "heat_island.json").write_text('{"kind": "canopy"}')  # as older versions wrote it
    check_kind(tmp_path, "canopy", "stations")
    with pytest.raises(InputError, match="holds a canopy heat island"):
        check_kind(tmp_path, "surface", "pixels")


@pytest.mark.parametrize("name", ["hours.nc", "hours.tif"])
def test_one_band_is_read_of_a_file_that_is_larger_than_the_memory(tmp_path, monkeypatch, name):
    hours, side = 300, 40
    values = np.arange(hours * side * side, dtype=np.float32).reshape(hours, side, side)
    axis = pd.date_range("2021-01-01", periods=hours, freq="h")
    data = xr.DataArray(
        values,
        dims=("time", "y", "x"),
        coords={"time": axis, "y": 5e6 - np.arange(side) * 100.0, "x": 4e5 + np.arange(side) * 100.0},
        name="t2m",
    ).rio.write_crs(32633)  # fmt: skip
    band = "t2m:13"
    if name.endswith(".tif"):
        data.drop_vars("time").rename(time="band").rio.to_raster(tmp_path / name)
        band = 13
    else:
        data.rio.write_coordinate_system().to_netcdf(tmp_path / name)
    monkeypatch.setenv("LCZLIB_MEMORY", str(0.6 * values.nbytes / 1e9))
    layer = open_layer(tmp_path / name, "air temperature raster", band)
    wanted = data.isel(time=12).sel(y=layer.stored.y)  # GDAL may turn a NetCDF over
    np.testing.assert_array_equal(layer.stored.values, wanted.values)
    monkeypatch.setenv("LCZLIB_MEMORY", str(0.5 * values[0].nbytes / 1e9))
    with pytest.raises(InputError, match="40 x 40 pixels"):
        open_layer(tmp_path / name, "air temperature raster", band)


@pytest.mark.parametrize("stated", ["%d.%m.%Y %H:%M", "dayfirst", "monthfirst", "unix", None])
@pytest.mark.parametrize("written", ["%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_weather_has_the_format_of_its_own_times(tmp_path, stated, written):
    times = pd.date_range("2021-05-20", periods=24 * 20, freq="h", tz="UTC")
    table = pd.DataFrame({"time": times.strftime(written), "wind": 2.0, "cloud": 3.0})
    table.to_csv(tmp_path / "w.csv", index=False)
    weather = read_weather(tmp_path / "w.csv", time_zone="UTC", time_format=stated)
    assert (weather.index == times).all()


def test_weather_whose_times_have_two_readings_goes_by_the_stated_format(tmp_path):
    table = pd.DataFrame({"time": ["05/06/2021 10:00"], "wind": [2.0], "cloud": [3.0]})
    table.to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(InputError, match="--time-format"):
        read_weather(tmp_path / "w.csv", time_zone="UTC")
    for stated, day in (("dayfirst", "2021-06-05"), ("monthfirst", "2021-05-06")):
        weather = read_weather(tmp_path / "w.csv", time_zone="UTC", time_format=stated)
        assert str(weather.index[0].date()) == day


@pytest.mark.parametrize(
    ("text", "stated", "how"),
    [
        ("2021-06-05 10:00", "dayfirst", "year first"),
        ("2021-06-05 10:00", "unix", "year first"),
        ("05/06/2021 10:00", "dayfirst", "day first, as stated"),
        ("05.06.2021 10:00", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M, as stated"),
    ],
)
def test_only_a_format_that_is_used_is_told_as_stated(text, stated, how):
    assert read_stamps(pd.Series([text] * 3), "air.csv", stated).how == how


def _sites(**lcz: int) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"lcz": list(lcz.values()), "elevation": np.nan}, index=list(lcz),
        geometry=gpd.points_from_xy([13.0 + i / 100 for i in range(len(lcz))], [52.0] * len(lcz), crs=4326),
    )  # fmt: skip


def test_hand_set_classes_are_read_as_those_of_the_sites_file(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("station,lcz\na,LCZ 6 (2)\nb,LCZ1a\nc,6.0\nd,\ne,D\n")
    assert read_classes(path) == {"a": 6, "b": 1, "c": 6, "e": 14}
    path.write_text("station,lcz\na,6\nb,6.5\n")
    with pytest.raises(InputError, match=r"station 'b': '6.5' names more than one"):
        read_classes(path)
    path.write_text("station,lcz\na,6\na,2\n")
    with pytest.raises(InputError, match="gives station 'a' the classes 6 and 2"):
        read_classes(path)


def test_a_hand_set_class_of_a_station_left_out_is_left_out_as_well():
    sites, by_hand = _sites(a=0, b=14), {"a": "6", "gone": "2"}
    with pytest.raises(InputError, match="is not among the stations"):
        station_classes(sites, None, by_hand=by_hand)
    with readings() as heard:
        zones = station_classes(sites, None, by_hand=by_hand, skip_outside=True)
    assert zones["lcz"].tolist() == [6, 14]
    assert "1 hand-set class of stations that are not in the data left out: gone" in str(heard[-1])
    assert told_sources(zones) == "classes by hand: 1, of the stations file: 1"
    with pytest.raises(InputError, match="is not among the stations"):
        station_classes(sites, None, by_hand={"gone": 2}, skip_outside=True)


def test_quality_control_that_leaves_one_station_is_refused():
    sites = _sites(a=6, b=14)
    sites = sites.set_geometry(gpd.points_from_xy([13.0] * 2, [52.0] * 2, crs=4326))
    air = pd.DataFrame(
        {"a": 20.0, "b": 21.0}, index=pd.date_range("2021-06-01", periods=48, freq="h", tz="UTC")
    )
    with pytest.raises(InputError, match="removed all but 0 of 2 stations"):
        quality_control(air, sites, ["duplicates"])


def test_the_documents_say_what_they_are_made_from(run_lcz, tmp_path):
    times = pd.date_range("2021-06-01", periods=72, freq="h")
    rows = pd.concat(
        pd.DataFrame({
            "time": times, "station": name, "temperature": 20.0 + i + np.sin(np.arange(72) / 4),
            "latitude": 52.5 + 0.02 * i, "longitude": 13.4, "lcz": zone,
        })
        for i, (name, zone) in enumerate({"u": "2", "v": "2", "r": "D", "s": "D"}.items())
    )  # fmt: skip
    rows.to_csv(tmp_path / "air.csv", index=False)
    code, out, err = run_lcz(
        "uhi", "--stations", tmp_path / "air.csv", "--time-zone", "UTC", "--no-figures",
        "--replicates", "100", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    document = json.loads((tmp_path / "out/heat_island.json").read_text())
    assert (document["kind"], document["by"]) == ("canopy", "stations")
    assert "classes of the stations file: 4" in " ".join(out.split())
