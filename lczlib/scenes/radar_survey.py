"""One pass over a radar raster: what its missing pixels and its units are judged by.

The raster is read window by window, so that memory does not grow with it; what is kept are counts of
repeated values, a sample, and 4 x 4 pixel cells as dark as border noise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import rasterio
import xarray as xr
from scipy.ndimage import binary_dilation

from lczlib.scenes.radar_units import Units, to_db

LOWEST, HIGHEST = -45.0, 60.0
"""dB. Sentinel-1's noise floor lies at -22 to -32 dB (its requirement is -22), so less is no echo; the
brightest corner reflectors and ships stay below 50 dB."""

DARK = -38.0
"""dB. Calm water reads as the noise floor; darker than this are strips of border noise."""

CELL = 4
"""Edge in pixels of the cells in which dark strips are looked for."""

LEAST_SQUARES = 9
"""Of 2 x 2 pixels, that a fill holds: those of a block of 4 x 4."""

_ROWS, _COLUMNS = 512, 2048  # multiples of CELL
_GDAL_CACHE_MB = 64
_SAMPLE = 2048  # pixels of a window
_KEPT_VALUES = 20_000

Kind = Units | None
"""Units of a band; None for a band of either sign (real and imaginary parts, ratios)."""


@dataclass
class Survey:
    """What one pass has found.

    Attributes
    ----------
    size : (int, int)
        Rows and columns.
    kinds : tuple
        Of each band.
    groups : tuple of slice
        Bands of one acquisition: a pixel missing in one is missing in all of them.
    no_data, outside : int
        Pixels without a value in some band, and others outside `LOWEST` to `HIGHEST`.
    alone : int
        Of those below `LOWEST`, the ones that are in no block of one value.
    squares : list of Counter
        Of each band, how many squares of 2 x 2 pixels hold one value, by that value.
    jumps : list of dict
        Of each band, steps in dB from blocks of one value to the pixels beside them, by value.
    edge, mixed : int
        Pixels beside blocks outside the range, and those of them that are outside it themselves.
    dark : list of array (n, 3)
        Of each band, row, column and variance (dB2) of the cells that are dark throughout.
    speckle : list of array
        Of each band, variances (dB2) of other cells.
    gaps : array (rows, columns) bool
        Cells with pixels that have no value or lie in blocks outside the range.
    sample : array (band, n)
        Valid pixels as given, those in blocks of one value left out where there are others.
    """

    size: tuple[int, int]
    kinds: tuple[Kind, ...]
    groups: tuple[slice, ...]
    no_data: int = 0
    outside: int = 0
    alone: int = 0
    edge: int = 0
    mixed: int = 0
    squares: list[Counter[float]] = field(default_factory=list)
    jumps: list[dict[float, list[float]]] = field(default_factory=list)
    dark: list[np.ndarray] = field(default_factory=list)
    speckle: list[np.ndarray] = field(default_factory=list)
    gaps: np.ndarray = field(default_factory=lambda: np.empty((0, 0), bool))
    sample: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))


def windows(
    size: tuple[int, int], halo: int = 0
) -> Iterator[tuple[slice, slice, tuple[slice, slice]]]:
    """Windows that cover a raster, `halo` pixels wider, and where in each its own pixels are."""
    for top in range(0, size[0], _ROWS):
        for left in range(0, size[1], _COLUMNS):
            whole, own = [], []
            for start, step, end in ((top, _ROWS, size[0]), (left, _COLUMNS, size[1])):
                first, last = max(0, start - halo), min(end, start + step + halo)
                whole.append(slice(first, last))
                own.append(slice(start - first, min(end, start + step) - first))
            yield whole[0], whole[1], (own[0], own[1])


def read(data: xr.DataArray, rows: slice, columns: slice) -> np.ndarray:
    """A window ``(band, y, x)`` float32; GDAL's cache stays small, which grows with memory else."""
    with rasterio.Env(GDAL_CACHEMAX=_GDAL_CACHE_MB):
        return np.asarray(data[:, rows, columns].values, np.float32)


