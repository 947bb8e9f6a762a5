"""Where stations stand: coordinates in degrees, heights, and classes that a table states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.heat.air_units import some
from lczlib.analysis.heat.misplaced import refuse_turned
from lczlib.analysis.heat.table_classes import TableScheme, reader_of_classes
from lczlib.errors import ClassSchemeError, InputError
from lczlib.longitudes import unwrapped, wrapped
from lczlib.reading import Notes, counted
from lczlib.scenes.elevation import HIGHEST, LOWEST
from lczlib.tables import alike_names, name_key, numbers, station_names

_MOVED = 0.002  # degrees, some 200 m, by which the rows of one station may differ


def shared_columns(
    columns: Mapping[str, str],
    path: Path,
    table: pd.DataFrame,
    where: Path,
    site_table: pd.DataFrame | None,
) -> tuple[dict[str, str], dict[str, str]]:
    """The columns that a user names, of the station file and of the sites file.

    A role that is named is looked for in both; one of the two must have it, the other goes by the
    usual names. When is told by the station file alone.

    Raises
    ------
    InputError
        If neither has a column of a name given.
    """
    if site_table is None:
        return dict(columns), {}
    other = {r: n for r, n in columns.items() if r != "time" and n in site_table.columns}
    own = {r: n for r, n in columns.items() if r not in other or n in table.columns}
    lost = next((r for r, n in own.items() if r != "time" and n not in table.columns), None)
    if lost:
        msg = (
            f"Neither {path} nor {where} has a column {columns[lost]!r}: they have {some(table.columns)}, "
            f"and {some(site_table.columns)}."
        )
        raise InputError(msg)
    return own, other


def by_role(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The columns of a table that have a role, under its name, and its geometry."""
    picked = table[list(names.values())].set_axis(list(names), axis="columns")
    if isinstance(table, gpd.GeoDataFrame):
        return gpd.GeoDataFrame(picked, geometry=table.geometry.array, crs=table.crs)
    return pd.DataFrame(picked)


def only_placed(
    stations: Sequence[str],
    places: gpd.GeoDataFrame,
    path: Path,
    where: Path,
    notes: Notes,
    *,
    skip: bool,
) -> dict[str, str]:
    """Stations without a place, each with the reason; refused, all of them named, unless skipped.

    Raises
    ------
    InputError
        If `skip` is false and a station has no place, or none has one.
    """
    nowhere = [s for s in stations if s not in places.index]
    if len(nowhere) == len(stations):
        msg = (
            f"No station of {path} ({some(nowhere)}) has a place in {where}, which names "
            f"{some(places.index) or 'none'}; name its columns with --columns station=NAME,"
            "latitude=NAME,longitude=NAME."
        )
        raise InputError(msg)
    if nowhere and not skip:
        keys = {name_key(s): s for s in stations if s in places.index}
        twins = [f"{s!r} and {keys[name_key(s)]!r}" for s in nowhere if name_key(s) in keys]
        one = (
            f" ({some(twins)} differ in case or blanks alone: write one name where they are one station)"
            if twins
            else ""
        )
        msg = (
            f"{counted(len(nowhere), 'station')} of {len(stations)} in {path} without coordinates in "
            f"{where}: {some(nowhere, 60)}{one}; add them, or leave these stations out with --skip-outside."
        )
        raise InputError(msg)
    silent = [s for s in places.index if s not in stations]
    if silent:
        notes.said.append(f"{counted(len(silent), 'site')} without data: {some(silent)}")
    if nowhere:
        notes.said.append(
            f"{counted(len(nowhere), 'station')} without a place left out: {some(nowhere)}"
        )
    notes.facts |= {"sites_without_data": silent, "left_out": nowhere}
    return dict.fromkeys(nowhere, "no coordinates")


def renamed(places: gpd.GeoDataFrame, stations: Sequence[str], notes: Notes) -> gpd.GeoDataFrame:
    """Places by the names that the records have for them, where these differ in case or blanks."""
    alike = alike_names(places.index, stations)
    if alike:
        pairs = [f"{site!r} is {station!r}" for site, station in alike.items()]
        notes.said.append(f"names of sites that differ in case or blanks matched: {some(pairs)}")
    return places.rename(index=alike)


