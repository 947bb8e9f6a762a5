"""Sentinel-1 scenes as So2Sat prepares them, and the seven features its network reads.

A scene is two files on one grid: the geocoded single-look complex amplitudes of VH and VV, and
their Lee-filtered covariance. All values are linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter

from lczlib.errors import InputError
from lczlib.grid import check_same_grid
from lczlib.rasters import band_names, open_raster, physical
from lczlib.reading import Reading, tell
from lczlib.scenes.radar_missing import find_missing
from lczlib.scenes.radar_units import NAMES, Units
from lczlib.scenes.radiometry import check_sigma

COMPLEX_BANDS = ("VH_re", "VH_im", "VV_re", "VV_im")
COVARIANCE_BANDS = ("C11", "C12_re", "C12_im", "C22")
"""C11 = |VH|^2, C12 = VH VV*, C22 = |VV|^2, Lee-filtered."""

FEATURES = ("VH_dB", "VV_dB", "COH", "VH_LEE_dB", "VV_LEE_dB", "COH_LEE", "PHA_LEE")
NAMED_BANDS = (
    {*COMPLEX_BANDS, *COVARIANCE_BANDS}, {*COMPLEX_BANDS, "C11", "C12_real", "C12_imag", "C22"},
    set(FEATURES),
)  # fmt: skip
"""Names of the bands of rasters that hold all that So2Sat's network reads."""
_NETWORK = "So2Sat's network for Sentinel-1"
_WANTED = (
    "give So2Sat's eight channels (VH and VV amplitudes, Lee-filtered covariance) in one GeoTIFF or two, or its "
    "seven features by name."
)
_FILLS = 3  # values that may mean no data in one file
_STRAY = 0.02  # share of values that resampling may have mixed with fills
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
        `COMPLEX_BANDS` and `COVARIANCE_BANDS` (y, x) float32, dask-backed. Pixels that are missing in
        one (`lczlib.scenes.radar_missing`), or have no filtered intensity, are NaN in all of them.

    Raises
    ------
    InputError, GridError
        If a file is missing, has not four bands, is in dB or says that it is not sigma nought, or the two
        grids differ.
    """
    parts = []
    for path, names in ((unfiltered, COMPLEX_BANDS), (filtered, COVARIANCE_BANDS)):
        data = open_raster(path, "Sentinel-1 raster", chunks={"band": -1, "y": chunk, "x": chunk})
        if data.sizes["band"] != 4:
            msg = f"{path} has {data.sizes['band']} band(s); it must hold the four of {', '.join(names)}."
            raise InputError(msg)
        check_sigma(path, _NETWORK)
        parts.append(physical(data, signed=True))
    return _scene_of(parts[0], parts[1], [str(unfiltered), str(filtered)])


def open_sentinel1_rasters(paths: Sequence[str | Path], *, chunk: int = 512) -> xr.Dataset:
    """Open Sentinel-1 rasters that hold what So2Sat's network reads, however they are arranged.

    Parameters
    ----------
    paths : sequence of path
        Two rasters of four bands in any order: So2Sat's amplitudes and Lee-filtered covariance, as
        of `open_sentinel1`. Or one raster of eight bands: both in one, with bands named as in
        `COMPLEX_BANDS` and `COVARIANCE_BANDS`, or unnamed in the order of So2Sat GUL (VH, VV; C11,
        C12, C22) or So2Sat LCZ42 (VH, VV; C11, C22, C12). Or one raster with the seven bands of
        `FEATURES`, named.
    chunk : int
        Edge of the dask chunks, in pixels.

    Returns
    -------
    Dataset
        As of `open_sentinel1`; of a raster of features, `FEATURES`.

    Raises
    ------
    InputError, GridError
        If the rasters hold something else. Detected backscatter (VV and VH) alone is refused: the
        network also reads the coherence and the phase between VH and VV, which it does not hold.
    """
    opened = [
        physical(
            open_raster(p, "Sentinel-1 raster", chunks={"band": -1, "y": chunk, "x": chunk}),
            signed=True,
        )
        for p in paths
    ]
    for path in paths:
        check_sigma(path, _NETWORK)
    files, counts = [str(p) for p in paths], [d.sizes["band"] for d in opened]
    names = ", ".join(Path(f).name for f in files)
    if counts == [4, 4]:
        signed = [not (_non_negative(d)[[0, 3]]).all() for d in opened]
        if sum(signed) != 1:
            msg = (
                f"Of {names} one must hold amplitudes (real and imaginary, of either sign) and one "
                "their covariance (bands 1 and 4 never negative): they cannot be told apart."
            )
            raise InputError(msg)
        order = (0, 1) if signed[0] else (1, 0)
        return _scene_of(*(opened[i] for i in order), [files[i] for i in order])
    if counts == [8]:
        return _scene_of(*_split(opened[0], names), files * 2)
    if counts == [7] and set(_band_names(opened[0])) == set(FEATURES):
        return _features_of(opened[0], files)
    msg = f"{names} cannot be mapped to LCZ: {_lacking(counts)}"
    raise InputError(msg)


def why_not_detected() -> str:
    """Why detected backscatter is not mapped to LCZ, and what to give, as a clause."""
    return (
        "it holds detected backscatter (VV, VH), and So2Sat's network for Sentinel-1 also reads "
        f"the coherence and phase between VH and VV, which need complex data; {_WANTED}"
    )


def _lacking(counts: list[int]) -> str:
    """Why rasters of so many bands hold less than the network reads, and what to give."""
    if max(counts) <= 2:
        return why_not_detected()
    if counts == [4]:
        return (
            "it has four bands, either the amplitudes or the covariance, and the features need "
            f"both; {_WANTED}"
        )
    return f"{len(counts)} file(s) with {', '.join(map(str, counts))} band(s) are none of these; {_WANTED}"


def _scene_of(unfiltered: xr.DataArray, filtered: xr.DataArray, files: list[str]) -> xr.Dataset:
    """The scene of two arrays of four bands, amplitudes and covariance in our order."""
    check_same_grid(unfiltered, filtered, names=(files[0], files[1]))
    filtered = filtered.assign_coords(x=unfiltered.x, y=unfiltered.y)
    names = (*COMPLEX_BANDS, *COVARIANCE_BANDS)
    stacked = xr.concat([unfiltered, filtered], "band", combine_attrs="drop").chunk({"band": -1})
    intensity = ("C11", "C22")
    scaling = dict.fromkeys(d.attrs["scaling"] for d in (unfiltered, filtered))
    kept = _without_missing(
        stacked, names, intensity, files, lambda sample: _check_units(files, sample),
        scaling="; ".join(s for s in scaling if s),
    )  # fmt: skip
    template = unfiltered.isel(band=0, drop=True)
    bands = {name: template.copy(data=kept.data[i]) for i, name in enumerate(names)}
    return _described(xr.Dataset(bands), unfiltered, files, "linear", "linear backscatter")


def _features_of(data: xr.DataArray, files: list[str]) -> xr.Dataset:
    names = _band_names(data)
    ordered = data.isel(band=[names.index(n) for n in FEATURES])

    def check(sample: np.ndarray) -> None:
        for name in ("COH", "COH_LEE"):
            values = sample[FEATURES.index(name)]
            if not values.size or (~((values >= 0) & (values <= 1.001))).mean() > _STRAY:
                msg = (
                    f"{Path(files[0]).name}: {name} is a coherence and must lie in 0 to 1; it does "
                    "not."
                )
                raise InputError(msg)

    kept = _without_missing(
        ordered, FEATURES, ("VH_LEE_dB", "VV_LEE_dB"), files, check, "db",
        scaling=data.attrs["scaling"],
    )  # fmt: skip
    found = {n: kept.isel(band=i, drop=True) for i, n in enumerate(FEATURES)}
    return _described(xr.Dataset(found), data, files, "dB and ratios", "So2Sat feature")


def _without_missing(
    data: xr.DataArray,
    names: Sequence[str],
    intensity: Sequence[str],
    files: list[str],
    check: Callable[[np.ndarray], None],
    units: Units = "linear",
    scaling: str = "",
) -> xr.DataArray:
    """Bands ``(band, y, x)`` with NaN in all where one is missing, after `check` of valid pixels.

    `intensity` are the bands in `units`, whose range is judged; the others may have either sign.
    """
    kinds = [units if n in intensity else None for n in names]
    missing = find_missing(data, kinds)
    check(missing.sample)
    tell(
        Reading(
            "Sentinel-1 raster",
            " + ".join(dict.fromkeys(Path(f).name for f in files)),
            (
                f"bands {', '.join(names)}",
                *((scaling,) if scaling else ()),
                f"{NAMES[units]}, as So2Sat's",
                *missing.said(names),
            ),
            missing.cautions("Sentinel-1 raster"),
            {"units": units, **missing.facts()},
        )
    )
    return missing.without(data)


def _described(
    out: xr.Dataset, source: xr.DataArray, files: list[str], units: str, what: str
) -> xr.Dataset:
    for band in out.data_vars.values():
        band.attrs = {"units": "1", "long_name": what}
        band.encoding = {}
    simulated = str(source.attrs.get("LCZLIB_SIMULATED", "no")) == "yes"
    out.attrs = {
        "sensor": "s1", "units": units, "level": "SLC geocoded", "source": files[0],
        "files": list(dict.fromkeys(files)), "date": "", "simulated": simulated,
    }  # fmt: skip
    return out


def _split(data: xr.DataArray, what: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Amplitudes and covariance of eight bands, found by name, else by their signs."""
    names = _band_names(data)
    if set(names) == {*COMPLEX_BANDS, *COVARIANCE_BANDS}:
        order = [names.index(n) for n in (*COMPLEX_BANDS, *COVARIANCE_BANDS)]
    else:
        positive = _non_negative(data)[4:].tolist()
        if positive == [True, False, False, True]:
            order = list(range(8))
        elif positive == [True, True, False, False]:  # So2Sat LCZ42
            order = [0, 1, 2, 3, 4, 6, 7, 5]
        else:
            msg = (
                f"The order of the eight bands of {what} cannot be told: name them "
                f"{', '.join((*COMPLEX_BANDS, *COVARIANCE_BANDS))}."
            )
            raise InputError(msg)
    return data.isel(band=order[:4]), data.isel(band=order[4:])


