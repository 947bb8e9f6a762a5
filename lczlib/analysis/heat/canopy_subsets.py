"""The hours that a canopy heat island is told for: day and night, seasons, heat waves, calm and clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.analysis.heat.heat_waves import heat_wave_days

if TYPE_CHECKING:
    from lczlib.analysis.heat.canopy import _Clock
    from lczlib.analysis.heat.options import CanopyOptions

SEASONS = {12: "DJF", 1: "DJF", 2: "DJF", 3: "MAM", 4: "MAM", 5: "MAM"} | {
    6: "JJA", 7: "JJA", 8: "JJA", 9: "SON", 10: "SON", 11: "SON"
}  # fmt: skip


def subsets_of(
    times: pd.DatetimeIndex,
    base: pd.Series,
    clock: _Clock,
    weather: pd.DataFrame | None,
    options: CanopyOptions,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Named masks of the hours, ``all`` first; those without hours are left out."""
    season = np.array([SEASONS[m] for m in clock.month])
    masks = {"all": np.ones(times.size, bool), "day": ~clock.night, "night": clock.night}
    masks |= {name: season == name for name in ("DJF", "MAM", "JJA", "SON")}
    wave, threshold = heat_wave_days(
        base.groupby(clock.day).max(), options.heat_wave_threshold, options.heat_wave_days
    )
    in_wave = np.isin(clock.day, wave.index[wave].to_numpy())
    masks |= {"heat-wave days": in_wave & ~clock.night, "heat-wave nights": in_wave & clock.night}
    if weather is not None:
        there = weather.reindex(times)
        calm = (there["wind"] <= options.calm_wind) & (there["cloud"] <= options.clear_cloud)
        masks["calm and clear nights"] = calm.to_numpy() & clock.night
    facts = {
        "period": [str(times[0]), str(times[-1])],
        "heat_wave_threshold": threshold,
        "heat_wave_days": int(wave.sum()),
    }
    return {name: mask for name, mask in masks.items() if mask.any()}, facts
