"""``lcz water``: surface water from Sentinel-1."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command
from lczlib.jobs.water import WaterRequest, run

if TYPE_CHECKING:
    from lczlib.jobs.water_result import WaterResult


@command(WaterRequest)
def water(request: WaterRequest, out: Out, figures: Figures = False) -> None:
    """Map surface water from Sentinel-1 with GMNet.

    Writes for each input <name>_water_proba.tif (probability) and <name>_water.tif (1 water, 0 not,
    255 no data), water.json with areas and their intervals, and manifest.json. Dated inputs on one
    grid also give the area of each month, occurrence, permanent and seasonal water, and a trend; with
    --figures, also maps of all months and the course of the area.

    Missing is what the file marks, 0, undeclared fills (blocks of one value), values below -45 dB, and
    dark strips along the border that are no speckle; how many pixels of each is said.

    The interval holds what the network doubts, the shore within one resolution cell (22 m), and
    areas as dark as open water that the network passes over, as it does with narrow rivers.

    Example:
        lcz water S1_2020-01.tif S1_2020-02.tif --orbit as --out water

        lcz water radar/ --orbit as --every month --figures --out year
    """
    from lczlib.export.files import alone_in

    with (
        console.steps() as progress,
        alone_in(out, ".water.lock"),
        closing(run(request, progress=progress, scratch=out)) as result,
    ):
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    for text in result.cautions():
        console.warn(text)
    _print(result)
    console.out.print(f"Maps, areas and intervals: {out}", soft_wrap=True)


def _print(result: WaterResult) -> None:
    from rich import box
    from rich.table import Table

    areas = result.to_dataframe()
    table = Table(areas.index.name, "water, km2 (95%)", box=box.SIMPLE)
    for name in ("dark, not mapped", "seen", "cells"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in areas.itertuples():
        table.add_row(
            row.Index, f"{row.area_km2:.3g} ({row.ci_low_km2:.3g}-{row.ci_high_km2:.3g})",
            f"{row.dark_not_mapped_km2:.3g}", f"{row.valid_share:.1%}", f"{row.n_pixels:,}",
        )  # fmt: skip
    console.out.print(table)
