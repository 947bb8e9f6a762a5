"""``lcz change``: change between dated class probabilities, beyond their own errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs.change import ChangeRequest, run

if TYPE_CHECKING:
    from lczlib.jobs.change_result import ChangeResult


@command(ChangeRequest)
def change(request: ChangeRequest, out: Out = Path("lcz-change"), figures: Figures = True) -> None:
    """Find change between the years of class probabilities that is more than their errors.

    Two maps of one place differ by their errors alone, often on a third of it. Two images of one year tell
    how much looks changed and is not; a hidden Markov model, in which built classes are nearly
    irreversible, tells how probable a change is in each cell, and the false change is taken off the area.

    Areas are model-based, conditional on calibrated probabilities (lcz map gives those of its networks as
    they are; lcz assess shows how far they keep their word). With --samples they are design-based: draw points
    with --draw, label their classes of both dates, and give them back.

    Writes change.json (changed_km2, changed_km2_ci, basis), change_proba.tif, change_lcz.tif (100 x class
    before + class after; 1 same), change_strata.tif, before_lcz.tif, after_lcz.tif, transitions.csv,
    groups.csv, of three years or more change_step_proba.tif, change.png and manifest.json.

    Example:
        lcz change 2018/s2_proba.tif 2024-05/s2_proba.tif --same-year 2024-08/s2_proba.tif --out change

        lcz change a.tif b.tif --dates 2018-07-01,2024-08-01 --draw 300 --out change
    """
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    _print(result)
    console.out.print(f"Results: {out / 'change.json'}", soft_wrap=True)


def _print(result: ChangeResult) -> None:
    from rich.table import Table

    from lczlib.jobs.change_result import ends_of

    table = Table(
        "change", "km2 (95 %)", "on the map, km2", caption=f"{result.basis}-based; n = {result.n:,}"
    )
    for name, row in result.groups.iterrows():
        table.add_row(
            str(name), f"{row['km2']:,.3g} ({ends_of(row['km2_ci_low'], row['km2_ci_high'])})",
            f"{row['mapped_km2']:,.3g}",
        )  # fmt: skip
    console.out.print(table)
    for text in result.notes():
        console.out.print(text, soft_wrap=True)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
