"""The class that a free text tells: one, none, or two, which is never the first."""

import pytest

from lczlib.class_names import (
    ForeignLetterError,
    SeveralClassesError,
    class_of_text,
    serial_names,
)
from lczlib.errors import ClassSchemeError


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("LCZ1a", 1), ("LCZ10c", 10), ("LCZA1", 11), ("LCZAa", 11), ("LCZ1ab", 1), ("LCZ 6D", 6),
        ("<b>LCZ 6</b>", 6), ("&lt;b&gt;LCZ 6&lt;/b&gt;", 6), ("LCZ&nbsp;6", 6), ("LCZ \uff16", 6),
        ("LCZ 06", 6), ("lcz_6", 6), ("LCZ-A", 11), ("LCZA", 11), ("LCZ class 6", 6), ("6.0", 6),
        ("Open low-rise (#2)", 6), ("2 (#2)", 2), ("D low plants (#2)", 14), ("LCZ 6 (2)", 6),
        ("LCZ 6 - Main Street", 6), ("LCZ 6 - 12 Main Street", 6), ("LCZ 6 a park", 6),
        ("LCZ 6 polygon 12", 6), ("LCZ 6 - 25", 6), ("LCZ 6, near the water", 6), ("103,103", 13),
        ("LCZ C: Bush,scrub", 13), ("light-weight low-rise", 7), ("LCZ 6 / LCZ 6", 6),
        ("Local Climate Zone 6", 6), ("Dense trees (park)", 11), ("LCZ 5: Open midrise", 5),
    ],
)  # fmt: skip
def test_names_in_use_are_read(text, number):
    assert class_of_text(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "LCZ 8/10", "LCZ 6-9", "LCZ 1 or 4", "LCZ A & B", "6-9", "8/10", "1 or 4", "A & B",
        "103,104", "101;102", "['103' '104']", "LCZ 6 compact low-rise", "LCZ 6 or LCZ 9",
        "LCZ 6 (LCZ 9)", "LCZ 6 (maybe 5)", "LCZ 6 / water", "Dense trees / scattered trees",
        "LCZ 6\u20139", "LCZ 8 &amp; 10", "LCZ 4 und 5", "LCZ A-B", "LCZ 6, 8 and 9", "LCZ 6 - 12",
    ],
)  # fmt: skip
def test_two_classes_are_never_the_first(text):
    with pytest.raises(SeveralClassesError, match="more than one"):
        class_of_text(text)


@pytest.mark.parametrize(
    "text", ["water tower", "6 Main Street", "ROI", "E 40 highway", "Class 3 (LCZ 5)", "LCZ", "1a"]
)
def test_other_texts_name_none(text):
    with pytest.raises(ClassSchemeError, match="no Local Climate Zone"):
        class_of_text(text)


@pytest.mark.parametrize("text", ["LCZ \u0410", "\u0412", "L\u0441z 6", "LCZ \u0391"])
def test_letters_of_other_alphabets_are_named(text):
    with pytest.raises(ForeignLetterError, match=r"is (Cyrillic|Greek), not Latin"):
        class_of_text(text)


def test_a_series_of_numbered_polygons_is_one():
    assert serial_names(["LCZ 6-1", "LCZ 6-2", "LCZ 6-3", "LCZ A-1"]) == {
        "LCZ 6-1": 6, "LCZ 6-2": 6, "LCZ 6-3": 6, "LCZ A-1": 11,
    }  # fmt: skip
    assert serial_names(["LCZ 6-9", "LCZ 8-10", "LCZ 6-10"]) == {}
