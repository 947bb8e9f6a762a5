"""Radiometrically terrain-corrected Sentinel-1 (RTC) of a STAC service: its scenes, and the passes they are of.

A pass is one crossing of a satellite: one relative orbit, one direction, one day. Its slices are one
image; passes are never mixed, since each looks from another side and at another angle.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lczlib.acquire.boxes import outline, size_km
from lczlib.acquire.passes import near
from lczlib.acquire.providers import PROVIDERS, Provider
from lczlib.acquire.rtc_folder import BANDS
from lczlib.acquire.scene import Scene
from lczlib.acquire.search import Catalogue, no_collection, reached, why_none
from lczlib.acquire.seasons import Period
from lczlib.errors import InputError
from lczlib.longitudes import Box, middle_of
from lczlib.reading import counted
from lczlib.sentinel1.product import relative_orbit
from lczlib.terms import option

if TYPE_CHECKING:
    pass

DIRECTIONS = ("ascending", "descending")
LEAST_COVERED = 0.01
"""Share of the box that a pass must cover to be worth its files."""
_NO_BANDS, _NO_DIRECTION = "VV or VH is missing", "no direction is stated"
_NARROW = f"less than {LEAST_COVERED:.0%} of the box"
_MISSION = re.compile(r"(S1[A-D])_|SENTINEL-?1?_?([A-D])", re.I)
_ORBIT = re.compile(r"_(\d{6})_[0-9A-F]{6}(?:_|$)")
_ONE_CROSSING = dt.timedelta(minutes=10)
"""Between slices of a pass; the next pass of a satellite is 98 minutes later."""
_BYTES_A_PIXEL = 2 * 4
_COMPRESSED = 0.85  # of that, what speckle takes compressed without loss


@dataclass(frozen=True)
class RtcScene(Scene):
    """A scene of VV and VH in linear gamma nought.

    Attributes
    ----------
    item : dict
        The STAC item, as the service sent it.
    """

    @cached_property
    def assets(self) -> dict[str, Mapping[str, Any]] | None:
        """The assets of VV and VH; None where one is missing."""
        there = self.item.get("assets") or {}
        named = {str(k).upper(): v for k, v in there.items() if isinstance(v, Mapping)}
        return {b: named[b] for b in BANDS} if all(b in named for b in BANDS) else None

    @property
    def direction(self) -> str:
        """``ascending`` or ``descending``; empty where the item does not say."""
        said = str(self.properties.get("sat:orbit_state", "")).lower()
        return said if said in DIRECTIONS else ""

    @property
    def mission(self) -> str:
        """``S1A`` ...; empty where nothing says so."""
        found = _MISSION.match(str(self.properties.get("platform", ""))) or _MISSION.match(self.id)
        return f"S1{(found[1] or found[2])[-1].upper()}" if found else ""

    @property
    def relative_orbit(self) -> int | None:
        """The track, 1 to 175: as stated, else by the orbit in its name; None where neither tells."""
        said = self.properties.get("sat:relative_orbit")
        if said is not None:
            return int(said)
        absolute = self.properties.get("sat:absolute_orbit")
        if absolute is None and (found := _ORBIT.search(self.id)):
            absolute = found[1]
        return None if absolute is None else relative_orbit(self.mission, int(absolute))


@dataclass(frozen=True)
class RtcPass:
    """The scenes of a pass that show a place.

    Attributes
    ----------
    date : date
        Of its first scene in UTC, as products are named.
    scenes : tuple of RtcScene
        In the order of time.
    covered : float
        Share of the box that their outlines hold.
    megabytes : float
        Of the files' parts over the box, about.
    """

    date: dt.date
    scenes: tuple[RtcScene, ...]
    covered: float
    megabytes: float

    @property
    def direction(self) -> str:
        """``ascending`` or ``descending``."""
        return self.scenes[0].direction

    @property
    def relative_orbit(self) -> int | None:
        """The track; None where it is not known."""
        return self.scenes[0].relative_orbit

    @property
    def time(self) -> dt.datetime:
        """When its first scene was taken (UTC)."""
        return self.scenes[0].time

    @property
    def name(self) -> str:
        """Of its file: day, satellite and track, or the time where that is not known."""
        track = self.relative_orbit
        last = f"{self.time:%H%M}" if track is None else f"T{track:03d}"
        return f"rtc_{self.date:%Y%m%d}_{self.scenes[0].mission or 'S1'}_{last}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "date": self.date.isoformat(), "covered": self.covered, "megabytes": self.megabytes,
            "scenes": [s.kept() for s in self.scenes],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RtcPass:
        """What `to_dict` gave."""
        scenes = tuple(RtcScene(i) for i in values["scenes"])
        return cls(
            dt.date.fromisoformat(values["date"]), scenes, values["covered"], values["megabytes"]
        )


def open_rtc(provider: Provider, collection: str = "") -> tuple[Catalogue, str]:
    """Reach a service's collection of RTC scenes; with its licence, as the service states it.

    Raises
    ------
    ServiceError
        If the service cannot be reached.
    InputError
        If it has no such collection.
    """
    wanted = collection or provider.rtc
    client, there = reached(provider)
    if wanted not in there:
        others = [n for n, p in PROVIDERS.items() if p.rtc]
        raise no_collection(provider, wanted, there, "Sentinel-1 RTC", "sentinel-1", others)
    return Catalogue(provider, wanted, client), there[wanted]


def find_passes(
    catalogue: Catalogue, box: Box, period: Period, direction: str = "any"
) -> tuple[list[RtcPass], Counter[str]]:
    """The passes over a box in a period, by time; and why others were left out, how often (see `left_words`).

    Raises
    ------
    InputError
        If there is none; it says which filter removed them all.
    ServiceError
        If the service fails.
    """
    day = dt.timedelta(days=1)  # slices of a pass may lie on both sides of midnight
    wide = replace(period, start=period.start - day, end=period.end + day)
    scenes = [RtcScene(s.item) for s in catalogue.scenes(box, wide)]
    within = [s for s in scenes if period.start <= s.time.date() <= period.end]
    if not within:
        raise InputError(why_none(catalogue, box, period))
    lacking = Counter(why for s in within if (why := _unusable(s)))
    usable = passes_of([s for s in scenes if not _unusable(s)], box)
    found = [p for p in usable if period.start <= p.date <= period.end]
    if not found:
        said = [f"{n}, {why}" for why, n in left_words(lacking).items()]
        why = "; ".join(said) or "outlines of scenes do not meet the box"
        msg = f"{catalogue.provider.title} ({catalogue.collection}) has no pass that can be used in {period}: {why}."
        raise InputError(msg)
    going = [p for p in found if direction in ("any", p.direction)]
    if not going:
        msg = (
            f"All {counted(len(found), 'pass', 'passes')} over the box in {period} are {found[0].direction} "
            f"({option('direction', 'any')})."
        )
        raise InputError(msg, parameter="direction")
    kept = [p for p in going if p.covered >= LEAST_COVERED]
    if not kept:
        msg = f"No pass of {period} covers {LEAST_COVERED:.0%} of the box: take a longer period."
        raise InputError(msg)
    if len(kept) < len(going):
        lacking[_NARROW] = len(going) - len(kept)
    return kept, lacking


def left_words(left: Mapping[str, int]) -> dict[str, str]:
    """Of each reason that `find_passes` gave, how much was left out, in words."""
    return {
        why: counted(n, "pass", "passes") if why == _NARROW else counted(n, "scene")
        for why, n in left.items()
    }


def _unusable(scene: RtcScene) -> str:
    if scene.assets is None:
        return _NO_BANDS
    if not scene.direction:
        return _NO_DIRECTION
    return ""


def passes_of(scenes: Iterable[RtcScene], box: Box) -> list[RtcPass]:
    """Scenes that meet a box by their passes, in the order of time."""
    import shapely

    middle, _ = middle_of(box)
    whole = near(outline(box), middle)
    by_track: dict[tuple[str, str, int | None], list[RtcScene]] = defaultdict(list)
    for scene in sorted(scenes, key=lambda s: (s.time, s.id)):
        if near(scene.ground, middle).intersects(whole):
            by_track[scene.mission, scene.direction, scene.relative_orbit].append(scene)
    found = []
    for track in by_track.values():
        for one in _crossings(track):
            ground = shapely.union_all([near(s.ground, middle) for s in one])
            covered = ground.intersection(whole).area / whole.area
            size = covered * _pixels(box) * _BYTES_A_PIXEL * _COMPRESSED / 1e6
            found.append(RtcPass(one[0].time.date(), tuple(one), covered, size))
    return sorted(found, key=lambda p: (p.time, p.name))


def _crossings(scenes: Sequence[RtcScene]) -> list[list[RtcScene]]:
    """Scenes of a track, by time, apart where a crossing ends."""
    found = [[scenes[0]]]
    for scene in scenes[1:]:
        if scene.time - found[-1][-1].time < _ONE_CROSSING:
            found[-1].append(scene)
        else:
            found.append([scene])
    return found


def _pixels(box: Box) -> float:
    width, height = size_km(box)
    return width * height * 1e4
