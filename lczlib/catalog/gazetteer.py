"""Names of places as people write them."""

from __future__ import annotations

import unicodedata

_LETTERS = str.maketrans({
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H",
    "ı": "i", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th", "ß": "ss", "ə": "a", "Ə": "A",
})  # fmt: skip
"""Latin letters that Unicode does not take apart into a plain one and a mark."""


def ascii_letters(text: str) -> str:
    """A text in letters without marks, where it is Latin; other scripts stay.

    Examples
    --------
    >>> ascii_letters("Łódź, São Paulo, Đà Nẵng")
    'Lodz, Sao Paulo, Da Nang'
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in apart if not unicodedata.combining(c))
