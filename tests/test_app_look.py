"""The dashboard's colours: text that can be read, outlines that can be seen, in the light and in the dark."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

pytest.importorskip("panel")

from app.parts.design import Dark, Light, colors
from app.parts.markup import html, table
from lczlib.classes import CLASSES

LOOK = Path(__file__).parents[1] / "app" / "parts" / "look"
GROUNDS = ("paper", "ground", "sunken", "hover")
TEXTS = (
    [(ink, ground) for ink in ("ink", "soft") for ground in GROUNDS]
    + [("on-accent", "accent"), ("on-accent", "accent-hover"), ("accent", "paper"), ("accent", "ground")]
    + [(state, "paper") for state in ("done", "running", "stale", "failed")]
    + [(f"{kind}-ink", f"{kind}-ground") for kind in ("stale", "failed", "info")]
    + [("soft", "info-ground"), ("failed", "ground")]
)  # fmt: skip
OUTLINES = [(line, ground) for line in ("edge", "swatch-edge") for ground in ("paper", "ground")]


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_known_colours():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_and_outlines_are_seen(dark):
    named = colors(dark)
    pale = {p: round(contrast(named[p[0]], named[p[1]]), 2) for p in TEXTS}
    assert {p: c for p, c in pale.items() if c < 4.5} == {}
    thin = {p: round(contrast(named[p[0]], named[p[1]]), 2) for p in OUTLINES}
    assert {p: c for p, c in thin.items() if c < 3} == {}


@pytest.mark.parametrize("dark", [False, True])
def test_no_class_vanishes_on_the_ground_of_a_map(dark):
    ground = colors(dark)["map-ground"]
    if dark:
        assert contrast(ground, CLASSES[14].color) >= 3  # LCZ E, black

    def channels(color: str) -> list[int]:
        return [int(color[i : i + 2], 16) for i in (1, 3, 5)]

    for c in CLASSES:
        apart = max(abs(a - b) for a, b in zip(channels(c.color), channels(ground), strict=True))
        assert apart > 15, c.label


def test_the_dark_has_each_colour_of_the_light():
    light, dark = colors(False), colors(True)
    assert set(light) == set(dark)
    assert [n for n in light if light[n] == dark[n]] == []


def test_style_sheets_name_no_colour_and_no_name_that_is_not_there():
    tokens = (LOOK / "tokens.css").read_text()
    for name in ("widgets.css", "page.css"):
        text = (LOOK / name).read_text()
        assert re.findall(r"#[0-9a-f]{3,8}\b(?=[^{]*;)", text) == [], name
    known = set(re.findall(r"--([\w-]+):", tokens)) | set(
        re.findall(r"--([\w-]+):", (LOOK / "page.css").read_text())
    )
    used = set(re.findall(r"var\(--([\w-]+)\)", (LOOK / "page.css").read_text()))
    assert used <= known


@pytest.mark.parametrize("theme", [Light, Dark])
def test_figures_have_the_colours_of_the_page(theme):
    named = colors(theme is Dark)
    attrs = theme().bokeh_theme._json["attrs"]
    assert attrs["Title"]["text_color"] == attrs["Axis"]["major_label_text_color"] == named["ink"]
    assert attrs["Plot"]["border_fill_color"] is None


def test_a_number_on_a_page_stays_with_its_unit_and_what_is_kept_stays_plain():
    said = "<b title='5 % more'>95% interval 91.9 to 96.1 %</b>, +5.9 K"
    pane = html(said)
    shown = unescape(pane._transform_object(said)["object"])
    assert shown == "<b title='5 % more'>95\xa0% interval 91.9 to 96.1\xa0%</b>, +5.9\xa0K"
    assert pane.object == said


def test_columns_of_words_stand_at_the_left():
    rows = [("Sentinel-1", "9 sparsely built", "43 %")]
    shown = table(("map", "LCZ", "probability"), rows, words=(1,))
    assert re.findall(r'class="words">([^<]*)<', shown) == ["LCZ", "9 sparsely built"]
