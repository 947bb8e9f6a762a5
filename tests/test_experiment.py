"""Experiments: their plan, their runs, and what is written of them."""

import dataclasses
import json
import os
import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from experiment_data import SMALL, Stripes
from synthetic_so2sat import write_hdf5

from lczlib.errors import InputError
from lczlib.experiment import runner
from lczlib.experiment.data import BandPatches, City, SceneData, So2SatData
from lczlib.experiment.plan import Cell, Run, Settings, plan
from lczlib.experiment.published import published
from lczlib.experiment.report import table_figures, write_report
from lczlib.experiment.results import gather
from lczlib.experiment.runner import described, run_all, run_path, unique_runs
from lczlib.experiment.speed import speeds
from lczlib.export.files import alone_in
from lczlib.figures import save_figure
from lczlib.figures.experiment import front
from lczlib.models import build
from lczlib.scene_options import SceneOptions
from lczlib.scenes import COMBINATIONS
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.inputs import SceneFiles
from lczlib.training.trainer import Options


def count_trainings(monkeypatch):
    """The runs that are trained from here on, in this process."""
    trained, original = [], runner._trained

    def counting(data, run, folder):
        trained.append(run)
        return original(data, run, folder)

    monkeypatch.setattr(runner, "_trained", counting)
    return trained


# --- Plan


def test_the_three_tables_have_the_rows_of_the_paper():
    inputs = plan("inputs", Stripes(), Settings())
    assert [c.label for c in inputs] == ["D1", "D2", "D3", "D4", "D5", "D6", "D7"]
    assert {c.network for c in inputs} == {"rsnnet"}
    networks = plan("networks", Stripes(), Settings())
    assert [c.network for c in networks] == [
        "resnet50", "densenet121", "sen2lcz", "lcznet", "mscnn", "yoo_cnn", "rsnnet", "resnet20",
        "random_forest",
    ]  # fmt: skip
    assert {c.inputs for c in networks} == {"D6"}
    gammas = plan("gamma", Stripes(), Settings())
    assert [c.gamma for c in gammas] == [0, 1, 2, 3, 4, 5, 6]
    assert gammas[2].label == "gamma 2"
    several = plan("gamma", Stripes(), Settings(networks=("rsnnet", "resnet50"), gammas=(0.0, 5.0)))
    assert [c.label for c in several][1:3] == ["RSNNet, gamma 5", "ResNet-50, gamma 0"]
    assert all(len(c.runs) == 3 for c in (*inputs, *networks, *gammas))


def test_a_run_that_tables_share_is_trained_once():
    cells = [c for t in ("inputs", "networks", "gamma") for c in plan(t, Stripes(), Settings())]
    runs = unique_runs(cells)
    assert sum(len(c.runs) for c in cells) == 69
    assert len(runs) == 63  # D6, RSNNet and gamma 2 are one cell
    assert [r.options.seed for r in runs] == sorted(r.options.seed for r in runs)


