"""Getting a city's imagery in the dashboard, from services on loopback: the whole walk, and its faults."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import PATIENCE, go, settled, still, wait_for
from stac.july import BOX, write_july
from stac.published import write_published
from stac.scenes import clear_sky, town, write_scene
from stac.server import Service, serve

pytestmark = pytest.mark.browser

BERLIN, LAGOS = "place:2950159", "place:2332459"
AREA = [13.295, 52.506, 13.378, 52.5175]
JULY = {"get_start": "2024-07-01", "get_end": "2024-07-31"}
MIRROR = Path(__file__).resolve().parents[3] / "shared" / "mirror"
DAYS_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'Figure' && /^days of/.test(m.name || '')) {
    const data = m.renderers[0].data_source.data
    return {cloud: Array.from(data.cloud), covered: Array.from(data.covered), mark: Array.from(data.mark)} }
  return null }"""
BOX_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'BoxAnnotation' && m.name === 'box' && m.visible) {
    const fig = [...d._all_models.values()].find(f => f.type === 'Figure' && f.name === 'city map')
    const part = (v, r) => (v - r.start) / (r.end - r.start)
    return {left: part(m.left, fig.x_range), right: part(m.right, fig.x_range),
            top: 1 - part(m.top, fig.y_range), bottom: 1 - part(m.bottom, fig.y_range)} }
  return null }"""
"""Where the sides of the box are in the frame of the map, 0..1 from its upper left."""
CLEAR_JS = """() => { for (const d of Bokeh.documents) for (const m of d._all_models.values())
  if (m.type === 'ColorBar' && m.visible && m.title === 'clear days') return true
  return false }"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Three clear days of a July, and one with clouds over its western half; the town is made up."""
    folder = tmp_path_factory.mktemp("stac")
    items, _ = write_july(folder)
    sky = clear_sky(BOX)
    sky[:, : BOX.shape[1] // 2] = 9
    name = "S2B_MSIL2A_20240716T101029_R022_T33UUU"
    items.append(
        write_scene(folder, "pc", name, "2024-07-16T10:10:29Z", town(BOX), sky, BOX)
    )  # fmt: skip
    running, stop = serve(folder, items)
    yield running
    stop()


@pytest.fixture(autouse=True)
def no_faults(service: Service) -> Iterator[None]:
    yield
    service.fault = service.search_fault = None


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("published") / "lcz_filter_v3.tif")


@pytest.fixture(scope="module")
def served(start: Callable[..., Any], service: Service, stand_in: Path) -> Any:
    networks = {"LCZLIB_MIRROR": str(MIRROR)} if MIRROR.is_dir() else {}
    return start(LCZLIB_PROVIDERS=service.api, LCZLIB_GLOBAL_MAP=str(stand_in), **networks).wait()


@pytest.fixture(scope="module")
def away(start: Callable[..., Any]) -> Any:
    """A server without network, which allows small boxes only."""
    nowhere = "http://127.0.0.1:9/api"
    return start(
        LCZLIB_PROVIDERS=nowhere, LCZLIB_GLOBAL_MAP=f"{nowhere}/map.tif", LCZLIB_GET_KM2="20"
    ).wait()


def address(server: Any, **values: Any) -> str:
    query = {n: v if isinstance(v, str) else json.dumps(v) for n, v in values.items()}
    return f"{server.url}?{urllib.parse.urlencode(query)}"


def berlin(server: Any, **values: Any) -> str:
    return address(server, **{"page": "city", "city": BERLIN, "area": AREA, **JULY, **values})


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def query_of(page: Any) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def said(page: Any, text: str | re.Pattern[str]) -> Any:
    found = page.get_by_text(text).first
    found.wait_for()
    return found


