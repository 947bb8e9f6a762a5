"""What a zone looks like: in words, in published numbers, and as a section drawn from them."""

from __future__ import annotations

from functools import cache
from html import escape

import numpy as np

from lczlib.analysis.heat.morphology import PARAMETERS, morphology_table
from lczlib.classes import CLASSES
from lczlib.texts import ENGLISH, N_, in_language, language, text

from .words import zone_label, zone_name

WORDS = {
    "1": N_(
        "Towers of ten storeys and more, wall to wall, with hardly a tree; the sky is a strip."
    ),
    "2": N_(
        "Blocks of three to nine storeys that close the street on both sides: most old city centres."
    ),
    "3": N_("Houses of one to three storeys with narrow lanes or yards between, few plants."),
    "4": N_("Towers standing apart on lawns and among trees: housing estates with lifts."),
    "5": N_("Blocks of three to nine storeys standing apart, with lawns and trees between."),
    "6": N_("Detached and terraced houses of one to three storeys with gardens: the green suburb."),
    "7": N_("One-storey huts of light material (wood, sheet metal), packed on beaten ground."),
    "8": N_("Halls, warehouses and shopping centres, low and wide, on asphalt."),
    "9": N_("Single houses or farms scattered in open country."),
    "10": N_("Works with tanks, stacks and halls of metal and concrete, on paved or bare ground."),
    "A": N_("A closed wood or a dense park: crowns touch and the ground is shaded."),
    "B": N_("Trees with gaps between, on grass: parks, orchards, savanna."),
    "C": N_("Bushes and low woody plants, on grass or bare ground."),
    "D": N_(
        "Grass, crops and other low plants with few or no trees: the usual reference of heat islands."
    ),
    "E": N_("Bare rock, or ground that is paved through: a large car park, an airfield, a quarry."),
    "F": N_("Soil or sand without plants: a ploughed field, a building site, a desert, a beach."),
    "G": N_("Open water: lakes, rivers, the sea, large ponds."),
}
"""Own descriptions, after the definitions of Stewart & Oke (2012)."""

_SHOWN = {
    "sky_view_factor": N_("sky view factor"), "aspect_ratio": N_("height to width"), "height": N_("height"),
    "building_fraction": N_("under buildings"), "impervious_fraction": N_("paved or rock"),
    "pervious_fraction": N_("soil, plants, water"), "albedo": N_("albedo"),
}  # fmt: skip
_WIDE, _SKY, _GROUND = 200.0, 52.0, 8.0  # metres drawn
_GREEN, _WOOD, _WALL, _PAVED, _BARE, _WATER = (
    "#4d9a4a", "#7a5a3a", "#9aa3ad", "#8b8f94", "#d8c48a", "#4f86d9",
)  # fmt: skip


def describe(number: int) -> str:
    """Words, section and numbers of a class, as markup."""
    return _described(number, language())


@cache
def _described(number: int, code: str) -> str:
    """The same in the language at hand, which it is kept by."""
    c = CLASSES[number - 1]
    row = morphology_table().loc[number]
    numbers = "".join(
        f"<dt>{text(label)}</dt><dd>{_range(row, name)}</dd>" for name, label in _SHOWN.items()
    )
    return (
        f'<div class="lcz-class">{section(number, code)}<div><p>{escape(text(WORDS[c.code]))}</p>'
        f"<dl>{numbers}</dl></div></div>"
    )


def all_classes(colors: tuple[str, ...]) -> str:
    """All 17 classes, each to open."""
    items = "".join(
        f'<details class="lcz-zone"><summary><span class="swatch" style="background:{color}">'
        f"</span><b>{c.code}</b> {zone_name(c)}</summary>{describe(c.number)}</details>"
        for c, color in zip(CLASSES, colors, strict=True)
    )
    source = text(
        "Ranges after Stewart and Oke (2012), tables 3 and 4; the sections are drawn from them, 200 m wide."
    )
    return f"{items}<p>{source}</p>"


def _range(row: object, name: str) -> str:
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    unit = PARAMETERS[name][0].replace("1", "")
    unit = f" {unit}" if unit else ""
    if np.isnan(low):
        return "–"
    if np.isinf(high):
        return text("from {low}").format(low=f"{low:g}{unit}")
    if high > low:
        return text("{low} to {high}").format(low=f"{low:g}", high=f"{high:g}{unit}")
    return f"{low:g}{unit}"


