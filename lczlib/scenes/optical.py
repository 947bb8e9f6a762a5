"""Reflectance of ten bands as the canonical scene of Sentinel-2."""

from __future__ import annotations

import dask.array as da
import xarray as xr

from lczlib.scenes.bands import BANDS


def scene_of(reflectance: da.Array, template: xr.DataArray) -> xr.Dataset:
    """The canonical data set of ten bands (10, y, x), with the coordinates of a template (y, x)."""
    out = xr.Dataset({name: template.copy(data=reflectance[i]) for i, name in enumerate(BANDS)})
    for band in out.data_vars.values():
        band.attrs = {"units": "1", "long_name": "reflectance"}
        band.encoding = {}
    out.attrs = {"sensor": "s2", "units": "reflectance", "simulated": False}
    return out
