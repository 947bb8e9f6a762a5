"""What stands on the ground: the plan built as roofs, streets, trees, grass, soil and water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.scenes.simulation.fields import PIXEL, comb_cover, lattice_hash, smooth_field
from lczlib.scenes.simulation.layout import Layout
from lczlib.scenes.simulation.materials import NAMES, ROOFS
from lczlib.scenes.simulation.morphology import MORPHOLOGY, Morphology

_NUMBER = {c.code: c.number for c in CLASSES}


@dataclass(frozen=True)
class Fabric:
    """The surfaces of a city of ``n`` x ``n`` pixels; what the sensors see.

    Attributes
    ----------
    cover : array (cover, n, n), float32
        Share of each pixel under each cover of `materials.COVERS`; sums to 1.
    roof : array (n, n), float32
        Share under roofs.
    height : array (n, n), float32
        Height of the building in the pixel, metres; 0 where there is none.
    crown : array (n, n), float32
        Height of the trees in the pixel, metres.
    trees : array (n, n), float32
        Share under crowns.
    angle : array (n, n), float32
        Direction of facades, radians from east, towards south.
    character : array (n, n), float32
        A number 0-1 that is one throughout a building, or a parcel of open land.
    elevation : array (n, n), float32
        Metres above the sea.
    """

    cover: np.ndarray
    roof: np.ndarray
    height: np.ndarray
    crown: np.ndarray
    trees: np.ndarray
    angle: np.ndarray
    character: np.ndarray
    elevation: np.ndarray

    @property
    def land(self) -> np.ndarray:
        """Share of each pixel that is not water."""
        return 1 - self.cover[NAMES.index("water")]

    def slope(self, azimuth: float) -> np.ndarray:
        """Rise of the ground towards an azimuth, metres per metre; water lies level."""
        south, east = np.gradient(self.elevation, np.float32(PIXEL))
        a = np.deg2rad(azimuth)
        return (np.float32(np.sin(a)) * east - np.float32(np.cos(a)) * south) * self.land


def build(rng: np.random.Generator, plan: Layout) -> Fabric:
    """Build the city of a plan.

    Districts of one zone differ: spacing, footprints, heights, greenery and materials vary by some
    fifteen percent around the zone's `Morphology`, as age and wealth do in a real city.
    """
    n = plan.zone.shape[0]
    lots = _Lots(rng, plan)
    water = np.maximum(plan.river, (plan.zone == _NUMBER["G"]) * (1 - plan.road)).astype(np.float32)
    free = (1 - water) * (1 - np.maximum(plan.road, plan.rail))

    roof, street, number, height = lots.buildings()
    roof *= free
    street = street * (free - roof).clip(0)
    height = np.where(roof > 0.02, height, 0).astype(np.float32)

    ground = (free - roof - street).clip(0)
    clump = smooth_field(rng, n, 22)
    trees, crown = _trees(lots, clump, ground, street)
    street = street * (1 - 0.35 * lots.of("trees"))
    rest = (ground + street - trees - street).clip(0)

    cover = np.zeros((len(NAMES), n, n), np.float32)
    _add_roofs(cover, lots, roof, number)
    conifers = np.clip(lots.conifers + 0.25 * smooth_field(rng, n, 200), 0, 1)
    at = {name: i for i, name in enumerate(NAMES)}
    cover[at["broadleaf"]] = trees * (1 - conifers)
    cover[at["conifer"]] = trees * conifers
    cover[at["water"]] = water
    cover[at["asphalt"]] = 0.6 * plan.road * (1 - water) + street
    cover[at["concrete"]] = 0.4 * plan.road * (1 - water)  # main roads are paler than streets
    cover[at["ballast"]] = plan.rail * (1 - plan.road) * (1 - water)
    parcel = _add_ground(cover, at, lots, rest, smooth_field(rng, n, 90))
    cover /= cover.sum(0)

    character = np.where(roof > 0.3, number, parcel).astype(np.float32)
    return Fabric(cover, roof, height, crown, trees, lots.angle, character, plan.elevation)


class _Lots:
    """The lots of every district: local coordinates along and across the street, and parameters."""

    def __init__(self, rng: np.random.Generator, plan: Layout) -> None:
        self.zone, self.district = plan.zone, plan.district
        self.seed = int(rng.integers(2**31))
        n, k = plan.zone.shape[0], len(plan.district_lcz)
        self.vary = {
            name: np.exp(spread * rng.standard_normal(k)).clip(0.6, 1.6).astype(np.float32)
            for name, spread in (
                ("lot", 0.08), ("house", 0.07), ("height", 0.15), ("trees", 0.25), ("paved", 0.15),
                ("bare", 0.25),
            )
        }  # fmt: skip
        self.kind = rng.random(k, np.float32)
        self.conifers = np.clip(rng.normal(0.25, 0.25, k), 0, 1).astype(np.float32)[plan.district]
        self.roof_mix = self._roof_mix(rng, k)
        self.angle = plan.district_angle[plan.district]
        axis = np.arange(n, dtype=np.float32) * 10 + 5
        x, y = axis[None, :], axis[:, None]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        bend = self.of("bend")
        self.u = x * cos + y * sin + bend * smooth_field(rng, n, 260)
        self.v = y * cos - x * sin + bend * smooth_field(rng, n, 260)

    def of(self, name: str, item: int | None = None) -> np.ndarray:
        """A parameter of `Morphology` at each pixel, varied by district."""

        def value(m: Morphology) -> float:
            return getattr(m, name) if item is None else getattr(m, name)[item]

        table = np.zeros(N_CLASSES + 1, np.float32)
        for code, morphology in MORPHOLOGY.items():
            table[_NUMBER[code]] = value(morphology)
        out = table[self.zone]
        return out * self.vary[name][self.district] if name in self.vary else out

    def hash(self, salt: int, *indices: np.ndarray) -> np.ndarray:
        """A uniform number for each lot, by its indices."""
        return lattice_hash(self.seed + salt, self.district, *indices)

    def buildings(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Share under roofs and under streets, a number of each building, and its height."""
        lots = self.of("lot", 0), self.of("lot", 1)
        index = [np.floor(a / p) for a, p in zip((self.u, self.v), lots, strict=True)]
        number = self.hash(1, *index)
        outer, inner, street = np.float32(1), np.float32(1), np.float32(1)
        wing, width = self.of("wing"), self.of("street", 2)
        for axis, (at, lot) in enumerate(zip((self.u, self.v), lots, strict=True)):
            every = lot * self.of("street", axis).clip(1)
            street = street * (1 - comb_cover(at + every / 2, every, width))
            # No two houses are alike in size, nor stand in the middle of their lot.
            size = 0.78 + 0.44 * self.hash(5 + axis, *index)
            side = np.minimum(self.of("house", axis) * size, lot)
            at = at + 0.6 * (lot - side) * (self.hash(7 + axis, *index) - 0.5)
            outer = outer * comb_cover(at, lot, side)
            inner = inner * comb_cover(at, lot, (side - 2 * wing).clip(0))
        roof = (
            (outer - inner * (wing > 0)).clip(0)
            * (self.hash(2, *index) < self.of("built"))
            * street
        )
        low, high = self.of("height", 0), self.of("height", 1)
        return roof, 1 - street, number, low + (high - low) * number**1.5

    def _roof_mix(self, rng: np.random.Generator, k: int) -> np.ndarray:
        """Cumulative frequency of roof materials ``(zone, district, roof)``."""
        mix = np.ones((N_CLASSES + 1, k, len(ROOFS)))
        for code, morphology in MORPHOLOGY.items():
            weight = np.array([morphology.roofs.get(r, 0.05) for r in ROOFS])
            mix[_NUMBER[code]] = rng.dirichlet(4 * weight / weight.sum(), k)
        return np.cumsum(mix, -1).astype(np.float32)


