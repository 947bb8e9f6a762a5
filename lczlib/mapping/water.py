"""Surface water from Sentinel-1 backscatter with GMNet (Luo et al. 2023).

A scene is read in strips of tile rows, so memory does not grow with it. Each tile is 256 px with 60
px of overlap; its 512 px and 2048 px surroundings are gathered from the same strip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import xarray as xr

from lczlib import catalog
from lczlib.accelerators import exact_float32, halved, turn
from lczlib.errors import InputError
from lczlib.grid import geobox_of, on_grid
from lczlib.mapping.water_model import load_water_model
from lczlib.mapping.water_scene import (
    BANDS,
    CHUNK,
    Orbit,
    Units,
    open_water_scene,
    typical,
    water_scene,
)

if TYPE_CHECKING:
    from lczlib.models.gmnet import GMNet, Margins

WATER_NODATA = 255
WATER_ATTRS = {
    "long_name": "surface water",
    "flag_values": np.array([0, 1], np.uint8),
    "flag_meanings": "not_water water",
    "_FillValue": np.uint8(WATER_NODATA),
}

PATCH = 256
OVERLAP = 60
STEP = PATCH - OVERLAP
MARGIN = OVERLAP // 2
MID, HIGH = 512, 2048
"""Edges in pixels of the windows around a patch."""

_BLOCK_TILES = 16  # tiles side by side in one strip; bounds memory for wide scenes
_READ_ROWS = CHUNK
_RANGE_EPS = np.float32(1e-4)  # in the published scaling, against division by zero

Edges = Literal["mirror", "zero"]
"""What the network sees where there is no data, and around the scene. ``mirror`` (the default): the
scene's own mirror image, and the median of the scene for missing pixels inside it. ``zero``: the
lowest backscatter, as in the published pipeline; it looks like open water, and where it fills part of
the network's 20 km surroundings, false water lines the edges: on synthetic and simulated scenes of 4
to 12 km up to as much again as there is water, where ``mirror`` draws next to none."""

Progress = Callable[[int, int], None]
"""Called with tiles done and tiles in all."""


def scaling(orbit: Orbit) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and maximum in dB of each band, which the network's 0 and 1 stand for."""
    bands = catalog.entry(f"gmnet_{orbit}", "weights").bands
    found = {b["name"]: b["statistics"] for b in bands}
    low, high = (
        np.array([found[b][key] for b in BANDS[orbit]], np.float32)
        for key in ("minimum", "maximum")
    )
    return low, high


def window_index(size: int) -> np.ndarray:
    """Which of `size` window pixels become the 256 samples of a scale.

    The nearest-neighbour rule that the weights were trained with (SciPy's zoom of order 0): sample
    i is pixel floor(i (size - 1) / 255 + 0.5), so first and last pixels are kept.
    """
    return np.floor(np.arange(PATCH) * (size - 1) / (PATCH - 1) + 0.5).astype(int)


def tile_count(pixels: int) -> int:
    """Tiles along an axis of so many pixels."""
    return (pixels + PATCH) // STEP


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
    """Pixel numbers outside ``0 .. size - 1`` folded back in, edge pixels repeated."""
    folded = index % (2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)


def _band_values(scene: xr.DataArray, columns: slice, band: int) -> np.ndarray:
    rows = slice(band * _READ_ROWS, (band + 1) * _READ_ROWS)
    return np.asarray(scene[:, rows, columns].values, np.float32)


