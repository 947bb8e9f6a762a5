"""A report with its results beside it, and the script that makes them once more."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.export.files import staged, writing
from lczlib.export.manifest import MANIFEST, relative
from lczlib.jobs import report as job

if TYPE_CHECKING:
    from lczlib.jobs.methods_facts import Recorded
    from lczlib.jobs.report import ReportResult

_BY_SERVICE = ("get", "city", "get-radar")
"""Commands whose inputs are of services, which may give others by now."""
_HEAD = """#!/bin/sh
# Makes the results of this report once more, from the same inputs, and the report of them.
#
#   sh rerun.sh [INPUTS [OUT]]
#
# INPUTS is a folder that holds the input files, wherever in it: they are known by their SHA-256. Without it they are
# looked for where they lay beside the results. OUT is the folder for the new results (rerun, here).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${2:-$here/rerun}
lcz=${LCZ:-lcz}
if [ -n "${1:-}" ]; then set -- --inputs "$1"; else set --; fi
"""


def copied(result: ReportResult, folder: Path) -> ReportResult:
    """Copy the results beside the report; the report of these copies.

    Scenes are inputs, not results: of a folder of imagery only what tells of it is copied.
    """
    base, places = folder / job.RESULTS, {}
    with writing(base):
        for source in map(Path, result.request.results):
            if source.resolve().is_relative_to(base.resolve()):  # it lies there already
                places[source] = source
                continue
            target = base / _free(source, base, set(places.values()))
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                _copy_folder(source, target, result)
            else:
                with staged(target) as path:
                    shutil.copyfile(source, path)
            places[source] = target
    return job.moved(result, places)


def _free(source: Path, base: Path, taken: set[Path]) -> str:
    own = source if source.name not in ("", ".", "..", MANIFEST) else source.resolve()
    own = own.parent if own.name == MANIFEST else own
    name, i = own.name, 2
    while base / name in taken:
        stem, dot, ending = own.name.partition(".")
        name, i = f"{stem}_{i}{dot}{ending}", i + 1
    return name


def _copy_folder(source: Path, target: Path, result: ReportResult) -> None:
    """Copy what the manifests of a folder say was written, and the manifests."""
    for one in result.found.recorded:
        if one.folder != source:
            continue
        names = [MANIFEST, one.path.name, *one.content.get("outputs", {})]
        if one.command in _BY_SERVICE:
            names = [one.path.name, "item.json"]
        for name in dict.fromkeys(names):
            file = source / name
            if not file.is_file() or ".." in Path(name).parts:
                continue
            with staged(target / name) as path:
                shutil.copyfile(file, path)


def script(result: ReportResult, folder: Path) -> str:
    """The script that runs every result again, then the report.

    Parameters
    ----------
    result : ReportResult
        What is made again.
    folder : Path
        Where the script lies; paths are as seen from there.
    """
    lines, again = [_HEAD], []
    sources = [Path(r) for r in result.request.results]
    for one in result.found.recorded:
        place = relative(one.folder, folder)
        new = f"{job.RESULTS}/{_name_of(one, sources)}"
        if not can_rerun(one):
            why = (
                "its inputs are of a service"
                if one.command in _BY_SERVICE
                else "its manifest lacks them"
            )
            lines.append(
                f"# {place}: lcz {one.command} is not run again here, {why}; what is there is taken."
            )
            again.append(_here(place))
            continue
        manifest = place if one.path.name == MANIFEST else f"{place}/{one.path.name}"
        lines.append(
            f'"$lcz" rerun {_here(manifest)} "$@" {_look_in(sources, folder)}--out {_out(new)}'
        )
        again.append(_out(new))
    again += [_here(relative(path, folder)) for path in result.found.files]
    options = [
        word for name in ("title", "author") if (value := getattr(result.request, name))
        for word in (f"--{name}", shlex.quote(value))
    ]  # fmt: skip
    unique = " ".join(dict.fromkeys(again))
    lines.append(" ".join(['"$lcz" report', unique, *options, '--out "$out"']))
    return "\n".join(lines) + "\n"


def can_rerun(one: Recorded) -> bool:
    """Whether `lcz rerun` makes a result from its manifest, without any service."""
    if one.command in _BY_SERVICE:
        return False
    told = one.content
    paths = told.get("path_parameters")
    if one.command == "map":
        return True
    if paths is None:
        return False
    must = {"lcz_map", "reference", "map_a", "map_b", "map_path"} & set(told.get("parameters", {}))
    return all(told["parameters"][name] for name in must if name in paths)


def _look_in(sources: list[Path], folder: Path) -> str:
    """The results beside the script, in which some are inputs of others."""
    base = folder / job.RESULTS
    inside = any(s.resolve().is_relative_to(base.resolve()) for s in sources)
    return f'--inputs "$here/{job.RESULTS}" ' if inside else ""


def _name_of(one: Recorded, sources: list[Path]) -> str:
    """What its folder is called among the new results."""
    same = [s for s in sources if s.name == one.folder.name]
    return one.folder.name if len(same) < 2 else "_".join(one.folder.parts[-2:])


def _here(place: str) -> str:
    return f'"$here"/{shlex.quote(place)}'


def _out(place: str) -> str:
    return f'"$out"/{shlex.quote(place)}'
