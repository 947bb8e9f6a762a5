"""The numbering that LCZ maps are written in: one setting of all that write a map."""

from __future__ import annotations

from typing import Any, Literal

from lczlib.settings import setting

OutScheme = Literal["1-17", "101-107", "0-16"]
"""Numberings that maps are written in; each file states its own, so that it is read back rightly."""
USUAL: OutScheme = "1-17"


def out_scheme(*, also: str = "", usual: str = "") -> Any:
    """The setting ``out_scheme`` of a request.

    Parameters
    ----------
    also : str
        Another name of its option: ``--scheme``, where a command reads no map whose numbering that could be.
    usual : str
        What applies without it, in words, where that is not `USUAL` alone; it is None then.
    """
    return setting(
        None if usual else USUAL,
        "Numbering that LCZ maps are written in: 1-17; 101-107, as UMEP and SUEWS count; 0-16, with 255 for no data.",
        title="Numbering (written)", short=also, usual=usual,
    )  # fmt: skip
