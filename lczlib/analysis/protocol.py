"""The accuracy protocol of the LCZ Generator: 25 random splits of the polygons, 70 / 30."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.confusion import confusion
from lczlib.analysis.scores import CLASS_SCORES, SCORES
from lczlib.errors import InputError


class Classifier(Protocol):
    """Anything that learns and predicts, such as a scikit-learn estimator."""

    def fit(self, features: np.ndarray, lcz: np.ndarray) -> Any:
        """Learn from samples, first axis = sample, and their classes 1..17."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Classes 1..17 of samples."""


@dataclass(frozen=True)
class ProtocolResult:
    """Accuracy over repeated splits.

    Attributes
    ----------
    counts : DataArray (repeat, reference, predicted)
        Confusion matrix of the test samples of each split.
    scores : DataFrame
        One line a split: ``oa``, ``aa``, ``kappa``, ``oau``, ``oabu``, ``oaw``, ``n_test``.
    classes : dict of str to DataFrame
        ``pa``, ``ua``, ``f1``: one line a split, one column a class.
    untested : tuple of int
        Classes with a single polygon: it trains in every split and is never tested.
    """

    counts: xr.DataArray
    scores: pd.DataFrame
    classes: dict[str, pd.DataFrame]
    untested: tuple[int, ...]

    def summary(self) -> pd.DataFrame:
        """Mean, standard deviation, 5, 50 and 95% of each score over the splits, and their number."""
        table = self.scores.describe(percentiles=[0.05, 0.5, 0.95]).T
        return table[["mean", "std", "5%", "50%", "95%", "count"]]


def split_polygons(
    lcz: np.ndarray, polygon: np.ndarray, *, train_share: float = 0.7, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yield endless random splits: the samples that train, as a mask.

    All samples of a polygon fall on one side. Within each class the nearest whole number of
    polygons to `train_share` trains, at least one; at least one is left for the test where the
    class has two or more.
    """
    numbers, first = np.unique(polygon, return_index=True)
    classes = np.asarray(lcz)[first]
    rng = np.random.default_rng(seed)
    while True:
        train = []
        for number in np.unique(classes):
            members = rng.permutation(numbers[classes == number])
            n = round(train_share * members.size)
            train.append(members[: max(1, min(n, members.size - 1))])
        yield np.isin(polygon, np.concatenate(train))


def lcz_generator_protocol(
    make_classifier: Callable[[], Classifier],
    features: np.ndarray,
    lcz: np.ndarray,
    polygon: np.ndarray,
    *,
    repeats: int = 25,
    train_share: float = 0.7,
    seed: int = 0,
) -> ProtocolResult:
    """Train and test a classifier on repeated random splits of the polygons.

    Parameters
    ----------
    make_classifier : callable
        Gives a fresh classifier for each split.
    features : array (n, ...)
        One sample a line: pixel values, patches, whatever the classifier takes.
    lcz : array (n,)
        Classes 1..17.
    polygon : array (n,)
        Number of the polygon that each sample lies in; a polygon has one class.
    repeats, train_share : int, float
        25 splits of 70 / 30, after Demuzere et al. 2021 (doi 10.3389/fenvs.2021.637455) and
        Bechtel et al. 2019 (doi 10.1016/j.uclim.2018.10.001), here with whole polygons on one side.
    seed : int
        Of the splits.

    Raises
    ------
    InputError
        If the lengths differ, a polygon has several classes, no class has two polygons, or the
        share is not between 0 and 1.
    """
    lcz, polygon = np.asarray(lcz), np.asarray(polygon)
    untested = _check(len(features), lcz, polygon, repeats, train_share)
    counts = []
    splits = split_polygons(lcz, polygon, train_share=train_share, seed=seed)
    for _, train in zip(range(repeats), splits, strict=False):
        classifier = make_classifier()
        classifier.fit(features[train], lcz[train])
        counts.append(confusion(lcz[~train], classifier.predict(features[~train])))
    stack = xr.concat(counts, "repeat", combine_attrs="drop")
    scores = pd.DataFrame({name: score(stack) for name, score in SCORES.items()})
    scores["n_test"] = stack.sum(("reference", "predicted")).values
    index = pd.RangeIndex(1, repeats + 1, name="repeat")
    classes = {
        name: pd.DataFrame(score(stack), index=index, columns=stack["reference"].values)
        for name, score in CLASS_SCORES.items()
    }
    return ProtocolResult(stack, scores.set_axis(index), classes, untested)


def _check(
    n: int, lcz: np.ndarray, polygon: np.ndarray, repeats: int, train_share: float
) -> tuple[int, ...]:
    if not n == len(lcz) == len(polygon):
        msg = f"{n} samples, {len(lcz)} classes and {len(polygon)} polygon numbers: give one of each a sample."
        raise InputError(msg)
    if not 0 < train_share < 1 or repeats < 1:
        msg = f"{repeats} splits with a training share of {train_share}: take 1 or more, between 0 and 1."
        raise InputError(msg)
    pairs = pd.DataFrame({"polygon": polygon, "lcz": lcz}).drop_duplicates()
    if pairs["polygon"].duplicated().any():
        which = pairs.loc[pairs["polygon"].duplicated(), "polygon"].iloc[0]
        msg = f"Polygon {which} has samples of several classes: a polygon has one class."
        raise InputError(msg)
    n_polygons = pairs["lcz"].value_counts()
    if (n_polygons < 2).all():
        msg = (
            "Every class has a single polygon, so that nothing is left to test: draw more polygons."
        )
        raise InputError(msg)
    return tuple(sorted(int(c) for c in n_polygons.index[n_polygons < 2]))
