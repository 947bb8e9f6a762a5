"""The loops over pixels of geocoding, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

STEP = 16
"""Pixels between the nodes at which projections are computed; between them they are as good as linear
(half a millimetre at 10 m)."""
NORMAL, LAYOVER, SHADOW = 0, 1, 2


@njit(nogil=True, cache=True)
def _between(nodes: np.ndarray, k: int, y: int, x: int, v: float, u: float) -> float:
    above = nodes[k, y, x] * (1 - u) + nodes[k, y, x + 1] * u
    below = nodes[k, y + 1, x] * (1 - u) + nodes[k, y + 1, x + 1] * u
    return above * (1 - v) + below * v


@njit(nogil=True, cache=True)
def height_at(dem: np.ndarray, column: float, row: float) -> float:
    """Bilinear height; the outermost pixels count half a pixel beyond."""
    rows, columns = dem.shape
    column = min(max(column, 0.0), columns - 1.0)
    row = min(max(row, 0.0), rows - 1.0)
    j, i = min(int(column), columns - 2), min(int(row), rows - 2)
    u, v = column - j, row - i
    above = dem[i, j] * (1 - u) + dem[i, j + 1] * u
    below = dem[i + 1, j] * (1 - u) + dem[i + 1, j + 1] * u
    return above * (1 - v) + below * v


@njit(nogil=True, cache=True)
def _polynomial(c: np.ndarray, u: float, p: np.ndarray) -> None:
    """Position, its first and its second derivative in u, into p (3, 3)."""
    n = c.shape[0]
    for a in range(3):
        p0, p1, p2 = c[n - 1, a], 0.0, 0.0
        for k in range(n - 2, -1, -1):
            p2 = p2 * u + 2 * p1
            p1 = p1 * u + p0
            p0 = p0 * u + c[k, a]
        p[0, a], p[1, a], p[2, a] = p0, p1, p2


@njit(nogil=True, cache=True)
def zero_doppler(
    coefficients: np.ndarray, x: float, y: float, z: float, u: float, p: np.ndarray
) -> tuple[float, float]:
    """Where on the orbit, in the polynomial's own time, a place is seen at right angles; and its range.

    Newton's method on (X - S) . V = 0 from `u`.
    """
    distance = 0.0
    for _ in range(12):
        _polynomial(coefficients, u, p)
        dx, dy, dz = x - p[0, 0], y - p[0, 1], z - p[0, 2]
        f = dx * p[1, 0] + dy * p[1, 1] + dz * p[1, 2]
        slope = (
            dx * p[2, 0] + dy * p[2, 1] + dz * p[2, 2]
            - p[1, 0] ** 2 - p[1, 1] ** 2 - p[1, 2] ** 2
        )  # fmt: skip
        step = f / slope
        u -= step
        distance = np.sqrt(dx * dx + dy * dy + dz * dz)
        if abs(step) < 1e-11:
            break
    return u, distance


@njit(nogil=True, cache=True)
def locate(
    nodes: np.ndarray, dem: np.ndarray, coefficients: np.ndarray, to_image: np.ndarray,
    line: np.ndarray, sample: np.ndarray, height: np.ndarray, incidence: np.ndarray,
) -> None:  # fmt: skip
    """Where in the image each pixel is seen.

    Parameters
    ----------
    nodes : array (11, rows / STEP + 2, columns / STEP + 2)
        At every `STEP` pixels: place on the ellipsoid and its normal (x, y, z each), zero-Doppler time,
        column and row of the elevation model, undulation of the geoid, and range.
    dem : array (rows, columns)
        Heights, m.
    coefficients : array (n, 3)
        Of the orbit.
    to_image : array (5,)
        Line = a + b u + c range, sample = (range - d) e: a, b, c, d, e.
    line, sample, height, incidence : array (rows, columns)
        Filled: in pixels, m above the ellipsoid, degrees to the ellipsoid's normal.
    """
    p = np.empty((3, 3))
    rows, columns = line.shape
    for i in range(rows):
        y, v = i // STEP, (i % STEP) / STEP
        for j in range(columns):
            x, u = j // STEP, (j % STEP) / STEP
            n0, n1, n2 = (
                _between(nodes, 3, y, x, v, u), _between(nodes, 4, y, x, v, u),
                _between(nodes, 5, y, x, v, u),
            )  # fmt: skip
            h = height_at(
                dem, _between(nodes, 7, y, x, v, u), _between(nodes, 8, y, x, v, u)
            ) + _between(nodes, 9, y, x, v, u)
            px = _between(nodes, 0, y, x, v, u) + h * n0
            py = _between(nodes, 1, y, x, v, u) + h * n1
            pz = _between(nodes, 2, y, x, v, u) + h * n2
            time, distance = zero_doppler(
                coefficients, px, py, pz, _between(nodes, 6, y, x, v, u), p
            )
            line[i, j] = to_image[0] + to_image[1] * time + to_image[2] * distance
            sample[i, j] = (distance - to_image[3]) * to_image[4]
            height[i, j] = h
            cosine = ((p[0, 0] - px) * n0 + (p[0, 1] - py) * n1 + (p[0, 2] - pz) * n2) / distance
            incidence[i, j] = np.degrees(np.arccos(cosine))


@njit(nogil=True, cache=True)
def hidden(
    height: np.ndarray, incidence: np.ndarray, away: np.ndarray, halo: int, pixel: float,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Layover and shadow of each pixel: whether another one on its line of sight has its range, or hides it.

    Parameters
    ----------
    height : array (rows + 2 halo, columns + 2 halo)
        m above the ellipsoid.
    incidence : array (rows, columns)
        Degrees.
    away : array (2,)
        Step in columns and rows of a pixel's length on the ground away from the radar.
    halo : int
        How far is looked, in pixels.
    pixel : float
        Edge in m.
    out : array (rows, columns) uint8
        Sum of `LAYOVER` and `SHADOW`.
    """
    rows, columns = out.shape
    for i in range(rows):
        for j in range(columns):
            angle = np.radians(incidence[i, j])
            sine, cosine = np.sin(angle), np.cos(angle)
            own = height[i + halo, j + halo]
            found = NORMAL
            for k in range(1, halo):
                far, near = (
                    height_at(height, j + halo + k * away[0], i + halo + k * away[1]) - own,
                    height_at(height, j + halo - k * away[0], i + halo - k * away[1]) - own,
                )
                ground = k * pixel
                if ground * sine <= far * cosine or ground * sine <= -near * cosine:
                    found |= LAYOVER
                if near * sine > ground * cosine:
                    found |= SHADOW
            out[i, j] = found


