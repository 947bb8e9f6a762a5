"""The whole mapping job: files, manifest, resume; and its command line."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import xarray as xr

from lczlib.cli import main
from lczlib.errors import GridError, InputError, WeightsError
from lczlib.export import sha256_of
from lczlib.mapping import MapRequest, map_city, request_of
from lczlib.maps import open_lcz_map, open_probabilities

NAME = "00001_99999_Testville"


def run(*arguments: object, check: int = 0, **environment: str) -> SimpleNamespace:
    """The command line, in this process: starting another takes longer than most of what is asked here."""
    out, err, code = StringIO(), StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["lcz", *map(str, arguments)])
        for name, value in {"COLUMNS": "200", **environment}.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    assert code == check, err.getvalue()
    return SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())


@pytest.fixture(scope="module")
def testville(shared, weights_cache, tmp_path_factory):
    """The reference city mapped once by the command line, as So2Sat's scripts do."""
    out = tmp_path_factory.mktemp("testville")
    done = run(
        "map", shared / "goldens/so2sat_city/data", "--city", NAME, "--anchor", "corner",
        "--fusion", "so2sat", "--out", out, LCZLIB_MIRROR=str(shared / "mirror"),
        LCZLIB_CACHE=str(weights_cache),
    )  # fmt: skip
    return out, done


def first_band(path):
    with rasterio.open(path) as src:
        return src.read(1)


@pytest.mark.parametrize(
    ("kind", "original"),
    [
        ("s1", f"Sentinel-1/{NAME}/LCZ_ResNet/202106/LCZLabel.tif"),
        ("s2", f"Sentinel-2/{NAME}/LCZ_ResNet20/{NAME}_lab.tiff"),
        ("fused", f"MAP/{NAME}/LCZ_Fusion/202106/s1_s2_fusion.tif"),
    ],
)
def test_labels_agree_with_the_original_away_from_no_data(shared, testville, kind, original):
    golden = np.load(shared / "goldens/so2sat_city/intermediate.npz")
    clean = ~golden["s1_cell_touches_nodata"].reshape(39, 44)
    ours = first_band(testville[0] / f"{kind}_lcz.tif")
    theirs = first_band(shared / "goldens/so2sat_city/expected" / original)
    assert (ours == theirs)[clean].mean() >= 0.995


def test_the_folder_holds_every_layer_and_nothing_else(testville):
    layers = [f"s2_{s}" for s in ("spring", "summer", "autumn", "winter")]
    kinds = ("s1", "s2", "fused", "second")
    names = {f"{n}_{what}.tif" for n in [*kinds, *layers] for what in ("proba", "lcz")}
    names |= {f"{n}_certainty.tif" for n in kinds}
    names |= {"valid_fraction.tif", "manifest.json"}
    names |= {f"{n}.aux.xml" for n in names if n.endswith("_lcz.tif")}
    assert {p.name for p in testville[0].iterdir()} == names


def test_grid_valid_fraction_and_mean_of_the_seasons(testville):
    out = testville[0]
    with rasterio.open(out / "valid_fraction.tif") as src:
        assert src.descriptions == ("s1", "s2_spring", "s2_summer", "s2_autumn", "s2_winter")
        assert tuple(src.transform)[:6] == pytest.approx((100, 0, 691203.37, 0, -100, 5335017.63))
        assert (src.read(1) == 0).any()
        valid = src.read()
    seasons = [
        open_probabilities(out / f"s2_{s}_proba.tif")
        for s in ("spring", "summer", "autumn", "winter")
    ]
    mean = xr.concat(seasons, "season").mean("season")
    np.testing.assert_allclose(open_probabilities(out / "s2_proba.tif"), mean, atol=1.1e-4)
    assert ((first_band(out / "s1_lcz.tif") == 0) == (valid[0] < 0.5)).all()


