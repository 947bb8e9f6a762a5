"""How the dashboard is served: behind a prefix, with a password, warm; what a session leaves behind."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.browser


def pull(url: str, n: int) -> None:
    """Open and close sessions as a browser's socket does, in a process without an event loop."""
    code = "import sys, panel.models, panel.models.location, panel.models.browser, panel.models.file_dropper\n"
    code += "import panel as pn; pn.extension('tabulator', 'filedropper')\n"
    code += "from bokeh.client import pull_session as p\n"
    code += "for _ in range(int(sys.argv[2])): p(url=sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", code, url, str(n)], check=True, timeout=120)


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
    start: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    quick = ("--unused-session-lifetime", "1000", "--check-unused-sessions", "1000", "--warm")
    own = start(*quick, cache=Path(server.log.name).parent, TMPDIR=str(tmp_path)).wait()
    process = psutil.Process(own.process.pid)

    def folders() -> list[Path]:
        return list(tmp_path.glob("lczlib-session-*"))

    def visits(n: int) -> float:
        pull(own.url, n)
        until = time.monotonic() + 20
        while folders() and time.monotonic() < until:
            time.sleep(0.5)
        assert not folders()
        return process.memory_info().rss / 1e6

    warm = visits(10)
    grown = (visits(20) - warm) / 20
    assert grown < 1.5, f"{grown:.1f} MB a session"
    own.stop()
