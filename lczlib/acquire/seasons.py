"""Periods of the year by name, at any latitude."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lczlib.errors import InputError
from lczlib.terms import option

FIRST_DAY = dt.date(2015, 6, 23)
"""Of Sentinel-2A in space."""
FIRST_YEAR = FIRST_DAY.year
_NAME = re.compile(r"[^\W_][\w-]*")
_TAKEN = ("count", "masked")  # of files beside the season's own
_NORTH = {"winter": (12, 2), "spring": (3, 5), "summer": (6, 8), "autumn": (9, 11)}
_SOUTH = {"summer": (12, 2), "autumn": (3, 5), "winter": (6, 8), "spring": (9, 11)}


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included, and what they are called."""

    name: str
    start: dt.date
    end: dt.date

    def __str__(self) -> str:
        return f"{self.name} ({self.start} to {self.end})"

    @property
    def is_over(self) -> bool:
        """Whether all its days have been."""
        return self.end < today()


def periods_of(
    seasons: Sequence[str],
    *,
    start: str = "",
    end: str = "",
    year: int | None = None,
    latitude: float,
) -> tuple[Period, ...]:
    """The periods that are asked for.

    Parameters
    ----------
    seasons : sequence of str
        ``auto``, ``wet-dry``, or ``NAME=START..END`` for each.
    start, end : str
        Days of the only period, in place of seasons.
    year : int, optional
        Of ``auto`` and ``wet-dry``; by default the last whole one.
    latitude : float
        Of the place: seasons of the south are those of the other half-year.

    Raises
    ------
    InputError
        If they cannot be understood, or do not go together.
    """
    named = [s for s in seasons if s not in ("auto", "wet-dry")]
    if start or end:
        if seasons or year:
            msg = (
                f"Give either {option('start')} and {option('end')}, or {option('seasons')} and "
                f"{option('year')}."
            )
            raise InputError(msg, parameter="start")
        if not (start and end):
            missing = "end" if start else "start"
            msg = f"A period has two ends: give {option(missing)} too."
            raise InputError(msg, parameter=missing)
        return (_only(_period("", start, end, "start")),)
    if named:
        if len(named) < len(seasons) or year:
            msg = (
                f"Seasons with days of their own ({named[0]}) go neither with auto or wet-dry nor with "
                f"{option('year')}."
            )
            raise InputError(msg, parameter="seasons")
        return _own(named)
    year = year or last_whole_year()
    if year > today().year:
        msg = f"The seasons of {year} have not begun yet: choose an earlier year."
        raise InputError(msg, parameter="year")
    if "wet-dry" in seasons:
        return _wet_dry(year, latitude)
    months = _NORTH if latitude >= 0 else _SOUTH
    return tuple(
        _months(name, year, *months[name]) for name in ("winter", "spring", "summer", "autumn")
    )


def last_whole_year() -> int:
    """The last year that is over."""
    return today().year - 1


def today() -> dt.date:
    """The day that it is in UTC, by which services go."""
    return dt.datetime.now(dt.UTC).date()


def _own(texts: Sequence[str]) -> tuple[Period, ...]:
    found: dict[str, Period] = {}
    for text in texts:
        parts = re.fullmatch(r"(.+?)=(.+?)\.\.(.+)", text.strip())
        if not parts or not _NAME.fullmatch(parts[1]) or parts[1].casefold() in _TAKEN:
            msg = (
                f"{text!r} is no season: write auto, wet-dry, or NAME=START..END, as in "
                "dry=2023-11-01..2024-02-29."
            )
            raise InputError(msg, parameter="seasons")
        name = parts[1]
        if name.casefold() in map(str.casefold, found):
            msg = f"The season {name} is given twice: rename one."
            raise InputError(msg, parameter="seasons")
        found[name] = _period(name, parts[2], parts[3], "seasons")
    return tuple(found.values())


def _period(name: str, start: str, end: str, parameter: str) -> Period:
    days = []
    for text in (start, end):
        try:
            days.append(dt.date.fromisoformat(text))
        except ValueError as error:
            msg = f"{text!r} is no date: write YYYY-MM-DD, as in 2024-10-24."
            raise InputError(msg, parameter=parameter) from error
    if days[0] > days[1]:
        msg = f"The period {start} to {end} ends before it begins: exchange the two."
        raise InputError(msg, parameter=parameter)
    if days[1] < FIRST_DAY:
        msg = (
            f"The period {start} to {end} lies before Sentinel-2, whose images begin in {FIRST_DAY:%B %Y}: choose "
            "a later one."
        )
        raise InputError(msg, parameter=parameter)
    if days[0] > today():
        msg = f"The period {start} to {end} has not begun yet: choose an earlier one."
        raise InputError(msg, parameter=parameter)
    return Period(name, *days)


def _only(period: Period) -> Period:
    """A period called after itself: a year, a month, or its days."""
    first, last = period.start, period.end
    name = f"{first:%Y%m%d}-{last:%Y%m%d}"
    if first.day == 1 and (last + dt.timedelta(1)).day == 1:
        if (first.year, first.month) == (last.year, last.month):
            name = f"{first:%Y-%m}"
        elif first.year == last.year and (first.month, last.month) == (1, 12):
            name = f"{first:%Y}"
    return Period(name, first, last)


def _months(name: str, year: int, first: int, last: int) -> Period:
    """Months of a year; those across the turn of the year begin in the year before."""
    begin = year - (first > last)
    return Period(
        name, dt.date(begin, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])
    )


def _wet_dry(year: int, latitude: float) -> tuple[Period, ...]:
    """The half-year of the high sun, and the other: a rule of thumb of the tropics' summer rains."""
    high, low = _months("", year, 5, 10), _months("", year, 11, 4)
    wet, dry = (high, low) if latitude >= 0 else (low, high)
    return Period("wet", wet.start, wet.end), Period("dry", dry.start, dry.end)
