"""The layers of a map as GeoViews elements, on one Bokeh figure.

Everything a map shows is in web mercator by then, projected once (`display.projected`), since maps of several
grids and zones share one view and optional street tiles come in nothing else. Left to themselves, GeoViews
elements in another projection are projected anew for every frame.

GeoViews draws the figure and its layers once; new cells go straight to a layer's source (`Layer.source`), so that
HoloViews does not apply all options of a plot again for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.models import ColumnDataSource, LinearColorMapper, PolyDrawTool
from bokeh.palettes import Cividis256

from ..parts.palette import CLEAR

_DRAWN = "#00b8d4"
_NOWHERE = (1.0, 1.0, 3.0, 3.0)


@dataclass(frozen=True)
class Layer:
    """One raster layer of a figure.

    Attributes
    ----------
    source : ColumnDataSource
        ``image``, ``x``, ``y``, ``dw``, ``dh``, and further columns of the cells.
    mapper : LinearColorMapper
    glyph : GlyphRenderer
    """

    source: ColumnDataSource
    mapper: LinearColorMapper
    glyph: Any


@dataclass(frozen=True)
class Drawn:
    """What GeoViews made.

    Attributes
    ----------
    figure : bokeh figure
    classes, values : Layer
    rings : ColumnDataSource
        ``xs`` and ``ys`` of the polygons that a visitor draws.
    pencil : PolyDrawTool
        Draws them.
    """

    figure: Any
    classes: Layer
    values: Layer
    rings: ColumnDataSource
    pencil: PolyDrawTool


@cache
def geoviews() -> Any:
    """GeoViews with its Bokeh side, imported where a map is first drawn: it takes about a second."""
    import geoviews as gv
    import geoviews.plotting.bokeh as _  # noqa: F401 - it registers how elements are drawn
    import holoviews as hv

    hv.Store.set_current_backend("bokeh")
    return gv


def mercator() -> Any:
    """The projection of all maps."""
    from cartopy.crs import GOOGLE_MERCATOR

    return GOOGLE_MERCATOR


def draw_layers(colors: Sequence[str], height: int, title: str) -> Drawn:
    """A figure in web mercator with an empty layer of classes, and one of values above it.

    Parameters
    ----------
    colors : sequence of str
        Of the 17 classes.
    height : int
        Pixels; the width follows the page.
    title : str
        Above the map.
    """
    import holoviews as hv

    gv = geoviews()
    options: dict[str, Any] = {
        # the view is this project's to choose (`mapview`), in every frame
        "apply_ranges": False, "framewise": False, "default_tools": [], "tools": ["pan"],
    }  # fmt: skip
    classes = _cells(gv, np.zeros((2, 2), np.uint8), "lcz").opts(
        cmap=list(colors), clim=(0.5, 17.5),
        clipping_colors={"min": CLEAR, "max": CLEAR, "NaN": CLEAR}, **options,
    )  # fmt: skip
    values = _cells(gv, np.zeros((2, 2), np.float32), "value").opts(
        cmap=list(Cividis256), clim=(0, 1), clipping_colors={"NaN": CLEAR}, **options
    )
    whole = (classes * values).opts(
        projection=mercator(), responsive=True, height=height, title=title, toolbar="above", show_legend=False,
        default_tools=[], data_aspect=None, aspect=None, xlabel="", ylabel="",
    )  # fmt: skip
    # a document of its own: the renderer gives its theme to the one that it is told
    plot = hv.renderer("bokeh").instance(mode="server").get_plot(whole, doc=Document())
    figure = plot.state
    figure.update(output_backend="canvas", min_border=None)  # as images are drawn at any size
    for part in plot.subplots.values():  # a click, or a box that is drawn, selects no image
        shown = part.handles["glyph_renderer"]
        shown.update(
            selection_glyph=shown.glyph, nonselection_glyph=shown.glyph, muted_glyph=shown.glyph,
            level="image",
        )  # fmt: skip
    rings = ColumnDataSource({"xs": [], "ys": []})
    areas = figure.patches(  # GeoViews draws polygons as shapes with holes, which no tool of Bokeh's draws
        "xs", "ys", source=rings, color=_DRAWN, fill_alpha=0.12, line_width=2
    )
    corners = figure.scatter([], [], size=8, color=_DRAWN)
    pencil = PolyDrawTool(renderers=[areas], vertex_renderer=corners, drag=False, visible=False)
    return Drawn(figure, *(_layer(part) for part in plot.subplots.values()), rings, pencil)


def _cells(gv: Any, values: np.ndarray, name: str) -> Any:
    return gv.Image(values, bounds=_NOWHERE, kdims=["x", "y"], vdims=[name], crs=mercator())


def _layer(part: Any) -> Layer:
    found = part.handles
    return Layer(found["source"], found["color_mapper"], found["glyph_renderer"])
