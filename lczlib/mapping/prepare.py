"""From a scene to what a network reads: bands, scaling, missing pixels; and the checks before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from lczlib.errors import InputError, WeightsError
from lczlib.grid import check_extent, check_projected, geobox_of
from lczlib.mapping.guard import check_distribution
from lczlib.mapping.statistics import Statistics, scene_statistics
from lczlib.models import Weights
from lczlib.rasters import check_real
from lczlib.reading import Reading, tell
from lczlib.scenes.crop import window_of
from lczlib.scenes.polarimetry import SENTINEL1_CHANNELS, sentinel1_channels
from lczlib.scenes.sentinel1 import COVARIANCE_BANDS, FEATURES, so2sat_features
from lczlib.terms import option

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
    cells : (slice, slice)
        Rows and columns of the scene's LCZ grid that are to be mapped.
    statistics : Statistics or None
        Of the scene, for a network that normalises by them.
    """

    bands: xr.Dataset
    gain: np.ndarray
    shift: np.ndarray
    fill: np.ndarray
    step: int
    warnings: tuple[str, ...]
    cells: tuple[slice, slice]
    statistics: Statistics | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the cells to be mapped."""
        rows, cols = self.cells
        return rows.stop - rows.start, cols.stop - cols.start

    def scale(self, pixels: np.ndarray) -> None:
        """Make values (band, y, x) the network's input, in place; what is missing stays NaN."""
        if (self.gain != 1).any():
            pixels *= self.gain[:, None, None]
        if self.shift.any():
            pixels += self.shift[:, None, None]


def prepare(
    scene: xr.Dataset,
    weights: Weights,
    *,
    name: str = "",
    cell: float = 100.0,
    accept_values: bool = False,
    box: tuple[float, ...] = (),
    statistics: Statistics | None = None,
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
    box : tuple of float
        West, south, east, north in degrees: that part is mapped. Patches at its edge see what lies
        beyond, and the scene is normalised as a whole, so that it is a part of the whole's map.
    statistics : Statistics, optional
        Of an earlier result, for a network that normalises by the scene.

    Raises
    ------
    WeightsError
        If the weights are for another sensor, or for simulated scenes only.
    InputError, GridError
        If the scene has no valid pixel, is not in metres, has another pixel size, or values that
        cannot be what the network reads.
    """
    what = f"scene {name or scene.attrs.get('source', '')}".strip()
    check_extent((scene.sizes["y"], scene.sizes["x"]), what)
    remedy = f", or ask for resampling ({option('resample')} utm)"
    grid = check_projected(geobox_of(scene, what), what, remedy=remedy)
    bands = _bands(scene, weights, what)
    for band in bands.values():
        check_real(band.dtype, what)
    if weights.simulated and not scene.attrs.get("simulated"):
        msg = (
            f"{weights.name} was trained on simulated cities only and means nothing on the real "
            f"{what}: use published weights (`lcz weights list`)."
        )
        raise WeightsError(msg)
    pixel = abs(grid.affine.a)
    if abs(pixel / weights.pixel_size - 1) > 0.01 or abs(abs(grid.affine.e) / pixel - 1) > 0.01:
        msg = (
            f"The {what} has pixels of {pixel:g} x {abs(grid.affine.e):g} m; {weights.name} reads "
            f"{weights.pixel_size:g} m: resample it first ({option('resample')} utm)."
        )
        raise InputError(msg)
    part = window_of(bands, box) if box else {d: slice(0, bands.sizes[d]) for d in ("y", "x")}
    judgement = check_distribution(bands.isel(part), weights, what, accept=accept_values)
    said, warnings = list(judgement.said), list(judgement.warnings)
    if scene.attrs.get("simulated") and not weights.simulated:
        warnings.append(f"The {what} is simulated; {weights.name} was trained on real scenes.")
    if weights.normalisation == "scene":
        statistics = statistics or scene_statistics(bands, what)
        said.append(f"normalised by {statistics.area}")
        warnings += statistics.cautions
        mean, std = np.array(statistics.mean), np.array(statistics.std)
    else:
        statistics = None
        mean, std = _of_training(weights)
    if said or warnings:
        source = str(scene.attrs.get("source", name))
        tell(Reading(what, source, tuple(said), tuple(warnings), {"weights": weights.name}))
    if weights.normalisation in ("scene", "fixed"):
        gain, shift, fill = weights.scale / std, -mean / std, np.zeros(len(mean))
    else:
        gain, shift = np.full(len(mean), weights.scale), np.zeros(len(mean))
        fill = mean * weights.scale
    step = max(1, round(cell / pixel))
    as_float = (np.asarray(a, np.float32) for a in (gain, shift, fill))
    cells = tuple(slice(part[d].start // step, -(-part[d].stop // step)) for d in ("y", "x"))
    return Prepared(bands, *as_float, step, tuple(warnings), cells, statistics)


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


def _of_training(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each band of the training data."""
    mean = np.array(weights.mean or [0.0] * weights.in_channels, np.float64)
    std = np.array(weights.std or [1.0] * weights.in_channels, np.float64)
    return mean, std
