"""Numbers as people write them: the decimal sign of a whole column, words for missing, what is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from lczlib.errors import InputError
from lczlib.reading import Notes, counted, share

MISSING = frozenset((
    "", "-", "--", "---", "----", ".", "..", "...", "?", "*", "na", "n/a", "n.a.", "#n/a", "#na", "<na>",
    "nan", "-nan", "nat", "null", "(null)", "nil", "none", "m", "missing", "no data", "nodata", "no_data",
    "#value!", "\\n",
))  # fmt: skip
"""Texts, in lower case, that stand for a missing value in files of stations and loggers."""

_COMMA_UNSURE = r"[+-]?[1-9]\d{0,2},\d{3}"
_COMMA_DECIMAL = r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?|[+-]?\d+,|[+-]?\d{1,3}(?:\.\d{3})+,\d+"
_COMMA_GROUPS = r"[+-]?\d{1,3}(?:,\d{3}){2,}|[+-]?\d{1,3}(?:,\d{3})+\.\d*"
_DOT_GROUPS = r"[+-]?\d{1,3}(?:\.\d{3}){2,}|[+-]?\d{1,3}(?:\.\d{3})+,\d*"
_DOT_UNSURE = r"[+-]?[1-9]\d{0,2}\.\d{3}"
_OTHER_GROUPS = r"[+-]?\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d+)?"
_LETTERS_FOR_SIGNS = {
    0x2212: "-",
    0x2012: "-",
    0x2013: "-",
    0xFEFF: "",
    0x200B: "",
} | dict.fromkeys((0xA0, 0x202F, 0x2007, 0x2009), " ")
_UNREAD_SHARE = 0.01
_EXAMPLES = 3


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Attributes
    ----------
    values : Series
        float64; NaN where missing or not readable.
    unread : Series
        The texts that are neither a number nor a word for missing.
    comma : {"", "decimal", "thousands", "unsure"}
        What a comma stands for in this column; empty where there is none.
    """

    values: pd.Series
    unread: pd.Series
    comma: Literal["", "decimal", "thousands", "unsure"]


