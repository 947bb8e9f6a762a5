"""Several dates of one overpass: when they were, and what is said of their seasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lczlib.analysis.heat.dates import FEWEST_YEARS, SEASONS, Season, When
from lczlib.analysis.heat.heat_waves import heat_wave_days, read_maxima
from lczlib.analysis.heat.reference import Reference
from lczlib.analysis.heat.surface import SurfaceHeatIsland
from lczlib.classes import CLASSES
from lczlib.jobs.heat_choices import PixelHeatRequest
from lczlib.jobs.request import is_path
from lczlib.terms import option
from lczlib.texts import N_, text, texts

Scenes = Sequence[dict[str, Any]]
_NAMES = {
    "DJF": N_("December to February"), "MAM": N_("March to May"), "JJA": N_("June to August"),
    "SON": N_("September to November"),
}  # fmt: skip


def with_heat_waves(request: PixelHeatRequest, scenes: Scenes) -> tuple[Scenes, dict[str, Any]]:
    """Scenes with whether their day was in a heat wave, and how that was told; as they are without maxima."""
    if request.daily_maxima is None:
        return scenes, {}
    maxima = request.daily_maxima
    maxima = read_maxima(maxima) if is_path(maxima) else maxima
    hot, threshold = heat_wave_days(maxima, request.heat_wave_threshold, request.heat_wave_days)
    known = {str(day.date()): bool(state) for day, state in hot.items() if day in maxima.index}
    told = [scene | {"heat_wave": known.get(str(scene["day"]))} for scene in scenes]
    return told, {
        "threshold": threshold, "fewest_days": request.heat_wave_days, "days": int(hot.sum()),
        "definition": "at least so many days in a row with a daily maximum above the threshold, after WMO-No. "
        "1310 (2023)",
    }  # fmt: skip


def when_of(scenes: Scenes) -> When | None:
    """When the dates were; None where a day is not known."""
    if any(scene["day"] is None for scene in scenes):
        return None
    hot = [scene.get("heat_wave") for scene in scenes]
    return When(
        np.array([scene["day"] for scene in scenes], "datetime64[D]"),
        np.array([np.nan if state is None else float(state) for state in hot]),
    )


def doubt(
    scenes: Scenes,
    islands: Sequence[SurfaceHeatIsland | None],
    main: Reference,
    apart: Sequence[int],
    left_out: Sequence[Mapping[str, str]],
) -> str:
    """What is to be said of several dates, and of those that do not count as the others do; else empty.

    Parameters
    ----------
    scenes : sequence of dict
        Time and day of each.
    islands : sequence
        Heat island of each of several; None where it has none.
    main : Reference
        Of the median of the dates.
    apart : sequence of int
        Dates that see no pixel that the others see.
    left_out : sequence of mapping
        ``file`` of rasters without a usable pixel.
    """
    told = [_of_seasons(scenes), _of_references(scenes, islands, main)]
    if len(apart):
        told.append(
            f"{_which(scenes, apart)} {_see(apart)} no pixel that the others see, so that how warm they were cannot be "
            "told from where they looked: compare them by themselves."
        )
    if left_out:
        n = len(left_out)
        told.append(
            f"{n} date{'s are' if n > 1 else ' is'} left out for want of usable pixels: "
            f"{', '.join(one['file'] for one in left_out)}."
        )
    return " ".join(filter(None, told))


def _of_references(
    scenes: Scenes, islands: Sequence[SurfaceHeatIsland | None], main: Reference
) -> str:
    """Which dates have no differences, and which have those against another class."""
    told = []
    of = {i: None if island is None else island.reference for i, island in enumerate(islands)}
    without = [i for i, reference in of.items() if reference is None or not reference.classes]
    if without and main.classes:
        them = "they count" if len(without) > 1 else "it counts"
        told.append(
            f"{_which(scenes, without)} {_see(without)} too little of the zones or of the reference to be compared: "
            f"{them} in the median of all dates alone."
        )
    others: dict[tuple[int, ...], list[int]] = {}
    for i, reference in of.items():
        if reference is not None and reference.classes and reference.classes != main.classes:
            others.setdefault(reference.classes, []).append(i)
    for which in others.values():
        one = len(which) == 1
        told.append(
            f"{_which(scenes, which)} {'is' if one else 'are'} compared with {of[which[0]].short}, of which "
            f"{'it shows' if one else 'they show'} too little: never averaged with those against {main.short}, nor "
            "counted in how often a pixel is hot."
        )
    return " ".join(told)


def _which(scenes: Scenes, which: Sequence[int]) -> str:
    """``2 of 9 dates (2021-07-10, 2021-08-10)``."""
    days = [str(scenes[i]["day"] or scenes[i].get("file", f"number {i + 1}")) for i in which]
    return f"{len(days)} of {len(scenes)} dates ({', '.join(days)})"


def _see(which: Sequence[int]) -> str:
    return "see" if len(which) > 1 else "sees"


def _of_seasons(scenes: Scenes) -> str:
    """What is to be said of the median of several dates; empty of one, or of those of one season."""
    if len(scenes) < 2:
        return ""
    when = when_of(scenes)
    if when is None:
        return (
            f"The {len(scenes)} dates do not all tell when they were, so that seasons cannot be kept apart: state it "
            f"({option('time')}, once for each raster)."
        )
    counts = Counter(when.seasons.tolist())
    if len(counts) < 2:
        return ""
    told = ", ".join(f"{counts[name]} of {_NAMES[name]}" for name in SEASONS if name in counts)
    return f"The zones' table is of the median of dates of several seasons ({told}): quote those of one."


def season_title(season: Season) -> str:
    """``June to August: 9 dates of 5 years, 7 spells of weather``."""
    said = text("{season}: {dates} of {years}, {spells} of weather")
    if season.reference.stand_in:
        said = text("{season}, against {reference}: {dates} of {years}, {spells} of weather")
    return said.format(
        season=text(_NAMES[season.name]), reference=season.reference.short,
        dates=f"{len(season.dates)} {text('dates')}",
        years=texts("{n} year", "{n} years", len(season.years)),
        spells=texts("{n} spell", "{n} spells", season.n_spells),
    )  # fmt: skip


def season_heads(season: Season, level: str) -> list[str]:
    """Of the columns of `season_rows`; `level` is the confidence of the intervals, ``95%``."""
    interval = text("{level} interval").format(level=level)
    return ["LCZ", text("dates"), text("difference K"), interval, *_told_of(season)]


def season_rows(season: Season) -> list[list[str]]:
    """The classes of a season in words, a row each; what none of them has is no column."""
    rows = []
    for number, row in season.classes.iterrows():
        if row["note"] != "reference":
            rows.append([
                CLASSES[int(number) - 1].code, str(row["n_dates"]), _signed(row["difference"]),
                _range(row["ci_low"], row["ci_high"]),
                *(words(row) for words in _told_of(season).values()),
            ])  # fmt: skip
    return rows


def _told_of(season: Season) -> dict[str, Callable[[pd.Series], str]]:
    """What is told of a season's dates beside their mean: heads, and a class's row in words."""
    every = {
        "sd_of_dates": (text("spread of dates K"), lambda row: _number(row["sd_of_dates"])),
        "trend": (text("in ten years K"), lambda row: _with_range(row, "trend")),
        "heat_wave": (text("in heat waves K"), lambda row: _with_range(row, "heat_wave")),
    }
    return dict(told for name, told in every.items() if season.classes[name].notna().any())


def season_notes(season: Season) -> list[str]:
    """What a season's table leaves open: trends and heat waves that could not be told, and intervals."""
    table = season.classes[season.classes["note"] != "reference"]
    notes = []
    if table["trend"].isna().all():
        notes.append(
            f"No trend: that takes {FEWEST_YEARS} years with a date, and there are {len(season.years)}."
        )
    for note, rows in table[table["note"] != ""].groupby("note", sort=False):
        notes.append(f"LCZ {', '.join(CLASSES[int(n) - 1].code for n in rows.index)}: {note}.")
    return notes


