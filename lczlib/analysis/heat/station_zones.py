"""The Local Climate Zone and the height of each station."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely import Point

from lczlib.analysis.heat.air_units import some
from lczlib.analysis.heat.misplaced import points_on, refuse_off_map
from lczlib.analysis.heat.options import Way
from lczlib.analysis.heat.stations import match_columns
from lczlib.analysis.heat.table_classes import TableScheme, reader_of_classes
from lczlib.class_names import class_of_value
from lczlib.classes import CLASSES
from lczlib.errors import ClassSchemeError, InputError
from lczlib.grid import geobox_of
from lczlib.reading import Reading, counted, tell
from lczlib.tables import alike_names, read_notes, read_table, station_name
from lczlib.terms import option

_FEW = 5  # stations from which on a majority that differs from the map is worth a word


def read_classes(path: str | Path, scheme: TableScheme | None = None) -> dict[str, int]:
    """Hand-set classes from a table with columns ``station`` and ``lcz`` (number, code or name).

    Parameters
    ----------
    path : path
        CSV, Parquet or a vector file.
    scheme : {"1-17", "101-107", "0-16"}, optional
        Numbering of the classes; asked for where 0 is among them.

    Raises
    ------
    InputError
        If a column is missing, or a class is none.
    """
    table = read_table(path, "table of station classes")
    names = match_columns(table, {}, Path(path))
    if not {"station", "lcz"} <= names.keys():
        msg = f"{path} must have the columns station and lcz; it has {', '.join(map(str, table.columns))}."
        raise InputError(msg)
    named = table.dropna(subset=[names["station"]])
    found = {}
    read = reader_of_classes(named[names["lcz"]], scheme, Path(path))
    for station, value in zip(
        named[names["station"]].map(station_name), named[names["lcz"]], strict=True
    ):
        try:
            code = read(value)
        except ClassSchemeError as err:
            msg = f"{path}, station {station!r}: {err}"
            raise InputError(msg) from err
        if code and found.setdefault(station, code) != code:
            msg = (
                f"{path} gives station {station!r} the classes {CLASSES[found[station] - 1].code} and "
                f"{CLASSES[code - 1].code}: leave one."
            )
            raise InputError(msg)
    notes = read_notes(table)
    notes.said.append(f"{counted(len(found), 'station')} with a class")
    notes.tell("table of station classes", path)
    return found


def with_elevation(sites: gpd.GeoDataFrame, dem: xr.DataArray) -> gpd.GeoDataFrame:
    """Fill unknown elevations from a raster (y, x) in m, at the nearest pixel; holes are named."""
    box = geobox_of(dem, "elevation raster")
    points = points_on(sites, box)
    at = dem.sel(
        {
            dem.dims[0]: xr.DataArray(points.y.to_numpy(), dims="station"),
            dem.dims[1]: xr.DataArray(points.x.to_numpy(), dims="station"),
        },
        method="nearest",
    )
    inside = points.within(box.extent.geom).to_numpy()
    heights = pd.Series(np.where(inside, np.asarray(at.data, float), np.nan), sites.index)
    out = sites.assign(elevation=sites["elevation"].fillna(heights))
    told = f"{int(out['elevation'].notna().sum())} of {len(out)} stations have a height"
    cautions = []
    for where, place in (
        (heights.isna() & inside, "on pixels without data of the elevation raster"),
        (pd.Series(~inside, sites.index), "outside the elevation raster"),
    ):
        without = out.index[where & out["elevation"].isna()]
        if len(without):
            cautions.append(
                f"No height is known of {', '.join(map(str, without))}: {place}, and none in the station file."
            )
    source = str(dem.attrs.get("source", "elevation raster"))
    tell(Reading("heights of stations from", source, (told,), tuple(cautions)))
    return out


def station_classes(
    sites: gpd.GeoDataFrame,
    lcz: xr.DataArray | None,
    *,
    by_hand: Mapping[str, object] | None = None,
    radius: float = 250.0,
    homogeneous: float = 0.8,
    skip_outside: bool = False,
    probabilities: xr.DataArray | None = None,
    way: Way = "majority",
) -> pd.DataFrame:
    """The Local Climate Zone of each station.

    The air at a station comes from some hundred metres around it (Stewart & Oke 2012), so the
    commonest class within `radius` counts, and is flagged where it covers less than `homogeneous`.
    The class at the point and, with probabilities, the most probable one of the circle stand beside
    it: where they differ, the class hangs on how it is taken.

    Parameters
    ----------
    sites : GeoDataFrame
        Index station, points; a column ``lcz`` (0 = not known) overrides the map.
    lcz : DataArray (y, x), optional
        LCZ map in any CRS.
    by_hand : mapping, optional
        Station to class; overrides everything.
    radius : float
        m.
    homogeneous : float
        Share of the circle.
    skip_outside : bool
        Leave stations without a class out, instead of refusing: they are not in the result, and
        ``attrs["left_out"]`` holds them with the reason. Hand-set classes of stations that are not in
        `sites` are told and left out as well.
    probabilities : DataArray (lcz, y, x), optional
        Class probabilities of the map, in any CRS.
    way : {"majority", "point", "probabilities"}
        Which of the map's three classes is used.

    Returns
    -------
    DataFrame
        Index station; ``lcz`` (the class used), ``source`` (``map``, ``stations file`` or ``by
        hand``), ``lcz_point``, ``lcz_majority``, ``homogeneity`` (its share of the circle),
        ``lcz_probable``, ``probability`` (its mean in the circle), ``flagged``. A class that the map
        does not tell is 0.

    Raises
    ------
    InputError
        If the radius is not positive, or stations lie outside the map and no class is set by hand:
        all of them are named. Also with `skip_outside` where fewer than two are left, or where there
        are no probabilities to go by.
    """
    _check_way(way, probabilities, radius)
    hand, alike = _named_as(by_hand or {}, sites.index)
    stray = [s for s in hand if s not in sites.index]
    if stray and not (skip_outside and len(stray) < len(hand)):
        raise InputError(_strangers(stray, sites.index, some_left=len(stray) < len(hand)))
    if lcz is not None:
        refuse_off_map(sites, lcz)
    around = _surroundings(sites, lcz, radius) if lcz is not None else {}
    probable = _probable(sites, probabilities, radius) if probabilities is not None else {}
    rows, outside = {}, []
    for station in sites.index:
        point, majority, share = around.get(station, (0, 0, np.nan))
        most, probability = probable.get(station, (0, np.nan))
        of_map = {"majority": majority, "point": point, "probabilities": most}[way]
        told = int(sites.loc[station, "lcz"]) if "lcz" in sites else 0
        if hand.get(station):
            used, source = hand[station], "by hand"
        elif told:
            used, source = told, "stations file"
        elif of_map:
            used, source = of_map, "map"
        else:
            outside.append(station)
            continue
        flagged = bool(share < homogeneous) if source == "map" else False
        rows[station] = (used, source, point, majority, share, most, probability, flagged)
    columns = [
        "lcz", "source", "lcz_point", "lcz_majority", "homogeneity", "lcz_probable", "probability",
        "flagged",
    ]  # fmt: skip
    if outside and not (skip_outside and len(rows) > 1):
        raise InputError(_outside(sites, outside, _why_none(lcz, way), skip_outside))
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    found.attrs["left_out"] = dict.fromkeys(outside, _why_none(lcz, way) or "no class")
    of = str(lcz.attrs.get("source", "map")) if lcz is not None else "stations file"
    _tell_classes(found, of, alike, stray)
    return found


def _check_way(way: Way, probabilities: xr.DataArray | None, radius: float) -> None:
    """Refuse a circle without ground, and probabilities that are not there."""
    if way == "probabilities" and probabilities is None:
        msg = (
            "Zones of stations by probabilities need the class probabilities of the map: give them "
            f"({option('probabilities')}), or go by {' or '.join(get_args(Way)[:2])}."
        )
        raise InputError(msg, parameter="station_zone")
    if not radius > 0:
        msg = (
            f"A radius of {radius:g} m around a station holds no ground: give some hundred metres."
        )
        raise InputError(msg)


def _named_as(
    by_hand: Mapping[str, object], stations: pd.Index
) -> tuple[dict[str, int], dict[str, str]]:
    """Hand-set classes by the names of the data, and those that are written otherwise there."""
    found = {str(k): class_of_value(v) for k, v in by_hand.items()}
    alike = alike_names(found, map(str, stations))
    return {alike.get(k, k): v for k, v in found.items()}, alike


def _strangers(stray: list[str], stations: pd.Index, *, some_left: bool) -> str:
    """What is said of hand-set classes of stations that are not there."""
    way = f", or leave these classes out with {option('skip_outside')}" if some_left else ""
    return (
        f"{some([repr(s) for s in stray])} of the hand-set classes {'is' if len(stray) == 1 else 'are'} not "
        f"among the stations ({some(stations, 8)}): correct the names{way}."
    )


def _tell_classes(found: pd.DataFrame, of: str, alike: Mapping[str, str], stray: list[str]) -> None:
    """Tell where the classes come from, and warn where most of them are not the map's."""
    said = [told_sources(found)]
    if alike:
        pairs = [f"{own!r} is {station!r}" for own, station in alike.items()]
        said.append(f"names that differ in case or blanks matched: {some(pairs)}")
    if stray:
        said.append(
            f"{counted(len(stray), 'hand-set class', 'hand-set classes')} of stations that are not in the "
            f"data left out: {some(stray)}"
        )
    if agree := told_ways(found):
        said.append(agree)
    own = found[(found["source"] != "map") & (found["lcz_majority"] > 0)]
    unlike = int((own["lcz"] != own["lcz_majority"]).sum())
    cautions = []
    if unlike:
        said.append(f"{unlike} of {len(own)} stated classes are not those of the map")
    if len(own) >= _FEW and unlike > len(own) / 2:
        lower = int((own["lcz"] + 1 == own["lcz_majority"]).sum())
        looks = (
            f" {lower} of them are one less, as where classes are numbered 0-16: if so, state it with "
            f"{option('station_scheme', '0-16')}."
            if lower > unlike / 2
            else " are their classes numbered like the map's (1-17)?"
        )
        cautions.append(
            f"{unlike} of {counted(len(own), 'station')} state another class than the map has around them, and "
            f"theirs are used{'.' if lower > unlike / 2 else ':'}{looks}"
        )
    facts = {"sources": found["source"].value_counts().to_dict(), "classes_left_out": stray}
    tell(Reading("classes of stations", of, tuple(said), tuple(cautions), facts))


