"""Which column of a table holds LCZ classes, and the class that each of its values tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lczlib.class_names import (
    ForeignLetterError,
    SeveralClassesError,
    class_of_text,
    serial_names,
)
from lczlib.classes import (
    N_CLASSES,
    NODATA,
    AmbiguousNumberingError,
    Scheme,
    detect_scheme,
    to_standard,
)
from lczlib.errors import ClassSchemeError, InputError
from lczlib.terms import option

CLASS_COLUMNS = (
    "lcz", "lcz_primary", "lcz1_name", "lcz1", "lcz_class", "lczclass", "lcz_code", "lcz_int",
    "lcz_type", "lcz_name", "class", "class_id", "classid", "value", "label", "code", "gridcode",
    "zone", "type", "name", "folder", "description",
)  # fmt: skip
"""Names under which the class is looked for, in this order, upper and lower case alike; then any
other name with ``lcz`` in it. ``LCZ_PRIMARY`` is GeoClimate's, ``LCZ1_NAME`` that of its older
tables. ``folder`` is the KML folder that a placemark lies in: the WUDAPT template has one folder for
each class."""

_GEOCLIMATE = ("lcz_primary", "lcz_secondary", "lcz1_name")
"""Columns of one program, whose numbers are 1-10 and 101-107 and 0 for none."""

_OTHER_LCZ = re.compile(
    r"second|(?<!\d)2|alt|equal|uniq|dist|prob|conf|qual|cert|entropy|area|share|frac|perc|count|date"
    r"|source|author|old|prev|url|colou?r|note|comment",
)
"""What marks a column with ``lcz`` in its name as another fact than the class."""

_REGION = re.compile(
    r"(?:roi|aoi|(?:region|area) of interest|study (?:area|region|site)|boundary|bounding box|bbox"
    r"|extent|domain|city|city (?:boundary|limits?))(?: *\d+)?"
)
"""Names of the frame around training areas, such as the LCZ Generator's template has it."""

_READABLE = 2 / 3
"""Share of the filled values of a column that must tell a class, for the others to be left out."""

_BY_NAME = "names or codes"
SEVERAL, REGION, UNREADABLE, UNLABELLED = "several", "region", "unreadable", "unlabelled"


@dataclass(frozen=True)
class ClassColumn:
    """The classes that a column tells.

    Attributes
    ----------
    name : str
        Of the column.
    codes : array (n,), uint8
        1..17, 0 where there is none.
    why : array (n,) of str
        Why there is none: ``unlabelled``, ``several`` (names two classes), ``region`` (the frame
        around the areas), ``unreadable`` (names no class); empty where there is one.
    numbering : str
        In words.
    examples : dict of str to list of str
        The first values of each reason.
    unsure : bool
        Whether 0 was taken for unlabelled, and might be a class.
    """

    name: str
    codes: np.ndarray
    why: np.ndarray
    numbering: str
    examples: dict[str, list[str]] = field(default_factory=dict)
    unsure: bool = False

    @property
    def by_name(self) -> bool:
        """Whether the classes are told by texts, whose meaning is certain, and not by numbers."""
        return self.numbering == _BY_NAME

    def quoted(self, why: str, most: int = 3) -> str:
        """Some of the values of a reason, in quotation marks."""
        shown = self.examples.get(why, [])
        more = ", ..." if len(shown) > most else ""
        return ", ".join(repr(t) for t in shown[:most]) + more


def is_of_geoclimate(columns: Iterable[object]) -> bool:
    """Whether a table has the columns of GeoClimate, which maps a whole place with polygons."""
    return bool(set(_GEOCLIMATE) & {str(c).casefold() for c in columns})


def class_column(
    table: pd.DataFrame,
    column: str | None,
    scheme: Scheme | None,
    path: object,
    *,
    zero_unlabelled: bool = False,
) -> ClassColumn:
    """The column of a table that holds the classes.

    Parameters
    ----------
    table : DataFrame
        Without its geometry.
    column : str, optional
        Its name; found when not given.
    scheme : Scheme, optional
        Numbering of numeric classes.
    path : object
        Named in messages.
    zero_unlabelled : bool
        Whether a number 0 is no class where it might be the first of 0-16; refused otherwise, as in maps.

    Raises
    ------
    InputError
        If no column holds the class, or two do and differ.
    ClassSchemeError
        If the named column holds something that is no LCZ, or the numbering is ambiguous.
    """
    columns = [str(c) for c in table.columns]
    if column is not None:
        if column not in columns:
            msg = f"{path} has no column {column!r}: it has {', '.join(columns)}."
            raise InputError(msg)
        try:
            return _read(column, table[column], scheme, zero_unlabelled=zero_unlabelled)
        except ClassSchemeError as err:
            msg = f"{path}, column {column!r}: {err}"
            raise ClassSchemeError(msg) from err
    found, refused, errors = [], [], {}
    for name in _candidates(columns):
        try:
            read = _read(name, table[name], scheme, zero_unlabelled=zero_unlabelled)
        except ClassSchemeError as err:
            refused.append(f"{name!r} does not ({_short(err)})")
            errors[name] = err
            continue
        if not read.codes.any():
            refused.append(f"{name!r} is empty")
            continue
        found.append(read)
        if name.lower() == "lcz":
            break
    unsure = [n for n, err in errors.items() if isinstance(err, AmbiguousNumberingError)]
    if unsure and not any(c.by_name for c in found):
        msg = f"{path}, column {unsure[0]!r}: {errors[unsure[0]]}"
        raise ClassSchemeError(msg)
    own = [c for c in found if "lcz" in c.name.lower()]
    found = own or found
    if found:
        # where several tell the same, the one that tells most; where they differ, nobody knows
        for other in found[1:]:
            both = (found[0].codes > 0) & (other.codes > 0)
            if (found[0].codes != other.codes)[both].any():
                msg = (
                    f"Columns {found[0].name!r} and {other.name!r} of {path} both read as LCZ classes "
                    f"and differ: say which one holds the class with {option('column')}."
                )
                raise InputError(msg)
        return max(found, key=lambda c: int((c.codes > 0).sum()))
    if not columns:
        msg = f"{path} has shapes but no columns: give each its LCZ class in a column named lcz."
        raise InputError(msg)
    twofold = next((n for n, err in errors.items() if isinstance(err, SeveralClassesError)), None)
    if twofold is not None:
        msg = (
            f"No class of {path} can be told: names in column {twofold!r} are of two classes "
            f"({_short(errors[twofold])}); give each feature a name of one."
        )
        raise InputError(msg)
    why = f"; {'; '.join(refused)}" if refused else ""
    msg = (
        f"No column of {path} holds LCZ classes{why}: name the column with {option('column')}, "
        f"one of {', '.join(columns)}."
    )
    raise InputError(msg)


