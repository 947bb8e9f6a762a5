"""The class that a free text tells, such as the name of a KML folder or placemark.

People write "LCZ 6 (2)", "LCZ1a", "A Dense trees", "<b>LCZ 06</b>" for one class, and "LCZ 8/10" or
"1 or 4" where they could not decide. The first are read; the others name two classes and are never
read as the one that comes first.
"""

from __future__ import annotations

import html
import re
import unicodedata

import pandas as pd

from lczlib.classes import CLASSES, NODATA, lcz_class
from lczlib.errors import ClassSchemeError


class SeveralClassesError(ClassSchemeError):
    """A text names more than one class."""


class ForeignLetterError(ClassSchemeError):
    """A letter of a class code is of another alphabet, where it only looks alike."""


def class_of_text(text: str) -> int:
    """The class 1..17 that a placemark's or folder's name tells; 0 for "0" and "unlabelled".

    Raises
    ------
    SeveralClassesError
        If the text names two classes: ``LCZ 8/10``, ``1 or 4``, ``LCZ 6 compact low-rise``.
    ForeignLetterError
        If a code is written with Cyrillic or Greek letters.
    ClassSchemeError
        If the text names no class.

    Examples
    --------
    >>> [class_of_text(t) for t in ("LCZ 6 (2)", "A Dense Trees", "LCZ_G", "103", "open lowrise")]
    [6, 11, 17, 13, 6]
    >>> [class_of_text(t) for t in ("LCZ1a", "<b>LCZ 06</b>", "Open low-rise (#2)", "LCZ 6 - Park")]
    [1, 6, 6, 6]
    >>> [class_of_text(t) for t in ("Lightweight", "Sparsely built-up", "Open high-rise buildings")]
    [7, 9, 4]
    """
    plain = _in_full(_plain(text))
    if plain in _UNLABELLED:
        return NODATA
    try:
        found = _classes_in(plain)
    except ClassSchemeError:
        _refuse_foreign_letters(text)
        raise
    if not found:
        _refuse_foreign_letters(text)
        return lcz_class(text).number  # a key of its own, or the message that it is none
    if len(found) > 1:
        codes = " and ".join(CLASSES[n - 1].code for n in found)
        msg = f"{text.strip()!r} names more than one Local Climate Zone ({codes}): name one."
        raise SeveralClassesError(msg)
    return found[0]


def class_of_value(value: object) -> int:
    """The class 1..17 that a cell of a table tells; 0 where it is empty or tells none.

    Raises
    ------
    ClassSchemeError
        As `class_of_text`.

    Examples
    --------
    >>> [class_of_value(v) for v in (6, 6.0, "LCZ 6 (2)", "A", float("nan"), None)]
    [6, 6, 6, 11, 0, 0]
    """
    empty = value is None or value is pd.NA or value != value or not str(value).strip()
    return NODATA if empty else class_of_text(str(value))


def serial_names(texts: list[str]) -> dict[str, int]:
    """The classes of names that number the polygons of each class: ``LCZ 6-1``, ``LCZ 6-2``, ...

    One of them alone could mean two classes; a whole series that counts from 0 or 1 in every class,
    and to 3 or more in one, does not.

    Returns
    -------
    dict of str to int
        Text to class; empty where the texts are no such series.
    """
    parts = {t: re.fullmatch(rf"{_LCZ}({_CODE})[\s_.-]+(\d{{1,3}})", _plain(t)) for t in texts}
    found = {t: (_number(m[1]), int(m[2])) for t, m in parts.items() if m}
    series: dict[int, list[int]] = {}
    for number, count in found.values():
        series.setdefault(number, []).append(count)
    counted = all(
        sorted(s) in (list(range(len(s))), list(range(1, len(s) + 1))) for s in series.values()
    )
    if not counted or max(map(len, series.values()), default=0) < 3:
        return {}
    return {t: number for t, (number, _) in found.items()}


_UNLABELLED = ("0", "unlabelled", "unlabeled", "unclassified", "none", "no data", "nan", "null")


def _plain(text: str) -> str:
    """Lower case without tags, entities and GDAL's ``(#2)``; one blank for blanks and underscores."""
    text = html.unescape(re.sub(r"<[^<>]*>", " ", html.unescape(text)))
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2212", "-")
    text = re.sub(r"[\u2010-\u2015]", "-", text)
    text = re.sub(r"\(#\d+\)", " ", text)  # the second folder of that name in a KML
    text = re.sub(r"(\d)[.,]0+(?!\d)", r"\1", text)  # 6.0
    return re.sub(r"[\s_\u200b]+", " ", text).strip(" .,;:'\"[]")


_CODE = r"(?:10[1-7]|1[0-7]|0?[1-9]|[a-g])(?![0-9a-z])"
_LCZ = r"(?:(?:lczs?|local climate zones?)[ .:#-]*(?:(?:class|type|zone|no|nr)\b[ .:#-]*)?)"
_STRONG = r"(?:[/\\&+,;|]|\b(?:or|and|to|und|oder|bis|et|ou|y|o|vs|mix|mixed|mixture)\b)"
_JOIN = rf"(?:[ .:()\[\]?'\"-]|{_STRONG}|\b(?:with|of|maybe|perhaps|possibly)\b)*"
_SERIAL = r"(?:\(\s*\d+\s*\)|#\s*\d+|\b(?:no|nr|polygon|area|site)\b[ .]*\d+)"


