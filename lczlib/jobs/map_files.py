"""The LCZ maps that a job is given, and how each of them is read.

What is said of maps is ``VALUE``, for all of them, or ``MAP=VALUE`` for the one whose file is called so:
``scheme=("1-17",)``, ``scheme=("first=0-16", "second=1-17")``. ``MAP`` is ``first``, ``first.tif``, and
where two are called alike ``folder/first`` or the path as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.errors import InputError, LczError
from lczlib.jobs.published_maps import check_found, map_file
from lczlib.jobs.request import Request, Source, is_path
from lczlib.settings import setting
from lczlib.terms import renamed

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.maps import MapOptions

KINDS = ("band", "scheme", "nodata", "legend", "column", "layer")
"""What can be said of a map."""
MAPS = "How maps are read, where their files do not say"
CHUNKS = {"y": 2048, "x": 2048}
"""Maps that are counted chunk by chunk are read so, and large ones need little memory."""


def _scheme(text: str) -> str:
    from lczlib.numbering import MAP_SCHEMES

    if text not in MAP_SCHEMES:
        msg = f"{text!r} is no numbering: {', '.join(MAP_SCHEMES)}."
        raise InputError(msg)
    return text


def _values(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(t) for t in text.split(","))
    except ValueError as err:
        msg = f"{text!r} is no value: write a number, such as 255, or several by commas."
        raise InputError(msg) from err


def _legend(text: str) -> dict[int, int]:
    from lczlib.legends import parse_legend

    return parse_legend(text)


_READ: dict[str, Callable[[str], Any]] = {
    "band": str, "scheme": _scheme, "nodata": _values, "legend": _legend, "column": str, "layer": str,
}  # fmt: skip


def read_value(kind: str, text: str) -> Any:
    """What a text says of a map, one of `KINDS`, as `lczlib.maps.MapOptions` takes it.

    Raises
    ------
    LczError
        If it is none.
    """
    return _READ[kind](text)


def said_of(text: str, kind: str) -> tuple[str, str]:
    """The map that a value is for, empty for all, and the value: of ``first=0-16`` both."""
    # a legend has equal signs of its own, and one more where it is of one map
    pattern = r"(.+?)=(-?\d+=.*)" if kind == "legend" else r"(.+)=(.*)"
    parts = re.fullmatch(pattern, text.strip())
    return (parts[1], parts[2]) if parts else ("", text.strip())


def _texts(said: Any) -> tuple[str, ...]:
    """What is said of maps as texts: also a band or value for no data as numbers, a legend as mapping.

    A mapping of names holds what is said of each: ``{"first": "0-16", "second": {1: 2, 2: "B"}}``.
    """
    if isinstance(said, Mapping):
        if any(isinstance(k, str) and not k.lstrip("-").isdigit() for k in said):
            return tuple(f"{k}={text}" for k, v in said.items() for text in _texts(v))
        return (",".join(f"{k}={v}" for k, v in said.items()),)
    if not isinstance(said, Sequence) or isinstance(said, str):
        return () if said is None else (str(said),)
    if all(isinstance(v, str) for v in said):
        return tuple(said)
    return (",".join(map(str, said)),)


def _checked(kind: str) -> Callable[[Sequence[str]], None]:
    """What holds the values of one of `KINDS` to what they may be."""

    def check(given: Sequence[str]) -> None:
        for text in given:
            read_value(kind, said_of(text, kind)[1])

    return check


def _of_maps(kind: str, doc: str, title: str) -> Any:
    metavar = f"[MAP=]{kind.upper()}"
    return setting(
        (), doc, title=title, check=_checked(kind), metavar=metavar, group=MAPS, repeat=True
    )


def band() -> Any:
    """The setting of a map's band, which jobs name differently."""
    return _of_maps(
        "band", "Band of the map: number or name; the LCZ Generator's lczFilter else.", "Band"
    )


def nodata() -> Any:
    """The setting of a map's no-data values, which jobs name differently."""
    doc = "No-data value of the map that its file does not declare; several by commas."
    return _of_maps("nodata", doc, "No data")


