"""The published LCZ map over a study's place: from beside its imagery, or from where it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rasterio

from lczlib.acquire.places import Place
from lczlib.errors import InputError
from lczlib.jobs.request import Cancel, Progress
from lczlib.longitudes import Box, box_of, outline_of
from lczlib.maps import open_lcz_map
from lczlib.reading import quiet
from lczlib.study.acquisition import box_asked, check_box
from lczlib.study.given import Given
from lczlib.texts import N_, text

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.study.material import Material
    from lczlib.study.steps import Context

FILE = "lcz_global.tif"
_FACTS = ("title", "year", "licence", "citation")


def is_beside(given: Given, context: Context) -> bool:  # noqa: ARG001 - as all steps are asked
    """Whether the map lies beside the scenes."""
    return given.scene.beside(FILE) is not None


def published_map(
    given: Given, context: Context, progress: Progress | None, cancelled: Cancel | None
) -> xr.DataArray:
    """The map over the place, on cells of 100 m; its attributes say what it is.

    Raises
    ------
    InputError
        If the place is made up, or nowhere.
    ServiceError
        If it cannot be read from where it is published.
    """
    material: Material = given.scene
    beside = material.beside(FILE)
    if beside is not None:
        with quiet(), rasterio.open(beside) as src:
            tags = {k: src.tags().get(k.upper(), "") for k in _FACTS}
            return open_lcz_map(beside).load().assign_attrs(tags)
    from lczlib.acquire.global_map import open_global_map

    if material.simulated:
        msg = f"{material.place.name} is made up: no published map shows it."
        raise InputError(msg)
    box = _box(material, context)
    if box is None:
        msg = "There is no place yet of which a published map could be shown: choose a city, or draw a box."
        raise InputError(msg)
    if progress:
        progress(N_("Reading the published map"), 0, 0)
    place = Place(material.place.name, "", None, box, None, "box")
    found = open_global_map(
        place, context.services.global_map, grid=material.box, cancelled=cancelled
    )
    return found.utm.assign_attrs({k: str(found.facts.get(k) or "") for k in _FACTS})


def _box(material: Material, context: Context) -> Box | None:
    """Of the scenes; else as much as imagery may be fetched of, which bounds what is read."""
    if material.box is not None:
        return box_of(*outline_of(material.box))
    box = box_asked(material.place, material.area, context.services)
    if box is not None:
        check_box(box, context.services)
    return box


def said_of(lcz: Any) -> str:
    """What a published map is, in a sentence."""
    told = [str(lcz.attrs.get(k, "")) for k in ("year", "licence", "citation")]
    year, licence, citation = told
    said = text("Global map of {year} ({licence}): {citation}. A map, no ground truth.")
    return said.format(year=year, licence=licence, citation=citation)
