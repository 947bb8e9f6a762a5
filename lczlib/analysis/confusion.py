"""Confusion matrices: how often each reference class was mapped as each class.

Every accuracy score is a ratio of these counts (`lczlib.analysis.scores`).
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from dask.base import compute
from dask.delayed import delayed

from lczlib.classes import CLASSES, N_CLASSES, NODATA
from lczlib.errors import ClassSchemeError, InputError
from lczlib.grid import Resampling, check_same_grid, geobox_of, to_grid
from lczlib.polygon_cells import are_points, polygon_cells

_BINS = N_CLASSES + 1  # no data and the 17 classes
_STEP = 1 << 18  # cells a turn: codes and table stay in the processor's cache
_BAND = 2048  # rows of a lazy raster in memory at once
_CLASS_NUMBERS = np.arange(1, N_CLASSES + 1, dtype=np.uint8)


def confusion(
    reference: xr.DataArray | gpd.GeoDataFrame | np.ndarray,
    predicted: xr.DataArray | np.ndarray,
    *,
    weights: np.ndarray | None = None,
    resampling: Resampling | None = None,
) -> xr.DataArray:
    """Count the cells of each pair of reference and predicted class.

    Parameters
    ----------
    reference : DataArray (y, x), GeoDataFrame or array of any shape
        Reference codes 1..17, 0 = no data; or polygons as of `lczlib.polygons.open_polygons`.
    predicted : DataArray (y, x) or array, as the reference
        Codes of the map. Dask-backed rasters are counted chunk by chunk.
    weights : array, optional
        Weight of each label, for label vectors.
    resampling : {"nearest", "mode"}, optional
        Brings the map to the reference's grid where the two differ; without it, they must agree.

    Returns
    -------
    DataArray (reference, predicted), int64 (float64 with weights)
        17 x 17 counts. ``attrs`` tell the cells left out: ``no_prediction`` (labelled, but no data
        in the map), ``no_reference`` (mapped, but unlabelled) and ``neither``; for polygons also
        the counts of `lczlib.polygon_cells.polygon_cells`.

    Raises
    ------
    GridError
        If the rasters differ in grid and no resampling was asked for, or do not overlap.
    ClassSchemeError
        If a code is not 0..17.
    InputError
        If label vectors differ in length, or weights are given with rasters or polygons.

    Examples
    --------
    >>> import numpy as np
    >>> counts = confusion(np.array([2, 2, 6, 0]), np.array([2, 6, 6, 6]))
    >>> int(counts.sel(reference=2, predicted=6)), counts.attrs["no_reference"]
    (1, 1)
    """
    if weights is not None and not isinstance(reference, np.ndarray):
        msg = "Weights go with label vectors; give reference and prediction as arrays."
        raise InputError(msg)
    if isinstance(reference, gpd.GeoDataFrame):
        if not isinstance(predicted, xr.DataArray):
            msg = "Polygons are counted on the grid of a map: give the prediction as a DataArray."
            raise InputError(msg)
        per_polygon = polygon_confusion(reference, predicted)
        return per_polygon.sum(per_polygon.dims[:1]).assign_attrs(per_polygon.attrs)
    if isinstance(reference, xr.DataArray) and isinstance(predicted, xr.DataArray):
        reference, predicted = aligned(reference, predicted, resampling)
        return as_confusion(_count_rasters(reference, predicted))
    reference, predicted = np.asarray(reference), np.asarray(predicted)
    if reference.shape != predicted.shape:
        msg = (
            f"{reference.size} reference labels stand against {predicted.size} predicted ones: "
            "give one prediction for each reference label."
        )
        raise InputError(msg)
    return as_confusion(count_pairs(reference, predicted, weights))


def aligned(
    reference: xr.DataArray,
    predicted: xr.DataArray,
    resampling: Resampling | None = None,
    names: tuple[str, str] = ("the reference", "the map"),
) -> tuple[xr.DataArray, xr.DataArray]:
    """Both rasters on the reference's grid, with equal chunks; `names` go into messages.

    Raises
    ------
    GridError
        If the grids differ and no resampling was asked for, or do not overlap.
    """
    if resampling is not None:
        predicted = to_grid(predicted, geobox_of(reference, names[0]), resampling)
    check_same_grid(reference, predicted, names)
    reference, predicted = reference.transpose("y", "x"), predicted.transpose("y", "x")
    # one and the same coordinates, where files differ in the last digits
    own, predicted = predicted.attrs, reference.copy(data=predicted.data)
    predicted.attrs = own
    if reference.chunks is not None:
        predicted = predicted.chunk(reference.chunksizes)
    elif predicted.chunks is not None:
        reference = reference.chunk(predicted.chunksizes)
    return reference, predicted


def count_pairs(
    reference: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Counts of code pairs, (18, 18), the first row and column for no data.

    Raises
    ------
    ClassSchemeError
        If a code is not 0..17.
    """
    first, second = _as_codes(reference).ravel(), _as_codes(predicted).ravel()
    heavy = None if weights is None else np.asarray(weights, np.float64).ravel()
    table = np.zeros(1 << 16, np.int64 if heavy is None else np.float64)
    for start in range(0, first.size, _STEP):
        part = slice(start, start + _STEP)
        # two bytes as one 16-bit code: any pair has its place, and stray codes show in the table
        code = first[part].astype(np.uint16) << 8
        code |= second[part]
        table += np.bincount(
            code, weights=None if heavy is None else heavy[part], minlength=table.size
        )
    square = table.reshape(256, 256)
    stray = np.flatnonzero(square.any(1) | square.any(0))
    stray = stray[stray >= _BINS]
    if stray.size:
        msg = (
            f"Code {stray[0]} is no LCZ: codes are 1-17, 0 for no data; convert other numberings "
            "with lczlib.classes.to_standard."
        )
        raise ClassSchemeError(msg)
    return square[:_BINS, :_BINS].copy()


