"""The labelled patches that a request of training, or of an evaluation, is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lczlib.accelerators import choose_device
from lczlib.classes import lcz_class
from lczlib.errors import InputError
from lczlib.mapping import prepare
from lczlib.models import architecture, load_model
from lczlib.polygons import open_polygons
from lczlib.scene_options import SceneOptions
from lczlib.scenes import combinations
from lczlib.settings import options_of
from lczlib.terms import option
from lczlib.training.evaluation import assess_patches, predict_patches, scaling_of
from lczlib.training.inputs import PatchSize, SceneFiles, patches_of, patches_of_points, stop_if
from lczlib.training.patch_file import PatchFile, is_patch_file
from lczlib.training.run import Subsets, read_patch_points
from lczlib.training.so2sat import So2SatPatches
from lczlib.training.splits import split
from lczlib.training.warm import described_start

if TYPE_CHECKING:
    from lczlib.analysis import Assessment
    from lczlib.models import Weights
    from lczlib.training.patches import Patches
    from lczlib.training.request import EvaluateRequest, PatchScenes, TrainRequest

Note = Callable[[str], None]

_LOST = {
    "polygons without a patch (smaller than the fishnet, or outside)": "polygons_without_cell",
    "patches in polygons of two classes": "contested_cells",
    "patches without data": "invalid",
}


def scene_files(
    request: PatchScenes, sensor: str = "s2", bands: tuple[str, ...] = (), level: str | None = ""
) -> SceneFiles:
    """The scenes of a request.

    Parameters
    ----------
    request : PatchScenes
        What they are, and how they are read.
    sensor, bands, level
        What is read of them: see `SceneFiles`.
    """
    return SceneFiles(
        tuple(str(p) for p in request.inputs), sensor, bands, request.fringe,
        options_of(request, SceneOptions), tuple(str(p) for p in request.sentinel1), level,
    )  # fmt: skip


def training_patches(
    request: TrainRequest, note: Note, cancelled: Callable[[], bool] | None = None
) -> Subsets:
    """The patches to train on, to stop by and to test on.

    Parameters
    ----------
    request : TrainRequest
        Where they are cut from, and how they are parted.
    note : callable
        Called with a sentence on what was left out, or on a split that flatters.
    cancelled : callable, optional
        Asked before each scene is read.

    Raises
    ------
    InputError, GridError
        If there are none, or the files do not hold what is asked for.
    Cancelled
        If `cancelled` answers yes.
    """
    if request.is_hdf5:
        return _of_so2sat(request, note)
    begin = described_start(request)
    if begin is not None:
        return _as_read_by(begin, request, note, cancelled)
    sensor, bands = request.sensor, request.read
    if request.combination:
        bands = combinations.combination(request.combination)
        sensor = combinations.sensor_of(bands)
    blueprint = architecture(request.architecture)
    size = PatchSize(
        blueprint.patch_size, blueprint.min_patch_size, request.patch, request.patch_metres
    )
    return _parted(request, scene_files(request, sensor, bands, None), size, note, cancelled)


def _as_read_by(
    weights: Weights, request: TrainRequest, note: Note, cancelled: Callable[[], bool] | None
) -> Subsets:
    """Patches as trained weights read them: their bands, their size, their processing level."""
    given = [n for n in ("combination", "read", "patch", "patch_metres") if getattr(request, n)]
    if given:
        msg = (
            f"{weights.name} says which bands and patches it reads: leave out "
            f"{' and '.join(map(option, given))}, or {option('start_from')}."
        )
        raise InputError(msg, parameter=given[0])
    files = scene_files(request).read_by(weights)
    _look_at(files, weights, cancelled)
    return _parted(request, files, weights.patch_size, note, cancelled)


def _look_at(
    files: SceneFiles, weights: Weights, cancelled: Callable[[], bool] | None = None
) -> None:
    """Tell what looks unlike what weights were trained on, and refuse what they cannot read."""
    if files.normaliser is not None:  # then it is looked at where its statistics are worked out
        return
    for scene in files.open().values():
        stop_if(cancelled)
        prepare(scene, weights)


def _parted(
    request: TrainRequest,
    files: SceneFiles,
    size: PatchSize | int,
    note: Note,
    cancelled: Callable[[], bool] | None,
) -> Subsets:
    """The patches of the request's polygons, in three parts."""
    areas = open_polygons(request.polygons, request.column, zero_unlabelled=True)
    areas = areas[~areas["lcz"].isin([lcz_class(c).number for c in request.without])]
    if areas.empty:
        left_out = option("without", ",".join(request.without))
        msg = f"{left_out} leaves no polygon of {request.polygons}."
        raise InputError(msg)
    found = patches_of(files, areas, patch_size=size, spacing=request.spacing, cancelled=cancelled)
    for what, key in _LOST.items():
        if found.table.attrs.get(key):
            note(f"{found.table.attrs[key]} {what} left out.")
    chosen = split(found.table, request.split, block=request.block, seed=request.seed)
    return Subsets.of(found, chosen, request.apart)


