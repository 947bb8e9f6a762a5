"""Options of maps and references reach the file they are for, and messages name them as commands do."""

from __future__ import annotations

import json
import shlex
import warnings

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.windows import Window
from test_map_legends import patches

from lczlib.analysis import assess
from lczlib.errors import ClassSchemeError, InputError
from lczlib.maps import open_lcz_map, open_probabilities
from lczlib.polygons import open_polygons
from lczlib.rasters import open_raster
from lczlib.reading import InputWarning, Reading, collected, in_words, readings, tell
from lczlib.scenes.elevation import open_elevation
from lczlib.study.material import References
from lczlib.study.results import assess_maps
from lczlib.vector_maps import open_any_map

CRS, CORNER = "EPSG:32630", (500_000, 5_300_000)


def squares(classes, **more) -> gpd.GeoDataFrame:
    """A row of squares of 500 m, one for each class."""
    x, y = CORNER
    shapes = [shapely.box(x + 500 * i, y, x + 500 * i + 500, y + 500) for i in range(len(classes))]
    return gpd.GeoDataFrame({"lcz": classes, **more}, geometry=shapes, crs=CRS)


def raster(write_tif, name: str, classes, **more):
    """The same as a raster of 100 m."""
    codes = np.repeat(np.repeat([classes], 5, 0), 5, 1).astype(np.uint8)
    return write_tif(codes, name, crs=CRS, pixel=100.0, origin=(CORNER[0], CORNER[1] + 500), **more)


CLASSES = [2, 6, 11, 17]


@pytest.fixture
def layers(tmp_path):
    """A GeoPackage with two layers of polygons, of which one is the map."""
    path = tmp_path / "city.gpkg"
    squares(CLASSES).to_file(path, layer="lcz")
    squares(CLASSES[::-1]).to_file(path, layer="older")
    return path


def test_a_layer_of_a_map_can_be_named_in_every_command(layers, write_tif, run_lcz, tmp_path):
    other = raster(write_tif, "other.tif", CLASSES)
    heat = write_tif(
        np.random.default_rng(0).normal(20, 2, (5, 20)).astype(np.float32), "lst.tif", crs=CRS,
        pixel=100.0, origin=(CORNER[0], CORNER[1] + 500),
    )  # fmt: skip
    air = tmp_path / "air.csv"
    rows = [f"2024-01-01 {h:02}:00,{s},{20 + h},47.85,-2.99{s}" for h in range(3) for s in (1, 2)]
    air.write_text("\n".join(["time,station,temperature,latitude,longitude", *rows]))
    lines = (
        ("morphology", layers, "--parameter", "height"),
        ("sites", layers, "--sensors", "2", "--border-distance", "50", "--spacing", "50"),
        ("compare", layers, other, "--no-figures"),
        ("compare", other, layers, "--by", "area", "--no-figures"),
        ("assess", layers, "--reference", other, "--no-figures"),
        ("uhi", layers, "--lst", heat, "--unit", "degC"),
        ("uhi", layers, "--stations", air, "--time-zone", "UTC"),
    )
    for i, line in enumerate(lines):
        folder = ("--out", tmp_path / f"out{i}")
        code, _, err = run_lcz(*line, *folder)
        assert code == 1
        assert "several layers (lcz, older): say which with --map-layer" in err, line
        out = run_lcz(*line, "--map-layer", "lcz", *folder)[1]
        assert "layer lcz (older not read)" in " ".join(out.split()), line
    found = json.loads((tmp_path / "out2/comparison.json").read_text())
    assert found["agreement"] == 1.0


def test_a_layer_and_a_column_can_be_of_one_map_among_several(layers, run_lcz, tmp_path):
    squares([1, 1, 1, 1], LCZ_A=CLASSES).to_file(tmp_path / "mine.gpkg")
    line = ("compare", layers, tmp_path / "mine.gpkg", "--no-figures", "--out", tmp_path / "c")
    options = ("--map-layer", "city=older", "--map-column", "mine=LCZ_A")
    code, out, err = run_lcz(*line, *options, "--by", "area")
    assert code == 0, err
    assert "agreement 0.0000" in out
    assert run_lcz("rerun", tmp_path / "c", "--out", tmp_path / "again")[0] == 0


