"""The pixels that a surface heat island is computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy import ndimage

from lczlib.analysis.heat.options import Statistic
from lczlib.analysis.heat.order import median_of
from lczlib.analysis.heat.patches import patch_medians, runs_in_patches
from lczlib.analysis.heat.runs import Runs
from lczlib.analysis.heat.spatial import influences
from lczlib.reading import counted

WATER = 17

Chosen = dict[int, np.ndarray | None]
"""Some of the pixels: of each class, by number, a mask (n,) of its pixels, or None for all of them."""


@dataclass(frozen=True)
class ClassValues:
    """What the temperatures of a class come to.

    Attributes
    ----------
    n : int
        Pixels.
    level : float
        Their median or mean, degC.
    variance : float
        Of them, K2.
    lowest, highest : float
        degC.
    patch_medians : array (patches,)
        degC.
    """

    n: int
    level: float
    variance: float
    lowest: float
    highest: float
    patch_medians: np.ndarray


@dataclass
class Pixels:
    """The interior pixels with a temperature.

    They stay in their layers and are taken out a class at a time, in the order of the runs: beside the layers of a
    scene of 10,000 x 10,000 pixels there is no room for a copy of them, a patch number and a residual each.

    Attributes
    ----------
    celsius : array (y, x) of float32
        degC.
    keep : array (y, x) of bool
        Which pixels these are.
    runs : Runs
        Of them, class by class.
    elevation : array (y, x) or None
        m.
    to_water : array (y, x) or None
        m, where that counts.
    water_distance : float
        Nearer to water a pixel is no reference, m.
    """

    celsius: np.ndarray
    keep: np.ndarray
    runs: Runs
    elevation: np.ndarray | None = None
    to_water: np.ndarray | None = None
    water_distance: float = 0.0
    _levels: dict[int, float] = field(default_factory=dict)

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
        """Find them; see the class."""
        dry = None
        if water_distance > 0 and (codes == WATER).any():
            dry = ndimage.distance_transform_edt(codes != WATER, sampling=cell)
        height = None if elevation is None else np.asarray(elevation.data, np.float32)
        runs = runs_in_patches(codes, keep)
        return cls(celsius, keep, runs, height, dry, water_distance)

    @property
    def numbers(self) -> list[int]:
        """The LCZ numbers that occur, rising."""
        return self.runs.numbers

    def values(self, number: int, mask: np.ndarray | None = None) -> np.ndarray:
        """Temperatures of the pixels of a class, or of some of them: (n,) float32, degC."""
        own = self.runs.take(self.celsius, number)
        return own if mask is None else own[mask]

    def residuals(
        self, statistic: Statistic, found: dict[int, ClassValues]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """How the pixels (n,) of each class pull on its statistic; on the way `found` is filled."""
        for number in self.numbers:
            yield number, self._pulls(number, statistic, found)

    def _pulls(
        self, number: int, statistic: Statistic, found: dict[int, ClassValues]
    ) -> np.ndarray:
        own = self.values(number)
        medians = patch_medians(own, self.runs.patches_of_pixels(number))[1]
        pulls, level = influences(own, statistic)
        found[number] = ClassValues(
            own.size, level, float(own.var()), float(own.min()), float(own.max()), medians
        )
        return pulls

    def reference(self, classes: Sequence[int]) -> Chosen:
        """The pixels of some classes that may serve as reference: far enough from water."""
        return {c: self._dry(c) for c in classes if c in self.numbers}

    def _dry(self, number: int) -> np.ndarray | None:
        if self.to_water is None:
            return None
        return self.runs.take(self.to_water, number) >= self.water_distance

    def count(self, chosen: Chosen) -> int:
        """How many pixels these are."""
        return sum(
            self.runs.pixels_of(c) if m is None else int(np.count_nonzero(m))
            for c, m in chosen.items()
        )

    def patches_in(self, chosen: Chosen) -> int:
        """In how many patches they lie."""
        return sum(
            self.patches_of(c) if m is None else np.unique(self.runs.patches_of_pixels(c)[m]).size
            for c, m in chosen.items()
        )

    def patches_of(self, number: int) -> int:
        """In how many patches the pixels of a class lie."""
        return np.unique(self.runs.patches[self.runs.of_class(number)]).size

    def enough(self, classes: tuple[int, ...], min_pixels: int, min_patches: int) -> bool:
        """Whether classes, pooled, have the fewest pixels and patches of a reference."""
        chosen = self.reference(classes)
        return self.count(chosen) >= min_pixels and self.patches_in(chosen) >= min_patches

    def describe(self, classes: tuple[int, ...]) -> str:
        """How many reference pixels and patches some classes have, in words."""
        chosen = self.reference(classes)
        return (
            f"only {counted(self.count(chosen), 'pixel')} in "
            f"{counted(self.patches_in(chosen), 'patch', 'patches')}"
        )

    def level(self, chosen: Chosen, statistic: Statistic) -> float:
        """Median or mean of their temperatures, degC; NaN where there are none."""
        each = [self.values(c, m) for c, m in chosen.items()]
        values = np.concatenate(each) if each else np.empty(0)
        if not values.size:
            return np.nan
        return median_of(values) if statistic == "median" else float(values.mean(dtype=float))

    @property
    def covariates(self) -> Callable[[int], list[np.ndarray]]:
        """What else than its class the temperature of a pixel may depend on, where given: arrays (n,) of a class."""
        known = [layer for layer in (self.elevation, self.to_water) if layer is not None]
        return lambda number: [self.runs.take(layer, number) for layer in known]

    def elevation_of(self, number: int) -> float:
        """Median elevation of a class, m."""
        if number not in self._levels:
            self._levels[number] = float(np.nanmedian(self.runs.take(self.elevation, number)))
        return self._levels[number]

    def near_elevation(self, chosen: Chosen, number: int, band: float) -> Chosen:
        """`chosen` without the patches whose median elevation is off that of a class."""
        if self.elevation is None:
            return chosen
        level, out = self.elevation_of(number), {}
        for c, mask in chosen.items():
            heights, patches = self.runs.take(self.elevation, c), self.runs.patches_of_pixels(c)
            known = np.isfinite(heights) if mask is None else np.isfinite(heights) & mask
            of, medians = patch_medians(heights[known], patches[known])
            near = np.isin(patches, of[np.abs(medians - level) <= band])
            out[c] = near if mask is None else near & mask
        return out
