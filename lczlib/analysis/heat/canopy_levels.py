"""A canopy heat island without a reference: the temperatures of the zones, and no differences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lczlib.analysis.heat.canopy_result import CanopyHeatIsland
from lczlib.analysis.heat.options import CanopyOptions
from lczlib.analysis.heat.reference import Reference
from lczlib.classes import CLASSES


def levels_only(
    air: pd.DataFrame, zones: pd.Series, reference: Reference, options: CanopyOptions
) -> CanopyHeatIsland:
    """Mean and median air temperature of each zone; all that needs a reference is NaN or empty.

    Parameters
    ----------
    air : DataFrame
        degC, index UTC hours, a column for each station.
    zones : Series
        LCZ number of each station.
    reference, options
        Of the result; the reference names no class.
    """
    unknown = dict.fromkeys(
        ("difference", "ci_low", "ci_high", "station_sd", "night_maximum"), np.nan
    )
    rows = {}
    for number in sorted(zones.unique()):
        own = air.loc[:, (zones == number).to_numpy()]
        level = own.mean(axis=1)
        rows[int(number)] = {
            "code": CLASSES[int(number) - 1].code, "n_stations": own.shape[1],
            "n_hours": int(level.notna().sum()), "mean": float(level.mean()),
            "median": float(level.median()), **unknown, "n_nights": 0, "interval_over": "",
            "note": "no reference",
        }  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "lcz"
    stations = pd.DataFrame({
        "lcz": zones, "n_hours": air.notna().sum(), "mean": air.mean(), "difference": np.nan,
        "night_difference": np.nan,
    })  # fmt: skip
    interval = ["difference", "ci_low", "ci_high", "n_hours"]
    subsets = table[interval].reset_index().assign(subset="all")
    return CanopyHeatIsland(
        table, stations, air * np.nan, pd.DataFrame(columns=["hour", *interval, "lcz"]),
        pd.DataFrame(columns=["month", "hour", "difference", "n_hours", "lcz"]),
        subsets[["lcz", "subset", *interval]], reference,
        {"period": [str(air.index[0]), str(air.index[-1])], "heat_wave_threshold": None, "heat_wave_days": 0},
        options,
    )  # fmt: skip
