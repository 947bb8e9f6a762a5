"""``lcz find-s1`` and ``lcz clip-s1``: Sentinel-1 beside Sentinel-2 tiles, as BigEarthNet-S1 was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs import clip_s1 as clip_job
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


@command(clip_job.ClipS1Request)
def clip_s1(
    request: clip_job.ClipS1Request,
    out: Out = Path("clip-s1"),
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
) -> None:
    """Cut a prepared Sentinel-1 raster into the patches of a Sentinel-2 tile, as BigEarthNet's are.

    A patch is 1,200 m wide: 120 x 120 pixels of 10 m, i counted to the right and j downwards from the tile's
    upper left corner. Nothing is resampled: the raster must lie on the tile's grid (lcz prepare-s1 --like).
    Each patch is a folder patches/<name> with <name>_VV.tif, <name>_VH.tif (missing pixels are NaN) and
    <name>_metadata.json, and appears when it is whole.

    Writes patches.csv (a row a patch), clip_s1.json and manifest.json beside them.

    Example:
        lcz clip-s1 bigearthnet_20170613.tif --tile tile.SAFE --names bigearthnet --out patches-33UUP
    """
    from lczlib.export.files import alone_in

    try:
        with (
            console.counting("patches", transient=True) as progress,
            alone_in(out, ".clip-s1.lock"),
        ):
            result = clip_job.run(request, out, progress=progress, resume=resume)
            progress("Writing", 0, 0)
            result.write(out)
    except KeyboardInterrupt:
        console.err.print("Stopped. The finished patches are kept: run again with --resume.")
        raise typer.Exit(130) from None
    console.out.print(result.headline(), soft_wrap=True, markup=False)
    console.out.print(f"Results: {out / clip_job.PATCHES}")
