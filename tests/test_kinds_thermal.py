"""Temperature and elevation rasters as other tools write them: right within a tenth of a kelvin, or refused.

Classes and temperatures are synthetic; how they are stored is drawn.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat import SurfaceOptions, surface_heat_island
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map
from lczlib.reading import readings
from lczlib.scenes.elevation import open_elevation
from lczlib.scenes.layer import open_layer
from lczlib.scenes.thermal import Thermal, open_air_temperature, open_temperature

SIZE = 72
CLASSES = (2, 6, 14, 11)
KELVIN = 273.15
GENERATED = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking takes minutes of rasters
FEW = settings(max_examples=40, deadline=None, phases=GENERATED)

# dtype, scale, offset, unit of the scaled value, fills that nobody declares
STORAGE = [
    ("float32", 1.0, 0.0, "degC", (0, -9999, -999, -3.4e38, 1e20, 9999)),
    ("float32", 1.0, 0.0, "K", (0, -9999, 1e20, -1)),
    ("float64", 1.0, 0.0, "degF", (0, -9999)),
    ("uint16", 0.00341802, 149.0, "K", (0, 65535)),
    ("uint16", 0.02, 0.0, "K", (0, 65535)),
    ("int16", 0.1, 0.0, "degC", (0, -9999, -32768, 32767)),
    ("int16", 0.01, 0.0, "degC", (0, -9999, -32768)),
    ("int16", 0.01, 273.15, "K", (-9999, -32768, 32767)),
    ("int32", 0.001, 0.0, "K", (0, -9999, 2**31 - 1)),
]
SPELLINGS = {
    "K": ("K", "Kelvin", "kelvin", "degrees_kelvin"), "degC": ("degC", "Celsius", "°C", "C"),
    "degF": ("degF", "Fahrenheit"),
}  # fmt: skip


def city(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of squares of four classes, and their temperature in degC."""
    rng = np.random.default_rng(seed)
    codes = np.kron(rng.choice(CLASSES, (9, 9)), np.ones((8, 8), int)).astype(np.uint8)
    level = np.zeros(18)
    level[list(CLASSES)] = rng.uniform(14, 36) + np.array([4.0, 2.0, 0.0, -3.0])
    return codes, level[codes] + rng.uniform(0.3, 1.2) * rng.standard_normal(codes.shape)


def holes(seed: int, share: float, block: bool) -> np.ndarray:
    """Pixels without data: a block of columns, or scattered."""
    if block:
        out = np.zeros((SIZE, SIZE), bool)
        out[:, : max(1, round(share * SIZE))] = True
        return out
    return np.random.default_rng(seed + 1).random((SIZE, SIZE)) < share


def write(
    folder: str,
    bands: list[tuple[str, np.ndarray, dict[str, object]]],
    name: str = "lst.tif",
    **whole: object,
) -> Path:
    """Bands with a name, values and what is said of them: scale, offset, unit, tags."""
    path = Path(folder) / name
    kinds = {b[1].dtype for b in bands}
    dtype = np.result_type(*kinds)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=SIZE, width=SIZE, dtype=dtype, crs="EPSG:32633",
        transform=rasterio.transform.from_origin(384000, 5820000, 100, 100), nodata=whole.pop("nodata", None),
    ) as dst:  # fmt: skip
        dst.update_tags(**whole)
        for i, (label, values, about) in enumerate(bands, 1):
            dst.write(values.astype(dtype), i)
            if label:
                dst.set_band_description(i, label)
            dst.update_tags(i, **about.get("tags", {}))
        dst.scales = [float(b[2].get("scale", 1.0)) for b in bands]
        dst.offsets = [float(b[2].get("offset", 0.0)) for b in bands]
        dst.units = [str(b[2].get("unit", "")) for b in bands]
    return path


def opened(path: Path, **options: object) -> tuple[Thermal | None, str]:
    """The scene, or the sentence that refuses it."""
    try:
        return open_temperature(path, **options), ""
    except InputError as err:
        return None, str(err)


