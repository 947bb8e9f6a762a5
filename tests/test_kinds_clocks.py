"""Clocks that contradict each other or their zone: refused with the station, the time and the way out."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from lczlib.analysis.heat.stations import read_stations
from lczlib.clocks import to_utc
from lczlib.errors import InputError

SITES = "station,lat,lon\nA,52.5,13.4\nB,52.51,13.41\nC,52.52,13.42\n"


def _mixed(path, days, patterns):
    times = pd.date_range("2021-06-01", periods=days * 24, freq="h")
    rows = [
        {"time": t.strftime(pattern), "station": s, "temp": 15 + i + t.hour % 12 + 0.1}
        for i, (s, pattern) in enumerate(zip("ABC", patterns, strict=True)) for t in times
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(path / "air.csv", index=False)
    (path / "sites.csv").write_text(SITES)
    return path / "air.csv"


@pytest.mark.parametrize("days", [12, 20])
@pytest.mark.parametrize("time_format", [None, "dayfirst", "monthfirst", "%d/%m/%Y %H:%M"])
@pytest.mark.parametrize(
    ("first", "other", "names"),
    [
        ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", ("month first", "day first")),
        ("%m/%d/%y %H:%M", "%d/%m/%y %H:%M", ("day first", "month first")),
        ("%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", ("month first", "day first")),
    ],
)
def test_the_station_with_another_order_of_dates_is_named(
    tmp_path, days, time_format, first, other, names
):
    path = _mixed(tmp_path, days, (first, other, first))
    with pytest.raises(InputError) as refused:
        read_stations(
            path,
            sites=tmp_path / "sites.csv",
            time_zone="UTC",
            unit="degC",
            time_format=time_format,
        )
    told = str(refused.value)
    assert f"station 'B' writes its dates {names[0]} (" in told
    assert f"the others {names[1]}: no --time-format reads both" in told


def test_one_order_of_dates_in_several_writings_is_read(tmp_path):
    path = _mixed(tmp_path, 12, ("%d/%m/%Y %H:%M", "%d.%m.%y %H:%M", "%Y-%m-%d %H:%M"))
    read = read_stations(path, sites=tmp_path / "sites.csv", time_zone="UTC", unit="degC")
    assert read.air.shape == (288, 3)
    assert read.air.notna().all(axis=None)


@pytest.mark.parametrize(
    ("zone", "when", "option"),
    [
        (
            "Europe/Berlin",
            "2021-03-28 02:00",
            r"--time-zone Etc/GMT-1 \(which is UTC\+1: the sign in",
        ),
        ("America/New_York", "2021-03-14 02:00", r"--time-zone Etc/GMT\+5 \(which is UTC-5"),
        ("Australia/Adelaide", "2021-10-03 02:00", r"--time-zone UTC\+09:30"),
        ("Europe/London", "2021-03-28 01:00", "--time-zone UTC,"),
    ],
)
def test_an_hour_that_the_clock_skips_names_the_station_and_the_zone_to_state(zone, when, option):
    times = pd.date_range(pd.Timestamp(when) - pd.Timedelta("1D"), periods=48, freq="h").strftime(
        "%Y-%m-%d %H:%M"
    )
    long = pd.DataFrame({"time": [*times, *times[:20]], "station": ["A"] * 48 + ["B"] * 20})
    with pytest.raises(InputError) as refused:
        to_utc(long, zone, "infer", "air.csv")
    told = str(refused.value)
    assert told.startswith(
        f"air.csv: 1 time, the first {when}, of station 'A' is of an hour that the"
    )
    stated = option.split()[1].rstrip(",").replace("\\", "")
    utc, _ = to_utc(long, stated, "raise", "air.csv")
    steps = utc[:48].diff().dropna()
    assert (steps == pd.Timedelta("1h")).all()
    assert re.search(option, told)


def test_an_hour_shown_twice_is_told_in_own_words():
    times = ["2021-10-31 01:00", "2021-10-31 02:00", "2021-10-31 03:00"]
    long = pd.DataFrame({"time": times, "station": "A"})
    with pytest.raises(InputError) as refused:
        to_utc(long, "Europe/Berlin", "raise", "air.csv")
    told = str(refused.value)
    assert (
        "1 time, the first 2021-10-31 02:00, is of an hour that the clock of Europe/Berlin shows twice"
        in told
    )
    assert "--ambiguous infer, earlier, later or drop" in told
    assert "--time-zone Etc/GMT-1 (which is UTC+1" in told
