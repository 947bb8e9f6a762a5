"""A running dashboard, and a browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from filelock import FileLock
from helpers import PATIENCE, go

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


HERE = ("http://localhost", "https://localhost", "data:", "blob:", "file:")
PANEL = ("-m", "panel", "serve", "app", "--num-threads", "4")
SIGNED = {"BOKEH_SIGN_SESSIONS": "yes", "BOKEH_SECRET_KEY": "a secret that is only for tests here"}
"""As `lcz app` has it: without, uploads are off."""


class Server:
    """The dashboard on a free port."""

    running: ClassVar[list[Server]] = []

    def __init__(
        self, cache: Path, *options: str, command: Sequence[str] = PANEL, **environment: str
    ) -> None:
        with socket.socket() as s:
            s.bind(("localhost", 0))
            self.port = s.getsockname()[1]
        inherited = {
            k: v for k, v in os.environ.items() if k not in ("LCZLIB_MIRROR", "LCZLIB_ALLOW")
        }
        environment = {**inherited, "LCZLIB_CACHE": str(cache), "OMP_NUM_THREADS": "1",
                       "PYTHONPATH": str(ROOT), **SIGNED, **environment}  # fmt: skip
        self.log = (cache / f"server-{self.port}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, *command, "--port", str(self.port), *options],
            cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.running.append(self)
        self.url = f"http://localhost:{self.port}/app"

    def wait(self, path: str = "/app") -> Server:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=PATIENCE)
                return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                time.sleep(0.3)
        raise RuntimeError(self.said())

    def said(self) -> str:
        """The end of its log."""
        self.log.flush()
        return Path(self.log.name).read_text()[-4000:]

    def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for something that only this side can see, such as a folder that goes."""
        until = time.monotonic() + PATIENCE
        while not wanted():
            assert time.monotonic() < until, "it did not come"
            time.sleep(0.2)

    def errors(self) -> list[str]:
        self.log.flush()
        text = Path(self.log.name).read_text()
        return [line for line in text.splitlines() if "Error" in line or "Traceback" in line]

    def stop(self) -> None:
        if self in self.running:
            self.running.remove(self)
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.log.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows what the servers said."""
    report = yield
    if report.failed:
        for server in Server.running:
            report.sections.append((f"log of the dashboard at {server.url}", server.said()))
    return report


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    pytest.importorskip("panel")
    running = []

    def begin(*options: str, cache: Path | None = None, **more: Any) -> Server:
        running.append(Server(cache or tmp_path_factory.mktemp("cache"), *options, **more))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    path = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dashboards"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session")
def server(start: Callable[..., Server], together: Path) -> Server:
    """The dashboard of this process; those of all share what is made of public scenes."""
    return start(cache=together).wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"needs Debian's chromium at {CHROMIUM}")
    with api.sync_playwright() as p:
        made = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text()


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
        page.set_default_timeout(1000 * PATIENCE)
        page.on(
            "request",
            lambda r: strays.append(r.url) if not r.url.startswith(HERE) else None,
        )
        page.on("pageerror", lambda e: strays.append(f"script error: {e}"))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert strays == []


@pytest.fixture(scope="session")
def mapped(server: Server, browser: Any, together: Path) -> Server:
    """The demo city mapped: by the first process that asks, the others find its maps."""
    done = together / "mapped"
    with FileLock(together / "mapping.lock"):
        if not done.exists():
            map_the_demo_city(server, browser)
            done.touch()
    return server


def map_the_demo_city(server: Server, browser: Any) -> None:
    """Run, cancel, and run again."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"{server.url}?page=city")
    page.get_by_text("Demo city (simulated)").first.wait_for()
    go(page, "Map")
    page.get_by_text("No LCZ map of Demo city").wait_for()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text(re.compile(r"of 32,000 cells")).wait_for()
    go(page, "City")  # the rest of the page is alive meanwhile
    page.get_by_text("All cities").wait_for()
    go(page, "Map")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_text("Stopped").first.wait_for()
    assert page.get_by_text("No LCZ map of Demo city").is_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Run again").wait_for(timeout=3000 * PATIENCE)
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    page.close()


@pytest.fixture(scope="session")
def city(mapped: Server) -> Path:
    """Folder of the demo city's files, as the server simulated them."""
    return next(Path(mapped.log.name).parent.glob("demo-*"))
