"""Splits of labelled patches into training, validation and test.

Patches of one polygon look alike, so a test on patches whose neighbours were trained on tells how
well a network remembers, not how well it maps (Roberts et al. 2017, doi 10.1111/ecog.02881). By
polygon is therefore the default; the random split is that of Zhou et al. (2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from lczlib.classes import CLASSES
from lczlib.errors import InputError, Inseparable
from lczlib.terms import option
from lczlib.training.request import PartedScenes

Method = Literal["polygon", "block", "random"]
METHODS: tuple[str, ...] = get_args(Method)
SUBSETS = ("train", "validation", "test")
LEFT_OUT = "left out"
"""Of no subset: too near to patches of another (`lczlib.training.separation`)."""
FRACTIONS = (0.64, 0.16, 0.20)
"""Training, validation, test (Zhou et al. 2022, section 2.3)."""
BLOCK = PartedScenes.block
"""Edge of a spatial block in metres: more than most reference polygons measure."""

_DEALS = 50  # random deals of which the one nearest to the fractions is taken


@dataclass(frozen=True)
class Split:
    """Positions of the patches of each subset.

    Attributes
    ----------
    train, validation, test : array of int
    method : str
        How the split was made.
    seed : int
        Of its random numbers.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    method: str
    seed: int

    def subset_names(self, n: int) -> np.ndarray:
        """``train``, ``validation``, ``test`` or ``left out`` for each of n patches."""
        names = np.full(n, LEFT_OUT, object)
        for subset in SUBSETS:
            names[getattr(self, subset)] = subset
        return names


def split(
    table: pd.DataFrame,
    method: Method = "polygon",
    *,
    fractions: tuple[float, float, float] = FRACTIONS,
    block: float = BLOCK,
    seed: int = 0,
) -> Split:
    """Split patches into training, validation and test.

    Parameters
    ----------
    table : DataFrame
        ``lcz`` and ``location``; for the honest splits ``polygon``, for blocks also ``x``, ``y``
        (metres) and ``scene``: see `lczlib.training.patches.Patches`.
    method : {"polygon", "block", "random"}
        ``polygon``: whole polygons, each class by itself. ``block``: squares of `block` metres; a
        polygon goes with the block of its middle patch. ``random``: locations, stratified by class.
        Patches of one location never part.
    fractions : tuple of float
        Shares of training, validation and test; they sum to 1.
    block : float
        Metres.
    seed : int
        Of the random numbers.

    Raises
    ------
    InputError
        If there is a single class, or one that cannot be on both sides: of one polygon, one block
        or one location.
    """
    _check(table, method, fractions)
    names = assign(table, method, np.asarray(fractions), block=block, seed=seed)
    subsets = [np.flatnonzero(names == i) for i in range(3)]
    lcz = table["lcz"].to_numpy()
    lacking = np.setdiff1d(lcz, lcz[subsets[0]])
    if lacking.size:
        code = CLASSES[lacking[0] - 1].code
        msg = (
            f"LCZ {code} got no training patch by this split ({method}, seed "
            f"{seed}): use smaller blocks ({option('block')}), another seed, or split by polygon."
        )
        raise Inseparable(msg, drawn=f"LCZ {code} got no patch to train on: draw more of it.")
    return Split(*subsets, method=method, seed=seed)


def folds(
    table: pd.DataFrame,
    method: Method = "polygon",
    *,
    n_folds: int = 5,
    block: float = BLOCK,
    seed: int = 0,
) -> np.ndarray:
    """Fold 0..n_folds-1 of each patch, for cross-validation; see `split`."""
    if n_folds < 2:
        msg = f"{n_folds} fold(s) cannot be cross-validated: use 2 or more."
        raise InputError(msg)
    shares = np.full(n_folds, 1 / n_folds)
    _check(table, method, shares)
    return assign(table, method, shares, block=block, seed=seed)


def assign(
    table: pd.DataFrame, method: str, shares: np.ndarray, *, block: float, seed: int
) -> np.ndarray:
    """The bin of each patch, for bins of given shares; the first and last bin are filled first."""
    rng = np.random.default_rng(seed)
    groups = _groups(table, method, block)
    lcz = table["lcz"].to_numpy()
    _check_parts(groups, lcz, method)
    out = np.full(len(table), -1)
    if method == "block":
        number, group = np.unique(groups, return_inverse=True)
        counts = np.zeros((len(number), 18))
        np.add.at(counts, (group, lcz), 1)
        return _deal(counts[:, counts.any(0)], shares, rng)[group]
    for c in np.unique(lcz):
        own = np.flatnonzero(lcz == c)
        _, group, size = np.unique(groups[own], return_inverse=True, return_counts=True)
        out[own] = _deal(size[:, None].astype(float), shares, rng)[group]
    return out