def season_document(season: Season) -> dict[str, Any]:
    """What ``heat_island.json`` says of a season: pairs for intervals, null for what is not known."""
    rows = []
    for number, row in season.classes.iterrows():
        entry: dict[str, Any] = {"lcz": int(number), "code": CLASSES[int(number) - 1].code}
        entry |= {k: row[k] for k in ("n_dates", "n_spells", "n_years", "n_heat_wave", "note")}
        entry |= {k: _known(row[k]) for k in ("difference", "sd_of_dates", "trend", "heat_wave")}
        for name, low, high in (
            ("difference_ci", "ci_low", "ci_high"), ("trend_ci", "trend_low", "trend_high"),
            ("heat_wave_ci", "heat_wave_low", "heat_wave_high"),
        ):  # fmt: skip
            entry[name] = [row[low], row[high]] if np.isfinite(row[low]) else None
        rows.append(entry)
    return {
        "season": season.name, "reference": season.reference.short, "n_dates": len(season.dates),
        "n_spells": season.n_spells, "years": list(season.years),
        "trend_per": "10 years", "classes": rows,
    }  # fmt: skip


def season_table(seasons: Sequence[Season]) -> pd.DataFrame:
    """The classes of all seasons as one table."""
    parts = [
        season.classes.reset_index().assign(season=season.name, reference=season.reference.short)
        for season in seasons
    ]
    table = pd.concat(parts, ignore_index=True)
    first = ["season", "reference"]
    return table[[*first, *(c for c in table if c not in first)]]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _signed(value: float) -> str:
    return f"{value:+.2f}" if np.isfinite(value) else "–"


def _range(low: float, high: float) -> str:
    return f"{low:+.2f} to {high:+.2f}" if np.isfinite(low) else "–"


def _with_range(row: pd.Series, name: str) -> str:
    if not np.isfinite(row[name]):
        return "–"
    return f"{row[name]:+.2f} ({_range(row[f'{name}_low'], row[f'{name}_high'])})"
