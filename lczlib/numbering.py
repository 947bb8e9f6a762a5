"""Which class each code of a map is: by its numbering, its legend, and what is told of both.

A map is judged by its distinct codes and how many cells hold each, never by its pixels, so that a map of
any size is judged alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from lczlib.classes import CLASSES, N_CLASSES, NODATA, detect_scheme, lookup
from lczlib.errors import ClassSchemeError
from lczlib.legend_files import FoundLegend
from lczlib.legends import LAND_COVERS, Verdict, colors_say, legend_text, names_say
from lczlib.terms import option, settings_in

MapScheme = Literal["1-17", "101-107", "0-16", "wrf"]
"""Numberings of rasters. ``wrf``: LU_INDEX of the Weather Research and Forecasting model, 31-40 or 51-60
for LCZ 1-10 and 41 or 61 for LCZ E, beside land use 1-24, which is no LCZ (Demuzere et al. 2022, w2w,
doi 10.21105/joss.04432)."""
MAP_SCHEMES: tuple[str, ...] = get_args(MapScheme)

_MOST_FILLS = 3


@dataclass(frozen=True)
class Codes:
    """The distinct codes of a map that are not known to be no data.

    Attributes
    ----------
    values : array (n,)
        In rising order, scale and offset applied.
    counts : array (n,)
        Cells that hold each.
    dtype : dtype
        As stored in the file.
    missing : int
        Cells that are no data for certain: declared, NaN or infinite.
    zero_declared : bool
        Whether 0 is declared as no data, so that it cannot be a class.
    """

    values: np.ndarray
    counts: np.ndarray
    dtype: np.dtype
    missing: int = 0
    zero_declared: bool = False


@dataclass(frozen=True)
class Meaning:
    """What the codes of a map mean, and how that is known.

    Attributes
    ----------
    classes : mapping of int to int
        Class of each code, 0 for no data.
    numbering : str
        One of `MAP_SCHEMES`, or ``own legend``.
    known_by : str
        ``as stated``, ``as its file states``, ``by its codes``, ``by the names in lcz.qml``.
    legend : str
        What names and colours say, in words.
    certain : bool
        Whether more than the codes themselves speaks for it.
    fills : tuple of int
        Codes taken for no data that nobody declared.
    cautions : tuple of str
    """

    classes: Mapping[int, int]
    numbering: str
    known_by: str
    legend: str = ""
    certain: bool = False
    fills: tuple[int, ...] = ()
    cautions: tuple[str, ...] = field(default=())


def meaning_of(
    codes: Codes,
    scheme: MapScheme | None = None,
    legend: Mapping[int, int] | None = None,
    found: Sequence[FoundLegend] = (),
) -> Meaning:
    """What the codes of a map mean.

    Parameters
    ----------
    codes : Codes
        What the map holds.
    scheme, legend : optional
        As stated by the user: the last word.
    found : sequence of FoundLegend
        Names and colours in the file and beside it.

    Raises
    ------
    ClassSchemeError
        If codes fit no numbering, or several with different meaning; if names or colours say that they
        mean something else.
    """
    present = _whole(codes.values)
    stated = next((f.numbering for f in found if f.numbering in MAP_SCHEMES), "")
    if not present or (present == [0] and legend is None and (scheme or stated) != "0-16"):
        return _empty()
    fills = tuple(c for c in present if is_fill(c, codes.dtype))
    fills = fills if len(fills) <= _MOST_FILLS else ()
    if legend is not None:
        return _by_legend(present, fills, legend)
    if scheme is not None:
        return _by_scheme(present, fills, scheme, found)
    return _found_out(present, fills, found, stated, zero_is_nodata=codes.zero_declared)


def _empty(fills: Sequence[int] = ()) -> Meaning:
    caution = f"It holds no class: is this the right file, and the right band ({option('band')})?"
    classes = {0: NODATA} | dict.fromkeys(fills, NODATA)
    return Meaning(classes, "", "", "", True, tuple(fills), (caution,))


def _whole(values: np.ndarray) -> list[int]:
    fractional = values[values != np.round(values)]
    if fractional.size:
        msg = (
            f"LCZ codes must be whole numbers but {fractional[0]:g} was found: it is no class map, or it "
            "was resampled with averaging; give the map itself, or resample it with nearest or mode."
        )
        raise ClassSchemeError(msg)
    return [int(v) for v in values]


def is_fill(code: int, dtype: np.dtype) -> bool:
    """Whether a code is what programs write where there is nothing, and no class of any numbering.

    Below zero; the ends of the type, and one less (254); nines (99, 9999); beyond 1000.
    """
    ends = (np.iinfo(dtype).max, np.iinfo(dtype).max - 1) if dtype.kind in "iu" else ()
    nines = code > 90 and set(str(code)) == {"9"}
    return code < 0 or code in ends or code in (127, 128, 254, 255) or nines or code > 1000


def _by_legend(present: list[int], fills: tuple[int, ...], legend: Mapping[int, int]) -> Meaning:
    fills = tuple(c for c in fills if c not in legend)
    classes = {0: NODATA} | dict.fromkeys(fills, NODATA) | dict(legend)
    stray = [c for c in present if c not in classes]
    if stray:
        msg = (
            f"codes {_few(stray)} are not in the legend {legend_text(legend)}: add what they mean, as in "
            f"{option('legend', f'{legend_text(legend)},{stray[0]}=CLASS')}, or {stray[0]}=0 for no data."
        )
        raise ClassSchemeError(msg)
    return Meaning(classes, "own legend", "as stated", certain=True, fills=fills)


def _by_scheme(
    present: list[int], fills: tuple[int, ...], scheme: str, found: Sequence[FoundLegend]
) -> Meaning:
    if scheme not in MAP_SCHEMES:
        msg = f"{scheme!r} is no numbering of rasters: use one of {', '.join(MAP_SCHEMES)}."
        raise ClassSchemeError(msg)
    table = _table(scheme)
    fills = tuple(c for c in fills if c not in table)
    stray = [c for c in present if c not in table and c not in fills]
    others = (s for s in MAP_SCHEMES if s != "wrf")  # which takes any land use
    other = next((s for s in others if all(c in _table(s) or c in fills for c in present)), "")
    if stray and other:
        msg = (
            f"codes {_few(stray)} are not in the numbering {scheme}, but all are in {other}: say that of this "
            f"map ({option('scheme', other)}), or what each code means ({option('legend', f'{stray[0]}=CLASS,...')})."
        )
        raise ClassSchemeError(msg)
    if stray:
        msg = (
            f"codes {_few(stray)} are not in the numbering {scheme}: name the no-data value "
            f"({option('nodata', stray[0])}), another numbering ({option('scheme')}), or what each code means "
            f"({option('legend')} "
            f"{stray[0]}=CLASS,...)."
        )
        raise ClassSchemeError(msg)
    classes = table | dict.fromkeys(fills, NODATA)
    against = [
        v.source for v in _verdicts([c for c in present if c not in fills], classes, found)
        if v.says == "something else" or _differing(v, classes)
    ]  # fmt: skip
    cautions = tuple(
        f"The numbering {scheme} is as stated, against the {source}." for source in against
    )
    return Meaning(classes, scheme, "as stated", certain=True, fills=fills, cautions=cautions)


def _found_out(
    present: list[int],
    fills: tuple[int, ...],
    found: Sequence[FoundLegend],
    stated: str,
    *,
    zero_is_nodata: bool,
) -> Meaning:
    named = {c for f in found for c, n in names_say(f, present).classes.items() if n}
    fills = tuple(c for c in fills if c not in named)
    codes = [c for c in present if c not in fills]
    if not codes or (codes == [0] and 0 not in named and stated != "0-16"):
        return _empty(fills)
    if stated and (foreign := [c for c in codes if c not in _table(stated)]):
        msg = (
            f"its metadata state the numbering {stated}, which has no {_few(foreign)}: it was changed since; say "
            f"its numbering ({option('scheme')}), or what each code means ({option('legend')})."
        )
        raise ClassSchemeError(msg)
    try:
        scheme, why = stated or _detected(codes, zero_is_nodata=zero_is_nodata), ""
    except ClassSchemeError as err:
        scheme, why = "", err.message
        if "legend" not in settings_in(why):  # ambiguous: it may be neither of the two
            why = f"{why[:-1]}; or, if it has a legend of its own, what its codes mean ({option('legend')})."
    verdicts = _verdicts(codes, _table(scheme) if scheme else {}, found)
    against = [v for v in verdicts if v.says == "something else"]
    if not (scheme or against):  # then colours are judged by all that the codes may be
        may_be = [t for t in map(_table, ("1-17", "0-16")) if all(c in t for c in codes)]
        each = [_verdicts(codes, table, found) for table in may_be]
        each = [[v for v in told if v.says == "something else"] for told in each]
        against = each[0] if each and all(each) else []
    if against:
        raise ClassSchemeError(_no_lcz(against[0], codes))
    if not scheme:
        fitting = (
            [s for s in ("1-17", "0-16", "101-107") if _fits(s, codes, found)] if verdicts else []
        )
        if len(fitting) == 1:
            how = f"by the {verdicts[0].source}"
            return _agreed(codes, fills, verdicts, fitting[0], how)
        if not verdicts or fitting:
            raise ClassSchemeError(why)
        return _own_legend(codes, fills, verdicts, why)
    for v in verdicts:
        if _differing(v, _table(scheme)):
            raise ClassSchemeError(_other_legend(v, codes, scheme))
    how = "as its file states" if stated else "by its codes"
    return _agreed(codes, fills, verdicts, scheme, how)


def _detected(codes: list[int], *, zero_is_nodata: bool) -> str:
    """The numbering of codes, or what is wrong with them."""
    nonzero = [c for c in codes if c]
    for low in (31, 51):  # three urban types at least: a few such codes are in many legends
        if set(nonzero) <= set(range(low, low + 11)) and sum(c < low + 10 for c in nonzero) > 2:
            return "wrf"
    stray = [c for c in nonzero if not (1 <= c <= N_CLASSES or 101 <= c <= 107)]
    if not stray:
        return detect_scheme(codes, zero_is_nodata=zero_is_nodata)
    text = ",".join(f"{c:.12g}=CLASS" for c in stray[:3]) + (",..." if len(stray) > 3 else "")
    msg = f"codes {_few(stray)} are no LCZ numbers"
    if _is_wrf(nonzero):
        msg += (
            ". They may be WRF's LU_INDEX, whose built types are LCZ 1-10 and whose other land use is no "
            f"LCZ: {option('scheme', 'wrf')}; or"
        )
    else:
        cover = next((n for n, s in LAND_COVERS if set(nonzero) <= s and len(stray) > 1), None)
        msg += f", but those of {cover}, perhaps: give an LCZ map; or" if cover else ":"
    fills = ",".join(f"{c:.12g}" for c in stray[:3])
    ways = f"({option('nodata', fills)}), or what the codes mean ({option('legend', text)})."
    raise ClassSchemeError(f"{msg} name the no-data value {ways}")


def _is_wrf(codes: Sequence[int]) -> bool:
    """Whether codes are land use 1-24 and at least two of WRF's urban LCZ."""
    return any(
        set(codes) <= {*range(1, 25), *range(low, low + 11)} and sum(c >= low for c in codes) > 1
        for low in (31, 51)
    )