def test_a_column_is_named_by_the_option_that_the_file_has(write_tif, run_lcz, tmp_path):
    two = tmp_path / "two.gpkg"
    squares(CLASSES, lcz_b=CLASSES[::-1]).rename(columns={"lcz": "lcz_a"}).to_file(two)
    other = raster(write_tif, "other.tif", CLASSES)
    out = ("--no-figures", "--out", tmp_path / "out")
    _, _, err = run_lcz("assess", two, "--reference", other, *out)
    assert "--map-column" in err
    _, _, err = run_lcz("assess", other, "--reference", two, *out)
    assert "--column" in err
    _, _, err = run_lcz("morphology", other, "--map-column", "lcz_a", "--out", tmp_path / "out")
    assert "takes no class column (--map-column)" in err


def test_no_option_is_advised_that_polygons_lack(run_lcz, tmp_path):
    path = tmp_path / "odd.gpkg"
    squares([2, 6, 40, 17]).to_file(path)
    for line in (("morphology", path), ("morphology", path, "--map-column", "lcz")):
        code, _, err = run_lcz(*line, "--out", tmp_path / "out")
        assert code == 1
        assert "--nodata" not in err
        assert "--scheme" not in err  # no numbering has a class 40
    assert "[40] are no LCZ numbers, in whichever numbering (1-17" in err


def test_rasters_beside_polygons_are_compared_by_cells(write_tif, run_lcz, tmp_path):
    squares(CLASSES).to_file(tmp_path / "drawn.gpkg")
    a, b = (
        raster(write_tif, f"{n}.tif", [*CLASSES[:3], last], nodata=0)
        for n, last in zip("ab", (17, 14), strict=True)
    )
    line = ("compare", a, b, tmp_path / "drawn.gpkg", "--by", "area", "--no-figures")
    code, out, err = run_lcz(*line, "--out", tmp_path / "c")
    assert code == 0, err
    assert "a - b: agreement 0.7500" in out
    assert "n = 100\n" in out
    assert "n = 4 polygons, 1.00 km²" in out
    pairs = json.loads((tmp_path / "c/comparison.json").read_text())["pairs"]
    assert [p.get("by", "cells") for p in pairs] == ["cells", "area", "area"]
    code, _, err = run_lcz("compare", a, b, "--by", "area", "--out", tmp_path / "c")
    assert code == 1
    assert "a, b are all rasters: compare them by cells" in err


def test_the_numbering_of_a_reference_has_one_door(write_tif, run_lcz, tmp_path):
    mapped = raster(write_tif, "mapped.tif", CLASSES)
    areas = tmp_path / "areas.gpkg"
    squares([c - 1 for c in CLASSES]).to_file(areas)
    line = ("assess", mapped, "--reference", areas, "--no-figures", "--out", tmp_path / "a")
    for option in (("--reference-scheme", "0-16"), ("--scheme", "areas=0-16")):
        code, out, err = run_lcz(*line, *option)
        assert code == 0, err
        assert "OA  1.000" in out
    both = ("--reference-scheme", "1-17", "--scheme", "areas=0-16")
    code, _, err = run_lcz(*line, *both)
    assert code == 2
    assert "scheme is given twice" in " ".join(err.split())
    raster_only = ("--reference-scheme", "0-16", "--legend", "areas=1=2")
    code, _, err = run_lcz(*line, *raster_only)
    assert code == 1
    assert "holds polygons: for these there is no --legend." in err


def test_what_a_message_says_of_an_option_can_be_typed(run_lcz, tmp_path):
    """A refusal leaves a map's name out of what was said of all; an advice can be pasted into a shell."""
    paths = [tmp_path / "my areas.gpkg", tmp_path / "b.gpkg"]
    for path in paths:
        squares([0, 3, 6]).to_file(path)
    line = ("compare", *paths, "--no-figures", "--out", tmp_path / "c")
    code, _, err = run_lcz(*line, "--scheme", "wrf")
    assert code == 1
    assert err.endswith("and wrf numbers rasters only: give another --scheme, or none.")
    code, _, err = run_lcz(*line)
    assert code == 1
    advised = shlex.split(err[err.index("say which with --scheme") :].rstrip("."))
    assert advised[-2:] == ["--scheme", "my areas=0-16"]
    code, out, err = run_lcz(*line, *advised[-2:], "--scheme", "b=0-16")
    assert code == 0, err
    assert "my areas - b: agreement 1.0000" in out


