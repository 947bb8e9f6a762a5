"""What is accepted of the files that visitors send.

A file is known by its content, not its name. Nothing that GDAL reads here can name another file: a
VRT has no TIFF signature, a vector file is parsed as what it claims to be before GDAL sees it, and
every file lies alone in a folder of its own, without side files.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import ParseError, XMLPullParser

import pyogrio
import rasterio

from lczlib.errors import InputError
from lczlib.tables.delimited import decoded
from lczlib.texts import text, text_as
from lczlib.unreadable import TIFF_SIGNATURES

LARGEST_MB = float(os.environ.get("LCZLIB_UPLOAD_MB", "500"))
SESSIONS_MB = 4 * LARGEST_MB
"""Of all files of a visitor: a whole set of scenes, references and temperatures."""
_MOST_UNZIPPED = 1_000_000_000
_WORST_RATIO = 200
_MOST_MEMBERS = 40
_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qmd", ".xml")

RASTERS = (".tif", ".tiff")
VECTORS = (".geojson", ".json", ".kml", ".kmz", ".gpkg", ".zip")
TABLES = (".csv", ".txt", ".parquet")
NETCDF = (".nc",)
ACCEPTED = (*RASTERS, *VECTORS, *TABLES, *NETCDF)
"""Endings of all files that are taken; the parts of a Shapefile come as such (`lczlib.app.uploads.parts`)."""
_NUMBER = count(1)


def accept(name: str, content: bytes, folder: Path, endings: Sequence[str] = ACCEPTED) -> Path:
    """Check a file and write it into a folder of its own.

    Parameters
    ----------
    name : str
        As the visitor's machine calls it; only its last part counts.
    content : bytes
        Of the file.
    folder : path
        The session's folder.
    endings : sequence of str
        Of file names that are accepted, such as ``.tif``.

    Returns
    -------
    Path
        Of the file; of a zipped Shapefile its ``.shp``, which is called as the zip is, and of a KMZ its
        ``.kml``.

    Raises
    ------
    InputError
        If the file is too large, of no accepted type, or not what it claims to be.
    """
    safe = safe_name(name)
    ending = Path(safe).suffix.lower()
    check_room(safe, content, folder)
    if ending not in endings:
        msg = text(
            "{name} ends in {ending}; files that end in {endings}, or the parts of a Shapefile, are accepted."
        )
        ended = ending or text_as("ending of a file", "nothing")
        raise InputError(msg.format(name=safe, ending=ended, endings=", ".join(endings)))
    own = own_folder(folder)
    path = own / safe
    try:
        if ending == ".zip":
            path = _unzip_shapefile(safe, content, own)
        elif ending == ".kmz":
            path = _unzip_kml(safe, content, own)
        else:
            _CHECKS[ending](safe, content)
            path.write_bytes(content)
        open_as_named(path)
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise
    return path


def check_room(name: str, content: bytes, folder: Path) -> None:
    """Refuse a file that is empty, too large, or one too many for the session's folder.

    Raises
    ------
    InputError
    """
    if len(content) > LARGEST_MB * 1_000_000:
        msg = text("{name} has {size} MB; at most {most} MB are accepted: cut it to the city.")
        raise InputError(
            msg.format(name=name, size=f"{len(content) / 1e6:.0f}", most=f"{LARGEST_MB:g}")
        )
    if not content:
        msg = text("{name} is empty.")
        raise InputError(msg.format(name=name))
    kept = sum(p.stat().st_size for p in (folder / "uploads").rglob("*") if p.is_file())
    if kept + len(content) > SESSIONS_MB * 1_000_000:
        msg = text(
            "{name} is one too many: your files take {size} MB, and at most {most} MB of a visitor are kept. Open the "
            "page anew, and give only those that you need."
        )
        raise InputError(msg.format(name=name, size=f"{kept / 1e6:.0f}", most=f"{SESSIONS_MB:g}"))


def own_folder(folder: Path) -> Path:
    """A new folder in that of the session, for one file or the parts of one."""
    own = folder / "uploads" / f"{next(_NUMBER)}"
    own.mkdir(parents=True)
    return own


def safe_name(name: str) -> str:
    """The last part of a file name, letters, digits and few signs only."""
    last = re.split(r"[\\/]", name)[-1]
    plain = re.sub(r"[^\w.() -]", "_", last).strip(" .")[-120:]
    return plain or "upload"


def _is_tiff(name: str, content: bytes) -> None:
    if content[:4] not in TIFF_SIGNATURES:
        msg = text("{name} is no TIFF, whatever its name says: export the raster as GeoTIFF.")
        raise InputError(msg.format(name=name))


def _is_geojson(name: str, content: bytes) -> None:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        msg = text("{name} is no GeoJSON: it cannot be parsed.")
        raise InputError(msg.format(name=name)) from error
    kinds = ("FeatureCollection", "Feature", "Polygon", "MultiPolygon", "GeometryCollection")
    if not isinstance(data, dict) or data.get("type") not in kinds:
        msg = text("{name} is no GeoJSON: its type is none of {types}.")
        raise InputError(msg.format(name=name, types=", ".join(kinds)))


def _is_kml(name: str, content: bytes) -> None:
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        msg = text("{name} declares XML entities, which are not accepted.")
        raise InputError(msg.format(name=name))
    if re.search(rb"<(\w+:)?NetworkLink\b", content):
        msg = text("{name} links to other files (NetworkLink): save the places themselves as KML.")
        raise InputError(msg.format(name=name))
    parser = XMLPullParser(["start"])
    try:
        parser.feed(content)
        parser.close()
        root = next(parser.read_events())[1].tag
    except (ParseError, StopIteration) as error:
        msg = text("{name} is no KML: it cannot be parsed.")
        raise InputError(msg.format(name=name)) from error
    if root.rpartition("}")[2] != "kml":
        msg = text("{name} is no KML: its root is {root}.")
        raise InputError(msg.format(name=name, root=f"<{root.rpartition('}')[2][:40]}>"))


def _is_geopackage(name: str, content: bytes) -> None:
    if content[:16] != b"SQLite format 3\0":
        msg = text("{name} is no GeoPackage.")
        raise InputError(msg.format(name=name))
    # GDAL follows these tables to files and addresses outside.
    for word in (b"gpkg_extensions_links", b"VirtualOGR", b"/vsi"):
        if word.lower() in content.lower():
            msg = text(
                "{name} refers to other files, which is not accepted: save it as a plain GeoPackage."
            )
            raise InputError(msg.format(name=name))


def _is_csv(name: str, content: bytes) -> None:
    try:
        head, _ = decoded(content[:200_000])
    except InputError as error:
        msg = text("{name} is no text: save it as CSV in UTF-8.")
        raise InputError(msg.format(name=name)) from error
    if not set("\r\n") & set(head) or head.lstrip()[:1] == "<":
        msg = text("{name} is no CSV table.")
        raise InputError(msg.format(name=name))


def _is_parquet(name: str, content: bytes) -> None:
    if content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        msg = text("{name} is no Parquet file.")
        raise InputError(msg.format(name=name))


def _is_netcdf(name: str, content: bytes) -> None:
    if content[:4] == b"\x89HDF":  # which can name files outside
        msg = text(
            "{name} is NetCDF-4: save it in the classic form (nccopy -k 64-bit-offset {name} classic.nc)."
        )
        raise InputError(msg.format(name=name))
    if content[:3] != b"CDF":
        msg = text("{name} is no NetCDF file.")
        raise InputError(msg.format(name=name))


_CHECKS: dict[str, Callable[[str, bytes], None]] = {
    ".tif": _is_tiff, ".tiff": _is_tiff, ".geojson": _is_geojson, ".json": _is_geojson,
    ".kml": _is_kml, ".gpkg": _is_geopackage, ".csv": _is_csv, ".txt": _is_csv, ".parquet": _is_parquet,
    ".nc": _is_netcdf,
}  # fmt: skip


def _unzip_shapefile(name: str, content: bytes, folder: Path) -> Path:
    """Write the parts of the one Shapefile in a zip, under plain names."""
    archive, members = _members(name, content, "Shapefile")
    shapes = [m for m in members if m.filename.lower().endswith(".shp")]
    strays = [m for m in members if Path(m.filename).suffix.lower() not in _SHAPEFILE]
    if len(shapes) != 1 or strays:
        if len(shapes) != 1:
            msg = text(
                "{name} holds {n} Shapefiles; a zip must hold one Shapefile and nothing else."
            )
            raise InputError(msg.format(name=name, n=len(shapes)))
        msg = text(
            "{name} holds other files ({other}); a zip must hold one Shapefile and nothing else."
        )
        raise InputError(msg.format(name=name, other=safe_name(strays[0].filename)))
    stem = Path(name).stem
    with archive:
        _extract(name, archive, {m: folder / f"{stem}{Path(m.filename).suffix.lower()}" for m in members})  # fmt: skip
    return folder / f"{stem}.shp"


def _unzip_kml(name: str, content: bytes, folder: Path) -> Path:
    """Write the main document of a KMZ, and nothing else of it; it is checked as a KML is."""
    archive, members = _members(name, content, "KMZ")
    documents = [m for m in members if m.filename.lower().endswith(".kml")]
    if not documents:
        msg = text("{name} holds no KML document: save the places themselves as KML or KMZ.")
        raise InputError(msg.format(name=name))
    main = min(documents, key=lambda m: m.filename.lower() != "doc.kml")
    if main.file_size > LARGEST_MB * 1_000_000:
        msg = text("{name} unpacks to {size} MB; at most {most} MB are accepted.")
        raise InputError(
            msg.format(name=name, size=f"{main.file_size / 1e6:.0f}", most=f"{LARGEST_MB:g}")
        )
    path = folder / f"{Path(name).stem}.kml"
    with archive:
        _extract(name, archive, {main: path})
    _is_kml(name, path.read_bytes())
    return path


def _members(name: str, content: bytes, what: str) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """An archive and its files; refused where they are too many, too large, or point outside."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [m for m in archive.infolist() if not m.is_dir()]
    except zipfile.BadZipFile as error:
        msg = text("{name} is no zip archive, or a damaged one.")
        raise InputError(msg.format(name=name)) from error
    members = [m for m in members if "__MACOSX" not in m.filename]
    size = sum(m.file_size for m in members)
    if (
        len(members) > _MOST_MEMBERS
        or size > _MOST_UNZIPPED
        or size > _WORST_RATIO * max(len(content), 1)
    ):
        msg = text(
            "{name} unpacks to {n} files of {size} MB from {packed} MB: that is no {what}, and is refused."
        ).format(
            name=name, n=len(members), size=f"{size / 1e6:.0f}", packed=f"{len(content) / 1e6:.2f}",
            what=what,
        )  # fmt: skip
        raise InputError(msg)
    for m in members:
        path = PurePosixPath(m.filename.replace("\\", "/"))
        link = (m.external_attr >> 16) & 0o170000 == 0o120000
        if path.is_absolute() or ".." in path.parts or ":" in m.filename or link:
            msg = text(
                "{name} holds a file that points outside the archive ({other}), and is refused."
            )
            raise InputError(msg.format(name=name, other=safe_name(m.filename)))
    return archive, members


