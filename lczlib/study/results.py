"""The work of the larger steps: mapping and accuracy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

import lczlib
from lczlib import catalog
from lczlib.analysis.options import AssessOptions
from lczlib.errors import Cancelled, CatalogError, InputError, Lacking, LczError
from lczlib.grid import Resampling, geobox_of, same_grid, to_grid
from lczlib.jobs.request import Cancel
from lczlib.kinds import Kind, lcz_file, proba_file
from lczlib.mapping import MapRequest, map_city
from lczlib.mapping.sources import DEFAULT_WEIGHTS, NETWORKS, default_weights, second_network
from lczlib.models import describe, published_weights
from lczlib.reading import Reading, tell
from lczlib.study.accuracy_inputs import RESAMPLE
from lczlib.study.adapting import (
    Adapted,
    adapted_network,
    folder_of_network,
    held_out,
    open_adapted,
    shared_polygons,
)
from lczlib.study.given import Given
from lczlib.study.material import Maps, Material, References, open_maps
from lczlib.study.scene_inputs import scene_facts
from lczlib.study.store import store_of, waited_for
from lczlib.texts import text

if TYPE_CHECKING:
    from lczlib.study.steps import Context

_AS_USUAL = AssessOptions()


def run_map(
    given: Given,
    store: Path,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Maps:
    """Map a place, or open the result of the same request that is already there."""
    if given.result_folder:
        return open_maps(given.result_folder)
    material: Material = given.scene
    if not material.mappable:
        msg = (
            f"There is no imagery of {material.place.name} here that can be mapped: upload Sentinel-2 "
            "or Sentinel-1 with its eight channels, or choose a place that has some."
        )
        raise InputError(msg)
    adapted = None
    if given.adapt_files:
        asked = _adapting(given, store)
        adapted = adapted_network(**asked, progress=progress, cancelled=cancelled)
    request = request_of(given, adapted)
    folder = folder_of(material, request, store)
    with waited_for(folder, cancelled):
        if (folder / "manifest.json").is_file():
            found = open_maps(folder)
            for values in found.manifest.get("read", ()):
                tell(Reading.from_dict(values))
            return found
        map_city(request, folder, resume=True, progress=progress, cancelled=cancelled)
        return open_maps(folder)


def store_of_maps(given: Given, context: Context) -> Path:
    """Where the maps of a study lie: what a visitor's polygons made is the visitor's."""
    return store_of(given.scene, context, private=bool(given.adapt_files))


def _adapting(given: Given, store: Path) -> dict[str, Any]:
    """What Sentinel-2's network is adapted with; the networks lie beside the results."""
    material: Material = given.scene
    request = request_of(given)
    if not ("s2" in given.sensors and "s2" in material.sensors):
        msg = (
            "Your polygons adapt the network of Sentinel-2, which is not mapped here: choose Sentinel-2, or map "
            "without your polygons."
        )
        raise InputError(msg)
    start = given.s2_weights or usual_network("s2", material)
    return {
        "request": request, "start": start, "polygons": given.adapt_files[0],
        "folder": store.with_name("adapted"), "stamp": _stamp(material), "spacing": given.adapt_spacing,
    }  # fmt: skip


def folder_of(material: Material, request: MapRequest, store: Path) -> Path:
    """Where the result of a request lies: its name follows from all that the result depends on."""
    usual = (DEFAULT_WEIGHTS["s1"], *NETWORKS)
    named = {n: _hash_of(n) for n in request.weights or usual}
    key = json.dumps([lczlib.__version__, asdict(request), named, _stamp(material)], sort_keys=True)
    return store / hashlib.sha256(key.encode()).hexdigest()[:20]


def _hash_of(weights: str) -> str:
    """The hash of weights, without fetching published ones."""
    try:
        return published_weights(weights).sha256
    except CatalogError:
        return describe(weights).sha256


def is_stored(given: Given, context: Context) -> bool:
    """Whether the maps that are asked for are there already."""
    if given.result_folder:
        return True
    try:
        store, adapted = store_of_maps(given, context), None
        if given.adapt_files:
            adapted = open_adapted(folder_of_network(**_adapting(given, store)))
            if adapted is None:
                return False
        folder = folder_of(given.scene, request_of(given, adapted), store)
        return (folder / "manifest.json").is_file()
    except (LczError, OSError):
        return False


