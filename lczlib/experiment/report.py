"""A table as files: CSV, Markdown, figures and experiment.json."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import lczlib
from lczlib.analysis.bootstrap import LEVELS
from lczlib.classes import CLASSES
from lczlib.experiment.data import DataSet
from lczlib.experiment.plan import Settings
from lczlib.experiment.published import SOURCE, published
from lczlib.experiment.results import REPLICATES, SHOWN, CellResult, TableResult
from lczlib.export import staged, write_json
from lczlib.export.templates import render
from lczlib.machine import machine, processor
from lczlib.training.splits import SUBSETS

TITLES = {"inputs": "Input combinations", "networks": "Networks", "gamma": "Focal loss", "cities": "Cities",
          "patch-size": "Patch sizes", "methods": "Methods"}  # fmt: skip
_NAMES = {"oa": "OA", "kappa": "kappa", "aa": "AA"}


def table_frame(table: str, result: TableResult, *, with_published: bool = False) -> pd.DataFrame:
    """A table as ``table.csv`` holds it: one line a cell.

    Parameters
    ----------
    table : {"inputs", "networks", "gamma"}
        Which.
    result : TableResult
        Its cells.
    with_published : bool
        Whether to add the paper's figures as ``published_oa``, ``published_kappa``, ``published_aa``.

    Returns
    -------
    DataFrame
        ``label, inputs, network, gamma, channels, parameters``; ``n_seeds`` that finished and
        ``n_failed``; ``n_polygons`` and ``n_patches`` of the test set; each score with ``_low``,
        ``_high`` (95%) and ``_sd`` (over seeds); the difference to the best cell in overall accuracy
        with its interval, ``p`` and ``p_holm``.
    """
    other = result.differences.set_index("label")
    rows = []
    for c in result.cells:
        done = [r for r in c.runs if r["status"] == "finished"]
        row: dict[str, Any] = {
            "label": c.cell.label, "inputs": c.cell.inputs, "network": c.cell.network,
            "gamma": c.cell.gamma, "channels": len(done[0]["channels"]) if done else None,
            "parameters": done[0].get("parameters") if done else None,
            "n_seeds": len(done), "n_failed": len(c.runs) - len(done),
            "n_polygons": result.n_polygons, "n_patches": result.n_patches,
        }  # fmt: skip
        for name in SHOWN:
            row[name] = c.scores[name]
            row[f"{name}_low"], row[f"{name}_high"] = c.intervals[name]
            row[f"{name}_sd"] = c.spread[name]
        for name in ("difference", "low", "high", "p", "p_holm"):
            column = name if name.startswith(("p", "difference")) else f"difference_{name}"
            row[column] = other[name].get(c.cell.label, float("nan"))
        if with_published:
            found = published(table, c.cell)
            row |= {f"published_{name}": found.get(name, float("nan")) for name in SHOWN}
        rows.append(row)
    return pd.DataFrame(rows)


def runs_frame(cells: Sequence[CellResult]) -> pd.DataFrame:
    """One line a run, as ``runs.csv`` holds it; failed runs have a message instead of scores."""
    rows = []
    for c in cells:
        scores = iter(zip(*(c.each.get(n, []) for n in SHOWN), strict=True))
        for run in c.runs:
            options = run["options"]
            row = {
                "label": c.cell.label, "inputs": run["inputs"], "network": options["architecture"],
                "gamma": options["gamma"], "seed": options["seed"], "status": run["status"],
            }  # fmt: skip
            own = next(scores) if run["status"] == "finished" else (float("nan"),) * len(SHOWN)
            row |= dict(zip(SHOWN, own, strict=True))
            row |= {k: run.get(k) for k in ("parameters", "best_epoch", "seconds", "threads")}
            rows.append(row | {"message": run.get("message", "")})
    return pd.DataFrame(rows)


def classes_frame(cells: Sequence[CellResult]) -> pd.DataFrame:
    """Producer's and user's accuracy of each class in each cell, with intervals and sample sizes."""
    parts = []
    for c in cells:
        if c.n_finished:
            held = c.classes[c.classes["n_reference"] > 0].reset_index()
            code = [CLASSES[n - 1].code for n in held["lcz"]]
            held.insert(0, "label", c.cell.label)
            held.insert(2, "code", code)
            parts.append(held)
    return pd.concat(parts, ignore_index=True)


def as_markdown(
    table: str, frame: pd.DataFrame, result: TableResult, data: DataSet, *, reading: str = ""
) -> str:
    """The table as Markdown, with what is needed to read it.

    Parameters
    ----------
    table : {"inputs", "networks", "gamma"}
        Which.
    frame : DataFrame
        From `table_frame`.
    result : TableResult
        Its cells.
    data : DataSet
        What it was made on.
    reading : str
        A paragraph on what the ranking means, where somebody wrote one.
    """
    subsets = data.subsets()
    shown = [n for n in SHOWN if f"published_{n}" in frame]
    heads = ["", "channels", "parameters", "seeds", "polygons", "patches", *_NAMES.values()]
    heads += ["best minus it", "p", *(f"{_NAMES[n]} published" for n in shown)]
    return render(
        "experiment/table.md", title=TITLES[table], subsets=subsets, result=result,
        replicates=REPLICATES, heads=heads, rows=[_line(r, result, shown) for _, r in frame.iterrows()],
        source=SOURCE if shown else "", machine=machine(), reading=reading,
        failed=[(c, r) for c in result.cells for r in c.runs if r["status"] == "failed"],
    )  # fmt: skip


def _line(row: pd.Series, result: TableResult, shown: Sequence[str]) -> list[str]:
    """A cell's line of the table, as text."""
    name = f"**{row['label']}**" if row["label"] == result.best else row["label"]
    scores = [_with_interval(row[n], row[f"{n}_low"], row[f"{n}_high"]) for n in SHOWN]
    return [
        name, _whole(row["channels"]), _whole(row["parameters"]), str(row["n_seeds"]),
        f"{row['n_polygons']:,}" if row["n_polygons"] else "-", f"{row['n_patches']:,}", *scores,
        _with_interval(row["difference"], row["difference_low"], row["difference_high"]),
        _p(row["p_holm"]), *(_number(row[f"published_{n}"]) for n in shown),
    ]  # fmt: skip


