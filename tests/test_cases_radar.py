"""Sentinel-1 files with undeclared fills, in linear units, with bands of one name: water as it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from scipy.ndimage import binary_erosion

from lczlib.mapping.water_scene import open_water_scene
from lczlib.reading import readings
from lczlib.scenes import open_sentinel1_rasters
from lczlib.study.radar import open_radar

FILE = "S1_2020-06-15.tif"
SEEN = 512 * (512 - 120)


@pytest.fixture
def cases(shared: Path) -> Path:
    return shared / "cases"


def water(run_lcz, path: Path, out: Path, *options: str) -> tuple[dict, str]:
    code, printed, said = run_lcz("water", path, "--orbit", "as", "--out", out, *options)
    assert code == 0, said
    (scene,) = json.loads((out / "water.json").read_text())["scenes"]
    return scene, printed


@pytest.mark.slow
def test_a_whole_scene_keeps_its_water(cases, mirror, run_lcz, tmp_path):
    scene, printed = water(run_lcz, cases / "s1-base" / FILE, tmp_path)
    assert scene["area_km2"] == pytest.approx(0.184, abs=5e-4)
    assert scene["area_km2_ci"] == pytest.approx([0.066, 0.72], abs=5e-3)
    assert scene["valid_share"] == 1
    assert "262,144 of 262,144 pixels valid" in printed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "fill", "options"),
    [
        ("s1-fill-9999-undeclared", "-9999", ()),
        ("s1-log-of-eps", "-100", ()),
        ("s1-linear-9999", "-9999", ("--units", "linear")),
    ],
)
def test_undeclared_fills_are_no_water(cases, mirror, run_lcz, tmp_path, case, fill, options):
    scene, printed = water(run_lcz, cases / case / FILE, tmp_path, *options)
    assert scene["area_km2"] == 0
    assert scene["n"] == SEEN
    assert scene["valid_share"] == pytest.approx(0.766, abs=5e-4)
    assert f"one value in blocks ({fill} in VV and VH)" in printed
    with rasterio.open(tmp_path / f"{Path(FILE).stem}_water.tif") as src:
        assert (src.read(1) == 255).sum() == 512 * 120


def test_linear_values_with_a_fill_are_told_to_be_linear(cases, run_lcz, tmp_path):
    path = cases / "s1-linear-9999" / FILE
    code, _, said = run_lcz("water", path, "--orbit", "as", "--out", tmp_path)
    assert code == 1
    assert "linear, not dB" in said
    assert "--units linear" in said


def test_bands_of_one_name_are_one_sentence(cases, run_lcz, tmp_path):
    path = cases / "hostile" / "water_dupdesc.tif"
    code, _, said = run_lcz("water", path, "--orbit", "as", "--out", tmp_path)
    assert code == 1
    assert "2 bands named B02" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("file", "missing"),
    [
        ("data/beijing_s1/THU_2020_sentinel_1_50pt.tif", 2724),  # NaN in the file
        ("data/s1s2_pairs/ROIs1970_fall_139_p839_s1.tif", 58),  # 0 in the file
        ("cases/s1-base/S1_2020-06-15.tif", 0),
    ],
)
def test_real_scenes_lose_no_pixel(shared, file, missing):
    with readings() as heard:
        scene = open_water_scene(shared / file, "as")
    assert np.isnan(scene.values).any(0).sum() == missing
    (told,) = heard
    assert told.cautions == ()
    assert told.facts["missing"]["no_data"] == sum(told.facts["missing"].values()) == missing


@pytest.mark.parametrize("case", ["s1-fill-9999-undeclared", "s1-log-of-eps", "s1-linear-9999"])
def test_the_dashboards_radar_knows_the_same_pixels(cases, case):
    radar = open_radar([str(cases / case / FILE)])
    assert int(radar["VV"].notnull().sum()) == int(radar["VH"].notnull().sum()) == SEEN
    assert float(radar["VH"].min()) > -30


@pytest.mark.parametrize("fill", [-9999.0, 1e20, 7.5, np.nan])
@pytest.mark.parametrize("where", ["mosaic_unfilt_dat", "mosaic_dat"])
@pytest.mark.parametrize("declared", [False, True])
def test_fills_of_so2sats_channels_are_missing(shared, tmp_path, fill, where, declared):
    folder = shared / "goldens/so2sat_city/data/Sentinel-1"
    paths = []
    for kind in ("mosaic_unfilt_dat", "mosaic_dat"):
        source = next(folder.rglob(f"{kind}/*/mosaic.tif"))
        with rasterio.open(source) as src:
            values, profile = src.read(), src.profile
        if kind == where:
            values[:, :, -100:] = fill
            if declared:
                profile |= {"nodata": fill}
        paths.append(tmp_path / f"{kind}.tif")
        with rasterio.open(paths[-1], "w", **profile) as dst:
            dst.write(values)
    plain = open_sentinel1_rasters(
        [next(folder.rglob(f"{k}/*/mosaic.tif")) for k in ("mosaic_dat", "mosaic_unfilt_dat")]
    )
    expected = plain["C11"].notnull().values.copy()
    expected[:, -100:] = False
    found = open_sentinel1_rasters(paths)
    for name in ("C11", "VV_im"):
        kept = found[name].notnull().values
        np.testing.assert_array_equal(found["C11"].notnull().values, expected)
        assert binary_erosion(expected).sum() <= kept.sum() <= expected.sum()
