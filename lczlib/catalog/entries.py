"""The data catalog: a static STAC catalog, the one table the downloader and the registry read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.errors import CatalogError

if TYPE_CHECKING:
    import pystac

_MULTIHASH_SHA256 = (
    "1220"  # the multihash prefix of a SHA-256 digest, as the file extension writes it
)


@dataclass(frozen=True)
class Entry:
    """One downloadable thing.

    Attributes
    ----------
    name : str
        STAC item id.
    collection : str
        ``weights``, ``scenes``, ``lcz_maps``, ``cities`` or ``geoids``.
    title, description : str
        For people.
    url : str
        Address, pinned to a commit or release.
    sha256 : str
        Hash of the file.
    size : int
        Bytes.
    filename : str
        Name in the cache and in a mirror folder.
    licence, citation : str
        SPDX identifier, or ``other`` where the authors state none; how to cite.
    bands : tuple of dict
        STAC bands of the file: name, unit, statistics.
    properties : dict
        All STAC properties (``mlm:*`` of weights).
    """

    name: str
    collection: str
    title: str
    description: str
    url: str
    sha256: str
    size: int
    filename: str
    licence: str
    citation: str
    bands: tuple[dict[str, Any], ...] = field(repr=False, hash=False)
    properties: dict[str, Any] = field(repr=False, hash=False)


@dataclass(frozen=True)
class Link:
    """Data that the catalog only links to: too large to fetch whole, or others' to give.

    Attributes
    ----------
    name, collection, title, description : str
        As of `Entry`.
    addresses : tuple of str
        Pages or files, the first one first to be tried.
    box : tuple of float
        West, south, east, north in degrees of where it lies.
    year : int
        That it describes, or its last.
    licence, citation : str
        As of `Entry`.
    """

    name: str
    collection: str
    title: str
    description: str
    addresses: tuple[str, ...]
    box: tuple[float, float, float, float]
    year: int
    licence: str
    citation: str


def catalog_folder() -> Path:
    """Where the catalog's JSON files lie: in the installed package, or in the source tree."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "data_catalog", package.parent / "data_catalog"):
        if (folder / "catalog.json").is_file():
            return folder
    msg = "The data catalog is missing from this installation: reinstall lczlib."
    raise CatalogError(msg)


def _items() -> list[pystac.Item]:
    import pystac  # takes a third of a second: only where the catalog is read

    root = pystac.Catalog.from_file(str(catalog_folder() / "catalog.json"))
    return list(root.get_items(recursive=True))


def _fetched(item: pystac.Item) -> bool:
    """Whether the file of an item is fetched, and not only linked to: it has a checksum then."""
    return all("file:checksum" in a.extra_fields for a in item.assets.values())


def _box(item: pystac.Item) -> tuple[float, float, float, float]:
    west, south, east, north = item.bbox or [float("nan")] * 4
    return west, south, east, north


@cache
def entries() -> dict[str, Entry]:
    """All entries of the catalog that can be fetched, by name."""
    found = {}
    for item in filter(_fetched, _items()):
        (asset,) = item.assets.values()
        found[item.id] = Entry(
            name=item.id,
            collection=item.collection_id or "",
            title=item.properties["title"],
            description=item.properties["description"],
            url=asset.href,
            sha256=asset.extra_fields["file:checksum"].removeprefix(_MULTIHASH_SHA256),
            size=asset.extra_fields["file:size"],
            filename=asset.extra_fields["file:local_path"],
            licence=item.properties["license"],
            citation=item.properties["sci:citation"],
            bands=tuple(asset.extra_fields.get("bands", ())),
            properties=item.properties,
        )
    return found


@cache
def links() -> dict[str, Link]:
    """All data that the catalog only links to, by name."""
    return {
        item.id: Link(
            name=item.id,
            collection=item.collection_id or "",
            title=item.properties["title"],
            description=item.properties["description"],
            addresses=tuple(a.href for a in item.assets.values()),
            box=_box(item),
            year=int(item.properties["end_datetime"][:4]),
            licence=item.properties["license"],
            citation=" doi ".join(
                item.properties[k] for k in ("sci:citation", "sci:doi") if k in item.properties
            ),
        )
        for item in _items()
        if not _fetched(item)
    }


def entry(name: str, collection: str | None = None) -> Entry:
    """The entry of a name.

    Raises
    ------
    CatalogError
        If there is none; the message lists those there are.
    """
    known = {n: e for n, e in entries().items() if collection in (None, e.collection)}
    if name in links():
        link = links()[name]
        terms = "its licence is not stated here" if link.licence == "other" else link.licence
        msg = f"{name} is only linked to ({terms}): get it yourself from {' or '.join(link.addresses)}."
        raise CatalogError(msg)
    if name not in known:
        msg = f"{name!r} is not in the data catalog: use one of {', '.join(sorted(known))}."
        raise CatalogError(msg)
    return known[name]