def request_of(given: Given, adapted: Adapted | None = None) -> MapRequest:
    """The mapping request that the settings of a study and its scene stand for.

    Parameters
    ----------
    given : Given
        Settings and scene.
    adapted : Adapted, optional
        Takes the place of Sentinel-2's network, which then maps beside it.

    Raises
    ------
    InputError
        If no sensor is chosen that the place has.
    """
    material: Material = given.scene
    sensors = [s for s in ("s1", "s2") if s in given.sensors and s in material.sensors]
    if not sensors:
        msg = (
            f"Of the chosen sensors ({', '.join(given.sensors) or 'none'}) {material.place.name} "
            f"has none: it has {', '.join(material.sensors) or 'no imagery'}."
        )
        raise InputError(msg)
    chosen = {"s1": given.s1_weights, "s2": adapted.weights if adapted else given.s2_weights}
    all_usual = set(sensors) == set(material.sensors) and not any(chosen[s] for s in sensors)
    weights = () if all_usual else tuple(
        chosen[s] or usual_network(s, material) for s in sensors
    )  # fmt: skip
    facts = scene_facts(given)
    if adapted:
        facts["second"] = adapted.start
    return MapRequest(
        inputs=material.inputs, sentinel1=material.radar_inputs, city=material.city,
        weights=weights, fusion=given.fusion, tta=given.tta, device=given.device, box=material.area, **facts,
    )  # fmt: skip


def published_networks(sensor: str) -> dict[str, str]:
    """The networks of a sensor that anybody may have, name to title."""
    described = (
        published_weights(n)
        for n, e in catalog.entries().items()
        if e.collection == "weights" and e.properties["lczlib:task"] == "lcz"
    )
    return {w.name: w.title for w in described if w.sensor == sensor}


def networks(sensor: str, material: Material) -> dict[str, str]:
    """Networks for a sensor, name to title; an empty name, first, is the default for the scene."""
    default = usual_network(sensor, material)
    second = second_network(default)
    others = published_networks(sensor)
    if not second:  # else the default's map alone can be chosen as well
        others.pop(default, None)
    usual = text("default ({network})")
    if second:
        usual = text("default ({network}, compared with {second})")
    return {"": usual.format(network=default, second=second), **others}


