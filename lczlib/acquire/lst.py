"""Surface temperature of a STAC service: its scenes, and the passes they are of.

A pass is one crossing of one satellite: its scenes are one image of one time. Passes are never mixed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lczlib.acquire import providers
from lczlib.acquire.boxes import outline, size_km
from lczlib.acquire.lst_products import ECOSTRESS, LANDSAT, THERMOMETERS, Thermometer
from lczlib.acquire.passes import near
from lczlib.acquire.providers import ECOSTRESS_COLLECTIONS, PROVIDERS, Provider
from lczlib.acquire.scene import Scene
from lczlib.acquire.search import Catalogue, no_collection, reached, why_none
from lczlib.acquire.seasons import Period
from lczlib.errors import InputError
from lczlib.longitudes import Box, middle_of
from lczlib.reading import counted

if TYPE_CHECKING:
    pass

LEAST_COVERED = 0.01
"""Share of the box that a pass must cover to be worth its files."""
_KEYS = {
    "ST": ("lwir11", "lwir", "st_b10", "st_b6"), "QA_PIXEL": ("qa_pixel",), "ST_QA": ("qa", "st_qa"),
}  # fmt: skip
"""Keys of an item's assets in small letters, as services and the USGS name them."""
_NAME = re.compile(r"L[CETO](\d\d)_\w{4}_(\d{3})(\d{3})_\d{8}\w*?_(T1|T2|RT)")
_GRANULE = re.compile(r"ECOv\d+_L2T_LSTE_(\d+)_(\d+)_(\d\d[C-X][A-Z]{2})_(\d{8}T\d{6})_(\w+)")
_ONE_CROSSING = dt.timedelta(minutes=10)
_COMPRESSED = 0.6  # of the stored layers, about


@dataclass(frozen=True)
class LstScene(Scene):
    """A scene of Landsat's surface temperature.

    Attributes
    ----------
    item : dict
        The STAC item, as the service sent it.
    """

    @cached_property
    def assets(self) -> dict[str, Mapping[str, Any]] | None:
        """The assets of temperature, quality and uncertainty; None where one is missing."""
        there = self.item.get("assets") or {}
        named = {str(k).lower(): v for k, v in there.items() if isinstance(v, Mapping)}
        found = {b: next((named[k] for k in keys if k in named), None) for b, keys in _KEYS.items()}
        return None if None in found.values() else {b: a for b, a in found.items() if a}

    @property
    def lacking(self) -> str:
        """Why it cannot be used; empty where it can."""
        there = {str(k).lower() for k in self.item.get("assets") or {}}
        if not there & set(_KEYS["ST"]):
            return "no thermal band (ST_B10 or ST_B6): only its reflectance was processed"
        if self.assets is None:
            gone = [b for b, keys in _KEYS.items() if not there & set(keys)]
            return f"{' and '.join(gone)} is missing"
        if self.tier in ("T2", "RT"):
            return f"tier {self.tier}, whose position or calibration is not final"
        return ""

    @property
    def tier(self) -> str:
        """``T1``, ``T2`` or ``RT``; ``unknown`` where nothing tells."""
        stated = self.properties.get("landsat:collection_category")
        found = _NAME.search(self.id)
        return str(stated or (found[4] if found else "unknown"))

    @property
    def satellite(self) -> str:
        """``L8``; ``L`` where nothing tells which."""
        stated = re.search(r"(\d+)$", str(self.properties.get("platform", "")))
        found = _NAME.search(self.id)
        return f"L{int(stated[1] if stated else found[1])}" if stated or found else "L"

    @property
    def track(self) -> str:
        """Its path of the second World Reference System; empty where nothing tells."""
        stated = self.properties.get("landsat:wrs_path")
        found = _NAME.search(self.id)
        return f"P{int(stated):03d}" if stated else f"P{found[2]}" if found else ""

    @property
    def part(self) -> str:
        """Which part of a pass it is: the row of a Landsat scene, the tile of ECOSTRESS; else its name."""
        stated = self.properties.get("landsat:wrs_row")
        found = _NAME.search(self.id)
        return str(stated or (found[3] if found else self.id))


