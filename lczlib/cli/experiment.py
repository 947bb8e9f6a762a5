"""``lcz experiment``: which inputs, network and loss are best on one's own data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from lczlib.analysis.words import with_interval
from lczlib.cli import console
from lczlib.cli.requests import command, usage
from lczlib.cli.results import write_figures
from lczlib.errors import InputError
from lczlib.experiment.request import ExperimentRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from lczlib.out_scheme import OutScheme


@command(ExperimentRequest, leave=("city",), in_words=False, bands="band-names")
def experiment(
    folder: Annotated[Path, typer.Option("--out", help="Folder for runs and tables.")],
    request: ExperimentRequest,
    published: Annotated[
        bool, typer.Option("--published", help="Show the figures of Zhou et al. (2022) beside.")
    ] = False,
    figures: Annotated[bool, typer.Option(help="Draw the tables.")] = True,
) -> None:
    """Compare inputs, networks, focal losses, cities, patch sizes or methods on one data set.

    The first four as Zhou et al. (2022) did, patch sizes as Liu and Shi (2020); methods are what views of
    each patch, means of networks and calibration gain and cost. Each cell is a mean over
    seeds with an interval, tested on polygons that no run has seen. A second call trains only what is
    missing. Writes TABLE/table.md, .csv, .json and figures; of methods also methods.csv, how log loss, Brier
    score and calibration error move; of cities also cities.csv, what is
    learnt in each tested in each, confusion matrices and, with --maps, maps.

    Example:
        lcz experiment /data/so2sat --city A --city B --test-city C --table inputs --out results
    """
    from lczlib.experiment.cities import (
        confusion_figures,
        cross_frame,
        cross_markdown,
        on_each_city,
    )
    from lczlib.experiment.methods import derive, methods_frame, methods_markdown
    from lczlib.experiment.plan import check_settings, plan
    from lczlib.experiment.prepare import data_of, settings_of
    from lczlib.experiment.report import table_figures, write_report
    from lczlib.experiment.results import gather
    from lczlib.experiment.runner import run_all, unique_runs
    from lczlib.experiment.speed import speeds
    from lczlib.export.files import write_table

    settings = settings_of(request)
    for name in request.tables:
        check_settings(name, settings)
    names = tuple(dict.fromkeys(request.tables))
    try:
        sets = {name: data_of(request, name) for name in names}
        cells = {name: plan(name, sets[name], settings) for name in names}
    except InputError as error:
        if error.parameter:
            raise usage(ExperimentRequest, error) from error
        raise
    results: dict[str, dict[str, Any]] = {}
    try:
        for data in dict.fromkeys(sets.values()):
            if data.subsets().method == "random":
                console.warn(
                    "Split at random: neighbours are on both sides, so every accuracy flatters."
                )
            console.out.print(data.subsets().separation, soft_wrap=True)
            own = [c for name in names if sets[name] == data for c in cells[name]]
            with _progress() as report:
                results |= run_all(
                    data, unique_runs(own), folder, workers=request.workers, cluster=request.dask,
                    progress=report,
                )  # fmt: skip
    except KeyboardInterrupt:
        console.err.print("Stopped. Finished runs are kept: the same command goes on.")
        raise typer.Exit(130) from None
    for name in names:
        data = sets[name]
        beside = None
        if name == "methods":
            with _progress() as report:
                results |= derive(cells[name], results, folder, data, report)
            beside = methods_frame(cells[name], results, folder, data)
            write_table(folder / name / "methods.csv", beside, index=False)
        how = {"by_polygon": "polygon" in data.subsets().test.table}
        result = gather(cells[name], results, folder, data.fingerprint(), **how)
        done = [c.cell for c in result.cells if c.n_finished]
        speed = speeds(folder / name, done, data) if name == "networks" else []
        drawn, reading = {}, "" if beside is None else methods_markdown(beside)
        if name == "cities":
            by_city = on_each_city(cells[name], results, folder, data, **how)
            cross = cross_frame(result, by_city)
            write_table(folder / name / "cities.csv", cross, index=False)
            reading, drawn = cross_markdown(cross), confusion_figures(result, by_city)
        frame = write_report(
            folder / name, name, result, data, settings, with_published=published, speed=speed,
            reading=reading,
        )  # fmt: skip
        if name == "cities" and request.maps:
            _map(cells[name], results, folder, data, figures, request.out_scheme)
        if figures:
            write_figures(folder / name, {**table_figures(name, frame, result, data), **drawn})
        _show(name, frame, result)
    failed = sum(r["status"] == "failed" for r in results.values())
    if failed:
        console.warn(f"{failed} of {len(results)} runs failed: see runs.csv; run again to retry.")
    console.out.print(
        f"Wrote {', '.join(str(folder / n / 'table.md') for n in cells)}", soft_wrap=True
    )


def _map(
    cells: Any, results: Any, folder: Path, data: Any, figures: bool, scheme: OutScheme
) -> None:
    """Map the cities, and draw the maps."""
    from lczlib.experiment.cities import map_cities
    from lczlib.figures.lcz import lcz_figure
    from lczlib.figures.water import save
    from lczlib.jobs.record import can_draw

    with console.steps() as progress:
        maps = map_cities(
            cells, results, folder, folder / "cities", data, lambda what: progress(f"Mapping {what}", 0, 0),
            scheme=scheme,
        )  # fmt: skip
    for name, lcz in maps.items() if figures and can_draw() else ():
        save(
            lcz_figure(lcz, name.replace("_by_", ", mapped by ")),
            folder / "cities" / f"{name}_lcz.png",
        )


def _show(name: str, frame: pd.DataFrame, result: Any) -> None:
    from rich.table import Table

    from lczlib.experiment.report import TITLES

    what = f"{frame['n_patches'].iloc[0]:,} test patches"
    if result.n_polygons:
        what += f" of {result.n_polygons:,} polygons"
    shown = Table(title=f"{TITLES[name]}: {what}", title_justify="left")
    for head in ("", "seeds", "OA", "kappa", "AA", "p"):
        shown.add_column(head, justify="left" if not head else "right")
    for _, row in frame.iterrows():
        scores = (
            with_interval(row[s], row[f"{s}_low"], row[f"{s}_high"]) for s in ("oa", "kappa", "aa")
        )
        label = f"[bold]{row['label']}[/]" if row["label"] == result.best else row["label"]
        p = "best" if row["label"] == result.best else f"{row['p_holm']:.3f}"
        shown.add_row(label, str(row["n_seeds"]), *scores, "-" if p == "nan" else p)
    console.out.print(shown)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar over runs, each of which is told of as it ends."""
    with console.counting("runs") as count:

        def report(done: int, total: int, what: str) -> None:
            count("", done, total)
            console.err.print(escape(what), soft_wrap=True)

        yield report
