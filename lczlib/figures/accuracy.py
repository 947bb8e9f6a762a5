"""Figures of accuracy: confusion matrix, accuracy of each class, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from lczlib.analysis.words import units_of
from lczlib.figures.style import CODES, SERIES, backends, numbered_grid, sized, stacked, styled
from lczlib.texts import N_, text

if TYPE_CHECKING:
    from lczlib.analysis.calibration import Calibration

_SAMPLE = {"pa": "n_reference", "ua": "n_predicted", "f1": "n_reference"}
_LABELS = {"pa": N_("Producer's accuracy"), "ua": N_("User's accuracy"), "f1": "F1"}
_COUNTED = {"n_reference": N_("reference"), "n_predicted": N_("predicted")}

Share = Literal["counts", "rows", "columns"]


def confusion_figure(counts: xr.DataArray, share: Share = "rows", title: str = "") -> Any:
    """A confusion matrix or cross table.

    Parameters
    ----------
    counts : DataArray (reference, predicted)
        Counts with any two dimension names; classes that neither side has are left out.
    share : {"counts", "rows", "columns"}
        Print and colour counts, per cent of the row (its diagonal is PA) or per cent of the column
        (UA).
    title : str
        Made from the number of cells where empty.
    """
    backends()
    table = counts.values.astype(float)
    present = np.flatnonzero(table.any(0) | table.any(1))
    values, written = (a[np.ix_(present, present)] for a in _printed(table, share))
    row_name, column_name = (str(d) for d in counts.dims)
    what = {"counts": text("Cells"), "rows": text("% of row"), "columns": text("% of column")}[
        share
    ]
    top = 100.0 if share != "counts" else max(1.0, np.nanmax(values, initial=0))
    edge = max(3.5, 0.4 * len(present) + 1)
    ticks = [(i, CODES[n]) for i, n in enumerate(present)]
    return sized(
        numbered_grid(values, written, top, what, 8 if len(present) < 14 else 7), edge + 0.8, edge,
        xticks=ticks, yticks=ticks, title=title or f"{what}, n = {int(table.sum()):,}",
        xlabel=column_name, ylabel=row_name,
    )  # fmt: skip


def _printed(table: np.ndarray, share: Share) -> tuple[np.ndarray, np.ndarray]:
    """Values to colour (NaN where empty) and text to print."""
    if share == "counts":
        with np.errstate(divide="ignore"):
            values = np.where(table > 0, np.log10(table), np.nan)
        return values, np.array([[_short(v) for v in row] for row in table])
    total = table.sum(1, keepdims=True) if share == "rows" else table.sum(0, keepdims=True)
    per_cent = np.divide(100 * table, total, out=np.full_like(table, np.nan), where=total > 0)
    values = np.where(table > 0, per_cent, np.nan)
    written = np.array(
        [["" if np.isnan(v) else f"{v:.0f}" if v >= 0.5 else "<1" for v in row] for row in values]
    )
    return values, written


def _short(n: float) -> str:
    if n < 1:
        return ""
    return f"{n:.0f}" if n < 10_000 else f"{n / 1e3:.0f}k" if n < 1e6 else f"{n / 1e6:.1f}M"


def class_accuracy_figure(
    assessments: Mapping[str, Any], units: str = "cells", note: str = ""
) -> Any:
    """Producer's and user's accuracy and F1 of each class for several maps, with 95% intervals.

    The content of Figure 10 of Zhou et al. 2022 (doi 10.1080/10095020.2022.2030654), as points
    with whiskers, so that the intervals can be compared.

    Parameters
    ----------
    assessments : mapping of str to Assessment
        One map a name; anything with such a table `classes`.
    units : str
        What was counted.
    note : str
        Put behind the titles.
    """
    import holoviews as hv

    backends()
    tables = {name: a.classes for name, a in assessments.items()}
    some = next(iter(tables.values()))
    held = np.zeros(len(some), bool)
    for table in tables.values():
        held |= (table["n_reference"] > 0).to_numpy()
    numbers = some.index[held]
    width = max(7.0, 0.6 * len(numbers) + 2.5)
    panels = []
    for score, label in _LABELS.items():
        parts = []
        for k, (name, table) in enumerate(tables.items()):
            offset = (k - (len(tables) - 1) / 2) * 0.7 / len(tables)
            rows = table.loc[numbers]
            parts += _whiskers(
                np.arange(len(numbers)) + offset, rows[score], rows[f"{score}_ci_low"],
                rows[f"{score}_ci_high"], name, SERIES[k % len(SERIES)],
            )  # fmt: skip
        ticks = [
            (i, f"{CODES[n - 1]}\n{_short(some.loc[n, _SAMPLE[score]])}")
            for i, n in enumerate(numbers)
        ]
        panels.append(sized(
            hv.Overlay(parts), width, 3.2, xticks=ticks,
            title=text("{score}, 95% interval").format(score=text(label)) + (note and f" ({note})"),
            ylim=(-0.03, 1.03), xlim=(-0.6, len(numbers) - 0.4), ylabel=text(label), show_grid=True,
            xlabel=text("LCZ, {kind} {units} ({map})").format(
                kind=text(_COUNTED[_SAMPLE[score]]), units=text(units), map=next(iter(tables))
            ),
            legend_position="right",
        ))  # fmt: skip
    return stacked(panels, width)


def _whiskers(x: Any, y: Any, low: Any, high: Any, name: str, color: str) -> list[Any]:
    """Points with their intervals as whiskers."""
    import holoviews as hv

    x, y, low, high = (np.asarray(v, float) for v in (x, y, low, high))
    seen = np.isfinite(y)
    sure = seen & np.isfinite(low) & np.isfinite(high)
    # a percentile interval may leave out the value itself by a hair
    below, above = np.maximum(y - low, 0), np.maximum(high - y, 0)
    points = hv.Scatter((x[seen], y[seen]), "x", "y", label=name)
    points = styled(points, {"color": color, "marker": "o"}, {"s": 30}, {"size": 7})
    bars = hv.ErrorBars((x[sure], y[sure], below[sure], above[sure]), "x", ["y", "below", "above"])
    bars = styled(
        bars, {}, {"edgecolor": color, "elinewidth": 1.5}, {"line_color": color, "line_width": 1.5}
    )
    return [bars, points]


def reliability_figure(result: Calibration, title: str = "") -> Any:
    """Accuracy against confidence, with 95% intervals, and the cells in each bin below it."""
    import holoviews as hv

    backends()
    table = result.reliability[result.reliability["n"] > 0]
    diagonal = hv.Curve(
        [(0, 0), (1, 1)], "confidence", "accuracy", label=text("perfectly calibrated")
    )
    diagonal = styled(diagonal, {"color": "grey"}, {"linestyle": "dashed"}, {"line_dash": "dashed"})
    points = _whiskers(
        table["confidence"], table["accuracy"], table["accuracy_ci_low"],
        table["accuracy_ci_high"], text("the map"), SERIES[0],
    )  # fmt: skip
    title = title or text("ECE {ece} ({low} to {high})\nn = {n} in {units}").format(
        ece=f"{result.ece:.3f}", low=f"{result.ece_ci[0]:.3f}", high=f"{result.ece_ci[1]:.3f}", n=f"{result.n:,}",
        units=units_of(result.n_units, result.unit),
    )  # fmt: skip
    upper = sized(
        hv.Overlay([diagonal, *points]), 6, 4, title=title, xlim=(0, 1), ylim=(0, 1),
        xlabel=text("Probability of the mapped class"), ylabel=text("Share of cells mapped right"),
        show_grid=True, legend_position="bottom_right",
    )  # fmt: skip
    every = result.reliability
    edges = np.append(every["low"], every["high"].iloc[-1])
    lower = hv.Histogram((edges, every["n"].to_numpy()), kdims="confidence", vdims="cells")
    lower = styled(lower, {"color": SERIES[0]}, {}, {"line_color": "white"})
    lower = sized(
        lower, 6, 1.8, xlim=(0, 1), xlabel=text("Probability of the mapped class"), ylabel=text("Cells"), title="",
    )  # fmt: skip
    return stacked([upper, lower], 6)


def certainty_figure(result: Calibration, title: str = "") -> Any:
    """How accurate a map is where it is at least so certain, and how much of it that is."""
    import holoviews as hv

    backends()
    table = result.certainty[result.certainty["n"] > 0]
    x = table["certainty"].to_numpy()
    line = hv.Curve((x, table["accuracy"]), "certainty", "y")
    line = styled(line, {"color": SERIES[0]}, {}, {})
    points = _whiskers(
        x, table["accuracy"], table["accuracy_ci_low"], table["accuracy_ci_high"],
        "accuracy of these cells", SERIES[0],
    )  # fmt: skip
    share = hv.Curve((x, table["share"]), "certainty", "y", label="share of the cells")
    share = styled(share, {"color": SERIES[1]}, {"linestyle": "dashed"}, {"line_dash": "dashed"})
    return sized(
        hv.Overlay([line, *points, share]), 6, 4,
        title=title or f"Accuracy where the map is sure, n = {result.n:,}",
        xlabel="Certainty of at least (1 - normalised entropy)", ylabel="Share of cells",
        ylim=(0, 1.02), xlim=(-0.03, 0.95), show_grid=True, legend_position="bottom_left",
    )  # fmt: skip
