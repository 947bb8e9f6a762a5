"""Each class against the reference of a surface heat island, with intervals."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.analysis.heat.intervals import (
    FEWEST_OF_CLASS,
    FEWEST_PIECES,
    ErrorOfDifference,
    SpatialErrors,
)
from lczlib.analysis.heat.options import LOW_PLANTS
from lczlib.analysis.heat.pixels import Chosen, ClassValues, Pixels
from lczlib.analysis.heat.reference import Reference
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.analysis.heat.options import SurfaceOptions


class Differences:
    """Differences of classes to the reference and their intervals.

    Parameters
    ----------
    pixels : Pixels
        What is compared.
    found : dict of int to ClassValues
        What the temperatures of each class come to.
    error : SpatialErrors or None
        How far class temperatures can be off; None where the scene has too few parts to tell.
    reference : Reference
        Of the differences.
    options : SurfaceOptions
        Statistic, minimum sizes, confidence; replicates and seed for the map's error.
    """

    def __init__(
        self,
        pixels: Pixels,
        found: dict[int, ClassValues],
        error: SpatialErrors | None,
        reference: Reference,
        options: SurfaceOptions,
    ) -> None:
        self.pixels, self.found, self.error = pixels, found, error
        self.reference, self.options = reference, options
        self._shared = pixels.reference(reference.classes)
        self._shared_shares = None if error is None else error.shares(self._shared)
        self.pieces = 0.0 if error is None else error.pieces(error.shares_of())
        self.errors: dict[int, ErrorOfDifference] = {}

    @cached_property
    def few(self) -> str:
        """Why no class can have an interval, else empty."""
        if self.error is None:
            return (
                "No intervals: too few independent pieces, since the classes lie in too few parts of the "
                "scene to tell how far temperatures go together; use a larger scene."
            )
        reach = f"temperatures go together over {self.error.correlation_range:,.0f} m"
        if self.pieces < FEWEST_PIECES:
            return (
                f"No intervals: too few independent pieces. In this scene {reach}, so that it is worth "
                f"{self.pieces:.1f} independent pieces, fewer than {FEWEST_PIECES:g}; use a larger scene."
            )
        if self.reference.classes:
            own = self.error.pieces(self._shared_shares)
            if own < FEWEST_OF_CLASS:
                return (
                    f"No intervals: too few independent pieces. In this scene {reach}, so that "
                    f"{self.reference.short} is worth {own:.1f} independent pieces, fewer than "
                    f"{FEWEST_OF_CLASS:g}; use a larger scene, or another class ({option('reference')})."
                )
        return ""

    def reference_level(self) -> float:
        """The statistic of the reference's pixels, degC; NaN without a reference."""
        return self._level

    @cached_property
    def _level(self) -> float:
        return self._level_of(self._shared)

    def _level_of(self, chosen: Chosen) -> float:
        if len(chosen) == 1:
            ((number, mask),) = chosen.items()
            if mask is None:
                return self.found[number].level
        return self.pixels.level(chosen, self.options.statistic)

    def bias(self) -> tuple[float | None, int]:
        """Reference minus LCZ D in K, and the pixels of LCZ D; None where it is D, or there is none."""
        low_plants = self.pixels.reference((LOW_PLANTS,))
        n = self.pixels.count(low_plants)
        if self.reference.classes in ((), (LOW_PLANTS,)) or not n:
            return None, n
        return self.reference_level() - self._level_of(low_plants), n

    def of(self, number: int, n: int) -> dict[str, Any]:
        """Difference, interval, effective sample size and note of one class."""
        own_values = self.found[number]
        row: dict[str, Any] = dict.fromkeys(
            ("difference", "ci_low", "ci_high", "n_effective", "n_pieces", "n_blocks"), np.nan
        )
        row["note"] = ""
        if self.error is not None:
            row["n_blocks"] = int((self.error.each[0].parts.codes == number).sum())
            own = self.error.shares_of(number)
            row["n_pieces"] = self.error.pieces(own)
            spread = max(self.error.mean_variance(own), 1e-18)
            row["n_effective"] = min(float(n), own_values.variance / spread)
        if (number,) == self.reference.classes:
            return row | {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "note": "reference"}
        if not self.reference.classes:
            return row | {"note": "no reference"}
        against = self._reference_for(number)
        if against is None:
            band = f"{self.options.elevation_band:g} m"
            return row | {"note": f"no reference patch within {band} of its elevation"}
        level = self.reference_level() if against is self._shared else self._level_of(against)
        row["difference"] = own_values.level - level
        few = self._few(number, n, row["n_pieces"])
        if few or self.error is None:
            return row | {"note": f"no interval: {few}"}
        shared = self._shared_shares if against is self._shared else self.error.shares(against)
        self.errors[number] = self.error.difference(own, shared)
        half = self.errors[number].half_width(self.options.confidence)
        return row | {"ci_low": row["difference"] - half, "ci_high": row["difference"] + half}

    def _few(self, number: int, n: int, pieces: float) -> str:
        """What a class has too few of for an interval, else empty."""
        o = self.options
        if n < o.min_pixels:
            return f"fewer than {o.min_pixels} pixels"
        if self.pixels.patches_of(number) < o.min_patches:
            return f"fewer than {o.min_patches} patches"
        if self.few:
            return "too few independent pieces"
        if pieces < FEWEST_OF_CLASS:
            return f"too few independent pieces ({pieces:.1f})"
        return ""

    def widen_by_map_error(self, rows: dict[int, dict[str, Any]], drawn: np.ndarray) -> None:
        """Replace the intervals by those over maps drawn from the probabilities (in place)."""
        o, keep = self.options, self.pixels.keep
        values = self.pixels.celsius[keep]
        far = self.pixels.to_water
        far = None if far is None else far[keep] >= self.pixels.water_distance
        height = self.pixels.elevation
        height = None if height is None else height[keep]
        share = max(1, -(-o.replicates // len(drawn)))
        rng = np.random.default_rng(o.seed)
        replicates: dict[int, list[np.ndarray]] = {c: [] for c in self.errors}
        for codes in drawn:
            base = np.isin(codes, self.reference.classes)
            base = base if far is None else base & far
            shared = self._statistic(values[base])
            for number, kept in replicates.items():
                against = shared
                if height is not None:
                    near = np.abs(height - self.pixels.elevation_of(number)) <= o.elevation_band
                    against = self._statistic(values[base & near])
                difference = self._statistic(values[codes == number]) - against
                kept.append(difference + self.errors[number].draw(share, rng))
        tail = (1 - o.confidence) / 2
        for number, kept in replicates.items():
            all_of = np.concatenate(kept)
            low, centre, high = np.nanquantile(all_of, [tail, 0.5, 1 - tail])
            rows[number].update(ci_low=low, ci_high=high, difference_sampled=centre)

    def _reference_for(self, number: int) -> Chosen | None:
        """The reference pixels of a class; None where none is near its elevation."""
        near = self.pixels.near_elevation(self._shared, number, self.options.elevation_band)
        least = min(self.options.min_pixels, self.pixels.count(self._shared))
        return near if near is self._shared or self.pixels.count(near) >= least else None

    def _statistic(self, values: np.ndarray) -> float:
        values = values.astype(np.float64, copy=False)
        if not values.size:
            return np.nan
        return float(np.median(values) if self.options.statistic == "median" else values.mean())
