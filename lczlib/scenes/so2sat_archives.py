"""Cities of So2Sat GUL in their archives as they are published: looked into, and read like the folder.

What is needed of a city is unpacked into a temporary folder in the layout that `lczlib.scenes.so2sat` reads,
so that a result is that of the folder. What is what, `lczlib.scenes.so2sat_pieces` tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import xarray as xr

from lczlib.archives import Member, index_of, is_archive, unpacked
from lczlib.errors import InputError, LczError
from lczlib.reading import Reading, counted, in_words, tell
from lczlib.scenes.city import City
from lczlib.scenes.safe import find_product
from lczlib.scenes.so2sat import SEASONS, holds_sensors, open_so2sat
from lczlib.scenes.so2sat_pieces import Piece, Role, is_hidden, is_raster, looked_into, piece_of
from lczlib.terms import option

_ALSO = {"fall": "autumn"}
_NO_MONTH = "000000"


def archives_in(path: str | Path) -> tuple[Path, ...]:
    """The archives that a path names: one, or those in a folder that is no So2Sat folder; none else.

    A Sentinel-2 product in its zip archive is none of them.
    """
    path = Path(path)
    if path.is_dir():
        if holds_sensors(path) or _is_product(path):
            return ()
        files = sorted(f for pattern in ("*", "*/*") for f in path.glob(pattern))
        found = [
            f for f in files if is_archive(f) and not is_hidden(f.relative_to(path).as_posix())
        ]
    else:
        found = [path] if is_archive(path) else []
    return tuple(f for f in found if not _is_product(f))


def _is_product(path: Path) -> bool:
    try:
        return bool(find_product(path))
    except InputError:  # several
        return True


@dataclass(frozen=True)
class Contents:
    """What archives hold of one city, or of several.

    Attributes
    ----------
    archives : tuple of Path
    pieces : tuple of Piece
        Their files, without what systems put there.
    refused : tuple of str
        What is no plain file, or has a name that leads out of its archive.
    """

    archives: tuple[Path, ...]
    pieces: tuple[Piece, ...]
    refused: tuple[str, ...]

    @property
    def name(self) -> str:
        """Their names, for messages."""
        return ", ".join(map(str, self.archives[:4])) + (", ..." if len(self.archives) > 4 else "")

    def of(self, *roles: Role) -> list[Piece]:
        """The pieces of some roles."""
        return [p for p in self.pieces if p.role in roles]

    def cities(self) -> dict[str, list[Piece]]:
        """The rasters of each city; those of a city without a code are of the one called alike that has one."""
        rasters = [p for p in self.pieces if p.role != "other"]
        coded = {p.city for p in rasters if p.city[:1].isdigit()}
        tails: dict[str, set[str]] = {}
        for name in coded:
            tails.setdefault(name.split("_", 2)[-1].casefold(), set()).add(name)
        found: dict[str, list[Piece]] = {}
        for piece in rasters:
            same = tails.get(piece.city.casefold(), set())
            found.setdefault(next(iter(same)) if len(same) == 1 else piece.city, []).append(piece)
        nameless = found.pop("", [])
        if nameless and len(found) < 2:  # nothing else than the one city that there is
            name = next(iter(found), self.archives[0].name.split(".")[0])
            return {name: [*found.get(name, []), *nameless]}
        return found | ({"": nameless} if nameless else {})

    def of_city(self, asked: str) -> tuple[str, Contents]:
        """The city that is asked for, by its whole name or the last part, or the only one.

        Raises
        ------
        InputError
            If there are several and none is asked for, or none is called so.
        """
        cities = self.cities()
        listed = ", ".join(sorted(filter(None, cities))[:5]) + (", ..." if len(cities) > 5 else "")
        if not asked and len(cities) > 1:
            msg = f"{self.name} holds {len(cities)} cities ({listed}): name one with {option('city')}."
            raise InputError(msg, parameter="city")
        called = {
            n for n in cities if asked.casefold() in (n.casefold(), n.split("_", 2)[-1].casefold())
        }
        if asked and len(called) != 1:
            what = f"has {len(called)} cities called" if called else "has no city"
            msg = f"{self.name} {what} {asked!r}; it has {listed or 'none'}."
            raise InputError(msg, parameter="city")
        if not cities:
            return "", self
        name = next(iter(called)) if asked else next(iter(cities))
        return name, replace(self, pieces=tuple(cities[name]))

    def seen(self) -> str:
        """What there is, for who finds nothing in it."""
        names = [p.member.name for p in self.pieces]
        listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        text = f"it holds {counted(len(names), 'file')}" + (f" ({listed})" if names else "")
        inner = [n for n in names if n.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))]
        if inner:
            return f"{text}: unpack it, and give the archives in it ({', '.join(inner[:3])})."
        refused = f", and left out {', '.join(self.refused[:3])}" if self.refused else ""
        return f"{text}{refused}. Unpack it and give the rasters themselves."

    def told(
        self, city: str, used: Sequence[str], pieces: Sequence[Piece], what: str = "archive"
    ) -> None:
        """Say what was found and is read, and what is left out."""
        taken = {p.member.name for p in pieces}
        left = Counter(_NAMES[p.role] for p in self.pieces if p.member.name not in taken)
        said = [*([f"city {city}"] if city else []), *used]
        if left:
            said.append("left out " + ", ".join(f"{n:,} {what}" for what, n in left.items()))
        cautions = []
        if self.refused:
            listed = "; ".join(self.refused[:3]) + ("; ..." if len(self.refused) > 3 else "")
            cautions.append(
                f"{self.name}: {counted(len(self.refused), 'entry', 'entries')} not unpacked, as no plain file "
                f"that could be trusted: {listed}."
            )
        tell(Reading(what, self.name, tuple(said), tuple(cautions)))


_NAMES: dict[Role, str] = {
    "s2": "of Sentinel-2", "plain": "of Sentinel-1", "lee": "of Sentinel-1", "radar": "of Sentinel-1",
    "map": "LCZ map", "probabilities": "of class probabilities", "reference": "reference",
    "unclear": "raster of another kind", "other": "other",
}  # fmt: skip


def look_into(archives: Sequence[Path]) -> Contents:
    """What archives hold, by their indices.

    Raises
    ------
    InputError
        As of `lczlib.archives.index_of`.
    """
    indices = [index_of(a) for a in archives]
    pieces = tuple(piece_of(m) for i in indices for m in i.members if not is_hidden(m.name))
    return Contents(tuple(archives), pieces, tuple(r for i in indices for r in i.refused))


def with_unclear(contents: Contents) -> Contents:
    """The same with the rasters looked into whose names do not tell what they are: those are unpacked."""
    unclear = contents.of("unclear")
    if not unclear:
        return contents
    folder = unpacked([(p.member, f"{i}.tif") for i, p in enumerate(unclear)])
    known = {p: looked_into(p, folder / f"{i}.tif") for i, p in enumerate(unclear)}
    return replace(contents, pieces=tuple(known.get(p, p) for p in contents.pieces))


def open_archives(
    archives: Sequence[Path],
    city: str = "",
    *,
    seasons: Sequence[str] | None = None,
    sentinel1_time: str | None = None,
    sensors: Sequence[str] = ("s1", "s2"),
    **sentinel2_options: object,
) -> City:
    """Open a city of archives, lazily, as `lczlib.scenes.open_so2sat` opens one of a folder.

    Parameters
    ----------
    archives : sequence of path
        Of one city, or of several with `city`.
    city : str
        Its folder's name, or the last part of it; needed where there are several.
    seasons, sentinel1_time, sensors, **sentinel2_options
        As of `open_so2sat`.

    Returns
    -------
    City
        Read from a temporary folder that stays until the process ends; ``attrs["files"]`` of the scenes
        are the archives.

    Raises
    ------
    InputError, GridError
        As of `open_so2sat`, or if nothing in them can be recognised.
    """
    whole = look_into(archives)
    name, own = whole.of_city(city)
    if any(not own.of(*roles) for sensor, roles in _ROLES.items() if sensor in sensors):
        own = with_unclear(own)
    wanted = [*(_optical(own, seasons) if "s2" in sensors else ()),
              *(_radar(own, sentinel1_time) if "s1" in sensors else ())]  # fmt: skip
    if not wanted:
        there = own.of("s2", "plain", "lee", "radar")
        if there:
            msg = f"{whole.name} holds no scene of the sensors asked for, but {_words(there)}."
        else:
            msg = f"Neither names nor bands in {whole.name} tell of a Sentinel-2 or Sentinel-1 scene: {whole.seen()}"
        raise InputError(msg)
    layout = _with_beside(wanted, name, whole)
    folder = unpacked(layout)
    origins = {str(folder / place): m for m, place in layout}
    whole.told(name, [_words([p for p, _ in wanted])], [p for p, _ in wanted])
    with _in_terms_of(folder, whole.name):
        found = open_so2sat(
            folder,
            name,
            seasons=seasons,
            sentinel1_time=sentinel1_time,
            sensors=sensors,
            **sentinel2_options,
        )
    radar = found.sentinel1 if found.sentinel1 is None else _as_packed(found.sentinel1, origins)
    optical = {n: _as_packed(scene, origins) for n, scene in found.seasons.items()}
    notes = tuple(n.replace(str(folder), whole.name) for n in found.notes)
    return replace(found, seasons=optical, sentinel1=radar, notes=notes)


_ROLES: dict[str, tuple[Role, ...]] = {"s2": ("s2",), "s1": ("plain", "lee", "radar")}
Placed = list[tuple[Piece, str]]
"""Pieces, each with its folder below the sensor's."""


