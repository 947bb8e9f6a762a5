"""Hot and cold spots of temperature: Getis and Ord's Gi*."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import special

from lczlib.analysis.heat.runs import bands

_AT_ONCE = 2_000_000
"""Tests that are looked at together."""
NO_SPOT = -128
"""No-data value of `getis_ord`'s spots."""


def getis_ord(temperature: xr.DataArray, radius: float = 500.0, q: float = 0.05) -> xr.Dataset:
    """Hot and cold spots: Getis and Ord's Gi* of the temperature within a radius.

    Binary weights, the pixel itself included (Getis & Ord 1992; Ord & Getis 1995, doi
    10.1111/j.1538-4632.1995.tb00912.x). With one test a pixel, spots are those of a false discovery
    rate of at most `q` (Benjamini & Yekutieli 2001, valid under any dependence).

    Parameters
    ----------
    temperature : DataArray (y, x)
        NaN where missing, on a grid in metres.
    radius : float
        m.
    q : float
        False discovery rate.

    Returns
    -------
    Dataset (y, x)
        ``z`` (Gi* as a standard normal deviate) and ``spot`` (1 hot, -1 cold, 0 neither, `NO_SPOT`
        where there is no temperature).
    """
    values = np.asarray(temperature.data)
    cell = abs(float(temperature.odc.geobox.affine.a))
    reach = int(radius / cell)
    z = _gi_star(values, reach, cell, radius)
    least = _least_discovered(np.abs(z[np.isfinite(z)]), q)
    spot = np.full(z.shape, NO_SPOT, np.int8)
    for rows in bands(z.shape):
        usable = np.isfinite(z[rows])
        found = np.where(np.abs(z[rows]) >= least, np.sign(z[rows]), 0)
        spot[rows][usable] = found[usable]
    out = xr.Dataset({"z": temperature.copy(data=z)})
    out["spot"] = temperature.copy(data=spot)
    out["z"].attrs = {"units": "1", "long_name": f"Getis-Ord Gi* within {radius:g} m"}
    out["spot"].attrs = {
        "flag_values": np.array([-1, 0, 1], np.int8),
        "flag_meanings": "cold none hot",
    }
    return out


def _gi_star(values: np.ndarray, reach: int, cell: float, radius: float) -> np.ndarray:
    """Gi* of values (y, x) within a radius of so many pixels: (y, x) float32, NaN where there is none."""
    from scipy.signal import oaconvolve

    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (np.hypot(dy, dx) * cell <= radius).astype(float)
    known = np.isfinite(values)
    n = int(known.sum())
    mean = float(values.mean(dtype=float, where=known))
    sd = np.sqrt(
        sum(((values[r][known[r]] - mean) ** 2).sum(dtype=float) for r in bands(values.shape)) / n
    )
    out = np.full(values.shape, np.nan, np.float32)
    for rows in bands(values.shape, least=4 * reach):
        around = slice(max(rows.start - reach, 0), rows.stop + reach)
        there = known[around]
        own = np.where(there, values[around] - mean, 0)
        inner = slice(rows.start - around.start, rows.stop - around.start)
        total = oaconvolve(own, disc, mode="same")[inner]
        count = np.rint(oaconvolve(there.astype(float), disc, mode="same")[inner])
        with np.errstate(invalid="ignore", divide="ignore"):
            z = total / (sd * np.sqrt((n * count - count**2) / (n - 1)))
        out[rows] = np.where(there[inner], z, np.nan)
    return out


def _least_discovered(z: np.ndarray, q: float) -> float:
    """Size of a normal deviate from which on it is a discovery, of a false discovery rate of `q`; inf if none is.

    Benjamini and Yekutieli's step-up rule, as `scipy.stats.false_discovery_control` has it, which takes forty
    bytes a test.

    Parameters
    ----------
    z : array (n,)
        Sizes of the deviates; they are put in order.
    q : float
        The rate.
    """
    z.sort()
    n = z.size
    allowed = q / n / float(special.digamma(n + 1) + np.euler_gamma)  # of the smallest p
    for first in range(0, n, _AT_ONCE):  # from the largest p on down
        own = z[first : first + _AT_ONCE]
        ranks = np.arange(n - first, n - first - own.size, -1)
        found = np.flatnonzero(2 * special.ndtr(-own.astype(float)) <= ranks * allowed)
        if found.size:
            return float(own[found[0]])
    return np.inf
