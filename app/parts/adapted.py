"""What is said of maps by a network that was adapted to a visitor's polygons."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lczlib.study.adapting import held_out
from lczlib.texts import text, texts

if TYPE_CHECKING:
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
    notes = "".join(f"<div class='lcz-note'>{escape(note)}</div>" for note in found.notes)
    return f'<div class="lcz-banner info" role="status">{escape(said)}</div>{notes}'


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
