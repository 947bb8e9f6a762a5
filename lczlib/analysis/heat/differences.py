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
from lczlib.analysis.heat.pixels import Pixels
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
        error: SpatialErrors | None,
        reference: Reference,
        options: SurfaceOptions,
    ) -> None:
        self.pixels, self.error = pixels, error
        self.reference, self.options = reference, options
        self._shared = pixels.reference_mask(reference.classes)
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
        return self._statistic(self.pixels.values[self._shared])

    def bias(self) -> tuple[float | None, int]:
        """Reference minus LCZ D in K, and the pixels of LCZ D; None where it is D, or there is none."""
        low_plants = self.pixels.reference_mask((LOW_PLANTS,))
        n = int(low_plants.sum())
        if self.reference.classes in ((), (LOW_PLANTS,)) or not n:
            return None, n
        return self.reference_level() - self._statistic(self.pixels.values[low_plants]), n

    def of(self, number: int, n: int) -> dict[str, Any]:
        """Difference, interval, effective sample size and note of one class."""
        mask = self.pixels.codes == number
        row: dict[str, Any] = dict.fromkeys(
            ("difference", "ci_low", "ci_high", "n_effective", "n_pieces", "n_blocks"), np.nan
        )
        row["note"] = ""
        if self.error is not None:
            row["n_blocks"] = int((self.error.each[0].parts.codes == number).sum())
            own = self.error.shares_of(number)
            row["n_pieces"] = self.error.pieces(own)
            spread = max(self.error.mean_variance(own), 1e-18)
            row["n_effective"] = min(float(n), float(self.pixels.values[mask].var() / spread))
        if (number,) == self.reference.classes:
            return row | {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "note": "reference"}
        if not self.reference.classes:
            return row | {"note": "no reference"}
        against = self._reference_for(number)
        if against is None:
            band = f"{self.options.elevation_band:g} m"
            return row | {"note": f"no reference patch within {band} of its elevation"}
        values = self.pixels.values
        level = (
            self.reference_level() if against is self._shared else self._statistic(values[against])
        )
        row["difference"] = self._statistic(values[mask]) - level
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
        o, values = self.options, self.pixels.values
        share = max(1, -(-o.replicates // len(drawn)))
        rng = np.random.default_rng(o.seed)
        replicates: dict[int, list[np.ndarray]] = {c: [] for c in self.errors}
        for codes in drawn:
            base = np.isin(codes, self.reference.classes)
            base = base if self.pixels.fit is None else base & self.pixels.fit
            shared = self._statistic(values[base])
            for number, kept in replicates.items():
                against = shared
                if self.pixels.elevation is not None:
                    level = np.nanmedian(self.pixels.elevation[self.pixels.codes == number])
                    near = np.abs(self.pixels.elevation - level) <= o.elevation_band
                    against = self._statistic(values[base & near])
                difference = self._statistic(values[codes == number]) - against
                kept.append(difference + self.errors[number].draw(share, rng))
        tail = (1 - o.confidence) / 2
        for number, kept in replicates.items():
            all_of = np.concatenate(kept)
            low, centre, high = np.nanquantile(all_of, [tail, 0.5, 1 - tail])
            rows[number].update(ci_low=low, ci_high=high, difference_sampled=centre)

    def _reference_for(self, number: int) -> np.ndarray | None:
        """Mask of the reference pixels of a class; None where none is near its elevation."""
        mask = self.pixels.near_elevation(self._shared, number, self.options.elevation_band)
        least = min(self.options.min_pixels, self._shared.sum())
        return mask if mask is self._shared or mask.sum() >= least else None

    def _statistic(self, values: np.ndarray) -> float:
        values = values.astype(np.float64, copy=False)
        if not values.size:
            return np.nan
        return float(np.median(values) if self.options.statistic == "median" else values.mean())
