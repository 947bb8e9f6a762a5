"""How quickly the dashboard answers, with one visitor and with twenty, and what it keeps in memory.

Usage: python benchmarks/dashboard.py [--sessions 200] [--visitors 20]

Prints a table. The first column of each line names the alternative it is measured against, where
there is one: a layer switch against opening the page anew, twenty visitors against one.
"""

# ruff: noqa: E501 - markup and sentences stay whole

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from conftest import CHROMIUM, FLAGS, Server
from playwright.sync_api import sync_playwright

VISIBLE_JS = """(wanted) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'ColorBar' && m.visible === wanted) return true; return false }"""
FRAME_JS = """() => new Promise(done => { const t = performance.now(); requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - t))) })"""


def memory(server: Server) -> float:
    """Resident memory of the server in MB."""
    return psutil.Process(server.process.pid).memory_info().rss / 1e6


def pull(url: str) -> None:
    """Open and close a session as a browser's socket does, without the browser."""
    import panel as pn
    import panel.models.browser
    import panel.models.file_dropper
    import panel.models.location
    from bokeh.client import pull_session

    pn.extension("tabulator", "filedropper")

    session = pull_session(url=url)
    session.close()


def first_paint(page: object, url: str) -> float:
    begun = time.perf_counter()
    page.goto(url)
    page.locator(".bk-Figure:visible").first.wait_for(timeout=60_000)
    return time.perf_counter() - begun


def layer_switches(page: object, n: int) -> list[float]:
    """Seconds from choosing a layer to its pixels."""
    took = []
    layer = page.get_by_label("Layer")
    for i in range(n):
        begun = time.perf_counter()
        layer.select_option("certainty" if i % 2 == 0 else "classes")
        page.wait_for_function(VISIBLE_JS, arg=i % 2 == 0, timeout=30_000)
        took.append(time.perf_counter() - begun)
    return took


def pans(page: object, n: int) -> list[float]:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--visitors", type=int, default=20)
    options = parser.parse_args()
    begun = time.perf_counter()
    server = Server(Path(tempfile.mkdtemp()), "--warm").wait()
    rows = [("server start, warm (demo city simulated once)", time.perf_counter() - begun, "s")]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{server.url}?page=map&made=maps")
        page.get_by_role("button", name="Run again").wait_for(timeout=240_000)
        paints = [first_paint(browser.new_page(), f"{server.url}?page=map") for _ in range(3)]
        rows.append(("first paint, warm (median of 3)", statistics.median(paints), "s"))
        page.reload()
        page.get_by_role("button", name="Run again").wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        switches = layer_switches(page, 10)
        rows.append(("layer switch (median of 10)", 1000 * statistics.median(switches), "ms"))
        rows.append(
            (
                "  against opening the page anew",
                statistics.median(paints) / statistics.median(switches),
                "times faster",
            )
        )
        rows.append(
            (
                "pan / zoom to the next frame (median of 20)",
                1000 * statistics.median(pans(page, 20)),
                "ms",
            )
        )
        page.goto(f"{server.url}?page=city")
        page.get_by_text("8.0 × 8.0 km").wait_for(timeout=60_000)
        begun = time.perf_counter()
        page.get_by_label("Cities").select_option("own")
        page.get_by_role("heading", name="Own files").wait_for()
        page.get_by_label("Cities").select_option("demo")
        page.get_by_text("8.0 × 8.0 km").wait_for()
        rows.append(("city switch (two of them, halved)", (time.perf_counter() - begun) / 2, "s"))
        page.goto(f"{server.url}?page=map")
        page.get_by_role("button", name="Run again").wait_for(timeout=60_000)
        with ThreadPoolExecutor(options.visitors) as pool:
            stop = time.monotonic() + 30

            def visit() -> int:
                n = 0
                while time.monotonic() < stop:
                    pull(server.url)
                    n += 1
                    time.sleep(3)
                return n

            visits = [pool.submit(visit) for _ in range(options.visitors - 1)]
            time.sleep(4)
            busy = layer_switches(page, 10)
            rows.append(
                (
                    f"layer switch with {options.visitors} visitors",
                    1000 * statistics.median(busy),
                    "ms",
                )
            )
            rows.append(("pan / zoom with them", 1000 * statistics.median(pans(page, 20)), "ms"))
            page.get_by_label("Fusion of the two").select_option("product")
            page.get_by_role("button", name="Run again").click()
            during = layer_switches(page, 6)
            rows.append(
                (
                    "layer switch during a mapping run as well",
                    1000 * statistics.median(during),
                    "ms",
                )
            )
            n = sum(v.result() for v in visits)
        rows.append(("  sessions that these visitors opened", float(n), ""))
        browser.close()
    levels = {}
    for i in range(1, options.sessions + 1):
        pull(server.url)
        if i in (20, options.sessions // 2, options.sessions):
            time.sleep(20)  # sessions are discarded some seconds after they close
            levels[i] = memory(server)
    for i, level in levels.items():
        rows.append((f"memory after {i} opened and closed sessions", level, "MB"))
    server.stop()
    width = max(len(r[0]) for r in rows)
    for name, value, unit in rows:
        print(f"{name:<{width}}  {value:10.2f} {unit}")


if __name__ == "__main__":
    main()
