"""``lcz uhi``: surface and canopy heat islands by LCZ."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lczlib.cli import console
from lczlib.cli.maps import Legends, MapBands, MapColumns, MapLayers, MapNodata, Schemes
from lczlib.cli.options import (
    Cell,
    Seed,
    above_zero,
    between,
    each,
    finite,
    lcz_classes,
    listed,
    not_negative,
    pairs,
)

_SURFACE = "Surface: thermal images"
_CANOPY = "Canopy: air temperature stations"
_AIR = "Canopy: air temperature rasters"
FILES = (
    "map_path", "lst", "air", "stations", "quality", "mtl", "elevation", "probabilities", "sites",
    "station_classes", "weather",
)  # fmt: skip
"""Parameters that name files."""


def _check_unit(text: str) -> None:
    from lczlib.analysis.heat.air_units import check_air_unit

    check_air_unit(text)


def _check_time(text: str) -> None:
    from lczlib.scenes.thermal import acquisition

    acquisition(text)


def _check_time_zone(text: str) -> None:
    from lczlib.clocks import check_time_zone

    check_time_zone(text)


def _check_time_format(text: str) -> None:
    from lczlib.clocks import check_time_format

    check_time_format(text)


def _check_levels(text: str) -> None:
    from lczlib.analysis.heat.quality import check_levels

    check_levels(quality_levels(text))


def quality_levels(text: str) -> tuple[str, ...]:
    """The levels of quality control that ``--qc`` names."""
    from lczlib.analysis.heat.quality import LEVELS

    return {"all": LEVELS, "none": ()}.get(text, listed(text))


def _check_columns(value: str | None) -> str | None:
    from lczlib.analysis.heat.stations import check_roles

    each(check_roles)(pairs(listed(value), "ROLE=NAME, such as temperature=airT"))
    return value


def _check_plausible(value: tuple[float, float] | None) -> tuple[float, float] | None:
    finite(value)
    if value is not None and value[0] >= value[1]:
        raise typer.BadParameter(f"{value[0]:g} to {value[1]:g} is no range: give low, then high.")
    return value


def uhi(
    map_path: Annotated[
        Path | None,
        typer.Argument(metavar="MAP", help="LCZ map; stations with hand-set classes need none."),
    ] = None,
    lst: Annotated[
        list[Path] | None,
        typer.Option(help="Thermal raster; repeat for several dates.", rich_help_panel=_SURFACE),
    ] = None,
    air: Annotated[
        list[Path] | None,
        typer.Option(
            help="Air temperature raster; repeat for several dates.", rich_help_panel=_AIR
        ),
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option(help="Station data: CSV, Parquet or GeoPackage.", rich_help_panel=_CANOPY),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("lcz-uhi"),
    statistic: Annotated[
        Literal["median", "mean"] | None,
        typer.Option(help="Of pixels (default median) or hours (default mean)."),
    ] = None,
    reference: Annotated[
        str, typer.Option(help="Class to compare with.", callback=lcz_classes)
    ] = "D",
    fallback: Annotated[
        bool,
        typer.Option(help="Where there is too little D: C in its place, else what there is of D."),
    ] = False,
    confidence: Annotated[
        float, typer.Option(help="Of the intervals.", callback=between(0, 1, ends=False))
    ] = 0.95,
    replicates: Annotated[int | None, typer.Option(min=100, help="Bootstrap replicates.")] = None,
    seed: Seed = 0,
    figures: Annotated[bool, typer.Option(help="Draw PNG figures.")] = True,
    map_band: MapBands = None,
    scheme: Schemes = None,
    map_nodata: MapNodata = None,
    legend: Legends = None,
    cell: Cell = None,
    map_column: MapColumns = None,
    map_layer: MapLayers = None,
    kind: Annotated[
        Literal["landsat-l2", "landsat-l1", "modis", "mxd21", "ecostress"] | None,
        typer.Option(
            help="Thermal product; known by file name else.",
            rich_help_panel=_SURFACE,
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            help="K, degC or degF, where a file does not say; of stations also '0.1 K', '0.01 degC'.",
            callback=each(_check_unit),
        ),
    ] = None,
    band: Annotated[
        str | None,
        typer.Option(
            help="Band with the temperature: number or name; NetCDF: VARIABLE or VARIABLE:STEP.",
            rich_help_panel=_SURFACE,
        ),
    ] = None,
    quality: Annotated[
        Path | None,
        typer.Option(
            help="Quality layer, where it is not beside the file.", rich_help_panel=_SURFACE
        ),
    ] = None,
    mtl: Annotated[
        Path | None, typer.Option(help="Landsat metadata (_MTL.txt).", rich_help_panel=_SURFACE)
    ] = None,
    radiance_mult: Annotated[
        float | None,
        typer.Option(
            help="Landsat L1, in place of MTL.", rich_help_panel=_SURFACE, callback=above_zero
        ),
    ] = None,
    radiance_add: Annotated[
        float | None, typer.Option(rich_help_panel=_SURFACE, callback=finite)
    ] = None,
    k1: Annotated[float | None, typer.Option(rich_help_panel=_SURFACE, callback=above_zero)] = None,
    k2: Annotated[float | None, typer.Option(rich_help_panel=_SURFACE, callback=above_zero)] = None,
    time: Annotated[
        list[str] | None,
        typer.Option(
            help="Acquisition in UTC, one for each --lst or --air.",
            rich_help_panel=_SURFACE,
            callback=each(_check_time),
        ),
    ] = None,
    resample: Annotated[
        Literal["nearest", "mode", "average"] | None,
        typer.Option(
            help="nearest or mode: classes to the thermal grid; average: temperature to the LCZ grid.",
            rich_help_panel=_SURFACE,
        ),
    ] = None,
    plausible: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Lowest and highest temperature kept, degC [default: -60 85, of air -90 60].",
            rich_help_panel=_SURFACE,
            callback=_check_plausible,
        ),
    ] = None,
    interior: Annotated[
        int,
        typer.Option(
            min=0, help="Pixels eroded from patch borders; 0 uses all.", rich_help_panel=_SURFACE
        ),
    ] = 1,
    interior_distance: Annotated[
        float | None,
        typer.Option(
            help="The same in metres, such as 200.", rich_help_panel=_SURFACE, callback=not_negative
        ),
    ] = None,
    min_pixels: Annotated[
        int, typer.Option(min=1, help="Fewest pixels of a class.", rich_help_panel=_SURFACE)
    ] = 30,
    min_patches: Annotated[
        int, typer.Option(min=1, help="Fewest patches of a class.", rich_help_panel=_SURFACE)
    ] = 3,
    elevation: Annotated[
        Path | None,
        typer.Option(help="Elevation raster, m: compare at one height.", rich_help_panel=_SURFACE),
    ] = None,
    elevation_band: Annotated[
        float,
        typer.Option(
            help="Height difference allowed, m.", rich_help_panel=_SURFACE, callback=above_zero
        ),
    ] = 100.0,
    water_distance: Annotated[
        float,
        typer.Option(
            help="Leave reference pixels this near water out, m.",
            rich_help_panel=_SURFACE,
            callback=not_negative,
        ),
    ] = 0.0,
    block_size: Annotated[
        float | None,
        typer.Option(
            help="Bootstrap block, m; from the data else.",
            rich_help_panel=_SURFACE,
            callback=above_zero,
        ),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="Class probabilities: carries map error.", rich_help_panel=_SURFACE),
    ] = None,
    persistence: Annotated[
        float,
        typer.Option(
            help="Several dates: K above the reference.", rich_help_panel=_SURFACE, callback=finite
        ),
    ] = 1.0,
    sites: Annotated[
        Path | None, typer.Option(help="Coordinates of the stations.", rich_help_panel=_CANOPY)
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="time=NAME,station=NAME,latitude=NAME,... of the stations' or the sites' file; "
            "time=DATE+CLOCK joins two.",
            rich_help_panel=_CANOPY,
            callback=_check_columns,
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            help="UTC, Europe/Berlin, Etc/GMT-1.",
            rich_help_panel=_CANOPY,
            callback=each(_check_time_zone),
        ),
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            help="dayfirst, monthfirst, unix, excel or '%d.%m.%Y %H:%M'; found from the column else.",
            rich_help_panel=_CANOPY,
            callback=each(_check_time_format),
        ),
    ] = None,
    ambiguous: Annotated[
        Literal["raise", "infer", "earlier", "later", "drop"],
        typer.Option(help="Hour shown twice in autumn.", rich_help_panel=_CANOPY),
    ] = "raise",
    station_classes: Annotated[
        Path | None,
        typer.Option(help="Table of station,lcz set by hand.", rich_help_panel=_CANOPY),
    ] = None,
    skip_outside: Annotated[
        bool,
        typer.Option(
            help="Leave stations outside the map, or without coordinates, out.",
            rich_help_panel=_CANOPY,
        ),
    ] = False,
    radius: Annotated[
        float,
        typer.Option(help="Around a station, m.", rich_help_panel=_CANOPY, callback=above_zero),
    ] = 250.0,
    qc: Annotated[
        str,
        typer.Option(
            help="Levels after CrowdQC+: all, none, or duplicates,outliers,flagged,correlation,buddies.",
            rich_help_panel=_CANOPY,
            callback=each(_check_levels),
        ),
    ] = "duplicates,correlation",
    lapse_rate: Annotated[
        float,
        typer.Option(
            help="K per m, to compare at one height (0.0065).",
            rich_help_panel=_CANOPY,
            callback=finite,
        ),
    ] = 0.0,
    weather: Annotated[
        Path | None,
        typer.Option(
            help="time,wind (m/s),cloud (oktas): calm and clear nights.", rich_help_panel=_CANOPY
        ),
    ] = None,
    heat_wave_threshold: Annotated[
        float | None,
        typer.Option(
            help="Daily maximum, degC; 95th percentile else.",
            rich_help_panel=_CANOPY,
            callback=finite,
        ),
    ] = None,
) -> None:
    """Heat island of each Local Climate Zone against LCZ D, of the surface or of the canopy air.

    Example:
        lcz uhi berlin_lcz.tif --lst LC09_L2SP_193023_20230909_02_T1_ST_B10.TIF --out suhi

        lcz uhi berlin_lcz.tif --stations air.csv --time-zone UTC --out canopy

        lcz uhi berlin_lcz.tif --air urbclim.nc --band t2m:13 --out canopy_model
    """
    options: dict[str, Any] = dict(locals())
    if sum(map(bool, (lst, air, stations))) != 1:
        raise typer.BadParameter(
            "give --lst (surface heat island), --air or --stations (canopy heat island, by rasters or "
            "stations), one of the three: surface and canopy are different things."
        )
    if figures and not (find_spec("holoviews") and find_spec("matplotlib")):
        console.warn("no figures: holoviews and matplotlib are not installed (extra 'app')")
        options["figures"] = False
    if stations:
        from lczlib.cli.uhi_canopy import run_canopy

        run_canopy(options)
        return
    if map_path is None:
        raise typer.BadParameter(
            f"the {'surface' if lst else 'canopy'} heat island of rasters needs an LCZ map: lcz uhi MAP "
            f"{'--lst' if lst else '--air'} FILE."
        )
    landsat = (radiance_mult, radiance_add, k1, k2)
    if any(v is not None for v in landsat) and None in landsat:
        raise typer.BadParameter(
            "Landsat Level-1 needs all four: --radiance-mult, --radiance-add, --k1, --k2."
        )
    rasters, name = (lst, "--lst") if lst else (air or [], "--air")
    if time and len(time) != len(rasters):
        raise typer.BadParameter(
            f"{len(time)} --time for {len(rasters)} {name}: give one for each."
        )
    if air and (kind or quality or mtl or any(v is not None for v in landsat)):
        raise typer.BadParameter(
            "--kind, --quality, --mtl and the Landsat constants belong to --lst, not to --air."
        )
    if quality is not None and len(lst or ()) > 1:
        raise typer.BadParameter(
            "--quality names one layer but there are several --lst: put each layer beside its file."
        )
    from lczlib.cli.uhi_surface import run_surface

    run_surface(options)
