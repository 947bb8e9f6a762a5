"""What the value of an option may be; a wrong one ends every command with exit status 2.

Whole numbers take Typer's own ``min`` and ``max``, names a ``Literal``; what is here is for the rest:
open ends, fractions that may be NaN, and what the library itself can tell apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import typer

from lczlib.errors import LczError
from lczlib.settings import Setting, in_words
from lczlib.training.options import check_architecture

Check = Callable[[Any], Any]


def each(check: Callable[[Any], object]) -> Check:
    """A callback that runs `check` on the value, or on each of several; it may raise `LczError`."""

    def callback(value: Any) -> Any:
        several = isinstance(value, (list, tuple))
        for one in value if several else () if value is None else (value,):
            try:
                check(one)
            except LczError as err:
                raise typer.BadParameter(str(err)) from err
        return value

    return callback


def between(low: float = -math.inf, high: float = math.inf, *, ends: bool = True) -> Check:
    """A callback for finite numbers from `low` to `high`, without the two where `ends` is false."""
    allowed = in_words(Setting(doc="", low=low, high=high, open_ends=not ends))

    def check(value: float) -> None:
        inside = low <= value <= high if ends else low < value < high
        if not (math.isfinite(value) and inside):
            raise typer.BadParameter(f"{value:g} is not {allowed}.")

    return each(check)


above_zero = between(0, ends=False)
an_architecture = each(check_architecture)


def pairs(items: Iterable[str], what: str, name: str = r"[^\W\d]\w*") -> dict[str, str]:
    """``NAME=VALUE`` items as a dictionary; `name` is what the first part must match.

    Raises
    ------
    typer.BadParameter
        If an item is not of that form, or a name comes twice.
    """
    found: dict[str, str] = {}
    for item in items:
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not value or not re.fullmatch(name, key):
            raise typer.BadParameter(f"{item!r} is not {what}")
        if key in found:
            raise typer.BadParameter(f"{key} is given twice.")
        found[key] = value
    return found