def places_of(
    table: pd.DataFrame,
    path: Path,
    names: Mapping[str, str],
    notes: Notes,
    scheme: TableScheme | None = None,
) -> gpd.GeoDataFrame:
    """The places in a table with a row a station, or a row a measurement.

    Parameters
    ----------
    table : DataFrame
        As of `by_role`: ``station``, ``latitude`` and ``longitude`` or geometry; ``elevation`` and
        ``lcz`` where known.
    path : path
        For messages.
    names : mapping
        Role to column, for messages.
    notes : Notes
        Takes what was read, lost and assumed.
    scheme : str, optional
        Numbering of ``lcz``, where it is another than 1-17.

    Returns
    -------
    GeoDataFrame
        Index station; points in EPSG:4326, ``elevation`` (m, NaN where not known), ``lcz`` (0 where
        not known). Stations without a usable place are not in it.

    Raises
    ------
    InputError
        If there are no coordinates in degrees, or a station has several places.
    """
    needed = ["station", "latitude", "longitude"]
    if isinstance(table, gpd.GeoDataFrame):
        table, how = _from_geometry(table, path)
    else:
        how = ""
    lacking = [role for role in needed if role not in table]
    if lacking:
        msg = (
            f"{path} has no {' and no '.join(lacking)} among its columns: name them with --columns "
            f"{','.join(f'{role}=NAME' for role in lacking)}, or give --sites FILE with them."
        )
        raise InputError(msg)
    table = table[table["station"].notna()]
    table = table.assign(station=station_names(table["station"]))
    keep = ["latitude", "longitude", "elevation", "lcz"]
    table = table[["station", *(c for c in keep if c in table)]]
    table = table.drop_duplicates().reset_index(drop=True)
    table = table.assign(
        latitude=_degrees(table, "latitude", path), longitude=_degrees(table, "longitude", path)
    )
    turned = bool((table["longitude"] > 180).any())
    table, unusable = _checked(table, path, names)
    _refuse_moved(table, path)
    first = table.groupby("station", sort=False).first()
    known = first["latitude"].notna() & first["longitude"].notna()
    nowhere = first.index[~known].tolist()
    first = first[known]
    height, bad_heights = _heights(first)
    codes, unread = _classes(first, scheme, path)
    sites = gpd.GeoDataFrame(
        {"elevation": height, "lcz": codes},
        geometry=gpd.points_from_xy(first["longitude"], first["latitude"], crs=4326),
        index=first.index,
    )
    sites.index.name = None
    refuse_turned(sites, path)
    notes.said.append(counted(len(sites), "site") + (f" {how}" if how else ""))
    if turned:
        notes.said.append("longitudes of 0 to 360 degrees brought to -180 to 180")
    if bad_heights:
        notes.said.append(f"{counted(bad_heights, 'elevation')} masked as fills")
    if nowhere:
        why = "at 0 N, 0 E, or outside the globe" if unusable else "empty"
        notes.cautions.append(
            f"{counted(len(nowhere), 'station')} of {path.name} without a usable place ({why}): "
            f"{some(nowhere)}."
        )
    if unread:
        told = ", ".join(f"{s} ({v!r})" for s, v in list(unread.items())[:10])
        notes.cautions.append(
            f"Not read as a Local Climate Zone, so that the map tells theirs: {told}; write a number "
            "1-17, a code 1-10 or A-G, or a name."
        )
    notes.facts |= {"sites": len(sites), "without_place": nowhere, "elevation_fills": bad_heights}
    return sites


def _from_geometry(table: gpd.GeoDataFrame, path: Path) -> tuple[pd.DataFrame, str]:
    """Coordinates of a vector file's points, which state their reference system, before columns."""
    points = table.geometry
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    if points.isna().all() or points.is_empty.all():
        return plain, ""
    if points.crs is None:
        if {"latitude", "longitude"} <= set(plain.columns):
            return plain, ""
        west, south, east, north = points.total_bounds
        if not (-180 <= west <= east <= 360 and -90 <= south <= north <= 90):
            msg = (
                f"{path} states no coordinate reference system, and its coordinates ({west:.0f} to "
                f"{east:.0f}, {south:.0f} to {north:.0f}) are no degrees: write it again with one."
            )
            raise InputError(msg)
        points, how = points.set_crs(4326), "at points taken for degrees, for none are stated"
    else:
        epsg = points.crs.to_epsg()
        name = f"EPSG:{epsg}" if epsg else points.crs.name
        how = "" if epsg == 4326 else f"at points in {name}"
    if not set(points.geom_type.dropna()) <= {"Point"}:
        points, how = points.centroid, f"at the middle of shapes, {how or 'in degrees'}"
    degrees = points.to_crs(4326)
    return plain.assign(longitude=degrees.x, latitude=degrees.y), how


def _degrees(table: pd.DataFrame, what: str, path: Path) -> pd.Series:
    """Coordinates as numbers: also with a decimal comma, or N, S, E or W behind."""
    values = table[what]
    south = pd.Series(False, values.index)
    if not pd.api.types.is_numeric_dtype(values):
        parts = (
            values.astype("string").str.upper().str.extract(r"^\s*(.*[\d.])\s*°?\s*([NSEW])?\s*$")
        )
        south = parts[1].isin(["S", "W"]).fillna(False).astype(bool)
        values = parts[0].fillna(values.astype("string"))
    read = numbers(values, comma="decimal")
    if len(read.unread):
        row = read.unread.index[0]
        msg = (
            f"{path}: the {what} {table.loc[row, what]!r} of station {table.loc[row, 'station']!r} is no "
            "number: write decimal degrees, such as 52.5083 for 52°30'30\"."
        )
        raise InputError(msg)
    return read.values.where(~south, -read.values)


