"""``lcz find-s1`` and ``lcz clip-s1``: Sentinel-1 beside Sentinel-2 tiles, as BigEarthNet-S1 was made."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs import find_s1 as find_job


@command(find_job.FindS1Request)
def find_s1(request: find_job.FindS1Request, out: Out = Path("find-s1")) -> None:
    """Select the Sentinel-1 products that go with Sentinel-2 tiles.

    For each tile a pass of each relative orbit, the nearest in time of those that show as much of the tile
    as any does (to 1 % of it), with the slices of the pass that it takes. What stays uncovered is said.
    Nothing is fetched.

    Writes products.csv (a row a tile and product), tiles.csv (a row a tile), find_s1.json and manifest.json.

    Example:
        lcz find-s1 tile.SAFE --products items.json --out found

        lcz find-s1 BigEarthNetTileInfo_v2.npy --products BigEarthNetSen2UUID2Sen1ProdName.npy
        --compare BigEarthNetSen2UUID2Sen1ProdName.npy
    """
    with console.steps() as progress:
        result = find_job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    for text in result.comparison():
        console.out.print(text, soft_wrap=True, markup=False)
    for text in result.cautions():
        console.warn(text)
    console.out.print(result.headline(), soft_wrap=True, markup=False)
    console.out.print(f"Results: {out / 'products.csv'}")
