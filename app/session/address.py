"""The address holds the whole state: settings that differ from the defaults, as a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import panel as pn
import param
from panel.theme import THEMES

from lczlib.study import Study
from lczlib.study.results import published_networks
from lczlib.study.state import INPUTS
from lczlib.texts import languages

from .language import ARGUMENT

if TYPE_CHECKING:
    from . import Session

PRIVATE = (*(n for n in INPUTS if n.endswith("_files")), "result_folder", "drawn", "adapt_spacing")
"""Inputs that name files of this session, or are what was drawn in it: no link carries them, or opens one."""
SETTINGS = tuple(
    n for n, p in Study.param.objects().items() if not p.constant and n not in ("name", *PRIVATE)
)
"""Inputs of the study that the address holds."""
_RAN = "made"
_RUN_AGAIN = ("maps", "water", "published")
_LONGEST = 4000


class Address:
    """Keeps a session's address and its state the same.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.ignored: list[str] = []
        self._parts = (session.study, session.view)
        self.requested: tuple[str, ...] = ()
        self._location = pn.state.location
        self._forget_unknown_theme()
        self._note_unknown_language()
        if self._location is not None:
            self.read(self._location.search or "")
        session.study.param.watch(self._changed, [*SETTINGS, "conditions"])
        session.view.param.watch(self._changed, [n for n in session.view.param if n != "name"])

    def _forget_unknown_theme(self) -> None:
        """Panel takes a page's theme from the request by itself, and knows but two."""
        asked = pn.state.session_args
        if any(t.decode(errors="replace") not in THEMES for t in asked.get("theme", ())):
            del asked["theme"]
            self.ignored.append("theme")

    def _note_unknown_language(self) -> None:
        asked = pn.state.session_args.get(ARGUMENT, ())
        if any(t.decode(errors="replace") not in languages() for t in asked):
            self.ignored.append(ARGUMENT)

    def query(self) -> str:
        """The state as a query, without what is at its default."""
        values: dict[str, str] = {}
        for part in self._parts:
            for name in self._names(part):
                value = getattr(part, name)
                if value != part.param[name].default:
                    values[name] = value if isinstance(value, str) else json.dumps(value)
        made = [n for n in _RUN_AGAIN if self._session.study.conditions.get(n) == "current"]
        made = made or list(self.requested)
        if made:
            values[_RAN] = ",".join(made)
        return urlencode(values)

    def read(self, search: str) -> None:
        """Take the state from a query; what does not fit is ignored and noted in `ignored`."""
        for name, text in parse_qsl(search.lstrip("?")[:_LONGEST]):
            if name == _RAN:
                self.requested = tuple(n for n in text.split(",") if n in _RUN_AGAIN)
                continue
            part = next((p for p in self._parts if name in self._names(p)), None)
            if part is None:
                if name not in ("theme", ARGUMENT):
                    self.ignored.append(name)
                continue
            try:
                value = _parsed(part.param[name], text)
                if (
                    name.endswith("_weights")
                    and value
                    and value not in published_networks(name[:2])
                ):
                    raise ValueError(value)  # a path is nothing that an address may open
                setattr(part, name, value)
            except (ValueError, TypeError, RecursionError):  # the last of a thousand brackets
                self.ignored.append(name)

    def _names(self, part: param.Parameterized) -> list[str]:
        if part is self._session.study:
            return list(SETTINGS)
        return [n for n in part.param if n != "name"]

    def _changed(self, *_: Any) -> None:
        if self._location is None or self._session.closed:
            return
        now = dict(parse_qsl((self._location.search or "").lstrip("?")))
        # how a visitor sees it, which whoever gets a link may see otherwise
        kept = urlencode({n: now[n] for n in ("theme", ARGUMENT) if n in now})
        query = "&".join(filter(None, (self.query(), kept)))
        search = f"?{query}" if query else ""
        if search != (self._location.search or ""):
            self._location.search = search


def _no_number(text: str) -> Any:
    """What Python reads as a number, and JSON does not know: NaN and Infinity."""
    raise ValueError(text)


def _parsed(parameter: param.Parameter, text: str) -> Any:
    if isinstance(parameter, param.String) or (
        isinstance(parameter, param.Selector) and not isinstance(parameter, param.ListSelector)
    ):
        return text
    value = json.loads(text, parse_constant=_no_number)
    if isinstance(value, bool) and isinstance(parameter, param.Number):
        raise TypeError(text)  # to Python, not to a field of a page, that is a number
    return tuple(value) if isinstance(parameter, param.Tuple) and isinstance(value, list) else value
