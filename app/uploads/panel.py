"""Files that visitors send: what they are for, and where they go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import panel as pn
import pyogrio
import shapely
from parts import html
from upload_checks import LARGEST_MB, RASTERS, TABLES, VECTORS, accept

from lczlib.errors import InputError, LczError
from lczlib.grid import geobox_of
from lczlib.longitudes import box_of, share_ground
from lczlib.rasters import BANDWISE, open_raster
from lczlib.reading import quiet
from lczlib.study.map_inputs import OWN_MAPS, map_settings
from lczlib.study.material import Material
from lczlib.study.places import OWN
from lczlib.study.radar import NO_LCZ, maps_to_lcz, open_radar
from lczlib.study.state import INPUTS
from lczlib.study.wording import in_page

if TYPE_CHECKING:
    from session import Session


_TOLD = 12
"""So many messages about files are shown, the newest on top."""
_ASK_JS = "window.onbeforeunload = cb_obj.active ? (event) => event.preventDefault() : null"
"""Uploads end with the session, and a session with its page: the browser asks before it leaves."""


@dataclass(frozen=True)
class Kind:
    """What a file is uploaded for."""

    label: str
    hint: str
    endings: tuple[str, ...]
    target: str  # input of the study
    several: bool = False
    at_once: bool = False  # whether its files make one input, which replaces that before
    check: Callable[[list[Path]], str] | None = None  # of all files: a remark, or an error


def _check_radar(paths: list[Path]) -> str:
    with quiet():  # it is told where it is opened for the study
        radar = open_radar([str(p) for p in paths])
    return "" if maps_to_lcz(radar) else NO_LCZ


KINDS = {
    k.label: k
    for k in (
        Kind(
            "Sentinel-2 (GeoTIFF, one or one a season)",
            "Ten bands B02 to B12 (or all 12 or 13) of a clear day at 10 m in a UTM zone, as reflectance or "
            "DN; top-of-atmosphere (L1C) fits the networks best. Free from the Copernicus Data Space.",
            RASTERS, "scene_files", several=True,
        ),
        Kind(
            "Sentinel-1 (GeoTIFF: So2Sat's channels for LCZ, or VV and VH)",
            "So2Sat's eight channels, or its seven features, give LCZ maps; VV and VH in dB give water and "
            "a picture. On the grid of the Sentinel-2 image.",
            RASTERS, "radar_files", several=True, at_once=True, check=_check_radar,
        ),
        Kind(
            "Reference: polygons, points or LCZ raster",
            "Test areas with a column of classes (as the LCZ Generator takes them), sampled points, or a "
            "raster of classes.",
            RASTERS + VECTORS, "reference_files",
        ),
        Kind(
            "Another LCZ map (GeoTIFF, or polygons)",
            "Classes 1-17 (or 1-10 and 101-107) in one band, the three bands of the LCZ Generator, of which "
            "the filtered one is taken, or polygons with a column of classes, such as GeoClimate's, laid on "
            "cells of 100 m. How it was read is told on the pages, and can be corrected below.",
            RASTERS + VECTORS, "map_files",
        ),
        Kind(
            "Surface temperature (GeoTIFF)",
            "Landsat, MODIS, ECOSTRESS, or any raster in degC or K; one a date. Bands, units and times: on the "
            "Heat island page.",
            RASTERS, "thermal_files", several=True,
        ),
        Kind(
            "Air temperature raster (GeoTIFF)",
            "Of a model or interpolated, in degC or K; one a date: a canopy heat island by pixels.",
            RASTERS, "air_files", several=True,
        ),
        Kind(
            "Quality layer of a thermal raster (GeoTIFF)",
            "Such as Landsat's QA_PIXEL: cloudy pixels are left out.",
            RASTERS, "quality_files",
        ),
        Kind(
            "Elevation (GeoTIFF, m)", "To compare zones with references of a like height.",
            RASTERS, "elevation_files",
        ),
        Kind(
            "Air temperatures, then sites (CSV, Parquet, GeoPackage)",
            "Times, stations and temperatures; then the stations' places, where they are in another "
            "file.",
            TABLES, "station_files", several=True,
        ),
        Kind(
            "Classes of stations set by hand (CSV, Parquet)", "Columns: station and lcz.",
            TABLES[:3], "station_class_files",
        ),
        Kind(
            "Weather: time, wind, cloud (CSV, Parquet)",
            "Hourly wind in m/s and cloud in oktas: tells calm and clear nights.",
            TABLES[:3], "weather_files",
        ),
        Kind(
            "Sentinel-1 for water (GeoTIFF)",
            "VV and VH at about 10 m, dB or linear; one a date, dated by its name, for the year's course.",
            RASTERS, "water_files", several=True,
        ),
        Kind(
            "Own area (GeoJSON, KML)", "The box around its polygons is cut out of the scenes.",
            (".geojson", ".json", ".kml", ".gpkg", ".zip"), "area",
        ),
    )
}  # fmt: skip


def area_of(path: Path) -> tuple[float, float, float, float]:
    """The box of the polygons of a file, in degrees; across 180 its west is larger than its east."""
    frame = pyogrio.read_dataframe(path)
    if frame.crs is None or frame.empty:
        msg = f"{path.name} holds no place with a coordinate reference system."
        raise InputError(msg)
    corners = shapely.get_coordinates(frame.to_crs(4326).geometry.to_numpy())
    return tuple(round(v, 5) for v in box_of(*corners.T))


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
        max_file_size=f"{1000 * LARGEST_MB:.0f}KB",  # FilePond reads whole numbers only
        sizing_mode="stretch_width",
        height=90,
    )
    told, lines = html(""), deque[str](maxlen=_TOLD)
    latest: dict[str, list[Path]] = {}
    joining = Lock()

    def tell(new: list[str], files: list[Path]) -> None:
        # files dropped together come one after another: what was said of the others stays
        for line in [t for t in lines if any(escape(f.name) in t for f in files)]:
            lines.remove(line)
        lines.extendleft(reversed(new))
        told.object = "".join(lines)

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
                    paths.append(accept(name, raw, chosen.endings, session.folder))
                except LczError as error:
                    failed.append(str(error))
            if paths and chosen.target in ("map_files", "reference_files"):
                remark = elsewhere(paths[0], session.study.scene)
            if paths and chosen.check:
                with joining:
                    before, latest[chosen.label] = latest.get(chosen.label, []), paths
                    try:
                        paths, remark = joined(chosen.check, before, paths)
                        latest[chosen.label] = paths
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
            asks.value = asks.value or bool(paths)
            said = [_banner("info", f"Taken: {p.name}") for p in paths]
            said += [_banner("stale", remark)] if remark else []
            tell(said + [_banner("failed", f, "alert") for f in failed], paths)

        session.background(work, done)

    def forget(_: Any) -> None:
        session.study.param.update({n: () for n in INPUTS if n.endswith("_files")})
        lines.clear()
        latest.clear()
        asks.value = False
        tell([_banner("info", "Your uploads are out of use.")], [])

    def explain(*_: Any) -> None:
        hint.object = f'<div class="lcz-note">{escape(KINDS[kind.value].hint)}</div>'

    hint = html("")
    explain()
    kind.param.watch(explain, "value")
    asks = pn.widgets.Checkbox(name="Uploads are in use", visible=False)
    asks.jscallback(value=_ASK_JS)
    drop.param.watch(dropped, "value")
    without = pn.widgets.Button(name="Go on without my uploads", sizing_mode="stretch_width")
    without.on_click(forget)
    return pn.Card(
        kind, hint, drop, told, without, asks, title="Upload own files", collapsed=True,
        sizing_mode="stretch_width",
    )  # fmt: skip


def joined(
    check: Callable[[list[Path]], str], before: list[Path], new: list[Path]
) -> tuple[list[Path], str]:
    """The files that make one input, and a remark on them.

    Files that are dropped together come one after another: the new ones are taken with those
    `before` them where that makes an input, else alone.

    Raises
    ------
    LczError
        If neither makes one.
    """
    if before:
        with suppress(LczError):
            return [*before, *new], check([*before, *new])
    return new, check(new)


def elsewhere(path: Path, scene: Material | None) -> str:
    """A remark on a raster that lies outside the scene it is uploaded to; empty where it does not."""
    if scene is None or scene.box is None or path.suffix.lower() not in RASTERS:
        return ""
    try:
        own = geobox_of(open_raster(path, chunks=BANDWISE), path.name)
    except LczError:
        return ""  # what is wrong with it is said where it is read
    if share_ground(own, scene.box):
        return ""
    return (
        f"{path.name} lies outside {scene.place.name}, so the two cannot be compared: choose the city "
        "“Own files” to look at it alone."
    )


def _banner(kind: str, text: str, role: str = "status") -> str:
    return f'<div class="lcz-banner {kind}" role="{role}">{escape(in_page(text))}</div>'


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
    # what was said of the map before says nothing of this one
    which = kind.target.removesuffix("_files")
    anew = dict.fromkeys(map_settings(which), "") if which in OWN_MAPS else {}
    study.param.update({kind.target: names, **anew})
