"""Fitting calibrations of class probabilities, and what they are worth on polygons that were held out.

All is done by groups of cells (polygons, or blocks that hold several): cells of one polygon are right or wrong
together, and never stand on both sides of a fold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import optimize

from lczlib.calibrators import Calibrator, log_of, softmax
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError

Method = Literal["temperature", "dirichlet"]

PENALTIES = (100.0, 10.0, 1.0, 0.1)
"""Strengths of regularisation that Dirichlet calibration chooses from, strongest first."""
_COLDEST, _HOTTEST = 0.05, 20.0
_MOST = 60
"""Cells of a polygon that a fit looks at: further ones of the same polygon say little more."""
FEWEST_GROUPS = 10
"""Polygons below which nothing is fitted: a handful says more of these places than of the network."""


@dataclass(frozen=True)
class Cells:
    """Labelled cells with the probabilities of one map.

    Attributes
    ----------
    p : array (n, 17)
        Probabilities.
    lcz : array (n,)
        Reference class 1..17.
    group : array (n,)
        Number of the polygon or block.
    """

    p: np.ndarray
    lcz: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.lcz)

    def take(self, chosen: np.ndarray) -> Cells:
        """Some of the cells."""
        return Cells(self.p[chosen], self.lcz[chosen], self.group[chosen])

    def thinned(self, most: int = _MOST) -> tuple[Cells, np.ndarray]:
        """At most so many cells of each group, evenly spaced, and how many each stands for."""
        order = np.argsort(self.group, kind="stable")
        _, start, size = np.unique(self.group[order], return_index=True, return_counts=True)
        kept, weight = [], []
        for first, n in zip(start, size, strict=True):
            at = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
            kept.append(order[first + at])
            weight.append(np.full(len(at), n / len(at)))
        return self.take(np.concatenate(kept)), np.concatenate(weight)


Way = Callable[[Cells], Calibrator]
"""A way of fitting a calibration."""


def fit_temperature(cells: Cells) -> Calibrator:
    """Temperature scaling of the lowest log loss."""
    few, weight = cells.thinned()
    logs, own = log_of(few.p), few.lcz.astype(int) - 1

    def loss(log_t: float) -> float:
        z = logs / np.exp(log_t)
        return float(weight @ (_log_sum(z) - z[np.arange(len(own)), own]))

    found = optimize.minimize_scalar(
        loss, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded"
    )
    return Calibrator.of_temperature(float(np.exp(found.x)))


def fit_dirichlet(cells: Cells, penalty: float) -> Calibrator:
    """Dirichlet calibration, regularised towards temperature scaling.

    Kull et al. (2019, section 3.2) penalise what lies off the diagonal of the weights, and the intercepts (their
    ODIR, here with one strength for both). With a few polygons a class that leaves too much free: the diagonal too
    is drawn towards the common temperature, and classes without a cell keep it, so that no class is ruled out for
    want of polygons.

    Parameters
    ----------
    cells : Cells
        To fit to.
    penalty : float
        Of the mean squared weight off the diagonal, deviation on it, and intercept, against the mean log loss.
    """
    few, weight = cells.thinned()
    weight = weight / weight.sum()
    base = fit_temperature(cells).weights
    logs, own = log_of(few.p), few.lcz.astype(int) - 1
    # what is the same for all classes of a cell changes nothing: without it the search is better conditioned
    logs = logs - logs.mean(1, keepdims=True)
    known = np.unique(own)
    target = np.zeros((len(own), N_CLASSES))
    target[np.arange(len(own)), own] = 1
    free = np.zeros((N_CLASSES, N_CLASSES + 1), bool)
    free[np.ix_(known, np.append(known, N_CLASSES))] = True
    share = np.full((N_CLASSES, N_CLASSES + 1), 1 / (N_CLASSES * (N_CLASSES - 1)))
    share[:, -1] = share[np.arange(N_CLASSES), np.arange(N_CLASSES)] = 1 / N_CLASSES

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        moved = np.zeros(free.shape)
        moved[free] = flat
        z = logs @ (base + moved[:, :-1]).T + moved[:, -1]
        value = weight @ (_log_sum(z) - z[np.arange(len(own)), own])
        slope = (softmax(z) - target) * weight[:, None]
        gradient = np.column_stack([slope.T @ logs, slope.sum(0)])
        value += penalty * float((share * moved**2).sum())
        return float(value), (gradient + 2 * penalty * share * moved)[free]

    start = np.zeros(int(free.sum()))
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "gtol": 1e-4}
    )
    moved = np.zeros(free.shape)
    moved[free] = found.x
    # of the centred logarithms: the same weights of the plain ones differ by a constant of each cell's own
    weights = base + moved[:, :-1]
    weights = weights - weights.mean(1, keepdims=True)
    return Calibrator("dirichlet", weights, moved[:, -1])


def fit(cells: Cells, method: Method, *, folds: int = 5, seed: int = 0) -> Calibrator:
    """Fit a calibration: `choose` its strength, then fit it to all cells.

    Parameters
    ----------
    cells : Cells
        To fit to.
    method : {"temperature", "dirichlet"}
        How much is free.
    folds, seed : int
        Of the inner folds.
    """
    return choose(cells, method, folds=folds, seed=seed)(cells)


def choose(cells: Cells, method: Method, *, folds: int = 5, seed: int = 0) -> Way:
    """The way of fitting with the lowest log loss on inner folds.

    Of Dirichlet calibration the strength of its regularisation; temperature scaling where none of `PENALTIES` beats
    that. Parameters as of `fit`.
    """
    if method == "temperature":
        return fit_temperature
    ways: list[Way] = [fit_temperature]
    ways += [partial(fit_dirichlet, penalty=strength) for strength in PENALTIES]
    losses = [
        log_losses(held_out(cells, way, folds=folds, seed=seed), cells.lcz).mean() for way in ways
    ]
    return ways[int(np.argmin(losses))]


def held_out(cells: Cells, way: Way, *, folds: int = 5, seed: int = 0) -> np.ndarray:
    """Probabilities (n, 17) of each cell, calibrated by what was fitted to the groups of the other folds."""
    out = np.empty_like(cells.p, np.float64)
    fold = fold_of(cells.group, cells.lcz, folds, seed)
    for k in range(int(fold.max()) + 1):
        own = fold == k
        out[own] = way(cells.take(~own)).on_rows(cells.p[own])
    return out


def fold_of(group: np.ndarray, lcz: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Fold of each cell: whole groups, those of each class (their commonest) in turn over the folds.

    Raises
    ------
    InputError
        If there are fewer groups than folds.
    """
    number, index = np.unique(group, return_inverse=True)
    if len(number) < folds:
        msg = f"{len(number)} polygons cannot be parted into {folds} folds: draw more, or use fewer folds."
        raise InputError(msg, parameter="folds")
    counts = np.zeros((len(number), N_CLASSES + 1))
    np.add.at(counts, (index, lcz.astype(int)), 1)
    main, rng = counts.argmax(1), np.random.default_rng(seed)
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(main == c)) for c in rng.permutation(np.unique(main))]
    )
    fold = np.empty(len(number), int)
    fold[order] = np.arange(len(number)) % folds
    return fold[index]


