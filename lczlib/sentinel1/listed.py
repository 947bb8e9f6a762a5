"""Sentinel-1 products that could be had: of STAC items, or of the list that BigEarthNet publishes.

An item says where its product lies. A list of names does not: the place follows from the nominal orbit
(`lczlib.sentinel1.track`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.errors import InputError
from lczlib.reading import Reading, counted, tell
from lczlib.sentinel1.choices import Kind
from lczlib.sentinel1.pickles import read_dictionary
from lczlib.sentinel1.product import relative_orbit
from lczlib.sentinel1.tiles import ground_of, read_items
from lczlib.sentinel1.track import footprint

if TYPE_CHECKING:
    import shapely

_NAME = re.compile(
    r"(S1[A-D])_IW_(GRDH|SLC_)_1SDV_(\d{8}T\d{6})_(\d{8}T\d{6})_(\d{6})_([0-9A-F]{6})(?:_[0-9A-F]{4})?"
)
_WHAT = "list of products"
_PUBLISHED = "Sen2UUID_2_Sen1ProdName"


@dataclass(frozen=True)
class ListedProduct:
    """An IW product of VV and VH that could be fetched.

    Attributes
    ----------
    name : str
        Without ``.SAFE``.
    ground : Polygon or MultiPolygon
        What it shows; degrees.
    stated : bool
        Whether a service states that; else it is by the nominal orbit.
    track : int
        Relative orbit, 1 to 175.
    """

    name: str
    ground: shapely.Geometry = field(repr=False, hash=False, compare=False)
    stated: bool
    track: int

    def _part(self, i: int) -> str:
        return _parts(self.name)[i]

    @property
    def start(self) -> dt.datetime:
        """When it begins (UTC)."""
        return _time(self._part(2))

    @property
    def end(self) -> dt.datetime:
        """When it ends (UTC)."""
        return _time(self._part(3))

    @property
    def of_pass(self) -> tuple[str, str]:
        """Mission and number of the data take: the same of all slices of a pass."""
        return self._part(0), self._part(5)


def read_products(paths: Sequence[str | Path], kind: Kind) -> list[ListedProduct]:
    """The products of some files, each once, in the order of time.

    Parameters
    ----------
    paths : sequence of path
        JSON of STAC items or collections of them; ``.npy`` as BigEarthNet publishes it.
    kind : {"GRDH", "SLC"}
        Others are left out, and told.

    Raises
    ------
    InputError
        If a file is none of these or damaged, or holds no such product.
    """
    found: dict[str, ListedProduct] = {}
    for path in map(Path, paths):
        if path.suffix.lower() == ".npy":
            names = {n for several in read_published(path).values() for n in several}
            listed, others = _named(sorted(names), kind)
        else:
            listed, others = _of_items(read_items(path, _WHAT), path, kind)
        placed = sum(p.stated for p in listed)
        said = [f"{counted(len(listed), f'{kind} product')} of VV and VH"]
        if others:
            said.append(f"{others} others left out")
        if placed < len(listed):
            said.append(
                f"{len(listed) - placed} places by name and nominal orbit, within about 20 km"
            )
        tell(Reading(_WHAT, str(path), tuple(said), (), {"n": len(listed), "left_out": others}))
        found |= {p.name: p for p in listed if p.stated or p.name not in found}
    if not found:
        msg = f"The lists hold no IW {kind} product of VV and VH whose place is known."
        raise InputError(msg, parameter="products")
    return sorted(found.values(), key=lambda p: (p.start, p.name))


def read_published(path: str | Path) -> dict[str, list[str]]:
    """The products that BigEarthNet lists for each of its tiles, by the tiles' UUID.

    Raises
    ------
    InputError
        If the file is not as it is published.
    """
    found = read_dictionary(path, _WHAT).get(_PUBLISHED)
    whole = isinstance(found, dict) and all(
        isinstance(u, str) and isinstance(names, list) and all(isinstance(n, str) for n in names)
        for u, names in found.items()
    )
    if not whole:
        msg = f"The {_WHAT} {path} has no {_PUBLISHED} with names by tile: give the file as BigEarthNet publishes it."
        raise InputError(msg)
    return {u: [n.removesuffix(".SAFE") for n in names] for u, names in found.items()}


def _named(names: Iterable[str], kind: Kind) -> tuple[list[ListedProduct], int]:
    """Products by their names alone, and how many are left out."""
    found, others = [], 0
    for name in names:
        parts = _known(name)
        if not parts or not _is(parts[2], kind):
            others += 1
            continue
        mission, orbit = parts[1], int(parts[5])
        ground = footprint(mission, orbit, _time(parts[3]), _time(parts[4]))
        track = relative_orbit(mission, orbit)
        if ground is None or track is None:
            others += 1
            continue
        found.append(ListedProduct(parts[0], ground, False, track))
    return found, others


def _of_items(
    items: Iterable[dict[str, Any]], path: Path, kind: Kind
) -> tuple[list[ListedProduct], int]:
    found, others = [], 0
    for item in items:
        parts = _known(str(item["id"]))
        if not parts or not _is(parts[2], kind):
            others += 1
            continue
        stated = item["properties"].get("sat:relative_orbit")
        track = stated if isinstance(stated, int) else relative_orbit(parts[1], int(parts[5]))
        if track is None:
            others += 1
            continue
        found.append(ListedProduct(parts[0], ground_of(item, path), True, track))
    return found, others


def tracks_of(names: Iterable[str]) -> Iterator[tuple[int | None, tuple[str, str]]]:
    """Relative orbit and pass of products by their names; those that are no such names are left out."""
    for name in names:
        if parts := _NAME.fullmatch(name):
            yield relative_orbit(parts[1], int(parts[5])), (parts[1], parts[6])


def _known(text: str) -> re.Match[str] | None:
    """The name that a text begins with, if its times are some."""
    found = _NAME.match(text)
    try:
        return found if found and _time(found[3]) <= _time(found[4]) else None
    except ValueError:
        return None


def _is(told: str, kind: Kind) -> bool:
    return told.rstrip("_") == kind


def _parts(name: str) -> tuple[str, ...]:
    found = _NAME.fullmatch(name)
    if found is None:
        msg = f"{name} is no name of an IW product of VV and VH."
        raise InputError(msg)
    return found.groups()


def _time(text: str) -> dt.datetime:
    return dt.datetime.strptime(f"{text}Z", "%Y%m%dT%H%M%S%z")
