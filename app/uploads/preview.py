"""What lies in files that are not taken yet, on the map beside: outlines, and the data of one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.palettes import Cividis256

from lczlib.study.looking import Seen
from lczlib.texts import text

from ..maps.display import projected, to_mercator
from ..maps.imagery import study_bounds
from ..maps.mapview import MapView, picture_data
from ..parts.messages import begun

if TYPE_CHECKING:
    from ..session import Session

_NOTHING: dict[str, list[Any]] = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
_MOST_SHAPES = 5000
_UNITS = {"thermal": "°C", "air": "°C", "elevation": "m"}
"""Of the values that are shown of a kind of file."""
_ORANGE = "#ea580c"
Bounds = tuple[float, float, float, float]


@dataclass
class Drawn:
    """What is drawn of a file, in web mercator: made in a thread, since it takes a while."""

    classes: dict[str, list[Any]] = field(default_factory=lambda: dict(_NOTHING))
    values: dict[str, list[Any]] = field(default_factory=lambda: dict(_NOTHING))
    low: float = 0.0
    high: float = 1.0
    title: str = ""
    lines: dict[str, list[Any]] = field(default_factory=lambda: {"xs": [], "ys": [], "color": []})
    points: dict[str, list[Any]] = field(default_factory=lambda: {"x": [], "y": [], "color": []})


def drawn(seen: Seen | None, colors: tuple[str, ...]) -> Drawn:
    """Make what is drawn of a file that was read.

    Parameters
    ----------
    seen : Seen, optional
        The file; nothing is drawn of none.
    colors : tuple of str
        Of the 17 classes.
    """
    out = Drawn()
    shown = None if seen is None else seen.shown
    if isinstance(shown, gpd.GeoDataFrame):
        _draw_shapes(out, shown, colors)
    elif isinstance(shown, xr.DataArray) and shown.dtype.kind in "iu":
        out.classes = picture_data(projected(shown))
    elif seen is not None and isinstance(shown, xr.DataArray):
        layer = projected(shown, 1.0)
        known = layer.values[np.isfinite(layer.values)]
        if known.size:
            low, high = (float(v) for v in np.quantile(known, (0.02, 0.98)))
            out.low, out.high = low, max(high, low + 1e-6)
            out.values = picture_data(layer)
            ends = f"{known.min():,.1f}", f"{known.max():,.1f}"
            said = text("{what} ({unit}): {low} to {high}")
            out.title = said.format(
                what=begun(text(seen.kind.title)),
                unit=_UNITS.get(seen.kind.name, ""),
                low=ends[0],
                high=ends[1],
            )
    return out


def color_scale(data: Drawn) -> str:
    """The colours of a file's values with what they mean, as markup; empty where none are drawn."""
    if not data.title:
        return ""
    colors = ", ".join(Cividis256[::15])
    bar = f'<div style="height:10px;background:linear-gradient(to right, {colors})"></div>'
    ends = f"<span>≤ {data.low:,.1f}</span><span>≥ {data.high:,.1f}</span>"
    row = f'<div style="display:flex;justify-content:space-between">{ends}</div>'
    return f'<div class="lcz-note">{escape(data.title)}{bar}{row}</div>'


def _draw_shapes(out: Drawn, table: gpd.GeoDataFrame, colors: tuple[str, ...]) -> None:
    table = table[~(table.geometry.isna() | table.geometry.is_empty)].head(_MOST_SHAPES)
    table = table.to_crs(4326)
    numbers = table["lcz"].to_numpy() if "lcz" in table.columns else np.zeros(len(table), int)
    of = [colors[n - 1] if 0 < n <= len(colors) else _ORANGE for n in np.nan_to_num(numbers).astype(int)]  # fmt: skip
    near = _middle(table)
    for shape, color in zip(table.geometry, of, strict=True):
        if shape.geom_type == "Point":
            x, y = to_mercator(shape.x, shape.y, near=near)
            out.points["x"].append(float(x))
            out.points["y"].append(float(y))
            out.points["color"].append(color)
            continue
        for line in _lines_of(shape):
            x, y = to_mercator(*line.T, near=near)
            out.lines["xs"].append(x)
            out.lines["ys"].append(y)
            out.lines["color"].append(color)


