"""With the keyboard alone, for a screen reader, and where something goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import CELLS_JS, CITY, SHOWN, drop, reviewed, settled, upload, wait_for

pytestmark = pytest.mark.browser

FOCUSED_JS = """() => { let e = document.activeElement
  while (e && e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement
  return e ? (e.getAttribute('aria-label') || e.innerText || e.title || '').trim() : '' }"""
NEEDS_NAME = {
    "button", "checkbox", "combobox", "img", "image", "link", "listbox", "menuitem", "progressbar", "radio",
    "searchbox", "slider", "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip


def focus(page: Any, name: str) -> None:
    """Press Tab until a widget has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED_JS) == name:
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def test_the_main_flow_works_with_the_keyboard(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=city&fusion=entropy")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    focus(page, "Map")
    page.keyboard.press("Enter")
    page.get_by_text("No LCZ map of Demo city").wait_for()
    focus(page, "Run")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("of 32,000 cells")).wait_for()
    focus(page, "Cancel")
    page.keyboard.press("Enter")
    page.get_by_text("Stopped").first.wait_for()


def nameless(page: Any) -> list[str]:
    """What the browser tells a screen reader of the widgets and images that have no name."""
    client = page.context.new_cdp_session(page)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        if node.get("ignored") or role.lower() not in NEEDS_NAME:
            continue
        if not node.get("name", {}).get("value", "").strip():
            told = client.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})[
                "node"
            ]
            found.append(
                f"{role}: <{told['localName']} {' '.join(told.get('attributes', []))[:150]}>"
            )
    client.detach()
    return found


@pytest.mark.parametrize("name", SHOWN)
def test_every_widget_and_image_has_a_name(
    city: Path, mapped: Any, visit: Callable[..., Any], name: str
) -> None:
    page = visit(f"{mapped.url}?page={name}")
    page.get_by_text(SHOWN[name]).first.wait_for()
    if name == "city":
        drop(
            page, city / "Reference" / CITY / "lcz.tif", city / "Reference" / CITY / "polygons.gpkg"
        )
        for file in ("lcz.tif", "polygons.gpkg"):
            reviewed(page, file).get_by_role("button", name="Use it").wait_for()
    roles = page.locator("button:visible").count()
    assert roles > 5
    assert nameless(page) == []


def test_a_failed_step_leaves_the_map_and_one_message(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile("6,400 cells, made in")).wait_for()
    settled(page, "map")
    before = wait_for(page, CELLS_JS, "map")["cells"]
    for sensor in ("Sentinel-1", "Sentinel-2"):
        page.get_by_label(sensor, exact=True).first.uncheck()
    page.get_by_text("made with other settings").wait_for()
    page.get_by_role("button", name="Run again").click()
    page.locator(".lcz-banner.failed").get_by_text("Of the chosen sensors (none)").wait_for()
    assert page.locator(".lcz-banner.failed:visible").count() == 1
    assert page.get_by_text(re.compile("6,400 cells, made in")).is_visible()
    assert wait_for(page, CELLS_JS, "map")["cells"] == before
    page.get_by_label("Sentinel-1", exact=True).first.check()
    page.get_by_label("Sentinel-2", exact=True).first.check()
    page.locator(".lcz-banner.failed").wait_for(state="hidden")


def test_an_area_outside_leaves_the_scene_and_one_message(
    server: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(f"{server.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    far = tmp_path / "far.geojson"
    ring = [[10, 10], [10.1, 10], [10.1, 10.1], [10, 10.1], [10, 10]]
    far.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    upload(page, "Own area", far)
    page.locator(".lcz-banner.failed").get_by_text(
        "holds less than 4 x 4 LCZ cells of the scene"
    ).wait_for()
    assert page.locator(".lcz-banner.failed:visible").count() == 1
    settled(page, "city map")  # the image of the scene is still there
    assert page.get_by_text("8.0 × 8.0 km").is_visible()
    page.get_by_role("button", name="Use the whole scene").click()
    page.locator(".lcz-banner.failed").wait_for(state="hidden")
