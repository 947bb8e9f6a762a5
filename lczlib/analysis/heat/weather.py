"""Wind and cloud, to tell calm and clear nights from others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lczlib.analysis.heat.stations import match_columns
from lczlib.clocks import Ambiguous, check_time_format, describe, read_stamps, to_utc, with_times
from lczlib.errors import InputError
from lczlib.tables import read_notes, read_numbers, read_table


def read_weather(
    path: str | Path,
    *,
    time_zone: str | None = None,
    ambiguous: Ambiguous = "raise",
    time_format: str | None = None,
) -> pd.DataFrame:
    """Read a table with columns ``time``, ``wind`` (m/s) and ``cloud`` (oktas) of one place.

    Parameters
    ----------
    path : path
        CSV or Parquet.
    time_zone, ambiguous
        As for `lczlib.analysis.heat.stations.read_stations`.
    time_format : str, optional
        Of the stations beside it; used only where the table's own column does not tell its format.

    Returns
    -------
    DataFrame
        Index UTC hours, columns ``wind``, ``cloud``; hourly means.

    Raises
    ------
    InputError
        If a column is missing, the time zone is not known, or cloud is no number of oktas.
    """
    table = read_table(path, "weather table")
    notes = read_notes(table)
    table, columns, zone = with_times(table, {}, path, notes)
    names = match_columns(table, columns, Path(path))
    by_lower = {str(c).lower(): c for c in table.columns}
    lacking = [c for c in ("wind", "cloud") if c not in by_lower]
    if lacking or "time" not in names:
        msg = f"{path} must have the columns time, wind (m/s) and cloud (oktas 0-8)."
        raise InputError(msg)
    out = pd.DataFrame({
        "time": table[names["time"]], "station": "weather",
        "wind": read_numbers(table[by_lower["wind"]], "wind speed", path, notes),
        "cloud": read_numbers(table[by_lower["cloud"]], "cloud amount", path, notes),
    })  # fmt: skip
    if out["cloud"].max() > 9:
        msg = f"{path}: cloud reaches {out['cloud'].max():g}; give it in oktas, 0 to 8 (percent x 0.08)."
        raise InputError(msg)
    time_format = time_format and _format_unless_told(out["time"], time_format, path)
    times, _ = to_utc(
        out, time_zone, ambiguous, path, time_format=time_format, named_zone=zone, notes=notes
    )
    out = out.assign(time=times).dropna(subset=["time"])
    describe(out, notes)
    notes.tell("weather table", path)
    return out.set_index("time")[["wind", "cloud"]].resample("1h").mean()


def _format_unless_told(times: pd.Series, stated: str, path: str | Path) -> str | None:
    """The stated format where a column does not tell its own: stations and weather may differ."""
    check_time_format(stated)
    try:
        read_stamps(times, path)
    except InputError:
        return stated
    return None
