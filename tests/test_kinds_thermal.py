"""Temperature rasters as other tools write them: right within a fifth of a kelvin, or refused.

Classes and temperatures are synthetic; how they are stored is drawn.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from thermal_files import CLASSES, FEW, KELVIN, SIZE, city, holes, write

from lczlib.analysis.heat import SurfaceOptions, surface_heat_island
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map
from lczlib.reading import readings
from lczlib.scenes.thermal import Thermal, open_temperature
from lczlib.terms import worded

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
@settings(max_examples=12, deadline=None)  # each fits the range of a field
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


@pytest.mark.parametrize(
    ("stored", "about", "options", "sentence"),
    [
        ("kelvin", {}, {"unit": "degC"}, "look like K; state --unit K"),
        ("celsius", {"unit": "K"}, {}, "look like degC; state --unit degC"),
        ("tenths", {"unit": "degC"}, {}, "look like 0.1degC; state --unit 0.1degC"),
        ("tenths", {}, {"unit": "K"}, "look like 0.1degC; state --unit 0.1degC"),
        ("numbers", {}, {"unit": "K"}, "its numbers would fit --kind landsat-l2"),
        ("numbers", {}, {"kind": "modis"}, "its numbers would fit --kind landsat-l2"),
        ("numbers", {}, {}, "states no unit"),
        ("celsius", {"unit": "mm"}, {}, "which is no temperature"),
    ],
)  # fmt: skip
def test_what_a_refusal_advises_is_right(tmp_path, stored, about, options, sentence):
    _, truth = city(0)
    values = {
        "kelvin": (truth + KELVIN).astype(np.float32), "celsius": truth.astype(np.float32),
        "tenths": (truth * 10).round().astype(np.int16),
        "numbers": ((truth + KELVIN - 149) / 0.00341802).astype(np.uint16),
    }[stored]  # fmt: skip
    path = write(tmp_path, [("", values, about)])
    with pytest.raises(InputError, match=sentence) as refused:
        open_temperature(path, **options)
    for name, asked in re.findall(r"--(unit|kind) ([\w.-]*\w)", str(refused.value)):
        if "states" not in sentence and "no temp" not in sentence:
            followed = open_temperature(path, **(options | {name: asked}))
            assert np.median(followed.temperature) == pytest.approx(np.median(truth), abs=0.1)


def test_fahrenheit_taken_for_celsius_is_doubted_and_read(tmp_path):
    _, truth = city(0)
    path = write(tmp_path, [("", (truth * 1.8 + 32).astype(np.float32), {})])
    with readings() as heard:
        open_temperature(path, unit="degC")
    assert "state --unit degF" in worded(heard[0].cautions[0])
    found = open_temperature(path, unit="degF").temperature
    assert np.median(found) == pytest.approx(np.median(truth), abs=0.01)


def test_differences_that_no_surface_shows_are_warned_of():
    codes, truth = city(0)
    box = GeoBox.from_bbox((0, 0, SIZE * 100, SIZE * 100), "EPSG:32633", resolution=100)
    wide = on_grid((truth.mean() + 10 * (truth - truth.mean())).astype(np.float32), box)
    with readings() as heard:
        surface_heat_island(wide, lcz_map(on_grid(codes, box)), SurfaceOptions(replicates=100))
    assert "K apart, which no surface of one scene shows" in heard[0].cautions[0]
