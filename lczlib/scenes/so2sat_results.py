"""What So2Sat's programs made of a city, in their folders and in archives: LCZ maps, class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lczlib.archives import Member, is_archive
from lczlib.errors import InputError
from lczlib.reading import counted
from lczlib.scenes.so2sat_archives import Contents, archives_in, look_into, with_unclear
from lczlib.scenes.so2sat_pieces import Piece, is_hidden, is_raster, piece_of

PROBABILITY_SCALE = 1e-4
"""Of class probabilities that So2Sat's programs store as whole numbers without saying so."""


def published_map(archives: Sequence[Path], city: str = "") -> Piece | None:
    """The LCZ map in archives of a city: fused before that of one sensor; None where there is none.

    Raises
    ------
    InputError
        If there are several of a kind, or of several cities and none is asked for.
    """
    contents = look_into(archives)
    if not any(is_raster(p.member.name) for p in contents.pieces):
        return None
    name, own = contents.of_city(city) if _several_maps(contents) or city else ("", contents)
    own = own if own.of("map") else with_unclear(own)
    maps = own.of("map")
    best = [m for m in maps if m.rank == min(m.rank for m in maps)]
    if len(best) > 1:
        listed = ", ".join(str(m.member.path) for m in best[:4]) + (
            ", ..." if len(best) > 4 else ""
        )
        msg = f"{contents.name} holds {len(best)} LCZ maps ({listed}): name the one that is meant."
        raise InputError(msg)
    if not best:
        return None
    contents.told(name or best[0].city, [f"LCZ map {best[0].member.name}"], best)
    return best[0]


def _several_maps(contents: Contents) -> bool:
    """Whether there are maps of more than one city."""
    return (
        sum(any(p.role in ("map", "unclear") for p in own) for own in contents.cities().values())
        > 1
    )


def nothing_in(archives: Sequence[Path]) -> str:
    """The sentence for archives without an LCZ map."""
    contents = look_into(archives)
    return f"Neither names nor values in {contents.name} tell of an LCZ map: {contents.seen()}"


def probability_files(paths: Sequence[str | Path], city: str = "") -> list[Path]:
    """The class probabilities of So2Sat's programs in folders and archives; other paths as they are.

    Parameters
    ----------
    paths : sequence of path
        Rasters, folders, archives.
    city : str
        Of a folder or archives that hold several.

    Returns
    -------
    list of Path
        Those in archives as ``lagos.zip/Sentinel-1/.../LCZProb.tif``.

    Raises
    ------
    InputError
        If there are none, or of several cities and none is asked for.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir() and not is_archive(path):
            found.append(path)
            continue
        archives = archives_in(path)
        contents = look_into(archives) if archives else _folder_as_it_is(path)
        # by the programs' names alone: a result of `lcz map` holds fused ones beside those they are made of
        named = [p for p in contents.of("probabilities") if scale_of(p.member.name)]
        if not named and not archives:
            found.append(path)  # who reads it says what a folder is
            continue
        if not named:
            msg = (
                f"{path} holds no class probabilities, LCZProb.tif or *_pro.tif: {contents.seen()}"
            )
            raise InputError(msg)
        name, own = replace(contents, pieces=tuple(named)).of_city(city)
        said = counted(len(own.pieces), "file") + " of class probabilities"
        contents.told(name, [said], own.pieces, "archive" if archives else "folder")
        found += [p.member.path for p in own.pieces]
    return found


def _folder_as_it_is(path: Path) -> Contents:
    """The files of a folder as if it were packed."""
    files = sorted(f for f in path.rglob("*") if f.is_file())
    names = {f: f.relative_to(path).as_posix() for f in files}
    members = [Member(path, n, 0, 0, n) for n in names.values() if not is_hidden(n)]
    return Contents((path,), tuple(map(piece_of, members)), ())


def scale_of(path: str | Path) -> float | None:
    """The scale of class probabilities that are called as So2Sat's programs call them; None of others."""
    stem = Path(path).stem.lower()
    return PROBABILITY_SCALE if stem == "lczprob" or stem.endswith("_pro") else None
