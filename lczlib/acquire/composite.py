"""A composite of a period's clear pixels: tile by tile, in bounded memory, to be taken up again.

Of each day the scenes' own pixels are taken, those of the grid's own UTM zone first; what the scene
classification calls no land is masked with a rim around it; the offset is removed once; the median is
taken of what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.acquire.access import Access, AssetFailed
from lczlib.acquire.layouts import SCL
from lczlib.acquire.masks import NO_DATA, OUTSIDE, clear_pixels, near
from lczlib.acquire.medians import LEAST, MOST, Method, leave_out_haze, reduced
from lczlib.acquire.quality import RIM, best_days
from lczlib.acquire.scene import Scene
from lczlib.acquire.search import in_order
from lczlib.scenes.bands import BANDS

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
    cloud_share : float
        Over the place.
    """

    date: str
    scenes: tuple[Scene, ...]
    offsets: tuple[float, ...]
    cloud_share: float


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
        Of each day the pixels that it has a part in, and those that have data.
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
    haze: float,
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
        Of `lczlib.acquire.medians.Method`.
    dilation : float
        Metres that are masked around what is no land.
    haze : float
        DN in blue above the lower quartile of its clear days, beyond which a day of a pixel is not used; 0
        uses all.
    threads : int
        Of the geomedian.
    check : callable
        Called between days; raises where the job is to stop.

    Raises
    ------
    DayFailed
        If a file of a day cannot be read.
    """
    rim = RIM if method == "best" else 0
    wide = box.pad(rim) if rim else box
    own = tuple(slice(rim, rim + n) for n in box.shape)
    stack = np.zeros((*wide.shape, len(BANDS), len(days)), np.uint16)
    seen = np.zeros(box.shape, np.uint8)
    with_data = np.zeros(len(days), np.int64)
    clipped = 0
    for i, day in enumerate(days):
        check()
        values, covered, raised = _of_day(day, wide, access, dilation)
        seen += covered[own]
        with_data[i] = np.count_nonzero(covered[own])
        if values is not None:
            stack[..., i] = np.moveaxis(values, 0, -1)
            clipped += int(raised[own].sum())
    if haze:
        leave_out_haze(stack, haze)
    valid = stack[own][:, :, 0] > 0
    clear, used = (np.count_nonzero(valid, axis=axis) for axis in (-1, (0, 1)))
    shares = [d.cloud_share for d in days]
    if method == "best":
        values, pick = (a[own] for a in best_days(stack, shares))
        used = np.bincount(pick[clear > 0], minlength=len(days))
    else:
        values = reduced(stack, method, shares, threads)[own]
    return Part(np.moveaxis(values, -1, 0), clear.astype(np.uint8), seen, used, with_data, clipped)


def _of_day(
    day: Dated, box: GeoBox, access: Access, dilation: float
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Values (10, y, x) of a day, 0 where it is not clear; where it has data; how many are raised to 1."""
    scenes = in_order(day.scenes, box)
    offsets = dict(zip((s.id for s in day.scenes), day.offsets, strict=True))
    try:
        layers = _classes(scenes, box, access, dilation)
        owner = np.full(layers[0].shape, -1, np.int16)
        clear, covered = np.zeros(owner.shape, bool), np.zeros(owner.shape, bool)
        for i, classes in enumerate(layers):
            shown = (classes != OUTSIDE) & (classes != NO_DATA)
            covered |= shown
            # each scene's mask by itself; the rim of its data is left to another that shows it too
            mine = (owner < 0) & shown & ~near(classes == NO_DATA, dilation, _step(box))
            owner[mine] = i
            clear[mine] = clear_pixels(classes, dilation, _step(box))[mine]
        clear, owner, covered = (_own_part(a, box, dilation) for a in (clear, owner, covered))
        if not clear.any():
            return None, covered, np.zeros(box.shape, np.uint8)
        out = np.zeros((len(BANDS), *box.shape), np.uint16)
        raised = np.zeros(box.shape, np.uint8)
        for i, scene in enumerate(scenes):
            mine = clear & (owner == i)
            if mine.any():
                _take(out, raised, mine, scene, box, access, offsets[scene.id])
    except AssetFailed as error:
        raise DayFailed(day.date, error.message) from error
    return out, covered, raised


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
    out: np.ndarray,
    raised: np.ndarray,
    mine: np.ndarray,
    scene: Scene,
    box: GeoBox,
    access: Access,
    offset: float,
) -> None:
    """Put a scene's clear pixels into a day's, and count the values that are raised to 1."""
    waiting = [access.submit(scene, band, box) for band in BANDS]
    stored = np.stack([w.result() for w in waiting])
    # with the offset in, 0 is no value but the fill, which some bands have at a swath's edge and others
    # not; without it, dark water is 0 in single bands
    take = mine & (stored.all(axis=0) if offset else stored.any(axis=0))
    values = stored[:, take].astype(np.int32) + int(offset)
    raised[take] = np.count_nonzero(values < LEAST, axis=0)
    out[:, take] = np.clip(values, LEAST, MOST).astype(np.uint16)
