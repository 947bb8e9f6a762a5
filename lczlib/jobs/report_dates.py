"""The part of a report on a heat island's dates: what each zone differs by through a season."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.figures import paper
from lczlib.jobs.heat_dates import season_heads, season_notes, season_rows, season_title
from lczlib.terms import worded

if TYPE_CHECKING:
    from lczlib.jobs.report_page import Page
    from lczlib.jobs.report_results import Warmth

_PAIRS = {"difference_ci": ("ci_low", "ci_high"), "trend_ci": ("trend_low", "trend_high"),
          "heat_wave_ci": ("heat_wave_low", "heat_wave_high")}  # fmt: skip


def fill(page: Page, one: Warmth, key: str) -> None:
    """Write each season of a heat island of several dates."""
    told = one.content.get("seasons") or ()
    of_dates = one.folder / f"dates{one.suffix}.csv"
    dates = pd.read_csv(of_dates) if told and of_dates.is_file() else None
    for content in told:
        season = _season(content, str(one.content.get("reference") or ""))
        title = season_title(season)
        notes = " ".join(map(worded, season_notes(season)))
        page.report.table(
            season_heads(season, one.level), season_rows(season), f"{one.title}, {title}. {notes}".strip()
        )  # fmt: skip
        if dates is not None and page.drawings.wanted:
            own = dates[
                (dates["season"] == season.name) & (dates["reference"] == season.reference.short)
            ]
            if len(own):
                panel = page.drawings.panel(
                    f"{key}_dates_{season.name}", f"Differences of zones by date, {title}", paper.dates_panel, own,
                    "By date", f"difference to {season.reference.short} (K)",
                )  # fmt: skip
                page.figure([panel], f"{one.kind.capitalize()} heat island by date, {title}.")


def _season(content: Mapping[str, Any], reference: str) -> Any:
    """A season as its words read it, of the document."""
    rows = {}
    for row in content["classes"]:
        told = {k: v for k, v in row.items() if k not in (*_PAIRS, "lcz", "code")}
        for name, ends in _PAIRS.items():
            told |= dict(zip(ends, row.get(name) or (None, None), strict=True))
        rows[int(row["lcz"])] = {
            k: np.nan if v is None else v for k, v in told.items()
        }  # fmt: skip
    short = str(content["reference"])
    return SimpleNamespace(
        name=content["season"], dates=range(int(content["n_dates"])), years=tuple(content["years"]),
        n_spells=int(content["n_spells"]), classes=pd.DataFrame.from_dict(rows, "index").rename_axis("lcz"),
        reference=SimpleNamespace(short=short, stand_in=bool(reference) and not reference.startswith(short)),
    )  # fmt: skip
