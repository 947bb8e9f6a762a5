"""Figures and rows that follow the width of the page."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import panel as pn
from bokeh.models import CustomJS
from holoviews.plotting.bokeh.renderer import BokehRenderer

# by WebGL what lies above a figure's first lines is lost, such as boxes, where a page has several figures
BokehRenderer.webgl = False
TALL = "as high as the window"
"""Tag of a map that is, followed by the pixels above it."""


def figure_pane() -> pn.pane.HoloViews:
    """A place for a figure that is as wide as the page."""
    return pn.pane.HoloViews(
        None, backend="bokeh", linked_axes=False, sizing_mode="stretch_width", min_width=260
    )


def fluid(figure: Any, height: int = 360) -> Any:
    """A figure of `lczlib.figures` as wide as the page, its legend below, clear of the heading."""
    # the width is the pane's: HoloViews takes even a width of None for a fixed one
    size = {"frame_width": None, "frame_height": None, "height": height, "min_width": 260,
            "toolbar": "above", "backend": "bokeh", "clone": True,
            "active_tools": []}  # fmt: skip  # a wheel turned over a chart scrolls the page
    small = {"label_text_font_size": "8pt", "glyph_width": 12, "spacing": 2, "padding": 3,
             "margin": 0, "border_line_alpha": 0}  # fmt: skip
    shown = {"legend_position": "bottom", "legend_opts": small}
    legend = shown if isinstance(figure, hv.Overlay) else {}
    return figure.opts(**size, **legend)


def tall(figure: Any, above: int = 0) -> pn.pane.Bokeh:
    """A map as high as the window, but for some pixels above it; on a phone about a square.

    Only the browser knows the window: `look/shell.js` gives these maps their height.
    """
    figure.tags = [TALL, above]
    figure.js_on_change("inner_width", CustomJS(code="window.sizeMaps?.()"))  # once it is drawn
    return pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=0)


def side_by_side(*parts: Any) -> pn.Column:
    """Parts in a row, below each other where the page is narrow."""
    # a grid of the browser's own: bokeh does not lay figures out reliably in a flex box
    return pn.Column(*parts, sizing_mode="stretch_width", styles=columns(len(parts)))


def columns(n: int) -> dict[str, str]:
    """The style of a row of n parts."""
    least = 420 if n < 3 else 300
    wide = f"repeat(auto-fit, minmax(min({least}px, 100%), 1fr))" if n > 1 else "minmax(0, 1fr)"
    return {"display": "grid", "gap": "10px", "align-items": "start", "grid-template-columns": wide}
