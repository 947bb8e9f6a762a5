"""Pictures of every page, light and dark, desktop and phone: ``make screenshots``.

Usage: python tests/browser/screenshots.py [FOLDER] [--readme FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from conftest import CHROMIUM, FLAGS, Server
from playwright.sync_api import sync_playwright

PAGES = {
    "city": "", "map": "", "compare": "second=reference&place=[3.06,52.135]", "accuracy": "cell=[5,6]",
    "heat": "heat_map=reference", "water": "made=maps,water", "share": "",
}  # fmt: skip
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="screenshots", type=Path)
    parser.add_argument("--url", help="of a running dashboard; by default one is started")
    parser.add_argument("--pages", default=",".join(PAGES))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    server = None if options.url else Server(Path(tempfile.mkdtemp())).wait()
    url = options.url or server.url
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{url}?page=map&made=maps")  # the map is made once, for all pictures
        page.get_by_role("button", name="Run again").wait_for(timeout=240_000)
        for name in options.pages.split(","):
            for size, (width, height) in SIZES.items():
                for theme in ("light", "dark"):
                    context = browser.new_context(viewport={"width": width, "height": height})
                    shot = context.new_page()
                    theme_query = "&theme=dark" if theme == "dark" else ""
                    shot.goto(f"{url}?page={name}&{PAGES[name]}{theme_query}")
                    shot.get_by_role("button", name="City", exact=True).wait_for(timeout=60_000)
                    shot.wait_for_timeout(11_000 if name == "water" else 6_000)
                    shot.screenshot(path=options.folder / f"{name}-{size}-{theme}.png")
                    context.close()
        browser.close()
    if server:
        server.stop()


if __name__ == "__main__":
    main()
