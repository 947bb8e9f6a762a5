"""How the dashboard is served: behind a prefix, with a password, warm; what a session leaves behind."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from visitors import Visitor, has_image

pytestmark = pytest.mark.browser


def test_it_works_under_a_path_prefix(
    start: Callable[..., Any], visit: Callable[..., Any], server: Any
) -> None:
    cache = Path(server.log.name).parent
    behind = start("--prefix", "/tools/lcz", "--warm", cache=cache).wait("/tools/lcz/app")
    page = visit(f"http://localhost:{behind.port}/tools/lcz/app?page=city")
    page.get_by_text("Demo city (simulated)").first.wait_for()
    page.get_by_text("8.0 × 8.0 km").wait_for()
    assert "/tools/lcz/app" in page.url
    behind.stop()


def test_a_password_is_asked_for(start: Callable[..., Any], server: Any) -> None:
    cache = Path(server.log.name).parent
    locked = start("--basic-auth", "open sesame", "--cookie-secret", "c" * 32, cache=cache).wait(
        "/login"
    )
    with urllib.request.urlopen(f"http://localhost:{locked.port}/app", timeout=20) as answer:
        assert "/login" in answer.url
        assert "Demo city" not in answer.read().decode()
    locked.stop()


def test_sessions_leave_neither_memory_nor_files(
    start: Callable[..., Any], mapped: Any, tmp_path: Path
) -> None:
    quick = ("--unused-session-lifetime", "5000", "--check-unused-sessions", "500", "--warm")
    own = start(*quick, cache=Path(mapped.log.name).parent, TMPDIR=str(tmp_path)).wait()
    process = psutil.Process(own.process.pid)

    async def visits(rounds: int) -> None:
        for name in ("city", "map", "compare") * rounds:
            visitor = await Visitor(f"{own.url}?page={name}").open()
            await visitor.wait(has_image)
            await visitor.close()

    def gone(rounds: int, most: float) -> float:
        """Memory in MB once these sessions have left; it must come back below a bound."""
        with ThreadPoolExecutor(1) as aside:  # the browser's own loop runs in this thread
            aside.submit(asyncio.run, visits(rounds)).result()
        own.until(lambda: not list(tmp_path.glob("lczlib-session-*")))
        own.until(lambda: process.memory_info().rss / 1e6 < most)
        return process.memory_info().rss / 1e6

    begun = gone(3, 1e9)
    gone(6, begun + 18 * 1.5)
    own.stop()
