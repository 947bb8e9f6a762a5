"""Which columns of a table together say when: one, a date and a clock, or year, month, day and hour."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from lczlib.clocks.texts import CLOCK, parts
from lczlib.errors import InputError
from lczlib.reading import Notes
from lczlib.tables import examples
from lczlib.tables.numerals import MISSING, clean, numbers
from lczlib.terms import option

JOINED = "time"
"""Name of the column that joined times get."""

_ROLES = {
    "year": "year yr yy yyyy jahr annee année an ano año anno jaar",
    "month": "month mon mo monat mois mes mese maand",
    "day": "day dy dd dom tag jour dia día giorno dag",
    "day of year": "doy jday julianday dayofyear yday",
    "hour": "hour hr hh h stunde std heure hora ora uur uhr hours",
    "minute": "minute min minuten minutes minuto mn mi",
    "date": "date datum dates fecha data dato obsdate yyyymmdd dateutc tagesdatum calendardate",
    "clock": "time uhrzeit zeit clock timeofday tijd tid ora hora heure hhmm hhmmss hour hr stunde uhr",
    "stamp": "time date datetime timestamp valid utc messdatum zeitstempel zeitpunkt obstime datumzeit "
    "observationtime datumuhrzeit fechahora dateheure tmstamp dt isotime",
}  # fmt: skip
_WORDS = {role: frozenset(words.split()) for role, words in _ROLES.items()}
_ZONE_IN_NAME = re.compile(
    r"(?<![a-z])(utc|gmt)(?![a-z])\s*([+-]\s*\d{1,2}(?::?\d{2})?)?", re.IGNORECASE
)


def with_times(
    table: pd.DataFrame, columns: Mapping[str, str], path: object, notes: Notes | None = None
) -> tuple[pd.DataFrame, dict[str, str], str]:
    """Bring what says when into one column.

    Parameters
    ----------
    table : DataFrame
        As read.
    columns : mapping
        Roles as the user told them; ``time`` may name several columns: ``date+time``.
    path : path
        The file, for messages.
    notes : Notes, optional
        Takes which columns were joined.

    Returns
    -------
    table : DataFrame
        With the joined column, where several were joined.
    columns : dict
        With ``time``, where a column was found.
    zone : str
        ``UTC`` or ``UTC+2``, where the name of a column says so.

    Raises
    ------
    InputError
        If a column that is named is not there, or clocks have no dates.
    """
    told = columns.get("time")
    names = _named(table, told, path) if told else _found(table, path)
    out = dict(columns)
    if not names:
        out.pop("time", None)
        return table, out, ""
    zone = next((z for z in map(_zone_of_name, names) if z), "")
    if len(names) == 1:
        return table, out | {"time": names[0]}, zone
    joined = _joined(table, names)
    if notes is not None:
        notes.said.append(f"times joined from the columns {' + '.join(names)}")
        notes.facts["time_columns"] = list(names)
    attrs = table.attrs
    table = table.drop(columns=[n for n in names if n != told])
    table = table.assign(**{JOINED: joined})
    table.attrs |= attrs
    return table, out | {"time": JOINED}, zone


def _named(table: pd.DataFrame, told: str, path: object) -> tuple[str, ...]:
    names = (told,) if told in table.columns else tuple(n.strip() for n in told.split("+"))
    lacking = [n for n in names if n not in table.columns]
    if lacking:
        some = ", ".join(map(str, table.columns[:8])) + (", ..." if len(table.columns) > 8 else "")
        msg = f"{path} has no column {lacking[0]!r}: it has {some}."
        raise InputError(msg)
    return _completed(table, names[0], path) if len(names) == 1 else names


def _found(table: pd.DataFrame, path: object) -> tuple[str, ...]:
    """Columns of the time by their usual names; empty where there are none."""
    stamps = [c for word in _ROLES["stamp"].split() for c in table.columns if _plain(c) == word]
    whole = [c for c in stamps if _kind(table[c]) == "stamp"]
    if whole:
        return (whole[0],)
    calendar = _calendar(table)
    if len(calendar) > 2 and (not stamps or any(_role(c, "hour") for c in calendar)):
        return calendar
    days = stamps or [c for c in table.columns if _role(c, "date")]
    return _completed(table, days[0], path) if days else calendar


def _completed(table: pd.DataFrame, name: str, path: object) -> tuple[str, ...]:
    """A column, with the one that has its dates or its clock, where it lacks them."""
    kind = _kind(table[name])
    others = [c for c in table.columns if c != name]
    if kind == "clock":
        dates = [c for c in others if _role(c, "date") or _role(c, "stamp") or _role(c, "day")]
        dates = [c for c in dates if _kind(table[c]) in ("date", "midnight", "stamp")]
        if dates:
            return dates[0], name
        if len(calendar := [c for c in _calendar(table) if c != name]) > 1:
            return (*[c for c in calendar if not (_role(c, "hour") or _role(c, "minute"))], name)
        msg = (
            f"{path}: its column {name!r} has clocks without dates ({examples(clean(table[name]))}): name both "
            f"columns with {option('columns')} time=DATE+TIME."
        )
        raise InputError(msg)
    if kind in ("date", "midnight"):
        clocks = [c for c in others if _role(c, "clock")]
        clocks = [c for c in clocks if _kind(table[c]) == "clock"]
        if clocks:
            minutes = [c for c in others if _role(c, "minute") and _role(clocks[0], "hour")]
            return (name, clocks[0], *[c for c in minutes[:1] if _kind(table[c]) == "clock"])
    return (name,)


def _calendar(table: pd.DataFrame) -> tuple[str, ...]:
    """Columns of year, month and day (or day of the year), and hour and minute where they are."""
    found = {}
    for role in ("year", "month", "day", "day of year", "hour", "minute"):
        likely = [c for c in table.columns if _role(c, role) and c not in found.values()]
        if role == "month":
            likely += [c for c in table.columns if c == "MM"]
        if role == "minute":
            likely += [c for c in table.columns if c == "mm"]
        likely = [c for c in likely if _counts(table[c])]
        if likely:
            found[role] = likely[0]
    if not {"year", "month", "day"} <= found.keys() and not {"year", "day of year"} <= found.keys():
        return ()
    days = ("month", "day") if {"month", "day"} <= found.keys() else ("day of year",)
    clock = ("hour", "minute") if "hour" in found else ()
    return tuple(found[r] for r in ("year", *days, *clock) if r in found)


def _counts(column: pd.Series) -> bool:
    values = numbers(column).values.dropna()
    return bool(len(values) and (values >= 0).all() and (values == values.round()).all())


def _kind(column: pd.Series) -> str:
    """What a column holds: ``stamp``, ``date``, ``midnight`` (dates at 0 h), ``clock``, or empty."""
    if pd.api.types.is_datetime64_any_dtype(column):
        there = column.dropna()
        return "midnight" if len(there) and (there == there.dt.normalize()).all() else "stamp"
    texts = clean(column)
    texts = pd.Series(texts.unique(), dtype=object)
    texts = texts[~texts.str.lower().isin(MISSING)].reset_index(drop=True)
    values = pd.to_numeric(texts, errors="coerce").dropna()
    if not len(texts):
        return ""
    if len(values) == len(texts):
        whole = (values == values.round()).all()
        if whole and (values < 1_000_000).all() and _as_clock(texts).notna().all():
            return "clock"
        if (values.between(0, 1)).all():
            return "clock"
        days = whole and (
            values.between(19_000_101, 21_991_231).all() or values.between(18_264, 73_000).all()
        )
        return "date" if days else "stamp"
    taken = [parts(t) for t in texts[:2000]]
    read = [p for p in taken if p is not None]
    if len(read) > 0.9 * len(taken):
        if all(p.clock is None for p in read):
            return "date"
        return "midnight" if all(not p.clock for p in read) else "stamp"
    clocks = sum(CLOCK.fullmatch(t.removeprefix("0 days ")) is not None for t in texts[:2000])
    return "clock" if clocks > 0.9 * len(taken) else ""


def _joined(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Several columns as one text (or day number) for each row; empty where one is missing."""
    if calendar := _calendar_texts(table, names):
        return calendar[0]
    values = [numbers(table[n]) for n in names]
    if len(names) == 2 and all(not len(v.unread) and v.values.notna().any() for v in values):
        days, part = (v.values for v in values)
        if days.dropna().between(18_264, 73_000).all() and part.dropna().between(0, 1).all():
            return days + part
    texts, absent = [], pd.Series(False, table.index)
    for name in names:
        text = _text(table[name])
        absent |= text.str.lower().isin(MISSING)
        texts.append(text)
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + " " + text
    return joined.mask(absent)


