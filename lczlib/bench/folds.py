"""Folds of a city's polygons, fixed once for all who score a map of it.

A fold file holds no outlines, which may not be others' to give: of each polygon its class, its fold, and
where it lies and how large it is, by which the polygons of any file are known again. The hash is over that
content. The same polygons in another file format have the same folds; a polygon that was moved, redrawn,
relabelled, added or left out has none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.export import staged
from lczlib.polygons import equal_area

if TYPE_CHECKING:
    import geopandas as gpd

FORMAT = "lczlib folds 1"
USUAL, FEW = 5, 10
"""Folds, and the number of polygons below which each is a fold by itself."""
_PLACE = 2e-5
"""Degrees that a polygon's box and centroid may differ between file formats: two metres."""
_AREA = 5e-3  # relative
_DIGITS = 5
_PLACES = ("west", "south", "east", "north", "longitude", "latitude")
"""Of its box, and of its centroid."""


@dataclass(frozen=True)
class Folds:
    """Which polygons are held out together.

    Attributes
    ----------
    city : str
        Its name.
    table : DataFrame
        One line a polygon, by place: ``id`` (1..n), ``lcz``, ``fold`` (0..), ``west``, ``south``, ``east``,
        ``north`` (of its box), ``longitude``, ``latitude`` (of its centroid; degrees) and ``area`` (m2).
    """

    city: str
    table: pd.DataFrame

    @property
    def n_folds(self) -> int:
        """How many there are."""
        return int(self.table["fold"].max()) + 1

    @cached_property
    def hash(self) -> str:
        """SHA-256 of city, classes, folds and places as the file writes them, 16 digits of it."""
        text = json.dumps([FORMAT, self.city, self._lines()], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _lines(self) -> list[list[Any]]:
        return [
            [int(r.id), int(r.lcz), int(r.fold), *(f"{getattr(r, b):.{_DIGITS}f}" for b in _PLACES), f"{r.area:.0f}"]
            for r in self.table.itertuples()
        ]  # fmt: skip

    @property
    def alone(self) -> tuple[int, ...]:
        """Classes that one polygon shows: what is trained on the others cannot know them."""
        n = self.table["lcz"].value_counts()
        return tuple(sorted(int(c) for c in n.index[n == 1]))

    def write(self, path: str | Path) -> Path:
        """Write the fold file."""
        head = {
            "format": FORMAT, "city": self.city, "hash": self.hash,
            "columns": ["id", "lcz", "fold", *_PLACES, "area"],
        }  # fmt: skip
        lines = [
            json.dumps([*line[:3], *map(float, line[3:9]), int(line[9])]) for line in self._lines()
        ]
        start = json.dumps(head, indent=1).removesuffix("\n}")
        with staged(path) as temporary:  # a line a polygon, so that a difference is seen
            temporary.write_text(
                start + ',\n "polygons": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"
            )
        return Path(path)

    def of(self, polygons: gpd.GeoDataFrame) -> pd.DataFrame:
        """``id`` and ``fold`` of each polygon of a file, by its number there.

        Parameters
        ----------
        polygons : GeoDataFrame
            As of `lczlib.polygons.open_polygons`.

        Raises
        ------
        InputError
            If they are not the polygons that the folds were made of.
        """
        found = _places(polygons)
        taken: dict[int, int] = {}
        own = self.table[[*_PLACES]].to_numpy()
        for at, row in enumerate(found.itertuples()):
            apart = np.abs(own - [getattr(row, b) for b in _PLACES]).max(1)
            alike = np.abs(self.table["area"] / row.area - 1) < _AREA
            near = np.flatnonzero((apart < _PLACE) & alike & (self.table["lcz"] == row.lcz))
            free = [i for i in near if i not in taken]
            if not free:
                raise InputError(self._stranger(row, apart))
            taken[min(free, key=lambda i: apart[i])] = at
        if len(taken) < len(self.table):
            lacking = self.table.drop(index=list(taken)).iloc[0]
            msg = (
                f"The folds of {self.city} are of {len(self.table)} polygons, and {polygons.attrs.get('source')} "
                f"holds {len(found)}: there is none of LCZ number {lacking.lcz:.0f} at {lacking.west:.4f}, "
                f"{lacking.south:.4f}; give the file that the board names."
            )
            raise InputError(msg)
        at = [a for _, a in sorted((a, i) for i, a in taken.items())]
        rows = self.table.iloc[at]
        return pd.DataFrame(
            {"id": rows["id"].to_numpy(), "fold": rows["fold"].to_numpy()},
            index=pd.Index(found.index, name="polygon"),
        )

    def _stranger(self, row: Any, apart: np.ndarray) -> str:
        nearest = self.table.iloc[int(apart.argmin())]
        start = f"Polygon {row.Index} (LCZ number {row.lcz}) is none of those that the folds of {self.city} are of"
        if apart.min() < _PLACE and nearest.lcz != row.lcz:
            return f"{start}: there it is LCZ number {nearest.lcz:.0f}; give the file that the board names."
        return f"{start}: it was moved, redrawn or added; give the file that the board names."


def make_folds(city: str, polygons: gpd.GeoDataFrame) -> Folds:
    """Folds of polygons, the same from every file that holds them, in whatever order.

    Each class is dealt over all folds, larger polygons first, each to the fold that has the least area of the
    class so far. Fewer than ten polygons are a fold each.

    Parameters
    ----------
    city : str
        Its name, which is part of the hash.
    polygons : GeoDataFrame
        As of `lczlib.polygons.open_polygons`.

    Raises
    ------
    InputError
        If there are fewer than two polygons.
    """
    table = _places(polygons)
    if len(table) < 2:
        msg = f"{city} has {len(table)} polygon, which cannot be held out from itself: draw more."
        raise InputError(msg)
    table = table.sort_values(["lcz", "area", *_PLACES], ascending=[True, False, *[True] * 6])
    n_folds = len(table) if len(table) < FEW else USUAL
    fold, whole = np.zeros(len(table), int), np.zeros(n_folds)
    if len(table) < FEW:
        fold = np.arange(len(table))
    else:
        for _, own in table.reset_index(drop=True).groupby("lcz"):
            filled = np.zeros(n_folds)
            for i, area in own["area"].items():
                # among folds equally full of the class the one with the least of all
                chosen = int(np.lexsort((np.arange(n_folds), whole, filled))[0])
                fold[i] = chosen
                filled[chosen] += area
                whole[chosen] += area
    table = table.assign(fold=fold).sort_values([*_PLACES, "lcz"], ignore_index=True)
    table.insert(0, "id", np.arange(1, len(table) + 1))
    return Folds(city, table[["id", "lcz", "fold", *_PLACES, "area"]])


def read_folds(path: str | Path) -> Folds:
    """The folds of a file.

    Raises
    ------
    InputError
        If it is none, or was changed after it was written.
    """
    try:
        told = json.loads(Path(path).read_text())
        table = pd.DataFrame(told["polygons"], columns=told["columns"])
        found = Folds(str(told["city"]), table.astype(dict.fromkeys(("id", "lcz", "fold"), int)))
        good = told["format"] == FORMAT and table["lcz"].between(1, N_CLASSES).all()
        stated, own = told["hash"], found.hash
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        msg = f"{Path(path).name} is no file of folds ({type(err).__name__}): give one that `lcz bench` wrote."
        raise InputError(msg) from err
    if not good or stated != own:
        msg = (
            f"The folds of {Path(path).name} were changed after they were written: its content gives {own}, it says "
            f"{stated}."
        )
        raise InputError(msg)
    return found


def _places(polygons: gpd.GeoDataFrame) -> pd.DataFrame:
    """Class, place and area of each polygon, by its number in the file, as a fold file writes them."""
    level = polygons.to_crs(equal_area(polygons)).geometry
    middle = level.centroid.to_crs("EPSG:4326")
    box = polygons.to_crs("EPSG:4326").geometry.bounds.to_numpy()
    degrees = np.column_stack([box, middle.x, middle.y]).round(_DIGITS)
    table = pd.DataFrame(degrees, columns=list(_PLACES), index=polygons["polygon"].to_numpy())
    table.insert(0, "lcz", polygons["lcz"].to_numpy().astype(int))
    return table.assign(area=np.maximum(level.area.to_numpy().round(), 1))
