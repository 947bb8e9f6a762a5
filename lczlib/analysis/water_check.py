"""LCZ G against radar water."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, NODATA, lcz_class
from lczlib.errors import InputError
from lczlib.grid import geobox_of, to_grid


def water_share(water: xr.DataArray, lcz: xr.DataArray, *, min_valid: float = 0.5) -> xr.DataArray:
    """Share of each LCZ cell that a finer water map calls water, on the LCZ map's grid.

    Parameters
    ----------
    water : DataArray (y, x) uint8
        1 water, 0 not, 255 no data.
    lcz : DataArray (y, x)
        LCZ map whose grid is taken.
    min_valid : float
        A cell seen on less of its area is NaN.

    Returns
    -------
    DataArray (y, x) float32

    Raises
    ------
    GridError
        If the two do not overlap.
    """
    valid = water <= 1
    box = geobox_of(lcz, "LCZ map")
    layers = xr.Dataset(
        {
            "wet": (water == 1).astype(np.float32).where(valid),
            # outside the water map the resampled value is NaN, which counts as not seen
            "seen": valid.astype(np.float32),
        }
    )
    for layer in layers.values():
        layer.attrs["_FillValue"] = np.nan
    on_lcz = to_grid(layers, box, "average")
    return on_lcz["wet"].where(on_lcz["seen"].fillna(0) >= min_valid).rename("water_share")


def compare_with_lcz(
    lcz: xr.DataArray, water: xr.DataArray, *, min_share: float = 0.5
) -> dict[str, Any]:
    """How far LCZ G and a radar water map agree.

    Parameters
    ----------
    lcz : DataArray (y, x)
        LCZ map, 0 no data.
    water : DataArray (y, x)
        Water map, see `water_share`.
    min_share : float
        A cell is radar water from this share on.

    Returns
    -------
    dict
        ``n`` cells that both maps know; counts ``both``, ``lcz_only``, ``radar_only``, ``neither``;
        ``agreement`` of all cells; ``jaccard``, both over any (null without water); and ``classes``,
        for each class present its number ``lcz``, ``n`` cells and mean ``water_share``.

    Raises
    ------
    InputError
        If no cell is known to both maps.
    """
    share = water_share(water, lcz).values
    codes = np.asarray(lcz.values)
    known = np.isfinite(share) & (codes != NODATA)
    n = int(known.sum())
    if not n:
        msg = "No cell is valid in both the LCZ map and the water map: do they cover the same area?"
        raise InputError(msg)
    codes, share = codes[known], share[known]
    zone, radar = codes == lcz_class("G").number, share >= min_share
    both, either = int((zone & radar).sum()), int((zone | radar).sum())
    return {
        "n": n,
        "both": both,
        "lcz_only": int((zone & ~radar).sum()),
        "radar_only": int((~zone & radar).sum()),
        "neither": n - either,
        "agreement": float((zone == radar).mean()),
        "jaccard": both / either if either else None,
        "classes": [
            {
                "lcz": c.number,
                "n": int((codes == c.number).sum()),
                "water_share": float(share[codes == c.number].mean()),
            }
            for c in CLASSES
            if (codes == c.number).any()
        ],
    }
