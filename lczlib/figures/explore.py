"""An LCZ map to pan, zoom and hover in a notebook."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.grid import geobox_of
from lczlib.mercator import mercator_box, to_mercator_grid

_NAMES = ["no data", *(c.label for c in CLASSES)]
_NAME_JS = f"return {_NAMES!r}[Math.round(value)] || 'no data'"
_CLEAR = "rgba(0, 0, 0, 0)"


def explore(
    lcz: xr.DataArray, *, tiles: bool = False, title: str = "", width: int = 700, height: int = 520
) -> Any:
    """An LCZ map that is panned and zoomed, and names the class below the pointer.

    The map is brought to web mercator once, by nearest neighbour; what is drawn is thinned by the
    mode (datashader), so that no colour appears that is not a class.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 1..17, 0 = no data, in any CRS.
    tiles : bool
        Street map below; needs the network.
    title : str
        Above the map.
    width, height : int
        Pixels.

    Returns
    -------
    HoloViews DynamicMap, or Overlay with tiles
        For the bokeh backend.
    """
    import holoviews as hv
    from bokeh.models import CustomJSHover, HoverTool
    from holoviews.operation.datashader import rasterize

    hv.renderer("bokeh")
    box = mercator_box(geobox_of(lcz, "LCZ map"))
    shown = to_mercator_grid(lcz, box, "nearest", dst_nodata=0)
    left, bottom, right, top = geobox_of(shown).boundingbox
    image = hv.Image(np.asarray(shown.data), ["x", "y"], "lcz", bounds=(left, bottom, right, top))
    hover = HoverTool(
        tooltips=[("", "@image{custom}")], formatters={"@image": CustomJSHover(code=_NAME_JS)}
    )
    drawn = rasterize(image, aggregator="mode", width=width, height=height).opts(
        hv.Options(
            "Image",
            cmap=[c.color for c in CLASSES], clim=(0.5, N_CLASSES + 0.5), title=title,
            clipping_colors={"min": _CLEAR, "NaN": _CLEAR}, tools=[hover], active_tools=["wheel_zoom"],
            width=width, height=height, data_aspect=1, xaxis=None, yaxis=None,
            alpha=0.75 if tiles else 1.0, backend="bokeh",
        )
    )  # fmt: skip
    return hv.element.tiles.OSM() * drawn if tiles else drawn
