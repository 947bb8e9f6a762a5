"""Whether the services of imagery answer as they are taken to: a search and a small read of each."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.acquire.providers import COLLECTIONS, PROVIDERS, Provider, provider_of
from lczlib.acquire.seasons import Period
from lczlib.errors import InputError, LczError
from lczlib.jobs.get_check_radar import radar_checked, rtc_checked
from lczlib.jobs.get_request import RADAR, GetRequest
from lczlib.jobs.request import Steps
from lczlib.jobs.result import Result, job
from lczlib.terms import worded

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.access import Access
    from lczlib.acquire.scene import Scene
    from lczlib.acquire.search import Catalogue
    from lczlib.longitudes import Box

_BERLIN = (13.37, 52.50, 13.43, 52.54)
_HALF_DEGREES = 0.02  # of the box that is read, around the middle of the place
_LAST_DAYS = 90
_MOST = 50  # scenes that are looked through


@dataclass(frozen=True)
class Finding:
    """What was tried of a service, whether it went as it should, and what was found."""

    service: str
    tried: str
    good: bool
    said: str


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckResult(Result):
    """What was tried of each service.

    Attributes
    ----------
    request : GetRequest
    findings : tuple of Finding
    """

    draws = False

    request: GetRequest
    findings: tuple[Finding, ...] = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a finding."""
        import pandas as pd

        rows = [(f.service, f.tried, f.good, worded(f.said)) for f in self.findings]
        return pd.DataFrame(rows, columns=["service", "tried", "good", "said"])

    def headline(self) -> str:
        """How many services can be used, in a sentence."""
        services = dict.fromkeys(f.service for f in self.findings)
        usable = [
            s for s in services if any(f.tried.startswith("read") and f.good for f in self._of(s))
        ]
        told = f": {', '.join(usable)}" if usable else ""
        return f"{len(usable)} of {len(services)} services can be used{told}."

    @property
    def usable(self) -> bool:
        """Whether any service can be read from."""
        return any(f.tried.startswith("read") and f.good for f in self.findings)

    def _of(self, service: str) -> Iterator[Finding]:
        return (f for f in self.findings if f.service == service)

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_table

        write_table(folder / "check.csv", self.to_dataframe(), index=False)


@job
def check(request: GetRequest, step: Steps) -> CheckResult:
    """Search each service, or the one that is named, and read a little of each of its collections.

    Where what ``lcz prepare-s1`` needs is asked for, also or alone, its services are tried.

    The place and period of the request are used where they are given; else the middle of Berlin and the
    last three months.
    """
    box, period = _where(request), _when(request)
    named = "provider" in request.given()
    providers = [provider_of(request.provider)] if named else list(PROVIDERS.values())
    stopped = step.cancelled or (lambda: False)
    with_rtc = [p for p in providers if p.rtc] if "s1-rtc" in request.what else []
    if not set(request.what) - RADAR - {"s1-rtc"}:
        providers = []
    found: list[Finding] = []
    for i, provider in enumerate(providers):
        step(provider.title, i, len(providers))
        try:
            found += _checked(provider, request.collection, box, period, step)
        except LczError as error:
            found.append(Finding(provider.title, "answer", False, error.message))
    for provider in with_rtc:
        step(f"{provider.title}, Sentinel-1 (RTC)")
        found += [Finding(*t) for t in rtc_checked(provider, request, box, period, stopped)]
    if RADAR & set(request.what):
        step("Services of Sentinel-1")
        found += [Finding(*tried) for tried in radar_checked(request, box, period, stopped)]
    return CheckResult(request=request, findings=tuple(found))


def _where(request: GetRequest) -> Box:
    if not (request.place or request.box):
        return _BERLIN
    from lczlib.acquire.places import place_of
    from lczlib.longitudes import middle_of

    x, y = middle_of(place_of(request.place, request.box or None).box)
    return x - _HALF_DEGREES, y - _HALF_DEGREES, x + _HALF_DEGREES, y + _HALF_DEGREES


def _when(request: GetRequest) -> Period:
    if request.start:
        return request.periods(0.0)[0]
    today = dt.datetime.now(dt.UTC).date()
    return Period("the last months", today - dt.timedelta(days=_LAST_DAYS), today)


def _checked(
    provider: Provider, collection: str, box: Box, period: Period, step: Steps
) -> Iterator[Finding]:
    from lczlib.acquire.access import Access
    from lczlib.acquire.search import Catalogue

    wanted = [collection] if collection else dict.fromkeys((*provider.collections, *COLLECTIONS))
    lacking: list[str] = []
    for name in wanted:
        step(f"{provider.title}, {name}")
        try:
            catalogue = Catalogue.open(provider, name)
        except InputError as error:  # one of them is enough
            lacking.append(error.message)
            continue
        with Access(provider, step.cancelled) as access:
            yield from _collection(catalogue, box, period, access)
    if len(lacking) == len(wanted):
        yield Finding(provider.title, "collections", False, lacking[0])


def _collection(
    catalogue: Catalogue, box: Box, period: Period, access: Access
) -> Iterator[Finding]:
    service, name = catalogue.provider.title, catalogue.collection
    scenes = catalogue.scenes(box, period, most=_MOST)
    if not scenes:
        said = f"no scene from {period.start} to {period.end}"
        yield Finding(service, f"search {name}", False, said)
        return
    days = sorted(s.time.date() for s in scenes)
    some = f"{len(scenes)}{' or more' if len(scenes) == _MOST else ''}"
    yield Finding(service, f"search {name}", True, f"{some} scenes, {days[0]} to {days[-1]}")
    usable = [s for s in scenes if s.assets is not None]
    if not usable:
        keys = ", ".join(sorted(scenes[0].item.get("assets", {}))[:12])
        yield Finding(service, f"bands of {name}", False, f"unknown names of files: {keys}")
        return
    clearest = min(usable, key=lambda s: float(s.properties.get("eo:cloud_cover") or 100))
    yield from _read(service, name, clearest, box, access)


def _read(service: str, name: str, scene: Scene, box: Box, access: Access) -> Iterator[Finding]:
    from lczlib.acquire.choose import settled
    from lczlib.acquire.grids import grid_on, zone_of

    begun = time.monotonic()
    try:
        grid = grid_on(box, zone_of(box, [scene.epsg]))
        found, _ = settled(scene, grid, access, "pixels", dilation=20.0)
    except LczError as error:
        yield Finding(service, f"read {name}", False, error.message)
        return
    seconds = time.monotonic() - begun
    yield Finding(service, f"read {name}", True, f"four files of {scene.id} in {seconds:.1f} s")
    said = found.doubt or f"{found.value:g} DN, {found.why}"
    yield Finding(service, f"offset of {name}", not found.doubt, said)
