"""Archives of files (zip, tar, tar.gz) as they are: what they hold, and single files of them unpacked.

An archive is read by its index; nothing is unpacked but what is asked for, into a temporary folder that
goes with the process. None but plain files count: links, devices, and names that lead out of the archive
are left out, and named.
"""

from __future__ import annotations

import gzip
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import IO, Any

from lczlib.errors import InputError
from lczlib.limits import GIGABYTE
from lczlib.temporary import TemporaryFolder

_ZIP, _TAR = (".zip",), (".tar", ".tar.gz", ".tgz")
SUFFIXES = (*_ZIP, *_TAR)
"""By which an archive is known; whether it is one is seen when it is opened."""
_BLOCK = 1 << 20
_MOST_AT_ONCE = 64 << 20  # of a tar: its headers are read whole, however long they say they are
_MOST_MEMBERS = 500_000
_WORST_RATIO = 200  # unpacked to packed; rasters of imagery have 1 to 10
_SMALL = 100e6  # bytes; up to here the ratio does not matter
_DAMAGES = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, OSError,
    NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes
    ----------
    archive : Path
    name : str
        With slashes, without ``./`` before it.
    size : int
        Bytes, unpacked.
    packed : int
        Bytes in the archive; 0 where that is not known of a single file (tar.gz).
    key : str
        What the archive itself calls it.
    stamp : int
        When the archive was last changed.
    """

    archive: Path
    name: str
    size: int
    packed: int
    key: str
    stamp: int = 0

    @property
    def path(self) -> Path:
        """As a path, ``lagos.zip/MAP/lcz.tif``."""
        return self.archive / self.name


@dataclass(frozen=True)
class Index:
    """What an archive holds.

    Attributes
    ----------
    members : tuple of Member
        Its plain files.
    refused : tuple of str
        What is none, or has a name that leads out of it, each with the reason.
    """

    members: tuple[Member, ...]
    refused: tuple[str, ...]


def is_archive(path: str | Path) -> bool:
    """Whether a file's name is that of an archive."""
    return str(path).lower().endswith(SUFFIXES) and Path(path).is_file()


def archive_of(path: str | Path) -> Path | None:
    """The archive that a path ``lagos.zip/MAP/lcz.tif`` leads into; None of any other path."""
    return next((p for p in Path(path).parents if is_archive(p)), None)


def index_of(path: str | Path) -> Index:
    """What an archive holds, by its index; of a tar by the headers of its files.

    Raises
    ------
    InputError
        If it is damaged or no archive, or says that it unpacks to more than it can hold.
    """
    path = Path(path)
    about = path.stat()
    return _index(path, path.resolve(), about.st_mtime_ns, about.st_size)


@lru_cache(64)
def _index(path: Path, _: Path, stamp: int, size: int) -> Index:
    members: dict[str, Member] = {}
    names: set[str] = set()
    refused: list[str] = []
    total = 0
    with _understood(path), _entries(path) as entries:
        for key, length, packed, why in entries:
            name = _plain(key)
            if not name:
                why = "its name leads out of the archive"
            elif not why and name in names:  # which of them is meant is not known
                why = "it is there twice"
                members.pop(name, None)
            if why:
                refused.append(f"{key[:80]} ({why})")
                continue
            names.add(name)
            total += length
            if len(members) > _MOST_MEMBERS or (packed == 0 and _is_bomb(total, size)):
                raise InputError(_bomb(path, total, size))
            members[name] = Member(path, name, length, packed, key, stamp)
    return Index(tuple(members.values()), tuple(refused))


Entry = tuple[str, int, int, str]
"""Name, size, packed size, and why it is no plain file; empty where it is one."""


@contextmanager
def _entries(path: Path) -> Iterator[Iterator[Entry]]:
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            yield (_of_zip(info) for info in archive.infolist() if not info.is_dir())
    else:
        with _opened_tar(path) as archive:
            yield _of_whole_tar(archive, _is_gzip(path))


def _of_zip(info: zipfile.ZipInfo) -> Entry:
    mode = info.external_attr >> 16
    why = ""
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        why = "a link" if stat.S_ISLNK(mode) else "no plain file"
    elif info.flag_bits & 0x1:
        why = "encrypted"
    return info.filename, info.file_size, max(info.compress_size, 1), why


def _of_tar(info: tarfile.TarInfo, packed: bool) -> Entry:
    why = "" if info.isreg() else "a link" if info.issym() or info.islnk() else "no plain file"
    # a sparse file may declare any size: what it takes of the archive is not known
    return info.name, info.size, 0 if packed or info.issparse() else max(info.size, 1), why


def _of_whole_tar(archive: tarfile.TarFile, packed: bool) -> Iterator[Entry]:
    for info in archive:
        if not info.isdir():
            yield _of_tar(info, packed)
    # tarfile takes a header that is damaged or cut off for the end; the end is a block of zeros
    if archive.fileobj.last != bytes(tarfile.BLOCKSIZE):  # type: ignore[union-attr]
        msg = "it ends amid its files"
        raise tarfile.ReadError(msg)


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(_ZIP)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


