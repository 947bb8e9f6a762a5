"""Sentinel-1 scenes as So2Sat prepares them, and the seven features its network reads.

A scene is two files on one grid: the geocoded single-look complex amplitudes of VH and VV, and
their Lee-filtered covariance. All values are linear.
"""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter

from lczlib.errors import InputError
from lczlib.grid import check_same_grid
from lczlib.maps import open_raster

COMPLEX_BANDS = ("VH_re", "VH_im", "VV_re", "VV_im")
COVARIANCE_BANDS = ("C11", "C12_re", "C12_im", "C22")
"""C11 = |VH|^2, C12 = VH VV*, C22 = |VV|^2, Lee-filtered."""

FEATURES = ("VH_dB", "VV_dB", "COH", "VH_LEE_dB", "VV_LEE_dB", "COH_LEE", "PHA_LEE")
_BOXCAR = 3  # pixels; So2Sat's window for the coherence of the unfiltered data


def open_sentinel1(unfiltered: str | Path, filtered: str | Path, *, chunk: int = 512) -> xr.Dataset:
    """Open a So2Sat Sentinel-1 pair, lazily.

    Parameters
    ----------
    unfiltered : path
        Four bands: VH real, VH imaginary, VV real, VV imaginary (linear amplitude).
    filtered : path
        Four bands: Lee-filtered |VH|^2, Re(VH VV*), Im(VH VV*), |VV|^2.
    chunk : int
        Edge of the dask chunks, in pixels.

    Returns
    -------
    Dataset
        `COMPLEX_BANDS` and `COVARIANCE_BANDS` (y, x) float32, dask-backed. Pixels with no filtered
        intensity are NaN in all of them.

    Raises
    ------
    InputError, GridError
        If a file is missing, has not four bands, is in dB, or the two grids differ.
    """
    parts = []
    for path, names in ((unfiltered, COMPLEX_BANDS), (filtered, COVARIANCE_BANDS)):
        data = open_raster(path, "Sentinel-1 raster", chunks={"band": -1, "y": chunk, "x": chunk})
        if data.sizes["band"] != 4:
            msg = f"{path} has {data.sizes['band']} band(s); it must hold the four of {', '.join(names)}."
            raise InputError(msg)
        parts.append(data)
    check_same_grid(*parts, names=(str(unfiltered), str(filtered)))
    parts[1] = parts[1].assign_coords(x=parts[0].x, y=parts[0].y)
    _check_units(unfiltered, filtered, parts[1])
    stacked = da.concatenate([p.data for p in parts]).rechunk({0: -1})
    masked = stacked.map_blocks(_masked, dtype=np.float32)
    template = parts[0].isel(band=0, drop=True)
    names = (*COMPLEX_BANDS, *COVARIANCE_BANDS)
    bands = {name: template.copy(data=masked[i]) for i, name in enumerate(names)}
    out = xr.Dataset(bands)
    for band in out.data_vars.values():
        band.attrs = {"units": "1", "long_name": "linear backscatter"}
        band.encoding = {}
    simulated = str(parts[0].attrs.get("LCZLIB_SIMULATED", "no")) == "yes"
    out.attrs = {
        "sensor": "s1", "units": "linear", "level": "SLC geocoded", "source": str(unfiltered),
        "files": [str(unfiltered), str(filtered)],
        "date": "", "simulated": simulated,
    }  # fmt: skip
    return out


def _masked(block: np.ndarray) -> np.ndarray:
    """A block (8, y, x) with NaN in all bands where the filtered intensities are not positive."""
    out = block.astype(np.float32)
    out[:, ~(out[4] + out[7] > 0)] = np.nan
    return out


