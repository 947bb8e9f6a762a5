"""Accuracy of a network or forest on labelled patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from lczlib.accelerators import choose_device, exact_float32, halved, turn
from lczlib.analysis import Assessment, assess_units
from lczlib.analysis.confusion import as_confusion, count_units
from lczlib.analysis.options import REPLICATES
from lczlib.classes import N_CLASSES
from lczlib.errors import WeightsError
from lczlib.models import Weights
from lczlib.training.patches import Patches, PatchKind

Scaling = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Gain, shift and fill of each band: network input = value x gain + shift, fill where missing."""


def scaling_of(weights: Weights, kind: PatchKind | None = None) -> Scaling:
    """How patches become what a network reads.

    Parameters
    ----------
    weights : Weights
        The network's.
    kind : PatchKind, optional
        Of the patches; needed of a network that normalises each scene by its own statistics, whose patches are
        normalised where they are cut (`lczlib.training.inputs.SceneFiles.read_by`).

    Raises
    ------
    WeightsError
        If it is such a network, and the patches are not: alone they do not tell their scene's statistics.
    """
    n = weights.in_channels
    if weights.normalisation == "scene":
        if kind is None or not kind.normalised:
            msg = (
                f"{weights.name} normalises each scene by its own statistics, which a file of patches does not have: "
                "give the scenes and their polygons instead."
            )
            raise WeightsError(msg)
        return np.ones(n), np.zeros(n), np.zeros(n)
    mean = np.asarray(weights.mean or np.zeros(n), np.float64)
    if weights.normalisation == "fixed":
        std = np.asarray(weights.std, np.float64)
        return weights.scale / std, -mean / std, np.zeros(n)
    return np.full(n, weights.scale), np.zeros(n), mean * weights.scale


@torch.inference_mode()
def predict_patches(
    network: nn.Module,
    patches: Patches,
    scaling: Scaling,
    *,
    classes: tuple[int, ...] = tuple(range(1, N_CLASSES + 1)),
    device: str = "auto",
    batch_size: int = 256,
) -> np.ndarray:
    """Class probabilities of patches.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode; it is moved to `device` for this, and back.
    patches : Patches
        n of them.
    scaling : tuple of array
        See `Scaling`.
    classes : tuple of int
        LCZ of each output.
    device : str
        See `lczlib.accelerators.choose_device`.
    batch_size : int
        Patches at once; halved where the device's memory does not hold them.

    Returns
    -------
    array (n, 17) float32

    Raises
    ------
    DeviceError
        If the device is not there, or its memory does not hold one patch.
    """
    device = choose_device(device)
    home = next((p.device for p in network.parameters()), torch.device("cpu"))
    gain, shift, fill = (
        torch.as_tensor(a, dtype=torch.float32, device=device)[:, None, None] for a in scaling
    )
    out = np.zeros((len(patches), N_CLASSES), np.float32)
    columns = np.asarray(classes) - 1
    network.to(device)
    start = 0
    while start < len(patches):
        index = np.arange(start, min(start + batch_size, len(patches)))
        read = torch.from_numpy(patches.read(index))
        try:
            with turn(device), exact_float32():
                x = read.to(device)
                x = torch.where(torch.isfinite(x), x * gain + shift, fill)
                out[index[:, None], columns] = network(x).softmax(1).cpu().numpy()
        except RuntimeError as err:
            batch_size = halved(err, batch_size, device, "a single patch")
            continue
        start += len(index)
    network.to(home)
    return out


def assess_patches(
    probabilities: np.ndarray, patches: Patches, *, replicates: int = REPLICATES, seed: int = 0
) -> Assessment:
    """Accuracy on patches, with intervals from a bootstrap over polygons or blocks.

    Parameters
    ----------
    probabilities : array (n, 17)
        From `predict_patches` or `Forest.predict`.
    patches : Patches
        With their labels, and ``polygon`` or ``block`` in their table. Those without either
        (So2Sat LCZ42) are resampled one by one, which makes the intervals too narrow by as much
        as neighbours are alike.
    replicates, seed : int
        Bootstrap replicates and the seed of their random numbers.

    Raises
    ------
    InputError
        If the patches hold a single class.
    """
    predicted = (probabilities.argmax(1) + 1).astype(np.uint8)
    unit = next((u for u in ("polygon", "block") if u in patches.table), "sample")
    groups = patches.table["location" if unit == "sample" else unit]
    number, first, index = np.unique(groups, return_index=True, return_inverse=True)
    counts = as_confusion(count_units(patches.labels, predicted, index, len(number)))
    counts = counts.rename(unit=unit).assign_coords({unit: number})
    if unit == "polygon":  # a polygon is of one class, so the bootstrap can keep their numbers
        counts = counts.assign_coords(lcz=(unit, patches.labels[first]))
    return assess_units(counts, replicates=replicates, seed=seed)


def summary(assessment: Assessment, **facts: Any) -> dict[str, Any]:
    """Overall scores with interval and sample size, as the weights' description holds them."""
    out: dict[str, Any] = {"n": assessment.n}
    for name in ("oa", "aa", "kappa"):
        out[name] = round(assessment.scores[name], 4)
        low, high = assessment.intervals[f"{name}_ci"]
        out[f"{name}_ci"] = [_rounded(low), _rounded(high)]
    return out | {
        "unit": assessment.method["unit"],
        "n_units": assessment.method["n_units"],
        **facts,
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
