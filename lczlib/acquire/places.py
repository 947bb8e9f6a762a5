"""Places by name, box or file: what a user calls a city, as the box that its data is fetched for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib import catalog
from lczlib.acquire import boxes
from lczlib.catalog.gazetteer import ascii_letters, gazetteer, geonames, plain, row_of
from lczlib.errors import CatalogError, InputError
from lczlib.longitudes import Box, box_of, middle_of, utm_of
from lczlib.reading import Reading, tell
from lczlib.terms import option
from lczlib.vector_files import is_polygon_file, read_features

if TYPE_CHECKING:
    import pandas as pd

SO2SAT_LIST = "so2sat_gul_cities"
_SMALLER = (
    5_000  # inhabitants of the towns that are looked through for a name that the list has not
)
_FAR_LARGER = 10
"""A city is meant when the next of its name has not a tenth of its people."""
_SHOWN = 12
_CODED = re.compile(r"(?:\d+_)?(\d{5,6})(?:_.*)?")


@dataclass(frozen=True)
class Place:
    """A place and the box around it.

    Attributes
    ----------
    name, country : str
        As people write them; the country is empty where it is not known.
    population : int or None
        Inhabitants, where a list states them.
    box : tuple of float
        West, south, east, north in degrees; west is larger than east across 180 degrees.
    code : str or None
        Code of the UN, which So2Sat names its folders with.
    source : str
        Where the box is from.
    region : str
        State or province, where it tells places of one name apart.
    key : str
        ``city:<UN code>`` or ``place:<GeoNames id>``; empty for a box or a file.
    """

    name: str
    country: str
    population: int | None
    box: Box
    code: str | None
    source: str
    region: str = ""
    key: str = ""

    @property
    def folder_name(self) -> str:
        """``22007_22007_Lagos``, the form of So2Sat's folders; zeros stand for no code."""
        name = re.sub(r"[^A-Za-z0-9]", "", ascii_letters(self.name)) or "Place"
        code = self.code or "00000"
        return f"{code}_{code}_{name}"

    @property
    def utm(self) -> str:
        """The UTM zone of the middle, such as ``EPSG:32631``."""
        return utm_of(*middle_of(self.box))

    @property
    def label(self) -> str:
        """``Springfield, Missouri, United States``."""
        return ", ".join(t for t in (self.name, self.region, self.country) if t)

    @property
    def told(self) -> str:
        """The label with population, as lists of places show it."""
        people = f" ({self.population:,} people)" if self.population else ""
        return f"{self.label}{people}"

    @property
    def size_km(self) -> tuple[float, float]:
        """Width in its middle, and height."""
        return boxes.size_km(self.box)


def search_places(query: str, *, fetch: bool = False, most: int | None = None) -> list[Place]:
    """Places of which a name, a word of a name, or the country begins with a text; likely ones first.

    Parameters
    ----------
    query : str
        Marks, capitals and punctuation do not matter, nor do letters that So2Sat's list has lost. What
        follows a comma is the country, its code or a state: ``Valencia, Spain``, ``Springfield, MO``.
        Empty for all places.
    fetch : bool
        As of `find_place`; by default nothing is fetched.
    most : int, optional
        Places to give at most.
    """
    table = gazetteer(_list_is_here(fetch))
    name, where = _asked(query)
    if not name and not where:
        return _places(table[:most])
    ranks = table["own"].map(lambda own: _rank(own, name, 0))
    also = table["names"].map(lambda names: _rank(names, name, 1))
    ranks = ranks.where(ranks < also, also)
    country = table["where"].map(lambda lines: _rank(lines, name, 1) if name else _NOT)
    ranks = ranks.where(ranks < country, country.where(country < 2, country + 2))
    held = (ranks < _NOT) & _lie_in(table, where)
    return _places(table[held].assign(rank=ranks[held]).sort_values("rank", kind="stable")[:most])


