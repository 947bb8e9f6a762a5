"""The noise of an area of change: of whole blocks of cells, seen in images where no change can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lczlib.analysis.change.pairs import PILOT, Image, Pair, posterior
from lczlib.analysis.change.transitions import GROUPS, group_of_pairs
from lczlib.classes import N_CLASSES


def scores(pair: Pair) -> np.ndarray:
    """Probability of change of each cell of a pair at the pilot rate, (n,): g of `lczlib.analysis.change.area`."""
    return posterior(pair.score(), PILOT).astype(np.float64)


@dataclass(frozen=True)
class Noise:
    """Differences of pairs without change in them, and what makes their variance that of m - d0."""

    plus: list[Pair]
    minus: list[Pair]
    factor: float


def noise_of(
    across: Sequence[Pair],
    ends: list[Sequence[Image]],
    beside: Sequence[Image],
    pair: Callable[[Image, Image], Pair],
) -> Noise | None:
    """The contrast that holds the noise.

    With a pair's variance v and covariances c of pairs that share an image, e of others, in units of which
    the contrasts are: of two images of one end 2 (v - c), where (AC + BC) / 2 - AB has 3/2 (v - c); of two
    of both ends 4 (v + e - 2 c), where the mean of four less the mean of two has 3/4 (v + e - 2 c); of a
    third year 2 (v - c), where AC - BB' has 2 (v - e), twice as much if the errors of images add up.
    """
    if len(across) == 4:
        return Noise([across[0], across[3]], [across[1], across[2]], 3 / 16)
    if len(across) == 2:
        return Noise([across[0]], [across[1]], 3 / 4)
    if beside:
        one = ends[0][0]
        return Noise([pair(one, beside[0])], [pair(one, beside[1])], 2.0)
    return None


def by_block(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Sums of the cells of each block, by its number from 0."""
    return np.bincount(index, values)


def variance_of_blocks(sums: np.ndarray) -> float:
    """Variance of the total of block sums whose expectation is 0.

    Beside their spread, the total itself is a draw of it: one image that is worse than the other of its
    year shifts all blocks alike, which their spread does not tell.
    """
    n = len(sums)
    centred = sums - sums.mean()
    return max(float(centred @ centred) * n / max(n - 1, 1), float(sums.sum()) ** 2)


def effective_blocks(sums: np.ndarray) -> float:
    """How many blocks as good as normal ones the variance of block sums rests on, 2 to their number.

    A variance that a few blocks make is less sure than their number says. Of n normal sums the squared
    sum of squares is n / 3 times the sum of fourth powers; heavier tails have less.
    """
    squares = (sums - sums.mean()) ** 2
    fourth = float(squares @ squares)
    return float(np.clip(3 * squares.sum() ** 2 / fourth, 2, len(sums))) if fourth else len(sums)


def by_group(table: np.ndarray) -> np.ndarray:
    """Sums of a table of changes (17, 17) by `GROUPS`, (4,)."""
    groups = group_of_pairs()
    return np.array([table[groups == g].sum() for g in range(len(GROUPS))])


def transition_errors(
    noise: Noise | None,
    across: tuple[Pair, ...],
    weight: np.ndarray,
    index: np.ndarray,
    n_blocks: int,
    rate: float,
    shares: np.ndarray,
    apart: np.ndarray,
    grown: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors of the share of the area of each change, and of their groups."""
    sums = np.zeros((n_blocks, N_CLASSES, N_CLASSES))
    signed = (
        [(across[0], 1.0)]
        if noise is None
        else [(p, 1.0) for p in noise.plus] + [(p, -1.0) for p in noise.minus]
    )
    order = np.argsort(index, kind="stable")
    cuts = np.searchsorted(index[order], np.arange(n_blocks + 1))
    for pair, sign in signed:
        g = sign * weight * scores(pair)
        for b in range(n_blocks):
            cells = order[cuts[b] : cuts[b + 1]]
            part = Pair(pair.first[cells], pair.second[cells], pair.stable, pair.changes)
            sums[b] += part.transition_sums(g[cells])
    factor = 1.0 if noise is None else noise.factor
    sums = sums - sums.mean(0) if noise is None else sums
    # of what is a change, this much is seen as one; less than a tenth tells nothing
    gain = np.maximum(apart, 0.1)
    n = n_blocks
    unit = grown * float(weight @ weight)
    centred = sums - sums.mean(0)
    variance = np.maximum((centred**2).sum(0) * n / max(n - 1, 1), sums.sum(0) ** 2) * factor
    single = np.sqrt(variance / gain**2 + rate * shares * unit / gain)
    groups, found = group_of_pairs(), np.zeros(len(GROUPS))
    for g in range(len(GROUPS)):
        held = groups == g
        share = shares[held].sum()
        mean_gain = max(float((shares * apart)[held].sum() / share) if share > 0 else 0.1, 0.1)
        found[g] = np.sqrt(
            factor * variance_of_blocks(sums[:, held].sum(1)) / mean_gain**2
            + rate * share * unit / mean_gain
        )
    return single, found
