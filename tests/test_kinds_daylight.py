"""The hour that a clock shows twice, in drawn zones, steps and orders, with rows missing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lczlib.analysis.heat.stations import read_stations
from lczlib.reading import readings

ZONES = {
    "Europe/Berlin": "2021-10-31", "America/New_York": "2021-11-07", "Australia/Sydney": "2021-04-04",
    "Europe/Lisbon": "2021-10-31", "America/Havana": "2021-11-07",
}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(list(ZONES)), step=st.sampled_from(["30min", "1h"]), missing=st.sets(st.integers(0, 287)),
    backwards=st.booleans(), wide=st.booleans(),
)  # fmt: skip
def test_the_hour_shown_twice_is_inferred_by_station_or_dropped_and_named(
    zone, step, missing, backwards, wide
):
    around = pd.Timestamp(f"{ZONES[zone]} 12:00", tz=zone).tz_convert("UTC").floor("h")
    utc = pd.date_range(around - pd.Timedelta("2D"), around + pd.Timedelta("2D"), freq=step)
    rng = np.random.default_rng(1)
    air = pd.DataFrame(rng.normal(12, 3, (len(utc), 2)).round(2), utc, ["A", "B"])
    local = utc.tz_convert(zone).strftime("%Y-%m-%d %H:%M")
    long = pd.concat([pd.DataFrame({"time": local, "station": s, "t": air[s]}) for s in air])
    gone = [i for i in missing if i < len(utc)]
    long = long[~((long["station"] == "B") & long.index.isin(utc[gone]))]
    table = long if not wide else air.assign(time=local)[["time", "A", "B"]]
    table = table[::-1] if backwards else table
    with tempfile.TemporaryDirectory() as folder, readings() as heard:
        path, sites = Path(folder) / "air.csv", Path(folder) / "sites.csv"
        table.to_csv(path, index=False)
        sites.write_text("station,lat,lon\nA,52.5,13.4\nB,52.51,13.41\n")
        read = read_stations(path, sites=sites, time_zone=zone, ambiguous="infer").air
    expected = air if wide else long.pivot(columns="station", values="t")
    expected = expected.resample("1h").mean().reindex(read.index)
    doubled = pd.Series(local).duplicated(keep=False).to_numpy()
    hours = set(utc[doubled].floor("h"))
    differs = ~np.isclose(read, expected, equal_nan=True)
    assert set(read.index[differs.any(axis=1)]) <= hours
    assert not differs[:, 0].any()
    lost = int((expected.notna() & read.isna()).sum().sum())
    assert ("station 'B'" in " ".join(heard[-1].cautions)) == bool(differs.any() or lost)
