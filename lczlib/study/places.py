"""What can be studied: the demo city, folders of city scenes, scenes of the catalog, own files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lczlib import catalog
from lczlib.acquire import places as listed
from lczlib.acquire.own import own_cities
from lczlib.acquire.places import so2sat_list_is_here
from lczlib.catalog.gazetteer import plain
from lczlib.errors import InputError
from lczlib.longitudes import Box, middle_of
from lczlib.scenes.so2sat import find_cities
from lczlib.study.store import waited_for
from lczlib.texts import N_, text, texts

DEMO = "demo"
DEMO_SIZE_KM, DEMO_SEED = 8.0, 1
OWN = "own"
FETCHED = "got"
FETCHED_FOLDER, ASKED = "got-", "asked.json"
"""How the folders of fetched imagery are called in the store, and the file that says what was asked for."""
_DEMO_FOLDER = "00000_00000_Simulated"
_BERLIN = "berlin_s2_20241024"
_MOST_FOUND = 200


@dataclass(frozen=True)
class Place:
    """Something that can be studied.

    Attributes
    ----------
    key : str
        ``demo``, ``own``, ``folder:<city>``, ``scene:<catalog name>``, ``got:<what was asked for>``,
        ``city:<UN code>``, or ``place:<GeoNames id>``.
    name, kind : str
        For people.
    longitude, latitude : float
        NaN where not known before it is opened.
    folder : Path or None
        So2Sat folder that holds it.
    city : str
        City of that folder.
    box : tuple of float or None
        West, south, east, north in degrees; None where not known before it is opened.
    population : int or None
        Inhabitants, of a place of the lists.
    """

    key: str
    name: str
    kind: str
    longitude: float = float("nan")
    latitude: float = float("nan")
    folder: Path | None = None
    city: str = ""
    box: Box | None = None
    population: int | None = None

    @property
    def told(self) -> str:
        """The name, and what there is of it, to be read; of a place without imagery how many people live there."""
        if self.has_scenes or self.key == OWN:
            return f"{text(self.name)} · {text(self.kind)}"
        return f"{self.name} · {_people(self.population)}" if self.population else self.name

    @property
    def has_scenes(self) -> bool:
        """Whether there is imagery of it on this machine (or made or fetched on the way)."""
        return self.key.split(":")[0] in (DEMO, "folder", "scene", FETCHED)


class Places:
    """The places that a server offers.

    Parameters
    ----------
    folders : sequence of path
        So2Sat folders whose cities may be opened. Nothing outside them is.
    own : bool
        Whether those of the user's own list may be opened too (`lczlib.acquire.own`).
    fetched : path, optional
        Folder in which fetched imagery lies.
    """

    def __init__(
        self,
        folders: Sequence[str | Path] = (),
        *,
        own: bool = False,
        fetched: str | Path | None = None,
    ) -> None:
        self._fetched = None if fetched is None else Path(fetched)
        given = tuple(Path(f).resolve() for f in folders)
        listed_here = [c for c in own_cities() if c.there] if own else []
        self._middles = {(c.folder, c.city): middle_of(c.box) for c in listed_here}
        self.folders = tuple(dict.fromkeys((*given, *(c.folder for c in listed_here))))

    def known(self) -> list[Place]:
        """Places that have imagery: the demo city, scenes of the catalog, what was fetched, allowed folders."""
        found = [
            Place(DEMO, N_("Demo city (simulated)"), N_("all data"), 3.06, 52.13),
            Place(f"scene:{_BERLIN}", "Berlin-Charlottenburg", "Sentinel-2", 13.30, 52.51),
            Place(OWN, N_("Own files"), N_("your uploads")),
        ]  # fmt: skip
        found += self.fetched()
        taken: set[str] = set()
        for folder in self.folders:
            try:
                cities = find_cities(folder)
            except InputError:
                continue  # it may hold results only
            for city in cities:
                name, key = name_of_city(city), f"folder:{city}"
                if key in taken:  # the same city of another year, in a folder of its own
                    name, key = f"{name} ({folder.name})", f"{key}:{folder.name}"
                taken.add(key)
                where = self._middles.get((folder, city)) or _centre_of(city)
                found.append(Place(key, name, N_("city folder"), *where, folder, city))
        return found

    def fetched(self, of: str = "") -> list[Place]:
        """What was fetched and is kept; only of a place of the lists where its key is given."""
        if self._fetched is None:
            return []
        folders = sorted(p.parent for p in self._fetched.glob(f"{FETCHED_FOLDER}*/manifest.json"))
        listed_before: Counter[str] = Counter()
        found = []
        for folder in folders:
            about = asked_for(folder)
            if about and of in ("", about["key"]):
                place = _of_fetched(folder, about)
                listed_before[place.told] += 1
                if (n := listed_before[place.told]) > 1:  # of another box, or other settings
                    place = replace(place, kind=f"{place.kind} ({n})")
                found.append(place)
        return found

    def find(self, query: str = "") -> list[Place]:
        """Places whose name or country holds a text, those with imagery first.

        Beside `known` these are the places of `lczlib.acquire.places.search_places`.
        """
        wanted = plain(query)
        found = [p for p in self.known() if wanted in plain(f"{p.name} {p.kind} {p.told}")]
        return found + [_listed(p) for p in listed.search_places(query, most=_MOST_FOUND)]

    def place(self, key: str) -> Place:
        """The place of a key.

        Raises
        ------
        InputError
            If there is none.
        """
        for place in self.known():
            if place.key == key:
                return place
        if key.startswith(f"{FETCHED}:"):
            msg = (
                "The imagery of this address is no longer here: what was fetched is kept until its room is "
                "needed. Choose the city again, and get it again."
            )
            raise InputError(msg)
        if key.startswith("city:") and not so2sat_list_is_here():
            msg = f"The place {key!r} is of the So2Sat list, which has not been fetched yet: fetch it first."
            raise InputError(msg)
        return replace(_listed(listed.place_of_key(key)), key=key)


def _listed(place: listed.Place) -> Place:
    """A place of the lists, of which there is no imagery here."""
    kind = f"{'So2Sat city' if place.code else 'city'}, without imagery here"
    middle = middle_of(place.box)
    return Place(place.key, place.label, kind, *middle, box=place.box, population=place.population)


def _people(population: int) -> str:
    """``1.0 million``, ``143,000``: as exact as lists of several years are."""
    if population >= 1e6:
        return text("{n} million").format(n=f"{population / 1e6:.1f}")
    return f"{round(population, -3 if population >= 1e4 else -2):,}"


def asked_for(folder: Path) -> dict[str, Any]:
    """What fetched imagery was asked for: ``key`` of the place, ``name``, ``box``, ``asked``; or nothing."""
    try:
        return _read(folder / ASKED, (folder / ASKED).stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@lru_cache(256)
def _read(path: Path, _: int) -> dict[str, Any]:
    return json.loads(path.read_text())


def _of_fetched(folder: Path, about: dict[str, Any]) -> Place:
    """The place that fetched imagery is."""
    seasons = about["asked"]["seasons"]  # "summer (2024-06-01 to 2024-08-31)"
    names = [text(_period(s)) for s in seasons]
    years = sorted({s[-11:-7] for s in seasons})
    spans = "-".join(dict.fromkeys((years[0], years[-1])))
    when = ", ".join(names) if len(names) < 3 else texts("{n} season", "{n} seasons", len(names))
    when += "" if any(y in n for y in years for n in names) else f" {spans}"
    box = tuple(about["box"])
    key = f"{FETCHED}:{folder.name.removeprefix(FETCHED_FOLDER)}"
    return Place(key, about["name"], when, *middle_of(box), folder, about["asked"]["place"], box)


def name_of_city(folder: str) -> str:
    """The name of a city in that of its So2Sat folder: ``Lagos`` of ``00017_22007_Lagos``."""
    return folder.split("_", 2)[-1] if folder.count("_") > 1 else folder


def demo_path() -> tuple[Path, str]:
    """Where the demo city's folder lies, whether it is there or not, and the city's name in it."""
    return catalog.cache_folder() / f"demo-{DEMO_SIZE_KM:g}km-{DEMO_SEED}", _DEMO_FOLDER


def demo_folder() -> tuple[Path, str]:
    """The So2Sat folder of the demo city, simulated on first use, and the city's name in it."""
    folder, city = demo_path()
    done = folder / "complete"
    if done.is_file():
        return folder, city
    with waited_for(
        folder, None
    ):  # sessions that ask at once, in whatever process, get one simulation
        if not done.is_file():
            from lczlib.scenes.simulation import simulate_city, write_so2sat

            write_so2sat(simulate_city(DEMO_SIZE_KM, DEMO_SEED), folder, city)
            done.touch()
    return folder, city


def _centre_of(city: str) -> tuple[float, float]:
    """Where a So2Sat city folder lies, by the UN code in its name."""
    if city.count("_") > 1 and so2sat_list_is_here():
        found = listed.find_place(city, fetch=False)
        if found:
            return middle_of(found[0].box)
    return float("nan"), float("nan")


def _period(told: str) -> str:
    """A season's name; its days where it has no name but these: ``20240601-20240731``."""
    name, _, days = told.partition(" (")
    return days.rstrip(")") if name.replace("-", "").isdecimal() and len(name) > 8 else name
