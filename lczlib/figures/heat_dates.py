"""The figure of a season's dates: what each class differs by, date by date."""

from __future__ import annotations

import holoviews as hv
import numpy as np

from lczlib.analysis.heat.dates import Season
from lczlib.classes import CLASSES
from lczlib.export.targets.names import zone_label
from lczlib.figures.heat import DIFFERENCE, MOST_IN_LEGEND, both, framed, zero_line
from lczlib.figures.style import styled
from lczlib.texts import text


def dates_figure(season: Season, title: str = "") -> hv.Overlay:
    """Difference of each class on each date, with its mean or, where it has one, its trend.

    Dots are dates, those of heat waves diamonds; a line is the trend, or level the mean of the spells.

    Parameters
    ----------
    season : Season
        What is drawn.
    title : str
        Of the figure.
    """
    unit, date = text(DIFFERENCE), text("date")
    dots, lines = [], []
    for number, row in season.classes.iterrows():
        own = season.by_date[season.by_date["lcz"] == number]
        if row["note"] == "reference" or own.empty:
            continue
        zone = CLASSES[int(number) - 1]
        ends = np.array([own["day"].min(), own["day"].max()], "datetime64[D]")
        heights = np.full(2, row["difference"])
        if np.isfinite(row["trend"]):
            since = (ends - np.datetime64(own["day"].mean(), "D")).astype(float) / 3652.5
            heights = heights + row["trend"] * since
        line = hv.Curve(
            (ends.astype("datetime64[ns]"), heights), date, unit, label=zone_label(zone)
        )
        lines.append(styled(line, {"color": zone.color}, {"linewidth": 1.8}, {"line_width": 2}))
        hot = own["heat_wave"] == 1
        for part, at_matplotlib, at_bokeh in (
            (own[~hot], "o", "circle"),
            (own[hot], "D", "diamond"),
        ):
            if part.empty:
                continue
            marks = hv.Scatter((part["day"], part["difference"]), date, unit)
            marks = styled(
                marks, {"color": zone.color},
                {"marker": at_matplotlib, "s": 26, "edgecolor": "#444444", "linewidth": 0.5},
                {"marker": at_bokeh, "size": 7, "line_color": "#444444"},
            )  # fmt: skip
            dots.append(marks)
    figure = framed(hv.Overlay([zero_line(), *lines, *dots]), title, xlabel=date, ylabel=unit)
    return both(figure, legend_position="right", legend_limit=MOST_IN_LEGEND)