def clean(values: pd.Series) -> pd.Series:
    """The values as texts: plain spaces and minus signs, nothing around them, empty where missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    texts = values.astype(str).where(values.notna(), "")
    if not texts.str.isascii().all():
        texts = texts.map(lambda t: t.translate(_LETTERS_FOR_SIGNS))
    return texts.astype(object).str.strip()


def numbers(values: pd.Series, *, comma: Literal["", "decimal"] = "") -> Numbers:
    """Read a column as numbers; what its commas and dots stand for is found from all of it.

    ``15,3`` has a decimal comma and ``1,234.5`` commas for thousands. Where every comma stands before
    three digits (``1,234``) it may be either; such values are not read unless `comma` tells.

    Parameters
    ----------
    values : Series
        Numbers, texts or a mixture of both.
    comma : {"", "decimal"}
        What a comma is, where the column leaves it open.
    """
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        floats = values.astype("float64")
        infinite = np.isinf(floats)
        return Numbers(floats.mask(infinite), values[infinite].astype(str), "")
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=False)
    texts = clean(pd.Series(different, dtype=object))  # a text is looked at once
    out = pd.Series(np.nan, texts.index)
    missing = texts.str.lower().isin(MISSING)
    commas = texts.str.contains(",", regex=False)
    out[~commas] = pd.to_numeric(texts[~commas & ~missing], errors="coerce")
    if not commas.any() and (out.notna() | missing).all():  # plain numbers, as in most files
        out = out.mask(np.isinf(out))
        return _of_all(values, codes, texts, out, missing, "")
    unsure = texts.str.fullmatch(_COMMA_UNSURE)
    decimal = texts.str.fullmatch(_COMMA_DECIMAL) & ~unsure
    groups = texts.str.fullmatch(_COMMA_GROUPS)
    kind: Literal["", "decimal", "thousands", "unsure"] = ""
    if decimal.any() and not groups.any():
        kind = "decimal"
    elif groups.any() and not decimal.any():
        kind = "thousands"
    elif commas.any() and not decimal.any():
        kind = comma or "unsure"
    elif decimal.any():
        kind = "unsure"  # both are there: each text that is certain is read, the others are not
    out[decimal] = _floats(texts[decimal].str.replace(".", ""), ",", ".")
    out[groups] = _floats(texts[groups], ",", "")
    if kind in ("decimal", "thousands"):
        out[unsure] = _floats(texts[unsure], ",", "." if kind == "decimal" else "")
    dotted = texts.str.fullmatch(_DOT_GROUPS)
    out[dotted & ~commas] = _floats(texts[dotted & ~commas], ".", "")
    if dotted.any():  # 1.234.567 or 1.234,5 beside it: then 1.234 has a dot for thousands too
        likewise = texts.str.fullmatch(_DOT_UNSURE)
        out[likewise] = _floats(texts[likewise], ".", "")
    other = texts.str.fullmatch(_OTHER_GROUPS)
    joined = texts[other].str.replace(r"[ '’]", "", regex=True)
    out[other] = _floats(joined, ",", "." if kind != "thousands" else "")
    out = out.mask(np.isinf(out))
    return _of_all(values, codes, texts, out, missing, kind)


def _of_all(
    values: pd.Series, codes: np.ndarray, texts: pd.Series, read: pd.Series, missing: pd.Series,
    comma: Literal["", "decimal", "thousands", "unsure"],
) -> Numbers:  # fmt: skip
    """The whole column, from what its different texts (one of them for each code) read as."""
    lost = (read.isna() & ~missing).to_numpy()[codes]
    return Numbers(
        pd.Series(read.to_numpy()[codes], values.index),
        pd.Series(texts.to_numpy()[codes][lost], values.index[lost], dtype=object),
        comma,
    )


def _floats(texts: pd.Series, sign: str, by: str) -> pd.Series:
    return pd.to_numeric(texts.str.replace(sign, by, regex=False), errors="coerce")


def read_numbers(
    values: pd.Series, noun: str, path: object, notes: Notes | None = None
) -> pd.Series:
    """Read a column as numbers, and note how many there are, how many are missing and what is lost.

    Words without a digit (``error``) are taken for missing and named. Of texts with digits at most
    one in a hundred may be unreadable: beyond that the column is not understood.

    Parameters
    ----------
    values : Series
        Numbers or texts.
    noun : str
        What they are, one of them: ``temperature``.
    path : path
        The file, for messages.
    notes : Notes, optional
        Takes the clauses and cautions.

    Returns
    -------
    Series
        float64, NaN where missing.

    Raises
    ------
    InputError
        If too many of the texts are not understood.
    """
    read = numbers(values)
    there = int(read.values.notna().sum())
    digits = read.unread[read.unread.str.contains(r"\d")]
    if len(digits) > _UNREAD_SHARE * max(1, there + len(digits)):
        why = "state them as plain numbers with one decimal sign and without units"
        if digits.str.fullmatch(_COMMA_UNSURE).all():
            why = "the comma may be a decimal sign or stand for thousands; write them with a dot"
        msg = (
            f"{path}: {len(digits):,} of {counted(there + len(digits), noun)} cannot be read as a number "
            f"({examples(digits)}): {why}."
        )
        raise InputError(msg)
    if notes is not None:
        missing = len(values) - there - len(read.unread)
        clause = f"{counted(there, noun)}, {missing:,} missing"
        if read.comma in ("decimal", "thousands"):
            clause += ", decimal comma" if read.comma == "decimal" else ", comma for thousands"
        notes.said.append(clause)
        notes.facts[f"{noun}s_read"] = there
        notes.facts[f"{noun}s_missing"] = missing
        notes.facts[f"{noun}s_unreadable"] = len(read.unread)
        if len(read.unread):
            text = (
                f"{counted(len(read.unread), noun)} of {path} ({share(len(read.unread), len(values))}) "
                f"cannot be read as a number ({examples(read.unread)}) and count as missing."
            )
            notes.cautions.append(text)
    return read.values


def typed(table: pd.DataFrame, *, comma: Literal["", "decimal"] = "") -> tuple[pd.DataFrame, str]:
    """Columns of texts as numbers where all of a column is; the decimal sign is that of the table.

    Whole numbers with leading zeros (``00044``) stay texts: they are names or times.

    Parameters
    ----------
    table : DataFrame
        Texts.
    comma : {"", "decimal"}
        What a comma is, where no column tells and no dot contradicts.

    Returns
    -------
    table : DataFrame
    decimal : {".", ","}
        The sign found.
    """
    read = {c: numbers(table[c]) for c in table.columns}
    by_comma = any(r.comma == "decimal" for r in read.values())
    unique = {c: pd.Series(table[c].unique(), dtype=object).str.strip() for c in table.columns}
    by_dot = any(u.str.fullmatch(r"[+-]?\d+\.\d+").any() for u in unique.values())
    if (by_comma or comma) and not by_dot:
        again = [c for c in table.columns if read[c].comma == "unsure"]
        read |= {c: numbers(table[c], comma="decimal") for c in again}
    out = {}
    for name, column in read.items():
        if len(column.unread) or unique[name].str.fullmatch(r"0\d{2,}").any():
            texts = table[name].str.strip()
            absent = texts.str.lower().isin(("", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null"))
            out[name] = texts.mask(absent)
        elif unique[name].str.fullmatch(r"[+-]?\d{1,18}").all():
            out[name] = table[name].str.strip().astype("int64")
        else:
            out[name] = column.values
    signs = [r.comma for r in read.values()]
    typed_table = pd.DataFrame(out, index=table.index)
    typed_table.attrs |= table.attrs
    return typed_table, "," if "decimal" in signs else "."


def examples(texts: Iterable[object]) -> str:
    """Some different texts in quotes, for a message."""
    different = list(dict.fromkeys(str(t)[:40] for t in texts))
    return ", ".join(repr(t) for t in different[:_EXAMPLES]) + (
        ", ..." if len(different) > _EXAMPLES else ""
    )
