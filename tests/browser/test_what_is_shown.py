"""What a page shows is of the settings shown, of the layer shown, and undistorted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import CELLS_JS, figure_center, settled, wait_for, with_own_map

pytestmark = pytest.mark.browser

SEEN_JS = """() => { window.seen = []
  const texts = (root, out = []) => { for (const e of root.querySelectorAll('*')) {
    if (e.shadowRoot) texts(e.shadowRoot, out)
    if (e.matches('.lcz-answer, .lcz-banner.failed') && e.offsetParent) out.push(e.innerText) } return out }
  window.watcher = setInterval(() => { for (const t of texts(document))
    if (!window.seen.includes(t)) window.seen.push(t) }, 40) }"""
"""Keeps all answers and failures that the page ever shows."""

SCALE_JS = """(name) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === name && !m.properties.inner_width.is_unset && m.inner_width > 50) return [
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
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D")).wait_for()
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
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D")).wait_for()
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
    page = with_own_map(visit(f"{mapped.url}?page=city&city=own"), city)
    settled(page, "city map")
    assert wait_for(page, CELLS_JS, "city map")["cells"] >= 6000
    page.get_by_role("list", name="Classes and areas").wait_for()
    assert mapped.errors() == []


def test_a_click_on_a_colour_shows_its_class_alone(mapped: Any, visit: Callable[..., Any]) -> None:
    palette = """(clear) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
      if (m.type === 'LinearColorMapper' && m.palette.length === 17)
        return m.palette.filter(c => c === 'rgba(0, 0, 0, 0)').length === clear }"""
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    swatch = page.get_by_role("button", name="LCZ G water alone", exact=True)
    swatch.click()
    wait_for(page, palette, 16)
    page.locator('button[data-lcz="17"][aria-pressed=true]').wait_for()
    wait_for(page, "() => location.search.includes('isolated=17')")
    swatch.click()
    wait_for(page, palette, 0)


def test_accuracy_begins_with_which_map_is_best(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=accuracy")
    said = page.locator(".lcz-answer").get_by_text(
        re.compile(r"has the right class in \d+\.\d\s% of")
    )
    said.wait_for()
    assert re.search(
        r"points against the next, .* \(interval .*\), which (is significant|may be chance)",
        said.inner_text(),
    )


def test_pages_have_a_heading_a_landmark_and_marks_of_what_is_done(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    page.get_by_role("heading", level=1, name="Local Climate Zones: Map").wait_for()
    assert page.get_by_role("main").count() == 1
    mark = """(name) => { const find = (root) => { for (const e of root.querySelectorAll('*')) {
        if (e.matches('.bk-btn') && e.textContent.trim() === name) return getComputedStyle(e, '::before').content
        const found = e.shadowRoot && find(e.shadowRoot); if (found) return found } }
      return find(document) }"""
    assert "✓" in page.evaluate(mark, "Map")
    page.get_by_label("Fusion of the two").select_option("vote")
    wait_for(page, f"(name) => ({mark})(name).includes('↻')", "Map")
    page.get_by_role(
        "button", name="Map", exact=True
    ).first.wait_for()  # the mark is no part of its name


def test_on_a_phone_the_page_scrolls_and_run_is_there(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    phone = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
    page = visit(f"{mapped.url}?page=map", user_agent=phone)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    assert page.get_by_role("button", name="Run again").is_visible()
    touch = """() => { const find = (root) => { for (const e of root.querySelectorAll('*')) {
        if (e.matches('.bk-events') && e.offsetWidth > 100) return getComputedStyle(e).touchAction
        const found = e.shadowRoot && find(e.shadowRoot); if (found) return found } }
      return find(document) }"""
    assert page.evaluate(touch) == "auto"
