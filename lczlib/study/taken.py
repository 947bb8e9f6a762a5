"""What a study holds as the commands write it: folders of results, of which a report is made.

What was computed from open maps is recorded with the files that these are written to, so that each result can
be made again from its manifest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lczlib.export import write_lcz_map
from lczlib.export.files import staged, write_features
from lczlib.grid import geobox_of, same_grid
from lczlib.jobs.report_bundle import without_ways
from lczlib.jobs.request import is_path
from lczlib.kinds import Kind, lcz_file, proba_file
from lczlib.reading import quiet
from lczlib.study.places import FETCHED
from lczlib.study.showing import as_shown
from lczlib.study.steps import named_maps
from lczlib.study.wording import face_of
from lczlib.terms import speaking

MAP, POLYGONS = "map", "reference.gpkg"
_FACTS = ("title", "year", "licence", "citation")


def write_results(study: Any, folder: Path) -> list[Path]:
    """Write each result of a study; the folders and maps in the order in which a report tells them."""
    study = as_shown(study)
    found = [*_imagery(study, folder), *_maps(study, folder)]
    found += [*_accuracy(study, folder), *_comparison(study, folder), *_heat(study, folder)]
    if study.field is not None:
        found.append(_job(study, study.field, folder / "field", "field", folder))
    if study.water_summary is not None:
        found.append(_water(study, folder))
    without_ways(folder)
    return found


def map_path(study: Any, name: str, folder: Path) -> Path:
    """Where a map of the study lies among its results."""
    made = study.maps is not None and name in study.maps.kinds
    return folder / MAP / lcz_file(name) if made else folder / lcz_file(name)


def _imagery(study: Any, folder: Path) -> Iterable[Path]:
    """What tells of imagery that was fetched; the imagery itself is an input, no result."""
    place = study.scene.place
    if not place.key.startswith(f"{FETCHED}:") or place.folder is None:
        return
    there = [place.folder / n for n in ("manifest.json", "item.json")]
    if all(p.is_file() for p in there):
        for path in there:
            _copy(path, folder / "imagery" / path.name)
        yield folder / "imagery"


def _maps(study: Any, folder: Path) -> Iterable[Path]:
    if study.maps is not None:
        for file in sorted(study.maps.folder.glob("[!.]*")):
            if file.is_file():
                _copy(file, folder / MAP / file.name)
        yield folder / MAP
    maps = named_maps(study)
    for name in (Kind.REFERENCE, Kind.OWN, Kind.GLOBAL):
        if name in maps:
            tags = {k.upper(): str(v) for k in _FACTS if (v := maps[name].attrs.get(k))}
            yield write_lcz_map(folder / lcz_file(name), maps[name], tags=tags)
    if study.reference is not None and study.reference.polygons is not None:
        write_features(folder / POLYGONS, study.reference.polygons)


def _accuracy(study: Any, folder: Path) -> Iterable[Path]:
    if study.accuracy is None:
        return
    by = study.accuracy.kind
    reference = folder / (POLYGONS if by == "polygons" else lcz_file(Kind.REFERENCE))
    for name, result in study.accuracy.results.items():
        probabilities = folder / MAP / proba_file(name)
        request = replace(
            result.request, lcz_map=map_path(study, name, folder), reference=reference,
            probabilities=probabilities if result.request.probabilities is not None else None,
        )  # fmt: skip
        with speaking(face_of("accuracy")):
            yield replace(result, request=request).write(folder / f"accuracy_{name}", figures=False)


def _comparison(study: Any, folder: Path) -> Iterable[Path]:
    from lczlib.jobs.compare import CompareRequest, run

    if study.comparison is None:
        return
    first, second = study.comparison.names
    request = CompareRequest(
        map_a=map_path(study, first, folder), map_b=map_path(study, second, folder), names=(first, second),
        resample=study.compare_resample or None,
    )  # fmt: skip
    with quiet(), speaking(face_of("comparison")):  # what is read was read before
        yield run(request).write(folder / f"compared_{first}_{second}", figures=False)


def _heat(study: Any, folder: Path) -> Iterable[Path]:
    for choice, heat in study.heats.items():
        name = {"air": "canopy_rasters"}.get(choice, choice)
        yield _job(study, heat.job, folder / f"heat_{name}", "heat", folder)


def _job(study: Any, result: Any, target: Path, step: str, folder: Path) -> Path:
    """A result of the zones of a map, recorded with the files of that map."""
    name, path = _map_of(study, result.request.map_path, f"{step}_map", folder)
    told: dict[str, Any] = {"map_path": path}
    if getattr(result.request, "probabilities", None) is not None and path.parent.name == MAP:
        told["probabilities"] = folder / MAP / proba_file(name)
    with speaking(face_of(step)):
        return replace(result, request=replace(result.request, **told)).write(target, figures=False)


def _map_of(study: Any, lcz: Any, otherwise: str, folder: Path) -> tuple[str, Path]:
    """The name and file of the map that a result was made with; it may have been replaced since."""
    for name, known in named_maps(study).items():
        if known is lcz or (
            same_grid(geobox_of(known), geobox_of(lcz)) and np.array_equal(known.values, lcz.values)
        ):
            return name, map_path(study, name, folder)
    return otherwise, write_lcz_map(folder / lcz_file(otherwise), lcz)


def _water(study: Any, folder: Path) -> Path:
    """Surface water at the study's threshold; the place's own radar scene is written beside it, to run again."""
    from lczlib.export.geotiff import write_raster

    result = study.water_summary.result
    if not all(is_path(v) for v in result.request.inputs):
        scene = result.scenes[0].backscatter
        bands = [str(b) for b in scene["band"].values] if "band" in scene.coords else ["VV", "VH"]
        path = write_raster(
            folder / "sentinel1_db.tif", scene, descriptions=bands, tags={"units": "dB"}
        )
        result = replace(result, request=replace(result.request, inputs=(path,)))
    with speaking(face_of("water")):
        return result.write(folder / "water", figures=False)


def _copy(source: Path, target: Path) -> None:
    with staged(target) as path:
        shutil.copyfile(source, path)
