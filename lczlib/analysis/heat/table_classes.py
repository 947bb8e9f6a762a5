"""The numbering of classes that a table of stations or of hand-set classes states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from lczlib.class_names import class_of_value
from lczlib.classes import lookup
from lczlib.errors import ClassSchemeError, InputError
from lczlib.tables import numbers

TableScheme = Literal["1-17", "101-107", "0-16"]
"""Numberings of tables: as of rasters. Codes with letters and names are read in all of them."""
TABLE_SCHEMES: tuple[str, ...] = get_args(TableScheme)


def reader_of_classes(
    values: pd.Series, scheme: TableScheme | None, path: Path
) -> Callable[[object], int]:
    """What turns a cell of a column into a class 1..17, or 0 where it is empty.

    Parameters
    ----------
    values : Series
        The whole column.
    scheme : str, optional
        As stated by the user.
    path : path
        For messages.

    Raises
    ------
    InputError
        If the scheme is none, or 0 is among numbers up to 16 and none is stated: it may be LCZ 1, or no
        class.
    """
    if scheme is not None and scheme not in TABLE_SCHEMES:
        msg = f"{scheme!r} is no numbering of a table: use one of {', '.join(TABLE_SCHEMES)}."
        raise InputError(msg)
    as_numbers = numbers(values)
    codes = as_numbers.values.dropna()
    if (
        scheme is None
        and not len(as_numbers.unread)
        and (codes == 0).any()
        and codes.between(0, 16).all()
    ):
        zeros = int((codes == 0).sum())
        if zeros < len(codes):
            msg = (
                f"{path} has the number 0 in its column of classes ({zeros:,} of {len(codes):,} stations), which "
                f"is LCZ 1 where classes are numbered 0-16, or no class: say which with --station-scheme 0-16 or "
                "--station-scheme 1-17."
            )
            raise InputError(msg)
    if scheme != "0-16":
        return class_of_value
    table = lookup("0-16")

    def read(value: object) -> int:
        number = numbers(pd.Series([value])).values[0]
        if pd.isna(number):
            return class_of_value(value)
        if number not in table:
            msg = f"{value!r} is no number of the numbering 0-16."
            raise ClassSchemeError(msg)
        return table[int(number)]

    return read
