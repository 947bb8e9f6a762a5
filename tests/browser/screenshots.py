"""Pictures of every page, light and dark, desktop and phone: ``make screenshots``.

Usage: python tests/browser/screenshots.py [FOLDER] [--pages city,map] [--url URL] [--whole]
       python tests/browser/screenshots.py --animation docs/flow.gif   # the README's, from city to report

The Water page shows a water map where the environment names a mirror or a cache that has GMNet's
weights (``LCZLIB_MIRROR``, ``LCZLIB_CACHE``), else the radar image that would be mapped.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from conftest import CHROMIUM, FLAGS, Server
from helpers import SHOWN, figure_center, go, still
from PIL import Image
from playwright.sync_api import sync_playwright

STATE = {
    "compare": "&place=[3.06,52.135]",
    "accuracy": "&cell=[5,6]",
    "heat": "&heat_map=reference",
}
WATER = "&made=maps,water", "Water area"
HEIGHT_JS = "document.querySelector('#main').scrollHeight + 80"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def animation(path: Path) -> None:
    """The flow from the city to the report, a picture for each step."""
    frames: list[tuple[Image.Image, int]] = []
    server = Server(Path(tempfile.mkdtemp())).wait()

    def keep(page: Any, seconds: float = 2.0) -> None:
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture = picture.resize((960, 600), Image.Resampling.LANCZOS)
        # one palette for each picture, since class colours must stay what the legend says
        frames.append((picture.quantize(255, dither=Image.Dither.NONE), round(1000 * seconds)))

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(240_000)
        page.goto(f"{server.url}?page=city")
        page.get_by_text(SHOWN["city"]).first.wait_for()
        still(page)
        keep(page)
        go(page, "Map")
        page.get_by_text("No LCZ map of Demo city").wait_for()
        go(page, "Run")
        page.get_by_text(re.compile(r"of [\d,]+ cells · about")).first.wait_for()
        keep(page, 1.5)
        page.get_by_role("button", name="Run again").wait_for()
        still(page)
        keep(page)
        page.mouse.click(*figure_center(page))
        page.get_by_text(re.compile(r"^At \d+\.\d+° N")).first.wait_for()
        still(page)
        keep(page)
        page.get_by_role("button", name="Close", exact=True).click()
        for name, button in (
            ("compare", "Compare"), ("accuracy", "Accuracy"), ("heat", "Heat island"), ("share", "Share"),
        ):  # fmt: skip
            go(page, button)
            page.get_by_text(SHOWN[name]).first.wait_for()
            still(page)
            keep(page)
        browser.close()
    server.stop()
    (first, *others), times = zip(*frames, strict=True)
    first.save(path, save_all=True, append_images=others, duration=times, loop=0, optimize=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="screenshots", type=Path)
    parser.add_argument("--url", help="of a running dashboard; by default one is started")
    parser.add_argument("--pages", default=",".join(SHOWN))
    parser.add_argument("--whole", action="store_true", help="whole pages, not a screenful")
    parser.add_argument("--animation", type=Path, help="GIF of the flow to write, and nothing else")
    options = parser.parse_args()
    if options.animation:
        animation(options.animation)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    stores = {k: os.environ[k] for k in ("LCZLIB_MIRROR", "LCZLIB_CACHE") if k in os.environ}
    server = None if options.url else Server(Path(tempfile.mkdtemp()), **stores).wait()
    url = options.url or server.url
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{url}?page=map&made=maps")  # the map is made once, for all pictures
        page.get_by_role("button", name="Run again").wait_for(timeout=240_000)
        page.close()
        for name in options.pages.split(","):
            state, text = STATE.get(name, ""), SHOWN[name]
            if name == "water" and stores:
                state, text = WATER
            for size, (width, height) in SIZES.items():
                for theme in ("light", "dark"):
                    context = browser.new_context(viewport={"width": width, "height": height})
                    shot = context.new_page()
                    shot.goto(f"{url}?page={name}{state}{'&theme=dark' * (theme == 'dark')}")
                    shot.get_by_text(text).first.wait_for(timeout=240_000)
                    still(shot)
                    if options.whole:  # the page scrolls within its frame
                        shot.set_viewport_size({"width": width, "height": shot.evaluate(HEIGHT_JS)})
                        still(shot)
                    path = options.folder / f"{name}-{size}-{theme}.png"
                    shot.screenshot(path=path)
                    context.close()
        browser.close()
    if server:
        server.stop()


if __name__ == "__main__":
    main()
