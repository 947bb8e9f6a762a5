"""How each Local Climate Zone is built: lots, buildings, heights, streets and open ground.

The numbers are chosen so that building share, impervious and pervious share and height fall into
the ranges of Stewart & Oke (2012, doi 10.1175/BAMS-D-11-00019.1, table 3), repeated in `RANGES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

RANGES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "1": ((40, 60), (25, 200)),
    "2": ((40, 70), (10, 25)),
    "3": ((40, 70), (3, 10)),
    "4": ((20, 40), (25, 200)),
    "5": ((20, 40), (10, 25)),
    "6": ((20, 40), (3, 10)),
    "7": ((60, 90), (2, 4)),
    "8": ((30, 50), (3, 10)),
    "9": ((10, 20), (3, 10)),
    "10": ((20, 30), (5, 15)),
}
"""Building surface share in percent and height of roughness elements in metres, built zones."""


@dataclass(frozen=True)
class Morphology:
    """Plan of one zone.

    Attributes
    ----------
    lot : (float, float)
        Spacing of buildings along and across the street, metres.
    house : (float, float)
        Footprint in the middle of the lot, metres.
    wing : float
        Depth of the building around a courtyard; 0 is a solid block.
    built : float
        Share of lots that hold a building.
    height : (float, float)
        Lowest and highest building, metres.
    street : (int, int, float)
        A street after so many lots along and across, and its width in metres.
    bend : float
        How far streets wander from a straight grid, metres.
    trees : float
        Share of the open ground under crowns.
    paved : float
        Share of the rest of it that is sealed.
    bare : float
        Share of what then remains that is bare soil; the other is grass.
    roofs : dict
        Relative frequency of roof materials.
    """

    lot: tuple[float, float] = (200.0, 200.0)
    house: tuple[float, float] = (16.0, 14.0)
    wing: float = 0.0
    built: float = 0.0
    height: tuple[float, float] = (3.0, 6.0)
    street: tuple[int, int, float] = (1, 1, 0.0)
    bend: float = 0.0
    trees: float = 0.0
    paved: float = 0.0
    bare: float = 0.0
    roofs: dict[str, float] = field(default_factory=lambda: {"roof_tile": 1.0})


_TOWN = {"roof_tile": 4, "roof_bitumen": 3, "roof_gravel": 1.5, "roof_metal": 0.25}
_FLAT = {"roof_bitumen": 3, "roof_gravel": 4, "roof_concrete": 2.0, "roof_metal": 0.4}
_HALL = {"roof_metal": 3, "roof_gravel": 3, "roof_bitumen": 2.5, "roof_concrete": 1.5}

MORPHOLOGY: dict[str, Morphology] = {
    "1": Morphology(
        (58, 52), (46, 40), 0, 0.88, (28, 95), (2, 2, 16), 0, 0.12, 0.90, 0.05, _FLAT
    ),
    "2": Morphology(
        (88, 72), (74, 58), 16, 0.97, (13, 24), (1, 1, 9), 6, 0.20, 0.80, 0.05, _TOWN
    ),
    "3": Morphology(
        (13, 22), (12.6, 13), 0, 0.93, (4, 10), (9, 2, 7), 28, 0.16, 0.70, 0.10, _TOWN
    ),
    "4": Morphology(
        (78, 66), (56, 24), 0, 0.93, (27, 62), (3, 2, 12), 0, 0.34, 0.48, 0.06, _FLAT
    ),
    "5": Morphology(
        (62, 46), (46, 17), 0, 0.92, (11, 22), (4, 2, 9), 8, 0.34, 0.48, 0.05, _TOWN
    ),
    "6": Morphology(
        (22, 28), (13.5, 12.5), 0, 0.92, (4, 9), (8, 2, 7), 22, 0.36, 0.30, 0.05, _TOWN
    ),
    "7": Morphology(
        (9, 9), (8.2, 8.0), 0, 0.90, (2, 4), (7, 5, 4), 14, 0.08, 0.15, 0.80,
        {"roof_rust": 4, "roof_metal": 2, "roof_concrete": 1},
    ),
    "8": Morphology(
        (125, 90), (88, 54), 0, 0.90, (5, 10), (2, 2, 12), 0, 0.06, 0.86, 0.15, _HALL
    ),
    "9": Morphology((44, 46), (19, 17), 0, 0.85, (4, 8), (9, 4, 5), 40, 0.32, 0.10, 0.06, _TOWN),
    "10": Morphology(
        (84, 62), (44, 34), 0, 0.88, (6, 15), (3, 3, 10), 0, 0.06, 0.50, 0.65,
        {"roof_metal": 3, "roof_rust": 3.5, "roof_gravel": 2, "roof_bitumen": 2},
    ),
    "A": Morphology(trees=0.95, bare=0.1),
    "B": Morphology(built=0.08, trees=0.34, paved=0.04, bare=0.05),
    "C": Morphology(trees=0.04, bare=0.25),
    "D": Morphology(trees=0.01),
    "E": Morphology(built=0.10, house=(40, 25), height=(4, 8), paved=0.95, bare=0.6, trees=0.01),
    "F": Morphology(trees=0.02, bare=0.94),
    "G": Morphology(),
}  # fmt: skip
"""Keyed by the zone's code."""
