"""A spatial block bootstrap: intervals of the further measures of a heat island.

Neighbouring pixels of a thermal image share their error. The scene is tiled into square blocks wider
than the correlation range of the residuals; a patch that crosses a tile edge is cut there, and
patches in one tile stay together. Blocks are drawn with replacement, with *all* their pixels of both
groups, because a warm air mass over both of them cancels in the difference (Lahiri 2003, Resampling
Methods for Dependent Data, chapter 12). Differences of the zones have intervals that hang less on
the blocks: :mod:`lczlib.analysis.heat.spatial`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from lczlib.analysis.heat.options import Statistic

_BINS = 512
_MOST_BLOCKS = 2000
WANTED_RANGES = 4
_LEAST_ACROSS = 5


@dataclass(frozen=True)
class BlockSample:
    """The pixels of one group (a class, or the reference), summed up by block.

    Attributes
    ----------
    n : array (n_blocks,)
        Pixels in each block.
    total : array (n_blocks,)
        Sum of their temperatures.
    histogram : array (n_blocks, bins)
        Pixels in each temperature bin; the first and last bins take what lies beyond.
    low, step : float
        Lower edge of the first bin and width of a bin, in degrees.
    """

    n: np.ndarray
    total: np.ndarray
    histogram: np.ndarray
    low: float
    step: float

    @property
    def effective_blocks(self) -> float:
        """Number of equally filled blocks that would be as informative (Kish 1965)."""
        return float(self.n.sum() ** 2 / (self.n.astype(float) ** 2).sum())

    def resample(
        self, weights: np.ndarray, statistic: Statistic, quantile: float = 0.5
    ) -> np.ndarray:
        """The statistic for each row of block weights (replicates, n_blocks); NaN where empty.

        With ``median``, another `quantile` may take its place.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            if statistic == "mean":
                return (weights @ self.total) / (weights @ self.n)
            used = self.n > 0
            cumulative = np.cumsum(weights[:, used] @ self.histogram[used], axis=1)
            half = cumulative[:, -1:] * quantile
            k = (cumulative < half).sum(1).clip(max=cumulative.shape[1] - 1)
            rows = np.arange(len(k))
            below = np.where(k > 0, cumulative[rows, k - 1], 0.0)
            inside = (half[:, 0] - below) / (cumulative[rows, k] - below)
            return np.where(half[:, 0] > 0, self.low + (k + inside) * self.step, np.nan)


def block_sample(values: np.ndarray, blocks: np.ndarray, n_blocks: int) -> BlockSample:
    """Sum up temperatures (n,) by block number (n,), 0..n_blocks-1."""
    low, high = np.percentile(values, [0.2, 99.8]) if values.size else (0.0, 1.0)
    step = max(float(high - low) / _BINS, 1e-6)
    bins = ((values - low) / step).astype(np.int32).clip(0, _BINS - 1)
    flat = np.bincount(blocks.astype(np.int64) * _BINS + bins, minlength=n_blocks * _BINS)
    return BlockSample(
        n=np.bincount(blocks, minlength=n_blocks).astype(float),
        total=np.bincount(blocks, weights=values, minlength=n_blocks),
        histogram=flat.reshape(n_blocks, _BINS).astype(np.float32),
        low=float(low),
        step=step,
    )


def block_weights(n_blocks: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """How often each block is drawn in each replicate: (replicates, n_blocks) float32."""
    shares = np.full(n_blocks, 1 / n_blocks)
    return rng.multinomial(n_blocks, shares, size=replicates).astype(np.float32)


def combined_blocks(a: np.ndarray, blocks_a: float, b: np.ndarray, blocks_b: float) -> float:
    """Effective blocks of a difference, from replicates of both sides (Welch-Satterthwaite)."""
    variances = np.nanvar(a), np.nanvar(b)
    parts = [v**2 / (m - 1) for v, m in zip(variances, (blocks_a, blocks_b), strict=True) if m > 1]
    if len(parts) < 2 or sum(parts) == 0:
        return min(blocks_a, blocks_b)
    return float(sum(variances) ** 2 / sum(parts) + 1)


def percentile_interval(
    replicates: np.ndarray, estimate: float, confidence: float, effective_blocks: float
) -> tuple[float, float]:
    """The expanded percentile interval of bootstrap replicates, shifted onto the estimate.

    The plain percentile interval of a mean of m units is too short by sqrt((m - 1) / m) and takes
    normal instead of Student quantiles; both are mended here by widening the percentiles (Hesterberg
    2015, doi 10.1080/00031305.2015.1089789, section 3.3). NaN where fewer than three units or half
    of the replicates were usable.
    """
    usable = replicates[np.isfinite(replicates)]
    if effective_blocks <= 2 or usable.size < replicates.size / 2:
        return (np.nan, np.nan)
    m = effective_blocks
    wider = np.sqrt(m / (m - 1)) * special.stdtrit(m - 1, (1 + confidence) / 2)
    tail = special.ndtr(-wider)
    spread = usable - np.median(usable)
    enough = (
        10 / usable.size
    )  # beyond that a percentile rests on a few replicates: use their spread
    if tail < enough:
        sd = spread.std(ddof=1)
        return (estimate - wider * sd, estimate + wider * sd)
    low, high = np.quantile(spread, [tail, 1 - tail])
    return (estimate + float(low), estimate + float(high))


def suitable_block_size(correlated: float, shape: tuple[int, int], cell: float) -> float:
    """Side of a block in m: four correlation ranges, as far as the scene allows.

    At most a fifth of the scene's longer side, so that blocks remain to draw from, and no smaller
    than makes 2,000 blocks, beyond which more of them only cost time.
    """
    longest = max(shape) * cell / _LEAST_ACROSS
    shortest = (shape[0] * shape[1] / _MOST_BLOCKS) ** 0.5 * cell
    return max(min(WANTED_RANGES * correlated, longest), shortest, cell)


def block_numbers(keep: np.ndarray, cell: float, block_size: float) -> tuple[np.ndarray, int]:
    """Block of each kept pixel (n,) int32, numbered over the blocks that hold any, and their number.

    Parameters
    ----------
    keep : array (y, x) of bool
        The pixels in use.
    cell, block_size : float
        Sides of a pixel and of a block, m.
    """
    side = max(1, round(block_size / cell))
    rows, cols = ((np.arange(n) // side).astype(np.int32) for n in keep.shape)
    across = int(cols[-1]) + 1
    blocks = (rows[:, None] * np.int32(across) + cols[None, :])[keep]
    used = np.bincount(blocks, minlength=(int(rows[-1]) + 1) * across) > 0
    number = (np.cumsum(used) - 1).astype(np.int32)
    return number[blocks], int(used.sum())
