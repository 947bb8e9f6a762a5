"""Why a file cannot be read as what it was given for: one sentence a user can act on.

The reading libraries speak of drivers and headers; what helps is that the file is a folder, a text, a
raster where polygons are wanted, or cut off.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Literal

from lczlib.errors import InputError

Wanted = Literal["raster", "polygons", "raster or polygons", "table"]

_NOUNS = {
    "raster": "a raster",
    "polygons": "polygons",
    "raster or polygons": "a raster or polygons",
    "table": "a table",
}
_VECTORS = "GeoPackage, GeoJSON, KML, KMZ or Shapefile"
_GIVE = {
    "raster": "give a GeoTIFF",
    "polygons": f"give polygons as {_VECTORS}",
    "raster or polygons": f"give a GeoTIFF, or polygons as {_VECTORS}",
    "table": "give CSV, Parquet or GeoPackage",
}
_ACCEPTED: dict[str, tuple[str, ...]] = {
    "raster": ("raster",),
    "polygons": ("polygons",),
    "raster or polygons": ("raster", "polygons"),
    "table": ("polygons",),
}
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF and BigTIFF files."""
_RASTERS = (".tif", ".tiff", ".jp2", ".nc", ".img", ".vrt")
_MOST_LOOKED_AT, _MOST_NAMED = 2000, 4  # files of a folder that was given in place of one
_TEXT_SAMPLE = 4096
_TEXT_CONTROLS = set(range(32)) - set(b"\t\n\r\f\x1b")


def unreadable(path: str | Path, what: str, wanted: Wanted) -> str:
    """The sentence for a file that could not be opened.

    Parameters
    ----------
    path : path
        The file, as the user named it.
    what : str
        What it was given for, such as ``LCZ map``.
    wanted : {"raster", "polygons", "raster or polygons", "table"}
        What kind of file that must be.

    Returns
    -------
    str
        Names the file, says what it is, and what to give instead.
    """
    named, noun, give = f"The {what} {path}", _NOUNS[wanted], _GIVE[wanted]
    file = Path(path)
    if not file.exists():
        return f"{named} does not exist: check its name and folder."
    if file.is_dir():
        return f"{named} is a folder: name the file in it{_such_as(file)}."
    if not file.stat().st_size:
        return f"{named} is an empty file (0 bytes): make or fetch it again."
    kind = kind_of_file(file)
    if kind and kind not in _ACCEPTED[wanted]:
        return f"{named} holds {_NOUNS[kind]}, not {noun}: {give}."
    if kind:
        return f"{named} cannot be read: it is truncated or damaged; make or fetch it again."
    if _is_text(file):
        return f"{named} is a text file that cannot be read as {noun}: {give}."
    return f"{named} cannot be read as {noun}: it is damaged or of another kind; {give}."


@contextlib.contextmanager
def read_to_the_end() -> Iterator[None]:
    """A block in which rasters that were opened are read: one that is damaged further in is refused.

    Raises
    ------
    InputError
        Naming the file.
    """
    try:
        yield
    except Exception as error:
        # GDAL's own errors (rasterio._err.CPLE_*) have no public base class
        if not type(error).__module__.startswith("rasterio"):
            raise
        raise InputError(_damaged(error)) from error


def pass_over_quotes() -> None:
    """For programs: GDAL's messages that quote what is no text in a file end in no traceback.

    rasterio passes each message on to the log, from where no error can be raised: it is printed twice, by
    Cython and by Python. The file itself is read all the same, or refused in words.
    """
    printed, ignored = sys.excepthook, sys.unraisablehook

    def raised(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if trace is not None or not isinstance(error, UnicodeDecodeError):
            printed(kind, error, trace)

    def unraisable(event: sys.UnraisableHookArgs) -> None:
        quote = isinstance(event.exc_value, UnicodeDecodeError)
        if not (quote and "log_error" in str(event.object)):
            ignored(event)

    sys.excepthook, sys.unraisablehook = raised, unraisable


def _damaged(error: BaseException) -> str:
    said, cause = [], error
    while cause is not None:
        said.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    found = next((m for text in said if (m := re.search(r"(\S[^:]*?),? band \d+:", text))), None)
    file = Path(found[1]).name if found else "A raster"
    return f"{file} cannot be read to its end: it is truncated or damaged; make or fetch it again."


def kind_of_file(path: str | Path) -> Literal["raster", "polygons"] | None:
    """What GDAL takes a file for, whatever its suffix says; None where it takes it for neither.

    A truncated raster is a raster still, and points and lines count as polygons.
    """
    import pyogrio
    import rasterio

    with Path(path).open("rb") as opened:
        if opened.read(4) in TIFF_SIGNATURES:  # GDAL no longer opens what is cut within the header
            return "raster"
    # GDAL may quote what it finds in the file, and that is no text
    unread = contextlib.suppress(rasterio.errors.RasterioError, UnicodeDecodeError)
    with unread, rasterio.open(path) as src:
        if src.count:
            return "raster"
    with contextlib.suppress(pyogrio.errors.DataSourceError, ValueError):
        # a table without geometry (CSV) opens as well, and is no polygons
        if any(geometry for _, geometry in pyogrio.list_layers(path)):
            return "polygons"
    return None


def _such_as(folder: Path) -> str:
    """Some files of a folder that may be meant; nothing where there are none, or too much to look through."""
    files = islice(folder.rglob("*"), _MOST_LOOKED_AT)
    names = sorted(str(f.relative_to(folder)) for f in files if f.suffix.lower() in _RASTERS)
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return f" ({', '.join(names[:_MOST_NAMED])}{more})" if names else ""


def _is_text(file: Path) -> bool:
    with file.open("rb") as opened:
        sample = opened.read(_TEXT_SAMPLE)
    if _TEXT_CONTROLS & set(sample):
        return False
    try:
        sample.decode()
    except UnicodeDecodeError as err:
        return err.start > len(sample) - 4  # cut inside a letter
    return True
