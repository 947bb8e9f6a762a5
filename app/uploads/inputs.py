"""Accepted files as inputs of the study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyogrio
import shapely

from lczlib.errors import InputError, LczError
from lczlib.grid import geobox_of
from lczlib.longitudes import box_of, share_ground
from lczlib.rasters import BANDWISE, open_raster
from lczlib.study.looking import FileKind, says_where
from lczlib.study.map_inputs import OWN_MAPS, map_settings
from lczlib.study.material import Material
from lczlib.study.places import OWN
from lczlib.texts import text

from .checks import RASTERS

if TYPE_CHECKING:
    from ..session import Session


def area_of(path: Path) -> tuple[float, float, float, float]:
    """The box of the polygons of a file, in degrees; across 180 its west is larger than its east."""
    frame = pyogrio.read_dataframe(path)
    if frame.crs is None or frame.empty:
        msg = text("{name} holds no place with a coordinate reference system.").format(
            name=path.name
        )
        raise InputError(msg)
    corners = shapely.get_coordinates(frame.to_crs(4326).geometry.to_numpy())
    return tuple(round(v, 5) for v in box_of(*corners.T))


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
    return text(
        "{name} lies outside {place}, so the two cannot be compared: choose the city “Own files” to look at it alone."
    ).format(name=path.name, place=scene.place.name)


def take(
    session: Session, kind: FileKind, paths: list[Path], said: Mapping[str, object] | None = None
) -> None:
    """Make accepted files inputs of the study, with what was said of how they are read.

    Raises
    ------
    LczError
        If they are to be the area, and hold no place.
    """
    study = session.study
    if kind.target == "area":
        study.area = area_of(paths[0])
        return
    names = tuple(str(p) for p in (paths if kind.several else paths[:1]))
    before = getattr(study, kind.target)
    if kind.name == "stations":
        names = _temperatures_first(before, names)
    elif kind.several and not kind.at_once:
        names = before + names
    own = kind.target in ("scene_files", "radar_files")
    if own and study.context.places.place(study.city).has_scenes:
        # an own scene in place of a city's is of another place: nothing of that city belongs to it
        study.param.update(city=OWN, area=None)
    # what was said of the map before says nothing of this one
    which = kind.target.removesuffix("_files")
    anew = dict.fromkeys(map_settings(which), "") if which in OWN_MAPS else {}
    said = dict(said or {})
    if before and said.get("heat_acquired"):  # times stand in the order of the rasters
        said["heat_acquired"] = ", ".join(
            t for t in (study.heat_acquired, str(said["heat_acquired"])) if t
        )
    study.param.update({kind.target: names, **anew, **said})


def _temperatures_first(before: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """A file of temperatures and then one of sites: a new one takes the place of the old one of its sort."""
    found: dict[bool, str] = {}
    for path in (*before, *new):
        found[says_where(path)] = path
    return tuple(found[k] for k in (False, True) if k in found)
