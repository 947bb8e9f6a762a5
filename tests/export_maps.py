"""What the tests of exports share: a map of all classes, and other programs that read what is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from faces import patches
from odc.geo.geobox import GeoBox

from lczlib.export import write_lcz_map
from lczlib.grid import on_grid
from lczlib.maps import lcz_map

BOX = GeoBox.from_bbox((400000, 5800000, 403000, 5802000), crs="EPSG:32633", resolution=100)


@pytest.fixture
def all_classes() -> xr.DataArray:
    """All classes on 20 x 30 cells, a corner of them without one."""
    rng = np.random.default_rng(3)
    codes = np.kron(patches(rng, (10, 15), [*range(1, 18)]), np.ones((2, 2), np.uint8))
    codes = codes.astype(np.uint8)
    codes[0, :17] = np.arange(1, 18)
    codes[15:, 25:] = 0
    return lcz_map(on_grid(codes, BOX, ("y", "x")))


@pytest.fixture
def all_classes_file(all_classes, tmp_path):
    return write_lcz_map(tmp_path / "city_lcz.tif", all_classes)


def needed_tool(name: str) -> str:
    """A program of the environment of ``make export-tools``, or where the shell finds it; else the test skips."""
    beside = Path(__file__).resolve().parents[1] / ".venv-export/bin" / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name} (make export-tools)")
    return found
