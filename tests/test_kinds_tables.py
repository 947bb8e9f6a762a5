"""Tables of stations in drawn clocks, encodings, separators and signs: read as they are, or refused."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lczlib.analysis.heat.stations import read_stations
from lczlib.errors import InputError
from lczlib.reading import readings

Times = pd.DatetimeIndex
Cells = dict[str, list[str]]


def _strf(pattern: str, name: str = "time") -> Callable[[Times], Cells]:
    return lambda t: {name: list(t.strftime(pattern))}


def _apart(date: str, clock: str, names: tuple[str, str]) -> Callable[[Times], Cells]:
    return lambda t: {names[0]: list(t.strftime(date)), names[1]: list(t.strftime(clock))}


def _days(digits: int) -> Callable[[Times], Cells]:
    def write(t: Times) -> Cells:
        days = (t - pd.Timestamp("1899-12-30")) / pd.Timedelta("1D")
        return {"time": [f"{d:.{digits}f}" for d in days]}

    return write


def _unix(factor: int, tail: str = "") -> Callable[[Times], Cells]:
    seconds = lambda t: (t - pd.Timestamp(0)) // pd.Timedelta("1s")  # noqa: E731
    return lambda t: {"time": [f"{s * factor}{tail}" for s in seconds(t)]}


def _as_r(t: Times) -> Cells:
    return {"time": [f"{x:%Y-%m-%d}" + (f" {x:%H:%M:%S}" if x.hour else "") for x in t]}


def _hour_24(pattern: str) -> Callable[[Times], Cells]:
    def write(t: Times) -> Cells:
        before = [x - pd.Timedelta("1D") if x.hour == 0 else x for x in t]
        return {
            "time": [
                b.strftime(pattern).replace("HH", f"{x.hour or 24:02}")
                for b, x in zip(before, t, strict=True)
            ]
        }

    return write


def _calendar(*names: str) -> Callable[[Times], Cells]:
    def write(t: Times) -> Cells:
        parts = (
            (t.year, t.month, t.day, t.hour) if len(names) == 4 else (t.year, t.day_of_year, t.hour)
        )
        return {n: [str(v) for v in p] for n, p in zip(names, parts, strict=True)}

    return write


def _padded(t: Times) -> Cells:
    return {"time": [f"  {x:%Y%m%d%H} " for x in t]}


CERTAIN: dict[str, Callable[[Times], Cells]] = {
    "iso": _strf("%Y-%m-%dT%H:%M:%S"), "iso Z": _strf("%Y-%m-%dT%H:%M:%SZ"),
    "iso minutes": _strf("%Y-%m-%d %H:%M"), "iso hours": _strf("%Y-%m-%dT%H"),
    "iso offset": _strf("%Y-%m-%d %H:%M:%S+0000"), "slashes": _strf("%Y/%m/%d %H:%M"),
    "fractions": _strf("%Y-%m-%d %H:%M:%S.000"), "UTC": _strf("%Y-%m-%d %H:%M UTC", "timestamp"),
    "named month": _strf("%d-%b-%Y %H:%M"), "month in full": _strf("%d %B %Y %H:%M"),
    "american words": _strf("%b %d, %Y %I:%M %p"), "sas": _strf("%d%b%Y:%H:%M:%S"),
    "compact": _strf("%Y%m%dT%H%M%SZ"), "midnights as R": _as_r,
    "dwd": _strf("%Y%m%d%H", "MESS_DATUM"), "dwd padded": _padded, "dwd float": _strf("%Y%m%d%H.0"),
    "minutes": _strf("%Y%m%d%H%M"), "seconds": _strf("%Y%m%d%H%M%S"),
    "unix": _unix(1), "unix ms": _unix(1000), "unix float": _unix(1, ".0"),
    "excel": _days(8), "excel 4": _days(4),
    "24 h": _hour_24("%Y-%m-%d HH:00"), "24 h whole": _hour_24("%Y%m%dHH"),
    "date and time": _apart("%Y-%m-%d", "%H:%M:%S", ("date", "time")),
    "datum": _apart("%Y%m%d", "%H%M", ("Datum", "Uhrzeit")),
    "date and hour": _apart("%Y-%m-%d", "%H", ("date", "hour")),
    "excel date": _apart("%Y-%m-%d 00:00:00", "%H:%M", ("Date", "Time (UTC)")),
    "columns": _calendar("year", "month", "day", "hour"),
    "ndbc": _calendar("YY", "MM", "DD", "hh"),
    "day of year": _calendar("Year", "DOY", "Hour"),
}  # fmt: skip
OPEN: dict[str, Callable[[Times], Cells]] = {
    "dmy": _strf("%d/%m/%Y %H:%M"), "mdy": _strf("%m/%d/%Y %H:%M"), "dotted": _strf("%d.%m.%Y %H:%M:%S"),
    "dashed": _strf("%d-%m-%Y %H:%M"), "short year": _strf("%d/%m/%y %H:%M"),
    "year first": _strf("%y-%m-%d %H:%M"), "half days": _strf("%m/%d/%Y %I:%M:%S %p"),
    "dmy apart": _apart("%d/%m/%Y", "%H:%M", ("date", "time")),
    "mdy apart": _apart("%m/%d/%y", "%I:%M %p", ("Date", "Time")),
    "with zone": _strf("%d.%m.%Y %H:%M GMT"),
}  # fmt: skip
"""Formats that a short record leaves open."""

OPTIONS = ("--time-format", "--columns", "decimal", "comma", "--time-zone")
"""One of these stands in every refusal of what is drawn here."""


@dataclass(frozen=True)
class Written:
    """A network and how it is written."""

    air: pd.DataFrame
    clock: str
    separator: str
    encoding: str
    decimal: str
    digits: int
    missing: str
    wide: bool
    comments: int
    tail: bool


@st.composite
def written(draw: st.DrawFn) -> Written:
    first = draw(st.datetimes(pd.Timestamp("1995-01-01"), pd.Timestamp("2024-12-31")))
    hours = draw(st.sampled_from([3, 24, 30, 72, 24 * 12, 24 * 15, 24 * 40]))
    times = pd.date_range(pd.Timestamp(first).floor("h"), periods=hours, freq="h", name="time")
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    digits = draw(st.integers(0, 3))
    names = draw(st.sampled_from([("S01", "S02"), ("Köln", "Nørre"), ("00044", "01048")]))
    # air moves through the day, and not from hour to hour as noise does: whole degrees show that
    day = 6 * np.sin(2 * np.pi * np.arange(hours) / 24)[:, None] + draw(
        st.sampled_from([-4, 6, 16])
    )
    values = (day + rng.normal(0, 0.7, (hours, 2))).round(digits) + 0.0
    air = pd.DataFrame(values, times, list(names))
    missing = draw(st.sampled_from(["", "NA", "n/a", "--", "null", "NaN"]))
    gaps = rng.random(air.shape) < draw(st.sampled_from([0.0, 0.1]))
    gaps[:1] = False
    decimal = draw(st.sampled_from([".", ","]))
    return Written(
        air.mask(gaps), draw(st.sampled_from([*CERTAIN, *OPEN])),
        draw(st.sampled_from([",", ";", "\t", "|"])),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])), decimal, digits, missing,
        draw(st.booleans()), draw(st.integers(0, 2)), draw(st.booleans()),
    )  # fmt: skip


def write(w: Written, folder: Path) -> tuple[Path, Path]:
    """The table and its sites, as files."""

    def number(value: float) -> str:
        return w.missing if np.isnan(value) else f"{value:.{w.digits}f}".replace(".", w.decimal)

    cells = (CERTAIN | OPEN)[w.clock](w.air.index)
    if w.clock.startswith("excel") and len(cells) == 1:
        cells = {n: [c.replace(".", w.decimal) for c in column] for n, column in cells.items()}
    when = list(zip(*cells.values(), strict=True))
    if w.wide:
        header = [*cells, *w.air.columns]
        rows = [
            [*t, *map(number, values)] for t, values in zip(when, w.air.to_numpy(), strict=True)
        ]
    else:
        header = [*cells, "station", "air_temperature"]
        rows = [
            [*t, name, number(value)]
            for name in w.air.columns
            for t, value in zip(when, w.air[name], strict=True)
        ]
    tail = [""] if w.tail else []
    path, sites = folder / "air.csv", folder / "sites.csv"
    with path.open("w", encoding=w.encoding, newline="") as file:
        file.writelines(f"# made by a logger; line {i}\n" for i in range(w.comments))
        csv.writer(file, delimiter=w.separator).writerows([header, *([*r, *tail] for r in rows)])
    places = [["52,5", "13,41"], ["52,51", "13,42"]]
    with sites.open("w", encoding=w.encoding, newline="") as file:
        csv.writer(file, delimiter=w.separator).writerows(
            [
                ["station", "lat", "lon"],
                *(
                    [s, *(v.replace(",", w.decimal) for v in p)]
                    for s, p in zip(w.air.columns, places, strict=True)
                ),
            ]
        )
    return path, sites


def _expected(air: pd.DataFrame) -> pd.DataFrame:
    return air.rename(columns=lambda n: n.lstrip("0")).tz_localize("UTC").dropna(how="all")


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
    monkeypatch.setitem(CERTAIN, "odd", _strf(pattern))
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
    monkeypatch.setitem(CERTAIN, "odd", _strf(pattern))
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
    monkeypatch.setitem(CERTAIN, "odd", _apart("%d.%m.%Y", "%H%M", ("when", "o'clock")))
    path, sites = write(w, tmp_path)
    assert "no column of times" in outcome(path, sites)[1]
    told = read_stations(
        path, sites=sites, time_zone="UTC", columns={"time": "when+o'clock", "station": "station"}
    )
    same(told.air, w.air)
    with pytest.raises(InputError, match="has no column 'hour': it has when, o'clock"):
        read_stations(path, sites=sites, columns={"time": "when + hour"})
