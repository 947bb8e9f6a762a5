"""How the dashboard is served: behind a prefix, with a password, warm; what a session leaves behind."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


def test_sessions_leave_no_files(start: Callable[..., Any], mapped: Any, tmp_path: Path) -> None:
    quick = ("--unused-session-lifetime", "2000", "--check-unused-sessions", "500", "--warm")
    own = start(*quick, cache=Path(mapped.log.name).parent, TMPDIR=str(tmp_path)).wait()

    def folders() -> list[Path]:
        return list(tmp_path.glob("lczlib-session-*"))

    async def visits() -> None:
        for name in ("city", "map", "compare"):
            visitor = await Visitor(f"{own.url}?page={name}").open()
            await visitor.wait(has_image)
            assert folders()
            await visitor.close()

    with ThreadPoolExecutor(1) as aside:  # the browser's own loop runs in this thread
        aside.submit(asyncio.run, visits()).result()
    own.until(lambda: not folders())
    own.stop()
