"""A place's imagery from the network: the days that there are, and the folder that it is fetched to.

What is fetched is of public scenes, and so of all visitors: it lies in the shared store under a name
that follows from what was asked for, and goes with the results there when room is needed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.acquire import boxes
from lczlib.acquire.places import place_of
from lczlib.errors import InputError
from lczlib.export.files import alone_in, write_json
from lczlib.jobs import get, get_days
from lczlib.jobs.get_days import DaysResult
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Cancel, Progress
from lczlib.longitudes import Box, middle_of
from lczlib.mapping.city import UNFINISHED
from lczlib.reading import Reading
from lczlib.study.get_inputs import NAMES, WHEN, GetInputs
from lczlib.study.given import Given
from lczlib.study.places import ASKED, FETCHED, FETCHED_FOLDER, OWN, Place, asked_for
from lczlib.study.services import Services
from lczlib.study.settings import told
from lczlib.study.store import manifest_of, waited_for
from lczlib.texts import N_

if TYPE_CHECKING:
    from lczlib.study.steps import Context

_LATE = dt.timedelta(days=10)
"""So long after a period has ended services may still add days of it."""


@dataclass(frozen=True)
class Acquired:
    """Imagery that was fetched, or found as another visitor had fetched it.

    Attributes
    ----------
    key : str
        Of the place that it is, for `lczlib.study.Places`.
    """

    key: str


def can_fetch(services: Services) -> str:
    """Why nothing can be fetched here; empty where it can."""
    if not services.most_mb:
        return N_("This server fetches no imagery: it was started so.")
    if any(find_spec(n) is None for n in ("pystac_client", "geomad")):
        return N_(
            "This server fetches no imagery: what that needs is not installed (lczlib[acquire])."
        )
    return ""


def box_asked(place: Place, area: Box | None, services: Services) -> Box | None:
    """The box that is fetched: the area; else that of the place, or as much of its middle as is allowed."""
    if area is not None:
        return area
    if place.box is None:
        return None
    width, height = boxes.size_km(place.box)
    if width * height <= services.largest_km2:
        return place.box
    side = 0.99 * services.largest_km2**0.5  # degrees are rounded below
    (x, y), (w, s, e, n) = middle_of(place.box), place.box
    half_x = min(side, width) / width * ((e - w) % 360) / 2
    half_y = min(side, height) / height * (n - s) / 2
    west, east = (round((v + 180) % 360 - 180, 4) for v in (x - half_x, x + half_x))
    return west, round(y - half_y, 4), east, round(y + half_y, 4)


def megabytes_a_day(box: Box) -> float:
    """What a day's scenes hold of a box, about."""
    from lczlib.acquire.search import megabytes_of

    width, height = boxes.size_km(box)
    return megabytes_of(width * height * 1e4)


def check_box(box: Box, services: Services) -> None:
    """Refuse a box that no imagery can be had for, or a larger one than this server allows.

    Raises
    ------
    InputError
    """
    boxes.check_box(box)
    width, height = boxes.size_km(box)
    if width * height > services.largest_km2:
        msg = (
            f"The box is {width:,.1f} x {height:,.1f} km, {width * height:,.0f} km²; this server fetches "
            f"{services.largest_km2:,.0f} km² at a time: draw a smaller one."
        )
        raise InputError(msg, parameter="box")


def search(
    given: Given, context: Context, progress: Progress | None, cancelled: Cancel | None
) -> DaysResult:
    """The days of each period over the place; without their scenes, which only a run needs."""
    request = request_of(given, context, WHEN)
    found = get_days.find(request, fetch=False, progress=progress, cancelled=cancelled)
    seasons = {p: [replace(d, scenes=()) for d in days] for p, days in found.seasons.items()}
    return replace(found, seasons=seasons)


def acquire(
    given: Given, context: Context, progress: Progress | None, cancelled: Cancel | None
) -> Acquired:
    """Fetch the imagery of a place, or find it where the same was asked for before.

    A run that was stopped, whoever's it was, is taken up. The published LCZ map of the place is put
    beside it; that it cannot be had is told, and no error.
    """
    request = request_of(given, context)
    folder = context.store / f"{FETCHED_FOLDER}{_key_of(request)}"
    with waited_for(folder, cancelled):
        if not (folder / "manifest.json").is_file():
            with alone_in(folder, f"{UNFINISHED}/lock"):  # nobody makes room here
                _fetch(request, given, context, folder, progress, cancelled)
    return Acquired(f"{FETCHED}:{folder.name.removeprefix(FETCHED_FOLDER)}")


def _fetch(
    request: GetRequest,
    given: Given,
    context: Context,
    folder: Path,
    progress: Progress | None,
    cancelled: Cancel | None,
) -> None:
    got = get.run(
        request, folder, resume=True, most_mb=context.services.most_mb, fetch=False, map_needed=False,
        progress=progress, cancelled=cancelled,
    )  # fmt: skip
    about = {
        "key": _listed_key(given, context), "name": got.place.label, "box": got.place.box,
        "asked": dict(got.plan.asked),
    }  # fmt: skip
    write_json(folder / ASKED, about)
    got.write(folder)
    # what is doubtful is known once the files are there
    write_json(folder / ASKED, {**about, "cautions": got.cautions()})


def _listed_key(given: Given, context: Context) -> str:
    """The place of the lists that was asked for, also where that was by an earlier fetch of it."""
    place = context.places.place(given.city)
    if place.key.startswith(f"{FETCHED}:") and place.folder is not None:
        return str(asked_for(place.folder).get("key", ""))
    return place.key


def request_of(given: Given, context: Context, names: Mapping[str, str] = NAMES) -> GetRequest:
    """What a study asks for, of the settings that `names` calls.

    Raises
    ------
    InputError
        If the box is none that may be fetched, or the service is not one of this server's.
    """
    if why := can_fetch(context.services):
        raise InputError(why)
    place = context.places.place(given.city)
    box = box_asked(place, given.area, context.services)
    if box is None:
        msg = "There is no box yet to fetch imagery of: draw one on the map, or choose a city."
        raise InputError(msg, parameter="box")
    check_box(box, context.services)
    if given.get_provider not in context.services.providers:
        msg = f"{given.get_provider!r} is none of the services that this server asks."
        raise InputError(msg, parameter="provider")
    settings = told(given, GetRequest, names, GetInputs)
    settings |= {"what": ("s2", "lcz"), "global_map": context.services.global_map}
    if place.key == OWN:
        return GetRequest(place=",".join(f"{v:.6f}" for v in box), **settings)
    return GetRequest(place=place.name, box=box, **settings)


def _key_of(request: GetRequest) -> str:
    """A name that follows from all that the imagery depends on."""
    place = place_of(request.place, request.box or None, fetch=False)
    periods = request.periods(middle_of(place.box)[1])
    today = dt.datetime.now(dt.UTC).date()
    late = [today.isoformat()] if max(p.end for p in periods) > today - _LATE else []
    key = json.dumps([request.asked(place, periods), late], sort_keys=True)
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def told_of(folder: Path) -> dict[str, Any]:
    """What ``item.json`` says of fetched imagery: its properties; empty where there is none."""
    try:
        found = json.loads((folder / "item.json").read_text())["properties"]
    except (OSError, ValueError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


def tell_again(folder: Path) -> list[Reading]:
    """What was said when imagery was fetched."""
    heard = [Reading.from_dict(v) for v in manifest_of(folder).get("read", ())]
    if cautions := asked_for(folder).get("cautions"):
        heard.append(Reading("imagery", folder.name, ("fetched",), tuple(cautions)))
    return heard
