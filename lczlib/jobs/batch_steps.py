"""The steps of a city in a batch: of each its request, as its own command makes it, and where it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lczlib.errors import InputError
from lczlib.jobs.air_heat import AirHeatRequest
from lczlib.jobs.assess import AssessRequest
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.compare import CompareRequest
from lczlib.jobs.export_request import ExportRequest
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_stations import SITES, TABLE
from lczlib.jobs.map_files import said_of
from lczlib.jobs.prepare_s1 import PrepareS1Request
from lczlib.jobs.request import Progress
from lczlib.jobs.surface_heat import SurfaceHeatRequest
from lczlib.kinds import MADE, lcz_file
from lczlib.map_request import MapRequest
from lczlib.terms import option

KEPT = ".batch"
"""Folder in a city's that says which steps are finished, and what they found."""
_RADAR = "sentinel1.json"
_NOT_DATES = ("_uncertainty", "_median", "_count")


class LeftOut(Exception):  # noqa: N818 - nothing is wrong: the city has nothing for this step
    """A city has nothing for a step; says what lacks."""


@dataclass(frozen=True)
class Row:
    """A city of the table.

    Attributes
    ----------
    name : str
        Of its folder.
    place : str
        What ``lcz get`` is told; empty where there is a folder.
    folder : str
        Of scenes that are there already, or a raster; else empty.
    values : mapping
        Of each step, by its settings' names.
    """

    name: str
    place: str
    folder: str
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A city's step: what is known of it.

    Attributes
    ----------
    row : Row
    base : Path
        The city's folder.
    steps : tuple of str
        All that are asked for.
    planned : bool
        Whether nothing has been made yet: files of earlier steps are named, not looked for.
    """

    row: Row
    base: Path
    steps: tuple[str, ...]
    planned: bool = False

    def given(self, step: str) -> dict[str, Any]:
        """The settings of a step."""
        return dict(self.row.values.get(step, {}))


@dataclass(frozen=True)
class How:
    """Whether figures are drawn, and who is told how far a step is."""

    figures: bool = False
    progress: Progress | None = None


Do = Callable[[Any, Path, How], Sequence[str]]
"""Does what a request asks for and writes its files into a folder; returns what may be wrong with them."""


@dataclass(frozen=True)
class Run:
    """A request, and the folder that its result is written into."""

    request: Any
    folder: Path
    do: Do


@dataclass(frozen=True)
class Step:
    """A step that a batch can have.

    Attributes
    ----------
    name : str
        Of its command.
    requests : tuple of type
        One of which it makes, by what is given.
    own : tuple of str
        Settings that the batch gives itself.
    after : tuple of str
        Steps without which there is nothing to do.
    runs : callable
        The runs of a case.
    network, gpu : bool
        Whether it reads from the network; whether it computes on a card where there is one.
    extra : tuple of str
        Options of its command that are no settings.
    """

    name: str
    requests: tuple[type, ...]
    own: tuple[str, ...]
    after: tuple[str, ...]
    runs: Callable[[Case], list[Run]]
    network: bool = False
    gpu: bool = False
    extra: tuple[str, ...] = ()


def map_of(folder: Path, planned: bool = False) -> Path:
    """The file of a city's map: fused where both sensors are there, else of the one that is.

    Raises
    ------
    InputError
        If there is none.
    """
    files = [folder / lcz_file(kind) for kind in reversed(MADE)]
    there = files if planned else [f for f in files if f.is_file()]
    if not there:
        msg = f"{folder} holds no LCZ map: put map among the {option('steps')}."
        raise InputError(msg)
    return there[0]


def _get(case: Case) -> list[Run]:
    if case.row.folder:
        msg = "its scenes are in a folder"
        raise LeftOut(msg)
    given = {"what": _what(case), **case.given("get"), "place": case.row.place}
    return [Run(GetRequest(**given), case.base / "get", _fetch)]


def _what(case: Case) -> tuple[str, ...]:
    """What the later steps need that the table does not name."""
    what = ["s2"]
    if "compare" in case.steps and "map_b" not in case.given("compare"):
        what.append("lcz")
    if "prepare-s1" in case.steps and "inputs" not in case.given("prepare-s1"):
        what += ["s1-slc", "orbit", "dem"]
    if "uhi" in case.steps and not _HEAT.keys() & case.given("uhi").keys():
        what.append("lst")
    return tuple(what)


def _fetch(request: GetRequest, folder: Path, how: How) -> Sequence[str]:
    from lczlib.export.files import write_json
    from lczlib.jobs import get
    from lczlib.jobs.get_radar import RadarResult

    result = get.make(request, folder, resume=True, progress=how.progress)
    radar = result if isinstance(result, RadarResult) else getattr(result, "radar", None)
    passes = [] if radar is None else radar.preparations(folder)
    write_json(
        folder.parent / KEPT / _RADAR,
        {"passes": [{"inputs": files, "settings": told} for files, told in passes]},
    )
    return result.cautions()


def _prepare(case: Case) -> list[Run]:
    given = case.given("prepare-s1")
    if "inputs" in given:
        return [Run(PrepareS1Request(**given), case.base / "prepare-s1", _prepared)]
    if case.planned:
        if "get" not in case.steps:
            msg = f"it has no Sentinel-1 products: give them ({option('inputs')}), or put get among the steps"
            raise LeftOut(msg)
        return []
    return [*_passes(case, given)]


def _passes(case: Case, given: Mapping[str, Any]) -> Iterator[Run]:
    """Of each pass that was fetched, as ``lcz get`` says how it is prepared."""
    from lczlib.jobs.texts import value_of

    try:
        fetched = json.loads((case.base / KEPT / _RADAR).read_text())["passes"]
    except (OSError, ValueError, KeyError):
        fetched = []
    if not fetched:
        msg = "no Sentinel-1 products were fetched for it"
        raise LeftOut(msg)
    settings = PrepareS1Request.settings()
    for one in fetched:
        told = {n: value_of(settings[n], v, Path()) for n, v in one["settings"].items() if n != "out"}  # fmt: skip
        request = PrepareS1Request(**{**told, "inputs": tuple(map(Path, one["inputs"])), **given})
        yield Run(request, Path(one["settings"]["out"]), _prepared)


def _prepared(request: PrepareS1Request, folder: Path, how: How) -> Sequence[str]:
    from lczlib.jobs import prepare_s1

    prepare_s1.make(request, folder, progress=how.progress, resume=True)
    return ()


def _map(case: Case) -> list[Run]:
    from lczlib.jobs.texts import listed, pairs

    given = case.given("map")
    season, radar = given.pop("season", ""), given.pop("sentinel1", "")
    inputs: tuple[str, ...] = ()
    if case.row.folder:
        inputs = (case.row.folder,)
    elif not season:
        prepared = case.base / "prepare-s1"
        fetched = "get" in case.steps or (case.base / "get").is_dir() or not prepared.is_dir()
        inputs = (str(case.base / "get" if fetched else prepared),)
    request = MapRequest(
        **given, inputs=inputs, sentinel1=listed(radar, ";"),
        seasons={n: str(v) for n, v in pairs(listed(season, ";"), "NAME=FILE").items()},
    )  # fmt: skip
    return [Run(request, case.base / "map", _mapped)]


def _mapped(request: MapRequest, folder: Path, how: How) -> Sequence[str]:
    from lczlib.mapping import map_city

    return map_city(request, folder, resume=True, progress=how.progress).warnings


def _assess(case: Case) -> list[Run]:
    given = case.given("assess")
    if "reference" not in given:
        msg = f"it has no {option('reference')}"
        raise LeftOut(msg)
    request = AssessRequest(**given, lcz_map=map_of(case.base / "map", case.planned))
    return [Run(request, case.base / "assess", _judged)]


def _judged(request: AssessRequest, folder: Path, how: How) -> Sequence[str]:
    from lczlib.jobs import assess

    assess.run(request, progress=how.progress).write(folder, figures=how.figures)
    return ()


def _compare(case: Case) -> list[Run]:
    given = case.given("compare")
    if "map_b" not in given:
        given = {"map_b": _published(case), "resample": "nearest", **given}
    given["map_a"] = map_of(case.base / "map", case.planned)
    told = {n: given.pop(n) for n in _OF_MAPS & given.keys()}
    others = CompareRequest(**given).map_names()[1:]  # the city's own map states its numbering
    for name, texts in told.items():
        kind = name.removeprefix("map_")
        given[name] = [
            t for text in texts for t in ([text] if said_of(text, kind)[0] else [f"{o}={text}" for o in others])
        ]  # fmt: skip
    return [Run(CompareRequest(**given), case.base / "compare", _compared)]


def _published(case: Case) -> Path:
    """The published map that was fetched with the scenes."""
    found = sorted((case.base / "get").glob("Reference/*/lcz_global.tif"))
    if not found and not (case.planned and "get" in case.steps and not case.row.folder):
        msg = f"there is no map to compare with: give {option('map_b')}, or fetch the published one"
        raise LeftOut(msg)
    return found[0] if found else case.base / "get" / "lcz_global.tif"


def _compared(request: CompareRequest, folder: Path, how: How) -> Sequence[str]:
    from lczlib.jobs import compare

    compare.run(request, progress=how.progress).write(folder, figures=how.figures)
    return ()


_HEAT = {"lst": SurfaceHeatRequest, "air": AirHeatRequest, "stations": CanopyHeatRequest}
"""The heat islands of ``lcz uhi`` by what each is of; never one of several, and each in its own folder."""


def _uhi(case: Case) -> list[Run]:
    given = case.given("uhi")
    named = [name for name in _HEAT if name in given]
    at = {} if named else _fetched_heat(case)
    if not named and not at and not (case.planned and "get" in case.steps and not case.row.folder):
        msg = "there is no temperature: give lst, air or stations"
        raise LeftOut(msg)
    found = {f"uhi-{n}": (n, {n: given[n]}) for n in named} | at
    kinds = {_HEAT[name] for name, _ in found.values()}
    stray = [n for n in given if kinds and not any(n in kind.settings() for kind in kinds)]
    if stray:
        msg = f"{option(stray[0])} is of another kind of heat island than {' and '.join(n for n, _ in found.values())}."
        raise InputError(msg, parameter=stray[0])
    lcz = map_of(case.base / "map", case.planned)
    runs = []
    for folder, (name, files) in found.items():
        kind = _HEAT[name]
        own = {n: v for n, v in given.items() if n in kind.settings() and n not in _HEAT}
        runs.append(Run(kind(map_path=lcz, **{**files, **own}), case.base / folder, _heated))
    return runs


def _fetched_heat(case: Case) -> dict[str, tuple[str, dict[str, Any]]]:
    """The temperatures that ``lcz get`` fetched, by the folder of the result."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    folder = case.base / "get"
    for file in sorted(folder.glob("lst*.tif")):
        if not file.stem.endswith(_NOT_DATES):  # of whichever product, period and overpass
            found[f"uhi-{file.stem}"] = ("lst", {"lst": (file,)})
    if (folder / TABLE).is_file():
        files = {"stations": folder / TABLE, "sites": folder / SITES}
        around = {"skip_outside": True} if case.given("get").get("margin") else {}
        found["uhi-stations"] = ("stations", {**files, **around})
    return found


