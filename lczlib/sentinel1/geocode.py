"""From radar geometry onto a map: backward range-Doppler, each pixel of the map looked up in the image.

Of every pixel the place on the ellipsoid and its height give a point in space; the orbit gives the time
at which the radar saw it at right angles and the distance, which are the image's line and sample. The
nearest one is taken: complex values must not be interpolated, since the phase of neighbouring pixels of
TOPS bursts turns several times between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer

from lczlib.longitudes import Box, middle_of, utm_of
from lczlib.sentinel1.deburst import Deburst, Window
from lczlib.sentinel1.detected import Detected
from lczlib.sentinel1.orbit import Orbit
from lczlib.sentinel1.product import LIGHT
from lczlib.sentinel1.terrain import Layer, undulation

PIXEL = 10.0
"""m, as of Sentinel-2's finest bands."""
_AXIS, _SQUARED = 6_378_137.0, 6.694379990141316e-3  # WGS 84: semi-major axis, first eccentricity
_OUTLINE = 33  # points along a side of the region
_REACH = 600  # pixels: how far a mountain is looked for that hides or overlays a pixel


def grid_of(box: Box, pixel: float = PIXEL) -> GeoBox:
    """The grid of a region: the UTM zone of its middle, corners on whole pixels.

    Parameters
    ----------
    box : tuple
        West, south, east, north in degrees; west above east across 180.
    pixel : float
        m.
    """
    west, south, east, north = box
    east += 360 * (east < west)
    crs = utm_of(*middle_of(box))
    side = np.linspace(0, 1, _OUTLINE)
    longitude = west + (east - west) * np.r_[side, 1 + 0 * side, side, 0 * side]
    latitude = south + (north - south) * np.r_[0 * side, side, 1 + 0 * side, side]
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(longitude, latitude)
    left, right = (math.floor(min(x) / pixel) * pixel, math.ceil(max(x) / pixel) * pixel)
    bottom, top = (math.floor(min(y) / pixel) * pixel, math.ceil(max(y) / pixel) * pixel)
    return GeoBox.from_bbox((left, bottom, right, top), crs, resolution=pixel, tight=True)