def _check(table: pd.DataFrame, method: str, fractions: tuple[float, ...] | np.ndarray) -> None:
    if method not in METHODS:
        msg = f"{method!r} is no way to split patches: use one of {', '.join(METHODS)}."
        raise InputError(msg)
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6 or not fractions[0] > 0:
        msg = f"The fractions {tuple(map(float, fractions))} must be positive and sum to 1."
        raise InputError(msg)
    if method != "random" and "polygon" not in table:
        msg = (
            f"These patches do not say which polygon they come from, so they cannot be split by "
            f"{method}: use the subsets of the data set itself, or a random split."
        )
        raise InputError(msg)
    present = np.unique(table["lcz"])
    if len(present) < 2:
        what = f"LCZ {CLASSES[present[0] - 1].code}" if len(present) else "none"
        msg = f"The patches hold a single class ({what}); a classifier needs two or more: add polygons."
        raise InputError(msg)


def _groups(table: pd.DataFrame, method: str, block: float) -> np.ndarray:
    """What may not be parted: the location, polygon or block of each patch, as numbers."""
    if method == "random":
        return table["location"].to_numpy()
    polygon = table["polygon"].to_numpy()
    if method == "polygon":
        return polygon
    if not block > 0:
        msg = f"A block must have an edge of some metres, not {block:g}."
        raise InputError(msg)
    middle = table.groupby("polygon")[["x", "y"]].median() // block
    place = table.groupby("polygon")["crs"].first().astype(str)
    keys = place + middle["x"].astype(str) + " " + middle["y"].astype(str)
    return pd.Series(pd.factorize(keys)[0], index=keys.index).loc[polygon].to_numpy()


def _check_parts(groups: np.ndarray, lcz: np.ndarray, method: str) -> None:
    parts = {"polygon": "polygon", "block": "block", "random": "location"}[method]
    for c in np.unique(lcz):
        if len(np.unique(groups[lcz == c])) < 2:
            advice = {
                "polygon": "draw a second polygon of it, "
                f"leave the class out ({option('without')}), or split at random",
                "block": f"use smaller blocks ({option('block')}), or split by polygon",
                "random": "add polygons of it, "
                f"use a smaller {option('spacing')}, or leave the class out ({option('without')})",
            }[method]
            why = (
                f"LCZ {CLASSES[c - 1].code} has patches in one {parts} only, which cannot both be "
                "trained on and tested"
            )
            more = f"{why}: draw another polygon of it, of a few hundred metres."
            raise Inseparable(f"{why}: {advice}.", drawn=more)


def _deal(counts: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal groups into bins so that every class comes near to the bins' shares.

    Parameters
    ----------
    counts : array (groups, classes)
        Patches of each class in each group.
    shares : array (bins,)
        Wanted share of each bin; a bin of share 0 stays empty.
    rng : Generator
        Random numbers.

    Returns
    -------
    array (groups,)
        Bin of each group. With one class, as many bins as there are groups get one, in the order
        of the largest share.
    """
    total = counts.sum(0)
    if len(counts) > 200 and counts.shape[1] == 1:  # any shuffle comes near enough
        return _cut(counts, shares, rng)
    first = np.argsort(-shares, kind="stable")
    first = first[shares[first] > 0]
    best, lowest = np.zeros(len(counts), int), np.inf
    for _ in range(_DEALS):
        order = rng.permutation(len(counts))
        filled = np.zeros((len(shares), counts.shape[1]))
        bins = np.empty(len(counts), int)
        for position, group in enumerate(order):
            if counts.shape[1] == 1 and position < len(first):
                chosen = first[position]
            else:
                lack = (shares[:, None] - filled / total) * (counts[group] > 0)
                chosen = int(np.where(shares > 0, lack.sum(1), -np.inf).argmax())
            bins[group] = chosen
            filled[chosen] += counts[group]
        missing = ((filled[shares > 0] == 0) & (total > 0)).sum()
        error = np.abs(filled / total - shares[:, None]).sum() + 10 * missing
        if error < lowest:
            best, lowest = bins, error
    return best


def _cut(counts: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order = rng.permutation(len(counts))
    position = counts[order].sum(1).cumsum() / counts.sum() - 0.5 / len(counts)
    out = np.empty(len(counts), int)
    out[order] = np.searchsorted(np.cumsum(shares)[:-1], position, side="right")
    return out
