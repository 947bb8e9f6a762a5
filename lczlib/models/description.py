"""What a description of weights must say before anything is computed with it.

Descriptions travel in files that others have written, and a number that is none, or a scale of 0, would
make maps that look like maps. PyTorch is not needed for this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

from lczlib.classes import N_CLASSES
from lczlib.errors import WeightsError
from lczlib.models.registry import ARCHITECTURES

if TYPE_CHECKING:
    from pathlib import Path

    from lczlib.models.weights import Weights

Normalisation = Literal["none", "scene", "fixed", "range"]

_TASKS = tuple(dict.fromkeys(a.task for a in ARCHITECTURES.values()))
_TEXTS = ("title", "level", "licence", "citation", "source", "sha256")
_LARGEST_PATCH = 1024
"""Pixels: 10 km at 10 m, thirty times what LCZ networks look at. Memory grows with its square."""
_LARGEST_PIXEL = 10_000.0  # metres
_OWN_NAMES = ("fused", "valid_fraction")  # of files in a result; a sensor's name makes others


def check_description(weights: Weights, where: str | Path) -> Weights:
    """The description, if a network can be run by it.

    Parameters
    ----------
    weights : Weights
        As read from a file, of any content.
    where : str or path
        The file, for the message.

    Raises
    ------
    WeightsError
        With the first thing in it that cannot be right.
    """
    for flaw in _flaws(weights):
        msg = (
            f"The description of the weights in {where} cannot be right: {flaw}. Correct it, or train or "
            "import them anew."
        )
        raise WeightsError(msg)
    return weights


def _flaws(w: Weights) -> Iterator[str]:
    if not isinstance(w.name, str) or not w.name.strip():
        yield f"name {w.name!r} is no name"
    if w.architecture not in (*ARCHITECTURES,):
        yield f"there is no network {w.architecture!r} (there are {', '.join(ARCHITECTURES)})"
    if w.task not in _TASKS or ARCHITECTURES[w.architecture].task != w.task:
        yield f"task {w.task!r} is not that of {w.architecture}"
    named = isinstance(w.sensor, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", w.sensor)
    if not named or w.sensor in _OWN_NAMES:
        yield f"sensor {w.sensor!r} is no name of letters and digits, such as s2 or landsat"
    yield from _of_bands(w)
    if not _whole(w.patch_size, 1, _LARGEST_PATCH):
        yield f"patch_size {w.patch_size!r} is no number of pixels from 1 to {_LARGEST_PATCH}"
    if not _number(w.pixel_size) or not 0 < w.pixel_size <= _LARGEST_PIXEL:
        yield f"pixel_size {w.pixel_size!r} is no size in metres"
    if not _number(w.scale) or w.scale <= 0:
        yield f"scale {w.scale!r} is no number above 0"
    yield from _of_normalisation(w)
    yield from _of_classes(w)
    if not isinstance(w.options, dict) or not isinstance(w.accuracy, dict):
        yield "options and accuracy must be tables of names and values"
    if not isinstance(w.simulated, bool):
        yield f"simulated is {w.simulated!r}, not true or false"
    for name in _TEXTS:
        if not isinstance(getattr(w, name), str):
            yield f"{name} {getattr(w, name)!r} is no text"


def _of_bands(w: Weights) -> Iterator[str]:
    if not isinstance(w.bands, tuple) or not w.bands:
        yield f"bands {w.bands!r} is no list of names" if w.bands else "it names no bands"
        return
    if not all(isinstance(b, str) and b.strip() for b in w.bands):
        yield "bands holds something else than names"
    elif len(set(w.bands)) < len(w.bands):
        twice = next(b for b in w.bands if w.bands.count(b) > 1)
        yield f"band {twice} is named twice"


def _of_normalisation(w: Weights) -> Iterator[str]:
    known = get_args(Normalisation)
    if w.normalisation not in known:
        yield f"normalisation {w.normalisation!r} is none of {', '.join(known)}"
    for name in ("mean", "std"):
        values = getattr(w, name)
        if not isinstance(values, tuple) or not all(_number(v) for v in values):
            yield f"{name} holds something else than finite numbers"
        elif len(values) not in (0, len(w.bands)):
            yield f"{name} has {len(values)} numbers for {len(w.bands)} bands"
    if any(v <= 0 for v in w.std):
        yield f"std has a standard deviation of {min(w.std):g}, and all must be above 0"
    if w.normalisation == "fixed" and not (w.mean and w.std):
        yield "normalisation fixed needs mean and std of each band, and it has none"
    if w.normalisation == "range" and w.task == "lcz":
        yield "normalisation range is of water networks"


def _of_classes(w: Weights) -> Iterator[str]:
    low, high = (1, N_CLASSES) if w.task == "lcz" else (0, 255)
    good = isinstance(w.classes, tuple) and w.classes
    if not good or not all(_whole(c, low, high) for c in w.classes):
        yield f"classes must be numbers from {low} to {high}"
    elif len(set(w.classes)) < len(w.classes):
        yield "a class comes twice"


def _number(value: Any) -> bool:
    """Whether it is a finite number that float32 can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 3e38  # false of NaN, and a whole number of any length can be compared


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
