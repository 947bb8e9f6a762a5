"""The table of methods: what views, means of networks and calibration make of the same trained networks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from experiment_data import SMALL, Stripes

from lczlib.errors import InputError
from lczlib.experiment.method import Method, methods_for
from lczlib.experiment.methods import ViewedPatches, derive, methods_frame, methods_markdown
from lczlib.experiment.plan import check_settings, plan
from lczlib.experiment.results import gather
from lczlib.experiment.runner import PREDICTIONS, RESULT, run_all, run_path, unique_runs
from lczlib.mapping.views import VIEWS
from lczlib.models import load_model
from lczlib.training.evaluation import predict_patches, scaling_of

SEEDS = (0, 1, 2)
SETTINGS = replace(SMALL, seeds=SEEDS, options=replace(SMALL.options, epochs=2))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Three networks trained, and what follows."""
    folder, data = tmp_path_factory.mktemp("methods"), Stripes(n=240)
    cells = plan("methods", data, SETTINGS)
    trained = run_all(data, unique_runs(cells), folder)
    return folder, data, cells, derive(cells, trained, folder, data)


def probabilities(table, seed, subset="test", view=(False, False, False)):
    """What a network says of patches that are turned by hand."""
    folder, data, cells, _ = table
    run = next(r for r in cells[0].runs if r.options.seed == seed)
    network = load_model(run_path(folder, run.key(data.fingerprint())) / "model.safetensors")
    part = getattr(data.select(run.inputs), subset)
    x = part.read(np.arange(len(part)))
    swap, rows, cols = view
    x = np.flip(x, [axis for axis, on in ((2, rows), (3, cols)) if on])
    x = x.transpose(0, 1, 3, 2) if swap else x

    class Turned(type(part)):
        def __init__(self):
            self.kind, self.table = part.kind, part.table

        def read(self, index):
            return np.ascontiguousarray(x[index])

    return predict_patches(network, Turned(), scaling_of(network.weights), device="cpu"), part


def predicted(table, label):
    folder, data, cells, _ = table
    cell = next(c for c in cells if c.label == label)
    found = []
    for run in cell.runs:
        with np.load(run_path(folder, run.key(data.fingerprint())) / PREDICTIONS) as held:
            found.append(held["predicted"])
    return found


def test_only_the_networks_themselves_are_trained(table):
    folder, data, cells, results = table
    assert len(unique_runs(cells)) == len(SEEDS)
    assert all(not r.method for r in unique_runs(cells))
    keys = {r.key(data.fingerprint()) for c in cells for r in c.runs}
    assert keys == {*results}
    assert len(keys) == sum(len(c.runs) for c in cells)
    assert {r["status"] for r in results.values()} == {"finished"}
    before = {k: (run_path(folder, k) / RESULT).stat().st_mtime_ns for k in keys}
    again = derive(cells, run_all(data, unique_runs(cells), folder), folder, data)
    assert again.keys() == results.keys()
    assert before == {k: (run_path(folder, k) / RESULT).stat().st_mtime_ns for k in keys}


def test_views_and_means_are_those_worked_out_by_hand(table):
    single = [probabilities(table, s)[0] for s in SEEDS]
    for ours, expected in zip(predicted(table, "one network"), single, strict=True):
        np.testing.assert_array_equal(ours, expected.argmax(1) + 1)
    mean = np.mean(single, axis=0, dtype=float)
    (ours,) = predicted(table, "mean of networks")
    np.testing.assert_array_equal(ours, mean.argmax(1) + 1)
    views = [
        np.mean([probabilities(table, s, view=v)[0] for v in VIEWS["flips"]], axis=0, dtype=float)
        for s in SEEDS
    ]
    for ours, expected in zip(predicted(table, "one network, 4 views"), views, strict=True):
        assert (ours == expected.argmax(1) + 1).mean() > 0.99  # but for ties of rounding
    (ours,) = predicted(table, "mean of networks, 4 views")
    assert (ours == np.mean(views, axis=0).argmax(1) + 1).mean() > 0.99