def _of_so2sat(request: TrainRequest, note: Note) -> Subsets:
    """The split of the file, or the published one where its files are given, else one at random."""
    if is_patch_file(request.hdf5()):
        wanted = combinations.combination(request.combination) if request.combination else ()
        return PatchFile(request.hdf5(), wanted or request.read, request.sensor).subsets()
    sensor: Any = request.sensor
    train = So2SatPatches(request.hdf5(), sensor, request.combination)
    others = [So2SatPatches(p, sensor, request.combination) for p in request.published()]
    if others:
        return Subsets(train, *others, method="as published")
    note(
        "The file is split at random: neighbouring patches are on both sides, so the accuracy will "
        f"flatter; give {option('validation')} and {option('test')}."
    )
    subsets = Subsets.of(train, split(train.table, "random"))
    return Subsets(subsets.train, subsets.validation, subsets.test, "random", subsets.split)


def reference_patches(request: EvaluateRequest, weights: Weights) -> tuple[Patches, Any]:
    """The patches to evaluate on, and how the weights scale them.

    Parameters
    ----------
    request : EvaluateRequest
        Where they are cut from.
    weights : Weights
        What is to be evaluated.

    Raises
    ------
    InputError, GridError
        If there are none, or the files do not hold what the weights read.
    """
    if request.is_hdf5:
        if is_patch_file(request.hdf5()):
            held: Patches = PatchFile(request.hdf5(), weights.bands)
            _check_bands(weights, held)
            return held.subsets().test, scaling_of(weights)
        sensor: Any = weights.sensor
        held = So2SatPatches(request.hdf5(), sensor, combinations.name_of(weights.bands))
        _check_bands(weights, held)
        return held, scaling_of(weights)
    files = scene_files(request).read_by(weights)
    _look_at(files, weights)
    if request.patches is not None:
        points = read_patch_points(request.patches, request.subset or "test")
        found = patches_of_points(files, points, bands=weights.bands, patch_size=weights.patch_size)
    else:
        areas = open_polygons(request.polygons, request.column, zero_unlabelled=True)
        found = patches_of(files, areas, patch_size=weights.patch_size, spacing=request.spacing)
    return found, scaling_of(weights, found.kind)


def evaluated(request: EvaluateRequest) -> tuple[Assessment, Weights]:
    """The accuracy of weights on the patches of a request, and what the weights are.

    Parameters
    ----------
    request : EvaluateRequest
        Weights and patches.

    Raises
    ------
    InputError, GridError
        If the weights are for no LCZ map, or the patches cannot be had.
    """
    device = choose_device(request.device)
    network = load_model(request.weights, device)
    weights = network.weights
    if weights.task != "lcz":
        msg = f"{request.weights} maps {weights.task}, not LCZ."
        raise InputError(msg)
    labelled, scaling = reference_patches(request, weights)
    found = predict_patches(network, labelled, scaling, classes=weights.classes, device=device)
    return assess_patches(
        found, labelled, replicates=request.replicates, seed=request.seed
    ), weights


def _check_bands(weights: Weights, patches: Patches) -> None:
    """Refuse patches that do not hold what the weights read."""
    if weights.bands != patches.kind.bands or weights.patch_size != patches.kind.patch_size:
        msg = (
            f"{weights.name} reads {weights.patch_size} pixels of {', '.join(weights.bands)}, which "
            f"{patches.kind.source} does not hold."
        )
        raise InputError(msg)
