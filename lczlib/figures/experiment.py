"""Figures of experiments: tables as points with whiskers, accuracy against size and speed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lczlib.figures.accuracy import _whiskers
from lczlib.figures.style import SERIES, backends, sized, stacked, styled

_MORE = ("#999999", "#7a4a1e", "#6a51a3")
"""Colours for the networks beyond those of `SERIES`."""

_SCORES = (("oa", "Overall accuracy"), ("aa", "Average accuracy"))


def table_figure(table: pd.DataFrame, runs: pd.DataFrame, note: str = "") -> Any:
    """Overall and average accuracy of each line of a table: mean, 95% interval, and every seed.

    Parameters
    ----------
    table : DataFrame
        As ``table.csv`` of `lcz experiment` holds it. With columns ``published_oa`` and
        ``published_aa``, those are drawn beside, marked as published on other data.
    runs : DataFrame
        As ``runs.csv`` holds it.
    note : str
        Put behind the titles.
    """
    import holoviews as hv

    backends()
    at = np.arange(len(table))
    n = f"{table['n_patches'].iloc[0]:,} test patches"
    if table["n_polygons"].iloc[0]:
        n += f" in {table['n_polygons'].iloc[0]:,} polygons"
    n += note and f" ({note})"
    width = max(6.0, 0.75 * len(table) + 2.5)
    panels = []
    for score, label in _SCORES:
        parts = _whiskers(
            at - 0.08, table[score], table[f"{score}_low"], table[f"{score}_high"],
            "mean over seeds, 95% interval", SERIES[0],
        )  # fmt: skip
        place = runs["label"].map(dict(zip(table["label"], at, strict=True)))
        seeds = hv.Scatter((place + 0.08, runs[score]), "x", "y", label="single seeds")
        parts.append(styled(seeds, {"color": SERIES[4], "marker": "o"}, {"s": 12}, {"size": 4}))
        if f"published_{score}" in table:
            points = hv.Scatter(
                (at + 0.24, table[f"published_{score}"]), "x", "y", label="published, other data"
            )
            common = {"color": "grey", "marker": "d"}
            parts.append(styled(points, common, {"s": 25}, {"size": 6}))
        panels.append(sized(
            hv.Overlay(parts), width, 3.0, title=f"{label}, {n}",
            xticks=list(zip(at.tolist(), table["label"], strict=True)),
            xlim=(-0.6, len(table) - 0.4), xlabel="", ylabel=label, show_grid=True,
            legend_position="right", xrotation=25 if table["label"].str.len().max() > 8 else 0,
        ))  # fmt: skip
    return stacked(panels, width)


def tradeoff_figure(table: pd.DataFrame, note: str = "") -> Any:
    """Overall accuracy of networks against their parameters and their speed.

    Lines join the networks that no other one beats in both: the ones to choose from.

    Parameters
    ----------
    table : DataFrame
        As ``table.csv`` of `lcz experiment --table networks` holds it, with ``parameters`` and
        ``patches_per_second``.
    note : str
        Put behind the titles.
    """
    import holoviews as hv

    backends()
    known = table[table["oa"].notna() & table["patches_per_second"].notna()]
    panels = []
    for column, label, fewer in (
        ("patches_per_second", "Patches a second (inference, same process)", False),
        ("parameters", "Parameters", True),
    ):
        # logarithms on a plain axis: both backends then label the ticks that they are given alone
        x, y = np.log10(known[column].to_numpy(float)), known["oa"].to_numpy(float)
        limits = (x.min() - 0.15, x.max() + 0.15)
        chosen = front(-x if fewer else x, y)
        chosen = chosen[np.argsort(x[chosen])]
        line = hv.Curve((x[chosen], y[chosen]), "x", "y", label="not beaten in both")
        line = styled(line, {"color": "grey"}, {"linestyle": "dashed"}, {"line_dash": "dashed"})
        # named in the legend: networks of like size and accuracy leave no room for names beside them
        points = [
            part
            for i, (_, row) in enumerate(known.iterrows())
            for part in _whiskers(
                x[[i]], y[[i]], row[["oa_low"]], row[["oa_high"]], row["label"], _color(i)
            )
        ]
        panels.append(sized(
            hv.Overlay([line, *points]), 8, 3.6, xlabel=label,
            ylabel="Overall accuracy", show_grid=True, legend_position="right",
            xlim=limits, xticks=_ticks(*limits),
            title=f"n = {known['n_patches'].iloc[0]:,} test patches, {_seeds(known)}"
            f"{note and f' ({note})'}",
        ))  # fmt: skip
    return stacked(panels, 8)


def _color(number: int) -> str:
    return (*SERIES, *_MORE)[number % (len(SERIES) + len(_MORE))]


def _seeds(table: pd.DataFrame) -> str:
    low, high = int(table["n_seeds"].min()), int(table["n_seeds"].max())
    many = f"{high}" if low == high else f"{low} to {high}"
    return f"mean of {many} seed{'s' * (high > 1)}"


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks of an axis of decimal logarithms at 1, 2 and 5 times powers of ten; at powers alone over
    more than two of them.
    """
    steps = (1,) if high - low > 2.5 else (1, 2, 5)
    powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    values = [step * 10.0**p for p in powers for step in steps]
    return [(v, f"{10**v:,.0f}") for v in np.log10(values).tolist() if low <= v <= high]


def front(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Positions that no other one beats in both values and equals in neither (the Pareto front).

    Examples
    --------
    >>> import numpy as np
    >>> front(np.array([1, 2, 3, 2]), np.array([3, 2, 1, 1])).tolist()
    [0, 1, 2]
    """
    better = (first[:, None] >= first) & (second[:, None] >= second)
    better &= (first[:, None] > first) | (second[:, None] > second)
    return np.flatnonzero(~better.any(0))