def _check_units(unfiltered: str | Path, filtered: str | Path, covariance: xr.DataArray) -> None:
    step = max(1, max(covariance.shape) // 512)
    sample = covariance.isel(band=[0, 3], y=slice(None, None, step), x=slice(None, None, step))
    values = sample.values
    if not np.isfinite(values).any() or not (np.nan_to_num(values) != 0).any():
        msg = f"{filtered} has no valid pixel: every one is 0 or NaN."
        raise InputError(msg)
    if np.nanmin(values) < 0:
        msg = (
            f"{filtered} has negative intensities (lowest {np.nanmin(values):.3g}): they look like dB; "
            f"So2Sat's features need linear values, as in {unfiltered}."
        )
        raise InputError(msg)


def so2sat_features(scene: xr.Dataset) -> xr.Dataset:
    """The seven features of So2Sat's Sentinel-1 network, before normalisation.

    ``VH_dB, VV_dB``: 10 log10 of the unfiltered intensities; where one is 0, of its 3 x 3 mean.
    ``COH``: |<VH VV*>| / sqrt(<|VH|^2> <|VV|^2>) over 3 x 3 pixels. ``VH_LEE_dB, VV_LEE_dB``: of the
    Lee-filtered intensities. ``COH_LEE``: |C12| / sqrt(C11 C22). ``PHA_LEE``: cosine of the phase of
    C12. (Hu, Ghamisi & Zhu 2018, doi 10.3390/ijgi7090379, for the choice of features.) At the scene's
    edge a window holds the pixels that are in the scene; So2Sat's scripts wrap around to the
    opposite edge.

    Parameters
    ----------
    scene : Dataset
        From `open_sentinel1`.

    Returns
    -------
    Dataset
        `FEATURES` (y, x) float32, dask-backed where the scene is; NaN where missing.
    """
    names = (*COMPLEX_BANDS, *COVARIANCE_BANDS)
    stack = xr.concat([scene[n] for n in names], "band")
    data = stack.chunk({"band": -1}).data if stack.chunks else da.from_array(stack.data, chunks=-1)
    halo = {0: 0, 1: _BOXCAR // 2, 2: _BOXCAR // 2}
    with_halo = da.overlap.overlap(data, halo, boundary="none")
    chunks = ((len(FEATURES),), *with_halo.chunks[1:])
    computed = with_halo.map_blocks(_features, chunks=chunks, dtype=np.float32)
    features = da.overlap.trim_internal(computed, halo, boundary="none")
    template = scene[names[0]]
    out = xr.Dataset(
        {name: (template.dims, features[i]) for i, name in enumerate(FEATURES)},
        coords=template.coords,
        attrs={**scene.attrs, "units": "dB and ratios"},
    )
    return out


def _features(block: np.ndarray) -> np.ndarray:
    """Features (7, y, x) of one block (8, y, x) with a halo of one pixel."""
    missing = np.isnan(block[4:]).all(0)
    vh_re, vh_im, vv_re, vv_im, c11, c12_re, c12_im, c22 = np.nan_to_num(block)

    def boxcar(x: np.ndarray) -> np.ndarray:
        # Zeros beyond the edge, like those of missing pixels, drop out of a ratio of means.
        return uniform_filter(x.astype(np.float64), _BOXCAR, mode="constant")

    vh, vv = vh_re**2 + vh_im**2, vv_re**2 + vv_im**2
    mean_vh, mean_vv = boxcar(vh), boxcar(vv)
    cross = np.hypot(boxcar(vh_re * vv_re + vh_im * vv_im), boxcar(vh_im * vv_re - vh_re * vv_im))
    tiny = np.finfo(np.float64).eps
    with np.errstate(invalid="ignore", divide="ignore"):
        out = np.stack(
            [
                10 * np.log10(np.maximum(np.where(vh == 0, mean_vh, vh), tiny)),
                10 * np.log10(np.maximum(np.where(vv == 0, mean_vv, vv), tiny)),
                np.maximum(cross / np.sqrt(mean_vv * mean_vh), tiny),
                10 * np.log10(np.maximum(c11, np.finfo(np.float32).eps)),
                10 * np.log10(np.maximum(c22, np.finfo(np.float32).eps)),
                np.maximum(np.hypot(c12_re, c12_im) / np.sqrt(c22 * c11), tiny),
                np.cos(np.arctan2(c12_im, c12_re)),
            ]
        ).astype(np.float32)
    out[:, missing] = np.nan
    return out
