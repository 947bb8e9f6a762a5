"""The 17 Local Climate Zones and the numberings in use for them.

The library's own numbering is 1..17 as ``uint8``: 1-10 built types, 11-17 land cover types A-G,
0 no data (Stewart & Oke 2012, doi 10.1175/BAMS-D-11-00019.1; the numbers of WUDAPT's LCZ Generator,
Demuzere et al. 2021, doi 10.3389/fenvs.2021.637455). Files with other numberings are converted
once, where they enter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from lczlib.errors import ClassSchemeError
from lczlib.terms import option

Scheme = Literal["1-17", "101-107", "0-16", "letters"]
"""``1-17``: the library's own. ``101-107``: 1-10 and 101-107 (A-G). ``0-16``: one less than 1-17,
as label arrays of machine-learning data sets. ``letters``: text, ``"1".."10"`` and ``"A".."G"``."""

SCHEMES: tuple[str, ...] = get_args(Scheme)
NUMERIC_SCHEMES = ("1-17", "101-107", "0-16")
NUMBERING = "numbering"
"""The attribute, or metadata item, in which a map states its numbering, beside CF's flags."""
N_CLASSES = 17
NODATA = 0
_FARTHEST = 2**53
"""Whole numbers beyond it cannot be told apart as decimal numbers."""


class AmbiguousNumberingError(ClassSchemeError):
    """Codes fit two numberings with different meaning."""