class _Strip:
    """The rows of some columns of a scene that one tile row sees, scaled to 0-1.

    Rows are kept at their number modulo the height, so going down a tile row reads new rows only.
    """

    def __init__(
        self, scene: xr.DataArray, orbit: Orbit, left: int, width: int, edges: Edges
    ) -> None:
        low, high = scaling(orbit)
        self._low = low[:, None, None]
        self._span = (high - low + _RANGE_EPS)[:, None, None]
        self._scene, self._mirror = scene, edges == "mirror"
        self._fill = np.zeros(len(low), np.float32)
        if self._mirror:
            self._fill = self._scaled(typical(scene)[:, None, None])[:, 0, 0]
        columns = np.arange(left, left + width)
        self._inside = (columns >= 0) & (columns < scene.shape[2])
        self._filled = np.full(width, self._mirror) | self._inside
        self._source = _mirrored(columns, scene.shape[2])[self._filled]
        # whole bands are read, and the last two kept: a lazy scene computes its chunks once
        columns = slice(self._source.min(), self._source.max() + 1)
        self._band = lru_cache(2)(partial(_band_values, scene, columns))
        self.values = np.zeros((len(low), HIGH, width), np.float32)
        self.valid = np.zeros((HIGH, width), bool)
        self._next: int | None = None

    def _scaled(self, db: np.ndarray) -> np.ndarray:
        return np.clip((db - self._low) / self._span, 0, 1)

    def advance(self, top: int) -> None:
        """Hold the rows ``top .. top + 2048``; none outside the scene are valid."""
        start = top if self._next is None else self._next
        self._next = top + HIGH
        for row in range(start, self._next, STEP):
            self._read(np.arange(row, min(row + STEP, self._next)))

    def _read(self, rows: np.ndarray) -> None:
        slots = rows % HIGH
        self.values[:, slots], self.valid[slots] = 0, False
        inside = (rows >= 0) & (rows < self._scene.shape[1])
        if not self._mirror:
            rows, slots, inside = rows[inside], slots[inside], inside[inside]
        if not rows.size:
            return
        source = _mirrored(rows, self._scene.shape[1])
        bands = range(source.min() // _READ_ROWS, source.max() // _READ_ROWS + 1)
        raw = np.concatenate([self._band(b) for b in bands], axis=1)
        raw = raw[:, source - bands[0] * _READ_ROWS][:, :, self._source - self._source.min()]
        missing = np.isnan(raw)
        # where one band is missing the others keep their values, as in the published pipeline
        scaled = np.where(missing, self._fill[:, None, None], self._scaled(raw))
        self.values[:, slots[:, None], np.flatnonzero(self._filled)] = scaled
        valid = ~missing.any(0) & inside[:, None] & self._inside[self._filled]
        self.valid[slots[:, None], np.flatnonzero(self._filled)] = valid

    def rows(self, index: np.ndarray) -> np.ndarray:
        """The scaled values ``(band, len(index), width)`` of scene rows."""
        return self.values[:, index % HIGH]


def water_tiles(
    scene: xr.DataArray,
    orbit: Orbit,
    model: GMNet,
    *,
    edges: Edges = "mirror",
    batch: int | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Probability of water, tile by tile.

    Parameters
    ----------
    scene : DataArray (band, y, x)
        From `water_scene` or `open_water_scene`.
    orbit : {"as", "des", "as_des"}
        Passes of the scene.
    model : GMNet
        Of that orbit, in evaluation mode, on its device.
    edges : {"mirror", "zero"}
        See `Edges`.
    batch : int, optional
        Tiles that pass the network together: 1 on a CPU, whose caches a larger one overflows, 16 on
        a GPU.
    progress : callable, optional
        See `Progress`.

    Yields
    ------
    top, left : int
        Pixel of the tile's upper-left corner in the scene.
    probability : array (rows, columns) float32
        NaN where the scene has no data. Tiles do not overlap and cover the scene.
    """
    height, width = scene.shape[1:]
    n_rows, n_cols = tile_count(height), tile_count(width)
    batch = batch or (16 if next(model.parameters()).is_cuda else 1)
    reach = (HIGH - PATCH) // 2
    for first in range(0, n_cols, _BLOCK_TILES):
        tiles = range(first, min(first + _BLOCK_TILES, n_cols))
        left = STEP * first - OVERLAP - reach
        strip = _Strip(scene, orbit, left, STEP * (len(tiles) - 1) + HIGH, edges)
        for r in range(n_rows):
            top = STEP * r - OVERLAP
            strip.advance(top - reach)
            y0, y1 = max(0, top + MARGIN), min(height, top + MARGIN + STEP)
            columns = [
                (max(0, STEP * c - MARGIN), min(width, STEP * c - MARGIN + STEP)) for c in tiles
            ]
            valid = [
                strip.valid[np.arange(y0, y1) % HIGH, x0 - left : x1 - left] for x0, x1 in columns
            ]
            busy = [k for k, mask in enumerate(valid) if mask.any()]
            places = []
            for k in busy:
                start, (x0, x1) = STEP * tiles[k] - OVERLAP, columns[k]
                margins = (y0 - top, top + PATCH - y1, x0 - start, start + PATCH - x1)
                places.append((STEP * k, margins))
            found = _infer(strip, top, places, model, batch)
            for k, ((x0, _), mask) in enumerate(zip(columns, valid, strict=True)):
                if not mask.size:  # the last tile may lie in the padding altogether
                    continue
                out = np.full(mask.shape, np.nan, np.float32)
                if k in busy:
                    out[mask] = next(found)[mask]
                yield y0, x0, out
            if progress is not None:
                progress(first * n_rows + (r + 1) * len(tiles), n_rows * n_cols)
        del strip  # before the next one is made


def _infer(
    strip: _Strip, top: int, places: list[tuple[int, Margins]], model: GMNet, batch: int
) -> Iterator[np.ndarray]:
    """The probabilities of some tiles of one row.

    `places` has each tile's offset in the strip, and what of it need not be computed: half the
    overlap at each side, and all that lies outside the scene.
    """
    import torch

    # every scale of the row is gathered once, and cut by column for each tile
    reach = (HIGH - PATCH) // 2
    scales = []
    for size in (HIGH, MID, PATCH):
        index = window_index(size) - (size - PATCH) // 2
        scales.append((strip.rows(top + index), index + reach))
    device = next(model.parameters()).device
    start = 0
    while start < len(places):
        chosen = places[start : start + batch]
        # what none of them needs; the tiles at either end of a row need more than those between
        common = tuple(min(sides) for sides in zip(*(m for _, m in chosen), strict=True))
        inputs = [
            torch.from_numpy(np.stack([rows[..., columns + x] for x, _ in chosen]))
            for rows, columns in scales
        ]
        try:
            with turn(str(device)), torch.inference_mode(), exact_float32():
                logits = model(*(i.to(device) for i in inputs), margin=common)
                found = logits.sigmoid()[:, 0].cpu().numpy()
        except RuntimeError as err:
            batch = halved(err, batch, str(device), "a tile of the scene")
            continue
        yield from map(_trimmed, found, (m for _, m in chosen), repeat(common))
        start += len(chosen)


def _trimmed(values: np.ndarray, margins: Margins, common: Margins) -> np.ndarray:
    """A tile's own part of what was computed for all of a batch."""
    top, bottom, left, right = (own - shared for own, shared in zip(margins, common, strict=True))
    height, width = values.shape
    return values[top : height - bottom, left : width - right]


def water_map(
    scene: xr.DataArray | xr.Dataset | str | Path,
    orbit: Orbit,
    *,
    threshold: float = 0.5,
    edges: Edges = "mirror",
    dn_scale: float = 1.0,
    units: Units = "db",
    device: str = "auto",
    model: GMNet | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Map surface water.

    Parameters
    ----------
    scene : DataArray (band, y, x), Dataset (variables VV, VH), or path
        Backscatter at about 10 m, see `water_scene` and `open_water_scene`.
    orbit : {"as", "des", "as_des"}
        Passes of the scene.
    threshold : float
        Water where the probability is above it.
    edges : {"mirror", "zero"}
        See `Edges`.
    dn_scale, units
        See `open_water_scene`.
    device : str
        See `load_water_model`.
    model : GMNet, optional
        From `load_water_model`, to map many scenes without loading it again.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    Dataset (y, x), in memory
        ``probability`` float32, NaN where no data; ``water`` uint8, 1 water, 0 not, 255 no data.
        Missing pixels (NaN or 0) are no data; their neighbours are judged with them filled as
        `edges` says.

    Raises
    ------
    InputError, GridError
        If the scene cannot be used, see `open_water_scene`.
    """
    check_threshold(threshold)
    check_edges(edges)
    if isinstance(scene, (str, Path)):
        checked = open_water_scene(scene, orbit, dn_scale=dn_scale, units=units)
    else:
        checked = water_scene(scene, orbit, dn_scale=dn_scale, units=units)
    model = model or load_water_model(orbit, device)
    values = np.full(checked.shape[1:], np.nan, np.float32)
    for top, left, tile in water_tiles(checked, orbit, model, edges=edges, progress=progress):
        values[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    probability = water_probability(on_grid(values, geobox_of(checked)))
    return xr.Dataset({"probability": probability, "water": water_of(probability, threshold)})


def check_edges(edges: str) -> Edges:
    """Return the kind of edges, or raise `InputError` if there is no such kind."""
    if edges not in get_args(Edges):
        msg = f"{edges!r} is no way to treat edges: use {' or '.join(get_args(Edges))}."
        raise InputError(msg, parameter="edges")
    return edges  # type: ignore[return-value]


def check_threshold(threshold: float) -> float:
    """Return the threshold, or raise `InputError` if it is not between 0 and 1."""
    if not 0 < threshold < 1:
        msg = f"A water threshold of {threshold:g} makes no sense: give a probability between 0 and 1."
        raise InputError(msg, parameter="threshold")
    return threshold


def water_probability(values: xr.DataArray) -> xr.DataArray:
    """Values 0-1 on a grid as probability of water: name and attributes."""
    out = values.astype(np.float32).rename("water_probability")
    out.attrs = {"long_name": "probability of surface water", "units": "1"}
    return out


def water_of(probability: xr.DataArray, threshold: float = 0.5) -> xr.DataArray:
    """Water (1), not water (0), no data (255) of a probability; lazy if that is."""
    water = (probability > threshold).astype(np.uint8)
    out = water.where(probability.notnull(), np.uint8(WATER_NODATA)).rename("water")
    out.attrs = dict(WATER_ATTRS)
    return out
