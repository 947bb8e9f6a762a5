"""A map of a place of which there is no image: where it lies, and a box that can be moved and resized."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import BoxAnnotation, ColumnDataSource, LabelSet

from lczlib.longitudes import Box

from .display import bounds_in_mercator, to_degrees, to_mercator
from .mapview import MapView

_ORANGE = "#ea580c"
_STILL = 400  # milliseconds without a change, after which a box counts as drawn
_SAME = 30.0  # metres of web mercator by which boxes that are rounded differ
_NAMED = 25  # places whose names are written
Bounds = tuple[float, float, float, float]


class PlaceLayer:
    """Places around, coordinates: what a map shows where it shows nothing else; or their names upon a map.

    Parameters
    ----------
    view : MapView
        That it is drawn on.
    dark : bool
    """

    def __init__(self, view: MapView, dark: bool) -> None:
        self._figure = view.figure
        ink = "#d5dae0" if dark else "#374151"
        self._paper = "#181b1f" if dark else "#ffffff"
        self._dots = ColumnDataSource({"x": [], "y": []})
        self._names = ColumnDataSource({"x": [], "y": [], "name": []})
        self._glyph = self._figure.scatter(
            "x", "y", source=self._dots, size=5, color="#8b95a1", level="underlay"
        )
        self._labels = LabelSet(
            x="x", y="y", text="name", source=self._names, text_font_size="9pt", text_color=ink,
            x_offset=9, y_offset=-5, level="underlay",
        )  # fmt: skip
        self._figure.add_layout(self._labels)

    def show(self, bounds: Bounds | None, over: bool = False) -> None:
        """Show what lies around some bounds in web mercator; nothing where they are none.

        With `over` the names stand upon what the map shows, else below it, on a grid.
        """
        alone = bounds is not None and not over
        self._figure.grid.visible = alone
        self._figure.grid.grid_line_alpha = 0.35
        self._glyph.level = self._labels.level = "overlay" if over else "underlay"
        self._labels.update(
            background_fill_color=self._paper if over else None, background_fill_alpha=0.7
        )
        if bounds is None:
            self._dots.data, self._names.data = {"x": [], "y": []}, {"x": [], "y": [], "name": []}
            return
        x, y, names = _around(bounds)
        self._dots.data = {"x": x, "y": y}
        named = _apart(x, y, bounds)
        columns = {"x": x, "y": y, "name": names}
        self._names.data = {k: [v[i] for i in named] for k, v in columns.items()}


def _around(bounds: Bounds) -> tuple[list[float], list[float], list[str]]:
    """Listed places within a few times some bounds, the largest first."""
    from lczlib.acquire.places import dots

    x0, y0, x1, y1 = bounds
    middle = (x0 + x1) / 2
    reach = 2 * (x1 - x0), 2 * (y1 - y0)
    table = dots()
    x, y = to_mercator(table["longitude"].to_numpy(), table["latitude"].to_numpy(), near=middle)
    near = (np.abs(x - middle) < reach[0]) & (np.abs(y - (y0 + y1) / 2) < reach[1])
    within = np.flatnonzero(near)[:300]
    return x[within].tolist(), y[within].tolist(), table["name"].iloc[within].to_list()


def _apart(x: list[float], y: list[float], bounds: Bounds) -> list[int]:
    """Which of some places, the largest first, have room for a name that no side of the view cuts."""
    wide, high = 0.22 * (bounds[2] - bounds[0]), 0.04 * (bounds[3] - bounds[1])
    chosen: list[int] = []
    for i in range(len(x)):
        cut = any(side - wide < x[i] < side + wide / 9 for side in (bounds[0], bounds[2]))
        if not cut and all(abs(x[i] - x[j]) > wide or abs(y[i] - y[j]) > high for j in chosen):
            chosen.append(i)
    return chosen[:_NAMED]


class BoxEditor:
    """A box on a map that is moved and resized with the mouse or a finger.

    Parameters
    ----------
    view : MapView
        That it is drawn on.
    later : callable
        Runs a function after so many milliseconds on the session's event loop.
    drawn : callable
        Called with west, south, east, north in degrees once the box has come to rest.
    """

    def __init__(
        self, view: MapView, later: Callable[[Callable[[], None], int], Any], drawn: Callable[[Box], None]
    ) -> None:  # fmt: skip
        self._later, self._drawn = later, drawn
        self._set: Bounds | None = None
        self._moving = False
        self.box = BoxAnnotation(
            left=0, bottom=0, right=1, top=1, visible=False, editable=True, resizable="all", movable="both",
            symmetric=False, fill_color=_ORANGE, fill_alpha=0.07, line_color=_ORANGE, line_width=2, line_alpha=0.9,
            name="box",
        )  # fmt: skip
        view.figure.add_layout(self.box)
        for side in ("left", "right", "top", "bottom"):
            self.box.on_change(side, self._moved)

    def show(self, area: Box | None, near: float | None = None) -> None:
        """Show a box in degrees, near an x of the view; none hides it."""
        if area is None:
            self._reveal(False)
            return
        wanted = bounds_in_mercator(area, near)
        # where it was before, said again while the visitor moves it on
        late = self._moving and self._set is not None and not _differ(wanted, self._set)
        if not self.box.visible or (_differ(wanted, self._bounds()) and not late):
            self._set = wanted
            left, bottom, right, top = wanted
            self.box.update(left=left, bottom=bottom, right=right, top=top)
            self._moving = False
        self._reveal(True)

    def _reveal(self, shown: bool) -> None:
        # a hidden box with handles is never drawn, and the page would wait for it
        self.box.update(visible=shown, use_handles=shown)

    def _bounds(self) -> Bounds:
        box = self.box
        return (
            min(box.left, box.right), min(box.bottom, box.top), max(box.left, box.right), max(box.bottom, box.top)
        )  # fmt: skip

    def _moved(self, attr: str, old: Any, new: Any) -> None:  # noqa: ARG002 - as Bokeh calls it
        now = self._bounds()
        self._moving = self._set is None or _differ(now, self._set)
        if not self._moving:
            return  # the server's own doing

        def rest() -> None:
            if now != self._bounds():
                return
            self._moving = False
            if self.box.visible:
                self._set = now
                west, south = to_degrees(now[0], now[1])
                east, north = to_degrees(now[2], now[3])
                self._drawn(tuple(round(float(v), 5) for v in (west, south, east, north)))

        self._later(rest, _STILL)


def _differ(one: Bounds, other: Bounds) -> bool:
    return any(abs(a - b) > _SAME for a, b in zip(one, other, strict=True))