def _optical(own: Contents, asked: Sequence[str] | None) -> Placed:
    chosen = {_ALSO.get(s.casefold(), s.casefold()) for s in asked or ()}
    found: dict[str, list[Piece]] = {}
    for piece in own.of("s2"):
        if not chosen or piece.label.casefold() in chosen:
            found.setdefault(piece.label, []).append(piece)
    placed: Placed = []
    for season, several in found.items():
        named = [
            p for p in several if PurePosixPath(p.member.name).stem.lower().endswith(season.lower())
        ]
        if len(named or several) > 1:
            listed = ", ".join(str(p.member.path) for p in (named or several)[:4])
            msg = (
                f"There are {len(named or several)} scenes of {season} ({listed}); one is expected."
            )
            raise InputError(msg)
        placed.append(((named or several)[0], f"Sentinel-2/{{city}}/{season}"))
    return placed


def _radar(own: Contents, asked: str | None) -> Placed:
    """The mosaics of the month that is asked for, or of the last; else what its bands tell."""
    placed: Placed = []
    plain, lee = own.of("plain"), own.of("lee")
    if plain or lee:
        months = sorted({p.label for p in plain}) or [""]
        month = asked if asked in months else months[-1]
        for role, pieces in (("mosaic_unfilt_dat", plain), ("mosaic_dat", lee)):
            of_month = [p for p in pieces if p.label == month]
            exact = [p for p in of_month if PurePosixPath(p.member.name).stem.lower() == "mosaic"]
            if len(exact or of_month) > 1:
                listed = ", ".join(str(p.member.path) for p in (exact or of_month)[:4])
                msg = f"There are {len(exact or of_month)} mosaics in {role} ({listed}); one is expected."
                raise InputError(msg)
            placed += [
                (p, f"Sentinel-1/{{city}}/{role}/{month or _NO_MONTH}") for p in exact or of_month
            ]
        return placed
    found = own.of("radar")
    months = sorted({p.label for p in found})
    month = asked if asked in months else months[-1] if months else ""
    return [(p, f"Sentinel-1/{{city}}/{month or _NO_MONTH}") for p in found if p.label == month]


