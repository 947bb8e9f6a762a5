"""Scores of class probabilities: log loss, Brier score and calibration error, and how two sets of them differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lczlib.analysis.bootstrap import (
    check_replicates,
    collapsed,
    degrees_of_freedom,
    draw_weights,
    interval,
)
from lczlib.analysis.options import REPLICATES
from lczlib.analysis.recalibration import brier_scores, log_losses
from lczlib.errors import InputError

BINS = 15
"""Equally filled bins of the highest probability, as in Kumar et al. (2019)."""

SCORES = ("log_loss", "brier", "calibration_error", "oa")


def paired_scores(
    before: np.ndarray,
    after: np.ndarray,
    lcz: np.ndarray,
    unit: np.ndarray,
    strata: dict[int, int] | None = None,
    *,
    bins: int = BINS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> pd.DataFrame:
    """Scores of two sets of probabilities of the same cells, with the paired interval of their difference.

    ``calibration_error`` is the root mean squared gap between the highest probability and how often it is right,
    over equally filled bins, less what chance alone adds to it (Kumar, Liang & Ma 2019, Verified uncertainty
    calibration, NeurIPS, section 4: the debiased estimator). They take that from single cells; cells of one polygon
    are right or wrong together, so here it is the variance between units. 0 where chance explains all.

    Parameters
    ----------
    before, after : array (n, 17)
        Probabilities.
    lcz : array (n,)
        Reference class 1..17.
    unit : array (n,)
        Polygon or block: the unit of the bootstrap, the same draws for both.
    strata : dict of int to int, optional
        Class of each unit, whose number of units each replicate keeps; one stratum when not given.
    bins : int
        Of the calibration error.
    replicates, seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Index `SCORES` (``oa``: share of cells whose most probable class is right): ``before``, ``after``,
        ``difference`` (after - before), ``ci_low``, ``ci_high`` (95%). Means over cells.

    Raises
    ------
    InputError
        If there are fewer than two units.
    """
    number, index = np.unique(unit, return_inverse=True)
    if len(number) < 2:
        msg = f"{len(number)} reference unit gives no interval: use two or more polygons or blocks."
        raise InputError(msg)
    check_replicates(replicates)
    per_unit = np.array([strata[int(u)] for u in number]) if strata else np.zeros(len(number), int)
    sums = [_sums(p, lcz, index, len(number), bins) for p in (before, after)]
    ones = np.ones((1, len(number)))
    values = [_scores(s, ones)[:, 0] for s in sums]
    drawn: list[list[np.ndarray]] = [[], []]
    for weights in draw_weights(collapsed(per_unit), replicates, np.random.default_rng(seed)):
        for which, s in enumerate(sums):
            drawn[which].append(_scores(s, weights))
    first, second = (np.concatenate(d, axis=1) for d in drawn)
    degrees = degrees_of_freedom(per_unit)
    apart = values[1] - values[0]
    low, high = interval(apart, (second - first).T, degrees, lowest=None)
    return pd.DataFrame(
        {"before": values[0], "after": values[1], "difference": apart, "ci_low": low, "ci_high": high},
        index=pd.Index(SCORES, name="score"),
    )  # fmt: skip


def calibration_error(
    p: np.ndarray, lcz: np.ndarray, unit: np.ndarray, *, bins: int = BINS
) -> float:
    """The debiased calibration error of `paired_scores` alone."""
    number, index = np.unique(unit, return_inverse=True)
    return float(_scores(_sums(p, lcz, index, len(number), bins), np.ones((1, len(number))))[2, 0])


def _sums(
    p: np.ndarray, lcz: np.ndarray, index: np.ndarray, n_units: int, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each unit: cells, summed losses and hits (units, 4); cells and gaps of each bin (units, bins, 2)."""
    best = p.argmax(1)
    top, right = p[np.arange(len(p)), best], best + 1 == lcz
    columns = (None, log_losses(p, lcz), brier_scores(p, lcz), right)
    plain = [np.bincount(index, weights=c, minlength=n_units) for c in columns]
    bins = min(bins, len(p))
    at = np.argsort(np.argsort(top, kind="stable"), kind="stable") * bins // len(p)
    code, size = index * bins + at, n_units * bins
    gaps = [np.bincount(code, weights=w, minlength=size) for w in (None, top - right)]
    return np.stack(plain, -1), np.stack(gaps, -1).reshape(n_units, bins, 2)


def _scores(sums: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> np.ndarray:
    """The scores (4, replicates) of weighted units, weights (replicates, units)."""
    plain, gaps = sums
    n, log_loss, brier, hits = (weights @ plain).T
    cells, gap = (weights @ gaps[..., i] for i in (0, 1))
    filled = cells > 0
    mean = np.divide(gap, cells, out=np.zeros_like(gap), where=filled)
    n_ub, r_ub = gaps[..., 0], gaps[..., 1]
    # sum over units of w (r - mean n)^2
    spread = (
        weights @ r_ub**2 - 2 * mean * (weights @ (r_ub * n_ub)) + mean**2 * (weights @ n_ub**2)
    )
    units = weights @ (n_ub > 0)
    factor = np.divide(units, units - 1, out=np.zeros_like(units), where=units > 1.5)
    variance = np.divide(spread * factor, cells**2, out=np.zeros_like(cells), where=filled)
    squared = (cells * (mean**2 - variance)).sum(1) / n
    error = np.sqrt(np.maximum(squared, 0))
    return np.stack([log_loss / n, brier / n, error, hits / n])
