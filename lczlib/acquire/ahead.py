"""Tiles of a pass, read while the ones before are made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

import numpy as np
from odc.geo.geobox import GeoBox

from lczlib.acquire.scene import Scene

TILE = 1024
"""Edge in pixels."""
_VALUES = 9 * TILE**2
"""That are read ahead of each scene: more layers, fewer tiles."""
Tile = tuple[slice, slice]


class Reader(Protocol):
    """Reads layers of scenes: `lczlib.acquire.access.Access`, or of whole files `lczlib.acquire.fetched.Fetched`."""

    def submit(
        self, scene: Scene, band: str, box: GeoBox, *, fill: float = 0
    ) -> Future[np.ndarray]:
        """Read a band of a scene on a grid."""
        ...

    def lattice(self, scene: Scene, band: str) -> tuple[float, float, float]:
        """Upper-left corner of a scene's file of a band, and the edge of its pixels."""
        ...


def read_tiles(
    scenes: Sequence[Scene],
    layers: Mapping[str, float],
    grid: GeoBox,
    tiles: Sequence[Tile],
    reader: Reader,
) -> Iterator[tuple[Tile, list[tuple[np.ndarray, ...]]]]:
    """Each tile with the layers of each scene there.

    Parameters
    ----------
    scenes : sequence of Scene
        In the order in which they are laid together.
    layers : mapping of str to float
        Names of the bands, and what stands where a file does not reach.
    grid : GeoBox
        Of the place.
    tiles : sequence of (slice, slice)
        Rows and columns of it.
    reader : Reader
        By which files are read.

    Raises
    ------
    AssetFailed
        If a file cannot be read.
    ServiceError
        If the service fails.
    """
    ahead = max(1, _VALUES // (len(layers) * TILE**2))
    waiting: deque[tuple[Tile, list[list[Future[np.ndarray]]]]] = deque()
    left = iter(tiles)
    while True:
        while len(waiting) < ahead and (tile := next(left, None)) is not None:
            asked = [
                [reader.submit(s, band, grid[tile], fill=fill) for band, fill in layers.items()]
                for s in scenes
            ]
            waiting.append((tile, asked))
        if not waiting:
            return
        tile, futures = waiting.popleft()
        yield tile, [tuple(f.result() for f in bands) for bands in futures]
