"""Does a scene look like what the network was trained on? Warnings in words, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.models import Weights
from lczlib.scenes.sentinel2 import likely_order

_WINDOWS, _WINDOW = 4, 96  # a 4 x 4 raster of windows of 96 pixels is read, not the whole scene


def check_distribution(bands: xr.Dataset, weights: Weights, what: str) -> Iterator[str]:
    """Compare a scene's bands with those of a network's training data.

    Parameters
    ----------
    bands : Dataset
        The network's bands, before normalisation.
    weights : Weights
        With the training data's mean and standard deviation, where known.
    what : str
        The scene in words, for messages.

    Yields
    ------
    str
        One sentence for each thing that looks wrong.

    Raises
    ------
    InputError
        If the values cannot be what the network reads.
    """
    sample = _sample(bands)
    values = np.stack([sample[b] for b in bands.data_vars])
    valid = np.isfinite(values).all(0)
    if not valid.any() and not bool(bands.to_array("band").notnull().all("band").any()):
        msg = f"The {what} has no pixel that is valid in all of its bands."
        raise InputError(msg)
    values = values[:, valid].astype(np.float64)
    if values.shape[1] < 50:
        return
    if weights.sensor == "s2" and weights.mean:
        yield from _reflectance(
            dict(zip(bands.data_vars, values, strict=True)), weights, bands, what
        )
    elif weights.sensor == "s1" and {"VH_dB", "VV_dB"} <= set(bands.data_vars):
        yield from _backscatter(dict(zip(bands.data_vars, values, strict=True)), what)


def _sample(bands: xr.Dataset) -> dict[str, np.ndarray]:
    """Values of a regular raster of windows, flattened, by band."""
    height, width = (bands.sizes[d] for d in ("y", "x"))
    parts = [
        bands.isel(y=slice(top, top + _WINDOW), x=slice(left, left + _WINDOW))
        for top in _starts(height)
        for left in _starts(width)
    ]
    loaded = [p.compute() for p in parts]
    return {b: np.concatenate([p[b].values.ravel() for p in loaded]) for b in bands.data_vars}


def _starts(n: int) -> list[int]:
    count = min(_WINDOWS, max(1, n // _WINDOW))
    return [int(i) for i in np.linspace(0, max(0, n - _WINDOW), count)]


def _reflectance(
    values: dict[str, np.ndarray], weights: Weights, bands: xr.Dataset, what: str
) -> Iterator[str]:
    trained = dict(zip(weights.bands, weights.mean, strict=True))
    median = {b: float(np.median(v)) for b, v in values.items()}
    constant = [b for b, v in values.items() if v.std() == 0]
    if constant:
        msg = f"Band(s) {', '.join(constant)} of the {what} have one value everywhere: a band is empty."
        raise InputError(msg)
    ratio = float(np.median([median[b] / trained[b] for b in median]))
    if ratio < 0.02 or ratio > 20:
        msg = (
            f"The {what} is {'dark' if ratio < 1 else 'bright'} beyond any land surface (median "
            f"{ratio:.2g} times that of the training data): its values are not reflectance; set the "
            "scale (--scale 0.0001 for DN)."
        )
        raise InputError(msg)
    if not 0.2 < ratio < 5:
        guess = "reflectance x 1000 taken for DN x 10,000" if ratio < 1 else "another scale"
        yield (
            f"The {what} has a median {ratio:.2g} times that of the training data: it looks like "
            f"{guess}; set the scale (--scale 0.001)."
        )
    elif min(np.percentile(v, 1) for v in values.values()) > 0.09:
        yield (
            f"No band of the {what} has a pixel below 0.09: the offset of -1000 of processing "
            "baseline 04.00 seems not to be removed; use --offset -1000."
        )
    elif bands.attrs.get("level") == "L2A" or np.percentile(values["B02"], 5) < 0.05:
        why = "says that it is" if bands.attrs.get("level") == "L2A" else "looks like"
        if weights.level == "L1C":
            yield (
                f"The {what} {why} surface reflectance (L2A), but {weights.name} was trained on "
                "top-of-atmosphere reflectance (L1C): use L1C, or say --level L2A and --date, so that "
                "an approximate atmosphere is put back."
            )
    order = likely_order(np.stack([values[b] for b in trained]), tuple(trained))
    if order:
        yield (
            f"The bands of the {what} look as if they were in the order '{order}' and misnamed: "
            "check their names (--bands)."
        )


def _backscatter(values: dict[str, np.ndarray], what: str) -> Iterator[str]:
    level = float(np.median(values["VH_dB"]))
    if not -40 < level < 0:
        yield (
            f"The median VH backscatter of the {what} is {level:.0f} dB, land has about -25 to -10: "
            "the data seem not to be calibrated to sigma or gamma nought."
        )
    if np.median(values["VH_dB"]) > np.median(values["VV_dB"]):
        yield f"VH is stronger than VV in the {what}: the two polarisations seem to be swapped."
