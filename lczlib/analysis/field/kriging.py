"""The best linear unbiased prediction at places without a station, and at stations left out.

With drift matrix X, covariance C of the stations (zone, distance, nugget, error of the mean) and
precision ``P = C^-1 - C^-1 X (X' C^-1 X)^-1 X' C^-1``, generalised least squares and kriging are one
linear system (Christensen 1990; Cressie 1993, section 3.4.5). A zone's effect is random, with a
variance of its own: the system shrinks it towards the mean of all zones the more, the fewer stations
the zone has (Robinson 1991, doi 10.1214/ss/1177011926), and the kriging variance holds what is not
known of zones and drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from lczlib.analysis.field.covariance import Covariance, Places


class Kriging:
    """The system of some stations under a covariance.

    Parameters
    ----------
    stations : Places
        n of them.
    covariance : Covariance
    error : array (n,)
        Variance (K2) by which each station's value is off what it stands for; that of a mean of few
        hours. Not part of what is predicted.
    """

    def __init__(self, stations: Places, covariance: Covariance, error: np.ndarray) -> None:
        self.stations, self.covariance = stations, covariance
        c = covariance.between(stations, stations)
        c[np.diag_indices_from(c)] += covariance.nugget + error
        x = stations.drift
        self.inverse = cho_solve(cho_factor(c, lower=True), np.eye(len(c)))
        self.cx = self.inverse @ x
        self.information = x.T @ self.cx
        self.drift_covariance = np.linalg.inv(self.information)
        self.precision = self.inverse - self.cx @ self.drift_covariance @ self.cx.T

    def solve(self, values: np.ndarray) -> Solved:
        """The coefficients that values (T, n) have in it."""
        drift = values @ self.cx @ self.drift_covariance
        return Solved(drift, values @ self.precision)

    def predict(
        self, places: Places, solved: Solved, c: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predictions (T, m) and their standard errors (m,): of what a station there would measure.

        The nugget is part of that: streets and courtyards differ within a pixel too. `c` (m, n) is the
        covariance of places and stations, where it is known already.
        """
        c = self.covariance.between(places, self.stations) if c is None else c
        left = places.drift - c @ self.cx
        variance = (
            self.covariance.total
            - np.einsum("mi,mi->m", c @ self.inverse, c)
            + np.einsum("mi,mi->m", left @ self.drift_covariance, left)
        )
        found = solved.drift @ places.drift.T + solved.weights @ c.T
        return found, np.sqrt(np.maximum(variance, 0.0))

    def zone_effects(self, solved: Solved, zones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Effects (T, k) of zones about the mean of zones, K, and their standard errors (k,)."""
        member = self.covariance.zones * (zones[:, None] == self.stations.zone[None, :])
        known = np.einsum("ki,ij,kj->k", member, self.precision, member)
        spread = np.sqrt(np.maximum(self.covariance.zones - known, 0.0))
        return solved.weights @ member.T, spread

    def left_out(
        self, values: np.ndarray, groups: np.ndarray, which: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values (T, n) minus their predictions from the stations of other groups, and the variance (n,).

        One inverse serves all: the residual of stations B left out together is ``P_BB^-1 (P y)_B``, with
        covariance ``P_BB^-1`` (Dubrule 1983). The variance holds the nugget and the error of the
        values that they are compared with.

        Parameters
        ----------
        values : array (T, n)
            What the stations measured.
        groups : array (n,)
            Stations of one group are left out together.
        which : array, optional
            The groups that are wanted; the other stations' results are NaN.
        """
        off = np.full(values.shape, np.nan)
        variance = np.full(values.shape[1], np.nan)
        projected = values @ self.precision
        for group in np.unique(groups) if which is None else which:
            out = np.flatnonzero(groups == group)
            own = self.precision[np.ix_(out, out)]
            if out.size == len(self.stations) or np.linalg.cond(own) > _SINGULAR:
                continue  # the others do not tell the drift
            back = np.linalg.inv(own)
            off[:, out], variance[out] = projected[:, out] @ back, np.diag(back)
        return off, variance


_SINGULAR = 1e12


@dataclass(frozen=True)
class Solved:
    """What a system makes of values: drift coefficients (T, p) and stations' weights (T, n)."""

    drift: np.ndarray
    weights: np.ndarray
