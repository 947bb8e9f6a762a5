"""Air temperature stations: reading them, their clock, and the Local Climate Zone around each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd
import xarray as xr

from lczlib.analysis.heat.air_units import AirUnit, check_air_unit, some, without_unit
from lczlib.analysis.heat.air_values import air_values
from lczlib.analysis.heat.misplaced import refuse_off_map
from lczlib.analysis.heat.sites import by_role, only_placed, places_of, renamed, shared_columns
from lczlib.analysis.heat.table_classes import TableScheme
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
from lczlib.terms import option

_SYNONYMS = {
    "time": (),  # found by lczlib.clocks, which joins several columns
    "station": (
        "station", "station_id", "stations_id", "stationid", "station id", "id", "site", "name", "p_id",
        "stn", "estacion", "estación", "stazione", "nr",
    ),
    "temperature": (
        "temperature", "airt", "air_temperature", "air temperature", "ta", "tair", "t_air", "air_temp",
        "t2m", "temp", "tas", "tt_tu", "tmpf", "tmpc", "tmp", "temperatur", "lufttemperatur", "temperatura",
        "t",
    ),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "elevation": ("elevation", "altitude", "height", "z", "elev"),
    "lcz": ("lcz", "lcz_class"),
}  # fmt: skip


_COARSEST = 12 * 3600.0
"""Seconds between values from which on there is neither night nor hour."""


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
    time_format: str | None = None,
    skip_outside: bool = False,
    lcz: xr.DataArray | None = None,
    scheme: TableScheme | None = None,
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
        ``elevation``, ``lcz``, in `path` or in `sites`; the usual names are found without. Several
        columns of the time are joined: ``date+time``.
    time_zone : str, optional
        Of times that carry none: ``UTC``, ``Europe/Berlin``, ``Etc/GMT-1`` (UTC+1 all year).
    ambiguous : str
        What to do with the hour that a clock shows twice in autumn: ``raise``, ``infer`` from the
        order of the rows, take it as the ``earlier`` or ``later`` one, or ``drop`` it.
    unit : str, optional
        Of the temperatures: ``degC``, ``K``, ``degF``, or whole numbers in ``0.1 degC``, ``0.01 degC``,
        ``0.1 K``, ``0.01 K``; by the column's name and the values where it is not given.
    time_format : str, optional
        Of the times: one of :data:`lczlib.clocks.TIME_FORMATS` (``dayfirst``, ``monthfirst``,
        ``excel`` ...) or a pattern of strptime. It is found from the whole column without, and asked
        for where two fit.
    skip_outside : bool
        Leave stations without coordinates out instead of refusing.
    lcz : DataArray (y, x), optional
        LCZ map of the place: the coordinates are tested against it before anything is told by them.
    scheme : {"1-17", "101-107", "0-16"}, optional
        Numbering of the classes in the column ``lcz``; asked for where 0 is among them.

    Raises
    ------
    InputError
        If columns, coordinates or the time zone are missing, a station has two values for one
        time, the unit is not certain, or there is only one station.
    """
    path, where = Path(path), Path(sites or path)
    stated = check_air_unit(unit) if unit else None
    check_roles(columns or {})
    table = read_table(path, "station file")
    notes = read_notes(table)
    site_table = None if sites is None else read_table(sites, "sites file")
    columns, of_sites = shared_columns(columns or {}, path, table, where, site_table)
    table, columns, zone = with_times(table, columns, path, notes)
    names = match_columns(table, columns, path)
    is_long = {"temperature", "station"} <= names.keys()
    _check_named(path, table, names, alone=site_table is None)
    if site_table is None:
        places = places_of(by_role(table, names), path, names, notes, scheme)
    else:
        places = _read_sites(where, site_table, of_sites, scheme)
    if is_long:
        long = by_role(table, names)[["time", "station", "temperature"]]
    else:
        places = renamed(places, [station_name(c) for c in table.columns], notes)
        long = _melted(path, table, names["time"], places.index, where, notes)
    refuse_repeated(table, names.values(), path)
    long = _named_rows(long, path, notes)
    places = renamed(places, list(long["station"].unique()), notes)
    long["temperature"] = read_numbers(long["temperature"], "temperature", path, notes)
    times, clock = to_utc(
        long, time_zone, ambiguous, path, time_format=time_format, named_zone=zone, notes=notes
    )
    long = settled(long.assign(time=times).dropna(subset=["time"]), path, notes)
    describe(long, notes)
    _refuse_coarse(path, notes)
    raw = long.pivot(index="time", columns="station", values="temperature")
    raw.columns.name = None
    left_out = only_placed(list(raw.columns), places, path, where, notes, skip=skip_outside)
    raw = raw.drop(columns=list(left_out))
    if lcz is not None:
        refuse_off_map(places.loc[list(raw.columns)], lcz)
    air = air_values(raw, places, stated, str(names.get("temperature", "")), path, notes)
    air = _hourly(air, notes.facts["step_s"])
    if air.shape[1] < 2:
        msg = f"{path} has one station ({air.columns[0]}): a heat island needs at least two to compare."
        raise InputError(msg)
    notes.tell("station file", path)
    return Stations(air, places.loc[list(air.columns)], clock, left_out)


