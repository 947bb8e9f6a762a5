"""From finished runs to the cells of a table: means over seeds, intervals, paired differences.

A score of a cell is the mean over its seeds. Its interval is a bootstrap over test polygons
(stratified by class, `lczlib.analysis.bootstrap`) and over seeds at once, each resampled by itself
(Owen 2007, doi 10.1214/07-AOAS122: on the safe side), since another set of polygons and another
start of training would both have given another number. Cells are compared on the same resampled
polygons, which is what makes the comparison paired; the seeds of two cells have nothing to do with
each other and are drawn for each. The best cell is known only after looking, so the p-values of its
differences are corrected for all pairs of cells (Holm 1979), not for those with the best alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lczlib.analysis.bootstrap import (
    check_replicates,
    collapsed,
    degrees_of_freedom,
    draw_weights,
    interval,
)
from lczlib.analysis.confusion import count_units
from lczlib.analysis.scores import CLASS_SCORES, SCORES
from lczlib.analysis.significance import holm
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.experiment.plan import Cell
from lczlib.experiment.runner import PREDICTIONS, run_path

REPLICATES = 5000
"""Of which the smallest p-value follows: 0.0004, 0.014 after correction for the pairs of nine lines."""
SHOWN = ("oa", "kappa", "aa")
"""The scores of the paper's tables."""


@dataclass(frozen=True)
class CellResult:
    """Scores of one line of a table.

    Attributes
    ----------
    cell : Cell
    runs : list of dict
        Results of its runs, failed ones too.
    scores : dict of str to float
        Mean over seeds; NaN where no run finished.
    intervals : dict of str to (low, high)
        95%.
    spread : dict of str to float
        Standard deviation over seeds; NaN for one seed.
    each : dict of str to list
        Scores of the finished runs, one a run.
    classes : DataFrame
        Index ``lcz`` 1..17: ``pa``, ``ua``, ``f1``, their ``_ci_low`` and ``_ci_high``, and, of the test
        set, ``n_reference`` and, mean over seeds, ``n_predicted`` patches.
    counts : array (17, 17)
        Test patches by class of the reference (rows) and of the map, mean over seeds.
    replicates : array (replicates,)
        Overall accuracy of each bootstrap replicate.
    degrees : int
        Degrees of freedom of the polygons.
    """

    cell: Cell
    runs: list[dict[str, Any]]
    scores: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    each: dict[str, list[float]] = field(default_factory=dict)
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    counts: np.ndarray = field(default_factory=lambda: np.zeros((17, 17)))
    replicates: np.ndarray = field(default_factory=lambda: np.empty(0))
    degrees: int = 0

    @property
    def n_finished(self) -> int:
        """Number of seeds with a result."""
        return sum(r["status"] == "finished" for r in self.runs)


@dataclass(frozen=True)
class TableResult:
    """A whole table.

    Attributes
    ----------
    cells : list of CellResult
        In the order of the plan.
    differences : DataFrame
        One line a finished cell but the best: ``label``, ``difference`` (best minus it, OA),
        ``low``, ``high`` (95%), ``p`` and ``p_holm``.
    best : str
        Label of the cell with the highest overall accuracy.
    n_polygons, n_patches : int
        Of the test set; 0 polygons where patches have none.
    units : str
        What the bootstrap resamples: ``polygons`` or ``patches``.
    """

    cells: list[CellResult]
    differences: pd.DataFrame
    best: str
    n_polygons: int
    n_patches: int
    units: str


