"""Whether the pixels of training, validation and test patches are apart, and keeping them so.

Polygons that part the patches do not part their pixels: a patch reaches past its polygon, and on
100 m pixels one of 32 pixels is 3.2 km wide. A test patch that lies in training patches is no
unseen place (Roberts et al. 2017, doi 10.1111/ecog.02881). Here patches that reach into those of
another subset, or nearer to them than a buffer, are left out of training.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from lczlib.classes import CLASSES
from lczlib.errors import InputError, Inseparable
from lczlib.reading import counted, share
from lczlib.terms import option
from lczlib.training.splits import Split

if TYPE_CHECKING:
    from lczlib.training.patches import Patches

_CORNERS = ("left", "top")


@dataclass(frozen=True)
class Overlap:
    """How much of the test patches' area lies in patches that were trained on.

    Attributes
    ----------
    area : float
        Mean share of a test patch's pixels that are also pixels of a training or validation patch.
    n_touched, n : int
        Test patches that share a pixel, and all of them.
    """

    area: float
    n_touched: int
    n: int

    def __str__(self) -> str:
        if not self.n_touched:
            return "no test patch shares a pixel with a training or validation patch"
        return (
            f"{share(self.area, 1)} of a test patch's area lies in training or validation patches "
            f"({self.n_touched:,} of {counted(self.n, 'test patch', 'test patches')} touched)"
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"area": self.area, "n_touched": self.n_touched, "n": self.n}


def placed(patches: Patches) -> bool:
    """Whether it is known where the patches lie (So2Sat LCZ42 does not say)."""
    return set(_CORNERS) <= set(patches.table)


def overlap_of(test: Patches, *others: Patches) -> Overlap | None:
    """How much of test patches lies in other patches; None where places are not known.

    Patches of one coordinate reference system are compared, in whole pixels of the test patches.
    """
    if not all(placed(p) for p in (test, *others)):
        return None
    shares = np.zeros(len(test))
    for crs, own in test.table.groupby("crs", sort=False):
        near = [(p, p.table[p.table["crs"] == crs]) for p in others]
        at = test.table.index.get_indexer(own.index)
        shares[at] = _covered(own, test.kind, near)
    return Overlap(float(shares.mean()) if len(test) else 0.0, int((shares > 0).sum()), len(test))


def _covered(
    own: pd.DataFrame, kind: Any, others: list[tuple[Patches, pd.DataFrame]]
) -> np.ndarray:
    """Share of each patch's pixels that lie in a patch of the others, on the patches' own grid."""
    pixel, size = kind.pixel_size, kind.patch_size
    origin = own[["left", "top"]].to_numpy(float)

    def cells(table: pd.DataFrame) -> np.ndarray:
        offset = (table[["left", "top"]].to_numpy(float) - origin[0]) / pixel * [1, -1]
        return np.round(offset).astype(np.int64)[:, ::-1]  # (row, col) of the first pixel

    mine = cells(own)
    low, high = mine.min(0), mine.max(0) + size
    taken = np.zeros(high - low, bool)
    for patches, table in others:
        edge = max(1, round(patches.kind.width / pixel))
        for row, col in cells(table) - low:
            taken[max(row, 0) : max(row + edge, 0), max(col, 0) : max(col + edge, 0)] = True
    # sums over windows by an integral image
    total = np.zeros(np.add(taken.shape, 1), np.int64)
    total[1:, 1:] = taken.cumsum(0).cumsum(1)
    r, c = (mine - low).T
    inside = total[r + size, c + size] - total[r, c + size] - total[r + size, c] + total[r, c]
    return inside / size**2


def separated(
    patches: Patches, split: Split, buffer: float | None = None, *, lose: bool = False
) -> Split:
    """A split without the patches that come too near to those of another subset.

    Test patches stay; validation patches that come near to one are left out, and training patches
    that come near to either.

    Parameters
    ----------
    patches : Patches
        Those that were split.
    split : Split
        Their subsets.
    buffer : float, optional
        Metres that must lie between the edges of patches of different subsets; 0: they share no
        pixel. By default 0 for splits by polygon and block, which promise unseen places, and none
        for a random split, which does not. Negative: none.
    lose : bool
        Whether a class may lose all of its training patches; where polygons are few and near, some
        fold of a cross-validation has such a one.

    Raises
    ------
    InputError
        If places are not known and a buffer is asked for, or a class loses all training patches and `lose`
        is not set.
    """
    if buffer is None:
        buffer = 0.0 if split.method != "random" and placed(patches) else -1.0
    if buffer < 0:
        return split
    if not placed(patches):
        msg = f"The patches of {patches.kind.source} do not say where they lie, so no buffer can part them."
        raise InputError(msg)
    reach = patches.kind.width + buffer
    near = _Neighbours(patches.table, reach)
    validation = split.validation[~near(split.validation, split.test)]
    held = np.concatenate([split.test, validation])
    train = split.train[~near(split.train, held)]
    lcz = patches.table["lcz"].to_numpy()
    lost = np.setdiff1d(lcz[split.train], lcz[train])
    if lost.size and not lose:
        n = int((lcz[split.train] == lost[0]).sum())
        why = (
            f"LCZ {CLASSES[lost[0] - 1].code} keeps no training patch: all {n} reach into test or "
            f"validation patches, or nearer than {buffer:g} m (a patch is "
            f"{patches.kind.width:,.0f} m wide). Draw polygons of it further apart"
        )
        msg = (
            f"{why}, use a smaller {option('patch_metres')}, another {option('seed')}, or leave the class out "
            f"({option('without')}); {option('buffer')} none keeps them all, and flatters."
        )
        raise Inseparable(msg, drawn=f"{why}.")
    return replace(split, train=train, validation=validation)


class _Neighbours:
    """Which patches come nearer to others than a reach, edge to edge along both axes."""

    def __init__(self, table: pd.DataFrame, reach: float) -> None:
        self.crs = table["crs"].to_numpy()
        self.at = table[list(_CORNERS)].to_numpy(float)
        self.reach = reach * (1 - 1e-9)  # patches that only touch share no pixel

    def __call__(self, some: np.ndarray, others: np.ndarray) -> np.ndarray:
        near = np.zeros(len(some), bool)
        for crs in np.unique(self.crs[some].astype(str)):
            mine = self.crs[some].astype(str) == crs
            theirs = others[self.crs[others].astype(str) == crs]
            if len(theirs):
                distance, _ = cKDTree(self.at[theirs]).query(self.at[some[mine]], p=np.inf)
                near[mine] = distance < self.reach
        return near
