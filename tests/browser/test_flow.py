"""A visitor's way through the dashboard, on the demo city, in a real browser."""

# ruff: noqa: UP031 - scripts hold braces

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import IMAGE_JS, drawn, drop, figure_center, go, settled, upload, wait_for

pytestmark = pytest.mark.browser

MATRIX_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && m.name === 'confusion matrix' && m.inner_width > 50)
    return m.renderers[0].data_source.data.x.length > 0 }"""
LONGEST_JS = """() => Math.max(...Bokeh.documents.flatMap(
  d => [...d._all_models.values()].map(m => typeof m.value === 'string' ? m.value.length : 0)))"""


def test_a_run_can_be_cancelled_and_run_again(mapped: Any) -> None:
    assert mapped.errors() == []


def test_what_runs_is_seen_and_cancelled_on_every_page(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    page.get_by_label("Views of each patch").select_option(label="and its turns (8 times; radar 4)")
    go(page, "Run again")
    page.get_by_text(re.compile(r"^Sentinel-[12].*: [\d,]+ of [\d,]+ cells")).wait_for()
    runs = page.locator(".lcz-runs")
    assert runs.count() == 0 or not runs.is_visible()  # the page itself shows it
    go(page, "Heat island")
    runs.get_by_text(
        re.compile(r"LCZ map · Sentinel-[12].* cells · about \d+ (s|min) left")
    ).wait_for()
    runs.get_by_role("button", name="Cancel: LCZ map").click()
    runs.wait_for(state="hidden")
    go(page, "Map")
    page.get_by_text("Stopped").first.wait_for()
    assert page.get_by_role("button", name="Run again").is_enabled()
    assert mapped.errors() == []


def test_changed_settings_mark_the_result_as_stale(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    page.get_by_label("Fusion of the two").select_option("vote")
    page.get_by_text("made with other settings").wait_for()
    page.get_by_label("Fusion of the two").select_option("mean")
    page.get_by_text("made with other settings").wait_for(state="hidden")


def test_a_step_back_in_the_browser_shows_what_was_there(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=accuracy")
    page.get_by_text("Overall accuracy (OA)").wait_for()
    go(page, "Compare")
    wait_for(page, "() => location.search.includes('page=compare')")
    page.get_by_text("Sentinel-1 against Sentinel-2").wait_for()
    page.go_back()
    page.get_by_text("Overall accuracy (OA)").wait_for()
    assert "page=accuracy" in page.url


def test_layers_switch_and_hover_names_the_class(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    settled(page, "map")
    page.mouse.move(*figure_center(page))
    page.mouse.move(*(v + 3 for v in figure_center(page)))
    page.locator(".bk-Tooltip").get_by_text(re.compile(r"LCZ \w+ \w+")).first.wait_for()
    page.get_by_label("Layer").select_option("certainty")
    wait_for(
        page,
        """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
        if (m.type === 'ColorBar' && m.visible && /certainty/.test(m.title || '')) return true }""",
    )


def test_maps_are_linked_and_swiped(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=compare&second=reference")
    page.get_by_text("Sentinel-1 against Reference").wait_for()
    wait_for(
        page, "(n) => { const f = (%s)(n); return f && f.x[1] - f.x[0] > 1000 }" % IMAGE_JS, "First"
    )
    before = wait_for(page, IMAGE_JS, "Second")
    page.mouse.move(*figure_center(page))
    page.mouse.wheel(0, -400)
    wait_for(page, "([n, w]) => { const f = (%s)(n); return f.x[1] - f.x[0] < 0.95 * w }" % IMAGE_JS,
             ["Second", before["x"][1] - before["x"][0]])  # fmt: skip
    assert wait_for(page, IMAGE_JS, "First")["x"] == pytest.approx(
        wait_for(page, IMAGE_JS, "Second")["x"]
    )
    wait_for(page, "() => location.search.includes('box=')")  # the view is in the address
    page.get_by_role("button", name="swipe").click()
    page.get_by_text("Swipe: first map").wait_for()
    count = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
        if (m.type === 'Figure' && m.name === 'First') { const r = m.renderers.at(-1); if (!r.visible) return -1
          return Array.from(r.data_source.data.image[0]).reduce((n, v) => n + (v > 0), 0) } }"""
    half = wait_for(page, f"() => {{ const n = ({count})(); return n > 0 ? n : 0 }}")
    handles = [h.bounding_box() for h in page.locator(".noUi-handle:visible").all()]
    box = max(handles, key=lambda b: b["x"])  # the other one is in the settings beside
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 5, steps=4)
    page.mouse.up()
    wait_for(page, f"(half) => ({count})() < half - 50", half)


