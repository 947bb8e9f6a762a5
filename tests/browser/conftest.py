"""A running dashboard, and a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Server:
    """``panel serve app`` on a free port."""

    def __init__(self, cache: Path, *options: str, **environment: str) -> None:
        with socket.socket() as s:
            s.bind(("localhost", 0))
            self.port = s.getsockname()[1]
        environment = {**os.environ, "LCZLIB_CACHE": str(cache), "OMP_NUM_THREADS": "1",
                       "PYTHONPATH": str(ROOT), **environment}  # fmt: skip
        environment.pop("LCZLIB_MIRROR", None)
        self.log = (cache / f"server-{self.port}.log").open("w+")
        command = [
            sys.executable,
            "-m",
            "panel",
            "serve",
            "app",
            "--port",
            str(self.port),
            "--num-threads",
            "4",
            *options,
        ]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.url = f"http://localhost:{self.port}/app"

    def wait(self, path: str = "/app") -> Server:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=20)
                return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.5)
        self.log.seek(0)
        raise RuntimeError(self.log.read()[-2000:])

    def errors(self) -> list[str]:
        self.log.flush()
        text = Path(self.log.name).read_text()
        return [line for line in text.splitlines() if "Error" in line or "Traceback" in line]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    pytest.importorskip("panel")
    running = []

    def begin(*options: str, cache: Path | None = None, **environment: str) -> Server:
        running.append(Server(cache or tmp_path_factory.mktemp("cache"), *options, **environment))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def server(start: Callable[..., Server]) -> Server:
    return start().wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"needs Debian's chromium at {CHROMIUM}")
    with api.sync_playwright() as p:
        made = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def visit(browser: object) -> Iterator[Callable[..., object]]:
    """Open an address as a visitor of one's own; fails where the page asks for anything elsewhere."""
    contexts, strays = [], []

    def opened(url: str, **options: object) -> object:
        context = browser.new_context(
            viewport={"width": 1440, "height": 1000}, accept_downloads=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(45_000)
        page.on(
            "request",
            lambda r: (
                strays.append(r.url)
                if not r.url.startswith(("http://localhost", "data:", "blob:", "file:"))
                else None
            ),
        )
        page.on("pageerror", lambda e: strays.append(f"script error: {e}"))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert strays == []
