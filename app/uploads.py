"""Files that visitors send: what is accepted, and where it goes.

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
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError, XMLPullParser

import panel as pn
import pyogrio
import rasterio
from parts import html

from lczlib.errors import InputError, LczError
from lczlib.study.places import OWN
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar
from lczlib.study.state import INPUTS

if TYPE_CHECKING:
    from session import Session

LARGEST_MB = float(os.environ.get("LCZLIB_UPLOAD_MB", "500"))
_MOST_UNZIPPED = 1_000_000_000
_WORST_RATIO = 200
_MOST_MEMBERS = 40
_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qmd", ".xml")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

RASTERS = (".tif", ".tiff")
VECTORS = (".geojson", ".json", ".kml", ".gpkg", ".zip")
TABLES = (".csv", ".parquet", ".gpkg")


@dataclass(frozen=True)
class Kind:
    """What a file is uploaded for."""

    label: str
    endings: tuple[str, ...]
    target: str  # input of the study
    several: bool = False
    at_once: bool = False  # whether its files come together and replace those before
    check: Callable[[list[Path]], str] | None = None  # of all files: a remark, or an error


def _check_radar(paths: list[Path]) -> str:
    radar = open_radar([str(p) for p in paths])
    return "" if maps_to_lcz(radar) else NO_LCZ


KINDS = {
    k.label: k
    for k in (
        Kind("Sentinel-2 (GeoTIFF, one or one a season)", RASTERS, "scene_files", several=True),
        Kind(
            "Sentinel-1 (GeoTIFF: So2Sat's channels for LCZ, or VV and VH)",
            RASTERS,
            "radar_files",
            several=True,
            at_once=True,
            check=_check_radar,
        ),
        Kind("Reference: polygons or LCZ raster", RASTERS + VECTORS, "reference_files"),
        Kind("Another LCZ map (GeoTIFF)", RASTERS, "map_files"),
        Kind("Surface temperature (GeoTIFF)", RASTERS, "thermal_files", several=True),
        Kind("Quality layer of a thermal raster (GeoTIFF)", RASTERS, "quality_files"),
        Kind("Elevation (GeoTIFF, m)", RASTERS, "elevation_files"),
        Kind(
            "Air temperatures, then sites (CSV, Parquet, GeoPackage)",
            TABLES,
            "station_files",
            several=True,
        ),
        Kind("Classes of stations set by hand (CSV, Parquet)", TABLES[:2], "station_class_files"),
        Kind("Weather: time, wind, cloud (CSV, Parquet)", TABLES[:2], "weather_files"),
        Kind("Sentinel-1 in dB, for water (GeoTIFF)", RASTERS, "water_files", several=True),
        Kind("Own area (GeoJSON, KML)", (".geojson", ".json", ".kml", ".gpkg", ".zip"), "area"),
    )
}
_NUMBER = count(1)


def accept(name: str, content: bytes, kind: Kind, folder: Path) -> Path:
    """Check a file and write it into a folder of its own.

    Parameters
    ----------
    name : str
        As the visitor's machine calls it; only its last part counts.
    content : bytes
        Of the file.
    kind : Kind
        What it is for.
    folder : path
        The session's folder.

    Returns
    -------
    Path
        Of the file; of a zipped Shapefile its ``.shp``.

    Raises
    ------
    InputError
        If the file is too large, of no accepted type, or not what it claims to be.
    """
    safe = safe_name(name)
    ending = Path(safe).suffix.lower()
    if len(content) > LARGEST_MB * 1_000_000:
        msg = f"{safe} has {len(content) / 1e6:.0f} MB; at most {LARGEST_MB:g} MB are accepted: cut it to the city."
        raise InputError(msg)
    if ending not in kind.endings:
        msg = f"{safe} ends in {ending or 'nothing'}; for this {', '.join(kind.endings)} are accepted."
        raise InputError(msg)
    if not content:
        msg = f"{safe} is empty."
        raise InputError(msg)
    own = folder / "uploads" / f"{next(_NUMBER)}"
    own.mkdir(parents=True)
    path = own / safe
    try:
        if ending == ".zip":
            path = _unzip_shapefile(safe, content, own)
        else:
            _CHECKS[ending](safe, content)
            path.write_bytes(content)
        _open(path)
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise
    return path


def safe_name(name: str) -> str:
    """The last part of a file name, letters, digits and few signs only."""
    last = re.split(r"[\\/]", name)[-1]
    plain = re.sub(r"[^\w.() -]", "_", last).strip(" .")[-120:]
    return plain or "upload"


def _is_tiff(name: str, content: bytes) -> None:
    if content[:4] not in _TIFF:
        msg = f"{name} is no TIFF, whatever its name says: export the raster as GeoTIFF."
        raise InputError(msg)


def _is_geojson(name: str, content: bytes) -> None:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        msg = f"{name} is no GeoJSON: it cannot be parsed."
        raise InputError(msg) from error
    kinds = ("FeatureCollection", "Feature", "Polygon", "MultiPolygon", "GeometryCollection")
    if not isinstance(data, dict) or data.get("type") not in kinds:
        msg = f"{name} is no GeoJSON: its type is none of {', '.join(kinds)}."
        raise InputError(msg)


def _is_kml(name: str, content: bytes) -> None:
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        msg = f"{name} declares XML entities, which are not accepted."
        raise InputError(msg)
    if re.search(rb"<(\w+:)?NetworkLink\b", content):
        msg = f"{name} links to other files (NetworkLink): save the places themselves as KML."
        raise InputError(msg)
    parser = XMLPullParser(["start"])
    try:
        parser.feed(content)
        parser.close()
        root = next(parser.read_events())[1].tag
    except (ParseError, StopIteration) as error:
        msg = f"{name} is no KML: it cannot be parsed."
        raise InputError(msg) from error
    if root.rpartition("}")[2] != "kml":
        msg = f"{name} is no KML: its root is <{root.rpartition('}')[2][:40]}>."
        raise InputError(msg)


def _is_geopackage(name: str, content: bytes) -> None:
    if content[:16] != b"SQLite format 3\0":
        msg = f"{name} is no GeoPackage."
        raise InputError(msg)
    # GDAL follows these tables to files and addresses outside.
    for word in (b"gpkg_extensions_links", b"VirtualOGR", b"/vsi"):
        if word.lower() in content.lower():
            msg = f"{name} refers to other files, which is not accepted: save it as a plain GeoPackage."
            raise InputError(msg)


def _is_csv(name: str, content: bytes) -> None:
    try:
        head = content[:200_000].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{name} is no text in UTF-8: save it as CSV in UTF-8."
        raise InputError(msg) from error
    if "\0" in head or "\n" not in head or head.lstrip()[:1] == "<":
        msg = f"{name} is no CSV table."
        raise InputError(msg)


def _is_parquet(name: str, content: bytes) -> None:
    if content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        msg = f"{name} is no Parquet file."
        raise InputError(msg)


_CHECKS: dict[str, Callable[[str, bytes], None]] = {
    ".tif": _is_tiff, ".tiff": _is_tiff, ".geojson": _is_geojson, ".json": _is_geojson,
    ".kml": _is_kml, ".gpkg": _is_geopackage, ".csv": _is_csv, ".parquet": _is_parquet,
}  # fmt: skip


def _unzip_shapefile(name: str, content: bytes, folder: Path) -> Path:
    """Write the parts of the one Shapefile in a zip, under plain names."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [m for m in archive.infolist() if not m.is_dir()]
    except zipfile.BadZipFile as error:
        msg = f"{name} is no zip archive, or a damaged one."
        raise InputError(msg) from error
    members = [m for m in members if "__MACOSX" not in m.filename]
    size = sum(m.file_size for m in members)
    if (
        len(members) > _MOST_MEMBERS
        or size > _MOST_UNZIPPED
        or size > _WORST_RATIO * max(len(content), 1)
    ):
        msg = (
            f"{name} unpacks to {len(members)} files of {size / 1e6:.0f} MB from "
            f"{len(content) / 1e6:.2f} MB: that is no Shapefile, and is refused."
        )
        raise InputError(msg)
    for m in members:
        path = PurePosixPath(m.filename.replace("\\", "/"))
        link = (m.external_attr >> 16) & 0o170000 == 0o120000
        if path.is_absolute() or ".." in path.parts or ":" in m.filename or link:
            msg = f"{name} holds a file that points outside the archive ({safe_name(m.filename)}), and is refused."
            raise InputError(msg)
    shapes = [m for m in members if m.filename.lower().endswith(".shp")]
    strays = [m for m in members if Path(m.filename).suffix.lower() not in _SHAPEFILE]
    if len(shapes) != 1 or strays:
        what = (
            f"{len(shapes)} Shapefiles"
            if len(shapes) != 1
            else f"other files ({safe_name(strays[0].filename)})"
        )
        msg = f"{name} holds {what}; a zip must hold one Shapefile and nothing else."
        raise InputError(msg)
    written = 0
    for m in members:
        target = folder / f"shape{Path(m.filename).suffix.lower()}"
        with archive.open(m) as source, target.open("wb") as out:
            while block := source.read(1 << 20):  # what the directory of a zip says may be a lie
                written += len(block)
                if written > _MOST_UNZIPPED:
                    msg = f"{name} unpacks to more than it says, and is refused."
                    raise InputError(msg)
                out.write(block)
    return folder / "shape.shp"


