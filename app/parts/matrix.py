"""A confusion matrix as a figure whose cells can be clicked."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, LinearColorMapper, Text
from bokeh.palettes import Blues256, interp_palette
from bokeh.plotting import figure

from lczlib.classes import CLASSES
from lczlib.texts import text

from .design import colors

_FULL_IN_THE_DARK = ("#1f5f99", "#c6dbef")
"""Colours of a half and of all of a row."""


def _blues(dark: bool) -> list[str]:
    """From the page's own colour, where there is nothing."""
    if not dark:
        return list(reversed(Blues256))
    return list(interp_palette((colors(dark)["paper"], *_FULL_IN_THE_DARK), 256))


def matrix_figure(dark: bool) -> tuple[Any, ColumnDataSource]:
    """An empty figure of a matrix, and the source of its cells."""
    ink = "#d5dae0" if dark else "#333333"
    fig = figure(
        x_range=FactorRange("1"), y_range=FactorRange("1"), height=470, sizing_mode="stretch_width", tools="",
        toolbar_location=None, x_axis_location="above", title=" ", name="confusion matrix", min_width=300,
        x_axis_label=text("map"), y_axis_label=text("reference"),
    )  # fmt: skip
    source = ColumnDataSource({"x": [], "y": [], "share": [], "text": [], "ink": [], "what": []})
    mapper = LinearColorMapper(palette=_blues(dark), low=0, high=1)
    cells = fig.rect(
        "x",
        "y",
        0.98,
        0.98,
        source=source,
        fill_color={"field": "share", "transform": mapper},
        line_color=None,
    )
    said = Text(
        x="x", y="y", text="text", text_color="ink", text_align="center", text_baseline="middle",
        text_font_size="8pt",
    )  # fmt: skip
    fig.add_glyph(source, said)
    fig.add_tools(HoverTool(renderers=[cells], tooltips=[("", "@what")]))
    for axis in fig.axis:
        axis.update(
            major_label_text_color=ink, axis_label_text_color=ink, axis_line_color=None,
            major_tick_line_color=None, axis_label_text_font_style="normal",
            major_label_text_font_style="bold",
        )  # fmt: skip
    fig.grid.visible = False
    fig.update(background_fill_color=None, border_fill_color=None, outline_line_color=None)
    fig.title.text_color = ink
    return fig, source


def fill_matrix(
    fig: Any, source: ColumnDataSource, counts: np.ndarray, share: str, title: str, dark: bool
) -> None:
    """Fill it with counts of cells, a row for each reference class; cells are shaded by their share.

    Parameters
    ----------
    fig : figure
        Of `matrix_figure`.
    source : ColumnDataSource
        Of its cells.
    counts : array (17, 17)
        Reference by map.
    share : str
        ``counts``, ``row %`` or ``column %``: what cells say, and are shaded by.
    title : str
        What the map is called.
    dark : bool
        Whether the page is.
    """
    held = np.flatnonzero(counts.sum(0) + counts.sum(1))
    part = counts[np.ix_(held, held)].astype(float)
    rows, columns = part.sum(1, keepdims=True), part.sum(0, keepdims=True)
    by = {"counts": rows, "row %": rows, "column %": columns}[share]
    ratio = np.divide(part, by, out=np.zeros_like(part), where=by > 0)
    codes = [CLASSES[i].code for i in held]
    told = text("reference {truth}, map {mapped}: {n} cells, {share} % of the row")
    if share == "column %":
        told = text("reference {truth}, map {mapped}: {n} cells, {share} % of the column")
    xs, ys, shares, written, inks, what = [], [], [], [], [], []
    for r, true in enumerate(codes):
        for c, mapped in enumerate(codes):
            n = int(part[r, c])
            xs.append(mapped)
            ys.append(true)
            shares.append(ratio[r, c])
            percent = 100 * ratio[r, c]
            written.append(
                ""
                if not n
                else f"{n:,}"
                if share == "counts"
                else f"{percent:.0f}"
                if percent >= 0.5
                else "<1"
            )
            inks.append("white" if (ratio[r, c] > 0.55) != dark else "#10202f")
            what.append(told.format(truth=true, mapped=mapped, n=f"{n:,}", share=f"{percent:.0f}"))
    fig.x_range.factors = codes
    fig.y_range.factors = codes[::-1]
    unit = {
        "counts": text("cells"),
        "row %": text("% of the reference"),
        "column %": text("% of the map"),
    }[share]
    fig.title.text = f"{title}: {unit}"
    source.data = {"x": xs, "y": ys, "share": shares, "text": written, "ink": inks, "what": what}
