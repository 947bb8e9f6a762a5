"""Tables of stations, drawn and written in any clock, encoding, separator and decimal sign."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

Times = pd.DatetimeIndex
Cells = dict[str, list[str]]


def strf(pattern: str, name: str = "time") -> Callable[[Times], Cells]:
    return lambda t: {name: list(t.strftime(pattern))}


def apart(date: str, clock: str, names: tuple[str, str]) -> Callable[[Times], Cells]:
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
    "iso": strf("%Y-%m-%dT%H:%M:%S"), "iso Z": strf("%Y-%m-%dT%H:%M:%SZ"),
    "iso minutes": strf("%Y-%m-%d %H:%M"), "iso hours": strf("%Y-%m-%dT%H"),
    "iso offset": strf("%Y-%m-%d %H:%M:%S+0000"), "slashes": strf("%Y/%m/%d %H:%M"),
    "fractions": strf("%Y-%m-%d %H:%M:%S.000"), "UTC": strf("%Y-%m-%d %H:%M UTC", "timestamp"),
    "named month": strf("%d-%b-%Y %H:%M"), "month in full": strf("%d %B %Y %H:%M"),
    "american words": strf("%b %d, %Y %I:%M %p"), "sas": strf("%d%b%Y:%H:%M:%S"),
    "compact": strf("%Y%m%dT%H%M%SZ"), "midnights as R": _as_r,
    "dwd": strf("%Y%m%d%H", "MESS_DATUM"), "dwd padded": _padded, "dwd float": strf("%Y%m%d%H.0"),
    "minutes": strf("%Y%m%d%H%M"), "seconds": strf("%Y%m%d%H%M%S"),
    "unix": _unix(1), "unix ms": _unix(1000), "unix float": _unix(1, ".0"),
    "excel": _days(8), "excel 4": _days(4),
    "24 h": _hour_24("%Y-%m-%d HH:00"), "24 h whole": _hour_24("%Y%m%dHH"),
    "date and time": apart("%Y-%m-%d", "%H:%M:%S", ("date", "time")),
    "datum": apart("%Y%m%d", "%H%M", ("Datum", "Uhrzeit")),
    "date and hour": apart("%Y-%m-%d", "%H", ("date", "hour")),
    "excel date": apart("%Y-%m-%d 00:00:00", "%H:%M", ("Date", "Time (UTC)")),
    "columns": _calendar("year", "month", "day", "hour"),
    "ndbc": _calendar("YY", "MM", "DD", "hh"),
    "day of year": _calendar("Year", "DOY", "Hour"),
}  # fmt: skip
OPEN: dict[str, Callable[[Times], Cells]] = {
    "dmy": strf("%d/%m/%Y %H:%M"), "mdy": strf("%m/%d/%Y %H:%M"), "dotted": strf("%d.%m.%Y %H:%M:%S"),
    "dashed": strf("%d-%m-%Y %H:%M"), "short year": strf("%d/%m/%y %H:%M"),
    "year first": strf("%y-%m-%d %H:%M"), "half days": strf("%m/%d/%Y %I:%M:%S %p"),
    "dmy apart": apart("%d/%m/%Y", "%H:%M", ("date", "time")),
    "mdy apart": apart("%m/%d/%y", "%I:%M %p", ("Date", "Time")),
    "with zone": strf("%d.%m.%Y %H:%M GMT"),
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
