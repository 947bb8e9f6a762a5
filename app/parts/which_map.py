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
