"""`lcz app` as operators run it: behind a reverse proxy, with names and passwords, with a mirror."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from helpers import go, settled, wait_for
from nginx import NGINX, Nginx

pytestmark = pytest.mark.browser

LCZ_APP = ("-m", "lczlib", "app")
SHARED_JS = "() => location.search.includes('page=share')"
WORLD_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === 'world') for (const r of m.renderers)
    if ((r.data_source.data.key || []).length > 1000 && /^city:/.test(r.data_source.data.key[0]))
      return r.data_source.data.key.length }"""


@pytest.mark.skipif(NGINX is None, reason="needs nginx")
def test_it_works_behind_nginx_with_https_and_a_path(
    start: Callable[..., Any], visit: Callable[..., Any], mapped: Any, tmp_path: Path
) -> None:
    """As docs/deploy/nginx.conf sets it up, with names and passwords."""
    users = tmp_path / "users.json"
    users.write_text(json.dumps({"ada": "open sesame"}))
    front = Nginx(tmp_path)
    try:
        options = ("--prefix", "/lcz", "--origin", f"localhost:{front.port}", "--basic-auth", users)
        behind = start(*options, cache=Path(mapped.log.name).parent, command=LCZ_APP)
        root = front.serve(behind.wait("/lcz/login").port)
        page = visit(f"{root}/lcz/app?page=map", ignore_https_errors=True)
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("open sesame")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Run", exact=True).wait_for()
        settled(page, "map")
        page.get_by_label("Fusion of the two").select_option("vote")  # answers through the socket
        wait_for(page, "() => location.search.includes('fusion=vote')")
        go(page, "Share")
        address = page.get_by_label("Address of what you see")
        wait_for(page, SHARED_JS)
        assert address.input_value().startswith(f"{root}/lcz/app?")
        cookies = {c["name"]: c for c in page.context.cookies()}
        for name in ("user", "id_token"):
            assert cookies[name]["secure"], name
            assert cookies[name]["httpOnly"], name
            assert cookies[name]["sameSite"] == "Lax", name
        page.goto(f"{root}/lcz?page=city")  # a prefix without its slash leads on, query and all
        page.get_by_text("8.0 × 8.0 km").wait_for()
        answer = page.request.get(f"{root}/lcz/app")
        assert "max-age" in answer.headers["strict-transport-security"]
        behind.stop()
    finally:
        front.stop()


def test_names_and_passwords(
    start: Callable[..., Any], visit: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    users = tmp_path / "users.json"
    users.write_text(json.dumps({"ada": "open sesame"}))
    locked = start("--basic-auth", str(users), cache=Path(server.log.name).parent, command=LCZ_APP)
    locked.wait("/login")
    page = visit(locked.url)
    for password in ("wrong", "open sesame"):
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        if password == "wrong":
            page.get_by_role("alert").get_by_text(re.compile("invalid", re.IGNORECASE)).wait_for()
    page.get_by_text("8.0 × 8.0 km").wait_for()
    page.goto(f"http://localhost:{locked.port}/logout")
    page.get_by_text("You are logged out.").wait_for()
    page.goto(locked.url)
    page.get_by_label("Password").wait_for()
    locked.stop()


def test_make_app_starts_the_dashboard() -> None:
    # Without the directory lines a make within `make test` writes around its commands.
    command = ["make", "-n", "--no-print-directory", "app"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1].endswith("/lcz app")


@pytest.fixture
def mirror_server(shared: Path) -> Iterator[str]:
    """The mirror folder, served over HTTP on this machine."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=shared / "mirror")
    serving = http.server.ThreadingHTTPServer(("localhost", 0), handler)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://localhost:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_the_list_of_cities_is_fetched_from_a_mirror(
    start: Callable[..., Any], visit: Callable[..., Any], mirror_server: str
) -> None:
    own = start(LCZLIB_MIRROR=mirror_server).wait()
    page = visit(f"{own.url}?page=city&city=own")
    page.get_by_role("heading", name="Own files", exact=True).wait_for()
    page.get_by_role("button", name="Fetch the 1,692 So2Sat cities").click()
    page.get_by_role("button", name="Fetch the 1,692 So2Sat cities").wait_for(state="hidden")
    assert wait_for(page, WORLD_JS) == 1692  # on the map of the world too
    page.get_by_label("Search a city").press_sequentially("lagos")
    option = page.get_by_label("Cities").locator("option", has_text="Lagos")
    option.first.wait_for(state="attached")
    assert option.count() == 1
    page.get_by_label("Cities").select_option(label=option.first.inner_text())
    page.get_by_role("heading", name=re.compile("^Lagos")).wait_for()
    page.get_by_text("There is no imagery of").first.wait_for()
    assert own.errors() == []
    own.stop()


def test_a_list_that_cannot_be_fetched_says_so(
    start: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    own = start(LCZLIB_MIRROR="http://localhost:9").wait()
    page = visit(f"{own.url}?page=city&city=own")
    page.get_by_role("heading", name="Own files", exact=True).wait_for()
    page.get_by_role("button", name="Fetch the 1,692 So2Sat cities").click()
    # The message stands in the page twice: seen, and once more for those who hear it.
    page.locator(
        ".notyf__message", has_text=re.compile("so2sat_gul_cities.*(cannot|could not)")
    ).wait_for()
    assert page.get_by_role("button", name="Fetch the 1,692 So2Sat cities").is_enabled()
    own.stop()
