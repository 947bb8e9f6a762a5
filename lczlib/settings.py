"""What a job can be told: each setting said once, for command line, dashboard, manifest, documentation.

A request is a frozen data class whose fields are made by `setting`. Its annotation says what kind of
value it is, its `Setting` what it means and what it may be; `settle` holds values to that.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeVar

from lczlib.errors import InputError, LczError


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a field of a request means.

    Attributes
    ----------
    doc : str
        One or two sentences: what it is, and its unit.
    title : str
        What a page calls it.
    low, high : float
        Bounds; both belong to the range unless `open_ends`.
    open_ends : bool
        Whether the bounds themselves are refused.
    finite : bool
        Whether infinity and what is no number are refused.
    choices : tuple of str, or callable
        Names it may have, beside those of a ``Literal``; a callable gives those of a registry.
    check : callable, optional
        Raises `LczError` for a value that is none.
    file : bool
        Whether it names a file, an address, or is the open object itself.
    argument : bool
        Whether the command line takes it by its place.
    repeat : bool
        Whether the command line takes several values one by one, not by commas; files always are.
    flag, short, metavar, group : str
        Of the command line: its option where that is not the name, a second one such as ``-n``, its value,
        its heading.
    usual : str
        What applies where it is not given, in words.
    """

    doc: str
    title: str = ""
    low: float = -math.inf
    high: float = math.inf
    open_ends: bool = False
    finite: bool = True
    choices: tuple[str, ...] | Callable[[], Iterable[str]] = ()
    check: Callable[[Any], object] | None = None
    file: bool = False
    argument: bool = False
    repeat: bool = False
    flag: str = ""
    short: str = ""
    metavar: str = ""
    group: str = ""
    usual: str = ""

    def allowed(self) -> tuple[str, ...]:
        """The names it may have now."""
        return tuple(self.choices() if callable(self.choices) else self.choices)


def setting(default: Any, doc: str, **more: Any) -> Any:
    """A field with its `Setting`; `default` of ``...`` is one that must be given."""
    kept = {"setting": Setting(doc=doc, **more)}
    if default is ...:
        return field(metadata=kept)
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=kept)
    return field(default=default, metadata=kept)


@dataclass(frozen=True)
class Described:
    """A setting with its name, type and default.

    Attributes
    ----------
    name : str
    kind : type
        ``bool``, ``int``, ``float``, ``str`` or, of a file, ``object``.
    many : bool
        Whether it is a tuple of such values.
    pair : bool
        Whether it is exactly two.
    required : bool
    default : object
    setting : Setting
    choices : tuple of str
        Of its ``Literal``, or of the setting.
    """

    name: str
    kind: type
    many: bool
    pair: bool
    required: bool
    default: Any
    setting: Setting
    choices: tuple[str, ...]

    @property
    def option(self) -> str:
        """Its option on the command line."""
        return self.setting.flag or f"--{self.name.replace('_', '-')}"


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def described(cls: type) -> dict[str, Described]:
    """The settings of a data class by name, in their order."""
    return {found.name: found for found in _described(cls)}


def _described(cls: type) -> Iterator[Described]:
    hints = _hints(cls)
    for f in fields(cls):
        told = f.metadata.get("setting")
        if told is None:
            continue
        kind, many, pair, names = _kind(hints[f.name], told)
        required = f.default is MISSING and f.default_factory is MISSING
        default = None if required else f.default
        if f.default_factory is not MISSING:
            default = f.default_factory()
        yield Described(f.name, kind, many, pair, required, default, told, names or told.allowed())


def _kind(hint: Any, told: Setting) -> tuple[type, bool, bool, tuple[str, ...]]:
    """Type of a single value, whether there are many or just two, and the names of a ``Literal``."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        parts = [a for a in typing.get_args(hint) if a is not type(None)]
        hint = str if len(parts) > 1 else parts[0]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    many = origin is tuple and inner[-1] is Ellipsis
    pair = origin is tuple and not many and len(inner) == 2
    if origin is tuple:
        hint = inner[0]
    if told.file:
        return object, many, pair, ()
    if typing.get_origin(hint) is Literal:
        return str, many, pair, typing.get_args(hint)
    return (hint if isinstance(hint, type) else str), many, pair, ()


def settle(request: Any) -> None:
    """Take a single value for several, lists for tuples, and hold all to what their settings allow.

    Raises
    ------
    InputError
        Naming the setting, its value and what it may be; ``parameter`` is the setting.
    """
    for name, found in described(type(request)).items():
        value = getattr(request, name)
        if (found.many or found.pair) and value is not None and not isinstance(value, tuple):
            several = isinstance(value, (list, set)) or found.pair
            value = tuple(value) if several else (value,)
            object.__setattr__(request, name, value)
        if value is None or found.setting.file:
            continue
        for one in value if found.many or found.pair else (value,):
            _check(found, one)
        if found.setting.check is not None:
            try:
                found.setting.check(value)
            except LczError as error:
                raise type(error)(error.message, parameter=name) from error


def _check(found: Described, value: Any) -> None:
    if found.choices and value not in found.choices:
        msg = f"{value!r} is not one of {', '.join(str(c) for c in found.choices if c)}."
        raise InputError(msg, parameter=found.name)
    if found.kind in (int, float) and isinstance(value, (int, float)):
        told = found.setting
        inside = told.low < value < told.high if told.open_ends else told.low <= value <= told.high
        if told.finite and not (math.isfinite(value) and inside):
            msg = f"{value:g} is not {in_words(told)}."
            raise InputError(msg, parameter=found.name)


OptionsT = TypeVar("OptionsT")


def options_of(request: Any, kind: type[OptionsT]) -> OptionsT:
    """The part of a request that the computation itself is told (such as `SurfaceOptions`)."""
    return kind(**{f.name: getattr(request, f.name) for f in fields(kind)})  # type: ignore[arg-type]


def in_words(told: Setting) -> str:
    """The numbers that a setting allows: ``between 0 and 1, those two left out``."""
    low, high = told.low, told.high
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        return f"more than {low:g}" if told.open_ends else f"{low:g} or more"
    return f"between {low:g} and {high:g}" + (", those two left out" if told.open_ends else "")
