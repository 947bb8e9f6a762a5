"""``manifest.json`` beside every result, and the result once more from it."""

import json

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from lczlib.errors import InputError
from lczlib.export import sha256_of, staged
from lczlib.export.files import written_files
from lczlib.export.inputs import find_inputs
from lczlib.export.manifest import (
    command_of,
    files_of,
    new_manifest,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def files(write_tif, tmp_path):
    """Synthetic: an LCZ map, another, their temperature, and reference polygons."""
    rng = np.random.default_rng(0)
    codes = np.kron(
        rng.choice(np.array([2, 6, 14, 11], np.uint8), (10, 10)), np.ones((8, 8), np.uint8)
    )
    other = np.where(rng.random(codes.shape) < 0.8, codes, 6).astype(np.uint8)
    celsius = (20 - 0.2 * codes + rng.normal(0, 0.4, codes.shape)).astype(np.float32)
    areas = [box(384040 + 800 * i, 5819520, 384840 + 800 * i, 5820320) for i in range(8)]
    table = gpd.GeoDataFrame({"lcz": codes[4, 4:64:8].astype(int)}, geometry=areas, crs=32633)
    table.to_file(tmp_path / "areas.shp")
    return {
        "map": write_tif(codes, "map.tif", pixel=100.0, nodata=0),
        "other": write_tif(other, "other map.tif", pixel=100.0, nodata=0),
        "lst": write_tif(celsius, "lst.tif", pixel=100.0, tags={"units": "degC"}),
        "areas": tmp_path / "areas.shp",
    }


COMMANDS = {
    "assess": ("other", "--reference", "areas", "--replicates", "200", "--no-figures"),
    "compare": ("map", "other", "other", "--no-figures"),
    "uhi": (
        "map",
        "--lst",
        "lst",
        "--plausible",
        "-10",
        "60",
        "--replicates",
        "100",
        "--no-figures",
    ),
    "sites": ("map", "--sensors", "6", "--border-distance", "100"),
    "morphology": ("map", "--parameter", "height", "--parameter", "albedo"),
}
INPUTS = {
    "assess": {"other map.tif", "areas.shp", "areas.dbf", "areas.shx", "areas.prj", "areas.cpg"},
    "compare": {"map.tif", "other map.tif"},
    "uhi": {"map.tif", "lst.tif"},
    "sites": {"map.tif"},
    "morphology": {"map.tif"},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_its_result_was_made_from_and_makes_it_again(
    run_lcz, files, tmp_path, command
):
    arguments = [files.get(word, word) for word in COMMANDS[command]]
    code, _, err = run_lcz(command, *arguments, "--out", tmp_path / "first")
    assert code == 0, err
    manifest = json.loads((tmp_path / "first/manifest.json").read_text())
    assert manifest["command"] == command
    assert manifest["lczlib"]
    assert manifest["packages"]["numpy"] == np.__version__
    assert manifest["created"] < "3"
    assert manifest["seconds"] >= 0
    assert {given["path"].split("/")[-1] for given in manifest["inputs"]} == INPUTS[command]
    for given in manifest["inputs"]:
        assert sha256_of(tmp_path / "first" / given["path"]) == given["sha256"]
    there = {p.name for p in (tmp_path / "first").iterdir()} - {"manifest.json"}
    assert set(manifest["outputs"]) == there
    for name, digest in manifest["outputs"].items():
        assert sha256_of(tmp_path / "first" / name) == digest

    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in tmp_path.iterdir():
        if path != moved:
            path.rename(moved / path.name)
    code, _, err = run_lcz("rerun", moved / "first", "--out", moved / "again")
    assert code == 0, err
    again = json.loads((moved / "again/manifest.json").read_text())
    assert again["parameters"] == manifest["parameters"]
    tables = [n for n in there if n.endswith(".csv")] or ["sensor_sites.json"]
    for name in tables:
        assert (moved / "again" / name).read_bytes() == (moved / "first" / name).read_bytes()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_result_that_was_moved_alone_is_made_again_with_the_folder_of_its_inputs(
    run_lcz, files, tmp_path, command
):
    arguments = [files.get(word, word) for word in COMMANDS[command]]
    run_lcz(command, *arguments, "--out", tmp_path / "work/first")
    alone, data = tmp_path / "far/away/first", tmp_path / "archive/2024"
    alone.parent.mkdir(parents=True)
    data.mkdir(parents=True)
    (tmp_path / "work/first").rename(alone)
    for path in tmp_path.iterdir():
        if path.is_file():
            path.rename(data / path.name)
    code, _, err = run_lcz("rerun", alone, "--out", tmp_path / "again")
    assert code == 1
    assert "--inputs FOLDER" in err
    code, out, err = run_lcz(
        "rerun", alone, "--inputs", tmp_path / "archive", "--out", tmp_path / "again"
    )
    assert code == 0, err
    for name in INPUTS[command]:
        assert f"Input {name}: found in {data}, its SHA-256" in out
    for table in alone.glob("*.csv"):
        assert (tmp_path / "again" / table.name).read_bytes() == table.read_bytes()
    again = json.loads((tmp_path / "again/manifest.json").read_text())
    assert {g["path"].split("/")[-1] for g in again["inputs"]} == INPUTS[command]


def test_an_input_is_known_by_what_is_in_it(tmp_path):
    folder = tmp_path / "result"
    for name, text in (("a/x.tif", "wrong"), ("b/x.tif", "right"), ("b/s/y.tif", "y")):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(text)
    content = {
        "inputs": [
            {"path": f"../in/{name}", "sha256": sha256_of(tmp_path / "data" / path)}
            for name, path in (("c/x.tif", "b/x.tif"), ("c/s/y.tif", "b/s/y.tif"))
        ]
    }
    found = find_inputs(content, folder, [tmp_path / "data"])
    assert found.path("../in/c/x.tif") == str(tmp_path / "data/b/x.tif")
    assert found.path("../in/c") == str(tmp_path / "data/b")  # a folder of inputs
    (tmp_path / "data/b/x.tif").write_text("changed")
    with pytest.raises(InputError, match="has changed since"):
        find_inputs(content, folder, [tmp_path / "data"])
    with pytest.raises(InputError, match=r"(is|are) missing"):
        find_inputs(content, folder)
    with pytest.raises(InputError, match="does not exist"):
        find_inputs(content, folder, [tmp_path / "nowhere"])


@pytest.mark.slow
def test_a_map_that_was_moved_alone_is_made_again(run_lcz, demo, tmp_path, monkeypatch):
    import shutil

    from lczlib.models.loading import embedded_weights

    own = tmp_path / "nets/own.safetensors"
    own.parent.mkdir()
    shutil.copy(embedded_weights()["demo_s1"], own)
    code, _, err = run_lcz("map", demo[0] / "scene", "--weights", own, "--out", tmp_path / "a/map")
    assert code == 0, err
    (tmp_path / "a/map").rename(tmp_path / "map")
    own.rename(tmp_path / "moved.safetensors")
    (tmp_path / "moved.safetensors").rename(tmp_path / "a/own.safetensors")
    places = ("--inputs", demo[0], "--inputs", tmp_path / "a")
    code, out, err = run_lcz("rerun", tmp_path / "map", *places, "--out", tmp_path / "again")
    assert code == 0, err
    assert "Input own.safetensors: found in" in out
    for name in ("s1_lcz.tif", "s1_proba.tif"):
        assert sha256_of(tmp_path / "again" / name) == sha256_of(tmp_path / "map" / name)


def test_a_rerun_with_a_changed_or_missing_input_is_refused(run_lcz, files, tmp_path):
    run_lcz("sites", files["map"], "-n", "6", "--border-distance", "100", "--out", tmp_path / "a")
    files["map"].write_bytes(files["other"].read_bytes())
    code, _, err = run_lcz("rerun", tmp_path / "a/manifest.json", "--out", tmp_path / "b")
    assert (code, "has changed since" in err) == (1, True)
    files["map"].unlink()
    code, _, err = run_lcz("rerun", tmp_path / "a/manifest.json", "--out", tmp_path / "b")
    assert (code, "is missing" in err) == (1, True)
    assert not (tmp_path / "b").exists()


def test_results_of_two_commands_in_one_folder_keep_both_manifests(run_lcz, files, tmp_path):
    out = tmp_path / "out"
    run_lcz("sites", files["map"], "-n", "6", "--border-distance", "100", "--out", out)
    run_lcz("morphology", files["map"], "--parameter", "height", "--out", out)
    assert command_of(out / "manifest.json") == "sites"
    assert command_of(out / "morphology-manifest.json") == "morphology"
    run_lcz("sites", files["map"], "-n", "5", "--border-distance", "100", "--out", out)
    assert read_manifest(out)[0]["parameters"]["sensors"] == 5
    assert command_of(out / "morphology-manifest.json") == "morphology"


def test_maps_are_found_by_their_manifest_whatever_was_there_before(tmp_path):
    def manifest(command):
        facts = {"parameters": {}, "inputs": [], "outputs": [], "seconds": 0}
        return new_manifest(tmp_path, command, **facts)

    write_manifest(tmp_path, manifest("assess"))
    write_manifest(tmp_path, manifest("map"))
    assert command_of(tmp_path / "manifest.json") == "map"
    assert command_of(tmp_path / "assess-manifest.json") == "assess"
    write_manifest(tmp_path, manifest("assess"))
    assert command_of(tmp_path / "manifest.json") == "map"
    (tmp_path / "old.json").write_text('{"parameters": {}, "inputs": []}')
    assert command_of(tmp_path / "old.json") == "map"  # they once did not say so
    assert command_of(tmp_path / "none.json") is None


def test_inputs_inside_archives_are_known_by_their_archive(tmp_path):
    archive = tmp_path / "maps.zip"
    archive.write_bytes(b"PK")
    for name in (f"zip://{archive}!a/b.tif", f"/vsizip/{archive}/a/b.tif", archive / "a/b.tif"):
        assert files_of(name) == [archive]
    assert files_of("https://example.org/map.tif") == []


def test_only_what_is_complete_counts_as_written(tmp_path):
    with written_files() as paths:
        with staged(tmp_path / "a.txt") as temporary:
            temporary.write_text("a")
        with pytest.raises(ZeroDivisionError), staged(tmp_path / "b.txt"):
            raise ZeroDivisionError
    with staged(tmp_path / "c.txt") as temporary:
        temporary.write_text("c")
    assert paths == [tmp_path / "a.txt"]


def test_what_is_no_manifest_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text('{"outputs": {}}')
    with pytest.raises(InputError, match="lacks parameters or inputs"):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match=r"give a result's manifest\.json"):
        read_manifest(tmp_path / "nothing.json")
    with pytest.raises(InputError, match=r"(is|are) missing"):
        find_inputs({"inputs": [{"path": "x.tif", "sha256": "0"}]}, tmp_path)


def test_settings_of_several_values_by_commas_are_rerun_with_all_of_them(run_lcz, files, tmp_path):
    words = [files.get(w, w) for w in COMMANDS["uhi"]]
    code, _, err = run_lcz(
        "uhi", *words, "--measures", "urban_rural,low_percentile", "--out", tmp_path / "first"
    )
    assert code == 0, err
    code, _, err = run_lcz("rerun", tmp_path / "first", "--out", tmp_path / "again")
    assert code == 0, err
    first, again = (
        json.loads((tmp_path / n / "manifest.json").read_text())["parameters"]["measures"]
        for n in ("first", "again")
    )
    assert first == again == ["urban_rural", "low_percentile"]
