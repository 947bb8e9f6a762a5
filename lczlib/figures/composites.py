"""Colour composites of scenes, as images to look at."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from lczlib.errors import InputError

Stretch = Literal["2-98 %", "1-99 %", "fixed"]
STRETCHES: tuple[str, ...] = ("2-98 %", "1-99 %", "fixed")
COMPOSITES = {
    "true colour": ("B04", "B03", "B02"),
    "false colour (near infrared)": ("B08", "B04", "B03"),
    "false colour (short wave)": ("B12", "B08", "B04"),
}
"""Bands of red, green and blue."""
_FIXED = {"B02": 0.3, "B03": 0.3, "B04": 0.3, "B08": 0.5, "B12": 0.5}  # reflectance drawn as full
_FIXED_DB = {"VV": (-20.0, 5.0), "VH": (-28.0, -3.0), "ratio": (2.0, 15.0)}
_SAMPLE = 512


def optical_composite(
    scene: xr.Dataset, name: str = "true colour", stretch: Stretch = "2-98 %"
) -> xr.DataArray:
    """Three Sentinel-2 bands as an image ``(y, x, band)`` uint8, 0 where missing.

    Parameters
    ----------
    scene : Dataset
        Reflectance.
    name : str
        A key of `COMPOSITES`.
    stretch : {"2-98 %", "1-99 %", "fixed"}
        Between percentiles of each band, or from 0 to a reflectance of 0.3 (visible) or 0.5
        (infrared), the same for every scene.

    Raises
    ------
    InputError
        If there is no such composite or stretch.
    """
    if name not in COMPOSITES or stretch not in STRETCHES:
        msg = (
            f"There is no composite {name!r} with stretch {stretch!r}: use {', '.join(COMPOSITES)}; "
            f"{', '.join(STRETCHES)}."
        )
        raise InputError(msg)
    bands = [scene[b] for b in COMPOSITES[name]]
    limits = [(0.0, _FIXED[b]) for b in COMPOSITES[name]] if stretch == "fixed" else None
    return _image(bands, stretch, limits)


def radar_composite(db: xr.Dataset, stretch: Stretch = "2-98 %") -> xr.DataArray:
    """VV, VH and VV minus VH in dB as red, green and blue, ``(y, x, band)`` uint8, 0 where missing."""
    bands = [db["VV"], db["VH"], db["VV"] - db["VH"]]
    return _image(bands, stretch, list(_FIXED_DB.values()) if stretch == "fixed" else None)


def _image(
    bands: list[xr.DataArray], stretch: str, limits: list[tuple[float, float]] | None
) -> xr.DataArray:
    if limits is None:
        low, high = (float(p) for p in stretch.removesuffix(" %").split("-"))
        step = max(1, max(bands[0].shape) // _SAMPLE)
        limits = []
        for band in bands:
            sample = np.asarray(band[::step, ::step].values)
            found = np.isfinite(sample).any()
            limits.append(tuple(np.nanpercentile(sample, [low, high])) if found else (0.0, 1.0))
    layers = []
    for band, (low, high) in zip(bands, limits, strict=True):
        scaled = (band - low) / max(high - low, 1e-6)
        # 1..255: 0 is left for missing pixels
        layers.append((scaled.clip(0, 1) * 254 + 1).where(band.notnull(), 0).astype(np.uint8))
    out = xr.concat(layers, "band").transpose(*bands[0].dims, "band")
    out.attrs = {}
    return out.compute().rename("composite")
