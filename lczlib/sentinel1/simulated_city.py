"""A simulated city as the radar delivers it: a Sentinel-1 product, its orbit file and an elevation model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.interpolate import LinearNDInterpolator

from lczlib.errors import InputError
from lczlib.export import write_raster
from lczlib.grid import geobox_of, on_grid
from lczlib.scenes.simulation import DemoCity
from lczlib.scenes.simulation.radar import INCIDENCE, NOISE_FLOOR, Power
from lczlib.sentinel1.geocode import to_degrees
from lczlib.sentinel1.product import LIGHT
from lczlib.sentinel1.simulated import (
    INTERVAL,
    LINES,
    OVERLAP,
    RATE,
    TIME,
    Layout,
    View,
    late,
    speckle,
    write_eof,
    write_safe,
)

_EVERY = 4
"""Pixels of the map between the places that are looked up exactly; between them it is linear."""
_MARGIN = 8
_DEM_MARGIN = 4  # cells
_GAIN = 300.0
_GROUND = LIGHT / 2 / RATE / np.sin(np.radians(INCIDENCE))  # m of a sample on flat ground
_ALONG = 14.0  # m of a line


@dataclass(frozen=True)
class SimulatedPass:
    """What a pass over a simulated city left.

    Attributes
    ----------
    product, orbit, dem : Path
        The SAFE folder, the orbit file, the elevation model; its heights count from the ellipsoid.
    """

    product: Path
    orbit: Path
    dem: Path


def write_slc(
    city: DemoCity, folder: str | Path, *, orbit: str = "ascending", power: Power | None = None
) -> SimulatedPass:
    """Write a city as an SLC product in radar geometry, with bursts, three swaths and fresh speckle.

    The backscatter is the city's Lee-filtered covariance of that orbit, seen along its lines of sight over its
    own terrain. The product's geometry is of an ascending pass whichever orbit the backscatter is of.

    Parameters
    ----------
    city : DemoCity
        Of `lczlib.scenes.simulation.simulate_city`.
    folder : path
        In which the three are written.
    orbit : str
        ``ascending`` or ``descending``: which of the city's radar images.
    power : Power, optional
        What that image was drawn from, ``lczlib.scenes.simulation.radar.backscatter``, where it is at hand. By
        default the filtered covariance stands for it, in which the filter has blurred what a network reads of
        single pixels.

    Returns
    -------
    SimulatedPass
        Its manifest says that it is simulated, and so does all that is made of it.

    Raises
    ------
    InputError
        If the orbit is unknown.
    """
    if orbit not in city.sentinel1:
        msg = f"The orbit {orbit!r} is unknown: choose one of {', '.join(city.sentinel1)}."
        raise InputError(msg, parameter="orbit")
    folder = Path(folder)
    scene = city.sentinel1[orbit]
    grid = geobox_of(scene, "simulated city")
    n = grid.shape[0]
    middle = to_degrees(grid, np.array([n / 2]), np.array([n / 2]))
    layout = _layout(View(float(middle[0][0]), float(middle[1][0]), INCIDENCE), n)
    values = _Seen(city, orbit, layout, power)
    heights = np.pad(city.elevation.values.astype(np.float32), _DEM_MARGIN, "edge")
    cells = geobox_of(city.elevation, "elevation").pad(_DEM_MARGIN)
    dem = write_raster(folder / "dem.tif", on_grid(heights, cells), descriptions=["elevation, m"])
    product = write_safe(folder, layout, values, simulated=True)
    return SimulatedPass(product, write_eof(folder, layout), dem)


def _layout(view: View, pixels: int) -> Layout:
    """As many bursts and samples as the city is large."""
    edge = (pixels + 2 * _MARGIN) * 10.0 * 1.25  # the flight is not along the grid
    bursts = int(np.ceil(edge / _ALONG / (LINES - OVERLAP))) + 1
    shared = 120
    samples = int(np.ceil(edge / _GROUND / 3)) + 2 * shared
    return Layout(view, bursts=bursts, samples=samples, shared=shared)


class _Seen:
    """The pixels of a product: which place of the city each shows, and its amplitude under speckle."""

    def __init__(self, city: DemoCity, orbit: str, layout: Layout, power: Power | None) -> None:
        scene = city.sentinel1[orbit]
        grid = geobox_of(scene, "simulated city")
        self._n = n = grid.shape[0]
        at = np.arange(-_MARGIN, n + _MARGIN + 1, _EVERY)
        column, row = (v.ravel() for v in np.meshgrid(at, at))
        cell = n // city.elevation.shape[0]
        i, j = (np.clip(v, 0, n - 1) // cell for v in (row, column))
        heights = city.elevation.values[i, j]
        time, distance = layout.view.seen(*to_degrees(grid, column + 0.5, row + 0.5), heights)
        time = time + late(layout, distance)
        self._place = LinearNDInterpolator(
            np.stack([(time - TIME) / INTERVAL, 2 * distance / LIGHT * RATE], 1),
            np.stack([row, column], 1),
        )
        self._vh, self._vv, self._rho = _of_scene(scene) if power is None else _of_power(power)
        self._where = cache(self._found)

    def _found(
        self, _burst: tuple[str, int], time: bytes, distance: bytes
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        line = (np.frombuffer(time) - TIME) / INTERVAL
        sample = 2 * np.frombuffer(distance) / LIGHT * RATE
        where = self._place(*np.meshgrid(line, sample, indexing="ij"))
        known = np.isfinite(where).all(-1)
        i, j = np.rint(np.where(known[..., None], where, 0)).astype(int).transpose(2, 0, 1)
        return known, i.clip(0, self._n - 1), j.clip(0, self._n - 1)

    def __call__(
        self, swath: str, burst: int, polarisation: str, time: np.ndarray, distance: np.ndarray
    ) -> np.ndarray:
        known, i, j = self._where((swath, burst), time.tobytes(), distance.tobytes())
        first = speckle(time, known.shape, f"{swath} first")
        if polarisation == "VV":
            amplitude = self._vv[i, j] * first
        else:
            second, rho = speckle(time, known.shape, f"{swath} second"), self._rho[i, j]
            amplitude = self._vh[i, j] * (
                np.conj(rho) * first + np.sqrt(1 - np.abs(rho) ** 2) * second
            )
        return np.where(known, _GAIN * amplitude, 0)


def _of_power(power: Power) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitudes of VH and VV, and how far they go together."""
    vh, vv = (np.sqrt(of + NOISE_FLOOR) for of in (power.vh, power.vv))
    return vh, vv, power.correlation


def _of_scene(scene: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of a filtered covariance."""
    vh, vv = (np.sqrt(scene[name].values) for name in ("C11", "C22"))
    cross = scene["C12_re"].values + 1j * scene["C12_im"].values  # <VH VV*>
    # filtered elements need not be a covariance to the last digit
    scale = np.minimum(1.0, 0.999 * vh * vv / np.maximum(np.abs(cross), 1e-12))
    return vh, vv, np.conj(cross * scale) / np.maximum(vh * vv, 1e-12)
