"""Coasts and land borders of the world, for a map that needs no network.

From Natural Earth 1:110,000,000 (``ne_110m_land`` and ``ne_110m_admin_0_boundary_lines_land``), which is in the
public domain (https://www.naturalearthdata.com/about/terms-of-use/), rounded to 0.01 degrees, without Antarctica.
Lines lie several kilometres off: they show continents and countries, and are not for a city's own map.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

_FILE = Path(__file__).with_name("outlines.npz")
_STEP = 0.01  # degrees


@cache
def outlines() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Coasts, and borders of countries on land.

    Returns
    -------
    list of array (n, 2) float
        Longitude and latitude of each coast line, degrees; closed.
    list of array (n, 2) float
        The same of each border.
    """
    with np.load(_FILE) as there:
        coasts, borders = (
            np.split(there[name] * _STEP, np.cumsum(there[f"{name}_lengths"], dtype=int)[:-1])
            for name in ("coast", "borders")
        )
    return coasts, borders
