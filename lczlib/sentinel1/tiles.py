"""Sentinel-2 tiles for which Sentinel-1 is looked for: name, time, footprint, grid.

Of a product's own metadata (SAFE), of STAC items, or of the list that BigEarthNet publishes
(``BigEarthNetTileInfo_v2.npy``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from lczlib.errors import InputError
from lczlib.limits import check_size
from lczlib.longitudes import unwrapped
from lczlib.reading import Reading, counted, tell
from lczlib.sentinel1.pickles import read_dictionary

if TYPE_CHECKING:
    import shapely

SIZE = 109_800.0
"""Edge of a Sentinel-2 tile, m."""
_MGRS = re.compile(r"_T(\d{2}[A-Z]{3})(?:_|$)")
_NAME = re.compile(r"S2[A-D]_MSI\w+_\d{8}T\d{6}_\w+")
_TALLEST = 30.0  # degrees of latitude
_JSON_FACTOR = 12  # memory that a byte of JSON takes
_WHAT = "list of tiles"


@dataclass(frozen=True)
class TileGrid:
    """Where a tile's pixels lie.

    Attributes
    ----------
    epsg : int
        UTM zone.
    left, top : float
        Its upper left corner, m.
    """

    epsg: int
    left: float
    top: float


@dataclass(frozen=True)
class Tile:
    """A Sentinel-2 tile of one acquisition.

    Attributes
    ----------
    name : str
        Of the product, without ``.SAFE``.
    mgrs : str
        ``33UUP``; empty where it is not known.
    time : datetime
        Of acquisition (UTC).
    footprint : Polygon or MultiPolygon
        Degrees.
    uuid : str
        Of BigEarthNet's list.
    grid : TileGrid or None
    """

    name: str
    mgrs: str
    time: dt.datetime
    footprint: shapely.Geometry = field(repr=False, hash=False, compare=False)
    uuid: str = ""
    grid: TileGrid | None = None

    def is_called(self, text: str) -> bool:
        """Whether that is its name, its place in MGRS, or its UUID."""
        called = text.removesuffix(".SAFE").upper()
        return called in (self.name.upper(), self.mgrs.upper(), self.uuid.upper(), f"T{self.mgrs}")


def read_tiles(paths: Sequence[str | Path], only: Sequence[str] = ()) -> list[Tile]:
    """The tiles of some files, in their order, each once.

    Parameters
    ----------
    paths : sequence of path
        SAFE products (folder or zip), JSON of STAC items or collections of them, ``.npy``.
    only : sequence of str
        Those that are wanted, as of `Tile.is_called`; all when none is.

    Raises
    ------
    InputError
        If a file is none of these or damaged, or none is called so.
    """
    found: dict[str, Tile] = {}
    for path in map(Path, paths):
        if path.suffix.lower() == ".npy":
            tiles = list(_published(path))
        elif path.suffix.lower() in (".json", ".geojson"):
            tiles = [_of_item(i, path) for i in read_items(path, _WHAT)]
        else:
            tiles = [_of_product(path)]
        days = sorted(f"{t.time:%Y-%m-%d}" for t in tiles)
        said = (
            counted(len(tiles), "tile"),
            f"acquired {' to '.join(dict.fromkeys((days[0], days[-1])))}",
        )
        tell(Reading(_WHAT, str(path), said, (), {"n": len(tiles)}))
        found |= {t.uuid or t.name: t for t in tiles}
    kept = [t for t in found.values() if not only or any(t.is_called(o) for o in only)]
    for wanted in only:
        if not any(t.is_called(wanted) for t in kept):
            known = ", ".join(sorted({t.mgrs or t.name for t in found.values()})[:8])
            msg = f"None of the {len(found)} tiles is called {wanted!r}: there are {known} ..."
            raise InputError(msg, parameter="only")
    return kept


def read_items(path: Path, what: str) -> list[dict[str, Any]]:
    """The STAC items of a JSON file: of one, of a list, or of a collection of features.

    Raises
    ------
    InputError
        If it holds none.
    """
    try:
        check_size(path.stat().st_size * _JSON_FACTOR, path, what, f"{path.stat().st_size:,} bytes")
        content = json.loads(path.read_bytes())
    except OSError as error:
        msg = f"The {what} {path} cannot be read ({error.strerror}): check its name and folder."
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"The {what} {path} is no JSON, or it is cut off: fetch it again."
        raise InputError(msg) from error
    if isinstance(content, Mapping):
        content = content.get("features", [content])
    whole = isinstance(content, list) and all(
        isinstance(i, dict) and isinstance(i.get("properties"), dict) and i.get("id")
        for i in content
    )
    if not whole or not content:
        msg = f"The {what} {path} holds no STAC items: give an item, or a collection of features that are items."
        raise InputError(msg)
    return list(content)


def ground_of(item: Mapping[str, Any], path: Path) -> shapely.Geometry:
    """The footprint of a STAC item.

    Raises
    ------
    InputError
        If it is no polygon.
    """
    import shapely

    try:
        shape = shapely.geometry.shape(item["geometry"])
    except Exception as error:  # shapely raises what it likes of what is no geometry
        msg = f"The item {item['id']} of {path} has no geometry that can be read: fetch it again."
        raise InputError(msg) from error
    return checked(shape, str(item["id"]), path)


def checked(shape: shapely.Geometry, name: str, path: Path) -> shapely.Geometry:
    """A footprint that has an area, made valid.

    Raises
    ------
    InputError
        If it has none, lies beyond the Earth, or is larger than any scene.
    """
    import shapely

    told = shapely.get_coordinates(shape)
    if (
        shape.geom_type not in ("Polygon", "MultiPolygon")
        or not shape.area > 0
        or not (np.isfinite(told).all() and np.abs(told[:, 0]).max() <= 540)
        or np.abs(told[:, 1]).max() > 90
        or np.ptp(told[:, 1]) > _TALLEST
    ):
        msg = (
            f"The footprint of {name} in {path} is no polygon in degrees of the size of a scene: fetch the file "
            "again."
        )
        raise InputError(msg)
    parts = [shapely.transform(p, _together) for p in shapely.get_parts(shapely.force_2d(shape))]
    whole = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return shapely.make_valid(whole, method="structure", keep_collapsed=False)  # polygons alone


def _together(xy: np.ndarray) -> np.ndarray:
    """A ring that crosses 180 degrees without a jump."""
    return np.column_stack([unwrapped(xy[:, 0], xy[0, 0]), xy[:, 1]])


def utc(text: object) -> dt.datetime:
    """A time, of UTC where it names no zone.

    Raises
    ------
    ValueError
        If it is none.
    """
    told = text if isinstance(text, dt.datetime) else dt.datetime.fromisoformat(str(text).strip())
    return told.replace(tzinfo=dt.UTC) if told.tzinfo is None else told.astimezone(dt.UTC)


def _mgrs(name: str) -> str:
    found = _MGRS.search(name)
    return found[1] if found else ""


def _published(path: Path) -> Iterator[Tile]:
    """The tiles of BigEarthNet's list."""
    import shapely

    content = read_dictionary(path, _WHAT)
    try:
        listed = [
            (str(m), str(u), told) for m, several in content["tile_info"].items() for u, told in several.items()
        ]  # fmt: skip
        for mgrs, uuid, told in listed:
            name = str(told["product_name"]).removesuffix(".SAFE")
            left, top = told["coordinate"][:2]
            yield Tile(
                name, mgrs, utc(told["acquisition_time"]),
                checked(shapely.from_wkt(told["footprint"]), name, path), uuid,
                TileGrid(int(told["EPSG"]), float(left), float(top)),
            )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        msg = f"The {_WHAT} {path} is not as BigEarthNet publishes it ({error}): fetch it again."
        raise InputError(msg) from error


