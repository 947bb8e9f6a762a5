"""Air temperature stations: reading them, their clock, and the Local Climate Zone around each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.heat.air_units import AirUnit, air_unit, some, without_unit
from lczlib.analysis.heat.air_values import AirValues, air_values
from lczlib.analysis.heat.sites import (
    Places,
    by_role,
    only_placed,
    places_of,
    shared_columns,
    station_names,
)
from lczlib.errors import InputError
from lczlib.reading import Reading, counted, tell
from lczlib.unreadable import unreadable

Ambiguous = Literal["raise", "infer", "earlier", "later", "drop"]

_SYNONYMS = {
    "time": ("time", "date", "datetime", "timestamp", "date_time", "valid", "utc"),
    "station": ("station", "station_id", "id", "site", "name", "p_id"),
    "temperature": ("temperature", "airt", "air_temperature", "ta", "tair", "t2m", "temp", "t"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "elevation": ("elevation", "altitude", "height", "z", "elev"),
    "lcz": ("lcz", "lcz_class"),
}


@dataclass(frozen=True)
class Stations:
    """Hourly air temperature of a network.

    Attributes
    ----------
    air : DataFrame
        degC; index UTC hours, a column for each station, NaN where missing.
    sites : GeoDataFrame
        Index station; points in EPSG:4326, ``elevation`` (m, NaN where not known), ``lcz`` (0 where
        not known).
    clock : str
        How the times of the file were read.
    left_out : mapping
        Stations of the file that are not in ``air``, each with the reason.
    """

    air: pd.DataFrame
    sites: gpd.GeoDataFrame
    clock: str
    left_out: Mapping[str, str] = field(default_factory=dict)


def read_stations(
    path: str | Path,
    *,
    sites: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    time_zone: str | None = None,
    ambiguous: Ambiguous = "raise",
    unit: AirUnit | None = None,
    skip_outside: bool = False,
) -> Stations:
    """Read stations from CSV, Parquet or GeoPackage, a row a measurement or a column a station.

    Parameters
    ----------
    path : path
        Long: columns for time, station, temperature and coordinates (or point geometry). Wide: one
        column of time, one for each station; then `sites` has the coordinates.
    sites : path, optional
        Table or GeoPackage with station, latitude, longitude, and elevation and lcz where known.
    columns : mapping, optional
        Which column is ``time``, ``station``, ``temperature``, ``latitude``, ``longitude``,
        ``elevation``, ``lcz``, in `path` or in `sites`; the usual names are found without.
    time_zone : str, optional
        Of times that carry none: ``UTC``, ``Europe/Berlin``, ``Etc/GMT-1`` (UTC+1 all year).
    ambiguous : str
        What to do with the hour that a clock shows twice in autumn: ``raise``, ``infer`` from the
        order of the rows, take it as the ``earlier`` or ``later`` one, or ``drop`` it.
    unit : {"degC", "K", "degF"}, optional
        Of the temperatures; by the column's name and the values where it is not given.
    skip_outside : bool
        Leave stations without coordinates out instead of refusing.

    Raises
    ------
    InputError
        If columns, coordinates or the time zone are missing, a station has two values for one
        time, the unit is not certain, or there is only one station.
    """
    path, where = Path(path), Path(sites or path)
    if unit is not None and air_unit(unit) is None:
        msg = f"{unit!r} is no unit of air temperature: use degC, K or degF."
        raise InputError(msg)
    check_roles(columns or {})
    table = read_table(path, "station file")
    tables = [(path, table)] + ([] if sites is None else [(where, read_table(sites, "sites file"))])
    told = shared_columns(columns or {}, tables)
    names = match_columns(table, told[0], path)
    if not names:
        msg = (
            f"{path} holds no station data: none of its columns ({_some(table.columns)}) is a time, a "
            "station or a temperature; name them with --columns time=NAME,station=NAME,temperature=NAME."
        )
        raise InputError(msg)
    if "time" not in names:
        msg = f"{path} has no column of times among {_some(table.columns)}: name it with --columns time=NAME."
        raise InputError(msg)
    is_long = {"temperature", "station"} <= names.keys()
    if not is_long and sites is None:
        msg = (
            f"{path} has no columns for station and temperature: name them with --columns "
            "station=NAME,temperature=NAME, or, where each station is a column, give --sites FILE."
        )
        raise InputError(msg)
    places, said = _places(tables, names, told), []
    if is_long:
        long = by_role(table, names)[["time", "station", "temperature"]]
    else:
        used = [c for c in table.columns if str(c).strip() in places.sites.index]
        if not used:
            msg = f"No column of {path} ({_some(table.columns)}) is a station of {sites}."
            raise InputError(msg)
        others = [c for c in table.columns if c not in used and c != names["time"]]
        said += [f"columns that are no station not read: {_some(pd.Index(others))}"] * bool(others)
        long = table.rename(columns={names["time"]: "time"}).melt(
            "time", used, var_name="station", value_name="temperature"
        )
    long = long.assign(station=station_names(long["station"])).dropna(subset=["time"])
    long["temperature"] = pd.to_numeric(long["temperature"], errors="coerce")
    times, clock = to_utc(long, time_zone, ambiguous, path)
    long = long.assign(time=times).dropna(subset=["time"])
    repeated = long.duplicated(["station", "time"])
    if repeated.any():
        first = long[repeated].iloc[0]
        msg = (
            f"{path}: station {first['station']!r} has more than one value at {first['time']} "
            f"({int(repeated.sum())} such rows): remove the duplicates; around the end of daylight "
            "saving time, state the zone and --ambiguous infer."
        )
        raise InputError(msg)
    raw = long.pivot(index="time", columns="station", values="temperature")
    raw.columns.name = None
    left_out = only_placed(list(raw.columns), places, path, where, skip_outside)
    raw = raw.drop(columns=list(left_out))
    values = air_values(
        raw, places.sites, air_unit(unit) if unit else None, str(names.get("temperature", "")), path
    )
    air = values.air.resample("1h").mean().dropna(how="all")
    if air.shape[1] < 2:
        msg = f"{path} has one station ({air.columns[0]}): a heat island needs at least two to compare."
        raise InputError(msg)
    _tell(path, air, clock, values, places, sites is None, left_out, said)
    return Stations(air, places.sites.loc[list(air.columns)], clock, left_out)


def _places(
    tables: list[tuple[Path, pd.DataFrame]], names: Mapping[str, str], told: list[dict[str, str]]
) -> Places:
    """The sites of the station file, or of the sites file, which is told by itself."""
    path, table = tables[-1]
    if len(tables) == 1:
        return places_of(by_role(table, names), path, names)
    names = match_columns(table, told[1], path)
    places = places_of(by_role(table, names), path, names)
    tell(Reading("station sites", str(path), places.said, places.cautions, places.facts))
    return places


def _tell(
    path: Path,
    air: pd.DataFrame,
    clock: str,
    values: AirValues,
    places: Places,
    own_places: bool,
    left_out: Mapping[str, str],
    said: list[str],
) -> None:
    """Say what was read of the station file: one list of clauses, those of each part in turn."""
    clauses = [counted(air.shape[1], "station"), f"times: {clock}", *values.said, *said]
    cautions, facts = list(values.cautions), {"n_stations": air.shape[1], "clock": clock}
    facts |= values.facts
    if own_places:
        clauses += places.said[1:]
        cautions += places.cautions
        facts |= places.facts
    silent = [s for s in places.sites.index if s not in air.columns]
    if silent:
        clauses.append(f"{counted(len(silent), 'site')} without data: {some(silent)}")
    if left_out:
        clauses.append(
            f"{counted(len(left_out), 'station')} without a place left out: {some(list(left_out))}"
        )
    facts |= {"sites_without_data": silent, "left_out": dict(left_out)}
    tell(Reading("station file", str(path), tuple(clauses), tuple(cautions), facts))


def read_table(path: str | Path, what: str = "table") -> pd.DataFrame:
    """Read CSV, Parquet or a vector file as a table; messages call it `what`.

    Raises
    ------
    InputError
        If it is missing or cannot be read.
    """
    path = Path(path)
    if not path.is_file() or not path.stat().st_size:
        raise InputError(unreadable(path, what, "table"))
    try:
        if path.suffix.lower() in (".csv", ".txt"):
            return pd.read_csv(path, sep=None, engine="python")
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        return gpd.read_file(path)
    except ImportError as err:
        msg = f"Reading {path} needs pyarrow: `pip install pyarrow`, or convert it to CSV."
        raise InputError(msg) from err
    except Exception as err:  # the readers raise many kinds; the file is at fault in all
        raise InputError(unreadable(path, what, "table")) from err


def check_roles(columns: Mapping[str, str]) -> None:
    """Refuse roles that no column can have with an `InputError`."""
    unknown = [role for role in columns if role not in _SYNONYMS]
    if unknown:
        msg = f"{unknown[0]!r} is no role of a column: use {', '.join(_SYNONYMS)}."
        raise InputError(msg)


def check_time_zone(time_zone: str) -> None:
    """Refuse what is no time zone with an `InputError`."""
    try:
        pd.Timestamp("2020-01-01").tz_localize(time_zone)
    except (KeyError, ModuleNotFoundError, OSError, ValueError, TypeError) as err:
        msg = f"{time_zone!r} is no time zone: use UTC, a name such as Europe/Berlin, or Etc/GMT-1."
        raise InputError(msg) from err


def match_columns(table: pd.DataFrame, given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Which column has which role: as given, else by the usual names."""
    by_lower = {str(c).lower(): c for c in table.columns}
    by_lower |= {without_unit(c): c for c in table.columns if without_unit(c) not in by_lower}
    found = {}
    for role, options in _SYNONYMS.items():
        if role in given:
            if given[role] not in table.columns:
                msg = f"{path} has no column {given[role]!r}: it has {_some(table.columns)}."
                raise InputError(msg)
            found[role] = given[role]
            continue
        match = next((by_lower[o] for o in options if o in by_lower), None)
        if match is not None:
            found[role] = match
    return found


