"""The days on which a place was seen: what ``lcz get`` chooses from, and lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.acquire.providers import provider_of
from lczlib.acquire.seasons import Period, today
from lczlib.errors import InputError
from lczlib.extras import need
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import Reading, tell
from lczlib.texts import text, texts

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.access import Access
    from lczlib.acquire.places import Place
    from lczlib.acquire.search import Catalogue, Day


@dataclass(frozen=True, kw_only=True, repr=False)
class DaysResult(Result):
    """The days on which a place was seen.

    Attributes
    ----------
    request : GetRequest
    place : Place
    seasons : dict
        Of each period its days, the clearest first.
    empty : dict
        Of each period without any, the reason.
    collection : str
    """

    draws = False

    request: GetRequest
    place: Place
    seasons: dict[Period, list[Day]] = field(repr=False)
    empty: dict[Period, str] = field(default_factory=dict)
    collection: str = ""

    def to_dataframe(self) -> pd.DataFrame:
        """A row a day: date, cloud and covered share over the box, items, megabytes."""
        import pandas as pd

        rows = [{"season": p.name, **d.row()} for p, days in self.seasons.items() for d in days]
        table = pd.DataFrame(rows, columns=["season", *DAY_COLUMNS])
        return table[[*DAY_COLUMNS, "season"]]

    def headline(self) -> str:
        """How many days there are, in a sentence."""
        n = sum(map(len, self.seasons.values()))
        total = sum(d.megabytes for days in self.seasons.values() for d in days if d.megabytes >= 0)
        return text("{days} over {place} in {collection}, {amount} MB in all.").format(
            days=texts("{n} day", "{n} days", n), place=self.place.label, collection=self.collection,
            amount=f"{total:,.0f}",
        )  # fmt: skip

    def outlook(self, period: Period) -> str:
        """How many of a period's days would be used, and what of the box they show."""
        from lczlib.acquire.choose import chosen, outlook

        days = self.seasons[period]
        most, cloud = self.request.days, self.request.max_cloud
        try:
            used, _ = chosen(days, period, max_cloud=cloud, most=most)
        except InputError as error:
            return error.message
        return f"{outlook(used, days)}."

    def cautions(self) -> list[str]:
        """Periods without a day."""
        return list(self.empty.values())

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_table

        write_table(folder / "scenes.csv", self.to_dataframe(), index=False)


DAY_COLUMNS = ("date", "cloud_share", "covered_share", "clear_share", "items", "megabytes", "note")


def find(
    request: GetRequest,
    *,
    fetch: bool = True,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> DaysResult:
    """The days of each period over the place, with what the sky was like; nothing is downloaded.

    Parameters
    ----------
    request : GetRequest
        Which place, when, from where.
    fetch : bool
        As of `lczlib.acquire.places.find_place`.
    progress, cancelled : callable, optional
        As of all jobs.

    Raises
    ------
    InputError
        If there is no day at all.
    ServiceError
        If the service fails.
    """
    return job(partial(_find, fetch=fetch))(request, progress=progress, cancelled=cancelled)


def _find(request: GetRequest, step: Steps, *, fetch: bool) -> DaysResult:
    from lczlib.acquire.access import Access

    place, periods = where(request, step, fetch)
    catalogue = catalogue_of(request, step)
    with Access(catalogue.provider, step.cancelled) as access:
        seasons, empty = looked_at(catalogue, place, periods, access, step, request.dilation)
    return DaysResult(
        request=request, place=place, seasons=seasons, empty=empty, collection=catalogue.read_from
    )


def where(request: GetRequest, step: Steps, fetch: bool = True) -> tuple[Place, tuple[Period, ...]]:
    """The place, and its periods."""
    from lczlib.longitudes import middle_of

    _check_installed()
    place = place_asked(request, step, fetch)
    periods = request.periods(middle_of(place.box)[1])
    for period in periods:
        if not period.is_over and period.start <= today():
            why = f"{period} is not over: what is made of it now lacks the days from {today()} on."
            tell(Reading("period", period.name, ("not over yet",), (why,)))
    return place, periods


def place_asked(request: GetRequest, step: Steps, fetch: bool = True) -> Place:
    """The place alone."""
    from lczlib.acquire.places import place_of

    if not (request.place or request.box):
        msg = (
            "No place is named: give a city, a file of its outline, or a box in degrees (W,S,E,N)."
        )
        raise InputError(msg, parameter="place")
    step(f"Looking for {request.place}")
    return place_of(request.place, request.box or None, fetch=fetch)


def catalogue_of(request: GetRequest, step: Steps) -> Catalogue:
    """The service's collection."""
    from lczlib.acquire.search import Catalogue

    provider = provider_of(request.provider)
    step(f"Asking {provider.title}")
    return Catalogue.open(provider, request.collection, request.level)


def _check_installed() -> None:
    need("Fetching imagery needs", "pystac_client", "geomad", extra="acquire")


def looked_at(
    catalogue: Catalogue,
    place: Place,
    periods: Iterable[Period],
    access: Access,
    step: Steps,
    dilation: float,
) -> tuple[dict[Period, list[Day]], dict[Period, str]]:
    """The days of each period, and why some have none; an error where all have none."""
    from lczlib.acquire.search import find_days, look_at

    found: dict[Period, list[Day]] = {}
    empty: dict[Period, str] = {}
    for period in periods:
        if period.start > today():
            empty[period] = f"{period} has not begun yet."
            continue
        step(f"Searching {period.name}")
        try:
            days = find_days(catalogue, place.box, period)
        except InputError as error:
            empty[period] = error.message
            continue
        what = f"Sky of {period.name}"
        found[period] = look_at(days, place.box, access, partial(step, what), dilation)
    if not found:
        first, *others = empty.values()
        also = f" Nor is there anything in {', '.join(map(str, [*empty][1:]))}." if others else ""
        raise InputError(f"{first}{also}")
    return found, empty
