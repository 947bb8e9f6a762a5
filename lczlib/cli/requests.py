"""Commands from requests: options from their settings, and a request from what was given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.progress import Progress, SpinnerColumn

from lczlib.cli import console
from lczlib.cli.fields import usage
from lczlib.errors import InputError
from lczlib.plugins import load_plugins
from lczlib.settings import Described, described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lczlib.jobs.request import Progress as Report
    from lczlib.jobs.request import Request

RequestT = TypeVar("RequestT", bound="Request")

OUT = inspect.Parameter(
    "out", inspect.Parameter.KEYWORD_ONLY,
    annotation=Annotated[Path, typer.Option("--out", help="Folder for the results.")],
)  # fmt: skip
FIGURES = inspect.Parameter(
    "figures", inspect.Parameter.KEYWORD_ONLY, default=True,
    annotation=Annotated[bool, typer.Option(help="Draw figures.")],
)  # fmt: skip


def command(
    *requests: type[Request], more: Sequence[inspect.Parameter] = (OUT, FIGURES)
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose options are the settings of one or several requests.

    The function is called with what was given, a mapping by name without the settings that were not,
    and with `more` by keyword.
    """
    load_plugins()  # before options are made of what there is
    told: dict[str, list[tuple[str, Described]]] = {}
    for kind in requests:
        for name, found in described(kind).items():
            told.setdefault(name, []).append((_asked_by(kind), found))
    required = {
        n for n, found in told.items()
        if len(found) == len(requests) and all(one.required for _, one in found)
    }  # fmt: skip
    parameters = [_parameter(found, name in required) for name, found in told.items()]
    first = [p for p in parameters if _is_argument(p)]
    rest = [p for p in parameters if not _is_argument(p)]
    rest.sort(key=lambda p: p.default is None)  # what must be given comes first
    signature = inspect.Signature([*first, *rest, *more])
    extra = {p.name for p in more}

    def decorate(do: Callable[..., None]) -> Callable[..., None]:
        @wraps(do)
        def run(**values: Any) -> None:
            given = {
                n: _value(told[n][0][1], v)
                for n, v in values.items()
                if n not in extra and v is not None and v != []
            }
            do(given, **{n: values[n] for n in extra})

        run.requests = requests  # type: ignore[attr-defined]
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return run

    return decorate


def out_in(folder: str) -> inspect.Parameter:
    """``--out`` with a usual folder."""
    return OUT.replace(default=Path(folder))


def _is_argument(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation.__metadata__[0], typer.models.ArgumentInfo)


def _asked_by(kind: type[Request]) -> str:
    """The option that asks for a kind of request: the first one it must be given."""
    must = (s.option for s in described(kind).values() if s.required and not s.setting.argument)
    return next(must, "")


def _parameter(found: Sequence[tuple[str, Described]], required: bool) -> inspect.Parameter:
    one = found[0][1]
    told = one.setting
    kind: Any = _kind(one)
    options: dict[str, Any] = {"help": _help(found), "metavar": told.metavar or None}
    if told.argument:
        info = typer.Argument(show_default=False, **options)
    else:
        if told.group:
            options["rich_help_panel"] = told.group
        flags = [one.option, *([told.short] if told.short else [])]
        if one.kind is bool:
            flags[0] = f"{one.option}/--no-{one.option.removeprefix('--')}"
        info = typer.Option(*flags, show_default=False, **options)
    if not required:
        kind = kind | None
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, info],
        **({} if required else {"default": None}),
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


def _kind(one: Described) -> Any:
    """The type by which Typer reads a setting."""
    kind: Any = one.kind
    if one.setting.file:
        kind = str  # a path, or an address
    elif one.choices and not one.many:
        kind = Literal[one.choices]
    if one.pair:
        return tuple[kind, kind]
    if one.many and one.choices:
        return str  # several by commas
    return list[kind] if one.many else kind


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


def _value(one: Described, value: Any) -> Any:
    """What Typer read, as the request takes it."""
    if one.many and one.choices:
        named = tuple(t.strip() for t in value.split(",") if t.strip())
        return {"all": one.choices, "none": ()}.get(value.strip(), named)
    if one.setting.file:
        paths = [
            v if "://" in v else Path(v) for v in ([value] if isinstance(value, str) else value)
        ]
        return tuple(paths) if one.many else paths[0]
    return tuple(value) if isinstance(value, list) else value


def requested(
    kind: type[RequestT], given: Mapping[str, Any], others: Sequence[type[Request]] = ()
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
        names = ", ".join(f"--{n.replace('_', '-')}" for n in stray)
        one = len(stray) == 1
        raise typer.BadParameter(
            f"{names} belong{'s' if one else ''} to {' and '.join(owners) or 'another kind of job'}, not to "
            f"{_asked_by(kind)}: leave {'it' if one else 'them'} out."
        )
    try:
        return kind(**given)
    except InputError as error:
        raise usage(kind, error) from error


@contextmanager
def steps() -> Iterator[Report]:
    """A bar that shows what a job does, and how far it is."""
    with Progress(
        SpinnerColumn(), *Progress.get_default_columns(), transient=True, console=console.err
    ) as bar:
        task = bar.add_task("", total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield report