@cache
def section(number: int, code: str = ENGLISH) -> str:
    """A section through a class, as SVG: heights, widths and gaps from the published ranges.

    Its name, for a screen reader, is in the language of a code.
    """
    c = CLASSES[number - 1]
    row = morphology_table().loc[number]
    parts = [_ground(c.code)]
    if c.built:
        parts += _built(row, c.code)
    elif c.code in "ABC":
        parts += _plants(row)
    elif c.code == "D":
        parts += [_tuft(x, _middle(row, "height")) for x in np.arange(2.0, _WIDE, 3.0)]
    height = _SKY + _GROUND
    with in_language(code):
        name = text("Section through {zone}").format(zone=zone_label(c))
    return (
        f'<svg viewBox="0 {-_SKY:g} {_WIDE:g} {height:g}" role="img" '
        f'aria-label="{escape(name)}">'
        f'<rect x="0" y="{-_SKY:g}" width="{_WIDE:g}" height="{_SKY:g}" fill="#dcebf7"/>'
        f"{''.join(parts)}</svg>"
    )


def _middle(row: object, name: str) -> float:
    """The middle of a range; where it is open above, a half more than its lower end."""
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    return 1.5 * low if np.isinf(high) else (low + high) / 2


def _heights(row: object, n: int) -> list[float]:
    """Heights spread over the range, in an order that looks like a street."""
    low, high = row["height_min"], row["height_max"]
    high = 1.8 * low if np.isinf(high) else high
    spread = low + (high - low) * np.array([0.5, 0.9, 0.3, 0.7, 0.1])
    return [float(spread[i % 5]) for i in range(n)]


def _built(row: object, code: str) -> list[str]:
    gap = _middle(row, "height") / _middle(row, "aspect_ratio")
    share = _middle(row, "building_fraction") / 100
    wide = gap * share / (1 - share)
    n = max(1, round(_WIDE / (gap + wide)))
    step = _WIDE / n
    trees = _middle(row, "pervious_fraction") >= 30 and code != "10"
    out = []
    for i, height in enumerate(_heights(row, n)):
        left = (i + 0.5) * step - wide / 2
        out.append(_box(left, height, wide, _WALL))
        if code == "10" and i % 2 == 0:  # a stack marks works
            out.append(_box(left + 0.75 * wide, 2.2 * height, 2.0, _WALL))
        if trees and gap > 6:
            out += [_tree((i + 1) * step + d, min(8.0, 0.6 * gap)) for d in _spots(gap)]
    return out


def _spots(gap: float) -> list[float]:
    return [0.0] if gap < 18 else [-gap / 5, gap / 5]


def _plants(row: object) -> list[str]:
    height = _middle(row, "height")
    step = max(height / _middle(row, "aspect_ratio"), 0.7 * height)
    heights = _heights(row, round(_WIDE / step))
    return [_tree((i + 0.5) * step, max(h, 0.8 * height)) for i, h in enumerate(heights)]


def _ground(code: str) -> str:
    kind = {"E": _PAVED, "F": _BARE, "G": _WATER, "7": _BARE, "10": _BARE}.get(code, "")
    row = morphology_table().loc[next(c.number for c in CLASSES if c.code == code)]
    green = _middle(row, "pervious_fraction") >= 30
    color = kind or (_GREEN if green else _PAVED)
    return f'<rect x="0" y="0" width="{_WIDE:g}" height="{_GROUND:g}" fill="{color}"/>'


def _box(left: float, height: float, wide: float, color: str) -> str:
    return (
        f'<rect x="{left:.1f}" y="{-height:.1f}" width="{wide:.1f}" height="{height:.1f}" '
        f'fill="{color}" stroke="#4b5563" stroke-width=".5"/>'
    )


def _tree(x: float, height: float) -> str:
    crown = 0.36 * height
    return (
        f'<rect x="{x - 0.04 * height:.1f}" y="{-0.4 * height:.1f}" width="{0.08 * height:.1f}" '
        f'height="{0.4 * height:.1f}" fill="{_WOOD}"/>'
        f'<ellipse cx="{x:.1f}" cy="{-0.64 * height:.1f}" rx="{crown:.1f}" ry="{crown:.1f}" '
        f'fill="{_GREEN}" stroke="#2f6b2d" stroke-width=".4"/>'
    )


def _tuft(x: float, height: float) -> str:
    return f'<rect x="{x:.1f}" y="{-height:.1f}" width="1" height="{height:.1f}" fill="#2f6b2d"/>'
