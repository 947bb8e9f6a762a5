"""From a mapping request to the scenes that are mapped, each with its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import xarray as xr

from lczlib.errors import CatalogError, InputError, WeightsError
from lczlib.grid import check_same_grid, geobox_of
from lczlib.kinds import Kind, of_season
from lczlib.map_request import NO_SECOND
from lczlib.models import Weights, describe, resolve
from lczlib.scenes import City, open_scenes
from lczlib.scenes.sources import at_level, titles
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.map_request import MapRequest

NETWORKS = ("sen2lcz_net", "so2sat_s2_resnet20")
"""The published networks of Sentinel-2, the one that is chosen by evidence first (docs/how-to/map.md, "Which
network"): Sen2LCZ-Net has a published score on So2Sat's test set (OA 0.694, n = 24,188), was the better on Berlin's
labels, and its map hangs less on what is assumed of the atmosphere."""
DEFAULT_WEIGHTS = {"s1": "so2sat_s1_resnet20", "s2": NETWORKS[0]}
SIMULATED_WEIGHTS = {"s1": "demo_s1", "s2": "demo_s2"}
"""For simulated scenes, which networks trained on real ones do not know."""


def default_weights(scene: xr.Dataset, *, in_folder: bool) -> dict[str, str]:
    """Names of the weights of each sensor that a scene is mapped with unless others are named.

    Parameters
    ----------
    scene : Dataset
        Canonical scene, one of several.
    in_folder : bool
        Whether it lies in a So2Sat folder. What lies there as So2Sat's programs prepare it, without the
        atmosphere taken off, is mapped as they do, by the network that their authors made for it.
    """
    if scene.attrs.get("simulated"):
        return SIMULATED_WEIGHTS
    if in_folder and scene.attrs.get("level") != "L2A":
        return {**DEFAULT_WEIGHTS, "s2": NETWORKS[1]}
    return DEFAULT_WEIGHTS


def second_network(first: str) -> str:
    """The published network of Sentinel-2 that a default one's map is compared with; empty for others."""
    return {NETWORKS[0]: NETWORKS[1], NETWORKS[1]: NETWORKS[0]}.get(first, "")


@dataclass(frozen=True)
class Source:
    """One scene and the weights it is mapped with.

    Attributes
    ----------
    name : str
        ``s1``, ``s2``, ``s2_<season>``, ``both_<season>`` or ``second_<season>``: the start of its files' names.
    kind : str
        ``s1``, ``s2``, ``both``, ``second`` (Sentinel-2 by the network that is only compared), or the sensor of a
        network that reads another: ``landsat``.
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
    second, note = _second_of(request, sources)
    compared = _compared_with(second, city, sources) if second else []
    return [*sources, *compared], (*city.notes, *note)


def _second_of(request: MapRequest, sources: list[Source]) -> tuple[str, tuple[str, ...]]:
    """The network that a map of Sentinel-2 is compared with, empty for none; and why it cannot be had."""
    if request.second:
        return "" if request.second == NO_SECOND else request.second, ()
    optical = next((s.weights_name for s in sources if s.kind == Kind.S2), "")
    second = "" if request.weights else second_network(optical)
    if not second:
        return "", ()
    try:  # a map is worth more than its comparison: what was not asked for stops nothing
        resolve(second)
    except (CatalogError, WeightsError) as err:
        return "", (f"There is no map of a second network to compare with: {err.message}",)
    return second, ()


def _compared_with(name: str, city: City, sources: list[Source]) -> list[Source]:
    """The scenes of Sentinel-2 once more, with the second network.

    Raises
    ------
    WeightsError, InputError
        If it cannot be compared.
    """
    optical = [s for s in sources if s.kind == Kind.S2]
    weights = describe(name)
    if weights.task != "lcz" or weights.sensor != Kind.S2:
        msg = f"{name} maps {weights.task} of {weights.sensor}: {option('second')} names a network of Sentinel-2."
        raise WeightsError(msg)
    if not optical:
        msg = f"There is no map of Sentinel-2 that {name} could be compared with: leave {option('second')} out."
        raise InputError(msg, parameter="second")
    if name in {s.weights_name for s in optical}:
        msg = f"{name} maps Sentinel-2 already: {option('second')} names another network, or {NO_SECOND}."
        raise InputError(msg, parameter="second")
    return [
        replace(s, name=s.name.replace(Kind.S2, Kind.SECOND, 1), kind=Kind.SECOND)
        for s in _read_by(city, Kind.S2, name, weights, 0)
    ]


def _sources_of(
    city: City, by_kind: Mapping[str, list[str]], described: Mapping[str, Weights]
) -> list[Source]:
    """The scenes of a place that networks read, each with each of its networks."""
    usual = default_weights(
        next(iter(city.scenes.values()), xr.Dataset()), in_folder=bool(city.name)
    )
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
            at_level(scene, level), name, city.box, member,
        )
        for label, scene in city.seasons.items()
    ]  # fmt: skip