def find_place(text: str, *, fetch: bool = True) -> list[Place]:
    """The places that a text names, the likeliest first; nothing where it names none.

    Parameters
    ----------
    text : str
        A whole name ("Redon" is not Volta Redonda) as of `search_places`, So2Sat's code
        (``22007``) or the name of one of its folders (``00017_22007_Lagos``).
    fetch : bool
        Whether to fetch So2Sat's list where it is not here. Without network GeoNames alone serves, and
        it is said so.
    """
    table = gazetteer(_list_is_here(fetch))
    if code := _CODED.fullmatch(text.strip()):
        return _places(table[table["code"] == code[1]])
    name, where = _asked(text)
    if not name:
        return []
    inside = table[_lie_in(table, where)]
    line = f"\n{name}\n"
    own = inside[inside["own"].str.contains(line, regex=False)]
    also = inside[inside["names"].str.contains(line, regex=False)].drop(own.index)
    # an other name counts beside a smaller place that has it as its own: Seville is not in Ohio
    largest = own["people"].max() if len(own) else 0
    found = _places(own) + _places(also[also["people"] > largest])
    found = found or _smaller_places(name, where)
    return sorted(found, key=lambda p: -(p.population or 0))


def the_place(text: str, *, fetch: bool = True) -> Place:
    """The one place that a text names.

    Where several have the name, one with ten times the people of the next is meant, and the others are
    told as a `lczlib.reading.Reading`.

    Raises
    ------
    InputError
        If there is none, or several; the message lists them.
    """
    found = find_place(text, fetch=fetch)
    if not found:
        raise InputError(_no_place(text), parameter="place")
    first, *others = found
    if not others:
        return first
    listed = "; ".join(p.told for p in found[1:_SHOWN]) + ("; ..." if len(found) > _SHOWN else "")
    if (first.population or 0) < _FAR_LARGER * (others[0].population or 0):
        msg = (
            f"{len(found)} places are called {text!r}: {first.told}; {listed}. Say which "
            f"{_told_apart(first, others)}, or give a box by {option('box')}."
        )
        raise InputError(msg, parameter="place")
    tell(Reading("place", text, (f"taken as {first.told}", f"not {listed}")))
    return first


def place_of(text: str, box: Box | str | None = None, *, fetch: bool = True) -> Place:
    """The place that a user gives: a name, a file of polygons, or a box, with or without a name.

    Parameters
    ----------
    text : str
        As of `the_place`; a GeoJSON, KML or other vector file; or ``W,S,E,N`` in degrees.
    box : tuple of float or str, optional
        West, south, east, north in degrees, instead of the box that the lists have. The place keeps
        its name, and its code where the box lies on it.
    fetch : bool
        As of `find_place`.

    Raises
    ------
    InputError
        If the place is not found, or no data can be had for its box.
    """
    if box is not None:
        return _boxed(text, boxes.read_box(box), fetch)
    if text.count(",") == 3 and not re.search(r"[^\W\d_]", text):
        return _boxed("", boxes.read_box(text), fetch)
    if is_polygon_file(text):
        return _place_of_file(Path(text))
    return the_place(text, fetch=fetch)


def place_of_key(key: str) -> Place:
    """The place of a key, of those that the lists hold.

    Raises
    ------
    InputError
        If there is none.
    """
    table = gazetteer(so2sat_list_is_here())
    # a city that So2Sat's list has too is still found by its number of GeoNames
    also = "place:" + table["geonames"].astype(str)
    found = table[(table["key"] == key) | (also == key)]
    if found.empty:
        msg = f"There is no place {key!r} here: choose one of the list."
        raise InputError(msg)
    return _places(found)[0]


def dots() -> pd.DataFrame:
    """All listed places, the largest first, for a map: key, name, country, longitude, latitude, code."""
    return gazetteer(so2sat_list_is_here())


def so2sat_list_is_here() -> bool:
    """Whether the list of So2Sat's cities is on this machine."""
    return catalog.is_here(SO2SAT_LIST)


def _list_is_here(fetch: bool) -> bool:
    """Whether So2Sat's list can be used, after a try to fetch it."""
    if fetch and not so2sat_list_is_here():
        try:
            catalog.fetch(SO2SAT_LIST)
        except CatalogError as error:
            caution = f"{error.message} Places are searched in GeoNames alone: they have no code of So2Sat."
            tell(Reading("list of cities", SO2SAT_LIST, ("not here",), (caution,)))
    return so2sat_list_is_here()


