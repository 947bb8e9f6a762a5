"""Maps and images that visitors bring: one without imagery, one of elsewhere, one of another level."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rasterio
from helpers import CITY, answered, go, upload

pytestmark = pytest.mark.browser


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
    assert own.errors() == []
    own.stop()
