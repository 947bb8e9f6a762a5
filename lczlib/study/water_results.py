"""A study's surface water as tables and files to take away."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lczlib.study.water import WaterSummary


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


def write_water_maps(summary: WaterSummary, folder: Path) -> list[Path]:
    """Write probability and water of each scene as GeoTIFFs, and the occurrence of a series."""
    series, scenes = summary.result.series, summary.result.scenes
    if series is None:
        return scenes[0].write(folder, "scene")
    written: list[Path] = []
    for i, scene in enumerate(scenes, start=1):  # two scenes of one day are two files
        written += scene.write(folder, f"{scene.date}_{i:02d}")
    return [*written, series.write_occurrence(folder)]
