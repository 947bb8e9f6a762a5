"""What is said of maps by a network that was adapted to a visitor's polygons."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lczlib.classes import CLASSES
from lczlib.study.adapting import held_out
from lczlib.study.drawn_inputs import DrawnInputs
from lczlib.texts import text, texts

if TYPE_CHECKING:
    from lczlib.study.adapting import Adapted
    from lczlib.study.material import Maps
    from lczlib.study.results import Accuracy


def adapted_note(maps: Maps | None) -> str:
    """Which network made the map, and how right it is where it was not trained; empty of any other map."""
    if maps is None or maps.adapted is None:
        return ""
    found = maps.adapted
    made = text("Sentinel-2 is mapped by {network}, adapted to {polygons} of yours.").format(
        network=found.start, polygons=texts("{n} polygon", "{n} polygons", found.polygons)
    )
    tested = text(
        "On polygons it had not seen: {held_out}; the network as it was has {before} there. “Sentinel-2, second "
        "network” is the map of the network as it was."
    ).format(held_out=held_out(found.test), before=held_out(found.before))
    # what it was tested on is of those classes alone, and others can be lost to them
    rest = text(
        "Classes that your polygons do not show were not tested, and may have lost ground to those that they show: "
        "draw some of each class that counts, and look at both maps."
    )
    said = f"{made} {tested} {rest}"
    notes = "".join(f"<div class='lcz-note'>{escape(note)}</div>" for note in left_out(found))
    return f'<div class="lcz-banner info" role="status">{escape(said)}</div>{notes}'


def left_out(adapted: Adapted) -> list[str]:
    """What of a visitor's polygons could not be used, and what was not tested, in people's words."""
    n, said = adapted.lost, []
    if lost := n.get("polygons_without_cell"):
        said.append(
            texts(
                "{n} polygon holds no patch and was left out: draw it larger, or lower “{spacing}”.",
                "{n} polygons hold no patch and were left out: draw them larger, or lower “{spacing}”.",
                lost, spacing=text(DrawnInputs.param["drawn_spacing"].label),
            )
        )  # fmt: skip
    if lost := n.get("contested_cells"):
        said.append(
            texts(
                "{n} patch in polygons of two classes was left out.",
                "{n} patches in polygons of two classes were left out.", lost,
            )
        )  # fmt: skip
    if lost := n.get("invalid"):
        said.append(
            texts(
                "{n} patch with missing pixels was left out.",
                "{n} patches with missing pixels were left out.", lost,
            )
        )  # fmt: skip
    for classes, why in (
        (adapted.untested, text("LCZ {codes}: no polygon was left to test on. Draw more of it.")),
        (adapted.untrained, text("LCZ {codes}: no polygon was left to train on. Draw more of it.")),
    ):
        if classes:
            said.append(why.format(codes=", ".join(CLASSES[c - 1].code for c in classes)))
    return said


def flattered(accuracy: Accuracy, maps: Maps | None) -> str:
    """A warning where maps are judged by polygons that trained one of them; else empty."""
    if not accuracy.trained or maps is None or maps.adapted is None:
        return ""
    said = text(
        "{n} of the polygons of this reference trained the network of the Sentinel-2 map, so the accuracy of that map, "
        "and of what it is fused into, flatters here."
    ).format(n=f"{accuracy.trained:,}")
    test = text("On polygons it had not seen: {held_out}.").format(
        held_out=held_out(maps.adapted.test)
    )
    return f'<div class="lcz-banner stale" role="alert">{escape(f"{said} {test}")}</div>'
