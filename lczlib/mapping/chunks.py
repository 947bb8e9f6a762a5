"""Windows of a lazy scene, each of its chunks computed once.

A tile of cells straddles the chunks that a file is read in: read tile by tile, each chunk would be decoded
three or four times. Here the chunks that the next tiles share are kept, up to a limit, and tiles are taken
in an order in which that is enough.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import product

import dask
import numpy as np
import rasterio
import xarray as xr
from rasterio.errors import RasterioError

KEPT = 256 * 2**20
"""Bytes of chunks that are kept, of all bands: 24 of 512 x 512 pixels and ten bands."""

_ROWS = 3
"""Rows of chunks that a row of tiles and the next one touch."""


_EDGE = 512
"""Pixels of the edge of a scene's chunks, see `lczlib.scenes.raster`."""

_GDAL_MB = 64


def gdal_cache(files: Iterable[str]) -> rasterio.Env:
    """Context in which GDAL keeps no more of files than reading them by chunks can use again.

    By itself it keeps decoded blocks up to a twentieth of the machine's memory, and nearly all of them are never
    asked for again: chunks are computed once. Only where a file's blocks reach over several chunks, such as strips as
    wide as the image, a row of them is needed until the row of chunks is done.

    Parameters
    ----------
    files : iterable of str
        Those that are read together; those that are no rasters do not count.
    """
    row = sum(_row_of_blocks(f) for f in files)
    return rasterio.Env(GDAL_CACHEMAX=_GDAL_MB + -(-row // 2**20))


def _row_of_blocks(file: str) -> int:
    """Bytes of the blocks that a row of chunks touches, where a block reaches over several chunks; else none."""
    try:
        with rasterio.open(file) as src:
            height, width = src.block_shapes[0]
            if _EDGE % width == 0 and _EDGE % height == 0:
                return 0
            rows = min(_EDGE + 2 * height, src.height + height)
            return rows * src.width * sum(np.dtype(t).itemsize for t in src.dtypes)
    except (RasterioError, IndexError, TypeError):
        return 0  # what is no raster, or of a type that NumPy does not name, is read all the same


class Chunks:
    """Reads windows of a data set, and keeps the chunks that it computed for them.

    Parameters
    ----------
    bands : Dataset (y, x)
        Variables of one shape. Where they are not lazy, or not all in the same chunks, each window is read
        by itself.
    kept : int
        Bytes of computed chunks to keep.
    """

    def __init__(self, bands: xr.Dataset, kept: int = KEPT) -> None:
        self._bands = [bands[b].transpose("y", "x").data for b in bands.data_vars]
        layouts = {getattr(b, "chunks", None) for b in self._bands}
        self._edges: list[np.ndarray] | None = None
        self._kept: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self._room = 0
        if len(layouts) == 1 and (layout := layouts.pop()) is not None:
            largest = len(self._bands) * max(layout[0]) * max(layout[1])
            self._room = kept // (largest * max(b.dtype.itemsize for b in self._bands))
            if self._room >= 2 * _ROWS:
                self._edges = [np.concatenate([[0], np.cumsum(sizes)]) for sizes in layout]

    @property
    def width(self) -> int | None:
        """Pixels of a column of tiles whose chunks stay until the row below needs them; None: of any."""
        if self._edges is None:
            return None
        columns = self._room // _ROWS
        sizes = np.diff(self._edges[1])
        return None if columns >= len(sizes) else int(columns * sizes.max())

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """The values (band, y, x) of a window inside the scene."""
        with dask.config.set(scheduler="synchronous"):  # whoever waits for them has the other cores
            if self._edges is None:
                return np.stack(dask.compute(*(b[rows, columns] for b in self._bands)))
            return self._assembled((rows, columns))

    def _assembled(self, window: Sequence[slice]) -> np.ndarray:
        touched = [self._touched(axis, s) for axis, s in enumerate(window)]
        wanted = list(product(*touched))
        missing = [k for k in wanted if k not in self._kept]
        # all in one graph: what several of them are made of is computed once
        lazy = [[b.blocks[k] for b in self._bands] for k in missing]
        found = {k: np.stack(v) for k, v in zip(missing, *dask.compute(lazy), strict=True)}
        y0, x0 = (s.start for s in window)
        first = found[missing[0]] if missing else self._kept[wanted[0]]
        out = np.empty(
            (len(self._bands), *(s.stop - s.start for s in window)), np.result_type(first)
        )
        for k in wanted:
            values = found[k] if k in found else self._kept[k]
            there, here = [], []
            for axis, s in enumerate(window):
                low, high = self._edges[axis][k[axis] : k[axis] + 2]
                a, b = max(low, s.start), min(high, s.stop)
                there.append(slice(a - (y0, x0)[axis], b - (y0, x0)[axis]))
                here.append(slice(a - low, b - low))
            out[:, *there] = values[:, *here]
        self._keep(wanted, found)
        return out

    def _touched(self, axis: int, window: slice) -> range:
        edges = self._edges[axis]
        first = int(np.searchsorted(edges, window.start, "right")) - 1
        return range(first, int(np.searchsorted(edges, window.stop, "left")))

    def _keep(
        self, wanted: list[tuple[int, int]], found: dict[tuple[int, int], np.ndarray]
    ) -> None:
        for k in wanted:
            if k in self._kept:
                self._kept.move_to_end(k)
            else:
                self._kept[k] = found[k]
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
