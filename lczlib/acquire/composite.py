"""A composite of a period's clear pixels: tile by tile, in bounded memory, to be taken up again.

Of each day the scenes' own pixels are taken, those of the grid's own UTM zone first; what the scene
classification calls no land is masked with a rim around it; the offset is removed once; the median is
taken of what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.acquire.access import Access, AssetFailed
from lczlib.acquire.layouts import SCL
from lczlib.acquire.masks import NO_DATA, OUTSIDE, clear_pixels
from lczlib.acquire.scene import Scene
from lczlib.acquire.search import in_order
from lczlib.scenes.bands import BANDS

Method = Literal["geomedian", "median", "best"]

FILL = 0
"""Of missing pixels, in all bands."""
_LEAST, _MOST = 1, 65_535
_GEOMEDIAN_STEP = 0.1  # DN by which the last iteration moves a pixel at most
_STACK_BYTES = 96 << 20  # of the values of one tile


@dataclass(frozen=True)
class Dated:
    """The scenes of a day with the offset of each.

    Attributes
    ----------
    date : str
    scenes : tuple of Scene
    offsets : tuple of float
        To be added to stored values.
    """

    date: str
    scenes: tuple[Scene, ...]
    offsets: tuple[float, ...]


@dataclass(frozen=True)
class Part:
    """A composite of one tile.

    Attributes
    ----------
    values : array (10, y, x) uint16
        DN without offset, 0 where there was no clear day.
    clear : array (y, x) uint8
        Clear days.
    seen : array (y, x) uint8
        Days with data, clear or not.
    used, covered : array (days) int
        Of each day the pixels that are clear, and those that have data.
    clipped : int
        Values of clear pixels that were 0 or below, and were raised to 1: 0 means missing.
    """

    values: np.ndarray
    clear: np.ndarray
    seen: np.ndarray
    used: np.ndarray
    covered: np.ndarray
    clipped: int


def tile_size(days: int) -> int:
    """Pixels along a tile's side, a part of the blocks of the scenes' files, so that memory is bounded."""
    size = 512
    while size > 64 and size * size * len(BANDS) * 2 * max(1, days) > _STACK_BYTES:
        size //= 2
    return size


class DayFailed(Exception):  # noqa: N818 - carries which day, to be dropped
    """A file of a day cannot be read."""

    def __init__(self, date: str, why: str) -> None:
        super().__init__(why)
        self.date = date


def composite(
    days: Sequence[Dated],
    box: GeoBox,
    access: Access,
    *,
    method: Method,
    dilation: float,
    threads: int,
    check: Callable[[], None],
) -> Part:
    """The composite of a tile.

    Parameters
    ----------
    days : sequence of Dated
        What it is made of.
    box : GeoBox
        Grid of the tile, of 10 m pixels on whole 20 m pixels of the scenes.
    access : Access
        By which the scenes are read.
    method : str
        Of `Method`.
    dilation : float
        Metres that are masked around what is no land.
    threads : int
        Of the geomedian.
    check : callable
        Called between days; raises where the job is to stop.

    Raises
    ------
    DayFailed
        If a file of a day cannot be read.
    """
    rows, cols = box.shape
    stack = np.zeros((rows, cols, len(BANDS), len(days)), np.uint16)
    seen = np.zeros((rows, cols), np.uint8)
    used, with_data = np.zeros((2, len(days)), np.int64)
    clipped = 0
    for i, day in enumerate(days):
        check()
        values, clear, covered, raised = _of_day(day, box, access, dilation)
        seen += covered
        used[i], with_data[i] = np.count_nonzero(clear), np.count_nonzero(covered)
        clipped += raised
        if values is not None:
            stack[..., i] = np.moveaxis(values, 0, -1)
    clear = np.count_nonzero(stack[:, :, 0], axis=-1).astype(np.uint8)
    values = METHODS[method](stack, clear, threads)
    return Part(np.moveaxis(values, -1, 0), clear, seen, used, with_data, clipped)


def _of_day(
    day: Dated, box: GeoBox, access: Access, dilation: float
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray, int]:
    """Values (10, y, x) of a day, 0 where it is not clear; where it is clear, and where it has data."""
    scenes = in_order(day.scenes, box)
    offsets = dict(zip((s.id for s in day.scenes), day.offsets, strict=True))
    try:
        layers = _classes(scenes, box, access, dilation)
        owner = np.full(layers[0].shape, -1, np.int16)
        clear = np.zeros(owner.shape, bool)
        for i, classes in enumerate(layers):
            # each scene's mask by itself: where one ends is no rim of what another shows
            mine = (owner < 0) & (classes != OUTSIDE) & (classes != NO_DATA)
            owner[mine] = i
            clear[mine] = clear_pixels(classes, dilation, _step(box))[mine]
        clear, owner = (_own_part(a, box, dilation) for a in (clear, owner))
        covered = owner >= 0
        if not clear.any():
            return None, clear, covered, 0
        out = np.zeros((len(BANDS), *box.shape), np.uint16)
        clipped = 0
        for i, scene in enumerate(scenes):
            mine = clear & (owner == i)
            if mine.any():
                clipped += _take(out, mine, scene, box, access, offsets[scene.id])
    except AssetFailed as error:
        raise DayFailed(day.date, error.message) from error
    return out, clear & out.any(axis=0), covered, clipped


def _step(box: GeoBox) -> float:
    return 2 * float(box.affine.a)


def _rim(box: GeoBox, dilation: float) -> int:
    """Pixels of the classification around a tile that its mask depends on."""
    return int(np.ceil(dilation / _step(box)))


def _classes(
    scenes: Sequence[Scene], box: GeoBox, access: Access, dilation: float
) -> list[np.ndarray]:
    """The classification of each scene of a day on the 20 m grid of a tile with its rim."""
    a, rim, step = box.affine, _rim(box, dilation), _step(box)
    rows, cols = (-(-n // 2) + 2 * rim for n in box.shape)
    corner = Affine(step, 0, a.c - rim * step, 0, -step, a.f + rim * step)
    grid = GeoBox((rows, cols), corner, box.crs)
    return [w.result() for w in [access.submit(s, SCL, grid, fill=OUTSIDE) for s in scenes]]


def _own_part(layer: np.ndarray, box: GeoBox, dilation: float) -> np.ndarray:
    """Of a layer on the 20 m grid with its rim, the tile's own part on its 10 m grid."""
    rim = _rim(box, dilation)
    inner = layer[rim : layer.shape[0] - rim, rim : layer.shape[1] - rim]
    return inner.repeat(2, axis=0).repeat(2, axis=1)[: box.shape[0], : box.shape[1]]


