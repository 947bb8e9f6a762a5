"""What air temperature a place usually has in a season, to tell units apart.

The normals of some two hundred cities stand for the land around them; what a record leaves open
between them is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.longitudes import mean_longitude

NORMALS = np.array((
    (64.1,-21.9,50,1,12), (53.4,-6.3,70,5,15), (51.5,-.1,25,6,19), (55.9,-3.2,50,4,15), (38.7,-9.1,80,12,23),
    (40.4,-3.7,660,6,26), (37.4,-6,20,11,28), (41.4,2.2,50,9,24), (48.9,2.4,70,5,20), (43.3,5.4,30,7,25),
    (52.4,4.9,0,4,18), (50.1,8.7,110,2,20), (53.6,10,10,2,18), (52.5,13.4,40,1,20), (48.1,11.6,520,0,19),
    (47.4,8.5,500,1,19), (45.5,9.2,120,3,25), (41.9,12.5,20,8,25), (38.1,13.4,30,12,26), (48.2,16.4,200,1,22),
    (50.1,14.4,300,0,19), (55.7,12.6,10,2,18), (59.9,10.7,90,-3,18), (60.4,5.3,20,3,15), (63.4,10.4,20,-1,15),
    (69.7,18.9,100,-3,12), (59.3,18.1,40,-1,19), (67.8,20.3,450,-13,13), (65.5,22.1,15,-8,16),
    (66.5,25.7,200,-11,16), (60.2,24.9,20,-4,18), (57,24.1,10,-2,18), (52.2,21,110,-1,20), (47.5,19,120,1,23),
    (44.8,20.5,130,2,24), (44.4,26.1,85,-1,24), (42.7,23.3,560,0,22), (38,23.7,100,10,29), (41,29,40,6,24),
    (39.9,32.9,890,1,24), (39.9,41.3,1760,-10,20), (50.5,30.5,170,-3,21), (50,36.2,150,-5,22),
    (53.9,27.6,220,-4,19), (59.9,30.3,5,-5,19), (69,33,50,-10,13), (64.5,40.5,5,-12,17), (55.8,37.6,150,-6,20),
    (55.8,49.1,100,-10,21), (48.7,44.5,130,-6,25), (41.7,44.8,450,3,26), (56.8,60.6,280,-13,19),
    (61.7,50.8,120,-14,18), (67.5,64,180,-20,13), (66.5,66.6,20,-23,15), (55,73.4,90,-16,20),
    (55,82.9,150,-17,20), (56,92.9,280,-15,19), (65.8,88,40,-26,17), (69.3,88.2,100,-27,14),
    (52.3,104.3,470,-18,18), (62,129.7,100,-37,20), (67.6,133.4,140,-45,16), (52,113.5,670,-25,19),
    (59.6,150.8,70,-16,12), (53,158.7,30,-7,12), (48.5,135.1,70,-20,21), (43.1,131.9,180,-12,18),
    (64.7,177.5,60,-22,11), (51.2,71.4,350,-14,21), (43.2,76.9,800,-5,24), (41.3,69.3,450,2,28),
    (38,58.4,210,4,32), (35.7,51.4,1190,5,31), (34.5,69.2,1800,0,26), (33.3,44.4,35,10,36), (29.2,47.9,55,13,39),
    (24.7,46.7,620,15,37), (25.3,55.4,10,19,36), (21.5,39.2,10,23,33), (15.4,44.2,2250,14,22), (32.1,34.8,30,13,27),
    (33.5,36.3,700,7,27), (30.1,31.3,75,14,29), (24.9,67.1,20,18,30), (28.6,77.2,215,14,31), (19,72.9,10,24,28),
    (22.6,88.4,10,19,29), (13.1,80.3,10,25,31), (13,77.6,920,22,24), (27.7,85.4,1340,11,25), (29.7,91.1,3650,-1,17),
    (34.2,77.6,3500,-8,20), (6.9,79.9,10,27,28), (16.8,96.2,15,25,27), (13.7,100.5,5,27,29), (21,105.8,10,17,30),
    (10.8,106.7,10,27,28), (1.3,103.8,15,27,28), (-6.2,106.8,10,27,28), (14.6,121,10,26,28), (22.3,114.2,30,17,29),
    (25,102.7,1890,9,21), (30.7,104.1,500,6,26), (30.6,114.3,25,4,30), (31.2,121.5,5,5,29), (34.3,108.9,400,0,28),
    (36,103.9,1520,-5,23), (39.9,116.4,40,-3,27), (43.8,87.6,930,-12,25), (39.5,76,1290,-5,26),
    (36.4,94.9,2810,-8,18), (40.8,111.7,1060,-11,23), (41.8,123.4,45,-11,25), (45.8,126.6,140,-18,23),
    (49.2,119.7,610,-25,20), (47.9,106.9,1300,-21,18), (37.6,127,85,-2,25), (35.7,139.8,25,5,26),
    (43.1,141.3,20,-3,21), (34.7,135.5,20,6,28), (25,121.5,10,16,30), (36.7,3.2,25,11,26), (33.6,-7.6,60,13,22),
    (32.9,13.2,80,13,28), (22.8,5.5,1360,13,29), (15.6,32.5,380,23,32), (14.7,-17.5,25,21,27), (12.6,-8,380,25,27),
    (13.5,2.1,220,24,29), (6.5,3.4,40,27,25), (5.6,-.2,60,28,25), (-4.3,15.3,310,26,23), (12.1,15,295,23,28),
    (9,38.8,2350,16,16), (-1.3,36.8,1660,19,17), (-6.8,39.3,10,28,24), (-15.4,28.3,1280,22,15),
    (-8.8,13.2,70,27,22), (-18.9,47.5,1280,21,14), (-22.6,17.1,1700,24,13), (-26.2,28,1690,20,11),
    (-34,18.6,40,21,12), (-29.9,31,10,25,17), (61.2,-149.9,40,-8,15), (64.8,-147.7,135,-22,17),
    (71.3,-156.8,10,-24,5), (60.7,-135.1,700,-15,14), (62.5,-114.4,200,-26,17), (49.2,-123.1,5,4,18),
    (51.1,-114,1080,-7,17), (53.5,-113.5,670,-10,18), (50.4,-104.6,580,-15,19), (49.9,-97.2,240,-16,20),
    (58.7,-94.1,30,-26,13), (43.7,-79.4,110,-4,22), (45.5,-73.6,40,-9,21), (44.6,-63.6,30,-4,19),
    (47.6,-52.7,140,-4,16), (53.3,-60.4,50,-17,16), (63.8,-68.5,30,-27,8), (64.2,-51.7,50,-8,7), (74.7,-95,65,-32,5),
    (58.1,-68.4,40,-24,12), (47.6,-122.3,50,6,19), (37.8,-122.4,20,11,16), (34,-118.2,80,14,23),
    (33.4,-112,340,14,35), (36.1,-115.2,650,9,34), (40.8,-112,1290,-1,27), (39.7,-105,1610,0,23),
    (45.8,-108.5,1090,-3,23), (46.8,-100.8,510,-11,21), (45,-93.3,260,-9,23), (39.1,-94.6,300,-1,26),
    (32.8,-96.8,150,8,30), (29.8,-95.4,15,12,29), (41.9,-87.6,190,-4,24), (33.7,-84.4,310,6,27), (25.8,-80.2,5,20,29),
    (38.9,-77,10,3,27), (40.7,-74,15,1,25), (42.4,-71,10,-1,23), (19.4,-99.1,2240,14,17), (25.7,-100.3,540,15,29),
    (21,-89.6,10,24,28), (23.1,-82.4,50,22,28), (18.4,-66.1,5,25,28), (14.6,-90.5,1500,18,20), (9,-79.5,10,27,28),
    (4.7,-74.1,2550,14,13), (10.5,-66.9,880,20,22), (-.2,-78.5,2850,14,14), (-2.2,-79.9,5,27,25), (-3.1,-60,70,26,27),
    (-8.1,-34.9,10,27,24), (-15.8,-47.9,1160,22,19), (-23.5,-46.6,760,23,16), (-22.9,-43.2,5,27,22),
    (-30,-51.2,10,25,14), (-25.3,-57.6,100,28,18), (-16.5,-68.1,3650,11,7), (-12,-77.1,30,23,17),
    (-23.6,-70.4,50,20,14), (-33.4,-70.7,520,21,9), (-34.6,-58.4,25,25,11), (-32.9,-68.8,750,25,8),
    (-41.1,-71.2,840,15,2), (-45.8,-67.5,60,19,7), (-53.2,-70.9,35,11,2), (-32,115.9,20,24,13),
    (-12.4,130.9,30,28,25), (-23.8,133.9,545,29,12), (-34.9,138.6,50,23,11), (-37.8,145,30,21,10),
    (-33.9,151.2,40,23,13), (-27.5,153,10,25,15), (-42.9,147.3,50,18,9), (-36.8,174.8,10,19,11),
    (-43.5,172.6,10,17,6), (-22.3,166.4,70,26,20), (-18.1,178.4,10,27,23), (-13.8,-171.8,5,27,26),
    (21.3,-157.9,5,23,27), (-9.4,147.2,40,28,26), (13.5,144.8,75,27,28), (78.2,15.6,25,-10,7),
    (-77.8,166.7,20,-3,-26), (-90,0,2830,-28,-60), (-67.6,62.9,10,0,-18), (-62.2,-58.9,10,2,-6),
))  # fmt: skip
"""Degrees north and east, m above the sea, mean air temperature of January and of July (degC) of cities
and polar stations: the climate of about 1991-2020 in round numbers, within some 2 K, which the standard
deviations below allow for."""

_NEIGHBOURS = 4
_WEATHER, _SEASONAL, _MOST_WEATHER = 2.0, 0.08, 5.0  # K; of the yearly range; K
_PER_KM = 1 / 300  # K of doubt for each km to the nearest city
_LAPSE = 0.0055  # K per m; inversions keep it below the free air's
_HEIGHT_UNKNOWN = 1.5  # K of doubt, as of some 300 m
_FREEDOM = 10.0  # of Student's distribution: months may be stranger than a normal one allows
_CHANCE = 1e-6
_HOURS = 48  # of a month from which on it counts

_FAHRENHEIT_LANDS = (
    (24, 50, -126, -66), (54, 72, -169, -130), (51, 56, -180, -169), (18, 23, -161, -154),
    (17, 28, -80, -64), (15, 19, -90, -87), (4, 9, -12, -7), (12, 21, 144, 147), (-15, -14, -171, -169),
)  # fmt: skip
"""South, north, west, east of where degF is in use: the United States, its islands, the Bahamas,
the Cayman Islands, Belize, Liberia."""
_RARE_UNIT = np.log(10.0)
"""So much less likely is degF elsewhere: it alone decides nothing."""


def usual(
    latitude: float, longitude: float, day: int, height: float | None = None
) -> tuple[float, float]:
    """Mean air temperature (degC) that a place has at a time of year, and its standard deviation.

    Parameters
    ----------
    latitude, longitude : float
        Degrees north and east.
    day : int
        Of the year.
    height : float, optional
        m above the sea; that of the cities around where it is not known.

    Examples
    --------
    >>> [round(x) for x in usual(52.5, 13.4, 15)], [round(x) for x in usual(1.3, 103.8, 200, 15)]
    ([1, 4], [28, 2])
    """
    lat, lon, above, january, july = NORMALS.T
    a, b = np.deg2rad(lat), np.deg2rad(latitude)
    apart = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(np.deg2rad(lon - longitude))
    km = 6371 * np.arccos(np.clip(apart, -1, 1))
    near = np.argsort(km)[:_NEIGHBOURS]
    weights = (km[near] + 100.0) ** -2
    weights /= weights.sum()
    summer = 0.5 + 0.5 * np.cos(2 * np.pi * (day - 200) / 365.25)  # warmest a month after solstice
    here = summer * july[near] + (1 - summer) * january[near]
    if height is not None:
        here = here - _LAPSE * (height - above[near])
    mean = float(weights @ here)
    spread = float(weights @ (here - mean) ** 2)
    seasons = float(weights @ abs(july[near] - january[near]))
    weather = min(_WEATHER + _SEASONAL * seasons, _MOST_WEATHER)
    unknown = _HEIGHT_UNKNOWN if height is None else 0.0
    far = float(km[near[0]]) * _PER_KM
    return mean, float(np.sqrt(weather**2 + spread + far**2 + unknown**2))


def likelihood(celsius: pd.DataFrame, sites: gpd.GeoDataFrame) -> float:
    """How well a network's temperatures are those of its place and season: a logarithm, 0 is best.

    Parameters
    ----------
    celsius : DataFrame
        degC, index UTC times, a column for each station.
    sites : GeoDataFrame
        Index station, points in EPSG:4326, ``elevation`` (m).
    """
    middle = celsius.median(axis=1).dropna()
    latitude, longitude = float(sites.geometry.y.median()), mean_longitude(sites.geometry.x)
    heights = sites.loc[celsius.columns, "elevation"].dropna()
    height = float(heights.median()) if len(heights) else None
    days = middle.index.tz_convert(None) if middle.index.tz is not None else middle.index
    months = [m for _, m in middle.groupby(days.to_period("M"))]
    hours = [m.index.floor("1h").nunique() for m in months]
    telling = [m for m, n in zip(months, hours, strict=True) if n >= min(_HOURS, max(hours))]
    strangest = 0.0
    for month in telling:
        mean, deviation = usual(
            latitude, longitude, int(month.index.day_of_year.to_numpy().mean()), height
        )
        strangest = max(strangest, abs(float(month.median()) - mean) / deviation)
    return -(_FREEDOM + 1) / 2 * float(np.log1p(strangest**2 / _FREEDOM))


def in_use(unit: str, sites: gpd.GeoDataFrame) -> float:
    """How usual a unit is in a land: a logarithm, below 0 for degF where it is not in use."""
    return 0.0 if not unit.endswith("degF") or _fahrenheit_land(sites) else -float(_RARE_UNIT)


def _fahrenheit_land(sites: gpd.GeoDataFrame) -> bool:
    latitude, longitude = float(sites.geometry.y.median()), mean_longitude(sites.geometry.x)
    return any(
        south <= latitude <= north and west <= longitude <= east
        for south, north, west, east in _FAHRENHEIT_LANDS
    )


def converted(bulk: pd.DataFrame, worlds: Mapping[str, pd.Series]) -> str | None:
    """The unit whose steps show that values were computed from the other one's; None where none does.

    Values of 1.8 times tenths of degC, plus 32, are degF: no sensor measures in such steps.
    """
    if not {"degC", "degF"} <= worlds.keys():
        return None
    values = np.unique(bulk.to_numpy()[np.isfinite(bulk.to_numpy())])
    digits = next((k for k in range(4) if np.allclose(values * 10**k, np.round(values * 10**k))), 4)
    if digits > 3:
        return None
    half = 0.5 * 10.0**-digits * 1.001 + 1e-9
    found = []
    for unit, other, reach in (
        ("degF", (values - 32) / 1.8, half / 1.8), ("degC", values * 1.8 + 32, half * 1.8),
    ):  # fmt: skip
        for step in (1.0, 0.5, 0.1):
            off = abs(other - np.round(other / step) * step)
            by_chance = min(1.0, 2 * reach / step) ** len(values)
            if by_chance < _CHANCE and (off <= reach).all():
                found.append(unit)
                break
    return found[0] if len(found) == 1 else None
