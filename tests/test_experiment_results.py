"""From runs to table cells: means, intervals, paired comparisons."""

import numpy as np
import pytest
from experiment_data import Stripes

from lczlib.analysis.scores import SCORES
from lczlib.analysis.significance import holm
from lczlib.errors import InputError
from lczlib.experiment.plan import Cell, Settings
from lczlib.experiment.report import as_markdown, table_frame
from lczlib.experiment.results import gather
from lczlib.experiment.runner import PREDICTIONS, run_path
from lczlib.training.trainer import Options

SETTINGS = Settings(options=Options(device="cpu"))
CLASSES = np.array([2, 6, 14])


def polygons(n=60, size=4, seed=0):
    """Labels and polygons of a synthetic test set."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n), size)
    return np.repeat(rng.choice(CLASSES, n), size).astype(np.uint8), unit


def predicted(labels, right):
    """The label where right, else another class."""
    wrong = CLASSES[(np.searchsorted(CLASSES, labels) + 1) % 3]
    return np.where(right, labels, wrong).astype(np.uint8)


def write_cells(folder, cells, labels, unit):
    """Runs of made-up predictions: cells is {label: [predictions of each seed, or None: failed]}."""
    made, results = [], {}
    for label, found in cells.items():
        network = f"net {label}"
        runs = tuple(SETTINGS.run("D2", network, 2.0, s) for s in range(len(found)))
        made.append(Cell(label, runs))
        for run, values in zip(runs, found, strict=True):
            key = run.key("data")
            results[key] = {"status": "finished", "channels": ["B02"], "options": vars(run.options)}
            if values is None:
                results[key] = {
                    "status": "failed", "message": "no memory", "options": vars(run.options),
                }  # fmt: skip
                continue
            path = run_path(folder, key) / PREDICTIONS
            path.parent.mkdir(parents=True)
            np.savez(path, lcz=labels, predicted=values, unit=unit)
    return made, results


def table(folder, cells, labels, unit, **options):
    made, results = write_cells(folder, cells, labels, unit)
    return gather(made, results, folder, "data", by_polygon=True, **options)


def test_a_cell_is_the_mean_over_its_seeds_with_the_size_of_the_test_set(tmp_path):
    labels, unit = polygons()
    rng = np.random.default_rng(1)
    runs = [predicted(labels, rng.random(len(labels)) < p) for p in (0.9, 0.8, 0.7)]
    found = table(tmp_path, {"a": runs, "b": [runs[0]]}, labels, unit, replicates=300)
    cell = found.cells[0]
    counts = np.zeros((3, 17, 17))
    for table_of, run in zip(counts, runs, strict=True):
        np.add.at(table_of, (labels - 1, run - 1), 1)
    for name in ("oa", "kappa", "aa"):
        each = SCORES[name](counts)
        assert cell.scores[name] == pytest.approx(each.mean())
        assert cell.spread[name] == pytest.approx(each.std(ddof=1))
        np.testing.assert_allclose(cell.each[name], each)
        low, high = cell.intervals[name]
        assert low < cell.scores[name] < high
    assert (found.n_polygons, found.n_patches, found.units) == (60, 240, "polygons")
    assert np.isnan(found.cells[1].spread["oa"])
    classes = cell.classes
    assert classes["n_reference"].sum() == 240
    assert classes.loc[6, "pa"] == pytest.approx(
        np.mean([(run[labels == 6] == 6).mean() for run in runs])
    )
    assert classes.loc[6, "pa_ci_low"] < classes.loc[6, "pa"] < classes.loc[6, "pa_ci_high"]
    assert np.isnan(classes.loc[1, "pa"])


def test_patches_of_one_polygon_count_as_one(tmp_path):
    """Polygons that are right or wrong as a whole give wider intervals than single patches."""
    labels, unit = polygons(n=40, size=10)
    rng = np.random.default_rng(2)
    together = np.repeat(rng.random(40) < 0.7, 10)
    apart = rng.permutation(together)
    found = table(
        tmp_path, {"whole": [predicted(labels, together)], "mixed": [predicted(labels, apart)]},
        labels, unit,
    )  # fmt: skip
    whole, mixed = (np.subtract(*c.intervals["oa"][::-1]) for c in found.cells)
    assert whole > 2 * mixed


def test_seeds_that_differ_widen_the_interval(tmp_path):
    labels, unit = polygons()
    rng = np.random.default_rng(3)
    alike = [predicted(labels, rng.random(len(labels)) < 0.75) for _ in range(3)]
    unlike = [predicted(labels, rng.random(len(labels)) < p) for p in (0.55, 0.75, 0.95)]
    found = table(tmp_path, {"alike": alike, "unlike": unlike}, labels, unit)
    steady, shaky = (np.subtract(*c.intervals["oa"][::-1]) for c in found.cells)
    assert shaky > 1.5 * steady


def test_the_comparison_is_paired_by_polygon(tmp_path):
    """Hard polygons are hard for every cell: the difference is known better than either score."""
    labels, unit = polygons(n=50, size=6)
    rng = np.random.default_rng(4)
    ease = np.repeat(rng.beta(0.5, 0.3, 50), 6)
    draw = rng.random(len(labels))
    better = predicted(labels, draw < ease)
    worse = predicted(labels, (draw < ease) & (rng.random(len(labels)) < 0.93))
    found = table(tmp_path, {"better": [better], "worse": [worse]}, labels, unit)
    assert found.best == "better"
    row = found.differences.iloc[0]
    assert row["low"] < row["difference"] < row["high"]
    assert row["high"] - row["low"] < 0.6 * np.subtract(*found.cells[0].intervals["oa"][::-1])
    assert row["p"] < 0.01


def test_equal_cells_differ_by_nothing_and_clear_ones_clearly(tmp_path):
    labels, unit = polygons()
    rng = np.random.default_rng(5)
    good = [predicted(labels, rng.random(len(labels)) < 0.9) for _ in range(3)]
    bad = [predicted(labels, rng.random(len(labels)) < 0.3) for _ in range(3)]
    found = table(tmp_path, {"one": good[:1], "same": good[:1], "bad": bad}, labels, unit)
    rows = found.differences.set_index("label")
    assert found.best == "one"
    assert rows.loc["same", "difference"] == 0
    assert rows.loc["same", "p_holm"] == 1
    assert rows.loc["bad", "p_holm"] < 0.01
    assert rows.loc["bad", "p_holm"] >= rows.loc["bad", "p"]


def test_p_values_are_corrected_for_all_pairs_not_for_those_with_the_best(tmp_path):
    labels, unit = polygons()
    rng = np.random.default_rng(6)
    cells = {str(p): [predicted(labels, rng.random(len(labels)) < p)] for p in (0.9, 0.5, 0.4, 0.3)}
    found = table(tmp_path, cells, labels, unit, replicates=1000)
    lowest = 2 / 1001  # the smallest p of so many replicates
    rows = found.differences.set_index("label")
    assert rows.loc["0.3", "p"] == pytest.approx(lowest)
    assert rows.loc["0.3", "p_holm"] >= 4 * lowest  # six pairs, and not all of them as clear


def test_holm_is_the_step_down_method():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert holm(np.empty(0)).size == 0


def test_a_failed_seed_leaves_the_others(tmp_path):
    labels, unit = polygons()
    good = predicted(labels, np.arange(len(labels)) % 5 > 0)
    found = table(tmp_path, {"a": [good, None], "b": [None, None], "c": [good, good]}, labels, unit)
    assert [c.n_finished for c in found.cells] == [1, 0, 2]
    assert found.cells[0].scores["oa"] == pytest.approx(0.8)
    assert np.isnan(found.cells[1].scores["oa"])
    assert set(found.differences["label"]) == {"c"}


def test_runs_of_different_test_sets_are_not_compared(tmp_path):
    labels, unit = polygons()
    others, _ = polygons(seed=9)
    first, results = write_cells(tmp_path, {"a": [labels]}, labels, unit)
    second, more = write_cells(tmp_path, {"b": [others]}, others, unit)
    with pytest.raises(InputError, match="different test patches"):
        gather(first + second, results | more, tmp_path, "data", by_polygon=True)


def test_patches_without_polygons_are_resampled_one_by_one(tmp_path):
    labels, _ = polygons()
    right = np.random.default_rng(7).random(len(labels)) < 0.7
    made, results = write_cells(
        tmp_path, {"a": [predicted(labels, right)], "b": [labels]}, labels, np.arange(len(labels))
    )
    found = gather(made, results, tmp_path, "data", by_polygon=False)
    assert (found.n_polygons, found.units) == (0, "patches")
    half = np.subtract(*found.cells[0].intervals["oa"][::-1]) / 2
    assert half == pytest.approx(1.96 * np.sqrt(right.var() / len(labels)), rel=0.15)


@pytest.mark.slow
def test_intervals_hold_the_truth_and_equal_cells_are_seldom_told_apart(tmp_path):
    """Synthetic cells whose expected accuracy is known: polygons differ, and so do seeds."""
    rng = np.random.default_rng(8)
    held, told, n_cells, rounds = 0, 0, 4, 120
    for turn in range(rounds):
        n, size = 60, 3
        labels, unit = polygons(n, size, seed=turn)
        ease = rng.normal(0.0, 1.2, n)[unit]  # shared by all cells: hard polygons are hard for all
        cells = {}
        for name in range(n_cells):
            own = rng.normal(0.0, 0.5, n)[unit]
            cells[str(name)] = [
                predicted(
                    labels,
                    0.5 + ease + own + rng.normal(0, 0.15) + rng.normal(0, 0.5, n * size) > 0,
                )
                for _ in range(3)
            ]
        found = table(tmp_path / str(turn), cells, labels, unit, replicates=400)
        told += bool((found.differences["p_holm"] < 0.05).any())
        # the truth: P(0.5 + N(0, 1.2^2 + 0.5^2 + 0.15^2 + 0.5^2) > 0)
        low, high = found.cells[0].intervals["oa"]
        held += low <= 0.6394 <= high
    assert held / rounds >= 0.9
    assert told / rounds <= 0.08


def test_the_table_of_real_patches_without_polygons_says_no_more_than_is_known(tmp_path):
    labels, unit = polygons()
    made, results = write_cells(tmp_path, {"a": [labels], "b": [None]}, labels, unit)
    found = gather(made, results, tmp_path, "data", by_polygon=False, replicates=100)
    frame = table_frame("networks", found)
    text = as_markdown(
        "networks", frame, found, Stripes(simulated=False), reading="Few & <far> between."
    )
    lines = text.splitlines()
    assert lines[:2] == ["# Networks", ""]
    assert lines[2].startswith(
        "On 57 training, 15 validation and 240 test patches of 16 pixels, split"
    )
    assert "over test patches and seeds" in text
    assert "stratified" not in text
    assert "imulated" not in text
    assert "Published" not in text
    assert lines[6].startswith("| **a** | 1 | - | 1 | - | 240 | 1.000 (0.")
    assert lines[7] == "| b | - | - | 0 | - | 240 | - | - | - | - | - |"
    assert "- b, seed 0: no memory" in lines
    assert lines[-1] == "Few & <far> between."
