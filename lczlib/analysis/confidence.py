"""Agreement of two maps where one of them is sure, and where it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

STEP = 0.1


def agreement_by_certainty(
    first: xr.DataArray, second: xr.DataArray, certainty: xr.DataArray
) -> pd.DataFrame:
    """Agreement by steps of certainty, and of all that is at least as certain.

    Parameters
    ----------
    first, second : DataArray (y, x)
        Codes 0..17 on one grid.
    certainty : DataArray (y, x)
        0..1 of one of the two on the same grid, NaN where not known.

    Returns
    -------
    DataFrame
        A line a step of 0.1: ``low``, ``high``, ``n`` (cells of both with a certainty in it), ``agreement``
        (NaN where there is none), ``n_at_least`` and ``agreement_at_least``: of all from ``low`` up. Cells
        beside each other are alike, so that n overstates how much is known.
    """
    a, b, sure = (np.asarray(v.values) for v in (first, second, certainty))
    both = (a > 0) & (b > 0) & np.isfinite(sure)
    steps = round(1 / STEP)
    # a certainty of 0.3 stored as 0.29999998 is in its own step
    at = np.clip(np.floor(sure[both] / STEP + 1e-6), 0, steps - 1).astype(int)
    same = a[both] == b[both]
    n = np.bincount(at, minlength=steps)
    alike = np.bincount(at, weights=same, minlength=steps)
    above, alike_above = (v[::-1].cumsum()[::-1] for v in (n, alike))

    def share(part: np.ndarray, of: np.ndarray) -> np.ndarray:
        return np.divide(part, of, out=np.full(steps, np.nan), where=of > 0)

    low = np.arange(steps) * STEP
    return pd.DataFrame(
        {
            "low": low.round(6), "high": (low + STEP).round(6), "n": n, "agreement": share(alike, n),
            "n_at_least": above, "agreement_at_least": share(alike_above, above),
        }
    )  # fmt: skip
