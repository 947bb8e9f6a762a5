"""Copernicus GLO-30 by tiles, as one elevation model."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import radar_services
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from radar_services import SIZE, ramp, write_tile
from stac.scenes import clear_sky, town, write_scene
from stac.server import serve

from lczlib.acquire import providers
from lczlib.acquire.elevation import write_elevation
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.sentinel1.terrain import height_of

DAY = "2024-07-01"


@pytest.fixture
def services(tmp_path, monkeypatch):
    found, stop = radar_services.serve(tmp_path, [])
    monkeypatch.setattr(providers, "ELEVATION", f"{found.root}/elevation")
    monkeypatch.setattr("lczlib.acquire.faults.PAUSE", 0.01)
    yield found
    stop()


def heights(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with rasterio.open(path) as src:
        x = src.transform.c + (np.arange(src.width) + 0.5) * src.transform.a
        y = src.transform.f + (np.arange(src.height) + 0.5) * src.transform.e
        return src.read(1, masked=True), *np.meshgrid(x, y)


def test_tiles_become_one_grid_with_a_rim_that_says_what_heights_count_from(services, tmp_path):
    for at in ((41, 12), (41, 13), (42, 12), (42, 13)):
        write_tile(tmp_path, *at)
    path = tmp_path / "dem.tif"
    assert write_elevation((12.95, 41.95, 13.05, 42.05), path, lambda: False) == []
    values, x, y = heights(path)
    assert np.abs(values - ramp(x, y)).max() < 0.01
    assert not np.ma.is_masked(values)
    metres = 111_320 * math.cos(math.radians(42))
    assert (12.95 - x.min()) * metres > 6000 < (x.max() - 13.05) * metres
    assert (41.95 - y.min()) * 111_320 > 6000 < (y.max() - 42.05) * 111_320
    assert height_of(path, None) == "geoid-egm2008"


def test_wider_pixels_of_the_north_are_interpolated_and_the_sea_has_no_height(services, tmp_path):
    write_tile(tmp_path, 49, 12)
    write_tile(tmp_path, 50, 12, columns=SIZE * 2 // 3)
    path = tmp_path / "dem.tif"
    assert write_elevation((12.4, 49.95, 12.95, 50.05), path, lambda: False) == [
        "Copernicus_DSM_COG_10_N49_00_E013_00_DEM", "Copernicus_DSM_COG_10_N50_00_E013_00_DEM",
    ]  # fmt: skip
    values, x, y = heights(path)
    inside = x < 13 - 2 / SIZE
    assert np.abs(values - ramp(x, y))[inside].max() < 0.01
    assert values.mask[x > 13].all()
    with pytest.raises(InputError, match=r"has no tile of the box .*N10_00_E010.*it is sea"):
        write_elevation((10.4, 10.4, 10.5, 10.5), path, lambda: False)


def test_tiles_across_180_degrees_lie_side_by_side(services, tmp_path):
    for longitude in (179, -180):
        write_tile(tmp_path, -18, longitude)
    path = tmp_path / "dem.tif"
    assert write_elevation((179.9, -17.6, -179.9, -17.4), path, lambda: False) == []
    values, x, _ = heights(path)
    assert x.max() > 180.1
    assert not np.ma.is_masked(values)
    step = np.diff(values[0])
    assert step[x[0, 1:] < 180].mean() == pytest.approx(300 / SIZE, rel=1e-3)


def test_a_service_of_heights_that_fails_is_no_sea(services, tmp_path, monkeypatch):
    monkeypatch.setattr(providers, "ELEVATION", "http://127.0.0.1:9")
    with pytest.raises(ServiceError, match=r"Copernicus GLO-30.*cannot be reached"):
        write_elevation((12.4, 41.4, 12.5, 41.5), tmp_path / "dem.tif", lambda: False)


def test_composites_are_not_lost_for_heights_that_cannot_be_had(services, tmp_path):
    box = GeoBox((200, 240), Affine(10, 0, 384_040, 0, -10, 5_820_320), "EPSG:32633")
    item = write_scene(
        tmp_path / "s", "pc", "a", f"{DAY}T10:10:29Z", town(box), clear_sky(box), box
    )
    optical, stop = serve(tmp_path / "s", [item])
    request = GetRequest(
        place="13.295,52.506,13.320,52.519",
        what=("s2", "dem"),
        start=DAY,
        end=DAY,
        provider=optical.api,
    )
    result = run(request, tmp_path / "out")
    result.write(tmp_path / "out")
    stop()
    assert any(
        "prepare-s1: Copernicus GLO-30 has no tile of the box" in c for c in result.cautions()
    )
    assert list((tmp_path / "out").glob("Sentinel-2/*/*/[0-9]*_*.tif"))
