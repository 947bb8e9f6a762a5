"""Synthetic Sentinel-1 scenes of a lake of known extent; no real place."""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

from lczlib.grid import on_grid

BOX = GeoBox((420, 460), Affine(10, 0, 500_000, 0, -10, 3_500_000), "EPSG:32650")
LAND, WATER = (-11.0, -18.0), (-21.0, -27.5)
"""dB in VV and VH."""


def lake(radius: float, box: GeoBox = BOX, seed: int = 1) -> np.ndarray:
    """Cells within a wavy shore at `radius` px from the middle."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: box.shape[0], : box.shape[1]]
    dy, dx = y - box.shape[0] / 2, x - box.shape[1] / 2
    angle = np.arctan2(dy, dx)
    shore = sum(rng.normal(0, 0.05) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 7))
    return np.hypot(dy, dx) < radius * (1 + shore)


def backscatter(water: np.ndarray, seed: int, box: GeoBox = BOX, looks: float = 12) -> xr.DataArray:
    """VV and VH in dB over a water mask, with texture and gamma speckle."""
    rng = np.random.default_rng(seed)
    texture = gaussian_filter(np.random.default_rng(7).normal(size=box.shape), 6)
    texture *= 1.5 / texture.std()
    bands = []
    for land_db, water_db in zip(LAND, WATER, strict=True):
        mean = np.where(water, water_db, land_db + texture)
        power = 10 ** (mean / 10) * rng.gamma(looks, 1 / looks, box.shape)
        bands.append(10 * np.log10(power))
    values = np.stack(bands).astype(np.float32)
    return on_grid(values, box, dims=("band", "y", "x"), coords={"band": ["VV", "VH"]})
