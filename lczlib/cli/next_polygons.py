"""``lcz next-polygons``: where to draw the next reference polygons."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs import next_polygons as job


@command(job.NextPolygonsRequest, in_words=False)
def next_polygons(request: job.NextPolygonsRequest, out: Out = Path("lcz-next-polygons")) -> None:
    """Propose where to draw the next reference polygons of a city, the most helpful place first.

    A place is a homogeneous patch of the map, 300 m wide at least (--size). It comes early where the map is in
    doubt, where much of the map is like it, and where no drawn polygon and no other place is. What the map says of a
    place is no label: look at it, draw the outline as it is, and give it the class that you see.

    Writes next_polygons.gpkg (for QGIS; fill in its column lcz), next_polygons.kml (for Google Earth),
    next_polygons.csv, next_polygons.json and manifest.json.

    Example:
        lcz next-polygons map/s2_proba.tif --polygons areas.kmz --out next
    """
    from rich import box
    from rich.table import Table

    with console.steps() as progress:
        result = job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    table = Table(
        "",
        "the map says",
        "or",
        "margin",
        "stands for (km2)",
        "polygons so far",
        "lon",
        "lat",
        box=box.SIMPLE,
    )
    for place in result.places.itertuples():
        drawn = "" if request.polygons is None else str(place.n_drawn)
        table.add_row(
            str(place.rank), f"LCZ {place.mapped_code} {place.probability:.0%}",
            f"LCZ {place.runner_up_code} {place.runner_up_probability:.0%}", f"{place.margin:.2f}",
            f"{place.stands_for_km2:,.1f}", drawn, f"{place.longitude:.4f}", f"{place.latitude:.4f}",
        )  # fmt: skip
    console.out.print(table)
    for text in result.notes():
        console.out.print(text, soft_wrap=True)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
    console.out.print(f"Results: {out / 'next_polygons.gpkg'}", soft_wrap=True)
