"""The parts of a report on air temperature everywhere and on surface water."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.figures import paper, paper_maps
from lczlib.jobs import report_summary as words

if TYPE_CHECKING:
    from lczlib.jobs.methods_facts import Recorded
    from lczlib.jobs.report_page import Page

_METHODS = {
    "lcz_kriging": "Kriging with zones",
    "ordinary_kriging": "Ordinary kriging",
    "mean": "Mean of the stations",
}
_BLUES = "Blues"


def fill(page: Page) -> None:
    """Write what results hold of both."""
    for one, content in page.results.fields():
        _field(page, one, content)
    for one, content in page.results.waters():
        _water(page, one, content)


def _field(page: Page, one: Recorded, content: Mapping[str, Any]) -> None:
    report = page.report
    report.begin("Air temperature everywhere")
    if content.get("headline"):
        report.text(str(content["headline"]), "answer")
    panels = []
    for name, title, unit, cmap in (
        ("field", "Air temperature", "°C", "inferno"),
        ("standard_error", "Standard error", "K", "viridis"),
    ):
        path = one.folder / f"{name}.tif"
        if page.drawings.wanted and path.is_file():
            panels.append(page.drawings.panel(
                f"air_{name}", f"{title}, {content.get('what')}", paper_maps.layer_panel, page.layer(path), title,
                unit, cmap,
            ))  # fmt: skip
    page.figure(
        panels, f"Air temperature ({content.get('what')}) from {len(content.get('stations') or ())} stations by "
        "kriging with the zones as random effects, and its standard error: that of a station put on the cell.",
    )  # fmt: skip
    found = one.document("cross_validation.json")
    if found is not None:
        rows = []
        for row in found[1].get("methods") or ():
            low, high = row.get("rmse_ci") or (None, None)
            rows.append((
                _METHODS.get(row["name"], str(row["name"]).replace("_", " ")), f"{int(row['n']):,}",
                words.number(_of(row, "rmse"), ".2f"),
                words.interval(_of({"v": low}, "v"), _of({"v": high}, "v"), ".2f"),
                words.number(_of(row, "bias"), "+.2f"), words.number(100 * _of(row, "coverage"), ".0f"),
            ))  # fmt: skip
        report.table(
            ("Method", "Stations", "RMSE K", "95 % interval K", "Bias K", "In the 95 % interval, %"), rows,
            "Each station predicted without itself.",
        )  # fmt: skip
        page.tables["air_temperature_cross_validation"] = pd.DataFrame(
            found[1].get("methods") or ()
        )
    for text in content.get("cautions") or ():
        report.text(str(text), "warning")


def _water(page: Page, one: Recorded, content: Mapping[str, Any]) -> None:
    report = page.report
    report.begin("Surface water")
    report.text(words.water_in_words(content), "answer")
    series = content.get("series") or {}
    months, scenes = series.get("months") or [], content.get("scenes") or []
    panels = []
    if page.drawings.wanted:
        for row in scenes[-1:]:
            path = one.folder / str(row.get("probability"))
            if path.is_file():
                panels.append(page.drawings.panel(
                    "water", "Probability of water", paper_maps.layer_panel, page.layer(path),
                    f"Probability of water, {row.get('date') or row.get('input')}", "probability", _BLUES, (0.0, 1.0),
                ))  # fmt: skip
        path = one.folder / "water_occurrence.tif"
        if months and path.is_file():
            panels.append(page.drawings.panel(
                "water_occurrence", "Share of months with water", paper_maps.layer_panel, page.layer(path),
                "Share of months with water", "share", _BLUES, (0.0, 1.0),
            ))  # fmt: skip
        if len(months) > 1:
            low, high = zip(*(m["area_km2_ci"] for m in months), strict=True)
            panels.append(page.drawings.panel(
                "water_by_month", "Surface water by month with its interval", paper.months_panel,
                [m["month"] for m in months], [m["area_km2"] for m in months], low, high, "By month",
            ))  # fmt: skip
    page.figure(
        panels, f"Surface water from {len(scenes)} Sentinel-1 scene{'' if len(scenes) == 1 else 's'}; water is mapped "
        f"where its probability is above {content.get('threshold')}.",
    )  # fmt: skip
    rows = []
    for row in months or scenes:
        low, high = row.get("area_km2_ci") or (np.nan, np.nan)
        rows.append((
            row.get("month") or row.get("date") or row.get("input"), words.number(_of(row, "area_km2"), ".2f"),
            words.interval(low, high, ".2f"), words.number(_of(row, "dark_not_water_km2"), ".2f"),
            words.number(100 * _of(row, "valid_share"), ".0f"), f"{int(row['n']):,}",
        ))  # fmt: skip
    report.table(
        ("When", "Mapped km²", "95 % interval km²", "Dark, not mapped km²", "Seen %", "Pixels (n)"), rows,
        "Surface water. The interval holds the network's doubt, the shore within the radar's resolution, and at its "
        "upper end what is as dark as open water but not mapped.",
    )  # fmt: skip
    page.tables["water_area"] = pd.DataFrame(months or scenes)


def _of(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    return np.nan if value is None else float(value)
