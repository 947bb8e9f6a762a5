"""Downloading catalog entries into a cache folder, checked against their SHA-256.

``LCZLIB_CACHE`` names the cache folder (default: the user's cache folder of the platform).
``LCZLIB_MIRROR`` names a folder or a base address that holds the files under their catalog file
names, for machines without access to the original addresses; the hash is checked all the same.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lczlib.catalog.entries import Entry, entry
from lczlib.errors import CatalogError
from lczlib.export.files import sha256_of, staged, writing
from lczlib.temporary import remove_abandoned


def cache_folder() -> Path:
    """The folder that downloads and converted weights are kept in."""
    if chosen := os.environ.get("LCZLIB_CACHE"):
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("lczlib"))


def is_cached(name: str) -> bool:
    """Whether a catalog entry's file is in the cache (its hash is checked when it is used)."""
    return (cache_folder() / entry(name).filename).is_file()


def is_here(name: str) -> bool:
    """Whether a catalog entry's file is in the cache or in a mirror folder: no network is needed."""
    mirror = os.environ.get("LCZLIB_MIRROR", "")
    return is_cached(name) or (bool(mirror) and (Path(mirror) / entry(name).filename).is_file())


def fetch(name: str, *, progress: bool = False) -> Path:
    """The local file of a catalog entry, downloaded when it is not in the cache.

    Parameters
    ----------
    name : str
        Catalog name, for example ``so2sat_s2_resnet20``.
    progress : bool
        Show a progress bar while downloading.

    Returns
    -------
    Path

    Raises
    ------
    CatalogError
        If the name is unknown, the file cannot be fetched (the message gives its address and where
        to put it by hand), or its hash is not the catalog's.
    """
    found = entry(name)
    target = cache_folder() / found.filename
    remove_abandoned(target.parent)
    if target.is_file():
        if sha256_of(target) == found.sha256:
            return target
        with writing(target):
            target.unlink()
    mirror = os.environ.get("LCZLIB_MIRROR", "")
    if mirror and "://" not in mirror:
        _copy_from_mirror(found, Path(mirror).expanduser(), target)
    else:
        _download(
            found, f"{mirror.rstrip('/')}/{found.filename}" if mirror else found.url, progress
        )
    return target


def _copy_from_mirror(found: Entry, mirror: Path, target: Path) -> None:
    source = mirror / found.filename
    if not source.is_file():
        msg = f"The mirror folder {mirror} (LCZLIB_MIRROR) has no {found.filename}."
        raise CatalogError(msg)
    if sha256_of(source) != found.sha256:
        msg = f"{source} is not the file of the catalog (SHA-256 differs): replace it from {found.url}."
        raise CatalogError(msg)
    with staged(target) as temporary:
        shutil.copyfile(source, temporary)


def _download(found: Entry, url: str, progress: bool) -> None:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    target = cache_folder() / found.filename
    downloader = pooch.HTTPDownloader(progressbar=_progress_bar(found) if progress else False)
    try:
        with staged(target) as temporary:
            pooch.retrieve(
                url, f"sha256:{found.sha256}", fname=temporary.name, path=temporary.parent,
                downloader=downloader,
            )  # fmt: skip
    except ValueError as err:  # pooch: the hash does not match
        msg = f"{url} no longer gives the file of the catalog (SHA-256 differs): nothing was kept."
        raise CatalogError(msg) from err
    except OSError as err:  # requests' errors are OSErrors
        msg = (
            f"{found.name} could not be downloaded from {url} ({type(err).__name__}): check the "
            f"network, or put the file at {target} by hand, or name a folder that "
            "holds it in LCZLIB_MIRROR."
        )
        raise CatalogError(msg) from err


def _progress_bar(found: Entry) -> object:
    """A rich progress bar with the few methods that pooch calls."""
    from rich.progress import DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    class Bar:
        def __init__(self) -> None:
            self.total = found.size
            self.bar = Progress(TextColumn(found.name), DownloadColumn(), TimeRemainingColumn())
            self.task = self.bar.add_task("", total=found.size)
            self.bar.start()

        def update(self, n: int) -> None:
            self.bar.update(self.task, advance=n)

        def reset(self) -> None:
            self.bar.reset(self.task, total=found.size)

        def close(self) -> None:
            self.bar.stop()

    return Bar()
