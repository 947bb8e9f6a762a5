"""Wind and cloud, to tell calm and clear nights from others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lczlib.analysis.heat.stations import Ambiguous, match_columns, read_table, to_utc
from lczlib.errors import InputError


def read_weather(
    path: str | Path, *, time_zone: str | None = None, ambiguous: Ambiguous = "raise"
) -> pd.DataFrame:
    """Read a table with columns ``time``, ``wind`` (m/s) and ``cloud`` (oktas) of one place.

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
    names = match_columns(table, {}, Path(path))
    by_lower = {str(c).lower(): c for c in table.columns}
    lacking = [c for c in ("wind", "cloud") if c not in by_lower]
    if lacking or "time" not in names:
        msg = f"{path} must have the columns time, wind (m/s) and cloud (oktas 0-8)."
        raise InputError(msg)
    out = pd.DataFrame({
        "time": table[names["time"]], "station": "weather",
        "wind": table[by_lower["wind"]], "cloud": table[by_lower["cloud"]],
    })  # fmt: skip
    if out["cloud"].max() > 9:
        msg = f"{path}: cloud reaches {out['cloud'].max():g}; give it in oktas, 0 to 8 (percent x 0.08)."
        raise InputError(msg)
    times, _ = to_utc(out, time_zone, ambiguous, Path(path))
    hourly = out.assign(time=times).dropna(subset=["time"]).set_index("time")[["wind", "cloud"]]
    return hourly.resample("1h").mean()
