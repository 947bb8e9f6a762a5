"""``--memory``: what every command that reads files may take of the machine."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any

import typer

from lczlib.cli.options import above_zero
from lczlib.limits import MEMORY, allowed
from lczlib.unreadable import read_to_the_end

_Memory = Annotated[
    float | None,
    typer.Option(
        "--memory", metavar="GIGABYTES", show_default=False, callback=above_zero,
        help="Memory that this may take; larger inputs are refused from their headers. Default: "
        f"{MEMORY}, else a quarter of the machine's.",
    ),
]  # fmt: skip


@contextmanager
def _here() -> Iterator[None]:
    """Dask computes by threads of this process; unless told so, it imports its cluster to look for one."""
    import dask
    from dask import threaded

    if dask.config.get("scheduler", None):
        yield
    else:
        with dask.config.set(scheduler=threaded.get):
            yield


def limited(command: Callable[..., None]) -> Callable[..., None]:
    """A command that reads files: with the option ``--memory``, under which it runs."""
    signature = inspect.signature(command)
    hints = typing.get_type_hints(command, include_extras=True)
    own = [
        p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()
    ]
    memory = inspect.Parameter(
        "memory", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Memory
    )

    @wraps(command)
    def run(*, memory: float | None = None, **values: Any) -> None:
        with allowed(memory), read_to_the_end(), _here():
            command(**values)

    parameters = [*own, memory]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run
