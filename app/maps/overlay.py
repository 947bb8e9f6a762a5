"""Two maps in one figure: a swipe between them, or one after the other, without the server."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, CustomJS, Span

from lczlib.texts import text

from .mapview import MapView, picture_data

_NO_IMAGE: dict[str, list[Any]] = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
_SWIPE_JS = """
const at = range.start + cb_obj.value * (range.end - range.start)
line.location = at
const cut = (whole, shown, left) => {
  const full = whole.data.image[0]
  if (!full) return
  const [x, dw] = [whole.data.x[0], whole.data.dw[0]]
  const [rows, cols] = full.shape
  const first = Math.max(0, Math.min(cols, Math.round((at - x) / dw * cols)))
  const part = shown.data.image[0]
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) {
    const i = r * cols + c
    part[i] = (c < first) === left ? full[i] : 0
  }
  shown.change.emit()
}
cut(below, shown_below, true)
cut(above, shown_above, false)
"""
_FLICKER_JS = """
window.clearInterval(window.lczFlicker)
const names = cb_obj.tags
// the server knows the title that it gave, and not whose turn it was
if (window.lczTurns && window.lczTurns.includes(title.text)) title.setv({text: window.lczTurns[0]}, {sync: false})
window.lczTurns = names
const show = (one) => {
  first.setv({visible: one}, {sync: false})
  second.setv({visible: !one}, {sync: false})
  title.setv({text: names[one ? 0 : 1]}, {sync: false})
}
if (names.length) {
  let one = true
  show(one)
  window.lczFlicker = window.setInterval(() => show(one = !one), 900)
}
"""
"""Slower than the three flashes a second that nobody should be shown."""


class Overlay:
    """What lies over a map to show a second one in its place.

    Parameters
    ----------
    on : MapView
        The map of the first of the two.
    view : param.Parameterized
        Says where the swipe stands (``swipe``, 0 to 1) and how opaque maps are (``opacity``).
    """

    def __init__(self, on: MapView, view: Any) -> None:
        self._on, self._view = on, view
        self.slider = pn.widgets.FloatSlider(
            name=text("Swipe: first map | second map"), start=0, end=1, step=0.005, value=view.swipe,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self._below, self._above, self._left, self._right = (
            ColumnDataSource(dict(_NO_IMAGE)) for _ in range(4)
        )
        self._line = Span(
            location=0, dimension="height", line_color="#111111", line_width=2, visible=False
        )
        self._halves = [
            on.figure.image(source=s, color_mapper=on.class_mapper, level="image", visible=False)
            for s in (self._left, self._right)
        ]
        turning = {"first": self._halves[0], "second": self._halves[1], "title": on.figure.title}
        # the tags of the line are the titles that take turns
        self._line.js_on_change("tags", CustomJS(args=turning, code=_FLICKER_JS))
        on.figure.add_layout(self._line)
        args = {
            "below": self._below,
            "shown_below": self._left,
            "above": self._above,
            "shown_above": self._right,
            "range": on.x_range,
            "line": self._line,
        }
        self.slider.jscallback(args=args, value=_SWIPE_JS)
        self.slider.param.watch(
            lambda e: setattr(view, "swipe", round(e.new, 3)), "value_throttled"
        )

    def show(self, first: Any, second: Any, titles: list[str], mode: str) -> None:
        """Show two maps in one: each on its side of the line (``swipe``), or in turn (``flicker``).

        Parameters
        ----------
        first, second : xarray.DataArray
            Maps of classes as they are drawn (`display.projected`).
        titles : list of str
            Of the two.
        mode : str
            ``swipe`` or ``flicker``.
        """
        self._line.visible = mode == "swipe"
        for half in self._halves:
            half.visible = True
        if mode == "swipe":
            self._on.figure.title.text = " | ".join(titles)
        self._cut(first, second, self._view.swipe if mode == "swipe" else None)
        self._on.hover_both(self._above.data["image"][0], titles)
        self._line.tags = [] if mode == "swipe" else titles

    def hide(self) -> None:
        """Show the map below alone."""
        self._line.visible = False
        for half in self._halves:
            half.visible = False
        self._line.tags = []

    def _cut(self, first: Any, second: Any, at: float | None) -> None:
        """Lay the second map over the first: each on its side of a place from 0 to 1, or both whole."""
        x0, x1 = self._on.x_range.start, self._on.x_range.end
        line = None if at is None else x0 + at * (x1 - x0)
        for lcz, whole, half, left in (
            (first, self._below, self._left, True),
            (second, self._above, self._right, False),
        ):
            data = picture_data(lcz)
            whole.data = data
            part = data["image"][0].copy()
            if line is not None:
                place = (line - data["x"][0]) / data["dw"][0] * part.shape[1]
                column = int(np.clip(place, 0, part.shape[1]))
                part[:, slice(column, None) if left else slice(column)] = 0
            half.data = {**data, "image": [part]}
        for half in self._halves:
            half.glyph.global_alpha = self._view.opacity
        self._on.opacity(0.0)  # the whole first map is there for its hover only
        if line is not None:
            self._line.location = line
