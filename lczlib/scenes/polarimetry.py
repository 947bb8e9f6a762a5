"""Dual-polarised Sentinel-1: the H/alpha decomposition and the nine channels of Zhou et al. (2022).

Convention of the covariance here, as in So2Sat (lczlib.scenes.sentinel1): channel 1 is VH and
channel 2 is VV, so C11 = <|VH|^2>, C12 = <VH VV*>, C22 = <|VV|^2>, all linear. The textbook order is
the other way round, and SNAP has written both: C11 was |VH|^2 up to version 7 and |VV|^2 since
(https://forum.step.esa.int/t/17768). The order changes neither entropy nor anisotropy; alpha counted
from the other channel is 90 degrees minus alpha. Alpha is counted from the co-polarised channel
here, wherever that is stored: 0 for a purely co-polarised return, 90 for a purely cross-polarised one.
"""

from __future__ import annotations

from typing import Literal

import dask.array as da
import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter

from lczlib.errors import InputError
from lczlib.scenes.sentinel1 import COMPLEX_BANDS, COVARIANCE_BANDS

DECOMPOSITION = ("Alpha", "Anisotropy", "Entropy")
SENTINEL1_CHANNELS = (
    *DECOMPOSITION, "C11", "C12_imag", "C12_real", "C22", "Intensity_VH", "Intensity_VV",
)  # fmt: skip
"""The nine Sentinel-1 channels of Zhou et al. (2022, Table 2, doi 10.1080/10095020.2022.2030654), in
its order."""

WINDOW = 5
"""Edge of the multilooking window in pixels: 50 m, the default of SNAP's decomposition operator. The
paper names no window. A single-look matrix has one scatterer by construction and no entropy."""

Copolar = Literal["C22", "C11"]

_NAMES = {"C11": ("C11",), "C12_real": ("C12_real", "C12_re"), "C12_imag": ("C12_imag", "C12_im"),
          "C22": ("C22",)}  # fmt: skip
_ALONG = {"C12_real": "C12_re", "C12_imag": "C12_im"}


