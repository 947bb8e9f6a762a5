"""A click on any page's map tells of the place in one card; polygons drawn by hand are judged by."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import PATIENCE, figure_center, go, settled, wait_for

pytestmark = pytest.mark.browser

AT = re.compile(r"^At \d+\.\d{5}° N, \d+\.\d{5}° E")


def test_one_card_on_every_page_with_a_map(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map&heat_map=reference&heat_replicates=100")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    page.mouse.click(*figure_center(page))
    card = page.locator(".lcz-place")
    card.get_by_text(AT).wait_for()
    assert card.locator("tr").count() >= 4  # three maps, the reference
    assert card.get_by_text(re.compile(r"\d\s%")).count() >= 3
    wait_for(page, "() => location.search.includes('place=')")
    go(page, "Heat island")
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D")).wait_for()
    card.get_by_text(re.compile(r"Surface: \d+\.\d\s°C")).wait_for()
    assert card.get_by_text(re.compile(r"K against LCZ D; one pixel")).is_visible()
    go(page, "Share")  # without a map
    card.wait_for(state="hidden")
    go(page, "Heat island")
    card.wait_for()
    card.get_by_role("button", name="Close").click()
    card.wait_for(state="hidden")
    wait_for(page, "() => !location.search.includes('place=')")
    assert mapped.errors() == []


def test_the_card_hides_no_map_and_can_be_closed_where_the_settings_are_folded(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=compare&place=[3.06,52.135]")
    card = page.locator(".lcz-place")
    card.get_by_text(AT).wait_for()
    settled(page, "First")
    box = card.bounding_box()
    maps = [f.bounding_box() for f in page.locator(".bk-Figure:visible").all()]
    large = [m for m in maps if m and m["width"] > 300]
    assert len(large) >= 2
    assert all(box["x"] + box["width"] <= m["x"] + 1 for m in large if m["y"] < 400)
    page.get_by_role("button", name="Settings").press("Enter")
    close = card.get_by_role("button", name="Close")
    assert close.is_visible()
    assert card.bounding_box()["x"] > 720
    close.click()
    card.wait_for(state="hidden")


def test_a_drawn_polygon_becomes_the_reference(mapped: Any, visit: Callable[..., Any]) -> None:
    def hold(x: float, y: float) -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        page.wait_for_timeout(1200)
        page.mouse.up()

    def draw(x: float, y: float, number: int) -> None:
        hold(x - 80, y - 80)
        for n, (dx, dy) in enumerate(((80, -70), (70, 80)), 3):
            page.wait_for_timeout(600)  # a click right after another is half of a double click
            page.mouse.move(x + dx, y + dy)
            page.mouse.click(x + dx, y + dy)
            wait_for(page, rings, [number, n])
        page.wait_for_timeout(600)
        hold(x - 70, y + 90)

    rings = """([number, n]) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
      if (m.type === 'PolyDrawTool') return (m.renderers[0].data_source.data.xs[number] || []).length >= n }"""
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    page.get_by_role("button", name="Draw reference polygons").click()
    page.get_by_label("Class of the next polygon").select_option("LCZ 6 open low-rise")
    go(page, "Draw")
    wait_for(
        page,
        "() => [...Bokeh.documents[0]._all_models.values()].some(m => m.type === 'PolyDrawTool' && m.active)",
    )
    x, y = figure_center(page)
    draw(x, y, 0)
    page.get_by_text("judged by polygons of two classes or more").wait_for()
    assert page.get_by_role("button", name="Judge maps by them").is_disabled()
    page.get_by_label("Class of the next polygon").select_option("LCZ D low plants")
    draw(x + 200, y, 1)
    assert page.locator(".lcz-place").count() == 0  # corners are no places that are asked for
    page.get_by_text("judged by polygons of two classes or more").wait_for(state="detached")
    go(page, "Judge maps by them")
    page.get_by_text("The reference is now your 2 polygons").wait_for()
    with page.expect_download() as saved:
        page.get_by_text("Save as GeoPackage").click()
    import geopandas as gpd

    table = gpd.read_file(saved.value.path())
    assert table["lcz"].tolist() == [6, 14]
    assert table["area_km2"].between(0.3, 20).all()
    go(page, "Accuracy")
    page.get_by_text(re.compile(r"Against drawn-1\.gpkg")).wait_for()
    assert mapped.errors() == []


def test_the_network_is_adapted_to_drawn_polygons(
    mapped: Any, visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("lightning")
    import geopandas as gpd

    from lczlib.study.places import demo_path

    monkeypatch.setenv("LCZLIB_CACHE", str(Path(mapped.log.name).parent))
    folder, city = demo_path()
    table = gpd.read_file(folder / "Reference" / city / "polygons.gpkg").to_crs(3857)
    drawn: list[tuple[list[float], list[float]]] = []
    # as if drawn: a class is that which is chosen when a polygon is begun
    put = """([xs, ys]) => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
      if (m.type === 'PolyDrawTool') { m.renderers[0].data_source.data = {xs, ys}; return } }"""
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    page.get_by_role("button", name="Draw reference polygons").click()
    adapt = page.get_by_role("button", name="Adapt the network to them")
    for number, label in ((6, "LCZ 6 open low-rise"), (14, "LCZ D low plants")):
        page.get_by_label("Class of the next polygon").select_option(label)
        page.wait_for_timeout(1000)
        for shape in table.geometry[table["lcz"] == number]:
            x, y = shape.exterior.coords.xy
            drawn.append((list(x)[:-1], list(y)[:-1]))
        page.evaluate(put, [[x for x, _ in drawn], [y for _, y in drawn]])
        page.get_by_role("cell", name=str(len(drawn)), exact=True).wait_for()
        if number == 6:
            assert adapt.is_disabled()
    go(page, "Adapt the network to them")
    told = page.get_by_text(re.compile(r"Sentinel-2 is mapped by demo_s2, adapted to \d+ polygons"))
    told.wait_for(timeout=4000 * PATIENCE)  # a network is adapted, and the city mapped by two
    said = told.inner_text()
    assert re.search(
        r"OA \d\.\d\d \(.*\), n = \d+ patches in \d+ polygons; the network as it", said
    )
    page.get_by_role("button", name="Sentinel-2, second network", exact=True).first.wait_for()
    assert "adapt" not in page.url
    page.screenshot(path=tmp_path / "adapted.png")
    go(page, "Judge maps by them")
    page.get_by_text("The reference is now your").wait_for()
    go(page, "Accuracy")
    page.get_by_text(
        re.compile(r"\d+ of the polygons of this reference trained the network")
    ).wait_for()
    page.screenshot(path=tmp_path / "accuracy.png")
    go(page, "Map")
    go(page, "Without my polygons")
    told.wait_for(state="detached")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    assert mapped.errors() == []