def test_the_manifest_says_how_the_result_came_about(testville, shared):
    out, done = testville
    manifest = json.loads((out / "manifest.json").read_text())
    assert {w["name"] for w in manifest["weights"]} == {"so2sat_s1_resnet20", "so2sat_s2_resnet20"}
    assert len(manifest["inputs"]) == 6
    for given in manifest["inputs"]:
        assert sha256_of(out / given["path"]) == given["sha256"]
    for name, digest in manifest["outputs"].items():
        assert sha256_of(out / name) == digest
    assert manifest["cells"] == 5 * 1716
    assert "1,716" in done.stdout.replace("n) │", "")


def test_a_manifest_reruns_to_the_same_labels(testville, tmp_path, mirror):
    out = testville[0]
    request = request_of(json.loads((out / "manifest.json").read_text()), out)
    again = map_city(request, tmp_path / "again")
    for kind, lcz in again.kinds.items():
        np.testing.assert_array_equal(lcz, first_band(out / f"{kind}_lcz.tif"))


def test_a_manifest_with_changed_input_is_refused(testville, tmp_path):
    manifest = json.loads((testville[0] / "manifest.json").read_text())
    manifest["inputs"][0]["sha256"] = "0" * 64
    with pytest.raises(InputError, match="has changed"):
        request_of(manifest, testville[0])
    (tmp_path / "manifest.json").write_text("{")
    run("map", "--from-manifest", tmp_path / "manifest.json", "--out", tmp_path / "x", check=1)


def test_fuse_of_the_written_maps_is_the_fused_map(testville, tmp_path):
    out = testville[0]
    files = [
        out / f"{n}_proba.tif" for n in ("s1", "s2_spring", "s2_summer", "s2_autumn", "s2_winter")
    ]
    run("fuse", *files, "--method", "so2sat", "--out", tmp_path)
    a, b = first_band(tmp_path / "fused_lcz.tif"), first_band(out / "fused_lcz.tif")
    assert (a == b).mean() > 0.999  # but for ties within the rounding of the files
    assert json.loads((tmp_path / "manifest.json").read_text())["method"] == "so2sat"


def test_layers_of_an_earlier_run_do_not_stay_beside_those_of_this_one(berlin, tmp_path):
    first = MapRequest(seasons={"may": str(berlin)}, weights=("sen2lcz_net",))
    map_city(first, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    map_city(MapRequest((str(berlin),), weights=("sen2lcz_net",)), tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert not any("may" in n for n in names)
    assert {"s2_lcz.tif", "notes.txt"} <= names


@pytest.fixture
def berlin(shared, mirror):
    return shared / "mirror/berlin_s2_20241024.tif"


def test_seasons_given_as_files_are_averaged(berlin, tmp_path):
    request = MapRequest(
        seasons={"may": str(berlin), "october": str(berlin)}, weights=("sen2lcz_net",)
    )
    result = map_city(request, tmp_path)
    assert (tmp_path / "s2_may_proba.tif").exists()
    np.testing.assert_array_equal(result.kinds["s2"], first_band(tmp_path / "s2_may_lcz.tif"))


def test_berlin_has_trees_in_the_east_and_compact_or_open_mid_rise_blocks(berlin, tmp_path):
    for network in ("sen2lcz_net", "so2sat_s2_resnet20"):
        request = MapRequest((str(berlin),), weights=(network,), level="L2A", date="2024-10-24")
        lcz = map_city(request, tmp_path / network).kinds["s2"].values
        tiergarten, blocks = lcz[7:15, 31:], lcz[17:28, 3:20]
        natural = np.isin(tiergarten, [9, 11, 12, 13, 14, 17]).mean()
        mid_rise = np.isin(blocks, [2, 5]).mean()
        assert natural > 0.6, network
        assert mid_rise > 0.5, network


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"weights": ("so2sat_s1_resnet20",)}, WeightsError, "reads Sentinel-1"),
        ({"weights": ("gmnet_as",)}, WeightsError, "lcz water"),
        ({"weights": ("sen2lcz_net", "so2sat_s1_resnet20")}, WeightsError, "no such scene"),
        ({"fusion": "median"}, InputError, "not one of mean, so2sat"),
        ({"anchor": "middle"}, InputError, "not one of center, corner"),
        ({"level": "L3"}, InputError, "not one of L1C, L2A"),
        ({"level": "L2A"}, InputError, "--date"),
        ({"city": "Berlin"}, InputError, "So2Sat folder"),
        ({"inputs": ()}, InputError, "nothing to map"),
    ],
)
def test_a_request_that_makes_no_job_is_refused(berlin, tmp_path, request_, error, message):
    with pytest.raises(error, match=message):
        map_city(MapRequest(**{"inputs": (str(berlin),), **request_}), tmp_path / "out")
    assert not list(tmp_path.glob("out/*.tif"))