def outline(grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes around a grid."""
    rows, columns = grid.shape
    side = np.linspace(0, 1, _OUTLINE)
    column = np.r_[side, 1 + 0 * side, side, 0 * side] * columns
    row = np.r_[0 * side, side, 1 + 0 * side, side] * rows
    return to_degrees(grid, column, row)


def to_degrees(grid: GeoBox, column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of places of a grid, in pixels from its corner."""
    x, y = grid.affine * (column, row)
    found = Transformer.from_crs(CRS(str(grid.crs)), 4326, always_xy=True).transform(x, y)
    return np.asarray(found[0]), np.asarray(found[1])


def to_space(
    longitude: np.ndarray, latitude: np.ndarray, height: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Earth-fixed positions (3, ...) in m and the ellipsoid's normals (3, ...) of places on WGS 84."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    normal = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    radius = _AXIS / np.sqrt(1 - _SQUARED * np.sin(lat) ** 2)
    position = (radius + height) * normal
    position[2] -= _SQUARED * radius * np.sin(lat)
    return position, normal


@dataclass(frozen=True, eq=False)
class Located:
    """Pixels of a map, looked up.

    Attributes
    ----------
    line, sample : array (rows, columns)
        In pixels of the image.
    height : array (rows, columns)
        m above the ellipsoid.
    incidence : array (rows, columns)
        To the ellipsoid's normal, degrees.
    """

    line: np.ndarray
    sample: np.ndarray
    height: np.ndarray
    incidence: np.ndarray

    def nearest(self, image: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nearest line and sample, and whether they lie in the image."""
        line = np.floor(self.line + 0.5).astype(np.int64)
        sample = np.floor(self.sample + 0.5).astype(np.int64)
        inside = (
            (line >= image.top)
            & (line < image.bottom)
            & (sample >= image.left)
            & (sample < image.right)
        )
        return line, sample, inside


class Geocoder:
    """Looks a map's pixels up in an image.

    Parameters
    ----------
    grid : GeoBox
        Of the map, north up, in a projection.
    image : Deburst or Detected
    orbit : Orbit
    dem : Layer
        Heights.
    geoid : Layer or None
        What they count from; None for the ellipsoid.
    """

    def __init__(
        self, grid: GeoBox, image: Deburst | Detected, orbit: Orbit, dem: Layer, geoid: Layer | None
    ) -> None:
        self.grid, self.image, self.orbit, self.dem = grid, image, orbit, dem
        self.geoid = geoid
        self._to_dem = Transformer.from_crs(4326, dem.crs, always_xy=True)
        late, slope = image.azimuth_shift
        per_line = 1 / image.line_interval
        self._to_image = np.array(
            [
                (orbit.middle + late - image.time) * per_line,
                orbit.scale * per_line,
                slope * 2 / LIGHT * per_line,
                image.slant_range_time * LIGHT / 2,
                image.sample_rate * 2 / LIGHT,
            ]
        )

    def locate(self, row: int, column: int, rows: int, columns: int) -> Located:
        """Look a window of the map up.

        Parameters
        ----------
        row, column : int
            Of its first pixel; may lie beyond the map. Windows that begin at multiples of 16 agree to
            the last bit.
        rows, columns : int
            Its size.
        """
        found = self._seen(row, column, rows, columns)
        self.image.placed(found.line, found.sample)
        return found

    def _seen(self, row: int, column: int, rows: int, columns: int) -> Located:
        """As `locate`, in samples of slant range."""
        from lczlib.sentinel1.kernels import locate

        nodes = self._nodes(row, column, rows, columns)
        found = [np.empty((rows, columns)) for _ in range(4)]
        locate(nodes, self.dem.values, self.orbit.coefficients, self._to_image, *found)
        return Located(*found)

    def _nodes(self, row: int, column: int, rows: int, columns: int) -> np.ndarray:
        from lczlib.sentinel1.kernels import STEP, zero_doppler

        i = row + STEP * np.arange(rows // STEP + 2)
        j = column + STEP * np.arange(columns // STEP + 2)
        middle = np.meshgrid(j + 0.5, i + 0.5)
        longitude, latitude = to_degrees(self.grid, *middle)
        position, normal = to_space(longitude, latitude)
        time, distance = np.empty(longitude.shape), np.empty(longitude.shape)
        spare = np.empty((3, 3))
        for k in np.ndindex(*time.shape):
            place = position[(slice(None), *k)]
            time[k], distance[k] = zero_doppler(self.orbit.coefficients, *place, 0.0, spare)
        x, y = self._to_dem.transform(longitude, latitude)
        to_dem = self.dem.place(np.asarray(x), np.asarray(y))
        rest = [time, *to_dem, undulation(self.geoid, longitude, latitude), distance]
        return np.concatenate([position, normal, np.stack(rest)])

    def hidden(self, row: int, column: int, rows: int, columns: int) -> np.ndarray:
        """Layover (1) and shadow (2) in a window of the map, (rows, columns) uint8.

        A pixel is laid over where another one of its line of sight has the same range, and in shadow
        where one nearer to the radar hides it; mountains are looked for up to 6 km away.
        """
        from lczlib.sentinel1.kernels import STEP, hidden

        own = self._seen(row, column, rows, columns)
        relief = float(self.dem.values.max() - self.dem.values.min())
        angle = np.radians(own.incidence)
        reach = relief * max(np.tan(angle).max(), 1 / np.tan(angle).min())
        halo = min(_REACH, math.ceil(reach / abs(self.grid.affine.a)) + 2)
        halo += -halo % STEP
        around = self._seen(row - halo, column - halo, rows + 2 * halo, columns + 2 * halo)
        down, right = np.gradient(self._nodes(row, column, rows, columns)[-1])
        away = np.array([right.mean(), down.mean()])  # where the range grows fastest
        out = np.empty((rows, columns), np.uint8)
        hidden(
            around.height, own.incidence, away / np.hypot(*away), halo, abs(self.grid.affine.a), out
        )
        return out

    def radar_window(self, found: Located, halo: int) -> Window | None:
        """The part of the image that a window of the map takes, with a halo; None where it takes none."""
        line, sample, inside = found.nearest(self.image.whole)
        if not inside.any():
            return None
        return Window(
            int(line[inside].min()), int(sample[inside].min()), int(line[inside].max()) + 1,
            int(sample[inside].max()) + 1,
        ).wider(halo)  # fmt: skip
