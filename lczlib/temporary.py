"""Temporary folders that go with their owner, also with one that was killed.

Each holds a file that its process keeps locked. The system lets go of the lock when the process ends,
however it ends; whoever makes a folder at the same place later removes those that nobody holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PREFIX = "lczlib-"
_OWNER = "owner"
_FILES = "files"
_PATIENCE = 10.0  # seconds for a process to end


class TemporaryFolder:
    """A folder of this process, removed at the end of the block, with this object, or with the process.

    Parameters
    ----------
    parent : path, optional
        Where it is made, hidden; must be there. The system's folder for temporary files when not given.
    name : str
        Told by the folder's name.

    Attributes
    ----------
    path : Path
    remove : callable
        Removes it at once.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, parent: str | Path | None = None, name: str = "") -> None:
        remove_abandoned(parent)
        lock = None
        while lock is None:  # one that is cleaning up here may take the new folder for an old one
            whole = Path(tempfile.mkdtemp(prefix=_prefix(parent) + name, dir=parent))
            lock = _owned_as_made(whole)
        self.remove = weakref.finalize(self, _remove, whole, lock, os.getpid())
        self.path = whole / _FILES  # which holds nothing but what its user puts there
        self.path.mkdir()

    def __getstate__(self) -> Path:
        return self.path

    def __setstate__(self, path: Path) -> None:
        """Take a folder over from the process that made it, which sends this as its last word."""
        until, lock = time.monotonic() + _PATIENCE, None
        while lock is None and path.is_dir() and time.monotonic() < until:
            lock = _owned(path.parent)
            if lock is None:
                time.sleep(0.01)
        self.path = path
        self.remove = weakref.finalize(self, _remove, path.parent, lock, os.getpid())

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.remove()


def remove_abandoned(parent: str | Path | None = None) -> int:
    """Remove the temporary folders at a place whose process has ended.

    Parameters
    ----------
    parent : path, optional
        Where they lie; the system's folder for temporary files when not given.

    Returns
    -------
    int
        How many there were. What cannot be removed stays: others' folders, those on a disk that is
        read only.
    """
    with suppress(OSError), os.scandir(parent or tempfile.gettempdir()) as entries:
        ours = [
            Path(entry.path) for entry in entries
            if entry.name.startswith(_prefix(parent)) and entry.is_dir(follow_symlinks=False)
            and (not hasattr(os, "getuid") or entry.stat(follow_symlinks=False).st_uid == os.getuid())
        ]  # fmt: skip
        return sum(_removed_if_abandoned(path) for path in ours)
    return 0


def _prefix(parent: str | Path | None) -> str:
    return _PREFIX if parent is None else f".{_PREFIX}"


def _owned(folder: Path) -> BaseFileLock | None:
    """The lock of a folder, held from now on; None where another holds it or has removed the folder."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _OWNER, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except (Timeout, FileNotFoundError, FileExistsError):  # the last two: it goes at this moment
        return None
    if (folder / _OWNER).exists():
        return lock
    lock.release()
    return None


def _owned_as_made(folder: Path) -> BaseFileLock | None:
    """The lock of a folder that has just been made; None where it has been removed since.

    Whoever locks a file makes its folder where that is gone, and then for all to read, maybe at the same place
    of the disk; maybe before this first looks at it.
    """
    try:
        made = folder.stat()
        lock = _owned(folder)
        found = folder.stat()
        private = os.name != "posix" or not found.st_mode & 0o077
        if lock is None or (os.path.samestat(found, made) and private):
            return lock
    except FileNotFoundError:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    return None


def _removed_if_abandoned(folder: Path) -> bool:
    with suppress(OSError):
        lock = _owned(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            return not folder.exists()
    return False


def _remove(folder: Path, lock: BaseFileLock | None, owner: int) -> None:
    if lock is None or os.getpid() != owner:  # another's still; or a fork: it is its parent's
        return
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
