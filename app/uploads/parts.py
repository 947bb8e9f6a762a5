"""The parts of a Shapefile that are dropped as they are: collected until it is whole."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from lczlib.errors import InputError
from lczlib.texts import text

from .checks import check_room, open_as_named, own_folder, safe_name

NEEDED = (".shp", ".shx", ".dbf", ".prj")
_PASSED_OVER = (".cpg", ".sbn", ".sbx", ".qmd", ".qpj", ".qix")
_SIGNATURE = b"\x00\x00\x27\x0a"
_DBASE = (0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0xCB, 0xF5, 0xFB)


def is_part(name: str) -> bool:
    """Whether a file is one of a Shapefile by its ending."""
    return Path(name).suffix.lower() in (*NEEDED, *_PASSED_OVER)


class LooseShapefiles:
    """The Shapefiles of a visitor whose parts come one after another, each in a folder of its own.

    Parameters
    ----------
    folder : Path
        Of the session.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun: dict[str, Path] = {}
        self._lock = Lock()

    def add(self, name: str, content: bytes) -> Path | None:
        """Take a part; the Shapefile once it is whole, and until then nothing.

        Raises
        ------
        InputError
            If the part is not what its name says, or the parts make no Shapefile.
        """
        safe = safe_name(name)
        stem, ending = Path(safe).stem, Path(safe).suffix.lower()
        with self._lock:
            check_room(safe, content, self._folder)
            if ending in _PASSED_OVER:
                return None
            _check(safe, ending, content)
            own = self._begun.get(stem)
            if own is None:
                own = self._begun[stem] = own_folder(self._folder)
            (own / f"{stem}{ending}").write_bytes(content)
            if self._lacking(stem):
                return None
            del self._begun[stem]
        path = own / f"{stem}.shp"
        open_as_named(path)
        return path

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Names of the Shapefiles that are not whole, and the endings that each lacks."""
        with self._lock:
            return {stem: self._lacking(stem) for stem in self._begun}

    def forget(self) -> None:
        """Wait for no more parts of those that are begun."""
        with self._lock:
            self._begun.clear()

    def _lacking(self, stem: str) -> tuple[str, ...]:
        own = self._begun[stem]
        return tuple(e for e in NEEDED if not (own / f"{stem}{e}").is_file())


def _check(name: str, ending: str, content: bytes) -> None:
    wrong = (
        (ending in (".shp", ".shx") and content[:4] != _SIGNATURE)
        or (ending == ".dbf" and content[0] not in _DBASE)
        or (ending == ".prj" and (b"\0" in content or len(content) > 100_000))
    )
    if wrong:
        msg = text(
            "{name} is no part of a Shapefile, whatever its name says: drop the file that belongs to the others."
        )
        raise InputError(msg.format(name=name))
