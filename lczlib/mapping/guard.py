"""Does a scene look like what the network was trained on? Warnings in words, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dask
import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.mapping.findings import Finding, judged
from lczlib.mapping.reflectance import judge_reflectance, spread
from lczlib.models import Weights
from lczlib.reading import share
from lczlib.scenes.bands import ALL_BANDS
from lczlib.scenes.doubtful import DOUBTS
from lczlib.terms import option

_UNLIKE, _BEYOND = 4.0, 30.0
"""Standard deviations of the training data that a scene's median may be off: a class of land cover
that fills a scene moves it by one or two, another unit by tens."""
_SMALLER, _LARGER = 0.02, 20.0
"""How many times the training data's a scene's median may be: no land cover makes that difference."""
_ENOUGH = 50
"""Valid pixels in the sample, of which less say nothing."""
_WINDOWS, _WINDOW = 4, 96  # a 4 x 4 raster of windows of 96 pixels is read, not the whole scene


@dataclass(frozen=True)
class Judgement:
    """What a comparison with the training data came to.

    Attributes
    ----------
    said : tuple of str
        What was compared and how it came out, a clause each; empty where nothing could be.
    warnings : tuple of str
        A sentence for each thing that looks wrong.
    """

    said: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_distribution(
    bands: xr.Dataset, weights: Weights, what: str, *, accept: bool = False
) -> Judgement:
    """Compare a scene's bands with those of a network's training data.

    Parameters
    ----------
    bands : Dataset
        The network's bands, before normalisation.
    weights : Weights
        With the training data's mean and standard deviation, where known.
    what : str
        The scene in words, for messages.
    accept : bool
        Map values that cannot be what the network reads all the same.

    Raises
    ------
    InputError
        If there is no valid pixel, a band is empty, or the values cannot be what the network reads;
        the message has all that looks wrong.
    """
    sample = _sample(bands)
    values = np.stack([sample[b] for b in bands.data_vars])
    valid = np.isfinite(values).all(0)
    if not valid.any() and not bool(bands.to_array("band").notnull().all("band").any()):
        msg = f"The {what} has no pixel that is valid in all of its bands."
        raise InputError(msg)
    seen = f"{share(int(valid.sum()), valid.size)} of {valid.size:,} pixels looked at are valid in all bands"
    values = values[:, valid].astype(np.float64)
    said = [seen]
    findings = [
        Finding(why, remedy, certain=True, forcible=False)
        for remedy, why in bands.attrs.get(DOUBTS, ())
    ]
    if values.shape[1] < _ENOUGH:
        judged(findings, what, accept=accept)
        return Judgement((seen, "too few to compare with the training data"))
    found = dict(zip(map(str, bands.data_vars), values, strict=True))
    optical = {}
    if weights.sensor in ("s2", "both") and weights.mean:
        optical = {b: v for b, v in found.items() if b in ALL_BANDS}
    if optical:
        _check_constant(optical, what)
        low, high = spread(optical, weights)
        said.append(
            f"medians {low:.2g} to {high:.2g} times those that {weights.name} was trained on"
        )
        findings += judge_reflectance(optical, weights, bands.attrs, what)
    if {"VH_dB", "VV_dB"} <= found.keys():
        levels = (float(np.median(found[b])) for b in ("VH_dB", "VV_dB"))
        said.append("median {:.1f} dB in VH, {:.1f} dB in VV".format(*levels))
        findings += _backscatter(found, what)
    if weights.mean and weights.std:
        others = {b: v for b, v in found.items() if b not in optical}
        findings += _against_training(others, weights, what)
    compared = len(said) > 1 or bool(weights.mean and weights.std)
    return Judgement(tuple(said) if compared else (), judged(findings, what, accept=accept))


def _sample(bands: xr.Dataset) -> dict[str, np.ndarray]:
    """Values of a regular raster of windows, flattened, by band."""
    height, width = (bands.sizes[d] for d in ("y", "x"))
    parts = [
        bands.isel(y=slice(top, top + _WINDOW), x=slice(left, left + _WINDOW))
        for top in _starts(height)
        for left in _starts(width)
    ]
    (loaded,) = dask.compute(parts)  # together: chunks that several windows touch are decoded once
    return {b: np.concatenate([p[b].values.ravel() for p in loaded]) for b in bands.data_vars}


def _starts(n: int) -> list[int]:
    count = min(_WINDOWS, max(1, n // _WINDOW))
    return [int(i) for i in np.linspace(0, max(0, n - _WINDOW), count)]


def _check_constant(values: dict[str, np.ndarray], what: str) -> None:
    constant = [b for b, v in values.items() if v.std() == 0]
    if constant:
        msg = f"Band(s) {', '.join(constant)} of the {what} have one value everywhere: a band is empty."
        raise InputError(msg)


def _against_training(
    values: dict[str, np.ndarray], weights: Weights, what: str
) -> Iterator[Finding]:
    """Any other bands: how far their medians are from the training data's means, in its spreads."""
    known = {
        b: (m, s) for b, m, s in zip(weights.bands, weights.mean, weights.std, strict=True) if s > 0
    }
    medians = {b: float(np.median(v)) for b, v in values.items() if b in known}
    if not medians:
        return
    _check_constant({b: values[b] for b in medians}, what)
    far = {b: abs(m - known[b][0]) / known[b][1] for b, m in medians.items()}
    worst = max(far, key=far.get)
    told = (
        f"median {medians[worst]:.4g} in band {worst}, where the training data of {weights.name} have "
        f"{known[worst][0]:.4g} with a standard deviation of {known[worst][1]:.4g}"
    )
    # where values keep clear of zero, another unit shows in their size
    sizes = [m / known[b][0] for b, m in medians.items() if abs(known[b][0]) > 2 * known[b][1]]
    size = float(np.median(sizes)) if sizes else 1.0
    if np.median(list(far.values())) > _BEYOND or not _SMALLER < size < _LARGER:
        yield Finding(
            f"The {what} cannot be what {weights.name} reads ({told}): its values have another unit; "
            f"set the scale and offset ({option('scale')}, {option('offset')}).",
            certain=True,
        )
        return
    unlike = [b for b, d in far.items() if d > _UNLIKE]
    if unlike:
        yield Finding(
            f"Band(s) {', '.join(unlike)} of the {what} are unlike the training data ({told}): check "
            f"their order ({option('bands')}), unit ({option('scale')}, {option('offset')}) and processing."
        )


def _backscatter(values: dict[str, np.ndarray], what: str) -> Iterator[Finding]:
    level = float(np.median(values["VH_dB"]))
    if not -40 < level < 0:
        yield Finding(
            f"The median VH backscatter of the {what} is {level:.0f} dB, land has about -25 to -10: "
            "the data seem not to be calibrated to sigma or gamma nought."
        )
    if np.median(values["VH_dB"]) > np.median(values["VV_dB"]):
        yield Finding(
            f"VH is stronger than VV in the {what}: the two polarisations seem to be swapped."
        )
