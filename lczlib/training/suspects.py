"""Which reference polygons look unlike what they were drawn as, judged by all the others.

Wrong and doubtful training areas are common (Bechtel et al. 2017, doi 10.3390/urbansci1020015; Verdonck et
al. 2019, doi 10.1016/j.landurbplan.2018.10.022). Each polygon is held against a classifier that has not seen
it: where the classifier prefers another class by far, look again. It is a hint, not a verdict: a rare form of
a class looks suspicious too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import Cancelled, InputError
from lczlib.grid import CELL_SIZE
from lczlib.training.patches import Patches, centre_of

_AT_ONCE = 1024
TREES = 200
"""Of each forest."""
_LEAST_WEIGHT = 0.05
"""Of a polygon that the first round finds wrong altogether: it still counts a little in the second."""
ALONE = "the only polygon of its class: there is nothing to judge it by"


def features_of(patches: Patches) -> np.ndarray:
    """Mean and standard deviation of each band in the 100 m cell and over the whole patch, (n, 4 C).

    The cell is what is mapped; what lies around it tells a park in a city from a field.
    """
    kind = patches.kind
    own = centre_of(kind.patch_size, max(1, round(CELL_SIZE / kind.pixel_size)))
    parts = []
    for start in range(0, len(patches), _AT_ONCE):
        index = np.arange(start, min(start + _AT_ONCE, len(patches)))
        values = patches.read(index).astype(np.float64)
        columns = []
        for part in (values[:, :, own, own], values):
            valid = np.isfinite(part)
            n = np.maximum(valid.sum((2, 3)), 1)
            mean = np.where(valid, part, 0).sum((2, 3)) / n
            apart = np.where(valid, part - mean[:, :, None, None], 0)
            columns += [mean, np.sqrt((apart**2).sum((2, 3)) / n)]
        parts.append(np.concatenate(columns, axis=1))
    return np.concatenate(parts)


def suspicious_polygons(
    patches: Patches,
    *,
    folds: int = 5,
    repeats: int = 3,
    seed: int = 0,
    trees: int = TREES,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Out-of-fold probability of the class that each polygon was drawn as.

    Polygons are parted into `folds`, each class over all of them; a random forest of the others' patches
    judges those of one fold. All that is done twice: in the second round polygons count by the probability
    that the first gave their class, so that wrong ones mislead less.

    Parameters
    ----------
    patches : Patches
        With the ``polygon`` of each. Several dates of a place stay together.
    folds : int
        Parts, 2 or more.
    repeats : int
        Times that they are drawn anew.
    seed : int
        Of folds and forests.
    trees : int
        Of each forest.
    progress, cancelled : callable, optional
        Called with the forests grown and in all, and asked, after each.

    Returns
    -------
    DataFrame
        One line a polygon, most suspicious first: ``polygon``, ``lcz`` (as drawn), ``n_patches``,
        ``probability`` (of that class: mean over patches and repeats), ``probability_sd`` (between
        repeats), ``preferred`` (the most probable other class), ``preferred_probability``, ``margin``
        (that less `probability`: above 0 the classifier would have drawn another class), ``rank`` from 1,
        and ``note``. Polygons alone in their class stand last, without numbers and rank.

    Raises
    ------
    InputError
        If the patches have no polygons, or fewer than two classes have two or more.
    Cancelled
        If `cancelled` answers yes.
    """
    table = patches.table
    if "polygon" not in table:
        msg = "These patches do not say which polygon they are of: give scenes and polygons."
        raise InputError(msg)
    if folds < 2 or repeats < 1:
        msg = f"{folds} folds drawn {repeats} times: use two or more folds, drawn once or more."
        raise InputError(msg)
    numbers, first, index = np.unique(table["polygon"], return_index=True, return_inverse=True)
    lcz = patches.labels
    drawn = lcz[first]
    per_class = np.bincount(drawn, minlength=N_CLASSES + 1)
    judged = per_class[drawn] > 1
    if (per_class > 1).sum() < 2:
        msg = "Fewer than two classes have two polygons or more: there is nothing to judge them by; draw more."
        raise InputError(msg)
    features = features_of(patches)
    done = 0
    found = np.zeros((repeats, len(numbers), N_CLASSES))
    for repeat in range(repeats):
        weight = np.ones(len(numbers))
        for _ in range(2):
            found[repeat] = 0
            for fold, out in enumerate(_folds(drawn, folds, seed + repeat)):
                if cancelled and cancelled():
                    msg = f"Stopped by the user with {done} of {2 * folds * repeats} forests grown."
                    raise Cancelled(msg)
                chosen = out[index]
                if chosen.any():
                    found[repeat] += _judged(
                        features, lcz, index, chosen, weight, seed + 100 * repeat + fold, trees
                    )
                done += 1
                if progress:
                    progress(done, 2 * folds * repeats)
            own = found[repeat, np.arange(len(numbers)), drawn - 1]
            weight = np.where(judged, np.maximum(own, _LEAST_WEIGHT), 1)
    return _table(numbers, drawn, np.bincount(index), found, judged)


