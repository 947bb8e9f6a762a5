"""Each face writes the settings that messages name in its own terms, and none shows the marks."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from lczlib.errors import InputError
from lczlib.maps import open_lcz_map
from lczlib.reading import InputWarning, Reading, readings, tell
from lczlib.study.wording import in_page
from lczlib.terms import option, python, renamed, settings_in, speaking, worded

ROOT = Path(__file__).resolve().parents[1]
MARKS = re.compile("[\u2062-\u2064]")


def test_a_refusal_names_its_setting_as_each_face_does(write_tif):
    import numpy as np

    path = write_tif(np.tile(np.arange(17, dtype=np.uint8), (20, 1)), "codes.tif", pixel=100.0)
    with pytest.raises(InputError) as stop:
        open_lcz_map(path)
    error = stop.value
    assert "scheme" in settings_in(error.message)
    assert "--scheme 1-17" in str(error)  # the tests speak as the command line does
    with speaking(python):
        assert "scheme='1-17'" in str(error)
        assert "--" not in str(error)
    assert "“City: How your LCZ map is read: Numbering” 1-17" in in_page(error.message, "own_map")


def test_a_message_within_another_is_left_to_who_shows_it():
    inner = InputError(f"say {option('band', 2)}", parameter="band")
    outer = InputError(f"This failed: {inner}.")
    assert str(outer) == "This failed: say --band 2."
    assert worded(outer.message, python) == "This failed: say band='2'."


def test_a_job_renames_settings_and_says_whose_they_are():
    text = f"say {option('band')}, {option('scheme', '0-16')} or {option('unit', 'K')}"
    changed = renamed(text, {"band": "map_band", "scheme": "scheme"}, "theirs")
    assert worded(changed) == "say --map-band, --scheme theirs=0-16 or --unit K"


def test_what_was_read_is_said_and_kept_in_terms():
    note = Reading("raster", "a.tif", (f"unit K, {option('unit')}",), (f"State {option('unit')}.",))
    with readings() as heard:
        tell(note)
    assert str(heard[0]) == "Raster a.tif: unit K, --unit."
    assert not MARKS.search(json.dumps(heard[0].to_dict(), ensure_ascii=False))
    with speaking(python), pytest.warns(InputWarning, match="State unit="):
        tell(note)


def test_messages_of_the_library_leave_the_terms_to_the_faces():
    """No message spells an option itself; the documentation of the code may."""
    loose = []
    for path in (ROOT / "lczlib").rglob("*.py"):
        if "cli" in path.parts or path.name in ("terms.py", "settings.py"):
            continue
        tree = ast.parse(path.read_text())
        docs = {
            id(n.value)
            for n in ast.walk(tree)
            if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)
        }
        flags = {
            id(k.value) for n in ast.walk(tree) if isinstance(n, ast.Call)
            for k in n.keywords if k.arg in ("flag", "short")
        }  # fmt: skip
        loose += [
            f"{path.relative_to(ROOT)}:{n.lineno} {n.value}"
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
            and id(n) not in docs | flags
            and re.search(r"(?<![\w-])--[a-z]", n.value) and "`lcz " not in n.value
        ]  # fmt: skip
    assert not loose
