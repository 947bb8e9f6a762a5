"""One value for each station and time; what a record spans."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lczlib.errors import InputError
from lczlib.reading import Notes, counted
from lczlib.terms import option

_COLLAPSED = 0.5


def settled(long: pd.DataFrame, path: object, notes: Notes) -> pd.DataFrame:
    """A table with one row for each station and time.

    Rows that say the same are one, and a missing value gives way to a measured one; both are
    counted. Different values for one time are refused.

    Parameters
    ----------
    long : DataFrame
        Columns ``station``, ``time`` (UTC) and ``temperature``.
    path : path
        The file, for messages.
    notes : Notes
        Takes the counts.

    Raises
    ------
    InputError
        If a station has different values for one time, as it has where the times lost their hours.
    """
    n = len(long)
    long = long.drop_duplicates(["station", "time", "temperature"])
    again = long.duplicated(["station", "time"], keep=False)
    long = long[~(again & long["temperature"].isna())]
    repeated = long.duplicated(["station", "time"])
    if repeated.mean() > _COLLAPSED:
        times = long["time"].nunique()
        msg = (
            f"{path}: {len(long):,} values fall on {counted(times, 'time')}, such as {long['time'].iloc[0]}: "
            f"the hours are in another column or were lost; name all columns of the time with {option('columns')} "
            f"time=DATE+TIME, or state {option('time_format')}."
        )
        raise InputError(msg)
    if repeated.any():
        first = long[repeated].iloc[0]
        msg = (
            f"{path}: station {first['station']!r} has more than one value at {first['time']} "
            f"({int(repeated.sum())} such rows): remove the duplicates; around the end of daylight "
            f"saving time, state the zone and {option('ambiguous')} infer."
        )
        raise InputError(msg)
    if len(long) < n:
        notes.said.append(f"{counted(n - len(long), 'row')} twice, kept once")
        notes.facts["duplicate_rows"] = n - len(long)
    return long


def describe(long: pd.DataFrame, notes: Notes) -> None:
    """Note how many stations and times there are, from when to when, and their step."""
    times = pd.DatetimeIndex(np.unique(long["time"].to_numpy("datetime64[us]")))
    ordered = long.sort_values(["station", "time"])
    steps = ordered.groupby("station")["time"].diff().dt.total_seconds().dropna()
    step = float(steps.median()) if len(steps) else np.nan
    span = f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC"
    stations = long["station"].nunique()
    text = f"{counted(stations, 'station')}, {counted(len(times), 'time')} from {span}"
    if np.isfinite(step):
        text += f", in steps of {_duration(step)}"
    notes.said.append(text)
    notes.facts |= {
        "stations": stations, "times": len(times), "first": f"{times[0]:%Y-%m-%dT%H:%M}Z",
        "last": f"{times[-1]:%Y-%m-%dT%H:%M}Z", "step_s": step if np.isfinite(step) else None,
    }  # fmt: skip


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
