"""``lcz city``: the whole flow for a place by its name."""

from __future__ import annotations

from typing import Annotated

import typer

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs.city import REPORT, SCENES, CityRequest, run


@command(CityRequest, leave=("what",))  # a city needs both
def city(
    request: CityRequest,
    folder: Out,
    figures: Figures = True,
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
) -> None:
    """Map a city by its name: fetch its Sentinel-2, map it, put the published LCZ map beside, report.

    Writes scenes (as lcz get does), map (as lcz map), compared (as lcz compare with the published map),
    areas.csv, report.html and manifest.json.

    Example:
        lcz city Lagos --year 2023 --out lagos
    """
    from lczlib.acquire.own import add_folder
    from lczlib.export.files import alone_in

    try:
        with console.steps() as progress, alone_in(folder, ".city.lock"):
            result = run(request, folder, resume=resume, progress=progress)
            progress("Writing", 0, 0)
            result.write(folder, figures=figures)
    except KeyboardInterrupt:
        console.err.print("Stopped. What is finished is kept: run again with --resume.")
        raise typer.Exit(130) from None
    add_folder(folder / SCENES)
    console.out.print(
        console.area_table(result.maps(), f"Local Climate Zones of {result.place.label}")
    )
    console.out.print(f"{result.headline()} Report: {folder / REPORT}.", soft_wrap=True)
