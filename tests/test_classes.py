import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lczlib.classes import CLASSES, SCHEMES, detect_scheme, lcz_class, to_standard
from lczlib.errors import ClassSchemeError
from lczlib.maps import open_lcz_map

NUMERIC = [s for s in SCHEMES if s != "letters"]


def test_seventeen_classes_with_distinct_colours():
    assert [c.number for c in CLASSES] == list(range(1, 18))
    assert [c.code for c in CLASSES] == [*map(str, range(1, 11)), *"ABCDEFG"]
    assert len({c.color for c in CLASSES}) == 17
    assert [c.number for c in CLASSES if c.built] == list(range(1, 11))


@pytest.mark.parametrize("key", [14, "14", "D", "d", "LCZ D", "lcz_d", "low plants", "104", 104])
def test_a_class_goes_by_number_code_and_name(key):
    assert lcz_class(key).number == 14


@pytest.mark.parametrize("key", ["compact midrise", 0, 18, "H", ""])
def test_an_unknown_class_is_refused(key):
    with pytest.raises(ClassSchemeError, match="no Local Climate Zone"):
        lcz_class(key)


CODES = {
    "1-17": range(18),
    "101-107": [*range(11), *range(101, 108)],
    "0-16": [255, *range(17)],
    "letters": ["", *(c.code for c in CLASSES)],
}


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(max_dims=2), elements=st.integers(0, 17)),
    st.sampled_from(SCHEMES),
)
def test_every_numbering_is_brought_to_ours(codes, scheme):
    stored = np.array(CODES[scheme])[codes]
    back = to_standard(stored, scheme, nodata=255 if scheme == "0-16" else None)
    np.testing.assert_array_equal(back, codes)


@pytest.mark.parametrize(
    ("codes", "zero_is_nodata", "expected"),
    [
        ([1, 2, 6, 8], False, "1-17"),  # the same in 1-17 and 101-107
        ([2, 6, 101, 104], False, "101-107"),
        ([0, 2, 107], False, "101-107"),
        ([0, 3, 17], False, "1-17"),
        ([2, 11, 14], True, "1-17"),
        ([0, 2, 3], True, "1-17"),
    ],
)
def test_a_certain_numbering_is_detected(codes, zero_is_nodata, expected):
    assert detect_scheme(codes, zero_is_nodata=zero_is_nodata) == expected


@pytest.mark.parametrize("codes", [[0, 1, 2], [0, 5, 16], [1, 5, 16], [3, 11]])
def test_an_ambiguous_numbering_is_refused_with_the_option_to_set(codes):
    with pytest.raises(ClassSchemeError, match="--scheme 0-16"):
        detect_scheme(codes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1.0, 2.5]), "whole numbers"),
        (np.array([1, 40]), r"\[40\]"),
        (np.array([2, 30, 105]), r"\[30\]"),
        (np.array([True, False]), "mask"),
    ],
)
def test_what_cannot_be_codes_is_refused(values, message):
    with pytest.raises(ClassSchemeError, match=message):
        to_standard(values)


def test_a_stated_numbering_overrides_detection():
    codes = np.array([0, 5, 16])
    np.testing.assert_array_equal(to_standard(codes, "0-16"), [1, 6, 17])
    np.testing.assert_array_equal(to_standard(codes, "1-17"), [0, 5, 16])


def test_text_codes_become_numbers_and_blanks_no_data():
    values = np.array(["LCZ 2", "A", None, "", "water"], object)
    np.testing.assert_array_equal(to_standard(values), [2, 11, 0, 0, 17])


def test_shanghai_is_read_as_101_to_107_in_float(shared):
    lcz = open_lcz_map(shared / "data/lcz_maps/shanghai_lcz.tif")
    assert lcz.dtype == np.uint8
    assert set(np.unique(lcz)) == {1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 14, 15, 17}
    assert lcz.rio.crs.to_epsg() == 32651


def test_the_lcz_generators_three_bands_give_the_filtered_one(shared):
    path = shared / "data/lcz_maps/sydney_lcz_generator_3band.tif"
    lcz, filtered = open_lcz_map(path, band="lcz"), open_lcz_map(path)
    assert set(np.unique(lcz)) - set(np.unique(filtered)) == {4}
    assert (lcz == 0).any()
    assert open_lcz_map(path, band=2).equals(filtered)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scheme", [None, "1-17"])
def test_a_code_too_large_to_count_with_is_unknown_like_others(dtype, scheme):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ClassSchemeError, match=r"Codes \[3e\+38\] are no LCZ numbers"):
            to_standard(np.array([1, 17, 3e38], dtype), scheme)
