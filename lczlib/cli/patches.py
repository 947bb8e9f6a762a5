"""The labelled patches that ``lcz train`` and ``lcz evaluate`` work on, from what the user gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lczlib.cli import console
from lczlib.cli.options import listed
from lczlib.errors import InputError

if TYPE_CHECKING:
    from lczlib.scene_options import SceneOptions
    from lczlib.training.inputs import PatchSize, SceneFiles
    from lczlib.training.patches import Patches
    from lczlib.training.run import Subsets

_HDF5 = (".h5", ".hdf5")


def is_hdf5(inputs: list[Path]) -> bool:
    """Whether So2Sat LCZ42 files are given rather than scenes."""
    return any(p.suffix.lower() in _HDF5 for p in inputs)


def only(inputs: list[Path]) -> Path:
    """The one file where several make no sense."""
    if len(inputs) > 1:
        msg = f"Give one HDF5 file, not {len(inputs)} inputs."
        raise InputError(msg)
    return inputs[0]


def network_options(pairs: list[str]) -> dict[str, Any]:
    """``width=8`` as a number, a truth value or text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE, such as width=8")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def sensor_and_bands(combination: str, sensor: str, bands: str) -> tuple[str, str]:
    """Sensor and bands of a combination, where one is named."""
    from lczlib.scenes import combinations

    if not combination:
        return sensor, bands
    if bands:
        raise typer.BadParameter("--inputs names the bands already: give it or --bands.")
    channels = combinations.combination(combination)
    return combinations.sensor_of(channels), ",".join(channels)


def scene_files(
    inputs: list[Path],
    sensor: str,
    bands: str,
    fringe: int,
    scene: SceneOptions,
    sentinel1: list[Path] | None,
    level: str = "",
) -> SceneFiles:
    """The scenes to cut patches from, with `bands` as the user writes them: by commas."""
    from lczlib.training.inputs import SceneFiles

    return SceneFiles(
        tuple(str(p) for p in inputs), sensor, listed(bands), fringe, scene,
        tuple(str(p) for p in sentinel1 or ()), level,
    )  # fmt: skip


def so2sat_subsets(
    inputs: list[Path], validation: Path | None, test: Path | None, sensor: Any, combination: str
) -> Subsets:
    """The published split where its files are given, else one at random, with a warning."""
    from lczlib.training.run import Subsets
    from lczlib.training.so2sat import So2SatPatches
    from lczlib.training.splits import split as split_patches

    train = So2SatPatches(only(inputs), sensor, combination)
    if validation and test:
        others = (So2SatPatches(p, sensor, combination) for p in (validation, test))
        return Subsets(train, *others, method="as published")
    if validation or test:
        msg = "Give both --validation and --test, or neither: then the file is split at random."
        raise InputError(msg)
    console.warn(
        "The file is split at random: neighbouring patches are on both sides, so the accuracy will "
        "flatter; give --validation and --test."
    )
    subsets = Subsets.of(train, split_patches(train.table, "random"))
    return Subsets(subsets.train, subsets.validation, subsets.test, "random", subsets.split)


def scene_subsets(
    files: SceneFiles,
    polygons: Path | None,
    column: str | None,
    without: str,
    size: PatchSize,
    spacing: float,
    split: Any,
    block: float,
    seed: int,
    buffer: float | None,
) -> Subsets:
    """Patches in training areas, split; what was left out is told."""
    from lczlib.classes import lcz_class
    from lczlib.polygons import open_polygons
    from lczlib.training.inputs import patches_of
    from lczlib.training.run import Subsets
    from lczlib.training.splits import split as split_patches

    if polygons is None:
        raise typer.BadParameter("give --polygons: the training areas and their classes.")
    areas = open_polygons(polygons, column, zero_unlabelled=True)
    left_out = [lcz_class(c).number for c in without.split(",") if c.strip()]
    areas = areas[~areas["lcz"].isin(left_out)]
    if areas.empty:
        msg = f"--without {without} leaves no polygon of {polygons}."
        raise InputError(msg)
    labelled = patches_of(files, areas, patch_size=size, spacing=spacing)
    facts = labelled.table.attrs
    lost = {
        "polygons without a patch (smaller than the fishnet, or outside)": "polygons_without_cell",
        "patches in polygons of two classes": "contested_cells",
        "patches without data": "invalid",
    }
    for what, key in lost.items():
        if facts.get(key):
            console.warn(f"{facts[key]} {what} left out.")
    chosen = split_patches(labelled.table, split, block=block, seed=seed)
    return Subsets.of(labelled, chosen, buffer)


def patch_size(arch: str, pixels: int | None, metres: float | None) -> PatchSize:
    """The patches that a network is given, as far as the user says."""
    from lczlib.models import architecture
    from lczlib.training.inputs import PatchSize

    blueprint = architecture(arch)
    return PatchSize(blueprint.patch_size, blueprint.min_patch_size, pixels, metres)


def buffer_of(text: str) -> float | None:
    """``auto``, ``none`` or metres, as `lczlib.training.separation.separated` takes it."""
    return {"auto": None, "none": -1.0}[text] if text in ("auto", "none") else float(text)


def reference_patches(
    files: SceneFiles,
    weights: Any,
    polygons: Path | None,
    patches: Path | None,
    subset: str,
    column: str | None,
    spacing: float,
) -> tuple[Patches, Any]:
    """The patches to evaluate on, and how the weights scale them."""
    from lczlib.mapping import prepare
    from lczlib.polygons import open_polygons
    from lczlib.training.inputs import patches_of, patches_of_points
    from lczlib.training.run import read_patch_points

    if (polygons is None) == (patches is None):
        raise typer.BadParameter("give either --polygons or --patches.")
    prepared = [prepare(scene, weights) for scene in files.open().values()]
    if weights.normalisation == "scene" and len(prepared) > 1:
        msg = f"{weights.name} normalises each scene by itself: evaluate one scene at a time."
        raise InputError(msg)
    if patches is not None:
        points = read_patch_points(patches, subset)
        found = patches_of_points(files, points, bands=weights.bands, patch_size=weights.patch_size)
    else:
        areas = open_polygons(polygons, column, zero_unlabelled=True)
        found = patches_of(files, areas, patch_size=weights.patch_size, spacing=spacing)
    first = prepared[0]
    return found, (first.gain, first.shift, first.fill)


def check_bands(weights: Any, patches: Patches) -> None:
    """Refuse patches that do not hold what the weights read."""
    if weights.bands != patches.kind.bands or weights.patch_size != patches.kind.patch_size:
        msg = (
            f"{weights.name} reads {weights.patch_size} pixels of {', '.join(weights.bands)}, which "
            f"{patches.kind.source} does not hold."
        )
        raise InputError(msg)
