"""Class probabilities of a scene on the LCZ grid, tile by tile.

A tile is a block of LCZ cells; its pixels are read once, with the margin that its patches need.
Memory is bounded by the tile, whatever the size of the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.classes import N_CLASSES
from lczlib.errors import Cancelled, InputError, WeightsError
from lczlib.grid import geobox_of, lcz_grid, on_grid
from lczlib.map_request import Anchor
from lczlib.mapping.chunks import Chunks
from lczlib.mapping.engines import Engine, PatchLayout
from lczlib.mapping.prepare import Prepared
from lczlib.mapping.store import Store
from lczlib.maps import probabilities
from lczlib.terms import option

Progress = Callable[[int, int], None]
"""Called with the cells done and the cells in all."""

MIN_VALID = 0.5
"""Share of its own pixels that must be valid for a cell to get a class."""

TILE_CELLS = 64
"""Edge of a tile in cells: with its margin 662 pixels, 18 MB of ten bands in float32."""


_ROWS = 256


@dataclass(frozen=True)
class Tile:
    """A block of LCZ cells: rows [top, bottom), columns [left, right)."""

    index: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def moved(self, down: int, right: int) -> Tile:
        """The same block where cells are counted from elsewhere."""
        return Tile(
            self.index, self.top + down, self.bottom + down, self.left + right, self.right + right
        )


def tiles_of(shape: tuple[int, int], size: int = TILE_CELLS) -> list[Tile]:
    """The tiles of a grid of cells, row by row."""
    corners = [(r, c) for r in range(0, shape[0], size) for c in range(0, shape[1], size)]
    return [
        Tile(i, r, min(r + size, shape[0]), c, min(c + size, shape[1]))
        for i, (r, c) in enumerate(corners)
    ]


def predict(
    prepared: Prepared,
    engine: Engine,
    *,
    anchor: Anchor = "center",
    store: Store | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """Class probabilities of a prepared scene.

    Parameters
    ----------
    prepared : Prepared
        From `lczlib.mapping.prepare`.
    engine : Engine
        From `lczlib.mapping.make_engine`.
    anchor : {"center", "corner"}
        Where a patch is centred: on its cell, or on the cell's upper-left corner as So2Sat's
        scripts do, half a cell off.
    store : Store, optional
        Where finished tiles are kept; in memory by default. Tiles already there are not repeated.
    progress : callable, optional
        Called after each tile with the cells done and in all.
    cancelled : callable, optional
        Asked before each tile; true stops with `Cancelled`, and the store keeps what is done.

    Returns
    -------
    Dataset
        ``probability`` (lcz, y, x) float32, NaN in cells with less than half of their pixels
        valid; ``valid_fraction`` (y, x) float32, the valid share of a cell's pixels that lie in
        the scene.

    Raises
    ------
    WeightsError
        If the network gives numbers that are not finite.
    """
    if anchor not in ("center", "corner"):
        msg = f"{anchor!r} is no anchor: use center or corner."
        raise InputError(msg)
    box = geobox_of(prepared.bands, "scene")
    cells = lcz_grid(box, cell=prepared.step * abs(box.affine.a))[prepared.cells]
    layout = PatchLayout(prepared.step, engine.weights.patch_size)
    tiles = tiles_of(cells.shape)
    store = store or Store.in_memory(cells.shape, len(tiles))
    total = cells.shape[0] * cells.shape[1]
    done = sum(t.shape[0] * t.shape[1] for t in tiles if store.done[t.index])
    if progress:
        progress(done, total)
    chunks = Chunks(prepared.bands)
    todo = _in_order([t for t in tiles if not store.done[t.index]], chunks.width, prepared.step)
    for tile, pixels, valid in _read_ahead(prepared, chunks, todo, layout, anchor):
        if cancelled and cancelled():
            msg = f"Stopped by the user with {done} of {total} cells done."
            raise Cancelled(msg)
        rows, cols = np.nonzero(valid >= MIN_VALID)
        block = np.full((N_CLASSES, *tile.shape), np.nan, np.float32)
        if rows.size:
            found = engine.probabilities(pixels, rows, cols, layout)
            _check_finite(found, engine)
            classes = np.asarray(engine.weights.classes) - 1
            full = np.zeros((len(rows), N_CLASSES), np.float32)
            full[:, classes] = found
            block[:, rows, cols] = full.T
        store.put(tile, block, valid)
        done += tile.shape[0] * tile.shape[1]
        if progress:
            progress(done, total)
    return as_dataset(store, cells)


def _check_finite(found: np.ndarray, engine: Engine) -> None:
    """Refuse a network whose numbers run over: its cells would pass for cells without data."""
    wrong = int((~np.isfinite(found)).any(1).sum())
    if wrong:
        msg = (
            f"{engine.weights.name} gives no finite probabilities in {wrong:,} of {len(found):,} cells "
            f"({engine.description}): its weights or its scaling are damaged, or the precision is too low "
            f"for it ({option('precision')} float32)."
        )
        raise WeightsError(msg)


def as_dataset(store: Store, cells: GeoBox) -> xr.Dataset:
    """The arrays of a store with the coordinates of the LCZ grid."""
    values, fraction = store.probability, store.valid_fraction
    if isinstance(values, np.memmap):  # stays on disk until it is needed, a band of rows at a time
        values = da.from_array(values, chunks=(-1, _ROWS, -1))
        fraction = da.from_array(fraction, chunks=(_ROWS, -1))
    proba = probabilities(on_grid(values, cells, ("lcz", "y", "x")))
    valid = on_grid(fraction, cells, name="valid_fraction")
    valid.attrs = {"long_name": "valid share of the cell's pixels in the scene", "units": "1"}
    return xr.Dataset({"probability": proba, "valid_fraction": valid})


def _in_order(tiles: list[Tile], width: int | None, step: int) -> list[Tile]:
    """Tiles row by row, in columns of so many pixels (None: in one)."""
    if width is None:
        return tiles
    cells = max(1, width // (step * TILE_CELLS)) * TILE_CELLS
    return sorted(tiles, key=lambda t: (t.left // cells, t.top, t.left))


def _read_ahead(
    prepared: Prepared, chunks: Chunks, tiles: list[Tile], layout: PatchLayout, anchor: Anchor
) -> Iterator[tuple[Tile, np.ndarray, np.ndarray]]:
    """Read the next tile in a thread of its own while the engine works on this one."""
    with ThreadPoolExecutor(1) as reader:
        waiting = None
        for tile in tiles:
            coming = reader.submit(_read, prepared, chunks, tile, layout, anchor)
            if waiting is not None:
                yield waiting[0], *waiting[1].result()
            waiting = tile, coming
        if waiting is not None:
            yield waiting[0], *waiting[1].result()


def _read(
    prepared: Prepared, chunks: Chunks, tile: Tile, layout: PatchLayout, anchor: Anchor
) -> tuple[np.ndarray, np.ndarray]:
    """A tile's pixels (H, W, C) as network input, and the valid fraction of its cells.

    Beyond the scene's edge pixels are mirrored (the edge pixel comes twice), as in So2Sat.
    """
    step, size = layout.step, layout.size
    tile = tile.moved(
        *(s.start for s in prepared.cells)
    )  # of the scene's cells, not the mapped ones
    shift = (step - size) // 2 if anchor == "center" else -(size // 2)
    height, width = (prepared.bands.sizes[d] for d in ("y", "x"))
    rows = np.arange(tile.top * step + shift, (tile.bottom - 1) * step + shift + size)
    cols = np.arange(tile.left * step + shift, (tile.right - 1) * step + shift + size)
    own_rows = np.arange(tile.top * step, tile.bottom * step)
    own_cols = np.arange(tile.left * step, tile.right * step)
    in_y, in_x = _mirror(rows, height), _mirror(cols, width)
    y0 = min(in_y.min(), own_rows[0])
    x0 = min(in_x.min(), own_cols[0])
    y1 = max(in_y.max(), min(own_rows[-1], height - 1)) + 1
    x1 = max(in_x.max(), min(own_cols[-1], width - 1)) + 1
    pixels = chunks.read(slice(int(y0), int(y1)), slice(int(x0), int(x1)))
    missing = ~np.isfinite(pixels)
    valid = _valid_fraction(~missing.any(0), own_rows - y0, own_cols - x0, step)
    prepared.scale(pixels)
    np.copyto(pixels, prepared.fill[:, None, None], where=missing)
    # channels last: a patch is then cut as 32 whole runs of memory
    pixels = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    return pixels[np.ix_(in_y - y0, in_x - x0)] if _mirrored(in_y, in_x, pixels) else pixels, valid


def _mirrored(rows: np.ndarray, cols: np.ndarray, pixels: np.ndarray) -> bool:
    """Whether a tile's rows and columns are not simply all that was read, in order."""
    return any(
        len(i) != n or (np.diff(i) != 1).any()
        for i, n in zip((rows, cols), pixels.shape[:2], strict=True)
    )


def _mirror(index: np.ndarray, n: int) -> np.ndarray:
    """Indices reflected into 0..n-1, the edge element twice (numpy's ``symmetric`` padding)."""
    index = np.mod(index, 2 * n)
    return np.where(index < n, index, 2 * n - 1 - index)


def _valid_fraction(valid: np.ndarray, rows: np.ndarray, cols: np.ndarray, step: int) -> np.ndarray:
    """Valid share of each cell's pixels; of a cell that reaches past the scene, of those in it."""
    inside = np.zeros((len(rows), len(cols)), np.float32)
    seen = np.zeros_like(inside)
    r, c = rows[rows < valid.shape[0]], cols[cols < valid.shape[1]]
    inside[: len(r), : len(c)] = valid[np.ix_(r, c)]
    seen[: len(r), : len(c)] = 1
    blocks = (len(rows) // step, step, len(cols) // step, step)
    return inside.reshape(blocks).sum((1, 3)) / seen.reshape(blocks).sum((1, 3))
