"""A file read as one kind, with the settings at hand: what was found, assumed and lost, and where it lies.

Each kind is read by the door of the job that takes it, so that what is told here is what counts later.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from lczlib.errors import LczError
from lczlib.longitudes import box_of, outline_of
from lczlib.reading import quiet, readings
from lczlib.study.looking.doors import DOORS
from lczlib.study.looking.kinds import FileKind, Settings
from lczlib.study.looking.seen import Opened, Seen
from lczlib.texts import text


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
    files = tuple(Path(p) for p in paths)
    opened, refused = Opened(), ""
    # it is told to others where it is opened for its job
    with quiet(), readings() as heard:
        try:
            opened = DOORS[kind.name](files, settings or Settings(), tuple(Path(p) for p in beside))
        except LczError as error:
            refused = error.message
        except Exception as error:  # of libraries, on files that nobody thought of
            said = text(
                "{name} cannot be read as {what}: it is damaged, or of another kind ({error})."
            )
            refused = said.format(
                name=files[0].name, what=text(kind.title), error=type(error).__name__
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
