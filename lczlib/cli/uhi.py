"""``lcz uhi``: surface and canopy heat islands by LCZ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from lczlib.cli import console
from lczlib.cli.requests import Figures, Out, command, requested
from lczlib.jobs import air_heat, canopy_heat, surface_heat
from lczlib.jobs.air_heat import AirHeatRequest
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.heat_choices import check_kind
from lczlib.jobs.surface_heat import SurfaceHeatRequest

_JOBS = {
    "lst": (SurfaceHeatRequest, surface_heat.run),
    "air": (AirHeatRequest, air_heat.run),
    "stations": (CanopyHeatRequest, canopy_heat.run),
}


@command(SurfaceHeatRequest, AirHeatRequest, CanopyHeatRequest)
def uhi(given: dict[str, Any], out: Out = Path("lcz-uhi"), figures: Figures = True) -> None:
    """Heat island of each Local Climate Zone against LCZ D, of the surface or of the canopy air.

    Example:
        lcz uhi berlin_lcz.tif --lst LC09_L2SP_193023_20230909_02_T1_ST_B10.TIF --out suhi

        lcz uhi berlin_lcz.tif --stations air.csv --time-zone UTC --out canopy

        lcz uhi berlin_lcz.tif --air urbclim.nc --band t2m:13 --out canopy_model
    """
    named = [name for name in _JOBS if name in given]
    if len(named) != 1:
        raise typer.BadParameter(
            "give --lst (surface heat island), --air or --stations (canopy heat island, by rasters or "
            "stations), one of the three: surface and canopy are different things."
        )
    kind, run = _JOBS[named[0]]
    if "map_path" not in given and kind is not CanopyHeatRequest:
        raise typer.BadParameter(
            f"the {kind.kinds[0]} heat island of rasters needs an LCZ map: lcz uhi MAP --{named[0]} FILE."
        )
    request = requested(kind, given, [other for other, _ in _JOBS.values()])
    check_kind(out, *kind.kinds)
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out, figures=figures)
    _print(result)
    console.out.print(f"Results: {out / 'heat_island.json'}", soft_wrap=True)


def _print(result: Any) -> None:
    from lczlib.cli.uhi_tables import print_canopy, print_pixels

    if not result.pixels:
        print_canopy(result)
        return
    for name in result.overpasses:
        print_pixels(result, name)
