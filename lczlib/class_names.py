"""The class that a free text tells, such as the name of a KML folder or placemark."""

from __future__ import annotations

import re

from lczlib.classes import CLASSES, NODATA, lcz_class


def class_of_text(text: str) -> int:
    """The class 1..17 that a placemark's or folder's name tells; 0 for "0" and "unlabelled".

    Raises
    ------
    ClassSchemeError
        If the text names no class.

    Examples
    --------
    >>> [class_of_text(t) for t in ("LCZ 6 (2)", "A Dense Trees", "LCZ_G", "103", "open lowrise")]
    [6, 11, 17, 13, 6]
    """
    plain = _plain(text)
    if plain in ("0", "unlabelled", "unlabeled", "unclassified", "none", "no data"):
        return NODATA
    for name, number in _NAMES.items():  # "6 open low rise", "open low rise (lcz 6)"
        if re.fullmatch(
            rf"(?:lcz )?(?:{_codes_of(number)})? ?{name}(?: ?\(?lcz {_codes_of(number)}\)?)?", plain
        ):
            return number
    prefixed = re.match(r"lcz ?(10[1-7]|1[0-7]|[1-9a-g])(?![0-9a-z])", plain)
    return lcz_class(prefixed.group(1).upper() if prefixed else text).number


def _plain(text: str) -> str:
    """Lower case, one blank for any run of blanks, hyphens and underscores, "high rise" in two words."""
    text = re.sub(r"[\s_\-–.:,/]+", " ", text.strip().lower()).strip()
    return re.sub(r"(high|mid|low)rise", r"\1 rise", text).replace("light weight", "lightweight")


_NAMES = {_plain(c.name): c.number for c in CLASSES} | {"bush scrub": 13, "bush": 13, "scrub": 13}


def _codes_of(number: int) -> str:
    c = CLASSES[number - 1]
    codes = {str(number), c.code.lower()} | (set() if c.built else {str(number + 90)})
    return "(?:" + "|".join(sorted(codes)) + ")"
