"""What is said of uploaded data beside its drawing on the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("panel")

from app.uploads.preview import color_scale, drawn
from lczlib.export import write_raster
from lczlib.grid import GeoBox, on_grid
from lczlib.study.looking import KINDS, Settings, read_as


def test_a_preview_of_temperatures_says_their_unit_and_ends(tmp_path: Path) -> None:
    grid = GeoBox.from_bbox((0, 0, 3000, 2000), "EPSG:32633", resolution=100)
    values = np.linspace(18.04, 41.96, 600, dtype=np.float32).reshape(20, 30)
    path = tmp_path / "lst.tif"
    write_raster(path, on_grid(values, grid))
    seen = read_as(KINDS["thermal"], [path], settings=Settings(heat_unit="degC"))
    assert not seen.refused
    made = drawn(seen, ("#000000",) * 17)
    assert made.title == "Surface temperature (°C): 18.0 to 42.0"
    assert 18.0 < made.low < made.high < 42.0
    scale = color_scale(made)
    assert made.title in scale
    assert f"≤ {made.low:.1f}" in scale
    assert f"≥ {made.high:.1f}" in scale
    assert color_scale(drawn(None, ())) == ""  # where there is nothing no bar stands
