"""The tables that ``lcz assess`` prints, and the commands that train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from lczlib.analysis.words import with_interval
from lczlib.classes import CLASSES
from lczlib.cli import console
from lczlib.reading import counted

if TYPE_CHECKING:
    from lczlib.analysis import Assessment
    from lczlib.analysis.ceiling import Ceiling


def print_assessment(result: Assessment, what: str = "cells") -> None:
    """Print scores with intervals and sample sizes; `what` was counted."""
    from lczlib.analysis.bootstrap import FEW_UNITS  # with it comes scipy

    method = result.method
    console.out.print(
        f"n = {result.n:,} {what} in {method['n_units']} {method['unit']}s; 95% intervals: "
        f"{method['method']}, {method['replicates']} replicates, seed {method['seed']}"
    )
    if 1 < method["n_units"] < FEW_UNITS:
        console.out.print(
            f"[yellow]Only {method['n_units']} {method['unit']}s: little is known of how such areas "
            "differ, and the intervals are wide for it; add reference areas.[/]",
            soft_wrap=True,
        )
    scores = {
        name: with_interval(v, *result.intervals[f"{name}_ci"]) for name, v in result.scores.items()
    }
    labels = {
        "oa": "OA", "aa": "AA", "kappa": "kappa", "oau": "OAu", "oabu": "OAbu", "oaw": "OAw",
        "mean_f1": "F1",
    }  # fmt: skip
    for name, text in scores.items():
        console.out.print(f"{labels[name]:>6}  {text}")
    table = Table("LCZ", "PA (95%)", "UA (95%)", box=box.SIMPLE)
    for name in ("reference", "mapped", f"{method['unit']}s"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, row in result.classes.iterrows():
        if row["n_reference"] or row["n_predicted"]:
            accuracies = [
                with_interval(row[s], row[f"{s}_ci_low"], row[f"{s}_ci_high"]) for s in ("pa", "ua")
            ]
            counts = [f"{int(row[n]):,}" for n in ("n_reference", "n_predicted", "n_units")]
            table.add_row(CLASSES[number - 1].code, *accuracies, *counts)
    console.out.print(table)
    apart = {k: v for k, v in result.left_out.items() if v and k != "polygons_without_cell"}
    left_out = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in apart.items())
    if left_out:
        console.out.print(f"Left out (cells or polygons): {left_out}")
    if n_pairs := len(result.crossings):
        at_least = "At least " if result.crossings.attrs["more"] else ""
        contested = result.left_out.get("contested_cells", 0)
        lost = f"{counted(contested, 'cell')} of different classes left out"
        console.out.print(
            f"[yellow]{at_least}{counted(n_pairs, 'pair')} of reference polygons cross[/]; "
            + (f"{lost}." if contested else "no cell is of different classes.")
        )
    if result.area is not None:
        oa, se = result.area.overall
        console.out.print(
            f"Area-weighted OA {oa:.3f}, standard error {se:.3f}, n = {result.area.n:,}"
        )


def print_ceiling(found: Ceiling) -> None:
    """Print how far two references agree, and the map beside that, with intervals and sample sizes."""
    from lczlib.analysis.ceiling import QUANTITIES
    from lczlib.analysis.words import against_ceiling

    console.out.print(against_ceiling(found), soft_wrap=True)
    table = Table("On the cells that all three label", "share (95%)", box=box.SIMPLE)
    table.add_column("cells", justify="right", no_wrap=True)
    for name, row in found.scores.iterrows():
        text = with_interval(row["value"], row["ci_low"], row["ci_high"])
        table.add_row(QUANTITIES[name], text, f"{int(row['n']):,}")
    console.out.print(table)
    for row in found.disagreements.head(5).itertuples():
        console.out.print(
            f"first {row.first}, second {row.second}, map {row.map}: {counted(row.cells, 'cell')}"
        )
