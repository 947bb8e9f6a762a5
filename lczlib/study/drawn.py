"""Polygons drawn by hand on a map: checked, and as a GeoPackage that is read like any reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Transformer
from shapely.validation import explain_validity

from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export.files import write_features
from lczlib.longitudes import mean_longitude, unwrapped, utm_of

LAYER = "reference"
_SMALLEST = 2500.0
"""Square metres: a polygon of less than a quarter of a cell of 100 m is a slip of the hand."""


@dataclass(frozen=True)
class DrawnPolygon:
    """One polygon.

    Attributes
    ----------
    lcz : int
        Class, 1..17.
    name : str
        What the visitor calls it; may be empty.
    corners : tuple of (longitude, latitude)
        In the order drawn; the first is not said again.
    """

    lcz: int
    name: str
    corners: tuple[tuple[float, float], ...]

    @property
    def complete(self) -> bool:
        """Whether it has the three corners that make a polygon."""
        return len(_apart(self.corners)) >= 3


def drawn_table(polygons: Sequence[DrawnPolygon]) -> gpd.GeoDataFrame:
    """Drawn polygons as a table of references.

    Parameters
    ----------
    polygons : sequence of DrawnPolygon
        Those without three corners, such as one that is still being drawn, are left out.

    Returns
    -------
    GeoDataFrame
        ``lcz`` (uint8), ``class`` (code and name), ``name``, ``area_km2`` and ``geometry``, in the UTM zone of
        their middle, so that none is cut at 180 degrees.

    Raises
    ------
    InputError
        If there is none, or an outline crosses itself, or is too small to be meant.
    """
    whole = [p for p in polygons if p.complete]
    if not whole:
        msg = "No polygon is drawn yet: it takes three corners or more."
        raise InputError(msg)
    corners = [np.array(_apart(p.corners)) for p in whole]
    every = np.concatenate(corners)
    middle = mean_longitude(every[:, 0])
    crs = utm_of(middle, float(every[:, 1].mean()))
    turn = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    shapes = []
    for number, (polygon, ring) in enumerate(zip(whole, corners, strict=True), 1):
        x, y = turn.transform(unwrapped(ring[:, 0], middle), ring[:, 1])
        shape = shapely.Polygon(np.column_stack([x, y]))
        _check(shape, f"Polygon {number} ({CLASSES[polygon.lcz - 1].label})")
        shapes.append(shape)
    return gpd.GeoDataFrame(
        {
            "lcz": np.array([p.lcz for p in whole], np.uint8),
            "class": [CLASSES[p.lcz - 1].label for p in whole],
            "name": [p.name for p in whole],
            "area_km2": [round(s.area / 1e6, 4) for s in shapes],
        },
        geometry=shapes, crs=crs,
    )  # fmt: skip


def write_drawn(polygons: Sequence[DrawnPolygon], path: str | Path) -> Path:
    """Write drawn polygons as a GeoPackage.

    Raises
    ------
    InputError
        As of `drawn_table`.
    """
    return write_features(path, drawn_table(polygons), layer=LAYER)


def _check(shape: shapely.Polygon, called: str) -> None:
    if not shape.is_valid:
        why = explain_validity(shape).split("[")[0].strip().lower()
        msg = f"{called}: its outline crosses itself ({why}). Remove it and draw it anew."
        raise InputError(msg)
    if shape.area < _SMALLEST:
        msg = (
            f"{called} has an area of {shape.area:,.0f} m², less than a quarter of a 100 m cell. Remove it and "
            "draw it larger."
        )
        raise InputError(msg)


def _apart(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners without those that repeat the one before, or the first at the end."""
    found: list[tuple[float, float]] = []
    for corner in corners:
        if not found or corner != found[-1]:
            found.append(corner)
    while len(found) > 1 and found[-1] == found[0]:
        found.pop()
    return found