def _take(
    out: np.ndarray, mine: np.ndarray, scene: Scene, box: GeoBox, access: Access, offset: float
) -> int:
    """Put a scene's clear pixels into a day's; the number of values that were raised to 1."""
    waiting = [access.submit(scene, band, box) for band in BANDS]
    stored = np.stack([w.result() for w in waiting])
    missing = ~stored.any(axis=0)  # all bands hold the fill, which alone is no data
    take = mine & ~missing
    values = stored[:, take].astype(np.int32) + int(offset)
    low = values < _LEAST
    out[:, take] = np.clip(values, _LEAST, _MOST).astype(np.uint16)
    return int(low.sum())


def _geomedian(stack: np.ndarray, clear: np.ndarray, threads: int) -> np.ndarray:
    """Geometric median of the clear days (Roberts et al. 2017, doi 10.1109/TGRS.2017.2723896)."""
    from geomad import nangeomedian_pcm

    found = nangeomedian_pcm(
        stack, num_threads=threads, eps=_GEOMEDIAN_STEP, scale=1.0, nodata=FILL
    )
    return _stored(found, clear)


def _median(stack: np.ndarray, clear: np.ndarray, threads: int) -> np.ndarray:  # noqa: ARG001
    """Median of each band over the clear days; of an even number the mean of the middle two."""
    # sorted, the days without data (0) come first, and the middle of the others is picked
    ordered = np.sort(stack, axis=-1)
    n = clear.astype(np.int32)
    absent = stack.shape[-1] - n
    low, high = (absent + (n - 1) // 2, absent + n // 2)
    pick = [
        np.take_along_axis(ordered, np.clip(at, 0, stack.shape[-1] - 1)[:, :, None, None], axis=-1)[
            ..., 0
        ]
        for at in (low, high)
    ]
    return _stored((pick[0].astype(np.float32) + pick[1]) / 2, clear)


def _stored(values: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Values (y, x, 10) as they are written: whole DN, 0 where no day was clear and nowhere else."""
    whole = np.clip(np.rint(np.nan_to_num(values)), _LEAST, _MOST).astype(np.uint16)
    whole[clear == 0] = FILL
    return whole


METHODS: Mapping[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "geomedian": _geomedian,
    "median": _median,
}
"""Each takes values (y, x, band, day), 0 where not clear, and the number of clear days."""
