"""Which days a season's composite is made of, and with which offsets: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from odc.geo.geobox import GeoBox

from lczlib.acquire import offsets
from lczlib.acquire.access import Access, AssetFailed
from lczlib.acquire.grids import coarse
from lczlib.acquire.layouts import SCL
from lczlib.acquire.masks import OUTSIDE, clear_pixels
from lczlib.acquire.scene import Scene
from lczlib.acquire.search import Day
from lczlib.acquire.seasons import Period
from lczlib.acquire.work import PlannedDay, PlannedScene, PlannedSeason, kept_of
from lczlib.errors import InputError
from lczlib.reading import counted
from lczlib.terms import option

Check = Literal["pixels", "stated"]
_LOOKED_AT = 512  # pixels along a side of the bands that offsets are judged by
_LEAST_COVERED = 0.01
"""Share of the box that a day must cover to be worth its files."""


def chosen(
    days: Sequence[Day], period: Period, *, max_cloud: float, most: int
) -> tuple[list[Day], dict[str, str]]:
    """The days that are used, and why the others are not.

    Parameters
    ----------
    days : sequence of Day
        The clearest first.
    period : Period
        That they are of, for messages.
    max_cloud : float
        Per cent of what is covered.
    most : int
        Days to use at most.

    Raises
    ------
    InputError
        If none is left; it says which filter removed them.
    """
    used: list[Day] = []
    left: dict[str, str] = {}
    for day in days:
        key = day.date.isoformat()
        if day.failed:
            left[key] = day.failed
        elif day.covered_share < _LEAST_COVERED:
            left[key] = f"covers {day.covered_share:.1%} of the box"
        elif 100 * day.cloud_share > max_cloud:
            left[key] = f"cloud over {day.cloud_share:.0%} of what it covers"
        elif not day.clear_share:
            left[key] = "no clear pixel"
        elif len(used) == most:
            left[key] = f"{most} clearer days are enough"
        else:
            used.append(day)
    if not used:
        raise InputError(_why_none(days, period, max_cloud), parameter="max_cloud")
    return used, left


def _why_none(days: Sequence[Day], period: Period, max_cloud: float) -> str:
    failed = [d for d in days if d.failed]
    if len(failed) == len(days):
        return f"No day of {period} can be read: {failed[0].failed} ({len(days)} days)."
    seen = [d for d in days if d.covered_share >= _LEAST_COVERED]
    if not seen:
        return (
            f"None of the {len(days)} days of {period} shows the box: their scenes touch it, and have no data "
            "there."
        )
    best = min(d.cloud_share for d in seen)
    if 100 * best > max_cloud:
        return (
            f"All {len(seen)} days of {period} have more cloud over the box than {option('max_cloud')} "
            f"{max_cloud:g} allows; the clearest has {best:.0%}."
        )
    return f"None of the {len(seen)} days of {period} shows a pixel of land: all is masked (cloud, snow)."


def clear_shares(days: Sequence[Day]) -> tuple[float, float]:
    """Shares of the box that at least one, and at least three of some days show clear.

    From the scene classifications: what the clear counts of a composite of these days will be, but for
    days that fail.
    """
    seen = [np.unpackbits(np.frombuffer(d.clear, np.uint8)) for d in days if d.clear]
    if not seen:
        return 0.0, 0.0
    count = np.sum(seen, axis=0, dtype=np.uint16)
    return float((count >= 1).mean()), float((count >= 3).mean())


def outlook(used: Sequence[Day], days: Sequence[Day]) -> str:
    """What the chosen of some days hold, as a clause."""
    ever, thrice = clear_shares(used)
    return (
        f"{len(used)} of {counted(len(days), 'day')} chosen, about {sum(d.megabytes for d in used):,.0f} MB to "
        f"read; {ever:.0%} of the box is clear on one of them or more, {thrice:.0%} on three or more"
    )


def planned(
    days: Sequence[Day],
    left_out: dict[str, str],
    period: Period,
    grid: GeoBox,
    access: Access,
    *,
    check: Check,
    dilation: float,
    progress: Callable[[int, int], None],
) -> PlannedSeason:
    """The season with the offset of each scene; days whose offset is in doubt are left out.

    Raises
    ------
    InputError
        If no day is left.
    """
    looking = coarse(grid, _LOOKED_AT, first=10.0)
    left = dict(left_out)
    found: list[PlannedDay] = []
    levels: list[tuple[str, dict[str, float]]] = []
    for i, day in enumerate(days):
        progress(i, len(days))
        key = day.date.isoformat()
        try:
            judged = [settled(s, looking, access, check, dilation) for s in day.scenes]
        except AssetFailed as error:
            left[key] = str(error)
            continue
        doubt = next(
            (f"{s.id}: {o.doubt}" for s, (o, _) in zip(day.scenes, judged, strict=True) if o.doubt),
            "",
        )
        if doubt:
            left[key] = doubt
            continue
        scenes = tuple(
            PlannedScene(kept_of(s), o.value, o.why)
            for s, (o, _) in zip(day.scenes, judged, strict=True)
        )
        levels += [(key, level) for _, level in judged if level]
        found.append(PlannedDay(key, day.cloud_share, day.covered_share, day.clear_share, scenes))
    if check == "pixels":
        for i in offsets.disagreeing([level for _, level in levels]):
            key = levels[i][0]
            left[key] = "its bands all lie an offset of 1,000 DN away from those of the other days"
            found = [d for d in found if d.date != key]
    if not found:
        first = next(
            f"{d.date}: {left[d.date.isoformat()]}" for d in days if d.date.isoformat() in left
        )
        msg = f"No day of {period} can be used; {first}."
        raise InputError(msg)
    return PlannedSeason(
        period.name, period.start.isoformat(), period.end.isoformat(),
        tuple(sorted(found, key=lambda d: d.date)), left,
    )  # fmt: skip


def settled(
    scene: Scene, grid: GeoBox, access: Access, check: Check, dilation: float
) -> tuple[offsets.FoundOffset, dict[str, float]]:
    """A scene's offset, and the median of its clear pixels without it.

    Parameters
    ----------
    scene : Scene
        Of which the classification and three bands are read.
    grid : GeoBox
        Where, and how finely.
    access : Access
        By which it is read.
    check : str
        Of `Check`.
    dilation : float
        Metres around what is masked.
    """
    said = offsets.stated(scene)
    if check == "stated":
        if said is None:
            said = offsets.FoundOffset(0.0, "", "it states neither baseline nor offset")
        return said, {}
    classes = access.submit(scene, SCL, grid, fill=OUTSIDE)
    waiting = {b: access.submit(scene, b, grid, overview=True) for b in offsets.LOOKED_AT}
    clear = clear_pixels(classes.result(), max(dilation, 2 * grid.affine.a), grid.affine.a)
    stored = {b: w.result() for b, w in waiting.items()}
    dark = {b: v[clear & (v > 0)] for b, v in stored.items()}
    found = offsets.settled(scene, dark)
    level = {b: float(np.median(v)) + found.value for b, v in dark.items() if v.size}
    return found, level if len(level) == len(offsets.LOOKED_AT) and not found.doubt else {}
