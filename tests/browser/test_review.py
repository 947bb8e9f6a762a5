"""Uploads as a wizard: what was found is shown on the map, corrected there, and then taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from helpers import AXE_JS, CELLS_JS, CITY, answered, drawn, drop, reviewed, wait_for

pytestmark = pytest.mark.browser

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
FOCUSED_JS = """() => { let e = document.activeElement
  while (e && e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement
  return e ? e.textContent.trim() : '' }"""


@pytest.fixture
def page(server: Any, visit: Callable[..., Any]) -> Any:
    """The City page of the demo city."""
    found = visit(f"{server.url}?page=city")
    found.get_by_text("8.0 × 8.0 km").wait_for()
    return found


@pytest.fixture
def reference(server: Any, page: Any) -> Path:
    """The folder of references of the demo city, which the open page has simulated."""
    return next(Path(server.log.name).parent.glob("demo-*")) / "Reference" / CITY


def raster(path: Path, like: Path, values: Any, **profile: Any) -> Path:
    """A raster on the grid of another, which says nothing of itself."""
    with rasterio.open(like) as src:
        kept = {k: src.profile[k] for k in ("width", "height", "crs", "transform")}
    bands = values.reshape(-1, *values.shape[-2:])
    how = {"driver": "GTiff", "count": len(bands), "dtype": bands.dtype, **kept, **profile}
    with rasterio.open(path, "w", **how) as dst:
        dst.write(bands)
    return path


def classes(reference: Path) -> np.ndarray:
    with rasterio.open(reference / "lcz.tif") as src:
        return src.read(1)


def use(page: Any, name: str) -> None:
    reviewed(page, name).get_by_role("button", name="Use it").click()
    answered(page, f"Taken: {name}")


@pytest.mark.parametrize("theme", ["default", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_dropped_map_is_shown_on_the_map_and_taken_with_one_click(
    server: Any, visit: Callable[..., Any], page: Any, reference: Path, axe: str, tmp_path: Path,
    size: str, theme: str,
) -> None:  # fmt: skip
    values = classes(reference).astype(np.float32)
    values[:5] = -9999
    thing = raster(tmp_path / "thing.tif", reference / "lcz.tif", values, nodata=-9999)
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.goto(f"{server.url}?page=city&theme={theme}")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    if size == "phone":
        page.get_by_role("button", name="Settings", exact=True).click()
    drop(page, thing)
    entry = reviewed(page, "thing.tif")
    assert "Another LCZ map" in entry.locator("select").first.locator("option:checked").inner_text()
    entry.locator(".lcz-facts").get_by_text("1-17").wait_for()
    entry.get_by_text("400 cells (6.2 %) no data").wait_for()
    assert entry.locator(".lcz-assumed").count()  # nothing in the file says its numbering
    shown = wait_for(page, CELLS_JS, "city map")  # the file itself, before it counts
    assert shown["cells"] > 6000
    wait_for(page, f"() => ({FOCUSED_JS})() === 'Your files'")
    use_it = entry.get_by_role("button", name="Use it")
    box, (_, height) = use_it.bounding_box(), SIZES[size]
    assert box["y"] + box["height"] < height  # to be seen without scrolling
    assert page.evaluate("() => document.documentElement.scrollWidth") <= SIZES[size][0]
    assert not page.get_by_text("How your LCZ map is read").is_visible()
    drawn(page)
    page.evaluate(axe)
    assert page.evaluate(AXE_JS) == []
    use_it.click()
    answered(page, "Taken: thing.tif")
    entry.wait_for(state="hidden")
    page.get_by_role("heading", name="Your files").wait_for(state="hidden")
    page.get_by_role("list", name="Classes and areas").wait_for()  # of the map, which now counts
    assert server.errors() == []


def test_a_kind_that_was_guessed_wrongly_is_taken_as_corrected(
    server: Any, page: Any, reference: Path, tmp_path: Path
) -> None:
    thing = raster(tmp_path / "thing.tif", reference / "lcz.tif", classes(reference))
    drop(page, thing)
    entry = reviewed(page, "thing.tif")
    choice = entry.get_by_label("What thing.tif is")
    choice.select_option("Reference: polygons, points or LCZ raster")
    entry.get_by_text("Taken for a reference").wait_for()
    use(page, "thing.tif")
    page.get_by_text("How your reference is read").wait_for()
    assert not page.get_by_text("How your LCZ map is read").is_visible()
    assert server.errors() == []


def test_a_numbering_that_is_not_known_is_said_in_the_review(
    server: Any, page: Any, reference: Path, tmp_path: Path
) -> None:
    codes = np.where(classes(reference) == 17, 0, classes(reference)).astype(np.uint8)
    thing = raster(tmp_path / "codes.tif", reference / "lcz.tif", codes)
    drop(page, thing)
    entry = reviewed(page, "codes.tif")
    said = entry.locator(".lcz-banner.failed").get_by_text("say which with “Numbering” 1-17")
    said.wait_for()  # 0 is no data in 1-17, and LCZ 1 in 0-16
    # as long as it is asked the file waits, and says so
    entry.get_by_role("button", name="Use it").click()
    answered(page, re.compile(r"^Not used yet: codes\.tif\. .*say which with “Numbering” 1-17"))
    assert entry.is_visible()
    assert not page.get_by_text("Taken: codes.tif").count()
    entry.get_by_label("Numbering").select_option("0-16")
    entry.locator(".lcz-facts").get_by_text("as stated").wait_for()
    assert not entry.locator(".lcz-banner.failed").count()
    use(page, "codes.tif")
    page.get_by_text("Not used yet").wait_for(state="hidden")
    page.get_by_role("button", name="How your LCZ map is read").click()
    numbering = page.locator("#sidebar").get_by_label("Numbering").first
    numbering.wait_for()
    assert numbering.input_value() == "0-16"
    assert server.errors() == []


def test_several_files_are_used_at_once_and_what_is_left_out_never_counts(
    server: Any, page: Any, reference: Path, tmp_path: Path
) -> None:
    kelvin = np.full((80, 80), 300, np.float32) + np.random.default_rng(1).normal(0, 3, (80, 80))
    warm = raster(tmp_path / "warm.tif", reference / "lcz.tif", kelvin.astype(np.float32))
    left = raster(tmp_path / "left.tif", reference / "lcz.tif", classes(reference))
    drop(page, reference / "air_temperature.csv", reference / "stations.gpkg", left, warm)
    for name in ("air_temperature.csv", "stations.gpkg", "left.tif", "warm.tif"):
        reviewed(page, name)
    # whichever comes first, the places are found beside the temperatures
    air = reviewed(page, "air_temperature.csv")
    air.locator(".lcz-facts").get_by_text("of stations.gpkg").wait_for()
    air.locator(".lcz-facts").get_by_text("offset in the file").wait_for()
    thermal = reviewed(page, "warm.tif")
    assert "Surface temp" in thermal.locator("select").first.locator("option:checked").inner_text()
    thermal.get_by_label("Unit").select_option("K")
    thermal.locator(".lcz-facts").get_by_text("°C, median").wait_for()
    reviewed(page, "left.tif").get_by_role("button", name="Leave it out").click()
    page.get_by_label("What left.tif is").wait_for(state="hidden")
    page.get_by_role("button", name="Use all").click()
    for name in ("air_temperature.csv", "stations.gpkg", "warm.tif"):
        answered(page, f"Taken: {name}")
    assert not page.get_by_text("Taken: left.tif").count()
    assert not page.get_by_text("How your LCZ map is read").is_visible()
    assert server.errors() == []


def test_the_parts_of_a_shapefile_make_one_file(
    server: Any, page: Any, reference: Path, tmp_path: Path
) -> None:
    gpd.read_file(reference / "polygons.gpkg").to_file(tmp_path / "areas.shp")
    drop(page, tmp_path / "areas.shp", tmp_path / "areas.dbf")
    page.get_by_text("areas.shp is not whole: drop its .shx and .prj too.").wait_for()
    drop(page, tmp_path / "areas.shx", tmp_path / "areas.prj", tmp_path / "areas.cpg")
    entry = reviewed(page, "areas.shp")
    entry.locator(".lcz-facts").get_by_text("polygons").wait_for()
    assert "Reference" in entry.locator("select").first.locator("option:checked").inner_text()
    page.get_by_text("is not whole").wait_for(state="hidden")
    use(page, "areas.shp")
    page.get_by_text("How your reference is read").wait_for()
    assert server.errors() == []


def test_what_nothing_is_known_of_says_so_and_waits_to_be_told(
    server: Any, page: Any, reference: Path, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).normal(0, 1, (5, 80, 80)).astype(np.float32)
    drop(page, raster(tmp_path / "noise.tif", reference / "lcz.tif", noise))
    entry = reviewed(page, "noise.tif")
    entry.get_by_text(re.compile(r"Nothing in noise\.tif says what it is: choose")).wait_for()
    use_it = entry.get_by_role("button", name="Use it")
    assert use_it.is_disabled()
    entry.get_by_label("What noise.tif is").select_option("Elevation (GeoTIFF, m)")
    page.wait_for_function("(button) => !button.disabled", arg=use_it.element_handle())
    entry.get_by_role("button", name="Leave it out").click()
    page.get_by_role("heading", name="Your files").wait_for(state="hidden")
    assert server.errors() == []
