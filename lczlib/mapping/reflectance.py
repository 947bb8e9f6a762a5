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
from lczlib.scenes.scaling import QUANTIFICATION

_DARK, _BRIGHT = 0.12, 2.0
"""Reflectance that the brightest hundredth of any land scene exceeds in some band (plants and soil have
0.2 to 0.4 in the near and short-wave infrared), and that clouds and snow do not reach (about 1)."""
_DARK_RATIO, _BRIGHT_RATIO = 0.35, 3.0
"""How many times the training data's a median is where a factor of ten is wrong: the darkest land has
about 0.4 times, snow and cloud 3 to 6 times, but those do not pass `_BRIGHT`."""
_SEEN = (0.2, 5.0)  # beyond these ratios land is rare: mostly water, or cloud
_OFFSET, _OFFSET_LEFT = 0.1, 0.09
"""The offset of processing baseline 04.00 as reflectance; no band has it as its darkest but for that."""
_BELOW_BLACK = -0.03
"""Reflectance that a hundredth of no band lies below, unless an offset was removed twice."""
_FLOOR, _GREEN_LAND, _PINNED = 0.003, 0.1, 0.02
"""What is cut off at zero; near infrared of land; share of such land that is black in green and red,
as none is."""
_WRAPPED, _WRAPPED_SHARE = (6.4536, 6.5535), 0.005
"""Reflectance of 16-bit numbers that fell below zero by up to 1000; share of pixels that says so."""
_VEGETATION, _VEGETATED = 0.75, 0.05
"""Near infrared that no plant reaches (0.6 at most); share of pixels that are plants by their red."""
_RANGES = (65535.0, 32767.0)
"""What reflectance of 1 is stored as where it was stretched over the range of 16 bits."""
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
        Of the scene: ``level``, where it is stated; ``scale`` and ``offset`` that were applied to what
        is stored, where they are known; and why its door refused it.
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
    scale = _scale(found, weights, what, attrs)
    if scale is not None:
        yield scale.finding
        if not scale.factor:
            return
        found = {b: v * scale.factor for b, v in found.items()}
    offset = _offset(found, attrs, scale, what)
    if offset is not None:
        yield offset[0]
        found = {b: v + offset[1] for b, v in found.items()}
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


def _offset(
    values: Values, attrs: Mapping[str, object], scale: _Scale | None, what: str
) -> tuple[Finding, float] | None:
    """The offset of -1000 that is still in, or was removed twice, with the reflectance to add."""
    unit = (scale.unit if scale else None) or float(attrs.get("scale") or 0) or QUANTIFICATION
    removed = float(attrs.get("offset") or 0)

    def to_set(term: float) -> str:
        return f"--offset {removed + term / unit:.4g}"

    lowest = min(float(np.percentile(v, 1)) for v in values.values())
    if lowest > _OFFSET_LEFT and removed <= 0:  # who adds it back knows that it is in
        option = to_set(-_OFFSET)
        text = (
            f"No band of the {what} has a pixel below {_OFFSET_LEFT}: the offset of -1000 of processing "
            f"baseline 04.00 seems not to be removed; use {option}."
        )
        return Finding(text, option), -_OFFSET
    if lowest < _BELOW_BLACK:
        option = to_set(_OFFSET)
        below = float(np.mean(np.any([v < 0 for v in values.values()], axis=0)))
        text = (
            f"The {what} has reflectance below zero in {below:.0%} of the pixels looked at, and {lowest:.2f} in "
            "the darkest hundredth of a band: the offset of -1000 of processing baseline 04.00 seems to have "
            f"been removed twice; use {option}."
        )
        # the door has said so of an offset that it removed itself
        return Finding("" if removed < 0 else text, option), _OFFSET
    pinned = _pinned(values)
    if pinned > _PINNED and removed <= 0:
        option = to_set(_OFFSET)
        text = (
            f"The {what} is black in green and red over {pinned:.0%} of the pixels looked at, where the near "
            "infrared shows land: the offset of -1000 of processing baseline 04.00 seems to have been removed "
            "twice, and what fell below zero to have been cut off. Make the file again with the offset "
            f"removed once; {option} mends only the pixels that were not cut off."
        )
        return Finding(text, option), _OFFSET
    return None


def _pinned(values: Values) -> float:
    """Share of pixels that are black in green and red, and land in the near infrared."""
    if not {"B03", "B04", "B08"} <= values.keys():
        return 0.0
    black = (np.abs(values["B03"]) <= _FLOOR) & (np.abs(values["B04"]) <= _FLOOR)
    return float((black & (values["B08"] > _GREEN_LAND)).mean())


def _wrapped(values: Values) -> float:
    """Largest share of a band that lies where 16-bit numbers go that fell below zero."""
    low, high = _WRAPPED
    return max(float(((v > low) & (v < high)).mean()) for v in values.values())


def _scale(
    values: Values, weights: Weights, what: str, attrs: Mapping[str, object]
) -> _Scale | None:
    ratio = float(np.median(list(_ratios(values, weights).values())))
    top = max(float(np.percentile(v, 99)) for v in values.values())
    stored = float(attrs.get("scale") or 0)
    step = stored or _step(values)
    facts = (
        f"median {ratio:.2g} times that of the training data of {weights.name}, and the brightest "
        f"hundredth at {top:.2g}"
    )
    if _wrapped(values) > _WRAPPED_SHARE and stored in (0, QUANTIFICATION):
        text = (
            f"The {what} has values just below 65536 in {_wrapped(values):.1%} of the pixels of a band: numbers "
            "without sign that fell below zero when an offset was removed. Make the file again with signed "
            "numbers."
        )
        return _Scale(Finding(text, certain=True), factor=0.0)
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
    bright = top > _BRIGHT and ratio > _BRIGHT_RATIO
    if dark or bright or (ratio > 1 and _too_bright_for_plants(values)):
        factor, ranged = _factor(ratio, step, dark=dark)
        guess = ": it looks like reflectance x 1000 taken for DN x 10,000" if factor == 10 else ""
        unit = step * factor if step else None
        option = f"--scale {unit:.6g}" if unit else ""
        if unit and ranged:
            to_do = f"set the scale ({option}, if a reflectance of 1 is stored as {ranged:,.0f})"
        elif unit and unit < QUANTIFICATION / 2:
            to_do = (
                f"set the scale ({option}; {1 / _RANGES[0]:.6g} if it was stretched over 16 bits)"
            )
        elif unit:
            to_do = f"set the scale ({option})"
        else:
            to_do = f"set the scale (--scale), {factor:g} times as large"
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


def _factor(ratio: float, step: float | None, *, dark: bool) -> tuple[float, float | None]:
    """The likeliest factor of a scale: a power of ten, or a range of 16 bits, which comes beside it."""
    power = 10.0 ** (
        max(1, round(-math.log10(ratio))) if dark else min(-1, -round(math.log10(ratio)))
    )
    candidates: dict[float, float | None] = {power: None}
    if step and not dark:
        candidates |= {1 / (step * r): r for r in _RANGES if 1 / (step * r) < 0.5}
    best = min(candidates, key=lambda f: abs(math.log(ratio * f)))
    return best, candidates[best]


def _too_bright_for_plants(values: Values) -> bool:
    """Whether what is green, as no cloud and no snow is, reflects more than plants do."""
    if not {"B04", "B08"} <= values.keys():
        return False
    near, red = values["B08"], values["B04"]
    green = red < near / 2
    if green.mean() < _VEGETATED:
        return False
    return bool(np.median(near[green]) > _VEGETATION)


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
