"""Whether the areas that judge a map are those that it was made from.

Such an accuracy tells how well a classifier repeats its lessons: it may be near 1 where the map is
poor (Friedl et al. 2000, doi 10.1109/36.841979).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio

from lczlib.errors import InputError
from lczlib.export.files import sha256_of
from lczlib.export.manifest import MANIFEST, read_manifest
from lczlib.polygon_cells import are_points
from lczlib.reading import Reading

_TRAINING = re.compile(r"train(?:ing|ed)?(?![a-z])|trainingarea", re.IGNORECASE)
_ADVICE = "give areas that were kept back, or say so where the accuracy is quoted"


def training_areas(lcz_map: str | Path | None, shapes: gpd.GeoDataFrame) -> Reading | None:
    """What there is to say of references that a map was made from; None where nothing is known.

    They are known by the manifest beside the map, which names its inputs and the weights of its
    networks; by ``patches.gpkg`` beside such weights, which holds where they were trained; and by
    the name of the reference.

    Parameters
    ----------
    lcz_map : path, optional
        The map's file, where it has one.
    shapes : GeoDataFrame
        The reference, as of `lczlib.polygons.open_polygons`, which tells its file.
    """
    reference = shapes.attrs.get("source")
    if reference is None:
        return None
    name, manifest = Path(reference).name, _manifest(Path(lcz_map)) if lcz_map else {}
    hashes = {given["sha256"] for given in manifest.get("inputs", ()) if given.get("sha256")}
    own = sha256_of(reference) if Path(reference).is_file() else None
    if own in hashes:
        why = "the map was made from them (manifest.json beside the map)"
    elif own and own == manifest.get("calibration", {}).get("polygons"):
        why = "its probabilities were calibrated by them (manifest.json beside the map)"
    elif n := _trained_on(manifest, Path(lcz_map or "").parent, shapes):
        why = f"{n} of the {len(shapes)} hold training patches of the map's network (patches.gpkg)"
    elif _TRAINING.search(Path(reference).stem):
        return Reading(
            "reference", str(reference), ("training areas, by its name",),
            (f"{name} is named after training areas: if the map was made from them, its accuracy is "
             f"flattered; {_ADVICE}.",),
            {"training_areas": "by name"},
        )  # fmt: skip
    else:
        return None
    caution = (
        f"The areas of {name} judge a map that learned from them: {why}, so that its accuracy is "
        f"flattered; {_ADVICE}."
    )
    return Reading(
        "reference", str(reference), ("training areas of this map",), (caution,),
        {"training_areas": why},
    )  # fmt: skip


def _manifest(lcz_map: Path) -> dict[str, Any]:
    path = lcz_map.parent / MANIFEST
    if not path.is_file():
        return {}
    try:
        return read_manifest(path)[0]
    except InputError:  # of another program
        return {}


def _trained_on(manifest: dict[str, Any], folder: Path, shapes: gpd.GeoDataFrame) -> int:
    """How many reference areas hold the centre of a training patch of their class."""
    if are_points(shapes):
        return 0
    found: set[int] = set()
    for weights in manifest.get("parameters", {}).get("weights") or ():
        beside = (folder / str(weights)).parent, Path(str(weights)).parent
        patches = next((p / "patches.gpkg" for p in beside if (p / "patches.gpkg").is_file()), None)
        if not str(weights).endswith(".safetensors") or patches is None:
            continue
        try:
            points = gpd.read_file(patches)
        except pyogrio.errors.DataSourceError:
            continue
        if not {"lcz", "subset"} <= set(points):
            continue
        points = points[points["subset"] == "train"].to_crs(shapes.crs)
        shape, point = shapes.sindex.query(points.geometry, predicate="intersects")[::-1]
        alike = shapes["lcz"].to_numpy()[shape] == points["lcz"].to_numpy()[point]
        found |= set(shape[alike].tolist())
    return len(found)
