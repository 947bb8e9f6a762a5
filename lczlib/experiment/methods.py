"""The table of methods: what more than one pass of one network gains, and what it costs.

All lines come from the same trained networks, one a seed: each by itself, with several views of each patch, with
calibrated probabilities, their mean, and all of it together. So differences are those of the method alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lczlib
from lczlib.analysis.probability_scores import paired_scores
from lczlib.analysis.recalibration import FEWEST_GROUPS, Cells, choose
from lczlib.errors import InputError
from lczlib.experiment.data import DataSet
from lczlib.experiment.method import Method
from lczlib.experiment.plan import Cell, Run
from lczlib.experiment.runner import (
    RESULT,
    Progress,
    finished,
    run_path,
    write_predictions,
)
from lczlib.export import staged, write_json
from lczlib.mapping.views import VIEWS
from lczlib.models import load_model
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.patches import Patches
from lczlib.training.run import WEIGHTS_FILE

PROBABILITIES = "probabilities.npz"
SUBSETS = ("validation", "test")


class ViewedPatches(Patches):
    """Patches flipped or turned.

    Parameters
    ----------
    whole : Patches
        As they are.
    view : tuple of bool
        Whether axes are swapped, rows reversed, columns reversed: of `lczlib.mapping.views.VIEWS`.
    """

    def __init__(self, whole: Patches, view: tuple[bool, bool, bool]) -> None:
        self._whole, self._view = whole, view
        super().__init__(whole.kind, whole.table)

    def read(self, index: np.ndarray) -> np.ndarray:
        """See `Patches.read`."""
        swap, rows, cols = self._view
        found = self._whole.read(index)[..., :: -1 if rows else 1, :: -1 if cols else 1]
        return np.ascontiguousarray(found.swapaxes(-1, -2) if swap else found)

    def subset(self, index: np.ndarray) -> ViewedPatches:
        """See `Patches.subset`."""
        return ViewedPatches(self._whole.subset(index), self._view)


def derive(
    cells: Sequence[Cell],
    results: Mapping[str, dict[str, Any]],
    folder: str | Path,
    data: DataSet,
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """The results of all lines: those that were trained, and what follows from them.

    Parameters
    ----------
    cells : sequence of Cell
        From `lczlib.experiment.plan.plan`, the trained networks first.
    results : mapping
        Of the trained networks, by key.
    folder : path
        Where the runs lie; what follows is kept there as well, and not worked out twice.
    data : DataSet
        What they were trained on.
    progress : callable, optional
        See `lczlib.experiment.runner.Progress`.

    Returns
    -------
    dict
        As `results`, with the derived lines. One that cannot be made is a failed run with its reason.
    """
    fingerprint, out = data.fingerprint(), dict(results)
    trained = [r for r in cells[0].runs if results[r.key(fingerprint)]["status"] == "finished"]
    todo = [run for cell in cells for run in cell.runs if run.method]
    for done, run in enumerate(todo):
        key = run.key(fingerprint)
        found = finished(folder, key)
        # a mean of fewer networks, as some had failed, is not that of all
        if found is None or found["networks"] != (
            len(trained) if Method.of(run.method).together else 1
        ):
            found = _derived(run, trained, Path(folder), data)
        out[key] = found
        if progress:
            progress(done + 1, len(todo), run.method)
    return out


def _derived(run: Run, trained: Sequence[Run], folder: Path, data: DataSet) -> dict[str, Any]:
    """Work one line out and write it as a run."""
    fingerprint, method = data.fingerprint(), Method.of(run.method)
    networks = [r for r in trained if method.together or r.options.seed == run.options.seed]
    begun, at = time.perf_counter(), run_path(folder, run.key(fingerprint))
    facts = {
        "inputs": run.inputs,
        "options": vars(run.options),
        "lczlib": lczlib.__version__,
        "method": run.method,
    }
    try:
        if not networks:
            msg = "The network that it follows from failed."
            raise InputError(msg)
        if method.together and len(networks) < 2:
            msg = f"{len(networks)} trained network has no mean with others."
            raise InputError(msg)
        p, lcz, unit, how = _probabilities(method, networks, folder, data)
    except InputError as err:
        result = {**facts, "status": "failed", "error": type(err).__name__, "message": err.message}
    else:
        write_predictions(at, p, lcz, unit)
        with staged(at / PROBABILITIES) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, test=p.astype(np.float32))
        of = finished(folder, networks[0].key(fingerprint)) or {}
        result = {
            **facts, "status": "finished", "channels": of.get("channels"), "networks": len(networks),
            "parameters": len(networks) * of.get("parameters", 0), "calibrated_by": how,
            "oa": float((p.argmax(1) + 1 == lcz).mean()), "n": of.get("n"),
        }  # fmt: skip
    result["seconds"] = round(time.perf_counter() - begun, 1)
    write_json(at / RESULT, result)
    return result


def _probabilities(
    method: Method, networks: Sequence[Run], folder: Path, data: DataSet
) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Probabilities (n, 17) of the test patches, their classes and units, and how they were calibrated."""
    subsets = data.select(networks[0].inputs)
    each = [_said(r, method.views, folder, data) for r in networks]
    valid, test = (np.mean([e[s] for e in each], axis=0, dtype=np.float64) for s in SUBSETS)
    how = ""
    if method.calibrated:
        labelled = subsets.validation
        groups = labelled.units
        n = len(np.unique(groups))
        if n < FEWEST_GROUPS:
            msg = (
                f"{n} validation polygons are too few to calibrate on: {FEWEST_GROUPS} are needed."
            )
            raise InputError(msg)
        cells = Cells(valid, labelled.labels.astype(int), groups)
        calibrator = choose(cells, "dirichlet")(cells)
        test, how = calibrator.on_rows(test), calibrator.method
    return test, subsets.test.labels, subsets.test.units, how


