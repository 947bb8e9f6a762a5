"""The heat island of many cities in one model: difference by class, city as random effect."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
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
            "n_cities": self.n_cities, "n_differences": self.n_differences, "city_sd": self.city_sd,
            "residual_sd": self.residual_sd, "method": self.method, "classes": rows,
        }  # fmt: skip


def heat_of_cities(table: pd.DataFrame, confidence: float = 0.95) -> CitiesHeat:
    """One model of the heat islands of many cities, all of one kind and against one reference.

    The difference of class j to the reference in city i is ``m_j + b_i + e_ij``: the class's over all
    cities of which these are a sample, what all classes of the city share (its background, the day of
    its image), and the rest, within which lies each city's own uncertainty. Fitted by restricted maximum
    likelihood (statsmodels' MixedLM; Lindstrom & Bates 1988). Intervals are of m_j, with Student's t of
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
        If statsmodels is not installed, or there are fewer than three cities.
    """
    table = table[np.isfinite(table["difference"])]
    n_cities = table["city"].nunique()
    if n_cities < LEAST_CITIES:
        msg = f"A model of cities needs {LEAST_CITIES} at least with differences; there are {n_cities}."
        raise InputError(msg)
    if not find_spec("statsmodels"):
        msg = "A model of cities needs statsmodels, which is not installed: pip install 'lczlib[cluster]'."
        raise InputError(msg)
    found = table.groupby("lcz").agg(n_cities=("city", "nunique"), n=("n", "sum"))
    # without a city that has several classes, what it shares is not told from the rest
    told_apart = len(table) > n_cities
    fit = _mixed if told_apart else _means
    difference, error, city_sd, residual_sd = fit(table, found.index.to_numpy())
    found["difference"] = difference
    half = _quantile(found["n_cities"].to_numpy(), confidence) * error
    found["ci_low"], found["ci_high"] = difference - half, difference + half
    method = (
        "linear mixed model by restricted maximum likelihood, difference by class, city as random effect"
        if told_apart
        else "mean over cities by class: no city has two classes"
    )
    method += (
        f"; {confidence:.0%} intervals by Student's t with one degree less than cities of the class"
    )
    columns = ["difference", "ci_low", "ci_high", "n_cities", "n"]
    return CitiesHeat(found[columns], n_cities, len(table), city_sd, residual_sd, method)


def _mixed(table: pd.DataFrame, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Differences, their standard errors, and the two standard deviations."""
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    is_class = (table["lcz"].to_numpy()[:, None] == classes[None, :]).astype(float)
    with warnings.catch_warnings():
        # cities that share nothing put their variance at 0, the edge of what it can be, which it warns of
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        model = MixedLM(table["difference"].to_numpy(), is_class, groups=table["city"].to_numpy())
        fitted = model.fit(reml=True, method=["lbfgs", "powell"])
    shared = max(0.0, float(np.asarray(fitted.cov_re)[0, 0]))
    return (
        np.asarray(fitted.fe_params),
        np.asarray(fitted.bse_fe),
        float(np.sqrt(shared)),
        float(np.sqrt(fitted.scale)),
    )


def _means(table: pd.DataFrame, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    by_class = table.groupby("lcz")["difference"]
    spread, n = by_class.std().to_numpy(), by_class.size().to_numpy()
    return by_class.mean().loc[classes].to_numpy(), spread / np.sqrt(n), np.nan, np.nan


def _quantile(n: np.ndarray, confidence: float) -> np.ndarray:
    from scipy.stats import t

    return np.where(n > 1, t.ppf((1 + confidence) / 2, np.maximum(n - 1, 1)), np.nan)