_DRIVERS = {
    ".geojson": ("GeoJSON",), ".json": ("GeoJSON",), ".kml": ("KML", "LIBKML"), ".gpkg": ("GPKG",),
    ".shp": ("ESRI Shapefile",),
}  # fmt: skip


def _open(path: Path) -> None:
    """Open with the one driver that the file may be read by, and no other."""
    ending = path.suffix.lower()
    try:
        if ending in RASTERS:
            with rasterio.open(path, driver="GTiff") as src:
                if src.count < 1:
                    msg = f"{path.name} holds no band."
                    raise InputError(msg)
        elif ending in _DRIVERS:
            driver = pyogrio.read_info(
                path, layer=None if ending != ".gpkg" else pyogrio.list_layers(path)[0][0]
            )["driver"]
            if driver not in _DRIVERS[ending]:
                msg = f"{path.name} would be read as {driver}, which is not accepted."
                raise InputError(msg)
    except InputError:
        raise
    except Exception as error:
        msg = f"{path.name} cannot be read: it is damaged, or not what its name says."
        raise InputError(msg) from error


def area_of(path: Path) -> tuple[float, float, float, float]:
    """The box of the polygons of a file, in degrees."""
    frame = pyogrio.read_dataframe(path)
    if frame.crs is None or frame.empty:
        msg = f"{path.name} holds no place with a coordinate reference system."
        raise InputError(msg)
    return tuple(round(float(v), 5) for v in frame.to_crs(4326).total_bounds)


