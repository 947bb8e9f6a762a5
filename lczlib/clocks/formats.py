"""What the times of a column mean: the one format that fits all of it, or a question.

A text such as ``05/06/2021`` has two readings, and a number such as 2021060100 several. Every reading
is tried on the whole column. The one taken gives all rows a time that can be, and, where two do, a
record without holes; where the record does not tell, it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd

from lczlib.clocks.texts import Parts, parts
from lczlib.errors import InputError
from lczlib.reading import Notes, counted, share
from lczlib.tables import examples
from lczlib.tables.numerals import MISSING, clean

FIRST_YEAR = 1850
"""The first year that a station's record may hold."""

ORDERS = {"dayfirst": "dmy", "monthfirst": "mdy", "yearfirst": "ymd"}
_UNIX = {"unix": 1, "unix-ms": 1_000, "unix-us": 1_000_000, "unix-ns": 1_000_000_000}
_DAYS = {
    "excel": 25_569.0,
    "excel1904": 24_107.0,
    "mjd": 40_587.0,
    "jd": 2_440_587.5,
    "datenum": 719_529.0,
}
_DIGITS = {"yyyymmdd": 8, "yyyymmddhh": 10, "yyyymmddhhmm": 12, "yyyymmddhhmmss": 14}
NAMES = {
    "dayfirst": "day first", "monthfirst": "month first", "yearfirst": "year first", "unix": "Unix seconds",
    "unix-ms": "Unix milliseconds", "unix-us": "Unix microseconds", "unix-ns": "Unix nanoseconds",
    "excel": "Excel day numbers (1900 system)", "excel1904": "Excel day numbers (1904 system)",
    "mjd": "modified Julian days", "jd": "Julian days", "datenum": "MATLAB day numbers",
    **{k: f"{k[:4].upper()}{k[4:6].upper()}{k[6:].replace('dd', 'DD', 1)}" for k in _DIGITS},
}  # fmt: skip
TIME_FORMATS = (*ORDERS, *_UNIX, *_DAYS, *_DIGITS)
"""Names of formats; a pattern of strptime, such as ``%d.%m.%Y %H:%M``, is one as well."""

_ASKED_FOR_ONLY = ("excel1904",)
_UNIX_FIRST, _DAYS_FIRST = 315_532_800.0, -631_152_000.0  # 1980 and 1950, s since 1970
VALID = 0.99
_DENSER = 3.0
_DENSE = 0.3
_SNAPS = (3600, 1800, 900, 600, 300, 60, 1)


@dataclass(frozen=True)
class Stamps:
    """The times of a column as they stand there.

    Attributes
    ----------
    local : Series
        datetime64[us] without zone, NaT where missing or not readable.
    zone : Series
        The text of the zone behind each time, empty where there is none.
    how : str
        The format found.
    """

    local: pd.Series
    zone: pd.Series
    how: str


@dataclass(frozen=True)
class Guess:
    """One reading of the different values of a column."""

    name: str
    times: np.ndarray
    valid: float
    density: float
    by_day: bool


def check_time_format(time_format: str) -> None:
    """Refuse what is neither the name of a format nor a pattern with an `InputError`."""
    if time_format not in TIME_FORMATS and "%" not in time_format:
        msg = (
            f"{time_format!r} is no format of times: use {', '.join(TIME_FORMATS)}, or a pattern such as "
            "'%d.%m.%Y %H:%M'."
        )
        raise InputError(msg)


def read_stamps(
    values: pd.Series, path: object, time_format: str | None = None, notes: Notes | None = None
) -> Stamps:
    """Read a column of times, whatever their format.

    Parameters
    ----------
    values : Series
        Texts, numbers, dates or times.
    path : path
        The file, for messages.
    time_format : str, optional
        One of `TIME_FORMATS` or a pattern of strptime; found from the column without.
    notes : Notes, optional
        Takes what could not be read.

    Raises
    ------
    InputError
        If no format fits, or several fit equally well.
    """
    if time_format:
        check_time_format(time_format)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.is_datetime64_any_dtype(values):
        zone = "UTC" if values.dt.tz is not None else ""
        naive = values.dt.tz_convert("UTC").dt.tz_localize(None) if zone else values
        how = "as dates"
        read = Guess(how, _possible(naive.to_numpy("datetime64[us]")), 1.0, 0.0, False)
        codes, zones = np.arange(len(values)), np.full(len(values), zone, object)
        texts = values.astype(str)
        there = values.notna().to_numpy()
    else:
        texts = clean(values)
        codes, different = pd.factorize(texts, use_na_sentinel=False)
        there = ~texts.str.lower().isin(MISSING).to_numpy()
        keys = [str(t) for t in different]
        known = np.array([any(c.isdigit() for c in k) for k in keys], bool)
        readings, zones = _all_readings(keys, known, time_format)
        weights = np.bincount(codes, minlength=len(keys)) * known
        guesses = [scored(n, t, weights) for n, t in readings]
        read, how = _chosen(guesses, keys, weights, path, time_format)
    local = pd.Series(read.times[codes], values.index)
    lost = there & local.isna().to_numpy()
    _refuse_or_note_lost(texts[lost], int(there.sum()), path, time_format, notes)
    return Stamps(local, pd.Series(zones[codes], values.index), how)


