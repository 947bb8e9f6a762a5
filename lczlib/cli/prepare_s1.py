"""``lcz prepare-s1``: what the networks read, from Sentinel-1 products as delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lczlib.cli import console
from lczlib.cli.requests import command
from lczlib.jobs.prepare_s1 import PrepareS1Request, make, plan, snap_graph


@command(PrepareS1Request)
def prepare_s1(
    request: PrepareS1Request,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the results; `lcz map` takes it.")
    ] = Path("sentinel1"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be made of what, and stop.")
    ] = False,
    write_snap_graph: Annotated[
        Path | None,
        typer.Option(help="Write the equivalent graph for ESA's SNAP to this file, and stop."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
) -> None:
    """Make what the networks read from Sentinel-1 IW products, SLC or GRD, without other programs.

    Orbit, calibration, bursts and sub-swaths, speckle filter, and geocoding by nearest neighbour onto a 10 m
    grid, with an elevation model and the geoid that its heights count from. Several products are slices of one
    pass. so2sat writes mosaic_unfilt_dat/YYYYMM/mosaic.tif (i_VH, q_VH, i_VV, q_VV) and
    mosaic_dat/YYYYMM/mosaic.tif (C11, C12_real, C12_imag, C22), 0 = no data; rsnnet writes
    channels/YYYYMM/mosaic.tif; bigearthnet and water, also made of GRD, write VV and VH in dB,
    bigearthnet_YYYYMMDD.tif, water_YYYYMMDD.tif (for lcz water). Beside them incidence_angle.tif,
    layover_shadow.tif and manifest.json.

    Example:
        lcz prepare-s1 S1A_IW_SLC__1SDV_20230904T063730.zip --roi 2.2,48.8,2.5,49.0 --orbit orbits --dem dem.tif
        --dem-height geoid-egm2008 --out paris-s1
    """
    if write_snap_graph is not None:
        _write_graph(request, write_snap_graph)
        return
    if dry_run:
        for what, text in plan(request).said().items():
            console.out.print(f"{what}: {text}", soft_wrap=True, markup=False)
        return
    try:
        with console.counting("tiles", transient=True) as progress:
            result = make(request, out, progress=progress, resume=resume)
    except KeyboardInterrupt:
        console.err.print("Stopped. The finished tiles are kept: run again with --resume.")
        raise typer.Exit(130) from None
    console.out.print(result.headline(), soft_wrap=True, markup=False)
    for file in result.files().values():
        console.out.print(f"{out / file}", soft_wrap=True, markup=False)


def _write_graph(request: PrepareS1Request, path: Path) -> None:
    from lczlib.export.files import staged

    with staged(path) as temporary:
        temporary.write_text(snap_graph(request))
    console.out.print(f"Graph for SNAP: {path}", soft_wrap=True, markup=False)
