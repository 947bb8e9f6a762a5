"""``lcz cities``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from lczlib.cli.console import out
from lczlib.errors import InputError

if TYPE_CHECKING:
    from lczlib.acquire.own import OwnCity
    from lczlib.acquire.places import Place

_MOST_SHOWN = 60


def cities(
    query: Annotated[
        str,
        typer.Argument(
            help="Begin of a city's or country's name; what follows a comma is the country."
        ),
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--out", help="GeoJSON file for the boxes found.")
    ] = None,
    add: Annotated[
        Path | None,
        typer.Option(
            help="Folder in So2Sat's layout to list among your own; lcz get adds its own."
        ),
    ] = None,
    forget: Annotated[
        Path | None, typer.Option(help="Folder to list no more; it stays as it is.")
    ] = None,
) -> None:
    """Search cities by name: those that you have scenes of, the 1,692 of So2Sat GUL, and those of GeoNames.

    Example:
        lcz cities lagos

        lcz cities --add /data/lagos
    """
    if add or forget:
        _change(add, forget)
        if not query:
            return
    own = _own(query)
    if own:
        out.print(_own_table(own))
    _search(query, file, bool(own))


def _search(query: str, file: Path | None, own: bool) -> None:
    from lczlib.acquire.places import find_place, names_like, search_places

    named = find_place(query)  # a whole name may be that of a small town too
    found = named + [p for p in search_places(query, fetch=True) if p not in named]
    if not found and own:
        return
    if not found:
        alike = names_like(query)
        meant = f" Did you mean {', '.join(alike)}?" if alike else ""
        msg = (
            f"No city has a name, or lies in a country, that begins with {query!r}: So2Sat and GeoNames list "
            f"those above 15,000 people, and those above 5,000 by their whole name.{meant}"
        )
        raise InputError(msg)
    table = Table(title=_counted(len(found)), title_justify="left")
    for column in ("place", "people", "UN code", "box: west,south,east,north"):
        table.add_column(
            column, justify="left" if column == "place" else "right", no_wrap=column != "place"
        )
    for place in found[:_MOST_SHOWN]:
        people = f"{place.population:,}" if place.population else ""
        table.add_row(place.label, people, place.code, ",".join(f"{v:.2f}" for v in place.box))
    out.print(table)
    if file is not None:
        _write(file, found)


def _change(add: Path | None, forget: Path | None) -> None:
    from lczlib.acquire.own import add_folder, forget_folder

    if forget:
        n = forget_folder(forget)
        out.print(
            f"{n} {'city' if n == 1 else 'cities'} of {forget} listed no more.", soft_wrap=True
        )
    if add:
        out.print(_own_table(add_folder(add)))


def _own(query: str) -> list[OwnCity]:
    from lczlib.acquire.own import own_cities
    from lczlib.catalog.gazetteer import plain

    wanted = plain(query)
    return [c for c in own_cities() if wanted in plain(f"{c.city} {c.name}")]


def _own_table(cities: list[OwnCity]) -> Table:
    table = Table(title="Your own", title_justify="left")
    for column in ("city", "scenes", "folder"):
        table.add_column(column, overflow="fold")
    for c in cities:
        scenes = ", ".join((*c.seasons, *(("Sentinel-1",) if c.radar else ())))
        table.add_row(c.city, scenes, f"{c.folder}{'' if c.there else ' (not there now)'}")
    return table


def _counted(n: int) -> str:
    if n > _MOST_SHOWN:
        return f"{_MOST_SHOWN} of {n:,} places, the likeliest first; a file by --out has all"
    return f"{n} place{'s' * (n != 1)}"


def _write(file: Path, found: list[Place]) -> None:
    import geopandas as gpd

    from lczlib.acquire.boxes import outline
    from lczlib.export.files import write_features

    columns = {
        "name": [p.name for p in found],
        "region": [p.region for p in found],
        "country": [p.country for p in found],
        "population": [p.population for p in found],
        "un_code": [int(p.code) if p.code else None for p in found],
        "source": [p.source for p in found],
    }
    shapes = gpd.GeoDataFrame(columns, geometry=[outline(p.box) for p in found], crs="EPSG:4326")
    write_features(
        file, shapes.astype({"population": "Int64", "un_code": "Int64"}), driver="GeoJSON"
    )