def _as_codes(values: np.ndarray) -> np.ndarray:
    """Codes as uint8; what does not fit is refused, not wrapped around."""
    values = np.asarray(values)
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool or values.dtype.kind not in "iuf":
        msg = f"LCZ codes must be whole numbers 1-17, not {values.dtype}."
        raise ClassSchemeError(msg)
    with np.errstate(invalid="ignore"):  # NaN and 3e38 differ from whatever they become
        codes = values.astype(np.uint8)
    if not np.array_equal(codes, values):
        first = values[codes != values].flat[0]
        msg = f"Code {first:g} is no LCZ: codes are 1-17, 0 for no data."
        raise ClassSchemeError(msg)
    return codes


def _count_rasters(reference: xr.DataArray, predicted: xr.DataArray) -> np.ndarray:
    if reference.chunks is None:
        return count_pairs(reference.values, predicted.values)
    blocks = zip(
        reference.data.to_delayed().ravel(), predicted.data.to_delayed().ravel(), strict=True
    )
    count = delayed(count_pairs)
    # each chunk leaves a small table behind, so memory holds a chunk or two a thread
    return np.sum(compute(*(count(a, b) for a, b in blocks)), axis=0)


def as_confusion(table: np.ndarray, **attrs: object) -> xr.DataArray:
    """A (18, 18) table of code pairs, or a stack of such, as a confusion matrix.

    The cells of no-data pairs go to the attributes.
    """
    table = np.asarray(table)
    total = table.reshape(-1, _BINS, _BINS).sum(0)
    left_out = {
        "no_prediction": total[1:, NODATA].sum().item(),
        "no_reference": total[NODATA, 1:].sum().item(),
        "neither": total[NODATA, NODATA].item(),
    }
    dims = ("unit", "reference", "predicted")[3 - table.ndim :]
    coords = {"reference": _CLASS_NUMBERS, "predicted": _CLASS_NUMBERS}
    return xr.DataArray(table[..., 1:, 1:], coords, dims, name="cells", attrs={**left_out, **attrs})


