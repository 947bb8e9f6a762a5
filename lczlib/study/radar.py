"""Own Sentinel-1 files: what they hold, and what that is good for."""

from __future__ import annotations

from collections.abc import Sequence

import rasterio
import xarray as xr

from lczlib.errors import InputError
from lczlib.scenes.radar_units import UNITS
from lczlib.scenes.sentinel1 import COVARIANCE_BANDS, FEATURES, open_sentinel1_rasters

NO_LCZ = (
    "Your Sentinel-1 file holds VV and VH only: the So2Sat network for Sentinel-1 also reads the "
    "coherence and phase between them, which need complex data, so that it serves as an image and "
    "for surface water, not for an LCZ map."
)
"""Said wherever detected backscatter was uploaded."""


def open_radar(paths: Sequence[str]) -> xr.Dataset:
    """Open own Sentinel-1: So2Sat's channels or features, or VV and VH alone.

    Parameters
    ----------
    paths : sequence of path
        As of `lczlib.scenes.open_sentinel1_rasters`; or one raster with VV and VH (sigma or gamma
        nought), in dB, intensity or amplitude, told apart by their values.

    Returns
    -------
    Dataset
        With `COVARIANCE_BANDS` or `FEATURES`, which can be mapped to LCZ (`maps_to_lcz`), or with
        ``VV`` and ``VH`` in dB, which cannot.

    Raises
    ------
    InputError, GridError
        If the files hold none of these.
    """
    if len(paths) == 1 and _n_bands(paths[0]) == 2:
        return _backscatter(paths[0])
    return open_sentinel1_rasters(paths)


def maps_to_lcz(radar: xr.Dataset | None) -> bool:
    """Whether a radar scene holds what So2Sat's network for Sentinel-1 reads."""
    return radar is not None and (
        set(COVARIANCE_BANDS) <= set(radar.data_vars) or set(FEATURES) <= set(radar.data_vars)
    )


def _n_bands(path: str) -> int:
    with rasterio.open(path) as source:
        return source.count


def _backscatter(path: str) -> xr.Dataset:
    from lczlib.mapping.water_scene import open_water_scene

    refused: list[InputError] = []
    for units in UNITS:
        try:
            scene = open_water_scene(path, "des", units=units)
            break
        except InputError as error:
            refused.append(error)
    else:
        raise refused[0]
    scene = scene.where(scene.notnull().all("band"))
    bands = {n: scene.sel(band=f"{n}_des", drop=True) for n in ("VV", "VH")}
    out = xr.Dataset(bands)
    out.attrs = {"sensor": "s1_db", "units": "dB", "files": [path], "source": path}
    return out