def _table(scheme: str) -> dict[int, int]:
    """Class of each code of a numbering, 0 for no data."""
    if scheme != "wrf":
        return lookup(scheme)  # type: ignore[arg-type]
    urban = {low + n: n + 1 for low in (31, 51) for n in range(10)} | {41: 15, 61: 15}
    return dict.fromkeys(range(25), NODATA) | urban


def _verdicts(
    codes: Sequence[int], table: Mapping[int, int], found: Sequence[FoundLegend]
) -> list[Verdict]:
    """What each legend says that says anything: its names, or else its colours."""
    out = []
    for f in found:
        verdict, colored = names_say(f, codes), colors_say(f, [c for c in codes if c], table)
        # names that tell no class, in the colours of LCZ, may be in a language that is not known here
        strange = verdict.says == "something else" and not any(verdict.classes.values())
        if verdict.says == "nothing" or (strange and colored.says == "classes"):
            verdict = colored
        if verdict.says != "nothing":
            out.append(verdict)
    return out


def _differing(verdict: Verdict, table: Mapping[int, int]) -> bool:
    """Whether a legend gives codes another class than the numbering does."""
    return any(n != table.get(c) for c, n in verdict.classes.items() if c or n)


def _fits(scheme: str, codes: Sequence[int], found: Sequence[FoundLegend]) -> bool:
    table = _table(scheme)
    verdicts = _verdicts(codes, table, found)
    by_name = [v for v in verdicts if not v.by_color]
    if table.get(0) and 0 in codes and by_name and not any(0 in v.classes for v in by_name):
        return False  # what has no name beside codes that have is no class
    return all(c in table for c in codes) and not any(
        v.says == "something else" or _differing(v, table) for v in verdicts
    )