def told_sources(zones: pd.DataFrame) -> str:
    """Where the classes of stations come from, in words: ``classes by hand: 3, of the map: 12``."""
    words = {"by hand": "by hand", "stations file": "of the stations file", "map": "of the map"}
    counts = zones["source"].value_counts()
    return "classes " + ", ".join(f"{words[s]}: {counts[s]}" for s in words if s in counts)


def told_ways(zones: pd.DataFrame) -> str:
    """How many stations have one class however the map is asked, and the others; empty without a map."""
    ways = {"at the point": "lcz_point", "of most of the circle": "lcz_majority"}
    if (zones["lcz_probable"] > 0).any():
        ways["by probabilities"] = "lcz_probable"
    known = zones.loc[zones["lcz_majority"] > 0, [*ways.values()]]
    if known.empty:
        return ""
    differ = known[known.nunique(axis=1) > 1]
    *first, last = ways
    text = (
        f"class {', '.join(first)} and {last} the same for {len(known) - len(differ)} of "
        f"{counted(len(known), 'station')}"
    )
    each = [
        f"{station} {'/'.join(CLASSES[c - 1].code if c else '-' for c in row)}"
        for station, row in zip(differ.index, differ.to_numpy(), strict=True)
    ]
    return f"{text}, not for {some(each, 8)}" if each else text


