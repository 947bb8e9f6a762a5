"""Rasters of several dates: each band a thermal image with its time."""

from __future__ import annotations

from pathlib import Path

import rasterio

from lczlib.scenes.layer import stated_time


def dates_in(path: str | Path) -> tuple[int, ...]:
    """The numbers (from 1) of the bands of a raster of dates; none of any other raster.

    A raster of dates says the time of every band (tag ``TIME``, UTC), as ``lcz get --what lst`` writes it.
    """
    try:
        with rasterio.open(path) as src:
            numbers = src.indexes
            dated = all(stated_time(src.tags(i)) for i in numbers)
    except (rasterio.errors.RasterioError, OSError):
        return ()  # what is wrong with it is said where it is read
    return tuple(numbers) if dated else ()
