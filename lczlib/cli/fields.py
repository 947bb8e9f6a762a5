"""Options of commands from the fields of a dataclass: names, texts, checks and defaults are its own."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Literal

import click
import typer
from typer.core import TyperArgument, TyperCommand

from lczlib.cli.options import a_box, a_date, a_device, above_zero, finite, listed
from lczlib.options import Option, options_of


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
    """How a kind of option is written: its type and default, its settings of typer, how it is read."""

    type: Any
    default: Any = None
    settings: dict[str, Any] | None = None
    read: Callable[[Any], Any] | None = None


_SPELLED = {
    "positive": _Spelling(float | None, None, {"callback": above_zero}),
    "finite": _Spelling(float | None, None, {"callback": finite}),
    "number": _Spelling(float | None),
    "count": _Spelling(int | None, None, {"min": 1}),
    "date": _Spelling(str, "", {"callback": a_date}),
    "box": _Spelling(str, "", {"callback": a_box, "metavar": "W,S,E,N"}, _box),
    "names": _Spelling(str, "", None, listed),
    "device": _Spelling(str, "auto", {"callback": a_device}),
}


def _spelling(option: Option) -> _Spelling:
    if option.kind:
        return _SPELLED[option.kind]
    if option.choices:
        named = tuple(c for c in option.choices if c)
        if len(named) == len(option.choices):
            return _Spelling(Literal[named], option.default)
        return _Spelling(Literal[named] | None, None, None, lambda value: value or "")
    return _Spelling(option.type, option.default)


def from_fields(
    owner: type, parameter: str, leave: Collection[str] = (), **flags: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: a command's parameter, a dataclass, becomes an option for each of its fields.

    Parameters
    ----------
    owner : type
        The dataclass; its fields are made with `lczlib.options.option`.
    parameter : str
        Of the command.
    leave : collection of str
        Fields that the command does not offer, or gives itself.
    **flags : str
        Other names of options on this command, by field.
    """
    offered = {n: o for n, o in options_of(owner).items() if n not in leave}
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
                        f"--{flags.get(name, option.flag)}", help=option.doc,
                        **(spelled[name].settings or {}),
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