def test_the_key_of_a_run_depends_on_all_that_its_result_depends_on_and_on_nothing_else():
    run = Run("D3", Options("rsnnet", {"width": 8}, seed=1))
    same = Run("D3", dataclasses.replace(run.options, device="cuda", workers=4))
    assert run.key("data") == same.key("data")
    others = [
        Run("D4", run.options),
        *(
            Run("D3", dataclasses.replace(run.options, **change))
            for change in ({"seed": 2}, {"gamma": 0.0}, {"options": {"width": 9}}, {"epochs": 7})
        ),
    ]
    keys = {run.key("data"), run.key("other data"), *(o.key("data") for o in others)}
    assert len(keys) == 7


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("colours", {}, "'colours' is no table: use one of inputs, networks, gamma"),
        ("networks", {"networks": ("rsnnet", "vgg")}, "'vgg' is no network of the registry"),
        ("networks", {"inputs": "D9"}, "'D9' is no combination"),
        ("networks", {"networks": ("rsnnet",)}, "One line is no comparison"),
        ("inputs", {"combinations": ("D1", "D8")}, "'D8' is no combination"),
        ("gamma", {"seeds": ()}, "no seed"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(table, change, message):
    with pytest.raises(InputError, match=message):
        plan(table, Stripes(), dataclasses.replace(SMALL, **change))


def test_inputs_that_the_data_cannot_give_are_refused_before_anything_is_trained():
    optical = Stripes(bands=COMBINATIONS["D2"])
    with pytest.raises(InputError, match=r"synthetic stripes gives D2 of the input combinations"):
        plan("inputs", optical, SMALL)
    with pytest.raises(InputError, match=r"D6 reads Alpha, .* use D2"):
        plan("networks", optical, dataclasses.replace(SMALL, inputs="D6"))
    with pytest.raises(InputError, match=r"D3 reads Alpha, .* synthetic stripes does not have"):
        plan("inputs", optical, dataclasses.replace(SMALL, combinations=("D2", "D3")))
    assert {c.inputs for c in plan("networks", optical, SMALL)} == {"D2"}
    of_all = plan("networks", optical, dataclasses.replace(SMALL, inputs="all"))
    assert {c.inputs for c in of_all} == {""}


# --- Data


def test_bands_of_a_patch_set_come_in_the_order_asked_for():
    whole = Stripes().subsets().train
    bands = COMBINATIONS["D5"]
    part = BandPatches(whole, bands)
    assert part.kind.bands == bands
    assert part.kind.sensor == "both"
    assert BandPatches(whole, COMBINATIONS["D1"]).kind.sensor == "s1"
    at = [whole.kind.bands.index(b) for b in bands]
    index = np.array([3, 0, 5])
    np.testing.assert_array_equal(part.read(index), whole.read(index)[:, at])
    np.testing.assert_array_equal(part.subset(index).read([2]), part.read([5]))


def test_the_fingerprint_follows_labels_and_values_not_file_names(tmp_path):
    write_hdf5(tmp_path / "a.h5", 40, classes=4)
    shutil.copy(tmp_path / "a.h5", tmp_path / "b.h5")
    write_hdf5(tmp_path / "c.h5", 40, classes=4, seed=1)
    a, b, c = (So2SatData(str(tmp_path / f"{n}.h5")) for n in "abc")
    assert a.fingerprint() == b.fingerprint() != c.fingerprint()
    assert a.subsets().method == "random"
    published_split = So2SatData(*(str(tmp_path / f"{n}.h5") for n in "abc"))
    assert published_split.subsets().method == "as published"
    assert len(published_split.subsets().test) == 40
    assert published_split.combinations == tuple(COMBINATIONS)


@pytest.fixture(scope="module")
def two_cities(tmp_path_factory):
    """Two small simulated cities in one So2Sat folder."""
    folder = tmp_path_factory.mktemp("cities")
    for seed, name in ((5, "00001_a_Simulated"), (6, "00002_b_Simulated")):
        write_so2sat(simulate_city(4, seed=seed), folder, name)
    return folder


def city(folder, name):
    files = SceneFiles(
        (str(folder),), "both", options=SceneOptions(city=name, only_seasons=("summer",))
    )
    return City(files, str(folder / "Reference" / name / "polygons.gpkg"))


def test_no_polygon_is_on_both_sides_and_test_cities_are_not_trained_on(two_cities):
    first, second = (city(two_cities, f"0000{i}_{n}_Simulated") for i, n in ((1, "a"), (2, "b")))
    alone = SceneData((first,), patch_size=16, spacing=100).subsets()
    sides = [set(getattr(alone, s).table["polygon"]) for s in ("train", "validation", "test")]
    assert all(sides)
    assert len(set.union(*sides)) == sum(map(len, sides))
    assert alone.method == "polygon"
    apart = SceneData((first,), (second,), patch_size=16, spacing=100)
    subsets = apart.subsets()
    assert set(subsets.train.table["scene"]) == {"00001_a_Simulated summer"}
    assert set(subsets.validation.table["scene"]) == {"00001_a_Simulated summer"}
    assert set(subsets.test.table["scene"]) == {"00002_b_Simulated summer"}
    share = len(subsets.validation) / (len(subsets.train) + len(subsets.validation))
    assert share == pytest.approx(0.2, abs=0.05)
    assert subsets.method == "city, validation by polygon"
    both = SceneData((first, second), patch_size=16, spacing=100).subsets()
    assert both.whole.table["polygon"].nunique() == (
        alone.whole.table["polygon"].nunique() + subsets.test.table["polygon"].nunique()
    )


# --- Runs


def test_a_table_is_run_written_and_not_run_again(tmp_path, monkeypatch):
    trained = count_trainings(monkeypatch)
    data, lines = Stripes(), []
    settings = dataclasses.replace(SMALL, combinations=("D1", "D2"))
    cells = {t: plan(t, data, settings) for t in ("inputs", "networks", "gamma")}
    runs = unique_runs([c for own in cells.values() for c in own])
    results = run_all(data, runs, tmp_path, progress=lambda *a: lines.append(a))
    # two inputs, two networks, and these with two gammas, one of them that of before; two seeds
    assert len(trained) == len(runs) == len(results) == 12
    assert lines[0][:2] == (0, 12)
    assert lines[-1][:2] == (12, 12)
    run_all(data, runs, tmp_path)
    assert len(trained) == 12
    shutil.rmtree(run_path(tmp_path, next(iter(results))))
    run_all(data, runs, tmp_path)
    assert len(trained) == 13
    other = dataclasses.replace(settings, options=dataclasses.replace(settings.options, epochs=2))
    run_all(data, unique_runs(plan("inputs", data, other)), tmp_path)
    assert len(trained) == 17
    assert not list(tmp_path.glob("runs/*/training"))  # checkpoints do not pile up

    for name, own in cells.items():
        result = gather(own, results, tmp_path, data.fingerprint(), by_polygon=True, replicates=200)
        own_cells = [c.cell for c in result.cells]
        speed = speeds(tmp_path / name, own_cells, data) if name == "networks" else ()
        frame = write_report(
            tmp_path / name, name, result, data, settings, with_published=True, speed=speed
        )
        subsets = data.subsets()
        assert set(frame["n_patches"]) == {len(subsets.test)}
        assert set(frame["n_polygons"]) == {subsets.test.table["polygon"].nunique()}
        assert frame["n_seeds"].tolist() == [2] * len(frame)
        text = (tmp_path / name / "table.md").read_text()
        assert "**Simulated:**" in text
        assert f"{len(subsets.test)} test patches" in text
        assert text.count("\n| ") == len(frame) + 2
        content = json.loads((tmp_path / name / "experiment.json").read_text())
        assert content["simulated"] is True
        assert content["data"]["test_polygons"] == frame["n_polygons"][0]
        assert content["best"] == frame.loc[frame["oa"].idxmax(), "label"]
        rows = pd.read_csv(tmp_path / name / "runs.csv")
        assert len(rows) == 2 * len(frame)
        means = rows.groupby("label")["oa"].mean()
        np.testing.assert_allclose(frame.set_index("label")["oa"], means[frame["label"]], atol=1e-5)
        drawn = table_figures(name, frame, result, data)
        for title, make in drawn.items():
            path = save_figure(make(), tmp_path / name / f"{title}.svg")
            assert "simulated" in path.read_text()
        if name == "networks":
            assert set(drawn) == {"table", "accuracy_and_cost"}
            assert speeds(tmp_path / name, [c.cell for c in result.cells], data) == content["speed"]
            expected = sum(p.numel() for p in build("yoo_cnn", 19, width=4).parameters())
            assert frame.loc[1, "parameters"] == expected == content["speed"][1]["parameters"]
            assert (frame["patches_per_second"] > 0).all()
        if name == "inputs":
            assert set(drawn) == {"table", "class_accuracy"}
            classes = pd.read_csv(tmp_path / name / "classes.csv")
            assert set(classes["label"]) == {"D1", "D2"}
            assert (classes.groupby("label")["n_reference"].sum() == len(subsets.test)).all()


def test_a_failed_run_is_told_of_tried_again_and_costs_no_other(tmp_path, monkeypatch):
    data = Stripes()
    settings = dataclasses.replace(SMALL, networks=("sen2lcz", "resnet50"), seeds=(0,))
    cells = plan("networks", data, settings)  # ResNet-50 needs more than 16 pixels
    results = run_all(data, unique_runs(cells), tmp_path)
    assert sorted(r["status"] for r in results.values()) == ["failed", "finished"]
    result = gather(cells, results, tmp_path, data.fingerprint(), by_polygon=True, replicates=100)
    frame = write_report(tmp_path, "networks", result, data, settings)
    assert frame["n_failed"].tolist() == [0, 1]
    assert np.isnan(frame.loc[1, "oa"])
    text = (tmp_path / "table.md").read_text()
    assert "ResNet-50, seed 0: ResNet-50 needs patches of 32 pixels or more, not 16" in text
    assert "needs patches" in pd.read_csv(tmp_path / "runs.csv").loc[1, "message"]
    failed = next(r for r in results.values() if r["status"] == "failed")
    assert "failed: ResNet-50 needs" in described(cells[1].runs[0], failed)
    trained = count_trainings(monkeypatch)
    run_all(data, unique_runs(cells), tmp_path)
    assert [r.options.architecture for r in trained] == ["resnet50"]


def test_a_table_of_failures_alone_is_an_error_that_says_why(tmp_path):
    data = Stripes()
    settings = dataclasses.replace(SMALL, networks=("resnet50", "densenet121"), seeds=(0,))
    cells = plan("networks", data, settings)
    results = run_all(data, unique_runs(cells), tmp_path)
    with pytest.raises(
        InputError, match=r"All 2 runs failed: DenseNet-121 needs.*; ResNet-50 needs"
    ):
        gather(cells, results, tmp_path, data.fingerprint(), by_polygon=True)


@contextmanager
def threads(number):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def test_processes_give_the_results_of_one_and_outlive_one_that_dies(tmp_path, monkeypatch):
    data = Stripes(dies_with="D4")
    settings = dataclasses.replace(SMALL, combinations=("D2", "D4", "D5"), seeds=(0,))
    runs = unique_runs(plan("inputs", data, settings))
    # sums in another order round differently: as many threads here as each of two processes has
    with threads(max(1, (os.cpu_count() or 1) // 2)):
        alone = run_all(data, runs, tmp_path / "alone")
    monkeypatch.setenv("STRIPES_DIE", "1")
    together = run_all(data, runs, tmp_path / "together", workers=2)
    assert list(together) == list(alone)
    for key, result in together.items():
        if result["inputs"] == "D4":
            assert result["status"] == "failed"
            assert "process died" in result["message"]
        else:
            assert result["oa"] == alone[key]["oa"]
            files = [run_path(tmp_path / n, key) / "predictions.npz" for n in ("alone", "together")]
            with np.load(files[0]) as one, np.load(files[1]) as other:
                np.testing.assert_array_equal(one["predicted"], other["predicted"])
    monkeypatch.delenv("STRIPES_DIE")
    again = run_all(data, runs, tmp_path / "together", workers=2)
    assert [r["status"] for r in again.values()] == ["finished"] * 3


def test_runs_are_spread_over_a_dask_cluster(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    data = Stripes()
    runs = unique_runs(plan("networks", data, SMALL))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # Dask sets them for its workers, and leaves them set here
    with threads(1):
        alone = run_all(data, runs, tmp_path / "alone")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        address = cluster.scheduler_address
        together = run_all(data, runs, tmp_path / "together", cluster=address)
    assert {k: r["oa"] for k, r in together.items()} == {k: r["oa"] for k, r in alone.items()}
    with pytest.raises(InputError, match=r"No Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        run_all(data, runs, tmp_path / "nowhere", cluster="tcp://127.0.0.1:9")


def test_two_experiments_do_not_write_into_one_folder(tmp_path):
    with alone_in(tmp_path, "runs/lock"), pytest.raises(InputError, match="Another run is writing"):
        run_all(Stripes(), [], tmp_path)
    assert run_all(Stripes(), [], tmp_path) == {}


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(InputError, match="0 workers can do nothing"):
        run_all(Stripes(), [], tmp_path, workers=0)


# --- Beside


def test_published_figures_stand_beside_their_own_cells_only():
    settings = Settings(seeds=(0,))
    inputs = {c.label: published("inputs", c) for c in plan("inputs", Stripes(), settings)}
    assert inputs["D3"] == {"oa": 0.9425, "kappa": 0.9366, "aa": 0.9060}
    assert inputs["D1"]["aa"] == 0.1739
    networks = {c.network: published("networks", c) for c in plan("networks", Stripes(), settings)}
    assert networks["yoo_cnn"]["oa"] == 0.7885
    assert networks["resnet20"] == networks["random_forest"] == {}
    gammas = [published("gamma", c)["oa"] for c in plan("gamma", Stripes(), settings)]
    assert gammas == [0.8900, 0.8863, 0.9328, 0.9083, 0.8912, 0.9046, 0.8704]
    # the one cell that the three tables share
    assert (
        inputs["D6"]
        == networks["rsnnet"]
        == published("gamma", Cell("", (settings.run("D6", "rsnnet", 2.0, 0),)))
    )
    other = Settings(network="resnet50", seeds=(0,))
    assert all(published("inputs", c) == {} for c in plan("inputs", Stripes(), other))
    on_d2 = Settings(inputs="D2", seeds=(0,))
    assert all(published("networks", c) == {} for c in plan("networks", Stripes(), on_d2))


def test_the_networks_to_choose_from_are_those_that_none_beats_in_both():
    accuracy = np.array([0.7, 0.8, 0.75, 0.8])
    speed = np.array([100.0, 50.0, 60.0, 40.0])
    assert front(speed, accuracy).tolist() == [0, 1, 2]
    assert front(np.array([1.0, 1.0]), np.array([2.0, 2.0])).tolist() == [0, 1]