@given(
    seed=st.integers(0, 10_000),
    storage=st.sampled_from(STORAGE),
    scale_by=st.sampled_from(["gdal", "band tags", "file tags", "stac"]),
    unit_by=st.sampled_from(["gdal", "band tags", "file tags", "option"]),
    fill=st.sampled_from(["none", "declared", "undeclared", "in tags"]),
    which=st.integers(0, 5),
    share=st.floats(0.01, 0.45),
    block=st.booleans(),
    layout=st.sampled_from(["alone", "first of two", "second of two"]),
    by_number=st.booleans(),
    qa=st.booleans(),
)
@FEW
def test_however_it_is_stored(
    seed, storage, scale_by, unit_by, fill, which, share, block, layout, by_number, qa
):
    dtype, scale, offset, unit, fills = storage
    codes, truth = city(seed)
    values = {"K": truth + KELVIN, "degC": truth, "degF": truth * 1.8 + 32}[unit]
    stored = ((values - offset) / scale).round(0 if scale != 1 else 6).astype(dtype)
    gone = np.zeros(codes.shape, bool)
    nodata = None
    about: dict[str, object] = {"tags": {}}
    whole: dict[str, object] = {}
    value = np.asarray(fills[which % len(fills)], dtype)
    if fill != "none":
        gone = holes(seed, share, block)
        stored[gone] = value
        nodata = float(value) if fill == "declared" else None
        if fill == "in tags":
            about["tags"]["missing_value"] = f"{float(value):.17g}"
    if scale != 1.0:
        text = {"scale_factor": f"{scale:g}", "add_offset": f"{offset:.8g}"}
        if scale_by == "gdal":
            about |= {"scale": scale, "offset": offset}
        elif scale_by == "band tags":
            about["tags"] |= text
        elif scale_by == "file tags" and layout == "alone":
            whole |= text
    spelled = SPELLINGS[unit][which % len(SPELLINGS[unit])]
    options: dict[str, object] = {}
    if unit_by == "gdal":
        about["unit"] = spelled
    elif unit_by == "option":
        options["unit"] = unit
    elif unit_by == "band tags" or layout != "alone":
        about["tags"]["units"] = spelled
    else:
        whole["units"] = spelled
    clouds = np.zeros(codes.shape, bool)
    other = np.random.default_rng(seed).integers(0, 60, codes.shape)
    second = ("view_angle", other.astype(dtype), {})
    if qa and layout != "alone" and dtype == "uint16":
        clouds[30:40] = True
        stored[clouds & ~gone] = stored[clouds & ~gone] * 0.95
        second = ("qa_pixel", np.where(clouds, 22280, 21824).astype(dtype), {})
    bands = [("lst", stored, about)]
    if layout != "alone":
        bands = [bands[0], second] if layout == "first of two" else [second, bands[0]]
        options["band"] = (
            1 + bands.index(next(b for b in bands if b[0] == "lst")) if by_number else "lst"
        )
    if scale != 1.0 and (scale_by == "stac" or (scale_by == "file tags" and layout != "alone")):
        said = [
            {"scale": scale, "offset": offset} if b[0] == "lst" else {"scale": 1, "offset": 0}
            for b in bands
        ]
        whole["raster:bands"] = json.dumps(said)
    with tempfile.TemporaryDirectory() as folder, readings():
        path = write(folder, bands, nodata=nodata, **whole)
        scene, refusal = opened(path, **options)
    if scene is None:
        assert fill == "undeclared", refusal
        assert "gdal_edit.py -a_nodata" in refusal
        return
    known = ~gone & ~clouds
    celsius = scene.temperature.values
    for number in CLASSES:
        here = known & (codes == number)
        if here.sum() < 100:
            continue
        seen = celsius[codes == number]
        assert np.nanmedian(seen) == pytest.approx(np.median(truth[here]), abs=0.2)
        assert np.nanmean(seen) == pytest.approx(truth[here].mean(), abs=0.2)
    assert scene.counts["total"] == codes.size
    assert (scene.counts["cloud_or_poor"] is None) == (second[0] != "qa_pixel" or layout == "alone")


