"""``lcz rerun``: a result once more, from its manifest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from lczlib.errors import InputError


def rerun(
    context: typer.Context,
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST", help="manifest.json, or the folder of a result.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the new result.")],
) -> None:
    """Make a result once more: the same command, options and inputs, which must be unchanged.

    Example:
        lcz rerun accuracy/manifest.json --out again
    """
    from lczlib.export.manifest import MANIFEST, check_inputs, read_manifest

    content, base = read_manifest(manifest)
    name = content.get("command", "map")
    commands = context.find_root().command.commands
    if name == "map":  # it knows its own, weights and all
        file = manifest / MANIFEST if manifest.is_dir() else manifest
        arguments = ["--from-manifest", str(file)]
    elif name not in commands or "path_parameters" not in content:
        msg = f"{manifest} is of `lcz {name}`, which cannot be rerun from its manifest."
        raise InputError(msg)
    else:
        check_inputs(content, base)
        arguments = _arguments(commands[name], content, base)
    with commands[name].make_context(
        name, ["--out", str(folder), *arguments], parent=context.parent
    ) as inner:
        commands[name].invoke(inner)


def _arguments(command: Any, content: dict[str, Any], base: Path) -> list[str]:
    """The command line that a manifest's parameters stand for."""
    options: list[str] = []
    positional: list[str] = []
    paths = content["path_parameters"]
    for parameter in command.params:
        value = content["parameters"].get(parameter.name)
        if value is None:
            continue
        if isinstance(value, bool):
            names = parameter.opts if value else parameter.secondary_opts
            options += names[:1]
            continue
        values = value if isinstance(value, list) else [value]
        if parameter.name in paths:
            values = [v if "://" in v else os.path.normpath(base / v) for v in values]
        words = [str(v) for v in values]
        if parameter.param_type_name == "argument":
            positional += words
        elif parameter.nargs > 1:
            options += [parameter.opts[0], *words]
        else:
            options += [w for word in words for w in (parameter.opts[0], word)]
    return [*options, "--", *positional]