def _with_beside(wanted: Placed, city: str, whole: Contents) -> list[tuple[Member, str]]:
    """Where each member goes, with what lies beside a raster under its name: ``.tfw``, ``.aux.xml``, ``.msk``."""
    others = [p.member for p in whole.pieces if not is_raster(p.member.name)]
    layout: list[tuple[Member, str]] = []
    for piece, folder in wanted:
        path = PurePosixPath(piece.member.name)
        place = folder.format(city=city)
        # a mosaic of Sentinel-1 is known by that name; others keep theirs, which may tell of the product
        stem = "mosaic" if "mosaic" in folder else path.stem
        if any(there == f"{place}/{stem}{path.suffix}" for _, there in layout):
            stem = f"{stem}_{len(layout)}"
        layout.append((piece.member, f"{place}/{stem}{path.suffix}"))
        start = str(path.parent / path.stem) + "."
        layout += [
            (m, f"{place}/{stem}.{m.name[len(start) :]}")
            for m in others
            if m.archive == piece.member.archive and m.name.startswith(start)
        ]
    return layout


def _words(pieces: Sequence[Piece]) -> str:
    """``Sentinel-2 of spring, summer; Sentinel-1 of 201706``."""
    seasons = [p.label for p in pieces if p.role == "s2"]
    seasons = sorted(seasons, key=lambda s: (SEASONS.index(s) if s in SEASONS else len(SEASONS), s))
    months = sorted({p.label for p in pieces if p.role in _ROLES["s1"]})
    optical = f"Sentinel-2 of {', '.join(seasons)}" if seasons else ""
    radar = (
        f"Sentinel-1 of {', '.join(filter(None, months)) or 'a month that is not named'}"
        if months
        else ""
    )
    return "; ".join(filter(None, (optical, radar)))


@contextmanager
def _in_terms_of(folder: Path, name: str) -> Iterator[None]:
    """A block in which errors and readings name the archive, and not where it is unpacked."""

    def change(text: str) -> str:
        return text.replace(str(folder), name)

    try:
        with in_words(change):
            yield
    except LczError as error:
        raise type(error)(change(error.message), parameter=error.parameter) from error


def _as_packed(scene: xr.Dataset, origins: dict[str, Member]) -> xr.Dataset:
    """The scene with the archives as the files that it depends on."""
    files = [origins[f].archive if f in origins else f for f in scene.attrs["files"]]
    member = origins.get(scene.attrs["source"])
    source = str(member.path) if member else scene.attrs["source"]
    return scene.assign_attrs(files=list(dict.fromkeys(map(str, files))), source=source)
