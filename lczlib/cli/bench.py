"""``lcz bench``: a scoreboard of cities and ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs.bench import BenchRequest, run

if TYPE_CHECKING:
    from lczlib.jobs.bench import BenchResult


@command(BenchRequest)
def bench(request: BenchRequest, out: Out = Path("lcz-bench"), figures: Figures = True) -> None:
    """Score all ways to map a city, in a list of cities, on fixed folds of their polygons.

    Published networks and maps are held against all polygons; what is trained on a city against each polygon
    with what was trained on those of other folds, whose patches share no pixel with its own. Ways that are not
    possible in a city say why. A second call does only what is missing.

    Writes scores.csv, scores.json (to be submitted), scores.md, scores.png and .svg, manifest.json, and of each
    city its folds and the maps that were scored. With --check: checked.csv, .md, .png and .svg.

    Example:
        lcz bench hong_kong --data data --out board

        lcz bench --check theirs.json --out board
    """
    try:
        with console.steps() as progress:
            result = run(request, out, progress=progress, note=_note)
            progress("Writing", 0, 0)
            result.write(out, figures=figures)
    except KeyboardInterrupt:
        console.err.print("Stopped. Finished results are kept: the same command goes on.")
        raise typer.Exit(130) from None
    if not result.folds:
        _print(result)
    console.out.print(result.headline(), soft_wrap=True)
    console.out.print(f"Results: {out}", soft_wrap=True)


def _note(text: str) -> None:
    from rich.markup import escape

    console.err.print(escape(text), soft_wrap=True)


def _print(result: BenchResult) -> None:
    from rich.markup import escape
    from rich.table import Column, Table

    from lczlib.bench.rows import NOT_POSSIBLE, SHOWN
    from lczlib.jobs.bench import shown

    first, *others = SHOWN
    table = Table(
        Column("city and way", min_width=22), f"{SHOWN[first]} (95 %)", *(SHOWN[n] for n in others),
        "cells", "polygons", caption="intervals: bootstrap over polygons; those of all scores stand in the files",
    )  # fmt: skip
    for row in result.all_rows():
        names = [row[c] for c in ("from", "city", "way", "network") if row.get(c)]
        what = escape(", ".join(map(str, names)))
        if row["status"] == NOT_POSSIBLE:
            table.add_row(what, "not possible")
            continue
        of = f"{row['n_polygons']} of {row['polygons_of_folds']}"
        rest = ("-" if row.get(n) is None else f"{row[n]:.3f}" for n in others)
        table.add_row(what, shown(row, first), *rest, f"{row['n']:,}", of)
    console.out.print(table)
    for text in result.reasons():
        console.out.print(escape(text), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
