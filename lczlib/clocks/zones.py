"""From the clock of a file to UTC: offsets, abbreviations, and the hour that a clock shows twice."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd

from lczlib.clocks.formats import read_stamps
from lczlib.clocks.orders import refuse_mixed_orders
from lczlib.errors import InputError
from lczlib.reading import Notes, counted

Ambiguous = Literal["raise", "infer", "earlier", "later", "drop"]

_ABBREVIATIONS = {
    "Z": 0, "UTC": 0, "UT": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "MEZ": 60, "CEST": 120,
    "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "SAST": 120, "ICT": 420, "HKT": 480, "SGT": 480,
    "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720,
    "NZDT": 780, "AKST": -540, "AKDT": -480, "HST": -600, "EDT": -240, "MDT": -360, "PDT": -420,
}  # fmt: skip
"""Minutes east of Greenwich; without those that several countries use, such as EST, CST, IST, BST."""

_LOCAL = ("LT", "LST", "LMT", "LOCAL")
_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+-])(\d{1,2}):?(\d{2})?")
_NAMED = 5


def check_time_zone(time_zone: str) -> None:
    """Refuse what is no time zone with an `InputError`."""
    try:
        pd.Timestamp("2020-01-01").tz_localize(time_zone)
    except (KeyError, ModuleNotFoundError, OSError, ValueError, TypeError) as err:
        msg = f"{time_zone!r} is no time zone: use UTC, a name such as Europe/Berlin, or Etc/GMT-1."
        raise InputError(msg) from err


def to_utc(
    long: pd.DataFrame,
    time_zone: str | None,
    ambiguous: Ambiguous,
    path: object,
    *,
    time_format: str | None = None,
    named_zone: str = "",
    notes: Notes | None = None,
) -> tuple[pd.Series, str]:
    """The ``time`` of a table, read station by station, in UTC, and how its clock was read.

    Parameters
    ----------
    long : DataFrame
        Columns ``time`` (as in the file) and ``station``, in the order of the file.
    time_zone : str, optional
        Of times that carry none.
    ambiguous : str
        What to do with the hour that a clock shows twice. ``infer`` tells it from the order of a
        station's rows, and leaves out what does not tell.
    path : path
        The file, for messages.
    time_format : str, optional
        See :func:`lczlib.clocks.formats.read_stamps`.
    named_zone : str
        ``UTC`` or ``UTC+2`` where the name of the column says so.
    notes : Notes, optional
        Takes how the times were read and what was left out.

    Returns
    -------
    times : Series
        datetime64[us, UTC], NaT where missing or left out.
    clock : str
        ``offset in the file`` or ``Europe/Berlin, stated``.

    Raises
    ------
    InputError
        If the times, or their zone, are not understood.
    """
    refuse_mixed_orders(long["time"], long["station"], path)
    stamps = read_stamps(long["time"], path, time_format, notes)
    there = stamps.local.notna()
    if time_zone is not None:
        check_time_zone(time_zone)
    used = sorted(set(stamps.zone[there]))
    offsets = {z: _minutes(z, time_zone, stamps.local[there], path) for z in used}
    minutes = stamps.zone.map(lambda z: offsets.get(z, np.nan)).astype(float)
    utc = (
        (stamps.local - pd.to_timedelta(minutes, unit="min"))
        .astype("datetime64[us]")
        .dt.tz_localize("UTC")
    )
    bare = there & minutes.isna()
    clock = "offset in the file"
    if bare.any():
        if time_zone is None and named_zone:
            east = _minutes(named_zone, None, stamps.local, path)
            shifted = stamps.local[bare] - pd.to_timedelta(east, unit="min")
            utc[bare] = shifted.astype("datetime64[us]").dt.tz_localize("UTC")
            stated = f"{named_zone}, by the name of the column"
        elif time_zone is None:
            some = "The times" if bare.sum() == there.sum() else f"{int(bare.sum()):,} of the times"
            msg = (
                f"{some} of {path} carry no time zone: state it with --time-zone (UTC, Europe/Berlin, "
                "or Etc/GMT-1 for UTC+1 all year)."
            )
            raise InputError(msg)
        else:
            utc[bare] = _localised(
                stamps.local[bare], long["station"][bare], time_zone, ambiguous, path, notes
            )
            stated = f"{time_zone}, stated"
            _compare(utc[bare], stamps.local[bare], named_zone, time_zone, path, notes)
        clock = stated if bare.sum() == there.sum() else f"{clock}, else {stated}"
    if notes is not None:
        notes.said.append(f"times written {stamps.how}, {clock}")
        notes.facts |= {"time_format": stamps.how, "clock": clock}
    return utc, clock


def _compare(
    utc: pd.Series,
    local: pd.Series,
    named_zone: str,
    time_zone: str,
    path: object,
    notes: Notes | None,
) -> None:
    """Note where a stated zone contradicts the name of the column."""
    if not named_zone or notes is None:
        return
    east = (local - utc.dt.tz_localize(None)).dt.total_seconds() / 60
    if (east.dropna() != _minutes(named_zone, None, local, path)).any():
        text = (
            f"{path}: the name of the column of times says {named_zone}, and {time_zone} was stated: they are "
            f"read as {time_zone}; leave --time-zone out where the name is right."
        )
        notes.cautions.append(text)


def _minutes(zone: str, time_zone: str | None, local: pd.Series, path: object) -> float:
    """Minutes east of Greenwich that a text behind a time means; NaN where it means no offset."""
    if not zone or zone.upper() in _LOCAL:
        return np.nan
    if (offset := _OFFSET.fullmatch(zone)) is not None:
        east = int(offset[2]) * 60 + int(offset[3] or 0)
        return -float(east) if offset[1] == "-" else float(east)
    own = _abbreviations_of(time_zone, local) if time_zone else {}
    if zone.upper() in own:
        return own[zone.upper()]
    if zone.upper() in _ABBREVIATIONS:
        return float(_ABBREVIATIONS[zone.upper()])
    if time_zone:
        msg = (
            f"The times of {path} carry {zone!r}, which the clock of {time_zone} never shows: state the zone "
            "that it belongs to, such as --time-zone America/New_York."
        )
    else:
        msg = (
            f"The times of {path} carry {zone!r}, which is no time zone, or the abbreviation of several: state "
            "the zone with --time-zone, such as America/New_York."
        )
    raise InputError(msg)


def _abbreviations_of(time_zone: str, local: pd.Series) -> dict[str, float]:
    """What the clock of a zone calls its offsets over a record."""
    first, last = local.min(), local.max()
    if pd.isna(first):
        return {}
    days = pd.date_range(first.normalize(), last.normalize() + pd.Timedelta("366D"), freq="28D")
    there = days.tz_localize("UTC").tz_convert(time_zone)
    return {str(t.tzname()).upper(): t.utcoffset().total_seconds() / 60 for t in there}


def _localised(
    local: pd.Series,
    stations: pd.Series,
    time_zone: str,
    ambiguous: Ambiguous,
    path: object,
    notes: Notes | None,
) -> pd.Series:
    """Times of a stated zone in UTC."""
    how = {"raise": "NaT", "infer": "NaT", "earlier": True, "later": False, "drop": "NaT"}
    if ambiguous not in how:
        msg = f"--ambiguous is one of {', '.join(how)}, not {ambiguous!r}."
        raise InputError(msg)
    choice = how[ambiguous]
    skipped = _never_shown(local, time_zone)
    if skipped.any():
        raise InputError(_skipped(local[skipped], stations, time_zone, path))
    double = local.dt.tz_localize(time_zone, ambiguous="NaT").isna() & local.notna()
    if ambiguous == "raise" and double.any():
        first = local[double].min()
        msg = (
            f"{path}: {counted(int(double.sum()), 'time')}, the first {first:%Y-%m-%d %H:%M}, "
            f"{'is' if double.sum() == 1 else 'are'} of an hour that the clock of {time_zone} shows twice: say "
            "which of the two with --ambiguous infer, earlier, later or drop; if the times keep one offset "
            f"all year, state it with {_one_offset(first + pd.Timedelta('1D'), time_zone)}."
        )
        raise InputError(msg)
    there = local.dt.tz_localize(
        time_zone, ambiguous=np.full(len(local), choice) if isinstance(choice, bool) else "NaT"
    )
    twice = there.isna()
    if ambiguous == "infer" and twice.any():
        first = _first_round(local, stations, twice)
        told = first.notna()
        both = local[told].dt.tz_localize(time_zone, ambiguous=first[told].to_numpy(bool))
        there[told] = both
        _note_untold(local[twice & ~told], stations, path, notes)
    elif twice.any() and notes is not None:
        notes.said.append(f"{counted(int(twice.sum()), 'value')} of the hour shown twice dropped")
    return there.dt.tz_convert("UTC")


def _never_shown(local: pd.Series, time_zone: str) -> pd.Series:
    """Which times the clock of a zone skips."""
    as_told = local.dt.tz_localize(time_zone, ambiguous="NaT", nonexistent="NaT")
    moved = local.dt.tz_localize(time_zone, ambiguous="NaT", nonexistent="shift_forward")
    return as_told.isna() & moved.notna()


def _skipped(times: pd.Series, stations: pd.Series, time_zone: str, path: object) -> str:
    """What is said of times that the clock of a zone skips."""
    own = list(dict.fromkeys(map(str, stations.loc[times.index])))
    named = ", ".join(map(repr, own[:_NAMED])) + (
        f" and {len(own) - _NAMED:,} more" if len(own) > _NAMED else ""
    )
    first = times.min()
    return (
        f"{path}: {counted(len(times), 'time')}, the first {first:%Y-%m-%d %H:%M}, of "
        f"{'station' if len(own) == 1 else 'stations'} {named} {'is' if len(times) == 1 else 'are'} of an hour "
        f"that the clock of {time_zone} skips in spring: such times keep one offset all year; state it with "
        f"{_one_offset(first - pd.Timedelta('1D'), time_zone)}, or --time-zone UTC if they are in UTC."
    )


def _one_offset(winter: pd.Timestamp, time_zone: str) -> str:
    """The option for times that keep all year the offset that a zone has at a time."""
    offset = winter.tz_localize(time_zone, ambiguous=False, nonexistent="shift_forward").utcoffset()
    east = int(offset.total_seconds() // 60)
    hours, minutes = divmod(abs(east), 60)
    sign = "-" if east < 0 else "+"
    if minutes:
        return f"--time-zone UTC{sign}{hours:02}:{minutes:02}"
    if not hours:
        return "--time-zone UTC"
    inverted = "+" if east < 0 else "-"
    return (
        f"--time-zone Etc/GMT{inverted}{hours} (which is UTC{sign}{hours}: the sign in these names is "
        "inverted)"
    )


def _first_round(local: pd.Series, stations: pd.Series, twice: pd.Series) -> pd.Series:
    """Whether times of the hour shown twice are of its first round: True, False, or NA if untold.

    Told where a station's rows around it go forward but for one step back, within that hour.
    """
    out = pd.Series(pd.NA, local.index, dtype="boolean")
    for _, rows in local[stations.isin(stations[twice].unique())].groupby(stations, sort=False):
        if rows.diff().dt.total_seconds().lt(0).mean() > 0.5:
            rows = rows[::-1]  # newest first
        for _, hour in rows[twice.loc[rows.index]].groupby(rows.dt.normalize()):
            near = rows[(rows - hour.iloc[0]).abs() <= pd.Timedelta("1D")]
            backward = near.index[(near.diff().dt.total_seconds() <= 0).to_numpy()]
            if len(backward) != 1 or backward[0] not in hour.index or backward[0] == hour.index[0]:
                continue
            second = hour.index.get_loc(backward[0])
            out[hour.index] = np.arange(len(hour)) < second
    return out


def _note_untold(untold: pd.Series, stations: pd.Series, path: object, notes: Notes | None) -> None:
    if untold.empty or notes is None:
        return
    where = untold.groupby([stations.loc[untold.index], untold.dt.floor("h")]).size()
    named = [
        f"station {s!r} {t:%Y-%m-%d %H} h ({counted(n, 'value')})" for (s, t), n in where.items()
    ]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    text = (
        f"{path}: the clock shows an hour twice, and the rows do not tell which round a value is of: left "
        f"out are {', '.join(named[:_NAMED])}{more}."
    )
    notes.cautions.append(text)
    notes.facts["values_of_untold_hours"] = len(untold)