def gather(
    cells: Sequence[Cell],
    results: Mapping[str, dict[str, Any]],
    folder: str | Path,
    fingerprint: str,
    *,
    by_polygon: bool,
    keep: np.ndarray | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> TableResult:
    """The table of finished runs.

    Parameters
    ----------
    cells : sequence of Cell
        From `lczlib.experiment.plan.plan`.
    results : mapping
        From `lczlib.experiment.runner.run_all`.
    folder : path
        Where the runs lie.
    fingerprint : str
        Of the data set.
    by_polygon : bool
        Whether test patches belong to polygons; else each patch is resampled by itself, which makes
        intervals too narrow by as much as neighbouring patches are alike.
    keep : array of bool, optional
        Which of the test patches count; by default all.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If no run finished, or runs were tested on different patches.
    """
    check_replicates(replicates)
    found = [_Counts.read(c, results, folder, fingerprint, keep) for c in cells]
    first = next((f for f in found if f.counts), None)
    if first is None:
        messages = {r["message"] for r in results.values() if r["status"] == "failed"}
        msg = f"All {len(results)} runs failed: {'; '.join(sorted(messages))}"
        raise InputError(msg)
    for other in found:
        if other.counts and not np.array_equal(other.labels, first.labels):
            msg = f"{folder} holds runs with different test patches: use another folder."
            raise InputError(msg)
    strata = first.strata if by_polygon else None
    out = [_scored(f, strata, replicates, seed) for f in found]
    finished = [c for c in out if c.n_finished]
    best = max(finished, key=lambda c: c.scores["oa"])
    return TableResult(
        out, _differences(finished, best), best.cell.label,
        first.n_units if by_polygon else 0, len(first.labels), "polygons" if by_polygon else "patches",
    )  # fmt: skip


@dataclass(frozen=True)
class _Counts:
    """Confusion matrices of a cell's finished runs, (units, 17, 17) each."""

    cell: Cell
    runs: list[dict[str, Any]]
    counts: list[np.ndarray]
    labels: np.ndarray
    strata: np.ndarray

    @property
    def n_units(self) -> int:
        return len(self.strata)

    @classmethod
    def read(
        cls,
        cell: Cell,
        results: Mapping[str, Any],
        folder: str | Path,
        fingerprint: str,
        keep: np.ndarray | None,
    ) -> _Counts:
        runs, counts = [], []
        labels, strata = np.empty(0, np.uint8), np.empty(0, np.uint8)
        for run in cell.runs:
            key = run.key(fingerprint)
            runs.append(results[key])
            if results[key]["status"] != "finished":
                continue
            with np.load(run_path(folder, key) / PREDICTIONS) as held:
                every = np.ones(len(held["lcz"]), bool) if keep is None else keep
                labels, predicted, unit = (held[k][every] for k in ("lcz", "predicted", "unit"))
            number, at, index = np.unique(unit, return_index=True, return_inverse=True)
            strata = labels[at]
            counts.append(count_units(labels, predicted, index, len(number))[:, 1:, 1:])
        return cls(cell, runs, counts, labels, strata)


def _scored(found: _Counts, strata: np.ndarray | None, replicates: int, seed: int) -> CellResult:
    n_seeds = len(found.counts)
    if not n_seeds:
        nothing = dict.fromkeys(SHOWN, float("nan"))
        return CellResult(
            found.cell, found.runs, nothing, dict.fromkeys(SHOWN, (np.nan, np.nan)), nothing
        )
    strata = np.zeros(found.n_units, int) if strata is None else strata
    used = np.flatnonzero(sum(c.any(0) for c in found.counts).ravel())
    flat = [c.reshape(found.n_units, -1)[:, used].astype(np.float64) for c in found.counts]
    # the same polygons are drawn for every cell, so that differences are paired
    polygons = draw_weights(collapsed(strata), replicates, np.random.default_rng(seed))
    degrees = degrees_of_freedom(strata)
    sums = np.zeros((n_seeds, replicates, 17 * 17))
    at = 0
    for weights in polygons:
        for s, table in enumerate(flat):
            sums[s][at : at + len(weights), used] = weights @ table
        at += len(weights)
    sums = sums.reshape(n_seeds, replicates, 17, 17)
    seeds = _seed_weights(found.cell.label, n_seeds, replicates, seed)
    totals = np.stack([c.sum(0) for c in found.counts])
    scores, intervals, spread, own, resampled = {}, {}, {}, {}, {}
    for name in SHOWN:
        each = SCORES[name](totals)
        scores[name], own[name] = float(each.mean()), each.tolist()
        spread[name] = float(each.std(ddof=1)) if n_seeds > 1 else float("nan")
        resampled[name] = (seeds * SCORES[name](sums)).mean(0)
        lowest = -1.0 if name == "kappa" else 0.0
        bounds = interval(scores[name], resampled[name], degrees, lowest=lowest)
        intervals[name] = tuple(float(v) for v in bounds)
    return CellResult(
        found.cell, found.runs, scores, intervals, spread, own,
        _by_class(found, totals, sums, seeds, degrees), totals.mean(0), resampled["oa"], degrees,
    )  # fmt: skip


def _seed_weights(label: str, n_seeds: int, replicates: int, seed: int) -> np.ndarray:
    """Weights of the seeds in each replicate, (seeds, replicates); each cell has its own."""
    own = np.random.default_rng([seed, *label.encode()])
    drawn = draw_weights(np.zeros(n_seeds, int), replicates, own)
    return np.concatenate(list(drawn)).T


def _by_class(
    found: _Counts, totals: np.ndarray, sums: np.ndarray, seeds: np.ndarray, degrees: int
) -> pd.DataFrame:
    n_units = np.bincount(found.strata, minlength=18)[1:]
    mapped = (sum(found.counts).sum(1) > 0).sum(0)
    told = {"pa": n_units, "ua": mapped, "f1": np.maximum(n_units, mapped)}
    columns: dict[str, np.ndarray] = {}
    for name in ("pa", "ua", "f1"):
        columns[name] = _mean(CLASS_SCORES[name](totals))
        resampled = _mean(seeds[..., None] * CLASS_SCORES[name](sums))
        low, high = interval(columns[name], resampled, np.minimum(told[name] - 1, degrees))
        # one polygon says nothing about how polygons differ
        columns[f"{name}_ci_low"] = np.where(n_units > 1, low, np.nan)
        columns[f"{name}_ci_high"] = np.where(n_units > 1, high, np.nan)
    columns["n_reference"] = totals[0].sum(1)
    columns["n_predicted"] = totals.sum(1).mean(0)
    columns["n_units"] = n_units
    return pd.DataFrame(columns, index=pd.Index([c.number for c in CLASSES], name="lcz"))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over seeds; NaN where one of them has none (a class that a run never mapped has no UA)."""
    return values.mean(0)


def _differences(finished: list[CellResult], best: CellResult) -> pd.DataFrame:
    """Best minus each other cell, with p-values corrected for all pairs."""
    p = {
        frozenset((a.cell.label, b.cell.label)): _p_value(a.replicates - b.replicates)
        for a, b in combinations(finished, 2)
    }
    corrected = dict(zip(p, holm(np.array(list(p.values()))), strict=True)) if p else {}
    rows = []
    for other in finished:
        if other is best:
            continue
        pair = frozenset((best.cell.label, other.cell.label))
        apart = best.scores["oa"] - other.scores["oa"]
        paired = best.replicates - other.replicates
        low, high = interval(apart, paired, best.degrees, lowest=None)
        rows.append({
            "label": other.cell.label, "difference": apart,
            "low": float(low), "high": float(high), "p": p[pair], "p_holm": corrected[pair],
        })  # fmt: skip
    columns = ["label", "difference", "low", "high", "p", "p_holm"]
    return pd.DataFrame(rows, columns=columns)


def _p_value(differences: np.ndarray) -> float:
    """Two-sided bootstrap p-value of no difference; at least 2 / (replicates + 1)."""
    n = len(differences) + 1
    below, above = (differences <= 0).sum() + 1, (differences >= 0).sum() + 1
    return min(1.0, 2 * min(below, above) / n)
