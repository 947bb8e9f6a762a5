"""A network that normalises by the scene maps a part as it maps the whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from lczlib.catalog import cities
from lczlib.catalog.cities import so2sat_rectangle
from lczlib.errors import CatalogError
from lczlib.grid import geobox_of, on_grid
from lczlib.mapping import MapRequest, map_city, prepare, request_of, statistics
from lczlib.mapping.statistics import WHOLE, scene_statistics
from lczlib.reading import readings
from lczlib.scenes import crop
from lczlib.scenes.crop import window_of
from lczlib.study import Places, Study

NAME = "00001_99999_Testville"
NETWORK = "so2sat_s1_resnet20"
MOST_CHANGED = 0.005


@pytest.fixture(scope="module")
def whole(shared, weights_cache, tmp_path_factory):
    """The reference city's radar map: result, its folder, and its western half in degrees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
        patch.setenv("LCZLIB_CACHE", str(weights_cache))
        out = tmp_path_factory.mktemp("whole")
        request = MapRequest(
            (str(shared / "goldens/so2sat_city/data"),), city=NAME, weights=(NETWORK,)
        )
        result = map_city(request, out)
    west, south, east, north = geobox_of(result.kinds["s1"]).geographic_extent.boundingbox
    return result, request, (west, south, (west + east) / 2, north)


def changed(part: xr.DataArray, result) -> float:
    """The share of a part's labels that differ from those of the whole."""
    lcz = result.kinds["s1"]
    there = lcz.sel(x=part.x, y=part.y, method="nearest")
    np.testing.assert_allclose(there.x, part.x)
    assert 0.3 < part.size / lcz.size < 0.7
    return float((there.values != part.values).mean())


def test_half_a_box_is_half_of_the_map(whole, mirror, tmp_path):
    result, request, half = whole
    given = MapRequest(request.inputs, city=NAME, weights=(NETWORK,), box=half)
    with readings() as heard:
        part = map_city(given, tmp_path / "half")
    assert changed(part.kinds["s1"], result) <= MOST_CHANGED
    found = json.loads((tmp_path / "half/manifest.json").read_text())["statistics"]
    assert found == json.loads((result.out / "manifest.json").read_text())["statistics"]
    assert found["s1"]["area"] == WHOLE
    assert any(f"normalised by {WHOLE}" in r.said for r in heard)


def test_an_area_of_the_page_is_that_part_of_the_map(whole, mirror, tmp_path):
    result, request, half = whole
    study = Study(tmp_path / "work", tmp_path, Places(request.inputs))
    study.param.update(city=f"folder:{NAME}", area=half, sensors=["s1"], s1_weights=NETWORK)
    maps = study.compute("maps")
    assert changed(maps.kinds["s1"], result) <= MOST_CHANGED
    seen, mapped = study.scene.box.boundingbox, geobox_of(maps.kinds["s1"]).boundingbox
    assert (seen.left, seen.top, seen.right) == pytest.approx(
        (mapped.left, mapped.top, mapped.right)
    )


def test_a_rerun_takes_the_statistics_of_the_manifest(whole, mirror, tmp_path, monkeypatch):
    result = whole[0]
    content = json.loads((result.out / "manifest.json").read_text())
    assert "statistics" not in content["parameters"]
    monkeypatch.setattr(statistics, "_moments", None)  # not worked out again
    again = map_city(request_of(content, result.out), tmp_path / "again")
    np.testing.assert_array_equal(again.kinds["s1"], result.kinds["s1"])
    assert again.manifest["statistics"].keys() == {"s1"}
    written = json.loads((tmp_path / "again/manifest.json").read_text())
    assert written["statistics"] == content["statistics"]


def test_other_statistics_are_another_map(whole, mirror, tmp_path):
    """What the statistics are of shows in the labels: the tests above are not idle."""
    result, request, half = whole
    from lczlib.mapping import make_engine, predict
    from lczlib.maps import labels
    from lczlib.models import describe
    from lczlib.scenes import open_so2sat

    scene = open_so2sat(request.inputs[0], NAME, sensors=("s1",)).sentinel1
    alone = predict(prepare(crop(scene, half), describe(NETWORK)), make_engine(NETWORK))
    assert changed(labels(alone.probability), result) > 10 * MOST_CHANGED


def bands(city: str = "") -> xr.Dataset:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (400, 400)).astype(np.float32)
    values[:, 200:] += 5
    grid = geobox_of(open_grid())
    return xr.Dataset({"VH_dB": on_grid(values, grid)}, attrs={"city": city})


def open_grid() -> xr.DataArray:
    from odc.geo.geobox import GeoBox

    grid = GeoBox.from_bbox((691200, 5331000, 695200, 5335000), crs="EPSG:32632", resolution=10)
    return on_grid(np.zeros(grid.shape, np.uint8), grid)


def rectangle(part: slice) -> tuple[float, ...]:
    """The degrees of some columns of `bands`, a cell less wide on each side."""
    inside = bands().isel(x=slice(part.start + 15, part.stop - 15), y=slice(-200, 600))
    return tuple(geobox_of(inside).geographic_extent.boundingbox)


def test_statistics_are_of_the_rectangle_of_the_city(monkeypatch):
    scene = bands("00001_00007_Here")
    west = rectangle(slice(0, 200))
    monkeypatch.setattr(statistics, "so2sat_rectangle", lambda _: west)
    found = scene_statistics(scene, "scene")
    part = scene.isel(window_of(scene, west)).VH_dB.values
    assert part.shape[1] < 230
    np.testing.assert_allclose((found.mean[0], found.std[0]), (part.mean(), part.std()), rtol=1e-4)
    assert found.area == "the So2Sat rectangle of 00001_00007_Here"
    assert found.cautions == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((11.0, 40.0, 11.1, 40.1), "lies outside the So2Sat rectangle"),
        ((11.5, 48.0, 11.9, 48.2), "only, by which it is normalised"),
        (None, "the list of So2Sat's rectangles is not at hand"),
    ],
)
def test_what_is_not_the_rectangle_is_said(given, told, monkeypatch):
    def lookup(_: str):
        if given is None:
            raise CatalogError("no network")
        return given

    monkeypatch.setattr(statistics, "so2sat_rectangle", lookup)
    scene = bands("00001_00007_Here")
    found = scene_statistics(scene, "scene")
    (caution,) = found.cautions
    assert told in caution
    np.testing.assert_allclose(found.mean[0], scene.VH_dB.values.mean(), rtol=1e-4)


def test_the_rectangle_of_a_city_is_that_of_the_list(mirror, monkeypatch):
    west, south, east, north = so2sat_rectangle("00017_22007_Lagos")
    assert west < 3.4 < east
    assert south < 6.45 < north
    assert so2sat_rectangle("00001_99999_Testville") is None
    monkeypatch.setattr(cities, "so2sat_cities", None)  # nothing is fetched for a name without code
    for name in ("", "Berlin", "00000_00000_Simulated"):
        assert so2sat_rectangle(name) is None
