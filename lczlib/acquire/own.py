"""A user's own folders of city scenes, as a static STAC catalog on this machine.

``lcz get`` adds what it makes; other folders in So2Sat's layout are added by hand. ``LCZLIB_CATALOG``
names the catalog's folder (default: the user's data folder of the platform). It holds an item a city,
with where its folder lies; the rasters stay there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lczlib.acquire.boxes import outline
from lczlib.errors import InputError
from lczlib.export.files import write_json, writing
from lczlib.longitudes import Box, box_of, outline_of
from lczlib.rasters import open_raster
from lczlib.scenes.so2sat import find_cities

_RASTERS = (".tif", ".tiff")
_PATIENCE = 30.0  # seconds for another process to finish its entry
_INSIDE = ("Sentinel-2", "Sentinel-1", "Reference")
_MONTH = re.compile(r"(\d{4})(\d{2})$")


@dataclass(frozen=True)
class OwnCity:
    """A city of which the user has scenes.

    Attributes
    ----------
    city : str
        Its folder's name, ``22007_22007_Lagos``.
    folder : Path
        So2Sat folder that holds it.
    box : tuple of float
        West, south, east, north in degrees of its scenes.
    seasons : tuple of str
        Of Sentinel-2.
    radar : bool
        Whether there is Sentinel-1.
    licence : str
        As its ``item.json`` says; ``other`` where that is not there.
    there : bool
        Whether the folder is there now, and not on a disk that is away.
    """

    city: str
    folder: Path
    box: Box
    seasons: tuple[str, ...]
    radar: bool
    licence: str
    there: bool

    @property
    def name(self) -> str:
        """``Lagos`` of ``22007_22007_Lagos``."""
        return self.city.split("_", 2)[-1]


def own_catalog() -> Path:
    """The folder of the catalog, whether it is there or not."""
    if chosen := os.environ.get("LCZLIB_CATALOG"):
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_data_path("lczlib") / "catalog"


def own_cities() -> list[OwnCity]:
    """All cities of the catalog, by name; those whose folder is away too."""
    found = []
    for path in sorted(own_catalog().glob("*/*.json")):
        try:
            item = json.loads(path.read_text())
            found.append(_city_of(item))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another program's, or one that is being removed
    return sorted(found, key=lambda c: (c.name, str(c.folder)))


def add_folder(folder: str | Path) -> list[OwnCity]:
    """Put the cities of a So2Sat folder into the catalog, in place of what it has of that folder.

    Raises
    ------
    InputError
        If it is no such folder, holds no raster, or the catalog cannot be written.
    """
    folder = Path(folder).resolve()
    items = [i for i in (_item(folder, city) for city in find_cities(folder)) if i]
    if not items:
        msg = f"{folder} holds no GeoTIFF of a city below Sentinel-2 or Sentinel-1: there is nothing to list."
        raise InputError(msg)
    with _held() as catalog:
        _remove(catalog, folder)
        for item in items:
            write_json(catalog / item["id"] / f"{item['id']}.json", item)
        _write_root(catalog)
    return [_city_of(i) for i in items]


def forget_folder(folder: str | Path) -> int:
    """Take the cities of a folder out of the catalog; the folder itself stays. Returns how many.

    Raises
    ------
    InputError
        If the catalog has none of it.
    """
    folder = Path(folder).resolve()
    with _held() as catalog:
        n = _remove(catalog, folder)
        if not n:
            known = ", ".join(dict.fromkeys(str(c.folder) for c in own_cities())) or "none"
            msg = f"{folder} is none of the folders that are listed: {known}."
            raise InputError(msg)
        _write_root(catalog)
    return n


@contextmanager
def _held() -> Iterator[Path]:
    """The catalog's folder, held against other processes."""
    from filelock import FileLock, Timeout

    catalog = own_catalog()
    with writing(catalog):
        catalog.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(catalog / ".lock", timeout=_PATIENCE):
                yield catalog
        except Timeout as error:
            msg = f"Another program holds the list of own folders ({catalog}): try again."
            raise InputError(msg) from error


