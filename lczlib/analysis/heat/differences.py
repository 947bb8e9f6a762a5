"""Each class against the reference of a surface heat island, with block bootstrap intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.analysis.heat import bootstrap
from lczlib.analysis.heat.bootstrap import BlockSample, block_sample, block_weights
from lczlib.analysis.heat.options import LOW_PLANTS
from lczlib.analysis.heat.pixels import Pixels
from lczlib.analysis.heat.reference import Reference

if TYPE_CHECKING:
    from lczlib.analysis.heat.options import SurfaceOptions


class Differences:
    """Differences of classes to the reference and their bootstrap replicates.

    Parameters
    ----------
    pixels : Pixels
        What is compared.
    blocks, n_blocks : array (n,), int
        Block of each pixel, and their number.
    reference : Reference
        Of the differences.
    options : SurfaceOptions
        Statistic, minimum sizes, replicates, confidence, seed.
    halves : (array (n,), int), optional
        The same with blocks of half the side, where blocks are short against the correlation.
    """

    def __init__(
        self,
        pixels: Pixels,
        blocks: np.ndarray,
        n_blocks: int,
        reference: Reference,
        options: SurfaceOptions,
        halves: tuple[np.ndarray, int] | None = None,
    ) -> None:
        self.pixels, self.blocks, self.n_blocks = pixels, blocks, n_blocks
        self.reference, self.options = reference, options
        rng = np.random.default_rng(options.seed)
        self.weights = block_weights(n_blocks, options.replicates, rng)
        self.halves = halves
        self._shared = pixels.reference_mask(reference.classes)
        self._shared_sample = self._sample(self._shared)

    def reference_level(self) -> float:
        """The statistic of the reference's pixels, degC; NaN without a reference."""
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
        o, pixels = self.options, self.pixels
        mask = pixels.codes == number
        row: dict[str, Any] = dict.fromkeys(
            ("difference", "ci_low", "ci_high", "n_effective", "n_blocks", "widening"), np.nan
        )
        row["note"] = ""
        alone = (number,) == self.reference.classes
        if n < o.min_pixels and not alone:
            return row | {"note": f"fewer than {o.min_pixels} pixels"}
        if pixels.patches_of(number) < o.min_patches and not alone:
            return row | {"note": f"fewer than {o.min_patches} patches"}
        sample = self._sample(mask)
        row["n_blocks"] = int((sample.n > 0).sum())
        spread = np.nanstd(sample.resample(self.weights, "mean"))
        row["n_effective"] = min(
            float(n), float(pixels.values[mask].var() / max(spread, 1e-9) ** 2)
        )
        if alone:
            return row | {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "note": "reference"}
        if not self.reference.classes:
            return row | {"note": "no reference"}
        against, reference, level = self._reference_for(number)
        if against is None:
            return row | {
                "note": f"no reference patch within {o.elevation_band:g} m of its elevation"
            }
        difference = self._statistic(pixels.values[mask]) - level
        own = sample.resample(self.weights, o.statistic)
        m = bootstrap.combined_blocks(
            own, sample.effective_blocks, against, reference.effective_blocks
        )
        low, high = bootstrap.percentile_interval(own - against, difference, o.confidence, m)
        row["widening"] = self._widening(mask, own - against)
        low, high = (difference + row["widening"] * (bound - difference) for bound in (low, high))
        if np.isnan(low):
            row["note"] = f"no interval: too few blocks of {row['n_blocks']} to resample"
        return row | {"difference": difference, "ci_low": low, "ci_high": high}

    def _widening(self, mask: np.ndarray, replicates: np.ndarray) -> float:
        """What the half width of a class's interval is multiplied by where blocks are short."""
        if self.halves is None:
            return 1.0
        blocks, n = self.halves
        rng = np.random.default_rng(self.options.seed)
        weights = block_weights(n, self.options.replicates, rng)
        own, against = (
            block_sample(self.pixels.values[m], blocks[m], n).resample(
                weights, self.options.statistic
            )
            for m in (mask, self._shared)
        )
        return bootstrap.short_block_widening(replicates, own - against)

    def widen_by_map_error(self, rows: dict[int, dict[str, Any]], drawn: np.ndarray) -> None:
        """Replace the intervals by those over maps drawn from the probabilities (in place)."""
        o = self.options
        share = max(1, -(-o.replicates // len(drawn)))
        replicates: dict[int, list[np.ndarray]] = {c: [] for c in rows}
        for i, codes in enumerate(drawn):
            weights = self.weights[i * share : (i + 1) * share]
            if not len(weights):
                break
            base = np.isin(codes, self.reference.classes)
            base = base if self.pixels.fit is None else base & self.pixels.fit
            shared = self._sample(base).resample(weights, o.statistic)
            for number, kept in replicates.items():
                sample = self._sample(codes == number)
                against = shared
                if self.pixels.elevation is not None:
                    level = np.nanmedian(self.pixels.elevation[self.pixels.codes == number])
                    near = np.abs(self.pixels.elevation - level) <= o.elevation_band
                    against = self._sample(base & near).resample(weights, o.statistic)
                kept.append(sample.resample(weights, o.statistic) - against)
        for number, row in rows.items():
            if np.isnan(row["ci_low"]) or row["note"] == "reference":
                continue
            all_of = np.concatenate(replicates[number])
            centre = float(np.nanmedian(all_of))
            m = self._sample(self.pixels.codes == number).effective_blocks
            m = min(m, self._shared_sample.effective_blocks)
            low, high = bootstrap.percentile_interval(all_of, centre, o.confidence, m)
            low, high = (centre + row["widening"] * (bound - centre) for bound in (low, high))
            row.update(ci_low=low, ci_high=high, difference_sampled=centre)

    def _reference_for(self, number: int) -> tuple[np.ndarray | None, BlockSample, float]:
        """Replicates, sample and level of the reference of a class."""
        mask = self.pixels.near_elevation(self._shared, number, self.options.elevation_band)
        if mask is self._shared:
            sample = self._shared_sample
        elif mask.sum() < min(self.options.min_pixels, self._shared.sum()):
            return None, self._shared_sample, np.nan
        else:
            sample = self._sample(mask)
        level = self._statistic(self.pixels.values[mask])
        return sample.resample(self.weights, self.options.statistic), sample, level

    def _sample(self, mask: np.ndarray) -> BlockSample:
        return block_sample(self.pixels.values[mask], self.blocks[mask], self.n_blocks)

    def _statistic(self, values: np.ndarray) -> float:
        values = values.astype(np.float64, copy=False)
        if not values.size:
            return np.nan
        return float(np.median(values) if self.options.statistic == "median" else values.mean())