_IN_PLURAL = {
    "rise": "rises?", "trees": "trees?", "plants": "plants?", "rock": "rocks?", "soil": "soils?",
}  # fmt: skip


def _name_pattern(name: str) -> str:
    words = ("(?:or)?" if w == "or" else _IN_PLURAL.get(w, w) for w in re.split(r"[ -]", name))
    return r"[ ,/-]*".join(words)


_NAMES = {
    _name_pattern(name): number
    for name, number in sorted(
        [(c.name, c.number) for c in CLASSES]
        + [(c.name.replace(" or ", " "), c.number) for c in CLASSES if " or " in c.name]
        + [("light weight low-rise", 7), ("bush", 13), ("scrub", 13), ("bare rock", 15),
           ("paved", 15), ("bare soil", 16), ("sand", 16)],
        key=lambda pair: -len(pair[0]),
    )
}  # fmt: skip
_ANY_NAME = "|".join(rf"\b{p}\b" for p in _NAMES)
_MENTION = re.compile(rf"(?P<name>{_ANY_NAME})|(?P<lcz>{_LCZ})?(?P<code>{_CODE})")
_NEXT = re.compile(rf"[ .-]*{_SERIAL}|(?P<join>{_JOIN})(?:{_MENTION.pattern})")
_ATTACHED = re.compile(  # LCZ1a, LCZ1ab, LCZA1, LCZAa: a polygon's own mark behind the class
    rf"{_LCZ}(?:(?P<code>(?:10[1-7]|1[0-7]|0?[1-9])(?=[a-z]{{1,2}}(?![a-z0-9]))"
    r"|[a-g](?=\d{1,3}(?![a-z0-9])|[a-z]{1,2}$))\w+)"
)


_SHORT = {
    r"(compact|open)[ -]*(high|mid|low)": r"\1 \2-rise",
    r"large[ -]*low": "large low-rise",
    r"light[ -]*weight": "lightweight low-rise",
    r"spars(?:e|ely)[ -]*built(?:[ -]*up)?": "sparsely built",
    r"heavy[ -]*industrial": "heavy industry",
    r"water[ -]*bod(?:y|ies)": "water",
}
"""Names in use that are short for one class's, where they are all of a text or stand behind its code."""
_THING = r"(?:buildings?|houses?|housing|areas?|zones?|surfaces?|cover)"
"""What a name may be of: "open high-rise buildings", "paved surface"."""


def _in_full(plain: str) -> str:
    """A text whose name of a class is shortened, with the name in full."""
    for short, name in _SHORT.items():
        found = re.fullmatch(rf"((?:{_LCZ}?{_CODE}[ .:()-]*)?){short}((?: {_THING})*)", plain)
        if found:
            return f"{found[1]}{re.sub(short, name, plain[found.end(1) : found.start(found.re.groups)])}"
    return plain


def _classes_in(plain: str) -> list[int]:
    """The classes that a text names, in its order; empty where it is no name of classes."""
    attached = _ATTACHED.match(plain)
    first = attached or _MENTION.match(plain)
    if first is None:
        return []
    found, end = [_mentioned(first)], first.end()
    while after := _NEXT.match(plain[end:]):
        if after["name"] or after["code"]:
            bare = after["code"] and not after["lcz"]
            rest = plain[end + after.end() :]
            # "LCZ 6 a park" and "LCZ 6 - 12 Main Street" name one class
            loose = not re.search(_STRONG, after["join"]) and re.match(r"[ .-]*[a-z0-9]", rest)
            if bare and loose and not re.match(rf"[ .-]*{_STRONG}", rest):
                break
            found.append(_mentioned(after))
        end += after.end()
    rest = plain[end:]
    # what stands further behind counts where it cannot be anything but a class
    for later in _MENTION.finditer(rest):
        if later["lcz"] or (later["name"] and " " in later["name"]):
            found.append(_mentioned(later))
    told = attached or first.groupdict().get("lcz")
    if first.groupdict().get("name"):
        rest = re.sub(rf"^(?:[ -]*\b{_THING}\b)+", "", rest)
    if not told and re.sub(r"\([^()]*\)|[ .?!()]", "", rest):
        return []  # "6 Main Street", "water tower"
    return list(dict.fromkeys(found))


def _mentioned(match: re.Match[str]) -> int:
    name = match.groupdict().get("name")
    if name:
        return next(n for p, n in _NAMES.items() if re.fullmatch(p, name))
    return _number(match["code"])


def _number(code: str) -> int:
    return lcz_class(code.lstrip("0").upper()).number


_ALIKE = str.maketrans("АВСЕДГЅΑΒΕавсеѕα", "ABCEDGSABEabcesa")
"""Cyrillic and Greek letters that look like, or stand for, those of class codes."""


def _refuse_foreign_letters(text: str) -> None:
    """Say so where a text would name a class if a letter were not of another alphabet."""
    latin = text.translate(_ALIKE)
    if latin == text or not _classes_in(_plain(latin)):
        return
    letter = next(a for a, b in zip(text, latin, strict=True) if a != b)
    alphabet = unicodedata.name(letter).split()[0].capitalize()
    msg = (
        f"{text.strip()!r} is no Local Climate Zone: its letter {letter} is {alphabet}, not Latin; "
        f"type {latin.strip()!r}."
    )
    raise ForeignLetterError(msg)
