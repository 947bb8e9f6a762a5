"""From a mapping request to the scenes that are mapped, each with its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xarray as xr

from lczlib.errors import InputError, WeightsError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.kinds import of_season
from lczlib.models import Weights
from lczlib.scenes import City, open_scenes
from lczlib.scenes.sources import at_level, titles
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.map_request import MapRequest

DEFAULT_WEIGHTS = {"s1": "so2sat_s1_resnet20", "s2": "so2sat_s2_resnet20"}
SIMULATED_WEIGHTS = {"s1": "demo_s1", "s2": "demo_s2"}
"""For simulated scenes, which networks trained on real ones do not know."""


def default_weights(scene: xr.Dataset) -> dict[str, str]:
    """Names of the weights of each sensor that a scene is mapped with unless others are named."""
    return SIMULATED_WEIGHTS if scene.attrs.get("simulated") else DEFAULT_WEIGHTS


@dataclass(frozen=True)
class Source:
    """One scene and the weights it is mapped with.

    Attributes
    ----------
    name : str
        ``s1``, ``s2``, ``s2_<season>`` or ``both_<season>``: the start of its files' names.
    kind : str
        ``s1``, ``s2``, ``both``, or the sensor of a network that reads another: ``landsat``.
    scene : Dataset
        Canonical scene.
    weights_name : str
        Name or file of the weights.
    box : tuple of float
        West, south, east, north in degrees of the part that is mapped; empty for all.
    member : int
        Which of several networks whose mean is the scene's map, from 1; 0 of one alone.
    """

    name: str
    kind: str
    scene: xr.Dataset
    weights_name: str
    box: tuple[float, ...] = ()
    member: int = 0

    @property
    def key(self) -> str:
        """What tells it from all others: its name, and which of several networks."""
        return f"{self.name}+{self.member}" if self.member else self.name


def open_sources(
    request: MapRequest, described: Mapping[str, Weights]
) -> tuple[list[Source], tuple[str, ...]]:
    """Open the scenes of a request.

    Parameters
    ----------
    request : MapRequest
        What to map.
    described : mapping
        Descriptions of the weights that the request names.

    Returns
    -------
    list of Source, tuple of str
        The scenes, and notes for the user.

    Raises
    ------
    InputError, GridError, WeightsError
        If inputs and weights do not make a job.
    """
    by_kind: dict[str, list[str]] = {}
    for name, weights in described.items():
        if weights.task != "lcz":
            msg = f"{name} maps {weights.task}, not LCZ: use `lcz {weights.task}`."
            raise WeightsError(msg)
        kind = (
            weights.sensor if weights.sensor in ("s1", "both") else "s2"
        )  # or what takes its place
        for other in by_kind.setdefault(kind, []):
            if described[other].sensor != weights.sensor:
                msg = (
                    f"{other} and {name} read rasters of {described[other].sensor} and {weights.sensor}: only networks "
                    "of one sensor are averaged; map the other into a folder of its own."
                )
                raise InputError(msg)
        by_kind[kind].append(name)
    if not (request.inputs or request.seasons or request.sentinel1):
        msg = f"There is nothing to map: give {titles()}, or {option('season')} NAME=FILE."
        raise InputError(msg)
    optical = described[by_kind["s2"][0]].sensor if "s2" in by_kind else "s2"
    wanted = [optical if k == "s2" else k for k in by_kind if k != "both"]
    city = open_scenes(
        request.inputs, request, seasons=request.seasons, sentinel1=request.sentinel1,
        sensors=wanted if wanted and "both" not in by_kind else ("s1", optical), doubtful=True,
    )  # fmt: skip
    sources = _sources_of(city, by_kind, described)
    if not sources:
        first = next(iter((*request.inputs, *request.seasons.values(), *request.sentinel1)))
        msg = (
            f"{next(iter(by_kind.values()))[0]} reads Sentinel-1 as So2Sat prepares it (two mosaics in a "
            f"So2Sat folder), not {first}: give the folder, {option('sentinel1')}, or Sentinel-2 weights."
        )
        raise WeightsError(msg)
    first = sources[0]
    for source in sources[1:]:
        boxes = (geobox_of(s.scene, s.name) for s in (first, source))
        check_same_grid(*boxes, names=(first.name, source.name))
    return sources, city.notes


def _sources_of(
    city: City, by_kind: Mapping[str, list[str]], described: Mapping[str, Weights]
) -> list[Source]:
    """The scenes of a place that networks read, each with each of its networks."""
    usual = default_weights(next(iter(city.scenes.values()), xr.Dataset()))
    names = by_kind or {kind: [name] for kind, name in usual.items()}
    sources = []
    for kind in ("s1", "s2", "both"):
        several = names.get(kind, [])
        for i, name in enumerate(several, 1):
            member = i if len(several) > 1 else 0
            sources += _read_by(city, kind, name, described.get(name), member)
    return sources


def _read_by(
    city: City, kind: str, name: str, weights: Weights | None, member: int
) -> list[Source]:
    """The scenes that one network reads; of ``s2`` also those of what takes its place."""
    if kind == "s1":
        if city.sentinel1 is None:
            return []
        return [Source("s1", "s1", city.sentinel1, name, city.box, member)]
    if kind == "both":
        return [
            Source(of_season("both", label), "both", scene, name, city.box, member)
            for label, scene in city.both_sensors().items()
        ]
    kind = weights.sensor if weights else "s2"
    level = weights.level if weights else "L1C"
    return [
        Source(
            of_season(kind, label) if city.labelled else kind, kind,
            at_level(scene, level) if kind == "s2" else scene, name, city.box, member,
        )
        for label, scene in city.seasons.items()
    ]  # fmt: skip
