"""Bootstrap intervals for accuracy: whole polygons or blocks are drawn, never single pixels.

The pixels of one polygon are right or wrong together, so that drawing pixels gives intervals many
times too narrow. The units drawn here are the ones that the expert drew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lczlib.errors import InputError

LEVELS = {"ci": 0.95, "ci90": 0.90}
"""Intervals in result files: 2.5-97.5% (``_ci``) and 5-95% (``_ci90``)."""

_TURN = 100  # replicates drawn at once: weights of a turn are 100 x units


def check_replicates(replicates: int) -> int:
    """Return the number of replicates if it is enough for a 95% interval, else raise."""
    if replicates < 100:
        msg = f"{replicates} bootstrap replicates are too few for an interval: take 100 or more."
        raise InputError(msg)
    return replicates


def draw_weights(
    strata: np.ndarray, replicates: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield the weights of all units, a turn of replicates at a time, (turn, units).

    In a stratum of n units, n - 1 are drawn with replacement and count n / (n - 1) each. This
    rescaled bootstrap (Rao & Wu 1988, doi 10.1080/01621459.1988.10478591) has the right variance
    where strata hold few units; the plain one is too narrow by (n - 1) / n. The unit of a stratum
    that holds only one stays as it is.
    """
    strata = np.asarray(strata)
    members = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    for start in range(0, replicates, _TURN):
        turn = min(_TURN, replicates - start)
        weights = np.ones((turn, strata.size))
        for units in members:
            n = units.size
            if n > 1:
                drawn = rng.multinomial(n - 1, np.full(n, 1 / n), size=turn)
                weights[:, units] = drawn * (n / (n - 1))
        yield weights


def bootstrap_sums(
    units: np.ndarray, strata: np.ndarray | None = None, *, replicates: int = 1000, seed: int = 0
) -> np.ndarray:
    """Sums over resampled units.

    Parameters
    ----------
    units : array (n_units, ...)
        Counts of each polygon or block, such as its confusion matrix (n_units, 17, 17).
    strata : array (n_units,), optional
        Class of each polygon; each class keeps its number of polygons. One stratum when not given.
    replicates, seed : int
        Number of replicates and seed of the random numbers.

    Returns
    -------
    array (replicates, ...), float64

    Raises
    ------
    InputError
        If there are less than 100 replicates or less than two units.
    """
    check_replicates(replicates)
    units = np.asarray(units)
    if len(units) < 2:
        msg = f"{len(units)} reference unit gives no interval: use two or more polygons or blocks."
        raise InputError(msg)
    strata = np.zeros(len(units), int) if strata is None else np.asarray(strata)
    rng = np.random.default_rng(seed)
    flat = units.reshape(len(units), -1).astype(np.float64)
    used = np.flatnonzero(flat.any(0))  # most pairs of classes never occur
    sums = np.zeros((replicates, flat.shape[1]))
    sums[:, used] = np.concatenate(
        [w @ flat[:, used] for w in draw_weights(strata, replicates, rng)]
    )
    return sums.reshape(replicates, *units.shape[1:])


def interval(values: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Percentile interval over the first axis, (2, ...); NaN where a tenth of the replicates has no value."""
    values = np.asarray(values, np.float64)
    missing = np.isnan(values).mean(0)
    tail = (1 - level) / 2
    filled = np.where(missing == 1, 0.0, values)  # nanquantile warns on columns of NaN
    out = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    return np.where(missing > 0.1, np.nan, out)


def score_intervals(
    replicates: np.ndarray, score: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """The intervals of `LEVELS` of a score, from resampled counts (replicates, 17, 17)."""
    values = score(replicates)
    return {name: interval(values, level) for name, level in LEVELS.items()}
