"""Memory that closed sessions leave, given back to the machine."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

_ARENA_MAX, _ARENAS = -8, 2  # of malloc.h: memory pools, one of which each thread would get
_USUAL = gc.get_threshold()
_RARELY = 100  # collections of the middle generation before one of all objects
_SOON = 3.0  # seconds: of several sessions that end together, the last one's memory too


class Trimmer:
    """Gives freed memory back soon after it was freed, once for all that ended meanwhile.

    glibc keeps what threads have freed for later, some megabytes a session, and the server would
    grow without end; other systems' allocators need no reminder. It also gives each thread a pool of
    its own, which keeps more; here they share two.
    """

    def __init__(self) -> None:
        self._due = False
        self._trim = None
        if sys.platform.startswith("linux"):
            libc = ctypes.CDLL(None)
            self._trim = getattr(libc, "malloc_trim", None)
            if hasattr(libc, "mallopt"):
                libc.mallopt(_ARENA_MAX, _ARENAS)

    def soon(self, loop: Any) -> None:
        """Ask for it, on the event loop."""
        if self._trim is not None and not self._due:
            self._due = True
            loop.call_later(_SOON, self._start, loop)

    def _start(self, loop: Any) -> None:
        self._due = False
        loop.run_in_executor(None, self._trim, 0)


def put_off() -> None:
    """Hardly look through all objects until `settle`.

    The first visitor waits for all imports, and seven times meanwhile for such a look, half a second in sum.
    """
    gc.set_threshold(*_USUAL[:2], _RARELY)


def settle() -> None:
    """Leave what is there now out of garbage collection, for good; the rest is collected as usual from here on.

    Panel collects garbage whenever visitors have left, and all others wait for it: a third of a
    second with the libraries' objects, which never go, and hardly anything without them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_USUAL)
