"""Sentinel-1 of a place without SLC: terrain-corrected products (RTC), each pass a raster for ``lcz water``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.acquire.providers import provider_of
from lczlib.acquire.rtc_folder import BANDS, pass_file, pass_tags, rtc_folder
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted, share
from lczlib.terms import option

if TYPE_CHECKING:
    import pandas as pd
    from odc.geo.geobox import GeoBox

    from lczlib.acquire.access import Access
    from lczlib.acquire.places import Place
    from lczlib.acquire.rtc import RtcPass
    from lczlib.acquire.rtc_work import RtcPlan, RtcWork
    from lczlib.acquire.seasons import Period
    from lczlib.jobs.get_radar import RadarResult

_COLUMNS = (
    "date", "time", "direction", "relative_orbit", "covered_share", "megabytes", "file", "items",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class RtcResult(Result):
    """The passes over a place; `write` puts their rasters into its folder.

    Attributes
    ----------
    request : GetRequest
    place : Place
    passes : tuple of RtcPass
        By time.
    counts : dict of str to Counter
        Of each pass by its name, what its pixels of the box became, as of
        `lczlib.acquire.rtc_pixels.decibels`; empty where nothing was to be fetched.
    left_out : dict of str to str
        Why something was not taken, and how much of it, or the pass.
    empty : tuple of str
        Why periods have none.
    plan : RtcPlan or None
    work : RtcWork or None
        Where the rasters are until then; None where nothing was to be fetched.
    radar : RadarResult or None
        What ``lcz prepare-s1`` needs, where that is asked for too.
    """

    draws = False

    request: GetRequest
    place: Place
    passes: tuple[RtcPass, ...] = field(default=(), repr=False)
    counts: dict[str, Counter[str]] = field(default_factory=dict, repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    plan: RtcPlan | None = field(default=None, repr=False)
    work: RtcWork | None = field(default=None, repr=False)
    radar: RadarResult | None = field(default=None, repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a pass: day, time (UTC), direction, track, share of the box, size, file, items."""
        import pandas as pd

        rows = [
            {
                "date": p.date.isoformat(), "time": f"{p.time:%Y-%m-%dT%H:%M:%SZ}", "direction": p.direction,
                "relative_orbit": p.relative_orbit, "covered_share": self.covered(p), "megabytes": p.megabytes,
                "file": pass_file(self.place, p).as_posix() if self.work else "",
                "items": " ".join(s.id for s in p.scenes),
            }
            for p in self.passes
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"relative_orbit": "Int64"})

    def covered(self, one: RtcPass) -> float:
        """Share of the box with backscatter; of passes that are not fetched, that of their outlines."""
        found = self.counts.get(one.name)
        return one.covered if found is None else found["valid"] / found["pixels"]

    def headline(self) -> str:
        """How many passes there are, of which tracks, in a sentence."""
        ways = Counter(p.direction for p in self.passes)
        tracks = {(p.direction, p.relative_orbit) for p in self.passes}
        each = ", ".join(f"{n} {way}" for way, n in sorted(ways.items()))
        size = sum(p.megabytes for p in self.passes)
        return (
            f"{counted(len(self.passes), 'pass', 'passes')} of Sentinel-1 (RTC) over {self.place.label}: {each}, of "
            f"{counted(len(tracks), 'track')}"
            + (f", about {size:,.0f} MB to read." if self.work is None else ".")
        )

    def cautions(self) -> list[str]:
        """What is missing or was changed."""
        said = [*self.empty]
        said += [f"Left out: {what}, {why}." for why, what in self.left_out.items()]
        part = [p for p in self.passes if self.covered(p) < _WHOLE]
        if part:
            least = min(part, key=self.covered)
            said.append(
                f"{counted(len(part), 'pass', 'passes')} of {len(self.passes)} show less than {_WHOLE:.0%} of the box, "
                f"the least {self.covered(least):.0%} ({least.date}, {least.direction})."
            )
        whole = sum(self.counts.values(), Counter())
        if whole["zero"] or whole["negative"]:
            n = whole["zero"] + whole["negative"]
            most = max(
                self.counts, key=lambda c: self.counts[c]["zero"] + self.counts[c]["negative"]
            )
            said.append(
                f"{counted(n, 'pixel')} of the box ({share(n, whole['pixels'])} over all passes) hold 0 or less, which "
                f"no echo has: taken as missing; most in {most}."
            )
        if whole["raised"]:
            said.append(
                f"Below -40 dB in a band, under the noise, and raised to it: {counted(whole['raised'], 'pixel')} "
                f"({share(whole['raised'], whole['valid'])})."
            )
        return said + (self.radar.cautions() if self.radar else [])

    def folders(self, folder: Path) -> dict[str, Path]:
        """Where the rasters of each direction lie, in the folder of the result."""
        ways = sorted({p.direction for p in self.passes})
        return {way: folder / rtc_folder(self.place) / way for way in ways}

    def told(self) -> dict[str, Any]:
        """What ``item.json`` says."""
        from lczlib.acquire.providers import TERMS

        plan = self.plan
        provider = provider_of(self.request.provider)
        years = sorted({str(p.date.year) for p in self.passes})
        when = "-".join(dict.fromkeys((years[0], years[-1])))
        return {
            "provider": provider.title, "provider_address": provider.address,
            "source_collection": plan.collection if plan else "", "license": plan.licence if plan else "",
            "attribution": f"Contains modified Copernicus Sentinel data {when}",
            "terms": TERMS, "radiometry": "gamma nought", "units": "dB", "box": list(self.place.box),
            "left_out": [{"what": what, "why": why} for why, what in self.left_out.items()],
            "passes": [self._pass_told(p) for p in self.passes],
        }  # fmt: skip

    def _pass_told(self, one: RtcPass) -> dict[str, Any]:
        return {
            "file": pass_file(self.place, one).as_posix(), "date": one.date.isoformat(),
            "datetime": f"{one.time:%Y-%m-%dT%H:%M:%SZ}", "sat:orbit_state": one.direction,
            "sat:relative_orbit": one.relative_orbit, "covered_share": self.covered(one),
            "pixels": dict(self.counts[one.name]),
            "scenes": [{"id": s.id, "collection": s.collection, "href": s.link} for s in one.scenes],
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.acquire.folder import write_radar_item

        if self.radar:
            self.radar.put(folder)
        self.put(folder)
        if self.work is not None:
            write_radar_item(folder, self.place, self.told())

    def put(self, folder: Path) -> None:
        """Move the rasters to their place, and write the list of passes."""
        from lczlib.export.files import placed, write_table

        write_table(
            folder / rtc_folder(self.place) / "passes.csv", self.to_dataframe(), index=False
        )
        if self.work is not None:
            for one in self.passes:
                placed(folder / pass_file(self.place, one), self.work.raster(one.name))

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """As all results; then what was kept is not kept any more."""
        written = super().write(folder, figures=figures)
        self.done()
        return written

    def done(self) -> None:
        """Remove what was kept for a run that is taken up."""
        if self.work is not None:
            self.work.remove()


_WHOLE = 0.99


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
    from lczlib.acquire.rtc import find_passes, open_rtc
    from lczlib.acquire.seasons import today

    provider = provider_of(request.provider)
    step(f"Asking {provider.title}")
    catalogue, licence = open_rtc(provider, request.rtc_collection)
    found: dict[str, RtcPass] = {}
    left: dict[str, str] = {}
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
        left |= without
    if not found:
        raise InputError(next(iter(empty.values())))
    ordered = tuple(sorted(found.values(), key=lambda p: (p.time, p.name)))
    return ordered, left, empty, catalogue.collection, licence


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
    from lczlib.acquire.rtc_work import RtcWork
    from lczlib.longitudes import middle_of

    periods = request.periods(middle_of(place.box)[1])
    asked, work = request.asked_rtc(place, periods), RtcWork(folder)
    plan = work.plan(asked) if resume else None
    with Access(provider_of(request.provider), step.cancelled) as access:
        if plan is None:
            plan = _planned(request, asked, place, periods, access, step, grid)
            _check_amount(plan, most_mb)
            check_passes(folder, place, [pass_file(place, p).as_posix() for p in plan.passes])
            work.begin(plan)
        counts, failed = _fetched(
            plan, place, provider_of(request.provider).title, access, work, step
        )
    left = {**plan.left_out, **failed}
    if not counts:
        first = next(iter(failed.items()))
        msg = f"No pass can be used; {first[1]}: {first[0]}."
        raise InputError(msg)
    passes = tuple(p for p in plan.passes if p.name in counts)
    return RtcResult(
        request=request, place=place, passes=passes, counts=counts, left_out=left,
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
) -> RtcPlan:
    from lczlib.acquire.access import AssetFailed
    from lczlib.acquire.grids import grid_on, zone_of
    from lczlib.acquire.rtc_work import RtcPlan

    passes, left, empty, collection, licence = _passes(request, place, periods, step)
    scenes = [s for p in passes for s in p.scenes]
    epsg = grid.crs.to_epsg() if grid else zone_of(place.box, (s.epsg for s in scenes))
    corner = 0.0, 0.0
    for scene in scenes:
        if scene.epsg == epsg:
            try:
                corner = access.corner(scene, BANDS[0])
            except AssetFailed:  # its pass will be left out, and said so
                continue
            break
    on = grid or grid_on(place.box, epsg, corner)
    return RtcPlan(asked, collection, licence, on, corner, passes, left, empty)


def _check_amount(plan: RtcPlan, most_mb: float) -> None:
    amount = sum(p.megabytes for p in plan.passes)
    if amount > most_mb:
        msg = (
            f"The {counted(len(plan.passes), 'pass', 'passes')} hold about {amount:,.0f} MB of this box, more than the "
            f"{most_mb:,.0f} MB that may be read at a time: take a shorter period ({option('start')}, "
            f"{option('end')}), one {option('direction')}, or a smaller box."
        )
        raise InputError(msg, parameter="start")


def _fetched(
    plan: RtcPlan, place: Place, service: str, access: Access, work: RtcWork, step: Steps
) -> tuple[dict[str, Counter[str]], dict[str, str]]:
    """What the pixels of each pass became; and why some cannot be used."""
    from lczlib.acquire.access import AssetFailed
    from lczlib.acquire.rtc_pixels import write_pass
    from lczlib.export.geotiff import write_raster
    from lczlib.rasters import open_raster
    from lczlib.temporary import TemporaryFolder

    counts: dict[str, Counter[str]] = {}
    failed: dict[str, str] = {}
    for i, one in enumerate(plan.passes):
        what = f"Sentinel-1 of {one.date} ({i + 1} of {len(plan.passes)})"
        step(what)
        found = work.counts(one.name)
        if found is None:
            try:
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
                        tags=pass_tags(one, found, service),
                    )
            except (AssetFailed, InputError) as error:
                failed[error.message] = f"the pass of {one.date}, {one.direction}"
                continue
            work.finished(one.name, found)
        counts[one.name] = found
    return counts, failed
