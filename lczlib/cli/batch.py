"""``lcz batch``: many cities, each by the steps of the flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from lczlib.cli import console
from lczlib.cli.requests import Out, command
from lczlib.jobs.batch import BatchRequest, make
from lczlib.jobs.batch_summary import CITIES
from lczlib.terms import worded

if TYPE_CHECKING:
    from lczlib.jobs.batch_city import Outcome

_SHOWN = 12
"""Cities under way that the table shows."""


@command(BatchRequest)
def batch(
    request: BatchRequest,
    folder: Out,
    figures: Annotated[bool, typer.Option(help="Let each city's steps draw figures.")] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Keep the steps that are finished, of the same options and inputs."
        ),
    ] = False,
) -> None:
    """Do the steps of many cities, on this machine or on a Dask cluster; one that fails stops no other.

    Each city has a folder of its name in DIR, with one a step: get, prepare-s1, map, assess, compare, uhi-lst,
    uhi-air, uhi-stations, export; they hold what the step's own command writes. At the end: cities.csv (city,
    status, message, files), measures.csv (areas, accuracy, agreement, heat, each number with interval and n),
    heat_cities.json (the heat islands of all cities in one model), maps_01.png, catalog.json (STAC), manifest.json.

    Faults of the network are tried again, later each time. A step whose worker is lost is done by another.

    Example:
        lcz batch cities.csv --steps get,map,compare --set year=2023 --out cities

        lcz batch cities.csv --steps map,assess,uhi,export --set to=qgis --workers 2 --out cities --resume

        lcz batch cities.csv --steps get,map --dask tcp://10.0.0.1:8786 --out /shared/cities
    """
    try:
        with _board() as board:
            result = make(
                request, folder, resume=resume, figures=figures, watch=board.watch, progress=board.report
            )  # fmt: skip
    except KeyboardInterrupt:
        console.err.print("Stopped. What is finished is kept: run again with --resume.")
        raise typer.Exit(130) from None
    for text in result.notes:
        console.warn(worded(text))
    for city in result.failed:
        console.warn(f"{city.name}: {city.message}")
    console.out.print(f"{result.headline()} {folder / CITIES}", soft_wrap=True, markup=False)
    if result.failed:
        raise typer.Exit(1)


class _Board:
    """What is under way, and what became of the rest: a table that grows with the workers, not the cities."""

    def __init__(self) -> None:
        self.at: dict[str, str] = {}
        self.counts: dict[str, Counter[str]] = {}
        self.last: list[str] = []
        self.done = self.total = 0
        self.what = ""

    def report(self, what: str, done: int, total: int) -> None:
        """As of all jobs."""
        self.what, self.done, self.total = what, done, total

    def watch(self, city: str, step: str, outcomes: Sequence[Outcome]) -> None:
        """See `lczlib.jobs.batch_cluster.Watch`."""
        if step:
            self.at[city] = step
            return
        self.at.pop(city, None)
        for one in outcomes:
            self.counts.setdefault(one.step, Counter())[one.status] += 1
            if one.status == "failed":
                self.last = [*self.last[-4:], f"{city}, {one.step}: {one.message}"]

    def __rich__(self) -> Table:
        table = Table(
            box=box.SIMPLE, title=f"{self.what} {self.done:,} of {self.total:,}" if self.total else self.what,
            title_justify="left", caption="\n".join(escape(t) for t in self.last) or None, caption_justify="left",
        )  # fmt: skip
        for name in ("step", "done", "kept", "left out", "failed", "not run"):
            table.add_column(name, justify="left" if name == "step" else "right")
        for step, n in self.counts.items():
            table.add_row(step, *(f"{n[s]:,}" if n[s] else "" for s in _STATUS))
        table.add_section()
        for city, step in [*self.at.items()][:_SHOWN]:
            table.add_row(f"{escape(city)}: {step}")
        return table


_STATUS = ("done", "kept", "left out", "failed", "not run")


@contextmanager
def _board() -> Iterator[Any]:
    """The table, live on a terminal; elsewhere nothing is shown before the end."""
    board = _Board()
    with Live(board, console=console.err, refresh_per_second=2, transient=True):
        yield board
