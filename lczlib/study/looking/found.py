"""What files could be: each kind that something speaks for, the best first, and what it would be read as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lczlib.errors import LczError
from lczlib.reading import quiet
from lczlib.study.looking.hints import (
    LIKELY,
    Hint,
    hints_of_netcdf,
    hints_of_raster,
    look_at_raster,
    ranked,
)
from lczlib.study.looking.kinds import KINDS, RECOGNISED, FileKind, Settings, form_of, kinds_for
from lczlib.study.looking.reading import read_as
from lczlib.study.looking.seen import Seen
from lczlib.study.looking.shapes import hints_of_shapes
from lczlib.study.looking.tabular import hints_of_table
from lczlib.texts import text

_TRIED = 3  # kinds whose doors are tried until one reads the file


@dataclass(frozen=True)
class Guess:
    """What a file could be.

    Attributes
    ----------
    kind : FileKind
    why : str
        What speaks for it, as a clause; empty where nothing does.
    assumed : bool
        Whether values alone speak for it, and nothing that the file says.
    """

    kind: FileKind
    why: str = ""
    assumed: bool = False


@dataclass(frozen=True)
class Found:
    """What a file, or files that make one input, could be.

    Attributes
    ----------
    paths : tuple of Path
    guesses : tuple of Guess
        All that it can be given as, the best first; those that nothing speaks for come last.
    seen : Seen or None
        The file read as the first of them; None where nothing speaks for any.
    unknown : str
        Why nothing is known of it, and what to do, in a sentence; empty where something is.
    """

    paths: tuple[Path, ...]
    guesses: tuple[Guess, ...]
    seen: Seen | None = None
    unknown: str = ""

    @property
    def best(self) -> Guess | None:
        """What it most probably is; None where nothing speaks for any kind."""
        return self.guesses[0] if self.guesses and self.guesses[0].why else None


def look(
    paths: Sequence[str | Path] | str | Path,
    *,
    settings: Settings | None = None,
    beside: Sequence[str | Path] = (),
) -> Found:
    """Look at a file, or at several that make one input, and tell what it could be.

    Parameters
    ----------
    paths : path or sequence of path
        A file: a GeoTIFF, shapes, a table or NetCDF; or the files of one Sentinel-1 scene.
    settings : Settings, optional
        What is said of how files are read.
    beside : sequence of path
        Files that came with it, such as the places of stations.

    Returns
    -------
    Found
        A file that cannot be read, or declares more than a job may take (`lczlib.limits`), is told of in
        `Found.unknown`: no file raises.
    """
    files = tuple(Path(p) for p in ([paths] if isinstance(paths, (str, Path)) else paths))
    possible = kinds_for(files[0])
    with quiet():
        hints, unknown = _hints(files[0])
    order = tuple(KINDS)
    known = [h for h in ranked(hints, order) if h.kind not in KINDS or KINDS[h.kind] in possible]
    if known and known[0].kind in RECOGNISED:
        what = RECOGNISED[known[0].kind]
        said = text("{name} holds {what}: choose what it is, if that is wrong.")
        unknown = said.format(name=files[0].name, what=text(what))
        known = []
    guesses = [Guess(KINDS[h.kind], h.why, h.assumed) for h in known if h.kind in KINDS]
    seen = None
    for i, guess in enumerate(guesses[:_TRIED]):
        if i and known[i].weight < LIKELY - 15:
            break
        tried = read_as(guess.kind, files, settings=settings, beside=beside)
        if not tried.refused:
            seen, guesses = tried, [guess, *(g for g in guesses if g is not guess)]
            break
        seen = seen or tried
    others = [Guess(k) for k in possible if k not in {g.kind for g in guesses}]
    if not guesses and not unknown:
        unknown = text(
            "Nothing in {name} says what it is: choose that, or leave it out and give a file that names its bands or "
            "columns."
        ).format(name=files[0].name)
    return Found(files, (*guesses, *others), seen, unknown)


def _hints(path: Path) -> tuple[list[Hint], str]:
    """What speaks for each kind, or why the file cannot be read."""
    try:
        match form_of(path):
            case "raster":
                return hints_of_raster(look_at_raster(path)), ""
            case "vector":
                return hints_of_shapes(path), ""
            case "table":
                return hints_of_table(path), ""
            case "netcdf":
                return hints_of_netcdf(path), ""
    except LczError as error:
        return [], error.message
    except Exception:
        said = text(
            "{name} cannot be looked at, since it is damaged or of a kind that is not known here: leave it out, or "
            "choose what it is."
        )
        return [], said.format(name=path.name)
    said = text("{name} is no raster, table or file of shapes that is known here: leave it out.")
    return [], said.format(name=path.name)
