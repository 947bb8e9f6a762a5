"""Which of several maps a reference finds the most accurate, by how much, and whether that is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lczlib.texts import text

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
    said = text(
        "{map} has the right class in {share} % of the {n} cells of the reference; 95 % interval {interval}"
    )
    if best.units:
        said = text(
            "{map} has the right class in {share} % of the {n} cells of the reference ({units}); 95 % interval "
            "{interval}"
        )
    said = said.format(
        map=order[0], share=f"{100 * best.oa:.1f}", n=f"{best.n:,}", units=best.units,
        interval=_per_cents(best.low, best.high),
    )  # fmt: skip
    if len(order) == 1:
        return f"{said}."
    second = maps[order[1]]
    known = differences or {}
    pair = next((p for p in known if set(p) == set(order[:2])), None)
    if pair is not None:
        return f"{said}. {_by_difference(order, pair, known[pair])}"
    sure = (
        text("without intervals the order of the two is not settled")
        if not np.isfinite([second.high, best.low]).all()
        else text("the intervals overlap, so the order of the two is not settled")
        if second.high >= best.low
        else text("the intervals are apart")
    )
    following = text("The next is {map} with {share} % ({interval}, n = {n}): {verdict}.").format(
        map=order[1], share=f"{100 * second.oa:.1f}", interval=_per_cents(second.low, second.high),
        n=f"{second.n:,}", verdict=sure,
    )  # fmt: skip
    return f"{said}. {following}"


def _by_difference(order: list[str], pair: tuple[str, str], found: AccuracyDifference) -> str:
    row = found.scores.loc["oa"]
    sign = 1 if pair[0] == order[0] else -1
    low, high = sorted(100 * sign * row[k] for k in ("ci_low", "ci_high"))
    sure = (
        text("which is significant")
        if row["significant"]
        else text("which may be chance: the interval holds 0")
    )
    if not np.isfinite([low, high]).all():
        sure = text("and without an interval nothing says whether that is chance")
    return text(
        "On the {n} cells that both map it is {difference} points against the next, {map} (interval {interval}), "
        "{verdict}."
    ).format(
        n=f"{found.n:,}", difference=_number(100 * sign * row["difference"]), map=order[1],
        interval=_points(low, high), verdict=sure,
    )  # fmt: skip


def _per_cents(low: float, high: float) -> str:
    """``60.6 to 73.9 %``."""
    if not np.isfinite([low, high]).all():
        return text("not known")
    return text("{low} to {high}").format(low=f"{100 * low:.1f}", high=f"{100 * high:.1f} %")


def _points(low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return text("not known")
    return text("{low} to {high}").format(low=_number(low), high=_number(high))


def _number(value: float) -> str:
    """With its sign, and a true minus; nothing is no less than nothing."""
    written = f"{value:+.1f}"
    return "+0.0" if written == "-0.0" else written.replace("-", "−")