@pytest.fixture(scope="module")
def fetched(served: Any, service: Service, browser: Any) -> str:
    """Berlin's July fetched by a first visitor, by hand; the key of the place that it became."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(berlin(served))
    said(page, re.compile(r"There is no imagery of Berlin, Germany here yet"))
    said(page, re.compile(r"5\.6 × 1\.3 km"))
    press(page, "Search days")
    said(page, re.compile(r"4 of 4 days used, \d"))
    days = wait_for(page, DAYS_JS)
    assert [round(v, 1) for v in days["cloud"]] == [0, 0, 0, 0.5]  # the clearest first
    assert min(days["covered"]) > 0.9
    assert service.reads("/B") == 0  # nothing but the classification was read
    press(page, "Get imagery")
    said(page, re.compile("Kept for all visitors"))
    settled(page, "city map")
    key = query_of(page)["city"]
    page.close()
    assert key.startswith("got:")
    assert served.errors() == []
    return key


def test_true_colour_and_the_count_of_clear_days(
    served: Any, fetched: str, visit: Callable[..., Any]
) -> None:
    page = visit(address(served, page="city", city=fetched))
    settled(page, "city map")
    cells = (
        page.get_by_role("row", name=re.compile("2024-07-01 to 2024-07-31"))
        .inner_text()
        .split("\t")
    )
    assert cells[2] == "4"
    assert cells[5] == "100\N{NO-BREAK SPACE}%"
    page.get_by_label("Days on which each pixel was clear").check()
    wait_for(page, CLEAR_JS)
    assert query_of(page)["clear"] == "true"


@pytest.mark.skipif(not MIRROR.is_dir(), reason="needs So2Sat's network in ../shared")
def test_the_map_stands_beside_the_published_one(
    served: Any, fetched: str, visit: Callable[..., Any]
) -> None:
    page = visit(address(served, page="map", city=fetched))
    press(page, "Run")
    page.get_by_text(re.compile(r"cells, made in")).wait_for(timeout=3000 * PATIENCE)
    page.get_by_role("button", name="Global map").wait_for()
    go(page, "Compare")
    said(page, "Global map against Sentinel-2")
    said(page, re.compile("Cells that both maps have"))
    said(page, re.compile(r"Global map of 2018 .*Demuzere.*no ground truth"))
    assert served.errors() == []


def test_a_second_visitor_finds_the_imagery_and_reads_nothing(
    served: Any, fetched: str, service: Service, visit: Callable[..., Any]
) -> None:
    page = visit(address(served, page="city", city=BERLIN))
    before = len(service.asked)
    page.get_by_role("button", name=re.compile("^Open Sentinel-2 of 2024-07")).click()
    said(page, re.compile("Kept for all visitors"))
    assert query_of(page)["city"] == fetched
    page.goto(berlin(served))
    press(page, "Get imagery")  # the same question again
    said(page, re.compile("Kept for all visitors"))
    assert query_of(page)["city"] == fetched
    assert len(service.asked) == before


def dragged(page: Any, start: tuple[float, float], by: tuple[float, float]) -> list[float]:
    """Drag on the page from a part of the box (0..1 from its upper left); the area of the address then."""
    still(page)
    before = query_of(page)["area"]
    frame = page.locator(".bk-CartesianFrame").first.bounding_box()
    box = page.evaluate(BOX_JS)
    x = frame["x"] + frame["width"] * (box["left"] + start[0] * (box["right"] - box["left"]))
    y = frame["y"] + frame["height"] * (box["top"] + start[1] * (box["bottom"] - box["top"]))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=6)
    page.mouse.up()
    until = time.monotonic() + PATIENCE
    while query_of(page)["area"] == before:
        assert time.monotonic() < until, "the box has not moved"
        page.wait_for_timeout(100)
    return json.loads(query_of(page)["area"])


def test_the_box_is_moved_and_resized_with_the_mouse(
    served: Any, visit: Callable[..., Any]
) -> None:
    page = visit(berlin(served))
    said(page, re.compile(r"5\.6 × 1\.3 km"))
    west, south, east, north = dragged(page, (0.5, 0.5), (30, -40))
    assert west > AREA[0]
    assert south > AREA[1]
    assert east - west == pytest.approx(AREA[2] - AREA[0], rel=0.02)
    assert north - south == pytest.approx(AREA[3] - AREA[1], rel=0.05)
    said(page, re.compile(r"5\.6 × 1\.3 km"))  # the view is as it was
    area = dragged(page, (1.0, 0.5), (40, 0))
    assert area[2] > east
    assert [area[0], area[1], area[3]] == pytest.approx([west, south, north], abs=1e-4)
    said(page, re.compile(r"6\.\d × 1\.3 km"))


def test_a_run_is_stopped_and_taken_up(
    served: Any, service: Service, visit: Callable[..., Any]
) -> None:
    service.fault = lambda handler, path, _: "/B" in path and handler.refuse(503, "60")
    page = visit(berlin(served, get_end="2024-07-15"))
    press(page, "Get imagery")
    wait_for_reads(service)
    press(page, "Cancel")
    said(page, "Stopped; finished parts are kept for the next run.")
    assert page.get_by_role("alert").count() == 0  # nothing has failed
    service.fault, searches = None, service.searches
    press(page, "Get imagery")
    said(page, re.compile("Kept for all visitors"))
    assert service.searches >= searches


def wait_for_reads(service: Service) -> None:
    until = time.monotonic() + PATIENCE
    before = service.reads("/B")
    while service.reads("/B") == before:
        assert time.monotonic() < until, "nothing is read"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("status", "text"), [(403, "answers with an error (HTTP 403)"), (500, "fails at every try")]
)
def test_a_service_that_fails_is_at_fault_and_what_is_here_is_offered(
    status: int, text: str, served: Any, service: Service, visit: Callable[..., Any]
) -> None:
    service.search_fault = lambda handler, _: handler.refuse(status)
    page = visit(berlin(served, get_end="2024-07-20"))
    press(page, "Search days")
    assert "it is at fault" in said(page, re.compile(re.escape(text))).inner_text()
    page.get_by_role("button", name="Demo city (simulated)").click()
    said(page, re.compile(r"8\.0 × 8\.0 km"))
    assert served.errors() == []


def test_without_network_it_is_said_in_a_sentence(away: Any, visit: Callable[..., Any]) -> None:
    page = visit(berlin(away))
    press(page, "Search days")
    said(page, re.compile("cannot be reached: is there a network"))
    said(page, "Imagery that is here")
    press(page, "Show the published LCZ map of it")
    said(
        page,
        re.compile("The published LCZ map cannot be read.*The service is at fault, or the network"),
    )
    assert page.get_by_role("button", name="Demo city (simulated)").is_visible()


def test_a_box_that_is_too_large_is_refused_in_words(away: Any, visit: Callable[..., Any]) -> None:
    page = visit(berlin(away, area=[13.2, 52.4, 13.5, 52.6]))
    said(page, re.compile(r"20\.3 x 22\.2 km, 452 km²; this server fetches 20 km² at a time"))
    assert page.get_by_role("button", name="Get imagery").is_disabled()
    page.goto(address(away, page="city", city=BERLIN))
    said(
        page,
        re.compile("larger than the 20 km² that this server fetches at a time: this is its middle"),
    )
    assert page.get_by_role("button", name="Get imagery").is_enabled()


def test_an_address_cannot_name_a_service(served: Any, visit: Callable[..., Any]) -> None:
    page = visit(berlin(served, get_provider="http://evil.example/api"))
    told = page.locator(".notyf__message", has_text="Not understood in the address: ").inner_text()
    assert "get_provider" in told
    services = page.get_by_label("Service").locator("option").all_inner_texts()
    assert len(services) == 1
    assert "evil" not in services[0]
    wait_for(page, "() => !location.search.includes('get_provider')")


def test_the_published_map_is_shown_before_any_imagery(
    served: Any, visit: Callable[..., Any]
) -> None:
    page = visit(berlin(served))
    press(page, "Show the published LCZ map of it")
    said(page, re.compile(r"Global map of 2018 .*no ground truth"))
    go(page, "Map")
    page.get_by_role("button", name="Global map").wait_for()


@pytest.mark.parametrize("page", ["city", "map", "compare", "accuracy", "heat", "water", "share"])
def test_no_page_of_a_city_without_imagery_is_empty(
    page: str, away: Any, visit: Callable[..., Any]
) -> None:
    shown = visit(address(away, page=page, city=LAGOS))
    text = said(
        shown, re.compile("There is no (imagery|Sentinel-1 scene) of Lagos, Nigeria")
    ).inner_text()
    assert page == "city" or "City" in text
    assert away.errors() == []
