"""Faults of libraries that are worked around here are there still: once one is not, its workaround can go."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from event_loops import run_apart

FOLDER = Path(__file__).parents[1] / "docs/upstream"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_panel_leaves_a_message_lying() -> None:
    pytest.importorskip("panel")
    assert run_apart(script("panel_message_left_lying").written_of_two()) == ["first"]


def test_rioxarray_leaves_a_file_open() -> None:
    found = script("rioxarray_file_left_open")
    assert found.left_open(None) == 1
    assert found.left_open(found.SerializableLock()) == 0


def test_the_page_says_what_the_scripts_print() -> None:
    page = (FOLDER / "index.md").read_text()
    for path in FOLDER.glob("*.py"):
        assert f"({path.name})" in page
    assert "`written ['first'] of ['first', 'second']`" in page
    assert "`1 left open with the shared lock, 0 with its own`" in page
