"""The LCZ maps that a job is given, and how each of them is read.

What is said of maps is ``VALUE``, for all of them, or ``MAP=VALUE`` for the one whose file is called so:
``scheme=("1-17",)``, ``scheme=("first=0-16", "second.tif=1-17")``; where two are called alike
``folder/first``, or the path as it was given.
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
from lczlib.jobs.request import Request, Source, is_path, name_of
from lczlib.settings import setting
from lczlib.terms import renamed

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.maps import MapOptions

KINDS = ("band", "scheme", "nodata", "legend", "column", "layer")
"""What can be said of a map."""


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
        msg = f"{text!r} is no value, such as 255 or 0,255."
        raise InputError(msg) from err


def _legend(text: str) -> dict[int, int]:
    from lczlib.legends import parse_legend

    return parse_legend(text)


_READ: dict[str, Callable[[str], Any]] = {
    "band": str, "scheme": _scheme, "nodata": _values, "legend": _legend, "column": str, "layer": str,
}  # fmt: skip


def _whose(text: str, kind: str) -> tuple[str, str]:
    """The map that a value is for, empty for all, and the value: of ``first=0-16`` both."""
    # a legend has equal signs of its own, and one more where it is of one map
    pattern = r"(.+?)=(-?\d+=.*)" if kind == "legend" else r"(.+)=(.*)"
    parts = re.fullmatch(pattern, text.strip())
    return (parts[1], parts[2]) if parts else ("", text.strip())


def checked(kind: str) -> Callable[[Sequence[str]], None]:
    """What holds the values of one of `KINDS` to what they may be."""

    def check(given: Sequence[str]) -> None:
        for text in given:
            _READ[kind](_whose(text, kind)[1])

    return check


def _of_maps(kind: str, doc: str, title: str) -> Any:
    return setting((), doc, title=title, check=checked(kind), metavar=f"[MAP=]{kind.upper()}")


def band() -> Any:
    """The setting of a map's band, which jobs name differently."""
    return _of_maps(
        "band", "Band of the map: number or name; the LCZ Generator's lczFilter else.", "Band"
    )


def nodata() -> Any:
    """The setting of a map's no-data values, which jobs name differently."""
    return _of_maps(
        "nodata",
        "No-data value of the map that its file does not declare; several by commas.",
        "No data",
    )


@dataclass(frozen=True, kw_only=True)
class MapReading(Request):
    """How a job's maps are read, where their files do not say; jobs add `band` and `nodata`."""

    called: ClassVar[Mapping[str, str]] = {"column": "map_column", "layer": "map_layer"}
    """What settings are called, where it is not as in `KINDS`."""

    scheme: tuple[str, ...] = _of_maps(
        "scheme", "Numbering of the map: 1-17, 101-107, 0-16 or wrf; by its codes and legend else.",
        "Numbering",
    )  # fmt: skip
    legend: tuple[str, ...] = _of_maps(
        "legend", "What each code of the map means: 1=2,2=3,3=B,4=D,5=G; 9=0: no data.", "Legend"
    )
    cell: float | None = setting(
        None, "Cell in metres of the grid that a map of polygons is laid on.", title="Cell (m)", low=0,
        open_ends=True, metavar="METRES", usual="100",
    )  # fmt: skip
    map_column: tuple[str, ...] = _of_maps(
        "column", "Column that holds the class, of a map of polygons.", "Column (of polygons)"
    )
    map_layer: tuple[str, ...] = _of_maps(
        "layer", "Layer of a map of polygons, where its file holds several.", "Layer (of polygons)"
    )


def map_names(sources: Sequence[Source]) -> list[str]:
    """What maps are called: file stems, with the folder, or at last a number, where they are the same."""
    paths = [v if is_path(v) else name_of(v, f"map {i}") for i, v in enumerate(sources, start=1)]
    names = [Path(p).stem for p in paths]
    if len(set(names)) < len(names):
        names = [f"{Path(p).resolve().parent.name}/{Path(p).stem}" for p in paths]
    if len(set(names)) < len(names):
        names = [f"{name} ({i})" for i, name in enumerate(names, start=1)]
    return names


