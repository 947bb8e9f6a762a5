"""Sentinel-1 of a place without SLC: terrain-corrected products (RTC), each pass a raster for ``lcz water``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.acquire.providers import provider_of
from lczlib.acquire.rtc_folder import BANDS, WORK, pass_file
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_rtc_result import RtcResult
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import job
from lczlib.reading import counted
from lczlib.terms import option

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from lczlib.acquire.access import Access
    from lczlib.acquire.pass_work import PassPlan, PassWork
    from lczlib.acquire.places import Place
    from lczlib.acquire.rtc import RtcPass
    from lczlib.acquire.seasons import Period


def find_rtc(
    request: GetRequest, *, progress: Progress | None = None, cancelled: Cancel | None = None
) -> RtcResult:
    """The passes over the place; nothing is fetched.

    Raises
    ------
    InputError
        If there is none at all.
    ServiceError
        If the service fails.
    """
    return job(_find)(request, progress=progress, cancelled=cancelled)


def _find(request: GetRequest, step: Steps) -> RtcResult:
    from lczlib.jobs.get_days import where

    place, periods = where(request, step)
    passes, left, empty, _, _ = _passes(request, place, periods, step)
    return RtcResult(
        request=request, place=place, passes=passes, left_out=left, empty=tuple(empty.values())
    )


def _passes(
    request: GetRequest, place: Place, periods: Iterable[Period], step: Steps
) -> tuple[tuple[RtcPass, ...], dict[str, str], dict[str, str], str, str]:
    """The passes, what was left out, why periods have none, the collection and its licence."""
    from lczlib.acquire.rtc import find_passes, left_words, open_rtc
    from lczlib.acquire.seasons import today

    provider = provider_of(request.provider)
    step(f"Asking {provider.title}")
    catalogue, licence = open_rtc(provider, request.rtc_collection)
    found: dict[str, RtcPass] = {}
    left: Counter[str] = Counter()
    empty: dict[str, str] = {}
    for period in periods:
        if period.start > today():
            empty[period.name] = f"{period} has not begun yet."
            continue
        step(f"Searching Sentinel-1 of {period.name}")
        try:
            passes, without = find_passes(catalogue, place.box, period, request.direction)
        except InputError as error:
            empty[period.name] = error.message
            continue
        found |= {p.name: p for p in passes}
        left.update(without)
    if not found:
        raise InputError(next(iter(empty.values())))
    ordered = tuple(sorted(found.values(), key=lambda p: (p.time, p.name)))
    return ordered, left_words(left), empty, catalogue.collection, licence


def fetch_rtc(
    request: GetRequest,
    place: Place,
    folder: Path,
    step: Steps,
    *,
    resume: bool = False,
    most_mb: float = math.inf,
    grid: GeoBox | None = None,
) -> RtcResult:
    """Fetch the passes over a place, one after the other; finished ones are kept.

    Parameters
    ----------
    request : GetRequest
        What, when, and from where.
    place : Place
        Its box.
    folder : Path
        Of the result.
    step : Steps
        Told how far it is.
    resume : bool
        Take up a run that was stopped.
    most_mb : float
        As of `lczlib.jobs.get.run`.
    grid : GeoBox, optional
        Of composites of the place, which the passes are put on too; by default that of their own pixels.

    Raises
    ------
    InputError
        If there is no pass, none can be used, or it would be too much.
    ServiceError
        If the service fails; finished passes are kept.
    Cancelled
        If it is stopped; likewise.
    """
    from lczlib.acquire.access import Access
    from lczlib.acquire.folder import check_passes
    from lczlib.acquire.pass_work import PassWork
    from lczlib.acquire.rtc import RtcPass
    from lczlib.longitudes import middle_of

    periods = request.periods(middle_of(place.box)[1])
    asked, work = request.asked_rtc(place, periods), PassWork(folder, WORK, RtcPass)
    plan = work.plan(asked) if resume else None
    with Access(provider_of(request.provider), step.cancelled) as access:
        if plan is None:
            plan = _planned(request, asked, place, periods, access, step, grid)
            _check_amount(plan, most_mb)
            check_passes(folder, place, [pass_file(place, p).as_posix() for p in plan.passes])
            work.begin(plan)
        counts, metres, failed = _fetched(
            plan, place, provider_of(request.provider).title, access, work, step
        )
    left = {**plan.left_out, **failed}
    if not counts:
        first = next(iter(failed.items()))
        msg = f"No pass can be used: {first[1]}, {first[0]}."
        raise InputError(msg)
    passes = tuple(p for p in plan.passes if p.name in counts)
    return RtcResult(
        request=request, place=place, passes=passes, counts=counts, metres=metres, left_out=left,
        empty=tuple(plan.empty.values()), plan=plan, work=work,
    )  # fmt: skip


def rtc_beside(
    request: GetRequest, place: Place, folder: Path, step: Steps, *, resume: bool, most_mb: float, grid: GeoBox
) -> tuple[RtcResult | None, tuple[str, ...]]:  # fmt: skip
    """The same beside scenes that are fetched already, which are not lost where it fails; why it did."""
    if "s1-rtc" not in request.what:
        return None, ()
    try:
        found = fetch_rtc(request, place, folder, step, resume=resume, most_mb=most_mb, grid=grid)
    except (InputError, ServiceError) as error:
        return None, (f"Sentinel-1 (RTC): {error.message}",)
    return found, ()


def _planned(
    request: GetRequest,
    asked: Mapping[str, Any],
    place: Place,
    periods: Iterable[Period],
    access: Access,
    step: Steps,
    grid: GeoBox | None,
) -> PassPlan[RtcPass]:
    from lczlib.acquire.access import AssetFailed
    from lczlib.acquire.grids import grid_on, zone_of
    from lczlib.acquire.pass_work import PassPlan

    passes, left, empty, collection, licence = _passes(request, place, periods, step)
    scenes = [s for p in passes for s in p.scenes]
    epsg = grid.crs.to_epsg() if grid else zone_of(place.box, (s.epsg for s in scenes))
    corner = 0.0, 0.0
    for scene in scenes:
        if scene.epsg == epsg:
            try:
                corner = access.lattice(scene, BANDS[0])[:2]
            except AssetFailed:  # its pass will be left out, and said so
                continue
            break
    on = grid or grid_on(place.box, epsg, corner)
    return PassPlan(asked, collection, licence, on, corner, passes, left, empty)


def _check_amount(plan: PassPlan[RtcPass], most_mb: float) -> None:
    amount = sum(p.megabytes for p in plan.passes)
    if amount > most_mb:
        msg = (
            f"The {counted(len(plan.passes), 'pass', 'passes')} hold about {amount:,.0f} MB of this box, more than the "
            f"{most_mb:,.0f} MB that may be read at a time: take a shorter period ({option('start')}, "
            f"{option('end')}), one {option('direction')}, or a smaller box."
        )
        raise InputError(msg, parameter="start")


def _fetched(
    plan: PassPlan[RtcPass],
    place: Place,
    service: str,
    access: Access,
    work: PassWork[RtcPass],
    step: Steps,
) -> tuple[dict[str, Counter[str]], dict[str, float], dict[str, str]]:
    """What the pixels of each pass became, how large they were, and why some passes cannot be used."""
    from lczlib.acquire.access import AssetFailed
    from lczlib.acquire.rtc_pixels import pass_tags, write_pass
    from lczlib.export.geotiff import write_raster
    from lczlib.rasters import open_raster
    from lczlib.temporary import TemporaryFolder

    counts: dict[str, Counter[str]] = {}
    metres: dict[str, float] = {}
    failed: dict[str, list[str]] = {}
    for i, one in enumerate(plan.passes):
        what = f"Sentinel-1 of {one.date} ({i + 1} of {len(plan.passes)})"
        step(what)
        done = work.found(one.name)
        if done is None:
            try:
                size = _pixel_metres(one, access)
                with TemporaryFolder(work.path) as scratch:
                    plain = scratch / "pass.tif"
                    found = write_pass(
                        one, plan.grid, plan.corner, place.box, access, plain, partial(step, what)
                    )
                    data = open_raster(plain, "pass", chunks={"band": -1, "y": 512, "x": -1})
                    write_raster(
                        work.raster(one.name),
                        data,
                        descriptions=BANDS,
                        tags=pass_tags(one, found, size, service),
                    )
            except (AssetFailed, InputError) as error:
                failed.setdefault(error.message, []).append(f"{one.date} {one.direction}")
                continue
            work.finished(one.name, found, size)
            done = found, size
        counts[one.name], metres[one.name] = done
    return counts, metres, {why: f"the pass of {', '.join(days)}" for why, days in failed.items()}


def _pixel_metres(one: RtcPass, access: Access) -> float:
    """The side of the pixels of a pass's scenes, the longest of them.

    Raises
    ------
    InputError
        If the networks for water do not take it: on the grid of 10 m nothing would say so any more.
    """
    from lczlib.mapping.water_scene import CELL_RANGE

    size = max(access.pixel_metres(scene, BANDS[0]) for scene in one.scenes)
    low, high = CELL_RANGE
    if not low <= size <= high:
        msg = (
            f"its pixels are of {size:.3g} m, and the networks for water take {low:g} to {high:g} m"
        )
        raise InputError(msg)
    return size
