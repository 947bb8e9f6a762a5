"""Maps and images that visitors bring: one without imagery, one of elsewhere, one of another level."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rasterio
from helpers import CITY, answered, go, settled, upload, with_own_map

pytestmark = pytest.mark.browser


def test_an_own_map_without_imagery_is_shown_and_judged(
    city: Path, mapped: Any, visit: Callable[..., Any]
) -> None:
    page = with_own_map(visit(f"{mapped.url}?page=city&city=own"), city)
    upload(page, "Reference", city / "Reference" / CITY / "polygons.gpkg")
    answered(page, "Taken: polygons.gpkg")
    go(page, "Map")
    page.get_by_text("Shown below: uploaded map").wait_for()
    assert page.get_by_role("button", name="Run", exact=True).is_disabled()
    settled(page, "map")  # the view is that of the map, not of the world
    go(page, "Accuracy")
    scores = page.locator(".lcz-scores", has_text="Overall accuracy (OA)")
    own = re.compile(r"^Uploaded map (1\.000|0\.9\d\d) \(0\.\d{3} to (1\.000|0\.\d{3})\)$")
    scores.get_by_role("listitem").filter(has_text=own).wait_for()
    go(page, "Heat island")
    page.get_by_label("Zones of").locator("option", has_text="Uploaded map").wait_for(
        state="attached"
    )
    assert page.get_by_label("Zones of").input_value() == "Uploaded map"
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("() => setTimeout(() => window.location.reload())")
    page.wait_for_timeout(1000)
    assert asked == ["beforeunload"]  # the files would be gone
    go(page, "Accuracy")
    scores.get_by_role("listitem").filter(has_text="Uploaded map").wait_for()
    assert mapped.errors() == []


def test_a_map_of_elsewhere_is_told_of_and_leaves_the_others(
    city: Path, mapped: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    far = tmp_path / "far.tif"
    with rasterio.open(city / "Reference" / CITY / "lcz.tif") as src:
        moved = rasterio.transform.from_origin(3e5, 6.25e6, *src.res)
        with rasterio.open(far, "w", **{**src.profile, "transform": moved}) as dst:
            dst.write(src.read())
    page = visit(f"{mapped.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    upload(page, "Another LCZ map", far)
    answered(page, "far.tif lies outside Demo city (simulated)")
    go(page, "Accuracy")
    page.get_by_text("Uploaded map is not judged").wait_for()
    page.get_by_text("Overall accuracy (OA)").wait_for()


def test_the_level_of_an_own_image_is_said_on_the_page(
    start: Callable[..., Any], visit: Callable[..., Any], shared: Path
) -> None:
    own = start(LCZLIB_MIRROR=str(shared / "mirror")).wait()
    page = visit(f"{own.url}?page=city&city=own")
    page.get_by_role("heading", name="Own files", exact=True).wait_for()
    upload(page, "Sentinel-2", shared / "mirror" / "berlin_s2_20241024.tif")
    answered(page, "Taken: berlin_s2_20241024.tif")
    go(page, "Map")
    go(page, "Run")
    page.get_by_text("say “Level” L2A and “Day of the image”").wait_for()
    # not that of imagery to get, which is hidden on the City page
    page.locator("#sidebar").get_by_label("Level").select_option("L2A")
    page.get_by_label("Day of the image").fill("2024-10-24")
    page.get_by_text("made with other settings").wait_for()
    go(page, "Run again")
    page.get_by_text("An approximate atmosphere was put back").wait_for()
    assert own.errors() == []
    own.stop()
