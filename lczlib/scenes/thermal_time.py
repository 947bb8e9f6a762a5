"""When a thermal image was taken, as its name and metadata tell it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lczlib.errors import InputError
from lczlib.scenes.thermal_products import mtl_value, read_text

_MTL = (r"_(ST_)?B(10|11|6)(?![0-9a-z]).*$", "_MTL.txt")
"""What the name of a Landsat band becomes in that of its metadata file."""


def acquisition(time: str | np.datetime64) -> np.datetime64:
    """The time of an acquisition, to the second.

    Raises
    ------
    InputError
        If it is no date and time.
    """
    try:
        when = np.datetime64(str(time).rstrip("Z"), "s")
    except ValueError as err:
        msg = f"{str(time)!r} is no acquisition time: write it in UTC as 2023-07-01T10:00."
        raise InputError(msg) from err
    if np.isnat(when):
        msg = "The acquisition time is missing: write it in UTC as 2023-07-01T10:00."
        raise InputError(msg)
    return when


def metadata_beside(path: Path) -> Path | None:
    """The ``MTL`` file beside a Landsat band."""
    name, n = re.subn(_MTL[0], _MTL[1], path.name, flags=re.IGNORECASE)
    return path.with_name(name) if n and path.with_name(name).is_file() else None


def overpass_of(path: Path, band: str) -> str | None:
    """Day or night by name: of a MODIS layer, ``LST_Day``, ``MOD21A1N``; of a band, ``day``, ``night``."""
    if band.casefold() in ("day", "night"):
        return band.casefold()
    for text in (path.name, band):
        named = re.search(r"LST_(D)ay|LST_(N)ight|D21A1(D)|D21A1(N)", text, flags=re.IGNORECASE)
        if named is not None:
            return {"D": "day", "N": "night"}[named[named.lastindex].upper()]
    return None


def time_of(path: Path, mtl: str | Path | None) -> np.datetime64 | None:
    """Acquisition in UTC, as far as MTL or file name tell date *and* time."""
    if mtl is not None:
        text = read_text(mtl)
        date, clock = mtl_value(text, "DATE_ACQUIRED"), mtl_value(text, "SCENE_CENTER_TIME")
        if date and clock:
            return np.datetime64(f"{date}T{clock[:8]}", "s")
    return _in_name(path.name)


def _in_name(name: str) -> np.datetime64 | None:
    stamp = re.search(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})", name)
    appeears = re.search(r"doy(\d{4})(\d{3})(\d{2})(\d{2})(\d{2})(?!\d)", name)
    try:
        if stamp:
            return np.datetime64("{}-{}-{}T{}:{}:{}".format(*stamp.groups()), "s")
        if appeears:
            year, day, *clock = appeears.groups()
            when = np.datetime64(f"{year}-01-01T{':'.join(clock)}", "s")
            return when + np.timedelta64(int(day) - 1, "D")
    except ValueError:  # digits that are no date
        pass
    return None
