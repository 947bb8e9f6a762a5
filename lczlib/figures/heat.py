"""Figures of heat islands: boxes and ranked bars by class, maps, diurnal cycles.

Each takes tables of :mod:`lczlib.analysis.heat` and returns a HoloViews element that is styled for
the backends that are loaded: bokeh (dashboard, notebooks) and matplotlib (files).
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.export.targets.names import zone_label
from lczlib.figures.style import styled
from lczlib.texts import N_, text

_GREY = "#444444"
_LARGEST_MAP = 1200
_CLIP = 99.0

DIFFERENCE = N_("difference to the reference (K)")
"""What the axis of the differences is called."""
MOST_IN_LEGEND = 200
"""Lines, bands and dots up to which a figure has its legend; HoloViews leaves it out from 25 on."""
_CLEAR_BANDS = 6
"""Classes up to which the intervals of a diurnal cycle are drawn in full strength."""
INTERVAL = "#777777"
"""Colour of intervals, whiskers and the line of no difference: seen on light pages and dark ones."""
_CORE, _CASING = "#1a1a1a", "#ffffff"
"""Of lines that lie upon bars of any colour: dark, with a light one on each side."""


def class_boxes(classes: pd.DataFrame, reference_temperature: float, title: str = "") -> hv.Overlay:
    """Spread of the pixels of each class against the reference, with the interval of the difference.

    Boxes hold the middle half of the pixels, whiskers 5 to 95%, the bar beside a box is the interval
    of its difference; below each class stands its number of pixels.

    Parameters
    ----------
    classes : DataFrame
        ``SurfaceHeatIsland.classes``.
    reference_temperature : float
        degC, ``SurfaceHeatIsland.reference_temperature``; where NaN, temperatures are drawn.
    title : str
        Of the figure.
    """
    table = classes.reset_index()
    alone = not np.isfinite(reference_temperature)
    unit = text("temperature (degC)") if alone else text(DIFFERENCE)
    reference_temperature = 0.0 if alone else reference_temperature
    x = np.arange(len(table), dtype=float)
    boxes, middles, whiskers, lines = [], [], [], []
    for i, row in table.iterrows():
        low, q25, mid, q75, high = (
            row[k] - reference_temperature for k in ("p05", "q25", "median", "q75", "p95")
        )
        color = CLASSES[int(row["lcz"]) - 1].color
        left, right, middle = x[i] - 0.4, x[i] + 0.2, x[i] - 0.1
        boxes.append((left, q25, right, q75, color))
        middles.append((left, mid, right, mid))
        whiskers += [(middle, low, middle, q25), (middle, q75, middle, high)]
        if np.isfinite(row["ci_low"]) and row["note"] != "reference":
            lines.append((x[i] + 0.34, row["ci_low"], x[i] + 0.34, row["ci_high"]))
    ticks = [
        (at, f"{CLASSES[int(r.lcz) - 1].code}\n{_short(r.n_pixels)}")
        for at, r in zip(x, table.itertuples(), strict=True)
    ]
    low, high = _limits(table, reference_temperature)
    dims = {"kdims": [text("LCZ and number of pixels"), unit, "x1", "y1"]}
    figure = (
        _styled(hv.Segments(whiskers, **dims), color=INTERVAL)
        * (hv.Overlay([]) if alone else zero_line())
        * _rectangles(boxes, dims["kdims"])
        * _cased(hv.Segments(middles, **dims), 1.2)
        * _styled(hv.Segments(lines, **dims), color=INTERVAL, width=3)
    )
    return framed(figure, title, xticks=ticks, ylim=(low, high), xlim=(-0.7, len(table) - 0.3))


def ranked_bars(classes: pd.DataFrame, title: str = "", unit: str = DIFFERENCE) -> hv.Overlay:
    """Difference of each class to the reference, warmest first, with its interval.

    Parameters
    ----------
    classes : DataFrame
        ``classes`` of a surface or canopy result; classes without a difference are left out.
    title, unit : str
        Of the figure and its vertical axis.
    """
    table = classes.reset_index().dropna(subset=["difference"])
    table = table.sort_values("difference", ascending=False).reset_index(drop=True)
    count = "n_pixels" if "n_pixels" in table else "n_stations"
    counted = text("LCZ and number of stations")
    if count == "n_pixels":
        counted = text("LCZ and number of pixels")
    dims = [counted, text(unit), "x1", "y1"]
    bars, lines = [], []
    for i, row in table.iterrows():
        color = CLASSES[int(row["lcz"]) - 1].color
        bars.append(
            (i - 0.38, min(0, row["difference"]), i + 0.38, max(0, row["difference"]), color)
        )
        if np.isfinite(row["ci_low"]) and row["note"] != "reference":
            lines.append((i, row["ci_low"], i, row["ci_high"]))
    ticks = [
        (i, f"{CLASSES[int(r['lcz']) - 1].code}\n{_short(r[count])}") for i, r in table.iterrows()
    ]
    reach = np.nanmax(np.abs(table["difference"].to_numpy()), initial=0.5)
    shown = [v for _, a, _, b in lines for v in (a, b) if abs(v) < 4 * reach] or [0.0]
    low = min(*shown, table["difference"].min(), 0) - 0.15 * reach
    high = max(*shown, table["difference"].max(), 0) + 0.15 * reach
    figure = _rectangles(bars, dims) * zero_line() * _cased(hv.Segments(lines, kdims=dims), 2.0)
    return framed(figure, title, xticks=ticks, ylim=(low, high), xlim=(-0.7, len(table) - 0.3))


def difference_map(
    difference: xr.DataArray, title: str = "", limit: float | None = None
) -> hv.Image:
    """Each pixel minus the reference; blue is cooler, red warmer, white the same.

    Parameters
    ----------
    difference : DataArray (y, x)
        K; thinned to at most 1,200 pixels a side for drawing.
    title : str
        Of the figure.
    limit : float, optional
        K at the ends of the colours; the 99th percentile of the absolute values when not given.
    """
    step = max(1, -(-max(difference.shape) // _LARGEST_MAP))
    part = difference[::step, ::step]
    values = np.asarray(part.data)
    if limit is None:
        limit = float(np.nanpercentile(np.abs(values), _CLIP)) if np.isfinite(values).any() else 1.0
    x, y = part[part.dims[1]].to_numpy() / 1000, part[part.dims[0]].to_numpy() / 1000
    image = hv.Image((x, y, values), ["easting (km)", "northing (km)"], DIFFERENCE)
    return styled(
        image,
        {"cmap": "RdBu_r", "clim": (-limit, limit), "colorbar": True, "title": title},
        {"fig_inches": (8, 7), "aspect": "equal"},
        {"frame_width": 560, "data_aspect": 1, "tools": ["hover"]},
    )


def diurnal_heatmap(hour_month: pd.DataFrame, lcz: int, title: str = "") -> hv.HeatMap:
    """Difference to the reference by hour of the day and month of one class.

    Parameters
    ----------
    hour_month : DataFrame
        ``CanopyHeatIsland.hour_month``.
    lcz : int
        Class to show.
    title : str
        Of the figure; the class when not given.
    """
    table = hour_month[hour_month["lcz"] == lcz]
    limit = float(table["difference"].abs().max())
    grid = table.pivot(index="month", columns="hour", values="difference")
    grid = grid.reindex(index=range(1, 13), columns=range(24))
    image = hv.Image(
        (np.arange(24), np.arange(1, 13), grid.to_numpy()),
        ["local solar hour", "month"], DIFFERENCE,
    )  # fmt: skip
    months = list(zip(range(1, 13), "JFMAMJJASOND", strict=True))
    image = both(
        image, cmap="RdBu_r", clim=(-limit, limit), colorbar=True, title=title or CLASSES[lcz - 1].label,
        xticks=list(range(0, 24, 3)), yticks=months, invert_yaxis=True,
    )  # fmt: skip
    return styled(
        image, {},
        {"fig_inches": (8, 4), "aspect": 2},
        {"frame_width": 560, "frame_height": 260, "tools": ["hover"]},
    )  # fmt: skip


def diurnal_cycle(diurnal: pd.DataFrame, title: str = "") -> hv.Overlay:
    """Mean difference to the reference through the day, a line a class with its interval; the legend names them.

    Parameters
    ----------
    diurnal : DataFrame
        ``CanopyHeatIsland.diurnal``.
    title : str
        Of the figure.
    """
    bands, curves = [], []
    alpha = 0.15 if diurnal["lcz"].nunique() <= _CLEAR_BANDS else 0.07  # many lie over each other
    unit, hour = text(DIFFERENCE), text("local solar hour")
    for number, part in diurnal.groupby("lcz"):
        zone = CLASSES[int(number) - 1]
        rows = part.sort_values("hour")
        if rows["ci_low"].notna().all() and (rows["ci_high"] > rows["ci_low"]).any():
            area = hv.Area((rows["hour"], rows["ci_low"], rows["ci_high"]), hour, [unit, "high"])
            common = {"color": zone.color, "alpha": alpha}
            bands.append(
                styled(area, common, {"facecolor": zone.color, "linewidth": 0}, {"line_alpha": 0})
            )
        curve = hv.Curve((rows["hour"], rows["difference"]), hour, unit, label=zone_label(zone))
        curves.append(styled(curve, {"color": zone.color}, {"linewidth": 2.2}, {"line_width": 2.5}))
    figure = hv.Overlay([*bands, zero_line(), *curves])
    low = min(0.0, diurnal["ci_low"].min(), diurnal["difference"].min())
    high = max(0.0, diurnal["ci_high"].max(), diurnal["difference"].max())
    margin = 0.05 * (high - low)
    figure = framed(
        figure,
        title,
        xticks=list(range(0, 24, 3)),
        xlim=(0, 23),
        ylim=(low - margin, high + margin),
    )
    return both(figure, legend_position="right", legend_limit=MOST_IN_LEGEND)


def station_spread(
    stations: pd.DataFrame, column: str = "difference", title: str = ""
) -> hv.Overlay:
    """Each station's own difference to the reference, by class: how much a class holds together.

    Parameters
    ----------
    stations : DataFrame
        ``CanopyHeatIsland.stations``.
    column : str
        ``difference`` or ``night_difference``.
    title : str
        Of the figure.
    """
    zones = sorted(stations["lcz"].unique())
    ticks = [
        (i, f"{CLASSES[z - 1].code}\n{(stations['lcz'] == z).sum()}") for i, z in enumerate(zones)
    ]
    points, means = [], []
    for i, zone in enumerate(zones):
        values = stations.loc[stations["lcz"] == zone, column].sort_values()
        spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
        points += [
            (i + dx, v, CLASSES[zone - 1].color) for dx, v in zip(spread, values, strict=True)
        ]
        means.append((i - 0.3, values.mean(), i + 0.3, values.mean()))
    dims = ["LCZ and number of stations", DIFFERENCE]
    dots = hv.Points(points, dims, "color")
    dots = styled(
        dots, {"color": "color"}, {"s": 45, "edgecolor": _GREY}, {"size": 9, "line_color": _GREY}
    )
    bars = _styled(hv.Segments(means, [*dims, "x1", "y1"]), color=INTERVAL, width=1.5)
    figure = bars * zero_line() * dots
    values = stations[column]
    margin = 0.1 * (values.max() - values.min() + 0.1)
    limits = (min(values.min(), 0) - margin, max(values.max(), 0) + margin)
    return framed(figure, title, xticks=ticks, xlim=(-0.7, len(zones) - 0.3), ylim=limits)


def both(element: hv.Dimensioned, **options: Any) -> hv.Dimensioned:
    """Options that both backends know by the same name."""
    return styled(element, options, {}, {})


def zero_line() -> hv.HLine:
    """The line of no difference."""
    return both(hv.HLine(0), color=INTERVAL)


def _limits(table: pd.DataFrame, reference: float) -> tuple[float, float]:
    low, high = table["p05"].min() - reference, table["p95"].max() - reference
    margin = 0.06 * (high - low)
    return float(low - margin), float(high + margin)


def _short(count: float) -> str:
    """832, 1.8k or 89k: a sample size that fits under a box."""
    if count < 1000:
        return str(int(count))
    return f"{count / 1000:.1f}k" if count < 10_000 else f"{count / 1000:.0f}k"


def _rectangles(rows: list[tuple[Any, ...]], dims: list[str]) -> hv.Rectangles:
    boxes = hv.Rectangles(rows, dims, "color")
    return styled(
        boxes, {},
        {"facecolor": "color", "edgecolor": _GREY, "linewidth": 0.8},
        {"fill_color": "color", "line_color": _GREY},
    )  # fmt: skip


def _styled(element: hv.Segments, color: str, width: float = 1.0) -> hv.Segments:
    return styled(element, {"color": color}, {"linewidth": width}, {"line_width": width})


def _cased(element: hv.Segments, width: float) -> hv.Overlay:
    """Lines that are seen upon each zone's colour, on light pages and dark ones."""
    casing = _styled(element.clone(), _CASING, width + 2.4)  # options stay with an element
    return casing * _styled(element, _CORE, width)


def framed(figure: hv.Overlay, title: str, **axes: Any) -> hv.Overlay:
    """Title, axes and size of a figure."""
    return styled(
        figure,
        {"title": title, "show_grid": False, **axes},
        {"fig_inches": (9, 4.5), "aspect": 2, "fontsize": {"title": 12}},
        {"frame_width": 620, "frame_height": 300},
    )
