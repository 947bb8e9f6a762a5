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
    if why := result.failure():
        console.err.print(f"[bold red]lcz:[/] {why}", soft_wrap=True)
        raise typer.Exit(1)


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
        "city and way", *(Column(h, no_wrap=True) for h in (f"{SHOWN[first]} (95 %)", *map(SHOWN.get, others))),
        Column("n", no_wrap=True), caption="n: cells in polygons; intervals: bootstrap over polygons",
    )  # fmt: skip
    rows = [r for r in result.all_rows() if r["status"] != NOT_POSSIBLE]
    for row in rows:
        names = [row[c] for c in ("from", "city", "way", "network") if row.get(c)]
        rest = ("-" if row.get(n) is None else f"{row[n]:.2f}" for n in others)
        n = f"{row['n']:,} in {row['n_polygons']}"
        table.add_row(escape(", ".join(map(str, names))), shown(row, first), *rest, n)
    if rows:
        console.out.print(table)
    for text in (*result.notes(), *(f"Not possible: {r}" for r in result.reasons())):
        console.out.print(escape(text), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
