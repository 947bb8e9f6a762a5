"""Figures of one look for reports and papers: a column wide, colour for data alone, by matplotlib.

Each takes plain tables, as results hold them on disk, and returns a matplotlib figure.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.classes import CLASSES
from lczlib.export import staged
from lczlib.figures.style import SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, LINE = "#24292f", "#6e7781", "#d0d7de"
WIDTH = 3.6
"""Inches: a column of a page of A4, and a phone's width."""
_STYLE = {
    "font.family": ["sans-serif"], "font.sans-serif": ["Liberation Sans", "Arial", "DejaVu Sans"], "font.size": 8,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": QUIET, "axes.titlesize": 8.5,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.linewidth": 0.6, "xtick.color": INK,
    "ytick.color": INK, "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "xtick.major.width": 0.6,
    "ytick.major.width": 0, "axes.spines.top": False, "axes.spines.right": False, "grid.color": LINE,
    "grid.linewidth": 0.5, "svg.fonttype": "none", "pdf.fonttype": 42, "legend.frameon": False,
    "legend.fontsize": 7.5, "axes.unicode_minus": True,
}  # fmt: skip


def styled() -> Any:
    """The look, for a block in which figures are made and written."""
    from matplotlib import rc_context

    return rc_context(_STYLE)


def svg_of(figure: Figure, name: str) -> str:
    """A figure as SVG without a background; the same figure gives the same text.

    Parameters
    ----------
    figure : Figure
        As the functions here make it.
    name : str
        Tells its inner names from those of other figures on a page.
    """
    out = io.StringIO()
    with styled():
        import matplotlib as mpl

        mpl.rcParams["svg.hashsalt"] = name
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None}, dpi=200)
    return out.getvalue()


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG (300 dpi), SVG or PDF, by the name's ending, on white."""
    path = Path(path)
    when = {} if path.suffix == ".png" else {"metadata": {"Date": None}}
    if path.suffix == ".pdf":
        when = {"metadata": {"CreationDate": None}}
    with styled(), staged(path) as temporary:
        import matplotlib as mpl

        mpl.rcParams["svg.hashsalt"] = path.stem
        figure.savefig(temporary, dpi=300, facecolor="white", **when)
    return path


def blank(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure of one drawing, its size in inches."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    return fig, fig.subplots()


def interval_panel(
    rows: Sequence[str],
    series: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    title: str,
    label: str,
    *,
    colors: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    limits: tuple[float, float] | None = None,
    bars: bool = False,
    zero: bool = False,
) -> Figure:
    """Values with their intervals, a row each, for one series or several.

    Parameters
    ----------
    rows : sequence of str
        What each row is, from above.
    series : mapping of str to (values, low, high)
        Of each row; NaN where there is none.
    title, label : str
        Above it, and of its axis.
    colors : sequence of str, optional
        Swatches of the rows, for one series.
    notes : sequence of str
        At the right of each row, such as its sample size.
    limits : (float, float), optional
        Of the axis.
    bars : bool
        Whether bars from zero hold the values, not dots.
    zero : bool
        Whether zero has a line of its own.
    """
    n = len(rows)
    several = len(series) > 1
    pitch = max(0.19, 0.085 * len(series))
    with styled():
        fig, ax = blank(0.62 + pitch * n + 0.17 * _lines(series, several))
        for k, (name, parts) in enumerate(series.items()):
            values, low, high = (np.asarray(v, float) for v in parts)
            y = np.arange(n) + (k - (len(series) - 1) / 2) * 0.78 / len(series)
            of_row = (
                colors if colors and not several else [SERIES[k % len(SERIES)] if several or bars else INK] * n
            )  # fmt: skip
            sure = np.isfinite(low) & np.isfinite(high)
            if bars:
                ax.barh(y, values, height=0.7 / len(series), color=of_row, linewidth=0)
            ax.hlines(
                y[sure],
                low[sure],
                high[sure],
                color=INK if bars or colors else of_row[0],
                linewidth=1,
            )
            if not bars:
                ax.scatter(
                    values, y, s=24 if colors and not several else 13, c=of_row, zorder=3,
                    edgecolors=INK if colors and not several else "none", linewidths=0.5,
                )  # fmt: skip
            ax.plot([], [], "o", color=of_row[0], ms=4, label=name)
        ax.set_yticks(range(n), rows)
        ax.set(ylim=(n - 0.4, -0.6), xlabel=label, title=title)
        if limits:
            ax.set_xlim(limits)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        ax.spines["left"].set_visible(False)
        if zero:
            ax.axvline(0, color=INK, lw=0.8)
        for y, text in enumerate(notes):
            ax.annotate(
                text, (1, y), (4, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=7,
                color=QUIET, annotation_clip=False,
            )  # fmt: skip
        if several:
            fig.legend(
                loc="outside lower left", ncols=2, handlelength=0.8, columnspacing=1.2
            )  # names of maps are long: two beside each other
    return fig


def _lines(series: Mapping[str, Any], several: bool) -> int:
    return -(-len(series) // 2) if several else 0


def matrix_panel(counts: np.ndarray, title: str, rows: str, columns: str) -> Figure:
    """Per cent of each row of a confusion matrix or cross table; its diagonal is outlined.

    Parameters
    ----------
    counts : array (17, 17)
        Rows and columns are classes; those that neither side has are left out.
    title : str
        Above it.
    rows, columns : str
        What they are.
    """
    from matplotlib.patches import Rectangle

    table = np.asarray(counts, float)
    there = np.flatnonzero(table.any(0) | table.any(1))
    table = table[np.ix_(there, there)]
    total = table.sum(1, keepdims=True)
    share = np.divide(100 * table, total, out=np.full_like(table, np.nan), where=total > 0)
    codes = [CLASSES[i].code for i in there]
    n, size = len(there), 7.5 if len(there) < 12 else 6
    with styled():
        fig, ax = blank(WIDTH * 0.98)
        for i, j in zip(*np.nonzero(table), strict=True):
            one = share[i, j]
            ax.add_patch(
                Rectangle(
                    (j - 0.5, i - 0.5), 1, 1, fc="#0969da", alpha=0.06 + 0.94 * one / 100, lw=0
                )
            )
            text = f"{one:.0f}" if one >= 0.5 else "<1"
            ax.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=size,
                color="white" if one > 45 else INK,
            )
        for i in range(n):
            ax.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, ec=QUIET, lw=0.5))
        for i, number in enumerate(there):  # the classes' colours at the edges
            color = CLASSES[number].color
            ax.add_patch(
                Rectangle((-0.78, i - 0.44), 0.2, 0.88, fc=color, ec=QUIET, lw=0.3, clip_on=False)
            )
            ax.add_patch(
                Rectangle(
                    (i - 0.44, n - 0.42), 0.88, 0.2, fc=color, ec=QUIET, lw=0.3, clip_on=False
                )
            )  # fmt: skip
        ax.set_xticks(range(n), codes)
        ax.set_yticks(range(n), codes)
        ax.tick_params(length=0, pad=7)
        ax.set(
            xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xlabel=columns, ylabel=rows, title=title,
            aspect="equal",
        )  # fmt: skip
        for side in ax.spines.values():
            side.set(visible=True, color=LINE)
    return fig


