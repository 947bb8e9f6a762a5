"""One door for tables: text, Parquet and vector files, refused from their headers where too large."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from lczlib.errors import InputError
from lczlib.limits import check_size, rows_allowed
from lczlib.reading import Notes, counted
from lczlib.tables.delimited import read_delimited
from lczlib.unreadable import unreadable

TEXTS = (".csv", ".txt", ".tsv", ".tab", ".dat")
"""Endings of text tables."""
_PARQUETS = (".parquet", ".pq", ".geoparquet")
_NUMBER_BYTES, _TEXT_BYTES = 100, 200
"""Memory that a cell takes until stations are computed of it, as measured on millions of rows."""
_TEXT_FILE_FACTOR = 8  # bytes in memory for each byte of a text, however few cells it has
_BLOCK = 1 << 24


def read_table(path: str | Path, what: str = "table") -> pd.DataFrame:
    """Read CSV, Parquet or a vector file as a table; messages call it `what`.

    An index with names (times in a Parquet file of pandas) becomes columns; categories become their
    values. How a text was read is in :func:`read_notes`.

    Raises
    ------
    InputError
        If it is missing, empty, larger than the limit, or cannot be read.
    """
    path = Path(path)
    if not path.is_file() or not path.stat().st_size:
        raise InputError(unreadable(path, what, "table"))
    notes = Notes()
    try:
        table = _read(path, what, notes)
    except InputError:
        raise
    except ImportError as err:
        msg = f"Reading {path} needs pyarrow: `pip install pyarrow`, or convert it to CSV."
        raise InputError(msg) from err
    except Exception as err:  # the readers raise many kinds; the file is at fault in all
        raise InputError(unreadable(path, what, "table")) from err
    repeated = table.attrs.get("repeated", [])
    table = _plain(table)
    if table.empty:
        msg = f"The {what} {path} has no rows: there is nothing to read."
        raise InputError(msg)
    if not notes.said:
        notes.said.append(counted(len(table), "row"))
        notes.facts["rows"] = len(table)
    table.attrs |= {"repeated": repeated, "said": notes.said, "facts": notes.facts}
    return table


def read_notes(table: pd.DataFrame) -> Notes:
    """What :func:`read_table` noted of the file, to be told with what its door finds."""
    return Notes(list(table.attrs.get("said", [])), [], dict(table.attrs.get("facts", {})))


def refuse_repeated(table: pd.DataFrame, names: Iterable[object], path: object) -> None:
    """Refuse a table that has a column it is read by twice: nobody can say which is meant."""
    twice = [n for n in names if n in table.attrs.get("repeated", [])]
    if twice:
        msg = f"{path} has several columns named {twice[0]!r}: remove or rename all but one."
        raise InputError(msg)


def station_name(value: object) -> str:
    """The name of a station, the same in all files: ``00044``, ``44`` and ``44.0`` are one.

    Numbers lose their leading zeros and the ``.0`` that spreadsheets and gaps give them.
    """
    text = str(value).strip()
    number = re.fullmatch(r"0*(\d+)(?:\.0+)?", text)
    return number[1] if number else text


def station_names(values: pd.Series) -> pd.Series:
    """The names of a column of stations, as :func:`station_name` has them."""
    return values.map({value: station_name(value) for value in values.unique()}).astype(object)


def alike_names(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Of names that are not known, those that are in other case or with other blanks.

    Returns
    -------
    dict of str to str
        Name to the known one; only where neither could be another's.

    Examples
    --------
    >>> alike_names(["s01", "S 2", "S3", "s4", "S4 b"], ["S01", "S2", "S3", "S4", "s 4"])
    {'s01': 'S01', 'S 2': 'S2'}
    """

    def by_key(texts: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text in dict.fromkeys(texts):
            found.setdefault(name_key(text), []).append(text)
        return found

    there = by_key(known)
    return {
        own[0]: there[key][0]
        for key, own in by_key(names).items()
        if len(own) == 1 and len(there.get(key, ())) == 1 and own[0] != there[key][0]
    }


def name_key(name: object) -> str:
    """A name without case and blanks."""
    return re.sub(r"\s", "", station_name(name)).casefold()


def _read(path: Path, what: str, notes: Notes) -> pd.DataFrame:
    suffix = path.suffix.lower()
    if suffix in TEXTS:
        _check_text(path, what)
        return read_delimited(path, what, notes)
    if suffix in _PARQUETS:
        return _read_parquet(path, what)
    info = pyogrio.read_info(path)
    rows, columns = info["features"], len(info["fields"]) + 1
    row = columns * _TEXT_BYTES
    check_size(float(max(rows, 0)) * row, path, what, f"{rows:,} rows x {columns} columns")
    with warnings.catch_warnings():
        # which warns of offsets behind times, and reads them right
        warnings.filterwarnings("ignore", "Non-conformant content", RuntimeWarning)
        table = gpd.read_file(path, rows=rows_allowed(row) if rows < 0 else None)
    check_size(
        float(len(table)) * row, path, what, f"{len(table):,} rows x {columns} columns or more"
    )
    return table


def _check_text(path: Path, what: str) -> None:
    """Refuse a text by its size and its cells: commas and line breaks alone make thousands a kilobyte."""
    size = path.stat().st_size
    content = f"{size / 1e6:,.1f} MB of text"
    check_size(_TEXT_FILE_FACTOR * size, path, what, content)
    cells = 0
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            lines = max(block.count(b"\n"), block.count(b"\r"))
            cells += lines + max(block.count(sign) for sign in b",;\t|")
    check_size(cells * _TEXT_BYTES, path, what, f"{content} in {cells:,} cells")


def _read_parquet(path: Path, what: str) -> pd.DataFrame:
    import pyarrow.parquet as pq

    meta = pq.read_metadata(path)
    schema = meta.schema
    kinds = [schema.column(i).physical_type for i in range(len(schema))]
    texts = sum(k in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY") for k in kinds)
    row = texts * _TEXT_BYTES + (len(kinds) - texts) * _NUMBER_BYTES
    content = f"{meta.num_rows:,} rows x {len(kinds)} columns"
    check_size(float(meta.num_rows) * row, path, what, content)
    if b"geo" in (meta.metadata or {}):
        return gpd.read_parquet(path)
    return pd.read_parquet(path)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Without what belongs to a library rather than to the data: index, categories, odd labels."""
    named = any(n is not None for n in table.index.names)
    if named or isinstance(table.index, pd.DatetimeIndex):
        if not named:
            table = table.rename_axis("time")
        double = [n for n in table.index.names if n in table.columns]
        table = table.drop(columns=double).reset_index()
    table.columns = pd.Index([str(c) for c in table.columns], dtype=object)
    for name in table.columns:
        dtype = table[name].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            table[name] = table[name].astype(dtype.categories.dtype)
        elif (
            pd.api.types.is_object_dtype(dtype)
            and not table[name].map(pd.api.types.is_hashable).all()
        ):
            table[name] = table[name].map(str)  # lists and tables in the cells of a Parquet file
    return table
