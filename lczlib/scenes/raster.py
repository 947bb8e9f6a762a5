"""Scenes of other sensors: any raster whose bands have names, for networks trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from scipy.ndimage import binary_erosion

from lczlib.errors import InputError
from lczlib.grid import geobox_of
from lczlib.rasters import missing_values, open_raster


def open_raster_scene(
    path: str | Path,
    *,
    sensor: str = "",
    bands: Sequence[str] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    chunk: int = 512,
) -> xr.Dataset:
    """Open a raster as a scene with one variable a band, values as stored unless scaled, lazily.

    Parameters
    ----------
    path : path
        Raster, for example a Landsat composite.
    sensor : str
        What the scene's ``sensor`` attribute shall say.
    bands : sequence of str, optional
        Names in file order; by default the file's own, or ``band_1`` and on.
    scale, offset : float, optional
        Value = (stored + offset) x scale; by default the file's own scale and offset.
    nodata : float, optional
        Stored value of missing pixels, beside the file's own.
    chunk : int
        Edge of the dask chunks, in pixels.

    Returns
    -------
    Dataset
        Bands (y, x) float32, dask-backed, NaN where missing.

    Raises
    ------
    InputError, GridError
        If the file cannot be read, the names do not fit, or there is no CRS.
    """
    raw = open_raster(path, chunks={"band": -1, "y": chunk, "x": chunk})
    geobox_of(raw, f"raster {path}")
    with rasterio.open(path) as src:
        own = [d or f"band_{i}" for i, d in enumerate(src.descriptions, 1)]
        file_scale, file_offset = src.scales[0], src.offsets[0]
        simulated = src.tags().get("LCZLIB_SIMULATED", "no") == "yes"
    names = list(bands or own)
    if len(names) != raw.sizes["band"] or len(set(names)) != len(names):
        msg = f"{path} has {raw.sizes['band']} bands; {len(set(names))} different names were given."
        raise InputError(msg)
    factor = file_scale if scale is None else scale
    term = file_offset if scale is None and offset is None else (offset or 0.0) * factor
    values = raw.astype(np.float32) * np.float32(factor) + np.float32(term)
    for fill in missing_values(raw, nodata):
        values = values.where(raw != fill)
    out = xr.Dataset({n: values.isel(band=i, drop=True) for i, n in enumerate(names)})
    out.attrs = {
        "sensor": sensor, "units": "as stored", "level": "", "date": "", "source": str(path),
        "files": [str(path)], "simulated": simulated,
    }  # fmt: skip
    return out


def without_fringe(scene: xr.Dataset, pixels: int = 2) -> xr.Dataset:
    """A scene without the pixels beside missing ones, which resampling has mixed with no data.

    Parameters
    ----------
    scene : Dataset
        Bands (y, x), NaN missing; a pixel that is missing in one band is taken as missing in all.
    pixels : int
        Width of the fringe. The edge of the raster itself is no fringe.
    """
    valid = scene.to_array("band").notnull().all("band").compute()
    kept = valid
    if pixels > 0:
        kept = valid.copy(
            data=binary_erosion(valid.values, np.ones((3, 3)), iterations=pixels, border_value=1)
        )
    return scene.where(kept)
