"""How much memory a job may take: inputs are judged by it from their headers, before they are read.

A few kilobytes can declare a raster of ten thousand million pixels. The limit is a quarter of the
machine's memory, what ``LCZLIB_MEMORY`` says in gigabytes, or what `allowed` says for a block.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lczlib.errors import InputError
from lczlib.terms import option

MEMORY = "LCZLIB_MEMORY"
"""Environment variable: the memory that a job may take, in gigabytes."""

GIGABYTE = 1e9
_CACHE = "GDAL_CACHEMAX"
_CACHED = 1 / 16
"""Of the limit, what GDAL keeps of the files that it reads; by itself it takes a twentieth of the machine."""


def memory_limit() -> float:
    """Bytes that a job may take: `MEMORY`, else a quarter of the machine's.

    Raises
    ------
    InputError
        If the environment variable is no number above zero.
    """
    stated = os.environ.get(MEMORY, "").strip()
    if not stated:
        import psutil

        return psutil.virtual_memory().total / 4
    try:
        limit = float(stated) * GIGABYTE
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        msg = f"{MEMORY}={stated!r} is no size: give gigabytes as a number above 0, such as 8."
        raise InputError(msg)
    return limit


@contextmanager
def allowed(gigabytes: float | None = None) -> Iterator[None]:
    """A block, with the processes that it starts, in which a job may take so much memory.

    Parameters
    ----------
    gigabytes : float, optional
        As `memory_limit` has it without.

    Raises
    ------
    InputError
        As of `memory_limit`.
    """
    before = {name: os.environ.get(name) for name in (MEMORY, _CACHE)}
    try:
        if gigabytes is not None:
            os.environ[MEMORY] = f"{gigabytes:.12g}"
        # GDAL reads this once, before the first block of a raster
        os.environ.setdefault(_CACHE, f"{max(64e6, _CACHED * memory_limit()):.0f}")
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def rows_allowed(row_bytes: float) -> int:
    """One row more than a job's memory holds: what is read of a table that does not say how long it is."""
    return int(memory_limit() / row_bytes) + 1


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
            f"The {what} {path} declares {content}, about {needed / GIGABYTE:,.1f} GB in memory, more "
            f"than the {limit / GIGABYTE:,.1f} GB that a job may take: cut it to the city, or allow "
            f"more where the machine has it ({option('memory', 'GIGABYTES')})."
        )
        raise InputError(msg)
