"""The canopy half of ``lcz uhi``: stations in, heat island of the air out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from lczlib.analysis.heat.canopy import CanopyHeatIsland, CanopyOptions, canopy_heat_island
from lczlib.analysis.heat.quality import in_words, quality_control
from lczlib.analysis.heat.station_zones import read_classes, station_classes, with_elevation
from lczlib.analysis.heat.stations import read_stations
from lczlib.analysis.heat.weather import read_weather
from lczlib.classes import CLASSES
from lczlib.cli import console
from lczlib.cli.maps import UHI_NAMES, one_map, open_map, table_schemes
from lczlib.cli.options import listed, pairs
from lczlib.cli.results import recorded
from lczlib.cli.uhi import FILES, quality_levels
from lczlib.export import sha256_of
from lczlib.export.heat import canopy_document, check_kind, write_canopy, write_table
from lczlib.made_by import network_of
from lczlib.scenes.elevation import open_elevation


def run_canopy(o: dict[str, Any]) -> None:
    """Do what ``lcz uhi [MAP] --stations FILE`` asks."""
    check_kind(o["out"], "canopy", "stations")
    with recorded("uhi", Path(o["out"]), o, FILES, maps=("map_path",)):
        result, document, n_flagged = _compute_and_write(o)
    _print(result, document, n_flagged)
    console.out.print(f"Results: {Path(o['out']) / 'heat_island.json'}")


def _compute_and_write(o: dict[str, Any]) -> tuple[CanopyHeatIsland, dict[str, Any], int]:
    """The result, what was written of it, and how many stations stand in mixed surroundings."""
    with console.err.status("Reading stations"):
        tables = (o["station_classes"], o["sites"] or o["stations"])
        schemes, of_map = table_schemes(o["scheme"], tables, has_map=bool(o["map_path"]))
        o = o | {"scheme": of_map}
        lcz = None
        if o["map_path"]:
            reading = one_map(o["map_path"], o, UHI_NAMES)
            lcz = open_map(o["map_path"], reading, kinds=UHI_NAMES, cell=o["cell"])
        data = read_stations(
            o["stations"], sites=o["sites"], columns=pairs(listed(o["columns"]), "ROLE=NAME"),
            time_zone=o["time_zone"], ambiguous=o["ambiguous"],
            unit=o["unit"], time_format=o["time_format"], skip_outside=o["skip_outside"],
            lcz=lcz, scheme=schemes.get(Path(tables[1]).stem),
        )  # fmt: skip
        sites = data.sites
        if o["elevation"] is not None:
            sites = with_elevation(sites, open_elevation(o["elevation"]))
        by_hand = None
        if o["station_classes"]:
            own = o["station_classes"]
            by_hand = read_classes(own, schemes.get(own.stem))
        zones = station_classes(
            sites, lcz, by_hand=by_hand, radius=o["radius"], skip_outside=o["skip_outside"]
        )
        air, sites = data.air[zones.index], sites.loc[zones.index]
        weather = None
        if o["weather"]:
            weather = read_weather(
                o["weather"], time_zone=o["time_zone"], ambiguous=o["ambiguous"],
                time_format=o["time_format"],
            )  # fmt: skip
    with console.err.status("Quality control"):
        levels = quality_levels(o["qc"])
        checked = quality_control(air, sites, levels)
    with console.err.status("Resampling stations and days"):
        options = CanopyOptions(
            statistic=o["statistic"] or "mean",
            reference=o["reference"],
            fallback=o["fallback"],
            heat_wave_threshold=o["heat_wave_threshold"],
            lapse_rate=o["lapse_rate"],
            replicates=o["replicates"] or 500,
            confidence=o["confidence"],
            seed=o["seed"],
        )
        result = canopy_heat_island(checked.air, sites, zones["lcz"], options, weather=weather)
    reasons = {**data.left_out, **zones.attrs["left_out"], **checked.dropped()}
    document = canopy_document(
        result,
        clock=data.clock,
        map_network=network_of(o["map_path"]) if (zones["source"] == "map").any() else "",
        station_classes=zones.rename_axis("station").reset_index().to_dict("records"),
        quality_control={
            "levels": list(levels),
            "elevation_corrected": checked.elevation_corrected,
            "stations_dropped": sorted(reasons),
            "reasons": reasons,
            "report": checked.report.rename_axis("station").reset_index().to_dict("records"),
        },
        inputs={p.name: sha256_of(p) for p in (o["stations"], o["map_path"]) if p and p.is_file()},
    )
    with console.err.status("Writing"):
        write_table(Path(o["out"]) / "quality.csv", checked.report.rename_axis("station"))
        write_table(Path(o["out"]) / "station_classes.csv", zones.rename_axis("station"))
        write_canopy(o["out"], result, document, figures=o["figures"])
    return result, document, int(zones.flagged.sum())


def _print(result: CanopyHeatIsland, document: dict[str, Any], n_flagged: int) -> None:
    quality = document["quality_control"]
    given = sum(r["n_given"] for r in quality["report"])
    kept = sum(r["n_kept"] for r in quality["report"])
    console.out.print("[bold]Canopy layer heat island[/], air temperature")
    if document["map_network"]:
        console.out.print(f"Zones mapped by the network {document['map_network']}.", soft_wrap=True)
    console.out.print(f"Reference {result.reference.label}; times: {document['clock']}.")
    console.out.print(
        f"Quality control ({', '.join(quality['levels']) or 'none'}): {given - kept:,} of {given:,} hourly "
        f"values removed; stations dropped: {in_words(quality['reasons']) or 'none'}."
    )
    if n_flagged:
        console.out.print(
            f"[yellow]{n_flagged} station(s) in mixed surroundings (under 80% one class).[/]"
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
    few: dict[str, list[str]] = {}
    for number, row in result.classes.iterrows():
        code = CLASSES[int(number) - 1].code
        if row["note"] not in ("", "reference"):
            few.setdefault(row["note"], []).append(code)
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
    for note, codes in few.items():
        console.out.print(f"[yellow]LCZ {', '.join(codes)}: {note}.[/]")
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
