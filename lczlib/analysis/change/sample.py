"""The classes of a change map as strata, and areas from a probability sample of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from lczlib.analysis.bootstrap import LEVELS
from lczlib.analysis.change.transitions import GROUPS, N_BUILT, group_of_pairs
from lczlib.errors import InputError

STRATA = ("natural, not changed", "built, not changed", *GROUPS)
"""Classes of a change map, from 1; 0 is no data."""
FEWEST = 2
"""Samples of each class of the map without which there is no standard error."""


def strata(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Class of the change map of each cell, 1..6 (`STRATA`), 0 where either map has none; uint8.

    Parameters
    ----------
    before, after : array of int
        LCZ 1..17, 0 = no data, of one shape.
    """
    known = (before > 0) & (after > 0)
    a, b = np.where(known, before, 1) - 1, np.where(known, after, 1) - 1
    changed = group_of_pairs()[a, b] + 3
    kept = np.where(a < N_BUILT, 2, 1)
    return np.where(known, np.where(a == b, kept, changed), 0).astype(np.uint8)


@dataclass(frozen=True)
class SampleArea:
    """Area of change by a stratified random sample: design-based, whatever the maps are worth.

    Attributes
    ----------
    km2, error : float
        Estimate, and its standard error.
    intervals : dict of str to (float, float)
        By the names of `LEVELS`, in km2.
    groups, group_errors : (4,)
        The same of each of `lczlib.analysis.change.transitions.GROUPS`.
    transitions, transition_errors : (17, 17)
        The same of each change of class, before x after.
    n_strata : (6,) int
        Samples of each of `STRATA`.
    strata_km2 : (6,)
        Their areas on the map.
    """

    km2: float
    error: float
    intervals: dict[str, tuple[float, float]]
    groups: np.ndarray
    group_errors: np.ndarray
    transitions: np.ndarray
    transition_errors: np.ndarray
    n_strata: np.ndarray
    strata_km2: np.ndarray

    @property
    def n(self) -> int:
        """Samples."""
        return int(self.n_strata.sum())

    def ends(
        self, km2: np.ndarray, error: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Interval of areas, held to what there is."""
        total = float(self.strata_km2.sum())
        reach = _quantile(self.n_strata, level) * error
        return np.clip(km2 - reach, 0, total), np.clip(km2 + reach, 0, total)


def _quantile(n: np.ndarray, level: float) -> float:
    return float(special.stdtrit(max(int(n.sum()) - int((n > 0).sum()), 1), (1 + level) / 2))


def sample_area(
    stratum: np.ndarray, before: np.ndarray, after: np.ndarray, strata_km2: np.ndarray
) -> SampleArea:
    """Areas of change from samples that were drawn at random within each class of a change map.

    The stratified estimator of a share and its standard error (Olofsson et al. 2014, Remote Sensing of
    Environment 148, 42-57, doi 10.1016/j.rse.2014.02.015, eqs. 9-11). Of a stratum whose samples are all
    alike the formula sees no variance; its share is then taken as (y + 1/2) / (n + 1) for the error alone.

    Parameters
    ----------
    stratum : (n,)
        Class of the map at each sample, 1..6 (`strata`).
    before, after : (n,)
        Its labels, LCZ 1..17.
    strata_km2 : (6,)
        Area of each class of the map.

    Raises
    ------
    InputError
        If a class of the map has less than two samples.
    """
    area = np.asarray(strata_km2, np.float64)
    n = np.bincount(stratum, minlength=len(STRATA) + 1)[1:]
    few = [
        f"{name} ({k})"
        for name, k, km2 in zip(STRATA, n, area, strict=True)
        if km2 > 0 and k < FEWEST
    ]
    if few:
        msg = (
            f"The sample holds less than {FEWEST} points in a class of the change map, {'; '.join(few)}: label "
            "some drawn at random from each of its classes."
        )
        raise InputError(msg)
    a, b = np.asarray(before) - 1, np.asarray(after) - 1
    changed = a != b
    km2, error = _estimate(changed[:, None], stratum, n, area)
    kind = group_of_pairs()[a, b]
    groups, group_errors = _estimate(kind[:, None] == np.arange(len(GROUPS)), stratum, n, area)
    table, table_errors = np.zeros((17, 17)), np.zeros((17, 17))
    for i, j in {(int(i), int(j)) for i, j in zip(a[changed], b[changed], strict=True)}:
        one, its = _estimate(((a == i) & (b == j))[:, None], stratum, n, area)
        table[i, j], table_errors[i, j] = one[0], its[0]
    found = SampleArea(
        float(km2[0]), float(error[0]), {}, groups, group_errors, table, table_errors, n, area
    )
    for name, level in LEVELS.items():
        low, high = found.ends(km2, error, level)
        found.intervals[name] = float(low[0]), float(high[0])
    return found


def _estimate(
    held: np.ndarray, stratum: np.ndarray, n: np.ndarray, area: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Area where something holds, and its standard error, for each column of (n, k)."""
    km2, variance = np.zeros(held.shape[1]), np.zeros(held.shape[1])
    for h in np.flatnonzero((n > 0) & (area > 0)):
        share = held[stratum == h + 1].mean(0)
        km2 += area[h] * share
        spread = np.where((share > 0) & (share < 1), share, (share * n[h] + 0.5) / (n[h] + 1))
        variance += area[h] ** 2 * spread * (1 - spread) / (n[h] - 1)
    return km2, np.sqrt(variance)
