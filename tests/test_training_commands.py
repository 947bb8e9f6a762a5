"""``lcz train`` and ``lcz evaluate``: the commands, on the real Hong Kong data and on made files."""

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from synthetic_so2sat import write_hdf5
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import LczError
from lczlib.mapping import MapRequest, map_city
from lczlib.models import load_model
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.run import read_patch_points


@pytest.fixture(scope="module")
def hong_kong(shared, tmp_path_factory):
    """A quick run of ``lcz train`` and its folder."""
    data, out = shared / "data/hong_kong", tmp_path_factory.mktemp("hong_kong") / "run"
    scene = data / "LC81220442014288LGN00_B1-7_B10_B11_100m.tif"
    arguments = [
        "train", str(scene), "--polygons", str(data / "lcz_training_polygons.shp"),
        "--sensor", "landsat", "--bands", "B1,B2,B3,B4,B5,B6,B7", "--fringe", "2",
        "--spacing", "200", "--option", "width=8", "--option", "depth=1", "--epochs", "3",
        "--device", "cpu", "--forest", "--out", str(out),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return scene, out, result


def test_lcz_train_reports_accuracy_on_unseen_polygons(hong_kong):
    _, out, result = hong_kong
    assert "split by polygon" in result.output
    assert "Random forest on the same patches: OA" in result.output
    report = json.loads((out / "training.json").read_text())
    assert report["test"]["oa"] > 0.3  # 13 classes; n is a few hundred patches
    assert report["test"]["n"] == report["split"]["patches"]["test"]["n"]
    assert report["random_forest"]["n"] == report["test"]["n"]
    assert (out / "learning_curve.png").stat().st_size > 10_000
    patches = gpd.read_file(out / "patches.gpkg")
    kept = patches[patches["subset"] != "left out"]
    assert kept.groupby("polygon")["subset"].nunique().max() == 1
    assert report["split"]["left_out"] == len(patches) - len(kept) > 0
    assert report["split"]["overlap"] == {"area": 0.0, "n_touched": 0, "n": report["test"]["n"]}
    assert "Patches of 8 x 8 pixels, 800 m wide; no test patch shares a pixel" in result.output


def test_lcz_evaluate_finds_the_accuracy_that_training_reported(hong_kong, tmp_path):
    scene, out, _ = hong_kong
    arguments = [
        "evaluate", str(out / "model.safetensors"), str(scene), "--patches",
        str(out / "patches.gpkg"), "--fringe", "2", "--device", "cpu", "--out", str(tmp_path),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "evaluation.json").read_text())
    trained = json.loads((out / "training.json").read_text())["test"]
    for score in ("n", "oa", "aa", "kappa", "oa_ci"):
        assert found[score] == pytest.approx(trained[score]), score
    assert found["classes"] == trained["classes"]


def test_trained_weights_map_the_scene_at_once(hong_kong, tmp_path):
    scene, out, _ = hong_kong
    corner = tmp_path / "corner.tif"
    with rasterio.open(scene) as src:  # 15 x 15 km, where many polygons lie
        window = rasterio.windows.Window(200, 200, 150, 150)
        profile = src.profile | {
            "width": 150,
            "height": 150,
            "transform": src.window_transform(window),
        }
        with rasterio.open(corner, "w", **profile) as dst:
            dst.write(src.read(window=window))
            dst.descriptions = src.descriptions
    request = MapRequest(
        inputs=(str(corner),), weights=(str(out / "model.safetensors"),), device="cpu",
        date="2014-10-15",  # which the name of the whole scene says
    )  # fmt: skip
    result = map_city(request, tmp_path / "map")
    (lcz,) = result.kinds.values()
    points = read_patch_points(out / "patches.gpkg", "train").to_crs(lcz.rio.crs)
    west, south, east, north = lcz.rio.bounds()
    points = points.cx[west:east, south:north]
    assert len(points) > 100
    mapped = [int(lcz.sel(x=p.x, y=p.y, method="nearest")) for p in points.geometry]
    assert np.mean(np.array(mapped) == points["lcz"].to_numpy()) > 0.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--polygons", "nowhere.gpkg"], "does not exist"),
        (["--polygons", "{areas}", "--bands", "B1,B99"], "no band B99"),
        (["--polygons", "{areas}", "--patch", "4", "--bands", "B1,B2"], "needs patches of 8"),
    ],
)
def test_bad_input_of_lcz_train_is_one_sentence(arguments, message, shared, tmp_path):
    data = shared / "data/hong_kong"
    scene = data / "LC81220442014288LGN00_B1-7_B10_B11_100m.tif"
    filled = [a.format(areas=data / "lcz_training_polygons.shp") for a in arguments]
    common = [
        "train",
        str(scene),
        "--sensor",
        "landsat",
        "--spacing",
        "400",
        "--out",
        str(tmp_path),
    ]
    result = CliRunner().invoke(app, [*common, *filled])
    assert isinstance(result.exception, LczError), result.output
    assert message in str(result.exception)


def test_a_network_of_both_sensors_is_trained_and_maps_a_so2sat_folder(tmp_path):
    write_so2sat(simulate_city(4, seed=5), tmp_path / "scene")
    (areas,) = tmp_path.glob("scene/Reference/*/polygons.gpkg")
    arguments = [
        "train", str(tmp_path / "scene"), "--polygons", str(areas), "--sensor", "both",
        "--spacing", "80", "--split", "random", "--option", "width=4", "--option", "depth=1",
        "--epochs", "1", "--batch-size", "64", "--device", "cpu", "--no-figures",
        "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    path = tmp_path / "run/model.safetensors"
    assert len(load_model(path).weights.bands) == 17
    request = MapRequest(inputs=(str(tmp_path / "scene"),), weights=(str(path),), device="cpu")
    mapped = map_city(request, tmp_path / "map").kinds
    assert list(mapped) == ["both"]
    assert (mapped["both"] > 0).all()


def test_so2sat_files_are_trained_on_and_evaluated(tmp_path):
    names = ("training", "validation", "testing")
    train, validation, test = (
        write_hdf5(tmp_path / f"{n}.h5", 48, seed=i, classes=4) for i, n in enumerate(names)
    )
    out = tmp_path / "run"
    arguments = [
        "train", str(train), "--validation", str(validation), "--test", str(test), "--option",
        "width=4", "--option", "depth=1", "--epochs", "6", "--device", "cpu", "--no-figures",
        "--out", str(out),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    report = json.loads((out / "training.json").read_text())
    assert report["split"]["method"] == "as published"
    again = [
        "evaluate",
        str(out / "model.safetensors"),
        str(test),
        "--no-figures",
        "--device",
        "cpu",
    ]
    result = CliRunner().invoke(app, [*again, "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert found["oa"] == pytest.approx(report["test"]["oa"])
    assert found["n"] == 48


def test_two_processes_train_together_and_one_reports(tmp_path):
    train, validation, test = (
        write_hdf5(tmp_path / f"{n}.h5", 32, seed=i, classes=3) for i, n in enumerate("abc")
    )
    command = [
        sys.executable, "-m", "lczlib", "train", str(train), "--validation", str(validation),
        "--test", str(test), "--option", "width=4", "--option", "depth=1", "--epochs", "2",
        "--device", "cpu", "--devices", "2", "--workers", "1", "--no-figures", "--out",
        str(tmp_path / "run"),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1], timeout=120
    )  # fmt: skip
    assert done.stdout.count("Accuracy on the test patches") == 1
    assert len(pd.read_csv(tmp_path / "run/history.csv")) == 2
