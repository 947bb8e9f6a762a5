"""Whether the names and colours of a raster's codes are those of Local Climate Zones, and of which."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from lczlib.class_names import SeveralClassesError, class_of_text
from lczlib.classes import CLASSES, NODATA, lcz_class
from lczlib.errors import ClassSchemeError, InputError
from lczlib.legend_files import RGB, FoundLegend

Says = Literal["nothing", "classes", "something else"]

_PALETTES = (
    tuple(c.rgb for c in CLASSES),
    # of the LCZ Generator and the global map (Demuzere et al. 2022, doi 10.5194/essd-14-3835-2022)
    tuple(
        tuple(bytes.fromhex(h))
        for h in (
            "910613", "d9081c", "ff0a22", "c54f1e", "ff6628", "ff985e", "fded3f", "bbbbbb", "ffcbab",
            "565656", "006a18", "00a926", "628432", "b5da7f", "000000", "fcf7b1", "656bfa",
        )
    ),
)  # fmt: skip
_NEAR = 45.0
"""Distance in red, green, blue up to which a colour is a class's: the two palettes differ by 58 at most,
and the classes of one by 46 at least."""
_SAME = 30.0
"""The same, where colours are to say that codes mean other classes than their numbers do."""
_EXACT = 12.0
"""The same, where only one or two codes are coloured."""

_NO_CLASS = re.compile(
    r"0|no ?data|no[ _-]value|null|none|nan|un(?:classified|labell?ed|known|defined)|background|masked?|"
    r"outside|missing|not classified|no class|other|fill",
    re.IGNORECASE,
)


LAND_COVERS = (
    ("ESA WorldCover", {10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100}),
    ("NLCD", {11, 12, 21, 22, 23, 24, 31, 41, 42, 43, 52, 71, 81, 82, 90, 95}),
    ("CORINE Land Cover", set(range(1, 45)) | {48}),
)
"""Codes of land cover maps that are taken for LCZ maps."""


@dataclass(frozen=True)
class Verdict:
    """What a legend says of the codes of a map.

    Attributes
    ----------
    source : str
        Where the legend stands, and whether names or colours were read.
    says : str
        ``classes``: LCZ; ``something else``; or ``nothing``.
    classes : mapping of int to int
        Class of each code that the legend tells, 0 for no data.
    unclear : mapping of int to str
        Names that tell no class.
    by_color : bool
        Whether colours were read, which tell less than names.
    """

    source: str
    says: Says = "nothing"
    classes: Mapping[int, int] = field(default_factory=dict)
    unclear: Mapping[int, str] = field(default_factory=dict)
    by_color: bool = False


def parse_legend(text: str) -> dict[int, int]:
    """``1=2,2=3,3=B,4=D,5=G`` as the class of each code; ``6=0`` is no data.

    Raises
    ------
    InputError
        If it is not of that form, or a code comes twice.

    Examples
    --------
    >>> parse_legend("1=2, 2=2, 3=B, 4=lcz g, 9=0")
    {1: 2, 2: 2, 3: 12, 4: 17, 9: 0}
    """
    found: dict[int, int] = {}
    for item in (t for t in re.split(r"[,;]", text) if t.strip()):
        code, equals, name = (part.strip() for part in item.partition("="))
        if not equals or not re.fullmatch(r"-?\d+", code) or not name:
            msg = f"{item.strip()!r} is no part of a legend: write CODE=CLASS, as in 1=2,2=3,3=B."
            raise InputError(msg)
        if int(code) in found:
            msg = f"The legend names code {int(code)} twice."
            raise InputError(msg)
        found[int(code)] = NODATA if _NO_CLASS.fullmatch(name) else lcz_class(name).number
    if not found:
        msg = "The legend is empty: write CODE=CLASS, as in 1=2,2=3,3=B."
        raise InputError(msg)
    return found


def legend_text(classes: Mapping[int, int]) -> str:
    """A legend as `parse_legend` reads it."""
    return ",".join(f"{k}={CLASSES[v - 1].code if v else 0}" for k, v in sorted(classes.items()))


def names_say(legend: FoundLegend, codes: Sequence[int]) -> Verdict:
    """What the names of the codes that a map holds say."""
    known, unclear = {}, {}
    for code in codes:
        meaning = _class_of_name(legend.names.get(code, ""), code)
        if isinstance(meaning, int):
            known[code] = meaning
        elif meaning:
            unclear[code] = meaning
    told = sum(1 for v in known.values() if v)
    source = f"names in {legend.source}" if "." in legend.source else legend.source
    if not told and not unclear:
        return Verdict(source)
    if told and told >= len(unclear):
        return Verdict(source, "classes", known, unclear)
    return Verdict(source, "something else", known, unclear)


def _class_of_name(text: str, code: int) -> int | str | None:
    """The class that a name tells; None where it says nothing, the text where it tells no class."""
    text = re.sub(r"\s+", " ", text).strip(" '\"")
    if not text or re.fullmatch(
        rf"(?:class|value|code|category|zone|<=?)?[ _]?{code}(?:\.0*)?", text, re.I
    ):
        return None
    if _NO_CLASS.fullmatch(text):
        return NODATA
    bare = re.sub(rf"^{code}\s*[-.:)=]*\s+", "", text)  # "11 - A" is the code and its class
    outside = re.sub(r" ?\([^()]*\)$", "", bare)
    inside = re.search(r"\((lcz[^()]+)\)|\blcz[ _-]?(?:10|[1-9]|[a-g])\b", text, re.I)
    within = (inside.group(1) or inside.group(0),) if inside else ()
    for candidate in (bare, outside, text, *within):
        try:
            return class_of_text(candidate)
        except SeveralClassesError:
            return text
        except ClassSchemeError:
            continue
    return text


def colors_say(legend: FoundLegend, codes: Sequence[int], numbering: Mapping[int, int]) -> Verdict:
    """What the colours of the codes that a map holds say.

    Parameters
    ----------
    legend : FoundLegend
        Of which the colours are judged.
    codes : sequence of int
        Of the map, without no data.
    numbering : mapping of int to int
        The class that each code would be by its number.

    Returns
    -------
    Verdict
        ``nothing`` also for greys, ramps, and palettes of a user's own that suit the classes.
    """
    colors = {c: legend.colors[c] for c in codes if c in legend.colors}
    source = f"colours in {legend.source}" if "." in legend.source else legend.source
    if len(set(colors.values())) < min(3, len(codes)) or all(
        len(set(v)) == 1 for v in colors.values()
    ):
        return Verdict(source)
    own = {c: numbering[c] for c in colors if numbering.get(c)}
    alike = [
        _distance(colors[c], n) <= _NEAR or _nearest(colors[c])[0] == n for c, n in own.items()
    ]
    nearest = {c: _nearest(v) for c, v in colors.items()}
    # a colour that is exactly another class's, and far from its own, speaks against the numbering
    moved = [
        c
        for c, n in own.items()
        if nearest[c][0] != n and nearest[c][1] <= _EXACT and _distance(colors[c], n) > _NEAR
    ]
    if own and np.mean(alike) >= 0.7 and len(moved) < 2:
        return Verdict(source, "classes", own, by_color=True)
    far = np.array([d for _, d in nearest.values()])
    if (far <= _SAME).mean() >= 0.8 and (len(far) >= 3 or far.max() <= _EXACT):
        told = {c: n for c, (n, d) in nearest.items() if d <= _NEAR}
        return Verdict(source, "classes", told, by_color=True)
    if (
        legend.embedded
        and not _is_ramp([colors[c] for c in sorted(colors)])
        and _unlike(own, colors)
    ):
        return Verdict(source, "something else", by_color=True)
    return Verdict(source)


def _distance(color: RGB, number: int) -> float:
    return min(float(np.linalg.norm(np.subtract(color, p[number - 1]))) for p in _PALETTES)


def _nearest(color: RGB) -> tuple[int, float]:
    """The class whose colour is nearest, and how far it is."""
    distances = [_distance(color, c.number) for c in CLASSES]
    return int(np.argmin(distances)) + 1, min(distances)


def _is_ramp(colors: Sequence[RGB]) -> bool:
    """Whether colours go smoothly from one end to the other, as ramps and rainbows over codes do."""
    if len(colors) < 5:
        return False
    points = np.asarray(colors, float)
    steps = [np.linalg.norm(a - b) for a, b in pairwise(points)]
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(np.mean(steps)) < 0.5 * float(apart[np.triu_indices(len(points), 1)].mean())


def _unlike(numbering: Mapping[int, int], colors: Mapping[int, RGB]) -> bool:
    """Whether colours are against the classes: green or blue towns, trees and water of another hue."""
    built, natural = [], []
    for code, number in numbering.items():
        green, blue = _hue_is(colors[code], 75, 170), _hue_is(colors[code], 170, 265)
        if number <= 10:
            built.append(green or blue)
        elif CLASSES[number - 1].code in "AB":
            natural.append(not green)
        elif CLASSES[number - 1].code == "G":
            natural.append(not blue)
    return (len(built) > 1 and np.mean(built) >= 0.5) or (bool(natural) and np.mean(natural) >= 0.5)


def _hue_is(color: RGB, low: float, high: float) -> bool:
    hue, _, saturation = colorsys.rgb_to_hls(*(v / 255 for v in color))
    return saturation > 0.15 and max(color) - min(color) > 20 and low <= 360 * hue <= high
