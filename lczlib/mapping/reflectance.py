"""Is it Sentinel-2 reflectance as a network was trained on? Scale, offset, level, order and clouds.

Each is judged on values that are put right for what was found before it: a scene with two faults shows
both, and not one after the other is mended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lczlib.mapping.findings import Finding
from lczlib.models import Weights
from lczlib.scenes.band_order import OTHER_ORDERS, likely_order
from lczlib.scenes.bands import BANDS
from lczlib.scenes.doubtful import DOUBTS

_DARK, _BRIGHT = 0.12, 2.0
"""Reflectance that the brightest hundredth of any land scene exceeds in some band (plants and soil have
0.2 to 0.4 in the near and short-wave infrared), and that clouds and snow do not reach (about 1)."""
_DARK_RATIO, _BRIGHT_RATIO = 0.35, 3.0
"""How many times the training data's a median is where a factor of ten is wrong: the darkest land has
about 0.4 times, snow and cloud 3 to 6 times, but those do not pass `_BRIGHT`."""
_SEEN = (0.2, 5.0)  # beyond these ratios land is rare: mostly water, or cloud
_OFFSET, _OFFSET_LEFT = 0.1, 0.09
"""The offset of processing baseline 04.00 as reflectance; no band has it as its darkest but for that."""
_CLOUDED = 0.02
"""Share of bright pixels worth a warning: roofs and sand of a clear city stay below one in a hundred."""
_BYTE = 255

Values = dict[str, np.ndarray]


def judge_reflectance(
    values: Mapping[str, np.ndarray], weights: Weights, attrs: Mapping[str, object], what: str
) -> Iterator[Finding]:
    """What looks wrong with Sentinel-2 bands.

    Parameters
    ----------
    values : mapping of str to array (n,)
        Reflectance of valid pixels, by band.
    weights : Weights
        With the training data's means.
    attrs : mapping
        Of the scene: ``level``, where it is stated, and why its door refused it.
    what : str
        The scene in words.
    """
    found = {b: np.asarray(v, np.float64) for b, v in values.items()}
    doubted = any(option.startswith("--bands") for option, _ in attrs.get(DOUBTS, ()))
    order = _order(found)
    if order:
        name, bands = order
        listed = ",".join(bands)
        text = (
            f"The bands of the {what} look as if they were in the order '{name}' and misnamed: check "
            f"their names (--bands {listed}, if the file has these ten in order)."
        )
        yield Finding("" if doubted else text, f"--bands {listed}")
        found = dict(zip(bands, (found[b] for b in BANDS), strict=True))
    scale = _scale(found, weights, what)
    if scale is not None:
        yield scale.finding
        if not scale.factor:
            return
        found = {b: v * scale.factor for b, v in found.items()}
    if min(np.percentile(v, 1) for v in found.values()) > _OFFSET_LEFT:
        # stored in other units, the offset has another size
        offset = f"{-_OFFSET / (scale.unit or 1):.4g}" if scale and scale.factor != 1 else "-1000"
        yield Finding(
            f"No band of the {what} has a pixel below {_OFFSET_LEFT}: the offset of -1000 of processing "
            f"baseline 04.00 seems not to be removed; use --offset {offset}.",
            f"--offset {offset}",
        )
        found = {b: v - _OFFSET for b, v in found.items()}
    if order or not doubted:  # the level shows in blue, and which band that is must be known
        yield from _level(found, weights, str(attrs.get("level") or ""), what)
    yield from _clouds(found, what)


def spread(values: Mapping[str, np.ndarray], weights: Weights) -> tuple[float, float]:
    """The lowest and highest ratio of a band's median to the training data's mean."""
    ratios = list(_ratios(values, weights).values())
    return min(ratios), max(ratios)


def _ratios(values: Mapping[str, np.ndarray], weights: Weights) -> dict[str, float]:
    trained = dict(zip(weights.bands, weights.mean, strict=True))
    return {b: float(np.median(v)) / trained[b] for b, v in values.items() if trained.get(b)}


def _order(values: Values) -> tuple[str, tuple[str, ...]] | None:
    """The known order that fits the values clearly better than their names, with its bands."""
    if set(values) != set(BANDS):
        return None
    name = likely_order(np.stack([values[b] for b in BANDS]))
    return (name, OTHER_ORDERS[name]) if name else None


@dataclass(frozen=True)
class _Scale:
    """What is wrong with a scale: factor to put it right (0: none does), reflectance a stored unit."""

    finding: Finding
    factor: float = 1.0
    unit: float | None = None


def _scale(values: Values, weights: Weights, what: str) -> _Scale | None:
    ratio = float(np.median(list(_ratios(values, weights).values())))
    top = max(float(np.percentile(v, 99)) for v in values.values())
    step = _step(values)
    facts = (
        f"median {ratio:.2g} times that of the training data of {weights.name}, and the brightest "
        f"hundredth at {top:.2g}"
    )
    dark = top < _DARK and ratio < _DARK_RATIO and _like_land(values)
    if dark and step and _is_picture(values, step):
        return _Scale(
            Finding(
                f"The {what} holds whole numbers up to {_BYTE}, an image made for the screen, and no "
                f"reflectance ({facts}): give the product's own values.",
                certain=True,
            ),
            factor=0.0,
        )
    if dark or (top > _BRIGHT and ratio > _BRIGHT_RATIO):
        factor = 10.0 ** (
            max(1, round(-math.log10(ratio))) if dark else min(-1, -round(math.log10(ratio)))
        )
        guess = ": it looks like reflectance x 1000 taken for DN x 10,000" if factor == 10 else ""
        unit = step * factor if step else None
        option = f"--scale {unit:.6g}" if unit else ""
        to_do = (
            f"set the scale ({option})"
            if unit
            else f"set the scale (--scale), {factor:g} times as large"
        )
        return _Scale(
            Finding(
                f"The {what} is {'dark' if dark else 'bright'} beyond any land surface ({facts}): its "
                f"values are not reflectance as they are scaled{guess}; {to_do}.",
                option, certain=True,
            ),
            factor, unit,
        )  # fmt: skip
    if _SEEN[0] < ratio < _SEEN[1] or (ratio <= _SEEN[0] and top >= _DARK):
        return None  # much water beside land is dark as well
    surface = "water" if ratio < 1 else "cloud or snow"
    return _Scale(
        Finding(
            f"The {what} is {'dark' if ratio < 1 else 'bright'} ({facts}): it is {surface} nearly "
            "everywhere, or its scale is another (--scale).",
        )
    )


def _like_land(values: Values) -> bool:
    """Whether it is brighter in the near infrared than in green, as all land is and no water."""
    if not {"B03", "B08"} <= values.keys():
        return True
    return float(np.median(values["B08"])) > float(np.median(values["B03"]))


def _step(values: Values) -> float | None:
    """Reflectance of one stored unit, where values come in steps of a power of ten."""
    sample = np.concatenate([v[:2000] for v in values.values()])
    distinct = np.unique(sample)
    steps = np.diff(distinct)
    steps = steps[steps > 1e-3 * max(1e-6, float(np.abs(distinct).max())) * 1e-3]
    if not steps.size:
        return None
    step = 10.0 ** round(math.log10(float(steps.min())))
    counted = distinct / step
    return step if np.abs(counted - np.round(counted)).max() < 0.1 else None


def _is_picture(values: Values, step: float) -> bool:
    """Whether the values use the range of a byte: up to 255, and far up."""
    top = max(float(v.max()) for v in values.values()) / step
    return _BYTE * 0.8 < top < _BYTE + 0.5


def _level(values: Values, weights: Weights, stated: str, what: str) -> Iterator[Finding]:
    """Top of atmosphere given to a network of surface reflectance, or the reverse.

    Air scatters blue light into every pixel: at the top of the atmosphere the darkest ones are at
    0.06 and above in B02, and clearly brighter there than in red; at the surface they are not.
    """
    dark = {b: float(np.percentile(values[b], 1)) for b in ("B02", "B04") if b in values}
    hazy = len(dark) == 2 and dark["B02"] > 0.06 and dark["B02"] - dark["B04"] > 0.02
    clear = "B02" in values and np.percentile(values["B02"], 5) < 0.05
    if weights.level == "L1C" and (stated == "L2A" or clear):
        why = "says that it is" if stated == "L2A" else "looks like"
        yield Finding(
            f"The {what} {why} surface reflectance (L2A), but {weights.name} was trained on "
            "top-of-atmosphere reflectance (L1C): use L1C, or say --level L2A and --date, so that "
            "an approximate atmosphere is put back.",
            "--level L2A --date YYYY-MM-DD",
        )
    elif weights.level == "L2A" and (stated == "L1C" or (not stated and hazy)):
        why = "says that it is" if stated else "looks like"
        yield Finding(
            f"The {what} {why} top-of-atmosphere reflectance (L1C), but {weights.name} was trained on "
            "surface reflectance (L2A): use the L2A product of the same day."
        )


def _clouds(values: Values, what: str) -> Iterator[Finding]:
    """Clouds by the thresholds of Braaten, Cohen & Yang 2015 (doi 10.1016/j.rse.2015.08.006).

    They are of top-of-atmosphere reflectance, take snow for cloud, and miss thin clouds.
    """
    if not {"B03", "B04"} <= values.keys():
        return
    green, red = values["B03"], values["B04"]
    share = float(((green > 0.39) | ((green > 0.175) & (green > red))).mean())
    if share > _CLOUDED:
        yield Finding(
            f"The {what} is as bright as cloud or snow in {share:.0%} of {green.size:,} pixels looked "
            "at, and what lies below cannot be mapped: use a clear image, or set clouded pixels to "
            "no data."
        )
