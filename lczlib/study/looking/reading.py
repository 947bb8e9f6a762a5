"""A file read as one kind, with the settings at hand: what was found, assumed and lost, and where it lies.

Each kind is read by the door of the job that takes it, so that what is told here is what counts later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.errors import LczError
from lczlib.longitudes import Box, box_of, outline_of
from lczlib.reading import Reading, quiet, readings
from lczlib.study.looking.kinds import FileKind, Settings

Shown = xr.DataArray | gpd.GeoDataFrame


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


def read_as(
    kind: FileKind,
    paths: Sequence[str | Path],
    *,
    settings: Settings | None = None,
    beside: Sequence[str | Path] = (),
) -> Seen:
    """Read a file, or files that make one input, as one kind.

    Parameters
    ----------
    kind : FileKind
        What it is read as.
    paths : sequence of path
        The file, or those of one input.
    settings : Settings, optional
        What is said of how it is read; only those of the kind count.
    beside : sequence of path
        Files that came with it, such as the places of stations.

    Returns
    -------
    Seen
        Why it cannot be read so is told in `Seen.refused`: no file raises. Its texts name settings as of
        `lczlib.terms.option`, for whoever shows them.
    """
    from lczlib.study.looking.doors import DOORS

    files = tuple(Path(p) for p in paths)
    opened, refused = Opened(), ""
    # it is told to others where it is opened for its job
    with quiet(), readings() as heard:
        try:
            opened = DOORS[kind.name](files, settings or Settings(), tuple(Path(p) for p in beside))
        except LczError as error:
            refused = error.message
        except Exception as error:  # of libraries, on files that nobody thought of
            refused = (
                f"{files[0].name} cannot be read as {kind.title}: it is damaged, or of another kind "
                f"({type(error).__name__})."
            )
        told = tuple(dict.fromkeys(t for r in heard for t in r.said))
        cautions = tuple(dict.fromkeys(t for r in heard for t in r.cautions))
    return Seen(
        kind, tuple(f for f in opened.facts if f.value), told, cautions, opened.lost, refused, opened.remark,
        _outline(opened), opened.shown, opened.asked,
    )  # fmt: skip


def _outline(opened: Opened) -> tuple[np.ndarray, np.ndarray] | None:
    if opened.grid is not None:
        return outline_of(opened.grid)
    if not isinstance(opened.shown, gpd.GeoDataFrame) or opened.shown.empty:
        return None
    corners = shapely.get_coordinates(opened.shown.to_crs(4326).geometry.to_numpy())
    if not len(corners):
        return None
    west, south, east, north = box_of(*corners.T)
    east = east + 360 if east < west else east
    return np.array([west, east, east, west, west]), np.array([south, south, north, north, south])


def fact(name: str, value: object, how: str = "", *, assumed: bool = False) -> Fact:
    """A fact from whatever a door told; empty where it told nothing."""
    return Fact(name, "" if value in (None, "") else str(value), how, assumed)


def last_of(heard: Sequence[Reading], *what: str) -> Reading:
    """The last thing told of one of some kinds; an empty one where nothing was."""
    found = [r for r in heard if r.what in what]
    return found[-1] if found else Reading("", "")
