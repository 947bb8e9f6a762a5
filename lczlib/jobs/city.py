"""The whole flow for a place by its name: its imagery, its map, the published map beside, one report."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.devices import device
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import Result, job
from lczlib.map_request import MapRequest, weights
from lczlib.reading import Reading, tell
from lczlib.settings import options_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from lczlib.acquire.places import Place
    from lczlib.jobs.compare import CompareResult
    from lczlib.mapping import MapResult

SCENES, MAP, COMPARED, REPORT, AREAS = "scenes", "map", "compared", "report.html", "areas.csv"
OWN, GLOBAL = "this map", "global map"
_KINDS = ("fused", "both", "s2")
"""Which of the maps is the city's, the first that there is."""


@dataclass(frozen=True, kw_only=True)
class CityRequest(GetRequest):
    """Which place, when, from where, and which network maps it."""

    command: ClassVar = "city"

    weights: tuple[str, ...] = weights()
    device: str = device()


@dataclass(frozen=True, kw_only=True, repr=False)
class CityResult(Result):
    """A city's map beside the published one.

    Attributes
    ----------
    request : CityRequest
    place : Place
    folder : Path
        That holds ``scenes``, ``map`` and ``compared``.
    mapped : MapResult
    kind : str
        Which of its maps is meant: ``s2``, ``fused``.
    published : dict
        What `lczlib.acquire.global_map.write_global_map` told; empty where it could not be had.
    comparison : CompareResult or None
        With the published map.
    """

    request: CityRequest
    place: Place
    folder: Path
    mapped: MapResult = field(repr=False)
    kind: str
    published: dict[str, Any] = field(default_factory=dict, repr=False)
    comparison: CompareResult | None = field(default=None, repr=False)

    @property
    def scenes(self) -> Path:
        """The folder of the imagery, as of ``lcz get``."""
        return self.folder / SCENES

    @property
    def lcz(self) -> xr.DataArray:
        """The map of the city."""
        return self.mapped.kinds[self.kind]

    def maps(self) -> dict[str, xr.DataArray]:
        """The city's map, and the published one on its grid, where there is one."""
        return self.comparison.maps if self.comparison else {OWN: self.lcz}

    def to_dataframe(self) -> pd.DataFrame:
        """Area of each class in km2, a column a map."""
        import pandas as pd

        from lczlib.analysis import class_areas
        from lczlib.classes import CLASSES

        areas = pd.DataFrame({n: class_areas(m)["area_km2"] for n, m in self.maps().items()})
        areas.insert(0, "class", [c.label for c in CLASSES])
        return areas

    def headline(self) -> str:
        """The most frequent class, and how far the two maps agree."""
        areas = self.to_dataframe()
        largest = areas[OWN].idxmax()
        share = areas[OWN].max() / areas[OWN].sum() if areas[OWN].sum() else 0.0
        said = f"{self.place.label}: most of it is {areas.loc[largest, 'class']} ({share:.0%})"
        if self.comparison is None:
            return f"{said}."
        first = self.comparison.first
        return (
            f"{said}; the map and the published one of {self.published['year']} give the same class to "
            f"{first.agreement:.0%} of {first.n:,} cells, which is no accuracy."
        )

    def _write(self, folder: Path, figures: bool) -> None:
        from lczlib.export.files import write_table
        from lczlib.jobs.city_report import write_report

        write_table(folder / AREAS, self.to_dataframe())
        write_report(self, folder / REPORT, figures=figures)


def run(
    request: CityRequest,
    folder: str | Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> CityResult:
    """Fetch, map and compare a city; `CityResult.write` adds areas and report.

    Parameters
    ----------
    request : CityRequest
        Which place, when, from where, by which network.
    folder : path
        Of the result: ``scenes`` as of ``lcz get``, ``map`` as of ``lcz map``, ``compared`` as of
        ``lcz compare`` go there as soon as they are finished.
    resume : bool
        Take up a run that was stopped: what is finished is not made again.
    progress, cancelled : callable, optional
        As of all jobs.

    Raises
    ------
    LczError
        As ``lcz get`` and ``lcz map``. That the published map cannot be had is told, and no error.
    """
    do = partial(_run, folder=Path(folder), resume=resume)
    return job(do)(request, progress=progress, cancelled=cancelled)


def _run(request: CityRequest, step: Steps, *, folder: Path, resume: bool) -> CityResult:
    place = _fetched(request, folder / SCENES, step, resume)
    published = _published(request, place, folder / SCENES, step)
    mapped = _mapped(request, place, folder, step, resume)
    kind = next(k for k in _KINDS if k in mapped.kinds)
    comparison = None
    if published:
        step("Comparing with the published map")
        comparison = _compared(folder, kind, published)
        comparison.write(folder / COMPARED)
    return CityResult(
        request=request, place=place, folder=folder, mapped=mapped, kind=kind, published=published,
        comparison=comparison,
    )  # fmt: skip


def _fetched(request: CityRequest, scenes: Path, step: Steps, resume: bool) -> Place:
    """Get the imagery, where it is not there from a run that is taken up."""
    from lczlib.acquire.places import place_of
    from lczlib.jobs import get

    asked = options_of(request, GetRequest)
    if resume and _is_finished(asked, scenes):
        step(f"Looking for {request.place}")
        return place_of(request.place, request.box or None)
    got = get.run(asked, scenes, resume=resume, progress=step.progress, cancelled=step.cancelled)
    got.write(scenes)
    for text in got.cautions():
        tell(Reading("imagery", got.place.folder_name, ("fetched",), (text,)))
    return got.place


def _is_finished(asked: GetRequest, scenes: Path) -> bool:
    """Whether a folder holds the whole result of a request: its manifest is written last."""
    from lczlib.export.manifest import read_manifest
    from lczlib.jobs.record import parameters

    try:
        content, _ = read_manifest(scenes)
    except InputError:
        return False
    return content.get("command") == asked.command and content.get("parameters") == parameters(
        asked, scenes
    )


def _published(request: CityRequest, place: Place, scenes: Path, step: Steps) -> dict[str, Any]:
    from lczlib.acquire.global_map import write_global_map
    from lczlib.grid import geobox_of
    from lczlib.scenes import open_so2sat

    step("Reading the published map")
    first = next(iter(open_so2sat(scenes, place.folder_name).scenes.values()))
    try:
        return write_global_map(
            place, scenes, request.global_map, grid=geobox_of(first), cancelled=step.cancelled
        )
    except (InputError, ServiceError) as error:
        if request.global_map:  # what the user gave is to be right
            raise
        tell(Reading("published map", place.folder_name, ("left out",), (error.message,)))
        return {}


def _mapped(
    request: CityRequest, place: Place, folder: Path, step: Steps, resume: bool
) -> MapResult:
    from lczlib.mapping import map_city

    asked = MapRequest(
        inputs=(str(folder / SCENES),),
        city=place.folder_name,
        weights=request.weights,
        device=request.device,
    )
    return map_city(
        asked, folder / MAP, resume=resume, progress=step.progress, cancelled=step.cancelled
    )


def _compared(folder: Path, kind: str, published: dict[str, Any]) -> CompareResult:
    from lczlib.jobs.compare import CompareRequest
    from lczlib.jobs.compare import run as compare
    from lczlib.kinds import lcz_file

    return compare(
        CompareRequest(
            map_a=folder / MAP / lcz_file(kind), map_b=folder / SCENES / published["files"][0],
            resample="nearest", names=(OWN, GLOBAL),
        )
    )  # fmt: skip
