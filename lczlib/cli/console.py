"""What the commands share: the console, progress with time left, tables of LCZ areas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from lczlib.terms import worded

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from lczlib.jobs.request import Progress as Report
    from lczlib.reading import Reading


class _Terms(Console):
    """A console that writes the settings in messages as options."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich does."""
        super().print(*[worded(o) if isinstance(o, str) else o for o in objects], **options)


out = _Terms(highlight=False)
err = _Terms(stderr=True, highlight=False)


def warn(text: str) -> None:
    """Print a warning to standard error."""
    err.print(f"[bold yellow]warning:[/] {escape(text)}", soft_wrap=True)


def say(reading: Reading) -> None:
    """Print what was read of a file, before the result, and warn of what may be wrong with it."""
    # beside a progress bar on the same terminal, only the bar's own console keeps the lines whole
    (err if out.is_terminal else out).print(escape(str(reading)), soft_wrap=True)
    for text in reading.cautions:
        warn(text)


@contextmanager
def counting(
    unit: str, *, left: str = "left", transient: bool = False
) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar that counts, from the first report on; yields the function to report with (name, done, total).

    Parameters
    ----------
    unit : str
        What is counted.
    left : str
        What the time left is called, such as ``at most``.
    transient : bool
        Whether the bar goes away at the end.
    """
    columns = (
        TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(),
        TextColumn(unit), TimeElapsedColumn(), TextColumn(left), TimeRemainingColumn(),
    )  # fmt: skip
    bar = Progress(*columns, console=err, transient=transient)
    task = bar.add_task("", total=None)

    def report(name: str, done: int, total: int) -> None:
        bar.update(task, description=name, completed=done, total=total)
        bar.start()

    try:
        yield report
    finally:
        if bar.live.is_started:  # a job that is refused leaves no bar
            bar.stop()


@contextmanager
def steps() -> Iterator[Report]:
    """A bar that shows what a job does, and how far it is."""
    columns = (SpinnerColumn(), *Progress.get_default_columns())
    with Progress(*columns, transient=True, console=err) as bar:
        task = bar.add_task("", total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield report


def area_table(maps: Mapping[str, xr.DataArray], title: str) -> Table:
    """Share of each class, a column a map, with the number of cells and the networks under it."""
    import numpy as np

    from lczlib.classes import CLASSES
    from lczlib.made_by import networks_of, told

    counts = {k: np.bincount(m.values.ravel(), minlength=18) for k, m in maps.items()}
    sources = {k: m.attrs["source"] for k, m in maps.items() if m.attrs.get("source")}
    caption = told(networks_of(sources)) or None
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    table.add_column("LCZ")
    for kind in counts:
        table.add_column(kind, justify="right")
    for c in CLASSES:
        if any(n[c.number] for n in counts.values()):
            swatch = f"[on {c.color}]  [/] {c.code:>2} {c.name}"
            shares = (f"{100 * n[c.number] / max(1, n[1:].sum()):.1f} %" for n in counts.values())
            table.add_row(swatch, *shares)
    table.add_section()
    table.add_row("cells with a class (n)", *(f"{n[1:].sum():,}" for n in counts.values()))
    table.add_row("cells without data", *(f"{n[0]:,}" for n in counts.values()))
    return table
