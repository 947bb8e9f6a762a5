"""``manifest.json`` beside every result: from what it was made, how, with what, and when.

A result can so be told from another, checked, and made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lczlib
from lczlib.errors import InputError
from lczlib.export.files import sha256_of, write_json
from lczlib.reading import heard_so_far

MANIFEST = "manifest.json"
_MAP = "map"
_PACKAGES = (
    "numpy", "scipy", "pandas", "geopandas", "xarray", "dask", "rasterio", "torch", "openvino",
)  # fmt: skip


def new_manifest(
    folder: str | Path,
    command: str,
    *,
    parameters: Mapping[str, Any],
    inputs: Iterable[str | Path] | Mapping[str, str],
    outputs: Iterable[Path],
    seconds: float,
    **more: Any,
) -> dict[str, Any]:
    """The content of a manifest.

    Parameters
    ----------
    folder : path
        Where the result lies; paths are written as seen from there, so that result and inputs can
        be moved together.
    command : str
        Of the command line: ``map``, ``assess``.
    parameters : mapping
        All that was chosen, by name.
    inputs : iterable of path
        Files that were read, also by GDAL's names for files in archives; those that are none (an
        address) are left out. A mapping has their SHA-256, where it is known already.
    outputs : iterable of Path
        Files that were written.
    seconds : float
        How long it took.
    **more
        What else the result depends on: weights, engines, warnings.
    """
    folder = Path(folder)
    hashes = inputs if isinstance(inputs, Mapping) else {}
    files = sorted({str(f) for path in inputs for f in files_of(path)})
    return {
        "lczlib": lczlib.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "parameters": dict(parameters),
        "inputs": [
            {"path": relative(f, folder), "sha256": hashes.get(f) or sha256_of(f)} for f in files
        ],
        "read": heard_so_far(),
        "packages": package_versions(),
        "seconds": round(seconds, 2),
        **more,
        "outputs": {relative(p, folder): sha256_of(p) for p in outputs},
    }


def files_of(path: str | Path) -> list[Path]:
    """The files behind an input's name: all of a Shapefile, the archive of a raster inside one."""
    text = str(path)
    if text.startswith("zip://"):
        text = text.removeprefix("zip://").split("!")[0]
    elif text.startswith("/vsizip/"):
        text = text.removeprefix("/vsizip/")
    file = Path(text)
    if file.is_file():
        if file.suffix.lower() == ".shp":
            return sorted(p for p in file.parent.glob(f"{file.stem}.*") if p.is_file())
        return [file]
    return [p for p in file.parents if p.is_file()][:1]  # maps.zip/tiff/lcz.tif


def relative(path: str | Path, folder: str | Path) -> str:
    """A path as seen from the result's folder."""
    return Path(os.path.relpath(Path(path).resolve(), Path(folder).resolve())).as_posix()


def package_versions() -> dict[str, str]:
    """Versions of the packages that results depend on, as far as they are installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def command_of(path: str | Path) -> str | None:
    """Which command wrote a manifest; None where there is none that can be read."""
    try:
        content = json.loads(Path(path).read_text())
        # before there were others, manifests of ``lcz map`` did not say so
        return str(content.get("command", _MAP))
    except (OSError, ValueError, AttributeError):
        return None


def write_manifest(folder: str | Path, content: dict[str, Any]) -> Path:
    """Write a manifest; the one of another command in that folder stays.

    ``manifest.json`` is it where that name is free or of the same command. Else the manifest is
    named ``<command>-manifest.json``, except that ``lcz map``, whose maps are found by their
    manifest, always has the plain name and renames the other.
    """
    path = Path(folder) / MANIFEST
    command, there = content["command"], command_of(path)
    if there not in (None, command):
        if command == _MAP:
            path.replace(path.with_name(f"{there}-{MANIFEST}"))
        else:
            path = path.with_name(f"{command}-{MANIFEST}")
    return write_json(path, content)


def remove_manifest(folder: str | Path, command: str) -> None:
    """Remove the manifest of a command's earlier result, whose files are about to be replaced.

    A run that is stopped amid them then leaves no manifest that describes other files.
    """
    for name in (MANIFEST, f"{command}-{MANIFEST}"):
        path = Path(folder) / name
        if command_of(path) == command:
            path.unlink()


@contextmanager
def understood(path: str | Path) -> Iterator[None]:
    """A block that makes a request of a manifest's content, which may be of any form.

    Raises
    ------
    InputError
        If it is of another form than results have.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as err:
        msg = (
            f"{path} is no manifest as results have it ({type(err).__name__}: {str(err)[:80]}): give the "
            "manifest.json that was written with the result."
        )
        raise InputError(msg) from err


def read_manifest(path: str | Path) -> tuple[dict[str, Any], Path]:
    """The content of a manifest, and the folder that its paths are seen from.

    Parameters
    ----------
    path : path
        The file, or the folder of a result.

    Raises
    ------
    InputError
        If the file cannot be read as one.
    """
    path = Path(path)
    if path.is_dir():
        path = path / MANIFEST
    try:
        content = json.loads(path.read_text())
    except OSError as err:
        msg = f"The manifest {path} cannot be read ({err.strerror}): give a result's manifest.json."
        raise InputError(msg) from err
    except ValueError as err:
        msg = f"{path} cannot be read as a manifest: give the manifest.json of a result."
        raise InputError(msg) from err
    if not isinstance(content, dict) or not {"parameters", "inputs"} <= content.keys():
        msg = f"{path} is no manifest of a result: it lacks parameters or inputs."
        raise InputError(msg)
    return content, path.parent
