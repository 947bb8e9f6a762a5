"""rioxarray: a raster whose last array goes while any other is being read stays open, with its blocks in memory.

Prints how many files are left open, with the lock that all files share and with one of the file's own.
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import numpy as np
import rasterio
import rioxarray
from dask.utils import SerializableLock
from rioxarray._io import RASTERIO_LOCK
from xarray.backends.file_manager import FILE_CACHE


def left_open(lock: SerializableLock | None) -> int:
    """Files that are open still after their only array is gone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raster.tif"
        made = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint8", "crs": 32633,
                "transform": rasterio.Affine(10, 0, 0, 0, -10, 0)}  # fmt: skip
        with rasterio.open(path, "w", **made) as file:
            file.write(np.zeros((1, 64, 64), np.uint8))
        data = rioxarray.open_rasterio(path, lock=lock)
        data.load()
        with RASTERIO_LOCK:  # as a thread has it that reads a block of any other file
            del data
            gc.collect()
        ours = [key for key in FILE_CACHE if str(path) in str(key)]
        for key in ours:
            FILE_CACHE.pop(key).close()
    return len(ours)


if __name__ == "__main__":
    shared, own = left_open(None), left_open(SerializableLock())
    said = f"{shared} left open with the shared lock, {own} with its own"
    print(f"rioxarray {rioxarray.__version__}: {said}")  # noqa: T201