def _why_none(lcz: xr.DataArray | None, way: Way) -> str:
    """Where stations are that have no class; empty without a map."""
    if way == "probabilities":
        return "outside the class probabilities, or where there are none"
    return "" if lcz is None else "outside the LCZ map, or where it has no class"


def _outside(sites: gpd.GeoDataFrame, outside: list[str], where: str, skipped: bool) -> str:
    """What is said of stations that have no class: all of them, and why."""
    told = ", ".join(f"{s!r} at {_where(sites.geometry[s])}" for s in outside[:60])
    told += f" and {len(outside) - 60} more" if len(outside) > 60 else ""
    one = len(outside) == 1
    why = f"{'lies' if one else 'lie'} {where}" if where else f"{'has' if one else 'have'} no class"
    way = f"or leave them out with {option('skip_outside')}"
    few = ""
    if skipped:
        way, few = "or give a map that reaches further", ", and fewer than two stations are left"
    return (
        f"{counted(len(outside), 'station')} of {len(sites)}: {told} {why}{few}: set the classes by hand "
        f"({option('station_classes')} FILE with columns station,lcz), {way}."
    )


def _where(place: Point) -> str:
    north, east = (
        f"{abs(place.y):.4f} {'NS'[place.y < 0]}",
        f"{abs(place.x):.4f} {'EW'[place.x < 0]}",
    )
    return f"{north}, {east}"


