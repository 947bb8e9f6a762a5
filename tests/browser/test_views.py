"""An own area drawn on the map, three maps beside each other, and where two of them differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from helpers import CELLS_JS, IMAGE_JS, go, settled, wait_for

pytestmark = pytest.mark.browser


def test_a_box_drawn_on_the_map_becomes_the_area(server: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{server.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    settled(page, "city map")
    tool = page.locator(".bk-tool-icon-box-select:visible")
    box = page.locator(".bk-Figure:visible", has=tool).bounding_box()  # not that of all cities
    tool.click()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    page.mouse.move(x + 90, y + 60, steps=5)
    page.mouse.up()
    page.get_by_text("cut to your area").wait_for()
    size = page.get_by_text(re.compile(r"\d\.\d × \d\.\d km")).first.inner_text()
    wide, high = map(float, re.search(r"(\d\.\d) × (\d\.\d) km", size).groups())
    assert 1 < high < wide < 6  # as wide as drawn: 150 by 120 of some 600 pixels, and whole cells
    assert "area=" in page.url
    page.get_by_role("button", name="Use the whole scene").click()
    page.get_by_text("8.0 × 8.0 km").wait_for()


def test_a_third_map_stands_beside_two(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=compare")
    page.get_by_text("Sentinel-1 against Sentinel-2").wait_for()
    page.get_by_label("Third map").select_option("Reference")
    for name in ("First", "Second", "Third"):  # a third one draws the others anew
        settled(page, name)
    shown = {n: wait_for(page, CELLS_JS, n) for n in ("First", "Second", "Third")}
    assert [s["title"] for s in shown.values()] == ["Sentinel-1", "Sentinel-2", "Reference"]
    assert all(s["cells"] > 5000 for s in shown.values())
    assert page.locator(".bk-Figure:visible").count() >= 3
    third, first = (wait_for(page, IMAGE_JS, n) for n in ("Third", "First"))
    assert third["x"] == pytest.approx(first["x"])
    wait_for(page, "() => location.search.includes('third=reference')")


def test_the_differences_view_shows_only_where_two_maps_differ(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=compare&second=reference")
    page.get_by_text("Sentinel-1 against Reference").wait_for()
    agreement = page.locator("tr", has_text="Agreement (same class)").locator("td").nth(1)
    same = float(agreement.inner_text())
    settled(page, "First")
    whole = wait_for(page, CELLS_JS, "First")["cells"]
    go(page, "differences")
    page.wait_for_function(
        f"(n) => (({CELLS_JS})(n) || {{title: ''}}).title.startsWith('Where Reference differs')",
        arg="First",
    )
    settled(page, "First")
    differing = wait_for(page, CELLS_JS, "First")["cells"]
    assert differing / whole == pytest.approx(1 - same, abs=0.03)
    assert page.locator(".bk-Figure:visible").count() >= 1
