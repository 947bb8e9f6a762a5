"""``lcz cities``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from lczlib.cli.console import out
from lczlib.errors import InputError

if TYPE_CHECKING:
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
) -> None:
    """Search cities by name: the 1,692 of So2Sat GUL and those of GeoNames.

    Example:
        lcz cities lagos
    """
    from lczlib.acquire.places import find_place, search_places

    named = find_place(query)  # a whole name may be that of a small town too
    found = named + [p for p in search_places(query, fetch=True) if p not in named]
    if not found:
        msg = (
            f"No city has a name, or lies in a country, that begins with {query!r}: So2Sat and GeoNames list "
            "those above 15,000 people, and those above 5,000 by their whole name."
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
