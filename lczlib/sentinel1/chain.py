"""A recipe's chain, from the product to tiles of a map.

Every tile of the map stands for itself: the part of the radar image that it takes is read with a halo,
calibrated, filtered in radar geometry, and looked up. So a city costs no more memory than a tile, tiles
can be made side by side, and how the map is cut changes no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from lczlib.scenes.polarimetry import decompose
from lczlib.sentinel1.deburst import Change, Window
from lczlib.sentinel1.geocode import Geocoder
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.radiometry import Calibration, Noise
from lczlib.sentinel1.recipes import Recipe
from lczlib.sentinel1.speckle import HALO, Filter, filter_covariance, refined_lee_intensity

POLARISATIONS = ("VH", "VV")
_OUTSIDE = 255


@dataclass(frozen=True, eq=False)
class Tile:
    """A part of the map.

    Attributes
    ----------
    images : dict of array (bands, rows, columns) float32
        By the folder of the recipe's image, with its no-data value.
    incidence : array (rows, columns) float32
        Degrees to the ellipsoid's normal; NaN outside the image.
    hidden : array (rows, columns) uint8
        Sum of layover (1) and shadow (2); 255 outside the image.
    valid : int
        Pixels that hold data.
    """

    images: dict[str, np.ndarray]
    incidence: np.ndarray
    hidden: np.ndarray
    valid: int


class Chain:
    """Makes tiles.

    Parameters
    ----------
    recipe : Recipe
    geocoder : Geocoder
    speckle : str, optional
        The filter, where it is not the recipe's.
    """

    def __init__(self, recipe: Recipe, geocoder: Geocoder, speckle: str | None = None) -> None:
        self.recipe, self.geocoder, self.image = recipe, geocoder, geocoder.image
        self.speckle = cast("Filter", speckle or recipe.speckle)
        self._tables = {
            (product.path, swath, p): Calibration(product, swath, p, recipe.quantity)
            for product in self.image.products
            for swath in self.image.swaths
            for p in POLARISATIONS
        }
        self._noise = {k: Noise(*self._measured(k)) for k in self._tables if recipe.denoised}

    def _measured(self, key: tuple[Path, str, str]) -> tuple[Product, str, str]:
        (product,) = (p for p in self.image.products if p.path == key[0])
        return product, key[1], key[2]

    @property
    def halo(self) -> int:
        """Pixels of the radar image around those of a tile that it depends on."""
        of_filter = 0 if self.speckle == "none" else HALO + 1
        return max(of_filter, self.recipe.decomposed // 2) * max(self.recipe.cell)

    def tile(self, row: int, column: int, rows: int, columns: int) -> Tile:
        """A part of the map; begins at multiples of 16 pixels.

        Raises
        ------
        InputError
            If a measurement is damaged.
        """
        found = self.geocoder.locate(row, column, rows, columns)
        window = self.geocoder.radar_window(found, self.halo)
        images = {
            i.folder: np.full((len(i.bands), rows, columns), i.nodata, np.float32)
            for i in self.recipe.images
        }
        if window is None:
            outside = np.full((rows, columns), np.nan, np.float32)
            return Tile(images, outside, np.full((rows, columns), _OUTSIDE, np.uint8), 0)
        high, wide = self.recipe.cell
        window = _of_cells(window, self.recipe.cell)
        values, there = self._powers(window) if self.recipe.powers else self._amplitudes(window)
        line, sample, inside = found.nearest(self.image.whole)
        line, sample = (line[inside] - window.top) // high, (sample[inside] - window.left) // wide
        known = there[line, sample]
        at = line[known], sample[known]
        into = np.zeros((rows, columns), bool)
        into[inside] = known
        for image in self.recipe.images:
            made = self._made(image.kind, values, there)
            images[image.folder][:, into] = made[(slice(None), *at)]
        incidence = np.where(into, found.incidence, np.nan).astype(np.float32)
        hidden = self.geocoder.hidden(row, column, rows, columns)
        return Tile(images, incidence, np.where(into, hidden, np.uint8(_OUTSIDE)), int(into.sum()))

    def _amplitudes(self, window: Window) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Calibrated amplitudes of a window by polarisation, and where there are any."""
        values, there = {}, np.ones(window.shape, bool)
        for polarisation in POLARISATIONS:
            values[polarisation], valid = self.image.read(
                window, polarisation, self._calibrated(polarisation)
            )
            there &= valid
        return values, there & ((values["VH"] != 0) | (values["VV"] != 0))

    def _powers(self, window: Window) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Powers of a window's cells by polarisation, without the noise, and where all of a cell is there."""
        high, wide = self.recipe.cell
        shape = (window.shape[0] // high, high, window.shape[1] // wide, wide)
        values, seen = {}, np.zeros(window.shape, bool)
        there = np.ones((shape[0], shape[2]), bool)
        for polarisation in POLARISATIONS:
            # the real part is the power that is left, the imaginary one that which was measured
            both, valid = self.image.read(window, polarisation, self._denoised(polarisation))
            seen |= both.imag != 0
            there &= valid.reshape(shape).all((1, 3))
            power = both.real.reshape(shape).mean((1, 3), dtype=np.float64)
            values[polarisation] = np.maximum(power, self.recipe.floor).astype(np.float32)
        return values, there & seen.reshape(shape).all((1, 3))

    def _denoised(self, polarisation: str) -> Change:
        def change(
            product: Product, swath: str, dn: np.ndarray, lines: np.ndarray, samples: np.ndarray
        ) -> np.ndarray:
            key = product.path, swath, polarisation
            factor = self._tables[key].amplitude(lines, samples) ** 2
            power = _power(dn.astype(np.complex128))
            noise = self._noise[key].power(lines, samples) if self.recipe.denoised else 0.0
            return ((power - noise) / factor + 1j * power).astype(np.complex64)

        return change

    def _calibrated(self, polarisation: str) -> Change:
        def change(
            product: Product, swath: str, dn: np.ndarray, lines: np.ndarray, samples: np.ndarray
        ) -> np.ndarray:
            table = self._tables[product.path, swath, polarisation]
            return dn / table.amplitude(lines, samples).astype(np.float32)

        return change

    def _made(self, kind: str, values: dict[str, np.ndarray], there: np.ndarray) -> np.ndarray:
        vh, vv = (values[p] for p in POLARISATIONS)
        if kind == "decibels":
            powers = [np.where(there, p, np.float32(np.nan)) for p in (vv, vh)]
            if self.speckle != "none":
                powers = [refined_lee_intensity(p) for p in powers]
            return 10 * np.log10(np.stack(powers))
        if kind == "amplitudes":
            return np.stack([vh.real, vh.imag, vv.real, vv.imag])
        # part by part: a product of complex numbers is rounded otherwise at an array's end
        real = vh.real * vv.real + vh.imag * vv.imag
        imaginary = vh.imag * vv.real - vh.real * vv.imag
        covariance = np.stack([_power(vh), real, imaginary, _power(vv)])
        covariance[:, ~there] = np.nan
        filtered = filter_covariance(covariance, self.speckle, self.recipe.looks)
        if kind == "covariance":
            return filtered
        c11, real, imaginary, c22 = filtered
        parts = decompose(covariance, self.recipe.decomposed)
        return np.concatenate(
            [parts, np.stack([c11, imaginary, real, c22, _power(vh), _power(vv)])]
        )


def mosaic(chains: Sequence[Chain], row: int, column: int, rows: int, columns: int) -> Tile:
    """A part of the map of several slices: each pixel of the first that holds it.

    Raises
    ------
    InputError
        If a measurement is damaged.
    """
    whole = chains[0].tile(row, column, rows, columns)
    for chain in chains[1:]:
        lacks = whole.hidden == _OUTSIDE
        if not lacks.any():
            break
        other = chain.tile(row, column, rows, columns)
        for folder, image in whole.images.items():
            image[:, lacks] = other.images[folder][:, lacks]
        whole.incidence[lacks], whole.hidden[lacks] = other.incidence[lacks], other.hidden[lacks]
    return replace(whole, valid=int((whole.hidden != _OUTSIDE).sum()))


def _of_cells(window: Window, cell: tuple[int, int]) -> Window:
    """A window of whole cells, which begin at multiples of their size wherever it lies."""
    high, wide = cell
    return Window(
        window.top - window.top % high, window.left - window.left % wide,
        -(-window.bottom // high) * high, -(-window.right // wide) * wide,
    )  # fmt: skip


def _power(amplitude: np.ndarray) -> np.ndarray:
    return amplitude.real**2 + amplitude.imag**2
