"""What speaks for each kind of table: by its columns, in the words that the doors of tables know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd

from lczlib.analysis.heat.stations import match_columns
from lczlib.clocks import with_times
from lczlib.errors import LczError
from lczlib.reading import quiet
from lczlib.study.looking.hints import CERTAIN, LIKELY, POSSIBLE, STRONG, Hint
from lczlib.tables import read_table
from lczlib.texts import text

_PLACES = {"latitude", "longitude"}


def hints_of_table(path: str | Path) -> list[Hint]:
    """What speaks for each kind of a table.

    Raises
    ------
    InputError
        If it cannot be read, or declares more than a job's memory holds.
    """
    if is_mtl(path):
        return [Hint("mtl", CERTAIN, text("it is Landsat's metadata (MTL)"))]
    table = read_table(path)
    roles = roles_of(table, path)
    lower = {str(c).casefold() for c in table.columns}
    hints = []
    if {"date", "maximum"} <= lower:
        hints.append(Hint("maxima", CERTAIN, text("it has the columns date and maximum")))
    if {"wind", "cloud"} <= lower and "time" in roles:
        hints.append(Hint("weather", CERTAIN, text("it has columns of times, wind and cloud")))
    if "temperature" in roles and "time" in roles:
        why = text("it has columns of times ({time}) and temperatures ({temperature})")
        why = why.format(time=roles["time"], temperature=roles["temperature"])
        hints.append(Hint("stations", CERTAIN - 5, why))
    elif "time" in roles:
        numbers = [
            c for c in table.columns if pd.to_numeric(table[c], errors="coerce").notna().any()
        ]
        if len(numbers) > 1:
            why = text("it has times and {n} columns of numbers, as of a station each")
            why = why.format(n=len(numbers))
            hints.append(Hint("stations", LIKELY, why, assumed=True))
    elif roles.keys() >= _PLACES and "station" in roles:
        hints.append(
            Hint("stations", STRONG, text("it has columns of stations and of where they stand"))
        )
        if "lcz" in roles:
            hints.append(Hint("reference", LIKELY, text("it has columns of places and classes")))
    elif roles.keys() >= _PLACES and "lcz" in roles:
        hints.append(Hint("reference", STRONG, text("it has columns of places and classes")))
    elif {"station", "lcz"} <= roles.keys():
        hints.append(
            Hint("station_classes", STRONG, text("it has columns of stations and classes"))
        )
    elif "lcz" in roles:
        hints.append(Hint("reference", POSSIBLE, text("it has a column of classes"), assumed=True))
    return hints


def roles_of(table: pd.DataFrame, path: str | Path) -> Mapping[str, str]:
    """Which column of a table has which role; ``time`` also where several columns make it."""
    try:
        joined, columns, _ = with_times(table, {}, path)
        return match_columns(joined, columns, Path(path))
    except (LczError, ValueError, TypeError):
        return match_columns(table, {}, Path(path))


def is_mtl(path: str | Path) -> bool:
    """Whether a text is Landsat's metadata."""
    if Path(path).suffix.lower() != ".txt":
        return False
    with Path(path).open("rb") as opened:
        head = opened.read(4096)
    return re.search(rb"GROUP\s*=\s*(L1_METADATA_FILE|LANDSAT_METADATA_FILE)", head) is not None


def says_where(path: str | Path) -> bool:
    """Whether a file tells where stations stand, and no temperatures; not where it cannot be read."""
    file = Path(path)
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        return False
    return _says_where(file, stamp)


@lru_cache(256)  # it is asked again for each file that comes, and when one is used
def _says_where(path: Path, _stamp: int) -> bool:
    try:
        with quiet():
            return "time" not in roles_of(read_table(path), path)
    except LczError:
        return False