def _some(names: pd.Index) -> str:
    return ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")


def to_utc(
    long: pd.DataFrame, time_zone: str | None, ambiguous: Ambiguous, path: Path
) -> tuple[pd.Series, str]:
    """The ``time`` of a table, read station by station, in UTC, and how its clock was read."""
    times = long["time"]
    if not pd.api.types.is_datetime64_any_dtype(times):
        try:
            times = pd.to_datetime(times, utc=_has_offset(times))
        except (ValueError, TypeError) as err:
            msg = f"{path}: the times cannot be read ({str(err).splitlines()[0]})."
            raise InputError(msg) from err
    if times.dt.tz is not None:
        return times.dt.tz_convert("UTC"), "offset in the file"
    if time_zone is None:
        msg = (
            f"The times of {path} carry no time zone: state it with --time-zone (UTC, Europe/Berlin, "
            "or Etc/GMT-1 for UTC+1 all year)."
        )
        raise InputError(msg)
    check_time_zone(time_zone)
    how = {"raise": "raise", "infer": "infer", "earlier": True, "later": False, "drop": "NaT"}
    if ambiguous not in how:
        msg = f"--ambiguous is one of {', '.join(how)}, not {ambiguous!r}."
        raise InputError(msg)
    choice = how[ambiguous]
    try:
        utc = pd.concat(
            [
                group.dt.tz_localize(
                    time_zone,
                    ambiguous=np.full(len(group), choice) if isinstance(choice, bool) else choice,
                ).dt.tz_convert("UTC")
                for _, group in times.groupby(long["station"], sort=False)
            ]
        )
    except ValueError as err:
        text = str(err).splitlines()[0]
        msg = (
            f"{path}: the clock of {time_zone} does not fit its times ({text}): an hour that daylight "
            "saving time shows twice needs --ambiguous infer, earlier, later or drop; if the clock "
            "has no such time, the zone is another (often UTC)."
        )
        raise InputError(msg) from err
    return utc.loc[long.index], f"{time_zone}, stated"


def _has_offset(times: pd.Series) -> bool:
    return bool(times.astype(str).str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$").all())