def _agreed(
    codes: Sequence[int], fills: Sequence[int], verdicts: Sequence[Verdict], scheme: str, how: str
) -> Meaning:
    classes = _table(scheme) | dict.fromkeys(fills, NODATA)
    unclear = {c: n for v in verdicts for c, n in v.unclear.items() if c in codes}
    cautions = ()
    if unclear:
        listed = ", ".join(f"{c} {n!r}" for c, n in list(unclear.items())[:4])
        cautions = (
            f"The legend names {listed}, which tells no single LCZ: taken by the numbering {scheme}; if that is "
            f"wrong, say what the codes mean with {option('legend')}.",
        )
    sources = " and ".join(dict.fromkeys(v.source for v in verdicts))
    said = f"{sources} {_verb(sources, 'agree')}" if sources else "no names or colours of classes"
    certain = bool(verdicts) or scheme == "wrf" or how == "as its file states"
    return Meaning(classes, scheme, how, said, certain, tuple(fills), cautions)


def _own_legend(
    codes: Sequence[int], fills: Sequence[int], verdicts: Sequence[Verdict], why: str
) -> Meaning:
    """The legend that names give to codes of no numbering; colours alone are not enough for that."""
    first = next((v for v in verdicts if not v.by_color), verdicts[0])
    classes = dict(first.classes)
    text = legend_text(classes)
    for other in verdicts:
        if any(classes.get(c, n) != n for c, n in other.classes.items()):
            own = f"its {first.source} {_verb(first.source, 'say')} {text}"
            msg = (
                f"{own}, and its {other.source} {legend_text(other.classes)}: name the right legend, as in "
                f"{option('legend', text)}."
            )
            raise ClassSchemeError(msg)
    unknown = [c for c in codes if c and c not in classes]
    if unknown or first.by_color:
        more = "".join(f",{c}=CLASS" for c in unknown)
        msg = f"{why} Its {first.source} {_verb(first.source, 'say')}: {option('legend', text)}{more}."
        raise ClassSchemeError(msg)
    classes = {0: NODATA} | classes | dict.fromkeys(fills, NODATA)
    return Meaning(classes, "own legend", f"by the {first.source}", "", True, tuple(fills))


