"""The cities of the board: where their polygons and scenes lie, and under what terms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lczlib.catalog.entries import catalog_folder
from lczlib.errors import InputError
from lczlib.terms import option

FOLDER, FILE = "benchmark", "cities.json"
SO2SAT = ("training", "test", "none", "unconfirmed")
"""What So2Sat LCZ42, which the published networks were trained on, made of a city."""


@dataclass(frozen=True, kw_only=True)
class PolygonSource:
    """Reference polygons of a city.

    Attributes
    ----------
    file : str
        Below the folder of data.
    column, layer : str or None
        Where the class stands.
    crs : str
        Of a file that states none.
    addresses : tuple of str
        Where they are published.
    licence, citation : str
        SPDX identifier, or ``other`` where none is stated; how to cite.
    note : str
        What could not be confirmed, and how to get them.
    """

    file: str
    column: str | None = None
    layer: str | None = None
    crs: str = ""
    addresses: tuple[str, ...] = ()
    licence: str = "other"
    citation: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SceneSource:
    """Imagery of a city: files, an entry of the catalog, or a period that `lcz get` fetches.

    Attributes
    ----------
    inputs, sentinel1 : tuple of str
        Below the folder of data, as `lczlib.scenes.open_scenes` takes them.
    catalog : str
        Name of a scene of the catalog, in place of files.
    place, start, end : str
        Of ``lcz get``, in place of files.
    sensor : str
        ``s2``, or the name of another, whose bands are named.
    bands : tuple of str
        To read of another sensor.
    fringe : int
        Pixels beside missing ones to leave out.
    options : dict
        Further `lczlib.scene_options.SceneOptions`: ``level``, ``date``, ``city``.
    note : str
        Where the files come from.
    """

    inputs: tuple[str, ...] = ()
    sentinel1: tuple[str, ...] = ()
    catalog: str = ""
    place: str = ""
    start: str = ""
    end: str = ""
    sensor: str = "s2"
    bands: tuple[str, ...] = ()
    fringe: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BenchCity:
    """A city of the board.

    Attributes
    ----------
    name, title : str
        For files, and for people.
    polygons : PolygonSource
    scene : SceneSource
    folds : str
        File of its folds, beside the list of cities; empty: they are made.
    so2sat : {"training", "test", "none", "unconfirmed"}
        See `SO2SAT`.
    published : dict of str to str
        LCZ maps of the catalog that show it, each with what to know of it.
    patch : int
        Edge of the patches of classifiers trained on it, pixels; 0: as wide as published.
    simulated : bool
        Whether there is no such city.
    base, data : Path
        Folders that the files are named from: of the list, and of the data.
    """

    name: str
    title: str
    polygons: PolygonSource
    scene: SceneSource
    folds: str = ""
    so2sat: str = "unconfirmed"
    published: Mapping[str, str] = field(default_factory=dict)
    patch: int = 0
    simulated: bool = False
    base: Path = Path()
    data: Path = Path()


def board_cities(
    names: Sequence[str] = (), file: str | Path | None = None, data: str | Path | None = None
) -> list[BenchCity]:
    """The cities of the catalog, or of a file of the same form.

    Parameters
    ----------
    names : sequence of str
        Which of them; by default all.
    file : path, optional
        List of cities in place of the catalog's.
    data : path, optional
        Folder of polygons and scenes; by default that of the list.

    Raises
    ------
    InputError
        If the list cannot be read or a city is not in it.
    """
    path = Path(file) if file else catalog_folder() / FOLDER / FILE
    try:
        listed = json.loads(path.read_text())["cities"]
        cities = [_city(c, path, Path(data) if data else path.parent) for c in listed]
    except OSError as err:
        msg = f"The list of cities {path} cannot be read ({err.strerror}): give a file."
        raise InputError(msg, parameter="cities") from err
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        msg = f"{path} is no list of cities ({type(err).__name__}: {str(err)[:90]}): see docs/bench.md."
        raise InputError(msg, parameter="cities") from err
    known = {c.name: c for c in cities}
    if not cities or len(known) < len(cities):
        twice = next((n for n in known if sum(c.name == n for c in cities) > 1), "")
        wrong = f"lists {twice!r} twice: each city counts once" if twice else "lists no city"
        msg = f"{path} {wrong}; see docs/bench.md."
        raise InputError(msg, parameter="cities")
    for name in names:
        if name not in known:
            msg = f"{name!r} is no city of the board: it has {', '.join(known)} ({option('cities')} adds others)."
            raise InputError(msg, parameter="names")
    return [known[n] for n in dict.fromkeys(names)] if names else cities


def _city(told: dict[str, Any], path: Path, data: Path) -> BenchCity:
    own = dict(told)
    polygons = _made(PolygonSource, own.pop("polygons"))
    scene = _made(SceneSource, own.pop("scene"))
    city = _made(BenchCity, own, polygons=polygons, scene=scene, base=path.parent, data=data)
    if not city.name.replace("_", "").replace("-", "").isalnum():
        msg = f"{city.name!r} cannot name a folder: use letters, digits and _"
        raise ValueError(msg)
    if city.so2sat not in SO2SAT:
        msg = f"so2sat of {city.name} is {city.so2sat!r}, not one of {', '.join(SO2SAT)}"
        raise ValueError(msg)
    return city


def _made(kind: type, told: dict[str, Any], **more: Any) -> Any:
    known = {f.name for f in fields(kind)}
    stray = sorted(set(told) - known)
    if stray:
        msg = f"{', '.join(stray)} is nothing that a list of cities can say"
        raise ValueError(msg)
    return kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in told.items()}, **more)
