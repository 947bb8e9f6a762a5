"""How quickly the dashboard answers, with one visitor and with twenty, and what it keeps in memory.

Usage: python benchmarks/dashboard.py [--sessions 200] [--visitors 20] [--write FILE]

Prints a table and, with ``--write``, keeps it with a description of the machine. Each figure stands
beside a named alternative where there is one: a layer switch beside opening the page anew, twenty
visitors beside one, a visitor while another maps beside the same visitor alone. One visitor is a
real Chromium; the others speak the page's protocol without drawing (`visitors`), since browsers on
the same cores would measure each other.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import socket
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from conftest import CHROMIUM, FLAGS, Server
from playwright.sync_api import sync_playwright
from visitors import Visitor, has_classes, has_image

from lczlib.machine import machine

QUICK = ("--unused-session-lifetime", "8000", "--check-unused-sessions", "1000")
LEVELS = (1, 10, 20, 50, 100, 200)
PAGES = ("map", "compare", "city", "accuracy", "heat")
DRAWN_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'ImageURL' || m.type === 'Image') for (const r of d._all_models.values())
    if (r.type === 'GlyphRenderer' && r.glyph === m && r.data_source.data.image?.length) return true
  return false }"""
VISIBLE_JS = """(wanted) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'ColorBar' && m.visible === wanted) return true; return false }"""
FRAME_JS = """() => new Promise(done => { const t = performance.now();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - t))) })"""


class Table:
    """Figures as they come: printed at once, and kept."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def add(self, what: str, values: float | list[float], unit: str, aim: str = "") -> None:
        """One figure: a value, or the median of several with their largest."""
        scale = 1000 if unit == "ms" else 1
        first = values[0] if isinstance(values, list) else values
        digits = 0 if unit in ("ms", "") or (unit == "MB" and first >= 100) else 2
        if isinstance(values, list):
            middle, top = statistics.median(values) * scale, max(values) * scale
            text = f"{middle:.{digits}f} {unit} (largest of {len(values)}: {top:.{digits}f})"
        else:
            text = f"{values * scale:.{digits}f} {unit}"
        self.rows.append((what, text, aim))
        print(f"{what:<66} {text:<38} {aim}", flush=True)

    def markdown(self) -> str:
        """The table for a file."""
        rows = "".join(f"| {a} | {b} | {c} |\n" for a, b, c in self.rows)
        return "| what | figure | aim |\n| --- | --- | --- |\n" + rows


class Crowd:
    """Visitors that stay and switch layers, on a thread of their own."""

    def __init__(self, url: str, n: int, pause: float) -> None:
        self._url, self._n, self._pause = url, n, pause
        self._stop, self.all_in = Event(), Event()
        self.answers: list[float] = []
        self.failed: list[BaseException] = []
        self._thread = Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()

    async def _run(self) -> None:
        opened: list[Visitor] = []
        try:
            for _ in range(self._n):
                visitor = await Visitor(self._url).open()
                await visitor.wait(has_classes)
                opened.append(visitor)
            self.all_in.set()
            await asyncio.gather(*(self._act(v, i) for i, v in enumerate(opened)))
        except BaseException as error:
            self.failed.append(error)
        finally:
            self.all_in.set()
            for visitor in opened:
                await visitor.close()

    async def _act(self, visitor: Visitor, number: int) -> None:
        await asyncio.sleep(self._pause * number / self._n)
        for layer in cycle(("certainty", "classes")):
            if self._stop.is_set():
                return
            since = len(visitor.events)
            await visitor.set("Layer", layer)
            self.answers.append(await visitor.wait(has_image, since))
            await asyncio.sleep(self._pause)

    def stop(self) -> None:
        """Send them away."""
        self._stop.set()
        self._thread.join()
        if self.failed:
            raise self.failed[0]


def memory(server: Server) -> float:
    """Resident memory of the server in MB."""
    return psutil.Process(server.process.pid).memory_info().rss / 1e6


def worked(server: Server) -> float:
    """Processor seconds of the server so far: unlike waiting, these hardly depend on other load."""
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


def paint(browser: Any, url: str) -> tuple[float, float]:
    """Seconds until the page stands, and until the city is drawn on its map."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    begun = time.perf_counter()
    page.goto(url)
    page.locator(".bk-Figure:visible").first.wait_for(timeout=120_000)
    page.evaluate(FRAME_JS)
    first = time.perf_counter() - begun
    page.wait_for_function(DRAWN_JS, timeout=120_000)
    page.evaluate(FRAME_JS)
    drawn = time.perf_counter() - begun
    page.close()
    return first, drawn