class EcostressScene(LstScene):
    """A tile of a scene of ECOSTRESS: its files are known by their names, since keys of assets differ by item."""

    @cached_property
    def assets(self) -> dict[str, Mapping[str, Any]] | None:
        """As of `LstScene`."""
        found: dict[str, Mapping[str, Any]] = {}
        for asset in (self.item.get("assets") or {}).values():
            href = str(asset.get("href", "")) if isinstance(asset, Mapping) else ""
            layer = next((b for b in ECOSTRESS.layers if href.endswith(f"_{b}.tif")), "")
            if layer and href.startswith("http"):
                found[layer] = asset
        return (
            {b: found[b] for b in ECOSTRESS.layers} if len(found) == len(ECOSTRESS.layers) else None
        )

    @cached_property
    def time(self) -> dt.datetime:
        """When it was taken (UTC): by its name, which says so to the second."""
        found = _GRANULE.search(self.id)
        if found is None:
            return super().time
        return dt.datetime.strptime(found[4], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)

    @property
    def lacking(self) -> str:
        """As of `LstScene`."""
        return "" if self.assets else "LST, its error or its cloud layer is missing"

    satellite = "ISS"

    @property
    def track(self) -> str:
        """Its orbit."""
        found = _GRANULE.search(self.id)
        return f"O{found[1]}" if found else ""

    @property
    def part(self) -> str:
        """As of `LstScene`."""
        return self.tile or self.id

    @property
    def tile(self) -> str:
        """Of the tiling grid of Sentinel-2."""
        found = _GRANULE.search(self.id)
        return found[3] if found else ""

    @property
    def epsg(self) -> int | None:
        """By its tile, where the item does not say."""
        if (said := super().epsg) is not None or not self.tile:
            return said
        return (32600 if self.tile[2] >= "N" else 32700) + int(self.tile[:2])


SCENES: Mapping[str, type[LstScene]] = {LANDSAT.name: LstScene, ECOSTRESS.name: EcostressScene}


@dataclass(frozen=True)
class LstPass:
    """The scenes of a pass that show a place.

    Attributes
    ----------
    product : str
        Key of `lczlib.acquire.lst_products.THERMOMETERS`.
    season : str
        Of the period it is of.
    date : date
        At the place, by the sun.
    scenes : tuple of LstScene
        In the order of time.
    covered : float
        Share of the box that their outlines hold.
    megabytes : float
        Of the files' parts over the box, about.
    """

    product: str
    season: str
    date: dt.date
    scenes: tuple[LstScene, ...]
    covered: float
    megabytes: float

    @property
    def thermometer(self) -> Thermometer:
        """The product."""
        return THERMOMETERS[self.product]

    @property
    def time(self) -> dt.datetime:
        """In the middle of its scenes (UTC)."""
        first, last = self.scenes[0].time, self.scenes[-1].time
        return first + (last - first) / 2

    @property
    def satellite(self) -> str:
        """``L8``, ``ISS``."""
        return self.scenes[0].satellite

    @property
    def name(self) -> str:
        """Of its files: day, hour, satellite, track."""
        track = self.scenes[0].track
        return "_".join(t for t in (f"lst_{self.time:%Y%m%dT%H%M}", self.satellite, track) if t)

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "product": self.product, "season": self.season, "date": self.date.isoformat(), "covered": self.covered,
            "megabytes": self.megabytes, "scenes": [s.kept() for s in self.scenes],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LstPass:
        """What `to_dict` gave."""
        scene = SCENES[values["product"]]
        return cls(
            values["product"], values["season"], dt.date.fromisoformat(values["date"]),
            tuple(scene(i) for i in values["scenes"]), values["covered"], values["megabytes"],
        )  # fmt: skip


