"""Text that is filled in: the templates beside the modules that use them."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lczlib.texts import unbroken


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("lczlib", ""), autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters["unbroken"] = unbroken
    return made


def render(template: str, **values: Any) -> str:
    """A template, filled in; what is put into one called ``.html`` is escaped.

    Parameters
    ----------
    template : str
        Its place in the package, such as ``export/report.html``.
    **values
        By the names that it has for them.
    """
    return _environment().get_template(template).render(values)
