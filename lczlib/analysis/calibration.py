"""Whether class probabilities keep their word: reliability, and accuracy where the map is sure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.assessment import default_block
from lczlib.analysis.bootstrap import bootstrap_sums, degrees_of_freedom, interval
from lczlib.analysis.confusion import block_of_cells
from lczlib.analysis.options import REPLICATES
from lczlib.errors import InputError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.maps import certainty as certainty_of
from lczlib.polygon_cells import are_points, polygon_cells

_ROWS = 256  # rows of probabilities in memory at once

THRESHOLDS = np.arange(10) / 10
"""Certainties from which on a map is judged alone."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of class probabilities.

    Attributes
    ----------
    reliability : DataFrame
        One line a bin of the highest probability: ``low``, ``high`` (bounds of the bin),
        ``confidence`` (its mean probability), ``accuracy``, ``accuracy_ci_low``,
        ``accuracy_ci_high`` (95%), ``n`` (cells).
    certainty : DataFrame
        One line a threshold: ``certainty`` (at least), ``accuracy``, its ``_ci_low`` and
        ``_ci_high``, ``n`` and ``share`` of the cells that are that certain.
    ece : float
        Expected calibration error: mean gap between confidence and accuracy, weighted by cells.
    ece_ci : tuple of float
        Its 95% interval. Few cells in a bin widen the gap, so it leans upwards.
    n, n_units, unit : int, int, str
        Cells, and the number and kind of units of the bootstrap.
    """

    reliability: pd.DataFrame
    certainty: pd.DataFrame
    ece: float
    ece_ci: tuple[float, float]
    n: int
    n_units: int
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a result file."""
        return {
            "ece": self.ece, "ece_ci": list(self.ece_ci), "n": self.n, "unit": self.unit,
            "n_units": self.n_units, "reliability": self.reliability.to_dict("records"),
            "certainty": self.certainty.to_dict("records"),
        }  # fmt: skip


def calibration(
    proba: xr.DataArray,
    reference: xr.DataArray | gpd.GeoDataFrame,
    *,
    bins: int = 10,
    block: int | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Calibration:
    """Compare the probabilities of a map with how often it is right.

    Parameters
    ----------
    proba : DataArray (lcz, y, x)
        Class probabilities, NaN where no data; may be dask-backed.
    reference : DataArray (y, x) or GeoDataFrame
        Reference codes 0..17 on the same grid, or polygons.
    bins : int
        Number of equal bins of the highest probability between 0 and 1 (Guo et al. 2017,
        On calibration of modern neural networks, ICML; Naeini et al. 2015).
    block : int, optional
        Edge of a bootstrap block in cells for a raster reference.
    replicates, seed : int
        Bootstrap over polygons (stratified by class) or blocks.

    Raises
    ------
    GridError
        If the grids differ, or polygons lie elsewhere.
    InputError
        If no labelled cell has probabilities.
    """
    edges = np.linspace(0, 1, bins + 1)
    units, binned, stepped = [], [], []
    for p, truth, unit in _labelled(proba, reference, block):
        best = p.argmax(1)
        top, right = p[np.arange(len(p)), best], best + 1 == truth
        sure = certainty_of(xr.DataArray(p, dims=("cell", "lcz"))).values
        number, index = np.unique(unit, return_inverse=True)
        units.append(number)
        binned.append(_sums(index, len(number), _bin(top, edges[:-1]), bins, right, top))
        level = _bin(sure, THRESHOLDS)
        stepped.append(_sums(index, len(number), level, len(THRESHOLDS), right, sure))
    if not units:
        msg = "No labelled cell of the reference has class probabilities: the two lie apart."
        raise InputError(msg)
    number, steps = _merged(units, stepped)
    _, binned_sums = _merged(units, binned)
    at_least = steps[:, ::-1].cumsum(1)[:, ::-1]  # at least that certain
    strata = None
    if isinstance(reference, gpd.GeoDataFrame) and not are_points(reference):
        strata = reference.set_index("polygon")["lcz"].loc[number].to_numpy()

    def drawn(units: np.ndarray) -> np.ndarray:
        if len(units) < 2:
            return np.full((1, *units.shape[1:]), np.nan)
        return bootstrap_sums(units, strata, replicates=replicates, seed=seed)

    degrees = len(number) - 1 if strata is None else degrees_of_freedom(strata)
    n, _, conf = binned_sums.sum(0).T
    boot = drawn(binned_sums)
    reliability = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "confidence": _mean(conf, n)})
    reliability = reliability.assign(**_accuracy(binned_sums, boot, degrees), n=n.astype(int))
    kept = at_least.sum(0)[:, 0]
    certain = pd.DataFrame({"certainty": THRESHOLDS})
    certain = certain.assign(
        **_accuracy(at_least, drawn(at_least), degrees), n=kept.astype(int), share=kept / n.sum()
    )
    low, high = interval(_gap(binned_sums.sum(0)), _gap(boot), degrees).tolist()
    return Calibration(
        reliability, certain, float(_gap(binned_sums.sum(0))), (low, high), int(n.sum()), len(number),
        "block" if strata is None else "polygon",
    )  # fmt: skip


