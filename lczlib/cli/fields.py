"""Options of commands from the fields of a dataclass: names, texts, checks and defaults are its own."""

from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any, Literal

import click
import typer
from typer.core import TyperArgument, TyperCommand

from lczlib.cli.options import a_box, between, each, listed
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


_ANY = ("nodata",)
"""Numbers of which every one is right."""


def _spelling(one: Described) -> _Spelling:
    told = one.setting
    if one.many and one.kind is float:  # the four of a box are the only numbers by commas
        return _Spelling(str, "", {"callback": a_box}, _box)
    if one.many:
        return _Spelling(str, "", {}, listed)
    if one.choices:
        named = tuple(c for c in one.choices if c)
        if len(named) == len(one.choices):
            return _Spelling(Literal[named], one.default)
        return _Spelling(Literal[named] | None, None, {}, lambda value: value or "")
    checks: dict[str, Any] = {}
    if one.kind is int:
        checks = {"min": int(told.low)} if math.isfinite(told.low) else {}
    elif one.kind is float and one.name not in _ANY:
        checks = {"callback": between(told.low, told.high, ends=not told.open_ends)}
    elif told.check is not None:
        checks = {"callback": each(told.check)}
    optional = one.kind in (int, float) and one.default is None
    return _Spelling(one.kind | None if optional else one.kind, one.default, checks)


def from_fields(
    owner: type, parameter: str, leave: Collection[str] = (), **flags: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: a command's parameter, a dataclass, becomes an option for each of its fields.

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
    offered = {n: o for n, o in described(owner).items() if n not in leave}
    spelled = {n: _spelling(o) for n, o in offered.items()}
    called = {n: flags.get(n, n).replace("-", "_") for n in offered}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(command, include_extras=True)
        own = [
            p.replace(annotation=hints[p.name], kind=p.KEYWORD_ONLY)
            for p in inspect.signature(command).parameters.values()
            if p.name != parameter
        ]
        made = [
            inspect.Parameter(
                called[name], inspect.Parameter.KEYWORD_ONLY, default=spelled[name].default,
                annotation=Annotated[
                    spelled[name].type,
                    typer.Option(
                        f"--{flags[name]}" if name in flags else option.option,
                        help=option.setting.doc, metavar=option.setting.metavar or None,
                        **spelled[name].checks,
                    ),
                ],
            )
            for name, option in offered.items()
        ]  # fmt: skip

        @wraps(command)
        def wrapper(**values: Any) -> Any:
            read = {}
            for name, how in spelled.items():
                value = values.pop(called[name], how.default)
                read[name] = how.read(value) if how.read else value
            return command(**values, **{parameter: owner(**read)})

        wrapper.__signature__ = inspect.Signature([*own, *made])
        wrapper.__annotations__ = {p.name: p.annotation for p in (*own, *made)}
        return wrapper

    return decorate
