"""Boxes in degrees that data can be had for: not at a pole, of one UTM zone, also across 180 degrees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lczlib.errors import InputError
from lczlib.longitudes import Box, middle_of
from lczlib.scenes.crop import box_of

if TYPE_CHECKING:
    import shapely

_SOUTHMOST, _NORTHMOST = -80.0, 84.0  # of UTM
_NARROWEST_KM, _WIDEST_KM = 0.4, 400.0
_KM_PER_DEGREE = 111.2


def read_box(box: Box | str) -> Box:
    """West, south, east, north of a text or of four numbers, checked as of `check_box`."""
    text = box if isinstance(box, str) else ",".join(str(v) for v in box)
    west, south, east, north = box_of(text)
    return check_box((west, south, east, north))


def check_box(box: Box) -> Box:
    """A box in degrees that imagery can be had for; west may be larger than east, across 180 degrees.

    Raises
    ------
    InputError
        If it is at a pole, too wide or too narrow.
    """
    west, south, east, north = box
    told = ",".join(f"{v:g}" for v in box)
    if south < _SOUTHMOST or north > _NORTHMOST:
        msg = (
            f"The box {told} reaches beyond {abs(_SOUTHMOST):g}° south or {_NORTHMOST:g}° north, where there is "
            "no UTM grid and no Sentinel-2 tile: end it there."
        )
        raise InputError(msg, parameter="box")
    width, height = size_km(box)
    if west > east and (east - west) % 360 > 180:
        msg = (
            f"The box {told} has its west ({west:g}) east of its east ({east:g}): swap them; as it is, it goes "
            f"around the globe through 180° and is {width:,.0f} km wide."
        )
        raise InputError(msg, parameter="box")
    if max(width, height) > _WIDEST_KM or min(width, height) < _NARROWEST_KM:
        msg = (
            f"The box {told} is {width:,.1f} x {height:,.1f} km: give one of {_NARROWEST_KM:g} to "
            f"{_WIDEST_KM:g} km a side, which one UTM zone can hold."
        )
        raise InputError(msg, parameter="box")
    return box


def size_km(box: Box) -> tuple[float, float]:
    """Width in its middle, and height, in km."""
    west, south, east, north = box
    width = (east - west) % 360 * _KM_PER_DEGREE * math.cos(math.radians((south + north) / 2))
    return width, (north - south) * _KM_PER_DEGREE


def outline(box: Box) -> shapely.Geometry:
    """A box as a shape in degrees, in two parts where it crosses 180 degrees (RFC 7946)."""
    import shapely

    west, south, east, north = box
    if west <= east:
        return shapely.box(*box)
    halves = (shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))
    return shapely.MultiPolygon(halves)


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have ground in common."""
    shift = 360 * round((middle_of(one)[0] - middle_of(other)[0]) / 360)
    west, east = other[0] + shift, other[2] + shift
    wide_one, wide_other = (one[2] - one[0]) % 360, (east - west) % 360
    across = one[0] < west + wide_other and west < one[0] + wide_one
    return across and one[1] < other[3] and other[1] < one[3]
