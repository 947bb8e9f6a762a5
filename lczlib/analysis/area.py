"""Areas of classes: as mapped, and as a stratified sample says they are (Olofsson et al. 2014)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from dask.base import compute

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import geobox_of, row_cell_areas

_ROWS = 256
_Z95 = 1.959963984540054


def class_areas(lcz: xr.DataArray) -> pd.DataFrame:
    """Cells and area of each class of a map.

    Parameters
    ----------
    lcz : DataArray (y, x)
        Codes 0..17; may be dask-backed.

    Returns
    -------
    DataFrame
        Index ``lcz`` 1..17: ``n_cells``, ``area_km2`` and ``share`` of the mapped area (0..1, NaN
        for an empty map).
    """
    box = geobox_of(lcz, "map")
    per_row = row_cell_areas(box)
    rows = [slice(top, top + _ROWS) for top in range(0, box.shape[0], _ROWS)]
    if lcz.chunks is not None:  # a chunk of rows is read once
        rows = [slice(stop - n, stop) for n, stop in _chunk_ends(lcz.chunksizes["y"])]
    cells, area = np.zeros(N_CLASSES, np.int64), np.zeros(N_CLASSES)
    for part in rows:
        (codes,) = compute(lcz.transpose("y", "x")[part].data)
        for first in range(0, codes.shape[0], _ROWS):
            counts = np.array([_histogram(row) for row in codes[first : first + _ROWS]])
            cells += counts.sum(0)
            area += per_row[part][first : first + _ROWS] @ counts
    total = area.sum()
    return pd.DataFrame(
        {"n_cells": cells, "area_km2": area / 1e6, "share": area / total if total else np.nan},
        index=pd.Index([c.number for c in CLASSES], name="lcz"),
    )


def _chunk_ends(sizes: tuple[int, ...]) -> zip:
    return zip(sizes, np.cumsum(sizes).tolist(), strict=True)


def _histogram(row: np.ndarray) -> np.ndarray:
    return np.bincount(row, minlength=N_CLASSES + 1)[1 : N_CLASSES + 1]


@dataclass(frozen=True)
class AreaEstimate:
    """Accuracy and areas that a sample stratified by map class implies for the whole map.

    Attributes
    ----------
    overall : tuple of float
        Overall accuracy and its standard error.
    classes : DataFrame
        Index ``lcz``. ``n`` samples of the stratum; ``ua``, ``pa`` and their ``_se``;
        ``mapped_share`` (of the map), ``share`` (error-adjusted estimate), ``share_se``, and
        ``area_km2``, ``area_se_km2``, ``area_ci_low_km2``, ``area_ci_high_km2`` (95%).
    n : int
        Number of samples.
    """

    overall: tuple[float, float]
    classes: pd.DataFrame
    n: int


def stratified_estimate(counts: xr.DataArray | np.ndarray, mapped_km2: np.ndarray) -> AreaEstimate:
    """Area-weighted accuracy and error-adjusted class areas of a stratified random sample.

    The sample's strata are the map's classes, and within each the sample is random. Polygons that
    an expert chose are no such sample.

    Parameters
    ----------
    counts : (17, 17)
        Sample counts, rows = reference, columns = predicted (the stratum).
    mapped_km2 : (17,)
        Area of each class in the map.

    Raises
    ------
    InputError
        If a mapped class has less than two samples, or samples lie in a class of no area.

    References
    ----------
    Olofsson, P. et al. (2014): Good practices for estimating area and assessing accuracy of land
    change, Remote Sensing of Environment 148, 42-57, doi 10.1016/j.rse.2014.02.015, eqs. 1-11.
    """
    sample = np.asarray(counts, np.float64).T  # here rows = stratum (map), columns = reference
    area = np.asarray(mapped_km2, np.float64)
    n_stratum = sample.sum(1)
    codes = np.array([c.code for c in CLASSES])
    _refuse(codes[(area > 0) & (n_stratum < 2)], "less than two samples but are on the map")
    _refuse(codes[(area == 0) & (n_stratum > 0)], "samples but no area on the map")
    weight = area / area.sum()
    seen = n_stratum > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(seen[:, None], sample / n_stratum[:, None], 0.0)
        ua = np.where(seen, np.diag(inside), np.nan)
        p = weight[:, None] * inside  # estimated proportions of area, eq. 4
        share = p.sum(0)
        pa = np.where(share > 0, np.diag(p) / share, np.nan)
        minus = np.where(seen, n_stratum - 1, np.nan)
        ua_var = ua * (1 - ua) / minus  # eq. 6
        oa_var = np.nansum(weight**2 * ua_var)  # eq. 5
        within = inside * (1 - inside) / minus[:, None]
        share_var = np.nansum(weight[:, None] ** 2 * within, axis=0)  # eq. 10
        own = weight**2 * (1 - pa) ** 2 * ua_var
        others = np.nansum(weight[:, None] ** 2 * within * ~np.eye(len(area), dtype=bool), axis=0)
        pa_var = (np.nan_to_num(own) + pa**2 * others) / share**2  # eq. 7, as proportions
    total = area.sum()
    classes = pd.DataFrame(
        {
            "n": n_stratum.astype(int), "ua": ua, "ua_se": np.sqrt(ua_var),
            "pa": pa, "pa_se": np.sqrt(pa_var), "mapped_share": weight,
            "share": share, "share_se": np.sqrt(share_var), "area_km2": share * total,
            "area_se_km2": np.sqrt(share_var) * total,
            "area_ci_low_km2": np.maximum(share - _Z95 * np.sqrt(share_var), 0) * total,
            "area_ci_high_km2": (share + _Z95 * np.sqrt(share_var)) * total,
        },
        index=pd.Index([c.number for c in CLASSES], name="lcz"),
    )  # fmt: skip
    return AreaEstimate((float(np.trace(p)), float(np.sqrt(oa_var))), classes, int(sample.sum()))


def _refuse(codes: np.ndarray, why: str) -> None:
    if codes.size:
        msg = (
            f"LCZ {', '.join(codes)} have {why}: an area estimate needs a random sample of two or "
            "more cells of every mapped class."
        )
        raise InputError(msg)
