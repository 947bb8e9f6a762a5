"""``lcz train`` and ``lcz evaluate``: a network for one's own city, and how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lczlib.cli import console
from lczlib.cli.assess_tables import print_assessment
from lczlib.cli.requests import command
from lczlib.cli.results import write_figures
from lczlib.jobs.train import make
from lczlib.training.request import EvaluateRequest, TrainRequest

if TYPE_CHECKING:
    from lczlib.training.run import RunResult


@command(TrainRequest, in_words=False, bands="band-names")
def train(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    request: TrainRequest,
    figures: Annotated[bool, typer.Option(help="Draw the learning curve and accuracy.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Take up an interrupted run.")] = False,
) -> None:
    """Train a network on a city's own polygons, and test it on polygons it has not seen.

    Writes model.safetensors (for `lcz map --weights`), training.json, patches.gpkg, history.csv.

    Example:
        lcz train april.tif july.tif --polygons areas.kmz --out mycity
    """
    try:
        with console.counting("steps", left="at most") as progress:
            result = make(request, folder, resume=resume, note=console.warn, progress=progress)
    except KeyboardInterrupt:
        console.err.print("Stopped. The last complete epoch is kept: run again with --resume.")
        raise typer.Exit(130) from None
    if figures:
        _draw(result, folder)
    _print(result)


def _draw(result: RunResult, folder: Path) -> None:
    from lczlib import figures
    from lczlib.figures.training import learning_curve

    wanted = {"confusion_matrix": lambda: figures.confusion_figure(result.assessment.counts)}
    if len(result.history):
        wanted["learning_curve"] = lambda: learning_curve(result.history, result.best_epoch)
    write_figures(folder, wanted)


def _print(result: RunResult) -> None:
    parted = result.report["split"]
    sizes = ", ".join(f"{of['n']:,} {s}" for s, of in parted["patches"].items())
    if len(result.history):
        kept = f"Kept epoch {result.best_epoch + 1} of {len(result.history)}."
    elif "n_trees" in result.weights.options:
        kept = f"{result.weights.options['n_trees']} trees, {result.weights.options['n_leaves']:,} leaves."
    else:
        kept = " ".join(result.report["notes"][-1:])
    console.out.print(
        f"{sizes} patches, split by {parted['method']}. {kept} Accuracy on the test patches:",
        soft_wrap=True,
    )
    console.out.print(result.separation, soft_wrap=True)
    print_assessment(result.assessment, "patches")
    other = result.report.get("random_forest")
    if other:
        scores = (
            "{} {:.3f} ({:.3f}-{:.3f})".format(title, other[s], *other[f"{s}_ci"])
            for s, title in (("oa", "OA"), ("kappa", "kappa"))
        )
        console.out.print(f"Random forest on the same patches: {', '.join(scores)}")
    console.out.print(
        f"Map with it: lcz map INPUT --weights {result.path} --out DIR", soft_wrap=True
    )


@command(EvaluateRequest, in_words=False, bands="band-names")
def evaluate(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    request: EvaluateRequest,
    figures: Annotated[bool, typer.Option(help="Draw the confusion matrix.")] = True,
) -> None:
    """Accuracy of weights on labelled patches: OA, AA, kappa, PA and UA with 95% intervals.

    Writes evaluation.json.

    Example:
        lcz evaluate mycity/model.safetensors july.tif --patches mycity/patches.gpkg --out accuracy
    """
    from lczlib.export import write_result
    from lczlib.export.files import alone_in
    from lczlib.training.labelled import evaluated

    result, described = evaluated(request)
    content = {
        "weights": described.to_dict(), "inputs": [str(p) for p in request.inputs],
        "reference": str(request.polygons or request.patches or ""),
        "subset": (request.subset or "test") if request.patches else "all", **result.to_dict(),
    }  # fmt: skip
    with alone_in(folder, ".write.lock"):
        write_result(folder / "evaluation.json", content)
        if figures:
            from lczlib.figures import confusion_figure

            write_figures(folder, {"confusion_matrix": lambda: confusion_figure(result.counts)})
    print_assessment(result, "patches")
    console.out.print(f"Wrote {folder / 'evaluation.json'}", soft_wrap=True)
