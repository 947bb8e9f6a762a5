"""Random forest on 100 m pixels: the way of WUDAPT level 0, to compare networks with.

Bechtel et al. (2015, doi 10.3390/ijgi4010199) classify Landsat pixels resampled to 100 m, each by
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier

from lczlib.classes import N_CLASSES
from lczlib.errors import Cancelled, InputError
from lczlib.grid import CELL_SIZE
from lczlib.models import build
from lczlib.models.forest import RandomForest
from lczlib.training.patches import Patches, PatchKind, centre_of

_AT_ONCE = 1024
_TREES_AT_ONCE = 10


class Forest:
    """Random forest that reads the mean of each band over the LCZ cell at a patch's centre.

    Parameters
    ----------
    n_trees : int
        Trees.
    seed : int
        Of the random numbers.
    max_depth : int, optional
        Splits on the way to a leaf, at most; by default until leaves are pure.
    min_samples_leaf : int
        Training patches of a leaf, at least: more makes a smaller file.

    Raises
    ------
    InputError
        If a number is below 1.
    """

    def __init__(
        self,
        n_trees: int = 200,
        seed: int = 0,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
    ) -> None:
        numbers = {"n_trees": n_trees, "min_samples_leaf": min_samples_leaf, "max_depth": max_depth}
        for name, value in numbers.items():
            if value is not None and (not isinstance(value, int) or value < 1):
                msg = f"{name} of a random forest is a whole number of 1 or more, not {value!r}."
                raise InputError(msg)
        self.n_trees = n_trees
        self._forest = RandomForestClassifier(
            random_state=seed, max_depth=max_depth, min_samples_leaf=min_samples_leaf,
            warm_start=True,
        )  # fmt: skip

    def fit(
        self,
        train: Patches,
        validation: Patches | None = None,  # noqa: ARG002 - one interface with networks
        *,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Forest:
        """Grow the trees; validation patches are not needed, and left out.

        Parameters
        ----------
        train, validation : Patches
            What to learn from.
        progress, cancelled : callable, optional
            Called with the trees grown and in all, and asked, after each ten.

        Raises
        ------
        InputError
            If all patches are of one class.
        Cancelled
            If `cancelled` answers yes.
        """
        if len(np.unique(train.labels)) < 2:
            msg = f"All training patches are of one class (LCZ {train.labels[0]}): add polygons of others."
            raise InputError(msg)
        self._kind = train.kind
        features = cell_means(train)
        self._fill = np.nanmean(features, axis=0)
        features = np.where(np.isnan(features), self._fill, features)
        grown = 0
        while grown < self.n_trees:
            if cancelled and cancelled():
                msg = f"Stopped by the user with {grown} of {self.n_trees} trees grown."
                raise Cancelled(msg)
            grown = min(grown + _TREES_AT_ONCE, self.n_trees)
            self._forest.set_params(n_estimators=grown).fit(features, train.labels)
            if progress:
                progress(grown, self.n_trees)
        return self

    def predict(self, patches: Patches) -> np.ndarray:
        """Class probabilities (n, 17) float32."""
        features = cell_means(patches)
        found = self._forest.predict_proba(np.where(np.isnan(features), self._fill, features))
        out = np.zeros((len(patches), N_CLASSES), np.float32)
        out[:, self._forest.classes_.astype(int) - 1] = found
        return out

    def as_network(self) -> tuple[RandomForest, dict[str, Any]]:
        """The grown trees as a network of the registry, and the options that build its like.

        Thresholds are rounded down to float32, which changes no decision: values are float32. A
        missing pixel counts as what it is filled with before the network, where `predict` leaves it
        out of the cell's mean.
        """
        trees = [tree.tree_ for tree in self._forest.estimators_]
        inner = [tree.children_left >= 0 for tree in trees]
        n_splits = max(1, int(sum(i.sum() for i in inner)))
        splits, leaves = 0, n_splits
        number = []  # of each tree's nodes among those of all trees
        for splitting in inner:
            own = np.empty(len(splitting), np.int32)
            own[splitting] = splits + np.arange(splitting.sum())
            own[~splitting] = leaves + np.arange((~splitting).sum())
            splits, leaves = splits + splitting.sum(), leaves + (~splitting).sum()
            number.append(own)
        options = {
            "n_trees": len(trees), "n_splits": n_splits, "n_leaves": int(leaves - n_splits),
            "depth": max(1, *(int(tree.max_depth) for tree in trees)), "cell": cell_pixels(self._kind),
        }  # fmt: skip
        network = build("random_forest", len(self._kind.bands), **options)
        columns = self._forest.classes_.astype(int) - 1
        share = np.zeros((options["n_leaves"], N_CLASSES), np.float32)
        for tree, splitting, own in zip(trees, inner, number, strict=True):
            at = torch.from_numpy(own[splitting])
            left, right = (own[c[splitting]] for c in (tree.children_left, tree.children_right))
            network.branches[at] = torch.from_numpy(np.column_stack([left, right]))
            network.feature[at] = torch.from_numpy(tree.feature[splitting].astype(np.int32))
            network.threshold[at] = torch.from_numpy(_rounded_down(tree.threshold[splitting]))
            counts = tree.value[~splitting, 0]
            share[(own[~splitting] - n_splits)[:, None], columns] = counts / counts.sum(
                1, keepdims=True
            )
        network.roots[:] = torch.from_numpy(np.array([own[0] for own in number], np.int32))
        network.share[:] = torch.from_numpy(share)
        return network.eval(), options


def _rounded_down(values: np.ndarray) -> np.ndarray:
    """Float64 as the nearest float32 that is not larger."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def cell_pixels(kind: PatchKind) -> int:
    """Edge of an LCZ cell of 100 m in pixels."""
    return max(1, round(CELL_SIZE / kind.pixel_size))


def cell_means(patches: Patches) -> np.ndarray:
    """Mean of each band over the valid pixels of the 100 m cell at each patch's centre, (n, C)."""
    own = centre_of(patches.kind.patch_size, cell_pixels(patches.kind))
    parts = []
    for start in range(0, len(patches), _AT_ONCE):
        index = np.arange(start, min(start + _AT_ONCE, len(patches)))
        values = patches.read(index)[:, :, own, own].astype(np.float64)
        count = np.isfinite(values).sum((2, 3))
        with np.errstate(invalid="ignore"):
            parts.append(np.nansum(values, axis=(2, 3)) / np.where(count > 0, count, np.nan))
    return np.concatenate(parts)
