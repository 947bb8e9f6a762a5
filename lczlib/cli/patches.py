"""``lcz patches``: a data set of labelled patches of one's own cities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lczlib.cli import console
from lczlib.cli.requests import command
from lczlib.jobs import patches as patches_job


@command(patches_job.PatchesRequest, in_words=False, leave=("city",), bands="band-names")
def patches(
    request: patches_job.PatchesRequest,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the file; by default that of --write."),
    ] = None,
) -> None:
    """Cut labelled patches from scenes, part them, and write them as one file.

    A fishnet of --spacing is laid over each scene; where a centre falls into a polygon there is a
    patch. From a So2Sat folder it has the nineteen channels of Sen12LCZ. The file is an HDF5 file in
    the layout of So2Sat LCZ42 (sen1, sen2, label), with the place, polygon and subset of each patch
    beside; `lcz train`, `evaluate` and `experiment` take it as INPUT.

    Without --write and --out it only counts.

    Example:
        lcz patches /data/so2sat --city A --city B --write patches.h5

        lcz patches july.tif --polygons areas.kmz --split random --write patches.h5
    """
    with console.steps() as progress:
        result = patches_job.run(request, progress=progress)
        written = bool(request.write or out)
        if written:
            file = (out or Path()) / (request.write or result.file)
            # the manifest is beside the file, and names it as seen from there
            named = replace(result, request=replace(request, write=file.name))
            progress("Writing", 0, 0)
            named.write(file.parent)
    _print(result)
    if written:
        console.out.print(f"Patches: {file}", soft_wrap=True)


def _print(result: patches_job.PatchesResult) -> None:
    from rich.table import Table

    counts = result.to_dataframe()
    table = Table("LCZ", title="Patches by class and city", title_justify="left")
    for name in counts:
        table.add_column(str(name), justify="right")
    for code, row in counts.iterrows():
        table.add_row(str(code), *(f"{n:,}" for n in row), end_section=str(code) == "G")
    console.out.print(table)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.notes():
        console.out.print(text, soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
