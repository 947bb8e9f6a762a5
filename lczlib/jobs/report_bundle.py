"""A report with its results beside it, and the script that makes them once more."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from lczlib.export.files import staged, write_json, writing
from lczlib.export.manifest import MANIFEST, relative
from lczlib.export.templates import render
from lczlib.jobs.report_results import RESULTS
from lczlib.terms import command_line

if TYPE_CHECKING:
    from lczlib.jobs.methods_facts import Recorded
    from lczlib.jobs.report import ReportResult

_BY_SERVICE = ("get", "city", "get-radar")
"""Commands whose inputs are of services, which may give others by now."""


def copied(result: ReportResult, folder: Path) -> dict[Path, Path]:
    """Copy the results beside the report; each source with its copy.

    Scenes are inputs, not results: of a folder of imagery only what tells of it is copied.
    """
    base, places = folder / RESULTS, {}
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
    without_ways(base)
    return places


def without_ways(base: Path) -> None:
    """Shorten the ways to inputs that lie elsewhere, in the manifests of copied results.

    They tell of somebody's machine, and lead nowhere from here; `lcz rerun` knows files by name and SHA-256.
    """
    for path in sorted(base.glob(f"*/*{MANIFEST}")):
        content = json.loads(path.read_text())
        if isinstance(content, dict) and _shorten(content, path.parent, base):
            write_json(path, content)


def _shorten(content: dict[str, Any], folder: Path, base: Path) -> bool:
    """Shorten the inputs of a manifest that lie outside; whether there were any."""
    told = content.get("parameters") or {}
    named = [
        *(content.get("path_parameters") or ()),
        *(("inputs",) if content.get("command", "map") == "map" else ()),
    ]
    values = [
        v for n in named for v in (told.get(n) if isinstance(told.get(n), list) else [told.get(n)])
    ]
    seasons = told.get("seasons") if isinstance(told.get("seasons"), dict) else {}
    inputs = [given["path"] for given in content.get("inputs") or ()]
    every = dict.fromkeys([*filter(None, values), *seasons.values(), *inputs])
    outside = [
        n for n in every if isinstance(n, str) and "://" not in n and _is_outside(n, folder, base)
    ]
    roots = [n for n in outside if not any(n.startswith(f"{o}/") for o in outside)]
    short, taken = {}, set()
    for root in roots:
        parts, n = [p for p in PurePosixPath(root).parts if p not in ("..", "/")], 1
        while "/".join(parts[-n:]) in taken and n < len(parts):
            n += 1
        short[root] = "/".join(parts[-n:])
        taken.add(short[root])

    def shortened(value: Any) -> Any:
        if isinstance(value, list):
            return [shortened(v) for v in value]
        if isinstance(value, dict):
            return {k: shortened(v) for k, v in value.items()}
        for root, name in short.items():
            if value == root or (isinstance(value, str) and value.startswith(f"{root}/")):
                return name + value[len(root) :]
        return value

    for name in (*named, "seasons"):
        if name in told:
            told[name] = shortened(told[name])
    for given in content.get("inputs") or ():
        given["path"] = shortened(given["path"])
    return bool(short)


def _is_outside(name: str, folder: Path, base: Path) -> bool:
    return not Path(os.path.normpath(folder / name)).is_relative_to(base)


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
    runs, again = [], []
    sources = [Path(r) for r in result.request.results]
    for one in result.found.recorded:
        place = _here(relative(one.folder if one.path.name == MANIFEST else one.path, folder))
        new = _out(f"{RESULTS}/{_name_of(one, sources)}")
        why = why_not(one)
        runs.append({"place": place, "new": new, "why": why, "command": one.command})
        again.append(_here(relative(one.folder, folder)) if why else new)
    again += [_here(relative(path, folder)) for path in result.found.files]
    base = folder / RESULTS
    inside = any(s.resolve().is_relative_to(base.resolve()) for s in sources)
    told = [command_line(n, shlex.quote(v)) for n, v in result.request.spoken()]
    return render(
        "jobs/rerun.sh", runs=runs, sources=" ".join(dict.fromkeys(again)), told=told,
        inside=RESULTS if inside else "",
    )  # fmt: skip


def why_not(one: Recorded) -> str:
    """Why `lcz rerun` cannot make a result from its manifest alone; empty where it can."""
    if one.command in _BY_SERVICE:
        return "its inputs are of a service"
    told = one.content
    paths, values = told.get("path_parameters"), told.get("parameters", {})
    if one.command == "map":
        return ""
    must = [n for n in ("lcz_map", "reference", "map_a", "map_b", "map_path") if n in values]
    known = paths is not None and all(values[n] for n in must if n in paths)
    return "" if known else "its manifest does not name its files"


def _name_of(one: Recorded, sources: list[Path]) -> str:
    """What its folder is called among the new results."""
    same = [s for s in sources if s.name == one.folder.name]
    return one.folder.name if len(same) < 2 else "_".join(one.folder.parts[-2:])


def _here(place: str) -> str:
    return f'"$here"/{shlex.quote(place)}'


def _out(place: str) -> str:
    return f'"$out"/{shlex.quote(place)}'
