"""Weather stations around a place and their observed hours, by way of meteostat 2.

Meteostat's own series fills gaps with values of weather models, which its documentation calls complete and
which know nothing of a city: a heat island of these would be the model's. Here a value counts by its
source, and only sources that observe are taken (`OBSERVING`).
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import re
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from lczlib.acquire.addresses import wait
from lczlib.acquire.boxes import size_km
from lczlib.acquire.seasons import Period
from lczlib.catalog.download import cache_folder
from lczlib.errors import Cancelled, InputError, ServiceError
from lczlib.extras import install
from lczlib.longitudes import Box, middle_of, unwrapped

OBSERVING = {
    "dwd_hourly": ("Deutscher Wetterdienst", "CC BY 4.0"),
    "eccc_hourly": ("Environment and Climate Change Canada", "ECCC Data Servers End-use Licence"),
    "gsa_hourly": ("GeoSphere Austria", "CC BY 4.0"),
    "gsa_synop": ("GeoSphere Austria, SYNOP", "CC BY 4.0"),
    "isd_lite": ("NOAA ISD Lite", "CC0 1.0"),
    "dwd_poi": ("Deutscher Wetterdienst, latest observations", "CC BY 4.0"),
    "metar": ("METAR of airports", "public"),
}
"""Sources that observe, by meteostat's names, the preferred first: title and licence. Others are models."""
_ASKED = ("dwd_hourly", "eccc_hourly", "gsa_hourly", "gsa_synop", "isd_lite", "hourly")
"""Providers that are asked; the last is meteostat's own series, of which values of `OBSERVING` are kept."""
TERMS = "https://dev.meteostat.net/license"
_EXTRA = install("stations")
_TRIES = 3
_PAUSE = 2.0  # seconds before the second try, twice as long before each further one
_TIMEOUT = 60.0
_HARMLESS = re.compile(r"status: 4(00|04|22)\b|\(attempt \d")
"""In what meteostat logs: that a service has no such station or year; a try that is repeated."""
_KM_PER_DEGREE = 111.2


_EMPTY = pd.DataFrame({
    "time": pd.Series(dtype="datetime64[s]"), "temperature": pd.Series(dtype=float), "source": pd.Series(dtype=str),
})  # fmt: skip


@dataclass(frozen=True)
class WeatherStation:
    """A station.

    Attributes
    ----------
    id, name, country : str
        As of meteostat.
    latitude, longitude : float
        Degrees.
    elevation : float or None
        Metres, where it is known.
    wmo, icao : str
        Its numbers at the World Meteorological Organization and in aviation; empty without one.
    """

    id: str
    name: str
    country: str
    latitude: float
    longitude: float
    elevation: float | None
    wmo: str
    icao: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Hours:
    """The observed hours of a station in a period.

    Attributes
    ----------
    table : DataFrame
        ``time`` (UTC, full hours), ``temperature`` (degC), ``source`` (of `OBSERVING`); a row an hour.
    expected : int
        Hours of the period until now.
    modelled : dict of str to int
        Hours that are told by a source that does not observe alone, by the source: left out.
    """

    table: pd.DataFrame
    expected: int
    modelled: dict[str, int]


def check_installed() -> None:
    """Refuse to go on without meteostat 2.

    Raises
    ------
    InputError
    """
    try:
        there = version("meteostat")
    except PackageNotFoundError:
        msg = f"Observed air temperature (stations) needs meteostat: {_EXTRA}."
        raise InputError(msg, parameter="what") from None
    if int(there.split(".")[0]) < 2:
        msg = f"Observed air temperature (stations) needs meteostat 2, and {there} is installed: {_EXTRA}."
        raise InputError(msg, parameter="what")


def stations_around(box: Box, margin: float) -> list[WeatherStation]:
    """The stations within a box and so many kilometres around it, by name.

    Raises
    ------
    ServiceError
        If meteostat's list of stations cannot be had.
    """
    import meteostat

    middle = middle_of(box)
    width, height = size_km(box)
    reach = 1000 * (math.hypot(width, height) / 2 + 1.5 * margin + 1)
    with _configured(None), _listening():
        try:
            near = meteostat.stations.nearby(
                meteostat.Point(middle[1], middle[0]), radius=reach, limit=10_000
            )
            within = near[_within(near, box, margin)]
            found = [_station(meteostat.stations.meta(str(name))) for name in within.index]
        except (sqlite3.Error, pd.errors.DatabaseError) as error:
            Path(meteostat.config.stations_db_file).unlink(missing_ok=True)
            msg = "Meteostat's list of stations came damaged, and is removed: run again."
            raise ServiceError(msg) from error
        except Exception as error:  # what it raises where it is not reached is an Exception itself
            msg = f"Meteostat's list of stations cannot be reached ({error}): is there a network? Run again later."
            raise ServiceError(msg) from error
    return sorted(found, key=lambda s: (s.name, s.id))


def _within(table: pd.DataFrame, box: Box, margin: float) -> pd.Series:
    """Rows whose place is in a box and its margin."""
    x, y = middle_of(box)
    width, height = size_km(box)
    up = (table["latitude"] - y).abs() * _KM_PER_DEGREE
    across = abs(unwrapped(table["longitude"], x) - x) * _KM_PER_DEGREE * math.cos(math.radians(y))
    return (up <= height / 2 + margin) & (across <= width / 2 + margin)


