"""The table of a batch: its cities, and for each the settings of its steps."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lczlib.errors import InputError, LczError
from lczlib.jobs.batch_steps import STEPS, Case, LeftOut, Row, Step, with_city
from lczlib.jobs.texts import value_of
from lczlib.settings import Described, described
from lczlib.tables.delimited import decoded
from lczlib.terms import option

_OWN = ("city", "folder")
_PATHS = ("season", "sentinel1")

Column = tuple[str, str]
"""A step, and the name of its setting."""


def read_rows(path: str | Path, steps: Sequence[str], constants: Iterable[str] = ()) -> list[Row]:
    """The cities of a table with the settings of the steps, all checked.

    Parameters
    ----------
    path : path
        CSV (commas, semicolons or tabs) with a column ``city`` or ``folder``; any other is an option of
        a step without its dashes, of all steps that have it, or of the one named before a dot
        (``map.weights``). An empty cell gives nothing. Paths count from the table's folder; where an
        option can be repeated, its values are separated by semicolons.
    steps : sequence of str
        Of `lczlib.jobs.batch_steps.STEPS`, in their order.
    constants : iterable of str
        ``NAME=VALUE``: columns that are alike for all cities.

    Raises
    ------
    InputError
        If it cannot be read, a column is no option of the steps, a value is none that its option may
        have, two cities have one name, or no city has what a step needs.
    """
    path = Path(path)
    header, lines = _lines(path)
    columns = {name: _columns(name, steps, path) for name in header if name not in _OWN}
    alike: dict[Column, Any] = {}
    for text in constants:
        name, equals, value = text.partition("=")
        if not equals:
            msg = f"{text!r} is not NAME=VALUE, such as map.weights=sen2lcz_net."
            raise InputError(msg, parameter="constants")
        for column in _columns(name.strip(), steps, None):
            alike[column] = _value(column, value, Path(), "")
    rows: list[Row] = []
    for number, line in lines:
        where = f"row {number} of {path.name}"
        row = _row(line, columns, alike, path.absolute().parent, where)
        same = next((r.name for r in rows if r.name.casefold() == row.name.casefold()), None)
        if same is not None:
            msg = (
                f"The {where} is {row.name} once more: each city has one row, since its results lie in a folder of "
                "its name; put the other into a table and a folder of its own."
            )
            raise InputError(msg, parameter="table")
        rows.append(row)
    if not rows:
        msg = f"The table {path} has no rows: write a city in each."
        raise InputError(msg, parameter="table")
    _check(rows, steps)
    return rows


def _lines(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        text, _ = decoded(path.read_bytes())
    except OSError as error:
        msg = f"The table {path} cannot be read ({error.strerror}): give a CSV file with a column city or folder."
        raise InputError(msg, parameter="table") from error
    first = text.lstrip("\ufeff").partition("\n")[0]
    separator = max(",;\t", key=first.count)
    body = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=separator)
    header = [_plain(name) for name in next(body, [])]
    twice = next((n for n in header if n and header.count(n) > 1), None)
    if twice:
        msg = f"The table {path} has the column {twice!r} twice: leave one out."
        raise InputError(msg, parameter="table")
    if not set(_OWN) & set(header):
        msg = f"The table {path} has neither a column city nor folder: name the cities in one of them."
        raise InputError(msg, parameter="table")
    found = []
    for number, cells in enumerate(body, start=2):
        if len(cells) > len(header) and any(c.strip() for c in cells[len(header) :]):
            msg = (
                f"Row {number} of {path} has {len(cells)} cells under {len(header)} columns: put texts with "
                f"{separator!r} in quotation marks."
            )
            raise InputError(msg, parameter="table")
        line = {n: c.strip() for n, c in zip(header, cells, strict=False) if n and c.strip()}
        if line:
            found.append((number, line))
    return [n for n in header if n], found


def _plain(name: str) -> str:
    """A column's name as settings are named; the step before a dot keeps its own."""
    step, dot, rest = name.strip().lstrip("-").rpartition(".")
    return f"{step.strip()}{dot}{rest.strip().lstrip('-').replace('-', '_')}"


def _settings(step: Step) -> dict[str, Described]:
    """A step's settings by name, and by their options where these differ."""
    found: dict[str, Described] = {}
    for request in step.requests:
        for name, one in described(request).items():
            if name not in step.own:
                found.setdefault(name, one)
                for flag in (one.option, one.setting.short):
                    if flag.startswith("--"):
                        found.setdefault(flag.lstrip("-").replace("-", "_"), one)
    return found


