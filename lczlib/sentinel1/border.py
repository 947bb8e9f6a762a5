"""Border noise of detected products (GRD) of early processors: edges that hold nothing, and are not 0.

Before version 2.90 the samples before and after the swath, and lines at a data take's ends, were filled
with what the compression makes of nothing: a few digital numbers, which would become very dark land or
calm water. The note of the mission's performance centre (MPC-0243, Masking "No-value" Pixels on GRD
Products) tells them by the co-polarised channel: hardly anything is left of them without the thermal
noise. Later processors write 0 there.

That alone would also take pixels of calm water. So a border is looked for, on each line from its ends and
on each column from its ends: it reaches to where it holds most of such pixels and the image fewest, and
all of it goes, also the pixels in it that happened to be brighter.
"""

from __future__ import annotations

import numpy as np

from lczlib.sentinel1.deburst import Window
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.radiometry import Noise

FIRST_CLEAN = (2, 90)
"""Version of the processor that writes 0 where there is nothing."""
LIMIT = 500
"""Lines and samples from the edges within which it is looked for."""
EMPTY = 0.5
"""Digital numbers that are left without the thermal noise where there is nothing, at most."""
_DARK = 30  # digital numbers: whatever the noise
_FOREIGN = 2  # pixels of a border that one of the image outweighs
_CO_POLARISED = ("VV", "HH")


class Border:
    """Border noise of a product.

    Parameters
    ----------
    product : Product
    swath : str
    """

    def __init__(self, product: Product, swath: str) -> None:
        self._product, self._swath = product, swath
        self._polarisation = next(p for p in _CO_POLARISED if (swath, p) in product.swaths)
        told = product.swaths[swath, self._polarisation]
        self._lines, self._samples = told.lines, told.samples
        self._thermal = Noise(product, swath, self._polarisation)

    @classmethod
    def of(cls, product: Product, swath: str) -> Border | None:
        """That of a product; None of processors that leave none."""
        return None if _clean(product, swath) else cls(product, swath)

    def noise(self, window: Window) -> np.ndarray:
        """Where in a window of the image, which lies within it, its border is; bool (lines, samples)."""
        top, left, bottom, right = window.top, window.left, window.bottom, window.right
        lines, samples = np.arange(top, bottom), np.arange(left, right)
        out = np.zeros(window.shape, bool)
        if left < LIMIT:
            begin = _reach(self._empty(Window(top, 0, bottom, min(LIMIT, self._samples))))
            out |= samples < begin[:, None]
        if right > self._samples - LIMIT:
            first = max(0, self._samples - LIMIT)
            end = _reach(self._empty(Window(top, first, bottom, self._samples))[:, ::-1])
            out |= samples >= self._samples - end[:, None]
        if top < LIMIT:
            begin = _reach(self._empty(Window(0, left, min(LIMIT, self._lines), right)).T)
            out |= lines[:, None] < begin
        if bottom > self._lines - LIMIT:
            first = max(0, self._lines - LIMIT)
            end = _reach(self._empty(Window(first, left, self._lines, right))[::-1].T)
            out |= lines[:, None] >= self._lines - end
        return out

    def _empty(self, window: Window) -> np.ndarray:
        with self._product.measurement(self._swath, self._polarisation) as measurement:
            dn = measurement.read(window.top, window.left, *window.shape).astype(np.float64)
        lines = np.arange(window.top, window.bottom)
        thermal = self._thermal.power(lines, np.arange(window.left, window.right))
        return (np.sqrt(np.maximum(dn**2 - thermal, 0)) < EMPTY) | (dn < _DARK)


def _clean(product: Product, swath: str) -> bool:
    if product.ipf is not None:
        return product.ipf >= FIRST_CLEAN
    polarisation = product.polarisations[-1]
    return product.noise(swath, polarisation).find("noiseVectorList") is None


def _reach(empty: np.ndarray) -> np.ndarray:
    """How many pixels of each row, from its beginning, are a border: (rows,)."""
    score = np.cumsum(np.where(empty, 1, -_FOREIGN), axis=1)
    return np.concatenate([np.zeros((len(empty), 1), int), score], axis=1).argmax(1)