def _station(meta: Any) -> WeatherStation:
    height = meta.elevation
    known = height is not None and math.isfinite(height)
    told = {k: str(v) for k, v in meta.identifiers.items()}
    return WeatherStation(
        str(meta.id), str(meta.name or meta.id), str(meta.country or ""), float(meta.latitude),
        float(meta.longitude), float(height) if known else None, told.get("wmo", ""), told.get("icao", ""),
    )  # fmt: skip


def hours_of(
    station: WeatherStation, period: Period, cache: Path, cancelled: Callable[[], bool]
) -> Hours:
    """The observed hours of a station in a period (days of UTC).

    Parameters
    ----------
    station : WeatherStation
        Of `stations_around`.
    period : Period
        Its first and last day.
    cache : Path
        Folder in which meteostat keeps what it fetched.
    cancelled : callable
        Whether to stop; asked before each year.

    Raises
    ------
    ServiceError
        If a provider that may have some cannot be reached: what is missing then is not known.
    Cancelled
        If the job is to stop.
    """
    first = dt.datetime.combine(period.start, dt.time())
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    last = min(dt.datetime.combine(period.end, dt.time(23)), now)
    expected = max(0, int((last - first).total_seconds() // 3600) + 1)
    parts = [_EMPTY]
    for year in range(first.year, last.year + 1):  # it refuses more than three at once
        begin = max(first, dt.datetime(year, 1, 1))
        end = min(last, dt.datetime(year, 12, 31, 23))
        parts.append(_year(station, begin, end, cache, cancelled))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["temperature"].notna() & (rows["time"] == rows["time"].dt.floor("h"))]
    observed = rows[rows["source"].isin(list(OBSERVING))]
    rank = observed["source"].map({s: i for i, s in enumerate(OBSERVING)})
    table = observed.assign(rank=rank).sort_values(["time", "rank"], kind="stable")
    table = table.drop_duplicates("time").drop(columns="rank").reset_index(drop=True)
    others = rows[~rows["time"].isin(table["time"])].drop_duplicates(["time", "source"])
    return Hours(table, expected, dict(Counter(others["source"])))


def _year(
    station: WeatherStation,
    begin: dt.datetime,
    end: dt.datetime,
    cache: Path,
    cancelled: Callable[[], bool],
) -> pd.DataFrame:
    """All values of a station, with their sources."""
    why = ""
    for attempt in range(_TRIES):
        if cancelled():
            msg = "Stopped by the user."
            raise Cancelled(msg)
        if attempt:
            wait(_PAUSE * 2 ** (attempt - 1), cancelled)
        with _configured(cache), _listening() as heard:
            found = _asked(station, begin, end)
        if not heard:
            return found
        why = heard[0]
    msg = f"its hours of {begin.year} cannot be fetched ({why})"
    raise ServiceError(msg)


def _asked(station: WeatherStation, begin: dt.datetime, end: dt.datetime) -> pd.DataFrame:
    import meteostat

    series = meteostat.hourly(
        meteostat.stations.meta(station.id), begin, end, parameters=[meteostat.Parameter.TEMP],
        providers=[meteostat.Provider(p) for p in _ASKED],
    )  # fmt: skip
    values = None if series.empty else series.fetch(squash=False)
    if values is None or values.empty:
        return _EMPTY
    flat = values.reset_index()
    return pd.DataFrame({
        "time": pd.to_datetime(flat["time"]).astype("datetime64[s]"),
        "temperature": pd.to_numeric(flat["temp"], errors="coerce").astype(float),
        "source": flat["source"].astype(str),
    })  # fmt: skip


@contextmanager
def _configured(cache: Path | None) -> Iterator[None]:
    """Meteostat with folders of this library for what it keeps, and with a time limit; then as it was."""
    import meteostat

    database = cache_folder() / "meteostat" / "stations.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    ours = {"stations_db_file": str(database)}
    if cache is not None:
        ours["cache_directory"] = str(cache)
    before = {name: getattr(meteostat.config, name) for name in ours}
    limit = socket.getdefaulttimeout()
    for name, value in ours.items():
        setattr(meteostat.config, name, value)
    socket.setdefaulttimeout(_TIMEOUT)  # pandas, by which it reads files, has none
    try:
        yield
    finally:
        socket.setdefaulttimeout(limit)
        for name, value in before.items():
            setattr(meteostat.config, name, value)


class _Ears(logging.Handler):
    """Keeps what is logged of failures: meteostat goes on without what it could not fetch."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        """As logging calls it."""
        text = record.getMessage()
        cause = record.exc_info[1] if record.exc_info else None
        if not _HARMLESS.search(text):
            self._heard.append(f"{text}: {cause}" if cause else text)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """A block in which failures that meteostat logs are kept, and not printed."""
    heard: list[str] = []
    log = logging.getLogger("meteostat")
    ears, loud = _Ears(heard), log.propagate
    log.addHandler(ears)
    log.propagate = False
    try:
        yield heard
    finally:
        log.removeHandler(ears)
        log.propagate = loud
