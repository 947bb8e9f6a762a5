"""Does a scene look like what the network was trained on? Warnings in words, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from lczlib.errors import InputError
from lczlib.models import Weights
from lczlib.scenes.sentinel2 import ALL_BANDS, likely_order

_UNLIKE, _BEYOND = 4.0, 30.0
"""Standard deviations of the training data that a scene's median may be off: a class of land cover
that fills a scene moves it by one or two, another unit by tens."""
_SMALLER, _LARGER = 0.02, 20.0
"""How many times the training data's a scene's median may be: no land cover makes that difference."""
_CLOUDED = 0.02
"""Share of bright pixels worth a warning: roofs and sand of a clear city stay below one in a hundred."""
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
    found = dict(zip(map(str, bands.data_vars), values, strict=True))
    optical = {}
    if weights.sensor in ("s2", "both") and weights.mean:
        optical = {b: v for b, v in found.items() if b in ALL_BANDS}
        yield from _reflectance(optical, weights, bands, what)
    if {"VH_dB", "VV_dB"} <= found.keys():
        yield from _backscatter(found, what)
    if weights.mean and weights.std:
        others = {b: v for b, v in found.items() if b not in optical}
        yield from _against_training(others, weights, what)


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
    trained = {b: m for b, m in zip(weights.bands, weights.mean, strict=True) if b in values}
    median = {b: float(np.median(v)) for b, v in values.items()}
    constant = [b for b, v in values.items() if v.std() == 0]
    if constant:
        msg = f"Band(s) {', '.join(constant)} of the {what} have one value everywhere: a band is empty."
        raise InputError(msg)
    ratio = float(np.median([median[b] / trained[b] for b in median]))
    if not _SMALLER < ratio < _LARGER:
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
            f"{guess}; set the scale (--scale 0.001), or, where a scale or offset was given, correct that."
        )
    elif min(np.percentile(v, 1) for v in values.values()) > 0.09:
        yield (
            f"No band of the {what} has a pixel below 0.09: the offset of -1000 of processing "
            "baseline 04.00 seems not to be removed; use --offset -1000."
        )
    else:
        yield from _level(values, weights, str(bands.attrs.get("level", "")), what)
        yield from _clouds(values, what)
    order = likely_order(np.stack([values[b] for b in trained]), tuple(trained))
    if order:
        yield (
            f"The bands of the {what} look as if they were in the order '{order}' and misnamed: "
            "check their names (--bands)."
        )


def _level(
    values: dict[str, np.ndarray], weights: Weights, stated: str, what: str
) -> Iterator[str]:
    """Top of atmosphere given to a network of surface reflectance, or the reverse.

    Air scatters blue light into every pixel: at the top of the atmosphere the darkest ones are at
    0.06 and above in B02, and clearly brighter there than in red; at the surface they are not.
    """
    dark = {b: float(np.percentile(values[b], 1)) for b in ("B02", "B04") if b in values}
    hazy = len(dark) == 2 and dark["B02"] > 0.06 and dark["B02"] - dark["B04"] > 0.02
    clear = "B02" in values and np.percentile(values["B02"], 5) < 0.05
    if weights.level == "L1C" and (stated == "L2A" or clear):
        why = "says that it is" if stated == "L2A" else "looks like"
        yield (
            f"The {what} {why} surface reflectance (L2A), but {weights.name} was trained on "
            "top-of-atmosphere reflectance (L1C): use L1C, or say --level L2A and --date, so that "
            "an approximate atmosphere is put back."
        )
    elif weights.level == "L2A" and (stated == "L1C" or (not stated and hazy)):
        why = "says that it is" if stated else "looks like"
        yield (
            f"The {what} {why} top-of-atmosphere reflectance (L1C), but {weights.name} was trained on "
            "surface reflectance (L2A): use the L2A product of the same day."
        )


def _clouds(values: dict[str, np.ndarray], what: str) -> Iterator[str]:
    """Clouds by the thresholds of Braaten, Cohen & Yang 2015 (doi 10.1016/j.rse.2015.08.006).

    They are of top-of-atmosphere reflectance, take snow for cloud, and miss thin clouds.
    """
    if not {"B03", "B04"} <= values.keys():
        return
    green, red = values["B03"], values["B04"]
    share = float(((green > 0.39) | ((green > 0.175) & (green > red))).mean())
    if share > _CLOUDED:
        yield (
            f"The {what} is as bright as cloud or snow in {share:.0%} of {green.size:,} pixels looked "
            "at, and what lies below cannot be mapped: use a clear image, or set clouded pixels to "
            "no data."
        )


def _against_training(values: dict[str, np.ndarray], weights: Weights, what: str) -> Iterator[str]:
    """Any other bands: how far their medians are from the training data's means, in its spreads."""
    known = {
        b: (m, s) for b, m, s in zip(weights.bands, weights.mean, weights.std, strict=True) if s > 0
    }
    medians = {b: float(np.median(v)) for b, v in values.items() if b in known}
    if not medians:
        return
    constant = [b for b in medians if values[b].std() == 0]
    if constant:
        msg = f"Band(s) {', '.join(constant)} of the {what} have one value everywhere: a band is empty."
        raise InputError(msg)
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
        msg = (
            f"The {what} cannot be what {weights.name} reads ({told}): its values have another unit; "
            "set the scale and offset (--scale, --offset)."
        )
        raise InputError(msg)
    unlike = [b for b, d in far.items() if d > _UNLIKE]
    if unlike:
        yield (
            f"Band(s) {', '.join(unlike)} of the {what} are unlike the training data ({told}): check "
            "their order (--bands), unit (--scale, --offset) and processing."
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
