"""The one door for scenes: another source in a few lines, the same options everywhere, any season."""

from __future__ import annotations

import inspect
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import typer.main
import xarray as xr

from lczlib.cli import app
from lczlib.errors import GridError, InputError
from lczlib.map_request import MapRequest
from lczlib.maps import open_lcz_map
from lczlib.models.weights import SENTINEL2_BANDS
from lczlib.scene_options import SceneOptions
from lczlib.scenes import City, SceneSource, open_scenes, register, scene_sources, sources
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.scenes.sources import source_of
from lczlib.settings import described
from lczlib.study import Study
from lczlib.training.inputs import SceneFiles

BERLIN = "berlin_s2_20241024.tif"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A So2Sat folder of a small simulated city."""
    root = tmp_path_factory.mktemp("so2sat")
    write_so2sat(simulate_city(2, seed=3), root, "00000_00000_Simulated")
    return root


@pytest.fixture
def pointer(monkeypatch, tmp_path, shared) -> Path:
    """A file of a source that is registered for the test: a text that names a raster."""
    monkeypatch.setattr(sources, "_SOURCES", dict(sources._SOURCES))
    raster = sources._SOURCES["raster"]
    register(
        SceneSource(
            "pointer", "a text that points to a raster", lambda path: path.suffix == ".points",
            lambda path, *rest: raster.open(Path(path.read_text()), *rest), raster.options,
        )
    )  # fmt: skip
    path = tmp_path / "berlin.points"
    path.write_text(str(shared / "mirror" / BERLIN))
    return path


def test_a_new_source_is_mapped_and_named_in_the_help(pointer, mirror, run_lcz, tmp_path):
    options = ("--weights", "sen2lcz_net", "--level", "L2A", "--date", "2024-10-24")
    assert "a text that points to a raster" in " ".join(run_lcz("map", "--help")[1].split())
    code, _, said = run_lcz("map", pointer, *options, "--out", tmp_path / "new")
    assert code == 0, said
    code, _, said = run_lcz("map", mirror / BERLIN, *options, "--out", tmp_path / "old")
    maps = [open_lcz_map(tmp_path / n / "s2_lcz.tif", scheme="1-17") for n in ("new", "old")]
    np.testing.assert_array_equal(*maps)
    code, _, said = run_lcz("map", pointer, "--city", "Berlin", "--out", tmp_path / "x")
    assert (code, "--city goes with a So2Sat folder" in said) == (1, True)


def test_a_new_source_is_trained_on_and_opened_on_the_page(pointer, tmp_path, monkeypatch):
    (scene,) = SceneFiles((str(pointer),)).open().values()
    assert tuple(scene) == SENTINEL2_BANDS
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    study = Study(tmp_path / "work")
    study.param.update(city="own", scene_files=(str(pointer),))
    (shown,) = study.compute("scene").seasons.values()
    xr.testing.assert_equal(shown.B04, scene.B04)


def test_a_source_must_have_a_name_of_its_own_and_known_options(pointer):
    (first, *_) = scene_sources()
    assert first.name == "pointer"  # asked before those that were there
    with pytest.raises(InputError, match="is there already"):
        register(first)
    with pytest.raises(InputError, match="takes colour"):
        register(replace(first, name="other", options=frozenset({"colour"})))


def commands() -> dict[str, dict[str, object]]:
    """The parameters of the commands that read scenes, by their flags."""
    made = typer.main.get_command(app).commands
    return {
        name: {p.opts[0].lstrip("-"): p for p in made[name].params}
        for name in ("map", "train", "evaluate", "experiment")
    }


OWN = {
    "train": {"bands": "band-names"}, "evaluate": {"bands": "band-names"},
    "experiment": {"bands": "band-names", "only_seasons": "season"}, "map": {},
}  # fmt: skip
"""Options that a command gives another name, since it has one of that name."""


def test_every_command_that_reads_scenes_has_the_same_options():
    for command, given in commands().items():
        for name, option in described(SceneOptions).items():
            assert OWN[command].get(name, option.option.lstrip("-")) in given, (command, name)
        assert "sentinel1" in given, command


def test_the_defaults_of_the_command_are_those_of_the_request(monkeypatch, run_lcz, tmp_path):
    asked = []

    def stop(request, *_, **__):
        asked.append(request)
        raise InputError("enough")

    monkeypatch.setattr("lczlib.mapping.map_city", stop)
    run_lcz("map", "x.tif")
    assert asked == [MapRequest(("x.tif",))]
    words = {
        "city": ("c", "c"), "only_seasons": ("wet, dry", ("wet", "dry")), "scale": ("0.01", 0.01),
        "sentinel1_time": ("202106", "202106"), "bands": ("B02,-", ("B02", "-")),
        "offset": ("-1000", -1000.0), "nodata": ("7", 7.0), "level": ("L2A", "L2A"),
        "date": ("2024-10-24", "2024-10-24"), "box": ("13,52,14,53", (13.0, 52.0, 14.0, 53.0)),
        "resample": ("utm", "utm"), "weights": ("a,b", ("a", "b")), "fusion": ("vote", "vote"),
        "anchor": ("corner", "corner"), "device": ("cpu", "cpu"), "engine": ("torch", "torch"),
        "precision": ("mixed", "mixed"), "batch_size": ("3", 3), "out_scheme": ("101-107", "101-107"),
        "tta": ("flips", "flips"), "calibration": ("calibration.json", "calibration.json"), "second": ("c", "c"),
    }  # fmt: skip
    flags = {n: o.option for n, o in described(MapRequest).items()}
    given = [w for name, (text, _) in words.items() for w in (flags[name], text)]
    run_lcz("map", "x.tif", *given, "--keep-clouds", "--accept-values")
    expected = {name: value for name, (_, value) in words.items()}
    assert asked[1] == MapRequest(("x.tif",), keep_clouds=True, accept_values=True, **expected)
    assert {*words, "keep_clouds", "accept_values"} == set(flags)


def test_every_field_says_what_it_means():
    plain = {"inputs", "seasons", "sentinel1", "statistics"}
    assert {f.name for f in fields(MapRequest)} == set(described(MapRequest)) | plain
    assert all(len(o.setting.doc) > 10 for o in described(MapRequest).values())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"city": "x"}, "--city goes with a So2Sat folder or an archive of one, and"),
        (
            {"sentinel1_time": "202106"},
            "--s1-time goes with a So2Sat folder or an archive of one, and",
        ),
        (
            {"only_seasons": ("wet",)},
            "--only-seasons goes with a So2Sat folder or an archive of one, and",
        ),
        ({"level": "L3"}, "not one of L1C, L2A"),
    ],
)
def test_an_option_that_does_not_go_with_an_input_is_refused(options, told, shared):
    with pytest.raises(InputError, match=told):
        open_scenes([shared / "mirror" / BERLIN], SceneOptions(**options))


def test_what_a_folder_and_rasters_make_together_is_refused(folder, shared):
    raster = shared / "mirror" / BERLIN
    for given, told in (
        ({"inputs": (folder, raster)}, "is a folder: name the file in it, or give a So2Sat folder"),
        ({"inputs": (folder,), "sentinel1": (raster,)}, "has its own Sentinel-1"),
        ({"inputs": (raster,), "seasons": {"wet": raster}}, "not both"),
        ({"inputs": (raster, raster)}, "same file name"),
        ({"inputs": ("nowhere.tif",)}, "does not exist"),
        ({}, "There is no scene: give a So2Sat folder"),
        ({"inputs": (folder,), "sensors": ("landsat",)}, "holds s1 and s2, not 'landsat'"),
    ):
        with pytest.raises(InputError, match=told):
            open_scenes(**given)
    with pytest.raises(InputError, match="--resample goes with a Sentinel-2 product or a raster"):
        open_scenes([folder], SceneOptions(resample="utm"))


def test_a_raster_whose_bands_are_unknown_is_refused_by_who_does_not_judge_it(write_tif):
    values = np.random.default_rng(0).integers(1000, 3000, (10, 40, 40)).astype(np.uint16)
    with pytest.raises(InputError, match="--bands"):
        open_scenes([write_tif(values)])


@pytest.fixture
def monsoon(folder, tmp_path) -> Path:
    """A city whose seasons have names of their own."""
    root = tmp_path / "monsoon"
    shutil.copytree(folder, root)
    (optical,) = (root / "Sentinel-2").iterdir()
    names = {"spring": "wet", "autumn": "2023-monsoon", "winter": "dry"}
    for season, own in names.items():
        (file,) = (optical / season).glob("*.tif")
        file.rename(file.with_name(file.name.replace(season, own)))
        (optical / season).rename(optical / own)
    return root


def test_any_name_of_a_season_is_read_in_one_order(monsoon):
    city = open_scenes([monsoon])
    assert [*city.seasons] == ["summer", "2023-monsoon", "dry", "wet"]
    chosen = open_scenes([monsoon], SceneOptions(only_seasons=("Wet", "2023-monsoon")))
    assert [*chosen.seasons] == ["2023-monsoon", "wet"]
    names = SceneFiles((str(monsoon),), options=SceneOptions(only_seasons=("dry",))).open()
    assert [*names] == ["00000_00000_Simulated dry"]
    with pytest.raises(InputError, match="'monsoon' is no season of"):
        open_scenes([monsoon], SceneOptions(only_seasons=("monsoon",)))


def test_seasons_of_any_name_are_mapped(monsoon, folder, run_lcz, tmp_path):
    code, _, said = run_lcz("map", monsoon, "--out", tmp_path / "a")
    assert code == 0, said
    assert (tmp_path / "a/s2_2023-monsoon_lcz.tif").is_file()
    (file,) = folder.glob("Sentinel-2/*/summer/*.tif")
    season = f"--season=2023-monsoon={file}", f"--season=dry season={file}"
    code, _, said = run_lcz("map", *season, "--out", tmp_path / "b")
    assert code == 0, said
    assert (tmp_path / "b/s2_dry season_lcz.tif").is_file()
    code, _, said = run_lcz("map", f"--season=../up={file}", "--out", tmp_path / "c")
    assert (code, "is not NAME=FILE" in said) == (2, True)


def test_own_rasters_of_both_sensors_are_a_place_as_the_folder_is(folder, tmp_path):
    (summer,) = folder.glob("Sentinel-2/*/summer/*.tif")
    pair = [*folder.glob("Sentinel-1/*/mosaic*/*/mosaic.tif")]
    own = open_scenes([summer], sentinel1=pair)
    there = open_scenes([folder], SceneOptions(only_seasons=("summer",)))
    (a,), (b,) = own.both_sensors().values(), there.both_sensors().values()
    xr.testing.assert_equal(a.VH_dB, b.VH_dB)
    files = SceneFiles((str(summer),), "both", sentinel1=tuple(map(str, pair)))
    (scene,) = files.open().values()
    assert {"B04", "VH_dB", "COH"} <= set(scene)
    with pytest.raises(InputError, match="needs Sentinel-1"):
        SceneFiles((str(summer),), "both").open()


def test_a_raster_that_names_sentinel1_channels_is_known_for_that(folder, tmp_path):
    from lczlib.scenes.sentinel1 import COMPLEX_BANDS, COVARIANCE_BANDS

    plain, lee = (
        next(folder.glob(f"Sentinel-1/*/{n}/*/mosaic.tif"))
        for n in ("mosaic_unfilt_dat", "mosaic_dat")
    )
    with rasterio.open(plain) as a, rasterio.open(lee) as b:
        path = tmp_path / "channels.tif"
        with rasterio.open(path, "w", **{**a.profile, "count": 8}) as dst:
            dst.write(np.concatenate([a.read(), b.read()]))
            dst.descriptions = (*COMPLEX_BANDS, *COVARIANCE_BANDS)
            dst.update_tags(**a.tags())
    assert source_of(path).name == "sentinel1"
    assert open_scenes([path]).sentinel1 is not None
    assert open_scenes([path]).seasons == {}


def test_level_day_and_box_are_stated_at_the_door(shared):
    raster = shared / "mirror" / BERLIN
    box = (13.30, 52.51, 13.32, 52.53)
    options = SceneOptions(level="L2A", date="2024-10-24", box=box)
    city = open_scenes([raster], options)
    (whole,), (part,) = city.seasons.values(), city.cut().seasons.values()
    assert (whole.level, whole.date) == ("L2A", "2024-10-24")
    assert part.sizes["y"] < whole.sizes["y"]
    (trained,) = SceneFiles((str(raster),), options=options).open().values()
    assert trained.sizes == part.sizes
    (read,) = SceneFiles((str(raster),), options=options, level="L1C").open().values()
    assert float(read.B02.mean()) > float(trained.B02.mean())  # air scatters blue light
    with pytest.raises(GridError, match="less than 4 x 4"):
        open_scenes([raster], SceneOptions(box=(1, 2, 3, 4))).cut()


def test_a_place_is_what_every_source_gives():
    for source in scene_sources():
        assert inspect.signature(source.open).return_annotation in ("City", City)
