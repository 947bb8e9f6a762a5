"""Medians and other quantiles of many values."""

from __future__ import annotations

import numpy as np


def quantile_of(values: np.ndarray, q: float) -> float:
    """A quantile of values (n,), at least one, between the two around its rank, as `numpy.quantile` has it.

    In double precision. The values are put in another order: a copy of a hundred million would take room.
    """
    rank = (values.size - 1) * q
    k = int(rank)
    values.partition(k)
    low = float(values[k])
    return low if k == rank else low + (rank - k) * (float(values[k + 1 :].min()) - low)


def median_of(values: np.ndarray) -> float:
    """The median of values (n,), at least one; see `quantile_of`."""
    return quantile_of(values, 0.5)
