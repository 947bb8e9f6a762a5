"""Coordinates that are exchanged or lost a sign: told by the other stations, or by the map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat.air_units import some
from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.longitudes import mean_longitude, unwrapped, x_on
from lczlib.reading import counted

_TURNS: dict[str, Callable[[pd.Series, pd.Series], tuple[pd.Series, pd.Series]]] = {
    "latitude and longitude exchanged": lambda y, x: (x, y),
    "the sign of the longitude changed": lambda y, x: (y, -x),
    "the sign of the latitude changed": lambda y, x: (-y, x),
    "both signs changed": lambda y, x: (-y, -x),
}
_FAR, _NEAR = 10.0, 1.0  # degrees from the other stations, and from where they lie


def refuse_turned(sites: gpd.GeoDataFrame, path: Path) -> None:
    """Refuse a few stations far from the others whose coordinates are exchanged or lost a sign.

    Parameters
    ----------
    sites : GeoDataFrame
        Index station, points in EPSG:4326.
    path : path
        For messages.

    Raises
    ------
    InputError
        If there are such stations: they are named.
    """
    if len(sites) < 3:
        return
    middle = mean_longitude(sites.geometry.x)
    y = sites.geometry.y
    x = pd.Series(unwrapped(sites.geometry.x.to_numpy(), middle), sites.index)
    north, east = float(y.median()), float(x.median())
    far = ((y - north).abs() > _FAR) | ((x - east).abs() > _FAR)
    if not far.any() or far.sum() >= len(sites) / 2:
        return
    box = y[~far].min(), y[~far].max(), x[~far].min(), x[~far].max()
    own = sites.geometry.x[far]
    for what, turn in _TURNS.items():
        to_y, to_x = turn(y[far], own)
        inside = to_y.between(box[0] - _NEAR, box[1] + _NEAR)
        inside &= to_x.between(box[2] - _NEAR, box[3] + _NEAR)
        odd = inside.index[inside]
        if len(odd):
            one = len(odd) == 1
            msg = (
                f"{path}: {some([repr(str(s)) for s in odd])} {'lies' if one else 'lie'} at "
                f"{y[odd[0]]:g}, {own[odd[0]]:g}{'' if one else ' and so on'}, far from the other stations "
                f"(around {north:.2f}, {east:.2f}), but among them with {what}: correct "
                f"{'its row' if one else 'their rows'}."
            )
            raise InputError(msg)


def refuse_off_map(sites: gpd.GeoDataFrame, lcz: xr.DataArray) -> None:
    """Refuse a network outside a map that lies inside with its coordinates exchanged or of other sign.

    Parameters
    ----------
    sites : GeoDataFrame
        Index station, points in EPSG:4326.
    lcz : DataArray (y, x)
        LCZ map in any CRS.

    Raises
    ------
    InputError
        If most stations lie so.
    """
    box = geobox_of(lcz, "LCZ map")
    half = len(sites) / 2
    within = _inside(sites, box)
    if within >= half:
        return
    y, x = sites.geometry.y, sites.geometry.x
    for what, turn in _TURNS.items():
        to_y, to_x = turn(y, x)
        on_globe = to_y.abs() <= 90
        there = gpd.points_from_xy(to_x[on_globe], to_y[on_globe], crs=4326)
        if _inside(sites[on_globe].set_geometry(there), box) > half:
            way = "write degrees south and west as negative numbers"
            if "exchanged" in what:
                way = "name them the other way round with --columns latitude=NAME,longitude=NAME"
            msg = (
                f"{counted(len(sites) - within, 'station')} of {len(sites)} {_lie(len(sites) - within)} outside "
                f"the LCZ map, most of them inside it with {what}: {way}."
            )
            raise InputError(msg)


def _lie(n: int) -> str:
    return "lies" if n == 1 else "lie"


def _inside(sites: gpd.GeoDataFrame, box: GeoBox) -> int:
    return int(np.sum(points_on(sites, box).within(box.extent.geom))) if len(sites) else 0


def points_on(sites: gpd.GeoDataFrame, box: GeoBox) -> gpd.GeoSeries:
    """The places of stations in the reference system of a grid, on its turn of the globe."""
    points = sites.geometry.to_crs(box.crs)
    return gpd.GeoSeries.from_xy(x_on(box, points.x), points.y, index=sites.index)