def _checked(table: pd.DataFrame, path: Path, names: Mapping[str, str]) -> tuple[pd.DataFrame, int]:
    """Coordinates on the globe, the others NaN and how many; refused where most are no degrees."""
    y, x = table["latitude"], table["longitude"]
    known = y.notna() & x.notna() & np.isfinite(y) & np.isfinite(x)
    off = known & ((y.abs() > 90) | (x.abs() > 360))
    if off.sum() > known.sum() / 2 or (off & _exchanged(y, x)).sum() == off.sum() > 0:
        lat, lon = names.get("latitude", "latitude"), names.get("longitude", "longitude")
        one = table[off].iloc[0]
        where = f"station {one['station']!r} at latitude {one['latitude']:g}, longitude {one['longitude']:g}"
        if _exchanged(y, x)[off].all():
            rest = y[known & ~off].median()
            if abs(rest - x[off].median()) < abs(rest - y[off].median()):  # theirs are right
                odd = [repr(str(s)) for s in dict.fromkeys(table.loc[off, "station"])]
                msg = (
                    f"{path} has latitude and longitude exchanged in {'one station' if len(odd) == 1 else 'some'}, "
                    f"not in the others: {some(odd)}; correct {'its row' if len(odd) == 1 else 'their rows'}."
                )
                raise InputError(msg)
            msg = (
                f"{path} has latitude and longitude exchanged ({where}): say --columns latitude={lon},"
                f"longitude={lat}."
            )
            raise InputError(msg)
        msg = (
            f"{path} has coordinates that are no degrees ({where}): they look like {_metres(y[off], x[off])}; "
            "write longitude and latitude (EPSG:4326), or give a GeoPackage, which states its "
            "reference system."
        )
        raise InputError(msg)
    bad = off | (known & (y == 0) & (x == 0))
    good = known & ~bad
    return table.assign(
        latitude=y.where(good), longitude=pd.Series(wrapped(x), x.index).where(good)
    ), int(bad.sum())


def _exchanged(y: pd.Series, x: pd.Series) -> pd.Series:
    return (y.abs() > 90) & (y.abs() <= 360) & (x.abs() <= 90)


def _metres(y: pd.Series, x: pd.Series) -> str:
    size = max(y.abs().median(), x.abs().median())
    if size < 1000:
        return "something else, or fill values"
    if (x.between(1e5, 9e5) & y.between(0, 1e7)).all():
        return "metres of a UTM zone (easting and northing)"
    if (y.between(1e5, 9e5) & x.between(0, 1e7)).all():
        return "metres of a UTM zone (northing and easting, exchanged)"
    return "metres of a projection, such as web mercator"


def _refuse_moved(table: pd.DataFrame, path: Path) -> None:
    first = table.dropna(subset=["latitude", "longitude"]).groupby("station")
    if not len(first):
        return
    x0, y0 = (first[c].transform("first") for c in ("longitude", "latitude"))
    rows = table.loc[x0.index]
    east = pd.Series(unwrapped(rows["longitude"] - x0, 0.0), x0.index).abs()
    far = (east > _MOVED) | ((rows["latitude"] - y0).abs() > _MOVED)
    moved = rows["station"][far].unique()
    if len(moved):
        one = table[table["station"] == moved[0]].dropna(subset=["latitude", "longitude"])
        spots = " and ".join(
            f"{r.latitude:.4f} N, {r.longitude:.4f} E" for r in one[:2].itertuples()
        )
        many = f"; so have {some(moved[1:])}" if len(moved) > 1 else ""
        msg = (
            f"Station {moved[0]!r} of {path} has several places ({spots}{many}): split it by name, or "
            "leave the wrong rows out."
        )
        raise InputError(msg)


def _heights(first: pd.DataFrame) -> tuple[pd.Series, int]:
    if "elevation" not in first:
        return pd.Series(np.nan, first.index), 0
    found = numbers(first["elevation"], comma="decimal").values
    bad = found.notna() & ~found.between(LOWEST, HIGHEST)
    return found.mask(bad), int(bad.sum())


def _classes(
    first: pd.DataFrame, scheme: TableScheme | None, path: Path
) -> tuple[list[int], dict[str, object]]:
    """Classes that the table states, 0 where it states none, and what was not read, by station."""
    codes, unread = [], {}
    values = first.get("lcz", pd.Series(np.nan, first.index))
    read = reader_of_classes(values, scheme, path)
    for station, value in values.items():
        try:
            codes.append(read(value))
        except ClassSchemeError:
            codes.append(0)
            unread[str(station)] = value
    return codes, unread
