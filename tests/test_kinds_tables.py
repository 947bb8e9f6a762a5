"""Tables of stations in drawn clocks, encodings, separators and signs: read as they are, or refused."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from synthetic_tables import (
    CERTAIN,
    OPEN,
    OPTIONS,
    Cells,
    Times,
    Written,
    apart,
    strf,
    write,
    written,
)

from lczlib.analysis.heat.stations import read_stations
from lczlib.errors import InputError
from lczlib.reading import readings


def outcome(path: Path, sites: Path, **options: str) -> tuple[pd.DataFrame | None, str]:
    """What is read, or why not."""
    try:
        return read_stations(
            path, sites=sites, **{"time_zone": "UTC", "unit": "degC"} | options
        ).air, ""
    except InputError as err:
        return None, str(err)


def same(read: pd.DataFrame, air: pd.DataFrame) -> None:
    expected = air.rename(columns=lambda n: n.lstrip("0")).tz_localize("UTC").dropna(how="all")
    assert read.index.equals(expected.index.astype(read.index.dtype))
    np.testing.assert_allclose(read[list(expected.columns)], expected, atol=1e-9)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written())
def test_a_table_is_read_as_it_is_or_refused_with_the_option(w):
    with tempfile.TemporaryDirectory() as folder, readings():
        read, refusal = outcome(*write(w, Path(folder)))
    if read is not None:
        same(read, w.air)
        return
    assert any(o in refusal for o in OPTIONS), refusal
    open_format = w.clock in OPEN and len(w.air) < 72
    open_numbers = w.digits == 3 and w.decimal == ","
    assert open_format or open_numbers, refusal


def _record(hours: int, first: str = "2021-06-01") -> pd.DataFrame:
    times = pd.date_range(first, periods=hours, freq="h", name="time")
    rng = np.random.default_rng(7)
    return pd.DataFrame(rng.normal(12, 7, (hours, 2)).round(2), times, ["S01", "S02"])


def _plain(air: pd.DataFrame, clock: str, **changes: object) -> Written:
    return replace(Written(air, clock, ",", "utf-8", ".", 2, "", False, 0, False), **changes)


@pytest.mark.parametrize("clock", [*CERTAIN, *OPEN])
def test_twelve_days_are_read_in_every_clock(clock, tmp_path):
    """Days 1 to 12 of June: each is a month as well."""
    w = _plain(_record(24 * 12), clock)
    with readings() as heard:
        read, refusal = outcome(*write(w, tmp_path))
    assert not refusal
    same(read, w.air)
    assert "288 times from 2021-06-01 00:00 to 2021-06-12 23:00 UTC, in steps of 1 h" in str(
        heard[-1]
    )
    assert not heard[-1].cautions


@pytest.mark.parametrize(
    ("clock", "order"),
    [("dmy", "dayfirst"), ("mdy", "monthfirst"), ("dotted", "dayfirst"), ("short year", "dayfirst"),
     ("year first", "yearfirst"), ("mdy apart", "monthfirst")],
)  # fmt: skip
def test_one_day_is_asked_for_and_read_as_stated(clock, order, tmp_path):
    w = _plain(_record(24, "2008-03-05"), clock)
    path, sites = write(w, tmp_path)
    read, refusal = outcome(path, sites)
    assert read is None
    assert "the record fits both: state which with --time-format" in refusal
    assert order in refusal
    same(outcome(path, sites, time_format=order)[0], w.air)


@pytest.mark.parametrize(
    ("pattern", "how"), [("%d%m%Y%H", "%d%m%Y%H"), ("%H:%M %d/%m/%Y", "%H:%M %d/%m/%Y")]
)
def test_an_odd_clock_is_read_by_its_pattern(pattern, how, tmp_path, monkeypatch):
    monkeypatch.setitem(CERTAIN, "odd", strf(pattern))
    w = _plain(_record(48), "odd")
    path, sites = write(w, tmp_path)
    assert "--time-format" in outcome(path, sites)[1]
    same(outcome(path, sites, time_format=how)[0], w.air)
    assert "is no format of times" in outcome(path, sites, time_format="daylast")[1]


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        ("%Y-%m-%d", "values fall on 12 times"),
        ("%H:%M", "clocks without dates .* --columns time=DATE\\+TIME"),
        ("9999-12-31 %H:%M", "or lie before 1850 or after next year"),
        ("0001-01-01 %H:%M", "or lie before 1850 or after next year"),
        ("%Y-%m-%d %H:%M EST", "carry 'EST', which is no time zone, or the abbreviation of several"),
        ("%Y-%m-%d %H:%M Foo", "carry 'Foo'"),
        ("2021-06-01 00:00", "fall on 1 time"),
    ],
)  # fmt: skip
def test_times_that_lost_their_sense_are_refused(pattern, match, tmp_path, monkeypatch):
    monkeypatch.setitem(CERTAIN, "odd", strf(pattern))
    path, sites = write(_plain(_record(24 * 12), "odd"), tmp_path)
    zone = None if pattern[-1].isalpha() and "%M " in pattern else "UTC"
    with pytest.raises(InputError, match=match):
        read_stations(path, sites=sites, time_zone=zone)


@pytest.mark.parametrize(
    ("zone", "text"),
    [("Europe/Berlin", "%Z"), ("Europe/Berlin", "%z"), ("Europe/Berlin", "%z[Europe/Berlin]"),
     ("Asia/Tokyo", "%Z"), ("America/New_York", "GMT%z"), ("Asia/Kolkata", "%z")],
)  # fmt: skip
def test_zones_behind_times_are_heeded(zone, text, tmp_path, monkeypatch):
    air = _record(24 * 12)

    def write_local(t: Times) -> Cells:
        return {
            "time": list(t.tz_localize("UTC").tz_convert(zone).strftime(f"%Y-%m-%d %H:%M {text}"))
        }

    monkeypatch.setitem(CERTAIN, "odd", write_local)
    path, sites = write(_plain(air, "odd"), tmp_path)
    found = read_stations(path, sites=sites)
    assert found.clock == "offset in the file"
    same(found.air, air)


def test_what_is_lost_is_counted_and_named(tmp_path):
    w = _plain(_record(24 * 12), "iso")
    path, sites = write(w, tmp_path)
    lines = path.read_text().splitlines()
    lines[3] = lines[3].rsplit(",", 1)[0] + ",1.2.3"
    lines[5:45] = [line.rsplit(",", 1)[0] + ",ERR" for line in lines[5:45]]
    path.write_text("\n".join([*lines, lines[7].replace("ERR", "x"), "Mean,,12.3"]))
    with readings() as heard:
        read_stations(path, sites=sites, time_zone="UTC")
    told = heard[-1]
    assert told.facts["temperatures_read"] == 576 - 41
    assert told.facts["temperatures_unreadable"] == 42
    assert "('1.2.3', 'ERR', 'x') and count as missing" in " ".join(told.cautions)
    assert "1 row of" in " ".join(told.cautions)
    path.write_text("\n".join(line + " C" * (i > 0) for i, line in enumerate(lines)))
    with pytest.raises(InputError, match=r"cannot be read as a number \('.* C', .*without units"):
        read_stations(path, sites=sites, time_zone="UTC")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty file"), (b"time,station,temperature\n", "a header and no rows"), (b"# a\n", "no rows"),
        (bytes(range(256)) * 9, "damaged or of another kind"),
        (b"time,station,temperature\n2021-06-01,A,15,3\n2021-06-02,A,15,4\n", "3 column names and rows of 4"),
        (b"time,station,temperature\n2021-06-01,A,1\n2021-06-02,A,1,4,5,6\n", "rows of different widths"),
        (b"time,station,temp,temp\n2021-06-01 00:00,A,1,2\n", "several columns named 'temp'"),
        (b"time,A,A,B\n2021-06-01 00:00,1,2,3\n", "several columns named 'A'"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_understood_are_refused(content, match, tmp_path):
    (tmp_path / "air.csv").write_bytes(content)
    (tmp_path / "sites.csv").write_text("station,lat,lon\nA,52.5,13.4\nB,52.51,13.41\n")
    with pytest.raises(InputError, match=match):
        read_stations(tmp_path / "air.csv", sites=tmp_path / "sites.csv", time_zone="UTC")


def test_other_makes_of_tables_are_read(tmp_path):
    air = _record(24 * 12)
    long = air.melt(var_name="station", value_name="t", ignore_index=False).reset_index()
    tables = {
        "index": air, "aware": air.tz_localize("UTC").tz_convert("Asia/Tokyo"), "nameless": air.rename_axis(None),
        "levels": long.set_index(["station", "time"]),
        "categories": long.astype({"station": "category", "time": "category"}),
        "texts": long.astype(str),
        "apart": long.assign(date=long["time"].dt.date, time=long["time"].dt.time),
    }  # fmt: skip
    write(_plain(air, "iso"), tmp_path)
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
        read, refusal = outcome(tmp_path / f"{name}.parquet", tmp_path / "sites.csv")
        assert not refusal, name
        same(read, air)


def test_a_table_is_refused_by_the_size_that_it_declares(tmp_path, monkeypatch):
    air = _record(24 * 12)
    write(_plain(air, "iso"), tmp_path)
    air.to_parquet(tmp_path / "air.parquet")
    monkeypatch.setenv("LCZLIB_MEMORY", "0.00001")
    assert "declares 288 rows x 3 columns" in outcome(tmp_path / "air.parquet", tmp_path)[1]
    assert "MB of text" in outcome(tmp_path / "air.csv", tmp_path)[1]


def test_zones_in_the_name_of_a_column_need_no_option(tmp_path):
    air = _record(24 * 12)
    path, sites = write(_plain(air, "iso"), tmp_path)
    body = path.read_text().partition("\n")[2]
    path.write_text(f"Date Time (UTC+02:00),station,temp\n{body}")
    shifted = air.set_axis(air.index - pd.Timedelta("2h"))
    same(read_stations(path, sites=sites).air, shifted)
    with readings() as heard:
        same(read_stations(path, sites=sites, time_zone="UTC").air, air)
    assert "the name of the column of times says UTC+02:00" in heard[-1].cautions[0]


def test_columns_of_the_time_with_odd_names_are_joined_as_told(tmp_path, monkeypatch):
    w = _plain(_record(24 * 12), "odd")
    monkeypatch.setitem(CERTAIN, "odd", apart("%d.%m.%Y", "%H%M", ("when", "o'clock")))
    path, sites = write(w, tmp_path)
    assert "no column of times" in outcome(path, sites)[1]
    told = read_stations(
        path, sites=sites, time_zone="UTC", columns={"time": "when+o'clock", "station": "station"}
    )
    same(told.air, w.air)
    with pytest.raises(InputError, match="has no column 'hour': it has when, o'clock"):
        read_stations(path, sites=sites, columns={"time": "when + hour"})
