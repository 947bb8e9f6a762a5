"""What the help on classes shows is what is published, drawn to scale."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("panel")

from app.parts.classhelp import WORDS, all_classes, describe, section
from app.parts.palette import STANDARD
from lczlib.analysis.heat.morphology import morphology_table
from lczlib.classes import CLASSES

TABLE = morphology_table()


def walls(number: int) -> list[tuple[float, float]]:
    """Height and width of each building in a section."""
    root = ElementTree.fromstring(section(number))
    boxes = [e for e in root.iter("rect") if e.get("stroke")]
    return [(float(e.get("height")), float(e.get("width"))) for e in boxes]


def test_every_class_has_words_of_its_own():
    assert set(WORDS) == {c.code for c in CLASSES}
    assert len(set(WORDS.values())) == 17


@pytest.mark.parametrize("number", range(1, 10))
def test_buildings_are_drawn_within_the_published_height_and_cover(number):
    row, drawn = TABLE.loc[number], walls(number)
    assert drawn
    for height, _ in drawn:
        assert row["height_min"] - 0.1 <= height <= row["height_max"] + 0.1
    cover = 100 * sum(w for _, w in drawn) / 200
    assert row["building_fraction_min"] - 5 <= cover <= row["building_fraction_max"] + 5


@pytest.mark.parametrize("number", range(11, 18))
def test_land_covers_have_no_buildings(number):
    assert walls(number) == []


def test_numbers_are_those_of_the_table():
    text = re.sub(r"<[^>]+>", " ", describe(6).split("</svg>")[1])
    assert "sky view factor  0.6 to 0.9" in text
    assert "under buildings  20 to 40 %" in text
    assert "from 25 m" in re.sub(r"<[^>]+>", " ", describe(1))
    assert "–" in describe(17)  # water has no height


def test_all_classes_are_there_in_the_colours_of_the_session():
    text = all_classes(STANDARD)
    assert text.count("<svg") == text.count("lcz-zone") == 17
    assert all(c in text for c in STANDARD)
