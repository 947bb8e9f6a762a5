"""Which of the maps is meant, and which of two is better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lczlib.kinds import MADE, Kind, map_title
from lczlib.study import Study
from lczlib.study.steps import named_maps
from lczlib.texts import text

from .markup import interval
from .words import units_of


def settle_choices(study: Study) -> None:
    """Let what is compared, and whose zones the heat is of, be maps that a place has or can have.

    Whichever page is open: what another page makes is listed and reported as well.
    """
    maps = named_maps(study)
    first = _at_hand(study, study.first, maps, but=study.second)
    second = _at_hand(study, study.second, maps, but=first)
    if first == Kind.SECOND != study.first:  # nobody chose it: what is only compared comes second
        first, second = second, first
    study.param.update(
        first=first,
        second=second,
        heat_map=_at_hand(study, study.heat_map, maps),
    )


def _at_hand(study: Study, chosen: str, maps: Iterable[str], but: str = "") -> str:
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
    first, second = (map_title(n) for n in names)
    figures = text(
        "{first} and {second}; difference {difference}, 95 % interval {interval}, n = {n} cells in {units}"
    ).format(
        first=f"{row['first']:.3f}", second=f"{row['second']:.3f}", difference=f"{row['difference']:+.3f}",
        interval=interval(row["ci_low"], row["ci_high"], 3, True), n=f"{found.n:,}",
        units=units_of(found.n_units, found.unit),
    )  # fmt: skip
    if not row["significant"]:
        return text(
            "The overall accuracies of {first} and {second} are not significantly different: the interval of "
            "their difference holds 0 ({figures})."
        ).format(first=first, second=second, figures=figures)
    better = first if row["difference"] > 0 else second
    return text(
        "By this reference {better} is significantly better in overall accuracy ({figures})."
    ).format(better=better, figures=figures)
