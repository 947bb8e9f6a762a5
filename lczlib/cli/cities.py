"""``lcz cities``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lczlib.cli.console import out
from lczlib.errors import InputError


def cities(
    query: Annotated[str, typer.Argument(help="Part of a city's or country's name.")],
    file: Annotated[
        Path | None, typer.Option("--out", help="GeoJSON file for the rectangles found.")
    ] = None,
) -> None:
    """Search the 1,692 cities of So2Sat GUL by name.

    Example:
        lcz cities lagos
    """
    from lczlib.catalog.cities import find_cities
    from lczlib.export.files import write_features

    found = find_cities(query)
    if found.empty:
        msg = f"No city of So2Sat GUL has {query!r} in its name; it lists cities above 300,000 people."
        raise InputError(msg)
    table = Table(title=f"{len(found)} of 1,692 cities", title_justify="left")
    for column in ("city", "country", "UN code", "west", "south", "east", "north"):
        table.add_column(column, justify="left" if column in ("city", "country") else "right")
    for row in found.itertuples():
        box = (f"{v:.2f}" for v in row.geometry.bounds)
        table.add_row(row.name, row.country, str(row.un_code), *box)
    out.print(table)
    if file is not None:
        write_features(file, found, driver="GeoJSON")