def fit_pool(maps: list[np.ndarray], lcz: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Weights, 0 or more, of the log-linear pool of the lowest log loss.

    Parameters
    ----------
    maps : list of array (n, 17)
        Probabilities of each map of the same cells.
    lcz, group : array (n,)
        Reference class, and polygon or block.

    Returns
    -------
    array (maps,)
    """
    few, weight = Cells(np.concatenate(maps, 1), lcz, group).thinned()
    weight = weight / weight.sum()
    own = few.lcz.astype(int) - 1
    logs = np.stack(
        [log_of(few.p[:, a:b]) for a, b in pairwise(range(0, few.p.shape[1] + 1, N_CLASSES))]
    )
    rows = np.arange(len(own))

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = np.tensordot(w, logs, 1)
        value = weight @ (_log_sum(z) - z[rows, own])
        slope = (softmax(z)[None] * logs).sum(2) - logs[:, rows, own]
        return float(value), slope @ weight

    start = np.full(len(maps), 1 / len(maps))
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(0, _HOTTEST)] * len(maps)
    )
    return found.x


def pool(maps: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """The log-linear pool (n, 17) of maps (n, 17) with a weight each."""
    return softmax(np.tensordot(np.asarray(weights), np.stack([log_of(p) for p in maps]), 1))


def log_losses(p: np.ndarray, lcz: np.ndarray) -> np.ndarray:
    """Log loss of each cell: minus the logarithm of the reference class's probability (`FLOOR` at least)."""
    return -log_of(p[np.arange(len(lcz)), lcz.astype(int) - 1])


def brier_scores(p: np.ndarray, lcz: np.ndarray) -> np.ndarray:
    """Brier score of each cell: squared error summed over classes, 0 to 2 (Brier 1950)."""
    rows = np.arange(len(lcz))
    return (p**2).sum(1) - 2 * p[rows, lcz.astype(int) - 1] + 1


def _log_sum(z: np.ndarray) -> np.ndarray:
    top = z.max(1)
    return top + np.log(np.exp(z - top[:, None]).sum(1))
