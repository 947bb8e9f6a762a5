"""LCZ maps as other tools write them: the right map, or the sentence that says what to give."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from lczlib.errors import ClassSchemeError, GridError, InputError
from lczlib.maps import open_lcz_map, open_map_certainty
from lczlib.reading import readings


@pytest.fixture
def case(shared: Path):
    """Path of a map among the cases."""

    def path(name: str) -> Path:
        found = shared / "cases" / name
        assert found.exists(), found
        return found

    return path


def test_undeclared_255_is_no_data_and_that_is_said(case, run_lcz, tmp_path):
    path = case("map-255-undeclared/lcz.tif")
    code, out, _ = run_lcz("morphology", path, "--parameter", "height", "--out", tmp_path / "m")
    assert code == 0
    assert "14,040 of 14,400 cells with a class" in out
    assert "360 of code 255, taken for no data though not declared" in out
    with rasterio.open(path) as src:
        stored = src.read(1)
    np.testing.assert_array_equal(open_lcz_map(path), np.where(stored == 255, 0, stored))


@pytest.mark.parametrize(
    "line",
    ["morphology {map} --parameter height", "sites {map} -n 3", "compare {map} {map} --no-figures"],
)
def test_commands_take_the_filtered_band_and_name_it(case, run_lcz, tmp_path, line):
    path = case("map-generator-3band/lcz.tif")
    words = [path if w == "{map}" else w for w in line.split()]
    code, out, _ = run_lcz(*words, "--out", tmp_path / "out")
    assert code == 0
    assert "band 2 of 3, lczFilter" in out
    code, out, _ = run_lcz(*words, "--band", "lcz", "--out", tmp_path / "raw")
    assert code == 0
    assert "band 1 of 3, lcz;" in out
    read = json.loads((tmp_path / "raw/manifest.json").read_text())["read"]
    assert read[0]["band"] == "band 1 of 3, lcz"


def test_sydneys_filtered_band_and_its_class_probability(shared):
    path = shared / "data/lcz_maps/sydney_lcz_generator_3band.tif"
    with rasterio.open(path) as src:
        raw, filtered, probability = src.read()
    lcz, certainty = open_lcz_map(path), open_map_certainty(path)
    np.testing.assert_array_equal(lcz, filtered)
    assert (raw != filtered).mean() > 0.09
    np.testing.assert_allclose(certainty.values[lcz > 0], probability[lcz > 0] / 100)
    assert np.isnan(certainty.values[lcz.values == 0]).all()


def test_wrfs_urban_types_are_read_and_what_is_missing_is_said(case):
    path = case("map-wrf-31-41/lcz.tif")
    with readings() as heard:
        lcz = open_lcz_map(path)
    with rasterio.open(path) as src:
        stored = src.read(1)
    np.testing.assert_array_equal(lcz, np.select([stored == 41, stored > 30], [15, stored - 30], 0))
    assert heard[0].facts["numbering"] == "wrf"
    assert "nothing can be compared with LCZ D" in heard[0].cautions[0]


def test_a_file_of_several_variables_names_them_and_one_without_place_is_refused(case, run_lcz):
    path = case("nc-several-variables/geo_em.nc")
    for command in ("morphology", "compare"):
        maps = [path] * (2 if command == "compare" else 1)
        code, _, err = run_lcz(command, *maps)
        assert code == 1
        assert "2 variables (LU_INDEX, HGT_M)" in err
        assert "--band" in err
    with pytest.raises(GridError, match="no coordinate reference system"):
        open_lcz_map(path, band="LU_INDEX")
    code, _, err = run_lcz("morphology", path, "--band", "SOILTEMP")
    assert code == 1
    assert "none is named 'SOILTEMP'" in err


def test_maps_that_others_published_are_read_without_a_caution(shared):
    for path, classes in (
        (shared / "data/lcz_maps/shanghai_lcz.tif", 888_673),
        (shared / "data/lcz_maps/sydney_lcz_generator_3band.tif", 821_085),
        (shared / "data/hong_kong/hong_kong_lcz_GT.tif", 8_846),
    ):
        with readings() as heard:
            open_lcz_map(path)
        assert not heard[0].cautions
        assert heard[0].facts["cells_with_class"] == classes


def test_other_rasters_are_refused(shared):
    with pytest.raises(ClassSchemeError, match="unit is 'metre'"):
        open_lcz_map(shared / "data/sentinel1/sarsen_rome/Rome-30m-DEM.tif")
    with pytest.raises(InputError, match="an image or probabilities"):
        open_lcz_map(shared / "data/beijing_s1/THU_2020_sentinel_1_50pt.tif")
