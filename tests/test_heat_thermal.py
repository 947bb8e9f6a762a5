"""Thermal products: what is decoded, masked, counted and refused. Files are synthetic, made to the
products' descriptions; Hong Kong's real Landsat scene is in test_heat_surface."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lczlib.errors import GridError, InputError
from lczlib.scenes.thermal import open_temperature
from lczlib.scenes.thermal_products import ThermalConstants, modis_quality

L2 = "LC08_L2SP_193023_20230909_20230914_02_T1"
MTL = """GROUP = LANDSAT_METADATA_FILE
    DATE_ACQUIRED = 2023-09-09
    SCENE_CENTER_TIME = "10:02:33.1234560Z"
    RADIANCE_MULT_BAND_10 = 3.3420E-04
    RADIANCE_ADD_BAND_10 = 0.10000
    K1_CONSTANT_BAND_10 = 774.8853
    K2_CONSTANT_BAND_10 = 1321.0789
END_GROUP = LANDSAT_METADATA_FILE
"""


def _dn(celsius: float) -> int:
    return round((celsius + 273.15 - 149.0) / 0.00341802)


def test_landsat_level_2_is_scaled_masked_and_dated(write_tif, tmp_path):
    stored = np.full((20, 20), _dn(25.0), np.uint16)
    stored[0] = 0
    qa = np.zeros((20, 20), np.uint16)
    for column, bit in enumerate(
        range(6)
    ):  # fill, dilated cloud, cirrus, cloud, shadow; snow stays
        qa[5, column] = 1 << bit
    path = write_tif(stored, f"{L2}_ST_B10.TIF")
    write_tif(qa, f"{L2}_QA_PIXEL.TIF")
    write_tif(np.full((20, 20), 180, np.int16), f"{L2}_ST_QA.TIF")
    (tmp_path / f"{L2}_MTL.txt").write_text(MTL)
    scene = open_temperature(path)
    assert scene.temperature.attrs["quantity"] == "land surface temperature"
    assert np.isnan(scene.temperature.data[5, :5]).all()
    assert scene.temperature.data[5, 5] == pytest.approx(25.0, abs=0.002)
    assert scene.counts == {
        "total": 400, "no_data": 20, "repeated": 0, "cloud_or_poor": 5, "implausible": 0, "fringe": 0,
        "valid": 375,
    }  # fmt: skip
    assert np.nanmedian(scene.uncertainty) == pytest.approx(1.80)
    assert scene.time == np.datetime64("2023-09-09T10:02:33")


@pytest.mark.parametrize("form", ["txt", "json"])
def test_landsat_level_1_constants_come_from_the_metadata_file(write_tif, tmp_path, form):
    path = write_tif(np.full((4, 4), 25000, np.uint16), "LC08_L1TP_193023_x_B10.TIF")
    pairs = [line.split(" = ") for line in MTL.splitlines() if "BAND_10" in line]
    text = MTL if form == "txt" else json.dumps({"A": {"B": {k.strip(): v for k, v in pairs}}})
    mtl = tmp_path / f"LC08_MTL.{form}"
    mtl.write_text(text)
    scene = open_temperature(path, mtl=mtl)
    radiance = 3.342e-4 * 25000 + 0.1
    expected = 1321.0789 / np.log(774.8853 / radiance + 1) - 273.15
    np.testing.assert_allclose(scene.temperature, expected, rtol=1e-4)
    assert scene.temperature.attrs["quantity"] == "brightness temperature"


def test_landsat_level_1_without_constants_is_refused(write_tif, tmp_path):
    path = write_tif(np.full((4, 4), 25000, np.uint16), "LC08_L1TP_193023_x_B10.TIF")
    with pytest.raises(InputError, match="give the scene's MTL file"):
        open_temperature(path)
    (tmp_path / "short_MTL.txt").write_text("K1_CONSTANT_BAND_10 = 774.8853\n")
    with pytest.raises(InputError, match="lacks RADIANCE_MULT_BAND_10"):
        ThermalConstants.from_mtl(tmp_path / "short_MTL.txt")


def test_the_error_scale_of_mxd21_runs_the_other_way():
    best, worst = np.array([0b00000001]), np.array([0b11000001])
    assert modis_quality(best, "modis")[1] == 1.0
    assert modis_quality(worst, "modis")[1] == 4.0
    assert modis_quality(best, "mxd21")[1] == 3.0
    assert modis_quality(worst, "mxd21")[1] == 1.0
    for kind in ("modis", "mxd21"):
        assert modis_quality(np.array([0b10, 0b11, 0b00, 0b01]), kind)[0].tolist() == [
            True,
            True,
            False,
            False,
        ]


@pytest.mark.parametrize(
    ("name", "quality"),
    [
        (
            "MOD11A1.061_LST_Night_1km_doy2020200_aid0001.tif",
            "MOD11A1.061_QC_Night_doy2020200_aid0001.tif",
        ),
        (
            "MYD21A1N.061_LST_1KM_doy2020200_aid0001.tif",
            "MYD21A1N.061_QC_doy2020200_aid0001.tif",
        ),
    ],
)
def test_modis_exports_are_scaled_and_their_quality_decoded(write_tif, name, quality):
    stored = np.full((6, 6), 14800, np.uint16)
    stored[0, 0] = 0
    flags = np.zeros((6, 6), np.uint8)
    flags[1, 1] = 0b10
    path = write_tif(stored, name)
    write_tif(flags, quality)
    scene = open_temperature(path)
    assert scene.temperature.data[3, 3] == pytest.approx(14800 * 0.02 - 273.15, abs=1e-3)
    assert np.isnan(scene.temperature.data[1, 1])
    assert (scene.counts["no_data"], scene.counts["cloud_or_poor"]) == (1, 1)
    assert scene.overpass == "night"
    assert float(scene.uncertainty[3, 3]) == (1.0 if name.startswith("MOD11") else 3.0)


def test_ecostress_tiles_take_cloud_and_error_from_beside_them(write_tif):
    name = "ECOv002_L2T_LSTE_29487_018_33TUN_20230915T120114_0711_01_LST.tif"
    cloud = np.zeros((5, 5), np.uint8)
    cloud[2, 2] = 1
    path = write_tif(np.full((5, 5), 300.0, np.float32), name)
    write_tif(cloud, name.replace("_LST.", "_cloud."))
    write_tif(np.full((5, 5), 0.9, np.float32), name.replace("_LST.", "_LST_err."))
    scene = open_temperature(path)
    assert scene.counts["cloud_or_poor"] == 1
    assert float(scene.temperature[0, 0]) == pytest.approx(26.85, abs=1e-3)
    assert float(scene.uncertainty[0, 0]) == pytest.approx(0.9)
    assert scene.time == np.datetime64("2023-09-15T12:01:14")


def test_an_unknown_unit_is_refused_and_a_stated_one_taken(write_tif):
    path = write_tif(np.full((5, 5), 295.0, np.float32))
    with pytest.raises(InputError, match="states no unit: say whether its values are kelvin"):
        open_temperature(path)
    assert float(open_temperature(path, unit="kelvin").temperature[0, 0]) == pytest.approx(
        21.85, abs=1e-3
    )
    with pytest.raises(InputError, match="look like K"):
        open_temperature(path, unit="degC")
    with pytest.raises(InputError, match="which is no temperature"):
        open_temperature(path, unit="mm")


def test_a_unit_in_the_file_is_used(write_tif):
    path = write_tif(np.full((5, 5), 21.0, np.float32), tags={"units": "celsius"})
    assert float(open_temperature(path).temperature[0, 0]) == pytest.approx(21.0)


def test_implausible_values_and_the_resampling_fringe_are_counted(write_tif):
    rng = np.random.default_rng(0)
    stored = (20 + rng.standard_normal((30, 30))).astype(np.float32)
    stored[:, :5] = -9999
    stored[:, 5] = -4.0  # fill values mixed in
    stored[20, 20] = -120.0
    path = write_tif(stored, nodata=-9999)
    scene = open_temperature(path, unit="degC")
    assert scene.counts["implausible"] == 1
    assert scene.counts["fringe"] == 30
    assert float(scene.temperature.min()) > 10
    assert open_temperature(path, unit="degC", fringe=0).counts["fringe"] == 0


def test_a_scene_under_cloud_is_refused(write_tif):
    path = write_tif(np.full((5, 5), _dn(20), np.uint16), f"{L2}_ST_B10.TIF")
    write_tif(np.full((5, 5), 1 << 3, np.uint16), f"{L2}_QA_PIXEL.TIF")
    with pytest.raises(InputError, match="no usable pixel: 0 are no data and 25 cloudy"):
        open_temperature(path)


def test_digital_numbers_taken_for_kelvin_are_refused(write_tif):
    path = write_tif(np.full((5, 5), 25000, np.uint16))
    with pytest.raises(InputError, match="25 pixels lie outside"):
        open_temperature(path, unit="K")


def test_hdf4_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "MOD11A1.A2020200.h18v03.061.hdf"
    path.write_bytes(b"\x0e\x03\x13\x01")
    with pytest.raises(InputError, match="export the layer to GeoTIFF"):
        open_temperature(path)


def test_a_quality_layer_of_another_grid_is_refused(write_tif):
    path = write_tif(np.full((5, 5), _dn(20), np.uint16), f"{L2}_ST_B10.TIF")
    write_tif(np.zeros((4, 5), np.uint16), f"{L2}_QA_PIXEL.TIF")
    with pytest.raises(GridError, match="grids differ"):
        open_temperature(path)


def test_several_bands_need_a_choice(write_tif):
    path = write_tif(np.full((2, 5, 5), 290, np.float32), descriptions=("B10", "B11"))
    with pytest.raises(InputError, match=r"2 bands \(B10, B11\)"):
        open_temperature(path, unit="K")
    assert open_temperature(path, unit="K", band="B11").counts["valid"] == 25
    with pytest.raises(InputError, match="no band 'B12'"):
        open_temperature(path, unit="K", band="B12")


def test_a_level_1_band_is_named_as_that_and_its_constants_by_their_options(write_tif, run_lcz):
    numbers = np.linspace(20_000, 30_000, 400).reshape(20, 20).astype(np.float32)
    lst = write_tif(numbers, "scene.tif", pixel=100.0, descriptions=("B10",))
    lcz = write_tif(np.full((20, 20), 14, np.uint8), "map.tif", pixel=100.0)
    code, _, err = run_lcz("uhi", lcz, "--lst", lst, "--map-nodata", "0")
    assert code == 1
    assert "holds digital numbers: --kind landsat-l1" in err
    code, _, err = run_lcz("uhi", lcz, "--lst", lst, "--map-nodata", "0", "--kind", "landsat-l1")
    assert code == 1
    assert (
        "(--mtl FILE), or the four constants that stand in it (--radiance-mult, --radiance-add, --k1, --k2)"
        in err
    )