def survey(data: xr.DataArray, kinds: Sequence[Kind], groups: Sequence[slice]) -> Survey:
    """Look at all of a raster once.

    Parameters
    ----------
    data : DataArray (band, y, x)
        Values as given, NaN where the file says that there are none; in memory or lazy.
    kinds : sequence of {"db", "linear", "amplitude", None}
        Of each band. 0 is no value, except in bands of kind None.
    groups : sequence of slice
        Bands of each acquisition.
    """
    n_bands, *size = data.shape
    found = Survey((size[0], size[1]), tuple(kinds), tuple(groups))
    found.squares = [Counter() for _ in range(n_bands)]
    found.jumps = [{} for _ in range(n_bands)]
    dark: list[list[np.ndarray]] = [[] for _ in range(n_bands)]
    speckle: list[list[np.ndarray]] = [[] for _ in range(n_bands)]
    free, repeated = [], []
    found.gaps = np.zeros([-(-n // CELL) for n in size], bool)
    for rows, columns, _ in windows(found.size):
        block = read(data, rows, columns)
        valid = present(block, found.kinds)
        in_block, outside = np.zeros_like(valid), np.zeros_like(valid)
        for b, kind in enumerate(found.kinds):
            in_block[b] = _squares(block[b], valid[b], kind, found, b)
            if kind is None:
                continue
            db = to_db(block[b], kind)
            outside[b] = valid[b] & ~((db >= LOWEST) & (db <= HIGHEST))
            low = outside[b] & ~(db > HIGHEST)
            found.alone += int((low & ~in_block[b]).sum())
            _edges(block[b], valid[b], in_block[b] & outside[b], outside[b], found)
            loose = valid[b] & np.isfinite(db) & ~in_block[b]
            cells, others = _cells(db, loose, rows.start, columns.start)
            dark[b].append(cells)
            speckle[b].append(others)
        known = valid.all(0)
        found.no_data += int((~known).sum())
        found.outside += int((known & outside.any(0)).sum())
        y, x = np.nonzero(~known | (in_block & outside).any(0))
        found.gaps[(y + rows.start) // CELL, (x + columns.start) // CELL] = True
        free.append(_some(block, known & ~in_block.any(0)))
        repeated.append(_some(block, known))
    found.dark = [np.concatenate(cells) for cells in dark if cells]
    found.speckle = [np.concatenate(cells) for cells in speckle if cells]
    pixels = np.concatenate(free, axis=1)
    found.sample = pixels if pixels.size else np.concatenate(repeated, axis=1)
    return found


def present(block: np.ndarray, kinds: Sequence[Kind]) -> np.ndarray:
    """Where bands ``(band, y, x)`` hold a value: finite and not 0.

    Of bands of either sign 0 is a value, and single NaN among valid pixels are taken as 0, as So2Sat
    does: blocks of them are missing.
    """
    valid = np.isfinite(block)
    for b, kind in enumerate(kinds):
        if kind is not None:
            valid[b] &= block[b] != 0
        elif min(block.shape[1:]) > 1 and not valid[b].all():
            corners = squares_of_one_value(valid[b]) & ~valid[b][:-1, :-1]
            valid[b] = ~covered(corners, valid[b].shape)
    return valid


def squares_of_one_value(band: np.ndarray) -> np.ndarray:
    """Upper left corners of squares of 2 x 2 pixels of one value, ``(rows - 1, columns - 1)``."""
    beside, below = band[:, 1:] == band[:, :-1], band[1:] == band[:-1]
    return beside[:-1] & beside[1:] & below[:, :-1]


def covered(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The pixels of squares of 2 x 2, from their upper left corners."""
    out = np.zeros(shape, bool)
    out[:-1, :-1] |= corners
    out[1:, :-1] |= corners
    out[:-1, 1:] |= corners
    out[1:, 1:] |= corners
    return out


def _squares(band: np.ndarray, valid: np.ndarray, kind: Kind, found: Survey, b: int) -> np.ndarray:
    """Count the squares of one value of a window; the pixels that are in one."""
    if min(band.shape) < 2:
        return np.zeros(band.shape, bool)
    corners = squares_of_one_value(band) & valid[:-1, :-1]
    if kind is None:
        corners &= band[:-1, :-1] != 0
    values, counts = np.unique(band[:-1, :-1][corners], return_counts=True)
    counter = found.squares[b]
    counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    if len(counter) > _KEPT_VALUES:
        found.squares[b] = counter = Counter(dict(counter.most_common(_KEPT_VALUES // 2)))
    if kind is not None:
        for i in np.argsort(counts)[::-1][:8]:
            if counts[i] >= LEAST_SQUARES and LOWEST <= to_db(values[i], kind) <= HIGHEST:
                steps = found.jumps[b].setdefault(float(values[i]), [])
                steps += _jumps(band, valid, values[i], kind)
    return covered(corners, band.shape)


def _jumps(band: np.ndarray, valid: np.ndarray, value: float, kind: Units) -> list[float]:
    """Steps in dB between pixels of a value and those beside them."""
    same, steps = band == value, []
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        for one, other in ((a, b), (b, a)):
            at = same[one] & ~same[other] & valid[other]
            db = to_db(band[other][at], kind)
            db = db[(db >= LOWEST) & (db <= HIGHEST)]
            steps.append(db[:: max(1, db.size // 128)])
    return np.abs(np.concatenate(steps) - to_db(np.float32(value), kind)).tolist()


def _edges(
    band: np.ndarray, valid: np.ndarray, fill: np.ndarray, outside: np.ndarray, found: Survey
) -> None:
    """Count the pixels beside fills, and those of them that resampling has mixed with the fill."""
    if not fill.any():
        return
    beside = binary_dilation(fill, np.ones((3, 3))) & ~fill & valid
    beside &= ~np.isin(band, np.unique(band[fill]))  # ragged edges of the fill itself
    found.edge += int(beside.sum())
    found.mixed += int((beside & outside).sum())


def _cells(
    db: np.ndarray, inside: np.ndarray, top: int, left: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row, column and variance of the dark cells of a window; variances of some others."""
    cells = np.empty((0, 3))
    dark = inside & (db < DARK)
    if dark.any():
        n, variance = _variances(db, inside)
        n_dark = _by_cell(dark).sum((1, 3))
        y, x = np.nonzero((n >= CELL * CELL / 2) & (n_dark >= 0.9 * n))
        cells = np.column_stack([y + top // CELL, x + left // CELL, variance[y, x]])
    # the scene's own speckle: of some rows of cells
    rows = np.arange(db.shape[0] // CELL)[:: max(1, db.shape[0] // CELL // 8)] * CELL
    rows = (rows[:, None] + np.arange(CELL)).ravel()
    n, variance = _variances(db[rows], inside[rows] & ~dark[rows])
    others = variance[n == CELL * CELL]
    return cells, others[:: max(1, others.size // 256)]


def _by_cell(values: np.ndarray) -> np.ndarray:
    rows, columns = (n // CELL for n in values.shape)
    return values[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL)


def _variances(db: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many values the cells of a window hold, and their variance in dB2."""
    known = _by_cell(inside)
    values = np.where(known, _by_cell(db), 0).astype(np.float64)
    n = known.sum((1, 3))
    mean = values.sum((1, 3)) / np.maximum(n, 1)
    away = np.where(known, values - mean[:, None, :, None], 0)
    return n, (away**2).sum((1, 3)) / np.maximum(n - 1, 1)


def _some(block: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(chosen)
    return block.reshape(len(block), -1)[:, at[:: max(1, at.size // _SAMPLE)]]
