"""How LCZ maps are read: the same options in every command that takes one, for one map or several.

``--scheme 1-17`` is for all maps; ``--scheme first=0-16``, repeated, for the one whose file is called so:
``first``, ``first.tif``, and where two are called alike ``folder/first`` or the path as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lczlib.errors import LczError

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.maps import MapOptions

_KINDS = ("band", "scheme", "nodata", "legend", "column", "layer")
_NAMES = {"column": "map_column", "layer": "map_layer"}
"""What commands call these; ``--column`` and ``--layer`` are of a reference."""


def _check_scheme(text: str) -> str:
    from lczlib.numbering import MAP_SCHEMES

    if text not in MAP_SCHEMES:
        raise typer.BadParameter(f"{text!r} is no numbering: {', '.join(MAP_SCHEMES)}.")
    return text


def _values(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(t) for t in text.split(","))
    except ValueError as err:
        raise typer.BadParameter(f"{text!r} is no value, such as 255 or 0,255.") from err


def _legend(text: str) -> dict[int, int]:
    from lczlib.legends import parse_legend

    try:
        return parse_legend(text)
    except LczError as err:
        raise typer.BadParameter(str(err)) from err


_READ: dict[str, Callable[[str], Any]] = {
    "band": str, "scheme": _check_scheme, "nodata": _values, "legend": _legend, "column": str,
    "layer": str,
}  # fmt: skip


def _whose(text: str, kind: str) -> tuple[str, str]:
    """The map that a value is for, empty for all, and the value: of ``first=0-16`` both."""
    # a legend has equal signs of its own, and one more where it is of one map
    pattern = r"(.+?)=(-?\d+=.*)" if kind == "legend" else r"(.+)=(.*)"
    parts = re.fullmatch(pattern, text.strip())
    return (parts[1], parts[2]) if parts else ("", text.strip())


def _checked(kind: str) -> Callable[[list[str] | None], list[str] | None]:
    def callback(given: list[str] | None) -> list[str] | None:
        for text in given or ():
            _READ[kind](_whose(text, kind)[1])
        return given

    return callback


def _option(kind: str, name: str, text: str) -> Any:
    return typer.Option(
        name,
        help=text,
        callback=_checked(kind),
        metavar=f"[MAP=]{kind.upper()}",
        show_default=False,
    )


_BAND = "Band of the map: number or name; the LCZ Generator's lczFilter else."
_NODATA = "No-data value of the map that its file does not declare; several by commas."

Bands = Annotated[list[str] | None, _option("band", "--band", _BAND)]
MapBands = Annotated[list[str] | None, _option("band", "--map-band", _BAND)]
Schemes = Annotated[
    list[str] | None, _option("scheme", "--scheme", "Numbering: 1-17, 101-107, 0-16 or wrf.")
]
Nodata = Annotated[list[str] | None, _option("nodata", "--nodata", _NODATA)]
MapNodata = Annotated[list[str] | None, _option("nodata", "--map-nodata", _NODATA)]
Legends = Annotated[
    list[str] | None,
    _option(
        "legend", "--legend", "What each code of the map means: 1=2,2=3,3=B,4=D,5=G; 9=0: no data."
    ),
]
MapColumns = Annotated[
    list[str] | None,
    _option("column", "--map-column", "Column that holds the class, of a map of polygons."),
]
MapLayers = Annotated[
    list[str] | None,
    _option("layer", "--map-layer", "Layer of a map of polygons, where its file holds several."),
]


def map_names(paths: Sequence[str | Path]) -> list[str]:
    """What maps are called: file stems, with the folder, or at last a number, where they are the same."""
    names = [Path(p).stem for p in paths]
    if len(set(names)) < len(names):
        names = [f"{Path(p).resolve().parent.name}/{Path(p).stem}" for p in paths]
    if len(set(names)) < len(names):
        names = [f"{name} ({i})" for i, name in enumerate(names, start=1)]
    return names


def _named(whose: str, names: Sequence[str], paths: Sequence[str | Path], text: str) -> str:
    """The map's name of `map_names` that a user means by its name, file name or path."""
    if whose in names:
        return whose
    found = []
    for name, path in zip(names, map(Path, paths), strict=True):
        folder = path.resolve().parent.name
        known = (path.stem, path.name, f"{folder}/{path.stem}", f"{folder}/{path.name}", str(path))
        if whose in known or Path(whose) == path:
            found.append(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise typer.BadParameter(f"{text!r} is for no map of these: {', '.join(names)}.")
    listed = ", ".join(found)
    raise typer.BadParameter(
        f"{text!r}: {len(found)} maps are called {whose}; name one as {listed}, or by its path."
    )


def map_options(
    paths: Sequence[str | Path],
    options: Mapping[str, Any],
    *,
    alone: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    given_to: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, MapOptions]:
    """How each of a command's maps is to be read.

    Parameters
    ----------
    paths : sequence of path
        The maps.
    options : mapping
        The command's values by parameter name: band, scheme, nodata, legend, map_column, map_layer.
    alone : sequence of str, optional
        Names of the maps that values without a name are for; all when not given.
    kinds : mapping of str to str, optional
        The command's names for these, where they are others.
    given_to : mapping, optional
        Of a map, what other options of the command say of it, by kind.

    Raises
    ------
    typer.BadParameter
        If a value is for a map that is none of these, or for one of several, or comes twice.
    """
    from lczlib.maps import MapOptions

    names = map_names(paths)
    chosen: dict[str, dict[str, Any]] = {
        name: {k: v for k, v in (given_to or {}).get(name, {}).items() if v is not None}
        for name in names
    }
    called = _NAMES | dict(kinds or {})
    for kind in _KINDS:
        given = options.get(called.get(kind, kind)) or ()
        common = {}
        for text in [given] if isinstance(given, str) else given:
            whose, value = _whose(text, kind)
            target = chosen[_named(whose, names, paths, text)] if whose else common
            if kind in target:
                raise typer.BadParameter(f"{text!r}: {kind} is given twice for one map.")
            target[kind] = _READ[kind](value)
        for name in alone if alone is not None else names:
            chosen[name] = common | chosen[name]
    return {name: MapOptions(**values) for name, values in chosen.items()}


def one_map(
    path: str | Path, options: Mapping[str, Any], kinds: Mapping[str, str] | None = None
) -> MapOptions:
    """How a command's only map is to be read (see `map_options`)."""
    return next(iter(map_options([path], options, kinds=kinds).values()))


UHI_NAMES = {"band": "map_band", "nodata": "map_nodata"}
"""``lcz uhi`` has a band and values of temperatures too."""


def open_map(
    path: str | Path,
    options: MapOptions,
    *,
    name: str = "",
    kinds: Mapping[str, str] | None = None,
    **more: Any,
) -> xr.DataArray:
    """Open a map; what a message advises is for this map, by the names that the command has for it.

    Parameters
    ----------
    path : path
        The map.
    options : MapOptions
        How it is read.
    name : str
        Of the map, where the command has several.
    kinds : mapping of str to str, optional
        As of `map_options`.
    **more
        As of `lczlib.vector_maps.open_any_map`.
    """
    from lczlib.vector_maps import open_any_map

    with advising(name, _NAMES | dict(kinds or {})):
        return open_any_map(path, options=options, **more)


def open_maps(
    paths: Sequence[str | Path],
    reading: Mapping[str, MapOptions],
    *,
    cell: float | None,
    chunks: object,
) -> dict[str, xr.DataArray]:
    """Open a command's maps by name; those of polygons lie on the grid of the first raster among them.

    Parameters
    ----------
    paths : sequence of path
        The maps.
    reading : mapping
        As of `map_options`, in the order of the maps.
    cell, chunks
        As of `lczlib.vector_maps.open_any_map`; with a `cell` polygons have a grid of their own.
    """
    from lczlib.grid import geobox_of
    from lczlib.vector_maps import is_vector_map

    named = dict(zip(reading, paths, strict=True))
    vector = {name: is_vector_map(path) for name, path in named.items()}
    found: dict[str, xr.DataArray] = {}
    grid = None
    for name in sorted(named, key=vector.__getitem__):
        options, size = reading[name], cell
        if any(vector.values()) and not vector[name]:
            # what is said of all maps is for the polygons among them; without any it is refused
            options, size = replace(options, column=None, layer=None), None
        found[name] = open_map(named[name], options, name=name, grid=grid, chunks=chunks, cell=size)
        grid = geobox_of(found[name]) if grid is None else grid
    return {name: found[name] for name in named}


@contextmanager
def advising(name: str = "", kinds: Mapping[str, str] | None = None) -> Iterator[None]:
    """A block in which errors and readings name the command's own options, for the map of a name."""
    from lczlib.reading import in_words

    def named(found: re.Match[str]) -> str:
        option = (kinds or {}).get(found[1], found[1]).replace("_", "-")
        value = (found[2] or "").strip()
        return f"--{option} {name}={value}" if value and name else f"--{option}{found[2] or ''}"

    def worded(text: str) -> str:
        return re.sub(rf"--({'|'.join(_KINDS)})\b( [^\s(),;]*)?", named, text)

    try:
        with in_words(worded):
            yield
    except LczError as error:
        text = worded(str(error))
        if text == str(error):
            raise
        raise type(error)(text) from error
