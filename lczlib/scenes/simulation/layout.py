"""The street plan: districts, river, rail, roads and terrain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from lczlib.classes import CLASSES
from lczlib.scenes.simulation.districts import BY_CODE, Districts, field_at
from lczlib.scenes.simulation.fields import PIXEL, smooth_field

CELL_PIXELS = 10


@dataclass(frozen=True)
class Layout:
    """The plan of a city of ``n`` x ``n`` pixels.

    Attributes
    ----------
    zone : array (n, n), uint8
        Local Climate Zone of the ground at each pixel, 1..17.
    district : array (n, n), int32
        Number of the district a pixel lies in.
    district_lcz : array (k,), uint8
        Zone of each district.
    district_angle : array (k,), float32
        Direction of its streets, radians.
    river, road, rail : array (n, n), float32
        Share of the pixel under water of the river, a main road, the railway.
    elevation : array (n, n), float32
        Metres above the sea.
    """

    zone: np.ndarray
    district: np.ndarray
    district_lcz: np.ndarray
    district_angle: np.ndarray
    river: np.ndarray
    road: np.ndarray
    rail: np.ndarray
    elevation: np.ndarray

    @property
    def lcz(self) -> np.ndarray:
        """The zone that covers most of each 100 m cell, uint8; the lower number wins a tie."""
        rows, cols = (n // CELL_PIXELS for n in self.zone.shape)
        cells = self.zone.reshape(rows, CELL_PIXELS, cols, CELL_PIXELS)
        counts = np.stack([(cells == c.number).sum((1, 3)) for c in CLASSES])
        return (counts.argmax(0) + 1).astype(np.uint8)


def draw_layout(rng: np.random.Generator, n: int) -> Layout:
    """Draw the plan of a city that fills ``n`` x ``n`` pixels of 10 m.

    A core grew beside a river; rings of compact, then open building surround it; a railway carries
    the large low-rise and industry; quarters with a site of their own (further centres, estates,
    parks, lakes, quarries, informal settlements) are set into that. Distances scale with the size
    of the scene.
    """
    size = n * PIXEL
    axis = (np.arange(n, dtype=np.float32) + 0.5) * PIXEL - size / 2
    x, y = np.meshgrid(axis, axis)
    turn = rng.uniform(0, 2 * np.pi)
    river_line = _Line(rng, turn, offset=0.055 * size, bend=0.05 * size, length=size)
    rail_line = _Line(
        rng, turn + rng.uniform(0.7, 1.2), offset=-0.07 * size, bend=0.02 * size, length=size
    )

    elevation = _terrain(rng, n, x, y, size, river_line)
    districts = Districts(rng, size)
    sites = districts.sites
    lcz = districts.zones(rng, river_line.distance(*sites.T), rail_line.distance(*sites.T))

    radius = np.hypot(x, y) / size
    wobble = 15 + 110 * np.clip(radius / 0.35 - 0.5, 0, 1)  # country borders bend, city ones do not
    points = np.stack(
        [
            x + wobble * smooth_field(rng, n, 350),
            y + wobble * smooth_field(rng, n, 350),
        ],
        axis=-1,
    )
    near, district = cKDTree(sites).query(points.reshape(-1, 2), k=2, workers=-1)
    district = district[:, 0].reshape(n, n).astype(np.int32)
    near = near.astype(np.float32)
    to_border = ((near[:, 1] - near[:, 0]) / 2).reshape(n, n)

    zone = lcz[district]
    built = (zone <= 10) | (zone == BY_CODE["B"])
    half_river = max(65.0, 0.0075 * size)
    river = _band(river_line.distance(x, y), half_river * (1 + 0.12 * smooth_field(rng, n, 1500)))
    rail = _band(rail_line.distance(x, y), 11.0) * (river < 0.5)
    radial, ring = _arterials(rng, x, y, size, smooth_field(rng, n, 2500))
    angle_to_river = np.arctan2(y, x) - river_line.heading(x, y)
    on_land = river < 0.01
    radial *= on_land | (np.abs(np.sin(angle_to_river)) > 0.7)  # no bridge runs along a river
    ring *= on_land | (np.abs(np.cos(angle_to_river)) > 0.7)
    arterials = np.maximum(radial, ring)
    streets = _band(to_border, 4.0) * built * on_land  # only arterials have bridges
    road = np.maximum(streets, arterials * (zone != BY_CODE["G"]))
    zone = np.where(river > 0.5, np.uint8(BY_CODE["G"]), zone)
    river = river * (1 - road)
    angle = _street_angles(rng, sites, size)
    return Layout(zone, district, lcz, angle, river, road, rail, elevation)


class _Line:
    """A gently bending line across the scene: the river's axis, the railway."""

    def __init__(
        self, rng: np.random.Generator, turn: float, offset: float, bend: float, length: float
    ) -> None:
        self.turn, self.offset = turn, offset
        self.bends = [
            (bend / k, 2 * np.pi * k * rng.uniform(0.7, 1.2) / length, rng.uniform(0, 2 * np.pi))
            for k in (1, 2, 4)
        ]

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Distance in metres, exact to second order in the bend."""
        offset, slope = self._offset(x, y)
        return np.abs(offset) / np.sqrt(1 + slope**2)

    def heading(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Direction of the line beside a point, radians from east towards south."""
        return np.float32(self.turn) + np.arctan(self._offset(x, y)[1])

    def _offset(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far a point lies across the line's mean direction, and the slope of the line there."""
        along = x * np.float32(np.cos(self.turn)) + y * np.float32(np.sin(self.turn))
        across = y * np.float32(np.cos(self.turn)) - x * np.float32(np.sin(self.turn))
        line, slope = np.float32(self.offset), np.float32(0)
        for size, rate, phase in self.bends:
            line = line + np.float32(size) * np.sin(np.float32(rate) * along + np.float32(phase))
            slope = slope + np.float32(size * rate) * np.cos(
                np.float32(rate) * along + np.float32(phase)
            )
        return across - line, slope


def _band(distance: np.ndarray, half_width: np.ndarray | float) -> np.ndarray:
    """Share of a pixel under a band around a line, from the distance of its centre."""
    return np.clip((half_width - distance) / PIXEL + 0.5, 0, min(1, 2 * np.max(half_width) / PIXEL))


def _terrain(
    rng: np.random.Generator, n: int, x: np.ndarray, y: np.ndarray, size: float, river: _Line
) -> np.ndarray:
    """Hills rising to one side, rolling ground, and the valley of the river."""
    side = rng.uniform(0, 2 * np.pi)
    ahead = (x * np.cos(side) + y * np.sin(side)) / size
    hills = np.clip(ahead - 0.1, 0, None) ** 1.5 * 550
    rolling = 12 * smooth_field(rng, n, 2500) + 3 * smooth_field(rng, n, 600)
    roughness = 1 + 4 * np.clip(ahead, 0, None)
    valley = 1 - 0.85 * np.exp(-((river.distance(x, y) / (0.06 * size)) ** 2))
    return (40 + valley * (20 + hills + rolling * roughness)).astype(np.float32)


def _street_angles(rng: np.random.Generator, sites: np.ndarray, size: float) -> np.ndarray:
    """Street directions: neighbouring districts share them roughly, far ones do not."""
    angle = 0.6 * field_at(rng, sites, size) + rng.normal(0, 0.12, len(sites))
    return angle.astype(np.float32)


def _arterials(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    size: float,
    bend: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Radial roads out of the core and one ring motorway."""
    radius = np.hypot(x, y)
    theta = np.arctan2(y, x) + 0.12 * bend
    count = 6
    first = rng.uniform(0, 2 * np.pi / count)
    gap = (theta - first) % (2 * np.pi / count)
    off = np.minimum(gap, 2 * np.pi / count - gap) * radius
    radial = _band(off, 9.0) * (radius > 0.03 * size)
    ring = _band(np.abs(radius - 0.27 * size * (1 + 0.05 * bend)), 13.0)
    return radial, ring