class _Bounded:
    """A file of which no more is read at once than memory has room for, whatever a header declares."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.last = file, b""
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, n: int = -1) -> bytes:
        if not 0 <= n <= _MOST_AT_ONCE:
            msg = f"a header of {n / 1e6:,.0f} MB"
            raise tarfile.ReadError(msg)
        self.last = self._file.read(n)
        return self.last


@contextmanager
def _opened_tar(path: Path) -> Iterator[tarfile.TarFile]:
    opened: Callable[..., Any] = gzip.open if _is_gzip(path) else open
    with (
        opened(path, "rb") as file,
        tarfile.open(fileobj=_Bounded(file), mode="r:", errorlevel=2) as archive,  # type: ignore[call-overload]
    ):
        yield archive


def _plain(key: str) -> str:
    """A member's name with slashes, relative to the archive; empty where it leads out of it."""
    text = key.replace("\\", "/")
    path = PurePosixPath(text)
    bad = path.is_absolute() or ".." in path.parts or "\0" in text or (text[1:2] == ":")
    return "" if bad or not path.parts else path.as_posix()


def _is_bomb(size: int, packed: int) -> bool:
    return size > max(_SMALL, _WORST_RATIO * packed)


def _bomb(path: Path, size: int, packed: int) -> str:
    return (
        f"{path} says that it unpacks to {size / GIGABYTE:,.1f} GB or more from {packed / 1e6:,.2f} MB, which "
        "no imagery does: it is not unpacked. Fetch it again from where it is published."
    )


def unpack(wanted: Mapping[Member, Path]) -> None:
    """Unpack members of archives, each to a path.

    Raises
    ------
    InputError
        If they need more room than the disk has, are damaged, or hold more than they say.
    """
    _check_room(wanted)
    for archive in dict.fromkeys(m.archive for m in wanted):
        own = {m.key: (m, p) for m, p in wanted.items() if m.archive == archive}
        with _understood(archive):
            if _is_zip(archive):
                _from_zip(archive, own)
            else:
                _from_tar(archive, own)


def _check_room(wanted: Mapping[Member, Path]) -> None:
    for m in wanted:
        if m.packed and _is_bomb(m.size, m.packed):
            raise InputError(_bomb(m.path, m.size, m.packed))
    folder = next(iter(wanted.values())).parent
    while not folder.exists():
        folder = folder.parent
    size, free = sum(m.size for m in wanted), shutil.disk_usage(folder).free
    if size > free:
        archives = ", ".join(dict.fromkeys(m.archive.name for m in wanted))
        msg = (
            f"{archives}: what is needed of it unpacks to {size / GIGABYTE:,.1f} GB, and there are "
            f"{free / GIGABYTE:,.1f} GB free in {tempfile.gettempdir()}: free space, or name another folder "
            "for temporary files in TMPDIR."
        )
        raise InputError(msg)


def _from_zip(path: Path, wanted: Mapping[str, tuple[Member, Path]]) -> None:
    with zipfile.ZipFile(path) as archive:
        for key, (member, target) in wanted.items():
            with archive.open(key) as source:
                _write(source, member, target)


def _from_tar(path: Path, wanted: Mapping[str, tuple[Member, Path]]) -> None:
    left = dict(wanted)
    with _opened_tar(path) as archive:
        for info in archive:
            if info.name in left and info.isreg():
                member, target = left.pop(info.name)
                source = archive.extractfile(info)
                if source is not None:
                    with source:
                        _write(source, member, target)
            if not left:  # what follows in a tar.gz is not read
                break


def _write(source: IO[bytes], member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part, written = target.with_name(f"{target.name}.part"), 0
    with part.open("wb") as out:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > member.size:  # what an index says may be a lie
                break
            out.write(block)
    if written != member.size:
        part.unlink()
        msg = f"{member.path} unpacks to other than the {member.size:,} bytes that it says: fetch the archive again."
        raise InputError(msg)
    part.replace(target)


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _DAMAGES as err:
        if isinstance(err, OSError) and err.errno is not None:
            msg = f"{path} cannot be unpacked ({err.strerror}): free space, or check that it can be read."
        else:
            kind = "zip" if _is_zip(path) else "tar"
            msg = f"{path} cannot be read as a {kind} archive ({err}): it is cut off, damaged or has the wrong suffix."
        raise InputError(msg) from err


_Layout = tuple[tuple[Member, str], ...]
_folders: dict[_Layout, TemporaryFolder] = {}
_one_at_a_time = Lock()


def unpacked(layout: Sequence[tuple[Member, str]]) -> Path:
    """A temporary folder that holds members of archives under the names that are given.

    It stays until the process ends, since what is opened in it is read lazily; the same members are
    unpacked once.

    Parameters
    ----------
    layout : sequence of (Member, str)
        Each member and its path in the folder.
    """
    key = tuple(layout)
    with _one_at_a_time:
        if key in _folders:
            return _folders[key].path
        try:
            folder = TemporaryFolder()
        except OSError as err:
            msg = f"There is no temporary folder to unpack into ({err}): name one in TMPDIR."
            raise InputError(msg) from err
        try:
            unpack({m: folder.path / name for m, name in layout})
        except BaseException:
            folder.remove()
            raise
        _folders[key] = folder
        return folder.path


def file_of(path: str | Path) -> Path | None:
    """A file in an archive by its path ``lagos.tar.gz/MAP/lcz.tif``, unpacked with those of its name beside it.

    None where there is none.
    """
    archive = archive_of(path)
    if archive is None:
        return None
    inside = Path(path).relative_to(archive).as_posix()
    members = index_of(archive).members
    if not any(m.name == inside for m in members):
        return None
    start = inside.removesuffix(PurePosixPath(inside).suffix) + "."
    own = [m for m in members if m.name == inside or m.name.startswith(start)]
    return unpacked([(m, m.name) for m in own]) / inside