def _check_named(path: Path, table: pd.DataFrame, names: Mapping[str, str], *, alone: bool) -> None:
    """Refuse a table without the columns that are needed; `alone` where it must hold the sites too."""
    if not names:
        msg = (
            f"{path} holds no station data: none of its columns ({_some(table.columns)}) is a time, a "
            f"station or a temperature; name them with {option('columns')} time=NAME,station=NAME,temperature=NAME."
        )
        raise InputError(msg)
    if "time" not in names:
        msg = f"{path} has no column of times among {_some(table.columns)}: name it with {option('columns')} time=NAME."
        raise InputError(msg)
    if alone and not {"temperature", "station"} <= names.keys():
        msg = (
            f"{path} has no columns for station and temperature: name them with {option('columns')} "
            f"station=NAME,temperature=NAME, or, where each station is a column, give {option('sites')} FILE."
        )
        raise InputError(msg)


def _melted(
    path: Path, table: pd.DataFrame, time: str, stations: pd.Index, sites: Path, notes: Notes
) -> pd.DataFrame:
    """A row a measurement, of a table with a column for each station."""
    used = [c for c in table.columns if station_name(c) in stations]
    if not used:
        msg = (
            f"No column of {path} ({_some(table.columns)}) is a station of {sites}, nor is there one of "
            f"stations and one of temperatures by a usual name: name them with {option('columns')} "
            "station=NAME,temperature=NAME."
        )
        raise InputError(msg)
    refuse_repeated(table, used, path)
    others = [c for c in table.columns if c not in used and c != time]
    if others:
        notes.said.append(f"columns that are no station not read: {some(others)}")
    return table.rename(columns={time: "time"}).melt(
        "time", used, var_name="station", value_name="temperature"
    )


def _refuse_coarse(path: Path, notes: Notes) -> None:
    step = notes.facts["step_s"] or 0
    if step >= _COARSEST:
        msg = (
            f"{path} has a value each {step / 86400:g} days: the heat island of the air is "
            "told by hours, and by night; give hourly values, or 3-hourly ones."
        )
        raise InputError(msg)


def _hourly(air: pd.DataFrame, step: float | None) -> pd.DataFrame:
    """Means of the hours in which there is any value."""
    # one observation an hour at hh:53 (METAR) is of the next full hour; more are averaged within theirs
    late = pd.Timedelta(minutes=29 if (step or 3600) >= 3600 else 0)
    return air.groupby((air.index + late).floor("1h")).mean().dropna(how="all")


def _read_sites(
    path: Path, table: pd.DataFrame, columns: Mapping[str, str], scheme: TableScheme | None
) -> gpd.GeoDataFrame:
    notes = read_notes(table)
    names = match_columns(table, columns, path)
    refuse_repeated(table, names.values(), path)
    sites = places_of(by_role(table, names), path, names, notes, scheme)
    notes.tell("sites file", path)
    return sites


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