def _heated(request: Any, folder: Path, how: How) -> Sequence[str]:
    from lczlib.jobs import air_heat, canopy_heat, surface_heat
    from lczlib.jobs.heat_choices import check_kind

    jobs = dict(zip(_HEAT.values(), (surface_heat, air_heat, canopy_heat), strict=True))
    check_kind(folder, *request.kinds)
    jobs[type(request)].run(request, progress=how.progress).write(folder, figures=how.figures)
    told = json.loads((folder / "heat_island.json").read_text())
    return () if told["reference_classes"] else [f"{told['reference_note']}"]


def _export(case: Case) -> list[Run]:
    given = case.given("export")
    if "to" not in given:
        msg = f"no software to export to is named ({option('to')})"
        raise LeftOut(msg)
    request = ExportRequest(**given, map_path=map_of(case.base / "map", case.planned))
    return [Run(request, case.base / "export", _exported)]


def _exported(request: ExportRequest, folder: Path, how: How) -> Sequence[str]:
    from lczlib.jobs import export

    result = export.run(request, progress=how.progress)
    result.write(folder)
    return [f.text for f in result.findings if f.level != "note"]


_OF_MAPS = {"band", "nodata", "scheme", "legend", "map_column", "map_layer"}
_READ = ("scheme", "legend", "map_column", "map_layer", "cell")
"""Settings of how a map is read: the city's own states it."""

STEPS: dict[str, Step] = {
    s.name: s
    for s in (
        Step("get", (GetRequest,), ("place",), (), _get, network=True),
        Step("prepare-s1", (PrepareS1Request,), (), ("get",), _prepare),
        Step(
            "map", (MapRequest,), ("city",), ("get", "prepare-s1"), _map, gpu=True, extra=("season", "sentinel1"),
        ),
        Step("assess", (AssessRequest,), ("lcz_map", "band", "nodata", *_READ), ("map",), _assess),
        Step("compare", (CompareRequest,), ("map_a",), ("map",), _compare),
        Step(
            "uhi", tuple(_HEAT.values()), ("map_path", "map_band", "map_nodata", "city", *_READ), ("map",), _uhi,
        ),
        Step(
            "export", (ExportRequest,), ("map_path", "check", "band", "nodata", "city", *_READ), ("map",), _export,
        ),
    )
}  # fmt: skip
"""The steps in their order."""


def with_city(row: Row, city: str) -> Row:
    """A row whose folder holds several cities, of which it is one."""
    values = {**row.values, "map": {**row.values.get("map", {}), "city": city}}
    return replace(row, values=values)
