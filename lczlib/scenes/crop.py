"""The part of a scene within a box in degrees."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from rasterio.warp import transform

from lczlib.errors import GridError, InputError
from lczlib.grid import geobox_of

_CELL = 100.0
"""Boxes are widened to whole LCZ cells, so that the map of a part lies on the grid of the whole's."""
_FEWEST = 4


def box_of(text: str) -> tuple[float, ...]:
    """West, south, east, north of ``13.2,52.4,13.5,52.6``; nothing of an empty text.

    West may be greater than east: the box then crosses 180 degrees.

    Raises
    ------
    InputError
        If these are no four degrees.
    """
    if not text:
        return ()
    try:
        west, south, east, north = (float(v) for v in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    on_earth = min(west, east) >= -180 and max(west, east) <= 180 and -90 <= south < north <= 90
    if not on_earth or west == east:
        msg = f"{text!r} is no box: give west,south,east,north in degrees (13.2,52.4,13.5,52.6)."
        raise InputError(msg)
    return west, south, east, north


def window_of(scene: xr.Dataset, box: tuple[float, ...], *, clip: bool = True) -> dict[str, slice]:
    """The rows and columns of a scene within a box, on whole LCZ cells of the scene's grid.

    Parameters
    ----------
    scene : Dataset
        Canonical scene (y, x).
    box : tuple of float
        West, south, east, north in degrees.
    clip : bool
        End where the scene ends.

    Raises
    ------
    GridError
        If less than 4 x 4 cells of the scene lie in it.
    """
    grid = geobox_of(scene, "scene")
    west, south, east, north = box
    across = np.linspace(west, east + (360 if west > east else 0), 21)
    lon = np.concatenate([across, across, np.full(21, across[0]), np.full(21, across[-1])])
    up = np.linspace(south, north, 21)
    lat = np.concatenate([np.full(21, south), np.full(21, north), up, up])
    if not grid.crs.geographic:
        lon = (lon + 180) % 360 - 180
    x, y = transform("EPSG:4326", str(grid.crs), lon, lat)
    cols, rows = ~grid.affine * (np.array(x), np.array(y))
    degree = 111_320.0 if grid.crs.geographic else 1.0
    parts = {}
    for axis, places, size in (("y", rows, grid.affine.e), ("x", cols, grid.affine.a)):
        step = max(1, round(_CELL / (abs(size) * degree)))
        first, last = (
            math.floor(places.min() / step) * step, math.ceil(places.max() / step) * step
        )  # fmt: skip
        if clip:
            first, last = max(0, first), min(scene.sizes[axis], last)
        if last - first < _FEWEST * step:
            told = ",".join(f"{v:g}" for v in box)
            msg = (
                f"The box {told} holds less than {_FEWEST} x {_FEWEST} LCZ cells of the scene "
                f"{scene.attrs.get('source', '')}: give one inside it, or a larger one."
            )
            raise GridError(msg)
        parts[axis] = slice(first, last)
    return parts


def crop(scene: xr.Dataset, box: tuple[float, ...]) -> xr.Dataset:
    """The part of a scene within a box, lazily; see `window_of`."""
    return scene.isel(window_of(scene, box))
