"""A mapping request as the parameters of a manifest, and the request that a manifest records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lczlib.errors import InputError
from lczlib.export.inputs import find_file, find_inputs
from lczlib.export.manifest import MANIFEST, relative
from lczlib.map_request import NO_SECOND, MapRequest
from lczlib.mapping.statistics import Statistics
from lczlib.models import describe


def parameters_of(request: MapRequest, folder: Path) -> dict[str, Any]:
    """The request as plain values for a manifest in `folder`, with paths as seen from there."""
    values = asdict(request)
    del values["statistics"]  # they stand in the manifest, as they were used
    values["inputs"] = [relative(p, folder) for p in request.inputs]
    values["seasons"] = {s: relative(p, folder) for s, p in request.seasons.items()}
    values["sentinel1"] = [relative(p, folder) for p in request.sentinel1]
    if request.calibration is not None:
        values["calibration"] = relative(request.calibration, folder)
    values["weights"] = [relative(w, folder) if Path(w).is_file() else w for w in request.weights]
    values["second"] = (
        relative(request.second, folder) if Path(request.second).is_file() else request.second
    )
    return values


def request_of(
    manifest: dict[str, Any], folder: str | Path, look_in: Sequence[str | Path] = ()
) -> MapRequest:
    """The request that a manifest records, after checking that its inputs are unchanged.

    Parameters
    ----------
    manifest : dict
        Content of a ``manifest.json`` of `map_city`.
    folder : path
        The folder it lies in; its paths are relative to that.
    look_in : sequence of path
        Folders to look for inputs in that do not lie there any more.

    Raises
    ------
    InputError
        If an input is missing or has changed.
    """
    folder = Path(folder)
    command = manifest.get("command", "map")
    if command != "map" or not {"parameters", "inputs"} <= manifest.keys():
        what = f"it is of `lcz {command}`" if command != "map" else "it lacks parameters or inputs"
        msg = f"{folder / MANIFEST} is no manifest of `lcz map`: {what}."
        raise InputError(msg)
    found = find_inputs(manifest, folder, look_in)
    values = dict(manifest["parameters"])
    for name in ("inputs", "sentinel1"):
        values[name] = tuple(found.path(p) for p in values.get(name, ()))
    values["seasons"] = {s: found.path(p) for s, p in values["seasons"].items()}
    values["weights"] = _weights(manifest, folder, look_in)
    values["second"] = _second(manifest, folder, look_in)
    if values.get("calibration"):
        values["calibration"] = found.path(values["calibration"])
    for name in ("bands", "box", "only_seasons"):
        values[name] = tuple(values.get(name, ()))
    values["statistics"] = {
        name: Statistics.from_dict(found) for name, found in manifest.get("statistics", {}).items()
    }
    try:
        return MapRequest(**values)
    except TypeError as err:
        msg = f"{folder / MANIFEST} was written by another version of lczlib ({err})."
        raise InputError(msg) from err


def _weights(
    manifest: dict[str, Any], folder: Path, look_in: Sequence[str | Path]
) -> tuple[str, ...]:
    """The weights that were named, by name or file, unchanged."""
    used = {w.get("name", ""): w.get("sha256") for w in manifest.get("weights", ())}
    named = []
    for asked in manifest["parameters"].get("weights") or ():
        is_file = "/" in asked or asked.endswith(".safetensors")
        digests = {d for d in used.values() if d}
        named.append(str(find_file(asked, digests, folder, look_in)) if is_file else asked)
    for name in named or used:
        found = describe(name)
        if found.name in used and found.sha256 != used[found.name]:
            msg = f"The manifest's weights {found.name} have changed since (SHA-256 differs): restore them."
            raise InputError(msg)
    # those that were taken by default are named as well: another version may have others
    return tuple(named) or tuple(used)


def _second(manifest: dict[str, Any], folder: Path, look_in: Sequence[str | Path]) -> str:
    """The network that Sentinel-2's was compared with, unchanged; what says that there was none, where so."""
    facts = manifest.get("second")
    if not facts:
        return NO_SECOND
    asked = manifest["parameters"].get("second") or facts["network"]
    digest = facts["weights"]["sha256"]
    if "/" in asked or asked.endswith(".safetensors"):
        asked = str(find_file(asked, {digest}, folder, look_in))
    if describe(asked).sha256 != digest:
        msg = f"The manifest's weights {asked} have changed since (SHA-256 differs): restore them."
        raise InputError(msg)
    return asked
