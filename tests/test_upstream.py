"""Faults of libraries that are worked around here are there still: once one is not, its workaround can go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs/upstream"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.stem)
def test_a_script_prints_what_its_page_says(path: Path) -> None:
    """In a process of its own, where nothing is worked around."""
    if path.stem.startswith("panel"):
        pytest.importorskip("panel")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    said = done.stdout.strip().partition(": ")[2]
    page = " ".join((FOLDER / "index.md").read_text().split())
    assert f"[The script]({path.name}) prints `{said}`" in page