def test_a_reading_names_the_options_of_its_command(write_tif, run_lcz, tmp_path):
    codes = patches([1, 6, 14, 17]).astype(np.uint8)
    path = write_tif(
        np.stack([codes, codes]), "city.tif", pixel=100, descriptions=("lcz", "lczFilter")
    )
    lst = write_tif(np.full((24, 24), 20, np.float32), "lst.tif", pixel=100)
    _, out, _ = run_lcz("uhi", path, "--lst", lst, "--unit", "degC", "--out", tmp_path / "u")
    assert "(--map-band lcz for the unfiltered map)" in " ".join(out.split())
    _, out, _ = run_lcz("compare", path, lst, "--out", tmp_path / "c")
    assert "(--band city=lcz for the unfiltered map)" in " ".join(out.split())


def test_words_are_changed_where_they_are_told():
    with readings() as heard, in_words(lambda t: t.replace("--a", "--b")):
        tell(Reading("map", "x.tif", ("said --a",), ("give --a.",), {"note": "--a", "n": 1}))
    assert heard == [
        Reading("map", "x.tif", ("said --b",), ("give --b.",), {"note": "--b", "n": 1})
    ]


def test_no_band_is_asked_for_where_no_option_names_it(write_tif):
    heights = np.full((2, 4, 4), 20, np.float32)
    twice = write_tif(heights, "dem.tif", descriptions=("dem", "dem"))
    with pytest.raises(InputError, match="gdal_translate") as refused:
        open_elevation(twice)
    assert "--band" not in str(refused.value)
    path = write_tif(heights, "x.tif").with_name("two.nc")
    cells = {"lat": np.linspace(51, 50, 4), "lon": np.linspace(1, 2, 4)}
    values = xr.DataArray(heights[0], cells, ("lat", "lon"))
    xr.Dataset({"a": values, "b": values}).to_netcdf(path)
    for door in (open_probabilities, open_elevation, open_raster):
        with pytest.raises(InputError, match=r"2 variables \(a, b\): write one") as refused:
            door(path)
        assert "--band" not in str(refused.value)


def test_training_areas_are_told_of_wherever_a_map_is_judged(write_tif, tmp_path):
    squares(CLASSES).to_file(tmp_path / "training_areas.gpkg")
    lcz = open_any_map(raster(write_tif, "map.tif", CLASSES))
    areas = open_polygons(tmp_path / "training_areas.gpkg")
    with pytest.warns(InputWarning, match="named after training areas"):
        assess(lcz, areas, replicates=100)
    with readings() as heard:
        assess_maps(None, References(areas, None, "training_areas.gpkg"), "polygons", {"own": lcz})
    assert any("training areas, by its name" in r.said for r in heard)


@pytest.mark.parametrize("scale", [1.0, 10.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_such_as_3e38_are_no_data_that_nobody_declared(write_tif, dtype, scale):
    codes = np.kron(np.arange(1, 18), np.ones((4, 2))).astype(dtype)
    path = write_tif(codes / dtype(scale), pixel=100.0)
    with rasterio.open(path, "r+") as src:
        src.write(np.array([[np.finfo(dtype).max, 3e38]], dtype), 1, window=Window(0, 0, 2, 1))
        src.scales = [scale]
    with warnings.catch_warnings(), collected() as heard:
        warnings.simplefilter("error", RuntimeWarning)
        lcz = open_lcz_map(path)
    assert (lcz.values[0, :2] == 0).all()
    assert (lcz.values[1:] == codes[1:]).all()
    assert "taken for no data though not declared" in str(heard[0])


def test_many_codes_beyond_all_numberings_are_refused_in_a_sentence(write_tif):
    path = write_tif(np.arange(1, 65, dtype=np.float32).reshape(8, 8) * 1e37, pixel=100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # of numbers that no integer holds
        with pytest.raises(ClassSchemeError) as refused:
            open_lcz_map(path)
    assert "are no LCZ numbers" in str(refused.value)
    assert len(str(refused.value)) - len(str(path)) < 400