def _trees(
    lots: _Lots, clump: np.ndarray, ground: np.ndarray, street: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Share under crowns, and their height: crowns stand where the clump field is highest."""
    share = np.clip(lots.of("trees"), 1e-3, 0.985)
    inside = np.clip((clump + ndtri(share)) / 0.7 + 0.5, 0, 1).astype(np.float32)
    trees = inside * (ground + 0.35 * share * street)
    scattered = np.where(share > 0.8, 17, 9).astype(np.float32)
    return trees, (scattered + 2.5 * clump).clip(3) * (trees > 0.02)


def _add_roofs(cover: np.ndarray, lots: _Lots, roof: np.ndarray, number: np.ndarray) -> None:
    choice = (number * 7919.0) % 1.0  # another uniform number of the same building
    kind = np.zeros(roof.shape, np.uint8)
    for i in range(len(ROOFS) - 1):
        kind += choice > lots.roof_mix[lots.zone, lots.district, i]
    for i in range(len(ROOFS)):
        cover[i] = roof * (kind == i)


def _add_ground(
    cover: np.ndarray, at: dict[str, int], lots: _Lots, rest: np.ndarray, patch: np.ndarray
) -> np.ndarray:
    """Share out the open ground; returns a number for each parcel of land."""
    zone = lots.zone
    paved = np.clip(lots.of("paved") + 0.10 * patch * (lots.of("paved") > 0.05), 0, 0.99) * rest
    left = rest - paved
    bare = np.clip(lots.of("bare") + 0.08 * patch * (lots.of("bare") > 0.02), 0, 0.99) * left
    green = left - bare
    kind = lots.kind[lots.district]

    quarry = (zone == _NUMBER["E"]) & (kind > 0.5)
    concrete = np.clip(0.75 * kind + 0.15 * patch, 0.05, 0.9)
    cover[at["rock"]] = paved * quarry
    cover[at["concrete"]] += paved * ~quarry * concrete
    cover[at["asphalt"]] += paved * ~quarry * (1 - concrete)
    sandy = np.where(zone == _NUMBER["F"], np.clip(2.2 * kind - 0.8 + 0.2 * patch, 0, 1), 0.15)
    cover[at["sand"]] = bare * sandy
    cover[at["soil"]] = bare * (1 - sandy)

    fields = zone == _NUMBER["D"]
    parcel = lots.hash(3, np.floor(lots.u / 310), np.floor(lots.v / 160))
    crop = lots.hash(4, np.floor(lots.u / 310), np.floor(lots.v / 160))
    margin = np.maximum(
        comb_cover(lots.u + 155, np.float32(310), np.float32(5)),
        comb_cover(lots.v + 80, np.float32(160), np.float32(4)),
    )
    shares = {"winter_crop": (0.0, 0.33), "summer_crop": (0.33, 0.55), "soil": (0.55, 0.62)}
    for name, (low, high) in shares.items():
        cover[at[name]] += green * (1 - margin) * (fields & (crop >= low) & (crop < high))
    meadow = fields & (crop >= 0.62)
    cover[at["meadow"]] = green * np.where(meadow, 1, margin * fields)
    heath = zone == _NUMBER["C"]
    scrub = np.clip(0.72 + 0.15 * patch, 0, 1) * heath
    cover[at["scrub"]] = green * scrub
    cover[at["lawn"]] = green * ~fields * (1 - scrub)
    return parcel.astype(np.float32)
