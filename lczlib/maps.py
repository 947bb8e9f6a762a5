"""LCZ maps and class probabilities: opening them, and what follows from probabilities.

An LCZ map is a ``DataArray (y, x)`` uint8, 1..17, 0 = no data. Probabilities are a ``DataArray
(lcz, y, x)`` float32 that sums to 1 where valid and is NaN where not.
"""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, N_CLASSES, NODATA, Scheme, to_standard
from lczlib.errors import ClassSchemeError, InputError
from lczlib.grid import geobox_of
from lczlib.rasters import band_names, layer_of, open_raster
from lczlib.unreadable import Wanted

FLAG_ATTRS = {
    "long_name": "Local Climate Zone",
    "flag_values": np.array([c.number for c in CLASSES], np.uint8),
    "flag_meanings": " ".join(
        f"LCZ_{c.code}_{c.name.replace(' ', '_').replace('-', '_')}" for c in CLASSES
    ),
    "_FillValue": np.uint8(NODATA),
}
"""CF attributes of an LCZ map (CF conventions 1.11, section 3.5)."""

_SUM_TOLERANCE = 2e-3
"""How far probabilities of a cell may be from adding up to 1: twice what rounding to 1e-4 can make."""


def open_lcz_map(
    path: str | Path,
    *,
    scheme: Scheme | None = None,
    band: int | str | None = None,
    nodata: float | None = None,
    chunks: object = None,
    what: str = "LCZ map",
    wanted: Wanted = "raster",
) -> xr.DataArray:
    """Open an LCZ map of any numbering as uint8 1..17, 0 = no data.

    Parameters
    ----------
    path : path
        A raster of class codes: one band, or the LCZ Generator's three (lcz, lczFilter,
        classProbability).
    scheme : Scheme, optional
        Numbering of the codes; detected where it is certain.
    band : int or str, optional
        Band number (from 1) or name. Of a file with several bands, the one named ``lcz`` is taken.
    nodata : float, optional
        No-data value, where the file does not declare it.
    chunks : optional
        Chunks as xarray understands them. The map is then dask-backed, and read once here, chunk
        by chunk, to learn its numbering.
    what, wanted : str
        What messages call it, and what kind of file they ask for.

    Returns
    -------
    DataArray (y, x), uint8, with CF ``flag_values`` and ``flag_meanings``

    Raises
    ------
    InputError, ClassSchemeError, GridError
        If the file cannot be read, its numbering is ambiguous, or it has no CRS.
    """
    data = open_raster(path, what, wanted=wanted, chunks=chunks, band=band)
    layer = layer_of(data, _choose_band(band_names(data), band, path))
    declared = nodata if nodata is not None else layer.rio.nodata
    try:
        codes = _standard_codes(layer.data, scheme, declared)
    except ClassSchemeError as err:
        msg = f"{path}: {err}"
        raise ClassSchemeError(msg) from err
    geobox_of(layer, f"{what} {path}")
    return lcz_map(xr.DataArray(codes, coords=layer.coords, dims=layer.dims), source=str(path))


def _standard_codes(values: np.ndarray | da.Array, scheme: Scheme | None, nodata: float | None):  # noqa: ANN202
    if isinstance(values, np.ndarray):
        return to_standard(values, scheme, nodata=nodata)
    # the distinct codes tell the numbering, and their translation is that of every chunk
    distinct = da.unique(values.ravel()).compute()
    standard = to_standard(distinct, scheme, nodata=nodata)
    return values.map_blocks(lambda v: standard[np.searchsorted(distinct, v)], dtype=np.uint8)


def _choose_band(names: list[str], band: int | str | None, path: str | Path) -> int:
    if isinstance(band, int):
        if not 1 <= band <= len(names):
            msg = f"{path} has {len(names)} band(s); band {band} does not exist."
            raise InputError(msg)
        return band - 1
    wanted = band if band is not None else ("lcz" if len(names) > 1 else names[0])
    if wanted not in names:
        named = f" ({', '.join(names)})" if all(names) else ""
        msg = (
            f"{path} has {len(names)} bands{named}, and none is named lcz: an image or probabilities "
            "are no LCZ map; of a map with several bands say which holds the classes."
        )
        raise InputError(msg)
    return names.index(wanted)


def lcz_map(codes: xr.DataArray, **attrs: object) -> xr.DataArray:
    """Codes 0..17 on a grid as an LCZ map: uint8, name, CF flag attributes."""
    out = codes.astype(np.uint8).rename("lcz")
    out.attrs = {**FLAG_ATTRS, **attrs}
    return out


