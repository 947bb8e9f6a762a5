"""Options of commands from the fields of a dataclass: names, texts, checks and defaults are its own."""

from __future__ import annotations

import inspect
import json
import math
import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import typer
from typer.core import TyperArgument, TyperCommand

from lczlib.cli.options import a_box, between, each, listed
from lczlib.errors import LczError
from lczlib.settings import Described, described


def _box(text: str) -> tuple[float, ...]:
    from lczlib.scenes.crop import box_of

    return box_of(text)


class SceneCommand(TyperCommand):
    """A command that reads scenes: where its help says ``{scenes}``, it lists what can be given."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Fill in the sources that there are now, which takes opening their table."""
        from lczlib.scenes.sources import titles

        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                parameter.help = (parameter.help or "").replace("{scenes}", titles())
        super().format_help(ctx, formatter)


@dataclass(frozen=True)
class _Spelling:
    """How an option is written: its type and default, what Typer checks, how it is then read."""

    type: Any
    default: Any = None
    checks: dict[str, Any] = field(default_factory=dict)
    read: Callable[[Any], Any] | None = None


def _values(pairs: Sequence[str] | None, form: str) -> dict[str, Any]:
    """``width=8`` as a number, a truth value or text."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not {form}")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def _spelling(one: Described) -> _Spelling:
    told = one.setting
    if isinstance(one.default, dict):
        return _Spelling(list[str] | None, None, {}, lambda pairs: _values(pairs, told.metavar))
    if told.file or told.repeat:
        single = Path if told.file else one.kind
        kind: Any = list[single] if one.many else single  # type: ignore[valid-type]
        if one.required:
            return _Spelling(kind, inspect.Parameter.empty, {}, tuple if one.many else None)
        return _Spelling(kind | None, None, {}, (lambda v: tuple(v or ())) if one.many else None)
    if one.many and one.kind is float:  # the four of a box are the only numbers by commas
        return _Spelling(str, "", {"callback": a_box}, _box)
    if one.many:
        return _Spelling(str, "", {}, listed)
    if one.choices:
        named = tuple(c for c in one.choices if c)
        if len(named) == len(one.choices) and one.default is not None:
            return _Spelling(Literal[named], one.default)
        blank = one.default if one.default is None else ""
        return _Spelling(Literal[named] | None, None, {}, lambda value: value or blank)
    checks: dict[str, Any] = {}
    if one.kind is int:
        checks = {"min": int(told.low)} if math.isfinite(told.low) else {}
    elif one.kind is float and told.finite:
        checks = {"callback": between(told.low, told.high, ends=not told.open_ends)}
    elif told.check is not None:
        checks = {"callback": each(told.check)}
    if one.required:
        return _Spelling(one.kind, inspect.Parameter.empty, checks)
    return _Spelling(one.kind | None if one.default is None else one.kind, one.default, checks)


def usage(owner: type, error: LczError) -> typer.BadParameter:
    """The usage error that a request's own error is, with the option that it is about."""
    told = described(owner).get(error.parameter)
    hint = None
    if told is not None:
        hint = told.setting.metavar if told.setting.argument else f"'{told.option}'"
    return typer.BadParameter(str(error), param_hint=hint)


def from_fields(
    owner: type, parameter: str, leave: Collection[str] = (), **flags: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: a command's parameter, a dataclass, becomes an option for each of its fields.

    They stand where the parameter did: first what is the dataclass's own, then what it shares.

    Parameters
    ----------
    owner : type
        The dataclass; its fields are made with `lczlib.settings.setting`.
    parameter : str
        Of the command.
    leave : collection of str
        Fields that the command does not offer, or gives itself.
    **flags : str
        Other names of options on this command, by field.
    """
    found = described(owner)
    names = dict.fromkeys(n for c in owner.__mro__ for n in inspect.get_annotations(c))
    offered = {n: found[n] for n in names if n in found and n not in leave}
    spelled = {n: _spelling(o) for n, o in offered.items()}
    called = {n: flags.get(n, n).replace("-", "_") for n in offered}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(command, include_extras=True)
        made = [
            inspect.Parameter(
                called[n], inspect.Parameter.KEYWORD_ONLY, default=spelled[n].default,
                annotation=Annotated[spelled[n].type, _info(o, spelled[n], flags.get(n))],
            )
            for n, o in offered.items()
        ]  # fmt: skip
        parameters: list[inspect.Parameter] = []
        for own in inspect.signature(command).parameters.values():
            kept = own.replace(annotation=hints[own.name], kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += made if own.name == parameter else [kept]

        @wraps(command)
        def wrapper(**values: Any) -> Any:
            read = {}
            for name, how in spelled.items():
                value = values.pop(called[name], how.default)
                read[name] = how.read(value) if how.read else value
            try:
                request = owner(**read)
            except LczError as error:
                raise usage(owner, error) from error
            return command(**values, **{parameter: request})

        wrapper.__signature__ = inspect.Signature(parameters)
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _info(one: Described, how: _Spelling, flag: str | None) -> Any:
    told = one.setting
    texts = {"help": told.doc, "metavar": told.metavar or None, **how.checks}
    if told.argument:
        return typer.Argument(**texts)
    option = f"--{flag}" if flag else one.option
    if one.default is True:
        option = f"{option}/--no-{option.removeprefix('--')}"
    return typer.Option(option, **texts)
