"""The texts of the pages: each in the catalogue of every language, none in the code without."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

pytest.importorskip("babel")

from lczlib.classes import CLASSES
from lczlib.export.targets.names import LANGUAGES, zone_label
from lczlib.texts import (
    DOMAIN,
    ENGLISH,
    file_of,
    in_language,
    languages,
    preferred,
    text,
    text_as,
    texts,
)

APP = Path(__file__).resolve().parents[1] / "app"
OTHERS = [code for code in languages() if code != ENGLISH]
NOT_SHOWN = {"server", "catalogue.py", "app_hooks.py", "main.py"}
"""What no visitor of the pages reads."""
MARKS = {"text", "texts", "text_as", "N_"}
SAID = {"name", "title", "placeholder", "label", "description", "legend_label", "caption"}
"""What is given to a widget, a card or a figure to be read."""
CODE = {"self._session.latest", "session.latest", "_LOG.error"}
"""What takes strings that nobody reads on a page."""
PLAIN = {
    # names by which models are found, of one word or a figure's
    "city map", "confusion matrix", "scale bar", "1=2,2=3,3=B,4=D,5=G", "as high as the window", "world",
    "probabilities", "days of {}", "patch {}", "box", "scale", "Files that {}", "Uploads are in use",
    # values of settings, whose labels are texts
    "true colour", "session-", "clear days", "calm and clear night", "side by side", "how different",
    "valid fraction", "row %", "column %", "own_map",
    # what leads to a text: beginnings, keys, owners of what is shown
    "waiting for ", "Calm and clear hours, heat waves", "Several dates", "© OpenStreetMap contributors",
}  # fmt: skip
"""Strings that look like texts and are none."""


def catalogue(code: str):
    from babel.messages.pofile import read_po

    with file_of(code).open("rb") as file:
        return read_po(file, locale=code, domain=DOMAIN)


@pytest.fixture(scope="module")
def template():
    pytest.importorskip("panel")
    from app.catalogue import template

    return template()


def strings(message) -> list[str]:
    found = message.string
    return list(found) if isinstance(found, (list, tuple)) else [found]


def named(said: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(said) if name is not None}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_in_the_catalogue_and_no_other(code, template):
    """`python -m app.catalogue` brings the catalogues up to date."""
    there = {(m.id, m.context) for m in catalogue(code) if m.id}
    wanted = {(m.id, m.context) for m in template if m.id}
    assert len(wanted) > 500
    assert wanted - there == set()
    assert there - wanted == set()
    assert not catalogue(code).obsolete


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated_whole(code):
    for message in (m for m in catalogue(code) if m.id):
        assert all(s.strip() for s in strings(message)), message.id
        assert not message.fuzzy, message.id
        ids = message.id if message.pluralizable else (message.id,)
        for said in strings(message):
            assert named(said) == named(ids[-1]), message.id
            tags = [sorted(re.findall(r"</?\w+", t)) for t in (said, ids[-1])]
            assert tags[0] == tags[1], message.id
            assert said[:1].isspace() == ids[0][:1].isspace(), message.id


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_names_for_the_classes(code):
    assert code in LANGUAGES
    with in_language(code):
        assert len({zone_label(c) for c in CLASSES}) == 17
        assert zone_label(CLASSES[0]) != CLASSES[0].label


def test_a_language_is_one_of_a_block():
    assert text("City") == "City"
    with in_language("es"):
        assert text("City") == "Ciudad"
        assert text_as("compass", "W") == "O"
        assert texts("{n} day", "{n} days", 1) == "1 día"
        assert texts("{n} day", "{n} days", 1200) == "1,200 días"
        with in_language(ENGLISH):
            assert text("City") == "City"
        assert text("") == ""
        assert text("not in the catalogue") == "not in the catalogue"
    assert texts("{n} day", "{n} days", 2) == "2 days"


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"), ("de,es;q=0.4", "es"), ("en-GB,en;q=0.9,es;q=0.8", "en"),
        ("*", "en"), ("", "en"), ("es;q=0", "en"), ("es;q=much", "en"), (",;,;q=", "en"), ("ES", "es"),
    ],
)  # fmt: skip
def test_a_browser_says_what_its_reader_reads(accepted, wanted):
    assert preferred(accepted) == wanted


def files() -> list[Path]:
    return [f for f in APP.rglob("*.py") if f.relative_to(APP).parts[0] not in NOT_SHOWN]


def called(node: ast.Call) -> str:
    return ast.unparse(node.func).rsplit(".", 1)[-1]


def unmarked(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings outside of what marks texts, and other than docstrings."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Call) and called(node) in MARKS:
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.keyword) and node.arg == "doc":
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CODE:
            continue
        if isinstance(node, ast.Assign) and re.search(r"_JS\b", ast.unparse(node.targets[0])):
            continue
        if isinstance(node, ast.JoinedStr):
            whole = "".join(
                str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values
            )
            yield ast.copy_location(ast.Constant(whole), node)
            todo += [p for p in node.values if not isinstance(p, ast.Constant)]
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        todo += ast.iter_child_nodes(node)


def words(said: str) -> str:
    """What is read of markup: without tags, styles, marks of code and fields."""
    said = re.sub(r"<[^<>]*(>|$)|^[^<>]*>", " ", said)
    said = re.sub(r"[\w-]+:\s*[^;]*;|var\([^)]*\)|\d+px \w+", " ", said)
    return re.sub(r"\{[^{}]*\}|&\w+;", " ", said)


def is_read(said: str) -> bool:
    """Whether a string has two English words in a row, or is markup with one."""
    if "<" in said and re.search(r"[A-Za-z]{3,}", words(said)):
        return True
    return bool(re.search(r"(?<![\w.#@/:-])[A-Za-z]{2,}[,:]? [a-z]{2,}(?![\w:/-])", words(said)))


def looks_like_text(file: Path) -> list[str]:
    found = []
    tree = ast.parse(file.read_text())
    for node in unmarked(tree):
        if is_read(node.value) and node.value not in PLAIN:
            found.append(f"{file.name}:{node.lineno}: {node.value[:80]!r}")
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        for one in call.keywords:
            said = one.value.value if isinstance(one.value, ast.Constant) else None
            plain = not isinstance(said, str) or said in PLAIN
            if one.arg in SAID and not plain and re.search(r"[A-Za-z]{3}", said):
                found.append(f"{file.name}:{call.lineno}: {one.arg}={said!r}")
    return found


@pytest.mark.parametrize("file", files(), ids=lambda f: str(f.relative_to(APP)))
def test_no_text_of_a_page_stands_in_the_code_alone(file):
    assert looks_like_text(file) == []


def test_a_text_in_the_code_alone_is_found(tmp_path):
    file = tmp_path / "page.py"
    file.write_text(
        'html(f"<b>{n} cells were seen</b>")\nButton(name="Run")\nnote(text("This is marked"))\n'
        'html(\'<div style="color: red; margin: 0 auto">\')\nadd(figure(name="world"))\n'
    )
    found = looks_like_text(file)
    assert [f.split(":")[1] for f in found] == ["1", "2"]