def _other_legend(v: Verdict, codes: Sequence[int], scheme: str) -> str:
    told = {c: v.classes.get(c) for c in codes if c or v.classes.get(c)}
    text = ",".join(
        f"{c}={'CLASS' if n is None else CLASSES[n - 1].code if n else 0}" for c, n in told.items()
    )
    return (
        f"its codes would be read as LCZ in the numbering {scheme}, which is against the {v.source}: it has "
        f"a legend of its own. Take that with {option('legend', text)}, or the codes as they stand with "
        f"{option('scheme', scheme)}."
    )


def _no_lcz(v: Verdict, codes: Sequence[int]) -> str:
    if v.unclear:
        listed = ", ".join(f"{c} {n!r}" for c, n in list(v.unclear.items())[:3])
        what = f"its {v.source} {_verb(v.source, 'call')} the codes {listed}, which are no Local Climate Zones"
    else:
        what = (
            f"its {v.source} {_verb(v.source, 'are', 'is')} none of Local Climate Zones: land cover, counts or "
            "heights, perhaps"
        )
    coded = [c for c in codes if c]
    text = ",".join(f"{c}=CLASS" for c in coded[:4]) + (",..." if len(coded) > 4 else "")
    return (
        f"{what}. Give an LCZ map; if it is one, say what the codes mean ({option('legend', text)}), or that its "
        f"numbers are those of LCZ ({option('scheme', '1-17')})."
    )


def _verb(source: str, several: str, one: str = "") -> str:
    """What a legend does: category names ``agree``, a colour table ``agrees``."""
    many = " and " in source or source.startswith(
        ("names", "colours", "category names", "metadata")
    )
    return several if many else one or f"{several}s"


def _few(codes: Sequence[int]) -> str:
    return f"[{', '.join(f'{c:.12g}' for c in codes[:5])}{', ...' if len(codes) > 5 else ''}]"