_NOT = 9  # the rank of a place that does not match


def _rank(lines: str, name: str, other: int) -> int:
    """How well lines of names match: whole, from their begin, from the begin of a word."""
    if f"\n{name}\n" in lines:
        return other
    if f"\n{name}" in lines:
        return 2 + other
    return 4 + other if f" {name}" in lines else _NOT


def _asked(text: str) -> tuple[str, tuple[str, ...]]:
    """The plain name, and the plain words for where it lies: ``Valencia, Spain``."""
    name, *where = text.split(",")
    return plain(name), tuple(w for w in map(plain, where) if w)


def _lie_in(table: pd.DataFrame, where: Sequence[str]) -> pd.Series:
    """Which places lie in all of the countries and states named; codes have to be whole."""
    held = table["code"].notna()
    for word in where:
        line = f"\n{word}\n" if len(word) < 4 else f"\n{word}"
        held &= table["where"].str.contains(line, regex=False)
    return held


def _smaller_places(name: str, where: Sequence[str]) -> list[Place]:
    """Places of a name that are too small for the list."""
    found = []
    for city in geonames(_SMALLER, name):
        lines = [f"\n{plain(w)}\n" for w in city["where"]]
        if all(any(t.startswith(f"\n{w}") for t in lines) for w in where):
            found.append(_place(row_of(city)))
    return found


def _places(table: pd.DataFrame) -> list[Place]:
    return [_place(row) for row in table.to_dict("records")]


def _place(row: dict[str, Any]) -> Place:
    return Place(
        row["name"], row["country"], row["population"] or None, row["box"], row["code"] or None,
        row["source"], row["region"], row["key"],
    )  # fmt: skip


def names_like(text: str) -> list[str]:
    """Names of the list that are spelt much like a text, the likest first."""
    names = gazetteer(so2sat_list_is_here())["name"]
    known = {plain(n): n for n in reversed(names.to_list())}
    name = _asked(text)[0]
    alike = get_close_matches(name, [n for n in known if n[:1] == name[:1]], n=3, cutoff=0.75)
    return [known[n] for n in alike]


def _no_place(text: str) -> str:
    alike = names_like(text)
    meant = f"did you mean {', '.join(alike)}? If not, give" if alike else "give"
    return (
        f"No place is called {text!r}, nor any file: {meant} a name as So2Sat or GeoNames writes it, a box "
        f"({option('box', 'W,S,E,N')}), or a GeoJSON or KML file."
    )


def _told_apart(first: Place, others: Sequence[Place]) -> str:
    """By what the first alone is called."""
    shared = any(p.country == first.country for p in others)
    if shared and not first.region and first.code:
        return f"by its code ({first.code!r})"
    name = f"{first.name}, {first.region if shared and first.region else first.country}"
    return f"with its country or state ({name!r})"


def _boxed(text: str, box: Box, fetch: bool) -> Place:
    """A box with the name it is to have, and all that is known of the place where it lies on it."""
    if not text or is_polygon_file(text):
        x, y = middle_of(box)
        name = Path(text).stem if text else _called(x, y)
        return Place(name, "", None, box, None, "box")
    on_it = [p for p in find_place(text, fetch=fetch) if boxes.overlap(p.box, box)]
    if on_it:
        return replace(on_it[0], box=box, source="box")
    return Place(text, "", None, box, None, "box")


def _called(x: float, y: float) -> str:
    """``N52.5 E13.4``, which is a name for files too."""
    return f"{'NS'[y < 0]}{abs(y):.1f} {'EW'[x < 0]}{abs(x):.1f}"


def _place_of_file(path: Path) -> Place:
    import shapely

    features = read_features(path, what="file of the place")
    shapes = features.table.geometry[~features.impossible]
    shapes = shapes[shapes.notna() & ~shapes.is_empty].to_crs("EPSG:4326")
    if shapes.empty:
        msg = f"{path} holds no shape with a place: draw the outline of the city in it."
        raise InputError(msg, parameter="place")
    box = boxes.check_box(box_of(*shapely.get_coordinates(shapes.to_numpy()).T))
    return Place(path.stem, "", None, box, None, str(path))