def open_lst(
    product: Thermometer, provider: Provider, collection: str = ""
) -> tuple[Catalogue, str]:
    """Reach the collection of a product, of a provider or, of ECOSTRESS, in NASA's catalog; with its licence.

    Raises
    ------
    ServiceError
        If the service cannot be reached.
    InputError
        If it has no such collection.
    """
    if product is ECOSTRESS:
        service = Provider(
            providers.ECOSTRESS.name, providers.ECOSTRESS.title, providers.ECOSTRESS.search
        )
        client, there = reached(service)
        wanted = next((c for c in ECOSTRESS_COLLECTIONS if c in there), "")
        if not wanted:
            names = " or ".join(ECOSTRESS_COLLECTIONS)
            msg = f"{service.title} has no collection {names}: it may be called otherwise now."
            raise InputError(msg, parameter="thermal")
        return Catalogue(service, wanted, client), there[wanted]
    wanted = collection or provider.lst
    client, there = reached(provider)
    if wanted not in there:
        others = [n for n, p in PROVIDERS.items() if p.lst]
        what = "Landsat surface temperature"
        raise no_collection(provider, wanted, there, what, "landsat", others)
    return Catalogue(provider, wanted, client), there[wanted]


def find_lst(
    catalogue: Catalogue, product: Thermometer, box: Box, period: Period
) -> tuple[list[LstPass], dict[str, list[str]]]:
    """The passes over a box in a period, by time; and of each reason to leave scenes out their names.

    Raises
    ------
    InputError
        If there is none; it says which filter removed them all.
    ServiceError
        If the service fails.
    """
    day = dt.timedelta(days=1)  # services go by UTC, days by the sun
    wide = replace(period, start=period.start - day, end=period.end + day)
    found = [SCENES[product.name](s.item) for s in catalogue.scenes(box, wide)]
    within = [s for s in found if period.start <= s.local_day(box) <= period.end]
    if not within:
        raise InputError(why_none(catalogue, box, period))
    left: dict[str, list[str]] = defaultdict(list)
    for scene in within:
        if scene.lacking:
            left[scene.lacking].append(scene.id)
    usable = _newest(s for s in within if not s.lacking)
    passes = _passes(usable, product, box, period)
    kept = [p for p in passes if p.covered >= LEAST_COVERED]
    if not kept:
        said = [f"{counted(len(ids), 'scene')} ({some(ids)}), {why}" for why, ids in left.items()]
        why = "; ".join(said) or f"none covers {LEAST_COVERED:.0%} of the box"
        msg = f"{catalogue.provider.title} ({catalogue.collection}) has no pass that can be used in {period}: {why}."
        raise InputError(msg)
    return kept, dict(left)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of some names."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _newest(scenes: Iterable[LstScene]) -> list[LstScene]:
    """Without scenes that were processed again since, whose names end otherwise."""
    found: dict[tuple[str, str, dt.datetime, str], LstScene] = {}
    for scene in sorted(scenes, key=lambda s: s.id):
        found[scene.satellite, scene.track, scene.time, scene.part] = scene
    return sorted(found.values(), key=lambda s: (s.time, s.id))


def _passes(
    scenes: Iterable[LstScene], product: Thermometer, box: Box, period: Period
) -> list[LstPass]:
    """Scenes that meet a box by their passes, in the order of time."""
    import shapely

    middle, _ = middle_of(box)
    whole = near(outline(box), middle)
    crossings: dict[tuple[str, str], list[list[LstScene]]] = defaultdict(list)
    for scene in scenes:
        if not near(scene.ground, middle).intersects(whole):
            continue
        track = crossings[scene.satellite, scene.track]
        if track and scene.time - track[-1][-1].time < _ONE_CROSSING:
            track[-1].append(scene)
        else:
            track.append([scene])
    found = []
    for one in (c for track in crossings.values() for c in track):
        ground = shapely.union_all([near(s.ground, middle) for s in one])
        covered = ground.intersection(whole).area / whole.area
        found.append(
            LstPass(
                product.name, period.name, one[0].local_day(box), tuple(one), covered,
                covered * _stored(product, box),
            )
        )  # fmt: skip
    return sorted(found, key=lambda p: (p.time, p.name))


def _stored(product: Thermometer, box: Box) -> float:
    """Megabytes of a product's layers over a box, about."""
    width, height = size_km(box)
    edge, size = (0.03, 6) if product is LANDSAT else (0.07, 9)
    return width * height / edge**2 * size * _COMPRESSED / 1e6