@dataclass(frozen=True, kw_only=True)
class RasterReading(Request):
    """How a job's maps that are rasters are read, where their files do not say; jobs add `band` and `nodata`."""

    called: ClassVar[Mapping[str, str]] = {"column": "map_column", "layer": "map_layer"}
    """What settings are called, where it is not as in `KINDS`."""
    apart: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Of a map that values without a name are not for: of its kinds the settings that are."""

    scheme: tuple[str, ...] = _of_maps(
        "scheme", "Numbering of the map: 1-17, 101-107, 0-16 or wrf; by its codes and legend else.",
        "Numbering",
    )  # fmt: skip
    legend: tuple[str, ...] = _of_maps(
        "legend", "What each code of the map means: 1=2,2=3,3=B,4=D,5=G; 9=0: no data.", "Legend"
    )

    def __post_init__(self) -> None:
        for name in self._said():
            object.__setattr__(self, name, _texts(getattr(self, name)))
        super().__post_init__()
        self._before_reading()
        self.reading()  # refuses what is said of no map, or twice

    def _said(self) -> dict[str, str]:
        """Its settings of `KINDS`, each with its kind."""
        return {n: kind for kind in KINDS if (n := self.called.get(kind, kind)) in self.settings()}

    def _before_reading(self) -> None:
        """What is settled before it is asked how maps are read."""

    def map_names(self) -> list[str]:
        """What its maps are called, in their order."""
        return map_names([v for _, v in self.read_maps()])

    def read_maps(self) -> list[tuple[str, Source]]:
        """Its maps, each with the name of its setting."""
        return [(n, v) for n, v in self.sources() if n in self.maps]

    def reading(self) -> dict[str, MapOptions]:
        """How each of its maps is to be read, by name.

        Raises
        ------
        InputError
            If a value is for a map that is none of these, or for one of several, or comes twice.
        """
        from lczlib.maps import MapOptions

        given = self.read_maps()
        names, paths = self.map_names(), _paths([v for _, v in given])
        own = [self.apart.get(setting) for setting, _ in given]
        chosen: dict[str, dict[str, Any]] = {}
        for name, settings in zip(names, own, strict=True):
            said = {k: getattr(self, s) for k, s in (settings or {}).items()}
            chosen[name] = {k: v for k, v in said.items() if v is not None}
        for parameter, kind in self._said().items():
            common: dict[str, Any] = {}
            try:
                for text in getattr(self, parameter):
                    whose, value = said_of(text, kind)
                    target = chosen[_named(whose, names, paths, text)] if whose else common
                    if kind in target:
                        msg = f"{text!r}: {kind} is given twice for one map."
                        raise InputError(msg)
                    target[kind] = read_value(kind, value)
            except InputError as error:
                raise type(error)(error.message, parameter=parameter) from error
            for name, settings in zip(names, own, strict=True):
                chosen[name] = chosen[name] if settings else common | chosen[name]
        return {name: MapOptions(**values) for name, values in chosen.items()}


@dataclass(frozen=True, kw_only=True)
class MapReading(RasterReading):
    """How a job's maps are read, polygons too; jobs add `band` and `nodata`."""

    cell: float | None = setting(
        None, "Cell in metres of the grid that a map of polygons is laid on.", title="Cell (m)", low=0,
        open_ends=True, metavar="METRES", usual="100", group=MAPS,
    )  # fmt: skip
    map_column: tuple[str, ...] = _of_maps(
        "column", "Column that holds the class, of a map of polygons.", "Column (of polygons)"
    )
    map_layer: tuple[str, ...] = _of_maps(
        "layer", "Layer of a map of polygons, where its file holds several.", "Layer (of polygons)"
    )
    city: str = setting(
        "", "City whose map is meant, of a So2Sat folder or archive that holds several.", title="City (of several)",
        group=MAPS,
    )  # fmt: skip

    def _before_reading(self) -> None:
        """Put files for published maps, with their numbering where nothing is said of any."""
        schemes = []
        for name in self.maps:
            given = getattr(self, name)
            found = [
                map_file(v, self.city) for v in (given if isinstance(given, tuple) else (given,))
            ]
            files = tuple(file for file, _ in found)
            object.__setattr__(self, name, files if isinstance(given, tuple) else files[0])
            schemes += [scheme for file, scheme in found if file is not None]
        if any(schemes) and not self.scheme:
            named = zip(self.map_names(), schemes, strict=True)
            object.__setattr__(self, "scheme", tuple(f"{n}={s}" for n, s in named if s))


@dataclass(frozen=True, kw_only=True)
class OneMap(MapReading):
    """An LCZ map, and how it is read."""

    maps: ClassVar = ("map_path",)

    map_path: Source = setting(
        ..., "LCZ map: a raster, or polygons.", title="Map", file=True, argument=True, metavar="MAP"
    )
    band: tuple[str, ...] = band()
    nodata: tuple[str, ...] = nodata()


def map_names(sources: Sequence[Source]) -> list[str]:
    """What maps are called: file stems, with the folder, or at last a number, where they are the same."""
    paths = _paths(sources)
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.resolve().parent.name}/{path.stem}" for path in paths]
    if len(set(names)) < len(names):
        names = [f"{name} ({i})" for i, name in enumerate(names, start=1)]
    return names