@njit(nogil=True, cache=True)
def to_ground(
    line: np.ndarray, sample: np.ndarray, near: float, step: float, records: np.ndarray,
    slant: np.ndarray, spacing: float, samples: int,
) -> None:  # fmt: skip
    """Samples of slant range become those of ground range, by the record that is nearest in time.

    Parameters
    ----------
    line, sample : array (rows, columns)
        Where pixels are seen; `sample` counts slant range and is changed to ground range.
    near, step : float
        Slant range of sample 0 and between samples, m.
    records : array (n,)
        Lines at which the records lie, ascending.
    slant : array (n, degree + 1)
        Of each the polynomial of the slant range in the ground range, lowest power first, m.
    spacing : float
        Between samples on the ground, m.
    samples : int
        Of the image. Beyond its edges the relation goes on straight: a polynomial would bend back.
    """
    n, degree = slant.shape[0], slant.shape[1] - 1
    for i in range(line.shape[0]):
        k = 0
        for j in range(line.shape[1]):
            while k + 1 < n and abs(records[k + 1] - line[i, j]) < abs(records[k] - line[i, j]):
                k += 1
            while k > 0 and abs(records[k - 1] - line[i, j]) <= abs(records[k] - line[i, j]):
                k -= 1
            distance = near + step * sample[i, j]
            ground = 0.0
            for _ in range(20):
                at = min(max(ground, 0.0), samples * spacing)
                value, slope = slant[k, degree], 0.0
                for d in range(degree - 1, -1, -1):
                    slope = slope * at + value
                    value = value * at + slant[k, d]
                found = at + (distance - value) / slope
                change, ground = found - ground, found
                if abs(change) < 1e-7:
                    break
            sample[i, j] = ground / spacing