def cycle_panel(diurnal: pd.DataFrame, title: str, label: str) -> Figure:
    """Differences through the day, a line a class with its interval.

    Parameters
    ----------
    diurnal : DataFrame
        ``lcz``, ``hour``, ``difference``, ``ci_low``, ``ci_high``.
    title, label : str
        Above it, and of the vertical axis.
    """
    numbers = [int(n) for n in sorted(diurnal["lcz"].unique())]
    alpha = 0.14 if len(numbers) <= 6 else 0.05  # many lie over each other
    with styled():
        fig, ax = blank(2.5 + 0.17 * -(-len(numbers) // 2))
        for number in numbers:
            zone = CLASSES[number - 1]
            rows = diurnal[diurnal["lcz"] == number].sort_values("hour")
            if (rows["ci_high"] > rows["ci_low"]).any():
                ax.fill_between(
                    rows["hour"], rows["ci_low"], rows["ci_high"], color=zone.color, alpha=alpha, lw=0
                )  # fmt: skip
            ax.plot(rows["hour"], rows["difference"], color=zone.color, lw=1.5, label=zone.label)
        ax.axhline(0, color=INK, lw=0.8)
        ax.set(
            title=title, xlabel="local solar hour", ylabel=label, xlim=(0, 23), xticks=range(0, 24, 3)
        )  # fmt: skip
        ax.grid(axis="y")
        fig.legend(loc="outside lower left", ncols=2, handlelength=1.2, columnspacing=1.2)
    return fig


def months_panel(months: Sequence[str], area: Any, low: Any, high: Any, title: str) -> Figure:
    """Area by month with its interval, km2."""
    area, low, high = (np.asarray(v, float) for v in (area, low, high))
    with styled():
        fig, ax = blank(2.3)
        x = np.arange(len(months))
        ax.vlines(x, low, high, color=INK, linewidth=1)
        ax.plot(x, area, "o-", color=SERIES[0], ms=4, lw=1)
        every = max(1, -(-len(months) // 6))
        ax.set_xticks(x[::every], months[::every])
        ax.set(title=title, ylabel="surface water (km²)", ylim=(0, None))
        ax.grid(axis="y")
    return fig


def dates_panel(dates: pd.DataFrame, title: str, label: str) -> Figure:
    """Differences by date, dots of a class in its colour; those in heat waves are diamonds.

    Parameters
    ----------
    dates : DataFrame
        ``day``, ``lcz``, ``difference``, ``heat_wave``.
    title, label : str
        Above it, and of the vertical axis.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    numbers = [int(n) for n in sorted(dates["lcz"].unique())]
    with styled():
        fig, ax = blank(2.5 + 0.17 * -(-len(numbers) // 2))
        for number in numbers:
            zone, rows = CLASSES[number - 1], dates[dates["lcz"] == number]
            hot = rows["heat_wave"] == 1
            for part, marker in ((rows[~hot], "o"), (rows[hot], "D")):
                ax.scatter(
                    pd.to_datetime(part["day"]), part["difference"], s=14, c=zone.color, marker=marker,
                    edgecolors=INK, linewidths=0.3, label=zone.label if marker == "o" else None,
                )  # fmt: skip
        ax.axhline(0, color=INK, lw=0.8)
        locator = AutoDateLocator(maxticks=6)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set(title=title, ylabel=label)
        ax.grid(axis="y")
        fig.legend(loc="outside lower left", ncols=2, handlelength=0.8, columnspacing=1.2)
    return fig
