"""Figures of fields of air temperature: the map with its error, and stations predicted without themselves.

Each returns a HoloViews element that draws with the bokeh and the matplotlib backend.
"""

from __future__ import annotations

import holoviews as hv
import holoviews.plotting.bokeh
import holoviews.plotting.mpl
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.figures.heat import both, framed
from lczlib.texts import N_, text

_LARGEST_MAP = 1200
_AXES = (N_("measured (degC)"), N_("predicted (degC)"))
_METHODS = {
    "lcz_kriging": (N_("with zones"), "#0072b2"),
    "ordinary_kriging": (N_("ordinary kriging"), "#d55e00"),
}


def field_map(
    temperature: xr.DataArray,
    error: xr.DataArray,
    x: np.ndarray,
    y: np.ndarray,
    measured: np.ndarray,
    title: str = "",
) -> hv.Layout:
    """Temperature and its standard error side by side, stations in the colour of what they measured.

    Parameters
    ----------
    temperature, error : DataArray (y, x)
        degC and K; thinned to at most 1,200 pixels a side for drawing.
    x, y : array (n,)
        Places of the stations in the map's projection, m.
    measured : array (n,)
        Their temperatures, degC.
    title : str
        Of the temperatures' map.
    """
    known = np.asarray(temperature.data)[np.isfinite(temperature.data)]
    ends = np.concatenate([np.quantile(known, [0.005, 0.995]) if known.size else [0, 1], measured])
    bounds = float(ends.min()), float(ends.max())
    inside = _inside(temperature, x, y)
    points = hv.Points(
        (x[inside] / 1000, y[inside] / 1000, measured[inside]),
        ["easting (km)", "northing (km)"],
        "measured",
    )
    points = points.opts(
        color="measured",
        cmap="inferno",
        s=42,
        edgecolor="white",
        linewidth=1.2,
        backend="matplotlib",
    )
    points = points.opts(
        color="measured", cmap="inferno", size=9, line_color="white", backend="bokeh"
    )
    points = both(points, clim=bounds)
    dots = hv.Points((x[inside] / 1000, y[inside] / 1000), ["easting (km)", "northing (km)"])
    dots = dots.opts(color="black", s=12, backend="matplotlib").opts(
        color="black", size=5, backend="bokeh"
    )
    found = np.asarray(error.data)[np.isfinite(error.data)]
    limits = (0.0, float(np.quantile(found, 0.995)) if found.size else 1.0)
    left = _image(temperature, "air temperature (degC)", "inferno", bounds, title) * points
    right = _image(error, "standard error (K)", "viridis", limits, "Standard error") * dots
    layout = hv.Layout([left, right]).cols(2)
    return layout.opts(fig_inches=(13, None), hspace=0.45, sublabel_format="", backend="matplotlib")


def _image(
    layer: xr.DataArray, label: str, colors: str, bounds: tuple[float, float], title: str
) -> hv.Image:
    step = max(1, -(-max(layer.shape) // _LARGEST_MAP))
    part = layer[::step, ::step]
    x, y = part[part.dims[1]].to_numpy() / 1000, part[part.dims[0]].to_numpy() / 1000
    image = hv.Image((x, y, np.asarray(part.data)), ["easting (km)", "northing (km)"], label)
    image = both(image, cmap=colors, clim=bounds, colorbar=True, title=title)
    image = image.opts(aspect="equal", backend="matplotlib")
    return image.opts(frame_width=480, data_aspect=1, tools=["hover"], backend="bokeh")


def _inside(layer: xr.DataArray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    across, down = layer[layer.dims[1]].to_numpy(), layer[layer.dims[0]].to_numpy()
    return (x >= across.min()) & (x <= across.max()) & (y >= down.min()) & (y <= down.max())


def validation_dots(stations: pd.DataFrame, title: str = "") -> hv.Overlay:
    """Each station's predicted against its measured temperature, with zones and by ordinary kriging.

    Parameters
    ----------
    stations : DataFrame
        ``Validation.stations`` of one design.
    title : str
        Of the figure.
    """
    axes = [text(name) for name in _AXES]
    parts = []
    for method, (label, color) in _METHODS.items():
        rows = stations[stations["method"] == method]
        codes = [CLASSES[z - 1].code for z in rows["lcz"]]
        dots = hv.Points(
            (rows["measured"], rows["predicted"], codes), axes, "LCZ",
            label=text(label),
        )  # fmt: skip
        dots = dots.opts(color=color, s=36, alpha=0.8, backend="matplotlib")
        parts.append(dots.opts(color=color, size=8, alpha=0.8, tools=["hover"], backend="bokeh"))
    values = stations.loc[stations["method"].isin(_METHODS), ["measured", "predicted"]].to_numpy()
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low + 0.1)
    limits = (low - margin, high + margin)
    line = both(hv.Curve([(limits[0], limits[0]), (limits[1], limits[1])], *axes), color="#777777")
    figure = framed(hv.Overlay([line, *parts]), title, xlim=limits, ylim=limits)
    figure = figure.opts(fig_inches=(5.5, 5.5), aspect=1, backend="matplotlib")
    figure = figure.opts(frame_width=420, frame_height=420, backend="bokeh")
    return both(figure, legend_position="bottom_right")
