"""Functions whose settings are those of requests: in their signature, and in their help."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from lczlib.settings import Described, described

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def told_by(*requests: type) -> Callable[[FunctionT], FunctionT]:
    """Name the settings of requests in a function's signature and help, for its ``**settings``."""

    def decorate(function: FunctionT) -> FunctionT:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        settings: dict[str, Described] = {}
        for name, told in (item for request in requests for item in described(request).items()):
            if name not in signature.parameters and not told.setting.argument:
                settings.setdefault(name, told)
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=told.default)
            for name, told in settings.items()
        ]
        usual = {n: f" Default: {t.setting.usual}." for n, t in settings.items() if t.setting.usual}
        lines = [
            f"    {n}\n        {t.setting.doc}{usual.get(n, '')}\n" for n, t in settings.items()
        ]
        function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        function.__doc__ = f"{function.__doc__}\n    Settings\n    --------\n{''.join(lines)}    "
        return function

    return decorate
