"""``lcz rerun``: a result once more, from its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lczlib.errors import InputError

if TYPE_CHECKING:
    from lczlib.export.inputs import FoundInputs


def rerun(
    context: typer.Context,
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST", help="manifest.json, or the folder of a result.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the new result.")],
    look_in: Annotated[
        list[Path] | None,
        typer.Option("--inputs", help="Folder that holds inputs which were moved; repeat."),
    ] = None,
) -> None:
    """Make a result once more: the same command, options and inputs, which must be unchanged.

    Inputs are known by their SHA-256, and are looked for where they lay beside the result, in the
    folders of --inputs, and in the result's own folder.

    Example:
        lcz rerun accuracy/manifest.json --out again

        lcz rerun moved/accuracy --inputs /data --out again
    """
    from lczlib.export.inputs import find_inputs
    from lczlib.export.manifest import MANIFEST, read_manifest, understood

    content, base = read_manifest(manifest)
    name = str(content.get("command", "map"))
    commands = context.find_root().command.commands
    if name == "map":  # it knows its own, weights and all
        file = manifest / MANIFEST if manifest.is_dir() else manifest
        arguments = ["--from-manifest", str(file)]
        arguments += [word for place in look_in or () for word in ("--inputs", str(place))]
    elif name not in commands or "path_parameters" not in content:
        msg = f"{manifest} is of `lcz {name}`, which cannot be rerun from its manifest."
        raise InputError(msg)
    else:
        with understood(manifest):
            found = find_inputs(content, base, look_in or ())
            arguments = _arguments(commands[name], content, found)
    with commands[name].make_context(
        name, ["--out", str(folder), *arguments], parent=context.parent
    ) as inner:
        commands[name].invoke(inner)


def _arguments(command: Any, content: dict[str, Any], found: FoundInputs) -> list[str]:
    """The command line that a manifest's parameters stand for."""
    options: list[str] = []
    positional: list[str] = []
    paths = content["path_parameters"]
    for parameter in command.params:
        value = content["parameters"].get(parameter.name)
        if value in (None, ""):  # of some options an empty text is no value
            continue
        if isinstance(value, bool):
            names = parameter.opts if value else parameter.secondary_opts
            options += names[:1]
            continue
        values = value if isinstance(value, list) else [value]
        if parameter.name in paths:
            values = [v if "://" in v else found.path(v) for v in values]
        words = [str(v) for v in values]
        if parameter.param_type_name == "argument":
            positional += words
        elif parameter.nargs > 1:
            options += [parameter.opts[0], *words]
        elif isinstance(value, list) and not parameter.multiple:  # several by commas
            options += [parameter.opts[0], ",".join(words)] if words else []
        else:
            options += [w for word in words for w in (parameter.opts[0], word)]
    return [*options, "--", *positional]
