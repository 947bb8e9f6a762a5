"""What a run keeps while it goes on: its plan and its finished tiles, for one that is taken up again.

The plan holds the scenes that were chosen and their offsets, so that a run that is taken up takes the
same ones, whatever the service has by then.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.acquire.composite import Dated, Part
from lczlib.acquire.grids import tiles_of
from lczlib.acquire.layouts import SCL
from lczlib.acquire.scene import Scene
from lczlib.errors import InputError
from lczlib.export.files import staged, stored_array, write_json, writing
from lczlib.scenes.bands import BANDS
from lczlib.terms import option

NAME = ".lcz-get"
_PLAN = "plan.json"
_KEPT = ("href", "raster:bands", "bands", "raster:scale", "raster:offset")


@dataclass(frozen=True)
class PlannedScene:
    """A scene with its offset, why it is that, and what the item says of itself."""

    item: Mapping[str, Any]
    offset: float
    why: str

    @property
    def scene(self) -> Scene:
        """As the service sent it, as far as it is needed."""
        return Scene(self.item)


@dataclass(frozen=True)
class PlannedDay:
    """A day that a composite is made of."""

    date: str
    cloud_share: float
    covered_share: float
    clear_share: float
    scenes: tuple[PlannedScene, ...]

    def dated(self) -> Dated:
        """As the composite takes it."""
        scenes = tuple(s.scene for s in self.scenes)
        return Dated(self.date, scenes, tuple(s.offset for s in self.scenes), self.cloud_share)


@dataclass(frozen=True)
class PlannedSeason:
    """A season: its days, and those that are not used, each with the reason."""

    name: str
    start: str
    end: str
    days: tuple[PlannedDay, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def without(self, date: str, why: str) -> PlannedSeason:
        """The season without a day."""
        days = tuple(d for d in self.days if d.date != date)
        return replace(self, days=days, left_out={**self.left_out, date: why})


@dataclass(frozen=True)
class Plan:
    """What is fetched.

    Attributes
    ----------
    asked : mapping
        What it depends on, as plain values.
    collection : str
    grid : GeoBox
    corner : tuple of float
        Upper-left corner of a scene, where its blocks begin.
    tile : int
        Pixels along the side of the parts that it is made in.
    seasons : tuple of PlannedSeason
    empty : mapping
        Of each season without a usable day, the reason.
    """

    asked: Mapping[str, Any]
    collection: str
    grid: GeoBox
    corner: tuple[float, float]
    tile: int
    seasons: tuple[PlannedSeason, ...]
    empty: Mapping[str, str]

    @property
    def level(self) -> str:
        """Of the values: ``L2A`` or ``L1C``."""
        return str(self.asked["level"])

    def tiles(self) -> list[tuple[slice, slice]]:
        """The parts: rows and columns of the grid."""
        return tiles_of(self.grid, self.tile, self.corner)

    def with_season(self, season: PlannedSeason) -> Plan:
        """The plan with another form of one of its seasons."""
        seasons = tuple(season if s.name == season.name else s for s in self.seasons)
        return replace(self, seasons=seasons)

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "asked": dict(self.asked), "collection": self.collection,
            "grid": {
                "epsg": self.grid.crs.to_epsg(), "affine": list(self.grid.affine)[:6],
                "shape": list(self.grid.shape),
            },
            "corner": list(self.corner), "tile": self.tile, "seasons": [asdict(s) for s in self.seasons],
            "empty": dict(self.empty),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """What `to_dict` gave."""
        grid = values["grid"]
        seasons = []
        for s in values["seasons"]:
            days = tuple(
                PlannedDay(**{**d, "scenes": tuple(PlannedScene(**p) for p in d["scenes"])})
                for d in s["days"]
            )
            seasons.append(PlannedSeason(**{**s, "days": days}))
        box = GeoBox(tuple(grid["shape"]), Affine(*grid["affine"]), f"EPSG:{grid['epsg']}")
        return cls(
            values["asked"], values["collection"], box, tuple(values["corner"]), values["tile"],
            tuple(seasons),
            values["empty"],
        )  # fmt: skip


def kept_of(scene: Scene) -> dict[str, Any]:
    """What is kept of a scene's item."""
    keys = {id(a): k for k, a in scene.item["assets"].items()}
    assets = {
        keys[id(a)]: {k: v for k, v in a.items() if k in _KEPT}
        for band, a in (scene.assets or {}).items() if band in (*BANDS, SCL)
    }  # fmt: skip
    links = [k for k in scene.item.get("links", ()) if k.get("rel") == "self"]
    return {
        "id": scene.id, "collection": scene.collection, "properties": dict(scene.properties),
        "bbox": scene.item.get("bbox"), "links": links, "assets": assets,
    }  # fmt: skip


def check_same(begun: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> None:
    """Refuse to take up a run that was begun with something else than is asked for now.

    Raises
    ------
    InputError
        Naming what differs.
    """
    was, now = (json.loads(json.dumps(dict(each))) for each in (begun, asked))
    other = sorted(k for k in was.keys() | now.keys() if was.get(k) != now.get(k))
    if other:
        first = other[0]
        msg = (
            f"The run in {folder} was begun with {option(first)} {was.get(first)}, not {now.get(first)}: leave out "
            f"{option('resume')}, or choose another folder."
        )
        raise InputError(msg, parameter="resume")


class Work:
    """The hidden folder of a run.

    Parameters
    ----------
    folder : path
        Of the result.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / NAME

    def plan(self, asked: Mapping[str, Any]) -> Plan | None:
        """The plan of the run that is taken up; None where there is none.

        Raises
        ------
        InputError
            If that run was asked for something else.
        """
        file = self.path / _PLAN
        if not file.is_file():
            return None
        try:
            plan = Plan.from_dict(json.loads(file.read_text()))
        except (ValueError, KeyError, TypeError):
            return None
        check_same(plan.asked, asked, self.path.parent)
        return plan

    def keep(self, plan: Plan) -> None:
        """Write the plan."""
        write_json(self.path / _PLAN, plan.to_dict())

    def begin(self, plan: Plan) -> None:
        """Begin anew."""
        self.remove()
        self.keep(plan)

    def remove(self) -> None:
        """Remove all of it."""
        with writing(self.path):
            shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, season: str, index: int) -> Path:
        return self.path / season / f"{index:05d}.npz"

    def has(self, season: str, index: int) -> bool:
        """Whether a tile is finished."""
        return self._file(season, index).is_file()

    def put(self, season: PlannedSeason, index: int, part: Part) -> None:
        """Keep a finished tile."""
        dates = np.array([d.date for d in season.days])
        with staged(self._file(season.name, index)) as temporary, temporary.open("wb") as file:
            np.savez(
                file, values=part.values, clear=part.clear, seen=part.seen, used=part.used,
                covered=part.covered, clipped=part.clipped, dates=dates,
            )  # fmt: skip

    def layer(self, season: str, index: int, name: str) -> np.ndarray:
        """A layer of a finished tile."""
        return stored_array(self._file(season, index), name)

    def tiles(self, season: str) -> Iterator[int]:
        """The finished tiles of a season."""
        for file in sorted((self.path / season).glob("*.npz")):
            yield int(file.stem)

    def forget(self, season: str, date: str) -> None:
        """Remove the tiles that a day has a part in."""
        for index in list(self.tiles(season)):
            dates = list(self.layer(season, index, "dates"))
            if date not in dates or self.layer(season, index, "covered")[dates.index(date)]:
                self._file(season, index).unlink()
