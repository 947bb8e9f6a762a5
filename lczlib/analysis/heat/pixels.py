"""The pixels that a surface heat island is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import ndimage

from lczlib.analysis.heat.patches import patch_medians, patches_of
from lczlib.reading import counted

WATER = 17


@dataclass
class Pixels:
    """The interior pixels with a temperature, as one-dimensional arrays (n,).

    Attributes
    ----------
    values, codes, patches : array
        degC, LCZ number, patch number.
    patch_codes : array (patches,)
        LCZ number of each patch that has such pixels.
    elevation : array or None
        m.
    fit : array of bool or None
        Whether a pixel may serve as reference: far enough from water.
    to_water : array or None
        m, where that counts.
    """

    values: np.ndarray
    codes: np.ndarray
    patches: np.ndarray
    patch_codes: np.ndarray
    elevation: np.ndarray | None
    fit: np.ndarray | None
    to_water: np.ndarray | None = None

    @classmethod
    def gather(
        cls,
        celsius: np.ndarray,
        codes: np.ndarray,
        keep: np.ndarray,
        elevation: xr.DataArray | None,
        cell: float,
        water_distance: float,
    ) -> Pixels:
        """Collect them; see the class."""
        fit = dry = None
        if water_distance > 0 and (codes == WATER).any():
            dry = ndimage.distance_transform_edt(codes != WATER, sampling=cell)[keep]
            fit = dry >= water_distance
        patches, count = patches_of(codes, keep)
        own = codes[keep]
        owner = np.zeros(count + 1, np.uint8)
        owner[patches] = own
        height = None if elevation is None else np.asarray(elevation.data, np.float32)[keep]
        return cls(celsius[keep], own, patches, owner[owner > 0], height, fit, dry)

    def of(self, classes: tuple[int, ...]) -> np.ndarray:
        """Mask of the pixels of some classes."""
        mask = np.zeros(self.codes.shape, bool)
        for number in classes:
            mask |= self.codes == number
        return mask

    def reference_mask(self, classes: tuple[int, ...]) -> np.ndarray:
        """Mask of the pixels of some classes that may serve as reference."""
        mask = self.of(classes)
        return mask if self.fit is None else mask & self.fit

    def patches_of(self, number: int) -> int:
        """In how many patches the pixels of a class lie."""
        return int((self.patch_codes == number).sum())

    def enough(self, classes: tuple[int, ...], min_pixels: int, min_patches: int) -> bool:
        """Whether classes, pooled, have the fewest pixels and patches of a reference."""
        mask = self.reference_mask(classes)
        patches = np.unique(self.patches[mask]).size
        return bool(mask.sum() >= min_pixels and patches >= min_patches)

    def describe(self, classes: tuple[int, ...]) -> str:
        """How many reference pixels and patches some classes have, in words."""
        mask = self.reference_mask(classes)
        return (
            f"only {counted(int(mask.sum()), 'pixel')} in "
            f"{counted(np.unique(self.patches[mask]).size, 'patch', 'patches')}"
        )

    @property
    def covariates(self) -> tuple[np.ndarray, ...]:
        """What else than its class the temperature of a pixel may depend on, where given."""
        known = (self.elevation, self.to_water)
        return tuple(values for values in known if values is not None)

    def near_elevation(self, mask: np.ndarray, number: int, band: float) -> np.ndarray:
        """`mask` without the patches whose median elevation is off that of a class."""
        if self.elevation is None:
            return mask
        level = np.nanmedian(self.elevation[self.codes == number])
        known = mask & np.isfinite(self.elevation)
        patches, heights = patch_medians(self.elevation[known], self.patches[known])
        near = patches[np.abs(heights - level) <= band]
        return mask & np.isin(self.patches, near)
