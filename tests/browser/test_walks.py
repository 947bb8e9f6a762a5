"""Whole walks of a researcher to the report: nothing on the way may say that something failed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rasterio
from helpers import CITY, PATIENCE, answered, go, settled, upload, with_own_map

pytestmark = pytest.mark.browser

FAILURES_JS = """() => {
  window.lczFailed = new Set()
  const look = (root) => {
    for (const e of root.querySelectorAll('*')) {
      if (e.matches('.lcz-banner.failed, .notyf__toast--error') && e.getClientRects().length)
        window.lczFailed.add(e.innerText)
      if (e.shadowRoot) look(e.shadowRoot)
    }
  }
  window.setInterval(() => look(document), 100)
}"""
"""Keep what a page shows of failures, however shortly: a flash of red frightens as well."""


def watched(page: Any) -> Any:
    page.evaluate(FAILURES_JS)
    return page


def failures(page: Any) -> list[str]:
    return page.evaluate("() => [...window.lczFailed]")


def reported(page: Any, path: Path, browser: Any) -> str:
    """The text of the report that the Share page makes."""
    go(page, "Share")
    with page.expect_download() as download:
        page.get_by_text("Report (HTML)").click()
    download.value.save_as(path)
    context = browser.new_context()
    report = context.new_page()
    report.goto(path.as_uri())
    text = report.inner_text("main")
    context.close()
    return text


def test_an_own_map_and_a_thermal_raster_reach_the_report(
    city: Path, mapped: Any, visit: Callable[..., Any], tmp_path: Path, browser: Any
) -> None:
    """No imagery, no network: a map that is there already, and what is known of the place."""
    page = with_own_map(
        watched(visit(f"{mapped.url}?page=city&city=own&heat_replicates=100")), city
    )
    reference = city / "Reference" / CITY
    warm = tmp_path / "lst_day.tif"
    with rasterio.open(reference / "lst.tif") as src:
        values, profile = src.read(1), {**src.profile, "count": 1}
    with rasterio.open(warm, "w", **profile) as dst:
        dst.write(values, 1)
        dst.units = ("degC",)
    upload(page, "Reference", reference / "polygons.gpkg")
    answered(page, "Taken: polygons.gpkg")
    upload(page, "Surface temperature", warm)
    answered(page, "Taken: lst_day.tif")
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
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D")).wait_for()
    text = reported(page, tmp_path / "report.html", browser)
    for wanted in (
        "Uploaded map",
        "Overall accuracy",
        "Surface heat island by zone",
        "lst_day.tif",
    ):
        assert wanted in text
    assert failures(page) == []
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("() => setTimeout(() => window.location.reload())")
    page.wait_for_timeout(1000)
    assert asked == ["beforeunload"]  # the files would be gone
    go(page, "Accuracy")
    scores.get_by_role("listitem").filter(has_text="Uploaded map").wait_for()
    assert mapped.errors() == []


def test_the_scene_of_berlin_reaches_the_report(
    start: Callable[..., Any], visit: Callable[..., Any], shared: Path, tmp_path: Path, browser: Any
) -> None:
    """A real image with surface reflectance: its level and day are said, and what was done is told."""
    own = start(LCZLIB_MIRROR=str(shared / "mirror")).wait()
    page = watched(visit(f"{own.url}?page=city&city=own"))
    page.get_by_role("heading", name="Own files", exact=True).wait_for()
    upload(page, "Sentinel-2", shared / "mirror" / "berlin_s2_20241024.tif")
    answered(page, "Taken: berlin_s2_20241024.tif")
    go(page, "Map")
    settings = page.locator("#sidebar")
    # not that of imagery to get, which is hidden on the City page
    settings.get_by_label("Level").select_option("L2A")
    page.get_by_label("Day of the image").fill("2024-10-24")
    go(page, "Run")
    page.get_by_text("An approximate atmosphere was put back").wait_for(timeout=3000 * PATIENCE)
    page.get_by_text(re.compile(r"cells, made in")).wait_for(timeout=3000 * PATIENCE)
    settled(page, "map")
    text = reported(page, tmp_path / "report.html", browser)
    for wanted in ("berlin_s2_20241024.tif", "An approximate atmosphere", "so2sat_s2_resnet20"):
        assert wanted in text
    assert failures(page) == []
    assert own.errors() == []
    own.stop()