def _remove(catalog: Path, folder: Path) -> int:
    n = 0
    for path in catalog.glob("*/*.json"):
        try:
            lies_in = json.loads(path.read_text())["properties"]["lczlib:folder"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if lies_in == str(folder):
            shutil.rmtree(path.parent)
            n += 1
    return n


def _write_root(catalog: Path) -> None:
    links: list[dict[str, Any]] = [
        {"rel": "root", "href": "./catalog.json", "type": "application/json"}
    ]
    for path in sorted(catalog.glob("*/*.json")):
        href = f"./{path.relative_to(catalog).as_posix()}"
        links.append({"rel": "item", "href": href, "type": "application/geo+json"})
    root = {
        "type": "Catalog", "id": "lczlib-own", "stac_version": "1.1.0", "title": "Own city scenes",
        "description": "City scenes in folders of this machine, which lczlib lists.", "links": links,
    }  # fmt: skip
    write_json(catalog / "catalog.json", root)


def _item(folder: Path, city: str) -> dict[str, Any] | None:
    """The STAC item of a city; None where it has no raster."""
    rasters = _rasters(folder, city)
    scenes = [p for p in rasters if _kind(p, folder) != "reference"]
    if not scenes:
        return None
    box = _box(scenes[0])
    own = _own_item(folder, city)
    said = own.get("properties", {})
    name = f"{city}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    geometry = outline(box).__geo_interface__
    start, end = _period(said, scenes)
    links = [
        {"rel": "root", "href": "../catalog.json", "type": "application/json"},
        {"rel": "parent", "href": "../catalog.json", "type": "application/json"},
    ]
    if own:
        via = (folder / "item.json").as_uri()
        links.append({"rel": "via", "href": via, "type": "application/geo+json"})
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
        "geometry": json.loads(json.dumps(geometry)), "bbox": list(box),
        "properties": {
            "title": said.get("title") or f"Scenes of {city}", "datetime": None, "start_datetime": start,
            "end_datetime": end, "license": said.get("license", "other"),
            **({"attribution": said["attribution"]} if "attribution" in said else {}),
            "lczlib:folder": str(folder), "lczlib:city": city,
            "lczlib:seasons": sorted({p.parent.name for p in scenes if _kind(p, folder) == "sentinel-2"}),
            "lczlib:radar": any(_kind(p, folder) == "sentinel-1" for p in scenes),
        },
        "links": links,
        "assets": {
            p.relative_to(folder).as_posix(): {
                "href": p.as_uri(), "type": "image/tiff; application=geotiff",
                "roles": ["data" if p in scenes else "reference"],
            }
            for p in rasters
        },
    }  # fmt: skip


def _rasters(folder: Path, city: str) -> list[Path]:
    """The rasters of a city: of each season, each month of Sentinel-1, and what it is compared with."""
    below = [p for p in folder.iterdir() if p.name.lower() in {n.lower() for n in _INSIDE}]
    files = [f for p in below for f in (p / city).rglob("*") if f.suffix.lower() in _RASTERS]
    inside = (f.relative_to(folder).parts for f in files)
    return sorted(
        f
        for f, parts in zip(files, inside, strict=True)
        if not any(p.startswith((".", "@", "_")) for p in parts)
    )


def _kind(raster: Path, folder: Path) -> str:
    """``sentinel-2``, ``sentinel-1`` or ``reference``."""
    return raster.relative_to(folder).parts[0].lower()


def _box(raster: Path) -> Box:
    from lczlib.grid import geobox_of

    grid = geobox_of(open_raster(raster, chunks={}), str(raster))
    return box_of(*outline_of(grid))


def _own_item(folder: Path, city: str) -> dict[str, Any]:
    """What ``lcz get`` wrote of the city, where the folder is of it."""
    try:
        item = json.loads((folder / "item.json").read_text())
    except (OSError, ValueError):
        return {}
    return item if isinstance(item, dict) and item.get("id") == city else {}


def _period(said: dict[str, Any], scenes: list[Path]) -> tuple[str, str]:
    """First and last moment of the scenes; the whole time of Sentinel-2 where nothing tells it."""
    if said.get("start_datetime") and said.get("end_datetime"):
        return said["start_datetime"], said["end_datetime"]
    months = [m[0] for p in scenes for part in p.parts if (m := _MONTH.fullmatch(part))]
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = (
        f"{min(months)[:4]}-{min(months)[4:]}-01T00:00:00Z" if months else "2015-06-23T00:00:00Z"
    )
    return first, now


def _city_of(item: dict[str, Any]) -> OwnCity:
    said = item["properties"]
    folder, city = Path(said["lczlib:folder"]), said["lczlib:city"]
    west, south, east, north = item["bbox"]
    there = any((folder / n / city).is_dir() for n in _INSIDE)
    return OwnCity(
        city, folder, (west, south, east, north), tuple(said["lczlib:seasons"]), said["lczlib:radar"],
        said["license"], there,
    )  # fmt: skip