def _said(run: Run, views: str, folder: Path, data: DataSet) -> dict[str, np.ndarray]:
    """What a trained network says of validation and test patches, mean over views; kept beside it."""
    at = run_path(folder, run.key(data.fingerprint()))
    path = at / f"probabilities-{views}.npz"
    if path.is_file():
        with np.load(path) as held:
            return {s: held[s] for s in SUBSETS}
    network, subsets = load_model(at / WEIGHTS_FILE), data.select(run.inputs)
    found = {}
    for name in SUBSETS:
        part = getattr(subsets, name)
        seen = [
            predict_patches(
                network, part if not any(view) else ViewedPatches(part, view), scaling_of(network.weights),
                device=run.options.device,
            ) for view in VIEWS[views]
        ]  # fmt: skip
        found[name] = np.mean(seen, axis=0, dtype=np.float64).astype(np.float32)
    with staged(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **found)
    return found


def methods_frame(
    cells: Sequence[Cell], results: Mapping[str, dict[str, Any]], folder: str | Path, data: DataSet
) -> pd.DataFrame:
    """Probability scores of each line, how they differ from one network's, and what it costs.

    Parameters
    ----------
    cells, results, folder, data
        See `derive`, after it.

    Returns
    -------
    DataFrame
        ``label``, ``passes`` (forward passes of a patch), ``networks`` (to be trained), ``patches``, ``units``,
        ``calibrated_by``, and ``log_loss``, ``brier``, ``calibration_error`` and ``oa`` (means over seeds) with
        ``_difference``, ``_low`` and ``_high`` (95%, paired by polygon): the line minus one network, over the seeds
        that both have. Log loss, Brier score and calibration error are the better the smaller.
    """
    fingerprint, folder = data.fingerprint(), Path(folder)
    test = data.select(cells[0].inputs).test
    unit, lcz = test.units, test.labels.astype(int)
    strata = (
        dict(zip(unit.tolist(), lcz.tolist(), strict=True)) if "polygon" in test.table else None
    )
    ones = {
        r.options.seed: _said(r, "none", folder, data)["test"]
        for r in cells[0].runs
        if results[r.key(fingerprint)]["status"] == "finished"
    }
    rows = []
    for cell in cells:
        keys = {r.options.seed: r.key(fingerprint) for r in cell.runs}
        done = {s: k for s, k in keys.items() if results[k]["status"] == "finished"}
        method = Method.of(cell.runs[0].method)
        row: dict[str, Any] = {
            "label": cell.label, "passes": method.passes(len(ones)),
            "networks": len(ones) if method.together else 1, "patches": len(test), "units": len(np.unique(unit)),
            "calibrated_by": " ".join(sorted({results[k].get("calibrated_by", "") for k in done.values()} - {""})),
        }  # fmt: skip
        own = {s: ones[s] if not cell.runs[0].method else _kept(folder, k) for s, k in done.items()}
        if method.together:  # one mean, beside each network
            own = dict.fromkeys(ones, next(iter(own.values()))) if own else {}
        seeds = [s for s in ones if s in own]
        if seeds:
            scores = paired_scores(
                *(np.concatenate([p[s] for s in seeds]) for p in (ones, own)),
                np.tile(lcz, len(seeds)), np.tile(unit, len(seeds)), strata,
            )  # fmt: skip
            for name, found in scores.iterrows():
                row[name] = found["after"]
                if cell.runs[0].method:
                    row |= {f"{name}_{k}": found[c] for k, c in _COLUMNS.items()}
        rows.append(row)
    return pd.DataFrame(rows)


_COLUMNS = {"difference": "difference", "low": "ci_low", "high": "ci_high"}
_SHOWN = {"log_loss": "log loss", "brier": "Brier score", "calibration_error": "calibration error"}


def _kept(folder: Path, key: str) -> np.ndarray:
    with np.load(run_path(folder, key) / PROBABILITIES) as held:
        return held["test"]


def _signed(value: float, low: float, high: float) -> str:
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def methods_markdown(frame: pd.DataFrame) -> str:
    """The frame as a table, with what is needed to read it."""
    heads = [
        "",
        "passes",
        "networks",
        *(f"{n} minus one network's" for n in ("OA", *_SHOWN.values())),
    ]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for _, row in frame.iterrows():
        told = [
            _signed(row[f"{n}_difference"], row[f"{n}_low"], row[f"{n}_high"])
            if row.get(f"{n}_difference", np.nan) == row.get(f"{n}_difference", np.nan)
            else ("-" if row.get(n) != row.get(n) else f"{row[n]:.3f} itself")
            for n in ("oa", *_SHOWN)
        ]  # fmt: skip
        lines.append(
            f"| {row['label']} | {row['passes']} | {row['networks']} | {' | '.join(told)} |"
        )
    first = frame.iloc[0]
    return (
        "\n".join(lines)
        + "\n\nPasses: forward passes of a patch, so how many times as long a map takes; networks: how many are "
        "trained. Differences are means over seeds with paired 95% intervals over the "
        f"{first['units']:,} units of the {first['patches']:,} test patches; of log loss, Brier score and calibration "
        "error less is better. Calibrations are fitted to the validation patches, which also stopped the training.\n"
    )
