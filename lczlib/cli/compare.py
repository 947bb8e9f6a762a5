"""``lcz compare``: maps against each other; ``lcz agreements``: of several places in one table."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs import agreements as agreements_job
from lczlib.jobs.compare import CompareRequest, run
from lczlib.made_by import told


@command(CompareRequest)
def compare(
    request: CompareRequest, out: Out = Path("lcz-comparison"), figures: Figures = True
) -> None:
    """Compare LCZ maps: agreement, cross table, areas, and where they differ and how.

    Writes comparison.json (of the first two maps, and one line a pair), classes.csv,
    cross_table.csv, changes.csv, differences.tif (100 x first class + second class; 1 = same),
    figures, manifest.json, and for three maps or more consensus.tif and consensus_votes.tif.

    Maps of polygons are laid on the grid of the first raster among the maps, or on one of 100 m;
    with --by area the scores are of the areas themselves.

    With --group also groups.csv and a cross table of each grouping, with --certainty certainty.csv: the
    agreement where the maps are sure, and where they are not.

    An option of the maps is for all of them; NAME=VALUE, repeated, for the one of that file name
    (of maps that are called alike: FOLDER/NAME=VALUE, or the whole path).

    Example:
        lcz compare s1_lcz.tif s2_lcz.tif fused_lcz.tif --out comparison

        lcz compare mine.tif theirs.tif --scheme theirs=0-16 --legend mine=1=2,2=3,3=B,4=D,5=G
    """
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    for c in result.comparisons:
        console.out.print(
            f"{c.names[0]} - {c.names[1]}: agreement {c.agreement:.4f}, weighted "
            f"{c.agreement_weighted:.4f}, built/natural {c.agreement_built:.4f}, kappa "
            f"{c.kappa:.4f}, n = {c.n:,}" + (f" polygons, {c.size}" if c.polygons else ""),
            soft_wrap=True,
        )  # fmt: skip
    for g in result.groups:
        left = f", {g.left_out:,.6g} left out" if g.left_out else ""
        console.out.print(
            f"{g.names[0]} - {g.names[1]}, groups {g.grouping}: agreement {g.agreement:.4f}, kappa "
            f"{g.kappa:.4f}, n = {g.n:,.6g}{left}", soft_wrap=True,
        )  # fmt: skip
    if result.by_certainty is not None:
        for row in result.by_certainty[result.by_certainty["n"] > 0].itertuples():
            console.out.print(
                f"certainty of {row.map} {row.low:.1f} to {row.high:.1f}: agreement {row.agreement:.4f}, "
                f"n = {row.n:,}", soft_wrap=True,
            )  # fmt: skip
    if result.networks:
        console.out.print(told(result.networks), soft_wrap=True)
    console.out.print(f"Wrote {out / 'comparison.json'}", soft_wrap=True)


@command(agreements_job.AgreementsRequest)
def agreements(
    request: agreements_job.AgreementsRequest, out: Out = Path("lcz-agreements")
) -> None:
    """Put comparisons of several places and workflows into one table.

    Give the maps the same names in each (lcz compare --name), so that pairs are known again. Kappa does not
    add up over places: of it the range is told.

    Writes agreements.csv, agreements_together.csv, agreements.json and manifest.json.

    Example:
        lcz agreements berlin/comparison paris/comparison --name Berlin --name Paris --out cities
    """
    with console.steps() as progress:
        result = agreements_job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    for row in result.table.itertuples():
        console.out.print(
            f"{row.place}: {row.first} - {row.second}: agreement {row.agreement:.4f}, kappa {row.kappa:.4f}, "
            f"n = {row.n:,.6g} {row.by}", soft_wrap=True,
        )  # fmt: skip
    for row in result.together.itertuples():
        console.out.print(
            f"{row.places} places: {row.first} - {row.second}: agreement {row.agreement:.4f} "
            f"({row.agreement_min:.4f} to {row.agreement_max:.4f}), n = {row.n:,.6g} {row.by}", soft_wrap=True,
        )  # fmt: skip
    console.out.print(f"Wrote {out / 'agreements.csv'}", soft_wrap=True)
