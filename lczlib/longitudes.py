"""Longitudes as what they are, angles: means, boxes and views that cross 180 degrees.

Longitudes are degrees east. A box is west, south, east, north in degrees; where it crosses 180
degrees its west is larger than its east (RFC 7946, section 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from odc.geo.geobox import GeoBox
from pyproj import Transformer

Box = tuple[float, float, float, float]


def wrapped(longitude: ArrayLike) -> np.ndarray:
    """Longitudes brought to -180 up to 180, such as those written 0 to 360.

    Examples
    --------
    >>> wrapped([181.2, 180.0, -180.0, 13.4]).tolist()
    [-178.8, 180.0, -180.0, 13.4]
    """
    values = np.asarray(longitude, float)
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        turned = np.round((values + 180) % 360 - 180, 9)
        return np.where(np.abs(values) <= 180, values, turned)


def unwrapped(longitude: ArrayLike, near: float) -> np.ndarray:
    """The same longitudes within 180 degrees of `near`: without a jump where they cross 180.

    Examples
    --------
    >>> unwrapped([179.5, -179.5], near=180).tolist()
    [179.5, 180.5]
    """
    values = np.asarray(longitude, float)
    return values - 360 * np.round((values - near) / 360)


def mean_longitude(longitude: ArrayLike) -> float:
    """The mean of longitudes on the circle, -180 up to 180; missing ones are left out.

    Near the middle of places that lie together this is their plain mean, however it is written.

    Examples
    --------
    >>> round(mean_longitude([177.45, -178.80]), 3), mean_longitude([10.0, 20.0])
    (179.325, 15.0)
    """
    values = np.asarray(longitude, float)
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan")
    turns = np.exp(1j * np.deg2rad(values)).sum()
    if abs(turns) < 1e-9 * values.size:  # all around the globe: no direction is the middle
        return float(wrapped(values.mean()))
    middle = float(np.rad2deg(np.angle(turns)))
    return float(wrapped(unwrapped(values, middle).mean()))


def box_of(longitude: ArrayLike, latitude: ArrayLike) -> Box:
    """West, south, east, north of places; west is larger than east where it crosses 180 degrees.

    Examples
    --------
    >>> box_of([179.5, -179.5], [-17.0, -16.0])
    (179.5, -17.0, -179.5, -16.0)
    """
    x = unwrapped(longitude, mean_longitude(longitude))
    y = np.asarray(latitude, float)
    west, east = wrapped([np.nanmin(x), np.nanmax(x)])
    return float(west), float(np.nanmin(y)), float(east), float(np.nanmax(y))


def utm_of(longitude: float, latitude: float) -> str:
    """The UTM zone of a place.

    Examples
    --------
    >>> utm_of(13.4, 52.5), utm_of(-179.99, -16.8), utm_of(180.0, -16.8)
    ('EPSG:32633', 'EPSG:32701', 'EPSG:32701')
    """
    zone = int((longitude + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"


def middle_of(box: Iterable[float]) -> tuple[float, float]:
    """Longitude and latitude in the middle of a box, across 180 degrees where it crosses.

    Examples
    --------
    >>> middle_of((179.5, -17, -179.5, -16)), middle_of((10, 40, 20, 50))
    ((180.0, -16.5), (15.0, 45.0))
    """
    west, south, east, north = box
    east += 360 * (east < west)
    return float(wrapped((west + east) / 2)), (south + north) / 2


def x_on(box: GeoBox, x: ArrayLike) -> np.ndarray:
    """Longitudes as a grid in degrees writes them: up to 360, or beyond 180; other x as they are."""
    if not box.crs.geographic:
        return np.asarray(x, float)
    bounds = box.boundingbox
    return unwrapped(x, (bounds.left + bounds.right) / 2)


def outline_of(box: GeoBox, points: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """The border of a grid in degrees: longitudes without a jump at 180 degrees, latitudes."""
    rows, cols = box.shape
    side = np.linspace(0, 1, points)
    zero, one = np.zeros(points), np.ones(points)
    col = np.r_[side, one, side[::-1], zero] * cols
    row = np.r_[zero, side, one, side[::-1]] * rows
    x, y = box.affine * (col, row)
    to_degrees = Transformer.from_crs(box.crs.proj, "EPSG:4326", always_xy=True)
    longitude, latitude = (np.asarray(v) for v in to_degrees.transform(x, y))
    known = np.isfinite(longitude) & np.isfinite(latitude)
    longitude, latitude = longitude[known], latitude[known]
    if box.crs.geographic:
        return longitude, latitude  # as written: a map of the whole world is no strip at 180
    if not longitude.size or np.ptp(longitude) <= 180:
        return longitude, latitude
    return unwrapped(longitude, mean_longitude(longitude)), latitude


def crosses(box: GeoBox) -> bool:
    """Whether a grid lies on both sides of 180 degrees.

    A grid in degrees does where it goes on beyond 180; one that ends there is of the world.
    """
    longitude, _ = outline_of(box)
    if not longitude.size:
        return False
    west, east = longitude.min(), longitude.max()
    return bool(east - west < 180 and (west < -180 or east > 180))


def centre_of(box: GeoBox) -> tuple[float, float]:
    """Longitude and latitude of the middle of a grid."""
    rows, cols = box.shape
    x, y = box.affine * (cols / 2, rows / 2)
    to_degrees = Transformer.from_crs(box.crs.proj, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(x, y)
    return float(wrapped(longitude)), float(latitude)


def share_ground(one: GeoBox, other: GeoBox) -> bool:
    """Whether the boxes in degrees around two grids have a place in common."""
    x1, y1 = outline_of(one)
    x2, y2 = outline_of(other)
    if not x1.size or not x2.size:
        return False
    x2 = x2 + 360 * np.round((np.mean([x1.min(), x1.max()]) - np.mean([x2.min(), x2.max()])) / 360)
    across = x1.min() <= x2.max() and x2.min() <= x1.max()
    return bool(across and y1.min() <= y2.max() and y2.min() <= y1.max())