@dataclass(frozen=True)
class LczClass:
    """One Local Climate Zone.

    Attributes
    ----------
    number : int
        1..17.
    code : str
        ``"1".."10"`` or ``"A".."G"``, as printed in figures.
    name : str
        Name after Stewart & Oke (2012), lower case.
    color : str
        Hex colour of the WUDAPT legend.
    """

    number: int
    code: str
    name: str
    color: str

    @property
    def built(self) -> bool:
        """Whether this is a built type (1-10) and not a land cover type (A-G)."""
        return self.number <= 10

    @property
    def label(self) -> str:
        """Code and name, for legends: ``"LCZ A dense trees"``."""
        return f"LCZ {self.code} {self.name}"

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three integers 0-255."""
        return tuple(bytes.fromhex(self.color[1:]))  # type: ignore[return-value]


CLASSES: tuple[LczClass, ...] = tuple(
    LczClass(number, code, name, color)
    for number, (code, name, color) in enumerate(
        [
            ("1", "compact high-rise", "#8c0000"),
            ("2", "compact mid-rise", "#d10000"),
            ("3", "compact low-rise", "#ff0000"),
            ("4", "open high-rise", "#bf4d00"),
            ("5", "open mid-rise", "#ff6600"),
            ("6", "open low-rise", "#ff9955"),
            ("7", "lightweight low-rise", "#faee05"),
            ("8", "large low-rise", "#bcbcbc"),
            ("9", "sparsely built", "#ffccaa"),
            ("10", "heavy industry", "#555555"),
            ("A", "dense trees", "#006a00"),
            ("B", "scattered trees", "#00aa00"),
            ("C", "bush or scrub", "#648525"),
            ("D", "low plants", "#b9db79"),
            ("E", "bare rock or paved", "#000000"),
            ("F", "bare soil or sand", "#fbf7ae"),
            ("G", "water", "#6a6aff"),
        ],
        start=1,
    )
)

_BY_KEY = {key: c for c in CLASSES for key in (str(c.number), c.code, c.name)} | {
    # 10 before 1..17 lookups: the number and the code "10" are the same class
    str(100 + c.number - 10): c
    for c in CLASSES
    if not c.built
}


def lcz_class(key: int | str) -> LczClass:
    """The class of a number, code or name.

    Parameters
    ----------
    key : int or str
        1..17, 101..107, ``"A"``, ``"lcz a"``, ``"dense trees"``; case and a leading "LCZ" are free.

    Raises
    ------
    ClassSchemeError
        If no class goes by that key.

    Examples
    --------
    >>> lcz_class("LCZ D").number, lcz_class(14).name, lcz_class("G").color
    (14, 'low plants', '#6a6aff')
    """
    text = re.sub(r"^lcz[\s_-]*", "", str(key).strip(), flags=re.IGNORECASE)
    found = _BY_KEY.get(text.upper()) or _BY_KEY.get(re.sub(r"[\s_-]+", " ", text.lower()))
    found = found or _BY_KEY.get(re.sub(r"(mid|low|high) rise", r"\1-rise", text.lower()))
    if found is None:
        msg = (
            f"{key!r} is no Local Climate Zone: use a number 1-17, a code 1-10 or A-G, or a name "
            "such as 'open low-rise'."
        )
        raise ClassSchemeError(msg)
    return found


def _distinct(values: np.ndarray, nodata: float | None) -> tuple[np.ndarray, np.ndarray]:
    """The distinct valid integer codes of an array, and the mask of its valid cells."""
    if values.dtype == bool:
        msg = "A mask of true and false holds no LCZ codes; give the class raster itself."
        raise ClassSchemeError(msg)
    valid = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    if nodata is not None and not np.isnan(nodata):
        valid &= values != nodata
    codes = values[valid]
    distinct = np.unique(codes)
    fractional = distinct[distinct != np.round(distinct)]
    if fractional.size:
        msg = (
            f"LCZ codes must be whole numbers but {fractional[0]:g} was found: the map was resampled "
            "with averaging; resample it with nearest or mode."
        )
        raise ClassSchemeError(msg)
    far = distinct[np.abs(distinct.astype(np.float64)) > _FARTHEST]
    if far.size:
        raise ClassSchemeError(_no_numbers([f"{c:g}" for c in far]))
    return distinct.astype(np.int64), valid


def _no_numbers(stray: Sequence[object]) -> str:
    """What is said of codes that no numbering has."""
    return (
        f"Codes [{', '.join(map(str, stray[:5]))}] are no LCZ numbers, in whichever numbering "
        f"({', '.join(NUMERIC_SCHEMES)}): correct them, or take the column that holds the class."
    )


def detect_scheme(codes: Iterable[int], *, zero_is_nodata: bool = False) -> Scheme:
    """The numbering that a set of integer codes is written in.

    Parameters
    ----------
    codes : iterable of int
        The distinct codes of a map, its declared no-data value left out.
    zero_is_nodata : bool
        Whether the file declares 0 as no data, so that a 0 cannot be a class.

    Returns
    -------
    Scheme
        Codes 1..10 alone mean the same in ``1-17`` and ``101-107``, and give ``1-17``.

    Raises
    ------
    AmbiguousNumberingError
        If the codes fit both ``1-17`` and ``0-16`` with different meaning.
    ClassSchemeError
        If the codes fit no numbering.

    Examples
    --------
    >>> detect_scheme([2, 6, 101, 107])
    '101-107'
    >>> detect_scheme([3, 6, 14, 17])
    '1-17'
    """
    present = {int(c) for c in codes}
    positive = present - {0}
    if not positive:
        msg = "No LCZ code was found: every cell is no data or 0."
        raise ClassSchemeError(msg)
    if any(101 <= c <= 107 for c in positive):
        stray = sorted(c for c in positive if not (1 <= c <= 10 or 101 <= c <= 107))
        if stray:
            msg = (
                f"Codes 101-107 stand beside {stray[:5]}, which that numbering does not have: "
                "correct the file."
            )
            raise ClassSchemeError(msg)
        return "101-107"
    stray = sorted(c for c in present if not 0 <= c <= N_CLASSES)
    if stray:
        raise ClassSchemeError(_no_numbers(stray))
    if N_CLASSES in present or zero_is_nodata or (max(positive) <= 10 and 0 not in present):
        return "1-17"
    if 0 in present:
        why = "code 0 may be compact high-rise (numbering 0-16) or no data (1-17)"
    else:
        why = f"codes {min(present)}-{max(present)} without 0 and 17 fit 1-17 and 0-16 alike"
    msg = (
        f"The class numbering is ambiguous: {why}; say which with "
        f"{option('scheme', '1-17')} or {option('scheme', '0-16')}."
    )
    raise AmbiguousNumberingError(msg)


def to_standard(
    values: np.ndarray, scheme: Scheme | None = None, *, nodata: float | None = None
) -> np.ndarray:
    """Convert class codes of any numbering to 1..17 with 0 for no data.

    Parameters
    ----------
    values : array of numbers or text, any shape
        Class codes. NaN is no data; in text, an empty string is.
    scheme : Scheme, optional
        The numbering; detected when not given.
    nodata : float, optional
        The file's no-data value.

    Returns
    -------
    array of uint8, same shape

    Raises
    ------
    ClassSchemeError
        If codes are fractional, out of range, or the numbering is ambiguous.

    Examples
    --------
    >>> import numpy as np
    >>> to_standard(np.array([[1.0, 101.0], [107.0, -1.0]]), nodata=-1)
    array([[ 1, 11],
           [17,  0]], dtype=uint8)
    """
    values = np.asarray(values)
    if scheme is not None and scheme not in SCHEMES:
        msg = f"{scheme!r} is no class numbering: use one of {', '.join(SCHEMES)}."
        raise ClassSchemeError(msg)
    if values.dtype.kind in "OUS":
        return _from_text(values)
    if scheme == "letters":
        msg = "Numbering 'letters' was asked for but the codes are numbers; use 1-17, 101-107 or 0-16."
        raise ClassSchemeError(msg)
    distinct, valid = _distinct(values, nodata)
    out = np.zeros(values.shape, np.uint8)
    if not distinct.size:
        return out
    if scheme is None:
        if nodata is None and not (distinct > 0).any() and (distinct == 0).any():
            return out
        scheme = detect_scheme(distinct, zero_is_nodata=nodata == 0)
    table = lookup(scheme)
    stray = [int(c) for c in distinct if int(c) not in table]
    if stray:
        msg = (
            f"Codes {stray[:5]} are not in the numbering {scheme}: say another ({option('scheme')}), or correct "
            "them."
        )
        raise ClassSchemeError(msg)
    low = int(distinct.min())
    lut = np.zeros(int(distinct.max()) - low + 1, np.uint8)
    for code in distinct:
        lut[int(code) - low] = table[int(code)]
    out[valid] = lut[values[valid].astype(np.int64) - low]
    return out


def lookup(scheme: Scheme) -> dict[int, int]:
    """Class 1..17, or 0 for no data, of each code of a numeric numbering."""
    if scheme == "0-16":
        return {c.number - 1: c.number for c in CLASSES}
    if scheme == "101-107":
        return {c.number if c.built else c.number + 90: c.number for c in CLASSES} | {0: NODATA}
    return {c.number: c.number for c in CLASSES} | {0: NODATA}


def in_scheme(codes: np.ndarray, scheme: Scheme) -> tuple[np.ndarray, int]:
    """Codes 1..17 in another numbering of whole numbers, and its value for no data.

    Parameters
    ----------
    codes : array of int, any shape
        Classes 1..17, 0 for no data.
    scheme : Scheme
        ``1-17``, ``101-107`` or ``0-16``.

    Returns
    -------
    array of uint8, same shape
    int
        0, and 255 where 0 is a class.

    Raises
    ------
    ClassSchemeError
        If it is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> in_scheme(np.array([2, 11, 0], np.uint8), "101-107")
    (array([  2, 101,   0], dtype=uint8), 0)
    """
    if scheme not in NUMERIC_SCHEMES:
        msg = (
            f"{scheme!r} is no numbering of whole numbers: use one of {', '.join(NUMERIC_SCHEMES)}."
        )
        raise ClassSchemeError(msg)
    nodata = 255 if scheme == "0-16" else NODATA
    table = np.full(256, nodata, np.uint8)
    for code, number in lookup(scheme).items():
        if number:
            table[number] = code
    return table[codes], nodata


def _from_text(values: np.ndarray) -> np.ndarray:
    """Codes or names as text to 1..17; empty text and None are no data."""
    out = np.zeros(values.shape, np.uint8)
    for index, value in np.ndenumerate(values):
        text = "" if value is None or value != value else str(value).strip()
        out[index] = lcz_class(text).number if text else NODATA
    return out
