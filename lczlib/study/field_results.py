"""A study's field of air temperature as tables, figures and files to take away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lczlib.jobs.field import FieldResult
from lczlib.jobs.field_words import VALIDATION_HEADS, validation_rows, what
from lczlib.study.wording import OF_FIELD_CARD, in_page

if TYPE_CHECKING:
    from lczlib.export.report import Report

METHOD = (
    "Air temperature everywhere: universal kriging of station means with zones as random effects (restricted maximum "
    "likelihood), judged by stations, zones and days left out (docs/field.md). The standard error is that of a station "
    "put on the pixel."
)
ZONE_HEADS = (
    "zone",
    "stations",
    "km²",
    "effect K",
    "standard error K",
    "of the field K",
    "on the map",
)


def zone_rows(result: FieldResult) -> list[tuple[str, ...]]:
    """Each zone of a field: stations, area, effect with its standard error, mean standard error of its pixels.

    In the order of `ZONE_HEADS`; the last column says where a zone is masked.
    """
    from lczlib.classes import CLASSES

    effects, rows = result.fitted.effects()[0], []
    codes = np.asarray(result.fitted.ground.lcz.data)
    for lcz, zone in result.areas.iterrows():
        on = result.error.to_numpy()[codes == lcz]
        on = on[np.isfinite(on)]
        alone = not zone["n_stations"]
        effect, error = ("–", "–") if alone else (
            f"{effects.loc[lcz, 'effect']:+.2f}", f"{effects.loc[lcz, 'standard_error']:.2f}"
        )  # fmt: skip
        shown = "" if not alone else "mean of all zones" if on.size else "masked"
        rows.append((
            f"{zone['code']} {CLASSES[lcz - 1].name}", f"{int(zone['n_stations'])}", f"{zone['area_km2']:,.1f}",
            effect, error, f"{on.mean():.2f}" if on.size else "–", shown,
        ))  # fmt: skip
    return rows


def field_tables(result: FieldResult) -> dict[str, pd.DataFrame]:
    """Scores of the cross-validation, and each station's, by file name."""
    return {
        "field_cross_validation": result.to_dataframe(),
        "field_stations": result.fitted.table().reset_index(names="station"),
    }


def field_figures(result: FieldResult, folder: Path, ending: str) -> dict[str, Path]:
    """Write the figures of a field; caption to path."""
    from lczlib.figures.save import save_figure
    from lczlib.jobs.field_files import map_figure, validation_figure

    return {
        f"{OF_FIELD_CARD}: {what(result.fitted)}, and its standard error": save_figure(
            map_figure(result), folder / f"field{ending}"
        ),
        f"{OF_FIELD_CARD}: each station predicted without itself": save_figure(
            validation_figure(result), folder / f"field_cross_validation{ending}"
        ),
    }


def describe_field(report: Report, result: FieldResult, figures: Mapping[str, Path]) -> None:
    """The report's section on the field."""
    report.section(OF_FIELD_CARD)
    report.text(result.headline(), "answer")
    report.table(VALIDATION_HEADS, validation_rows(result), "Cross-validation, K")
    for caption, path in figures.items():
        if caption.startswith(OF_FIELD_CARD):
            report.figure(path, caption)
    report.table(ZONE_HEADS, zone_rows(result), "Zones; effect: against the mean of all zones")
    for text in result.cautions():
        report.text(in_page(text, "field"), "warning")
    for text in result.notes():
        report.text(in_page(text, "field"))
    report.text(METHOD)
