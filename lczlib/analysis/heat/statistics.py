"""Temperature by class in one pass over rasters of any size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.classes import N_CLASSES

_LOW, _HIGH, _STEP = -100.0, 120.0, 0.001
_BINS = round((_HIGH - _LOW) / _STEP)
_CHUNK = 2048
PERCENTILES = {"p05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "p95": 0.95}


def class_statistics(temperature: xr.DataArray, lcz: xr.DataArray) -> pd.DataFrame:
    """Count, mean, standard deviation and percentiles of temperature in each class.

    One pass that fills a histogram of 0.001 K bins for each class, chunk by chunk, so that memory
    does not grow with the raster where the arrays are dask-backed. All figures are exact to 0.001 K
    (the digital step of Landsat surface temperature is 0.0034 K).

    Parameters
    ----------
    temperature : DataArray (y, x)
        degC within -100..120, NaN where missing; numpy- or dask-backed.
    lcz : DataArray (y, x)
        Codes 0..17 on the same grid; 0 is left out.

    Returns
    -------
    DataFrame
        Index ``lcz`` 1..17 of the classes present; columns ``n``, ``mean``, ``sd``, ``p05``,
        ``q25``, ``median``, ``q75``, ``p95``.
    """
    histogram = np.zeros((N_CLASSES + 1) * _BINS, np.int64)
    for rows, cols in _chunks(temperature):
        values = np.asarray(temperature[rows, cols].data)
        codes = np.asarray(lcz[rows, cols].data)
        bins = np.nan_to_num((values.ravel() - np.float32(_LOW)) * np.float32(1 / _STEP), nan=-1)
        bins = bins.astype(np.int32)
        usable = (bins >= 0) & (bins < _BINS) & (codes.ravel() > 0)
        flat = bins[usable] + codes.ravel()[usable].astype(np.int32) * np.int32(_BINS)
        histogram += np.bincount(flat, minlength=histogram.size)
    table = histogram.reshape(N_CLASSES + 1, _BINS)
    rows = {c: _describe(table[c]) for c in range(1, N_CLASSES + 1) if table[c].any()}
    columns = ["n", "mean", "sd", *PERCENTILES]
    out = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    out.index.name = "lcz"
    return out.astype({"n": np.int64})


def _chunks(data: xr.DataArray) -> list[tuple[slice, slice]]:
    """The array's own chunks, or tiles of 2048 pixels."""
    sizes = data.chunks or tuple(
        tuple(min(_CHUNK, n - i) for i in range(0, n, _CHUNK)) for n in data.shape
    )
    edges = [np.cumsum((0, *s)) for s in sizes]
    spans = [[slice(a, b) for a, b in pairwise(e)] for e in edges]
    return [(rows, cols) for rows in spans[0] for cols in spans[1]]


def _describe(histogram: np.ndarray) -> dict[str, float]:
    used = np.flatnonzero(histogram)
    counts = histogram[used]
    centres = _LOW + (used + 0.5) * _STEP
    n = int(counts.sum())
    mean = float((counts * centres).sum() / n)
    variance = float((counts * (centres - mean) ** 2).sum() / max(n - 1, 1))
    cumulative = np.cumsum(counts)
    out = {"n": n, "mean": mean, "sd": variance**0.5}
    for name, q in PERCENTILES.items():
        # the mean of the two values around the rank, as np.median has it for even n
        ranks = np.array([np.floor((n - 1) * q), np.ceil((n - 1) * q)])
        around = centres[np.searchsorted(cumulative, ranks, side="right")]
        share = (n - 1) * q - ranks[0]
        out[name] = float(around[0] * (1 - share) + around[1] * share)
    return out