def _short(err: ClassSchemeError) -> str:
    text = str(err)
    return text.rstrip(".") if isinstance(err, ForeignLetterError) else text.split(":")[0]


def _candidates(columns: list[str]) -> list[str]:
    by_lower = {c.lower(): c for c in reversed(columns)}
    known = [by_lower[c] for c in CLASS_COLUMNS if c in by_lower]
    others = [
        c for c in columns
        if "lcz" in c.lower() and c not in known and not _OTHER_LCZ.search(c.lower())
    ]  # fmt: skip
    own = [c for c in known if "lcz" in c.lower()]
    return own + others + [c for c in known if c not in own]


def _read(
    name: str, values: pd.Series, scheme: Scheme | None, *, zero_unlabelled: bool
) -> ClassColumn:
    """The classes of a column.

    Raises
    ------
    ClassSchemeError
        If its numbers are no numbering, or a third of its texts or more name no class.
    """
    filled = _filled(values)
    numeric = pd.to_numeric(values, errors="coerce")
    if numeric.notna().any() and not (numeric.isna() & filled).any():
        numbers = numeric.to_numpy(float)
        # no numbering counts below 0, and 255 is the empty byte
        numbers = np.where((numbers < 0) | (numbers == 255), np.nan, numbers)
        nodata = None if scheme == "0-16" else 0
        codes = to_standard(numbers, scheme, nodata=nodata)
        present = np.unique(numbers[np.isfinite(numbers)])
        unsure = False
        if scheme is None and 0 in present and codes.any() and name.lower() not in _GEOCLIMATE:
            try:
                detect_scheme(present)  # as in maps, 0 may be the first class or none
            except AmbiguousNumberingError:
                if not zero_unlabelled:
                    raise
                unsure = True
        high = np.nanmax(numbers) if np.isfinite(numbers).any() else 0
        numbering = scheme or ("101-107" if high > N_CLASSES else "1-17")
        numbering = numbering.replace("101-107", "1-10 and 101-107")
        why = np.where(codes == NODATA, UNLABELLED, "").astype(object)
        return ClassColumn(name, codes, why, f"numbers {numbering}", unsure=unsure)
    texts = values.astype("string").where(filled, "")
    return _of_texts(name, texts, filled)


def _of_texts(name: str, texts: pd.Series, filled: np.ndarray) -> ClassColumn:
    distinct = [str(t) for t in texts[filled].unique()]
    known: dict[str, tuple[int, str]] = {"": (NODATA, UNLABELLED)}
    refused: dict[str, ClassSchemeError] = {}
    serial = serial_names(distinct)
    for text in distinct:
        if text in serial:
            known[text] = (serial[text], "")
        elif _REGION.fullmatch(text.strip().lower()):
            known[text] = (NODATA, REGION)
        else:
            known[text] = _tell(text, refused)
    told = texts.map(known)
    codes = np.array([c for c, _ in told], np.uint8)
    why = np.array([w for _, w in told], object)
    n_read, n_other = int((codes > 0).sum()), int((why == UNREADABLE).sum())
    n_several = int((why == SEVERAL).sum())
    strict = [e for t, e in refused.items() if isinstance(e, ForeignLetterError) or t.isdecimal()]
    if strict:
        raise strict[0]
    if n_other and n_read < _READABLE * (n_read + n_other):
        raise next(e for t, e in refused.items() if known[t][1] == UNREADABLE)
    if n_several and not n_read:
        raise next(e for t, e in refused.items() if known[t][1] == SEVERAL)
    examples = {
        cause: [t for t in distinct if known[t][1] == cause]
        for cause in (SEVERAL, REGION, UNREADABLE)
    }
    return ClassColumn(name, codes, why, _BY_NAME, examples)


def _tell(text: str, refused: dict[str, ClassSchemeError]) -> tuple[int, str]:
    try:
        code = class_of_text(text)
    except SeveralClassesError as err:
        refused[text] = err
        return NODATA, SEVERAL
    except ClassSchemeError as err:
        refused[text] = err
        return NODATA, UNREADABLE
    return code, "" if code else UNLABELLED


def _filled(values: pd.Series) -> np.ndarray:
    return (values.notna() & (values.astype("string").str.strip().fillna("") != "")).to_numpy(bool)
