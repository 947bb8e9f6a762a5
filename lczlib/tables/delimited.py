"""Text tables as loggers, spreadsheets and weather services write them: encoding, separator, header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from lczlib.errors import InputError
from lczlib.reading import Notes, counted
from lczlib.tables.numerals import numbers, typed
from lczlib.unreadable import unreadable

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")
_SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "spaces"}
_SAMPLE = 200


def decoded(raw: bytes) -> tuple[str, str]:
    """The text of a file and its encoding; an `InputError` where it holds no text.

    A byte order mark tells; else UTF-8 where all of it is valid, else Windows-1252, which has the
    letters of Latin-1.
    """
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    if not encoding:
        head = raw[:4096]
        if head and head[1::2].count(0) > 0.4 * len(head):
            encoding = "utf-16-le"
        elif head and head[::2].count(0) > 0.4 * len(head):
            encoding = "utf-16-be"
    for name in (encoding,) if encoding else ("utf-8", "cp1252", "latin-1"):
        try:
            text = raw.decode(name)
        except UnicodeDecodeError as err:
            if name != "utf-8" or err.start < len(raw) - 3:
                continue
            text = raw[: err.start].decode(name)  # cut off within its last letter
        if _CONTROLS.search(text):
            break
        return text, name.removesuffix("-sig")
    msg = "it holds no text"
    raise InputError(msg)


def read_delimited(path: Path, what: str, notes: Notes) -> pd.DataFrame:
    """Read a text table; columns of numbers are numbers, all others texts.

    Raises
    ------
    InputError
        If it is no text, or its rows do not fit its header.
    """
    try:
        text, encoding = decoded(path.read_bytes())
    except InputError as err:
        raise InputError(unreadable(path, what, "table")) from err
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\x1a\n").split("\n")
    told = re.fullmatch(r'"?sep=(.)"?', lines[0].strip())
    lines = [line for line in lines[bool(told) :] if line.strip()]
    comments = [line for line in lines if line.lstrip().startswith("#")]
    rows = [line for line in lines if not line.lstrip().startswith("#")]
    if not rows:
        msg = f"The {what} {path} has no rows: there is nothing to read."
        raise InputError(msg)
    separator, width = _separator(rows[:_SAMPLE], told[1] if told else None)
    header, start = _header(rows, comments, separator, width)
    if len(rows) <= start:
        msg = f"The {what} {path} has a header and no rows: there is nothing to read."
        raise InputError(msg)
    body = _parsed(rows[start:], separator, max(width, len(header)), path, what)
    body = _fitted(body, header, path, what)
    skipped = len(comments) + max(0, start - 1)
    said = f"{counted(len(body), 'row')}, {_SEPARATORS.get(separator, repr(separator))}-separated"
    said = said.replace("spaces-", "space-")
    if encoding not in ("utf-8", "ascii"):
        said += f", {encoding.upper()}"
    if skipped:
        said += f", {counted(skipped, 'line')} before the header or of comments skipped"
    notes.said.append(said)
    table, decimal = typed(body, comma="decimal" if separator == ";" else "")
    notes.facts |= {
        "rows": len(table), "separator": separator, "encoding": encoding, "decimal": decimal,
        "lines_skipped": skipped,
    }  # fmt: skip
    if decimal == ",":
        notes.said.append("decimal comma")
    return table


def _fields(line: str, separator: str) -> list[str]:
    if separator == " ":
        line = re.sub(r"\s+", " ", line.strip())
    return [f.strip() for f in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]


def _separator(rows: list[str], told: str | None) -> tuple[str, int]:
    """What stands between the fields, and how many fields most rows have."""
    best = (0.0, "", 1)
    for separator in (told,) if told else _SEPARATORS:
        widths = Counter(len(_fields(row, separator)) for row in rows)
        width, n = max(
            ((w, n) for w, n in widths.items() if w > 1), default=(1, 0), key=lambda x: (x[1], x[0])
        )
        agreeing = n / len(rows)
        if separator == " " and (best[0] > 0.9 or len(_fields(rows[0], separator)) < 2):
            break  # a space stands within dates and names as well
        if agreeing > best[0]:
            best = (agreeing, separator, width)
    return best[1] or told or ",", best[2]


def _header(
    rows: list[str], comments: list[str], separator: str, width: int
) -> tuple[list[str], int]:
    """Names of the columns, and the number of the first row of values."""
    at = next((i for i, row in enumerate(rows) if len(_fields(row, separator)) == width), 0)
    if at and 1 < len(_fields(rows[at - 1], separator)) == width - 1:
        at -= 1  # rows with names of their own, or with a separator at their end
    names = _fields(rows[at], separator)
    if comments and numbers(pd.Series(names, dtype=object)).values.notna().any():
        inside = _fields(comments[-1].lstrip().lstrip("# "), separator)
        if len(inside) == len(names):
            return inside, at
    return names, at + 1


def _parsed(rows: list[str], separator: str, width: int, path: Path, what: str) -> pd.DataFrame:
    """The fields as texts, with one more column for what is too much."""
    try:
        body = pd.read_csv(
            io.StringIO("\n".join(rows)), sep=r"\s+" if separator == " " else separator, header=None,
            names=list(range(width + 1)), index_col=False, dtype=str, na_filter=False,
            skipinitialspace=True,
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError) as err:
        msg = (
            f"The {what} {path} has rows of different widths ({str(err).splitlines()[0][-80:].strip()}): a "
            "separator within a value, such as a decimal comma in a comma-separated file, needs quotes."
        )
        raise InputError(msg) from err
    body = body.fillna("")
    empty = (body == "").all(axis=1)
    return body[~empty].reset_index(drop=True)


def _fitted(body: pd.DataFrame, header: list[str], path: Path, what: str) -> pd.DataFrame:
    """The table with its names; what stands beyond the header is empty, row numbers, or a fault."""
    names = [n.strip("\ufeff\u200b ") for n in header]
    used = [c for c in body.columns if (body[c] != "").any()]
    if used and used[-1] >= len(names):
        first = body[0]
        extra = used[-1] + 1 - len(names)
        if extra > 1 or first.duplicated().any() or not first.str.fullmatch(r"\d+").all():
            row = body[body[used[-1]] != ""].iloc[0]
            msg = (
                f"The {what} {path} has {len(names)} column names and rows of {used[-1] + 1} values "
                f"({' | '.join(map(str, row[: used[-1] + 1]))[:80]}): a decimal comma in a comma-separated "
                "file needs quotes, or another separator."
            )
            raise InputError(msg)
        names = ["row", *names]  # as R writes them
    body = body.iloc[:, : len(names)]
    keep = [i for i, n in enumerate(names) if n or (body[i] != "").any()]
    body = body[keep]
    names = [names[i] or f"column {i + 1}" for i in keep]
    body.columns = pd.Index(_distinct(names), dtype=object)
    body.attrs["repeated"] = [n for n, k in Counter(names).items() if k > 1]
    return body


def _distinct(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        out.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return out
