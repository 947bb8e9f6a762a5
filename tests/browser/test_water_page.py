"""Surface water in the dashboard: dated scenes uploaded, mapped, and LCZ G checked against them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from affine import Affine
from helpers import answered, settled, upload
from odc.geo.geobox import GeoBox
from synthetic_water import backscatter, lake

pytestmark = pytest.mark.browser

# in the north-west of the demo city
BOX = GeoBox((290, 300), Affine(10, 0, 500_000, 0, -10, 5_780_000), "EPSG:32631")
MONTHS = {"2021-02": 45, "2021-04": 60, "2021-07": 80, "2021-10": 55}
"""Radius in pixels of the synthetic lake."""
LAYER_JS = """() => {
  const models = Bokeh.documents.flatMap(d => [...d._all_models.values()])
  const bar = models.find(m => m.type === 'ColorBar' && m.visible && m.title)
  const figure = models.find(m => m.type === 'Figure' && /Surface water/.test(m.title?.text || ''))
  const image = figure?.renderers.map(r => r.visible && r.data_source?.data.image?.[0])
    .find(i => i && i.dtype === 'float32')
  return image ? [bar ? bar.title : 'water', Array.from(image).reduce((n, v) => n + (v > 0.5), 0)] : null
}"""


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    from lczlib.export import write_raster

    folder = tmp_path_factory.mktemp("series")
    return [
        write_raster(
            folder / f"S1_{month}.tif",
            backscatter(lake(radius, BOX), seed=i, box=BOX),
            descriptions=["VV", "VH"],
        )
        for i, (month, radius) in enumerate(MONTHS.items())
    ]


@pytest.fixture(scope="module")
def served(
    start: Callable[..., Any], shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A dashboard whose cache holds the network: the server itself has no mirror."""
    from lczlib.mapping.water import load_water_model

    cache = tmp_path_factory.mktemp("water-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
        patch.setenv("LCZLIB_CACHE", str(cache))
        load_water_model("as", "cpu")
    return start(cache=cache).wait()


def layer(page: Any, title: str, known: Any = None) -> Any:
    """Wait until the map shows a layer other than the one known: its title and pixels above 0.5."""
    for _ in range(400):
        found = page.evaluate(LAYER_JS)
        if found and found[0] == title and found != known:
            return found
        page.wait_for_timeout(150)
    raise AssertionError(f"no layer {title!r}: {found}")


def test_dated_scenes_give_the_area_by_month(
    served: Any, series: list[Path], visit: Callable[..., Any]
) -> None:
    page = visit(f"{served.url}?page=city")
    page.get_by_text("Demo city (simulated)").first.wait_for()
    upload(page, "Sentinel-1 for water", *reversed(series))
    answered(page, "Taken: S1_2021-10.tif")
    page.get_by_role("button", name="Water", exact=True).first.click()
    page.get_by_role("button", name="Map water").click(timeout=200_000)  # the city loads first
    page.get_by_role("cell", name="2021-10").wait_for(timeout=400_000)

    areas = {
        month: float(page.get_by_role("row", name=re.compile(month)).inner_text().split()[1])
        for month in MONTHS
    }
    assert sorted(areas, key=areas.get) == sorted(MONTHS, key=MONTHS.get)
    assert page.get_by_label("Month on the map").input_value() == "2021-10"
    shown = layer(page, "water")
    page.get_by_label("Month on the map").select_option("2021-07")
    largest = layer(page, "water", shown)
    assert largest[1] > 1.3 * shown[1]
    page.get_by_role("button", name="occurrence").click()
    layer(page, "share of months with water")
    page.get_by_role("button", name="probability").click()
    layer(page, "probability of water")
    assert page.locator("svg:visible, img:visible").count() > 0  # the area by month

    page.get_by_role("button", name="Compare", exact=True).first.click()
    page.get_by_text("LCZ G against radar water of 2021-10").wait_for()
    assert served.errors() == []


def test_a_series_without_dates_is_refused_in_one_sentence(
    served: Any, series: list[Path], visit: Callable[..., Any], tmp_path: Path
) -> None:
    nameless = tmp_path / "lake.tif"
    nameless.write_bytes(series[0].read_bytes())
    page = visit(f"{served.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    upload(page, "Sentinel-1 for water", nameless, series[1])
    answered(page, "Taken: lake.tif")
    page.get_by_role("button", name="Water", exact=True).first.click()
    page.get_by_text("lake.tif has no date in its name").wait_for()
    assert page.get_by_role("button", name="Map water").is_disabled()


def test_the_radar_image_is_shown_before_anything_is_mapped(
    served: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{served.url}?page=water")
    page.get_by_text("No water map yet").wait_for()
    settled(page, "Surface water above Sentinel-1")
    page.goto(f"{served.url}?page=water&city=own")
    page.get_by_text("There is no Sentinel-1 scene of Own files").wait_for()
    page.get_by_label("Surface water above Sentinel-1").wait_for(state="hidden")
