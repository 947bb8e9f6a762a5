"""How large an input may be, judged from its header before anything of it is read.

A few kilobytes can declare a raster of ten thousand million pixels. The limit is a quarter of the
machine's memory, or what ``LCZLIB_MEMORY`` says in gigabytes.
"""

from __future__ import annotations

import os
from pathlib import Path

from lczlib.errors import InputError

MEMORY = "LCZLIB_MEMORY"
"""Environment variable: the memory that one input may take, in gigabytes."""

_GIGABYTE = 1e9


def memory_limit() -> float:
    """Bytes that one input may take: `MEMORY`, else a quarter of the machine's.

    Raises
    ------
    InputError
        If the environment variable is no number above zero.
    """
    stated = os.environ.get(MEMORY, "").strip()
    if not stated:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 4
    try:
        limit = float(stated) * _GIGABYTE
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        msg = f"{MEMORY}={stated!r} is no size: give gigabytes as a number above 0, such as 8."
        raise InputError(msg)
    return limit


def check_size(needed: float, path: str | Path, what: str, content: str) -> None:
    """Refuse an input that would take more memory than the limit.

    Parameters
    ----------
    needed : float
        Bytes, from the header.
    path, what, content : str
        The file, what it is for, and what its header declares, for the message:
        ``100,000 x 100,000 pixels``.

    Raises
    ------
    InputError
        If it is too large.
    """
    limit = memory_limit()
    if needed > limit:
        msg = (
            f"The {what} {path} declares {content}, about {needed / _GIGABYTE:,.1f} GB in memory, more "
            f"than the {limit / _GIGABYTE:,.1f} GB that one input may take: cut it to the city, or set "
            f"{MEMORY} (gigabytes) where the machine has it."
        )
        raise InputError(msg)