def test_the_eight_views_are_the_eight_turns_of_a_square():
    data = Stripes(n=30)
    whole = data.subsets().test
    seen = {ViewedPatches(whole, v).read(np.arange(1)).tobytes() for v in VIEWS["all"]}
    expected = {
        np.ascontiguousarray(np.rot90(x, k, (2, 3))).tobytes()
        for x in (whole.read(np.arange(1)), whole.read(np.arange(1))[..., ::-1])
        for k in range(4)
    }
    assert seen == expected


def test_radar_gets_no_quarter_turns():
    assert [w.views for w in methods_for(radar=True).values()].count("all") == 0
    assert [w.views for w in methods_for(radar=False).values()].count("all") == 3
    for way in methods_for(radar=False).values():
        assert Method.of(way.key) == way


def test_costs_and_differences_stand_beside_the_scores(table):
    folder, data, cells, results = table
    frame = methods_frame(cells, results, folder, data).set_index("label")
    assert frame["passes"].to_dict() == {
        "one network": 1, "one network, 4 views": 4, "one network, calibrated": 1, "mean of networks": 3,
        "mean of networks, 4 views": 12, "mean of networks, 4 views, calibrated": 12,
    }  # fmt: skip
    assert frame.loc["mean of networks", "networks"] == 3
    part = data.select(cells[0].inputs).test
    lcz = part.labels.astype(int)
    single = [probabilities(table, s)[0].astype(float) for s in SEEDS]
    mean = np.mean(single, axis=0)

    def log_loss(p):
        return -np.log(np.maximum(p[np.arange(len(lcz)), lcz - 1], 1e-6)).mean()

    one = np.mean([log_loss(p) for p in single])
    assert frame.loc["one network", "log_loss"] == pytest.approx(one, abs=2e-3)
    row = frame.loc["mean of networks"]
    assert row["log_loss_difference"] == pytest.approx(log_loss(mean) - one, abs=2e-3)
    assert row["log_loss_low"] < row["log_loss_difference"] < row["log_loss_high"]
    assert np.isnan(frame.loc["one network", "log_loss_difference"])
    # a mean is never worse in log loss than its members are on average (Jensen)
    assert row["log_loss_difference"] <= 0
    text = methods_markdown(frame.reset_index())
    assert "| mean of networks | 3 | 3 | " in text
    assert f"{len(part):,} test patches" in text


def test_the_table_holds_a_line_for_each_method(table):
    folder, data, cells, results = table
    found = gather(cells, results, folder, data.fingerprint(), by_polygon=True, replicates=200)
    assert [c.cell.label for c in found.cells] == [*methods_for(radar=True)]
    assert len(found.differences) == len(cells) - 1


def test_too_few_validation_polygons_are_said_and_the_rest_stands(tmp_path):
    data = Stripes(n=30)
    cells = plan(
        "methods",
        data,
        replace(SETTINGS, seeds=(0, 1), options=replace(SETTINGS.options, epochs=1)),
    )
    results = derive(cells, run_all(data, unique_runs(cells), tmp_path), tmp_path, data)
    by_label = {c.label: [results[r.key(data.fingerprint())] for r in c.runs] for c in cells}
    (failed, _) = by_label["one network, calibrated"]
    assert failed["status"] == "failed"
    assert "validation polygons are too few to calibrate on" in failed["message"]
    assert by_label["mean of networks"][0]["status"] == "finished"
    frame = methods_frame(cells, results, tmp_path, data)
    assert isinstance(frame, pd.DataFrame)
    assert "| one network, calibrated | 1 | 1 | - | - | - | - |" in methods_markdown(frame)


def test_one_seed_is_refused():
    check_settings("methods", replace(SETTINGS, seeds=(0,)))
    with pytest.raises(InputError, match="--seeds 2 or more"):
        plan("methods", Stripes(n=30), replace(SETTINGS, seeds=(0,)))
