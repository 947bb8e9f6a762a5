"""What ``lcz uhi`` takes, fetched after imagery: surface temperature, and hours of stations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get_lst import fetch_lst
from lczlib.jobs.get_part import Part
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_stations import fetch_stations
from lczlib.jobs.request import Steps

if TYPE_CHECKING:
    from lczlib.acquire.places import Place


def check_further(request: GetRequest) -> None:
    """Refuse what cannot be fetched here, before hours of work on anything else.

    Raises
    ------
    InputError
        If meteostat is not installed, or keys lack.
    """
    if "stations" in request.what:
        from lczlib.acquire.weather_stations import check_installed

        check_installed()
    if "lst" in request.what and "ecostress" in request.thermal:
        from lczlib.acquire.providers import ECOSTRESS

        if why := ECOSTRESS.lacking():
            raise InputError(why, parameter="thermal")


def fetch_further(
    request: GetRequest,
    place: Place,
    folder: Path,
    step: Steps,
    *,
    resume: bool = False,
    most_mb: float = math.inf,
) -> tuple[Part, ...]:
    """Fetch them; as of `lczlib.jobs.get_lst.fetch_lst` and `lczlib.jobs.get_stations.fetch_stations`."""
    found: list[Part] = []
    if "lst" in request.what:
        found.append(fetch_lst(request, place, folder, step, resume=resume, most_mb=most_mb))
    if "stations" in request.what:
        found.append(fetch_stations(request, place, folder, step, resume=resume))
    return tuple(found)


def further_beside(
    request: GetRequest, place: Place, folder: Path, step: Steps, *, resume: bool, most_mb: float
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The same beside scenes that are fetched already, which are not lost where one fails; why it did."""
    found: list[Part] = []
    why: list[str] = []
    try:
        if "lst" in request.what:
            found.append(fetch_lst(request, place, folder, step, resume=resume, most_mb=most_mb))
    except (InputError, ServiceError) as error:
        why.append(f"Surface temperature: {error.message}")
    try:
        if "stations" in request.what:
            found.append(fetch_stations(request, place, folder, step, resume=resume))
    except (InputError, ServiceError) as error:
        why.append(f"Stations: {error.message}")
    return tuple(found), tuple(why)
