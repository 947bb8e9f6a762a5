"""What is said of maps, scenes, temperatures and polygons that were read: found, assumed and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.classes import CLASSES
from lczlib.grid import geobox_of, row_cell_areas
from lczlib.polygons import equal_area
from lczlib.reading import Reading, share
from lczlib.study.looking.seen import Fact, fact
from lczlib.texts import text, text_as, texts
from lczlib.vector_files import crs_name_of

_ASSUMED = (
    "not stated",
    "taken for",
    "by its values",
    "by the values",
    "by their values",
    "in order",
)


def of_grid(grid: GeoBox) -> tuple[Fact, ...]:
    """Size, resolution and reference system of a raster."""
    epsg = grid.crs.to_epsg()
    rows, columns = grid.shape
    said = text("{columns} × {rows} cells of {size}")
    size = f"{abs(grid.affine.a):.6g} {'°' if grid.crs.geographic else 'm'}"
    name = f"EPSG:{epsg}" if epsg else str(grid.crs.proj.name)
    return (
        Fact(text("Grid"), said.format(columns=f"{columns:,}", rows=f"{rows:,}", size=size)),
        Fact(text("Reference system"), name),
    )


def class_facts(lcz: xr.DataArray, read: Reading) -> tuple[Fact, ...]:
    """Numbering and legend of a map, and the area of each of its classes."""
    told = read.facts
    numbering = told.get("legend") or told.get("numbering", "")
    certain = (
        "agree" in str(told.get("legend_found", ""))
        or told.get("known_by") in ("as stated", "as its file states")
        or numbering in ("101-107", "wrf")  # whose codes are no others'
    )
    known_by = str(told.get("known_by", ""))
    areas = np.zeros(len(CLASSES) + 1)
    per_row = row_cell_areas(geobox_of(lcz)) / 1e6
    for row, area in zip(lcz.values, per_row, strict=True):
        areas += np.bincount(row, minlength=len(areas)) * area
    there = sorted((c for c in CLASSES if areas[c.number]), key=lambda c: -areas[c.number])
    said = text("{n}, in km²: {listed}")
    listed = ", ".join(f"{c.code} {in_digits(areas[c.number])}" for c in there)
    return (
        fact(text("Numbering"), numbering, known_by, assumed=bool(known_by) and not certain),
        fact(text("Band"), str(told.get("band") or "").split(" (")[0]),
        fact(text("Classes"), said.format(n=len(there), listed=listed) if there else ""),
        fact(
            text("Missing"),
            share(areas[0], areas.sum()) if areas[0] else text_as("missing cells", "none"),
        ),
    )


def map_lost(read: Reading) -> tuple[str, ...]:
    """Cells of a map that hold no class, each with the reason."""
    told, total = read.facts, read.facts.get("cells", 0)
    out = []
    if told.get("cells_no_data"):
        n = told["cells_no_data"]
        part = share(n, total)
        said = texts("{n} cell ({share}) no data", "{n} cells ({share}) no data", n, share=part)
        out.append(said)
    for code, n in (told.get("cells_taken_for_no_data") or {}).items():
        said = texts(
            "{n} cell of code {code}, taken for no data though not declared",
            "{n} cells of code {code}, taken for no data though not declared",
            n,
            code=code,
        )
        out.append(said)
    for code, n in (told.get("cells_left_out") or {}).items():
        said = texts(
            "{n} cell of code {code}, which is no class here",
            "{n} cells of code {code}, which is no class here",
            n,
            code=code,
        )
        out.append(said)
    return tuple(out)


def of_polygons(table: gpd.GeoDataFrame) -> tuple[Fact, ...]:
    """The column of classes of areas or points, and how much of each class."""
    points = bool((table.geometry.geom_type == "Point").all())
    areas = np.zeros(len(table))
    if not points:
        areas = table.to_crs(equal_area(table)).area.to_numpy() / 1e6
    listed = []
    for c in CLASSES:
        own = (table["lcz"] == c.number).to_numpy()
        if own.any():
            listed.append(f"{c.code} {own.sum() if points else in_digits(areas[own].sum())}")
    n = len(table)
    if points:
        shapes = texts("{n} point", "{n} points", n)
        classes = text("{n}, in points: {listed}")
    else:
        shapes = texts("{n} polygon", "{n} polygons", n)
        classes = text("{n}, in km²: {listed}")
    return (
        fact(text("Shapes"), shapes),
        fact(text("Column"), table.attrs.get("class_column"), text("found by its name and values")),
        fact(text("Classes"), classes.format(n=len(listed), listed=", ".join(listed))),
        Fact(text("Reference system"), crs_name_of(table)),
    )


def lost_features(attrs: Mapping[str, Any]) -> tuple[str, ...]:
    """Shapes of a file that do not count, each with the reason."""

    def n(key: str) -> int:
        return int(attrs.get(key) or 0)

    said = {
        "unlabelled": texts(
            "{n} shape without a class", "{n} shapes without a class", n("unlabelled")
        ),
        "several_classes": texts(
            "{n} shape that names several classes",
            "{n} shapes that name several classes",
            n("several_classes"),
        ),
        "regions": texts(
            "{n} shape that is a frame around areas",
            "{n} shapes that are a frame around areas",
            n("regions"),
        ),
        "unreadable": texts(
            "{n} shape that names no class", "{n} shapes that name no class", n("unreadable")
        ),
        "not_polygons": texts(
            "{n} shape that is no area", "{n} shapes that are no areas", n("not_polygons")
        ),
        "impossible": texts(
            "{n} shape that lies nowhere", "{n} shapes that lie nowhere", n("impossible")
        ),
        "without_area": texts(
            "{n} shape that has no area", "{n} shapes that have no area", n("without_area")
        ),
        "duplicates": texts(
            "{n} shape that repeats another", "{n} shapes that repeat another", n("duplicates")
        ),
    }
    return tuple(told for k, told in said.items() if n(k))


def in_digits(number: float) -> str:
    """A number with three digits that count, never as a power of ten.

    Examples
    --------
    >>> [in_digits(n) for n in (3530.4, 566.1, 87.66, 6.571, 0.0000123)]
    ['3,530', '566', '87.7', '6.57', '0.0000123']
    """
    return f"{Decimal(f'{number:.3g}'):,f}"


def of_temperature(read: Reading, dates: int) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Quantity, unit, scale, time and range of temperatures, and the pixels that do not count."""
    told = read.facts
    how = str(told.get("unit_by") or "")
    scale, offset = told.get("scale"), told.get("offset") or 0.0
    scaled = scale is not None and (scale, offset) != (1.0, 0.0)
    values = next((t for t in reversed(read.said) if " median " in t), "")
    assumed = any(w in how for w in _ASSUMED)
    facts = (
        fact(text("Quantity"), told.get("quantity")),
        fact(text("Unit"), told.get("unit") or text("by the band's constants"), how, assumed=assumed),
        fact(text("Scale and offset"), f"× {scale:g} {offset:+g}" if scaled else "", how, assumed=assumed),
        fact(text("Band"), told.get("band") if told.get("band") != 1 else ""),
        fact(text("Dates"), f"{dates}" if dates > 1 else ""),
        _of_time(told.get("time")),
        fact(text("Values"), values),
        fact(text("Clouds"), told.get("clouds")),
    )  # fmt: skip
    return facts, _pixels_lost(told.get("pixels") or {})


