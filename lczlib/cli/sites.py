"""``lcz sites`` and ``lcz morphology``: from an LCZ map to sensor sites and to class properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lczlib.cli import console
from lczlib.cli.requests import Out, command, requested
from lczlib.jobs import further_sites as further_job
from lczlib.jobs import morphology as morphology_job
from lczlib.jobs import sites as sites_job


@command(sites_job.SitesRequest, further_job.FurtherSitesRequest)
def sites(given: dict[str, Any], out: Out = Path("lcz-sites")) -> None:
    """Propose sites for air temperature sensors: every zone, by area, off the borders, spread out.

    With --stations those of a network are there already, and further ones go where they shrink the error of
    its field (lcz field) most, one after another.

    Two sensors stand at least --spacing apart (500 m: twice the radius that a sensor feels). Where
    the map has no room for all of them, fewer are proposed, and it is said.

    Writes sensor_sites.gpkg, sensor_sites.json and manifest.json.

    Example:
        lcz sites berlin_lcz.tif --sensors 30 --out network

        lcz sites berlin_lcz.tif --sensors 5 --stations air.csv --time-zone UTC --hours night --out further
    """
    further = "stations" in given
    kinds = (sites_job.SitesRequest, further_job.FurtherSitesRequest)
    request = requested(kinds[further], given, kinds)
    run = further_job.run if further else sites_job.run
    with console.steps() as progress:
        result = run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    (_print_further if further else _print)(result)
    console.out.print(f"Results: {out / 'sensor_sites.gpkg'}")


def _print_further(result: further_job.FurtherSitesResult) -> None:
    from rich.table import Table

    from lczlib.classes import CLASSES

    for text in result.notes():
        console.out.print(text, soft_wrap=True)
    table = Table(
        "site", "LCZ", "mean standard error", "shrinks by", "nearest station (m)",
        caption="K; over the map, with this and all earlier sites",
    )  # fmt: skip
    table.add_row("-", "as it is", f"{result.sites.attrs['mean_error_before']:.3f}", "", "")
    for _, row in result.sites.iterrows():
        table.add_row(
            str(row["site"]), CLASSES[row["lcz"] - 1].label, f"{row['mean_error']:.3f}", f"{row['shrinks']:.3f}",
            f"{row['nearest_site']:,.0f}",
        )  # fmt: skip
    console.out.print(table)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)


def _print(result: sites_job.SitesResult) -> None:
    from rich.table import Table

    from lczlib.classes import CLASSES

    found = result.document()
    table = Table("LCZ", "sensors")
    for zone in found["zones"]:
        table.add_row(CLASSES[zone["lcz"] - 1].label, str(zone["n_sensors"]))
    console.out.print(table)
    for text in result.notes():
        console.out.print(text)
    for text in result.cautions():
        console.warn(text)
    if found["n_sensors"] > 1:
        console.out.print(
            f"The closest two are {found['closest_two_m']:,.0f} m apart (at least {found['spacing_m']:g})."
        )


@command(morphology_job.MorphologyRequest)
def morphology(
    request: morphology_job.MorphologyRequest, out: Out = Path("lcz-morphology")
) -> None:
    """Area of each class and the published ranges of its form and fabric, as table and rasters.

    Beside the ranges stands one value a class, for models, with its source: what WRF is run with where there is
    such a value, else the middle of the range. Rasters have the bands min, max, middle and central.

    Example:
        lcz morphology berlin_lcz.tif --parameter sky_view_factor --parameter height
    """
    with console.steps() as progress:
        result = morphology_job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    for number, row in result.areas.iterrows():
        console.out.print(
            f"LCZ {row['code']:>2} ({number:>2}) {row['area_km2']:10.2f} km² {row['share']:6.1%}"
        )
    console.out.print(f"Results: {out / 'morphology.csv'}")
