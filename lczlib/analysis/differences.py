"""Whether one map is more accurate than another, or chance could have turned it round."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.assessment import default_block
from lczlib.analysis.bootstrap import bootstrap_sums, degrees_of_freedom, interval
from lczlib.analysis.confusion import aligned, block_confusion, polygon_confusion
from lczlib.analysis.options import REPLICATES
from lczlib.analysis.scores import SCORES
from lczlib.errors import InputError
from lczlib.grid import Resampling


@dataclass(frozen=True)
class AccuracyDifference:
    """Scores of a first map minus those of a second, on the cells that both map.

    Attributes
    ----------
    scores : DataFrame
        Index as of `lczlib.analysis.SCORES`: ``first``, ``second``, ``difference``, ``ci_low``,
        ``ci_high`` (95%), ``significant`` (whether the interval leaves out 0).
    n, n_units : int
        Cells, and polygons or blocks.
    unit : str
        ``polygon`` or ``block``; ``point`` where the points of a reference lie far apart.
    """

    scores: pd.DataFrame
    n: int
    n_units: int
    unit: str


def accuracy_difference(
    first: xr.DataArray,
    second: xr.DataArray,
    reference: xr.DataArray | gpd.GeoDataFrame,
    *,
    resampling: Resampling | None = None,
    block: int | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> AccuracyDifference:
    """The difference in accuracy of two maps of one place, with a paired bootstrap interval.

    Both maps are judged by the same polygons (or blocks) in every replicate, so that what makes a
    polygon hard for both cancels: two maps may differ significantly although their own intervals
    overlap (Schenker & Gentleman 2001, doi 10.1198/000313001317097960).

    Parameters
    ----------
    first, second : DataArray (y, x)
        Codes 0..17; cells that one of them does not map count for neither.
    reference : DataArray (y, x) or GeoDataFrame
        As of `lczlib.analysis.assess`.
    resampling : {"nearest", "mode"}, optional
        Brings the maps to one grid where they differ.
    block : int, optional
        Edge of a bootstrap block in cells; as of `lczlib.analysis.assess` if not given.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    GridError
        If grids differ and no resampling was asked for.
    InputError
        If no labelled cell is mapped by both, or there is only one polygon or block.
    """
    polygons = isinstance(reference, gpd.GeoDataFrame)
    if polygons:
        first, second = aligned(first, second, resampling, ("the first map", "the second map"))
    else:
        target = reference
        reference, first = aligned(target, first, resampling)
        _, second = aligned(target, second, resampling)
    both = (first > 0) & (second > 0)
    pair = [m.where(both, 0).astype(np.uint8) for m in (first, second)]
    if polygons:
        size = block or default_block(pair[0].shape)
        tables = [polygon_confusion(reference, m, size) for m in pair]
        unit = str(tables[0].dims[0])
    else:
        size = block or default_block(reference.shape)
        tables, unit = [block_confusion(reference, m, size) for m in pair], "block"
    if not tables[0].size:
        msg = "No labelled cell of the reference is mapped by both maps: they lie elsewhere."
        raise InputError(msg)
    strata = tables[0]["lcz"].values if "lcz" in tables[0].coords else None
    first_counts, second_counts = (t.values for t in tables)
    return difference_of_counts(
        first_counts, second_counts, strata, unit, replicates=replicates, seed=seed
    )


def difference_of_counts(
    first: np.ndarray,
    second: np.ndarray,
    strata: np.ndarray | None,
    unit: str = "polygon",
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> AccuracyDifference:
    """`accuracy_difference` of two maps whose cells are counted already.

    Parameters
    ----------
    first, second : array (units, 17, 17) or (units, 18, 18)
        Cells of each polygon or block by reference (rows) and map (columns), of one set of units.
    strata : array (units,), optional
        Class of each polygon, whose number of polygons each replicate keeps.
    unit : str
        What they are.
    replicates, seed : int
        Of the bootstrap.
    """
    counts = np.stack([first, second], axis=1)
    drawn = bootstrap_sums(counts, strata, replicates=replicates, seed=seed)
    total = counts.sum(0)
    degrees = len(counts) - 1 if strata is None else degrees_of_freedom(strata)
    rows = {}
    for name, score in SCORES.items():
        values = [float(score(t)) for t in total]
        apart = score(drawn[:, 0]) - score(drawn[:, 1])
        low, high = interval(values[0] - values[1], apart, degrees, lowest=None)
        rows[name] = {
            "first": values[0], "second": values[1], "difference": values[0] - values[1],
            "ci_low": float(low), "ci_high": float(high), "significant": bool(low > 0 or high < 0),
        }  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("score")
    return AccuracyDifference(table, int(total[0].sum()), len(counts), unit)
