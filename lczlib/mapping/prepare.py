"""From a scene to what a network reads: bands, scaling, missing pixels; and the checks before."""

from __future__ import annotations

from dataclasses import dataclass

import dask.array as da
import numpy as np
import xarray as xr

from lczlib.errors import GridError, InputError, WeightsError
from lczlib.grid import check_projected, geobox_of
from lczlib.mapping.guard import check_distribution
from lczlib.models import Weights
from lczlib.reading import Reading, tell
from lczlib.scenes.polarimetry import SENTINEL1_CHANNELS, sentinel1_channels
from lczlib.scenes.sentinel1 import COVARIANCE_BANDS, FEATURES, so2sat_features

_SENSORS = {"s1": "Sentinel-1", "s2": "Sentinel-2", "s1_db": "Sentinel-1 in dB"}


@dataclass(frozen=True)
class Prepared:
    """A scene as a network reads it.

    Attributes
    ----------
    bands : Dataset
        The network's bands, in order, dask-backed where the scene is.
    gain, shift : array (C,)
        Network input = value x gain + shift.
    fill : array (C,)
        Network input of a missing pixel: the feature's mean.
    step : int
        Pixels a LCZ cell.
    warnings : tuple of str
        What looks wrong with the scene, in words.
    """

    bands: xr.Dataset
    gain: np.ndarray
    shift: np.ndarray
    fill: np.ndarray
    step: int
    warnings: tuple[str, ...]


def prepare(
    scene: xr.Dataset,
    weights: Weights,
    *,
    name: str = "",
    cell: float = 100.0,
    accept_values: bool = False,
) -> Prepared:
    """Check a scene against a network's weights and work out its scaling.

    How its values compare with those that the network was trained on is told (`lczlib.reading`).

    Parameters
    ----------
    scene : Dataset
        Canonical scene (`lczlib.scenes`).
    weights : Weights
        What the network reads.
    name : str
        What messages call the scene; its source by default.
    cell : float
        Edge of an LCZ cell in metres.
    accept_values : bool
        Go on, with a warning, where the values cannot be what the network reads.

    Raises
    ------
    WeightsError
        If the weights are for another sensor, or for simulated scenes only.
    InputError, GridError
        If the scene has no valid pixel, is not in metres, has another pixel size, or values that
        cannot be what the network reads.
    """
    what = f"scene {name or scene.attrs.get('source', '')}".strip()
    if min(scene.sizes["y"], scene.sizes["x"]) < 2:
        msg = (
            f"The {what} is {scene.sizes['x']} x {scene.sizes['y']} pixels: one pixel makes no map."
        )
        raise GridError(msg)
    remedy = ", or ask for resampling (--resample utm)"
    box = check_projected(geobox_of(scene, what), what, remedy=remedy)
    bands = _bands(scene, weights, what)
    if weights.simulated and not scene.attrs.get("simulated"):
        msg = (
            f"{weights.name} was trained on simulated cities only and means nothing on the real "
            f"{what}: use published weights (`lcz weights list`)."
        )
        raise WeightsError(msg)
    pixel = abs(box.affine.a)
    if abs(pixel / weights.pixel_size - 1) > 0.01 or abs(abs(box.affine.e) / pixel - 1) > 0.01:
        msg = (
            f"The {what} has pixels of {pixel:g} x {abs(box.affine.e):g} m; {weights.name} reads "
            f"{weights.pixel_size:g} m: resample it first (--resample utm)."
        )
        raise InputError(msg)
    judgement = check_distribution(bands, weights, what, accept=accept_values)
    warnings = list(judgement.warnings)
    if scene.attrs.get("simulated") and not weights.simulated:
        warnings.append(f"The {what} is simulated; {weights.name} was trained on real scenes.")
    if judgement.said or warnings:
        source = str(scene.attrs.get("source", name))
        tell(Reading(what, source, judgement.said, tuple(warnings), {"weights": weights.name}))
    mean, std = _statistics(bands, weights)
    if weights.normalisation in ("scene", "fixed"):
        gain, shift, fill = weights.scale / std, -mean / std, np.zeros(len(mean))
    else:
        gain, shift = np.full(len(mean), weights.scale), np.zeros(len(mean))
        fill = mean * weights.scale
    step = max(1, round(cell / pixel))
    as_float = (np.asarray(a, np.float32) for a in (gain, shift, fill))
    return Prepared(bands, *as_float, step, tuple(warnings))


def _bands(scene: xr.Dataset, weights: Weights, what: str) -> xr.Dataset:
    """The network's bands in its order; those made from Sentinel-1 are computed."""
    have = scene.attrs.get("sensor", "")
    wanted = list(weights.bands)
    if have and have != weights.sensor and weights.sensor in _SENSORS:
        msg = (
            f"{weights.name} reads {_SENSORS[weights.sensor]} but the {what} is "
            f"{_SENSORS.get(have, have)}: use weights for it (`lcz weights list`)."
        )
        raise WeightsError(msg)
    if set(wanted) <= set(FEATURES) and set(COVARIANCE_BANDS) <= set(scene):
        scene = so2sat_features(scene)
    elif set(wanted) <= set(SENTINEL1_CHANNELS) and set(COVARIANCE_BANDS) <= set(scene):
        scene = sentinel1_channels(scene)
    missing = [b for b in wanted if b not in scene]
    if missing:
        msg = f"{weights.name} reads band(s) {', '.join(missing)}, which the {what} does not have."
        raise InputError(msg)
    return scene[wanted]


def _statistics(bands: xr.Dataset, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each band: of the scene, or of the training data."""
    if weights.normalisation != "scene":
        mean = np.array(weights.mean or [0.0] * weights.in_channels, np.float64)
        std = np.array(weights.std or [1.0] * weights.in_channels, np.float64)
        return mean, std
    # A coherence of exactly zero is a dropout, not a measurement (So2Sat leaves it out as well).
    floor = np.array([1e-10 if "COH" in b else -np.inf for b in bands.data_vars], np.float32)
    stack = da.stack([da.asarray(b.data) for b in bands.data_vars.values()]).rechunk({0: -1})
    blocks = stack.map_blocks(
        _sums,
        floor,
        dtype=np.float64,
        chunks=((3 * len(floor),), *[(1,) * n for n in stack.numblocks[1:]]),
    )
    n, total, squares = blocks.sum((1, 2)).compute().reshape(3, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        std = np.sqrt(np.maximum(squares / n - mean**2, 0))
    flat = [str(b) for b, s in zip(bands.data_vars, std, strict=True) if not s > 1e-9]
    if flat:
        msg = f"Band(s) {', '.join(flat)} have the same value everywhere: there is nothing to map."
        raise InputError(msg)
    return mean, std


def _sums(block: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Number, sum and sum of squares of the used values of each band of a block (band, y, x)."""
    used = np.isfinite(block) & (block > floor[:, None, None])
    values = np.where(used, block, 0).astype(np.float64)
    parts = used.sum((1, 2)), values.sum((1, 2)), (values**2).sum((1, 2))
    return np.concatenate(parts)[:, None, None]
