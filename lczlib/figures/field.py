"""Figures of fields of air temperature: the map with its error, and stations predicted without themselves.

Each returns a HoloViews element that is styled for the backends that are loaded.
"""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.figures.heat import both, framed
from lczlib.figures.style import styled
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
    points = styled(
        points,
        {"color": "measured", "cmap": "inferno", "clim": bounds},
        {"s": 42, "edgecolor": "white", "linewidth": 1.2},
        {"size": 9, "line_color": "white"},
    )
    dots = hv.Points((x[inside] / 1000, y[inside] / 1000), ["easting (km)", "northing (km)"])
    dots = styled(dots, {"color": "black"}, {"s": 12}, {"size": 5})
    found = np.asarray(error.data)[np.isfinite(error.data)]
    limits = (0.0, float(np.quantile(found, 0.995)) if found.size else 1.0)
    left = _image(temperature, "air temperature (degC)", "inferno", bounds, title) * points
    right = _image(error, "standard error (K)", "viridis", limits, "Standard error") * dots
    layout = hv.Layout([left, right]).cols(2)
    alone = {"fig_inches": (13, None), "hspace": 0.45, "sublabel_format": ""}
    return styled(layout, {}, alone, {})


def _image(
    layer: xr.DataArray, label: str, colors: str, bounds: tuple[float, float], title: str
) -> hv.Image:
    step = max(1, -(-max(layer.shape) // _LARGEST_MAP))
    part = layer[::step, ::step]
    x, y = part[part.dims[1]].to_numpy() / 1000, part[part.dims[0]].to_numpy() / 1000
    image = hv.Image((x, y, np.asarray(part.data)), ["easting (km)", "northing (km)"], label)
    return styled(
        image,
        {"cmap": colors, "clim": bounds, "colorbar": True, "title": title},
        {"aspect": "equal"},
        {"frame_width": 480, "data_aspect": 1, "tools": ["hover"]},
    )


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
        common = {"color": color, "alpha": 0.8}
        parts.append(styled(dots, common, {"s": 36}, {"size": 8, "tools": ["hover"]}))
    values = stations.loc[stations["method"].isin(_METHODS), ["measured", "predicted"]].to_numpy()
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low + 0.1)
    limits = (low - margin, high + margin)
    line = both(hv.Curve([(limits[0], limits[0]), (limits[1], limits[1])], *axes), color="#777777")
    figure = framed(hv.Overlay([line, *parts]), title, xlim=limits, ylim=limits)
    return styled(
        figure,
        {"legend_position": "bottom_right"},
        {"fig_inches": (5.5, 5.5), "aspect": 1},
        {"frame_width": 420, "frame_height": 420},
    )