def _band_names(data: xr.DataArray) -> list[str]:
    return [n.replace("C12_real", "C12_re").replace("C12_imag", "C12_im") for n in band_names(data)]


def _non_negative(data: xr.DataArray) -> np.ndarray:
    """Of each band, whether it holds no negative values, but for fills and a few beside them."""
    out = []
    for band in _sampled(data):
        known = np.isfinite(band) & (band != 0)
        times = np.sort(np.unique(band[known & (band < 0)], return_counts=True)[1])
        out.append(times[:-_FILLS].sum() <= _STRAY * known.sum())
    return np.array(out)


def _sampled(data: xr.DataArray) -> np.ndarray:
    step = max(1, max(data.sizes["y"], data.sizes["x"]) // 512)
    return data.isel(y=slice(None, None, step), x=slice(None, None, step)).values


def _check_units(files: Sequence[str], sample: np.ndarray) -> None:
    values = sample[[4, 7]]
    if not values.size:
        msg = f"{files[1]} has no valid pixel: every one is 0, NaN or a constant."
        raise InputError(msg)
    if (values < 0).mean() > _STRAY:
        msg = (
            f"{files[1]} has negative intensities (lowest {values.min():.3g}): they look like dB; "
            f"So2Sat's features need linear values, as in {files[0]}."
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
