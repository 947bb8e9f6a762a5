"""``lcz check-polygons``: reference polygons that look like something else."""

from __future__ import annotations

from pathlib import Path

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs import check_polygons as job


@command(job.CheckPolygonsRequest, in_words=False, bands="band-names")
def check_polygons(request: job.CheckPolygonsRequest, out: Out = Path("lcz-polygons")) -> None:
    """Hold each reference polygon against an image, as a classifier of all the others sees it.

    Polygons that look more like another class than the one they were drawn as come first: look at them
    again before training, or judging a map. It is a hint, not a verdict.

    Writes polygons.csv, polygons.gpkg (for QGIS), polygons.json and manifest.json.

    Example:
        lcz check-polygons july.tif --polygons areas.kmz --out checked
    """
    with console.steps() as progress:
        result = job.run(request, progress=progress)
        progress("Writing", 0, 0)
        result.write(out)
    for text in result.notes():
        console.out.print(text, soft_wrap=True)
    console.out.print(result.headline(), soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
    console.out.print(f"Results: {out / 'polygons.gpkg'}", soft_wrap=True)
