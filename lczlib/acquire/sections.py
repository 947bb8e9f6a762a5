"""What ``item.json`` of a place tells of temperatures, each kind a section that later runs of others keep."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

from lczlib.acquire.boxes import outline
from lczlib.acquire.folder import SECTIONS, item_of
from lczlib.acquire.places import Place
from lczlib.errors import InputError
from lczlib.export.files import write_json, writing

_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".csv": "text/csv",
    ".gpkg": "application/geopackage+sqlite3",
}  # fmt: skip


def check_section(
    folder: Path, place: Place, section: str, files: Collection[str], what: str
) -> None:
    """Refuse a folder in which files of another place or run would be left beside new ones.

    Parameters
    ----------
    folder : Path
        Of the result.
    place : Place
        Of the new files.
    section : str
        One of `lczlib.acquire.folder.SECTIONS`.
    files : collection of str
        The new ones, relative to the folder.
    what : str
        What the section holds, in words.

    Raises
    ------
    InputError
        If there are such files.
    """
    before = item_of(folder)
    if before and before["id"] != place.folder_name:
        msg = f"{folder} holds data of {before['id']}, not of {place.label}: give each place a folder of its own."
        raise InputError(msg)
    there = before.get("properties", {}).get(section, {})
    others = [f for f in there.get("files", ()) if f not in files]
    if others:
        msg = (
            f"{folder} holds {what} of {place.label} from another run ({others[0]}), which would stay beside the "
            "new ones: choose another folder, or remove them."
        )
        raise InputError(msg)


def remove_others(folder: Path, place: Place, section: str, files: Collection[str]) -> None:
    """Remove what an earlier run wrote of a section and the new one has not, such as a median by night."""
    before = item_of(folder)
    if before.get("id") == place.folder_name:
        for file in before["properties"].get(section, {}).get("files", ()):
            if file not in files and Path(file).name == file:  # what the item names lies beside it
                with writing(folder / file):
                    (folder / file).unlink(missing_ok=True)


def write_section(folder: Path, place: Place, section: str, told: Mapping[str, Any]) -> Path:
    """Write a section of ``item.json``, beside what that tells of all else.

    Parameters
    ----------
    folder, place
        As of `check_section`.
    section : str
        One of `lczlib.acquire.folder.SECTIONS`.
    told : mapping
        With ``title``, ``files`` (relative to the folder), ``start_datetime``, ``end_datetime``, ``license``,
        ``attribution``, ``terms``.
    """
    assert section in SECTIONS
    before = item_of(folder)
    if before.get("id") == place.folder_name:
        properties, assets = dict(before["properties"]), dict(before["assets"])
        gone = properties.get(section, {}).get("files", ())
        assets = {n: a for n, a in assets.items() if a["href"].removeprefix("./") not in gone}
    else:
        shown = ("title", "start_datetime", "end_datetime", "license", "attribution", "terms")
        properties = {"datetime": None, **{k: told[k] for k in shown}, "place_source": place.source}
        assets = {}
    properties[section] = dict(told)
    for file in told["files"]:
        path = Path(file)
        assets[path.stem] = {
            "href": f"./{path.as_posix()}", "title": f"{told['title']}: {path.name}", "roles": ["data"],
            "type": _TYPES[path.suffix],
        }  # fmt: skip
    item = {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": before.get("stac_extensions", []),
        "id": place.folder_name, "bbox": list(place.box), "geometry": mapping(outline(place.box)),
        "properties": properties, "links": [], "assets": assets,
    }  # fmt: skip
    return write_json(folder / "item.json", item)
