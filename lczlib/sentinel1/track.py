"""Where an IW product lies by its name alone: mission, absolute orbit and time on the nominal orbit.

Sentinel-1 flies the same 175 ground tracks every 12 days, each within some hundred metres. Along a track a
product's time since the ascending node says where it is; the node's own time drifts by some seconds a year,
by the table below. Annotated products of 2015 to 2023 lie within 15 km of that along the track, and 6 km
across it; footprints as a service states them are better.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod, Transformer

from lczlib.sentinel1.product import relative_orbit

if TYPE_CHECKING:
    import shapely

_PERIOD = 12 * 86400 / 175  # s, from node to node
_STEP = 360 * 12 / 175  # degrees west, from one track's ascending node to the next one's
_FIRST_NODE = 162.6613 + 8 * _STEP  # longitude of track 1; that of track 9 was annotated
_INCLINATION = np.radians(98.1896)
# Argument of latitude and radius of the frozen orbit over an orbit, by an orbit file of 2022 (0.4 km)
_LATITUDE = (2.4033e-3, 3.06e-5, -2.3639e-3, 9.34e-5)  # 1, sin, cos, sin of twice the angle
_RADIUS = (7075321.0, -8354.0, -196.0, 1542.0)  # 1, sin, cos, cos of twice the angle; m
_NEAR, _FAR = (
    368e3,
    624e3,
)  # m on the ground from below the satellite, to its right: 363-373, 620-627 seen
_EPOCH = dt.datetime(2014, 4, 1, tzinfo=dt.UTC)
_NODES = {
    "S1A": (
        ("2015-02-12", 237103.6), ("2017-12-01", 237123.0), ("2020-05-11", 237136.4), ("2021-01-19", 237141.1),
        ("2022-01-04", 237147.3), ("2022-09-18", 237155.1), ("2023-09-04", 237160.1),
    ),
    "S1B": (("2017-12-01", 65309612.9), ("2021-04-01", 65309628.8), ("2021-12-23", 65309636.1)),
}  # fmt: skip
"""Seconds from the epoch to the node of orbit 0, as annotated products of that day have it; of December 2017
where the published products of BigEarthNet cover most of the tiles that they are listed for."""
_DRIFT = 6.5 / 365.25  # seconds a day, beyond the table
_BEYOND = 450  # days beyond it that are still told
_CUT = 0.5  # s: names leave the fraction out
_DENSE = 3  # places along each side

_GEOD = Geod(ellps="WGS84")
_DEGREES = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)


def footprint(
    mission: str, orbit: int, start: dt.datetime, end: dt.datetime
) -> shapely.Polygon | None:
    """The ground that an IW product shows, by the nominal orbit.

    Parameters
    ----------
    mission : str
        ``S1A`` or ``S1B``: of the others no node is known here.
    orbit : int
        Absolute orbit.
    start, end : datetime
        As its name has them, in whole seconds (UTC).

    Returns
    -------
    Polygon or None
        Longitudes and latitudes, without a jump at 180 degrees; None where the orbit of that time is not
        known.
    """
    import shapely

    node, track = _node(mission, orbit, start), relative_orbit(mission, orbit)
    if node is None or track is None:
        return None
    first = (start - _EPOCH).total_seconds() + _CUT - node
    last = (end - _EPOCH).total_seconds() + _CUT - node
    times = np.linspace(first, last, _DENSE)
    longitude, latitude = _below(times, track)
    ahead, ahead_latitude = _below(times + 1, track)
    right = np.asarray(_GEOD.inv(longitude, latitude, ahead, ahead_latitude)[0]) + 90

    def side(distance: float) -> np.ndarray:
        x, y, _ = _GEOD.fwd(longitude, latitude, right, np.full(_DENSE, distance))
        return np.column_stack([x, y])

    ring = np.concatenate([side(_NEAR), side(_FAR)[::-1]])
    ring[:, 0] = ring[0, 0] + (ring[:, 0] - ring[0, 0] + 180) % 360 - 180
    return shapely.Polygon(ring)


def _node(mission: str, orbit: int, start: dt.datetime) -> float | None:
    """Seconds from the epoch to the ascending node that an orbit begins with."""
    known = _NODES.get(mission)
    if known is None:
        return None
    days = np.array(
        [(dt.datetime.fromisoformat(f"{d}T00:00Z") - _EPOCH).days for d, _ in known], float
    )
    day = (start - _EPOCH).total_seconds() / 86400
    beyond = day - np.clip(day, days[0], days[-1])
    if abs(beyond) > _BEYOND:
        return None
    at = np.interp(day, days, [seconds for _, seconds in known])
    return float(at + _DRIFT * beyond + orbit * _PERIOD)


def _below(times: np.ndarray, track: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude below the satellite, seconds after the node."""
    turn = 2 * np.pi * times / _PERIOD
    one, sine, cosine, twice = _LATITUDE
    angle = (
        turn + one + sine * np.sin(turn) + cosine * np.cos(turn) + twice * np.sin(2 * turn)
    )  # of latitude
    one, sine, cosine, twice = _RADIUS
    radius = one + sine * np.sin(turn) + cosine * np.cos(turn) + twice * np.cos(2 * turn)
    node = np.radians(_FIRST_NODE - (track - 1) * _STEP)
    east = np.arctan2(np.cos(_INCLINATION) * np.sin(angle), np.cos(angle))
    longitude = node + east - np.radians(_STEP) * times / _PERIOD
    latitude = np.arcsin(np.sin(_INCLINATION) * np.sin(angle))
    x = radius * np.cos(latitude) * np.cos(longitude)
    y = radius * np.cos(latitude) * np.sin(longitude)
    found = _DEGREES.transform(x, y, radius * np.sin(latitude))
    return np.asarray(found[0]), np.asarray(found[1])