def open_probabilities(path: str | Path, *, chunks: object = None) -> xr.DataArray:
    """Open class probabilities as ``DataArray (lcz, y, x)`` float32, NaN where no data.

    Cells that are 0 in all classes hold no probabilities and are no data, like the file's own.

    Raises
    ------
    InputError
        If the file does not hold one band for each of the 17 classes, or values that are no
        probabilities: not between 0 and 1, or not adding up to 1. With `chunks`, values are checked
        when they are read.
    """
    data = open_raster(path, "probability raster", chunks=chunks)
    if data.sizes["band"] != N_CLASSES:
        msg = (
            f"{path} has {data.sizes['band']} band(s); probabilities have {N_CLASSES}, one a class."
        )
        raise InputError(msg)
    geobox_of(data, f"probability raster {path}")
    scale, offset = data.attrs.get("scale_factor", 1.0), data.attrs.get("add_offset", 0.0)
    valid = data.notnull() if data.rio.nodata is None else data != data.rio.nodata
    values = (data.astype(np.float32) * np.float32(scale) + np.float32(offset)).where(valid)
    # each stored whole number is off by up to half its step, and 17 of them add up
    step = float(scale) if data.dtype.kind in "iu" else 0.0
    tolerance = max(_SUM_TOLERANCE, N_CLASSES * step / 2)
    if values.chunks is None:
        checked = _checked_probabilities(values.values, str(path), tolerance)
    else:
        checked = values.chunk(band=-1).data.map_blocks(
            _checked_probabilities, str(path), tolerance, dtype=np.float32, meta=np.empty((0, 0, 0))
        )
    return probabilities(values.copy(data=checked).rename(band="lcz"), source=str(path))


def _checked_probabilities(p: np.ndarray, path: str, tolerance: float) -> np.ndarray:
    """Probabilities (17, y, x) of cells where they are some, NaN elsewhere."""
    total = p.sum(0)  # NaN where a class is missing
    p = np.where((total == 0) & ~p.any(0), np.float32(np.nan), p)
    known = np.isfinite(total) & ~np.isnan(p[0])
    if not known.any():
        return p
    low, high = float(p[:, known].min()), float(p[:, known].max())
    if low < -tolerance or high > 1 + tolerance:
        msg = (
            f"{path} holds values from {low:.4g} to {high:.4g}, and probabilities lie between 0 and 1: "
            "give a *_proba.tif, or write the file's scale into it (`gdal_edit.py -scale 0.01` for "
            "per cent)."
        )
        raise InputError(msg)
    off = np.abs(total - 1) > tolerance
    off &= known
    if off.any():
        worst = float(total[off][np.abs(total[off] - 1).argmax()])
        msg = (
            f"{path} holds no probabilities: its classes add up to {worst:.4g} instead of 1 in "
            f"{off.sum() / known.sum():.0%} of the cells; give a *_proba.tif, or divide each cell by "
            "its sum."
        )
        raise InputError(msg)
    return p


def probabilities(values: xr.DataArray, **attrs: object) -> xr.DataArray:
    """A ``(lcz, y, x)`` array as class probabilities: float32, ``lcz`` coordinate 1..17."""
    if values.sizes.get("lcz") != N_CLASSES:
        msg = f"Class probabilities need {N_CLASSES} classes on dimension 'lcz', not {dict(values.sizes)}."
        raise InputError(msg)
    out = values.astype(np.float32).rename("probability")
    out = out.assign_coords(lcz=np.arange(1, N_CLASSES + 1, dtype=np.uint8))
    out.attrs = {"long_name": "LCZ class probability", "units": "1", **attrs}
    return out


def labels(proba: xr.DataArray) -> xr.DataArray:
    """The most probable class of each cell; the lower number wins a tie, 0 where no data."""
    best = xr.apply_ufunc(
        lambda p: np.where(
            np.isnan(p).any(-1), 0, np.nan_to_num(p, nan=-1.0).argmax(-1) + 1
        ).astype(np.uint8),
        proba,
        input_core_dims=[["lcz"]],
        dask="parallelized",
        output_dtypes=[np.uint8],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return lcz_map(best)


def certainty(proba: xr.DataArray) -> xr.DataArray:
    """Certainty of each cell, 0..1: one minus the entropy of its probabilities over ln 17.

    Shannon's entropy, normalised by that of 17 equally probable classes; 1 is sure, 0 knows
    nothing; NaN where no data.
    """
    p = proba.clip(1e-12, 1)
    entropy = -(p * np.log(p)).sum("lcz", skipna=False)
    out = (1 - entropy / np.log(N_CLASSES)).astype(np.float32).rename("certainty")
    out.attrs = {"long_name": "1 - normalised entropy of the class probabilities", "units": "1"}
    return out
