"""The frame around the pages: navigation, settings beside, messages above."""

from __future__ import annotations

from threading import Thread
from typing import Any

import panel as pn
from bokeh.models import CustomJS

from .pages import PAGES
from .panel_patches.access import name_widgets
from .panel_patches.closing import drop_late_messages
from .panel_patches.design import Fast
from .panel_patches.memory import settle
from .panel_patches.sending import send_everything
from .parts.legend import ISOLATE, ISOLATE_JS
from .parts.markup import html
from .parts.messages import banner, no_imagery, what_was_read
from .parts.stepper import marks
from .parts.style import NAV_CSS, TEMPLATE_CSS
from .server import protect
from .session import Session
from .warm import is_warming, tidy, warm

protect()  # done by `app_hooks.py`, or nothing is served
send_everything()
drop_late_messages()
Thread(target=tidy, daemon=True).start()
settle()  # nearly all that the pages import is there now
LABELS = {name: page.title for name, page in PAGES.items()}

_BACK_JS = "window.addEventListener('popstate', () => window.location.reload())"
"""The address holds the whole state, and each change of it is a step of the browser's history: the
page that a step back belongs to is opened anew from it."""


def page_of(session: Session) -> pn.template.FastListTemplate:
    """The whole page of a session; each view is built when it is first shown."""
    if is_warming(session.doc):
        warm(session)
    built: dict[str, Any] = {}
    nav = pn.widgets.RadioButtonGroup(
        options={label: name for name, label in LABELS.items()}, value=session.view.page,
        button_type="primary", button_style="outline", stylesheets=[NAV_CSS, ""], name="Page",
        css_classes=["lcz-nav"], margin=(4, 6), sizing_mode="stretch_width",
    )  # fmt: skip
    above, read = html("", visible=False), html("", visible=False)
    heading = html("", margin=0)
    way = pn.widgets.Button(
        name="To the City page, for imagery", button_type="primary", visible=False, max_width=320,
        margin=(4, 10), sizing_mode="stretch_width",
    )  # fmt: skip
    way.on_click(lambda _: setattr(session.view, "page", "city"))
    body = pn.Column(sizing_mode="stretch_width", min_height=500)
    side = pn.Column(sizing_mode="stretch_width")

    def show(*_: Any) -> None:
        name = session.view.page
        if name not in built:
            built[name] = PAGES[name](session)
            body.append(built[name].content)
            side.append(built[name].sidebar)
        nav.value = name
        heading.object = f"<h1 class='lcz-heading'>Local Climate Zones: {LABELS[name]}</h1>"
        # A figure that moves to another parent is drawn anew: pages stay where they are, hidden.
        for other, page in built.items():
            page.content.visible = page.sidebar.visible = other == name
        tell()
        session.tick(lambda: session.runner.want(built[name].needs))

    def mark(*_: Any) -> None:
        style = marks(session.study, [*PAGES], session.dark)
        if nav.stylesheets[-1] != style:
            nav.stylesheets = [NAV_CSS, style]

    def tell(*_: Any) -> None:
        page = built.get(session.view.page)
        quiet = getattr(page, "quiet", ())
        text = banner(session.study, [n for n in (page.needs if page else ()) if n not in quiet])
        above.param.update(object=text, visible=bool(text))
        way.visible = session.view.page not in ("city", "water") and bool(no_imagery(session.study))
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

    def isolate(event: Any) -> None:
        if event.new:
            session.view.isolated = int(event.new)
            alone.value = ""

    nav.param.watch(lambda e: setattr(session.view, "page", e.new), "value")
    session.view.param.watch(show, "page")
    session.study.param.watch(tell, ["conditions", "messages", "read"])
    session.study.param.watch(mark, ["conditions", "messages"])
    session.study.param.watch(opened, "scene")
    session.study.param.watch(tell, "scene")
    template = pn.template.FastListTemplate(
        title="Local Climate Zones", sidebar=[side],
        main=[pn.Column(heading, nav, above, read, way, body, sizing_mode="stretch_width")],
        accent_base_color="#c2410c", header_background="#1f2937", theme_toggle=True, design=Fast,
        font="system-ui, sans-serif", main_layout=None, sidebar_width=310, raw_css=[TEMPLATE_CSS],
        meta_description="Local Climate Zone maps, their accuracy and heat islands",
        meta_viewport="width=device-width, initial-scale=1",
    )  # fmt: skip
    alone = pn.widgets.TextInput(name=ISOLATE, visible=False)
    alone.param.watch(isolate, "value")
    template.main.append(alone)
    template.main.append(session.place.content)
    session.doc.js_on_event("document_ready", CustomJS(code=ISOLATE_JS))
    session.runner.await_first(session.address.requested)
    show()
    session.doc.js_on_event("document_ready", CustomJS(code=_BACK_JS))
    name_widgets(session.doc)
    if session.address.ignored:
        ignored = ", ".join(sorted(set(session.address.ignored)))[:200]
        pn.state.onload(
            lambda: (
                pn.state.notifications
                and pn.state.notifications.warning(f"Not understood in the address: {ignored}")
            )
        )
    return template
