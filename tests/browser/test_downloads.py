"""Every file that can be taken away, opened; and results of earlier runs, loaded."""

from __future__ import annotations

import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from helpers import CELLS_JS, go, settled, wait_for
from matplotlib.image import imread
from results import write_result

pytestmark = pytest.mark.browser


def taken(page: Any, button: str, folder: Path) -> Path:
    """Press a button of the Share page; the file that comes."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_single_files_open(mapped: Any, visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit(f"{mapped.url}?page=share")
    page.get_by_role("button", name="Surface heat island by zone", exact=True).wait_for()
    classes = taken(page, "S1 + S2 fused: classes", tmp_path)
    with rasterio.open(classes) as src:
        assert src.shape == (80, 80)
        assert set(np.unique(src.read(1))) <= set(range(18))
        assert src.colormap(1)[6][:3] == (0xFF, 0x99, 0x55)  # open low-rise
    with rasterio.open(taken(page, "Sentinel-2: probabilities", tmp_path)) as src:
        assert src.count == 17
        total = src.scales[0] * src.read(masked=True).sum(axis=0)  # stored as whole numbers
        assert total.max() == pytest.approx(1, abs=0.01)
    manifest = json.loads(taken(page, "Manifest (inputs, weights, settings)", tmp_path).read_text())
    assert manifest["cells"] == 32_000
    table = "Accuracy: all scores with intervals"
    page.get_by_role("button", name=table, exact=True).wait_for()
    assert {"fused", "s1", "s2"} == set(pd.read_csv(taken(page, table, tmp_path))["map"])
    heat = pd.read_csv(taken(page, "Surface heat island by zone", tmp_path))
    assert {"difference", "ci_low", "ci_high"} <= set(heat.columns)


def test_figures_open(mapped: Any, visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit(f"{mapped.url}?page=share")
    page.get_by_role("button", name="Surface heat island by zone", exact=True).wait_for()
    page.get_by_role("button", name=re.compile("^Accuracy by class")).first.wait_for()
    names = {}
    for ending in ("PNG", "SVG"):
        with zipfile.ZipFile(taken(page, f"All figures as {ending} (zip)", tmp_path)) as archive:
            names[ending] = {Path(n).stem for n in archive.namelist()}
            for name in archive.namelist():
                content = archive.read(name)
                if ending == "SVG":
                    assert ET.fromstring(content).tag.endswith("svg")
                else:
                    assert min(imread(io.BytesIO(content), "png").shape[:2]) > 100
    assert names["PNG"] == names["SVG"]
    assert len(names["PNG"]) >= 5


def test_what_is_still_being_made_is_said_beside_the_files(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(f"{mapped.url}?page=share&fusion=vote&made=maps")
    said = page.get_by_text("Still being made: LCZ map. What you save now is without it.")
    said.wait_for()
    page.get_by_role("button", name="Manifest (inputs, weights, settings)").wait_for()
    said.wait_for(state="hidden")


def test_an_existing_result_of_an_allowed_folder_is_loaded(
    mapped: Any, start: Callable[..., Any], visit: Callable[..., Any], tmp_path: Path
) -> None:
    cache = Path(mapped.log.name).parent
    made = next(cache.glob("results/*/manifest.json")).parent
    shutil.copytree(made, tmp_path / "allowed" / "earlier")
    own = start(cache=cache, LCZLIB_ALLOW=str(tmp_path / "allowed")).wait()
    page = visit(f"{own.url}?page=map&fusion=vote")
    page.get_by_text("No LCZ map of Demo city").wait_for()
    page.get_by_role("button", name="Load an existing result").click()
    choice = page.get_by_label("Result", exact=True)
    choice.wait_for()
    options = choice.locator("option").all_inner_texts()
    assert options[0].startswith("(none")
    assert len(options) >= 2
    choice.select_option(index=1)
    page.get_by_text("6,400 cells, made in").wait_for()
    settled(page, "map")
    assert wait_for(page, CELLS_JS, "map")["cells"] > 5000
    wait_for(page, "() => !location.search.includes('allowed')")  # no path in the address
    assert own.errors() == []
    own.stop()


def test_a_result_of_another_city_has_its_own_name_and_frame(
    start: Callable[..., Any], visit: Callable[..., Any], tmp_path: Path
) -> None:
    write_result(tmp_path / "allowed" / "x", inputs=["../berlin.tif"])
    own = start(LCZLIB_ALLOW=str(tmp_path / "allowed")).wait()
    page = visit(f"{own.url}?page=map")
    page.get_by_text("No LCZ map of Demo city").wait_for()
    page.get_by_role("button", name="Load an existing result").click()
    choice = page.get_by_label("Result", exact=True)
    choice.wait_for()
    choice.select_option(index=1)
    page.get_by_text("berlin: ").wait_for()
    settled(page, "map")  # the view is that of Berlin, and not of the city that was open
    go(page, "City")
    page.get_by_role("heading", name="berlin", exact=True).wait_for()
    assert own.errors() == []
    own.stop()
