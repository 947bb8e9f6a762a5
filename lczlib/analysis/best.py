"""Which of several maps a reference finds the most accurate, by how much, and whether that is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lczlib.analysis.differences import AccuracyDifference


@dataclass(frozen=True)
class Scored:
    """The overall accuracy of one map.

    Attributes
    ----------
    oa, low, high : float
        Overall accuracy (0 to 1) and its 95 % interval; NaN where there is none.
    n : int
        Cells that have both a class of the reference and of the map.
    units : str
        What the interval is drawn over: ``154 polygons``; empty where that is not known.
    """

    oa: float
    low: float
    high: float
    n: int
    units: str = ""


def best_in_words(
    maps: Mapping[str, Scored], differences: Mapping[tuple[str, str], AccuracyDifference] | None = None
) -> str:  # fmt: skip
    """The most accurate of maps that one reference judged, in a sentence.

    Whether it is told from the next is said by the interval of their paired difference where there is one; else by
    their own intervals, which is more careful: maps judged by the same cells can differ although these overlap
    (Schenker & Gentleman 2001, doi 10.1198/000313001317097960).

    Parameters
    ----------
    maps : mapping of str to Scored
        By their titles.
    differences : mapping of (str, str) to AccuracyDifference, optional
        Of pairs of them.

    Returns
    -------
    str
        Empty if no map has an overall accuracy.
    """
    order = sorted((t for t in maps if np.isfinite(maps[t].oa)), key=lambda t: -maps[t].oa)
    if not order:
        return ""
    best = maps[order[0]]
    units = f" ({best.units})" if best.units else ""
    said = (
        f"{order[0]} has the right class in {100 * best.oa:.1f} % of the {best.n:,} cells of the reference{units}; 95 "
        f"% interval {_per_cents(best.low, best.high)}"
    )
    if len(order) == 1:
        return f"{said}."
    second = maps[order[1]]
    known = differences or {}
    pair = next((p for p in known if set(p) == set(order[:2])), None)
    if pair is not None:
        return f"{said}. {_by_difference(order, pair, known[pair])}"
    sure = (
        "without intervals the order of the two is not settled"
        if not np.isfinite([second.high, best.low]).all()
        else "the intervals overlap, so the order of the two is not settled"
        if second.high >= best.low
        else "the intervals are apart"
    )
    return (
        f"{said}. The next is {order[1]} with {100 * second.oa:.1f} % ({_per_cents(second.low, second.high)}, n = "
        f"{second.n:,}): {sure}."
    )


def _by_difference(order: list[str], pair: tuple[str, str], found: AccuracyDifference) -> str:
    row = found.scores.loc["oa"]
    sign = 1 if pair[0] == order[0] else -1
    low, high = sorted(100 * sign * row[k] for k in ("ci_low", "ci_high"))
    sure = (
        "which is significant"
        if row["significant"]
        else "which may be chance: the interval holds 0"
    )
    if not np.isfinite([low, high]).all():
        sure = "and without an interval nothing says whether that is chance"
    return (
        f"On the {found.n:,} cells that both map it is {_number(100 * sign * row['difference'])} points against the "
        f"next, {order[1]} (interval {_points(low, high)}), {sure}."
    )


def _per_cents(low: float, high: float) -> str:
    """``60.6 to 73.9 %``."""
    return (
        f"{100 * low:.1f} to {100 * high:.1f} %" if np.isfinite([low, high]).all() else "not known"
    )


def _points(low: float, high: float) -> str:
    return f"{_number(low)} to {_number(high)}" if np.isfinite([low, high]).all() else "not known"


def _number(value: float) -> str:
    """With its sign, and a true minus; nothing is no less than nothing."""
    text = f"{value:+.1f}"
    return "+0.0" if text == "-0.0" else text.replace("-", "−")