def _text(column: pd.Series) -> pd.Series:
    """A date or a clock as text, without a midnight that stands for no clock."""
    kind = _kind(column)
    texts = clean(column)
    if kind in ("date", "midnight"):
        texts = texts.str.removesuffix(".0")
        return texts.str.replace(r"[T ]0{1,2}:00(?::00(?:\.0+)?)?$", "", regex=True)
    texts = texts.str.replace("^0 days ", "", regex=True)
    as_clock = _as_clock(texts)
    return as_clock.where(as_clock.notna(), texts)


def _as_clock(texts: pd.Series) -> pd.Series:
    """Whole numbers as clocks (hours, HHMM, HHMMSS) in ``00:00:00``; missing where they are none."""
    values = pd.to_numeric(texts, errors="coerce")
    values = values.where(values == values.round())
    largest = values.max()
    scale = 10_000 if largest <= 24 else 100 if largest <= 2400 else 1
    digits = (values * scale).fillna(-1).astype("int64")
    h, mi, s = digits // 10_000, digits // 100 % 100, digits % 100
    good = (digits >= 0) & (h <= 24) & (mi < 60) & (s < 60)
    out = h.map("{:02d}".format) + ":" + mi.map("{:02d}".format) + ":" + s.map("{:02d}".format)
    return out.astype(object).where(good)