def _folds(drawn: np.ndarray, folds: int, seed: int) -> list[np.ndarray]:
    """Which polygons each fold holds out: those of each class in turn over the folds."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(drawn), int)
    for lcz in np.unique(drawn):
        own = rng.permutation(np.flatnonzero(drawn == lcz))
        fold[own] = (np.arange(len(own)) + rng.integers(folds)) % folds
    return [fold == k for k in range(folds)]


def _judged(
    features: np.ndarray,
    lcz: np.ndarray,
    index: np.ndarray,
    out: np.ndarray,
    weight: np.ndarray,
    seed: int,
    trees: int,
) -> np.ndarray:
    """Mean probabilities (polygons, 17) of the polygons that are held out, 0 of the others."""
    from sklearn.ensemble import RandomForestClassifier

    n_patches = np.bincount(index)
    # each polygon counts alike, however large, and each class
    heavy = (weight / n_patches)[index][~out]
    per_class = np.bincount(lcz[~out], heavy, minlength=N_CLASSES + 1)
    heavy = heavy / per_class[lcz[~out]]
    forest = RandomForestClassifier(trees, random_state=seed, min_samples_leaf=2, n_jobs=1)
    forest.fit(features[~out], lcz[~out], heavy * len(heavy) / heavy.sum())
    probability = np.zeros((int(out.sum()), N_CLASSES))
    probability[:, forest.classes_.astype(int) - 1] = forest.predict_proba(features[out])
    sums = np.zeros((len(n_patches), N_CLASSES))
    np.add.at(sums, index[out], probability)
    return sums / n_patches[:, None]


def _table(
    numbers: np.ndarray,
    drawn: np.ndarray,
    n_patches: np.ndarray,
    found: np.ndarray,
    judged: np.ndarray,
) -> pd.DataFrame:
    mean = found.mean(0)
    rows = np.arange(len(numbers))
    own = mean[rows, drawn - 1]
    others = mean.copy()
    others[rows, drawn - 1] = -1
    preferred = others.argmax(1) + 1
    spread = (
        found[:, rows, drawn - 1].std(0, ddof=1) if len(found) > 1 else np.full(len(own), np.nan)
    )
    table = pd.DataFrame({
        "polygon": numbers, "lcz": drawn, "code": [CLASSES[n - 1].code for n in drawn],
        "n_patches": n_patches, "probability": own, "probability_sd": spread, "preferred": preferred,
        "preferred_code": [CLASSES[n - 1].code for n in preferred],
        "preferred_probability": others.max(1), "margin": others.max(1) - own, "note": "",
    })  # fmt: skip
    values = ["probability", "probability_sd", "preferred_probability", "margin"]
    table.loc[~judged, values] = np.nan
    table["preferred"] = table["preferred"].where(judged, 0)
    table["preferred_code"] = table["preferred_code"].where(judged, "")
    table.loc[~judged, "note"] = ALONE
    table = table.sort_values("margin", ascending=False, na_position="last", ignore_index=True)
    rank = pd.Series(np.arange(1, len(table) + 1), dtype="Int64")
    return table.assign(rank=rank.where(table["margin"].notna()))