def _extract(name: str, archive: zipfile.ZipFile, targets: dict[zipfile.ZipInfo, Path]) -> None:
    """Write some files of an archive, as long as they are no larger than is accepted."""
    written = 0
    try:
        for member, target in targets.items():
            with archive.open(member) as source, target.open("wb") as out:
                while block := source.read(1 << 20):
                    written += len(block)
                    if written > _MOST_UNZIPPED:  # what the directory of a zip says may be a lie
                        msg = text("{name} unpacks to more than it says, and is refused.")
                        raise InputError(msg.format(name=name))
                    out.write(block)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        msg = text(
            "{name} cannot be unpacked: it is damaged, has a password, or is packed in an unusual way."
        )
        raise InputError(msg.format(name=name)) from error


_DRIVERS = {
    ".geojson": ("GeoJSON",), ".json": ("GeoJSON",), ".kml": ("KML", "LIBKML"), ".gpkg": ("GPKG",),
    ".shp": ("ESRI Shapefile",),
}  # fmt: skip


def open_as_named(path: Path) -> None:
    """Open with the one driver that the file may be read by, and no other."""
    ending = path.suffix.lower()
    try:
        if ending in RASTERS:
            with rasterio.open(path, driver="GTiff") as src:
                if src.count < 1:
                    msg = text("{name} holds no band.")
                    raise InputError(msg.format(name=path.name))
        elif ending in _DRIVERS:
            driver = pyogrio.read_info(
                path, layer=None if ending != ".gpkg" else pyogrio.list_layers(path)[0][0]
            )["driver"]
            if driver not in _DRIVERS[ending]:
                msg = text("{name} would be read as {driver}, which is not accepted.")
                raise InputError(msg.format(name=path.name, driver=driver))
    except InputError:
        raise
    except Exception as error:
        msg = text("{name} cannot be read: it is damaged, or not what its name says.")
        raise InputError(msg.format(name=path.name)) from error
