"""The kinds of LCZ map: what each is called, and the names of its files.

A kind is a plain string in file names, manifests and addresses. Besides those of `Kind` there are
the seasons of a sensor (``s2_spring``) and the sensors of other networks (``landsat``).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from lczlib.texts import N_, text


class Kind(StrEnum):
    """The kinds that have a fixed name, in the order in which they are offered."""

    S1 = "s1", "Sentinel-1"
    S2 = "s2", "Sentinel-2"
    BOTH = "both", N_("S1 + S2 in one network")
    FUSED = "fused", N_("S1 + S2 fused")
    SECOND = "second", N_("Sentinel-2, second network")
    REFERENCE = "reference", N_("Reference")
    OWN = "own", N_("Uploaded map")
    GLOBAL = "global", N_("Global map")

    label: str
    """What people call it."""

    def __new__(cls, value: str, label: str) -> Kind:
        """A member that is its short name and knows its long one."""
        made = str.__new__(cls, value)
        made._value_, made.label = value, label
        return made


MADE = (Kind.S1, Kind.S2, Kind.BOTH, Kind.FUSED)
"""Those that networks make, the one to prefer last; that of a second network only stands beside them."""


class _Titles(dict[str, str]):
    """Names by kind; a season or another sensor is called by its own name."""

    def __missing__(self, kind: str) -> str:
        sensor, _, season = kind.partition("_")
        if season and sensor in self:
            return f"{self[sensor]}, {season}"
        return kind.replace("_", " ").capitalize()

    def get(self, kind: str, *_: object) -> str:
        """The same as by index: every kind has a title."""
        return self[kind]


TITLES = _Titles({kind: kind.label for kind in Kind})
"""What people call a map, by its kind: any kind has a title."""


def map_title(kind: str) -> str:
    """What a reader calls a map, in the reader's language; a season's by sensor and season."""
    sensor, _, season = kind.partition("_")
    if season and sensor in TITLES:
        return f"{text(TITLES[sensor])}, {text(season)}"
    return text(TITLES[kind])


def named_map(kind: str) -> str:
    """A map by its kind within a sentence: ``Sentinel-1 map``, ``Uploaded map``."""
    title = map_title(kind)
    return title if TITLES[kind].endswith("map") else text("{title} map").format(title=title)


def by_title(kinds: Iterable[str]) -> dict[str, str]:
    """Some kinds by their titles, in the order in which they are offered."""
    there = [*kinds]
    return {map_title(k): str(k) for k in (*TITLES, *there) if k in there}


def of_season(kind: str, season: str) -> str:
    """The kind of one season's map: ``s2_spring``."""
    return f"{kind}_{season}"


def lcz_file(kind: str) -> str:
    """Name of the file of classes of a kind of map."""
    return f"{kind}_lcz.tif"


def proba_file(kind: str) -> str:
    """Name of its file of class probabilities."""
    return f"{kind}_proba.tif"


def certainty_file(kind: str) -> str:
    """Name of its file of certainties."""
    return f"{kind}_certainty.tif"
