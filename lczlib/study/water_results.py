"""A study's surface water as tables, figures and files to take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lczlib import catalog
from lczlib.study.water import WaterSummary

if TYPE_CHECKING:
    from lczlib.export.report import Report

METHOD = (
    "Surface water: GMNet (Luo et al. 2023) on VV and VH in dB. The interval of an area holds the network's doubt, "
    "the shore within the radar's resolution, and at its upper end cells as dark as open water that are not mapped."
)


def water_tables(summary: WaterSummary) -> dict[str, pd.DataFrame]:
    """Area by month (km2, with its interval) and the agreement of LCZ G, by file name."""
    areas = summary.result.to_dataframe().reset_index(names="month")
    if not summary.months:
        areas["month"] = "this scene"
    found = {"water_area": areas}
    if summary.against_lcz:
        found["water_against_lcz"] = pd.DataFrame(
            [
                {"map": name, "agreement": r["agreement"], "jaccard": r["jaccard"], "n": r["n"]}
                for name, r in summary.against_lcz.items()
            ]
        )
    return found


def water_figures(summary: WaterSummary, folder: Path, ending: str) -> dict[str, Path]:
    """Write the figures of surface water; caption to path."""
    from lczlib.figures.water import monthly_area_figure, occurrence_figure, save, water_figure

    last = summary.result.scenes[-1]
    of = f" of {summary.months[-1]}" if summary.months else ""
    figure = water_figure(last.backscatter.compute(), last.probability.compute(), last.threshold)
    found = {f"Surface water{of} from Sentinel-1": save(figure, folder / f"water{ending}")}
    if summary.months:
        found["Surface water by month, with its interval"] = save(
            monthly_area_figure(summary.area), folder / f"water_by_month{ending}"
        )
    if summary.occurrence is not None:
        found["Surface water: share of months with water"] = save(
            occurrence_figure(summary.occurrence), folder / f"water_occurrence{ending}"
        )
    return found


def write_water_maps(summary: WaterSummary, folder: Path) -> list[Path]:
    """Write probability and water of each scene as GeoTIFFs, and the occurrence of a series."""
    series, scenes = summary.result.series, summary.result.scenes
    if series is None:
        return scenes[0].write(folder, "scene")
    written: list[Path] = []
    for i, scene in enumerate(scenes, start=1):  # two scenes of one day are two files
        written += scene.write(folder, f"{scene.date}_{i:02d}")
    return [*written, series.write_occurrence(folder)]


def describe_water(report: Report, summary: WaterSummary, figures: dict[str, Path]) -> None:
    """The report's section on surface water."""
    report.section("Surface water")
    rows = []
    for r in water_tables(summary)["water_area"].itertuples():
        interval = f"{r.ci_low_km2:.2f} to {r.ci_high_km2:.2f}"
        rows.append((r.month, f"{r.area_km2:.2f}", interval, f"{r.dark_not_mapped_km2:.2f}",
                     f"{100 * r.valid_share:.0f} %", f"{r.n_pixels:,}"))  # fmt: skip
    heads = ("month", "mapped km²", "interval km²", "dark, not mapped km²", "seen", "pixels (n)")
    report.table(heads, rows)
    for caption, path in figures.items():
        if caption.startswith("Surface water"):
            report.figure(path, caption)
    entry = catalog.entry(summary.result.weights["name"], "weights")
    report.text(f"{METHOD} Network: {entry.title}. {entry.citation} Licence: {entry.licence}.")