def polygon_confusion(
    reference: gpd.GeoDataFrame, predicted: xr.DataArray, block: int = 1
) -> xr.DataArray:
    """The confusion matrix of each reference polygon, or block of points, on the map's own grid.

    Parameters
    ----------
    reference : GeoDataFrame
        As of `lczlib.polygons.open_polygons`.
    predicted : DataArray (y, x)
        Codes of the map; may be dask-backed.
    block : int
        Edge in cells of the blocks whose points are one unit; of no use for polygons.

    Returns
    -------
    DataArray (polygon, reference, predicted), int64
        Only polygons that hold a mapped cell. ``lcz`` (polygon) is their class. Points have blocks
        for polygons, and no ``lcz``; the dimension is ``point`` where each block holds one cell.
        Attributes as of `confusion`.
    """
    cells = polygon_cells(reference, geobox_of(predicted, "map"))
    values = predicted.transpose("y", "x").data
    rows, cols = cells["row"].to_numpy(), cells["col"].to_numpy()
    lazy = not isinstance(values, np.ndarray)
    mapped = values.vindex[rows, cols].compute() if lazy else values[rows, cols]
    points = are_points(reference)
    units = block_of_cells(cells, predicted.sizes["x"], block) if points else cells["polygon"]
    number, unit = np.unique(units, return_inverse=True)
    counts = as_confusion(count_units(cells["lcz"].to_numpy(), mapped, unit, len(number)))
    counts.attrs.update(cells.attrs)
    if points:
        alone = len(number) == len(cells)
        counts = counts.rename(unit="point" if alone else "block")
    else:
        lcz = cells.groupby("polygon")["lcz"].first().to_numpy()  # by number, as the counts are
        counts = counts.rename(unit="polygon").assign_coords(polygon=number, lcz=("polygon", lcz))
    return counts[counts.any(("reference", "predicted")).values]


def block_of_cells(cells: pd.DataFrame, width: int, block: int) -> np.ndarray:
    """A number for the square block that each cell of `polygon_cells` lies in."""
    row, col = cells["row"].to_numpy() // block, cells["col"].to_numpy() // block
    return row * (width // block + 1) + col


def count_units(
    reference: np.ndarray, predicted: np.ndarray, unit: np.ndarray, n_units: int
) -> np.ndarray:
    """Counts of code pairs of each unit (polygon, block), (n_units, 18, 18).

    Parameters
    ----------
    reference : array
        Codes 0..17.
    predicted : array
        Codes 0..17, same shape.
    unit : array of int
        Index of the unit of each cell, 0..n_units-1, same shape.
    n_units : int
        Number of units; those without a cell have zeros.
    """
    count_pairs(reference, predicted)  # refuses stray codes
    code = np.asarray(unit, np.int64) * _BINS + _as_codes(reference)
    code = code * _BINS + _as_codes(predicted)
    return np.bincount(code.ravel(), minlength=n_units * _BINS**2).reshape(-1, _BINS, _BINS)


def block_confusion(reference: xr.DataArray, predicted: xr.DataArray, block: int) -> xr.DataArray:
    """The confusion matrix of each square block of cells, for rasters on one grid.

    Parameters
    ----------
    reference, predicted : DataArray (y, x)
        On one grid (see `aligned`); may be dask-backed.
    block : int
        Edge of a block in cells, at least 1.

    Returns
    -------
    DataArray (block, reference, predicted), int64
        Only blocks that hold a cell with both labels, in row order. Attributes as of `confusion`.
    """
    if block < 1:
        msg = f"A block must be at least one cell wide, not {block}."
        raise InputError(msg)
    height, width = reference.shape
    across = -(-width // block)
    column = np.arange(width) // block
    kept, left_out = [], np.zeros((_BINS, _BINS), np.int64)
    band = block * max(1, _BAND // block)  # rows read at once: about a chunk of a lazy raster
    for top in range(0, height, band):
        rows = slice(top, top + band)
        a, b = compute(reference[rows].data, predicted[rows].data)
        for first in range(0, len(a), block):
            inside = slice(first, first + block)
            where = np.broadcast_to(column, a[inside].shape)
            table = count_units(a[inside], b[inside], where, across)
            kept.append(table[table[:, 1:, 1:].any((1, 2))])
            left_out += table.sum(0)
    counts = as_confusion(np.concatenate(kept)).rename(unit="block")
    counts.attrs.update(as_confusion(left_out).attrs)
    return counts


def confusion_table(counts: xr.DataArray) -> pd.DataFrame:
    """A confusion matrix as a table with class codes (1-10, A-G) as row and column names."""
    codes = [c.code for c in CLASSES]
    return pd.DataFrame(
        counts.values,
        index=pd.Index(codes, name=counts.dims[0]),
        columns=pd.Index(codes, name=counts.dims[1]),
    )
