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


def test_up_to_four_maps_stand_beside_each_other(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=compare")
    page.get_by_text("Sentinel-1 against Sentinel-2").wait_for()
    page.get_by_label("Third map").select_option("Reference")
    page.get_by_label("Fourth map").select_option("S1 + S2 fused")
    four = ("First", "Second", "Third", "Fourth")
    for name in four:  # another one draws the others anew
        settled(page, name)
    shown = {n: wait_for(page, CELLS_JS, n) for n in four}
    titles = ["Sentinel-1", "Sentinel-2", "Reference", "S1 + S2 fused"]
    assert [s["title"] for s in shown.values()] == titles
    assert all(s["cells"] > 5000 for s in shown.values())
    assert page.locator(".bk-Figure:visible").count() >= 4
    last, first = (wait_for(page, IMAGE_JS, n) for n in ("Fourth", "First"))
    assert last["x"] == pytest.approx(first["x"])
    wait_for(page, "() => /third=reference.*fourth=fused/.test(location.search)")


VALUES_JS = """(name) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === name) for (const r of m.renderers)
    if (r.visible && r.glyph && r.glyph.color_mapper && r.glyph.color_mapper.high === 1) {
      const known = [...(r.data_source.data.image[0] || [])].filter(v => !Number.isNaN(v))
      if (known.length > 100) return known.reduce((a, b) => a + b, 0) / known.length
    } }"""
HALVES_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === 'First') {
    const halves = m.renderers.filter(r => r.glyph && r.glyph.type === 'Image').slice(-2)
    return [m.title.text, ...halves.map(r => r.visible)] } }"""


def test_how_different_two_maps_are_is_drawn_by_the_similarity_of_classes(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=compare&second=reference")
    page.get_by_text("Sentinel-1 against Reference").wait_for()
    row = page.locator("tr", has_text="similar classes counted in part")
    weighted = float(row.locator("td").nth(1).inner_text())
    go(page, "how different")
    assert wait_for(page, VALUES_JS, "First") == pytest.approx(1 - weighted, abs=0.03)


def test_two_maps_take_turns(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=compare&second=reference&compare=flicker")
    page.get_by_text("Sentinel-1 against Reference").wait_for()
    seen = set()
    for _ in range(60):
        seen.add(tuple(page.evaluate(HALVES_JS)))
        page.wait_for_timeout(200)
        if len(seen) > 2:
            break
    assert {("Sentinel-1", True, False), ("Reference", False, True)} <= seen
    go(page, "side by side")
    settled(page, "Second")
    page.wait_for_timeout(1200)  # nothing turns any more
    assert page.evaluate(HALVES_JS) == ["Sentinel-1", False, False]


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