def _all_readings(
    texts: list[str], known: np.ndarray, time_format: str | None
) -> tuple[list[tuple[str, np.ndarray]], np.ndarray]:
    """What different texts may mean, and the zone behind each."""
    nothing = np.full(len(texts), "", object)
    if time_format and "%" in time_format:
        width = max((len(t) for t in texts), default=0)
        padded = [t.removesuffix(".0") for t in texts]
        if all(t.isdigit() for t in padded):
            padded = [t.zfill(width) for t in padded]
        zones = np.full(len(texts), "UTC" if "%z" in time_format.lower() else "", object)
        return [(time_format, _by_pattern(padded, time_format))], zones
    floats = np.array(pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce"), float)
    if known.any() and np.isfinite(floats[known]).mean() >= VALID:
        return [(n, t) for n, t in _of_numbers(floats) if time_format in (None, n)], nothing
    taken = [parts(t) if k else None for t, k in zip(texts, known, strict=True)]
    zones = np.array([p.zone if p else "" for p in taken], object)
    orders = [n for n in ORDERS if time_format in (None, n)]
    if not any("?" in p.order for p in taken if p):  # all tell their order, whatever is stated
        orders = ["yearfirst" if any(p.order == "ymd" for p in taken if p) else "dayfirst"]
    return [(n, in_order(taken, ORDERS[n])) for n in orders], zones


def _by_pattern(texts: list[str], pattern: str) -> np.ndarray:
    try:
        read = pd.to_datetime(
            pd.Series(texts, dtype=object), format=pattern, errors="coerce",
            utc="%z" in pattern.lower(),
        )  # fmt: skip
    except ValueError as err:
        msg = f"{pattern!r} is no pattern of times ({str(err).splitlines()[0]}): such as '%d.%m.%Y %H:%M'."
        raise InputError(msg) from err
    naive = read.dt.tz_localize(None) if read.dt.tz is not None else read
    return _possible(naive.to_numpy("datetime64[us]"))


def in_order(taken: list[Parts | None], order: str) -> np.ndarray:
    """Times where open dates stand in an order of day, month and year."""
    year, month, day, clock = np.zeros((4, len(taken)), np.int64)
    this_century = (pd.Timestamp.now().year + 1) % 100
    for i, p in enumerate(taken):
        if p is None:
            continue
        own = order if "?" in p.order else p.order
        if p.order == "??y" and order == "ymd":
            continue
        if p.order == "?m?" and order == "mdy":
            own = "dmy"
        found = dict(zip(own, (p.a, p.b, p.c), strict=True))
        y = found["y"]
        if y < 100 and "y" not in p.order:  # of two digits
            y += 2000 if y <= this_century else 1900
        year[i], month[i], day[i], clock[i] = y, found["m"], found["d"], p.clock or 0
    return _stamps(year, month, day, clock)


def _stamps(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, seconds: np.ndarray
) -> np.ndarray:
    """Dates and seconds of the day as times; NaT where there is no such date."""
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1) & (year <= 9999)
    good &= (seconds >= 0) & (seconds <= 86400)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0).astype("timedelta64[D]")
    good &= days.astype("datetime64[M]") == months
    times = days.astype("datetime64[us]") + np.where(good, seconds, 0).astype("timedelta64[s]")
    return _possible(np.where(good, times, np.datetime64("NaT", "us")))


def _possible(times: np.ndarray) -> np.ndarray:
    """NaT for what no station can have measured yet, or ever."""
    first = np.datetime64(f"{FIRST_YEAR}-01-01", "us")
    last = np.datetime64(f"{pd.Timestamp.now().year + 2}-01-01", "us")
    return np.where((times >= first) & (times < last), times, np.datetime64("NaT", "us"))


