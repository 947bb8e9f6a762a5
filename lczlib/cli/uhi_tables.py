"""The tables that ``lcz uhi`` prints."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.table import Table

from lczlib.analysis.heat.canopy import CanopyHeatIsland
from lczlib.analysis.heat.quality import in_words
from lczlib.analysis.heat.station_zones import told_ways
from lczlib.classes import CLASSES
from lczlib.cli import console
from lczlib.jobs.canopy_heat import CanopyHeat
from lczlib.jobs.heat_dates import season_heads, season_notes, season_rows, season_title
from lczlib.jobs.heat_words import cautions, grounds, level_of
from lczlib.jobs.pixel_heat import PixelHeat


def print_pixels(heat: PixelHeat, overpass: str) -> None:
    """The zones of an overpass, and how they were come by."""
    one = heat.overpasses[overpass]
    result, pixels, o = one.result, one.pixels, one.result.options
    name = "Surface heat island (SUHI)" if result.kind == "surface" else "Canopy layer heat island"
    console.out.print(f"[bold]{name}[/], {heat.quantity}, overpass: {one.name}")
    level = f": {result.reference_temperature:.2f} degC ({o.statistic})"
    console.out.print(
        f"Reference {result.reference.label}{level if result.reference.classes else ''}. "
        f"{heat.grid[0].upper()}{heat.grid[1:]}."
    )
    if heat.network:
        console.out.print(f"Zones mapped by the network {heat.network}.", soft_wrap=True)
    clouds = [] if result.kind != "surface" else [one.clouds]
    told = [f"{pixels['valid']:,} valid", f"{pixels['no_data']:,} no data"]
    told += [f"{pixels['repeated']:,} of repeated values", *clouds]
    told += [
        f"{pixels['implausible']:,} implausible",
        f"{pixels['fringe']:,} in a resampling fringe",
    ]
    console.out.print(f"Pixels: {'; '.join(told)}.")
    console.out.print(
        f"Interior: {o.interior} pixel(s) eroded; intervals: at least {o.min_pixels} pixels in "
        f"{o.min_patches} patches. {grounds(result)}"
    )
    if heat.request.probabilities is not None:
        console.out.print(f"Map error: {o.sampled_maps} maps drawn, seed {o.seed}.")
    for text in cautions(result):
        console.out.print(f"[yellow]{text}[/]", soft_wrap=True)
    table = Table(
        "LCZ", "pixels", "patches", "n eff.", "median", "difference", f"{o.confidence:.0%} interval",
        caption="degC, differences in K; n eff.: independent pixels that they are worth",
    )  # fmt: skip
    for number, row in result.classes.iterrows():
        alone = result.reference.classes == (int(number),)  # compared with itself
        known = np.isfinite(row["ci_low"])
        table.add_row(
            CLASSES[int(number) - 1].code, f"{row['n_pixels']:,}", f"{row['n_patches']:,}",
            f"{row['n_effective']:.0f}" if np.isfinite(row["n_effective"]) else "-", f"{row['median']:.2f}",
            "reference" if alone else f"{row['difference']:+.2f}" if np.isfinite(row["difference"]) else "-",
            f"{row['ci_low']:+.2f} to {row['ci_high']:+.2f}" if known and not alone else "-",
        )  # fmt: skip
    console.out.print(table)
    _print_notes(result.classes)
    if one.doubt:
        console.out.print(f"[yellow]{one.doubt}[/]", soft_wrap=True)
    for season in one.seasons:
        table = Table(
            *season_heads(season, level_of(result)),
            title=season_title(season),
            title_justify="left",
            title_style="",
        )
        for row in season_rows(season):
            table.add_row(*row)
        console.out.print(table)
        for note in season_notes(season):
            console.out.print(f"[yellow]{note}[/]", soft_wrap=True)


def _print_notes(classes: pd.DataFrame) -> None:
    """What is to be said of some of the classes, once for all that share it."""
    told = classes[~classes["note"].isin(["", "reference", "no reference"])]
    for note, rows in told.groupby("note", sort=False):
        codes = ", ".join(CLASSES[int(number) - 1].code for number in rows.index)
        console.out.print(f"[yellow]LCZ {codes}: {note}.[/]", soft_wrap=True)


def print_canopy(heat: CanopyHeat) -> None:
    """The zones of stations, and how they were come by."""
    result, (given, kept) = heat.result, heat.values
    console.out.print("[bold]Canopy layer heat island[/], air temperature")
    if heat.network:
        console.out.print(f"Zones mapped by the network {heat.network}.", soft_wrap=True)
    console.out.print(f"Reference {result.reference.label}; times: {heat.clock}.")
    console.out.print(
        f"Quality control ({heat.levels}): {given - kept:,} of {given:,} hourly "
        f"values removed; stations dropped: {in_words(heat.dropped) or 'none'}."
    )
    if ways := told_ways(heat.zones):
        console.out.print(f"{ways[0].upper()}{ways[1:]}.", soft_wrap=True)
    if heat.mixed:
        console.out.print(
            f"[yellow]{heat.mixed} station(s) in mixed surroundings (under 80% one class).[/]"
        )
    if not result.reference.classes:
        _print_levels(result)
        return
    level = f"{100 * result.options.confidence:g}%"
    table = Table(
        "LCZ", "n", "hours", f"{result.options.statistic} ({level})", f"night ({level})", "max",
        caption="differences in K; n: stations; max: mean of the nights' largest",
    )  # fmt: skip
    nights = result.subsets[result.subsets["subset"] == "night"].set_index("lcz")
    for number, row in result.classes.iterrows():
        code = CLASSES[int(number) - 1].code
        if row["note"] == "reference":
            table.add_row(code, str(row["n_stations"]), f"{row['n_hours']:,}", "reference")
            continue
        table.add_row(
            code, str(row["n_stations"]), f"{row['n_hours']:,}",
            f"{row['difference']:+.2f} ({_interval(row)})",
            f"{nights.loc[number, 'difference']:+.2f} ({_interval(nights.loc[number])})"
            if number in nights.index else "-",
            f"{row['night_maximum']:.2f}",
        )  # fmt: skip
    console.out.print(table)
    if result.bias:
        console.out.print(f"[yellow]{result.bias}[/]", soft_wrap=True)
    _print_notes(result.classes)
    peak = result.diurnal.loc[result.diurnal["difference"].idxmax()]
    console.out.print(
        f"Largest hourly difference: LCZ {CLASSES[int(peak['lcz']) - 1].code} at {int(peak['hour'])} h "
        f"local solar time, {peak['difference']:+.2f} K ({level} interval {_interval(peak)}, "
        f"{int(peak['n_hours']):,} hours)."
    )


def _print_levels(result: CanopyHeatIsland) -> None:
    table = Table("LCZ", "n", "hours", "mean", "median", caption="degC; n: stations")
    for number, row in result.classes.iterrows():
        table.add_row(
            CLASSES[int(number) - 1].code, str(row["n_stations"]), f"{row['n_hours']:,}",
            f"{row['mean']:.2f}", f"{row['median']:.2f}",
        )  # fmt: skip
    console.out.print(table)
    console.out.print(f"[yellow]{result.reference.note}[/]", soft_wrap=True)


def _interval(row: pd.Series) -> str:
    low, high = row["ci_low"], row["ci_high"]
    return f"{low:+.2f} to {high:+.2f}" if np.isfinite(low) else "-"
