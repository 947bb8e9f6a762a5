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
    FullscreenTool,
    HoverTool,
    Label,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
    WMTSTileSource,
)
from bokeh.palettes import Cividis256

from lczlib.classes import CLASSES
from lczlib.texts import text

from ..outside import STREET_MAP
from ..parts.words import zone_label
from .display import Picture, is_large, picture, window_of
from .geo import draw_layers
from .scripts import FIT_JS, FORGET_JS, SCALE_JS

_NAME_JS = "return names[Math.round(value)] || names[0]"
_UNSURE = 255
"""Of a certainty in whole percents, as it is told and sent: there is none."""
_PERCENT_JS = f"return value < {_UNSURE} ? value + ' %' : names[0]"
_EMPTY = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
_ATTRIBUTION = "© OpenStreetMap contributors"


class MapView:
    """One map figure. All methods run on the session's event loop.

    Parameters
    ----------
    colors : sequence of str
        Of the 17 classes.
    beside : MapView, optional
        Another map, to pan and zoom with it above its image, which is sent once.
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
        beside: MapView | None = None,
        title: str = "",
        name: str = "",
        height: int = 560,
        dark: bool = False,
        wheel: bool = True,
        touch: bool = False,
    ) -> None:
        self.x_range, self.y_range = (
            (beside.x_range, beside.y_range) if beside else (Range1d(-1, 1), Range1d(-1, 1))
        )
        self._large: dict[str, Any] = {}  # rasters too large to be sent whole, by layer
        self._windows: dict[str, Any] = {}  # the part of each that the browser has
        drawn = draw_layers(colors, height, title)
        self.figure, self.rings, self.pencil = drawn.figure, drawn.rings, drawn.pencil
        self.figure.update(
            x_range=self.x_range, y_range=self.y_range, match_aspect=True, min_width=260,
            background_fill_color=None, name=name or title or "map",
        )  # fmt: skip
        self.figure.grid.visible = False
        self._add_tools(wheel and not touch, touch)
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
        if beside is None:  # only the browser knows how wide the map is
            fit = CustomJS(args={"box": self._box, "fig": self.figure}, code=FIT_JS)
            self._box.js_on_change("data", fit)
            for size in ("inner_width", "inner_height"):
                self.figure.js_on_change(size, fit)
        self._tiles = None
        self._shown: Picture | None = None
        self._image = beside._image if beside else ColumnDataSource(dict(_EMPTY))
        below = self.figure.image_url(
            "image", "x", "y", "dw", "dh", source=self._image, anchor="bottom_left", level="image"
        )
        self.figure.renderers = [below, *(r for r in self.figure.renderers if r is not below)]
        self.classes, self.class_mapper = drawn.classes.source, drawn.classes.mapper
        self.values, self.value_mapper = drawn.values.source, drawn.values.mapper
        self._class_glyph, self._value_glyph = drawn.classes.glyph, drawn.values.glyph
        self.classes.data = {**_EMPTY, "certainty": []}
        self.values.data = dict(_EMPTY)
        self._value_glyph.visible = False
        self._bar = ColorBar(
            color_mapper=self.value_mapper, visible=False, height=10, width=200, location="bottom_right",
            orientation="horizontal", margin=8, padding=6, background_fill_color=paper, background_fill_alpha=0.9,
            major_label_text_color=ink, title_text_color=ink,
        )  # fmt: skip
        self.figure.add_layout(self._bar)  # upon the map, which would move to make room for it
        self._add_scale(ink, paper)
        self._add_hover()
        self.figure.on_event(RangesUpdate, lambda e: self._redraw((e.x0, e.y0, e.x1, e.y1)))
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
        names = {"names": [text("no data"), *(zone_label(c) for c in CLASSES)]}
        self._told = (text("class"), "@image{custom}"), (text("certainty"), "@certainty{custom}")
        self._hover = HoverTool(
            renderers=[self._class_glyph],
            tooltips=list(self._told),
            formatters={
                "@image": CustomJSHover(args=names, code=_NAME_JS),
                "@second": CustomJSHover(args=names, code=_NAME_JS),
                "@certainty": CustomJSHover(args=names, code=_PERCENT_JS),
            },
        )
        self._value_hover = HoverTool(
            renderers=[self._value_glyph], tooltips=[(text("value"), "@image{0.00}")]
        )
        self.figure.add_tools(self._hover, self._value_hover)
        forget = CustomJS(args={"tools": [self._hover, self._value_hover]}, code=FORGET_JS)
        for layer in (self._class_glyph, self._value_glyph):
            layer.js_on_change("visible", forget)
        for source in (self.classes, self.values):
            source.js_on_change("data", forget)

    def _add_tools(self, wheel: bool, touch: bool) -> None:
        """Metres per pixel stay the same in both directions, also where only an axis is scrolled over."""
        pan, turn = PanTool(), WheelZoomTool(zoom_on_axis=False)
        bar = self.figure.toolbar
        bar.update(
            tools=[pan, turn, BoxZoomTool(match_aspect=True), ResetTool(), FullscreenTool(), SaveTool(),
                   self.pencil],
            active_drag=None if touch else pan, active_scroll=turn if wheel else None, logo=None,
        )  # fmt: skip

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
        code = CustomJS(args={"fig": self.figure, "bar": bar, "told": told}, code=SCALE_JS)
        self.x_range.js_on_change("end", code)
        self.y_range.js_on_change("end", code)
        self.figure.js_on_change("inner_width", code)

    def on_click(self, call: Callable[[float, float], None]) -> None:
        """Call with web mercator x and y of each click."""
        self.figure.on_event(Tap, lambda e: call(e.x, e.y))

    def on_view(self, call: Callable[[tuple[float, float, float, float]], None]) -> None:
        """Call with the view's box (x0, y0, x1, y1) after pan or zoom."""
        self.figure.on_event(RangesUpdate, lambda e: call((e.x0, e.y0, e.x1, e.y1)))

    def show_image(self, image: Any) -> None:
        """The image below: a picture, or a large one as `display.rgba_layer` gives it; none to clear it."""
        if image is self._shown:  # some megabytes, which the browser may have
            return
        self._shown = image
        whole = image is None or isinstance(image, Picture)
        self._image.data = _address_data(image if whole else self._part("image", image))
        if whole:
            self._large.pop("image", None)

    def show_classes(self, lcz: Any, certainty: Any = None) -> None:
        """The class layer: a projected LCZ map (see `display.projected`), or none."""
        data = self._first("classes", lcz)
        known = certainty is not None and lcz is not None and certainty.size == lcz.size
        known &= "classes" not in self._large
        if known:
            data["certainty"] = [_percents(certainty.values[::-1])]
        self.classes.data = data
        self._hover.tooltips = list(self._told if known else self._told[:1])
        self._class_glyph.visible = lcz is not None
        self._value_glyph.visible = self._bar.visible = False

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
        self.values.data = self._first("values", values)
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

    def _first(self, layer: str, data: Any) -> dict[str, list[Any]]:
        """The columns of a raster that was not there before: all of it, or of a large one what is in view."""
        self._large.pop(layer, None)
        if data is None or not is_large(data):
            return _data(None if data is None else picture(data))
        return _data(self._part(layer, data))

    def _part(self, layer: str, data: Any) -> Picture:
        """Of a large raster, what is in view."""
        self._large[layer], (x, y) = data, (self.x_range, self.y_range)
        self._windows[layer] = window_of(data, (x.start, y.start, x.end, y.end))
        return picture(data, self._windows[layer])

    def _redraw(self, box: tuple[float, float, float, float]) -> None:
        """Large rasters anew where the view has left what the browser has, or can be shown finer."""
        sources = {"image": self._image, "classes": self.classes, "values": self.values}
        for layer, data in self._large.items():
            window = window_of(data, box, self._windows[layer])
            if window != self._windows[layer]:
                self._windows[layer] = window
                columns = _address_data if layer == "image" else _data
                sources[layer].data = columns(picture(data, window))


def picture_data(lcz: Any) -> dict[str, list[Any]]:
    """A projected raster as the columns of an image glyph."""
    return _data(picture(lcz))


def _percents(share: np.ndarray) -> np.ndarray:
    """Shares from 0 to 1 as whole percents, in bytes; `_UNSURE` where there is none."""
    return np.where(np.isfinite(share), np.rint(100 * share), _UNSURE).astype(np.uint8)


def _address_data(shown: Picture | None) -> dict[str, list[Any]]:
    """A picture as the columns of a glyph that takes an image by its address."""
    if shown is None or not shown.values.size:  # a large one that lies outside the view
        return dict(_EMPTY)
    return {**_data(shown), "image": [shown.address]}


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