class Drop(pn.widgets.FileDropper):
    """A drop zone that keeps no more of a file than is accepted, whatever the browser sends."""

    def _process_event(self, event: Any) -> None:
        data = event.data
        if event.event_name == "upload_event" and data["chunk"] > 1:
            parts = self._file_buffer.get(data["name"])
            if parts is None:
                return  # the rest of a file that was too large
            if sum(map(len, parts)) + len(data["data"]) > LARGEST_MB * 1_000_000:
                del self._file_buffer[data["name"]]
                return
        super()._process_event(event)


def upload_panel(session: Session) -> pn.Card:
    """The card with the drop zone."""
    kind = pn.widgets.Select(name="What it is", options=list(KINDS), sizing_mode="stretch_width")
    drop = Drop(
        name="Files",
        multiple=True,
        max_file_size=f"{LARGEST_MB:g}MB",
        sizing_mode="stretch_width",
        height=90,
    )
    told = html("")

    def dropped(event: Any) -> None:
        files = dict(event.new or {})
        if not files:
            return
        event.new.clear()  # else the next files, of another kind, would bring these with them
        chosen = KINDS[kind.value]

        def work() -> tuple[list[Path], list[str], str]:
            paths, failed, remark = [], [], ""
            for name, content in files.items():
                raw = content.encode() if isinstance(content, str) else bytes(content)
                try:
                    paths.append(accept(name, raw, chosen, session.folder))
                except LczError as error:
                    failed.append(str(error))
            if paths and chosen.check:
                try:
                    remark = chosen.check(paths)
                except LczError as error:
                    failed.append(_without_folders(str(error), paths))
                    paths = []
            return paths, failed, remark

        def done(result: tuple[list[Path], list[str], str]) -> None:
            paths, failed, remark = result
            try:
                if paths:
                    take(session, chosen, paths)
            except LczError as error:
                failed.append(str(error))
            lines = [
                f'<div class="lcz-banner info" role="status">Taken: {escape(p.name)}</div>'
                for p in paths
            ]
            if remark:
                lines.append(f'<div class="lcz-banner stale" role="status">{escape(remark)}</div>')
            lines += [
                f'<div class="lcz-banner failed" role="alert">{escape(f)}</div>' for f in failed
            ]
            told.object = "".join(lines)

        session.background(work, done)

    def forget(_: Any) -> None:
        session.study.param.update({n: () for n in INPUTS if n.endswith("_files")})
        told.object = (
            '<div class="lcz-banner info" role="status">Your uploads are out of use.</div>'
        )

    drop.param.watch(dropped, "value")
    without = pn.widgets.Button(name="Go on without my uploads", sizing_mode="stretch_width")
    without.on_click(forget)
    return pn.Card(
        kind, drop, told, without, title="Upload own files", collapsed=True,
        sizing_mode="stretch_width",
    )  # fmt: skip


def _without_folders(text: str, paths: list[Path]) -> str:
    """A message about files by their names: where the server keeps them is nobody's business."""
    for path in paths:
        text = text.replace(str(path), path.name)
    return text


def take(session: Session, kind: Kind, paths: list[Path]) -> None:
    """Make accepted files inputs of the study."""
    study = session.study
    if kind.target == "area":
        study.area = area_of(paths[0])
        return
    names = tuple(str(p) for p in (paths if kind.several else paths[:1]))
    if kind.several and not kind.at_once:
        names = getattr(study, kind.target) + names
    own = kind.target in ("scene_files", "radar_files")
    if own and study.context.places.place(study.city).has_scenes:
        # an own scene in place of a city's is of another place: nothing of that city belongs to it
        study.param.update(city=OWN, area=None)
    study.param.update({kind.target: names})