def named_map(whose: str, names: Sequence[str], sources: Sequence[Source]) -> str:
    """The name by `map_names` of the map that is meant by its name, file name or path.

    Raises
    ------
    InputError
        If it is none of these, or several.
    """
    if whose in names:
        return whose
    found = []
    for name, source in zip(names, sources, strict=True):
        path = Path(source) if is_path(source) else Path(name)
        folder = path.resolve().parent.name
        known = (path.stem, path.name, f"{folder}/{path.stem}", f"{folder}/{path.name}")
        if whose in known or Path(whose) == path:
            found.append(name)
    if len(found) > 1:
        msg = (
            f"{len(found)} maps are called {whose}; name one as {', '.join(found)}, or by its path."
        )
        raise InputError(msg)
    if not found:
        msg = f"it is for no map of these: {', '.join(names)}."
        raise InputError(msg)
    return found[0]


def map_options(
    names: Sequence[str],
    request: MapReading,
    *,
    sources: Sequence[Source] | None = None,
    alone: Sequence[str] | None = None,
    given_to: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, MapOptions]:
    """How each of a job's maps is to be read.

    Parameters
    ----------
    names : sequence of str
        Of `map_names`.
    request : MapReading
        What was said of them.
    sources : sequence, optional
        The maps, which may then be meant by file name and path too.
    alone : sequence of str, optional
        The maps that values without a name are for; all when not given.
    given_to : mapping, optional
        Of a map, what other settings of the job say of it, by kind.

    Raises
    ------
    InputError
        If a value is for a map that is none of these, or comes twice.
    """
    from lczlib.maps import MapOptions

    chosen: dict[str, dict[str, Any]] = {
        name: {k: v for k, v in (given_to or {}).get(name, {}).items() if v is not None}
        for name in names
    }
    for kind in KINDS:
        parameter = request.called.get(kind, kind)
        common: dict[str, Any] = {}
        for text in getattr(request, parameter):
            whose, value = _whose(text, kind)
            try:
                meant = whose and named_map(whose, names, names if sources is None else sources)
            except InputError as err:
                msg = f"{text!r}: {err}"
                raise InputError(msg, parameter=parameter) from err
            target = chosen[meant] if meant else common
            if kind in target:
                msg = f"{text!r}: {kind} is given twice for one map."
                raise InputError(msg, parameter=parameter)
            target[kind] = _READ[kind](value)
        for name in alone if alone is not None else names:
            chosen[name] = common | chosen[name]
    return {name: MapOptions(**values) for name, values in chosen.items()}


def one_map(source: Source, request: MapReading) -> MapOptions:
    """How a job's only map is to be read (see `map_options`)."""
    (name,) = map_names([source])
    return map_options([name], request, sources=[source])[name]


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
    source : path or DataArray
        The map; an open one is taken as it is.
    request : MapReading
        The job's.
    options : MapOptions, optional
        How it is read; as `one_map` when not given.
    name : str
        Of the map, where the job has several.
    **more
        As of `lczlib.vector_maps.open_any_map`.
    """
    from lczlib.maps import as_lcz_map
    from lczlib.vector_maps import open_any_map

    if not is_path(source):
        return as_lcz_map(source)
    more.setdefault("cell", request.cell)
    with advising(name, request.called):
        return open_any_map(source, options=options or one_map(source, request), **more)


def map_network(source: Source) -> str:
    """The networks that made a map, where it, or what lies beside its file, says so."""
    from lczlib.made_by import network_of

    path = source if is_path(source) else getattr(source, "attrs", {}).get("source", "")
    return network_of(path) if path else ""


def open_maps(
    sources: Sequence[Source],
    request: MapReading,
    reading: Mapping[str, MapOptions],
    *,
    chunks: object,
) -> dict[str, xr.DataArray]:
    """Open a job's maps by name; those of polygons lie on the grid of the first raster among them.

    Parameters
    ----------
    sources : sequence of path or DataArray
        The maps.
    request : MapReading
        The job's; with a `cell` polygons have a grid of their own.
    reading : mapping
        As of `map_options`, in the order of the maps.
    chunks
        As of `lczlib.vector_maps.open_any_map`.
    """
    from lczlib.grid import geobox_of
    from lczlib.vector_maps import is_vector_map

    named = dict(zip(reading, sources, strict=True))
    vector = {name: is_path(path) and is_vector_map(path) for name, path in named.items()}
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
