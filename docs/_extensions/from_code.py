"""Pages that are made from the code while the site is built: the command line and the Python API.

A page holds a line such as ``<!-- commands -->`` where the text goes; nothing is written into ``docs/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_EXAMPLE = re.compile(r"^Examples?:\s*$")
_MARKUP = re.compile(r"\[/?(?:bold|italic|dim|cyan|green|red|yellow)(?: [a-z]+)*\]")
_RESULTS = re.compile(r"\]\((?:\.\./)+benchmarks/results/([\w-]+)\.md\)")


def commands_text() -> str:
    """All commands with what each takes, as Markdown."""
    import typer

    from lczlib.cli import app

    return "\n".join(_commands("lcz", typer.main.get_command(app)))


def _commands(name: str, command: Any) -> Iterator[str]:
    for word, child in command.commands.items():
        called = f"{name} {word}"
        yield f"## {called}\n"
        if hasattr(child, "commands"):
            yield f"{_help(child.help or '')}\n"
            yield from _commands(called, child)
            continue
        shown = [p for p in child.params if not getattr(p, "hidden", False)]
        arguments = [_argument(p) for p in shown if p.param_type_name == "argument"]
        usage = " ".join((called, "[OPTIONS]", *arguments))
        yield f"    {usage}\n\n{_help(child.help or '')}\n"
        yield "| | |\n| --- | --- |\n" + "\n".join(_row(p) for p in shown) + "\n"


def _argument(parameter: Any) -> str:
    text = (parameter.metavar or parameter.name.upper()) + ("..." if parameter.nargs == -1 else "")
    return text if parameter.required else f"[{text}]"


def _row(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.metavar or parameter.name.upper()]
    text = _MARKUP.sub("", parameter.help or "").replace("\n", " ")
    return f"| {', '.join(f'`{n}`' for n in names)} | {_plain(text)} |"


def _help(text: str) -> str:
    """Paragraphs of a command's help, and its examples as code."""
    out, code = [], False
    for line in _MARKUP.sub("", text).replace("\b", "").splitlines():
        if _EXAMPLE.match(line.strip()):
            code = True
            out += ["", ""]
        elif code and line.strip():
            out.append(f"    {line.strip()}")
        else:
            out.append("" if code else _plain(line.strip()))
    return "\n".join(out).strip("\n")


def _plain(text: str) -> str:
    """Text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#$~])", r"\\\1", text)


def functions_text() -> str:
    """The functions that ``lczlib`` itself offers, as directives of autodoc."""
    import lczlib

    return "\n".join(
        f"## {name}\n\n```{{eval-rst}}\n.. autofunction:: lczlib.{name}\n```\n"
        for name in dir(lczlib)
    )


def _filled(_app: Sphinx, _page: str, source: list[str]) -> None:
    for mark, text in (("commands", commands_text), ("functions", functions_text)):
        line = f"<!-- {mark} -->"
        if line in source[0]:
            source[0] = source[0].replace(line, text())
    # in the repository they lie beside the programs that make them; here they are pages
    source[0] = _RESULTS.sub(r"](/results/\1.md)", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _filled)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
