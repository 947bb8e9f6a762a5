"""``manifest.json`` beside the files that a job writes: what it was told, read, and made."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lczlib.export.files import writing, written_files
from lczlib.export.manifest import new_manifest, relative, remove_manifest, write_manifest
from lczlib.extras import install, lacking
from lczlib.jobs.request import Request, Source, is_path, name_of
from lczlib.legend_files import files_beside
from lczlib.reading import Reading, tell
from lczlib.vector_maps import is_vector_map


@contextmanager
def recorded(
    request: Request,
    folder: Path,
    *,
    seconds: float,
    figures: bool | None,
    also_read: Iterable[Path] = (),
    **facts: Any,
) -> Iterator[None]:
    """Write the manifest of a result whose files are written in the block.

    Parameters
    ----------
    request : Request
        What was asked for.
    folder : Path
        Of the result.
    seconds : float
        How long the job took so far.
    figures : bool or None
        Whether figures were asked for; None where there are none of such a result.
    also_read : iterable of Path
        Files that were read beside those of the request.
    **facts
        What else the result depends on: weights, device.
    """
    started = time.time()
    with writing(folder):
        remove_manifest(folder, request.command)
    with written_files() as written:
        yield
    named = [n for n, s in request.settings().items() if s.setting.file]
    asked = {} if figures is None else {"figures": figures}
    content = new_manifest(
        folder, request.command, parameters={**parameters(request, folder), **asked},
        inputs=[*request.files(), *beside(request), *also_read], outputs=written,
        seconds=seconds + time.time() - started, path_parameters=named, **facts,
    )  # fmt: skip
    write_manifest(folder, content)


def parameters(request: Request, folder: Path) -> dict[str, Any]:
    """What a request was told, as plain values, with files as seen from the result's folder."""

    def plain(value: Any, file: bool) -> Any:
        if isinstance(value, (list, tuple)):
            return [plain(v, file) for v in value]
        return _seen_from(folder, value) if file and value is not None else value

    return {
        n: plain(getattr(request, n), s.setting.file) for n, s in request.settings().items()
    }  # fmt: skip


def _seen_from(folder: Path, source: Source) -> str | None:
    if not is_path(source):
        return None  # an open object has no name by which it could be found again
    return str(source) if "://" in str(source) else relative(source, folder)


def seen_from(folder: Path, named: str | Path | None) -> str | None:
    """A file as a result's document names it: whole paths, which tell of somebody's machine, from its folder."""
    if named is None or "://" in str(named) or not Path(named).is_absolute():
        return None if named is None else str(named)
    return relative(named, folder)


def beside(request: Request) -> list[Path]:
    """What lies beside a request's LCZ maps and decides what they say: legends, colour tables."""
    maps = [v for n, v in request.sources() if n in request.maps and is_path(v)]
    return [f for path in maps if not is_vector_map(path) for f in files_beside(path)]


def hashes(request: Request) -> dict[str, str | None]:
    """The SHA-256 of a request's files by their names; None of folders, addresses and open objects."""
    from lczlib.export.files import sha256_of

    return {
        name_of(v, n): sha256_of(v) if is_path(v) and Path(v).is_file() else None
        for n, v in request.sources()
    }


def can_draw() -> bool:
    """Whether figures can be drawn here; where not, it is told once."""
    if not lacking("holoviews", "matplotlib"):
        return True
    why = f"No figures: they need holoviews and matplotlib ({install('app')})."
    tell(Reading("drawing", "figures", ("left out",), (why,)))
    return False
