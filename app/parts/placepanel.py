"""What is known of a picked place: class and probabilities in each map, and the patches."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.plotting import figure

from lczlib.classes import CLASSES
from lczlib.figures.style import SERIES
from lczlib.kinds import TITLES
from lczlib.study.point import PATCH, PlaceFacts

from .layout import side_by_side
from .markup import html, table

_KINDS = ("s1", "s2", "fused")
_SHOWN = 0.02
_CELL = 10  # pixels of the LCZ cell itself, in the middle of the patch


class PlacePanel:
    """Made once and updated with each click.

    Parameters
    ----------
    dark : bool
    """

    def __init__(self, dark: bool) -> None:
        ink = "#d5dae0" if dark else "#333333"
        self._head = html(
            '<div class="lcz-banner info">Click a place on a map to see the probabilities of all maps '
            "there, and the image patch that the networks saw.</div>"
        )
        self._bars, self._sources = _bars(ink)
        self._patches = {n: _patch(n, ink) for n in ("Sentinel-2", "Sentinel-1")}
        images = pn.Row(*[pn.pane.Bokeh(f) for f, _ in self._patches.values()])
        self._below = side_by_side(pn.pane.Bokeh(self._bars, sizing_mode="stretch_width"), images)
        self.content = pn.Column(self._head, self._below, sizing_mode="stretch_width")

    def show(self, found: PlaceFacts) -> None:
        """Show a place."""
        rows = [
            (TITLES[n], CLASSES[c - 1].label if c else "no data") for n, c in found.classes.items()
        ]
        north, east = found.latitude, found.longitude
        where = f"{abs(north):.4f}° {'NS'[north < 0]}, {abs(east):.4f}° {'EW'[east < 0]}"
        self._head.object = f"<h3>At {where}</h3>" + table(("map", "class"), rows)
        probabilities = found.probabilities
        held = np.max([*probabilities.values(), np.zeros(17)], axis=0) >= _SHOWN
        codes = [c.code for c, h in zip(CLASSES, held, strict=True) if h]
        self._bars.x_range.factors = codes or ["-"]
        # maps of other sensors take the places of those that are not there
        kinds = _KINDS if set(probabilities) <= set(_KINDS) else tuple(probabilities)
        slots = zip_longest(
            kinds[: len(_KINDS)], self._bars.legend[0].items, self._sources.values()
        )
        for kind, item, source in slots:
            p = probabilities.get(kind)
            item.update(label={"value": TITLES[kind or ""]}, visible=bool(kind))
            tops = [] if p is None else [float(v) for v, h in zip(p, held, strict=True) if h]
            source.data = {"code": codes if tops else [], "top": tops}
        for name, (fig, source) in self._patches.items():
            image = next((v for k, v in found.patches.items() if k.startswith(name)), None)
            known = next((k for k in found.patches if k.startswith(name)), f"no {name}")
            fig.title.text = known
            source.data = {"image": [] if image is None else [image]}


def _bars(ink: str) -> tuple[Any, dict[str, ColumnDataSource]]:
    from bokeh.transform import dodge

    fig = figure(
        x_range=FactorRange("-"), y_range=(0, 1), height=250, tools="", toolbar_location=None,
        sizing_mode="stretch_width", title="Probability by class (from 2 %)", name="probabilities",
        min_width=280,
    )  # fmt: skip
    sources = {}
    for i, kind in enumerate(_KINDS):
        sources[kind] = ColumnDataSource({"code": [], "top": []})
        fig.vbar(
            x=dodge("code", (i - 1) * 0.27, range=fig.x_range), top="top", width=0.25,
            source=sources[kind], color=SERIES[i], legend_label=TITLES[kind],
        )  # fmt: skip
    for axis in fig.axis:
        axis.update(major_label_text_color=ink, axis_line_color=None, major_tick_line_color=None)
    fig.update(background_fill_color=None, border_fill_color=None, outline_line_color=None)
    fig.title.text_color = ink
    fig.xgrid.visible = False
    fig.legend.update(
        orientation="horizontal", label_text_font_size="9pt", background_fill_alpha=0,
        border_line_alpha=0, label_text_color=ink,
    )  # fmt: skip
    fig.add_layout(fig.legend[0], "below")
    return fig, sources


def _patch(name: str, ink: str) -> tuple[Any, ColumnDataSource]:
    fig = figure(
        width=190, height=212, tools="", toolbar_location=None, title=name, x_range=(0, PATCH),
        y_range=(0, PATCH), name=f"patch {name}",
    )  # fmt: skip
    source = ColumnDataSource({"image": []})
    fig.image_rgba(image="image", x=0, y=0, dw=PATCH, dh=PATCH, source=source)
    fig.rect(
        [PATCH / 2], [PATCH / 2], _CELL, _CELL, fill_color=None, line_color="#00e5ff", line_width=2
    )
    fig.axis.visible = fig.grid.visible = False
    fig.update(border_fill_color=None, outline_line_color=None)
    fig.title.update(text_color=ink, text_font_size="10pt")
    return fig, source
