"""What a target says of a map before anything is written for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["fails", "caution", "note"]
"""``fails``: nothing is written; ``caution``: something is lost or wrong there; ``note``: to know or to set."""


@dataclass(frozen=True)
class Finding:
    """One thing that a target says of a map.

    Attributes
    ----------
    level : Level
    text : str
        A whole sentence: what happens there, and what to do.
    """

    level: Level
    text: str


def fails(text: str) -> Finding:
    """What keeps the target from working at all."""
    return Finding("fails", text)


def caution(text: str) -> Finding:
    """What will be lost or wrong there without a word."""
    return Finding("caution", text)


def note(text: str) -> Finding:
    """What to know or to set there."""
    return Finding("note", text)
