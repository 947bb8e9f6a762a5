"""The districts of a city and their Local Climate Zone: rings around a core, then quarters with a site of their own.

Every zone lies in several places apart, as the intervals of accuracies and heat islands need it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from lczlib.classes import CLASSES

BY_CODE = {c.code: c.number for c in CLASSES}
_EDGE_OF_SUBURBS = 0.37
"""Distance from the core, in edges of the scene."""
_ROOM_FOR_ALL = 8_000.0
"""Edge in m of the smallest scene that has all quarters."""
_LEAST, _LEAST_OF = 4, 50
"""Districts in a quarter, so that it has an inside; fewer where the scene has not 50 for each of them."""
_RINGS = ((0.13, "3"), (0.36, "2"), (0.52, "5"), (0.97, "6"), (1.15, "9"), (np.inf, "D"))
"""Outer edge of each ring, 1 at the edge of the suburbs, and its zone."""


@dataclass(frozen=True)
class _Quarters:
    """Places of one zone that lie apart.

    Attributes
    ----------
    zone : str
        Code of the zone.
    count : int
        How many there are.
    share : float
        Of all districts, in each.
    level : float
        Where they like to be: 0 at the core, 1 at the edge of the suburbs.
    chance : float
        How much chance weighs against that.
    beside : {"", "rail", "river"}
        What else they like to be near.
    ring : str
        Code of a zone that surrounds each, with `ring_share` of the districts.
    """

    zone: str
    count: int
    share: float
    level: float
    chance: float = 0.5
    beside: str = ""
    ring: str = ""
    ring_share: float = 0.0


_PLAN = (
    _Quarters("1", 3, 0.0075, 0.62, 0.15, ring="2", ring_share=0.0075),  # centres beside the core
    _Quarters("10", 2, 0.009, 0.85, 0.3, "rail"),
    _Quarters("10", 2, 0.009, 1.0, 0.3, "river"),  # ports
    _Quarters("G", 2, 0.0075, 1.2, 0.3, "river"),  # old arms
    _Quarters("G", 2, 0.0075, 0.95, 0.5),
    _Quarters("7", 4, 0.009, 1.02, 0.3),
    _Quarters("E", 2, 0.008, 0.95, 0.4, "rail"),
    _Quarters("E", 2, 0.008, 1.25, 0.4),  # quarries
    _Quarters("8", 3, 0.008, 0.88, 0.3),
    _Quarters("4", 4, 0.009, 0.7, 0.3),
    _Quarters("3", 4, 0.0075, 0.66, 0.4),
    _Quarters("5", 2, 0.0075, 0.78, 0.5),
    _Quarters("B", 4, 0.0095, 0.55, 0.8),
    _Quarters("A", 1, 0.012, 0.75, 0.5),
    _Quarters("F", 4, 0.0085, 1.25, 0.4),
    _Quarters("C", 4, 0.0105, 1.5, 0.5),
)
"""In the order in which they choose their site."""


class Districts:
    """Districts of a city that is drawn.

    Parameters
    ----------
    rng : Generator
        Of all that is drawn.
    size : float
        Edge of the scene, m.

    Attributes
    ----------
    sites : array (n, 2)
        Their centres, x and y in m from the middle; some lie outside the scene.
    """

    def __init__(self, rng: np.random.Generator, size: float) -> None:
        self.size = size
        self.spacing = float(np.clip(size / 22, 280, 560))
        self.sites = self._draw_sites(rng)
        self._level = self._draw_level(rng)
        self._inside = (np.abs(self.sites) < size / 2).all(1)
        self._off_the_edge = (np.abs(self.sites) < size / 2 - self.spacing).all(1)
        self._taken = np.zeros(len(self.sites), bool)
        self._zone = np.zeros(len(self.sites), np.uint8)

    def zones(
        self, rng: np.random.Generator, to_river: np.ndarray, to_rail: np.ndarray
    ) -> np.ndarray:
        """Give each district its zone.

        Parameters
        ----------
        rng : Generator
            Of what chance decides.
        to_river, to_rail : array (n,)
            Distance of each district, m.

        Returns
        -------
        array (n,), uint8
        """
        self._lay_rings(rng, to_rail)
        self._taken = to_river < 0.012 * self.size
        anywhere = np.ones(len(self.sites), bool)
        self._settle(np.zeros(2), "3", self._count(0.012), anywhere)
        angle = rng.uniform(0, 2 * np.pi)
        beside = 0.085 * self.size * np.array([np.cos(angle), np.sin(angle)])
        self._settle(beside, "1", self._count(0.016), anywhere)
        near = {"": 0.0, "rail": 5 * to_rail / self.size, "river": 5 * to_river / self.size}
        off_the_river = to_river > 0.012 * self.size + 0.8 * self.spacing
        for quarters in _PLAN:
            for _ in range(self._how_many(quarters)):
                chance = quarters.chance * rng.random(len(self.sites))
                cost = np.abs(self._level - quarters.level) + near[quarters.beside] + chance
                self._place(quarters, cost, off_the_river if quarters.zone == "G" else anywhere)
        return self._zone

    def _lay_rings(self, rng: np.random.Generator, to_rail: np.ndarray) -> None:
        """What a city is without its quarters: rings, the railway's land, woods and villages."""
        level, n = self._level, len(self.sites)
        edges = [edge for edge, _ in _RINGS[:-1]]
        zone = np.array([BY_CODE[z] for _, z in _RINGS], np.uint8)[np.searchsorted(edges, level)]
        by_rail = to_rail < 0.04 * self.size
        zone[by_rail & (level > 0.42) & (level < 1.15)] = BY_CODE["8"]
        open_land = zone == BY_CODE["D"]
        woods = field_at(rng, self.sites, self.size)
        zone[open_land & (woods > 0.45)] = BY_CODE["A"]
        clearings = (woods > 0.15) & (woods <= 0.45) & (rng.random(n) < 0.45)
        zone[open_land & clearings] = BY_CODE["B"]
        zone[open_land & (rng.random(n) < 0.05)] = BY_CODE["9"]
        self._zone = zone

    def _place(self, quarters: _Quarters, cost: np.ndarray, where: np.ndarray) -> None:
        """Set one of some quarters where it costs least, has room, and is apart from its zone."""
        free = where & ~self._taken & self._inside
        count = self._count(quarters.share)
        if free.sum() < count:
            return
        room = cKDTree(self.sites[free]).query(self.sites, k=[count])[0][:, 0] / self.spacing
        fits = free & (room < 1.1 * np.sqrt(count)) & self._off_the_edge
        cost = cost + 0.3 * room
        own = self.sites[self._taken & (self._zone == BY_CODE[quarters.zone])]
        if len(own):
            apart = cKDTree(own).query(self.sites)[0]
            cost = cost - 2.5 * np.minimum(apart / self.size, 0.3)
            fits &= apart > 2.2 * self.spacing
        if fits.any():
            at = self.sites[np.where(fits, cost, np.inf).argmin()]
            self._settle(at, quarters.zone, count, free)
            if quarters.ring:
                self._settle(at, quarters.ring, self._count(quarters.ring_share), where)

    def _settle(self, at: np.ndarray, zone: str, count: int, where: np.ndarray) -> None:
        """Give a zone to the free districts nearest to a place."""
        free = np.flatnonzero(where & ~self._taken & self._inside)
        chosen = free[np.argsort(np.hypot(*(self.sites[free] - at).T))][:count]
        self._zone[chosen] = BY_CODE[zone]
        self._taken[chosen] = True

    def _count(self, share: float) -> int:
        """How many districts a share of those in the scene is, at least so many that they have an inside."""
        districts = int(self._inside.sum())
        return max(1, min(_LEAST, round(districts / _LEAST_OF)), round(share * districts))

    def _how_many(self, quarters: _Quarters) -> int:
        """How many of some quarters there are: a small city has few, so that it keeps its rings and fields."""
        return max(1, round(quarters.count * min(1.0, self.size / _ROOM_FOR_ALL) ** 2.5))

    def _draw_sites(self, rng: np.random.Generator) -> np.ndarray:
        """Centres of the districts, closer together in the middle."""
        count = int(self.size / self.spacing) + 6
        grid = (np.arange(count) - (count - 1) / 2) * self.spacing
        sites = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
        sites += rng.uniform(-0.38, 0.38, sites.shape) * self.spacing
        radius = np.hypot(*sites.T) / self.size
        sites *= (0.72 + 0.28 * np.clip(radius / 0.5, 0, 1))[:, None]
        return sites[(np.abs(sites) < self.size / 2 + self.spacing).all(1)]

    def _draw_level(self, rng: np.random.Generator) -> np.ndarray:
        """Distance from the core, 1 at the edge of the suburbs, which has lobes."""
        theta = np.arctan2(self.sites[:, 1], self.sites[:, 0])
        lobes = sum(
            rng.uniform(0.05, 0.12) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
            for k in (1, 2, 3)
        )
        level = np.hypot(*self.sites.T) / (_EDGE_OF_SUBURBS * self.size) * (1 + lobes)
        return level * (1 + 0.05 * rng.standard_normal(len(self.sites)))


def field_at(rng: np.random.Generator, sites: np.ndarray, size: float) -> np.ndarray:
    """A smooth random value at each site, of variance about 1, over a sixth of the scene."""
    waves = rng.normal(0, 2 * np.pi / (size / 3), (24, 2))
    phase = rng.uniform(0, 2 * np.pi, 24)
    return np.sqrt(2 / 24) * np.cos(sites @ waves.T + phase).sum(1)
