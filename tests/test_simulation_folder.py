"""The simulated city as a So2Sat folder, with its references."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.scenes.simulation import simulate_city, write_so2sat


@pytest.fixture(scope="module")
def city():
    return simulate_city(5, seed=3)


def test_a_so2sat_folder_reads_back_as_the_city(city, tmp_path):
    name = "00007_12345_Simulated"
    assert write_so2sat(city, tmp_path, name) == tmp_path
    scene = city.sentinel1["ascending"]
    for kind, bands in (
        ("mosaic_unfilt_dat", ["VH_re", "VH_im", "VV_re", "VV_im"]),
        ("mosaic_dat", ["C11", "C12_re", "C12_im", "C22"]),
    ):
        with rasterio.open(tmp_path / "Sentinel-1" / name / kind / "202107" / "mosaic.tif") as src:
            assert src.tags()["LCZLIB_SIMULATED"] == "yes"
            assert src.dtypes == ("float32",) * 4
            np.testing.assert_array_equal(src.read(), scene[bands].to_array().values)
            assert src.transform == geobox_of(scene).affine
            assert src.crs == "EPSG:32631"
    for season, optical in city.sentinel2.items():
        path = tmp_path / "Sentinel-2" / name / season / f"12345_{season}.tif"
        with rasterio.open(path) as src:
            assert src.tags()["LCZLIB_SIMULATED"] == "yes"
            assert (src.count, src.dtypes[0]) == (13, "uint16")
            numbers = src.read([2, 3, 4, 5, 6, 7, 8, 9, 12, 13])
            atmospheric = src.read([1, 10, 11])
        values = optical.to_array().values
        missing = np.isnan(values)
        assert (numbers[missing] == 0).all()
        assert np.abs(numbers / 1e4 - values)[~missing].max() <= 0.5e-4 + 1e-7
        assert (atmospheric[:, missing[0]] == 0).all()
        assert (atmospheric[:, ~missing[0]] > 0).all()


def test_the_references_are_written_beside_the_scene(city, tmp_path):
    folder = write_so2sat(city, tmp_path) / "Reference" / "00000_00000_Simulated"
    with rasterio.open(folder / "lcz.tif") as src:
        np.testing.assert_array_equal(src.read(1), city.lcz.values)
        assert src.tags()["LCZLIB_SIMULATED"] == "yes"
    with rasterio.open(folder / "lst.tif") as src:
        np.testing.assert_array_equal(src.read(1), city.lst.day.values)
        assert src.descriptions == ("day", "night")
    polygons = gpd.read_file(folder / "polygons.gpkg")
    assert polygons["lcz"].tolist() == city.polygons["lcz"].tolist()
    assert len(gpd.read_file(folder / "stations.gpkg")) == 30
    series = pd.read_csv(folder / "air_temperature.csv", parse_dates=["time"])
    np.testing.assert_allclose(series["air_temperature"], city.air_temperature["air_temperature"])
    assert (series["time"] == city.air_temperature["time"]).all()
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["simulated"] is True
    assert truth["surface"]["day"]["14"] == 0
    assert truth["surface"]["day"]["10"] == float(city.lst_difference.day.sel(lcz=10))


@pytest.mark.parametrize("name", ["Berlin", "00000_Simulated", "00001_00002_Berlin"])
def test_a_folder_name_that_does_not_say_simulated_is_refused(city, tmp_path, name):
    with pytest.raises(InputError, match="Simulated"):
        write_so2sat(city, tmp_path, name)


def test_an_unknown_orbit_is_refused(city, tmp_path):
    with pytest.raises(InputError, match="ascending"):
        write_so2sat(city, tmp_path, orbit="polar")