def weight(browser: Any, url: str) -> float:
    """Megabytes that travel until the page with its city stands, with an empty cache: files as packed, and messages."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    network, came = page.context.new_cdp_session(page), [0.0]
    network.send("Network.enable")

    def file(event: dict[str, Any]) -> None:
        came[0] += event["encodedDataLength"]

    def message(event: dict[str, Any]) -> None:
        data = event["response"]["payloadData"]  # bytes are told as base64
        came[0] += len(data.encode()) if event["response"]["opcode"] == 1 else len(data) * 3 / 4

    network.on("Network.loadingFinished", file)
    network.on("Network.webSocketFrameReceived", message)
    page.goto(url)
    page.wait_for_function(DRAWN_JS, timeout=120_000)
    page.wait_for_timeout(3000)
    page.close()
    return came[0] / 1e6


def layer_switches(page: Any, n: int) -> list[float]:
    """Seconds from choosing a layer to its first frame."""
    took = []
    layer = page.get_by_label("Layer")
    for i in range(n):
        begun = time.perf_counter()
        layer.select_option("certainty" if i % 2 == 0 else "classes")
        page.wait_for_function(VISIBLE_JS, arg=i % 2 == 0, timeout=120_000)
        page.evaluate(FRAME_JS)
        took.append(time.perf_counter() - begun)
        page.wait_for_timeout(200)
    return took


def pans(page: Any, n: int) -> list[float]:
    """Seconds from a wheel turn to the next drawn frame."""
    box = page.locator(".bk-Figure:visible").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    took = []
    for i in range(n):
        begun = time.perf_counter()
        page.mouse.wheel(0, -60 if i % 2 else 60)
        page.evaluate(FRAME_JS)
        took.append(time.perf_counter() - begun)
    return took


def city_switches(page: Any, n: int) -> list[float]:
    """Seconds from choosing a city to its facts; there and back again."""
    took = []
    for _ in range(n):
        page.get_by_label("Cities").select_option("own")
        page.get_by_role("heading", name="Own files", exact=True).wait_for()
        page.wait_for_function(f"!({DRAWN_JS})()")
        begun = time.perf_counter()
        page.get_by_label("Cities").select_option("demo")
        page.get_by_text("8.0 × 8.0 km").wait_for()
        page.wait_for_function(DRAWN_JS)
        took.append(time.perf_counter() - begun)
    return took


def mapped_page(browser: Any, server: Server) -> Any:
    """A page that shows the demo city's map, with time to come to rest."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(f"{server.url}?page=map")
    page.get_by_role("button", name="Run again").wait_for()
    page.wait_for_function(DRAWN_JS)
    page.wait_for_timeout(2000)
    return page


