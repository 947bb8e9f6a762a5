"""``lcz experiment``: which inputs, network and loss are best on one's own data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from lczlib.analysis.words import with_interval
from lczlib.cli import console
from lczlib.cli.fields import from_fields
from lczlib.cli.options import (
    BatchSize,
    Device,
    Epochs,
    HalveEvery,
    LearningRate,
    Patience,
    above_zero,
    an_architecture,
    lcz_classes,
    listed,
    not_negative,
)
from lczlib.cli.patches import buffer_of, scene_files
from lczlib.cli.results import write_figures
from lczlib.cli.train import Buffer, Column, Fringe, Inputs, Sentinel1
from lczlib.errors import InputError
from lczlib.scene_options import SceneOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from lczlib.experiment.data import City, DataSet
    from lczlib.experiment.plan import Settings
    from lczlib.training.inputs import SceneFiles

_HDF5 = (".h5", ".hdf5")


@from_fields(SceneOptions, "scene", ("city", "only_seasons"), bands="band-names")
def experiment(
    inputs: Inputs,
    folder: Annotated[Path, typer.Option("--out", help="Folder for runs and tables.")],
    table: Annotated[
        list[str],
        typer.Option(help="inputs (D1-D7), networks, or gamma (0-6) of the focal loss; repeat."),
    ],
    polygons: Annotated[
        Path | None,
        typer.Option(
            help="Labelled polygons; by default Reference/CITY/polygons.gpkg of the folder."
        ),
    ] = None,
    city: Annotated[
        list[str] | None,
        typer.Option(help="City of the So2Sat folder; repeat to train on several."),
    ] = None,
    test_city: Annotated[
        list[str] | None, typer.Option(help="City to test on that is not trained on; repeat.")
    ] = None,
    season: Annotated[
        list[str] | None, typer.Option(help="Season of the So2Sat folder; repeat. Default: all.")
    ] = None,
    sensor: Annotated[
        str, typer.Option(help="both, s2 or s1 of a So2Sat folder; else s2, or any name.")
    ] = "",
    column: Column = None,
    bands: Annotated[str, typer.Option(help="Bands of a raster of another sensor: B1,B2,...")] = "",
    scene: SceneOptions = SceneOptions(),
    sentinel1: Sentinel1 = None,
    fringe: Fringe = 0,
    without: Annotated[
        str, typer.Option(help="Classes to leave out: 7,9,B", callback=lcz_classes)
    ] = "",
    validation: Annotated[
        Path | None, typer.Option(help="Validation file of So2Sat LCZ42.")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Test file of So2Sat LCZ42.")] = None,
    patch: Annotated[
        int | None, typer.Option(min=1, help="Edge of a patch in pixels; see --patch-metres.")
    ] = None,
    patch_metres: Annotated[
        float, typer.Option(help="Edge of a patch in metres.", callback=above_zero)
    ] = 480.0,
    spacing: Annotated[
        float, typer.Option(help="Spacing of the fishnet in metres.", callback=above_zero)
    ] = 480.0,
    split: Annotated[
        Literal["polygon", "block", "random"],
        typer.Option(help="polygon and block test on places not trained on; random flatters."),
    ] = "polygon",
    block: Annotated[
        float, typer.Option(help="Edge of a block in metres.", callback=above_zero)
    ] = 2000.0,
    buffer: Buffer = "auto",
    split_seed: Annotated[
        int, typer.Option(min=0, help="Of the split, which is one for all runs.")
    ] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each cell, with seeds 0, 1, ...")] = 3,
    networks: Annotated[
        str, typer.Option(help="NAME,NAME,...: of the tables of networks and of gamma.")
    ] = "",
    arch: Annotated[
        str, typer.Option(help="Network of the table of inputs.", callback=an_architecture)
    ] = "rsnnet",
    combination: Annotated[
        str,
        typer.Option("--inputs", help="Of the tables of networks and gamma: D1-D7, or all."),
    ] = "auto",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="ARCH.NAME=VALUE", help="Of a network: rsnnet.width=32; repeat."),
    ] = None,
    epochs: Epochs = 100,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 0.002,
    halve_every: HalveEvery = 5,
    patience: Patience = 50,
    gamma: Annotated[
        float, typer.Option(help="Of the tables of inputs and networks.", callback=not_negative)
    ] = 2.0,
    device: Device = "auto",
    workers: Annotated[
        int, typer.Option(min=1, help="Processes to train in, on this machine.")
    ] = 1,
    dask: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Dask scheduler to train on: tcp://host:8786.")
    ] = "",
    published: Annotated[
        bool, typer.Option("--published", help="Show the figures of Zhou et al. (2022) beside.")
    ] = False,
    figures: Annotated[bool, typer.Option(help="Draw the tables.")] = True,
) -> None:
    """Compare inputs, networks or focal losses on one data set, as Zhou et al. (2022) did.

    Each cell is a mean over seeds with an interval, tested on polygons that no run has seen.
    A second call trains only what is missing. Writes TABLE/table.md, .csv, .json and figures.

    Example:
        lcz experiment /data/so2sat --city A --city B --test-city C --table inputs --out results
    """
    from lczlib.experiment.plan import check_settings, plan
    from lczlib.experiment.report import table_figures, write_report
    from lczlib.experiment.results import gather
    from lczlib.experiment.runner import run_all, unique_runs
    from lczlib.experiment.speed import speeds

    settings = _settings(
        tuple(range(seeds)), networks, arch, combination, option or [],
        {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate,
         "halve_every": halve_every, "patience": patience, "gamma": gamma, "device": device},
    )  # fmt: skip
    for name in table:
        check_settings(name, settings)
    data = _data(
        inputs, polygons, city or [], test_city or [], sensor, column, listed(bands),
        replace(scene, only_seasons=tuple(season or ())), sentinel1, fringe,
        tuple(c.strip() for c in without.split(",") if c.strip()), validation, test,
        {"patch_size": patch, "patch_metres": patch_metres, "spacing": spacing, "method": split,
         "block": block, "split_seed": split_seed, "buffer": buffer_of(buffer)},
    )  # fmt: skip
    cells = {name: plan(name, data, settings) for name in dict.fromkeys(table)}
    if data.subsets().method == "random":
        console.warn("Split at random: neighbours are on both sides, so every accuracy flatters.")
    console.out.print(data.subsets().separation, soft_wrap=True)
    try:
        with _progress() as report:
            results = run_all(
                data, unique_runs([c for own in cells.values() for c in own]), folder,
                workers=workers, cluster=dask, progress=report,
            )  # fmt: skip
    except KeyboardInterrupt:
        console.err.print("Stopped. Finished runs are kept: the same command goes on.")
        raise typer.Exit(130) from None
    fingerprint = data.fingerprint()
    for name, own in cells.items():
        result = gather(
            own, results, folder, fingerprint, by_polygon="polygon" in data.subsets().test.table
        )
        done = [c.cell for c in result.cells if c.n_finished]
        speed = speeds(folder / name, done, data) if name == "networks" else []
        frame = write_report(
            folder / name, name, result, data, settings, with_published=published, speed=speed
        )
        if figures:
            write_figures(folder / name, table_figures(name, frame, result, data))
        _show(name, frame, result)
    failed = sum(r["status"] == "failed" for r in results.values())
    if failed:
        console.warn(f"{failed} of {len(results)} runs failed: see runs.csv; run again to retry.")
    console.out.print(
        f"Wrote {', '.join(str(folder / n / 'table.md') for n in cells)}", soft_wrap=True
    )


def _data(
    inputs: list[Path],
    polygons: Path | None,
    cities: list[str],
    test_cities: list[str],
    sensor: str,
    column: str | None,
    bands: tuple[str, ...],
    scene: SceneOptions,
    sentinel1: list[Path] | None,
    fringe: int,
    without: tuple[str, ...],
    validation: Path | None,
    test: Path | None,
    cutting: dict[str, Any],
) -> DataSet:
    from lczlib.experiment.data import SceneData, So2SatData
    from lczlib.scenes.sources import source_of

    if any(p.suffix.lower() in _HDF5 for p in inputs):
        if len(inputs) > 1:
            msg = f"Give one HDF5 file to train on, not {len(inputs)} inputs."
            raise InputError(msg)
        if bool(validation) != bool(test):
            msg = "Give both --validation and --test, or neither: then the file is split at random."
            raise InputError(msg)
        return So2SatData(
            str(inputs[0]), str(validation or ""), str(test or ""), cutting["split_seed"]
        )
    folder = source_of(inputs[0]).alone
    sensor = sensor or ("both" if folder else "s2")

    def city(name: str) -> City:
        own = replace(scene, city=name)
        return _city(
            polygons, folder, scene_files(inputs, sensor, ",".join(bands), fringe, own, sentinel1)
        )

    return SceneData(
        tuple(city(n) for n in cities or [""]), tuple(city(n) for n in test_cities), column, without,
        **cutting,
    )  # fmt: skip


def _city(polygons: Path | None, folder: bool, files: SceneFiles) -> City:
    from lczlib.experiment.data import City
    from lczlib.scenes import find_cities

    if polygons is None and folder:
        root = Path(files.inputs[0])
        found = files.options.city or next(iter(find_cities(root)), "")
        beside = root / "Reference" / found / "polygons.gpkg"
        polygons = beside if beside.is_file() else None
    if polygons is None:
        raise typer.BadParameter("give --polygons: the labelled areas and their classes.")
    return City(files, str(polygons))


def _settings(
    seeds: tuple[int, ...],
    networks: str,
    arch: str,
    combination: str,
    options: list[str],
    training: dict[str, Any],
) -> Settings:
    from lczlib.experiment.plan import Settings
    from lczlib.training.trainer import Options

    own: dict[str, dict[str, Any]] = {}
    for text in options:
        name, equals, value = text.partition("=")
        network, dot, key = name.partition(".")
        if not (equals and dot and key.isidentifier()):
            raise typer.BadParameter(f"{text!r} is not ARCH.NAME=VALUE, such as rsnnet.width=32")
        try:
            own.setdefault(network, {})[key] = json.loads(value)
        except json.JSONDecodeError:
            own[network][key] = value
    names = tuple(n.strip() for n in networks.split(",") if n.strip())
    return Settings(
        names, arch, combination if combination in ("all", "auto") else combination.upper(), seeds=seeds,
        options=Options(**training), network_options=own,
    )  # fmt: skip


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