def h_alpha(
    c11: np.ndarray, c12_real: np.ndarray, c12_imag: np.ndarray, c22: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entropy, mean alpha and anisotropy of 2 x 2 Hermitian covariance matrices, in closed form.

    With m = (C11 + C22) / 2 and d = sqrt(((C22 - C11) / 2)^2 + |C12|^2) the eigenvalues are m + d and
    m - d, of shares p1 and p2. Entropy = -sum p log2 p; anisotropy = (p1 - p2) / (p1 + p2); the
    eigenvector of the first makes an angle alpha1 = atan2(2 |C12|, C22 - C11) / 2 with channel 2, that
    of the second 90 degrees minus it, and alpha = p1 alpha1 + p2 alpha2 (Cloude & Pottier 1997,
    doi 10.1109/36.551935; for two channels Cloude, Goodenough & Chen 2012,
    doi 10.1109/LGRS.2011.2158983). With two eigenvalues entropy is a function of anisotropy:
    the pair tells a network nothing that one of them does not.

    Parameters
    ----------
    c11, c12_real, c12_imag, c22 : array
        Elements of the multilooked covariance, linear, any common shape. Channel 2 is the
        co-polarised one.

    Returns
    -------
    entropy, alpha, anisotropy : array float64
        0..1, degrees 0..90, 0..1. NaN where an element is missing or the matrix has no power. A
        matrix that is not positive (|C12|^2 above C11 C22) counts as that of a single scatterer.

    Examples
    --------
    >>> import numpy as np
    >>> pure_vv, noise = h_alpha(0.0, 0.0, 0.0, 1.0), h_alpha(1.0, 0.0, 0.0, 1.0)
    >>> [round(float(v), 3) for v in (*pure_vv, *noise)]
    [0.0, 0.0, 1.0, 1.0, 45.0, 0.0]
    """
    c11, re, im, c22 = (np.asarray(v, np.float64) for v in (c11, c12_real, c12_imag, c22))
    span = c11 + c22
    cross = np.hypot(re, im)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = (span > 0) & np.isfinite(cross)
        anisotropy = np.hypot(c22 - c11, 2 * cross) / span
        anisotropy = np.where(known, np.clip(anisotropy, 0, 1), np.nan)
        first, second = (1 + anisotropy) / 2, (1 - anisotropy) / 2
        entropy = 0.0 - first * np.log2(first) - np.where(second > 0, second * np.log2(second), 0)
        angle = np.degrees(np.arctan2(2 * cross, c22 - c11)) / 2
        alpha = first * angle + second * (90 - angle)
    return np.where(known, np.clip(entropy, 0, 1), np.nan), alpha, anisotropy


def multilook(elements: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Mean over `window` x `window` pixels of the last two axes, of the pixels that are there.

    Parameters
    ----------
    elements : array (..., y, x)
        NaN missing.
    window : int
        Odd, in pixels. Beyond the edges there is nothing: windows are smaller there.

    Returns
    -------
    array (..., y, x) float64
        NaN where no pixel of the window is there.
    """
    there = np.isfinite(elements)
    size = (*(1 for _ in elements.shape[:-2]), window, window)
    total = uniform_filter(np.where(there, elements, 0.0).astype(np.float64), size, mode="constant")
    share = uniform_filter(there.astype(np.float64), size, mode="constant")
    return np.divide(total, share, out=np.full(total.shape, np.nan), where=share > 0.5 / window**2)


def decompose(elements: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Alpha, anisotropy and entropy (the order of `DECOMPOSITION`) of covariance images.

    Parameters
    ----------
    elements : array (..., 4, y, x)
        C11, C12 real, C12 imaginary, C22 with channel 2 co-polarised, linear. A pixel that is
        missing in one is missing in all, and stays missing.
    window : int
        See `multilook`.

    Returns
    -------
    array (..., 3, y, x) float32
    """
    missing = ~np.isfinite(elements).all(-3, keepdims=True)
    mean = multilook(np.where(missing, np.nan, elements), window)
    entropy, alpha, anisotropy = h_alpha(*np.moveaxis(mean, -3, 0))
    out = np.stack([alpha, anisotropy, entropy], axis=-3).astype(np.float32)
    return np.where(missing, np.float32(np.nan), out)


def dual_pol_decomposition(
    covariance: xr.Dataset, *, window: int = WINDOW, copolar: Copolar = "C22"
) -> xr.Dataset:
    """H/alpha decomposition of a dual-polarised scene, lazily where the scene is lazy.

    Parameters
    ----------
    covariance : Dataset
        ``C11``, ``C12_real``, ``C12_imag`` (or ``C12_re``, ``C12_im``), ``C22`` (y, x), linear, NaN
        missing.
    window : int
        Edge of the multilooking window in pixels, odd; 1 where the matrices are multilooked already.
    copolar : {"C22", "C11"}
        Which element holds the co-polarised power; see the module's text.

    Returns
    -------
    Dataset
        ``Alpha`` (degrees 0..90), ``Anisotropy`` and ``Entropy`` (0..1), float32, NaN where missing.

    Raises
    ------
    InputError
        If an element is missing, or the window is even or below 1.

    References
    ----------
    Cloude & Pottier 1997, doi 10.1109/36.551935. See `h_alpha` for the formulae.
    """
    if window < 1 or window % 2 == 0:
        msg = (
            f"The multilooking window must be an odd number of pixels (1, 3, 5, ...), not {window}."
        )
        raise InputError(msg)
    found = {k: next((n for n in names if n in covariance), None) for k, names in _NAMES.items()}
    lacking = [k for k, n in found.items() if n is None]
    if lacking:
        what = covariance.attrs.get("source", "")
        msg = (
            f"The scene {what} lacks {', '.join(lacking)}: the decomposition needs the covariance of "
            "both polarisations (C11, C12, C22), which backscatter alone does not hold."
        ).replace("scene  ", "scene ")
        raise InputError(msg)
    order = ("C11", "C12_real", "C12_imag", "C22")
    if copolar == "C11":  # the conjugate's phase plays no part
        order = order[::-1]
    layers = [covariance[found[k]] for k in order]
    template = layers[0]
    if template.chunks is None:
        out = decompose(np.stack([a.values for a in layers]), window)
    else:
        stack = da.stack([a.data for a in layers]).rechunk({0: -1})
        halo = {0: 0, 1: window // 2, 2: window // 2}
        with_halo = da.overlap.overlap(stack, halo, boundary="none")
        chunks = ((len(DECOMPOSITION),), *with_halo.chunks[1:])
        found_blocks = with_halo.map_blocks(decompose, window, chunks=chunks, dtype=np.float32)
        out = da.overlap.trim_internal(found_blocks, halo, boundary="none")
    bands = {name: (template.dims, out[i]) for i, name in enumerate(DECOMPOSITION)}
    attrs = {**covariance.attrs, "units": "degrees and ratios", "window": window}
    result = xr.Dataset(bands, coords=template.coords, attrs=attrs)
    result["Alpha"].attrs["units"] = "degrees"
    return result


def sentinel1_channels(scene: xr.Dataset, *, window: int = WINDOW) -> xr.Dataset:
    """The nine Sentinel-1 channels of Zhou et al. (2022), as far as a scene holds what they need.

    Intensities are those of the unfiltered amplitudes and the covariance is the speckle-filtered
    one, both linear, as the paper's processing chain (its section 2.2.1) writes them.

    Parameters
    ----------
    scene : Dataset
        From `lczlib.scenes.open_sentinel1`, or with the covariance alone.
    window : int
        See `dual_pol_decomposition`.

    Returns
    -------
    Dataset
        Of `SENTINEL1_CHANNELS` those that can be had, (y, x) float32; lazy where the scene is.
    """
    out: dict[str, xr.DataArray] = {}
    if set(COVARIANCE_BANDS) <= set(scene):
        out |= dict(dual_pol_decomposition(scene, window=window).data_vars)
        out |= {c: scene[_ALONG.get(c, c)] for c in ("C11", "C12_imag", "C12_real", "C22")}
    if set(COMPLEX_BANDS) <= set(scene):
        out |= {
            f"Intensity_{p}": scene[f"{p}_re"] ** 2 + scene[f"{p}_im"] ** 2 for p in ("VH", "VV")
        }
    return xr.Dataset({c: out[c] for c in SENTINEL1_CHANNELS if c in out}, attrs=scene.attrs)


def patch_channels(amplitudes: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """`SENTINEL1_CHANNELS` of patches, each by itself: windows end at a patch's edge.

    Parameters
    ----------
    amplitudes : array (n, 4, P, P)
        `COMPLEX_BANDS`, linear.
    covariance : array (n, 4, P, P)
        `COVARIANCE_BANDS`, linear.

    Returns
    -------
    array (n, 9, P, P) float32
    """
    c11, c12_re, c12_im, c22 = np.moveaxis(covariance, 1, 0)
    own = np.stack([c11, c12_im, c12_re, c22], axis=1)
    intensity = (amplitudes**2).reshape(len(amplitudes), 2, 2, *amplitudes.shape[2:]).sum(2)
    return np.concatenate([decompose(covariance), own, intensity], axis=1).astype(np.float32)
