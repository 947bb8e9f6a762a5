"""The covariance that stations speak for: restricted maximum likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import pdist

from lczlib.analysis.field.covariance import Covariance, Places, correlation
from lczlib.analysis.field.options import Shape

_SMALLEST = 1e-3
"""Least nugget, as a share of the variance about the drift: stations of one place stay solvable."""
_LEAST, _MOST = 1e-3, 10.0
"""Least and most variance of a part, as a share of the variance about the drift."""
_STEP = 1e-4
_NONE = 1e12


def patterns(values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of (T, n) values that the same stations have, and these stations; both as numbers."""
    rows, which = np.unique(np.isfinite(values), axis=0, return_inverse=True)
    which = which.ravel()
    for i, known in enumerate(rows):
        yield np.flatnonzero(which == i), np.flatnonzero(known)


def fit_covariance(
    stations: Places,
    values: np.ndarray,
    *,
    error: np.ndarray | None = None,
    zones: bool = True,
    shape: Shape = "exponential",
) -> Covariance:
    """The covariance with the largest restricted likelihood (Patterson & Thompson 1971).

    Rows of values count as independent draws with one covariance. The likelihood is multiplied with the
    standard deviation of the zones, which keeps that from an estimate of exactly none where there are few
    zones (Chung et al. 2013, doi 10.1007/s11336-013-9328-2).

    Parameters
    ----------
    stations : Places
        n of them.
    values : array (T, n)
        NaN where a station has none; each row needs more values than there are drifts.
    error : array (n,), optional
        Known variance of each value, K2.
    zones : bool
        Whether zones have effects.
    shape : str
        Of the correlation with distance.
    """
    error = np.zeros(len(stations)) if error is None else error
    spread = max(float(np.mean(list(_about_drift(stations, values)))), 1e-8)
    apart = pdist(np.column_stack([stations.x, stations.y]))
    nearest, farthest = max(float(np.quantile(apart, 0.02)), 1.0), max(float(apart.max()), 2.0)
    low = [_LEAST * spread, _LEAST * spread, _SMALLEST * spread, nearest / 2]
    high = [_MOST * spread] * 3 + [farthest]
    bounds = np.log(np.column_stack([low, high]))
    apart = stations.distances(stations)
    parts = [_Part.of(stations.pick(known), values[np.ix_(rows, known)], error[known],
                      apart[np.ix_(known, known)]) for rows, known in patterns(values)]  # fmt: skip

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = (-0.5 * theta[0], np.array([-0.5, 0, 0, 0])) if zones else (0.0, np.zeros(4))
        for part in parts:
            try:
                value, own = part.cost(np.exp(theta), zones, shape)
            except np.linalg.LinAlgError:
                return _NONE, np.zeros(4)
            total, slope = total + value, slope + own
        return total / len(values), slope / len(values)

    best = None
    for first in _starts(spread, nearest, farthest):
        begin = np.clip(first, bounds[:, 0], bounds[:, 1])
        done = minimize(cost, begin, jac=True, method="L-BFGS-B", bounds=bounds,
                        options={"maxiter": 60, "ftol": 1e-8})  # fmt: skip
        best = done if best is None or done.fun < best.fun else best
    a, b, c, d = (float(v) for v in np.exp(best.x))
    return Covariance(a if zones else 0.0, b, d, c, shape)


@dataclass(frozen=True)
class _Part:
    """The hours of which the same stations have values."""

    alike: np.ndarray
    apart: np.ndarray
    drift: np.ndarray
    values: np.ndarray
    error: np.ndarray

    @classmethod
    def of(
        cls, stations: Places, values: np.ndarray, error: np.ndarray, apart: np.ndarray
    ) -> _Part:
        alike = (stations.zone[:, None] == stations.zone[None, :]).astype(float)
        return cls(alike, apart, stations.drift, values, error)

    def cost(self, parameters: np.ndarray, zones: bool, shape: Shape) -> tuple[float, np.ndarray]:
        """Minus the restricted log-likelihood and its slope by the logarithms of the parameters.

        The slope of a parameter is ``sum((T P - W' W) * dC) / 2`` with the weights ``W = Y P`` (Harville
        1977), that of the length by differences.
        """
        of_zones, sill, nugget, length = parameters
        near = correlation(shape, self.apart / length)
        c = sill * near
        if zones:
            c = c + of_zones * self.alike
        c[np.diag_indices_from(c)] += nugget + self.error
        factor = cho_factor(c, lower=True)
        inverse = cho_solve(factor, np.eye(len(c)))
        cx = inverse @ self.drift
        information = self.drift.T @ cx
        precision = inverse - cx @ np.linalg.solve(information, cx.T)
        weights = self.values @ precision
        n = len(self.values)
        of_c = 2 * np.log(np.diag(factor[0])).sum() + np.linalg.slogdet(information)[1]
        value = 0.5 * (n * of_c + float((weights * self.values).sum()))
        pull = 0.5 * (n * precision - weights.T @ weights)
        longer = correlation(shape, self.apart / (length * (1 + _STEP)))
        slope = np.array([
            of_zones * (pull * self.alike).sum() if zones else 0.0,
            sill * (pull * near).sum(),
            nugget * np.trace(pull),
            sill * (pull * (longer - near)).sum() / _STEP,
        ])  # fmt: skip
        return value, slope


def _about_drift(stations: Places, values: np.ndarray) -> Iterator[float]:
    """Variance of each row about its least-squares drift."""
    for rows, known in patterns(values):
        x = stations.drift[known]
        if known.size <= x.shape[1]:
            continue
        left = values[np.ix_(rows, known)].T
        left = left - x @ np.linalg.lstsq(x, left, rcond=None)[0]
        yield from (left**2).sum(axis=0) / (known.size - x.shape[1])


def _starts(spread: float, nearest: float, farthest: float) -> list[np.ndarray]:
    """Where the search begins: mostly zones, or mostly distance."""
    return [
        np.log([0.5 * spread, 0.3 * spread, 0.2 * spread, np.sqrt(nearest * farthest)]),
        np.log([0.1 * spread, 0.7 * spread, 0.2 * spread, farthest / 3]),
    ]