def _labelled(
    proba: xr.DataArray, reference: xr.DataArray | gpd.GeoDataFrame, block: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield probabilities (n, 17), reference classes and unit numbers, a band of rows at a time."""
    box = geobox_of(proba, "probabilities")
    proba = proba.transpose("lcz", "y", "x")
    edge = block or default_block(box.shape)
    if isinstance(reference, gpd.GeoDataFrame):
        table = polygon_cells(reference, box)
        row = table["row"].to_numpy()
        units = table["polygon"].to_numpy()
        if are_points(reference):
            units = block_of_cells(table, box.shape[1], edge)
    else:
        check_same_grid(reference, proba, ("the reference", "the probabilities"))
    for top in range(0, box.shape[0], _ROWS):
        if isinstance(reference, gpd.GeoDataFrame):
            here = (row >= top) & (row < top + _ROWS)
            inside = table[here]
            rows, cols = inside["row"].to_numpy() - top, inside["col"].to_numpy()
            truth, unit = inside["lcz"].to_numpy(), units[here]
        else:
            band = reference.transpose("y", "x")[top : top + _ROWS].values
            rows, cols = np.nonzero(band)
            truth = band[rows, cols]
            unit = (rows + top) // edge * box.shape[1] + cols // edge
        values = (
            proba[:, top : top + _ROWS].values[:, rows, cols].T if rows.size else np.empty((0, 17))
        )
        valid = ~np.isnan(values).any(1)
        if valid.any():
            yield values[valid], truth[valid], unit[valid]


def _bin(values: np.ndarray, lower_edges: np.ndarray) -> np.ndarray:
    return np.clip(np.digitize(values, lower_edges) - 1, 0, len(lower_edges) - 1)


def _sums(
    unit: np.ndarray,
    n_units: int,
    part: np.ndarray,
    n_parts: int,
    right: np.ndarray,
    value: np.ndarray,
) -> np.ndarray:
    """Cells, right ones and summed values of each unit and bin, (n_units, n_parts, 3)."""
    code, size = unit * n_parts + part, n_units * n_parts
    columns = [np.bincount(code, weights=w, minlength=size) for w in (None, right, value)]
    return np.stack(columns, -1).reshape(n_units, n_parts, 3)


def _merged(units: list[np.ndarray], sums: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Unit numbers, each once, and their sums: a unit may reach over several bands."""
    number, index = np.unique(np.concatenate(units), return_inverse=True)
    total = np.zeros((len(number), *sums[0].shape[1:]))
    np.add.at(total, index, np.concatenate(sums))
    return number, total


def _mean(total: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.divide(total, n, out=np.full(np.shape(n), np.nan), where=n > 0)


def _gap(sums: np.ndarray) -> np.ndarray:
    """Expected calibration error of sums (..., bins, 3)."""
    n, right, confidence = np.moveaxis(sums, -1, 0)
    return np.abs(right - confidence).sum(-1) / n.sum(-1)


def _accuracy(units: np.ndarray, boot: np.ndarray, degrees: int) -> dict[str, np.ndarray]:
    """Accuracy of each bin of sums (units, bins, 3), with its interval from the units in the bin."""
    n, right, _ = units.sum(0).T
    accuracy = _mean(right, n)
    own = np.minimum((units[..., 0] > 0).sum(0) - 1, degrees)
    low, high = interval(accuracy, _mean(boot[..., 1], boot[..., 0]), own)
    return {"accuracy": accuracy, "accuracy_ci_low": low, "accuracy_ci_high": high}
