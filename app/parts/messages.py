"""What stands above a page: what is stale, what has failed, what was read of files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from lczlib.study import Study
from lczlib.study.acquisition import can_fetch
from lczlib.study.library_words import in_reader_language, reading_in_words
from lczlib.study.places import OWN
from lczlib.study.showing import Lack, follows, shown
from lczlib.study.state import STOPPED
from lczlib.study.steps import STEPS
from lczlib.study.wording import in_page
from lczlib.texts import N_, text, texts

WHAT = {
    "days": N_("list of days"), "acquired": N_("imagery"), "scene": N_("scene"), "reference": N_("reference"),
    "own_map": N_("uploaded map"), "published": N_("published map"), "maps": N_("LCZ map"),
    "comparison": N_("comparison"), "accuracy": N_("accuracy"), "heat": N_("heat island"),
    "field": N_("field of air temperature"), "water": N_("water map"), "water_summary": N_("water areas"),
    "suspects": N_("check of your polygons"), "next_places": N_("list of places to draw"),
}  # fmt: skip


def begun(said: str) -> str:
    """Words as a heading begins."""
    return said[:1].upper() + said[1:]


def banner(study: Study, names: Iterable[str]) -> str:
    """What is stale or has failed among some steps; empty where nothing is."""
    out = []
    for name in names:
        out.append(ended(study, name))
        if study.messages.get(name, "") in ("", STOPPED) and _is_other(study, name):
            said = text("This {what} was made with other settings than those shown.")
            said = said.format(what=text(WHAT[name]))
            out.append(
                f'<div class="lcz-banner stale" role="status">{said} {_mended(study, name)}</div>'
            )
    return "".join(dict.fromkeys(out))


def ended(study: Study, name: str) -> str:
    """Why a step came to no end: that it was stopped, or its failure; empty where it did."""
    message = study.messages.get(name, "")
    if awaits_maps(study, name):
        said = text("The LCZ map is being made.")
        return f'<div class="lcz-banner info" role="status">{said}</div>'
    if message == STOPPED:
        return f'<div class="lcz-banner info" role="status">{text(message)}</div>'
    # own files by their names: where the server keeps them is nobody's business
    message = re.sub(rf"{re.escape(str(study.context.work.parent))}/uploads/\d+/", "", message)
    said = escape(in_page(in_reader_language(message), name))
    if is_lack(study, name):
        return f'<div class="lcz-banner info" role="status">{said}</div>'
    return f'<div class="lcz-banner failed" role="alert">{said}</div>' if message else ""


def is_lack(study: Study, name: str) -> bool:
    """Whether a step waits for what nobody has given yet, which is no failure."""
    return isinstance(study.messages.get(name), Lack)


def awaits_maps(study: Study, name: str) -> bool:
    """Whether a step has failed, and the first maps of the place are on their way, of which it may be: no fault yet."""
    return (
        bool(study.messages.get(name))
        and "maps" in STEPS[name].optional
        and study.maps is None
        and study.conditions.get("maps") == "running"
    )


def _is_other(study: Study, name: str) -> bool:
    """Whether what is shown of a step was made with other settings than those shown."""
    return shown(study, name) is not None and not follows(study, name)


def _mended(study: Study, name: str) -> str:
    """How what was made with other settings comes to be of these."""
    if any(study.conditions.get(n) == "running" for n in _behind(name)):
        return text("It is being made anew.")
    return text("Run again to update it.") if any(STEPS[n].by_hand for n in _behind(name)) else ""


def _behind(name: str) -> set[str]:
    """A step and all that it reads."""
    step = STEPS[name]
    return {name}.union(*(_behind(n) for n in (*step.after, *step.optional)))


def nothing_yet(study: Study, name: str, use: str) -> str:
    """Why a step has no output to show: it is on its way, or no map is there; or its banner says it.

    Parameters
    ----------
    study : Study
        Whose it is.
    name : str
        A step that needs a map.
    use : str
        What happens once there is one.
    """
    if study.messages.get(name):
        return ""  # its banner says why
    awaited = study.missing(name) or [name]
    coming = any(
        study.condition(n) == "running" or study.wanting(n, by_itself=True) for n in awaited
    )
    if coming:
        return f'<div class="lcz-banner info">{text("Working …")}</div>'
    missing = no_imagery(study)
    what = missing or text(
        "Make a map first, on the <b>Map</b> page, or upload one on the <b>City</b> page"
    )
    said = text("{what}: then {use}.").format(what=what, use=use)
    return f'<div class="lcz-banner info">{said}</div>'


def no_imagery(study: Study) -> str:
    """That a place has no imagery here, and the way to some; empty where it has."""
    scene = study.scene
    if scene is None or scene.mappable or scene.radar is not None:
        return ""
    name = escape(scene.place.name)
    if scene.place.key == OWN and study.own_map is not None:
        return text(
            "To make a further map, upload imagery on the <b>City</b> page, or draw a box there"
        )
    if scene.place.key == OWN:
        return text(
            "Nothing is uploaded yet: upload imagery or a map on the <b>City</b> page, or draw a box there"
        )
    if can_fetch(study.context.services):
        said = text(
            "There is no imagery of {place} here yet: on the <b>City</b> page you can show the published LCZ map, or "
            "upload your own"
        )
    else:
        said = text(
            "There is no imagery of {place} here yet: on the <b>City</b> page you can get it, show the published LCZ "
            "map, or upload your own"
        )
    return said.format(place=name)


def what_was_read(study: Study, names: Iterable[str]) -> str:
    """What some steps read of files, and what may be wrong with it; empty where nothing was read."""
    read = [(n, r) for n in names for r in study.read.get(n, ())]
    heard = list(dict.fromkeys(in_page(reading_in_words(r), n) for n, r in read))
    if not heard:
        return ""
    cautions = dict.fromkeys(in_page(c, n) for n, r in read for c in r.cautions)
    warned = "".join(
        f'<div class="lcz-banner stale" role="status">{escape(text)}</div>' for text in cautions
    )
    lines = "".join(f"<li>{escape(text)}</li>" for text in heard)
    several = len({r.source for _, r in read})  # one may be read for several ends
    title = texts("What was read ({n} file)", "What was read ({n} files)", several)
    return (
        f'{warned}<details class="lcz-help lcz-read"><summary>{title}</summary>'
        f"<ul>{lines}</ul></details>"
    )
