"""The ``lcz`` command. Each file of this package holds one family of commands."""

from __future__ import annotations

import gc
import sys
import warnings
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

import lczlib
from lczlib.cli import app as _app
from lczlib.cli import assess as _assess
from lczlib.cli import batch as _batch
from lczlib.cli import bench as _bench
from lczlib.cli import bigearthnet as _bigearthnet
from lczlib.cli import calibrate as _calibrate
from lczlib.cli import change as _change
from lczlib.cli import check_polygons as _check_polygons
from lczlib.cli import cities as _cities
from lczlib.cli import city as _city
from lczlib.cli import compare as _compare
from lczlib.cli import console
from lczlib.cli import demo as _demo
from lczlib.cli import experiment as _experiment
from lczlib.cli import export as _export
from lczlib.cli import field as _field
from lczlib.cli import get as _get
from lczlib.cli import map as _map
from lczlib.cli import methods as _methods
from lczlib.cli import next_polygons as _next_polygons
from lczlib.cli import patches as _patches
from lczlib.cli import prepare_s1 as _prepare_s1
from lczlib.cli import report as _report
from lczlib.cli import rerun as _rerun
from lczlib.cli import sites as _sites
from lczlib.cli import terms as _terms
from lczlib.cli import train as _train
from lczlib.cli import uhi as _uhi
from lczlib.cli import water as _water
from lczlib.cli import weights as _weights
from lczlib.cli.memory import limited
from lczlib.cli.requests import PlaceCommand, SceneCommand
from lczlib.errors import LczError
from lczlib.extras import of_missing
from lczlib.reading import readings
from lczlib.terms import speaking, worded
from lczlib.unreadable import pass_over_quotes

app = typer.Typer(
    name="lcz",
    help="Local Climate Zone maps from Sentinel-1 and Sentinel-2, their accuracy, and their heat islands.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_FULL_COLLECTION = 100
"""Collections of the middle generation before one of all objects; by default imports alone cause seven, of a second."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lczlib {lczlib.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - read by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Local Climate Zone maps, their accuracy, and their heat islands."""
    context.with_resource(speaking(_terms.face))


app.command("demo")(_demo.demo)
app.command("cities")(_cities.cities)
app.command("city", cls=PlaceCommand)(limited(_city.city))
app.command("get", cls=PlaceCommand)(limited(_get.get))
app.command("batch")(limited(_batch.batch))
app.command("map", cls=SceneCommand)(limited(_map.map_))
app.command("fuse")(limited(_map.fuse))
app.command("calibrate")(limited(_calibrate.calibrate))
app.command("rerun")(limited(_rerun.rerun))
app.add_typer(_weights.app, name="weights")
app.command("prepare-s1")(limited(_prepare_s1.prepare_s1))
app.command("find-s1")(limited(_bigearthnet.find_s1))
app.command("clip-s1")(limited(_bigearthnet.clip_s1))
app.command("water")(limited(_water.water))
app.command("assess")(limited(_assess.assess))
app.command("compare")(limited(_compare.compare))
app.command("change")(limited(_change.change))
app.command("patches", cls=SceneCommand)(limited(_patches.patches))
app.command("check-polygons", cls=SceneCommand)(limited(_check_polygons.check_polygons))
app.command("next-polygons")(limited(_next_polygons.next_polygons))
app.command("train", cls=SceneCommand)(limited(_train.train))
app.command("evaluate", cls=SceneCommand)(limited(_train.evaluate))
app.command("experiment", cls=SceneCommand)(limited(_experiment.experiment))
app.command("bench")(limited(_bench.bench))
app.command("uhi")(limited(_uhi.uhi))
app.command("field")(limited(_field.field))
app.command("sites")(limited(_sites.sites))
app.command("morphology")(limited(_sites.morphology))
app.command("export")(limited(_export.export))
app.command("methods")(_methods.methods)
app.command("report")(limited(_report.report))
app.command("agreements")(_compare.agreements)
app.command("app")(limited(_app.app))


def main() -> None:
    """Run the command line: exit status 0, 1 (bad input, one sentence), 2 (usage)."""
    _collect_rarely()
    pass_over_quotes()
    try:
        with speaking(_terms.face), readings(console.say), warnings.catch_warnings():
            # a raster without a place is refused in words, or its place is given by its coordinates
            warnings.filterwarnings("ignore", message="Dataset has no geotransform")
            # numbers beyond float32 in a file become infinite, and are judged as that by its door
            warnings.filterwarnings(
                "ignore", "(overflow|invalid value) encountered", RuntimeWarning
            )
            # what GDAL mutters of a file that is then read, or refused in words
            warnings.filterwarnings("ignore", category=RuntimeWarning, module="pyogrio")
            typer.main.get_command(app)()  # `app()` would set another hook for exceptions
    except LczError as err:
        _refuse(worded(err.message, _terms.face))
    except ModuleNotFoundError as err:
        said = of_missing(err.name)
        if said is None:
            raise
        _refuse(said)


def _collect_rarely() -> None:
    """Look through all objects only after long work: what imports bring stays anyway."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL_COLLECTION)


def _refuse(said: str) -> NoReturn:
    console.err.print(f"[bold red]lcz:[/] {escape(said)}", soft_wrap=True)
    sys.exit(1)
