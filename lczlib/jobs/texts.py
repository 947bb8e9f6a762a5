"""Values of settings as people write them: on one line of a command, in a cell of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lczlib.errors import InputError
from lczlib.settings import Described

_TRUTH = {
    "yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False,
}  # fmt: skip


def listed(text: str | None, by: str = ",") -> tuple[str, ...]:
    """The parts of ``a, b,c``."""
    return tuple(t.strip() for t in (text or "").split(by) if t.strip())


def several(one: Described, text: str) -> tuple[Any, ...]:
    """Names by commas, or a box: its four are the only numbers that are written so.

    Raises
    ------
    InputError
        If it is to be a box, and is none.
    """
    if one.kind is float:
        from lczlib.scenes.crop import box_of

        return box_of(text)
    named = {"all": one.choices, "none": ()} if one.choices else {}
    return named.get(text.strip(), listed(text))


def pairs(items: Iterable[str], form: str) -> dict[str, Any]:
    """``width=8`` as a number, a truth value or text.

    Raises
    ------
    InputError
        If an item has no equals sign.
    """
    found: dict[str, Any] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            msg = f"{item!r} is not {form}"
            raise InputError(msg)
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def value_of(one: Described, text: str, base: Path) -> Any:
    """What a cell of a table says of a setting.

    Parameters
    ----------
    one : Described
        The setting.
    text : str
        As on the command line; what an option takes repeatedly, and several files, by semicolons.
    base : Path
        The table's folder: paths count from it.

    Raises
    ------
    InputError
        If it is none that the setting can have; ``parameter`` is the setting.
    """
    text = text.strip()
    try:
        if isinstance(one.default, dict):
            return pairs(listed(text, ";"), one.setting.metavar or "NAME=VALUE")
        if one.setting.file:
            files = tuple(_file(part, base) for part in listed(text, ";"))
            return files if one.many else _file(text, base)
        if one.pair:
            parts = text.replace(";", " ").replace(",", " ").split()
            if len(parts) != 2:
                msg = f"{text!r} is not two values: write them with a blank between."
                raise InputError(msg)
            return tuple(_single(one, part, base) for part in parts)
        if one.many and not one.setting.repeat:
            return tuple(_local(v, base) if isinstance(v, str) else v for v in several(one, text))
        if one.many:
            return tuple(_single(one, part, base) for part in listed(text, ";"))
        return _single(one, text, base)
    except InputError as error:
        raise InputError(error.message, parameter=one.name) from error


def _file(text: str, base: Path) -> str | Path:
    return text if "://" in text else (base / text).absolute()


def _local(text: str, base: Path) -> str:
    """A name that may be that of a file: one that is there is meant, wherever the job runs."""
    if ("/" in text or "." in text) and "://" not in text and (base / text).exists():
        return str((base / text).absolute())
    return text


def _single(one: Described, text: str, base: Path) -> Any:
    if one.kind is bool:
        if text.lower() not in _TRUTH:
            msg = f"{text!r} is neither yes nor no."
            raise InputError(msg)
        return _TRUTH[text.lower()]
    if one.kind in (int, float):
        try:
            return one.kind(text)
        except ValueError as error:
            msg = f"{text!r} is no {'whole ' if one.kind is int else ''}number."
            raise InputError(msg) from error
    return text if one.choices else _local(text, base)
