"""Run asynchronous code in tests, also where a browser's loop already runs in this thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any


def run_apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Its result, from a loop in a thread of its own, with this thread's context.

    Playwright's loop runs in the main thread for as long as a browser is open, that is until the last
    test of the process, and `asyncio.run` refuses there.
    """
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(copy_context().run, asyncio.run, coroutine).result()
