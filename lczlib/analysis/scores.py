"""Accuracy scores: ratios of the counts of a confusion matrix.

Every function takes counts of shape (..., 17, 17), rows = reference, columns = predicted, and
works on the last two axes, so that a stack of bootstrap replicates is scored at once. A ratio
without a denominator is NaN: a class that the reference lacks has no producer's accuracy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES

Counts = np.ndarray | xr.DataArray

_BUILT = np.array([c.built for c in CLASSES])

_TWELFTHS = (  # one row a class, order 1-10, A-G; A = 10, B = 11, C = 12
    "CBA87679594310300",
    "BCB7878A5A5431411",
    "ABC6789B7B6542522",
    "876CBA96976764144",
    "787BCBA8A87865255",
    "678ABCB9B98987366",
    "7899ABC8A89875255",
    "9AB6898C9B5653644",
    "5579ABA9C87897477",
    "9AB7898B8C5653644",
    "4566789575CBA8588",
    "3457898686BCB9699",
    "1346687595ABCA7AA",
    "012457537389AC9BB",
    "34512326465679C99",
    "012456547489AB9CB",
    "012456547489AB9BC",
)

SIMILARITY = np.array([[int(d, 13) for d in row] for row in _TWELFTHS]) / 12.0
"""How alike two classes are, 0..1, in openness, height, cover and thermal inertia; weights of the
weighted accuracy (Bechtel, B. et al. 2017: Quality of crowdsourced data on urban morphology - the
Human Influence Experiment (HUMINEX), Urban Science 1, 15, doi 10.3390/urbansci1020015)."""


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    out = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator != 0)


def _table(counts: Counts) -> np.ndarray:
    return np.asarray(counts, np.float64)


def _diagonal(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def overall_accuracy(counts: Counts) -> np.ndarray:
    """OA: share of cells mapped as in the reference (Zhou et al. 2022, eq. 7).

    Examples
    --------
    >>> counts = np.zeros((17, 17))
    >>> counts[1, 1], counts[1, 13], counts[13, 13] = 8, 2, 10  # two cells of LCZ 2 mapped as D
    >>> float(overall_accuracy(counts))
    0.9
    """
    x = _table(counts)
    return _ratio(_diagonal(x).sum(-1), x.sum((-2, -1)))


def producers_accuracy(counts: Counts) -> np.ndarray:
    """PA of each class, x_ii / row sum (recall; Zhou et al. 2022, eq. 10); NaN without reference.

    Examples
    --------
    >>> counts = np.zeros((17, 17))
    >>> counts[1, 1], counts[1, 13], counts[13, 13] = 8, 2, 10  # two cells of LCZ 2 mapped as D
    >>> float(producers_accuracy(counts)[1])
    0.8
    """
    x = _table(counts)
    return _ratio(_diagonal(x), x.sum(-1))


def users_accuracy(counts: Counts) -> np.ndarray:
    """UA of each class, x_ii / column sum (precision; Zhou et al. 2022, eq. 11); NaN where never mapped.

    Examples
    --------
    >>> counts = np.zeros((17, 17))
    >>> counts[1, 1], counts[1, 13], counts[13, 13] = 8, 2, 10  # two cells of LCZ 2 mapped as D
    >>> round(float(users_accuracy(counts)[13]), 3)
    0.833
    """
    x = _table(counts)
    return _ratio(_diagonal(x), x.sum(-2))


def f1(counts: Counts) -> np.ndarray:
    """F1 of each class, 2 x_ii / (row sum + column sum); NaN where the reference lacks the class.

    This is the harmonic mean of PA and UA where both exist, and 0 for a class that is in the
    reference but never mapped.
    """
    x = _table(counts)
    rows, columns = x.sum(-1), x.sum(-2)
    return _ratio(2 * _diagonal(x), np.where(rows > 0, rows + columns, 0.0))


def average_accuracy(counts: Counts) -> np.ndarray:
    """AA: mean of PA over the classes that the reference holds (Zhou et al. 2022, eq. 8)."""
    pa = producers_accuracy(counts)
    present = ~np.isnan(pa)
    return _ratio(np.where(present, pa, 0.0).sum(-1), present.sum(-1))


def mean_f1(counts: Counts) -> np.ndarray:
    """Mean of F1 over the classes that the reference holds (macro F1; Opitz & Burst 2019, arXiv 1911.03347)."""
    values = f1(counts)
    present = ~np.isnan(values)
    return _ratio(np.where(present, values, 0.0).sum(-1), present.sum(-1))


def kappa(counts: Counts) -> np.ndarray:
    """Cohen's kappa (Zhou et al. 2022, eq. 9); NaN where both sides hold one and the same class.

    Examples
    --------
    >>> counts = np.zeros((17, 17))
    >>> counts[1, 1], counts[1, 13], counts[13, 13] = 8, 2, 10  # two cells of LCZ 2 mapped as D
    >>> float(kappa(counts))
    0.8
    """
    x = _table(counts)
    n = x.sum((-2, -1))
    chance = (x.sum(-1) * x.sum(-2)).sum(-1)
    return _ratio(n * _diagonal(x).sum(-1) - chance, n**2 - chance)


def overall_accuracy_urban(counts: Counts) -> np.ndarray:
    """OAu: share of the cells of built reference classes (1-10) that carry their own class.

    A built cell mapped as a natural class is an error (Demuzere et al. 2021,
    doi 10.3389/fenvs.2021.637455; Bechtel et al. 2019, doi 10.1016/j.uclim.2018.10.001).

    Examples
    --------
    >>> counts = np.zeros((17, 17))
    >>> counts[1, 1], counts[1, 13], counts[13, 13] = 8, 2, 10  # two cells of LCZ 2 mapped as D
    >>> float(overall_accuracy_urban(counts))
    0.8
    """
    x = _table(counts)[..., _BUILT, :]
    return _ratio(_diagonal(x[..., _BUILT]).sum(-1), x.sum((-2, -1)))


def overall_accuracy_built(counts: Counts) -> np.ndarray:
    """OAbu: accuracy of built (1-10) against natural (A-G), whatever the class (Demuzere et al. 2021)."""
    x = _table(counts)
    same = _BUILT[:, None] == _BUILT[None, :]
    return _ratio((x * same).sum((-2, -1)), x.sum((-2, -1)))


def overall_accuracy_weighted(counts: Counts) -> np.ndarray:
    """OAw: accuracy in which a confusion counts as much as the two classes are alike.

    The mean of `SIMILARITY` over all cells (Bechtel et al. 2017, 2019; Demuzere et al. 2021).

    Examples
    --------
    >>> counts = np.zeros((17, 17))
    >>> counts[1, 1], counts[1, 13], counts[13, 13] = 8, 2, 10  # two cells of LCZ 2 mapped as D
    >>> round(float(overall_accuracy_weighted(counts)), 3)
    0.908
    """
    x = _table(counts)
    return _ratio((x * SIMILARITY).sum((-2, -1)), x.sum((-2, -1)))


SCORES: dict[str, Callable[[Counts], np.ndarray]] = {
    "oa": overall_accuracy,
    "aa": average_accuracy,
    "kappa": kappa,
    "oau": overall_accuracy_urban,
    "oabu": overall_accuracy_built,
    "oaw": overall_accuracy_weighted,
    "mean_f1": mean_f1,
}
"""Scores of a whole map: name in result files, function."""

CLASS_SCORES: dict[str, Callable[[Counts], np.ndarray]] = {
    "pa": producers_accuracy,
    "ua": users_accuracy,
    "f1": f1,
}
"""Scores of each class: name in result files, function."""