def devices() -> dict[str, str]:
    """What can compute here, title to device; the first says what is chosen by itself."""
    import torch

    from lczlib.accelerators import choose_device, device_name

    auto = choose_device("auto")
    there = ["cpu"] + [
        f"cuda:{i}" for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    best = text("best here: {device}")
    return {
        best.format(device=device_name(auto)): "auto",
        **{f"{d}: {device_name(d)}": d for d in there},
    }


def usual_network(sensor: str, material: Material) -> str:
    """The network of a sensor that a place is mapped with unless another is named."""
    scene = next(
        iter(material.seasons.values()), xr.Dataset(attrs={"simulated": material.simulated})
    )
    return default_weights(scene, in_folder=bool(material.city))[sensor]


def _stamp(material: Material) -> list[Any]:
    """Changes when an input file is replaced."""
    files = [f for s in material._scenes for f in s.attrs.get("files", ())]
    return [[f, Path(f).stat().st_size, Path(f).stat().st_mtime_ns] for f in sorted(set(files))]


@dataclass(frozen=True)
class Accuracy:
    """Assessments of several maps against one reference.

    Attributes
    ----------
    assessments : dict of str to Assessment
    calibrations : dict of str to Calibration
        Of the maps that have probabilities.
    differences : dict of (str, str) to AccuracyDifference
        Of each two maps.
    kind, source : str
        ``polygons`` or ``raster``, and where the reference comes from.
    refused : dict of str to str
        Maps that this reference cannot judge, and why.
    results : dict of str to AssessResult
        Of the assessments, the jobs' results; their requests name the maps' files, and hold no open map.
    trained : int
        How many of the reference's polygons trained the network of a map (`lczlib.study.adapting`), so that they
        flatter it.
    """

    assessments: dict[str, Any]
    calibrations: dict[str, Any]
    differences: dict[tuple[str, str], Any]
    kind: str
    source: str
    refused: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    trained: int = 0


def assess_maps(
    maps: Maps | None,
    reference: References,
    kind: str,
    own: Mapping[str, xr.DataArray],
    options: AssessOptions = _AS_USUAL,
    *,
    resample: Resampling | None = RESAMPLE,
    cancelled: Cancel | None = None,
) -> Accuracy:
    """Accuracy of each map of a result, and of an own map.

    Parameters
    ----------
    maps : Maps or None
        The result.
    reference : References
        Of the place.
    kind : {"polygons", "raster"}
        Which of the references is wanted; the other is taken where there is only that.
    own : mapping of str to DataArray
        Further maps by name.
    options : AssessOptions, optional
        Choices of the computation.
    resample : str, optional
        As of `lczlib.jobs.assess.AssessRequest`.
    cancelled : callable, optional
        As of all jobs.

    Raises
    ------
    InputError
        If there is no reference, or none of the maps can be judged by it.
    """
    from lczlib.analysis import accuracy_difference
    from lczlib.jobs.assess import AssessRequest, run

    truth: Any = reference.polygons if kind == "polygons" else reference.raster
    other = "raster" if kind == "polygons" else "polygons"
    if truth is None:
        truth = reference.raster if kind == "polygons" else reference.polygons
        kind = other
    if truth is None:
        msg = "There is no reference for this place: upload polygons, points or an LCZ raster on the City page."
        raise Lacking(msg)
    found, calibrated, refused, results = {}, {}, {}, {}
    judged = {**(maps.kinds if maps else {}), **own}
    for name, lcz in judged.items():
        proba = maps.probabilities.get(name) if maps else None
        if proba is not None and isinstance(truth, xr.DataArray):
            proba = proba if same_grid(geobox_of(proba), geobox_of(truth)) else None
        request = AssessRequest(
            lcz_map=lcz, reference=truth, probabilities=proba, resample=resample, **asdict(options)
        )
        try:
            result = run(request, cancelled=cancelled)
        except Cancelled:
            raise
        except LczError as err:  # a map of another place takes nothing from the others
            refused[name] = err
            continue
        found[name] = result.assessment
        told = replace(
            request, lcz_map=lcz_file(name), reference=f"reference of {reference.source}",
            probabilities=None if proba is None else proba_file(name),
        )  # fmt: skip
        results[name] = replace(result, request=told)
        if result.calibration is not None:
            calibrated[name] = result.calibration
    if not found:
        raise next(iter(refused.values()))
    differences = {}
    for first, second in combinations(found, 2):
        try:
            differences[first, second] = accuracy_difference(
                judged[first], judged[second], truth, resampling=resample, block=options.block,
                replicates=options.replicates, seed=options.seed,
            )  # fmt: skip
        except LczError:  # two maps without a common labelled cell, or a single polygon
            continue
    reasons = {name: err.message for name, err in refused.items()}
    return Accuracy(found, calibrated, differences, kind, reference.source, reasons, results)


def with_doubt(found: Accuracy, maps: Maps | None, reference: References) -> Accuracy:
    """The same, with how many of the polygons trained a map's network; the results of its maps say so too."""
    if maps is None or maps.adapted is None or found.kind != "polygons":
        return found
    n, of = shared_polygons(reference.polygons, maps.adapted), len(reference.polygons)
    if not n:
        return found
    caution = (
        f"{n} of the {of} reference polygons trained the network of this map, so its accuracy here flatters: on "
        f"polygons held out from training it was {held_out(maps.adapted.test)}."
    )
    told = Reading(
        "reference", found.source, (f"{n} of {of} polygons trained the map",), (caution,)
    )
    results = {
        name: replace(r, read=(*r.read, told)) if name in (Kind.S2, Kind.FUSED) else r
        for name, r in found.results.items()
    }
    return replace(found, trained=n, results=results)


def places_of_pair(
    lcz: xr.DataArray, reference: References, kind: str, truth: int, mapped: int
) -> xr.DataArray:
    """Where the reference says one class and a map another: the map's class there, 0 elsewhere."""
    from lczlib.polygon_cells import polygon_cells

    if kind == "polygons":
        cells = polygon_cells(reference.polygons, geobox_of(lcz))
        labels = np.zeros(lcz.shape, np.uint8)
        labels[cells["row"], cells["col"]] = cells["lcz"]
    else:
        raster, box = reference.raster, geobox_of(lcz)
        raster = raster if same_grid(geobox_of(raster), box) else to_grid(raster, box, "nearest")
        labels = raster.values
    picked = (labels == truth) & (lcz.values == mapped)
    return lcz.copy(data=np.where(picked, lcz.values, 0).astype(np.uint8))