def _of_time(time: object) -> Fact:
    if not time:
        return Fact(text("Time"), text("not stated"), text("needed for several dates"), True)
    return Fact(text("Time"), str(time).replace("T", " ").replace("Z", " UTC"))


def _pixels_lost(pixels: Mapping[str, int | None]) -> tuple[str, ...]:
    total = pixels.get("total") or 0

    def n(key: str) -> int:
        return int(pixels.get(key) or 0)

    def part(key: str) -> str:
        return share(n(key), total)

    said = {
        "no_data": texts(
            "{n} pixel ({share}) no data",
            "{n} pixels ({share}) no data",
            n("no_data"),
            share=part("no_data"),
        ),
        "repeated": texts(
            "{n} pixel ({share}) of one repeated value, taken for no data",
            "{n} pixels ({share}) of one repeated value, taken for no data",
            n("repeated"),
            share=part("repeated"),
        ),
        "cloud_or_poor": texts(
            "{n} pixel ({share}) cloudy or poor",
            "{n} pixels ({share}) cloudy or poor",
            n("cloud_or_poor"),
            share=part("cloud_or_poor"),
        ),
        "implausible": texts(
            "{n} pixel ({share}) implausible",
            "{n} pixels ({share}) implausible",
            n("implausible"),
            share=part("implausible"),
        ),
        "fringe": texts(
            "{n} pixel ({share}) in a resampling fringe",
            "{n} pixels ({share}) in a resampling fringe",
            n("fringe"),
            share=part("fringe"),
        ),
    }
    return tuple(told for k, told in said.items() if n(k))


def of_scene(
    read: Reading, stated_level: str, date: str, stated_date: str, named: str
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Bands, units, level and day of a Sentinel-2 image, and the pixels that do not count."""
    told = read.facts
    bands, *rest = read.said or ("",)
    level = next((t for t in rest if t.startswith("level ")), "")
    units = next((t for t in rest if "reflectance" in t or "scale" in t), "")
    found_level = stated_level or told.get("level") or ""
    facts = [
        fact(text("Bands"), bands, assumed=told.get("bands_by") == "order"),
        fact(text("Values"), units, assumed=any(w in units for w in _ASSUMED)),
        fact(text("Level"), found_level or text("not stated"), text("as set below") if stated_level else level,
             assumed=not stated_level),
    ]  # fmt: skip
    if stated_date or date:
        how = text("as set below") if stated_date else text("as the file says")
        facts.append(Fact(text("Date"), stated_date or date, how))
    elif named:
        how = text("in the file's name, not taken: write it below if it is the day")
        facts.append(Fact(text("Date"), named, how, True))
    else:
        facts.append(Fact(text("Date"), text("not stated"), "", True))
    pixels = told.get("pixels") or {}
    lost = tuple(
        text("{share} of the pixels: {what}").format(share=n, what=k)
        for k, n in pixels.items()
        if isinstance(n, str)
    )
    return tuple(facts), lost or _said_lost(read.said)


def _said_lost(said: Sequence[str]) -> tuple[str, ...]:
    return tuple(t for t in said if "no data" in t or "cloud" in t or "missing" in t)


def lost_pixels(read: Reading) -> tuple[str, ...]:
    """What a radar door told of missing pixels."""
    return tuple(t for t in read.said if "missing" in t or "no data" in t)
