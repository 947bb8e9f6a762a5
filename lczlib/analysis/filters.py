"""Post-processing of maps: the class-wise Gaussian filter of the LCZ Generator, a majority filter.

Both take an LCZ map and give one, or take class probabilities and give those: still 1 in sum, NaN
where there were none, and their most probable class is the filtered map. Cells without data stay so
and have no say in their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy.ndimage import convolve1d

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import crs_of, geobox_of
from lczlib.maps import labels, lcz_map, probabilities

KERNELS: dict[int, tuple[float, float]] = {
    1: (200, 100),
    **dict.fromkeys((2, 3, 4, 5, 6, 7, 9, 15), (300, 150)),
    **dict.fromkeys((8, 10), (500, 250)),
    **dict.fromkeys((11, 12, 13, 14, 16), (200, 75)),
    17: (50, 25),
}
"""Radius and standard deviation of each class's kernel in metres (LCZ Generator, Demuzere et al.
2021, doi 10.3389/fenvs.2021.637455; Demuzere et al. 2020, doi 10.1038/s41597-020-00605-z)."""

METRES_PER_DEGREE = 111_319.49079327358
"""Length of a degree at the equator. The LCZ Generator measures cells of a grid in degrees by it, in
both directions and at any latitude, and so do we."""

Smooth = Callable[[np.ndarray, int], np.ndarray]


def gaussian_filter(
    data: xr.DataArray, kernels: Mapping[int, tuple[float, float]] = KERNELS
) -> xr.DataArray:
    """Smooth each class with its own Gaussian and take the strongest.

    The membership of each class (its probability, or 1 and 0 in a map) is averaged with a square
    Gaussian window of that class; the strongest class wins, the lower number at a tie.

    Parameters
    ----------
    data : DataArray (y, x) or (lcz, y, x)
        LCZ map or class probabilities; may be dask-backed.
    kernels : mapping of int to (float, float)
        Radius and standard deviation in metres of each class.

    Returns
    -------
    DataArray, as the input
    """
    size = cell_metres(geobox_of(data, "map"))
    weights = {
        c: [_gaussian(radius, sigma, step) for step in size]
        for c, (radius, sigma) in kernels.items()
    }

    def smooth(member: np.ndarray, number: int) -> np.ndarray:
        down, across = weights[number]
        rows = convolve1d(member, down, axis=0, mode="constant")
        return convolve1d(rows, across, axis=1, mode="constant")

    reach = [max(len(w[axis]) for w in weights.values()) // 2 for axis in (0, 1)]
    if data.ndim == 2:
        return _apply_to_map(data, smooth, reach)
    return _apply_to_probabilities(data, smooth, reach)


def majority_filter(data: xr.DataArray, radius: int = 1) -> xr.DataArray:
    """Give each cell the most frequent class of the square window around it.

    The cell's own class has half a vote more, so that it stays where several are equally frequent.

    Parameters
    ----------
    data : DataArray (y, x) or (lcz, y, x)
        LCZ map or class probabilities; may be dask-backed. Of probabilities the most probable
        classes vote, and the result is each class's share of the votes.
    radius : int
        Cells on each side: 1 is a window of 3 x 3.

    Returns
    -------
    DataArray, as the input

    Raises
    ------
    InputError
        If the radius is not positive.
    """
    if radius < 1:
        msg = f"A majority filter needs a radius of 1 cell or more, not {radius}."
        raise InputError(msg)
    window = np.ones(2 * radius + 1, np.float32)

    def votes(member: np.ndarray, _number: int) -> np.ndarray:
        box = convolve1d(
            convolve1d(member, window, axis=0, mode="constant"), window, axis=1, mode="constant"
        )
        return box + np.float32(0.5) * member

    if data.ndim == 2:
        return _apply_to_map(data, votes, [radius, radius])
    numbers = xr.DataArray(np.arange(1, N_CLASSES + 1), dims="lcz")
    member = (labels(data) == numbers).transpose("lcz", "y", "x").astype(np.float32)
    member = member.where(data.notnull().all("lcz"))
    return _apply_to_probabilities(member.assign_coords(data.coords), votes, [radius, radius])


def cell_metres(box: GeoBox) -> tuple[float, float]:
    """Height and width of a cell in metres; cells in degrees as at the equator."""
    scale = METRES_PER_DEGREE if crs_of(box).geographic else 1.0
    return abs(box.affine.e) * scale, abs(box.affine.a) * scale


def _gaussian(radius: float, sigma: float, step: float) -> np.ndarray:
    reach = int(np.ceil(radius / step - 1e-6))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sigma) ** 2)
    return (weights / weights.sum()).astype(np.float32)


def _apply_to_map(lcz: xr.DataArray, smooth: Smooth, reach: list[int]) -> xr.DataArray:
    def strongest(codes: np.ndarray) -> np.ndarray:
        best = np.full(codes.shape, -1.0, np.float32)
        out = np.zeros(codes.shape, np.uint8)
        for number in np.unique(codes[codes > 0]):
            strength = smooth((codes == number).astype(np.float32), int(number))
            wins = strength > best + 1e-6  # sums of float32 differ in their last digits at a tie
            best[wins] = strength[wins]
            out[wins] = number
        out[codes == 0] = 0
        return out

    lcz = lcz.transpose("y", "x")
    return lcz_map(lcz.copy(data=_overlapping(strongest, lcz.data, reach, np.uint8)))


def _apply_to_probabilities(proba: xr.DataArray, smooth: Smooth, reach: list[int]) -> xr.DataArray:
    def smoothed(values: np.ndarray) -> np.ndarray:
        gap = np.isnan(values).any(0)
        filled = np.where(gap, np.float32(0), values)
        strength = np.stack([smooth(filled[i], i + 1) for i in range(N_CLASSES)])
        total = strength.sum(0)
        return np.where(gap, np.nan, strength / np.where(gap, 1, total)).astype(np.float32)

    proba = proba.transpose("lcz", "y", "x")
    if proba.chunks is not None:
        proba = proba.chunk(lcz=-1)
    return probabilities(
        proba.copy(data=_overlapping(smoothed, proba.data, [0, *reach], np.float32))
    )


def _overlapping(
    function: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray | da.Array,
    reach: list[int],
    dtype: type,
) -> np.ndarray | da.Array:
    if isinstance(values, np.ndarray):
        return function(values)
    depth = dict(enumerate(reach[-values.ndim :]))
    return da.map_overlap(function, values, depth=depth, boundary="none", dtype=dtype)
