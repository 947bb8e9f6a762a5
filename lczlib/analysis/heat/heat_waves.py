"""Heat waves: which days belong to one.

A heat wave is a run of at least three days in the warm part of the year whose maxima exceed a threshold
of the local climate (WMO-No. 1310, Guidelines on the Definition and Characterization of Extreme Weather
and Climate Events, 2023). The threshold is the 95th percentile of the daily maxima of the record, or stated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lczlib.errors import InputError
from lczlib.tables import read_notes, read_numbers, read_table

_QUANTILE = 0.95
_FEWEST_DAYS = 30
_PLAUSIBLE = (-90.0, 60.0)


def heat_wave_days(
    maxima: pd.Series, threshold: float | None, fewest: int
) -> tuple[pd.Series, float]:
    """Which days belong to a heat wave, and the threshold in degC.

    Parameters
    ----------
    maxima : Series
        Daily maxima in degC, index days. A day that is missing ends a heat wave.
    threshold : float, optional
        That a day exceeds, degC; by default the 95th percentile of the maxima.
    fewest : int
        Days in a row.

    Returns
    -------
    days : Series of bool
        Index every day from the first to the last.
    threshold : float
    """
    limit = float(maxima.quantile(_QUANTILE)) if threshold is None else float(threshold)
    hot = pd.Series(maxima > limit).asfreq("D", fill_value=False)
    run = (hot != hot.shift()).cumsum()
    return hot & (hot.groupby(run).transform("size") >= fewest), limit


def read_maxima(path: str | Path) -> pd.Series:
    """Read a table with columns ``date`` and ``maximum`` (degC) of a place outside the city.

    Parameters
    ----------
    path : path
        CSV or Parquet.

    Returns
    -------
    Series
        Index days; days without a value are left out.

    Raises
    ------
    InputError
        If a column is missing, dates are not written year first or come twice, maxima are no air
        temperatures in degC, or there are fewer than thirty.
    """
    table = read_table(path, "table of daily maxima")
    notes = read_notes(table)
    by_lower = {str(c).lower(): c for c in table.columns}
    if not {"date", "maximum"} <= by_lower.keys():
        msg = f"{path} must have the columns date and maximum (degC); it has {', '.join(map(str, table.columns))}."
        raise InputError(msg, parameter="daily_maxima")
    text = table[by_lower["date"]].astype(str).str.slice(0, 10)
    days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    if days.isna().any():
        msg = f"{path}: {text[days.isna()].iloc[0]!r} is no date: write them as 2021-07-01."
        raise InputError(msg, parameter="daily_maxima")
    values = read_numbers(table[by_lower["maximum"]], "daily maximum", path, notes)
    found = pd.Series(np.asarray(values, float), pd.DatetimeIndex(days)).dropna().sort_index()
    if found.index.has_duplicates:
        twice = found.index[found.index.duplicated()][0]
        msg = f"{path} gives {twice:%Y-%m-%d} twice: leave one maximum a day."
        raise InputError(msg, parameter="daily_maxima")
    if len(found) < _FEWEST_DAYS:
        msg = f"{path} has {len(found)} daily maxima: heat waves need at least {_FEWEST_DAYS}, best years of them."
        raise InputError(msg, parameter="daily_maxima")
    if not found.between(*_PLAUSIBLE).all():
        odd = float(found[~found.between(*_PLAUSIBLE)].iloc[0])
        msg = f"{path}: {odd:g} is no air temperature in degC: give the maxima in degC, and no fill values."
        raise InputError(msg, parameter="daily_maxima")
    notes.said.append(
        f"{len(found):,} days, {found.index[0]:%Y-%m-%d} to {found.index[-1]:%Y-%m-%d}"
    )
    notes.tell("daily maxima", path)
    return found
