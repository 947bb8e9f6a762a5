"""What commands share that are no jobs yet: their manifest, and figures as files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NOT_CHOSEN = ("folder", "out", "context")  # where the result goes is no part of it


@contextmanager
def recorded(
    command: str,
    folder: Path,
    options: Mapping[str, Any],
    files: Sequence[str],
    facts: Mapping[str, Any] | None = None,
    *,
    maps: Sequence[str] = (),
) -> Iterator[list[str | Path]]:
    """Write ``manifest.json`` beside the files that a command writes in the block.

    Parameters
    ----------
    command : str
        Its name.
    folder : Path
        Of the result.
    options : mapping
        All the command's values by parameter name (`locals()` in its first line).
    files : sequence of str
        Which of them name files or lists of files.
    facts : mapping, optional
        What else the result depends on (weights, device); read at the end, so it may be filled in
        the block.
    maps : sequence of str
        Which of the files are LCZ maps: a legend beside one decides what it says, and is an input too.

    Yields
    ------
    list
        To add further inputs to, such as a quality layer found beside a file.
    """
    from lczlib.export.files import written_files
    from lczlib.export.manifest import new_manifest, relative, write_manifest
    from lczlib.legend_files import files_beside
    from lczlib.vector_maps import is_vector_map

    started = time.time()
    more: list[str | Path] = []
    with written_files() as written:
        yield more
    several = {
        n: [options[n]] if isinstance(options[n], (str, Path)) else options[n] for n in files
    }
    inputs = [path for paths in several.values() for path in paths or ()]
    rasters = [p for n in maps for p in several[n] or () if not is_vector_map(p)]
    more += [file for path in rasters for file in files_beside(path)]

    def plain(name: str, value: Any) -> Any:
        if name not in files or value is None:
            return value
        if isinstance(value, (list, tuple)):
            return [plain(name, v) for v in value]
        return str(value) if "://" in str(value) else relative(value, folder)

    kept = {k: plain(k, v) for k, v in options.items() if k not in _NOT_CHOSEN}
    content = new_manifest(
        folder, command, parameters=kept, inputs=[*inputs, *more], outputs=written,
        seconds=time.time() - started, path_parameters=list(files), **(facts or {}),
    )  # fmt: skip
    write_manifest(folder, content)


def write_figures(out: Path, figures: Mapping[str, Callable[[], Any]]) -> None:
    """Write figures as PNG and SVG, or say what they need where HoloViews is not installed."""
    from lczlib.jobs.record import can_draw

    if can_draw():
        from lczlib.figures import save_figures

        save_figures(figures, out)
