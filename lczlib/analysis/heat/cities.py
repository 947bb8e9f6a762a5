"""The heat island of many cities in one model: difference by class, city as random effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.classes import CLASSES
from lczlib.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

LEAST_CITIES = 3
"""Below, how cities differ cannot be told from anything else."""


@dataclass(frozen=True)
class CitiesHeat:
    """Differences to the reference by class over cities.

    Attributes
    ----------
    classes : DataFrame
        Index ``lcz``: ``difference`` (K), ``ci_low``, ``ci_high``, ``n_cities``, ``n`` (pixels or
        stations).
    n_cities, n_differences : int
    city_sd : float
        Standard deviation (K) of what all classes of a city share; NaN where it cannot be told.
    residual_sd : float
        Of what a class of a city has beside that.
    method : str
        In words.
    """

    classes: pd.DataFrame
    n_cities: int
    n_differences: int
    city_sd: float
    residual_sd: float
    method: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        rows = []
        for number, row in self.classes.iterrows():
            known = np.isfinite(row["ci_low"])
            rows.append(
                {
                    "lcz": int(number), "code": CLASSES[int(number) - 1].code,
                    "name": CLASSES[int(number) - 1].name, "difference": float(row["difference"]),
                    "difference_ci": [float(row["ci_low"]), float(row["ci_high"])] if known else None,
                    "n_cities": int(row["n_cities"]), "n": int(row["n"]),
                }
            )  # fmt: skip
        return {
            "unit": "K", "n_cities": self.n_cities, "n_differences": self.n_differences, "city_sd": self.city_sd,
            "residual_sd": self.residual_sd, "method": self.method, "classes": rows,
        }  # fmt: skip


def heat_of_cities(table: pd.DataFrame, confidence: float = 0.95) -> CitiesHeat:
    """One model of the heat islands of many cities, all of one kind and against one reference.

    The difference of class j to the reference in city i is ``m_j + b_i + e_ij``: the class's over all
    cities of which these are a sample, what all classes of the city share (its background, the day of
    its image), and the rest, within which lies each city's own uncertainty. Fitted by restricted maximum
    likelihood (Patterson & Thompson 1971), profiled to the one share that cities have of the variance
    (Lindstrom & Bates 1988). Intervals are of m_j, with Student's t of
    one degree less than the class has cities, which is on the safe side. A class of one city has none.

    Parameters
    ----------
    table : DataFrame
        ``city``, ``lcz`` (1..17), ``difference`` (K), ``n`` (pixels or stations); a row a city and class,
        without the reference itself, whose difference is 0 everywhere.
    confidence : float
        Of the intervals.

    Raises
    ------
    InputError
        If there are fewer than three cities.
    """
    table = table[np.isfinite(table["difference"])]
    n_cities = table["city"].nunique()
    if n_cities < LEAST_CITIES:
        msg = f"A model of cities needs {LEAST_CITIES} at least with differences; there are {n_cities}."
        raise InputError(msg)
    found = table.groupby("lcz").agg(n_cities=("city", "nunique"), n=("n", "sum"))
    # without a city that has several classes, what it shares is not told from the rest; without a class
    # of several cities, neither is told from the classes
    told_apart = len(table) > max(n_cities, len(found))
    fit = _mixed if told_apart else _means
    difference, error, city_sd, residual_sd = fit(table, found.index.to_numpy())
    found["difference"] = difference
    half = _quantile(found["n_cities"].to_numpy(), confidence) * error
    found["ci_low"], found["ci_high"] = difference - half, difference + half
    method = (
        "linear mixed model by restricted maximum likelihood, difference by class, city as random effect"
        if told_apart
        else "mean over cities by class: what cities share cannot be told from what classes differ by"
    )
    method += (
        f"; {confidence:.0%} intervals by Student's t with one degree less than cities of the class"
    )
    columns = ["difference", "ci_low", "ci_high", "n_cities", "n"]
    return CitiesHeat(found[columns], n_cities, len(table), city_sd, residual_sd, method)


def _mixed(table: pd.DataFrame, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Differences, their standard errors, and the two standard deviations.

    With ``r`` the variance of cities over that of the rest, the inverse of a city's covariance of n classes is
    ``1 - r / (1 + n r)`` but for a factor: all that the likelihood needs are sums over cities.
    """
    from scipy.optimize import minimize_scalar

    city = np.unique(table["city"].to_numpy(), return_inverse=True)[1]
    lcz = np.searchsorted(classes, table["lcz"].to_numpy())
    per_class = np.bincount(lcz)
    value = table["difference"].to_numpy(float)
    means = np.bincount(lcz, value) / per_class
    value = value - means[lcz]  # so that squares of what is alike do not drown what differs
    has = np.zeros((city.max() + 1, len(classes)))
    np.add.at(has, (city, lcz), 1)
    n, total = has.sum(axis=1), np.bincount(city, value)
    left = len(value) - len(classes)  # degrees of freedom
    least = len(value) * np.finfo(float).eps ** 2

    def fitted(share: float) -> tuple[np.ndarray, np.ndarray, float, float]:
        ratio = share / (1 - share)
        weight = ratio / (1 + ratio * n)
        inner = np.diag(per_class.astype(float)) - has.T @ (weight[:, None] * has)
        right = -has.T @ (weight * total)  # a class's own sum is 0 by now
        found = np.linalg.solve(inner, right)
        squares = max(least, value @ value - weight @ total**2 - found @ right)
        deviance = left * np.log(squares) + np.log1p(ratio * n).sum() + np.linalg.slogdet(inner)[1]
        return found, inner, squares / left, deviance

    # of several dips the deepest: unbalanced tables can have two
    shares = np.concatenate([[0.0], 1 / (1 + np.exp(np.linspace(7, -14, 64)))])
    at = int(np.argmin([fitted(s)[3] for s in shares]))
    around = shares[max(at - 1, 0)], shares[min(at + 1, len(shares) - 1)]
    near = minimize_scalar(
        lambda s: fitted(s)[3], bounds=around, method="bounded", options={"xatol": 1e-9}
    ).x
    share = min(shares[at], near, key=lambda s: fitted(s)[3])
    found, inner, rest, _ = fitted(share)
    error = np.sqrt(rest * np.diag(np.linalg.inv(inner)))
    return found + means, error, float(np.sqrt(rest * share / (1 - share))), float(np.sqrt(rest))


def _means(table: pd.DataFrame, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    by_class = table.groupby("lcz")["difference"]
    spread, n = by_class.std().to_numpy(), by_class.size().to_numpy()
    return by_class.mean().loc[classes].to_numpy(), spread / np.sqrt(n), np.nan, np.nan


def _quantile(n: np.ndarray, confidence: float) -> np.ndarray:
    from scipy.stats import t

    return np.where(n > 1, t.ppf((1 + confidence) / 2, np.maximum(n - 1, 1)), np.nan)