def _of_numbers(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What numbers may mean, as calendar digits, seconds or days."""
    finite = np.isfinite(x)
    whole = finite & (x == np.round(x)) & (np.abs(x) < 1e18)
    n = np.where(whole, x, 0).astype(np.int64)
    for name, digits in _DIGITS.items():
        fits = whole & (n >= 10 ** (digits - 1)) & (n < 10**digits)
        if not fits.any():
            continue
        date, clock = np.divmod(n, 10 ** (digits - 8))
        clock = clock * 10 ** (14 - digits)
        year, month, day = date // 10_000, date // 100 % 100, date % 100
        h, mi, s = clock // 10_000, clock // 100 % 100, clock % 100
        seconds = np.where((mi < 60) & (s < 60), h * 3600 + mi * 60 + s, -1)
        yield name, _stamps(np.where(fits, year, 0), month, day, seconds)
    seconds_of = [(name, x / factor) for name, factor in _UNIX.items()]
    precise = _last_decimal(x[finite])
    days_of = [
        (name, _snapped((x - epoch) * 86400, precise * 86400)) for name, epoch in _DAYS.items()
    ]
    for name, seconds in (*seconds_of, *days_of):
        first = _UNIX_FIRST if name in _UNIX else _DAYS_FIRST  # else row numbers would be times
        fits = finite & (seconds >= first) & (seconds < 1e11)
        times = (np.where(fits, seconds, 0) * 1e6).round().astype("datetime64[us]")
        times = _possible(np.where(fits, times, np.datetime64("NaT", "us")))
        if not np.isnat(times).all():
            yield name, times


def _last_decimal(x: np.ndarray) -> float:
    """Half of the last decimal that the numbers are written with."""
    digits = next(
        (k for k in range(6) if np.allclose(x * 10**k, np.round(x * 10**k), rtol=0, atol=1e-4)), 6
    )
    return 0.5 * 10.0**-digits


def _snapped(seconds: np.ndarray, precise: float) -> np.ndarray:
    """Seconds at the whole hour or minute that rounded day numbers were made from."""
    finite = seconds[np.isfinite(seconds)]
    for step in _SNAPS:
        if np.all(np.abs(finite - np.round(finite / step) * step) <= precise + 0.6):
            return np.round(seconds / step) * step
    return seconds


def scored(name: str, times: np.ndarray, weights: np.ndarray) -> Guess:
    """How well a reading fits: rows with a time, and how dense the record is with its own step."""
    there = ~np.isnat(times)
    valid = float(weights[there].sum() / max(1, weights.sum()))
    unique = np.unique(times[there & (weights > 0)]).astype(np.int64) / 1e6
    density, by_day = 0.0, True
    if len(unique) > 1:
        steps = np.diff(unique)
        density = float(min(1.0, np.median(steps) * len(steps) / (unique[-1] - unique[0])))
        by_day = len(np.unique(unique % 86400)) < 2
    return Guess(name, times, valid, density, by_day)


def clearly_denser(best: Guess, other: Guess) -> bool:
    """Whether one reading makes a record, and the other one full of holes."""
    return best.density >= max(_DENSE, _DENSER * other.density) and not best.by_day


def _chosen(
    readings: list[Guess],
    texts: list[str],
    weights: np.ndarray,
    path: object,
    time_format: str | None,
) -> tuple[Guess, str]:
    """The reading that fits, alone or clearly best, and in words what it is and why."""
    fitting = [r for r in readings if r.valid >= VALID]
    if time_format and fitting:
        used = fitting[0].name
        return fitting[0], NAMES.get(used, used) + (", as stated" if used == time_format else "")
    different: list[Guess] = []
    for r in sorted(fitting, key=lambda r: (r.valid, r.density), reverse=True):
        known = r.name not in _ASKED_FOR_ONLY
        if known and not any(np.array_equal(r.times, d.times, equal_nan=True) for d in different):
            different.append(r)
    if not different:
        best = max(readings, key=lambda r: r.valid, default=None)
        lost = (weights > 0) if best is None else np.isnat(best.times) & (weights > 0)
        n, every = int(weights[lost].sum()), int(weights.sum())
        _refuse_lost(
            [t for t, is_lost in zip(texts, lost, strict=True) if is_lost],
            n,
            every,
            path,
            time_format,
        )
    by_name = {r.name: r for r in different}
    if by_name.keys() == {"excel", "mjd"}:  # as modified Julian days they precede digital records
        return by_name["excel"], NAMES["excel"]
    best, others = different[0], different[1:]
    for other in others:
        if not clearly_denser(best, other):
            some = examples(t for t, w in zip(texts, weights, strict=True) if w)
            names = " or ".join(NAMES[r.name] for r in different)
            msg = (
                f"{path}: its times ({some}) can be read as {names}, and the record fits both: state which "
                f"with --time-format {' or '.join(r.name for r in different)}."
            )
            raise InputError(msg)
    how = NAMES[best.name]
    if others:
        how += f" ({NAMES[others[0].name]} would leave holes in the record)"
    return best, how


def _refuse_lost(
    lost: Iterable[str], n: int, every: int, path: object, time_format: str | None
) -> NoReturn:
    how = f" as {time_format}" if time_format else ""
    msg = (
        f"{path}: {'the' if n == every else f'{n:,} of {every:,}'} times cannot be read{how} "
        f"({examples(lost)}), or lie before {FIRST_YEAR} or after next year: correct them, or state their "
        "format with --time-format, such as '%d.%m.%Y %H:%M'."
    )
    raise InputError(msg)


def _refuse_or_note_lost(
    lost: pd.Series, n: int, path: object, time_format: str | None, notes: Notes | None
) -> None:
    if not len(lost):
        return
    words = lost[~lost.str.contains(r"\d")]
    if len(lost) - len(words) > (1 - VALID) * n or len(lost) == n:
        _refuse_lost(lost, len(lost), n, path, time_format)
    if notes is not None:
        text = (
            f"{counted(len(lost), 'row')} of {path} ({share(len(lost), n)}) left out: the time cannot be "
            f"read, or lies before {FIRST_YEAR} or after next year ({examples(lost)})."
        )
        notes.cautions.append(text)
        notes.facts["times_unreadable"] = len(lost)
