"""A map in the browser: image below, classes or values above, pan, zoom, hover and click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import RangesUpdate, Tap
from bokeh.models import (
    BoxAnnotation,
    BoxZoomTool,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    CustomJSHover,
    HoverTool,
    Label,
    LinearColorMapper,
    Range1d,
    WheelZoomTool,
    WMTSTileSource,
)
from bokeh.palettes import Cividis256
from bokeh.plotting import figure

from lczlib.classes import CLASSES

from ..outside import STREET_MAP
from ..parts.palette import CLEAR
from .display import MOST_CELLS, Picture, picture

NAMES = ["no data", *(c.label for c in CLASSES)]
_NAME_JS = f"return {NAMES!r}[Math.round(value)] || 'no data'"
_PERCENT_JS = "return isFinite(value) ? (100 * value).toFixed(0) + ' %' : 'no data'"
_FIT_JS = """
if (fig.properties.inner_width.is_unset) return  // it has not been drawn: it is fitted once it is
const {x, y} = box.data
const [w, h] = [fig.inner_width, fig.inner_height]
if (x.length < 2 || !w || !h) return
const [rx, ry] = [fig.x_range, fig.y_range]
const [a, b, wide, was_moved] = box.tags
const whole = Math.max((x[1] - x[0]) / w, (y[1] - y[0]) / h)
const [wx, wy] = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2]
// a view that the visitor has moved keeps its middle and its metres per pixel, in both directions
const moved = cb_obj !== box && a != null
    && (was_moved || Math.abs(rx.start - a) > 1e-3 || Math.abs(rx.end - b) > 1e-3)
const scale = moved ? (rx.end - rx.start) / wide : whole
const [cx, cy] = moved ? [(rx.start + rx.end) / 2, (ry.start + ry.end) / 2] : [wx, wy]
const to = (r, c, n, home) => r.setv({start: c - scale * n / 2, end: c + scale * n / 2,
                                      reset_start: home - whole * n / 2, reset_end: home + whole * n / 2})
to(rx, cx, w, wx)
to(ry, cy, h, wy)
box.tags = [rx.start, rx.end, w, moved]
"""
_FORGET_JS = """
for (const tool of tools) {
  const view = cb_context.index.find_one(tool)
  if (view) for (const [, tip] of view.ttmodels) tip.clear()
}
"""
"""What a tooltip says is of the layer that was there: it comes anew with the pointer's next move."""
_TOLD = (("class", "@image{custom}"), ("certainty", "@certainty{custom}"))
_SCALE_JS = """
if (fig.properties.inner_width.is_unset) return  // a linked map that is not on the page
const {start, end} = fig.x_range
const middle = (fig.y_range.start + fig.y_range.end) / 2
// web mercator's metres are shorter on the ground, by latitude
const metres = (end - start) / fig.inner_width / Math.cosh(middle / 6378137)
const shown = fig.inner_width > 50 && metres > 0 && fig.y_range.end - fig.y_range.start < 2e6
if (shown) {
  const most = 0.22 * Math.min(fig.inner_width, 700) * metres
  const power = 10 ** Math.floor(Math.log10(most))
  const length = power * [5, 2, 1].find(n => n * power <= most)
  const text = (length >= 1000 ? `${length / 1000} km` : `${+length.toPrecision(1)} m`) + '  N ↑'
  bar.setv({right: bar.left + length / metres}, {sync: false})  // the server need not know
  told.setv({text}, {sync: false})
}
for (const part of [bar, told]) part.setv({visible: shown}, {sync: false})
"""
"""Where one length holds for the whole view, within about a tenth."""
_EMPTY = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
_ATTRIBUTION = "© OpenStreetMap contributors"


