"""``lcz export``: a map for other software."""

from __future__ import annotations

from pathlib import Path

import typer

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs.export import ExportRequest, ExportResult, run


@command(ExportRequest)
def export(request: ExportRequest, out: Out = Path("lcz-export")) -> None:
    """Write an LCZ map for other software, and say first what will fail there.

    Writes for each target, beside manifest.json: geotiff lcz.tif; qgis lcz.tif, lcz.qml, lcz.sld and both in
    six languages; gpkg lcz.gpkg (layer lcz: patches with class, area, certainty, and their style); netcdf
    lcz.nc; kmz lcz.kmz; districts districts.csv; stac item.json and lcz.tif; umep lcz.tif (101-107) and its
    styles; suews lcz.tif, land cover fractions and morphology in UMEP's form, suews_sites.csv, grid.gpkg; wrf
    the geo_em file with the map's urban form, lcz.tif and LCZ_UCP_lookup.csv as w2w reads them, and
    namelist_lines.txt.

    Example:
        lcz export fused_lcz.tif --to qgis --language de --out for-qgis

        lcz export fused_lcz.tif --to suews --polygons grid.gpkg --name-column id --check
    """
    with console.steps() as progress:
        result = run(request, progress=progress)
        if not request.check:
            progress("Writing", 0, 0)
            result.write(out)
    _print(result)
    if request.check:
        if result.fails:
            raise typer.Exit(1)
        return
    console.out.print(f"Wrote {out}", soft_wrap=True)


def _print(result: ExportResult) -> None:
    for found in result.findings:
        if found.level == "note":
            console.out.print(found.text, soft_wrap=True, markup=False)
        else:
            console.warn(found.text)
    if not result.findings:
        console.out.print(f"Nothing is known to fail in {result.request.to}.", soft_wrap=True)
