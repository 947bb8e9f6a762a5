"""Files that appear under their final name only when they are complete."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.errors import InputError
from lczlib.reading import heard_so_far
from lczlib.temporary import TemporaryFolder
from lczlib.terms import worded

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (
    errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.EPERM,
    errno.ENAMETOOLONG, errno.EISDIR, errno.EIO, errno.ELOOP,
)  # fmt: skip


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into an `InputError` that names it."""
    path = Path(path)
    try:
        yield
    except OSError as err:
        if err.errno in _FULL:
            msg = f"The disk is full: {path} was not written; free space and run again."
        elif err.errno in _REFUSED:
            msg = f"{path} cannot be written ({err.strerror}): choose another folder."
        else:
            raise
        raise InputError(msg) from err


_written: ContextVar[list[Path] | None] = ContextVar("_written", default=None)


@contextmanager
def written_files() -> Iterator[list[Path]]:
    """Yield a list that fills with the path of each file that `staged` completes in the block."""
    paths: list[Path] = []
    token = _written.set(paths)
    try:
        yield paths
    finally:
        _written.reset(token)


@contextmanager
def alone_in(folder: str | Path, lock: str = "lock") -> Iterator[None]:
    """Hold a folder against other processes until the end of the block, or of the process.

    Parameters
    ----------
    folder : path
        Made where it does not exist; then removed if the block leaves it empty.
    lock : str
        Name of the lock's file, which may lie in a folder below.

    Raises
    ------
    InputError
        If another process holds it, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    path = Path(folder) / lock
    with writing(path.parent):
        made = [p for p in (path.parent, *path.parent.parents) if not p.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        # the system's own lock, which ends with the process, however it ends
        held = FileLock(path, blocking=False, thread_local=False)
        try:
            held.acquire()
        except Timeout as err:
            msg = f"Another run is writing into {folder}: wait for it, or choose another folder."
            raise InputError(msg) from err
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # they hold something
                for folder_made in made:
                    folder_made.rmdir()
            held.release()


@contextmanager
def staged(path: str | Path) -> Iterator[Path]:
    """Yield `path`'s name in a temporary folder beside it; move it to `path` on success.

    The folder is removed in any case (after a kill, by the next one who writes there), so helper files
    may be written there too. See `writing` for errors.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFolder(path.parent) as folder:
            temporary = folder / path.name
            yield temporary
            temporary.replace(path)
    _note(path)


def _note(path: Path) -> None:
    if (written := _written.get()) is not None and path not in written:
        written.append(path)


def placed(path: str | Path, source: Path) -> None:
    """Move a finished file to `path` in one step, or leave the one that is there; it counts as written.

    Parameters
    ----------
    path : path
        Where it is to lie.
    source : Path
        Where it lies, on the same disk; if it does not, the file at `path` is it already.
    """
    path = Path(path)
    with writing(path):
        if source.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            source.replace(path)
    _note(path)


def zip_folder(folder: str | Path, path: str | Path) -> Path:
    """Write all files of a folder, with those below it, as one zip."""
    folder = Path(folder)
    with (
        staged(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return Path(path)


def write_json(path: str | Path, content: dict[str, Any]) -> Path:
    """Write a dictionary as JSON; numpy numbers become plain ones and NaN becomes null."""
    path = Path(path)
    with staged(path) as temporary:
        temporary.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")
    return path


def write_result(path: str | Path, content: Mapping[str, Any]) -> Path:
    """Write a result's JSON with ``read``: what was read for it, lost, masked and assumed."""
    return write_json(path, {**content, "read": heard_so_far()})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return worded(value)
    return str(value) if isinstance(value, Path) else value


def write_table(path: str | Path, table: pd.DataFrame, *, index: bool = True) -> Path:
    """Write a table as CSV that appears only when complete."""
    path = Path(path)
    with staged(path) as temporary:
        table.to_csv(temporary, index=index, float_format="%.6g")
    return path


def write_features(
    path: str | Path, table: gpd.GeoDataFrame, *, driver: str = "GPKG", layer: str | None = None
) -> Path:
    """Write features as a vector file that appears only when complete."""
    import pyogrio

    content = io.BytesIO()  # GDAL's errors do not say that a disk is full
    pyogrio.write_dataframe(table, content, driver=driver, layer=layer)
    with staged(path) as temporary:
        temporary.write_bytes(content.getbuffer())
    return Path(path)


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file, as hexadecimal text."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_one_header = Lock()
"""numpy parses a header as Python, which fails now and then in threads of Python 3.11
(https://github.com/python/cpython/issues/106905)."""


def stored_array(path: str | Path, name: str) -> np.ndarray:
    """An array of a ``.npz`` file; threads may read several at a time."""
    with _one_header, np.load(path) as there:
        return there[name]
