"""What is said of maps, scenes, temperatures and polygons that were read: found, assumed and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.classes import CLASSES
from lczlib.grid import geobox_of, row_cell_areas
from lczlib.polygons import equal_area
from lczlib.reading import Reading, counted, share
from lczlib.study.looking.seen import Fact, fact
from lczlib.vector_files import crs_name_of

_ASSUMED = (
    "not stated",
    "taken for",
    "by its values",
    "by the values",
    "by their values",
    "in order",
)
_WHY = {
    "unlabelled": "without a class", "several_classes": "name several classes", "regions": "are a frame around areas",
    "unreadable": "name no class", "not_polygons": "are no areas", "impossible": "lie nowhere",
    "without_area": "have no area", "duplicates": "repeat another",
}  # fmt: skip


def of_grid(grid: GeoBox) -> tuple[Fact, ...]:
    """Size, resolution and reference system of a raster."""
    epsg = grid.crs.to_epsg()
    rows, columns = grid.shape
    unit = "°" if grid.crs.geographic else "m"
    name = f"EPSG:{epsg}" if epsg else str(grid.crs.proj.name)
    return (
        Fact("Grid", f"{columns:,} × {rows:,} cells of {abs(grid.affine.a):.6g} {unit}"),
        Fact("Reference system", name),
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
    listed = ", ".join(f"{c.code} {areas[c.number]:.3g}" for c in there)
    return (
        fact("Numbering", numbering, known_by, assumed=bool(known_by) and not certain),
        fact("Band", str(told.get("band") or "").split(" (")[0]),
        fact("Classes", f"{len(there)}, in km²: {listed}" if there else ""),
        fact("Missing", share(areas[0], areas.sum()) if areas[0] else "none"),
    )


def map_lost(read: Reading) -> tuple[str, ...]:
    """Cells of a map that hold no class, each with the reason."""
    told, total = read.facts, read.facts.get("cells", 0)
    out = []
    if told.get("cells_no_data"):
        n = told["cells_no_data"]
        out.append(f"{counted(n, 'cell')} ({share(n, total)}) no data")
    for code, n in (told.get("cells_taken_for_no_data") or {}).items():
        out.append(f"{counted(n, 'cell')} of code {code}, taken for no data though not declared")
    for code, n in (told.get("cells_left_out") or {}).items():
        out.append(f"{counted(n, 'cell')} of code {code}, which is no class here")
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
            listed.append(f"{c.code} {own.sum()}" if points else f"{c.code} {areas[own].sum():.3g}")
    what, unit = ("point", "points") if points else ("polygon", "km²")
    return (
        fact("Shapes", counted(len(table), what)),
        fact("Column", table.attrs.get("class_column"), "found by its name and values"),
        fact("Classes", f"{len(listed)}, in {unit}: {', '.join(listed)}"),
        Fact("Reference system", crs_name_of(table)),
    )


def lost_features(attrs: Mapping[str, Any]) -> tuple[str, ...]:
    """Shapes of a file that do not count, each with the reason."""
    return tuple(
        f"{counted(int(attrs[k]), 'shape')} that {_singular(why) if attrs[k] == 1 else why}"
        if not why.startswith("without")
        else f"{counted(int(attrs[k]), 'shape')} {why}"
        for k, why in _WHY.items()
        if attrs.get(k)
    )


def _singular(why: str) -> str:
    verb, _, rest = why.partition(" ")
    return f"{ {'are': 'is', 'have': 'has', 'lie': 'lies', 'name': 'names', 'repeat': 'repeats'}[verb] } {rest}"


def of_temperature(read: Reading, dates: int) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Quantity, unit, scale, time and range of temperatures, and the pixels that do not count."""
    told = read.facts
    how = str(told.get("unit_by") or "")
    scale, offset = told.get("scale"), told.get("offset") or 0.0
    scaled = scale is not None and (scale, offset) != (1.0, 0.0)
    values = next((t for t in reversed(read.said) if " median " in t), "")
    assumed = any(w in how for w in _ASSUMED)
    facts = (
        fact("Quantity", told.get("quantity")),
        fact("Unit", told.get("unit") or "by the band's constants", how, assumed=assumed),
        fact("Scale and offset", f"× {scale:g} {offset:+g}" if scaled else "", how, assumed=assumed),
        fact("Band", told.get("band") if told.get("band") != 1 else ""),
        fact("Dates", f"{dates}" if dates > 1 else ""),
        fact("Time", str(told.get("time") or "not stated").replace("T", " ").replace("Z", " UTC"),
             "" if told.get("time") else "needed for several dates", assumed=not told.get("time")),
        fact("Values", values),
        fact("Clouds", told.get("clouds")),
    )  # fmt: skip
    return facts, _pixels_lost(told.get("pixels") or {})


def _pixels_lost(pixels: Mapping[str, int | None]) -> tuple[str, ...]:
    total = pixels.get("total") or 0
    why = {
        "no_data": "no data", "repeated": "of one repeated value, taken for no data",
        "cloud_or_poor": "cloudy or poor", "implausible": "implausible", "fringe": "in a resampling fringe",
    }  # fmt: skip
    return tuple(
        f"{counted(int(pixels[k]), 'pixel')} ({share(pixels[k], total)}) {text}"
        for k, text in why.items()
        if pixels.get(k)
    )


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
        fact("Bands", bands, assumed=told.get("bands_by") == "order"),
        fact("Values", units, assumed=any(w in units for w in _ASSUMED)),
        fact("Level", found_level or "not stated", "as set below" if stated_level else level,
             assumed=not stated_level),
    ]  # fmt: skip
    if stated_date or date:
        how = "as set below" if stated_date else "as the file says"
        facts.append(Fact("Date", stated_date or date, how))
    elif named:
        how = "in the file's name, not taken: write it below if it is the day"
        facts.append(Fact("Date", named, how, True))
    else:
        facts.append(Fact("Date", "not stated", "", True))
    pixels = told.get("pixels") or {}
    lost = tuple(f"{n} of the pixels: {k}" for k, n in pixels.items() if isinstance(n, str))
    return tuple(facts), lost or _said_lost(read.said)


def _said_lost(said: Sequence[str]) -> tuple[str, ...]:
    return tuple(t for t in said if "no data" in t or "cloud" in t or "missing" in t)


def lost_pixels(read: Reading) -> tuple[str, ...]:
    """What a radar door told of missing pixels."""
    return tuple(t for t in read.said if "missing" in t or "no data" in t)
