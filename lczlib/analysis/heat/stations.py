"""Air temperature stations: reading them, their clock, and the Local Climate Zone around each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.classes import lcz_class
from lczlib.clocks import Ambiguous, describe, settled, to_utc, with_times
from lczlib.errors import InputError
from lczlib.reading import Notes, counted
from lczlib.tables import (
    read_notes,
    read_numbers,
    read_table,
    refuse_repeated,
    station_name,
    station_names,
)

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
    """

    air: pd.DataFrame
    sites: gpd.GeoDataFrame
    clock: str


def read_stations(
    path: str | Path,
    *,
    sites: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    time_zone: str | None = None,
    ambiguous: Ambiguous = "raise",
    unit: Literal["degC", "K"] = "degC",
    time_format: str | None = None,
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
        ``elevation``, ``lcz``; the usual names are found without. Several columns of the time are
        joined: ``date+time``.
    time_zone : str, optional
        Of times that carry none: ``UTC``, ``Europe/Berlin``, ``Etc/GMT-1`` (UTC+1 all year).
    ambiguous : str
        What to do with the hour that a clock shows twice in autumn: ``raise``, ``infer`` from the
        order of the rows, take it as the ``earlier`` or ``later`` one, or ``drop`` it.
    unit : {"degC", "K"}
        Of the temperatures.
    time_format : str, optional
        Of the times: one of :data:`lczlib.clocks.TIME_FORMATS` (``dayfirst``, ``monthfirst``,
        ``excel`` ...) or a pattern of strptime. It is found from the whole column without, and asked
        for where two fit.

    Raises
    ------
    InputError
        If columns, coordinates or the time zone are missing, a station has two values for one
        time, or there is only one station.
    """
    path = Path(path)
    check_roles(columns or {})
    table = read_table(path, "station file")
    notes = read_notes(table)
    table, columns, zone = with_times(table, columns or {}, path, notes)
    names = match_columns(table, columns, path)
    if not names:
        msg = (
            f"{path} holds no station data: none of its columns ({_some(table.columns)}) is a time, a "
            "station or a temperature; name them with --columns time=NAME,station=NAME,temperature=NAME."
        )
        raise InputError(msg)
    if "time" not in names:
        msg = f"{path} has no column of times among {_some(table.columns)}: name it with --columns time=NAME."
        raise InputError(msg)
    if "temperature" in names and "station" in names:
        long = table.rename(columns={v: k for k, v in names.items()})
        places = _sites_of(long, path, notes) if sites is None else _read_sites(sites)
        long = long[["time", "station", "temperature"]]
    else:
        if sites is None:
            msg = (
                f"{path} has no columns for station and temperature: name them with --columns "
                "station=NAME,temperature=NAME, or, where each station is a column, give --sites FILE."
            )
            raise InputError(msg)
        places = _read_sites(sites)
        used = [c for c in table.columns if station_name(c) in places.index]
        if not used:
            msg = f"No column of {path} ({_some(table.columns)}) is a station of {sites}."
            raise InputError(msg)
        refuse_repeated(table, used, path)
        long = table.rename(columns={names["time"]: "time"}).melt(
            "time", used, var_name="station", value_name="temperature"
        )
    refuse_repeated(table, names.values(), path)
    long = _named_rows(long, path, notes)
    long["temperature"] = read_numbers(long["temperature"], "temperature", path, notes)
    _check_values(long["temperature"], unit, path)
    if unit == "K":
        long["temperature"] -= 273.15
    times, clock = to_utc(
        long, time_zone, ambiguous, path, time_format=time_format, named_zone=zone, notes=notes
    )
    long = settled(long.assign(time=times).dropna(subset=["time"]), path, notes)
    describe(long, notes)
    notes.tell("station file", path)
    air = long.pivot(index="time", columns="station", values="temperature")
    air = air.resample("1h").mean().dropna(how="all")
    air.columns.name = None
    if air.shape[1] < 2:
        msg = f"{path} has one station ({air.columns[0]}): a heat island needs at least two to compare."
        raise InputError(msg)
    unplaced = [s for s in air.columns if s not in places.index]
    if unplaced:
        msg = f"Stations {unplaced[:5]} have no coordinates: add them to {sites or path}."
        raise InputError(msg)
    return Stations(air, places.loc[list(air.columns)], clock)


def _named_rows(long: pd.DataFrame, path: Path, notes: Notes) -> pd.DataFrame:
    """The rows that name a station."""
    nameless = int(long["station"].isna().sum())
    if nameless:
        text = f"{counted(nameless, 'row')} of {path} left out, without the name of a station."
        notes.cautions.append(text)
        long = long.dropna(subset=["station"])
    return long.assign(station=station_names(long["station"]))


def check_roles(columns: Mapping[str, str]) -> None:
    """Refuse roles that no column can have with an `InputError`."""
    unknown = [role for role in columns if role not in _SYNONYMS]
    if unknown:
        msg = f"{unknown[0]!r} is no role of a column: use {', '.join(_SYNONYMS)}."
        raise InputError(msg)


def match_columns(table: pd.DataFrame, given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Which column has which role: as given, else by the usual names."""
    by_lower = {str(c).lower(): c for c in table.columns}
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


def _read_sites(path: str | Path) -> gpd.GeoDataFrame:
    table = read_table(path, "sites file")
    notes = read_notes(table)
    names = match_columns(table, {}, Path(path))
    refuse_repeated(table, names.values(), path)
    sites = _sites_of(table.rename(columns={v: k for k, v in names.items()}), Path(path), notes)
    notes.tell("sites file", path)
    return sites


def _sites_of(table: pd.DataFrame, path: Path, notes: Notes) -> gpd.GeoDataFrame:
    """One row a station, with its place."""
    if "station" not in table:
        msg = f"{path} has no column of station names: name it with --columns station=NAME."
        raise InputError(msg)
    table = table.assign(station=station_names(table["station"]))
    of_places = Notes()
    for role in ("latitude", "longitude", "elevation"):
        if role in table:
            table[role] = read_numbers(table[role], role, path, of_places)
    notes.cautions += of_places.cautions
    if isinstance(table, gpd.GeoDataFrame) and "latitude" not in table:
        points = table.to_crs(4326).geometry
        table = table.assign(longitude=points.x, latitude=points.y)
    lacking = {"latitude", "longitude"} - set(table.columns)
    if lacking:
        msg = f"{path} has no {' and '.join(sorted(lacking))}: name the columns, or give --sites FILE."
        raise InputError(msg)
    first = table.drop_duplicates("station").set_index("station")
    moved = table.groupby("station")[["latitude", "longitude"]].nunique().max(axis=1)
    if (moved > 1).any():
        msg = (
            f"Station {moved[moved > 1].index[0]!r} of {path} has several places: split it by name."
        )
        raise InputError(msg)
    points = gpd.points_from_xy(first["longitude"], first["latitude"], crs=4326)
    nothing = pd.Series(np.nan, first.index)
    codes = [
        0
        if value is None or value != value or str(value).strip() in ("", "0")
        else lcz_class(_key(value)).number
        for value in first.get("lcz", nothing)
    ]
    height = first.get("elevation", nothing)
    return gpd.GeoDataFrame({"elevation": height, "lcz": codes}, geometry=points, index=first.index)


def _key(value: object) -> str:
    """``6.0``, as a column with gaps has it, is class 6."""
    return str(int(value)) if isinstance(value, float) else str(value)


def _check_values(values: pd.Series, unit: str, path: Path) -> None:
    middle = float(values.median())
    if np.isnan(middle):
        msg = f"{path} has no temperature that is a number."
        raise InputError(msg)
    if unit == "degC" and middle > 100:
        msg = f"{path} has a median of {middle:.1f} degC: its values look like kelvin; state --unit K."
        raise InputError(msg)
