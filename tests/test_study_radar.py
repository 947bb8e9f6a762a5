"""Own Sentinel-1 files: what can be mapped to LCZ, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from lczlib.errors import GridError, InputError
from lczlib.mapping import MapRequest, map_city, request_of
from lczlib.reading import readings
from lczlib.scenes import open_sentinel1, open_sentinel1_rasters, so2sat_features
from lczlib.scenes.sentinel1 import COMPLEX_BANDS, COVARIANCE_BANDS, FEATURES
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study import Study
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar
from lczlib.study.water import backscatter, water_scenes

NAMES = (*COMPLEX_BANDS, *COVARIANCE_BANDS)


@pytest.fixture
def beijing(shared: Path) -> Path:
    return shared / "data" / "beijing_s1" / "THU_2020_sentinel_1_50pt.tif"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_so2sat(
        simulate_city(3, 5), tmp_path_factory.mktemp("city"), "00000_00000_Simulated"
    )


@pytest.fixture(scope="module")
def pair(folder: Path) -> tuple[Path, Path]:
    found = [next((folder / "Sentinel-1").rglob(f"{n}/*/mosaic.tif")) for n in
             ("mosaic_unfilt_dat", "mosaic_dat")]  # fmt: skip
    return tuple(found)


def stacked(
    target: Path,
    pair: tuple[Path, Path],
    order: tuple[int, ...] = tuple(range(8)),
    named: bool = False,
) -> Path:
    bands = []
    for path in pair:
        with rasterio.open(path) as src:
            bands += list(src.read())
            profile, tags = src.profile, src.tags()
    with rasterio.open(target, "w", **(profile | {"count": len(order)})) as dst:
        for i, j in enumerate(order, 1):
            dst.write(bands[j], i)
            if named:
                dst.set_band_description(i, NAMES[j])
        dst.update_tags(**{k: v for k, v in tags.items() if k.startswith("LCZLIB")})
    return target


@pytest.mark.parametrize(
    ("order", "named"),
    [
        (tuple(range(8)), False),
        ((0, 1, 2, 3, 4, 7, 5, 6), False),  # So2Sat LCZ42
        ((7, 6, 5, 4, 3, 2, 1, 0), True),
    ],
)
def test_eight_channels_in_one_file_are_the_scene_of_the_pair(tmp_path, pair, order, named):
    whole = open_sentinel1_rasters([stacked(tmp_path / "s1.tif", pair, order, named)])
    xr.testing.assert_equal(whole.drop_attrs(), open_sentinel1(*pair).drop_attrs())
    assert whole.attrs["simulated"] is True


def test_whole_numbers_with_a_scale_are_the_scene_of_the_pair(tmp_path, pair):
    paths = []
    for i, path in enumerate(pair):
        with rasterio.open(path) as src:
            values, profile = src.read(), src.profile
        step = float(np.nanmax(np.abs(values))) / 2e9
        stored = {"dtype": "int32", "nodata": -(2**31)}
        paths.append(tmp_path / f"{i}.tif")
        with rasterio.open(paths[-1], "w", **(profile | stored)) as dst:
            dst.write(np.where(np.isnan(values), -(2**31), np.rint(values / step)).astype(np.int32))
            dst.scales = (step,) * 4
    expected = open_sentinel1(*pair)
    for found in (open_sentinel1(*paths), open_sentinel1_rasters(paths)):
        for name in NAMES:
            atol = 1e-6 * float(abs(expected[name]).max())
            np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=atol)
    with readings() as heard:
        open_sentinel1(*paths)
    assert "applied, by the file" in str(heard[0])


def test_the_pair_is_told_apart_in_either_order(pair):
    expected = open_sentinel1(*pair).drop_attrs()
    for paths in (pair, pair[::-1]):
        xr.testing.assert_equal(open_sentinel1_rasters(paths).drop_attrs(), expected)


def test_water_tells_nothing_of_the_file_that_the_scene_has_told(tmp_path, pair):
    study = Study(tmp_path / "s", tmp_path / "c")
    study.param.update(city="own", radar_files=tuple(map(str, pair)))
    study.compute("scene")
    assert len(study.read["scene"]) == 1
    with readings() as heard:
        water_scenes(study.ticket("water").given)
    assert not heard


def test_named_features_are_taken_as_they_are(tmp_path, pair):
    from lczlib.export import write_raster

    features = so2sat_features(open_sentinel1(*pair)).compute()
    data = features.to_dataarray("band").drop_vars("band")
    path = write_raster(tmp_path / "f.tif", data, descriptions=list(FEATURES))
    found = open_sentinel1_rasters([path])
    for name in FEATURES:
        np.testing.assert_array_equal(found[name].values, features[name].values)
    np.testing.assert_array_equal(backscatter(found)["VV"].values, features["VV_LEE_dB"].values)
    assert maps_to_lcz(found)


def test_unnamed_features_and_half_of_the_channels_are_refused(tmp_path, pair):
    with pytest.raises(InputError, match="7 band"):
        open_radar([str(stacked(tmp_path / "7.tif", pair, tuple(range(7))))])
    for path in pair:
        with pytest.raises(InputError, match="the features need both"):
            open_radar([str(path)])
    with pytest.raises(InputError, match="cannot be told"):
        open_radar([str(stacked(tmp_path / "8.tif", pair, (4, 5, 6, 7, 0, 1, 2, 3)))])


def test_detected_backscatter_is_an_image_and_no_lcz_map(tmp_path, beijing):
    with pytest.raises(InputError, match="coherence and phase between VH and VV"):
        open_sentinel1_rasters([beijing])
    radar = open_radar([str(beijing)])
    assert not maps_to_lcz(radar)
    assert -25 < np.nanmedian(radar["VH"]) < np.nanmedian(radar["VV"]) < 0
    study = Study(tmp_path / "s", tmp_path / "c")
    study.param.update(city="own", radar_files=(str(beijing),))
    scene = study.compute("scene")
    assert scene.notes == (NO_LCZ,)
    assert scene.sensors == ()
    assert scene.box is not None
    with pytest.raises(InputError, match="no imagery of Own files here that can be mapped"):
        study.compute("maps")


def test_linear_backscatter_becomes_db(tmp_path, beijing):
    path = tmp_path / "linear.tif"
    with rasterio.open(beijing) as src:
        linear = 10 ** (src.read() / 10)
        with rasterio.open(path, "w", **src.profile) as dst:
            dst.write(linear.astype(np.float32))
            dst.descriptions = src.descriptions
    radar = open_radar([str(path)])
    expected = open_radar([str(beijing)])
    np.testing.assert_allclose(radar["VV"].values, expected["VV"].values, atol=1e-3)


@pytest.mark.slow
def test_own_radar_beside_own_sentinel2_gives_the_maps_of_the_folder(tmp_path, folder, pair):
    radar = stacked(tmp_path / "s1.tif", pair)
    optical = next((folder / "Sentinel-2").rglob("*_summer.tif"))
    study = Study(tmp_path / "s", tmp_path / "c")
    study.param.update(city="own", scene_files=(str(optical),), radar_files=(str(radar),))
    assert study.compute("scene").sensors == ("s1", "s2")
    maps = study.compute("maps")
    assert set(maps.kinds) == {"s1", "s2", "fused"}
    direct = map_city(MapRequest(inputs=(str(folder),), weights=("demo_s1",)), tmp_path / "direct")
    np.testing.assert_array_equal(maps.kinds["s1"].values, direct.kinds["s1"].values)
    study.sensors = ["s1"]
    assert set(study.compute("maps").kinds) == {"s1"}
    again = request_of(maps.manifest, maps.folder)
    assert [Path(p).resolve() for p in again.sentinel1] == [radar.resolve()]


def test_radar_on_another_grid_is_refused(tmp_path, folder, pair):
    optical = next((folder / "Sentinel-2").rglob("*_summer.tif"))
    moved = stacked(tmp_path / "s1.tif", pair)
    with rasterio.open(moved, "r+") as dst:
        dst.transform = dst.transform @ type(dst.transform).translation(3, 0)
    study = Study(tmp_path / "s", tmp_path / "c")
    study.param.update(city="own", scene_files=(str(optical),), radar_files=(str(moved),))
    with pytest.raises(GridError, match="Sentinel-1"):
        study.compute("scene")


def test_the_command_refuses_radar_that_the_network_cannot_read(tmp_path, beijing):
    from typer.testing import CliRunner

    from lczlib.cli import app

    done = CliRunner().invoke(
        app, ["map", "--sentinel1", str(beijing), "--out", str(tmp_path / "out")]
    )
    assert isinstance(done.exception, InputError)
    assert "coherence and phase" in str(done.exception)
    assert not list((tmp_path / "out").glob("*.tif"))
