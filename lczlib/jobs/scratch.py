"""A folder for layers that are too large for memory, until a result is written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from lczlib.export.files import writing
from lczlib.temporary import TemporaryFolder


class Scratch:
    """A folder that goes when no layer is read from it any more, or at the end of the process.

    Parameters
    ----------
    parent : path, optional
        Where it is made, hidden; the system's folder for temporary files when not given.

    Attributes
    ----------
    path : Path
    remove : callable
        Removes it at once.
    """

    def __init__(self, parent: str | Path | None = None) -> None:
        with writing(parent or tempfile.gettempdir()):
            if parent is not None:
                Path(parent).mkdir(parents=True, exist_ok=True)
            self._folder = TemporaryFolder(parent)
        self.path, self.remove = self._folder.path, self._folder.remove

    def __getstate__(self) -> TemporaryFolder:
        return self._folder

    def __setstate__(self, folder: TemporaryFolder) -> None:
        """Take it over from the process that made it, which sends this as its last word."""
        self._folder = folder
        self.path, self.remove = folder.path, folder.remove

    def keeping(self, layer: xr.DataArray) -> xr.DataArray:
        """A lazy layer that is read from here: as long as it, or what follows from it, is in use, this stays."""
        blocks = layer.data
        held = blocks.map_blocks(_unchanged, self, dtype=layer.dtype, meta=blocks._meta)
        return layer.copy(data=held)

    def __dask_tokenize__(self) -> str:
        return str(self.path)


def _unchanged(block: np.ndarray, _: Scratch) -> np.ndarray:
    return block
