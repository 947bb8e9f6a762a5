"""Commands from requests: options from their settings, and a request from what was given."""

from __future__ import annotations

import inspect
import math
import re
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand

from lczlib.errors import InputError, LczError
from lczlib.jobs.texts import pairs, several
from lczlib.plugins import load_plugins
from lczlib.settings import Described, described

if TYPE_CHECKING:
    import click

RequestT = TypeVar("RequestT")

Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Figures = Annotated[bool, typer.Option(help="Draw figures.")]


class SceneCommand(TyperCommand):
    """A command that reads scenes: where its help says ``{scenes}``, it lists what can be given."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Fill in the sources that there are now, which takes opening their table."""
        from lczlib.scenes.sources import titles

        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                parameter.help = (parameter.help or "").replace("{scenes}", titles())
        super().format_help(ctx, formatter)


class PlaceCommand(TyperCommand):
    """A command whose place may be a box: one that begins in the west or south is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Tell boxes from options by a space before them."""
        return super().parse_args(ctx, [f" {a}" if _BOX.fullmatch(a) else a for a in args])


_BOX = re.compile(r"-[\d.]+(,-?[\d.]+){3}")


def command(
    *requests: type, leave: Collection[str] = (), in_words: bool = True, **flags: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: a command's parameter becomes an option for each setting of its requests.

    The parameter is ``request``, and gets it; of several kinds of request it is ``given``, and gets a
    mapping of what was given, of which the command makes one with `requested`. The options stand where
    it did.

    Parameters
    ----------
    *requests : type
        Data classes whose fields are made with `lczlib.settings.setting`.
    leave : collection of str
        Settings that the command does not offer, or gives itself.
    in_words : bool
        Whether the help says defaults in words, which can differ between requests. Otherwise Typer
        shows defaults and ranges, and what is a request's own stands before what it shares.
    **flags : str
        Other names of options on this command, by setting.
    """
    load_plugins()  # before options are made of what there is
    told: dict[str, list[tuple[str, Described]]] = {}
    for kind in requests:
        for name, one in _settings(kind, own_first=not in_words).items():
            if name not in leave:
                told.setdefault(name, []).append((_asked_by(kind), one))
    must = {
        n for n, found in told.items()
        if len(found) == len(requests) and all(one.required for _, one in found)
    }  # fmt: skip
    options = [
        _parameter(found, name in must, in_words, flags.get(name)) for name, found in told.items()
    ]
    options.sort(key=_place)
    into = "request" if len(requests) == 1 else "given"

    def decorate(do: Callable[..., None]) -> Callable[..., None]:
        hints = typing.get_type_hints(do, include_extras=True)
        parameters: list[inspect.Parameter] = []
        for own in inspect.signature(do).parameters.values():
            kept = own.replace(annotation=hints[own.name], kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += options if own.name == into else [kept]

        @wraps(do)
        def run(**values: Any) -> None:
            read = {n: (found[0][1], values.pop(n)) for n, found in told.items()}
            given: Any = {
                n: _value(one, v) for n, (one, v) in read.items() if v is not None and v != []
            }
            if len(requests) == 1:
                given = requested(requests[0], given)
            do(**values, **{into: given})

        run.requests = requests  # type: ignore[attr-defined]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def _settings(kind: type, own_first: bool) -> dict[str, Described]:
    found = described(kind)
    if not own_first:
        return found
    names = dict.fromkeys(n for c in kind.__mro__ for n in inspect.get_annotations(c))
    return {n: found[n] for n in names if n in found}


def _place(parameter: inspect.Parameter) -> int:
    """Arguments come first, then what must be given."""
    if isinstance(parameter.annotation.__metadata__[0], typer.models.ArgumentInfo):
        return 0
    return 1 if parameter.default is inspect.Parameter.empty else 2


def _asked_by(kind: type) -> str:
    """The option that asks for a kind of request: the first one it must be given."""
    must = (s.option for s in described(kind).values() if s.required and not s.setting.argument)
    return next(must, "")


def _parameter(
    found: Sequence[tuple[str, Described]], required: bool, in_words: bool, flag: str | None
) -> inspect.Parameter:
    one = found[0][1]
    told = one.setting
    kind, default = _kind(one, in_words), None
    options: dict[str, Any] = {"help": told.doc, "metavar": told.metavar or None}
    if in_words:
        options |= {"help": _help(found), "show_default": False}
    else:
        default = None if one.default in ((), {}, "") else one.default
        if one.kind is int and math.isfinite(told.low):
            options["min"] = int(told.low)
    if told.argument:
        info = typer.Argument(**options)
    else:
        flags = [f"--{flag}" if flag else one.option, *([told.short] if told.short else [])]
        if one.kind is bool and (in_words or default):
            flags[0] += f"/--no-{flags[0].removeprefix('--')}"
        info = typer.Option(*flags, rich_help_panel=told.group or None, **options)
    if default is None and not required:
        kind = kind | None
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, info],
        **({} if required else {"default": default}),
    )  # fmt: skip


def _help(found: Sequence[tuple[str, Described]]) -> str:
    """What an option means and what applies without it, also where requests differ in it."""
    docs, usual = {}, {}
    for by, one in found:
        named = f" Of: {', '.join(one.choices)}." if one.many and one.choices else ""
        docs.setdefault(one.setting.doc + named, by)
        usual.setdefault(_default(one), by)
    (first, _), *others = docs.items()
    text = " ".join([first, *(f"With {by}: {doc}" for doc, by in others)])
    (value, _), *others = usual.items()
    also = "".join(f", with {by} {v}" for v, by in others if v)
    return f"{text} Default: {value}{also}." if value or also else text


def _default(one: Described) -> str:
    if one.setting.usual or one.required:
        return one.setting.usual
    value = one.default
    if value is None or value in ((), "", False):
        return ""
    if value is True:
        return one.option.removeprefix("--")
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _kind(one: Described, in_words: bool) -> Any:
    """The type by which Typer reads a setting."""
    kind: Any = one.kind
    if isinstance(one.default, dict):
        return list[str]
    if one.setting.file:
        kind = str if in_words else Path  # a path, or an address
    elif one.many and not one.setting.repeat:
        return str  # several by commas
    elif one.choices:
        kind = Literal[tuple(c for c in one.choices if c)]
    if one.pair:
        return tuple[kind, kind]
    return list[kind] if one.many else kind


def _value(one: Described, value: Any) -> Any:
    """What Typer read, as the request takes it."""
    if isinstance(one.default, dict):
        try:
            return pairs(value, one.setting.metavar)
        except InputError as error:
            raise typer.BadParameter(str(error)) from error
    if one.setting.file:
        paths = tuple(v if "://" in str(v) else Path(v) for v in (value if one.many else [value]))
        return paths if one.many else paths[0]
    if one.many and not one.setting.repeat:
        try:
            return several(one, value)
        except InputError as error:
            raise _refused(one, error) from error
    return tuple(value) if isinstance(value, list) else value


def requested(
    kind: type[RequestT], given: Mapping[str, Any], others: Sequence[type] = ()
) -> RequestT:
    """The request that was given; what it cannot be told is a usage error that names the option.

    Parameters
    ----------
    kind : type
        Of the request.
    given : mapping
        What was given, by name.
    others : sequence of type
        The requests whose settings the command has too.

    Raises
    ------
    typer.BadParameter
        If a value is none, does not go with the others, or belongs to another kind of request.
    """
    settings = described(kind)
    stray = [n for n in given if n not in settings]
    if stray:
        owners = [_asked_by(o) for o in others if set(stray) <= set(described(o))]
        options = {n: one.option for o in others for n, one in described(o).items()}
        names = ", ".join(options[n] for n in stray)
        one = len(stray) == 1
        raise typer.BadParameter(
            f"{names} belong{'s' if one else ''} to {' and '.join(owners) or 'another kind of job'}, not to "
            f"{_asked_by(kind)}: leave {'it' if one else 'them'} out."
        )
    try:
        return kind(**given)
    except LczError as error:
        raise usage(kind, error) from error


def usage(kind: type, error: LczError) -> typer.BadParameter:
    """The usage error that a request's own error is, with the option that it is about."""
    return _refused(described(kind).get(error.parameter), error)


def _refused(one: Described | None, error: LczError) -> typer.BadParameter:
    hint = None
    if one is not None:
        hint = one.setting.metavar if one.setting.argument else f"'{one.option}'"
    return typer.BadParameter(str(error), param_hint=hint)
