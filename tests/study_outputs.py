"""Outputs of a study's steps, as far as the study looks into them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def made(what: Any) -> SimpleNamespace:
    """What counts as two maps of networks, or as a reference with a raster, and equals only its like."""
    return SimpleNamespace(what=what, kinds={"s1": "a map", "s2": "another"}, raster="a raster")
