"""One Sentinel-2 scene of a STAC service: its item, with what composites need to know of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lczlib.acquire.boxes import outline
from lczlib.acquire.layouts import SCL, bands_of, layout_of
from lczlib.longitudes import Box, middle_of

if TYPE_CHECKING:
    import shapely

_BASELINE = re.compile(r"N?0?(\d{1,2})\.?(\d\d)")
_IN_ID = re.compile(r"_N(\d\d)(\d\d)_")
_ZONE = re.compile(r"(?:MGRS-|T)?(\d{1,2}[C-X][A-Z]{2})\b", re.I)
_SAME_PASS = dt.timedelta(minutes=5)
_KEPT = ("href", "raster:bands")


@dataclass(frozen=True)
class Scene:
    """A scene.

    Attributes
    ----------
    item : dict
        The STAC item, as the service sent it.
    """

    item: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Of the item."""
        return str(self.item["id"])

    @property
    def collection(self) -> str:
        """That the item is of."""
        return str(self.item.get("collection", ""))

    @property
    def properties(self) -> Mapping[str, Any]:
        """Of the item."""
        return self.item.get("properties", {})

    @cached_property
    def time(self) -> dt.datetime:
        """When it was taken (UTC)."""
        text = self.properties.get("datetime") or self.properties.get("start_datetime") or ""
        found = dt.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)

    @property
    def epsg(self) -> int | None:
        """EPSG code of its pixels; services write it in two ways."""
        code = self.properties.get("proj:code") or self.properties.get("proj:epsg")
        digits = re.search(r"(\d+)$", str(code or ""))
        return int(digits[1]) if digits else None

    @property
    def tile(self) -> str:
        """Of the Sentinel-2 tiling grid (``33UUU``); empty where nothing says so."""
        named = self.properties.get("s2:mgrs_tile") or self.properties.get("grid:code") or ""
        found = _ZONE.search(str(named)) or re.search(r"_T(\d\d[C-X][A-Z]{2})(?:_|$)", self.id)
        return found[1].upper() if found else ""

    @cached_property
    def baseline(self) -> float | None:
        """Processing baseline (5.11); None where nothing says so."""
        for key in ("s2:processing_baseline", "processing:version"):
            found = _BASELINE.fullmatch(str(self.properties.get(key, "")).strip())
            if found:
                return float(f"{found[1]}.{found[2]}")
        names = (self.id, *map(str, (self.properties.get("s2:product_uri", ""),)))
        found = next((m for m in map(_IN_ID.search, names) if m), None)
        return float(f"{found[1]}.{found[2]}") if found else None

    @cached_property
    def assets(self) -> dict[str, Mapping[str, Any]] | None:
        """The assets of the ten bands and of the scene classification; None where some are missing."""
        there = {k: v for k, v in (self.item.get("assets") or {}).items() if isinstance(v, Mapping)}
        layout = layout_of(there)
        return None if layout is None else {band: there[key] for band, key in layout.items()}

    @property
    def link(self) -> str:
        """Where the service gives this item anew; empty where it does not say."""
        links = self.item.get("links", ())
        return next((str(k["href"]) for k in links if k.get("rel") == "self"), "")

    @property
    def ground(self) -> shapely.Geometry:
        """What it shows, about; degrees."""
        import shapely.geometry

        shape = self.item.get("geometry")
        return shapely.geometry.shape(shape) if shape else outline(tuple(self.item["bbox"]))

    def kept(self) -> dict[str, Any]:
        """What is kept of its item for a run of passes that is taken up."""
        own = {id(a): k for k, a in (self.item.get("assets") or {}).items()}
        assets = {
            own[id(a)]: {k: v for k, v in a.items() if k in _KEPT} for a in (self.assets or {}).values()
        }  # fmt: skip
        links = [k for k in self.item.get("links", ()) if k.get("rel") == "self"]
        return {
            "id": self.id, "collection": self.collection, "properties": dict(self.properties),
            "bbox": self.item.get("bbox"), "links": links, "assets": assets,
        }  # fmt: skip

    def local_day(self, box: Box) -> dt.date:
        """The day at a place by the sun: tiles of one pass share it, also where UTC turns midnight."""
        return (self.time + dt.timedelta(hours=middle_of(box)[0] / 15)).date()


def with_classification(top: Iterable[Scene], surface: Iterable[Scene]) -> list[Scene]:
    """Scenes of top-of-atmosphere reflectance, each with the classification of the same tile and pass.

    Products of L1C have none of their own; those without a partner are left out.

    Parameters
    ----------
    top : iterable of Scene
        L1C.
    surface : iterable of Scene
        L2A.
    """
    known = newest_versions(surface)
    found = []
    for scene in newest_versions(top):
        there = scene.item.get("assets", {})
        keys = bands_of(there)
        partners = [
            s for s in known
            if s.tile == scene.tile and abs(s.time - scene.time) < _SAME_PASS and s.assets is not None
        ]  # fmt: skip
        if keys is None or not partners:
            continue
        partner = min(partners, key=lambda s: abs(s.time - scene.time))
        assets = {band: there[key] for band, key in keys.items()}
        item = {**scene.item, "assets": {**assets, SCL: partner.assets[SCL]}}
        found.append(Scene(item))
    return found


def newest_versions(scenes: Iterable[Scene]) -> list[Scene]:
    """Without scenes that were processed again since; parts of one tile and pass all stay.

    A tile that two data strips share comes as two items of one baseline; processed again it has another
    baseline. The offset differs between those, and their pixels hardly.
    """
    ordered = sorted(scenes, key=lambda s: (s.tile, s.time, s.id))
    passes: list[list[Scene]] = []
    for scene in ordered:
        last = passes[-1][-1] if passes else None
        together = last is not None and scene.tile and scene.tile == last.tile
        if together and scene.time - last.time < _SAME_PASS:
            passes[-1].append(scene)
        else:
            passes.append([scene])
    kept = []
    for group in passes:
        newest = max(s.baseline or 0.0 for s in group)
        kept += [s for s in group if (s.baseline or 0.0) == newest]
    return sorted(kept, key=lambda s: (s.time, s.id))