def _lines_of(shape: Any) -> Iterable[np.ndarray]:
    parts = [p for p in shapely.get_parts(shape) if p.geom_type != "Point"]
    for part in parts:
        rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
        for ring in rings:
            yield shapely.get_coordinates(ring)


def _middle(table: gpd.GeoDataFrame) -> float:
    """An x in web mercator on the side of 180 degrees that shapes are drawn on."""
    x, _ = to_mercator(float(table.geometry.iloc[0].centroid.x) if len(table) else 0.0, 0.0)
    return float(x)


def bounds_of(seen: Seen | None) -> Bounds | None:
    """The box of a file in web mercator; None where it lies nowhere."""
    ring = ring_of(seen)
    if ring is None:
        return None
    (x0, x1), (y0, y1) = ((float(v.min()), float(v.max())) for v in ring)
    margin = 300.0 if x1 - x0 < 1 or y1 - y0 < 1 else 0.0  # a point has no size to fit a view to
    return x0 - margin, y0 - margin, x1 + margin, y1 + margin


def ring_of(seen: Seen | None) -> tuple[np.ndarray, np.ndarray] | None:
    """The border of a file in web mercator."""
    if seen is None or seen.outline is None:
        return None
    longitude, latitude = seen.outline
    if not longitude.size or not np.isfinite(longitude).all():
        return None
    near, _ = to_mercator(float(longitude.mean()), 0.0)
    x, y = to_mercator(longitude, np.clip(latitude, -85, 85), near=float(near))
    return np.asarray(x, float), np.asarray(y, float)


class Preview:
    """Draws files that are not taken yet upon a map, apart from what the map itself shows.

    Parameters
    ----------
    session : Session
    view : MapView
    """

    def __init__(self, session: Session, view: MapView) -> None:
        self._session, self._view = session, view
        figure = view.figure
        self._classes, self._values = (ColumnDataSource(dict(_NOTHING)) for _ in range(2))
        self._mapper = LinearColorMapper(palette=list(Cividis256), nan_color="rgba(0, 0, 0, 0)")
        self._layers = [
            figure.image(source=self._classes, color_mapper=view.class_mapper, level="image", visible=False),
            figure.image(source=self._values, color_mapper=self._mapper, level="image", visible=False),
        ]  # fmt: skip
        self._lines = ColumnDataSource({"xs": [], "ys": [], "color": []})
        self._points = ColumnDataSource({"x": [], "y": [], "color": []})
        self._borders = ColumnDataSource({"xs": [], "ys": []})
        figure.multi_line("xs", "ys", source=self._lines, line_color="color", line_width=1.8)
        figure.scatter("x", "y", source=self._points, size=8, color="color", line_color="#1c2126")
        figure.multi_line(
            "xs", "ys", source=self._borders, line_color=_ORANGE, line_width=2.5, line_dash="dashed"
        )  # fmt: skip
        self._showing = False

    def show(
        self, data: Drawn, of: Seen | None, others: Iterable[Seen | None], *, move: bool = True
    ) -> None:
        """Show one file's data, the borders of all, and move the view to the one where that is wanted."""
        self._showing = True
        for source, layer, image in zip(
            (self._classes, self._values), self._layers, (data.classes, data.values), strict=True
        ):
            source.data, layer.visible = image, bool(image["image"])
        self._mapper.update(low=data.low, high=data.high)
        self._lines.data, self._points.data = data.lines, data.points
        rings = [r for r in map(ring_of, others) if r is not None]
        self._borders.data = {"xs": [x for x, _ in rings], "ys": [y for _, y in rings]}
        bounds = bounds_of(of)
        if bounds is not None and move:
            self._view.fit(bounds)

    def clear(self) -> None:
        """Show none, and the place again as it was."""
        if not self._showing:
            return
        self.show(Drawn(), None, ())
        self._showing = False
        bounds = study_bounds(self._session.study)
        if bounds is not None:
            self._view.fit(bounds)
