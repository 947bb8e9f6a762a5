"""What a canopy heat island is: the result of `lczlib.analysis.heat.canopy.canopy_heat_island`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lczlib.analysis.heat.options import LOW_PLANTS, CanopyOptions
from lczlib.analysis.heat.reference import Reference, bias_sentence
from lczlib.reading import counted


@dataclass(frozen=True)
class CanopyHeatIsland:
    """Result of :func:`canopy_heat_island`. Temperatures in degC, differences in K.

    Attributes
    ----------
    classes : DataFrame
        Index ``lcz``: ``n_stations``, ``n_hours``, ``mean``, ``median``, ``difference``,
        ``ci_low``, ``ci_high``, ``interval_over``, ``station_sd`` (spread of the stations' own
        differences within the class), ``night_maximum``, ``n_nights``, ``note``.
    stations : DataFrame
        Index station: ``lcz``, ``n_hours``, ``mean``, ``difference``, ``night_difference``.
    hourly : DataFrame
        Each station minus the reference, by UTC hour.
    diurnal : DataFrame
        Columns ``lcz``, ``hour`` (local solar, 0..23), ``difference``, ``ci_low``, ``ci_high``, ``n_hours``.
    hour_month : DataFrame
        Columns ``lcz``, ``month``, ``hour``, ``difference``, ``n_hours``.
    subsets : DataFrame
        Columns ``lcz``, ``subset`` (all, day, night, the seasons, heat-wave days and nights, calm
        and clear nights), ``difference``, ``ci_low``, ``ci_high``, ``n_hours``.
    reference : Reference
    facts : dict
        Heat-wave threshold and days, period.
    options : CanopyOptions
    reference_bias : float or None
        Where another class is the reference and there are stations in LCZ D: reference minus LCZ D in
        K, over the hours that both have.
    """

    classes: pd.DataFrame
    stations: pd.DataFrame
    hourly: pd.DataFrame
    diurnal: pd.DataFrame
    hour_month: pd.DataFrame
    subsets: pd.DataFrame
    reference: Reference
    facts: dict[str, Any]
    options: CanopyOptions = field(default_factory=CanopyOptions)
    reference_bias: float | None = None

    @property
    def bias(self) -> str:
        """A sentence on what the reference differs from LCZ D by, else empty."""
        n = int((self.stations["lcz"] == LOW_PLANTS).sum())
        return bias_sentence(self.reference, self.reference_bias, counted(n, "station"))
