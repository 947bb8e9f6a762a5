"""The whole flow for a place by its name: its imagery, its map, the published map beside, one report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lczlib.classes import NUMBERING
from lczlib.devices import device
from lczlib.errors import InputError
from lczlib.jobs.get_request import GetRequest, What
from lczlib.jobs.request import Cancel, Progress, Steps
from lczlib.jobs.result import Result, job
from lczlib.map_request import MapRequest, second, weights
from lczlib.out_scheme import USUAL
from lczlib.reading import Reading, tell
from lczlib.settings import options_of, setting

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

    what: tuple[What, ...] = setting(
        ("s2", "lcz"), "Both: a city's map is shown beside the published one.", title="What"
    )
    weights: tuple[str, ...] = weights()
    second: str = second()
    device: str = device()

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.what) != {"s2", "lcz"}:
            msg = f"The map of a city needs s2 and lcz, not {' and '.join(self.what)} alone."
            raise InputError(msg, parameter="what")


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
        What ``item.json`` of the imagery tells of it; empty where it could not be had.
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
        whole = areas[OWN].sum()
        if not whole:
            return f"{self.place.label}: no cell has a class."
        largest = areas[OWN].idxmax()
        share = areas[OWN].max() / whole
        said = (
            f"{self.place.label}: the most frequent class is {areas.loc[largest, 'class']} ({share:.0%} of "
            f"{whole:,.0f} km²)"
        )
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
        results = [self.scenes, self.folder / MAP]
        results += [self.folder / COMPARED] if self.comparison is not None else []
        write_report(self, folder / REPORT, results, figures=figures)


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
        As ``lcz get`` and ``lcz map``; also, before anything is fetched, where the published map that was
        given cannot be had. That the service does not give it is told, and no error.
    """
    do = partial(_run, folder=Path(folder), resume=resume)
    return job(do)(request, progress=progress, cancelled=cancelled)


def _run(request: CityRequest, step: Steps, *, folder: Path, resume: bool) -> CityResult:
    scenes = folder / SCENES
    place = _fetched(request, scenes, step, resume)
    published = _published(scenes)
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
    """Get imagery and published map, where they are not there from a run that is taken up."""
    from lczlib.jobs import get
    from lczlib.jobs.get_days import place_asked

    asked = options_of(request, GetRequest)
    if not (resume and get.is_finished(asked, scenes)):
        got = get.make(
            asked, scenes, resume=resume, progress=step.progress, cancelled=step.cancelled
        )
        place, cautions = got.place, got.cautions()
    else:
        place = place_asked(asked, step)
        cautions = _beside(asked, place, scenes, step)
    for text in cautions:
        tell(Reading("imagery", place.folder_name, ("fetched",), (text,)))
    return place


def _beside(asked: GetRequest, place: Place, scenes: Path, step: Steps) -> Sequence[str]:
    """Put the published map beside finished imagery, where it is missing or another one is asked for."""
    from lczlib.acquire.folder import grid_of_scenes
    from lczlib.jobs.get_map import add_maps, beside_scenes, check_given

    there = _published(scenes)
    same = there and there.get(NUMBERING, USUAL) == asked.out_scheme
    if same and asked.global_map in ("", there["source"]):
        return ()
    check_given(asked, place, step)
    maps, missing = beside_scenes(asked, place, grid_of_scenes(scenes, place), step)
    if maps:
        add_maps(scenes, place, maps, asked.out_scheme)
    return missing


def _published(scenes: Path) -> dict[str, Any]:
    """What the imagery's item tells of the published map; empty where there is none."""
    from lczlib.acquire.folder import item_of
    from lczlib.acquire.global_map import GLOBAL_FILE

    maps = item_of(scenes).get("properties", {}).get("published_maps", ())
    return next((m for m in maps if Path(m["files"][0]).stem == GLOBAL_FILE), {})


def _mapped(
    request: CityRequest, place: Place, folder: Path, step: Steps, resume: bool
) -> MapResult:
    from lczlib.mapping import map_city

    asked = MapRequest(
        inputs=(str(folder / SCENES),),
        city=place.folder_name,
        weights=request.weights,
        second=request.second,
        device=request.device,
        out_scheme=request.out_scheme,
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
