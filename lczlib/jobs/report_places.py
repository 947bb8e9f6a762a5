"""Whether the results of a report are of one place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import rasterio
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox

from lczlib.grid import geobox_of
from lczlib.jobs.methods_facts import Recorded

if TYPE_CHECKING:
    from lczlib.jobs.report_results import Results

_MAPS = ("lcz_map", "map_path", "map_a", "map_b")
"""Settings by which commands are told of their maps."""


def elsewhere(results: Results) -> list[str]:
    """What is said of results whose map does not touch the report's first map, a sentence each.

    A page of two places would give the accuracy of one for that of the other. Maps that are gone since, and those
    that no raster of a place can be read of, say nothing.

    Parameters
    ----------
    results : Results
        All that the report tells of.
    """
    places = list(_places(results))
    if not places:
        return []
    first, here = places[0]
    others = dict.fromkeys(title for title, box in places[1:] if not _touch(here, box))
    return [
        f"{title} lies elsewhere than {first}: what is said of it here is of another place. Make a report of each."
        for title in others
    ]


def _places(results: Results) -> Iterator[tuple[str, BoundingBox]]:
    """The maps of the report, then those that its other results were made with, in degrees."""
    for title, lcz in results.maps.items():
        yield title, _degrees(geobox_of(lcz))
    for one in results.recorded:
        for name, path in _named(one):
            box = _box(path)
            if box is not None:
                yield results.title(one, name), box


def _named(one: Recorded) -> Iterator[tuple[str, Path]]:
    told = one.content.get("parameters") or {}
    for setting in _MAPS:
        name = told.get(setting)
        if isinstance(name, str) and "://" not in name:
            yield name, one.folder / name


def _box(path: Path) -> BoundingBox | None:
    try:
        with rasterio.open(path) as src:
            return _degrees(GeoBox.from_rio(src)) if src.crs else None
    except (rasterio.errors.RasterioIOError, OSError):
        return None  # polygons, a folder, or gone


def _degrees(box: GeoBox) -> BoundingBox:
    return box.geographic_extent.boundingbox


def _touch(one: BoundingBox, other: BoundingBox) -> bool:
    return (
        one.left <= other.right and other.left <= one.right
        and one.bottom <= other.top and other.bottom <= one.top
    )  # fmt: skip