class MapView:
    """One map figure. All methods run on the session's event loop.

    Parameters
    ----------
    colors : sequence of str
        Of the 17 classes.
    ranges : (Range1d, Range1d), optional
        Of another map, to pan and zoom with it.
    title : str
        Also what a screen reader calls it.
    name : str
        By which the figure is found; the title where it is empty.
    height : int
        Pixels; the width follows the page.
    dark : bool
    wheel : bool
        Whether the mouse wheel zooms at once; not in the midst of a page that it scrolls.
    touch : bool
        Whether it is for a phone, on which a finger on the map scrolls the page until a tool is taken.
    """

    def __init__(
        self,
        colors: tuple[str, ...],
        *,
        ranges: tuple[Range1d, Range1d] | None = None,
        title: str = "",
        name: str = "",
        height: int = 560,
        dark: bool = False,
        wheel: bool = True,
        touch: bool = False,
    ) -> None:
        self.x_range, self.y_range = ranges or (Range1d(-1, 1), Range1d(-1, 1))
        self.linked = ranges is not None
        self._full: Any = None  # a raster too large to be sent whole
        self.figure = figure(
            x_range=self.x_range, y_range=self.y_range, match_aspect=True, height=height,
            sizing_mode="stretch_width", x_axis_type="mercator", y_axis_type="mercator",
            tools="pan,wheel_zoom,box_zoom,reset,save", title=title,
            active_scroll="wheel_zoom" if wheel and not touch else None, active_drag=None if touch else "auto",
            toolbar_location="above", min_width=260, background_fill_color=None,
            name=name or title or "map",
        )  # fmt: skip
        self.figure.toolbar.logo = None
        self.figure.grid.visible = False
        # metres per pixel stay the same in both directions, also where only an axis is scrolled over
        for tool in self.figure.tools:  # a search would find those of the linked maps too
            if isinstance(tool, WheelZoomTool):
                tool.zoom_on_axis = False
            elif isinstance(tool, BoxZoomTool):
                tool.match_aspect = True
        ink = "#d5dae0" if dark else "#333333"
        paper = "#181b1f" if dark else "#ffffff"
        self.figure.update(
            border_fill_color=paper,
            background_fill_color="#24282d" if dark else "#eef0f2",
            outline_line_color=None,
        )
        self.figure.title.update(text_color=ink, text_font_size="11pt", text_font_style="bold")
        for axis in self.figure.axis:
            axis.update(major_label_text_color=ink, axis_line_color=None, major_tick_line_color=ink,
                        minor_tick_line_color=None, major_label_text_font_size="8pt")  # fmt: skip
        self._box = ColumnDataSource({"x": [], "y": []})
        if not self.linked:  # only the browser knows how wide the map is
            fit = CustomJS(args={"box": self._box, "fig": self.figure}, code=_FIT_JS)
            self._box.js_on_change("data", fit)
            for size in ("inner_width", "inner_height"):
                self.figure.js_on_change(size, fit)
        self._tiles = None
        self._shown: Picture | None = None
        self._image = ColumnDataSource(dict(_EMPTY))
        self.figure.image_rgba(source=self._image, level="image")
        self.classes = ColumnDataSource({**_EMPTY, "certainty": []})
        self.class_mapper = LinearColorMapper(
            palette=list(colors),
            low=0.5,
            high=17.5,
            low_color=CLEAR,
            high_color=CLEAR,
            nan_color=CLEAR,
        )
        self._class_glyph = self.figure.image(
            source=self.classes, color_mapper=self.class_mapper, level="image"
        )
        self.values = ColumnDataSource(dict(_EMPTY))
        self.value_mapper = LinearColorMapper(palette=Cividis256, low=0, high=1, nan_color=CLEAR)
        self._value_glyph = self.figure.image(
            source=self.values, color_mapper=self.value_mapper, level="image", visible=False
        )
        self._bar = ColorBar(
            color_mapper=self.value_mapper, visible=False, height=10, width=200, location="bottom_right",
            orientation="horizontal", margin=8, padding=6, background_fill_color=paper, background_fill_alpha=0.9,
            major_label_text_color=ink, title_text_color=ink,
        )  # fmt: skip
        self.figure.add_layout(self._bar)  # upon the map, which would move to make room for it
        self._add_scale(ink, paper)
        self._add_hover()
        self._marks = ColumnDataSource({"x": [], "y": []})
        self.figure.scatter(
            "x",
            "y",
            source=self._marks,
            marker="cross",
            size=22,
            line_width=3,
            line_color="#00e5ff",
        )
        self._outlines = ColumnDataSource({"xs": [], "ys": [], "color": []})
        self.figure.multi_line(
            "xs", "ys", source=self._outlines, line_color="color", line_width=1.6
        )

    def _add_hover(self) -> None:
        """Tell what lies under the pointer, and no more of it once another layer is shown."""
        self._hover = HoverTool(
            renderers=[self._class_glyph],
            tooltips=list(_TOLD),
            formatters={
                "@image": CustomJSHover(code=_NAME_JS),
                "@second": CustomJSHover(code=_NAME_JS),
                "@certainty": CustomJSHover(code=_PERCENT_JS),
            },
        )
        self._value_hover = HoverTool(
            renderers=[self._value_glyph], tooltips=[("value", "@image{0.00}")]
        )
        self.figure.add_tools(self._hover, self._value_hover)
        forget = CustomJS(args={"tools": [self._hover, self._value_hover]}, code=_FORGET_JS)
        for layer in (self._class_glyph, self._value_glyph):
            layer.js_on_change("visible", forget)
        for source in (self.classes, self.values):
            source.js_on_change("data", forget)

    def _add_scale(self, ink: str, paper: str) -> None:
        """A length on the ground at the middle of the view, which only the browser knows; north is up."""
        screen = {
            "left_units": "screen",
            "right_units": "screen",
            "bottom_units": "screen",
            "top_units": "screen",
        }
        bar = BoxAnnotation(
            left=12, right=12, bottom=12, top=15, fill_color=ink, fill_alpha=1, line_color=paper, level="overlay",
            visible=False, name="scale bar", **screen,
        )  # fmt: skip
        told = Label(
            x=12, y=19, x_units="screen", y_units="screen", text="", text_font_size="9pt", text_color=ink,
            background_fill_color=paper, background_fill_alpha=0.75, visible=False, name="scale",
        )  # fmt: skip
        self.figure.add_layout(bar)
        self.figure.add_layout(told)
        code = CustomJS(args={"fig": self.figure, "bar": bar, "told": told}, code=_SCALE_JS)
        self.x_range.js_on_change("end", code)
        self.y_range.js_on_change("end", code)
        self.figure.js_on_change("inner_width", code)

    def on_click(self, call: Callable[[float, float], None]) -> None:
        """Call with web mercator x and y of each click."""
        self.figure.on_event(Tap, lambda e: call(e.x, e.y))

    def on_view(self, call: Callable[[tuple[float, float, float, float]], None]) -> None:
        """Call with the view's box (x0, y0, x1, y1) after pan or zoom."""
        self.figure.on_event(RangesUpdate, lambda e: call((e.x0, e.y0, e.x1, e.y1)))

    def show_image(self, image: Picture | None) -> None:
        """The image below; none to clear it."""
        if image is not self._shown:  # some megabytes, which the browser may have
            self._shown = image
            self._image.data = _data(image)

    def show_classes(self, lcz: Any, certainty: Any = None) -> None:
        """The class layer: a projected LCZ map (see `display.projected`), or none."""
        self._full = lcz if lcz is not None and lcz.size > MOST_CELLS else None
        shown = picture(lcz) if lcz is not None else None
        data = _data(shown)
        data["certainty"] = [] if shown is None else [_certainty(certainty, shown)]
        self.classes.data = data
        self._hover.tooltips = list(_TOLD if certainty is not None else _TOLD[:1])
        self._class_glyph.visible = lcz is not None
        self._value_glyph.visible = self._bar.visible = False
        if self._full is not None:
            self.on_view(self._redraw)

    def hover_both(self, second: Any, names: list[str]) -> None:
        """Tell the class of a second map too, where it has the cells of the first."""
        (first,) = self.classes.data["image"] or [None]
        if first is None or first.shape != second.shape:
            return
        self.classes.data = {**self.classes.data, "second": [second]}
        columns = ("@image{custom}", "@second{custom}")
        self._hover.tooltips = list(zip(names, columns, strict=True))

    def show_values(self, values: Any, title: str, low: float = 0.0, high: float = 1.0,
                    palette: tuple[str, ...] = Cividis256, *, bar: bool = True) -> None:  # fmt: skip
        """A layer of values in place of the classes: projected, or none; with a colour bar."""
        self.value_mapper.update(low=low, high=high, palette=list(palette))
        self.values.data = _data(picture(values) if values is not None else None)
        self._bar.title = title
        self._value_hover.tooltips = [(title, "@image{0.00}")]
        self._value_glyph.visible = values is not None
        self._bar.visible = bar and values is not None
        self._class_glyph.visible = False

    def opacity(self, value: float) -> None:
        """Of the layer above the image."""
        self._class_glyph.glyph.global_alpha = value
        self._value_glyph.glyph.global_alpha = value

    def colors(self, palette: tuple[str, ...]) -> None:
        """Another palette of classes."""
        self.class_mapper.palette = list(palette)

    def mark(self, x: float | None, y: float | None = None) -> None:
        """A cross at a place; none removes it."""
        self._marks.data = {"x": [], "y": []} if x is None else {"x": [x], "y": [y]}

    def outline(self, polygons: Any, colors: list[str]) -> None:
        """Outlines of polygons in web mercator."""
        rings = [
            (np.asarray(p.exterior.coords)[:, :2].T, c)
            for g, c in zip(polygons, colors, strict=True)
            for p in getattr(g, "geoms", [g])
        ]
        self._outlines.data = {
            "xs": [r[0] for r, _ in rings], "ys": [r[1] for r, _ in rings], "color": [c for _, c in rings],
        }  # fmt: skip

    def base_map(self, shown: bool) -> None:
        """Street map tiles below, which need the network; without it nothing is drawn."""
        if shown and self._tiles is None:
            source = WMTSTileSource(url=STREET_MAP, attribution=_ATTRIBUTION)
            self._tiles = self.figure.add_tile(source, level="underlay")
        if self._tiles is not None:
            self._tiles.visible = shown

    def fit(self, bounds: tuple[float, float, float, float]) -> None:
        """Show a box (x0, y0, x1, y1), with a margin and square metres; `reset` comes back to it."""
        x0, y0, x1, y1 = bounds
        dx, dy = 0.02 * (x1 - x0), 0.02 * (y1 - y0)
        self._box.data = {"x": [x0 - dx, x1 + dx], "y": [y0 - dy, y1 + dy]}

    def fit_exactly(self, bounds: tuple[float, float, float, float]) -> None:
        """Show a box without a margin, as it was left."""
        x0, y0, x1, y1 = bounds
        self._box.data = {"x": [x0, x1], "y": [y0, y1]}

    def _redraw(self, box: tuple[float, float, float, float]) -> None:
        """A large raster anew for what is in view."""
        if self._full is not None and box[2] > box[0]:
            shown = picture(self._full, box)
            self.classes.data = {**_data(shown), "certainty": [_certainty(None, shown)]}


def picture_data(lcz: Any) -> dict[str, list[Any]]:
    """A projected raster as the columns of an image glyph."""
    return _data(picture(lcz))


def _data(shown: Picture | None) -> dict[str, list[Any]]:
    if shown is None:
        return dict(_EMPTY)
    return {
        "image": [shown.values],
        "x": [shown.left],
        "y": [shown.bottom],
        "dw": [shown.width],
        "dh": [shown.height],
    }


def _certainty(certainty: Any, shown: Picture) -> np.ndarray:
    if certainty is None or certainty.size != shown.values.size:
        return np.full(shown.values.shape, np.nan, np.float32)
    return np.ascontiguousarray(certainty.values[::-1])
