"""Which changes of class there are, and how plausible each is before the images are seen."""

from __future__ import annotations

import numpy as np

from lczlib.classes import N_CLASSES

N_BUILT = 10
"""Classes 1 to 10 are built, A to G natural."""
REVERSAL = 0.05
"""How plausible it is that a built class becomes natural, against other changes. Urban land is rarely given
back: long series of city maps treat it as irreversible (Li, Gong & Liang 2015, Remote Sensing of Environment
166, 78-90, doi 10.1016/j.rse.2015.06.007). A twentieth leaves room for demolition and for greened ground."""
GROUPS = ("natural to built", "built to built", "natural to natural", "built to natural")
"""Kinds of change."""


def group_of_pairs() -> np.ndarray:
    """Index into `GROUPS` of each pair of classes, (17, 17) before x after; -1 where nothing changes."""
    built = np.arange(N_CLASSES) < N_BUILT
    table = np.where(built[:, None], np.where(built, 1, 3), np.where(built, 0, 2))
    return np.where(np.eye(N_CLASSES, dtype=bool), -1, table)


def plausible(before: np.ndarray, after: np.ndarray, reversal: float = REVERSAL) -> np.ndarray:
    """Shares of the changes of class, (17, 17) before x after, before the images are compared.

    A change is as likely as its class is frequent before, and as the new class is after; the latter is
    drawn half-way to equal shares, since new quarters need not be like old ones. A built class becomes
    natural `reversal` times as easily. The diagonal is 0, and the sum 1.

    Parameters
    ----------
    before, after : (17,)
        Shares of the classes at the two dates.
    reversal : float
        Above 0, at most 1.
    """
    into = (np.asarray(after, np.float64) + 1 / N_CLASSES) / 2
    into = np.where(np.asarray(after) > 0, into, 0.0)
    table = np.asarray(before, np.float64)[:, None] * into
    table = np.where(group_of_pairs() == 3, reversal * table, table)
    np.fill_diagonal(table, 0.0)
    total = table.sum()
    return table / total if total else table