def _surroundings(
    sites: gpd.GeoDataFrame, lcz: xr.DataArray, radius: float
) -> dict[str, tuple[int, int, float]]:
    """Class at the point, commonest class in the circle and its share; absent outside the map."""
    codes = np.asarray(lcz.data)
    out = {}
    for station, (row, col, window, inside) in _circles(sites, geobox_of(lcz, "LCZ map"), radius):
        seen = codes[window][inside]
        known = np.bincount(seen[seen > 0], minlength=18)
        if known.any():
            majority = int(known.argmax())
            out[station] = int(codes[row, col]), majority, float(known[majority] / seen.size)
    return out


def _probable(
    sites: gpd.GeoDataFrame, probabilities: xr.DataArray, radius: float
) -> dict[str, tuple[int, float]]:
    """Class with the highest mean probability in the circle, and that; absent where there are none."""
    shares = np.asarray(probabilities.data)
    box = geobox_of(probabilities, "class probabilities")
    out = {}
    for station, (_, _, window, inside) in _circles(sites, box, radius):
        seen = shares[:, *window][:, inside]
        seen = seen[:, np.isfinite(seen).all(axis=0)]
        if seen.size:
            mean = seen.mean(axis=1)
            out[station] = int(mean.argmax()) + 1, float(mean.max())
    return out


_Circle = tuple[int, int, tuple[np.ndarray, np.ndarray], np.ndarray]
"""Row and column of the station, rows and columns around it, and which of these pixels are in the circle."""


def _circles(sites: gpd.GeoDataFrame, box: GeoBox, radius: float) -> Iterator[tuple[str, _Circle]]:
    """The pixels around each station that lies on a grid."""
    to_pixel, (height, width) = ~box.affine, box.shape
    for station, point in points_on(sites, box).items():
        per_x, per_y = abs(box.affine.a), abs(box.affine.e)
        if box.crs.geographic:  # metres in a degree, on the sphere
            latitude = np.deg2rad(sites.geometry[station].y)
            per_x, per_y = per_x * 111_320 * np.cos(latitude), per_y * 111_320
        col, row = to_pixel * (point.x, point.y)
        if not (0 <= row < height and 0 <= col < width):
            continue
        reach_x, reach_y = int(radius / per_x) + 1, int(radius / per_y) + 1
        rows = np.arange(max(0, int(row) - reach_y), min(height, int(row) + reach_y + 1))
        cols = np.arange(max(0, int(col) - reach_x), min(width, int(col) + reach_x + 1))
        distance = np.hypot(
            (rows[:, None] + 0.5 - row) * per_y, (cols[None, :] + 0.5 - col) * per_x
        )
        inside = distance <= radius
        inside |= distance == distance.min()  # a radius below half a pixel still has its own pixel
        yield station, (int(row), int(col), np.ix_(rows, cols), inside)
