"""What worker threads send to a visitor's page arrives, all of it."""

from __future__ import annotations

import asyncio
import runpy
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from event_loops import run_apart

pn = pytest.importorskip("panel")

from bokeh.document import Document  # noqa: E402 - after the check that it is installed
from bokeh.document.events import TitleChangedEvent  # noqa: E402
from bokeh.protocol import Protocol  # noqa: E402
from bokeh.server.connection import ServerConnection  # noqa: E402
from bokeh.server.protocol_handler import ProtocolHandler  # noqa: E402
from panel.io import document  # noqa: E402
from panel.io.state import set_curdoc  # noqa: E402

from app.maps.mapview import MapView  # noqa: E402
from app.pages import PAGES  # noqa: E402
from app.panel_patches import closing, sending  # noqa: E402
from app.parts.palette import PALETTES  # noqa: E402
from app.session import Session  # noqa: E402

UPSTREAM = Path(__file__).parents[1] / "docs/upstream"


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns as often as they can, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Arrivals:
    """Counts what a document is asked to run next, as its server does."""

    def __init__(self) -> None:
        self.n = 0

    def _session_callback_added(self, _: object) -> None:
        self.n += 1


def test_no_message_is_lost_while_the_page_gathers_changes(quick_switches: None) -> None:
    n_threads, each = 4, 5000

    async def page() -> int:
        doc, arrivals = Document(), Arrivals()
        with set_curdoc(doc):
            session = Session(doc)
        session._load()
        doc.callbacks.on_change_dispatch_to(arrivals)

        def send() -> None:
            for _ in range(each):
                session.tick(lambda: None)

        threads = [threading.Thread(target=send) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        while arrivals.n < n_threads * each and time.monotonic() < until:
            for _ in range(500):  # as Panel does around every change of a page
                doc.hold("combine")
                doc.unhold()
            await asyncio.sleep(0)
            if not any(t.is_alive() for t in threads):
                until = min(until, time.monotonic() + 3)
        session._destroyed(None)
        return arrivals.n

    assert run_apart(page()) == n_threads * each


def bare_session() -> Session:
    async def page() -> Session:
        doc = Document()
        with set_curdoc(doc):
            return Session(doc)

    return run_apart(page())


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_built_before_anything_is_opened(name: str) -> None:
    async def page() -> None:
        doc = Document()
        with set_curdoc(doc):
            session = Session(doc)
            made = PAGES[name](session)
            assert {"scene", *made.needs} <= {*session.study.param}
            assert made.content is not made.sidebar
            session._destroyed(None)

    run_apart(page())


def test_linked_maps_zoom_alike_in_both_directions() -> None:
    colors = PALETTES["standard"]
    first = MapView(colors)
    linked = [MapView(colors, beside=first) for _ in range(2)]
    for view in (first, *linked):
        tools = {type(t).__name__: t for t in view.figure.tools}
        assert tools["WheelZoomTool"].zoom_on_axis is False
        assert tools["BoxZoomTool"].match_aspect is True


def wait_until(wanted: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_result_that_was_overtaken_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    session, shown, ticks = bare_session(), [], []
    overtaken = threading.Event()

    def tick(call: Callable[[], None]) -> None:
        call()
        ticks.append(call)

    def slow() -> str:
        overtaken.wait(60)
        return "old"

    monkeypatch.setattr(session, "tick", tick)
    session.latest("place", slow, shown.append)
    session.latest("place", lambda: "new", shown.append)
    wait_until(lambda: len(ticks) == 1)
    overtaken.set()
    wait_until(lambda: len(ticks) == 2)
    assert shown == ["new"]


def test_a_message_queued_while_others_are_written_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Panel queues them, on a connection that takes its time: the case of the report to Panel."""
    reduced = runpy.run_path(str(UPSTREAM / "panel_message_left_lying.py"))["written_of_two"]
    monkeypatch.setattr(document, "_dispatch_msgs", sending._write_some)
    assert run_apart(reduced()) == ["first"]  # once Panel does better, this module can go
    sending.send_everything()
    assert run_apart(reduced()) == ["first", "second"]


def test_what_fails_in_the_background_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    bare_session().background(lambda: 1 / 0, print)
    wait_until(lambda: bool(caplog.records))
    assert caplog.records[0].exc_info[0] is ZeroDivisionError


def test_a_message_of_a_tab_that_was_closed_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone = ServerConnection(Protocol(), None, None, SimpleNamespace(subscribe=lambda _: None))
    gone._session = None  # as `detach_session` leaves it
    late = Protocol().create("PATCH-DOC", [TitleChangedEvent(Document(), "late")])

    def answered() -> Any:
        return run_apart(ProtocolHandler().handle(late, gone))

    monkeypatch.setattr(ProtocolHandler, "handle", closing._handle)
    assert answered().msgtype == "ERROR"
    assert caplog.records
    caplog.clear()
    closing.drop_late_messages()
    assert answered() is None
    assert not caplog.records