def _of_item(item: dict[str, Any], path: Path) -> Tile:
    about = item["properties"]
    called = str(about.get("s2:product_uri") or item["id"]).removesuffix(".SAFE")
    told = about.get("datetime") or about.get("start_datetime")
    mgrs = str(about.get("s2:mgrs_tile") or about.get("grid:code") or "").removeprefix("MGRS-")
    try:
        time = utc(told)
    except ValueError as error:
        msg = f"The item {item['id']} of {path} states no time: fetch it again."
        raise InputError(msg) from error
    return Tile(
        called, mgrs or _mgrs(called), time, ground_of(item, path), "", _grid_of(about, item.get("assets") or {})
    )  # fmt: skip


def _grid_of(about: Mapping[str, Any], assets: Mapping[str, Any]) -> TileGrid | None:
    """By the projection extension, of the item or of one of its assets."""
    for own in (*assets.values(), {}):
        told = {**about, **own} if isinstance(own, Mapping) else about
        code = str(told.get("proj:code") or told.get("proj:epsg") or "").removeprefix("EPSG:")
        numbers, shape = told.get("proj:transform"), told.get("proj:shape")
        if not (code.isdecimal() and _are_numbers(numbers, 6) and numbers[0] > 0 > numbers[4]):
            continue
        if shape is None or (
            _are_numbers(shape, 2) and [n * numbers[0] for n in shape] == [SIZE, SIZE]
        ):  # else it is of a part of the tile
            return TileGrid(int(code), float(numbers[2]), float(numbers[5]))
    return None


def _are_numbers(values: object, at_least: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) >= at_least
        and all(isinstance(n, (int, float)) for n in values)
    )


def _of_product(path: Path) -> Tile:
    """A tile as its own product's metadata have it."""
    import shapely

    from lczlib.scenes.safe import read_metadata

    files = read_metadata(path)
    of_tile = next((c for n, c in files.items() if "MTD_TL" in n or "_L1C_TL_" in n), None)
    own = next((c for c in files.values() if c is not of_tile), None)
    if own is None:
        msg = f"The product {path} lacks its metadata (MTD_MSIL1C.xml or MTD_MSIL2A.xml): fetch it again."
        raise InputError(msg)
    try:
        tree = ElementTree.fromstring(own)
        told = {e.tag.rsplit("}", 1)[-1]: (e.text or "").strip() for e in tree.iter() if e.text}
        uri = next(k for k in ("PRODUCT_URI", "PRODUCT_URI_1C", "PRODUCT_URI_2A") if k in told)
        name = told[uri].removesuffix(".SAFE")
        numbers = [float(v) for v in told["EXT_POS_LIST"].split()]
        ring = shapely.Polygon(
            np.column_stack([numbers[1::2], numbers[::2]])
        )  # latitudes come first
        time = utc(told["PRODUCT_START_TIME"])
        grid = _grid_of_tile(of_tile) if of_tile else None
        return Tile(name, _mgrs(name), time, checked(ring, name, path), "", grid)
    except (ElementTree.ParseError, KeyError, TypeError, ValueError, StopIteration) as error:
        msg = f"The metadata of the product {path} cannot be read ({error}): fetch it again."
        raise InputError(msg) from error


def _grid_of_tile(content: bytes) -> TileGrid:
    tree = ElementTree.fromstring(content)
    code = next(e.text or "" for e in tree.iter("HORIZONTAL_CS_CODE"))
    place = next(e for e in tree.iter("Geoposition") if e.get("resolution") == "10")
    left, top = (float(place.findtext(k) or "") for k in ("ULX", "ULY"))
    return TileGrid(int(code.removeprefix("EPSG:")), left, top)