def test_a_scene_in_degrees_is_refused_and_mapped_when_resampling_is_asked_for(
    berlin, tmp_path, monkeypatch
):
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    with rasterio.open(berlin) as src:
        # pixels finer than the original's, so that warping forth and back loses little
        transform, width, height = calculate_default_transform(
            src.crs, "EPSG:4326", src.width, src.height, *src.bounds, resolution=4e-5
        )
        values = np.zeros((src.count, height, width), np.float32)
        reproject(src.read().astype(np.float32), values, src_transform=src.transform,
                  src_crs=src.crs, dst_transform=transform, dst_crs="EPSG:4326",
                  resampling=Resampling.bilinear)  # fmt: skip
        profile = {**src.profile, "crs": "EPSG:4326", "transform": transform, "width": width,
                   "height": height, "dtype": "float32", "tiled": False}  # fmt: skip
    profile = {k: v for k, v in profile.items() if not k.startswith("block")}
    path = tmp_path / "degrees.tif"
    with rasterio.open(path, "w", **profile) as dst:
        dst.write(values)
    options = {"weights": ("sen2lcz_net",), "level": "L2A", "date": "2024-10-24"}
    request = MapRequest((str(path),), **options)
    with pytest.raises(GridError, match="--resample utm"):
        map_city(request, tmp_path / "out")
    warped = MapRequest((str(path),), resample="utm", **options)
    result = map_city(warped, tmp_path / "out").kinds["s2"]
    assert result.rio.crs.to_epsg() == 32633
    direct = map_city(MapRequest((str(berlin),), **options), tmp_path / "direct")
    shares = [
        np.bincount(m.values.ravel(), minlength=18)[1:] / (m > 0).sum().item()
        for m in (result, direct.kinds["s2"])
    ]
    assert np.abs(shares[0] - shares[1]).sum() < 0.4  # the same city, interpolated twice


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_final_and_resumes(shared, weights_cache, tmp_path):
    environment = {
        **os.environ,
        "LCZLIB_MIRROR": str(shared / "mirror"),
        "LCZLIB_CACHE": str(weights_cache),
    }
    arguments = [
        sys.executable, "-m", "lczlib", "map", str(shared / "goldens/so2sat_city/data"),
        "--out", str(tmp_path / "killed"),
    ]  # fmt: skip
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    work = tmp_path / "killed/.unfinished"
    deadline = time.monotonic() + 120
    while not (work / "s2_spring").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (work / "s1/done.npy").exists()
    assert [p.name for p in (tmp_path / "killed").iterdir()] == [".unfinished"]
    done = subprocess.run([*arguments, "--resume"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not work.exists()
    whole = [*arguments[:6], str(tmp_path / "whole"), *arguments[7:]]
    subprocess.run(whole, env=environment, capture_output=True, check=True)
    for path in (tmp_path / "whole").glob("*_lcz.tif"):
        np.testing.assert_array_equal(first_band(path), first_band(tmp_path / "killed" / path.name))


def test_a_full_disk_stops_before_anything_is_final(shared, weights_cache, tmp_path):
    limited = (
        "import resource, sys; from lczlib.cli import main; import lczlib.mapping.engines;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); main()"
    )
    arguments = [
        "map",
        str(shared / "mirror/berlin_s2_20241024.tif"),
        "--weights",
        "sen2lcz_net",
        "--out",
        str(tmp_path / "out"),
    ]
    environment = {"LCZLIB_MIRROR": str(shared / "mirror"), "LCZLIB_CACHE": str(weights_cache)}
    run("weights", "fetch", "sen2lcz_net", **environment)
    run(*arguments, "--out", tmp_path / "warm", **environment)  # weights are converted by now
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments],
        capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 1
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [p for p in (tmp_path / "out").iterdir() if p.suffix in (".tif", ".json")]


def test_bad_input_is_one_sentence_on_the_command_line(tmp_path, shared, mirror):
    done = run("map", tmp_path / "it's not there.tif", "--out", tmp_path / "o", check=1)
    assert done.stderr.strip().endswith("it's not there.tif does not exist.")
    run("map", check=2)
    run("map", "x.tif", "--season", "spring", check=2)
    done = run("map", shared / "data/berlin/uco_air_temperature_2019-2020.parquet", check=1)
    assert "cannot be read as a raster" in done.stderr


def test_weights_are_listed_fetched_and_imported(mirror, tmp_path, weights_cache):
    listed = run("weights", "list").stdout
    for name in ("so2sat_s1_resnet20", "so2sat_s2_resnet20", "sen2lcz_net", "gmnet_as_des"):
        assert name in listed
    assert "cite" in run("weights", "fetch", "sen2lcz_net").stdout
    run("weights", "import", mirror / "sen2lcz_net.h5", "--arch", "sen2lcz", "--name", "mine",
        LCZLIB_CACHE=str(tmp_path))  # fmt: skip
    out = tmp_path / "mapped"
    run("map", mirror / "berlin_s2_20241024.tif", "--weights", "mine", "--out", out,
        LCZLIB_CACHE=str(tmp_path))  # fmt: skip
    assert open_lcz_map(out / "s2_lcz.tif", scheme="1-17").shape == (35, 35)
    wrong = ("--arch", "resnet20", "--name", "x")
    error = run("weights", "import", mirror / "sen2lcz_net.h5", *wrong, check=1).stderr
    assert "not of this network" in error


def test_cities_are_searched_from_the_command_line(mirror, tmp_path):
    assert "Nigeria" in run("cities", "lagos", "--out", tmp_path / "l.geojson").stdout
    found = json.loads((tmp_path / "l.geojson").read_text())["features"]
    assert [f["properties"]["country"] for f in found][:2] == ["Nigeria", "Portugal"]
    assert "No city has a name" in run("cities", "Nowheresburg-on-Sea", check=1).stderr


def test_a_rerun_with_other_weights_or_options_is_refused(testville, tmp_path, mirror):
    manifest = json.loads((testville[0] / "manifest.json").read_text())
    manifest["weights"][0]["sha256"] = "0" * 64
    with pytest.raises(InputError, match=r"weights .* have changed"):
        request_of(manifest, testville[0])
    done = run("map", "--from-manifest", testville[0] / "manifest.json", "--anchor", "center",
               "--out", tmp_path, check=2)  # fmt: skip
    assert "--anchor" in done.stderr


def test_fusing_into_a_maps_own_folder_is_refused(testville, tmp_path):
    out = testville[0]
    before = (out / "manifest.json").read_bytes()
    files = [out / "s1_proba.tif", out / "s2_proba.tif"]
    assert "would be lost" in run("fuse", *files, "--out", out, check=1).stderr
    assert "two or more" in run("fuse", files[0], files[0], "--out", tmp_path, check=1).stderr
    run("fuse", *files, "--method", "median", "--out", tmp_path, check=2)
    assert (out / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.tif", "--season", "spring=b.tif"),
        ("--season", "spring=a.tif", "--season", "spring=b.tif"),
        ("a.tif", "--engine", "tensorflow"),
        ("a.tif", "--precision", "half"),
    ],
)
def test_options_that_contradict_or_are_misspelt_are_usage_errors(arguments):
    run("map", *arguments, check=2)


def test_an_output_folder_that_cannot_be_made_is_one_sentence(berlin, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("map", berlin, "--out", tmp_path / "file" / "out", check=1)
    assert "choose another folder" in done.stderr


def test_two_runs_do_not_share_a_folder(berlin, tmp_path):
    import fcntl

    (tmp_path / ".unfinished").mkdir()
    with (tmp_path / ".unfinished/lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="Another run"):
            map_city(MapRequest((str(berlin),), weights=("sen2lcz_net",)), tmp_path)
