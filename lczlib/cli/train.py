"""``lcz train`` and ``lcz evaluate``: a network for one's own city, and how good it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lczlib.analysis.options import FEWEST_REPLICATES, REPLICATES
from lczlib.cli import console
from lczlib.cli.assess_tables import print_assessment
from lczlib.cli.fields import from_fields
from lczlib.cli.options import (
    BatchSize,
    Device,
    Epochs,
    HalveEvery,
    LearningRate,
    Patience,
    Seed,
    above_zero,
    an_architecture,
    lcz_classes,
    matching,
    not_negative,
)
from lczlib.cli.patches import (
    buffer_of,
    check_bands,
    is_hdf5,
    network_options,
    only,
    patch_size,
    reference_patches,
    scene_files,
    scene_subsets,
    sensor_and_bands,
    so2sat_subsets,
)
from lczlib.cli.results import write_figures
from lczlib.errors import InputError
from lczlib.scene_options import SceneOptions

if TYPE_CHECKING:
    from lczlib.training.patches import Patches

Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT...",
        help="Scenes, of several dates or cities: {scenes}; or a So2Sat LCZ42 HDF5 file.",
    ),
]
Column = Annotated[str | None, typer.Option(help="Polygon column that holds the class.")]
Sentinel1 = Annotated[
    list[Path] | None,
    typer.Option(
        help="Sentinel-1 raster with So2Sat's eight channels, or two with four each; repeat."
    ),
]
scene_fields = from_fields(SceneOptions, "scene", bands="band-names")
"""Options of the scenes; ``--bands`` are those that a network reads."""
Fringe = Annotated[int, typer.Option(min=0, help="Leave out this many pixels beside missing ones.")]
Spacing = Annotated[
    float, typer.Option(help="Spacing of the fishnet of patches in metres.", callback=above_zero)
]
PatchPixels = Annotated[
    int | None,
    typer.Option("--patch", min=1, help="Edge of a patch in pixels; see --patch-metres."),
]
PatchMetres = Annotated[
    float | None,
    typer.Option(
        help="Edge of a patch in metres; by default the ground that the network was designed for: "
        "320 m of Sen2LCZ-Net, but no fewer pixels than it takes.",
        callback=above_zero,
    ),
]
Buffer = Annotated[
    str,
    typer.Option(
        metavar="auto|none|METRES",
        help="Leave out training patches nearer than this to those tested on. auto: none that shares "
        "a pixel with them, except for a random split.",
        callback=matching(r"auto|none|\d+(\.\d+)?", "auto, none or metres such as 500"),
    ),
]
Combination = Annotated[
    str,
    typer.Option(
        "--inputs", metavar="D1..D7", help="Channels of both sensors by name, for --sensor."
    ),
]


@scene_fields
def train(
    inputs: Inputs,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    polygons: Annotated[
        Path | None,
        typer.Option(help="Training polygons (GPKG, GeoJSON, KML/KMZ, Shapefile)."),
    ] = None,
    sensor: Annotated[
        str, typer.Option(help="s2; s1 or both; else any name, such as landsat.")
    ] = "s2",
    combination: Combination = "",
    column: Column = None,
    bands: Annotated[str, typer.Option(help="Bands to read: B1,B2,... (by default all)")] = "",
    scene: SceneOptions = SceneOptions(),
    sentinel1: Sentinel1 = None,
    fringe: Fringe = 0,
    without: Annotated[
        str, typer.Option(help="Classes to leave out: 7,9,B", callback=lcz_classes)
    ] = "",
    patch: PatchPixels = None,
    patch_metres: PatchMetres = None,
    spacing: Spacing = 480.0,
    split: Annotated[
        Literal["polygon", "block", "random"],
        typer.Option(help="polygon and block test on places not trained on; random flatters."),
    ] = "polygon",
    block: Annotated[
        float, typer.Option(help="Edge of a block in metres.", callback=above_zero)
    ] = 2000.0,
    buffer: Buffer = "auto",
    validation: Annotated[
        Path | None, typer.Option(help="Validation file of So2Sat LCZ42.")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Test file of So2Sat LCZ42.")] = None,
    arch: Annotated[
        str,
        typer.Option(
            help="Network of the registry, such as rsnnet or random_forest.",
            callback=an_architecture,
        ),
    ] = "sen2lcz",
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Of the network; repeat.")
    ] = None,
    epochs: Epochs = 100,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 0.002,
    halve_every: HalveEvery = 5,
    patience: Patience = 50,
    gamma: Annotated[
        float, typer.Option(help="Of the focal loss; 0: cross-entropy.", callback=not_negative)
    ] = 2.0,
    alpha: Annotated[
        Literal["inverse", "one"], typer.Option(help="Class weights: by inverse frequency, or 1.")
    ] = "inverse",
    augment: Annotated[bool, typer.Option(help="Flip and turn patches.")] = True,
    seed: Annotated[
        int, typer.Option(min=0, help="Of split, weights, order and augmentation.")
    ] = 0,
    precision: Annotated[
        Literal["32-true", "16-mixed", "bf16-mixed"], typer.Option(help="Mixed is for GPUs.")
    ] = "32-true",
    device: Device = "auto",
    devices: Annotated[int, typer.Option(min=1, help="GPUs to train on together.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read HDF5 files.")] = 0,
    forest: Annotated[
        bool, typer.Option("--forest", help="Test a random forest on the same patches too.")
    ] = False,
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "",
    citation: Annotated[str, typer.Option(help="Of the weights.")] = "",
    figures: Annotated[bool, typer.Option(help="Draw the learning curve and accuracy.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
) -> None:
    """Train a network on a city's own polygons, and test it on polygons it has not seen.

    Writes model.safetensors (for `lcz map --weights`), training.json, patches.gpkg, history.csv.

    Example:
        lcz train april.tif july.tif --polygons areas.kmz --out mycity
    """
    from lczlib.training.run import run_training
    from lczlib.training.trainer import Options

    options = Options(
        architecture=arch, options=network_options(option or []), epochs=epochs, batch_size=batch_size,
        learning_rate=learning_rate, halve_every=halve_every, patience=patience, gamma=gamma,
        alpha=alpha, augment=augment, seed=seed, precision=precision, device=device,
        devices=devices, workers=workers,
    )  # fmt: skip
    if is_hdf5(inputs):
        subsets = so2sat_subsets(inputs, validation, test, sensor, combination)
    else:
        sensor, bands = sensor_and_bands(combination, sensor, bands)
        files = scene_files(inputs, sensor, bands, fringe, scene, sentinel1)
        subsets = scene_subsets(
            files, polygons, column, without, patch_size(arch, patch, patch_metres), spacing, split,
            block, seed, buffer_of(buffer),
        )  # fmt: skip
    try:
        with console.counting("steps", left="at most") as count:
            result = run_training(
                subsets, options, folder, licence=licence, citation=citation, resume=resume,
                forest=forest, progress=partial(count, "training"), note=console.warn,
            )  # fmt: skip
    except KeyboardInterrupt:
        console.err.print("Stopped. The last complete epoch is kept: run again with --resume.")
        raise typer.Exit(130) from None
    if figures:
        from lczlib import figures as drawn
        from lczlib.figures.training import learning_curve

        wanted = {"confusion_matrix": lambda: drawn.confusion_figure(result.assessment.counts)}
        if len(result.history):
            wanted["learning_curve"] = lambda: learning_curve(result.history, result.best_epoch)
        write_figures(folder, wanted)
    sizes = ", ".join(f"{len(getattr(subsets, s)):,} {s}" for s in ("train", "validation", "test"))
    kept = (
        f"Kept epoch {result.best_epoch + 1} of {len(result.history)}."
        if len(result.history)
        else f"{result.weights.options['n_trees']} trees, {result.weights.options['n_leaves']:,} leaves."
    )
    console.out.print(
        f"{sizes} patches, split by {subsets.method}. {kept} Accuracy on the test patches:",
        soft_wrap=True,
    )
    console.out.print(subsets.separation, soft_wrap=True)
    print_assessment(result.assessment, "patches")
    if forest:
        other = result.report["random_forest"]
        low, high = other["oa_ci"]
        console.out.print(
            f"Random forest on the same patches: OA {other['oa']:.3f} ({low:.3f}-{high:.3f}), "
            f"kappa {other['kappa']:.3f}"
        )
    console.out.print(
        f"Map with it: lcz map INPUT --weights {result.path} --out DIR", soft_wrap=True
    )


@scene_fields
def evaluate(
    weights: Annotated[str, typer.Argument(help="NAME or FILE of weights.")],
    inputs: Inputs,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    polygons: Annotated[
        Path | None, typer.Option(help="Reference polygons: all their patches are used.")
    ] = None,
    patches: Annotated[
        Path | None, typer.Option(help="patches.gpkg of a training run: its subset is used.")
    ] = None,
    subset: Annotated[
        Literal["test", "validation", "train", "all"] | None,
        typer.Option(help="Of --patches; test when not given."),
    ] = None,
    column: Column = None,
    scene: SceneOptions = SceneOptions(),
    sentinel1: Sentinel1 = None,
    fringe: Fringe = 0,
    spacing: Spacing = 480.0,
    replicates: Annotated[
        int, typer.Option(min=FEWEST_REPLICATES, help="Bootstrap replicates.")
    ] = REPLICATES,
    seed: Seed = 0,
    device: Device = "auto",
    figures: Annotated[bool, typer.Option(help="Draw the confusion matrix.")] = True,
) -> None:
    """Accuracy of weights on labelled patches: OA, AA, kappa, PA and UA with 95% intervals.

    Writes evaluation.json.

    Example:
        lcz evaluate mycity/model.safetensors july.tif --patches mycity/patches.gpkg --out accuracy
    """
    from lczlib.export import write_result
    from lczlib.mapping import choose_device
    from lczlib.models import load_model
    from lczlib.training.evaluation import assess_patches, predict_patches

    if subset and patches is None:
        raise typer.BadParameter("--subset is one of --patches: give them, or leave it out.")
    subset = subset or "test"
    device = choose_device(device)
    network = load_model(weights, device)
    described = network.weights
    if described.task != "lcz":
        msg = f"{weights} maps {described.task}, not LCZ."
        raise InputError(msg)
    if is_hdf5(inputs):
        from lczlib.scenes.combinations import name_of
        from lczlib.training.evaluation import scaling_of
        from lczlib.training.so2sat import So2SatPatches

        labelled: Patches = So2SatPatches(only(inputs), described.sensor, name_of(described.bands))
        check_bands(described, labelled)
        scaling = scaling_of(described)
    else:
        files = scene_files(
            inputs, described.sensor, ",".join(described.bands), fringe, scene, sentinel1,
            described.level,
        )  # fmt: skip
        labelled, scaling = reference_patches(
            files, described, polygons, patches, subset, column, spacing
        )
    found = predict_patches(network, labelled, scaling, classes=described.classes, device=device)
    result = assess_patches(found, labelled, replicates=replicates, seed=seed)
    write_result(
        folder / "evaluation.json",
        {
            "weights": described.to_dict(), "inputs": [str(p) for p in inputs],
            "reference": str(polygons or patches or ""),
            "subset": subset if patches else "all", **result.to_dict(),
        },
    )  # fmt: skip
    if figures:
        from lczlib.figures import confusion_figure

        wanted = {"confusion_matrix": lambda: confusion_figure(result.counts)}
        write_figures(folder, wanted)
    print_assessment(result, "patches")
    console.out.print(f"Wrote {folder / 'evaluation.json'}", soft_wrap=True)
