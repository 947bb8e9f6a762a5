"""Where results lie: those of public scenes for all visitors, until room is needed; others apart."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from lczlib.errors import Cancelled, InputError
from lczlib.export.files import alone_in
from lczlib.mapping.city import UNFINISHED

if TYPE_CHECKING:
    from lczlib.study.material import Material
    from lczlib.study.steps import Context

STORE_GB = "LCZLIB_STORE_GB"
"""Environment variable: how much results of public scenes may take, 10 GB where it is not set."""

_USED = ".used"  # its time is that of the last use; that of reading changes with every look
_GOING = "-going"
_LOCK = RLock()  # `_let_go` may be called amid anything
_SHOWN: Counter[Path] = Counter()  # results that a session of this process holds open


def limit() -> int:
    """Bytes that the results of public scenes may take."""
    return int(float(os.environ.get(STORE_GB) or 10) * 1e9)


def store_of(material: Material, context: Context, *, private: bool = False) -> Path:
    """The folder for results of a place: what is made from a visitor's files goes with the visitor.

    Parameters
    ----------
    material : Material
        The place.
    context : Context
        The folders.
    private : bool
        Whether something else than its scenes is a visitor's.
    """
    return context.work / "results" if material.private or private else context.store


@contextmanager
def waited_for(folder: Path, cancelled: Callable[[], bool] | None) -> Iterator[None]:
    """Two sessions that ask for one result, in processes of their own: the second waits, then finds it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    while True:
        with suppress(Timeout):
            lock.acquire(timeout=0.2)
            break
        if cancelled and cancelled():
            msg = "Stopped by the user."
            raise Cancelled(msg)
    try:
        yield
    finally:
        lock.release()


_ShownT = TypeVar("_ShownT")


def hold(shown: _ShownT, folder: Path, store: Path) -> _ShownT:
    """Note that a folder is used, now and until what shows it is let go.

    Into folders outside the store nothing is written.
    """
    if folder.parent == store:
        (folder / _USED).touch()
    with _LOCK:
        _SHOWN[folder] += 1
    weakref.finalize(shown, _let_go, folder)
    return shown


def _let_go(folder: Path) -> None:
    with _LOCK:
        _SHOWN[folder] -= 1


def make_room(store: Path, most: int | None = None) -> list[Path]:
    """Remove the results that were used least recently until the others fit.

    One that a session shows, or a run writes, stays. Those whose scenes are gone go first, however
    much room there is: nobody can ask for them again.

    Parameters
    ----------
    store : path
        Folder of results.
    most : int, optional
        Bytes that they may take; default `limit`.

    Returns
    -------
    list of Path
        What was removed.
    """
    for old in store.glob(f".*{_GOING}"):  # of a process that was killed at it
        shutil.rmtree(old, ignore_errors=True)
    most = limit() if most is None else most
    found = {f: _size(f) for f in store.glob("*") if f.is_dir()}
    orphans = {f for f in found if _orphaned(f)}
    removed: list[Path] = []
    total = sum(found.values())
    for folder in sorted(found, key=lambda f: (f not in orphans, _last_used(f))):
        if total <= most and folder not in orphans:
            break
        if _remove(folder):
            removed.append(folder)
            total -= found[folder]
    return removed


def _remove(folder: Path) -> bool:
    """Remove a result unless it is in use; at once for all others, who may just be looking for it."""
    try:
        with _LOCK, alone_in(folder, f"{UNFINISHED}/lock"):
            if _SHOWN[folder] > 0:
                return False
            going = folder.rename(folder.with_name(f".{folder.name}{_GOING}"))
    except (InputError, OSError):
        return False
    shutil.rmtree(going, ignore_errors=True)
    return True


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a result; empty where there is none that can be read."""
    try:
        found = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def scenes_of(asked: dict[str, Any]) -> list[str]:
    """The Sentinel-2 scenes that a result's request names; of one that fetches scenes none."""
    seasons = asked.get("seasons", {})
    return [*asked.get("inputs", ()), *(seasons.values() if isinstance(seasons, dict) else ())]


def _orphaned(folder: Path) -> bool:
    """Whether a finished result's scenes are no longer there."""
    asked = manifest_of(folder).get("parameters", {})
    files = [*scenes_of(asked), *asked.get("sentinel1", ())]
    return any(not (folder / f).exists() for f in files)


def _last_used(folder: Path) -> float:
    for name in (_USED, "manifest.json", "."):
        with suppress(OSError):
            return (folder / name).stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    """Bytes of its files; of what goes meanwhile none, for runs finish with theirs at any time."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(inside, name)).st_size
    return total
