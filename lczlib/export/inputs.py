"""The inputs of a recorded result, found again by what is in them: also where one of both was moved.

A manifest has its inputs as seen from the result's folder and with their SHA-256. No more is needed to
know a file again, wherever it lies; absolute paths, which tell of somebody's machine, are not kept.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lczlib.errors import InputError
from lczlib.export.files import sha256_of
from lczlib.reading import Reading, counted, tell


@dataclass(frozen=True)
class FoundInputs:
    """Where the recorded inputs are now.

    Attributes
    ----------
    folder : Path
        The result's.
    files : dict of str to Path
        By the path that the manifest has.
    """

    folder: Path
    files: dict[str, Path]

    def path(self, recorded: str) -> str:
        """Where a recorded path leads now: a file, a folder of some, or a file in an archive."""
        if recorded in self.files:
            return str(self.files[recorded])
        for name, found in self.files.items():
            if name.startswith(f"{recorded}/"):  # a folder that holds it
                rest = PurePosixPath(name).relative_to(recorded)
                root = found.parents[len(rest.parts) - 1]
                if root / rest == found:
                    return str(root)
            elif recorded.startswith(f"{name}/"):  # in an archive
                return f"{found}/{recorded.removeprefix(f'{name}/')}"
        return os.path.normpath(self.folder / recorded)


def find_inputs(
    content: Mapping[str, Any], folder: str | Path, look_in: Sequence[str | Path] = ()
) -> FoundInputs:
    """Find the inputs of a manifest, and check that they are unchanged.

    They are looked for where they lay beside the result, then in the folders named, then in the
    result's folder and the one above. A file counts if its SHA-256 is the recorded one; what was found
    elsewhere is told.

    Parameters
    ----------
    content : mapping
        A manifest.
    folder : path
        The folder it lies in.
    look_in : sequence of path
        Further folders, searched with all below them.

    Raises
    ------
    InputError
        If an input is nowhere, or only with another content.
    """
    folder, found = Path(folder), {}
    for place in look_in:
        if not Path(place).is_dir():
            msg = f"The folder {place} to look for inputs in does not exist."
            raise InputError(msg)
    missing = []
    for given in content["inputs"]:
        name = given["path"]
        file, changed = _look_for(name, {given["sha256"]}, folder, look_in)
        if file is not None:
            found[name] = file
        elif changed is not None:
            raise InputError(_changed(changed))
        else:
            missing.append(name)
    if missing:
        raise InputError(_missing(missing, len(content["inputs"]), look_in))
    return FoundInputs(folder, found)


def find_file(
    name: str, digests: Collection[str], folder: str | Path, look_in: Sequence[str | Path] = ()
) -> Path:
    """Find one recorded file; see `find_inputs`.

    Parameters
    ----------
    name : str
        Its path as seen from `folder`.
    digests : collection of str
        SHA-256 of what it may hold.
    folder, look_in
        See `find_inputs`.

    Raises
    ------
    InputError
        If it is nowhere, or only with another content.
    """
    file, changed = _look_for(name, digests, folder, look_in)
    if file is None:
        raise InputError(_changed(changed) if changed else _missing([name], 1, look_in))
    return file


def _look_for(
    name: str, digests: Collection[str], folder: str | Path, look_in: Sequence[str | Path]
) -> tuple[Path | None, Path | None]:
    """Where a recorded file is; else a file of its name with another content, if there is one."""
    first = Path(os.path.normpath(Path(folder) / name))
    changed = None
    for path in _places(name, first, Path(folder), look_in):
        if not path.is_file():
            continue
        if sha256_of(path) not in digests:
            changed = changed or path
            continue
        if path != first:
            where = f"found in {path.parent}, its SHA-256 is the recorded one"
            tell(Reading("input", str(path), (where,), facts={"recorded": name}))
        return path, None
    return None, changed


def _places(name: str, first: Path, folder: Path, look_in: Sequence[str | Path]) -> Iterator[Path]:
    """Where a file may lie: with more and with less of its old folders' names."""
    yield first
    parts = [p for p in PurePosixPath(name).parts if p not in ("..", "/")]
    tails = [Path(*parts[i:]) for i in range(len(parts))]
    for place in (*map(Path, look_in), folder, folder.resolve().parent):
        yield from (place / tail for tail in tails)
    for place in look_in:
        yield from sorted(Path(place).rglob(parts[-1]))


def _missing(names: Sequence[str], n_inputs: int, look_in: Sequence[str | Path]) -> str:
    """What is missing by its own name: the way to it, as seen from the result, tells nothing elsewhere."""
    files = [PurePosixPath(name).name for name in names]
    listed = ", ".join(files[:6]) + (", ..." if len(files) > 6 else "")
    n, be, them = (
        len(files),
        "is" if len(files) == 1 else "are",
        "it" if len(files) == 1 else "them",
    )
    looked = f" nor in {', '.join(map(str, look_in))}" if look_in else ""
    return (
        f"{n} of {counted(n_inputs, 'input')} of the manifest {be} missing ({listed}), neither where the result "
        f"was made nor beside it{looked}: name the folder that holds {them} now (--inputs FOLDER; repeat for "
        "several)."
    )


def _changed(path: Path) -> str:
    return (
        f"The manifest's input {path} has changed since (SHA-256 differs): restore it, or name a folder "
        "that holds it as it was (--inputs FOLDER)."
    )