@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from([
        "LC08_L2SP_193023_20230909_20230914_02_T1_ST_B10.TIF",
        "LC08_L2SP_193023_20230909_20230914_02_T1_ST_B10_clip.tif",
        "MOD11A1.061_LST_Day_1km_doy2021196_aid0001.tif", "lst.tif",
    ]),
    unit=st.sampled_from(["K", "degC"]),
    tags=st.booleans(),
)  # fmt: skip
@FEW
def test_floats_that_were_scaled_before_are_not_scaled_again(seed, name, unit, tags):
    _, truth = city(seed)
    stored = (truth + (KELVIN if unit == "K" else 0)).astype(np.float32)
    about: dict[str, object] = {"unit": unit} if tags or name == "lst.tif" else {}
    if tags:
        about |= {"scale": 0.00341802, "offset": 149.0} if unit == "K" else {"scale": 0.02}
    with tempfile.TemporaryDirectory() as folder, readings() as heard:
        scene = open_temperature(write(folder, [("", stored, about)], name))
    assert np.median(scene.temperature) == pytest.approx(np.median(truth), abs=0.02)
    if name != "lst.tif" or tags:
        assert any(
            "is not applied again" in text or "is not" in text for text in heard[-1].cautions
        )


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.4), cooler=st.floats(9, 35))
@FEW
def test_clouds_without_a_quality_layer_are_told(seed, share, cooler):
    codes, truth = city(seed)
    rng = np.random.default_rng(seed)
    cloudy = holes(seed, share, block=False)
    celsius = np.where(cloudy, truth - cooler - rng.uniform(0, 8, truth.shape), truth)
    with tempfile.TemporaryDirectory() as folder, readings() as heard:
        scene = open_temperature(write(folder, [("", celsius.astype("f4"), {"unit": "degC"})]))
        assert "no quality layer: clouds not removed" in heard[0].said
        lcz = scene.temperature.copy(data=codes)
        surface_heat_island(scene.temperature, lcz, SurfaceOptions(interior=0, replicates=100))
    assert any("clouds that were not removed" in text for r in heard for text in r.cautions)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_a_clear_scene_raises_no_false_alarm(seed):
    codes, truth = city(seed)
    codes[:, 60:] = 17
    truth[:, 60:] -= 8
    with tempfile.TemporaryDirectory() as folder, readings() as heard:
        scene = open_temperature(write(folder, [("", truth.astype("f4"), {"unit": "degC"})]))
        lcz = scene.temperature.copy(data=codes)
        surface_heat_island(scene.temperature, lcz, SurfaceOptions(interior=0, replicates=100))
    assert [text for r in heard for text in r.cautions] == []
    assert scene.counts["repeated"] == 0


@given(
    seed=st.integers(0, 10_000),
    step=st.sampled_from([0.1, 0.5, 1.0]),
    coarse=st.sampled_from([1, 4, 12]),
)
@FEW
def test_coarse_steps_and_coarse_grids_hold_no_repeated_fill(seed, step, coarse):
    _, truth = city(seed)
    field = np.kron(truth[::coarse, ::coarse], np.ones((coarse, coarse)))
    stored = (field / step).round().astype(np.int16)
    with tempfile.TemporaryDirectory() as folder, readings():
        scene = open_temperature(write(folder, [("", stored, {"unit": "degC", "scale": step})]))
    assert scene.counts["repeated"] == 0


def test_differences_that_no_surface_shows_are_warned_of():
    codes, truth = city(0)
    box = GeoBox.from_bbox((0, 0, SIZE * 100, SIZE * 100), "EPSG:32633", resolution=100)
    wide = on_grid((truth.mean() + 10 * (truth - truth.mean())).astype(np.float32), box)
    with readings() as heard:
        surface_heat_island(wide, lcz_map(on_grid(codes, box)), SurfaceOptions(replicates=100))
    assert "K apart, which no surface of one scene shows" in heard[0].cautions[0]


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
