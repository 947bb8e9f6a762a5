"""``lcz compare``: maps against each other."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
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
    if result.networks:
        console.out.print(told(result.networks), soft_wrap=True)
    console.out.print(f"Wrote {out / 'comparison.json'}", soft_wrap=True)
