"""How the dashboard is served: behind a prefix, with a password, warm; what a session leaves behind."""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from event_loops import run_apart
from helpers import go
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


def test_a_session_made_by_the_connection_asks_nothing_elsewhere(
    start: Callable[..., Any], visit: Callable[..., Any], server: Any
) -> None:
    """As a slow visitor has it: the page's own session is gone before the connection opens."""
    gone = ("--unused-session-lifetime", "1", "--check-unused-sessions", "1")
    own = start(*gone, cache=Path(server.log.name).parent).wait()
    visit(f"{own.url}?page=city").get_by_text("8.0 × 8.0 km").wait_for()
    own.stop()


def test_a_password_is_asked_for(start: Callable[..., Any], server: Any) -> None:
    """By plain `panel serve app` too, on a page that asks nothing of other sites."""
    cache = Path(server.log.name).parent
    locked = start("--basic-auth", "open sesame", "--cookie-secret", "c" * 32, cache=cache).wait(
        "/login"
    )
    with urllib.request.urlopen(f"http://localhost:{locked.port}/app", timeout=20) as answer:
        assert "/login" in answer.url
        text = answer.read().decode()
    assert "Local Climate Zones" in text
    assert "Demo city" not in text
    assert "http" not in text
    for path, language, wanted in (
        ("/login", "es-AR", "Contraseña"), ("/login?next=/app%3Flang%3Des", "en", "Contraseña"),
        ("/login?error=Invalid+username+or+password%21", "es", "no son correctos"),
        ("/login?error=%3Cb%3E", "es", "&lt;b&gt;"), ("/logout", "es", "Volver a entrar"),
        ("/logout", "en", "Log in again"), ("/login?next=/app%3Flang%3Dxx", "de", "Password"),
    ):  # fmt: skip
        asked = urllib.request.Request(
            f"http://localhost:{locked.port}{path}", headers={"Accept-Language": language}
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert wanted in answer.read().decode()
    answered = []
    begun = time.monotonic()
    for _ in range(3):
        form = urllib.parse.urlencode({"username": "", "password": "guess"}).encode()
        urllib.request.urlopen(f"http://localhost:{locked.port}/login", form, 60).close()
        answered.append(time.monotonic() - begun)
    # the server counts from each wrong password: one second before the second, two more before the third
    assert answered[1] > 0.99
    assert answered[2] > 2.99
    locked.stop()


@pytest.mark.parametrize(
    "path", ["/app?page=map", "/static/js/bokeh.min.js", "/nowhere", "/app/ws"]
)
def test_every_answer_says_what_a_page_may_do(path: str, server: Any) -> None:
    try:
        answer = urllib.request.urlopen(f"http://localhost:{server.port}{path}", timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    headers = answer.headers
    answer.close()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Server"] is None
    policy = dict(p.split(" ", 1) for p in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'self'"
    assert policy["object-src"] == "'none'"
    assert f"ws://localhost:{server.port}" in policy["connect-src"]


def test_the_policy_breaks_nothing(mapped: Any, visit: Callable[..., Any]) -> None:
    """The browser blocks nothing that a page needs."""
    blocked: list[str] = []
    page = visit(f"{mapped.url}?page=city")
    page.on("console", lambda m: blocked.append(m.text) if "Content Security" in m.text else None)
    for name in ("Map", "Compare", "Accuracy", "Heat island", "Water", "Share", "City"):
        go(page, name)
        page.wait_for_timeout(300)
    page.goto(f"{mapped.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    assert blocked == []


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

    run_apart(visits())
    own.until(lambda: not folders())
    own.stop()
