"""The frame around the pages: navigation, settings beside, messages above."""

from __future__ import annotations

import json
from threading import Thread
from typing import Any

import panel as pn
from bokeh.models import CustomJS

from lczlib.texts import text

from .pages import PAGES
from .panel_patches.access import name_widgets
from .panel_patches.closing import drop_late_messages
from .panel_patches.formulas import load_no_formulas
from .panel_patches.half_imported import look_past_half_imported
from .panel_patches.memory import settle
from .panel_patches.sending import send_everything
from .parts.design import Page
from .parts.legend import ISOLATE, ISOLATE_JS
from .parts.markup import html
from .parts.messages import banner, no_imagery, what_was_read
from .parts.progress import RunsList
from .parts.stepper import marks
from .parts.which_map import settle_choices
from .server import protect
from .session import Session
from .warm import is_warming, tidy, warm

protect()  # done by `app_hooks.py`, or nothing is served
send_everything()
drop_late_messages()
load_no_formulas()
look_past_half_imported()
Thread(target=tidy, daemon=True).start()
settle()  # nearly all that the pages import is there now

_BACK_JS = "window.addEventListener('popstate', () => window.location.reload())"
"""The address holds the whole state, and each change of it is a step of the browser's history: the
page that a step back belongs to is opened anew from it."""
AREAS = {
    "action": "action",
    "settings": "sidebar",
    "stage": "stage",
    "beside": "beside",
    "rest": "content",
}
"""Parts of the page, and what of each of `PAGES` stands there where it has it."""
_WITH_BESIDE = [name for name, page in PAGES.items() if page.has_beside]
_TURN_JS = f"""const name = {json.dumps([*PAGES])}[cb_obj.active]
const main = document.getElementById('main')
if (main) main.dataset.beside = {json.dumps(_WITH_BESIDE)}.includes(name) ? 'yes' : 'no'
if (main) window.scrollTo(0, 0)
window.requestAnimationFrame(() => window.showStep?.())"""
"""A page without anything beside its map has that room too; each begins at its top."""


def page_of(session: Session) -> Page:
    """The whole page of a session; each view is built when it is first shown."""
    if is_warming(session.doc):
        warm(session)
    built: dict[str, Any] = {}
    nav = _navigation(session.view.page)
    above, read = html("", visible=False), html("", visible=False)
    heading = html("", margin=0)
    card = pn.Column(session.place.content, margin=0)
    runs = RunsList(session.study, session.runner)
    way = pn.widgets.Button(
        name=text("To the City page, for imagery"), button_type="primary", visible=False, max_width=320,
        margin=(4, 10), sizing_mode="stretch_width",
    )  # fmt: skip
    way.on_click(lambda _: setattr(session.view, "page", "city"))
    areas = {name: pn.Column(sizing_mode="stretch_width", margin=0) for name in AREAS}

    def show(*_: Any) -> None:
        name = session.view.page
        if name not in built:
            built[name] = PAGES[name](session)
            for area, part in _parts(built[name]).items():
                areas[area].append(part)
        nav.value = name
        runs.turn(name)
        card.visible = name != "share"  # it would lie over the files, where no map is
        heading.object = (
            f"<h1 class='lcz-heading'>{text('Local Climate Zones')}: {text(PAGES[name].title)}</h1>"
        )
        # A figure that moves to another parent is drawn anew: pages stay where they are, hidden.
        for other, page in built.items():
            for part in _parts(page).values():
                part.visible = other == name
        tell()
        session.tick(lambda: session.runner.want(built[name].needs))

    def mark(*_: Any) -> None:
        style = marks(session.study, [*PAGES])
        if nav.stylesheets[-1] != style:
            nav.stylesheets = [style]

    def tell(*_: Any) -> None:
        page = built.get(session.view.page)
        quiet = getattr(page, "quiet", ())
        text = banner(session.study, [n for n in (page.needs if page else ()) if n not in quiet])
        above.param.update(object=text, visible=bool(text))
        # a map that was uploaded is judged and compared without imagery
        lacking = no_imagery(session.study) if session.study.own_map is None else ""
        way.visible = session.view.page not in ("city", "water") and bool(lacking)
        heard = what_was_read(session.study, page.needs if page else ())
        read.param.update(object=heard, visible=bool(heard))

    def restore() -> None:
        """Run again what had been run where the address comes from."""
        study = session.study
        for step in session.address.requested:
            if study.condition(step) == "none" and study.condition("scene") == "current":
                session.runner.run(step)
            if study.condition(step) == "none":
                session.runner.give_up(step)
        session.runner.refresh()

    def opened(*_: Any) -> None:
        if session.study.scene is not None:
            restore()

    nav.param.watch(lambda e: setattr(session.view, "page", e.new), "value")
    session.study.param.watch(
        lambda *_: settle_choices(session.study),
        ["scene", "maps", "reference", "own_map", "published"],
    )
    session.view.param.watch(show, "page")
    session.study.param.watch(tell, ["conditions", "messages", "read"])
    session.study.param.watch(mark, ["conditions", "messages"])
    session.study.param.watch(opened, "scene")
    session.study.param.watch(tell, "scene")
    notices = pn.Column(
        heading,
        runs.content,
        above,
        read,
        way,
        _isolating(session),
        sizing_mode="stretch_width",
        margin=0,
    )
    template = Page(
        {"pages": nav, "notices": notices, "place": card, **areas},
        session.view.page in _WITH_BESIDE, session.dark, session.language,
        title=text("Local Climate Zones"), meta_viewport="width=device-width, initial-scale=1",
        meta_description=text("Local Climate Zone maps, their accuracy and heat islands"),
    )  # fmt: skip
    session.doc.js_on_event("document_ready", CustomJS(code=ISOLATE_JS))
    session.runner.await_first(session.address.requested)
    show()
    session.doc.js_on_event("document_ready", CustomJS(code=_BACK_JS))
    name_widgets(session.doc)
    _say_what_was_ignored(session)
    return template


def _navigation(page: str) -> pn.widgets.RadioButtonGroup:
    """The row of pages."""
    row = pn.widgets.RadioButtonGroup(
        options={text(page.title): name for name, page in PAGES.items()}, value=page, stylesheets=[""],
        name=text("Page"), css_classes=["lcz-nav"], margin=0,
    )  # fmt: skip
    row.jscallback(value=_TURN_JS)
    return row


def _parts(page: Any) -> dict[str, Any]:
    """What of a page stands where."""
    return {area: getattr(page, name) for area, name in AREAS.items() if hasattr(page, name)}


def _isolating(session: Session) -> pn.widgets.TextInput:
    """The hidden field by which a click on a legend's colour arrives."""
    alone = pn.widgets.TextInput(name=ISOLATE, visible=False)

    def isolate(event: Any) -> None:
        if event.new:
            session.view.isolated = int(event.new)
            alone.value = ""

    alone.param.watch(isolate, "value")
    return alone


def _say_what_was_ignored(session: Session) -> None:
    """Tell what of the address was not understood, once the page is there."""
    ignored = ", ".join(sorted(set(session.address.ignored)))[:200]

    def say() -> None:
        if pn.state.notifications:
            said = text("Not understood in the address: {names}").format(names=ignored)
            pn.state.notifications.warning(said)

    if ignored:
        pn.state.onload(say)
