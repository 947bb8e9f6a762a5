"""``lcz experiment`` from end to end on simulated cities."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from synthetic_so2sat import write_hdf5
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import InputError
from lczlib.scenes.simulation import simulate_city, write_so2sat

TINY = [
    "--seeds", "2", "--epochs", "1", "--patch", "16", "--spacing", "100", "--season", "summer",
    "--batch-size", "64", "--option", "sen2lcz.width=4", "--option", "sen2lcz.depth=1", "--arch",
    "sen2lcz", "--device", "cpu",
]  # fmt: skip


@pytest.fixture(scope="module")
def cities(tmp_path_factory):
    """Two small simulated cities in one So2Sat folder."""
    folder = tmp_path_factory.mktemp("cities")
    for seed, name in ((5, "00001_a_Simulated"), (6, "00002_b_Simulated")):
        write_so2sat(simulate_city(4, seed=seed), folder, name)
    return folder


def arguments(cities, out, *more):
    return [
        "experiment", str(cities), "--city", "00001_a_Simulated", "--test-city",
        "00002_b_Simulated", "--out", str(out), *TINY, *more,
    ]  # fmt: skip


def results(out):
    """When each finished run was written."""
    return {p.parent.name: p.stat().st_mtime_ns for p in Path(out).glob("runs/*/run.json")}


@pytest.mark.slow
def test_a_killed_experiment_goes_on_and_a_finished_one_trains_nothing(cities, tmp_path):
    words = arguments(cities, tmp_path, "--table", "inputs", "--table", "gamma", "--published")
    command = [sys.executable, "-m", "lczlib", *words]
    environment = {**os.environ, "COLUMNS": "120"}
    process = subprocess.Popen(
        [*command, "--workers", "2"], env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1200):
            if len(results(tmp_path)) >= 5:
                break
            assert process.poll() is None
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the whole session: its workers too
        process.wait()
    before = results(tmp_path)
    assert 5 <= len(before) < 26
    assert not (tmp_path / "inputs/table.md").exists()

    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = results(tmp_path)
    assert len(after) == 26  # seven inputs, seven gammas, one in common; two seeds
    assert all(after[k] == t for k, t in before.items())
    assert f"{len(before)} runs are there already" in done.stderr
    for name in ("inputs", "gamma"):
        folder = tmp_path / name
        made = {p.name for p in folder.iterdir()}
        wanted = {"runs.csv", "table.csv", "table.md", "classes.csv", "experiment.json"}
        assert wanted | {"table.png", "table.svg"} <= made
        frame = pd.read_csv(folder / "table.csv")
        assert len(frame) == 7
        assert (frame["n_seeds"] == 2).all()
        assert (frame["n_patches"] > 0).all()
        assert (frame["n_polygons"] > 0).all()
        assert (frame["oa_low"] <= frame["oa_high"]).all()
        assert f"{frame['n_patches'][0]:,} test patches of {frame['n_polygons'][0]:,} polygons" in (
            done.stdout
        )
    assert {"class_accuracy.png", "class_accuracy.svg"} <= {
        p.name for p in (tmp_path / "inputs").iterdir()
    }
    assert "not comparable with the other columns" not in (
        tmp_path / "inputs/table.md"
    ).read_text() or (pd.read_csv(tmp_path / "inputs/table.csv")["published_oa"].isna().all())

    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "26 runs are there already" in again.stderr
    assert results(tmp_path) == after


def test_networks_are_compared_on_a_so2sat_file(tmp_path):
    names = ("training", "validation", "testing")
    train, validation, test = (
        str(write_hdf5(tmp_path / f"{n}.h5", 40, seed=i, classes=4)) for i, n in enumerate(names)
    )
    words = [
        "experiment", train, "--validation", validation, "--test", test, "--table", "networks",
        "--networks", "sen2lcz,random_forest", "--seeds", "1", "--epochs", "1", "--inputs", "D2",
        "--option", "sen2lcz.width=4", "--option", "sen2lcz.depth=1", "--option",
        "random_forest.n_trees=10", "--device", "cpu", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    found = CliRunner().invoke(app, words, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    frame = pd.read_csv(tmp_path / "out/networks/table.csv")
    assert frame["n_patches"].tolist() == [40, 40]
    assert frame["n_polygons"].tolist() == [0, 0]
    assert frame["channels"].tolist() == [10, 10]
    assert (frame["patches_per_second"] > 0).all()
    assert (frame["parameters"] > 0).all()
    assert (tmp_path / "out/networks/accuracy_and_cost.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--table", "colours"], "'colours' is no table"),
        (["--table", "networks", "--networks", "vgg,rsnnet"], "'vgg' is no network"),
        (["--table", "gamma", "--inputs", "D9"], "'D9' is no combination"),
        (["--table", "inputs", "--sensor", "s2"], "gives D2 of the input combinations"),
        (["--table", "gamma", "--sensor", "s2", "--inputs", "D3"], "D3 reads Alpha"),
    ],
)
def test_bad_input_is_one_sentence(cities, tmp_path, more, message):
    found = CliRunner().invoke(app, arguments(cities, tmp_path, *more))
    assert isinstance(found.exception, InputError), found.output
    assert message in str(found.exception)


def test_an_option_of_no_network_is_a_usage_error(cities, tmp_path):
    words = arguments(cities, tmp_path, "--table", "gamma", "--option", "width=4")
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 2
    assert "is not ARCH.NAME=VALUE" in found.output


@pytest.mark.slow
def test_the_table_of_methods_from_the_command_line(cities, tmp_path):
    done = CliRunner().invoke(
        app, arguments(cities, tmp_path, "--table", "methods", "--no-figures")
    )
    assert done.exit_code == 0, done.output
    frame = pd.read_csv(tmp_path / "methods/methods.csv").set_index("label")
    assert frame.loc["mean of networks", ["passes", "networks"]].tolist() == [2, 2]
    text = (tmp_path / "methods/table.md").read_text()
    assert "(simulated data)" in text
    assert text.index("| mean of networks |") < text.index("Passes: forward passes of a patch")
    assert len(results(tmp_path)) == sum(pd.read_csv(tmp_path / "methods/table.csv")["n_seeds"])
