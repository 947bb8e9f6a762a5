"""Drawn polygons are checked for mistakes, and places to draw next are shown, on the map and in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import PATIENCE, go, settled, wait_for

pytestmark = pytest.mark.browser

PUT_JS = """([xs, ys]) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'PolyDrawTool') { m.renderers[0].data_source.data = {xs, ys}; return } }"""
LINES_JS = """([name, n]) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'ColumnDataSource' && m.name === name) return (m.data.xs.length === n) }"""
WIDTH_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === 'map') return m.x_range.end - m.x_range.start }"""
CUT_JS = """() => {
  const cut = [], tables = []
  const walk = (root) => { for (const e of root.querySelectorAll('*')) {
    if (e.matches('.lcz-narrow') && e.getClientRects().length) tables.push(e)
    if (e.shadowRoot) walk(e.shadowRoot) } }
  walk(document)
  for (const e of tables) {
    const frame = e.closest('.lcz-scroll')
    if (frame.scrollWidth > frame.clientWidth) cut.push([frame.getAttribute('aria-label'), frame.scrollWidth]) }
  return [tables.length, cut] }"""
"""How many tables beside the map are seen, and those with a column out of sight."""
NARROWER_JS = f"(width) => ({WIDTH_JS})() < width"


def polygons(server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Twelve polygons of the demo city in web mercator, the first of the water called LCZ 6."""
    import geopandas as gpd

    from lczlib.study.places import demo_path

    monkeypatch.setenv("LCZLIB_CACHE", str(Path(server.log.name).parent))
    folder, city = demo_path()
    table = gpd.read_file(folder / "Reference" / city / "polygons.gpkg").to_crs(3857)
    return {lcz: [*table.geometry[table["lcz"] == lcz].iloc[:6]] for lcz in (6, 17)}


def put(page: Any, shapes: dict[str, list[Any]]) -> None:
    """As if drawn: a class is that which is chosen when a polygon is begun."""
    drawn: list[tuple[list[float], list[float]]] = []
    for label, of in shapes.items():
        page.get_by_label("Class of the next polygon").select_option(label)
        page.wait_for_timeout(1000)
        for shape in of:
            x, y = shape.exterior.coords.xy
            drawn.append((list(x)[:-1], list(y)[:-1]))
        page.evaluate(PUT_JS, [[x for x, _ in drawn], [y for _, y in drawn]])
        page.get_by_role("cell", name=str(len(drawn)), exact=True).first.wait_for()


def test_mistakes_and_places_to_draw_next(
    mapped: Any, visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = polygons(mapped, monkeypatch)
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    page.get_by_role("button", name="Draw reference polygons").click()
    look = page.get_by_role("button", name="Look for mistakes in them")
    look.wait_for()
    assert look.is_disabled()
    put(page, {"LCZ 6 open low-rise": [*found[6], found[17][0]], "LCZ G water": found[17][1:]})
    go(page, "Look for mistakes in them")
    page.get_by_text("1 of 12 polygons look more like another class than their own").wait_for(
        timeout=3000 * PATIENCE
    )
    row = page.locator("tr", has=page.get_by_role("cell", name="7", exact=True)).filter(
        has_text="G:"
    )
    assert re.search(r"6:\s\d.*%\s*G:\s\d\d.*%\s*\d+", row.first.inner_text())
    wait_for(page, LINES_JS, ["suspects", 1])
    width = page.evaluate(WIDTH_JS)
    page.get_by_label("Go to polygon").select_option("7: 6 open low-rise, rather G water?")
    wait_for(page, NARROWER_JS, width / 2)
    page.screenshot(path=tmp_path / "suspects.png")
    go(page, "Where to draw next")
    page.get_by_text(
        re.compile(r"10 places to draw in, mapped as \d+ classes; .* km² of the map")
    ).wait_for()
    wait_for(page, LINES_JS, ["next_places", 10])
    page.screenshot(path=tmp_path / "next.png")
    # all columns of the tables are seen, beside the map and on a phone
    page.get_by_text("All polygons").click()
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        if page.locator("#main.folded").count():
            page.locator("#menu").click()
        page.get_by_text("All polygons").scroll_into_view_if_needed()
        assert page.evaluate(CUT_JS) == [4, []], (width, height)
        page.screenshot(path=tmp_path / f"tables-{width}.png")
    page.set_viewport_size({"width": 1440, "height": 1000})
    assert "drawn" not in page.url
    go(page, "Remove the last")
    page.get_by_text("have changed since this was made").nth(1).wait_for()  # of both
    # what is asked for and stopped leaves what was there
    go(page, "Look for mistakes in them")
    page.get_by_role("button", name="Cancel", exact=True).locator("visible=true").first.click()
    page.get_by_text("Stopped.", exact=True).wait_for()
    assert row.first.is_visible()
    # the field that a message names is there
    places = page.get_by_role("button", name="Spacing of places")
    places.click()
    page.get_by_label("Spacing (m)").fill("100")
    page.get_by_label("Spacing (m)").press("Enter")
    go(page, "Where to draw next")
    page.get_by_text("“Draw reference polygons: Least width (m)” is more than 0").wait_for()
    assert mapped.errors() == []
