"""What ``lcz get`` prints of temperatures: dates and stations, and the commands that take them."""

from __future__ import annotations

import shlex
from pathlib import Path

from lczlib.cli import console
from lczlib.jobs.get_lst import find_lst
from lczlib.jobs.get_lst_result import LstResult
from lczlib.jobs.get_part import Part
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_stations import SITES, TABLE, StationsResult, find_stations


def list_heat(request: GetRequest, folder: Path | None) -> None:
    """Print the dates and stations that there are."""
    finders = {"lst": find_lst, "stations": find_stations}
    for what, find in finders.items():
        if what not in request.what:
            continue
        with console.steps() as progress:
            found = find(request, progress=progress)
        _table(found)
        for text in found.own_cautions():
            console.warn(text)
        console.out.print(found.headline(), soft_wrap=True)
        if folder is not None:
            found.write(folder)


def print_part(part: Part, folder: Path) -> None:
    """Print what was fetched, and the command for ``lcz uhi``."""
    _table(part)
    console.out.print(f"{part.headline()} In {folder}.", soft_wrap=True)
    for words in commands(part, folder):
        console.out.print(shlex.join(words), soft_wrap=True, markup=False)


def commands(part: Part, folder: Path) -> list[list[str]]:
    """The commands that take it, each as its words; the map is the user's."""
    begin = ["lcz", "uhi", "MAP"]
    if isinstance(part, LstResult):
        return [[*begin, "--lst", str(folder / file)] for _, file in part.files()]
    words = [*begin, "--stations", str(folder / TABLE), "--sites", str(folder / SITES)]
    return [[*words, "--skip-outside"] if part.request.margin else words]


def _table(part: Part) -> None:
    if isinstance(part, LstResult):
        _print_dates(part)
    elif isinstance(part, StationsResult):
        _print_stations(part)


def _print_dates(result: LstResult) -> None:
    from rich import box
    from rich.table import Table

    table = Table("date", "UTC", "solar", "", "of", box=box.SIMPLE)
    for name in ("covered", "cloud", "snow", "valid", "MB"):
        table.add_column(name, justify="right")
    for row in result.to_dataframe().itertuples():
        shares = (row.covered_share, row.cloud_share, row.snow_share, row.valid_share)
        table.add_row(
            row.date, row.time[11:16], row.solar_time, row.overpass, row.satellite,
            *(f"{v:.0%}" if v >= 0 else "" for v in shares), f"{row.megabytes:,.0f}",
        )  # fmt: skip
    console.out.print(table)


def _print_stations(result: StationsResult) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table("station", "name", box=box.SIMPLE)
    for name in ("m", "hours", "lacking", "of models"):
        table.add_column(name, justify="right")
    table.add_column("sources")
    for row in result.to_dataframe().itertuples():
        counts = (row.hours, row.missing_hours, row.modelled_hours)
        height = f"{row.elevation:g}" if row.elevation == row.elevation else "?"
        table.add_row(
            row.station, escape(row.name), height, *("" if n != n else f"{int(n):,}" for n in counts),
            "" if row.sources != row.sources else row.sources,
        )  # fmt: skip
    console.out.print(table)
