"""What was found in a file that is read as one kind: facts, what is lost, where it lies, what can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.longitudes import Box, box_of
from lczlib.reading import Reading
from lczlib.study.looking.kinds import FileKind, Settings

Shown: TypeAlias = xr.DataArray | gpd.GeoDataFrame


@dataclass(frozen=True)
class Fact:
    """One thing that was found.

    Attributes
    ----------
    name : str
        ``Numbering``.
    value : str
        ``1-17``.
    how : str
        How it is known, in words; empty where it is plainly read.
    assumed : bool
        Whether the file does not say it.
    """

    name: str
    value: str
    how: str = ""
    assumed: bool = False


@dataclass(frozen=True)
class Opened:
    """What a door gave.

    Attributes
    ----------
    facts : tuple of Fact
    lost : tuple of str
        Rows, cells and shapes that do not count, each with the reason.
    grid : GeoBox or None
        Of rasters.
    shown : DataArray or GeoDataFrame or None
        What can be drawn: a map of classes (integers), values (floats), shapes with a column ``lcz`` or
        without.
    remark : str
        A sentence about what it is good for.
    asked : bool
        Whether settings change how it is read.
    """

    facts: tuple[Fact, ...] = ()
    lost: tuple[str, ...] = ()
    grid: GeoBox | None = None
    shown: Shown | None = None
    remark: str = ""
    asked: bool = True


Door = Callable[[tuple[Path, ...], Settings, tuple[Path, ...]], Opened]


@dataclass(frozen=True)
class Seen:
    """A file, or files that make one input, read as one kind.

    Attributes
    ----------
    kind : FileKind
    facts : tuple of Fact
        What was found: classes, unit, date, grid.
    said : tuple of str
        All that its door told, a clause each.
    cautions : tuple of str
        Whole sentences: what may be wrong.
    lost : tuple of str
        What does not count of it, with the reason.
    refused : str
        Why it cannot be read so, and what to do; empty where it can.
    remark : str
        What it is good for, where that is less than one might expect.
    outline : tuple of arrays, or None
        Longitudes and latitudes of its border.
    shown : DataArray or GeoDataFrame or None
        What can be drawn of it.
    asked : bool
        Whether settings change how it is read.
    """

    kind: FileKind
    facts: tuple[Fact, ...] = ()
    said: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    refused: str = ""
    remark: str = ""
    outline: tuple[np.ndarray, np.ndarray] | None = None
    shown: Shown | None = None
    asked: bool = True

    @property
    def box(self) -> Box | None:
        """West, south, east, north in degrees; None where it lies nowhere."""
        return None if self.outline is None else box_of(*self.outline)


def fact(name: str, value: object, how: str = "", *, assumed: bool = False) -> Fact:
    """A fact from whatever a door told; empty where it told nothing."""
    return Fact(name, "" if value in (None, "") else str(value), how, assumed)


def last_of(heard: Sequence[Reading], *what: str) -> Reading:
    """The last thing told of one of some kinds; an empty one where nothing was."""
    found = [r for r in heard if r.what in what]
    return found[-1] if found else Reading("", "")
