"""The documentation site: what is made from code names all of it, and dead links are found.

`make docs`, which continuous integration runs, builds it: warnings and dead links are errors there.
"""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

import lczlib
from lczlib.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def extensions(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(DOCS / "_extensions"), *sys.path])


def leaves(name, command):
    for word, child in command.commands.items():
        if hasattr(child, "commands"):
            yield from leaves(f"{name} {word}", child)
        else:
            yield f"{name} {word}", child


def test_the_page_of_the_command_line_has_every_command_with_all_it_takes():
    from from_code import commands_text

    sections = dict(re.findall(r"^## (lcz [^\n]+)\n(.*?)(?=^## |\Z)", commands_text(), re.M | re.S))
    commands = dict(leaves("lcz", typer.main.get_command(app)))
    assert set(commands) <= set(sections)
    for name, command in commands.items():
        shown = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
        missing = [o for p in shown for o in p.opts if f"`{o}`" not in sections[name]]
        assert not missing, name
        assert re.search(r"^    lcz ", sections[name], re.M), name  # how it is called


def test_the_page_of_python_has_every_public_function():
    from from_code import functions_text

    named = re.findall(r"autofunction:: lczlib\.(\w+)", functions_text())
    assert named == dir(lczlib)
    for marked in ("commands", "functions"):
        pages = [p for p in DOCS.glob("*.md") if f"<!-- {marked} -->" in p.read_text()]
        assert len(pages) == 1, marked


def test_every_table_of_the_benchmarks_has_its_page():
    results = ROOT / "benchmarks/results"
    made = {p.name for p in results.glob("*.md")}
    made |= {f"experiment-{p.parent.name}.md" for p in results.glob("experiment/*/table.md")}
    assert {p.name for p in (DOCS / "results").glob("*.md")} - {"index.md"} == made


def test_dead_links_are_found_and_living_ones_are_not(tmp_path):
    from links import dead_links

    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        '<h1 id="here"></h1><a href="sub/b.html#there"></a><a href="#here"></a>'
        '<a href="https://example.org/x"></a><a href="#gone"></a><img src="no.png">'
    )
    (tmp_path / "sub/b.html").write_text(
        '<p id="there"></p><a href="../a.html"></a><a href="../a.html#gone"></a><a href="c.html"></a>'
    )
    assert dead_links(tmp_path) == [
        "a.html: #gone",
        "a.html: no.png",
        "sub/b.html: ../a.html#gone",
        "sub/b.html: c.html",
    ]


def test_the_citation_names_this_version_and_licence():
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert said["version"] == lczlib.__version__ == project["version"]
    assert said["license"] == project["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(said)


def test_the_paper_cites_what_its_bibliography_holds_and_its_figures_stand_in_the_documentation():
    paper = (ROOT / "paper.md").read_text()
    entries = re.findall(r"^@\w+\{(\w+),", (ROOT / "paper.bib").read_text(), re.M)
    assert set(re.findall(r"@(\w+)", paper)) == set(entries)
    assert len(entries) == len(set(entries))
    validated = paper.split("# What was validated")[1].split("# Limits")[0]
    figures = set(re.findall(r"\d+\.\d+|\d+,\d{3}|\d\.?\d*e-\d+", validated))
    assert len(figures) > 20
    there = (DOCS / "validation.md").read_text()
    missing = {f for f in figures if not re.search(rf"(?<![\d.]){re.escape(f)}(?![\d])", there)}
    assert not missing
