"""Figures of comparison: areas of classes, cross tables, changes from class to class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.analysis.comparison import agreement_matrix
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.figures.accuracy import Share, confusion_figure
from lczlib.figures.style import CODES, COLORS, backends, numbered_grid, sized, stacked, styled
from lczlib.texts import text

if TYPE_CHECKING:
    from lczlib.analysis.comparison import Comparison


def areas_figure(areas: Mapping[str, pd.Series]) -> Any:
    """Area of each class in one or several maps, in the colours of the classes.

    Parameters
    ----------
    areas : mapping of str to Series
        One map a name: square kilometres, index LCZ 1..17 (``class_areas(lcz)["area_km2"]``).
    """
    import holoviews as hv

    backends()
    held = np.any([a.to_numpy() > 0 for a in areas.values()], axis=0)
    numbers = np.flatnonzero(held) + 1
    top = max(float(a.max()) for a in areas.values()) * 1.08
    width = max(6.0, 0.42 * len(numbers) + 1.5)
    ticks = [(i, CODES[n - 1]) for i, n in enumerate(numbers)]
    panels = []
    for name, area in areas.items():
        # rectangles, since matplotlib's bars take one colour only
        bars = hv.Rectangles(
            [
                (i - 0.4, 0.0, i + 0.4, float(area.loc[n]), CLASSES[n - 1].label, COLORS[CODES[n - 1]])
                for i, n in enumerate(numbers)
            ],
            ["x0", "y0", "x1", "y1"], ["LCZ", "color"],
        )  # fmt: skip
        bars = styled(
            bars, {"color": "color"},
            {"edgecolor": "black", "linewidth": 0.5},
            {"line_color": "black", "line_width": 0.5, "tools": ["hover"]},
        )  # fmt: skip
        panels.append(sized(
            bars, width, 2.6, title=f"{name}: {float(area.sum()):,.0f} km²", xticks=ticks,
            ylabel="Area (km²)", xlabel="LCZ", ylim=(0, top), xlim=(-0.6, len(numbers) - 0.4),
        ))  # fmt: skip
    return stacked(panels, width)


def cross_table_figure(
    comparison: Comparison, share: Share = "rows", names: tuple[str, str] | None = None
) -> Any:
    """The cross table of two maps, as `lczlib.figures.confusion_figure` draws it.

    Parameters
    ----------
    comparison : Comparison
        As of `lczlib.analysis.compare`.
    share : {"counts", "rows", "columns"}
        What a cell shows.
    names : (str, str), optional
        What the maps are called; as in the comparison by default.
    """
    first, second = names or comparison.names
    title = text("Agreement {agreement} of {size}").format(
        agreement=f"{comparison.agreement:.3f}", size=comparison.size
    )
    return confusion_figure(comparison.counts.rename(first=first, second=second), share, title)


def agreement_figure(comparisons: list[Comparison], score: str = "agreement") -> Any:
    """A square of the agreement of several maps with each other.

    Parameters
    ----------
    comparisons : list of Comparison
        As of `lczlib.analysis.compare_all`.
    score : str
        As in `lczlib.analysis.agreement_matrix`.
    """
    backends()
    table = agreement_matrix(comparisons, score)
    written = np.array([[f"{v:.3f}" for v in row] for row in table.to_numpy()])
    overlay = numbered_grid(table.to_numpy(), written, 1.0, score, 9)
    size = len(table)
    ticks = list(enumerate(table.index))
    n = sorted({c.n for c in comparisons})
    cells = f"{n[0]:,}" if len(n) == 1 else f"{n[0]:,} to {n[-1]:,}"
    return sized(
        overlay, 2.5 + 0.8 * size, 1.5 + 0.6 * size, xticks=ticks, yticks=ticks,
        xlabel="", ylabel="", xrotation=30, title=f"{score.replace('_', ' ').capitalize()}, n = {cells}",
    )  # fmt: skip


def _room_for_labels(plot: Any, _element: Any) -> None:
    plot.handles["x_range"].end = 1400  # bokeh draws the nodes from 0 to 1000, labels beyond


def changes_figure(comparison: Comparison, largest: int = 20) -> Any:
    """A Sankey diagram of the most frequent changes from one map to the other.

    Parameters
    ----------
    comparison : Comparison
        Of the two maps.
    largest : int
        Number of class pairs to draw.

    Raises
    ------
    InputError
        If the maps agree everywhere.
    """
    import holoviews as hv

    backends()
    changes = comparison.changes()
    drawn = changes.head(largest)
    if drawn.empty:
        msg = (
            f"{comparison.names[0]} and {comparison.names[1]} agree everywhere: no change to draw."
        )
        raise InputError(msg)
    area = comparison.classes["area_first_km2"].sum() / float(
        comparison.counts.sum()
    )  # mean km2 of a cell
    first, second = comparison.names
    used = [
        *(("a", n) for n in sorted(drawn["lcz_first"].unique())),
        *(("b", n) for n in sorted(drawn["lcz_second"].unique())),
    ]
    place = {key: i for i, key in enumerate(used)}
    nodes = hv.Dataset(
        pd.DataFrame({
            "index": range(len(used)), "label": [CLASSES[n - 1].label for _, n in used],
            "color": [CLASSES[n - 1].color for _, n in used],
        }),
        "index", ["label", "color"],
    )  # fmt: skip
    edges = [
        (place["a", a], place["b", b], float(n) * area, CLASSES[a - 1].color)
        for a, b, n in drawn[["lcz_first", "lcz_second", "n"]].itertuples(index=False)
    ]
    sankey = hv.Sankey((edges, nodes), ["from", "to"], [hv.Dimension("area", unit="km²"), "edge"])
    share = drawn["n"].sum() / changes["n"].sum()
    title = f"{first} → {second}: the {len(drawn)} largest of {len(changes)} changes, {share:.0%} of what changed"
    sankey = styled(
        sankey,
        {"labels": "label", "node_color": "color", "edge_color": "edge", "label_position": "right"},
        # the map of colours is not used, but matplotlib would be given the name of bokeh's
        {"edge_alpha": 0.45, "fig_size": 100, "label_text_font_size": 8, "cmap": "tab20"},
        {"edge_line_alpha": 0.2, "edge_fill_alpha": 0.45, "cmap": "Category20",
         "hooks": [_room_for_labels]},
    )  # fmt: skip
    return sized(sankey, 9, max(4.0, 0.32 * len(used) + 1), title=title)