def _columns(name: str, steps: Sequence[str], path: Path | None) -> list[Column]:
    """The settings that a column is of; with a step's name also of one that is left for another run."""
    prefix, dot, rest = _plain(name).rpartition(".")
    where = (
        f"The table {path} has a column {name!r}, which" if path else f"{option('constants', name)}"
    )
    parameter = "table" if path else "constants"
    if dot and prefix not in STEPS:
        msg = f"{where} begins with the name of no step: these are {', '.join(STEPS)}."
        raise InputError(msg, parameter=parameter)
    asked = [prefix] if dot else steps
    found = []
    for step in (STEPS[s] for s in asked):
        own = _settings(step)
        if rest in own:
            found.append((step.name, own[rest].name))
        elif rest in step.extra:
            found.append((step.name, rest))
    if len({setting for _, setting in found}) > 1:  # --scheme: what is written, or what is read
        meant = ", ".join(f"{s}.{n.replace('_', '-')}" for s, n in found)
        msg = f"{where} means several things: name the one that is meant ({meant})."
        raise InputError(msg, parameter=parameter)
    if found:
        return found
    given = [s for s in asked if rest in STEPS[s].own]
    if given:
        msg = f"{where} is what the batch itself tells {' and '.join(given)}: leave it out."
        raise InputError(msg, parameter=parameter)
    others = [s.name for s in STEPS.values() if s.name not in steps and rest in _settings(s)]
    if others and not dot:
        msg = (
            f"{where} is an option of {' and '.join(others)}, not among the {option('steps')} {','.join(steps)}: leave "
            f"it out, or name it {others[0]}.{rest.replace('_', '-')} to keep it for another run."
        )
        raise InputError(msg, parameter=parameter)
    names = {n for s in asked for n in (*_settings(STEPS[s]), *STEPS[s].extra)} | {*_OWN}
    near = get_close_matches(rest, names, n=3)
    known = (
        f"did you mean {' or '.join(n.replace('_', '-') for n in near)}?"
        if near
        else "leave it out."
    )
    msg = f"{where} is no option of {', '.join(asked)}: {known}"
    raise InputError(msg, parameter=parameter)


def _value(column: Column, text: str, base: Path, where: str) -> Any:
    step, name = column
    one = next((s for n, s in _settings(STEPS[step]).items() if s.name == name), None)
    if one is None:  # a season's raster, a radar image: files that no setting describes
        parts = [p.partition("=") for p in text.split(";")]
        return ";".join(
            f"{n}={(base / v.strip()).absolute()}" if eq else f"{(base / n.strip()).absolute()}"
            for n, eq, v in parts
        )
    try:
        return value_of(one, text, base)
    except InputError as error:
        msg = f"{f'The {where}: ' if where else ''}{option(one.name)} of {step}: {error}"
        raise InputError(msg, parameter="table" if where else "constants") from error


def _row(
    line: Mapping[str, str],
    columns: Mapping[str, list[Column]],
    alike: Mapping[Column, Any],
    base: Path,
    where: str,
) -> Row:
    values: dict[str, dict[str, Any]] = {}
    given = dict(alike)
    # what is named with its step goes before what is of several
    for name in sorted(columns, key=lambda n: "." in n):
        if name in line:
            given |= {c: _value(c, line[name], base, where) for c in columns[name]}
    for (step, name), value in given.items():
        values.setdefault(step, {})[name] = value
    city, folder = line.get("city", ""), line.get("folder", "")
    if not (city or folder):
        msg = f"The {where} names neither a city nor a folder."
        raise InputError(msg, parameter="table")
    if folder:
        folder = folder if "://" in folder else str((base / folder).absolute())
        row = Row(_safe(city or Path(folder).stem), "", folder, values)
        return with_city(row, city) if city else row
    file = base / city
    place = str(file.absolute()) if Path(city).suffix and file.is_file() else city
    return Row(_safe(Path(city).stem if place != city else city), place, "", values)


def _safe(name: str) -> str:
    """A name that a folder can have on any system."""
    return re.sub(r"[^\w.,+-]+", "_", name).strip("._") or "city"


def _check(rows: Sequence[Row], steps: Sequence[str]) -> None:
    """Make each request once, so that what is wrong with it is said before anything is fetched."""
    lacking: dict[str, str] = {}
    has: set[str] = set()
    for row in rows:
        for step, why in _left_out(row, steps):
            if why:
                lacking.setdefault(step, why)
            else:
                has.add(step)
    never = [s for s in lacking if s not in has]
    if never:
        msg = f"No city of the table has anything for {never[0]}: {lacking[never[0]]}."
        raise InputError(msg, parameter="steps")


def _left_out(row: Row, steps: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each step, with why it is left out or nothing."""
    case = Case(row, Path(row.name), tuple(steps), planned=True)
    for step in steps:
        try:
            STEPS[step].runs(case)
        except LeftOut as why:
            yield step, str(why)
        except LczError as error:
            named = f" ({option(error.parameter)})" if error.parameter else ""
            msg = (
                f"{row.name}, {step}{named}: {error.message}{_whose(step, error.parameter, steps)}"
            )
            raise InputError(msg, parameter="table") from error
        except TypeError as error:  # a setting that must be given
            msg = f"{row.name}, {step}: {_needed(str(error))}"
            raise InputError(msg, parameter="table") from error
        else:
            yield step, ""


def _whose(step: str, name: str, steps: Sequence[str]) -> str:
    """What to do where a column is of several steps, of which one cannot take it."""
    owners = [s for s in steps if any(one.name == name for one in _settings(STEPS[s]).values())]
    if len(owners) < 2 or step not in owners:
        return ""
    plain = name.replace("_", "-")
    others = " and ".join(f"{s}.{plain}" for s in owners if s != step)
    return (
        f" A column {plain} is of {' and '.join(owners)}: name it {others} to keep it from {step}."
    )


def _needed(text: str) -> str:
    names = re.findall(r"'(\w+)'", text)
    return f"{' and '.join(option(n) for n in names)} must be given." if names else text
