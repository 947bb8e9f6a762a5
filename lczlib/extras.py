"""What parts of the library need beyond its core, and how to install it, in one sentence."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from lczlib.errors import InputError

_DISTRIBUTION = {"sklearn": "scikit-learn"}
"""Packages that are installed by another name than they are imported by, beyond ``_`` for ``-``."""


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'lczlib[{extra}]'"


def lacking(*modules: str) -> list[str]:
    """Which of some modules are not installed."""
    return [name for name in modules if find_spec(name) is None]


def need(what: str, *modules: str, extra: str) -> None:
    """Refuse what cannot be done without an extra.

    Parameters
    ----------
    what : str
        What is wanted, with its verb: ``"Fields need"``.
    *modules : str
        Names by which it is imported.
    extra : str
        The extra of ``pyproject.toml`` that brings them.

    Raises
    ------
    InputError
        If one is not installed.
    """
    if missing := lacking(*modules):
        msg = f"{what} {' and '.join(missing)}: {install(extra)}."
        raise InputError(msg)


def of_missing(module: str | None) -> str | None:
    """What to do about a module that is not there; None where no extra of this library brings it."""
    top = (module or "").split(".")[0]
    wanted = _DISTRIBUTION.get(top, top).lower().replace("_", "-")
    try:
        declared = requires("lczlib") or []
    except PackageNotFoundError:  # run from a copy of the sources
        return None
    for requirement in declared:
        name = re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")
        extra = re.search(r"""extra == ['"]([\w-]+)['"]""", requirement)
        if name == wanted and extra and extra[1] not in ("dev", "docs"):
            return f"This needs {top}, which is not installed: {install(extra[1])}."
    return None
