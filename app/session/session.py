"""One visitor's session."""

from __future__ import annotations

import logging
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

import panel as pn
from panel.io.document import unlocked
from panel.io.state import set_curdoc
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClosedError

from lczlib import catalog
from lczlib.study import Places, Study
from lczlib.study.services import Services
from lczlib.study.state import RESULTS
from lczlib.temporary import TemporaryFolder
from lczlib.texts import in_language

from ..maps.display import to_degrees
from ..maps.mapview import MapView
from ..panel_patches.memory import Trimmer
from ..parts.design import colors
from ..parts.palette import CLEAR, PALETTES
from ..server.sessions import is_signed
from .address import Address
from .jobs import Runner
from .language import settle_language
from .place import PlaceCard
from .view import View

ALLOW = "LCZLIB_ALLOW"
"""Environment variable: folders that visitors may open, separated as in PATH."""
OWN = "LCZLIB_OWN"
"""Environment variable: 1 where the visitor is the user whose own folders are listed on this machine."""


_PHONE = 400
"""Height of a map on a phone, pixels."""
_LOG = logging.getLogger(__name__)
_POOL = ThreadPoolExecutor(4, thread_name_prefix="background")
_TRIMMER = Trimmer()


def _report(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong in the loop, but not that a visitor left while something was on its way."""
    if not isinstance(context.get("exception"), WebSocketClosedError):
        loop.default_exception_handler(context)


def _complain(done: Future[None]) -> None:
    """Log what failed in a thread: nobody waits for it."""
    if not done.cancelled() and (error := done.exception()) is not None:
        _LOG.error("a background step failed", exc_info=error)


class Session:
    """One visitor's session; made anew for each.

    Parameters
    ----------
    doc : bokeh Document
        Of the session.
    """

    def __init__(self, doc: Any) -> None:
        self.doc = doc
        self.language = settle_language(doc)
        self._loop = IOLoop.current()
        self._loop.asyncio_loop.set_exception_handler(_report)
        self.closed = False
        self._lock = Lock()
        self._loaded = False
        self._waiting: list[Callable[[], None]] = []
        pn.state.onload(self._load)
        # Removed with the session, or with the server where that stops first; where that is killed, by the
        # next session of one.
        self._own = TemporaryFolder(name="session-")
        self.folder = self._own.path
        folders = [f for f in os.environ.get(ALLOW, "").split(os.pathsep) if f]
        cache = catalog.cache_folder()
        places = Places(folders, own=os.environ.get(OWN) == "1", fetched=cache / RESULTS)
        self.study = Study(self.folder / "work", cache, places, Services.from_environment())
        self.may_upload = is_signed(doc)
        self.view = View()
        self.runner = Runner(self.study, self.tick)
        self.dark = pn.config.theme == "dark"
        self.touch = "Mobi" in pn.state.headers.get("User-Agent", "")  # as phones' browsers say
        self.maps: list[MapView] = []
        self._box: tuple[float, float, float, float] | None = None
        self._asked: dict[str, int] = {}
        pn.state.on_session_destroyed(self._destroyed)
        self.address = Address(self)
        self.place = PlaceCard(self)

    @property
    def colors(self) -> tuple[str, ...]:
        """Of the 17 classes."""
        return PALETTES[self.view.palette]

    @property
    def map_colors(self) -> tuple[str, ...]:
        """Of the 17 classes on the maps: where one is shown alone the others are clear."""
        one = self.view.isolated
        return tuple(c if one in (0, n) else CLEAR for n, c in enumerate(self.colors, 1))

    def tick(self, call: Callable[[], None]) -> None:
        """Run a function on the session's event loop, from any thread."""
        with self._lock:
            if not self._loaded:  # what is sent while the page still loads may be lost
                self._waiting.append(call)
                return
        # A document is no thread's but the loop's: what another thread adds to it while the loop
        # gathers its changes is lost.
        self._loop.add_callback(self._next, call)

    def _next(self, call: Callable[[], None]) -> None:
        if not self.closed:
            self.doc.add_next_tick_callback(partial(self._run, call))

    def _run(self, call: Callable[[], None]) -> None:
        # Where the socket is busy, Panel sends parts of the page a little later, and Bokeh by itself
        # would send what is changed here at once: before the figure that it belongs to.
        with set_curdoc(self.doc), unlocked():
            call()

    def _load(self) -> None:
        # A message is several small frames: each but the first would wait until the browser has
        # acknowledged the one before it. There is no connection while the server warms up.
        served = getattr(self.doc.session_context, "session", None)
        for connection in served._subscribed_connections if served else ():
            connection._socket.set_nodelay(True)
        with self._lock:
            self._loaded, waiting = True, self._waiting
            self._waiting = []
        for call in waiting:
            self.tick(call)

    def background(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run something short in a thread and give its result to `done` on the event loop."""

        def both() -> None:
            with in_language(self.language):
                result = work()
            self.tick(lambda: done(result))

        _POOL.submit(both).add_done_callback(_complain)

    def latest(self, what: str, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Like `background`; of several for one purpose only the last one's result is used."""
        number = self._asked[what] = self._asked.get(what, 0) + 1

        def if_last(result: Any) -> None:
            if self._asked[what] == number:
                done(result)

        self.background(work, if_last)

    def remember_view(self, box: tuple[float, float, float, float]) -> None:
        """Put what a map shows into the address, once panning has come to rest."""
        self._box = box

        def rest() -> None:
            if self._box == box and box[2] > box[0]:
                (west, south), (east, north) = to_degrees(*box[:2]), to_degrees(*box[2:])
                self.view.box = tuple(round(float(v), 5) for v in (west, south, east, north))

        self.doc.add_timeout_callback(rest, 600)

    def map_view(self, **options: Any) -> MapView:
        """A map in this session's colours."""
        if self.touch:  # about a square, with the page around it to scroll by
            options["height"] = min(options.get("height", _PHONE), _PHONE)
        made = MapView(self.colors, dark=self.dark, touch=self.touch, **options)
        ground = colors(self.dark)["map-ground"]  # on which dark classes are seen too
        made.figure.update(background_fill_color=ground, border_fill_color=None)
        self.maps.append(made)
        self.place.follow(made)
        return made

    def _destroyed(self, _: Any) -> None:
        self.closed = True
        self.runner.close()
        self._own.remove()
        self.maps.clear()
        self._waiting.clear()
        for part in (self.study, self.view, self.runner):
            part.param.watchers = {}  # views of a closed page draw nothing more, and are let go
        self.study.forget()
        _TRIMMER.soon(self._loop)
