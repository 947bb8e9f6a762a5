"""The part of a report on imagery that was fetched, and on published maps: whose they are, of which days."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio

from lczlib.acquire.folder import item_of
from lczlib.export.report import Panel, picture
from lczlib.temporary import TemporaryFolder

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.jobs.report_page import Page

_MOST_PIXELS = 700
_FACTS = ("TITLE", "YEAR", "LICENCE", "CITATION")


def fill(page: Page) -> None:
    """Write what fetched imagery tells of itself, and what published maps do."""
    for one in page.results.by("get"):
        said = item_of(one.folder).get("properties", {})
        if said.get("seasons"):
            page.report.begin("Imagery")
            _imagery(page, one.folder, said)
        for told in said.get("published_maps") or ():
            _published(page, told)
    for title, path in page.results.map_files.items():
        with rasterio.open(path) as src:
            tags = {k: src.tags().get(k, "") for k in _FACTS}
        if tags["CITATION"]:
            year = f" of {tags['YEAR']}" if tags["YEAR"] else ""
            page.report.text(
                f"{title}{year} ({tags['LICENCE']}): {tags['CITATION']}. A map, no ground truth."
            )


def _imagery(page: Page, folder: Path, said: dict[str, Any]) -> None:
    report, rows = page.report, []
    for name, season in said["seasons"].items():
        clear = season.get("clear_count") or {}
        rows.append((
            name, f"{season['start']} to {season['end']}", len(season["days"]), season["median_date"],
            f"{clear['median']:g}" if "median" in clear else "–",
            f"{clear['share_of_pixels_without']:.1%}" if "share_of_pixels_without" in clear else "–",
        ))  # fmt: skip
    if page.drawings.wanted:
        page.figure(
            _pictures(folder, str(item_of(folder).get("id", ""))), "Sentinel-2 in true colour."
        )
    report.table(
        ("Season", "Period", "Days (n)", "Median day", "Clear days, median", "Pixels without any"), rows,
        f"Imagery of each season: {said.get('composite', '')} of its clear days "
        f"({said.get('processing:level', '')}).", words=(1,),
    )  # fmt: skip
    report.text(
        f"{said.get('attribution', '')}, by {said.get('provider', '')} ({said.get('source_collection', '')}); "
        f"terms: {said.get('terms', '')}.", "small",
    )  # fmt: skip


def _published(page: Page, told: dict[str, Any]) -> None:
    page.report.text(
        f"{told['title']}: {told['source']}; year {told['year']}, licence {told['licence']}. {told['citation']} A map "
        "too, of another year and method: where maps differ, either can be wrong."
    )
    for text in told.get("failed") or ():
        page.report.text(f"Tried before: {text}.", "small")


def _pictures(folder: Path, city: str) -> list[Panel]:
    """Each season in true colour, where the imagery itself lies there."""
    from lczlib.errors import LczError
    from lczlib.scenes import open_so2sat

    try:
        seasons = open_so2sat(folder, city).seasons
    except LczError:  # in a bundle only what tells of it
        return []
    found = []
    with TemporaryFolder() as work:
        for season, scene in seasons.items():
            path = _true_colour(scene, work / f"{season}.png")
            found.append(Panel(picture(path), f"Sentinel-2, true colour: {season}"))
    return found


def _true_colour(scene: xr.Dataset, path: Path) -> Path:
    from matplotlib.image import imsave

    from lczlib.figures.composites import optical_composite

    step = max(1, -(-max(scene.sizes.values()) // _MOST_PIXELS))
    thin = scene.isel(y=slice(None, None, step), x=slice(None, None, step))
    imsave(path, optical_composite(thin).values)
    return path
