"""Options as fields of a dataclass: what each means, its default and its bounds, said once.

The command line makes its options from them, the dashboard its settings, the manifest its parameters.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

Kind = Literal["", "positive", "finite", "number", "count", "date", "box", "names", "device"]
"""What a value may be where its type does not say it: a number above zero, a finite one, any one, a
whole one from 1, a day, degrees of a box, names by commas, a device to compute on."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes
    ----------
    name : str
        Of the field.
    type : type
        Of its values.
    default : object
    doc : str
        What it means, in a sentence.
    kind : str
        See `Kind`.
    flag : str
        Name on the command line, without dashes before it.
    """

    name: str
    type: Any
    default: Any
    doc: str
    kind: Kind
    flag: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The values to choose from, of a literal; an empty one stands for none."""
        return tuple(get_args(self.type)) if get_origin(self.type) is Literal else ()


def option(default: Any, doc: str, *, kind: Kind = "", flag: str = "") -> Any:
    """A field that is an option."""
    return field(default=default, metadata={"doc": doc, "kind": kind, "flag": flag})


@cache
def options_of(owner: type) -> dict[str, Option]:
    """The options of a dataclass by name, in its order; fields without a doc are none."""
    types = get_type_hints(owner)
    return {
        f.name: Option(
            f.name, types[f.name], f.default, f.metadata["doc"], f.metadata["kind"],
            f.metadata["flag"] or f.name.replace("_", "-"),
        )
        for f in fields(owner)
        if "doc" in f.metadata and f.default is not MISSING
    }  # fmt: skip
