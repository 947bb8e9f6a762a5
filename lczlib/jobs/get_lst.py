"""Surface temperature of a place: each pass a date, without its clouds, for ``lcz uhi``."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.acquire import providers
from lczlib.acquire.lst_products import ECOSTRESS, THERMOMETERS, Thermometer
from lczlib.acquire.providers import provider_of
from lczlib.errors import InputError
from lczlib.jobs.get_lst_result import SECTION, LstResult, LstSeries
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import job
from lczlib.reading import counted
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.acquire.ahead import Reader
    from lczlib.acquire.lst import LstPass
    from lczlib.acquire.pass_work import PassPlan, PassWork
    from lczlib.acquire.places import Place
    from lczlib.acquire.seasons import Period


def find_lst(
    request: GetRequest, *, progress: Progress | None = None, cancelled: Cancel | None = None
) -> LstResult:
    """The dates of surface temperature over the place; nothing is fetched.

    Raises
    ------
    InputError
        If there is none at all.
    ServiceError
        If a service fails.
    """
    return job(_find)(request, progress=progress, cancelled=cancelled)


def _find(request: GetRequest, step: Steps) -> LstResult:
    from lczlib.jobs.get_days import where

    place, periods = where(request, step)
    series = []
    for product in _products(request):
        passes, left, empty, _, _ = _passes(request, product, place, periods, step)
        title, address = _source(request, product)
        series.append(
            LstSeries(product, title, address, passes, left_out=left, empty=tuple(empty.values()))
        )
    return LstResult(request=request, place=place, series=tuple(series))


def _products(request: GetRequest) -> list[Thermometer]:
    return [THERMOMETERS[name] for name in dict.fromkeys(request.thermal)]


def _source(request: GetRequest, product: Thermometer) -> tuple[str, str]:
    """Title and address of the service that a product is from."""
    if product is ECOSTRESS:
        return providers.ECOSTRESS.title, providers.ECOSTRESS.search
    provider = provider_of(request.provider)
    return provider.title, provider.address


def _passes(
    request: GetRequest,
    product: Thermometer,
    place: Place,
    periods: Iterable[Period],
    step: Steps,
) -> tuple[tuple[LstPass, ...], dict[str, list[str]], dict[str, str], str, str]:
    """The passes, what was left out, why periods have none, the collection and its licence."""
    from lczlib.acquire.lst import find_lst as search
    from lczlib.acquire.lst import open_lst
    from lczlib.acquire.seasons import today

    step(f"Asking {_source(request, product)[0]}")
    catalogue, licence = open_lst(product, provider_of(request.provider), request.lst_collection)
    found: list[LstPass] = []
    left: dict[str, list[str]] = defaultdict(list)
    empty: dict[str, str] = {}
    for period in periods:
        if period.start > today():
            empty[period.name] = f"{period} has not begun yet."
            continue
        step(f"Searching {product.title} of {period.name}")
        try:
            passes, without = search(catalogue, product, place.box, period)
        except InputError as error:
            empty[period.name] = error.message
            continue
        found += passes
        for why, ids in without.items():
            left[why] += ids
    if not found:
        raise InputError(next(iter(empty.values())))
    ordered = tuple(sorted(found, key=lambda p: (p.time, p.name)))
    return ordered, dict(left), empty, catalogue.collection, licence


def fetch_lst(
    request: GetRequest,
    place: Place,
    folder: Path,
    step: Steps,
    *,
    resume: bool = False,
    most_mb: float = math.inf,
) -> LstResult:
    """Fetch the dates of surface temperature, one after the other; finished ones are kept.

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

    Raises
    ------
    InputError
        If there is no date, none can be used, keys lack, or it would be too much.
    ServiceError
        If a service fails; finished dates are kept.
    Cancelled
        If it is stopped; likewise.
    """
    from lczlib.longitudes import middle_of

    if ECOSTRESS.name in request.thermal and (why := providers.ECOSTRESS.lacking()):
        raise InputError(why, parameter="thermal")
    periods = request.periods(middle_of(place.box)[1])
    _check_folder(request, place, folder, periods)
    series = [
        _fetch(request, product, place, periods, folder, step, resume, most_mb)
        for product in _products(request)
    ]
    return LstResult(request=request, place=place, series=tuple(series))


def _check_folder(
    request: GetRequest, place: Place, folder: Path, periods: Iterable[Period]
) -> None:
    from lczlib.acquire.lst_folder import names_of, stem_of
    from lczlib.acquire.sections import check_section

    seasons = [p.name for p in periods]
    stems = [stem_of(p, s, len(seasons) == 1) for p in _products(request) for s in seasons]
    files = [n for stem in stems for n in names_of(stem, ("day", "night"))]
    check_section(folder, place, SECTION, ["lst_dates.csv", *files], "surface temperature")


def _fetch(
    request: GetRequest,
    product: Thermometer,
    place: Place,
    periods: Iterable[Period],
    folder: Path,
    step: Steps,
    resume: bool,
    most_mb: float,
) -> LstSeries:
    from lczlib.acquire.lst import LstPass
    from lczlib.acquire.lst_folder import WORK
    from lczlib.acquire.pass_work import PassWork

    name = WORK if product.name == "landsat" else f"{WORK}-{product.name}"
    work = PassWork(folder, name, LstPass)
    asked = request.asked_lst(place, periods)
    plan = work.plan(asked) if resume else None
    with _reader(request, product, work, step) as reader:
        if plan is None:
            plan = _planned(request, product, asked, place, periods, reader, step)
            _check_amount(plan, most_mb)
            work.begin(plan)
        counts, failed = _fetched(plan, place, reader, work, step)
    left = {**plan.left_out, **failed}
    kept = _without_clouds(plan, counts, left, request.max_cloud)
    if not kept:
        why, what = next(reversed(left.items()))
        msg = f"No date of {product.title} can be used: {', '.join(what[:3])}: {why}."
        raise InputError(msg)
    title, address = _source(request, product)
    return LstSeries(
        product, title, address, kept, {p.name: counts[p.name] for p in kept}, left,
        tuple(plan.empty.values()), plan, work,
    )  # fmt: skip


def _without_clouds(
    plan: PassPlan[LstPass],
    counts: Mapping[str, Counter[str]],
    left: dict[str, list[str]],
    most: float,
) -> tuple[LstPass, ...]:
    """The dates that were read and are not too cloudy; why others are left out is added to `left`."""
    from lczlib.acquire.lst_pixels import cloud_share

    kept = []
    why = f"cloud over more than {most:g}% of what it shows ({option('max_cloud')})"
    for one in plan.passes:
        if one.name not in counts:
            continue
        cloud = cloud_share(counts[one.name], one.thermometer)
        if 100 * cloud > most:
            left.setdefault(why, []).append(f"{one.date} {one.satellite} ({cloud:.0%})")
        else:
            kept.append(one)
    return tuple(kept)


@contextmanager
def _reader(
    request: GetRequest, product: Thermometer, work: PassWork[LstPass], step: Steps
) -> Iterator[Reader]:
    from lczlib.acquire.access import Access
    from lczlib.acquire.fetched import Fetched

    if product is ECOSTRESS:
        with Fetched(providers.ECOSTRESS, work.path, step.cancelled) as files:
            yield files
    else:
        with Access(provider_of(request.provider).of_lst, step.cancelled) as access:
            yield access


def _planned(
    request: GetRequest,
    product: Thermometer,
    asked: Mapping[str, Any],
    place: Place,
    periods: Iterable[Period],
    reader: Reader,
    step: Steps,
) -> PassPlan[LstPass]:
    from lczlib.acquire.access import AssetFailed
    from lczlib.acquire.grids import grid_of_pixels, zone_of
    from lczlib.acquire.pass_work import PassPlan

    passes, left, empty, collection, licence = _passes(request, product, place, periods, step)
    scenes = [s for p in passes for s in p.scenes]
    epsg = zone_of(place.box, (s.epsg for s in scenes))
    failed = ""
    for scene in (s for s in scenes if s.epsg == epsg):
        try:
            lattice = reader.lattice(scene, product.temperature)
        except AssetFailed as error:  # its pass will be left out, and said so
            failed = error.message
            continue
        grid = grid_of_pixels(place.box, epsg, lattice)
        return PassPlan(asked, collection, licence, grid, lattice[:2], passes, left, empty)
    why = failed or "items do not state in which zone (EPSG) their pixels are"
    msg = f"No date of {product.title} can be read: {why}."
    raise InputError(msg)


def _check_amount(plan: PassPlan[LstPass], most_mb: float) -> None:
    amount = sum(p.megabytes for p in plan.passes)
    if amount > most_mb:
        msg = (
            f"The {counted(len(plan.passes), 'date')} of surface temperature hold about {amount:,.0f} MB of this box, "
            f"more than the {most_mb:,.0f} MB that may be read at a time: take a shorter period "
            f"({option('start')}, {option('end')}), or a smaller box."
        )
        raise InputError(msg, parameter="start")


def _fetched(
    plan: PassPlan[LstPass], place: Place, reader: Reader, work: PassWork[LstPass], step: Steps
) -> tuple[dict[str, Counter[str]], dict[str, list[str]]]:
    """What the pixels of each date are; and why some dates cannot be used."""
    from lczlib.acquire.access import AssetFailed
    from lczlib.acquire.fetched import Fetched
    from lczlib.acquire.lst_pixels import write_pass
    from lczlib.temporary import TemporaryFolder

    counts: dict[str, Counter[str]] = {}
    failed: dict[str, list[str]] = defaultdict(list)
    for i, one in enumerate(plan.passes):
        what = f"Surface temperature of {one.date} ({i + 1} of {len(plan.passes)})"
        step(what)
        known = work.found(one.name)
        if known is not None:
            found, _ = known
        else:
            targets = work.raster(one.name), work.raster(f"{one.name}_uncertainty")
            try:
                with TemporaryFolder(work.path) as scratch:
                    plain = scratch / "lst.tif", scratch / "uncertainty.tif"
                    found = write_pass(
                        one, plan.grid, plan.corner, place.box, reader, plain, partial(step, what)
                    )
                    for source, target in zip(plain, targets, strict=True):
                        source.replace(target)
            except (AssetFailed, InputError) as error:
                failed[error.message].append(f"{one.date} {one.satellite}")
                continue
            work.finished(one.name, found, plan.grid.affine.a)
        if isinstance(reader, Fetched):
            for scene in one.scenes:
                reader.forget(scene)
        counts[one.name] = found
    return counts, dict(failed)
