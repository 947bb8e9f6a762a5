"""From a mapping request to the scenes that are mapped, each with its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from lczlib.errors import InputError, WeightsError
from lczlib.grid import check_same_grid, geobox_of, to_utm
from lczlib.mapping.doubtful import open_doubtful
from lczlib.models import Weights
from lczlib.scenes import (
    crop,
    find_product,
    open_raster_scene,
    open_sentinel1_rasters,
    open_so2sat,
)
from lczlib.scenes.atmosphere import to_top_of_atmosphere

if TYPE_CHECKING:
    from lczlib.mapping.request import MapRequest

SENTINELS = ("s1", "s2", "both")
"""Sensors whose maps have fixed names; other networks' maps are named after their sensor."""

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
    """

    name: str
    kind: str
    scene: xr.Dataset
    weights_name: str
    box: tuple[float, ...] = ()


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
    by_kind: dict[str, str] = {}
    for name, weights in described.items():
        if weights.task != "lcz":
            msg = f"{name} maps {weights.task}, not LCZ: use `lcz {weights.task}`."
            raise WeightsError(msg)
        kind = (
            weights.sensor if weights.sensor in ("s1", "both") else "s2"
        )  # or what takes its place
        if kind in by_kind:
            first = described[by_kind[kind]].sensor
            read = (
                f"sensor {first}"
                if first == weights.sensor
                else f"rasters of {first} and {weights.sensor}"
            )
            msg = (
                f"Both {by_kind[kind]} and {name} read {read}: give one a sensor, and map "
                "the other into a folder of its own."
            )
            raise InputError(msg)
        by_kind[kind] = name
    if request.inputs and request.seasons:
        msg = "Give rasters either as INPUT or by --season NAME=FILE, not both."
        raise InputError(msg)
    for path in (*request.inputs, *request.seasons.values(), *request.sentinel1):
        if not Path(path).exists():
            msg = f"The input {path} does not exist."
            raise InputError(msg)
    first = request.inputs[0] if request.inputs else ""
    if first and Path(first).is_dir() and not find_product(first):
        return _from_folder(request, by_kind, described)
    return _from_rasters(request, by_kind, described), ()


def _from_folder(
    request: MapRequest, by_kind: dict[str, str], described: Mapping[str, Weights]
) -> tuple[list[Source], tuple[str, ...]]:
    if len(request.inputs) > 1 or request.seasons:
        msg = f"{request.inputs[0]} is a So2Sat folder: give it alone, without other rasters."
        raise InputError(msg)
    if request.sentinel1:
        msg = (
            f"The So2Sat folder {request.inputs[0]} has its own Sentinel-1: give --sentinel1 beside "
            "Sentinel-2 rasters, or alone."
        )
        raise InputError(msg)
    if request.resample:
        msg = (
            "--resample is for single rasters; the scenes of a So2Sat folder share a grid already."
        )
        raise InputError(msg)
    city = open_so2sat(
        request.inputs[0],
        request.city or None,
        sentinel1_time=request.sentinel1_time or None,
        sensors=tuple(by_kind) if by_kind and "both" not in by_kind else ("s1", "s2"),
        **_raster_options(request),
        keep_clouds=request.keep_clouds,
    )
    first = city.sentinel1 if city.sentinel1 is not None else next(iter(city.seasons.values()))
    names = by_kind or default_weights(first)
    level = described[names["s2"]].level if by_kind.get("s2") else "L1C"
    sources = []
    if city.sentinel1 is not None and "s1" in names:
        sources.append(Source("s1", "s1", city.sentinel1, names["s1"], request.box))
    if "s2" in names:
        sources += [
            Source(f"s2_{season}", "s2", _at_level(scene, request, level), names["s2"], request.box)
            for season, scene in city.seasons.items()
        ]
    if "both" in names:
        sources += [
            Source(f"both_{season}", "both", scene, names["both"], request.box)
            for season, scene in city.both_sensors().items()
        ]
    return sources, city.notes


def _from_rasters(
    request: MapRequest, by_kind: dict[str, str], described: Mapping[str, Weights]
) -> list[Source]:
    files = dict(request.seasons) or {Path(p).stem: p for p in request.inputs}
    if not files and not request.sentinel1:
        msg = "There is nothing to map: give a So2Sat folder, a raster, or --season NAME=FILE."
        raise InputError(msg)
    for option, given in (("--city", request.city), ("--s1-time", request.sentinel1_time)):
        if given:
            first = next(iter((*files.values(), *request.sentinel1)))
            msg = f"{option} goes with a So2Sat folder, and {first} is none."
            raise InputError(msg)
    if not request.seasons and len(files) < len(request.inputs):
        msg = "Two rasters have the same file name: name them with --season NAME=FILE."
        raise InputError(msg)
    name = by_kind.get("s2")
    if by_kind and name is None and not (request.sentinel1 and "s1" in by_kind):
        msg = (
            f"{next(iter(by_kind.values()))} reads Sentinel-1 as So2Sat prepares it (two mosaics in a "
            f"So2Sat folder), not {next(iter(files.values()), 'a single raster')}: give the folder, "
            "--sentinel1, or Sentinel-2 weights."
        )
        raise WeightsError(msg)
    sources = []
    if request.sentinel1 and (not by_kind or "s1" in by_kind):
        if request.resample:
            msg = "--resample does not go with --sentinel1: both sensors must share a grid already."
            raise InputError(msg)
        radar = open_sentinel1_rasters(request.sentinel1)
        chosen = by_kind.get("s1") or default_weights(radar)["s1"]
        sources.append(Source("s1", "s1", radar, chosen, request.box))
        if by_kind and name is None:
            files = {}
    weights = described.get(name) if name else None
    kind = weights.sensor if weights and weights.sensor not in SENTINELS else "s2"
    for label, path in files.items():
        if weights is None or weights.sensor == "s2":
            scene = open_doubtful(
                path, {**_raster_options(request), "keep_clouds": request.keep_clouds}
            )
            scene = _at_level(scene, request, weights.level if weights else "L1C")
        else:
            scene = open_raster_scene(path, sensor=weights.sensor, **_raster_options(request))
        box = request.box
        if request.resample:  # only what is mapped is warped
            scene, box = to_utm(crop(scene, box) if box else scene), ()
        plain = len(files) == 1 and not request.seasons
        chosen = name or default_weights(scene)["s2"]
        sources.append(Source(kind if plain else f"{kind}_{label}", kind, scene, chosen, box))
    first = sources[0]
    for source in sources[1:]:
        boxes = (geobox_of(s.scene, s.name) for s in (first, source))
        check_same_grid(*boxes, names=(first.name, source.name))
    return sources


def _at_level(scene: xr.Dataset, request: MapRequest, wanted: str) -> xr.Dataset:
    """The scene at the processing level that the network was trained on."""
    if request.level not in ("", "L1C", "L2A"):
        msg = f"{request.level!r} is no processing level of Sentinel-2: use L1C or L2A."
        raise InputError(msg)
    level = request.level or scene.attrs.get("level", "")
    if scene.attrs.get("product") and level != scene.attrs["level"]:
        msg = f"{scene.attrs['source']} is a product of level {scene.attrs['level']}: leave out --level {level}."
        raise InputError(msg)
    certain = request.level or scene.attrs.get("product")  # a file's name or tags are checked only
    if level == "L2A" and certain and wanted == "L1C":
        return to_top_of_atmosphere(scene, date=request.date or None)
    return scene.assign_attrs(level=level)


def _raster_options(request: MapRequest) -> dict[str, object]:
    return {
        "bands": request.bands or None,
        "scale": request.scale,
        "offset": request.offset,
        "nodata": request.nodata,
    }
