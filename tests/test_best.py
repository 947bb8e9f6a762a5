"""The sentence of the most accurate map: alike on the Accuracy page and in a report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lczlib.analysis import accuracy_difference
from lczlib.analysis.best import Scored, best_in_words
from lczlib.analysis.differences import AccuracyDifference
from lczlib.jobs import assess
from lczlib.jobs.assess import AssessRequest
from lczlib.jobs.paired import told_apart
from lczlib.jobs.report_results import Results
from lczlib.maps import open_lcz_map

A = Scored(0.7, 0.6, 0.8, 100, "20 polygons")


def apart(first: str, second: str, value: float, low: float, high: float):
    row = {
        "first": 0.0, "second": 0.0, "difference": value, "ci_low": low, "ci_high": high,
        "significant": low > 0 or high < 0,
    }  # fmt: skip
    return {
        (first, second): AccuracyDifference(pd.DataFrame([row], index=["oa"]), 90, 20, "polygon")
    }


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (Scored(0.5, 0.4, 0.55, 100), "the intervals are apart"),
        (
            Scored(0.66, 0.55, 0.71, 100),
            "the intervals overlap, so the order of the two is not settled",
        ),
        (Scored(0.6, np.nan, np.nan, 100), "without intervals the order"),
    ],
)
def test_without_a_paired_difference_the_intervals_are_compared(second, said):
    text = best_in_words({"B": second, "A": A})
    assert text.startswith(
        "A has the right class in 70.0 % of the 100 cells of the reference (20 polygons); 95 % interval 60.0 to 80.0 %."
    )
    assert said in text


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (
            apart("A", "B", 0.04, 0.01, 0.07),
            "+4.0 points against the next, B (interval +1.0 to +7.0), which is sig",
        ),
        (
            apart("B", "A", -0.04, -0.07, 0.01),
            "+4.0 points against the next, B (interval −1.0 to +7.0), which may",
        ),
        (
            apart("A", "B", 0.04, np.nan, np.nan),
            "+4.0 points against the next, B (interval not known), and without an interval",
        ),
    ],
)
def test_a_paired_difference_settles_what_overlapping_intervals_do_not(pair, said):
    text = best_in_words({"A": A, "B": Scored(0.66, 0.55, 0.71, 100)}, pair)
    assert f"On the 90 cells that both map it is {said}" in text
    assert "overlap" not in text


def test_maps_without_accuracy_are_not_ranked():
    assert best_in_words({"A": Scored(np.nan, np.nan, np.nan, 0)}) == ""
    assert "next" not in best_in_words({"A": A, "B": Scored(np.nan, np.nan, np.nan, 0)})


@pytest.fixture
def assessed(tmp_path: Path, write_tif):
    """Two maps of a place, the second with more faults, each judged by one raster and written."""
    rng = np.random.default_rng(1)
    truth = np.repeat(np.repeat(rng.integers(1, 18, (10, 10)), 6, 0), 6, 1).astype(np.uint8)
    write_tif(truth, "reference.tif", pixel=100, nodata=0)
    folders = []
    for name, wrong in (("better", 0.1), ("worse", 0.3)):
        drawn = np.where(rng.random(truth.shape) < wrong, rng.integers(1, 18, truth.shape), truth)
        write_tif(drawn.astype(np.uint8), f"{name}.tif", pixel=100, nodata=0)
        request = AssessRequest(
            lcz_map=tmp_path / f"{name}.tif", reference=tmp_path / "reference.tif", replicates=200
        )
        folders.append(assess.run(request).write(tmp_path / f"of_{name}", figures=False))
    return folders


def test_written_assessments_are_compared_on_the_same_cells(assessed, tmp_path):
    found = told_apart(Results.of(assessed[::-1]))
    ((first, second),) = found.differences
    assert (found.judged[first].title, found.judged[second].title) == ("better", "worse")
    maps = [
        open_lcz_map(tmp_path / f"{n}.tif", scheme="1-17") for n in ("better", "worse", "reference")
    ]
    wanted = accuracy_difference(*maps, replicates=200)
    pd.testing.assert_frame_equal(found.differences[first, second].scores, wanted.scores)


@pytest.mark.parametrize("how", ["gone", "other seed", "units"])
def test_what_cannot_be_paired_any_more_is_left_to_the_intervals(assessed, tmp_path, how):
    if how == "gone":
        (tmp_path / "worse.tif").unlink()
    else:
        path = assessed[1] / "manifest.json"
        content = json.loads(path.read_text())
        content["parameters"] |= (
            {"seed": 7} if how == "other seed" else {"polygons": "../reference.tif"}
        )
        path.write_text(json.dumps(content))
    assert told_apart(Results.of(assessed)).differences == {}
