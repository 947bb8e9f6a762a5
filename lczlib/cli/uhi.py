"""``lcz uhi``: surface and canopy heat islands by LCZ."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from lczlib.cli import console
from lczlib.errors import InputError

_SURFACE = "Surface: thermal images"
_CANOPY = "Canopy: air temperature stations"
_RESULT = "Result"


def uhi(
    map_path: Annotated[
        Path | None,
        typer.Argument(metavar="MAP", help="LCZ map; stations with hand-set classes need none."),
    ] = None,
    lst: Annotated[
        list[Path] | None,
        typer.Option(help="Thermal raster; repeat for several dates.", rich_help_panel=_SURFACE),
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option(help="Station data: CSV, Parquet or GeoPackage.", rich_help_panel=_CANOPY),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("lcz-uhi"),
    statistic: Annotated[
        str | None,
        typer.Option(help="median or mean: of pixels (default median) or hours (default mean)."),
    ] = None,
    reference: Annotated[str, typer.Option(help="Class to compare with.")] = "D",
    fallback: Annotated[
        bool, typer.Option(help="Let B, C and F pooled stand in where there is too little D.")
    ] = True,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    replicates: Annotated[int | None, typer.Option(help="Bootstrap replicates.")] = None,
    seed: Annotated[int, typer.Option(help="Of all random draws.")] = 0,
    figures: Annotated[bool, typer.Option(help="Draw PNG figures.")] = True,
    scheme: Annotated[
        str | None, typer.Option(help="Numbering of the map: 1-17, 101-107 or 0-16.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="landsat-l2, landsat-l1, modis, mxd21 or ecostress; known by file name else.",
            rich_help_panel=_SURFACE,
        ),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="K or degC, where a file does not say.")] = None,
    band: Annotated[
        str | None, typer.Option(help="Thermal band: number or name.", rich_help_panel=_SURFACE)
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
        float | None, typer.Option(help="Landsat L1, in place of MTL.", rich_help_panel=_SURFACE)
    ] = None,
    radiance_add: Annotated[float | None, typer.Option(rich_help_panel=_SURFACE)] = None,
    k1: Annotated[float | None, typer.Option(rich_help_panel=_SURFACE)] = None,
    k2: Annotated[float | None, typer.Option(rich_help_panel=_SURFACE)] = None,
    time: Annotated[
        list[str] | None,
        typer.Option(help="Acquisition in UTC, one for each --lst.", rich_help_panel=_SURFACE),
    ] = None,
    resample: Annotated[
        str | None,
        typer.Option(
            help="nearest or mode: classes to the thermal grid; average: temperature to the LCZ grid.",
            rich_help_panel=_SURFACE,
        ),
    ] = None,
    plausible: Annotated[
        tuple[float, float],
        typer.Option(help="Lowest and highest temperature kept, degC.", rich_help_panel=_SURFACE),
    ] = (-60.0, 85.0),
    interior: Annotated[
        int,
        typer.Option(
            help="Pixels eroded from patch borders; 0 uses all.", rich_help_panel=_SURFACE
        ),
    ] = 1,
    interior_distance: Annotated[
        float | None,
        typer.Option(help="The same in metres, such as 200.", rich_help_panel=_SURFACE),
    ] = None,
    min_pixels: Annotated[
        int, typer.Option(help="Fewest pixels of a class.", rich_help_panel=_SURFACE)
    ] = 30,
    min_patches: Annotated[
        int, typer.Option(help="Fewest patches of a class.", rich_help_panel=_SURFACE)
    ] = 3,
    elevation: Annotated[
        Path | None,
        typer.Option(help="Elevation raster, m: compare at one height.", rich_help_panel=_SURFACE),
    ] = None,
    elevation_band: Annotated[
        float, typer.Option(help="Height difference allowed, m.", rich_help_panel=_SURFACE)
    ] = 100.0,
    water_distance: Annotated[
        float,
        typer.Option(
            help="Leave reference pixels this near water out, m.", rich_help_panel=_SURFACE
        ),
    ] = 0.0,
    block_size: Annotated[
        float | None,
        typer.Option(help="Bootstrap block, m; from the data else.", rich_help_panel=_SURFACE),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="Class probabilities: carries map error.", rich_help_panel=_SURFACE),
    ] = None,
    persistence: Annotated[
        float,
        typer.Option(help="Several dates: K above the reference.", rich_help_panel=_SURFACE),
    ] = 1.0,
    sites: Annotated[
        Path | None, typer.Option(help="Coordinates of the stations.", rich_help_panel=_CANOPY)
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="time=NAME,station=NAME,temperature=NAME,...", rich_help_panel=_CANOPY),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(help="UTC, Europe/Berlin, Etc/GMT-1.", rich_help_panel=_CANOPY),
    ] = None,
    ambiguous: Annotated[
        str,
        typer.Option(
            help="Hour shown twice in autumn: raise, infer, earlier, later, drop.",
            rich_help_panel=_CANOPY,
        ),
    ] = "raise",
    station_classes: Annotated[
        Path | None,
        typer.Option(help="Table of station,lcz set by hand.", rich_help_panel=_CANOPY),
    ] = None,
    radius: Annotated[
        float, typer.Option(help="Around a station, m.", rich_help_panel=_CANOPY)
    ] = 250.0,
    qc: Annotated[
        str,
        typer.Option(
            help="Levels after CrowdQC+: all, none, or duplicates,outliers,flagged,correlation,buddies.",
            rich_help_panel=_CANOPY,
        ),
    ] = "duplicates,correlation",
    lapse_rate: Annotated[
        float,
        typer.Option(help="K per m, to compare at one height (0.0065).", rich_help_panel=_CANOPY),
    ] = 0.0,
    weather: Annotated[
        Path | None,
        typer.Option(
            help="time,wind (m/s),cloud (oktas): calm and clear nights.", rich_help_panel=_CANOPY
        ),
    ] = None,
    heat_wave_threshold: Annotated[
        float | None,
        typer.Option(help="Daily maximum, degC; 95th percentile else.", rich_help_panel=_CANOPY),
    ] = None,
) -> None:
    """Heat island of each Local Climate Zone against LCZ D, of the surface or of the canopy air.

    Example:
        lcz uhi berlin_lcz.tif --lst LC09_L2SP_193023_20230909_02_T1_ST_B10.TIF --out suhi

        lcz uhi berlin_lcz.tif --stations air.csv --time-zone UTC --out canopy
    """
    options: dict[str, Any] = dict(locals())
    if bool(lst) == bool(stations):
        raise typer.BadParameter(
            "give --lst (surface heat island) or --stations (canopy heat island), one of the two: "
            "they are different things."
        )
    if statistic not in (None, "median", "mean"):
        raise typer.BadParameter(f"--statistic is median or mean, not {statistic!r}.")
    if figures and not (find_spec("holoviews") and find_spec("matplotlib")):
        console.warn("no figures: holoviews and matplotlib are not installed (extra 'app')")
        options["figures"] = False
    if stations:
        from lczlib.cli.uhi_canopy import run_canopy

        run_canopy(options)
        return
    if map_path is None:
        msg = "The surface heat island needs an LCZ map: lcz uhi MAP --lst FILE."
        raise InputError(msg)
    from lczlib.cli.uhi_surface import run_surface

    run_surface(options)