def _with_interval(value: float, low: float, high: float) -> str:
    if value != value:
        return "-"
    return f"{value:.3f}" if low != low else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.4f}"


def _whole(value: float | None) -> str:
    return "-" if value is None or value != value else f"{int(value):,}"


def _p(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def write_report(
    folder: str | Path,
    table: str,
    result: TableResult,
    data: DataSet,
    settings: Settings,
    *,
    with_published: bool = False,
    speed: Sequence[dict[str, Any]] = (),
    reading: str = "",
) -> pd.DataFrame:
    """Write ``runs.csv``, ``table.csv``, ``table.md``, ``classes.csv`` and ``experiment.json``.

    Parameters
    ----------
    folder : path
        For the files.
    table, result, data, reading, with_published
        See `as_markdown` and `table_frame`.
    settings : Settings
        What was compared.
    speed : sequence of dict
        From `lczlib.experiment.speed.measure`; adds columns to the table.

    Returns
    -------
    DataFrame
        The table.
    """
    folder = Path(folder)
    frame = table_frame(table, result, with_published=with_published)
    if speed:
        measured = pd.DataFrame(speed).set_index("label")
        frame["parameters"] = frame["label"].map(measured["parameters"])
        frame["patches_per_second"] = frame["label"].map(measured["patches_per_second"])
    classes, runs = classes_frame(result.cells), runs_frame(result.cells)
    for name, content in (("runs", runs), ("table", frame), ("classes", classes)):
        with staged(folder / f"{name}.csv") as temporary:
            content.to_csv(temporary, index=False, float_format="%.6g")
    with staged(folder / "table.md") as temporary:
        temporary.write_text(as_markdown(table, frame, result, data, reading=reading))
    subsets = data.subsets()
    write_json(
        folder / "experiment.json",
        {
            "table": table, "simulated": subsets.train.kind.simulated,
            "data": {
                "description": data.description, "fingerprint": data.fingerprint(),
                "split": subsets.method, "patch_size": subsets.train.kind.patch_size,
                "patches": {s: len(getattr(subsets, s)) for s in SUBSETS},
                "left_out": subsets.left_out,
                "overlap": None if subsets.overlap is None else subsets.overlap.to_dict(),
                "test_polygons": result.n_polygons,
            },
            "settings": asdict(settings),
            "intervals": {
                "method": f"bootstrap over test {result.units} and seeds", "level": LEVELS["ci"],
                "replicates": REPLICATES, "p": "two-sided bootstrap, Holm over all pairs of lines",
            },
            "best": result.best, "cells": frame.to_dict("records"), "speed": list(speed),
            "published": SOURCE if with_published else "",
            "machine": {
                "system": platform.system(), "processor": processor(),
                "cores": os.cpu_count(), "gpu": torch.cuda.is_available(),
            },
            "versions": {
                "lczlib": lczlib.__version__, **{p: version(p) for p in ("torch", "lightning")},
            },
        },
    )  # fmt: skip
    return frame


def table_figures(
    table: str, frame: pd.DataFrame, result: TableResult, data: DataSet
) -> dict[str, Callable[[], Any]]:
    """The figures of a table by name, each made when it is called.

    Parameters
    ----------
    table, result, data
        See `as_markdown`.
    frame : DataFrame
        From `write_report`.
    """
    from lczlib import figures as drawn
    from lczlib.figures.experiment import table_figure, tradeoff_figure

    note = "simulated" if data.subsets().train.kind.simulated else ""
    out: dict[str, Callable[[], Any]] = {
        "table": lambda: table_figure(frame, runs_frame(result.cells), note)
    }
    if table == "inputs":
        held = {c.cell.label: c for c in result.cells if c.n_finished}
        out["class_accuracy"] = lambda: drawn.class_accuracy_figure(held, "patches", note)
    if "patches_per_second" in frame:
        out["accuracy_and_cost"] = lambda: tradeoff_figure(frame, note)
    return out
