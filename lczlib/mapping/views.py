"""Test-time augmentation: the mean of what a network says of several views of each patch.

A patch flipped or turned shows the same zone, and a network that is not quite indifferent to that errs a little
differently on each view; the mean errs less (and is less sure). Views differ in what nature does not flip:

- Optical: the sun. A flip to the south or a turn puts shadows where the morning sun of the overpass never does.
  Networks that were trained with flips and turns (as `lcz train` does) do not mind; others may.
- Radar: Sentinel-1 looks to the right of its path, nearly along east and west. Layover, shadow and double bounce
  lie along that range direction. A flip of east and west is what the other pass would see (ascending for descending),
  a flip of north and south keeps the look direction to some 20 degrees; a quarter turn puts range along north and
  south, which no image of Sentinel-1 shows, and is left out.
"""

from __future__ import annotations

import numpy as np

from lczlib.map_request import Views
from lczlib.mapping.engines import Engine, PatchLayout
from lczlib.models import Weights

RADAR = ("s1", "both", "s1_db")
"""Sensors whose patches are not turned by a quarter."""
_FLIPS = [(False, rows, cols) for rows in (False, True) for cols in (False, True)]
VIEWS = {
    "none": _FLIPS[:1],
    "flips": _FLIPS,
    "all": [(t, r, c) for t in (False, True) for _, r, c in _FLIPS],
}
"""Views by name: whether axes are swapped, and which are then reversed (rows, columns)."""


def views_for(weights: Weights, asked: Views) -> Views:
    """The views that a network gets of those asked for: no quarter turn of radar."""
    return "flips" if asked == "all" and weights.sensor in RADAR else asked


class ViewsEngine:
    """An engine whose probabilities are the mean over views of each patch.

    Parameters
    ----------
    engine : Engine
        What computes.
    views : str
        Of `VIEWS`.
    """

    def __init__(self, engine: Engine, views: Views) -> None:
        self.engine = engine
        self.weights = engine.weights
        self.number = engine.number
        self._views = VIEWS[views]
        self.description = (
            f"{engine.description}; mean of {len(self._views)} views of each patch ({views})"
        )

    def probabilities(
        self, tile: np.ndarray, rows: np.ndarray, cols: np.ndarray, layout: PatchLayout
    ) -> np.ndarray:
        """See `Engine`. The whole tile is turned: a patch of it is then a patch of the turned one."""
        n_rows, n_cols = ((n - layout.size) // layout.step + 1 for n in tile.shape[:2])
        # what is left over at the end would shift the patches of a reversed tile
        high, wide = ((n - 1) * layout.step + layout.size for n in (n_rows, n_cols))
        tile = tile[:high, :wide]
        total = np.zeros((), np.float64)
        for swap, reverse_rows, reverse_cols in self._views:
            seen, r, c = tile, np.asarray(rows), np.asarray(cols)
            if reverse_rows:
                seen, r = seen[::-1], n_rows - 1 - r
            if reverse_cols:
                seen, c = seen[:, ::-1], n_cols - 1 - c
            if swap:
                seen, r, c = seen.transpose(1, 0, 2), c, r
            total = total + self.engine.probabilities(np.ascontiguousarray(seen), r, c, layout)
        return (total / len(self._views)).astype(np.float32)


def with_views(engine: Engine, asked: Views) -> Engine:
    """The engine itself, or one that averages views of each patch."""
    views = views_for(engine.weights, asked)
    return engine if views == "none" else ViewsEngine(engine, views)
