"""Dates and clocks in words and digits: the parts of a text, whatever the order of day and month."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_MONTHS = {
    1: "jan gen ene", 2: "feb fev", 3: "mar mrz mrt maa mae", 4: "apr avr abr", 5: "may mai maj mei mag",
    6: "jun juin giu", 7: "jul juil lug", 8: "aug aou ago", 9: "sep set", 10: "oct okt ott out", 11: "nov",
    12: "dec dez dic des",
}  # fmt: skip
"""How months begin, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch."""

_MONTH = {word: number for number, words in _MONTHS.items() for word in words.split()}


def _month(word: str) -> int | None:
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalpha())
    return _MONTH.get(plain[:4], _MONTH.get(plain[:3]))


_WORD = r"[^\W\d_]{3,10}\.?"
_DATE = rf"""
    (?P<a>\d{{1,4}}) (?P<sep>[-/.\ ]) [ ]? (?P<b>\d{{1,2}}) (?P=sep) [ ]? (?P<c>\d{{1,4}})
  | (?P<na>\d{{1,4}}) [-/.\ ]* (?P<nb>{_WORD}) [-/.,\ ]* (?P<nc>\d{{1,4}})
  | (?P<mb>{_WORD}) [ ]+ (?P<ma>\d{{1,2}}) (?:st|nd|rd|th)? ,? [ ]+ (?P<mc>\d{{4}})
  | (?P<ymd>\d{{8}})
"""
_CLOCK = r"""
    (?P<h>\d{1,2}) (?: \s?h(?:rs?)? | [:.h]\s?(?P<mi>\d{2}) (?: [:.](?P<s>\d{2}) (?:[.,:]\d{1,9})? )? )?
    (?: \s? (?P<half>[ap])\.?\s?m\.? | \s?Uhr )?
  | (?P<hm>\d{4}) (?P<hms>\d{2})?
"""
_ZONE = r"""
    Z | (?:UTC|GMT)?\s?[+\-]\d{1,2}(?::?\d{2})? | [A-Za-z]{2,5}
"""
_STAMP = re.compile(
    rf"(?:[^\W\d_]{{2,}}\.?,?\s+)?(?:{_DATE})"
    rf"(?:(?:\s*[T,;:_]\s*|\s+-\s+|\s+)(?:{_CLOCK})\s*[(\[]?(?P<zone>{_ZONE})?[)\]]?(?:\[[\w/+-]+\])?)?",
    re.VERBOSE | re.IGNORECASE,
)
CLOCK = re.compile(rf"(?:{_CLOCK})\s*(?:{_ZONE})?", re.VERBOSE | re.IGNORECASE)
"""A clock without a date."""
_COMPACT = re.compile(r"(\d{8})(\d{2})(\d{2})?(\d{2})?")


class Parts(NamedTuple):
    """What one text says.

    The three parts of its date stand in the order of the text: `order` tells the year's and a named
    month's place (``y``, ``m``; ``?`` for what is open). `clock` is seconds since midnight, None
    where there is no clock.
    """

    order: str
    a: int
    b: int
    c: int
    clock: int | None
    zone: str


def parts(text: str) -> Parts | None:
    """Take a text apart; None where it is no date."""
    if (compact := _COMPACT.fullmatch(text)) is not None:
        date, h, mi, s = compact.groups("00")
        text = f"{date} {h}:{mi}:{s}"
    m = _STAMP.fullmatch(text)
    if m is None:
        return None
    clock = _seconds(m)
    if clock is not None and clock < 0:
        return None
    zone = (m["zone"] or "").strip()
    if m["ymd"]:
        return Parts("ymd", int(m["ymd"][:4]), int(m["ymd"][4:6]), int(m["ymd"][6:]), clock, zone)
    if m["sep"]:
        order = "???"
        if len(m["a"]) > 2:
            order = "ymd"
        elif len(m["c"]) > 2:
            order = "??y"
        return Parts(order, int(m["a"]), int(m["b"]), int(m["c"]), clock, zone)
    first, word, last = (m[n] or m[f"m{n[1]}"] for n in ("na", "nb", "nc"))
    month = _month(word)
    if month is None:
        return None
    order = "ymd" if len(first) > 2 else "dmy" if len(last) > 2 or m["mb"] else "?m?"
    return Parts(order, int(first), month, int(last), clock, zone)


def _seconds(m: re.Match[str]) -> int | None:
    if m["h"]:
        hour, minute, second = int(m["h"]), int(m["mi"] or 0), int(m["s"] or 0)
    elif m["hm"]:
        hour, minute, second = int(m["hm"][:2]), int(m["hm"][2:]), int(m["hms"] or 0)
    else:
        return None
    if m["half"]:
        if not 1 <= hour <= 12:
            return -1
        hour = hour % 12 + 12 * (m["half"].lower() == "p")
    whole = hour * 3600 + minute * 60 + second
    return whole if minute < 60 and second < 60 and whole <= 86400 else -1
