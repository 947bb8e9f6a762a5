"""``lcz get``: a place's Sentinel-2 composites, Sentinel-1 for water, published maps, inputs of ``lcz prepare-s1``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lczlib.acquire.rtc_folder import rtc_folder
from lczlib.cli import console
from lczlib.cli.get_heat import list_heat, print_part
from lczlib.cli.requests import command
from lczlib.jobs.get import is_finished, make
from lczlib.jobs.get_check import check
from lczlib.jobs.get_days import find
from lczlib.jobs.get_part import Part
from lczlib.jobs.get_radar import RadarResult, find_passes, radar_folder
from lczlib.jobs.get_request import IMAGERY, RADAR, GetRequest
from lczlib.jobs.get_result import GetResult
from lczlib.jobs.get_rtc import find_rtc
from lczlib.jobs.get_rtc_result import RtcResult
from lczlib.terms import worded

if TYPE_CHECKING:
    from lczlib.acquire.places import Place
    from lczlib.acquire.search import Day
    from lczlib.acquire.seasons import Period


@command(GetRequest)
def get(
    request: GetRequest,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results.", show_default=False)
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="List the days with their clouds; download nothing.")
    ] = False,
    checking: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Try each service: a search, a small read, offsets, keys; needs no PLACE.",
        ),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
) -> None:
    """Fetch a place's Sentinel-2 as composites by season, and the published LCZ map, in a folder for lcz map.

    Clouds, their shadows, snow and what lies around them are masked on each day by the scene
    classification; the offset of -1000 is removed once, where a scene states it and its dark pixels
    agree. What fails is tried again; a day of which a file cannot be read is left out and named.

    Writes Sentinel-2/<city>/<season>/<code>_<season>.tif (ten bands, DN), clear_count.tif and
    often_masked.tif beside it, Reference/<city>/lcz_global.tif (100 m UTM), item.json with every source, and
    manifest.json.

    Of s1-rtc: Sentinel-1-rtc/<city>/<ascending or descending>/rtc_<day>_<satellite>_<track>.tif, VV and VH of
    a pass in dB, all on one grid, and passes.csv; the command for lcz water is printed.

    Of lst: lst.tif, a band a date without its clouds, lst_uncertainty.tif, lst_median.tif and lst_count.tif. Of
    stations: air_temperature.csv, observed values alone, each with its source, and stations.gpkg. The commands for
    lcz uhi are printed.

    For lcz prepare-s1: Sentinel-1-inputs/<city>/ with slc, orbit, dem, products.csv and sources.json; the
    command for it is printed. Products need a free account; without one they are listed.

    Example:
        lcz get Berlin --year 2023 --out berlin

        lcz map berlin --out berlin-lcz

        lcz get Berlin --what lcz --out berlin

        lcz get Berlin --what s1-rtc --year 2023 --direction ascending --out berlin

        lcz get Berlin --what lst,stations --start 2023-06-01 --end 2023-08-31 --out berlin

        lcz get Berlin --what s1-slc,orbit,dem --start 2023-07-01 --end 2023-07-31 --out berlin

        lcz get --check
    """
    if checking:
        _check(request, folder)
        return
    if not (request.place or request.box):
        raise typer.BadParameter("name a place.", param_hint="PLACE")
    if listing:
        _list(request, folder)
        return
    if folder is None:
        raise typer.BadParameter("a folder is needed.", param_hint="'--out'")
    _get(request, folder, resume)


def _check(request: GetRequest, folder: Path | None) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    with console.steps() as progress:
        result = check(request, progress=progress)
    table = Table("service", "tried", "", "found", box=box.SIMPLE)
    for one in result.findings:
        mark = "[green]good[/]" if one.good else "[red]fails[/]"
        table.add_row(one.service, one.tried, mark, escape(worded(one.said)))
    console.out.print(table)
    console.out.print(result.headline(), soft_wrap=True)
    if folder is not None:
        result.write(folder)
    if not result.usable:
        raise typer.Exit(1)


def _list(request: GetRequest, folder: Path | None) -> None:
    if RADAR & set(request.what):
        _list_passes(request, find_passes, _print_products, folder, "Products", radar_folder)
    if "s1-rtc" in request.what:
        _list_passes(request, find_rtc, _print_rtc, folder, "Passes", rtc_folder)
    list_heat(request, folder)
    if "s2" not in request.what:
        return
    with console.steps() as progress:
        result = find(request, progress=progress)
    for period, days in result.seasons.items():
        _print_days(period, days)
        console.out.print(f"{period.name}: {result.outlook(period)}", soft_wrap=True)
    for text in result.cautions():
        console.warn(text)
    console.out.print(result.headline())
    if folder is not None:
        result.write(folder)
        console.out.print(f"Days: {folder / 'scenes.csv'}", soft_wrap=True)


def _list_passes(
    request: GetRequest, find: Callable[..., RadarResult | RtcResult], show: Callable[[Any], None],
    folder: Path | None, what: str, where: Callable[[Place], Path],
) -> None:  # fmt: skip
    """Print the passes that a job finds; with a folder, write their table and say where."""
    with console.steps() as progress:
        result = find(request, progress=progress)
    show(result)
    for text in result.cautions():
        console.warn(text)
    console.out.print(result.headline(), soft_wrap=True)
    if folder is not None:
        result.write(folder)
        console.out.print(f"{what}: {folder / where(result.place)}", soft_wrap=True)


def _print_rtc(result: RtcResult) -> None:
    from rich import box
    from rich.table import Table

    table = Table("date", "UTC", "pass", box=box.SIMPLE)
    for name in ("covered", "MB", "scenes"):
        table.add_column(name, justify="right")
    for row, one in zip(result.to_dataframe().itertuples(), result.passes, strict=True):
        track = one.relative_orbit or "?"
        table.add_row(
            row.date, f"{one.time:%H:%M}", f"{row.direction} {track}", f"{row.covered_share:.0%}",
            f"{row.megabytes:,.0f}", str(len(one.scenes)),
        )  # fmt: skip
    console.out.print(table)


def _print_products(result: RadarResult) -> None:
    from rich import box
    from rich.table import Table

    table = Table("season", "date", "product", "pass", "covered", "MB", box=box.SIMPLE)
    for row in result.to_dataframe().itertuples():
        track = f"{row.direction} {row.relative_orbit}"
        size = f"{row.megabytes:,.0f}" if row.megabytes > 0 else "?"
        table.add_row(row.season, row.date, row.product, track, f"{row.covered_share:.0%}", size)
    console.out.print(table)


def _print_days(period: Period, days: list[Day]) -> None:
    from rich import box
    from rich.table import Table

    table = Table("date", title=str(period), title_justify="left", box=box.SIMPLE)
    for name in ("cloud", "covered", "clear", "MB"):
        table.add_column(name, justify="right")
    table.add_column("scenes")
    for day in days:
        tiles = ", ".join(s.tile or s.id for s in day.scenes)
        if day.failed:
            table.add_row(str(day.date), "", "", "", "", f"{tiles}: {day.failed}")
            continue
        shares = (f"{v:.0%}" for v in (day.cloud_share, day.covered_share, day.clear_share))
        table.add_row(str(day.date), *shares, f"{day.megabytes:,.0f}", tiles)
    console.out.print(table)


def _get(request: GetRequest, folder: Path, resume: bool) -> None:
    from lczlib.acquire.own import add_folder
    from lczlib.jobs.get_map import PublishedResult

    if resume and is_finished(request, folder):
        others = [w for w in request.what if w not in IMAGERY]
        rest = f" The rest is fetched by itself: --what {','.join(others)}." if others else ""
        told = f"The scenes in {folder} are finished: there is nothing to take up.{rest}"
        console.out.print(told, soft_wrap=True)
        return
    try:
        with console.steps() as progress:
            result = make(request, folder, resume=resume, progress=progress)
    except KeyboardInterrupt:
        console.err.print("Stopped. The finished tiles are kept: run again with --resume.")
        raise typer.Exit(130) from None
    for text in result.cautions():
        console.warn(text)
    radar = result if isinstance(result, RadarResult) else result.radar
    rtc = result if isinstance(result, RtcResult) else getattr(result, "rtc", None)
    if isinstance(result, PublishedResult):
        maps = {name: m.utm for name, m in result.published.items()}
        console.out.print(console.area_table(maps, f"Published LCZ maps of {result.place.label}"))
        console.out.print(f"{result.headline()} In {folder}.", soft_wrap=True)
    elif isinstance(result, GetResult):
        _print_seasons(result)
        add_folder(folder)
        console.out.print(
            f"{result.headline()} In {folder}: `lcz map {folder}` takes it.", soft_wrap=True
        )
    if rtc is not None:
        _print_passes(rtc, folder)
    further = getattr(result, "further", ())
    for part in (result, *further) if isinstance(result, Part) else further:
        print_part(part, folder)
    if radar is not None:
        _print_radar(radar, folder)


def _print_passes(result: RtcResult, folder: Path) -> None:
    _print_rtc(result)
    here = folder / rtc_folder(result.place)
    console.out.print(f"{result.headline()} In {here}.", soft_wrap=True)
    for way in result.folders(folder):
        short = {"ascending": "as", "descending": "des"}[way]
        words = ["lcz", "water", str(folder), "--orbit", short, "--every", "month", "--figures"]
        out = folder.with_name(f"{folder.resolve().name}-water-{short}")
        console.out.print(shlex.join([*words, "--out", str(out)]), soft_wrap=True, markup=False)


def _print_radar(result: RadarResult, folder: Path) -> None:
    if result.passes:
        _print_products(result)
    here = folder / radar_folder(result.place)
    console.out.print(f"{result.headline()} In {here}.", soft_wrap=True)
    for text in prepare_commands(result, folder):
        console.out.print(text, soft_wrap=True, markup=False)
    if result.lacking:  # what was asked for is not there
        raise typer.Exit(1)


def _print_seasons(result: GetResult) -> None:
    from rich import box
    from rich.table import Table

    seasons = result.to_dataframe()
    table = Table(seasons.index.name, box=box.SIMPLE)
    for name in seasons.columns:
        table.add_column("never clear" if name == "without" else name, justify="right")
    for row in seasons.itertuples():
        *most, median, without = row
        table.add_row(*map(str, most), f"{median:g}", f"{without:.1%}")
    console.out.print(table)


def prepare_commands(result: RadarResult, folder: Path) -> list[str]:
    """The commands that make a network's input of what was fetched, to be pasted into a shell."""
    made = []
    for products, settings in result.preparations(folder):
        # a box may begin with a minus
        options = [f"--{name}={value}" for name, value in settings.items()]
        made.append(shlex.join(["lcz", "prepare-s1", *map(str, products), *options]))
    return made
