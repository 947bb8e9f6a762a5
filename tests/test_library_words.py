"""What the library says of files, in the language of who reads the pages: known again, and said as the code says it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

pytest.importorskip("babel")

import lczlib
from lczlib.reading import Reading
from lczlib.study import Study
from lczlib.study.library_words import (
    CLAUSES,
    SENTENCES,
    in_reader_language,
    pattern_of,
    reading_in_words,
)
from lczlib.texts import in_language, text


def filled(english: str) -> str:
    """A listed text with something in each field."""
    names = {name for _, name, _, _ in Formatter().parse(english) if name}
    return english.format(**{n: "17" if n in ("n", "all") else "Berlin" for n in names})


NOUNS = "polygons|points|cells|pixels|stations|sites|rows|features|temperatures|times|comma|semicolon|tab"
"""What `lczlib.reading.counted` and its like put in."""
COMPOSED = {
    "classes of the map", "class at the point and of most of the circle the same for",
}  # fmt: skip
"""Put together of shorter strings."""


@cache
def said_in_code() -> str:
    """All strings of the library, one a line, but for those of the list itself."""
    here = Path(lczlib.__file__).parent
    files = (f for f in here.rglob("*.py") if f.name != "library_words.py")
    nodes = (n for f in files for n in ast.walk(ast.parse(f.read_text("utf-8"))))
    return "\n".join(
        n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )


@pytest.mark.parametrize("listed", [CLAUSES, SENTENCES], ids=["clauses", "sentences"])
def test_each_text_is_known_again_by_its_own_pattern(listed: tuple[str, ...]) -> None:
    first = {t: next(o for o in listed if pattern_of(o).fullmatch(filled(t))) for t in listed}
    assert [t for t, found in first.items() if found != t] == []


@pytest.mark.parametrize("listed", [CLAUSES, SENTENCES], ids=["clauses", "sentences"])
def test_each_text_is_said_somewhere_in_the_library(listed: tuple[str, ...]) -> None:
    """What the code says otherwise by now would stay English without a word."""
    parts = {
        p.strip() for t in listed for p in re.split(rf"\{{\w+\}}|[().:;,%]|\b(?:{NOUNS})\b", t)
    }
    parts = {p for p in parts if len(re.findall("[A-Za-z]", p)) > 3}
    assert len(parts) > len(listed) / 2
    stray = [p for p in parts if p not in said_in_code() and p not in COMPOSED]
    assert stray == [], stray


def test_a_refusal_is_translated_with_what_it_names() -> None:
    said = "Both maps are Sentinel-1: choose two different ones."
    assert in_reader_language(said) == said
    with in_language("es"):
        assert in_reader_language(said) == "Los dos mapas son Sentinel-1: elija dos distintos."
        assert in_reader_language("Something new.") == "Something new."


@pytest.mark.parametrize("kind", ["surface", "canopy"])
def test_all_that_is_read_of_the_demo_city_is_said_in_spanish(
    kind: str, tmp_path: Path, cache: Path
) -> None:
    study = Study(tmp_path, cache)
    study.param.update(heat_kind=kind, heat_map="reference", heat_replicates=100)
    steps = ("scene", "reference", "heat")
    for step in steps:
        study.compute(step)
    heard: list[Reading] = [r for s in steps for r in study.read[s]]
    assert len(heard) > 6
    for reading in heard:
        english = str(reading)
        with in_language("es"):
            spanish = reading_in_words(reading)
            same = {text(c) for c in CLAUSES} & {*CLAUSES}  # written alike in both
        assert reading_in_words(reading) == english
        assert not spanish.startswith(english[:9])
        left = {*re.split("; |: ", english.rstrip("."))} & {*re.split("; |: ", spanish.rstrip("."))}
        words = [c for c in left if re.search(r"\b(the|of|by|no|not|with|in|valid)\b", c)]
        assert [w for w in words if w not in same] == []
