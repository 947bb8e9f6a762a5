"""A visitor's own LCZ map: how it is read can be corrected, and its certainty is shown."""

from __future__ import annotations

import gc
import weakref

import geopandas as gpd
import numpy as np
import param
import pytest
import shapely
from test_map_legends import patches

from lczlib.errors import InputError
from lczlib.map_request import MapRequest
from lczlib.maps import open_lcz_map
from lczlib.reading import readings
from lczlib.settings import described
from lczlib.study import Study
from lczlib.study.document import read_of
from lczlib.study.given import Given
from lczlib.study.map_inputs import OwnCertainty, chosen_options, map_settings
from lczlib.study.material import open_references
from lczlib.study.state import INPUTS
from lczlib.study.wording import in_page
from lczlib.vector_maps import open_any_map


def said(**settings):
    """What a visitor says of own maps; of all else nothing."""
    nothing = dict.fromkeys((*map_settings("map"), *map_settings("reference")), "")
    return Given("own_map", **nothing | settings)


def test_settings_are_the_options_of_the_command(write_tif):
    truth = patches([2, 3, 12, 14])
    own = np.searchsorted([2, 3, 12, 14], truth) + 1
    path = write_tif(
        np.stack([own * 0, np.where(truth == 2, 200, own)]).astype(np.uint8), pixel=100
    )
    given = said(map_band="2", map_nodata="200", map_legend="2=3,3=B,4=D")
    lcz = open_lcz_map(path, options=chosen_options(given, "map"))
    np.testing.assert_array_equal(lcz, np.where(truth == 2, 0, truth))


@pytest.mark.parametrize("wrong", [{"map_nodata": "none"}, {"map_legend": "1:2"}])
def test_a_setting_that_cannot_be_read_is_one_sentence(wrong):
    with pytest.raises(InputError, match=r"write"):
        chosen_options(said(**wrong), "map")


def test_the_class_probability_of_the_generator_is_the_certainty(write_tif):
    codes = patches([1, 6, 14, 17]).astype(np.uint8)
    bands = np.stack([codes, codes, np.where(codes == 1, 20, 90).astype(np.uint8)])
    path = write_tif(bands, descriptions=("lcz", "lczFilter", "classProbability"), pixel=100)
    kept, own = OwnCertainty(), open_lcz_map(path)
    certainty = kept(own)
    np.testing.assert_allclose(certainty, np.where(codes == 1, 0.2, 0.9))
    assert kept(own) is certainty
    gone = weakref.ref(certainty)
    del certainty
    assert kept(open_lcz_map(write_tif(codes, "one.tif", pixel=100))) is None
    gc.collect()
    assert gone() is None


def test_a_reference_of_two_class_columns_is_no_dead_end(tmp_path):
    shapes = [shapely.box(i, 50, i + 0.1, 50.1) for i in range(2)]
    table = gpd.GeoDataFrame({"lcz_a": [1, 2], "lcz_b": [2, 1]}, geometry=shapes, crs=4326)
    table.to_file(tmp_path / "two.gpkg", layer="one")
    table.iloc[:1].to_file(tmp_path / "two.gpkg", layer="other")
    files = (tmp_path / "two.gpkg",)
    one = {"reference_layer": "one"}
    for given, asked in ((said(), "layer"), (said(**one), "column")):
        with pytest.raises(InputError) as error:
            open_references(None, files, chosen_options(given, "reference"))
        assert f"--{asked}" in str(error.value)
        card = "City: How your reference is read"
        assert f"“{card}: {asked.title()}”" in in_page(error.value.message, "reference")
    options = chosen_options(said(**one, reference_column="lcz_b"), "reference")
    polygons = open_references(None, files, options).polygons
    assert polygons["lcz"].tolist() == [2, 1]
    given = said(map_column="lcz_a", map_layer="one")
    lcz = open_any_map(files[0], options=chosen_options(given, "map"), cell=5000)
    assert set(np.unique(lcz)) == {0, 1, 2}


def test_a_report_says_what_was_read_with_the_names_of_the_pages(write_tif, tmp_path):
    codes = patches([1, 6, 14, 17]).astype(np.uint8)
    path = write_tif(np.stack([codes, codes]), pixel=100, descriptions=("lcz", "lczFilter"))
    study = Study(tmp_path / "work")
    study.map_files = (str(path),)
    with readings() as heard:
        open_any_map(path)
    with param.edit_constant(study):
        study.read = {"own_map": tuple(heard)}
    (told,) = read_of(study)
    assert "(“City: How your LCZ map is read: Band” lcz for the unfiltered map)" in str(told)
    assert "--band" in str(heard[0])


# Settings of `lcz map` that a study is not told, and why.
_NOT_OF_A_STUDY = {
    "only_seasons": "imagery is fetched, or uploaded, of the seasons that are wanted",
    "sentinel1_time": "a folder of several times is of the command; a visitor uploads the files of one",
    "calibration": "the calibration of one network and place, made and named by the command",
    "anchor": "corner is for comparing with So2Sat's own maps",
    "engine": "follows from the device",
    "precision": "likewise",
    "batch_size": "likewise",
    "out_scheme": "chosen where maps are taken away",
}
_CALLED = {"weights": "s1_weights", "box": "area"}


def test_every_setting_of_the_command_is_of_a_study_or_left_out_for_a_reason():
    settings = set(described(MapRequest))
    of_a_study = {n for n in settings if {n, f"s2_{n}", _CALLED.get(n)} & {*INPUTS}}
    assert settings - of_a_study == set(_NOT_OF_A_STUDY)