def _paths(sources: Sequence[Source]) -> list[Path]:
    """Where maps are; an open one is where it came from, or has a number for a name."""
    return [
        Path(v if is_path(v) else getattr(v, "attrs", {}).get("source") or f"map {i}")
        for i, v in enumerate(sources, start=1)
    ]


def _named(whose: str, names: Sequence[str], paths: Sequence[Path], text: str) -> str:
    """The name by `map_names` of the map that a text means by its name, file name or path.

    Raises
    ------
    InputError
        If it is none of these, or several.
    """
    if whose in names:
        return whose
    found = []
    for name, path in zip(names, paths, strict=True):
        folder = path.resolve().parent.name
        known = (path.stem, path.name, f"{folder}/{path.stem}", f"{folder}/{path.name}")
        if whose in known or Path(whose) == path:
            found.append(name)
    if len(found) > 1:
        msg = f"{text!r}: {len(found)} maps are called {whose}; name one as {', '.join(found)}, or by its path."
        raise InputError(msg)
    if not found:
        msg = f"{text!r} is for no map of these: {', '.join(names)}."
        raise InputError(msg)
    return found[0]


def open_map(
    source: Source,
    request: MapReading,
    options: MapOptions | None = None,
    *,
    name: str = "",
    **more: Any,
) -> xr.DataArray:
    """A job's map, opened; what a message advises is for this map, by the names of the job's settings.

    Parameters
    ----------
    source : path, DataArray or GeoDataFrame
        The map; an open one is taken as it is, and polygons are laid on a grid.
    request : MapReading
        The job's.
    options : MapOptions, optional
        How it is read; not needed where the job has one map.
    name : str
        Of the map, where the job has several.
    **more
        As of `lczlib.vector_maps.open_any_map`.

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If it is no map.
    """
    import geopandas as gpd
    import xarray as xr

    from lczlib.vector_maps import open_any_map

    if not (is_path(source) or isinstance(source, (xr.DataArray, gpd.GeoDataFrame))):
        msg = (
            "An LCZ map is a file, an open DataArray or a GeoDataFrame of polygons, not "
            f"{type(source).__name__}."
        )
        raise InputError(msg)
    check_found(source, request.city)
    more.setdefault("cell", request.cell)
    if options is None:
        (options,) = request.reading().values()
    with advising(name, request.called):
        return open_any_map(source, options=options, **more)


def map_network(source: Source) -> str:
    """The networks that made a map, where it, or what lies beside its file, says so."""
    from lczlib.made_by import network_of

    path = source if is_path(source) else getattr(source, "attrs", {}).get("source", "")
    return network_of(path) if path else ""


def open_maps(
    sources: Sequence[Source], request: MapReading, *, chunks: object
) -> dict[str, xr.DataArray]:
    """Open a job's maps by name; those of polygons lie on the grid of the first raster among them.

    Parameters
    ----------
    sources : sequence of path, DataArray or GeoDataFrame
        The maps.
    request : MapReading
        The job's; with a `cell` polygons have a grid of their own.
    chunks
        As of `lczlib.vector_maps.open_any_map`.
    """
    import xarray as xr

    from lczlib.grid import geobox_of
    from lczlib.vector_maps import is_vector_map

    reading = request.reading()
    named = dict(zip(reading, sources, strict=True))
    vector = {
        name: not isinstance(v, xr.DataArray) and is_vector_map(v) for name, v in named.items()
    }
    found: dict[str, xr.DataArray] = {}
    grid = None
    for name in sorted(named, key=vector.__getitem__):
        options, size = reading[name], request.cell
        if any(vector.values()) and not vector[name]:
            # what is said of all maps is for the polygons among them; without any it is refused
            options, size = replace(options, column=None, layer=None), None
        found[name] = open_map(
            named[name], request, options, name=name, grid=grid, chunks=chunks, cell=size
        )
        grid = geobox_of(found[name]) if grid is None else grid
    return {name: found[name] for name in named}


@contextmanager
def advising(name: str = "", called: Mapping[str, str] | None = None) -> Iterator[None]:
    """A block in which errors and readings name the job's own settings, for the map of a name."""
    from lczlib.reading import in_words

    names = {kind: (called or {}).get(kind, kind) for kind in KINDS}
    change = partial(renamed, called=names, whose=name)
    try:
        with in_words(change):
            yield
    except LczError as error:
        parameter = names.get(error.parameter, error.parameter)
        raise type(error)(change(error.message), parameter=parameter) from error