def test_a_click_shows_the_probabilities_of_all_maps(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=compare")
    page.get_by_text("Sentinel-1 against Sentinel-2").wait_for()
    settled(page, "First")
    page.mouse.click(*figure_center(page))
    page.get_by_text(re.compile(r"^At \d+\.\d+° N")).wait_for()
    tops = wait_for(
        page,
        """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
        if (m.type === 'Figure' && m.name === 'probabilities') {
          const tops = m.renderers.map(r => Array.from(r.data_source.data.top))
          if (tops.every(t => t.length)) return tops } }""",
    )
    assert len(tops) == 3
    assert all(0.6 < sum(t) <= 1.001 for t in tops)
    wait_for(
        page,
        "(n) => { const f = (%s)(n); return f && f.sizes.some(s => s[1][0] === 32) }" % IMAGE_JS,
        "patch Sentinel-2",
    )


def test_accuracy_and_a_click_on_the_matrix(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=accuracy")
    page.get_by_text("Overall accuracy (OA)").wait_for()
    text = page.get_by_text(re.compile(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)")).first
    text.wait_for()
    wait_for(page, MATRIX_JS)
    drawn(page)
    page.mouse.click(*figure_center(page))
    page.locator(".lcz-banner").get_by_text(re.compile(r"LCZ \w+ .*")).first.wait_for()
    assert "cell=" in page.url
    go(page, "raster")
    page.get_by_text(re.compile(r"\(raster\)")).wait_for()


def test_heat_islands(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=heat")
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D .*95\s% interval")).wait_for()
    go(page, "canopy (air)")
    page.get_by_text(re.compile(r"air of LCZ|No built zone")).wait_for()
    page.get_by_text("All figures of the zones").click()
    page.get_by_text("stations", exact=True).wait_for()


def test_an_address_reopened_elsewhere_shows_the_same(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    first = visit(f"{mapped.url}?page=map")
    first.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    first.get_by_label("Layer").select_option("probability of a class")
    first.get_by_label("Colours").select_option("colour-blind safe")
    go(first, "Sentinel-2")
    wait_for(
        first,
        "() => ['layer=probability', 'kind=s2', 'palette=', 'made=maps'].every(p => location.search.includes(p))",
    )
    second = visit(first.url)
    second.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    assert second.get_by_label("Layer").input_value() == first.get_by_label("Layer").input_value()
    assert second.get_by_label("Colours").input_value() == "colour-blind safe"
    title = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
        if (m.type === 'ColorBar' && m.visible) return m.title }"""
    assert (
        wait_for(second, title)
        == wait_for(first, title)
        == "probability of LCZ 1 compact high-rise"
    )
    palette = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
        if (m.type === 'LinearColorMapper' && m.palette.length === 17) return JSON.stringify(m.palette) }"""
    assert wait_for(second, palette) == wait_for(first, palette)


def test_two_visitors_do_not_see_each_others_choices(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    one, other = (visit(f"{mapped.url}?page=map") for _ in range(2))
    for page in (one, other):
        page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    one.get_by_label("Fusion of the two").select_option("product")
    one.get_by_text("made with other settings").wait_for()
    one.get_by_label("Layer").select_option("certainty")
    assert other.get_by_label("Fusion of the two").input_value() == "mean"
    assert other.get_by_label("Layer").input_value() == "classes"
    assert not other.get_by_text("made with other settings").is_visible()
    assert "fusion" not in other.url


def test_the_report_opens_offline_without_a_request(
    mapped: Any, visit: Callable[..., Any], tmp_path: Path, browser: Any
) -> None:
    page = visit(f"{mapped.url}?page=share")
    page.get_by_text("Report (HTML)").wait_for()
    page.get_by_text("Surface heat island by zone").wait_for()
    with page.expect_download() as download:
        page.get_by_text("Report (HTML)").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    context = browser.new_context()
    context.route("http*://**", lambda route: route.abort())
    offline = context.new_page()
    requests: list[str] = []
    offline.on("request", lambda r: requests.append(r.url))
    offline.goto(path.as_uri())
    text = offline.inner_text("main")
    for wanted in (
        "Local Climate Zones of Demo city",
        "Simulated",
        "Accuracy",
        "Surface heat island by zone",
        "Methods",
        "Settings of each result",
        "SHA-256",
    ):
        assert wanted in text
    assert [r for r in requests if not r.startswith(("file:", "data:"))] == []
    assert offline.evaluate(
        "() => [...document.querySelectorAll('.panel svg')].every(s => s.getBoundingClientRect().width > 100)"
    )
    assert offline.evaluate("() => document.querySelectorAll('.panel svg').length") >= 5
    assert page.evaluate(LONGEST_JS) < 1000  # what was sent stays neither here nor on the server


def test_an_upload_is_used_and_a_wrong_one_refused(
    mapped: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(f"{mapped.url}?page=city")
    page.get_by_text("Demo city (simulated)").first.wait_for()
    ring = [[3.02, 52.12], [3.07, 52.12], [3.07, 52.15], [3.02, 52.15], [3.02, 52.12]]
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    upload(page, "Own area", area)
    page.get_by_text("cut to your area").wait_for()
    bad = tmp_path / "evil.geojson"
    bad.write_text("<OGRVRTDataSource/>")
    drop(page, bad)
    page.get_by_text("no GeoJSON").wait_for()


def test_what_an_address_may_not_do(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(
        f"{mapped.url}?page=map&s2_weights=/etc/passwd&result_folder=/etc&thermal_files=[%22/etc/passwd%22]&opacity=9"
    )
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    page.get_by_text("Not understood in the address").first.wait_for()
    assert "default (demo_s2)" in page.locator("option:checked").all_inner_texts()


def test_pages_work_in_dark_and_on_a_phone(mapped: Any, visit: Callable[..., Any]) -> None:
    page = visit(f"{mapped.url}?page=map&theme=dark")
    page.get_by_text(re.compile(r"6,400 cells, made in")).wait_for()
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert np.mean([int(v) for v in re.findall(r"\d+", background)[:3]]) < 60
    page.set_viewport_size({"width": 390, "height": 844})
    wait_for(page, "() => document.documentElement.scrollWidth <= 395")
