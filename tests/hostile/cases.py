"""Which mutated input goes into which command: one door a line, and how its kind is mutated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import features
import numpy as np
import rasters
import texts

Files = Mapping[str, Path]
Mutation = Callable[[Path, Path, np.random.Generator], str]

_OUT = ("--out", "out")
_QUICK = ("--no-figures", *_OUT)
_FOREST = ("--arch", "random_forest", "--option", "n_trees=5", "--split", "random", *_QUICK)
_FINE = ("--spacing", "100", *_FOREST)
_HEAT = ("--replicates", "100", *_QUICK)

_OF_RASTER: tuple[Mutation, ...] = (*[rasters.mutate] * 4, rasters.declare, texts.octets)
_OF_VECTOR: tuple[Mutation, ...] = (*[features.mutate] * 4, texts.octets)
_OF_TABLE: tuple[Mutation, ...] = (*[texts.table] * 4, texts.octets)
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    **dict.fromkeys(("map", "proba", "scene", "radar", "lst", "air", "elevation", "quality"), _OF_RASTER),
    **dict.fromkeys(("polygons", "kml", "flatgeobuf", "geoparquet", "sites"), _OF_VECTOR),
    "geojson": (*_OF_VECTOR, features.mutate_json, features.mutate_json),
    "kmz": (features.mutate, texts.archive, texts.octets),
    "shapefile": (features.mutate, texts.archive, texts.octets),
    **dict.fromkeys(("points", "stations", "weather", "station_classes"), _OF_TABLE),
    "table_parquet": (texts.parquet, texts.parquet, texts.octets),
    "netcdf": (texts.octets,),
    "weights": (texts.safetensors, texts.safetensors, texts.octets),
    "torch": (texts.pickled, texts.pickled, texts.octets),
    "keras": (texts.hdf5, texts.hdf5, texts.octets),
    "patches": (texts.hdf5, texts.hdf5, texts.octets),
    "product": (texts.archive, texts.archive, texts.octets),
    "archive": (texts.archive, texts.archive, texts.octets),
    **dict.fromkeys(("manifest", "map_manifest"), (features.mutate_json, features.mutate_json, texts.octets)),
}  # fmt: skip
"""How a file of each kind is mutated; one is drawn."""


@dataclass(frozen=True)
class Door:
    """A command that reads a kind of file.

    Attributes
    ----------
    kind : str
        Of the mutated file.
    command : str
    arguments : callable
        (the mutated file, the honest files) -> the command line behind the command.
    """

    kind: str
    command: str
    arguments: Callable[[Path, Files], tuple[object, ...]]


def _doors() -> list[Door]:
    found = []

    def add(
        kinds: str, command: str, arguments: Callable[[Path, Files], tuple[object, ...]]
    ) -> None:
        found.extend(Door(kind, command, arguments) for kind in kinds.split())

    areas = "polygons geojson kml kmz shapefile flatgeobuf geoparquet"
    add("map archive", "assess", lambda x, f: (_raster(x), "--reference", f["map"], *_QUICK))
    add(f"map points {areas}", "assess", lambda x, f: (f["map"], "--reference", x, *_QUICK))
    add(
        "proba",
        "assess",
        lambda x, f: (f["map"], "--reference", f["map"], "--probabilities", x, *_QUICK),
    )
    add("map archive geojson kmz", "compare", lambda x, f: (_raster(x), f["map_b"], *_QUICK))
    add("archive", "compare", lambda x, f: (f["map_b"], x, *_QUICK))
    add("map polygons", "compare", lambda x, f: (f["map_b"], x, "--resample", "nearest", *_QUICK))
    add("map geoparquet", "sites", lambda x, f: (x, "--sensors", 5, "--border-distance", 50, *_OUT))
    add("map shapefile", "morphology", lambda x, f: (x, "--parameter", "height", *_OUT))
    add("map", "uhi", lambda x, f: (x, "--lst", f["lst"], *_HEAT))
    add("lst netcdf", "uhi", lambda x, f: (f["map"], "--lst", x, *_HEAT))
    add("air", "uhi", lambda x, f: (f["map"], "--air", x, *_HEAT))
    add("elevation", "uhi", lambda x, f: (f["map"], "--lst", f["lst"], "--elevation", x, *_HEAT))
    add("proba", "uhi", lambda x, f: (f["map"], "--lst", f["lst"], "--probabilities", x, *_HEAT))
    add(
        "quality",
        "uhi",
        lambda x, f: (f["map"], "--lst", f["lst"], "--kind", "ecostress", "--quality", x, *_HEAT),
    )
    add(
        "stations table_parquet",
        "uhi",
        lambda x, f: (
            f["map"],
            "--stations",
            x,
            "--sites",
            f["sites"],
            "--time-zone",
            "UTC",
            *_HEAT,
        ),
    )
    add(
        "sites",
        "uhi",
        lambda x, f: (
            f["map"],
            "--stations",
            f["stations"],
            "--sites",
            x,
            "--time-zone",
            "UTC",
            *_HEAT,
        ),
    )
    add(
        "elevation",
        "uhi",
        lambda x, f: (
            f["map"],
            "--stations",
            f["stations"],
            "--sites",
            f["sites"],
            "--elevation",
            x,
            *_HEAT,
        ),
    )
    add(
        "weather",
        "uhi",
        lambda x, f: (
            f["map"],
            "--stations",
            f["stations"],
            "--sites",
            f["sites"],
            "--weather",
            x,
            *_HEAT,
        ),
    )
    add(
        "station_classes",
        "uhi",
        lambda x, f: (
            "--stations",
            f["stations"],
            "--station-classes",
            x,
            "--sites",
            f["sites"],
            *_HEAT,
        ),
    )
    add("scene", "map", lambda x, f: (x, "--weights", "demo_s2", *_OUT))
    add("product", "map", lambda x, f: (x, "--weights", f["own"], *_OUT))
    add("weights", "map", lambda x, f: (f["scene"], "--weights", x, *_OUT))
    add("proba", "fuse", lambda x, f: (f["proba"], x, *_OUT))
    add("radar", "water", lambda x, f: (x, "--orbit", "as", *_OUT))
    add("scene", "train", lambda x, f: (x, "--polygons", f["polygons"], *_FINE))
    add(areas, "train", lambda x, f: (f["scene"], "--polygons", x, *_FINE))
    add("patches", "train", lambda x, f: (x, *_FOREST))
    add(
        "scene weights",
        "evaluate",
        lambda x, f: (
            *((x, f["scene"]) if x.suffix == ".safetensors" else ("demo_s2", x)),
            "--polygons",
            f["polygons"],
            "--replicates",
            100,
            *_QUICK,
        ),
    )
    add("patches", "evaluate", lambda x, f: ("demo_s2", x, "--replicates", 100, *_QUICK))
    add(
        "patches",
        "experiment",
        lambda x, f: (x, "--table", "inputs", "--seeds", 1, "--epochs", 1, *_QUICK),
    )
    add("torch", "weights import", lambda x, f: (x, "--arch", "resnet20", "--name", "mine"))
    add("keras", "weights import", lambda x, f: (x, "--arch", "lcznet", "--name", "mine"))
    add("weights", "weights export", lambda x, f: (x, "--out", "net.pt2"))
    add("manifest", "rerun", lambda x, f: (x, "--inputs", f["folder"], *_OUT))
    add("map_manifest", "map", lambda x, f: ("--from-manifest", x, "--inputs", f["folder"], *_OUT))
    return found


def _raster(path: Path) -> Path:
    """A raster, or the one inside an archive."""
    return path / "maps" / "lcz.tif" if path.name == "maps.zip" else path


DOORS = _doors()


@dataclass(frozen=True)
class Case:
    """One mutated input and the command that it is given to."""

    number: int
    door: Door
    how: str
    line: tuple[str, ...]


def make(number: int, seed: int | None, files: Files, folder: Path) -> Case:
    """Write the input of a case, drawn by its number alone, into an empty folder; as it is without seed."""
    door = DOORS[number % len(DOORS)]
    source, target = files[door.kind], folder / files[door.kind].name
    line = (*door.command.split(), *map(str, door.arguments(target, files)))
    if seed is None:
        shutil.copyfile(source, target)
        return Case(number, door, "as it is", line)
    rng = np.random.default_rng((seed, number))
    options = MUTATIONS[door.kind]
    mutation = options[int(rng.integers(len(options)))]
    try:
        how = f"{mutation.__name__}: {mutation(source, target, rng)}"
    except Exception as error:  # what no library writes: then bytes are changed instead
        target.unlink(missing_ok=True)
        shutil.rmtree(target.with_name("inside"), ignore_errors=True)
        how = f"octets for {mutation.__name__} ({type(error).__name__}): {texts.octets(source, target, rng)}"
    return Case(number, door, how, line)
