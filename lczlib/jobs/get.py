"""A place's imagery: found, looked at, and made into a folder that ``lcz map`` takes; what else is beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.acquire.providers import provider_of
from lczlib.acquire.seasons import Period
from lczlib.errors import InputError
from lczlib.jobs.get_days import catalogue_of, looked_at, place_asked, where
from lczlib.jobs.get_further import check_further, fetch_further, further_beside
from lczlib.jobs.get_map import PublishedResult, beside_scenes, check_given, published
from lczlib.jobs.get_part import Part
from lczlib.jobs.get_radar import RadarResult, radar_beside, radar_inputs
from lczlib.jobs.get_request import IMAGERY, RADAR, GetRequest
from lczlib.jobs.get_result import GetResult
from lczlib.jobs.get_rtc import fetch_rtc, rtc_beside
from lczlib.jobs.get_rtc_result import RtcResult
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import job
from lczlib.reading import Reading, counted, tell
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.acquire.access import Access
    from lczlib.acquire.places import Place
    from lczlib.acquire.scene import Scene
    from lczlib.acquire.search import Catalogue, Day
    from lczlib.acquire.work import Plan, PlannedSeason, Work


def run(
    request: GetRequest,
    folder: str | Path,
    *,
    resume: bool = False,
    most_mb: float = math.inf,
    fetch: bool = True,
    map_needed: bool = True,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> GetResult | PublishedResult | RadarResult | RtcResult | Part:
    """Fetch the composites of a place, passes of Sentinel-1 for water, published LCZ maps, or several.

    Also what ``lcz prepare-s1`` needs, and what ``lcz uhi`` takes: surface temperature, hours of stations.

    Parameters
    ----------
    request : GetRequest
        Which place, when, from where.
    folder : path
        Of the result, in which finished tiles are kept, hidden, until it is written there.
    resume : bool
        Take up a run that was stopped.
    most_mb : float
        Megabytes of scenes that may be read; more is refused before any is.
    fetch : bool
        As of `lczlib.acquire.places.find_place`.
    map_needed : bool
        Whether published maps that the request names must be there before scenes are fetched; else what
        lacks is told with the result.
    progress, cancelled : callable, optional
        As of all jobs.

    Raises
    ------
    InputError
        If there is no such place or no usable day, the message says which filter removed them; or if it
        would be too much.
    ServiceError
        If the service fails; finished tiles are kept.
    Cancelled
        If it is stopped; likewise.
    """
    do = partial(
        _run, folder=Path(folder), resume=resume, most_mb=most_mb, fetch=fetch, map_needed=map_needed
    )  # fmt: skip
    return job(do)(request, progress=progress, cancelled=cancelled)


def make(
    request: GetRequest,
    folder: str | Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> GetResult | PublishedResult | RadarResult | RtcResult | Part:
    """Fetch what is asked for and write it into a folder, which no other run fetches into meanwhile.

    Parameters and errors as of `run`.
    """
    from lczlib.export.files import alone_in

    with alone_in(folder, ".get.lock"):
        result = run(request, folder, resume=resume, progress=progress, cancelled=cancelled)
        if progress:
            progress("Writing", 0, 0)
        result.write(folder)
    return result


def _run(
    request: GetRequest,
    step: Steps,
    *,
    folder: Path,
    resume: bool,
    most_mb: float,
    fetch: bool,
    map_needed: bool,
) -> GetResult | PublishedResult | RadarResult | RtcResult | Part:
    from lczlib.acquire.access import Access
    from lczlib.acquire.folder import check_folder
    from lczlib.acquire.work import Work

    check_further(request)
    if "s2" not in request.what:
        return _without_scenes(request, step, folder, most_mb, fetch, resume)
    place, periods = where(request, step, fetch)
    check_folder(folder, place, [p.name for p in periods])
    if map_needed:
        check_given(request, place, step)
    asked, work = request.asked(place, periods), Work(folder)
    plan = work.plan(asked) if resume else None
    with Access(provider_of(request.provider), step.cancelled) as access:
        if plan is None:
            catalogue = catalogue_of(request, step)
            plan = _planned(request, catalogue, place, periods, access, step, most_mb)
            work.begin(plan)
        for season in plan.seasons:
            plan = _composed(request, plan, season.name, access, work, step)
    beside, missing = beside_scenes(request, place, plan.grid, step)
    radar, without = radar_beside(request, place, folder, step, most_mb)
    rtc, no_passes = rtc_beside(
        request, place, folder, step, resume=resume, most_mb=most_mb, grid=plan.grid
    )
    further, no_parts = further_beside(request, place, folder, step, resume=resume, most_mb=most_mb)
    return GetResult(
        request=request, place=place, plan=plan, work=work, published=beside,
        not_published=missing + without + no_passes + no_parts, radar=radar, rtc=rtc, further=further,
    )  # fmt: skip


def _without_scenes(
    request: GetRequest, step: Steps, folder: Path, most_mb: float, fetch: bool, resume: bool
) -> PublishedResult | RadarResult | RtcResult | Part:
    from lczlib.acquire.folder import grid_of_scenes, item_of

    rtc = None
    imagery = {"s1-rtc", "lst"} & set(request.what)
    place = where(request, step, fetch)[0] if imagery else place_asked(request, step, fetch)
    if "s1-rtc" in request.what:
        same = item_of(folder).get("bbox") == list(place.box)
        rtc = fetch_rtc(
            request, place, folder, step, resume=resume, most_mb=most_mb,
            grid=grid_of_scenes(folder, place) if same else None,
        )  # fmt: skip
    radar = (
        radar_inputs(request, place, folder, step, most_mb) if RADAR & set(request.what) else None
    )
    further = fetch_further(request, place, folder, step, resume=resume, most_mb=most_mb)
    if not ("lcz" in request.what or request.submission):
        if rtc is not None:
            return replace(rtc, radar=radar, further=further)
        if further:
            return replace(further[0], radar=radar, further=further[1:])
        if radar is not None:
            return radar
    maps = published(request, place, step, grid_of_scenes(folder, place))
    return PublishedResult(
        request=request, place=place, published=maps, radar=radar, rtc=rtc, further=further
    )


def is_finished(request: GetRequest, folder: Path) -> bool:
    """Whether a folder holds all imagery that a request asks for: its manifest is written last.

    Imagery is composites, and passes of Sentinel-1 for water.
    """
    from lczlib.export.manifest import read_manifest
    from lczlib.jobs.record import parameters

    try:
        content, _ = read_manifest(folder)
    except InputError:
        return False
    was, now = content.get("parameters", {}), parameters(request, folder)
    same = all(was.get(n) == v for n, v in now.items() if n not in _OF_MAPS)
    imagery = IMAGERY & set(request.what)
    there = bool(imagery) and imagery <= set(was.get("what", ()))
    return content.get("command") == request.command and there and same


_OF_MAPS = ("what", "global_map", "submission", "out_scheme")


def _planned(
    request: GetRequest,
    catalogue: Catalogue,
    place: Place,
    periods: Iterable[Period],
    access: Access,
    step: Steps,
    most_mb: float,
) -> Plan:
    from lczlib.acquire.choose import chosen, outlook, planned
    from lczlib.acquire.composite import tile_size
    from lczlib.acquire.grids import grid_on, zone_of
    from lczlib.acquire.work import Plan

    found, empty = looked_at(catalogue, place, periods, access, step, request.dilation)
    why = {p.name: text for p, text in empty.items()}
    used = {}
    for period, days in found.items():
        try:
            used[period] = chosen(days, period, max_cloud=request.max_cloud, most=request.days)
        except InputError as error:
            why[period.name] = error.message
            continue
        tell(Reading("season", period.name, (outlook(used[period][0], days),)))
    _check_amount([d for days, _ in used.values() for d in days], most_mb)
    scenes = [s for days, _ in used.values() for d in days for s in d.scenes]
    epsg = zone_of(place.box, (s.epsg for s in scenes))
    corner = _corner([s for s in scenes if s.epsg == epsg], access)
    grid = grid_on(place.box, epsg, corner)
    seasons = []
    for period, (days, left) in used.items():
        what = f"Offsets of {period.name}"
        try:
            seasons.append(
                planned(
                    days, left, period, grid, access, check=request.offsets, dilation=request.dilation,
                    progress=partial(step, what),
                )
            )  # fmt: skip
        except InputError as error:
            why[period.name] = error.message
    if not seasons:
        raise InputError(next(iter(why.values())))
    asked = request.asked(place, periods)
    tile = tile_size(max(len(s.days) for s in seasons))
    return Plan(asked, catalogue.read_from, grid, corner, tile, tuple(seasons), why)


def _check_amount(days: Sequence[Day], most_mb: float) -> None:
    amount = sum(d.megabytes for d in days)
    if amount > most_mb:
        msg = (
            f"The {counted(len(days), 'day')} hold about {amount:,.0f} MB of this box, more than the "
            f"{most_mb:,.0f} MB that may be read at a time: take fewer days ({option('days')}) or seasons, or a "
            "smaller box."
        )
        raise InputError(msg, parameter="days")


def _corner(scenes: Iterable[Scene], access: Access) -> tuple[float, float]:
    """Where the pixels of the scenes of a zone begin: all of it share one grid."""
    from lczlib.acquire.access import AssetFailed

    for scene in scenes:
        try:
            return access.lattice(scene)[:2]
        except AssetFailed:  # its day will be left out, and said so
            continue
    return 0.0, 0.0


def _composed(
    request: GetRequest, plan: Plan, name: str, access: Access, work: Work, step: Steps
) -> Plan:
    """Make the tiles of a season that are not there; the plan without the days that failed."""
    from lczlib.acquire.composite import DayFailed, composite

    tiles = plan.tiles()
    index = 0
    while index < len(tiles):
        season = next(s for s in plan.seasons if s.name == name)
        step(name, index, len(tiles))
        if not work.has(name, index):
            check: Callable[[], None] = partial(step, name, index, len(tiles))
            try:
                part = composite(
                    [d.dated() for d in season.days], plan.grid[tiles[index]], access,
                    method=request.composite, dilation=request.dilation, haze=request.haze, threads=_threads(),
                    check=check,
                )  # fmt: skip
            except DayFailed as failed:
                plan = _dropped(plan, season, failed.date, str(failed), work)
                index = 0  # tiles that the day had a part in are made anew
                continue
            work.put(season, index, part)
        index += 1
    step(name, len(tiles), len(tiles))
    return plan


def _threads() -> int:
    return min(8, os.cpu_count() or 1)


def _dropped(plan: Plan, season: PlannedSeason, date: str, why: str, work: Work) -> Plan:
    left = season.without(date, why)
    if not left.days:
        msg = f"No day of {season.name} can be read; {date}: {why}."
        raise InputError(msg)
    plan = plan.with_season(left)
    # first the tiles, then the plan: a run that is killed in between drops the day again
    work.forget(season.name, date)
    work.keep(plan)
    return plan
