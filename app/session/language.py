"""Which language a visitor reads: what the address asks for, else what the browser does, else English."""

from __future__ import annotations

from threading import get_ident
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn

from lczlib.texts import ENGLISH, ask, languages, preferred

ARGUMENT = "lang"
"""In the address. It stays in a visitor's own, and is no part of the one to share: a link is read in the
language of whoever opens it, unless its sender has put it in."""
_OF: WeakKeyDictionary[Any, tuple[str, int]] = WeakKeyDictionary()


def settle_language(doc: Any) -> str:
    """Find out which language the visitor of a document reads, and have its texts in that one."""
    asked = [t.decode(errors="replace") for t in pn.state.session_args.get(ARGUMENT, ())]
    known = next((t for t in asked if t in languages()), "")
    code = known or preferred(pn.state.headers.get("Accept-Language", ""))
    _OF[doc] = code, get_ident()
    return code


def _of_visitor() -> str:
    """Of the document at hand. A thread beside the loop has none: who starts one says the language there."""
    code, thread = _OF.get(pn.state.curdoc, (ENGLISH, 0)) if pn.state.curdoc else (ENGLISH, 0)
    return code if thread == get_ident() else ENGLISH


ask(_of_visitor)
