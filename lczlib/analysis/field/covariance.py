"""How air temperatures at two places go together: by zone, by distance, and by neither."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from lczlib.analysis.field.options import Shape

if TYPE_CHECKING:
    import gstools

_PRACTICAL = 0.95
"""Share of the sill that the variogram has reached at its practical range."""


@dataclass(frozen=True)
class Places:
    """Stations, or pixels of a map.

    Attributes
    ----------
    x, y : array (n,)
        m, in the map's projection.
    zone : array (n,) of int
        LCZ number.
    drift : array (n, p)
        What the mean is a linear function of; the first column is 1.
    """

    x: np.ndarray
    y: np.ndarray
    zone: np.ndarray
    drift: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def pick(self, which: np.ndarray) -> Places:
        """Some of them."""
        return Places(self.x[which], self.y[which], self.zone[which], self.drift[which])

    def without_drift(self) -> Places:
        """The same with a constant mean."""
        return replace(self, drift=self.drift[:, :1])

    def distances(self, others: Places) -> np.ndarray:
        """Metres to each of others: (n, m)."""
        return cdist(np.column_stack([self.x, self.y]), np.column_stack([others.x, others.y]))


@dataclass(frozen=True)
class Covariance:
    """Variances in K2, of one hour or of a composite.

    Attributes
    ----------
    zones : float
        Of the effects of zones: places of one zone share its effect wherever they lie.
    sill : float
        Of what goes together over short distances.
    length : float
        Length scale of that, m, as GSTools defines it.
    nugget : float
        Of what a station shares with no other.
    shape : str
        How correlation falls with distance.
    """

    zones: float
    sill: float
    length: float
    nugget: float
    shape: Shape = "exponential"

    def between(self, a: Places, b: Places, distances: np.ndarray | None = None) -> np.ndarray:
        """Covariance (n, m) of two sets of places, of what is not the nugget."""
        apart = a.distances(b) if distances is None else distances
        found = self.sill * correlation(self.shape, apart / self.length)
        if self.zones:
            found += self.zones * (a.zone[:, None] == b.zone[None, :])
        return found

    @property
    def total(self) -> float:
        """Variance of a single place about the drift."""
        return self.zones + self.sill + self.nugget

    @property
    def range(self) -> float:
        """Practical range in m: from here on 95 % of the sill are reached."""
        return self.length * _practical(self.shape)


def correlation(shape: Shape, ratio: np.ndarray) -> np.ndarray:
    """Correlation at a distance in length scales, by GSTools' model of that name."""
    return _model(shape).correlation(ratio)


@cache
def _model(shape: Shape) -> gstools.CovModel:
    import gstools

    made = {
        "exponential": gstools.Exponential, "spherical": gstools.Spherical, "matern": gstools.Matern,
    }  # fmt: skip
    more = {"nu": 1.5} if shape == "matern" else {}
    return made[shape](dim=2, var=1.0, len_scale=1.0, **more)


@cache
def _practical(shape: Shape) -> float:
    return float(_model(shape).percentile_scale(_PRACTICAL))
