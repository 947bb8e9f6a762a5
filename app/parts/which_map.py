"""Which of the maps is meant, and which of two is better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lczlib.kinds import MADE, TITLES, Kind
from lczlib.study import Study

from .markup import interval


def at_hand(study: Study, chosen: str, maps: Iterable[str], but: str = "") -> str:
    """The map that is meant by a choice: another one where there is no imagery to make it of."""
    scene = study.scene
    if chosen in maps or scene is None:
        return chosen
    if scene.mappable and (chosen not in MADE or _can_be_made(chosen, scene.sensors)):
        return chosen
    return next((name for name in maps if name != but), chosen)


def _can_be_made(kind: str, sensors: Sequence[str]) -> bool:
    """Whether imagery of some sensors is what a map is made of."""
    if kind in (Kind.BOTH, Kind.FUSED):
        return len(sensors) > 1
    return kind in sensors


def best_in_words(result: Any) -> str:
    """Which of the maps that a reference judged is the most accurate, by how much, and whether that is sure."""
    found = result.assessments
    order = sorted(found, key=lambda n: -found[n].scores["oa"])
    best = found[order[0]]
    said = (
        f"{TITLES[order[0]]} has the right class in {100 * best.scores['oa']:.1f} % of the {best.n:,} cells of the "
        f"reference (95 % interval {interval(*(100 * v for v in best.intervals['oa_ci']), 1)} %)"
    )
    pair = next((p for p in result.differences if set(p) == {*order[:2]}), None)
    if pair is None:
        return f"{said}."
    row = result.differences[pair].scores.loc["oa"]
    sign = 1 if pair[0] == order[0] else -1
    low, high = sorted((100 * sign * row["ci_low"], 100 * sign * row["ci_high"]))
    lead = f"{100 * sign * row['difference']:+.1f} points (interval {interval(low, high, 1, True)})"
    sure = (
        "which is significant"
        if row["significant"]
        else "which may be chance: the interval holds 0"
    )
    return f"{said}; against the next, {TITLES[order[1]]}, that is {lead}, {sure}."


def difference_in_words(names: tuple[str, str], found: Any, score: str = "oa") -> str:
    """Which of two maps the reference finds better, or that it cannot tell."""
    row = found.scores.loc[score]
    first, second = (TITLES[n] for n in names)
    figures = (
        f"{row['first']:.3f} and {row['second']:.3f}; difference {row['difference']:+.3f}, 95 % interval "
        f"{interval(row['ci_low'], row['ci_high'], 3, True)}, n = {found.n:,} cells in {found.n_units} "
        f"{found.unit}s"
    )
    if not row["significant"]:
        return (
            f"The overall accuracies of {first} and {second} are not significantly different: the "
            f"interval of their difference holds 0 ({figures})."
        )
    better = first if row["difference"] > 0 else second
    return f"By this reference {better} is significantly better in overall accuracy ({figures})."
