"""A user's own folders of city scenes: offered to who sits at the machine, and to nobody else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from helpers import PATIENCE, go, settled

from lczlib.scenes.simulation import simulate_city, write_so2sat

pytestmark = pytest.mark.browser

LCZ = ("-m", "lczlib")
NAME = "00000_00000_OwnSimulated"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's list of own folders, with a small simulated city on it."""
    folder = tmp_path_factory.mktemp("own")
    write_so2sat(simulate_city(2.0, 3), folder / "scenes", NAME)
    environment = {
        **os.environ,
        "LCZLIB_CATALOG": str(folder / "catalog"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, *LCZ, "cities", "--add", str(folder / "scenes")]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    return folder / "catalog"


def test_an_own_folder_is_listed_opens_and_is_mapped(
    listed: Path, start: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    server = start(command=(*LCZ, "app"), LCZLIB_CATALOG=str(listed)).wait()
    page = visit(f"{server.url}?page=city")
    page.get_by_label("Search a city").press_sequentially("ownsim")
    page.get_by_label("Cities").select_option("OwnSimulated · city folder")
    page.get_by_text(re.compile(r"2\.0 × 2\.0 km")).wait_for()
    settled(page, "city map")
    go(page, "Map")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text(re.compile(r"400 cells, made in")).wait_for(timeout=3000 * PATIENCE)
    assert server.errors() == []
    server.stop()


def test_who_comes_from_elsewhere_is_not_offered_it(
    listed: Path, start: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    options = ("--address", "0.0.0.0")
    server = start(*options, command=(*LCZ, "app"), LCZLIB_CATALOG=str(listed)).wait()
    page = visit(f"{server.url}?page=city&city=folder:{NAME}")
    page.get_by_text("There is no place").first.wait_for()
    page.get_by_label("Search a city").press_sequentially("ownsim")
    page.get_by_text("No city has this name").wait_for()
    shown = page.get_by_label("Cities").locator("option").all_inner_texts()
    assert shown == [f"folder:{NAME}"]  # the address's own, which leads nowhere
    server.stop()