def _calendar_texts(table: pd.DataFrame, names: Sequence[str]) -> list[pd.Series]:
    """Year, month, day and clock as texts in the order of ISO 8601; empty if they are others."""
    roles = {}
    for name in names:
        for role in ("year", "month", "day", "day of year", "hour", "minute"):
            exact = {"MM": "month", "mm": "minute"}.get(str(name), role)
            if role not in roles and exact == role and (_role(name, role) or name in ("MM", "mm")):
                roles[role] = name
                break
    if "year" not in roles or len(roles) < len(names):
        return []
    value = {role: numbers(table[name]).values for role, name in roles.items() if role != "hour"}
    year = value["year"].where(value["year"] >= 100, value["year"] + 2000)
    absent = pd.concat([*value.values()], axis=1).isna().any(axis=1)
    if {"month", "day"} <= roles.keys():
        date = _digits(year, 4) + "-" + _digits(value["month"], 2) + "-" + _digits(value["day"], 2)
    elif "day of year" in roles:
        first = year.fillna(1970).astype("int64").astype(str).to_numpy("datetime64[Y]")
        day = (value["day of year"].fillna(1) - 1).astype("int64").to_numpy("timedelta64[D]")
        date = pd.Series((first.astype("datetime64[D]") + day).astype(str), table.index)
    else:
        return []
    if "hour" in roles:
        hour = _text(table[roles["hour"]])
        absent |= hour.str.lower().isin(MISSING)
        if "minute" in roles:
            hour = hour.str.replace(r"^(\d{1,2}):00(:00)?$", r"\1", regex=True)
            hour = hour + ":" + _digits(value["minute"], 2)
        date = date + " " + hour
    return [date.astype(object).mask(absent)]


def _digits(values: pd.Series, width: int) -> pd.Series:
    return values.fillna(0).astype("int64").map(f"{{:0{width}d}}".format)


def _plain(name: object) -> str:
    """A name without case, signs and the zone behind it: ``Date/Time (UTC)`` is ``datetime``."""
    text = (
        _ZONE_IN_NAME.sub("", str(name)) if str(name).lower() not in ("utc", "gmt") else str(name)
    )
    letters = "".join(c for c in text.lower() if c.isalpha())
    return re.sub(r"(?<=.)(local|localtime|lst|lt)$", "", letters)


def _role(name: object, role: str) -> bool:
    return _plain(name) in _WORDS[role]


def _zone_of_name(name: object) -> str:
    m = _ZONE_IN_NAME.search(str(name).replace("_", " "))
    return f"UTC{(m[2] or '').replace(' ', '')}" if m else ""