def answers(server: Server, table: Table, visitors: int) -> None:
    """What one visitor waits, alone and among others."""
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        table.add(
            "first visit after the start: page stands",
            paint(browser, f"{server.url}?page=map")[0],
            "s",
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        begun = time.perf_counter()
        page.goto(f"{server.url}?page=map&made=maps")
        page.get_by_role("button", name="Run again").wait_for(timeout=600_000)
        table.add(
            "(the demo city mapped once: five images of 6,400 cells)",
            time.perf_counter() - begun,
            "s",
        )
        page.close()
        before = worked(server)
        paints = [paint(browser, f"{server.url}?page=map") for _ in range(5)]
        spent = (worked(server) - before) / 5
        table.add("first paint, warm: page stands", [a for a, _ in paints], "s", "< 2 s")
        table.add(
            "first paint, warm: the city's map is drawn", [b for _, b in paints], "s", "< 2 s"
        )
        table.add("  processor time of the server for it", spent, "s")
        for name in PAGES:
            sent = weight(browser, f"{server.url}?page={name}")
            table.add(f"the {name} page with the mapped demo city weighs", sent, "MB", "< 4 MB")
        page = mapped_page(browser, server)
        before = worked(server)
        switches = layer_switches(page, 10)
        spent = (worked(server) - before) / 10
        table.add("layer switch, to its first frame", switches, "ms", "< 200 ms")
        table.add("  processor time of the server for it", spent, "ms")
        alone = statistics.median([b for _, b in paints]) / statistics.median(switches)
        table.add("  against opening the page anew: times faster", alone, "")
        table.add("pan / zoom, to the next frame", pans(page, 20), "ms")
        other = browser.new_page(viewport={"width": 1440, "height": 900})
        other.set_default_timeout(120_000)
        other.goto(f"{server.url}?page=city")
        other.get_by_text("8.0 × 8.0 km").wait_for()
        table.add("city switch, to its image", city_switches(other, 3), "s")
        other.close()
        crowd = Crowd(f"{server.url}?page=map", visitors - 1, 10.0)
        crowd.all_in.wait()
        n = f"{visitors} visitors, each switching layers every 10 s"
        table.add(f"layer switch with {n}", layer_switches(page, 10), "ms", "< 200 ms")
        table.add("pan / zoom with them", pans(page, 20), "ms")
        crowd.stop()
        table.add("  a layer switch of these others, to its data", crowd.answers, "ms")
        mapper = mapped_page(browser, server)
        mapper.get_by_label("Fusion of the two").select_option("product")
        mapper.get_by_text("made with other settings").wait_for()
        mapper.get_by_role("button", name="Run again").click()
        cancel = mapper.get_by_role("button", name="Cancel")
        cancel.wait_for()
        moved, during = pans(page, 20), []
        while cancel.is_visible() and len(during) < 60:
            during += layer_switches(page, 2)
        table.add("layer switch while another visitor maps", during, "ms", "waits for no inference")
        table.add("pan / zoom while another visitor maps", moved, "ms")
        browser.close()


def cold_starts(cache: Path, table: Table, n: int = 3) -> None:
    """What the first visitor of a server waits that is not warmed up: from its start, the city simulated before."""
    pages, cities = [], []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for i in range(n + 1):
            begun = time.perf_counter()
            server = Server(cache, OMP_NUM_THREADS=str(os.cpu_count()))
            while True:  # a request would build a page that nobody looks at
                with suppress(OSError), socket.create_connection(("localhost", server.port), 1):
                    break
                time.sleep(0.05)
            listens = time.perf_counter() - begun
            page, city = paint(browser, f"{server.url}?page=city")
            server.stop()
            if i:  # the first one simulates the city
                pages.append(listens + page)
                cities.append(listens + city)
        browser.close()
    table.add("cold, from the server's start: page stands", pages, "s", "< 8 s")
    table.add("cold, from the server's start: the city's image is drawn", cities, "s")


async def remember(server: Server, table: Table, sessions: int, folders: Path) -> None:
    """Sessions one after the other, over all pages, and the memory after some of them."""
    first = await Visitor(f"{server.url}?page=map&made=maps").open()
    await first.wait(has_classes, seconds=600)  # all pages have something to show from here on
    await first.close()
    for i, name in enumerate(islice(cycle(PAGES), sessions), 1):
        visitor = await Visitor(f"{server.url}?page={name}").open()
        await visitor.wait(has_image)
        await visitor.close()
        if i in LEVELS or i == sessions:
            while list(folders.glob("lczlib-session-*")):  # discarded some seconds after they close
                await asyncio.sleep(1)
            await asyncio.sleep(5)
            table.add(f"memory after {i} opened and closed sessions", memory(server), "MB", "flat")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--write", type=Path, help="Markdown file to keep the table in")
    parser.add_argument(
        "--cache", type=Path, help="cache folder that may hold the city and its maps"
    )
    parser.add_argument("--only", choices=["cold", "answers", "memory"])
    options = parser.parse_args()
    table, cache = Table(), options.cache or Path(tempfile.mkdtemp())
    load = [os.getloadavg()[0]]
    print(f"{machine()}; load {load[0]:.1f}")
    if options.only in (None, "cold"):
        cold_starts(cache, table)
        load.append(os.getloadavg()[0])
    for part in ("answers", "memory"):
        if options.only not in (None, part):
            continue
        begun = time.perf_counter()
        folders = Path(tempfile.mkdtemp())
        threads = str(os.cpu_count())  # the tests' servers are told to use one
        simulated = any(cache.glob("demo-*"))
        server = Server(
            cache, "--warm", *QUICK, TMPDIR=str(folders), OMP_NUM_THREADS=threads
        ).wait()
        said = "server start, warm" + ("" if simulated else ", the demo city simulated first")
        table.add(said, time.perf_counter() - begun, "s")
        try:
            if part == "answers":
                answers(server, table, options.visitors)
            else:
                asyncio.run(remember(server, table, options.sessions, folders))
        finally:
            server.stop()
        load.append(os.getloadavg()[0])
    if options.write:
        loads = ", ".join(f"{v:.1f}" for v in load)
        said = (
            f"# The dashboard's answers and memory\n\nMade by `benchmarks/dashboard.py` on {datetime.date.today()}: "
            f"{machine()}. Load average of the machine before, between and after: {loads}. Medians.\n\n"
        )
        options.write.write_text(said + table.markdown())


if __name__ == "__main__":
    main()
