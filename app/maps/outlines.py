"""Outlines of places upon a map, each with its number, and the way to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from bokeh.models import ColumnDataSource

from .display import to_mercator
from .mapview import MapView

_CASING = "#ffffff"
_AROUND, _LEAST = 1.0, 1000.0
"""What is shown around an outline that is gone to: its own width again on each side, or so many metres."""


class Outlines:
    """Numbered outlines in one colour upon a map, light below them to be seen on any class.

    Parameters
    ----------
    view : MapView
    color : str
    dash : str
        Of the line: ``solid`` or ``dashed``.
    name : str
        By which the layer is found.
    """

    def __init__(self, view: MapView, color: str, dash: str, name: str) -> None:
        self._view = view
        self._lines = ColumnDataSource({"xs": [], "ys": []}, name=name)
        self._numbers = ColumnDataSource({"x": [], "y": [], "text": []})
        figure = view.figure
        for width, ink, way in ((5, _CASING, "solid"), (2.5, color, dash)):
            figure.multi_line(
                "xs", "ys", source=self._lines, line_color=ink, line_width=width, line_dash=way
            )
        figure.text(
            "x", "y", "text", source=self._numbers, text_align="center", text_baseline="middle",
            text_font_size="10pt", text_font_style="bold", text_color=color,
            background_fill_color=_CASING, background_fill_alpha=0.85, border_radius=3, padding=2,
        )  # fmt: skip
        self._bounds: list[tuple[float, float, float, float]] = []

    def show(self, shapes: gpd.GeoSeries, numbers: Sequence[str]) -> None:
        """Show polygons in longitude and latitude.

        Parameters
        ----------
        shapes : GeoSeries
            Polygons, or several in one.
        numbers : sequence of str
            What stands on each.
        """
        near = (self._view.x_range.start + self._view.x_range.end) / 2
        lines: dict[str, list[Any]] = {"xs": [], "ys": []}
        written: dict[str, list[Any]] = {"x": [], "y": [], "text": [*numbers]}
        self._bounds = []
        for shape in shapes:
            for part in shapely.get_parts(shape):
                for ring in (part.exterior, *part.interiors):
                    x, y = to_mercator(*shapely.get_coordinates(ring).T, near=near)
                    lines["xs"].append(np.asarray(x))
                    lines["ys"].append(np.asarray(y))
            middle = shape.representative_point()
            x, y = to_mercator(middle.x, middle.y, near=near)
            written["x"].append(float(x))
            written["y"].append(float(y))
            west, south, east, north = shape.bounds
            x, y = to_mercator(np.array([west, east]), np.array([south, north]), near=near)
            self._bounds.append((float(x[0]), float(y[0]), float(x[1]), float(y[1])))
        self._lines.data, self._numbers.data = lines, written

    def clear(self) -> None:
        """Show none."""
        if self._bounds:
            self.show(gpd.GeoSeries([], crs=4326), ())

    def go(self, place: int | None) -> None:
        """Move the view to one of them, by its place in the order shown, or to all."""
        if not self._bounds:
            return
        chosen = self._bounds if place is None else [self._bounds[place]]
        x0, y0 = (min(b[i] for b in chosen) for i in (0, 1))
        x1, y1 = (max(b[i] for b in chosen) for i in (2, 3))
        around = max(_AROUND * (max(x1 - x0, y1 - y0) if place is not None else 0), _LEAST)
        self._view.fit((x0 - around, y0 - around, x1 + around, y1 + around))
