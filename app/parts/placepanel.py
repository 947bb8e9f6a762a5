"""What is known of a picked place: class and probabilities in each map, and the patches."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import zip_longest
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.plotting import figure

from lczlib.classes import CLASSES
from lczlib.figures.style import SERIES
from lczlib.kinds import map_title
from lczlib.study.point import PATCH, PixelWarmth, PlaceFacts
from lczlib.texts import text

from .markup import html, interval, number, per_cent, table
from .words import in_degrees, zone_label, zone_short

_KINDS = ("s1", "s2", "fused")
_SHOWN = 0.02
_CELL = 10  # pixels of the LCZ cell itself, in the middle of the patch


class PlacePanel:
    """The card of a place: the same on all pages, below their settings, until it is closed.

    Parameters
    ----------
    dark : bool
    close : callable
        What the button does.
    """

    def __init__(self, dark: bool, close: Callable[[], None]) -> None:
        ink = "#d5dae0" if dark else "#333333"
        self._head = html("")
        self._bars, self._sources = _bars(ink)
        self._patches = {n: _patch(n, ink) for n in ("Sentinel-2", "Sentinel-1")}
        images = pn.Row(*[pn.pane.Bokeh(f) for f, _ in self._patches.values()])
        shut = pn.widgets.Button(name=text("Close"), width=70, margin=(0, 4))
        shut.on_click(lambda _: close())
        self._with_bars = pn.Column(
            pn.pane.Bokeh(self._bars, sizing_mode="stretch_width"), sizing_mode="stretch_width"
        )
        self._with_images = pn.Column(images)
        self.content = pn.Column(
            pn.Row(html(f"<b>{text('This place')}</b>", margin=(6, 8)), shut, sizing_mode="stretch_width", margin=0,
                   styles={"position": "sticky", "top": "0", "z-index": "1", "background": "var(--paper)"}),
            self._head, self._with_images, self._with_bars,
            sizing_mode="stretch_width", css_classes=["lcz-place"],
        )  # fmt: skip

    def show(self, found: PlaceFacts) -> None:
        """Show a place."""
        self._head.object = said_of_place(found)
        probabilities = found.probabilities
        held = np.max([*probabilities.values(), np.zeros(17)], axis=0) >= _SHOWN
        codes = [c.code for c, h in zip(CLASSES, held, strict=True) if h]
        self._bars.x_range.factors = codes or ["-"]
        self._with_bars.visible = bool(probabilities)
        # maps of other sensors take the places of those that are not there
        kinds = _KINDS if set(probabilities) <= set(_KINDS) else tuple(probabilities)
        slots = zip_longest(
            kinds[: len(_KINDS)], self._bars.legend[0].items, self._sources.values()
        )
        for kind, item, source in slots:
            p = probabilities.get(kind)
            item.update(label={"value": map_title(kind or "")}, visible=bool(kind))
            tops = [] if p is None else [float(v) for v, h in zip(p, held, strict=True) if h]
            source.data = {"code": codes if tops else [], "top": tops}
        self._with_images.visible = bool(found.patches)
        for name, (fig, source) in self._patches.items():
            image = next((v for k, v in found.patches.items() if k.startswith(name)), None)
            known = next((k for k in found.patches if k.startswith(name)), "")
            sensor, _, season = known.partition(" ")
            none = text("no {image}").format(image=name)
            fig.title.text = f"{sensor} {text(season)}".strip() or none
            source.data = {"image": [] if image is None else [image]}


def said_of_place(found: PlaceFacts) -> str:
    """The card's text: where, what each map and the reference say, and how warm it is."""
    where = in_degrees(found.longitude, found.latitude, 5)
    rows = []
    for kind, number_ in found.classes.items():
        sure = found.probabilities.get(kind)
        share = "" if sure is None or not number_ else per_cent(float(sure[number_ - 1]))
        label = zone_short(CLASSES[number_ - 1]) if number_ else text("no data")
        rows.append((map_title(kind), label, share))
    if found.reference:
        several = text("{one} and {other}")
        told = zone_short(CLASSES[found.reference[0] - 1])
        for n in found.reference[1:]:
            told = several.format(one=told, other=zone_short(CLASSES[n - 1]))
        rows.append((text("Reference polygon"), told, ""))
    if not rows:
        rows.append((text("LCZ maps"), text("none of this place yet"), ""))
    seen = text("The image is what the networks see around the cell, which is framed.")
    return (
        f"<div class='lcz-of-place'><h3 style='margin:0'>{text('At {place}').format(place=where)}</h3>"
        + table((text("map"), "LCZ", text("probability")), rows, words=(1,))
        + (_warmth(found.warmth) if found.warmth else "")
        + f'<div class="lcz-note">{seen}</div>' * bool(found.patches)
        + "</div>"
    )


def _warmth(warm: PixelWarmth) -> str:
    what = text("Air: {degrees} °C") if warm.air else text("Surface: {degrees} °C")
    against = {"difference": number(warm.difference, 1, True), "reference": escape(warm.against)}
    if warm.dates > 1:
        said = text("{difference} K against {reference}; one pixel, median of {dates} dates.")
    else:
        said = text("{difference} K against {reference}; one pixel.")
    zone = ""
    if warm.zone:
        low, high = warm.zone_interval
        sure = interval(low, high, 2, True)
        known = text("{level} interval {interval}").format(level=warm.level, interval=sure)
        zone = " " + text("All of {zone}: {difference} K ({interval}, {n} pixels).").format(
            zone=zone_label(CLASSES[warm.zone - 1]), difference=number(warm.zone_difference, 2, True),
            interval=known if sure != "–" else text("without an interval"), n=f"{warm.n:,}",
        )  # fmt: skip
    here = what.format(degrees=number(warm.temperature, 1))
    return f"<div><b>{here}</b>, {said.format(**against, dates=warm.dates)}{zone}</div>"


def _bars(ink: str) -> tuple[Any, dict[str, ColumnDataSource]]:
    from bokeh.transform import dodge

    fig = figure(
        x_range=FactorRange("-"), y_range=(0, 1), height=210, tools="", toolbar_location=None,
        sizing_mode="stretch_width", title=text("Probability by class (from 2 %)"), name="probabilities",
        min_width=280,
    )  # fmt: skip
    sources = {}
    for i, kind in enumerate(_KINDS):
        sources[kind] = ColumnDataSource({"code": [], "top": []})
        fig.vbar(
            x=dodge("code", (i - 1) * 0.27, range=fig.x_range), top="top", width=0.25,
            source=sources[kind], color=SERIES[i], legend_label=map_title(kind),
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
        width=138, height=160, tools="", toolbar_location=None, title=name, x_range=(0, PATCH),
        y_range=(0, PATCH), name=f"patch {name}",
    )  # fmt: skip
    source = ColumnDataSource({"image": []})
    fig.image_rgba(image="image", x=0, y=0, dw=PATCH, dh=PATCH, source=source)
    fig.rect(
        [PATCH / 2], [PATCH / 2], _CELL, _CELL, fill_color=None, line_color="#00e5ff", line_width=2
    )
    fig.axis.visible = fig.grid.visible = False
    fig.update(border_fill_color=None, outline_line_color=None)
    fig.title.update(text_color=ink, text_font_size="9pt")
    return fig, source
