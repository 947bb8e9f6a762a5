"""What a page shows is of the settings shown, of the layer shown, and undistorted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import CELLS_JS, CITY, answered, figure_center, settled, upload, wait_for

pytestmark = pytest.mark.browser

SEEN_JS = """() => { window.seen = []
  const texts = (root, out = []) => { for (const e of root.querySelectorAll('*')) {
    if (e.shadowRoot) texts(e.shadowRoot, out)
    if (e.matches('.lcz-answer, .lcz-banner.failed') && e.offsetParent) out.push(e.innerText) } return out }
  window.watcher = setInterval(() => { for (const t of texts(document))
    if (!window.seen.includes(t)) window.seen.push(t) }, 40) }"""
"""Keeps all answers and failures that the page ever shows."""

SCALE_JS = """(name) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === name && m.inner_width > 50) return [
    (m.x_range.end - m.x_range.start) / m.inner_width, (m.y_range.end - m.y_range.start) / m.inner_height,
    (m.x_range.start + m.x_range.end) / 2] }"""

CHANGED_JS = """() => { const walk = (root) => { for (const e of root.querySelectorAll('*')) {
    if (e.matches('.lcz-answer') && e.offsetParent && /surface of LCZ/.test(e.innerText)) return e
    const found = e.shadowRoot && walk(e.shadowRoot); if (found) return found } }
  return !walk(document) }"""


def test_figures_of_another_setting_go_before_the_new_ones_come(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=heat&heat_map=reference&heat_replicates=2000")
    page.get_by_text(re.compile(r"surface of LCZ .* K against LCZ D")).wait_for()
    page.get_by_role("button", name="canopy (air)").click()
    wait_for(page, CHANGED_JS)  # the surface's answer is gone
    page.evaluate(SEEN_JS)
    page.get_by_text(re.compile(r"air of LCZ|No built zone")).wait_for()
    assert not [t for t in page.evaluate("() => window.seen") if "surface of LCZ" in t]
    assert mapped.errors() == []


def test_an_address_is_restored_without_a_word_of_failure(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=heat&made=maps&heat_map=fused&heat_replicates=100")
    page.evaluate(SEEN_JS)
    page.get_by_text(re.compile(r"surface of LCZ .* K against LCZ D")).wait_for()
    assert len(page.evaluate("() => window.seen")) == 1


def test_no_change_of_width_distorts_a_map(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    before = wait_for(page, SCALE_JS, "map")
    page.mouse.move(*figure_center(page))
    page.mouse.wheel(0, -400)
    wait_for(page, f"([n, s]) => ({SCALE_JS})(n)[0] < 0.95 * s", ["map", before[0]])
    zoomed = wait_for(page, SCALE_JS, "map")
    for width in (900, 1300):
        page.set_viewport_size({"width": width, "height": 1000})
        x, y, middle = wait_for(
            page,
            f"([n]) => {{ const s = ({SCALE_JS})(n); return s && Math.abs(s[0] / s[1] - 1) < 0.01 && s }}",
            ["map"],
        )
        assert x == pytest.approx(zoomed[0], rel=0.01)
        assert middle == pytest.approx(zoomed[2], abs=20 * x)
    assert x == pytest.approx(y, rel=0.01)


def test_a_tooltip_goes_with_its_layer(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    at = figure_center(page)
    page.mouse.move(*at)
    page.mouse.move(*(v + 3 for v in at))
    tip = page.locator(".bk-Tooltip").get_by_text(re.compile(r"LCZ \w+ \w+")).first
    tip.wait_for()
    layer = page.get_by_label("Layer")
    layer.focus()
    page.keyboard.press("ArrowDown")  # the pointer stays where it is
    wait_for(page, "() => location.search.includes('layer=')")
    tip.wait_for(state="hidden")


def test_an_own_map_is_drawn_where_it_is_uploaded(
    city: Path, mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=city&city=own")
    page.get_by_role("heading", name="Own files", exact=True).wait_for()
    upload(page, "Another LCZ map", city / "Reference" / CITY / "lcz.tif")
    answered(page, "Taken: lcz.tif")
    settled(page, "city map")
    assert wait_for(page, CELLS_JS, "city map")["cells"] >= 6000
    page.get_by_role("list", name="Classes and areas").wait_for()
    assert mapped.errors() == []
