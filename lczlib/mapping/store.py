"""Where finished tiles are kept: in memory, or in files that survive a killed process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.classes import N_CLASSES
from lczlib.export.files import writing

if TYPE_CHECKING:
    from lczlib.mapping.predict import Tile


class Store:
    """Probabilities and valid fractions of one scene, filled tile by tile.

    Attributes
    ----------
    probability : array (17, rows, columns) float32
    valid_fraction : array (rows, columns) float32
    done : array (tiles) bool
        Which tiles are complete.
    """

    def __init__(
        self, probability: np.ndarray, valid_fraction: np.ndarray, done: np.ndarray
    ) -> None:
        self.probability = probability
        self.valid_fraction = valid_fraction
        self.done = done

    @classmethod
    def in_memory(cls, shape: tuple[int, int], n_tiles: int) -> Store:
        """A store that lives as long as the process."""
        return cls(
            np.full((N_CLASSES, *shape), np.nan, np.float32),
            np.zeros(shape, np.float32),
            np.zeros(n_tiles, bool),
        )

    @classmethod
    def on_disk(
        cls, folder: str | Path, job: dict[str, Any], shape: tuple[int, int], n_tiles: int
    ) -> Store:
        """A store in memory-mapped files; finished tiles of the same job are taken up again.

        Parameters
        ----------
        folder : path
            Working folder of one scene.
        job : dict
            What the result depends on (inputs, weights, settings). Where it differs from what the
            folder was begun with, the folder is begun anew.
        shape, n_tiles
            Of the LCZ grid.
        """
        folder = Path(folder)
        with writing(folder):
            return cls._on_disk(folder, job, shape, n_tiles)

    @classmethod
    def _on_disk(
        cls, folder: Path, job: dict[str, Any], shape: tuple[int, int], n_tiles: int
    ) -> Store:
        folder.mkdir(parents=True, exist_ok=True)
        described = json.dumps({**job, "shape": list(shape), "tiles": n_tiles}, sort_keys=True)
        note = folder / "job.json"
        names = ("probability", "valid_fraction", "done")
        whole = all((folder / f"{n}.npy").is_file() for n in names)
        same = whole and note.is_file() and note.read_text() == described
        if not same:
            note.unlink(missing_ok=True)

        def array(name: str, dtype: type, size: tuple[int, ...]) -> np.memmap:
            path = folder / f"{name}.npy"
            if same:
                return np.lib.format.open_memmap(path, mode="r+")
            created = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=size)
            if hasattr(os, "posix_fallocate"):
                # Reserved now, a full disk is an error; met while writing to a map, it kills.
                with path.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            return created

        store = cls(
            array("probability", np.float32, (N_CLASSES, *shape)),
            array("valid_fraction", np.float32, shape),
            array("done", np.bool_, (n_tiles,)),
        )
        if not same:
            note.write_text(described)  # last: a folder without it is begun anew
        return store

    def put(self, tile: Tile, probability: np.ndarray, valid_fraction: np.ndarray) -> None:
        """Keep a tile; it counts as done only once its values are written."""
        window = slice(tile.top, tile.bottom), slice(tile.left, tile.right)
        self.probability[:, *window] = probability
        self.valid_fraction[window] = valid_fraction
        self._flush(self.probability, self.valid_fraction)
        self.done[tile.index] = True
        self._flush(self.done)

    @staticmethod
    def _flush(*arrays: np.ndarray) -> None:
        for a in arrays:
            if isinstance(a, np.memmap):
                a.flush()
