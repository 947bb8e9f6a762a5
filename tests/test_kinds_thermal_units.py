"""What raster numbers are worth, stated in every way or not at all; and numbers that are no temperatures."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from thermal_files import KELVIN, SIZE, city, write

from lczlib.errors import InputError
from lczlib.reading import readings
from lczlib.scenes.thermal import open_air_temperature, open_temperature
from lczlib.scenes.thermal_units import scaled_unit

TRUTH = city(3)[1]
IN = {"K": TRUTH + KELVIN, "degC": TRUTH, "degF": TRUTH * 1.8 + 32}
DOORS = {"surface": open_temperature, "air": open_air_temperature}


def told(path, door="surface", **options):
    with readings() as heard:
        scene = DOORS[door](path, **options)
    return scene, heard[-1]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "float32"])
@pytest.mark.parametrize(("scale", "unit"), [
    (0.1, "K"), (0.01, "K"), (0.1, "degC"), (0.01, "degC"), (1.0, "K"), (1.0, "degC"),
])  # fmt: skip
@pytest.mark.parametrize("stated", [None, "K", "degC", "degF"])
def test_the_first_option_that_is_named_reads_numbers_without_tags(
    tmp_path, door, dtype, scale, unit, stated
):
    path = write(tmp_path, [("", np.round(IN[unit] / scale).astype(dtype), {})], "field.tif")
    try:
        scene, _ = told(path, door, unit=stated)
    except InputError as refused:
        text = str(refused)
        assert "--kind" not in text or door == "surface"
        assert stated or "--unit K, --unit degC or --unit degF" in text
        advice = text.rpartition(" By their size ")[2]
        ((option, asked), *_) = re.findall(r"--(unit|kind) ([\w.-]*\w)", advice)
        scene, _ = told(path, door, **{option: asked})
    else:
        assert stated == unit or (stated, unit) == ("degF", "degC")  # which nothing can tell
        if stated != unit:
            return
    assert np.nanmedian(scene.temperature) == pytest.approx(np.median(TRUTH), abs=max(scale, 0.06))


@pytest.mark.parametrize("spelled", ["0.1 K", "0.1K", "1e-1 kelvin", "K*10", "0.1 degrees_kelvin"])
@pytest.mark.parametrize("by", ["option", "gdal", "text"])
def test_a_unit_with_a_number_is_what_a_stored_number_is_worth(tmp_path, spelled, by):
    about = {"option": {}, "gdal": {"unit": spelled}, "text": {"tags": {"units": spelled}}}[by]
    path = write(tmp_path, [("", np.round(IN["K"] * 10).astype(np.int16), about)])
    scene, reading = told(path, unit=spelled if by == "option" else None)
    assert np.median(scene.temperature) == pytest.approx(np.median(TRUTH), abs=0.06)
    assert reading.facts["scale"] == pytest.approx(0.1)
    assert reading.cautions == ()


@pytest.mark.parametrize("text", ["0 K", "mm", "K*0", "0.1", "ten K"])
def test_what_is_no_unit_is_none(text):
    assert scaled_unit(text) is None


def test_the_command_takes_such_a_unit(tmp_path, run_lcz):
    path = write(tmp_path, [("", np.round(IN["K"] * 10).astype(np.int16), {})])
    lcz = write(tmp_path, [("", city(3)[0], {})], "lcz.tif")
    code, _, said = run_lcz("uhi", lcz, "--lst", path, "--out", tmp_path / "a", "--scheme", "1-17")
    assert code == 1
    assert "--unit 0.1K" in said
    code, _, said = run_lcz(
        "uhi", lcz, "--lst", path, "--out", tmp_path / "b", "--unit", "0.1K", "--scheme", "1-17"
    )
    assert code == 0, said
    told = json.loads((tmp_path / "b" / "heat_island.json").read_text())["read"]
    assert any("stored x 0.1 = K, as stated" in text for r in told for text in r["said"])


@pytest.mark.parametrize("kept", ["variable", "band name", "nothing"])
def test_text_of_a_netcdf_conversion_is_that_of_the_variable(tmp_path, kept):
    stored = np.round((IN["K"] - 200) / 0.02).astype(np.int16)
    stored[:5] = -7777
    tags = {
        "LST#scale_factor": "0.02", "LST#add_offset": "200", "LST#units": "kelvin", "LST#_FillValue": "-7777",
        "time#units": "hours since 2000-01-01", "y#units": "m", "x#units": "m", "NC_GLOBAL#title": "t",
        "crs#grid_mapping_name": "utm",
    }  # fmt: skip
    if kept != "nothing":
        tags |= {"emis#scale_factor": "0.002", "emis#units": "1", "emis#_FillValue": "0"}
    about = {"tags": {"NETCDF_VARNAME": "LST"}} if kept == "variable" else {}
    path = write(tmp_path, [("LST" if kept == "band name" else "", stored, about)], "a.tif", **tags)
    scene, reading = told(path)
    assert np.nanmedian(scene.temperature) == pytest.approx(np.median(TRUTH[5:]), abs=0.02)
    assert scene.counts["no_data"] == 5 * SIZE
    assert reading.facts["unit"] == "K"


@pytest.mark.parametrize("name", ["cloud", "cloud_mask", "Clouds"])
@pytest.mark.parametrize("first", [False, True])
def test_a_band_of_clouds_beside_the_thermal_one_is_heeded(tmp_path, name, first):
    cloud = np.zeros((SIZE, SIZE), "f4")
    cloud[:7] = 1
    bands = [("lst", IN["degC"].astype("f4"), {"unit": "degC"}), (name, cloud, {})]
    scene, reading = told(write(tmp_path, bands[::-1] if first else bands))
    assert scene.counts["cloud_or_poor"] == 7 * SIZE
    assert np.isnan(scene.temperature.values[:7]).all()
    assert (
        f"{7 * SIZE:,} cloudy or poor by band {name} of the same file, 1 taken for cloud"
        in reading.said
    )


@pytest.mark.parametrize(
    ("name", "values"), [("qa", (0, 1)), ("cloud_mask", (0, 1, 2)), ("quality", (0, 3))]
)
def test_flags_of_unknown_meaning_are_told(tmp_path, name, values):
    flags = np.random.default_rng(0).choice(values, (SIZE, SIZE)).astype("f4")
    bands = [("lst", IN["degC"].astype("f4"), {"unit": "degC"}), (name, flags, {})]
    scene, reading = told(write(tmp_path, bands))
    assert scene.counts["cloud_or_poor"] is None
    assert f"The band {name} of lst.tif is not used" in reading.cautions[0]


@pytest.mark.parametrize(("low", "high"), [(-0.2, 0.9), (0.9, 0.99), (-1.0, 1.0)])
def test_an_index_is_no_temperature(tmp_path, low, high):
    values = np.random.default_rng(0).uniform(low, high, (SIZE, SIZE)).astype("f4")
    path = write(tmp_path, [("", values, {})], "a.tif")
    with pytest.raises(InputError, match="holds no temperatures"):
        open_temperature(path, unit="degC")


@pytest.mark.parametrize(
    ("name", "band", "field", "about", "sentence"),
    [
        ("radiance.tif", "", (9, 1.5), {}, "speaks of radiance"),
        ("a.tif", "NDVI", (20, 5), {}, "speaks of NDVI"),
        ("a.tif", "", (9, 0.3), {}, "closer together than the surfaces of a city"),
        ("a.tif", "", (20, 5), {"unit": "W m-2 sr-1 um-1"}, "says that its unit is 'W m-2 sr-1 um-1'"),
    ],
)  # fmt: skip
def test_other_quantities_are_doubted(tmp_path, name, band, field, about, sentence):
    values = np.random.default_rng(0).normal(*field, (SIZE, SIZE)).astype("f4")
    _, reading = told(write(tmp_path, [(band, values, about)], name), unit="degC")
    assert any(sentence in text for text in reading.cautions)


def test_counts_of_a_byte_are_doubted(tmp_path):
    counts = np.random.default_rng(0).integers(20, 45, (SIZE, SIZE)).astype("u1")
    _, reading = told(write(tmp_path, [("", counts, {})], "a.tif"), unit="degC")
    assert any("whole numbers of one byte" in text for text in reading.cautions)


@pytest.mark.parametrize(
    "name", ["lst_ndvi_method.tif", "evening.tif", "LST.tif", "dnipro_temp.tif"]
)
def test_names_of_temperatures_raise_no_doubt(tmp_path, name):
    _, reading = told(write(tmp_path, [("", IN["degC"].astype("f4"), {"unit": "degC"})], name))
    assert reading.cautions == ()
