"""Layers of temperature and height under the names and in the files of their services."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from thermal_files import FEW, KELVIN, SIZE, city, holes, write

from lczlib.errors import GridError, InputError
from lczlib.grid import geobox_of
from lczlib.reading import readings
from lczlib.scenes.elevation import open_elevation
from lczlib.scenes.layer import open_layer
from lczlib.scenes.thermal import open_air_temperature, open_temperature


@pytest.mark.parametrize(
    ("raster", "layer", "flags"),
    [
        ("MOD11A1.061_LST_Day_1km_doy2021196_aid0001.tif", "MOD11A1.061_QC_Day_doy2021196_aid0001.tif", 2),
        ("MYD21A1N.061_LST_1KM_doy2021196_aid0002.tif", "MYD21A1N.061_QC_doy2021196_aid0002.tif", 2),
        (
            "ECO_L2T_LSTE.002_LST_doy2021196120114_aid0001_33N.tif",
            "ECO_L2T_LSTE.002_cloud_doy2021196120114_aid0001_33N.tif", 1,
        ),
        ("LC09_L2SP_1_2_02_T1_ST_B10_utm.tif", "LC09_L2SP_1_2_02_T1_QA_PIXEL_clip.TIF", 8),
        ("LC09_L2SP_1_2_02_T1_ST_B10 (1).tif", "LC09_L2SP_1_2_02_T1_QA_PIXEL.TIF", 8),
    ],
)  # fmt: skip
def test_quality_layers_are_found_under_the_names_of_their_services(tmp_path, raster, layer, flags):
    _, truth = city(1)
    landsat, modis = "L2SP" in raster, raster.startswith("M")
    scale, offset = (0.00341802, 149.0) if landsat else (0.02, 0.0) if modis else (1.0, 0.0)
    stored = (truth + KELVIN - offset) / scale
    write(tmp_path, [("", stored.astype("f4" if scale == 1 else "u2"), {})], raster)
    cloud = np.zeros(truth.shape, np.uint8)
    cloud[10:20] = flags
    write(tmp_path, [("", cloud, {})], layer)
    with readings() as heard:
        scene = open_temperature(tmp_path / raster)
    assert scene.counts["cloud_or_poor"] == 10 * SIZE
    assert layer in str(heard[0])
    # a layer of another date is not this one's
    other = layer.replace("doy2021196", "doy2021197").replace("T1_QA", "T9_QA")
    (tmp_path / layer).rename(tmp_path / other)
    assert open_temperature(tmp_path / raster).counts["cloud_or_poor"] is None


@pytest.mark.parametrize("thermal", ["ST_B10", "LST_Night_1km"])
def test_bands_of_earth_engine_carry_product_and_quality(tmp_path, thermal):
    _, truth = city(2)
    landsat = thermal == "ST_B10"
    stored = (truth + KELVIN - 149) / 0.00341802 if landsat else (truth + KELVIN) / 0.02
    clear = np.full(truth.shape, 21824 if landsat else 0)
    cloud = clear.copy()
    cloud[:9] = 22280 if landsat else 2
    bands = [("QA_PIXEL", cloud), (thermal, stored)] if landsat else [
        ("QC_Day", clear + 2), ("QC_Night", cloud), (thermal, stored)
    ]  # fmt: skip
    path = write(tmp_path, [(n, v.astype(np.uint16), {}) for n, v in bands], "export.tif")
    scene = open_temperature(path)
    assert scene.counts["cloud_or_poor"] == 9 * SIZE
    assert np.nanmedian(scene.temperature) == pytest.approx(np.median(truth[9:]), abs=0.02)
    assert scene.overpass == (None if landsat else "night")


def netcdf(path: Path, packed: bool, west: float = 13.0) -> np.ndarray:
    """ERA5-Land as the Climate Data Store gives it: t2m and d2m, four hours, kelvin; degC of the third."""
    rng = np.random.default_rng(0)
    axes = {
        "valid_time": np.datetime64("2021-07-15T10", "ns") + np.arange(4) * np.timedelta64(1, "h"),
        "latitude": ("latitude", 52.8 - 0.1 * np.arange(8), {"units": "degrees_north"}),
        "longitude": ("longitude", west + 0.1 * np.arange(10), {"units": "degrees_east"}),
    }
    dims = ("valid_time", "latitude", "longitude")
    kelvin = 293 + rng.random((4, 8, 10))
    data = xr.Dataset(
        {
            "t2m": (dims, kelvin, {"units": "K", "long_name": "2 metre temperature"}),
            "d2m": (dims, kelvin - 5, {"units": "K", "long_name": "2 metre dewpoint temperature"}),
        },
        axes,
    )
    how = {"dtype": "int16", "scale_factor": 0.001, "add_offset": 293.0, "_FillValue": -32767}
    data.to_netcdf(path, encoding={"t2m": how} if packed else {"t2m": {"dtype": "float32"}})
    return kelvin[2] - KELVIN


@pytest.mark.parametrize("packed", [False, True])
def test_air_of_a_reanalysis_is_read_by_variable_and_time(tmp_path, packed):
    path = tmp_path / "era5_land.nc"
    celsius = netcdf(path, packed)
    scene = open_air_temperature(path, band="t2m:3")
    np.testing.assert_allclose(scene.temperature, celsius, atol=2e-3)
    assert scene.time == np.datetime64("2021-07-15T12:00")
    assert scene.temperature.attrs["quantity"] == "air temperature"
    with pytest.raises(
        InputError, match=r"holds 4 times of t2m, 2021-07-15T10:00 .*--band t2m:NUMBER"
    ):
        open_air_temperature(path)
    with pytest.raises(InputError, match=r"holds air temperature \(t2m\).*--air"):
        open_temperature(path, band="t2m:3")
    with pytest.raises(InputError, match="2 variables"):
        open_temperature(path, band="skt")
    netcdf(tmp_path / "west.nc", packed, west=357.0)
    west = open_air_temperature(tmp_path / "west.nc", band="t2m:1").temperature
    assert float(west[west.dims[1]][0]) == pytest.approx(-3.0)


@given(
    seed=st.integers(0, 10_000),
    fill=st.sampled_from([-9999.0, -32768.0, -3.4e38, 32767.0, 1e20]),
    declared=st.booleans(),
    dtype=st.sampled_from(["int16", "float32", "float64"]),
    share=st.floats(0.01, 0.45),
    unit=st.sampled_from(["", "m", "metre", "ft"]),
)
@FEW
def test_holes_of_an_elevation_raster_are_never_metres(seed, fill, declared, dtype, share, unit):
    if dtype == "int16" and abs(fill) > 32768:
        fill = -32768.0
    rng = np.random.default_rng(seed)
    metres = rng.uniform(-300, 3000) + 50 * rng.standard_normal((SIZE, SIZE))
    gone = holes(seed, share, block=False)
    stored = np.where(gone, fill, metres / (0.3048 if unit == "ft" else 1)).astype(dtype)
    with tempfile.TemporaryDirectory() as folder, readings() as heard:
        path = write(
            folder, [("", stored, {"unit": unit})], "dem.tif", nodata=fill if declared else None
        )
        found = open_elevation(path)
    assert np.isnan(found.values[gone]).all()
    np.testing.assert_allclose(found.values[~gone], metres[~gone], atol=1.0)
    assert bool(heard[0].cautions) == (not declared)
    assert found.attrs["units"] == "m"


def test_an_elevation_raster_that_is_none_is_refused(tmp_path):
    path = write(tmp_path, [("", np.full((SIZE, SIZE), 25000, np.uint16), {})])
    with pytest.raises(InputError, match="outside -500 to 9000 m: give one in metres"):
        open_elevation(path)
    path = write(tmp_path, [("", np.full((SIZE, SIZE), 250, np.uint16), {"unit": "dBZ"})])
    with pytest.raises(InputError, match="is in 'dBZ': give one in metres"):
        open_elevation(path)


def test_a_valid_range_and_a_fill_in_text_are_heeded(tmp_path):
    stored = np.full((SIZE, SIZE), 14800, np.uint16)
    stored[0], stored[1] = 100, 7
    tags = {"valid_range": "7500,65535", "_FillValue": "7"}
    path = write(tmp_path, [("LST", stored, {"tags": tags})])
    layer = open_layer(path, "raster")
    assert layer.valid_range == (7500, 65535)
    assert layer.fills == (7,)
    assert layer.missing().sum() == 2 * SIZE


@pytest.mark.parametrize("south_first", [False, True])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("axes", [("y", "x"), ("northing", "easting"), ("lat", "lon")])
def test_axes_of_a_netcdf_without_attributes_place_it(tmp_path, axes, kind, south_first):
    plane = axes[0] != "lat"
    x = (384050 + 100 * np.arange(30) if plane else 13 + 0.01 * np.arange(30)).astype(kind)
    y = (5819950 - 100 * np.arange(20) if plane else 52 - 0.01 * np.arange(20)).astype(kind)
    celsius = np.random.default_rng(0).normal(22, 5, (20, 30)).astype("f4")
    crs = {"crs": ((), 0, {"crs_wkt": CRS("EPSG:32633").to_wkt(), "grid_mapping_name": "utm"})}
    attrs = {"units": "degC", **({"grid_mapping": "crs"} if plane else {})}
    data = xr.Dataset(
        {"LST": (axes, celsius, attrs), **(crs if plane else {})},
        dict(zip(axes, (y, x), strict=True)),
    )
    path = tmp_path / "lst.nc"
    data.isel({axes[0]: slice(None, None, -1 if south_first else 1)}).to_netcdf(path)
    with readings():
        found = open_temperature(path, band="LST").temperature
    box = geobox_of(found)
    assert box.crs.to_epsg() == (32633 if plane else 4326)
    step = 100 if plane else 0.01
    expected = (x[0] - step / 2, y[0] + step / 2)
    np.testing.assert_allclose((box.affine.c, box.affine.f), expected, atol=0.3 * step)
    assert box.affine.e < 0
    np.testing.assert_allclose(found.values, celsius, atol=1e-4)


@pytest.mark.parametrize("axes", ["none", "irregular", "GeoTIFF"])
def test_a_raster_with_a_crs_and_no_place_in_it_is_refused(tmp_path, axes):
    path = tmp_path / ("lst.tif" if axes == "GeoTIFF" else "lst.nc")
    celsius = np.random.default_rng(0).normal(22, 5, (20, 30)).astype("f4")
    if axes == "GeoTIFF":
        with (
            pytest.warns(rasterio.errors.NotGeoreferencedWarning),
            rasterio.open(
                path, "w", driver="GTiff", count=1, height=20, width=30, dtype="float32", crs="EPSG:32633"
            ) as dst,
        ):  # fmt: skip
            dst.write(celsius, 1)
    else:
        wkt = {"crs_wkt": CRS("EPSG:32633").to_wkt(), "grid_mapping_name": "utm"}
        attrs = {"units": "degC", "grid_mapping": "crs"}
        coords = {"y": np.arange(20.0) ** 2, "x": np.arange(30.0)} if axes == "irregular" else {}
        xr.Dataset({"LST": (("y", "x"), celsius, attrs), "crs": ((), 0, wkt)}, coords).to_netcdf(
            path
        )
    with pytest.raises(GridError, match="has no georeferencing"):
        open_temperature(path, unit="degC")
