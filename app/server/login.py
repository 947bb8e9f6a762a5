"""Names and passwords: own pages, and guesses that have to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment
from panel import auth
from tornado.web import HTTPError

from lczlib.texts import N_, in_language, language, languages, preferred, text

_FIRST, _LONGEST = 1.0, 30.0  # seconds to wait after a wrong password, twice as long with each
_FORGOTTEN = 900.0  # seconds without a wrong one, after which all is as it was
_QUEUE = 60.0  # seconds that a request may wait; more of them at once are sent away
_MOST = 10_000  # addresses remembered

_WRONG = N_("Invalid username or password!")
"""What Panel says of a wrong name or password."""

_post, _validate = auth.BasicLoginHandler.post, auth.BasicLoginHandler._validate


class Patience:
    """How long each address has to wait for its next try.

    Tries of one address come one after another, also those that are sent at once. A name is not
    slowed down as such: else anybody could keep its owner out.

    Parameters
    ----------
    clock : callable
        Seconds, such as `time.monotonic`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, int] = {}
        self._free: dict[str, float] = {}

    def turn(self, address: str) -> float:
        """Seconds until the next try of an address may be answered; keeps that place for it."""
        now = self._clock()
        if self._free.get(address, now) < now - _FORGOTTEN:
            self.right(address)
        at = max(now, self._free.get(address, now))
        self._free[address] = at + self._pause(address)
        return at - now

    def _pause(self, address: str) -> float:
        wrong = self._wrong.get(address, 0)
        return min(_LONGEST, _FIRST * 2 ** (wrong - 1)) if wrong else 0.0

    def wrong(self, address: str) -> None:
        """A wrong password: the next try waits."""
        while len(self._wrong) >= _MOST and address not in self._wrong:
            self.right(min(self._wrong, key=lambda a: self._free.get(a, 0.0)))
        self._wrong[address] = self._wrong.get(address, 0) + 1
        self._free[address] = max(
            self._free.get(address, 0.0), self._clock() + self._pause(address)
        )

    def right(self, address: str) -> None:
        """A right one: all is as it was."""
        self._wrong.pop(address, None)
        self._free.pop(address, None)


def slow_down_guesses() -> None:
    """Have each wrong password make its address wait longer for the next try."""
    patience = Patience()

    async def post(handler: Any) -> None:
        wait = patience.turn(handler.request.remote_ip)
        if wait > _QUEUE:
            handler.set_header("Retry-After", str(int(wait)))
            raise HTTPError(429, reason="Too many wrong passwords: try again later.")
        await asyncio.sleep(wait)
        _post(handler)

    def validate(handler: Any, username: str, password: str) -> bool:
        valid = _validate(handler, username, password)
        (patience.right if valid else patience.wrong)(handler.request.remote_ip)
        return valid

    auth.BasicLoginHandler.post, auth.BasicLoginHandler._validate = post, validate


def use_own_pages() -> None:
    """Have Panel show own pages to log in and out, unless others are given: its own ask a CDN, in English."""
    here, pages = Path(__file__).parent, Environment(autoescape=True)
    pages.globals.update(text=text, language=language)
    auth.BASIC_LOGIN_TEMPLATE = pages.from_string((here / "login.html").read_text("utf-8"))
    auth.LOGOUT_TEMPLATE = pages.from_string((here / "logout.html").read_text("utf-8"))
    for handler in (auth.BasicLoginHandler, auth.LogoutHandler):
        handler.get = _in_readers_language(handler.get)


def _in_readers_language(get: Callable[[Any], None]) -> Callable[[Any], None]:
    def answered(handler: Any) -> None:
        with in_language(_language_of(handler)):
            get(handler)

    return answered


def _language_of(handler: Any) -> str:
    """As on the pages (`app.session.language`): of the address that is asked for, else of the browser."""
    asked = handler.get_argument("next", "") or handler.get_cookie("next_url", "")
    named = parse_qs(urlsplit(asked).query).get("lang", [""])[0]
    accepted = handler.request.headers.get("Accept-Language", "")
    return named if named in languages() else preferred(accepted)
