"""Accepted files as inputs of the study."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyogrio
import shapely

from lczlib.errors import InputError, LczError
from lczlib.grid import geobox_of
from lczlib.longitudes import box_of, share_ground
from lczlib.rasters import BANDWISE, open_raster
from lczlib.study.map_inputs import OWN_MAPS, map_settings
from lczlib.study.material import Material
from lczlib.study.places import OWN

from .checks import RASTERS
from .kinds import Kind

if TYPE_CHECKING:
    from ..session import Session


def area_of(path: Path) -> tuple[float, float, float, float]:
    """The box of the polygons of a file, in degrees; across 180 its west is larger than its east."""
    frame = pyogrio.read_dataframe(path)
    if frame.crs is None or frame.empty:
        msg = f"{path.name} holds no place with a coordinate reference system."
        raise InputError(msg)
    corners = shapely.get_coordinates(frame.to_crs(4326).geometry.to_numpy())
    return tuple(round(v, 5) for v in box_of(*corners.T))


def joined(
    check: Callable[[list[Path]], str], before: list[Path], new: list[Path]
) -> tuple[list[Path], str]:
    """The files that make one input, and a remark on them.

    Files that are dropped together come one after another: the new ones are taken with those
    `before` them where that makes an input, else alone.

    Raises
    ------
    LczError
        If neither makes one.
    """
    if before:
        with suppress(LczError):
            return [*before, *new], check([*before, *new])
    return new, check(new)


def elsewhere(path: Path, scene: Material | None) -> str:
    """A remark on a raster that lies outside the scene it is uploaded to; empty where it does not."""
    if scene is None or scene.box is None or path.suffix.lower() not in RASTERS:
        return ""
    try:
        own = geobox_of(open_raster(path, chunks=BANDWISE), path.name)
    except LczError:
        return ""  # what is wrong with it is said where it is read
    if share_ground(own, scene.box):
        return ""
    return (
        f"{path.name} lies outside {scene.place.name}, so the two cannot be compared: choose the city "
        "“Own files” to look at it alone."
    )


def take(session: Session, kind: Kind, paths: list[Path]) -> None:
    """Make accepted files inputs of the study."""
    study = session.study
    if kind.target == "area":
        study.area = area_of(paths[0])
        return
    names = tuple(str(p) for p in (paths if kind.several else paths[:1]))
    if kind.several and not kind.at_once:
        names = getattr(study, kind.target) + names
    own = kind.target in ("scene_files", "radar_files")
    if own and study.context.places.place(study.city).has_scenes:
        # an own scene in place of a city's is of another place: nothing of that city belongs to it
        study.param.update(city=OWN, area=None)
    # what was said of the map before says nothing of this one
    which = kind.target.removesuffix("_files")
    anew = dict.fromkeys(map_settings(which), "") if which in OWN_MAPS else {}
    study.param.update({kind.target: names, **anew})
