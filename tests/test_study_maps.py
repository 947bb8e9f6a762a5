"""A visitor's own LCZ map: how it is read can be corrected, and its certainty is shown."""

from __future__ import annotations

import numpy as np
import pytest
from test_map_legends import patches

from lczlib.errors import InputError
from lczlib.maps import open_lcz_map
from lczlib.study.map_inputs import chosen_options, map_settings, own_certainty

NOTHING = dict.fromkeys(map_settings("map"), "")


def test_settings_are_the_options_of_the_command(write_tif):
    truth = patches([2, 3, 12, 14])
    own = np.searchsorted([2, 3, 12, 14], truth) + 1
    path = write_tif(
        np.stack([own * 0, np.where(truth == 2, 200, own)]).astype(np.uint8), pixel=100
    )
    given = NOTHING | {"map_band": "2", "map_nodata": "200", "map_legend": "2=3,3=B,4=D"}
    lcz = open_lcz_map(path, options=chosen_options(given, "map"))
    np.testing.assert_array_equal(lcz, np.where(truth == 2, 0, truth))


@pytest.mark.parametrize("wrong", [{"map_nodata": "none"}, {"map_legend": "1:2"}])
def test_a_setting_that_cannot_be_read_is_one_sentence(wrong):
    with pytest.raises(InputError, match=r"write"):
        chosen_options(NOTHING | wrong, "map")


def test_the_class_probability_of_the_generator_is_the_certainty(write_tif):
    codes = patches([1, 6, 14, 17]).astype(np.uint8)
    bands = np.stack([codes, codes, np.where(codes == 1, 20, 90).astype(np.uint8)])
    path = write_tif(bands, descriptions=("lcz", "lczFilter", "classProbability"), pixel=100)
    certainty = own_certainty(open_lcz_map(path))
    np.testing.assert_allclose(certainty, np.where(codes == 1, 0.2, 0.9))
    assert own_certainty(open_lcz_map(write_tif(codes, "one.tif", pixel=100))) is None
