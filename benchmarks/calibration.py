"""Calibration of class probabilities on held-out polygons: log loss, Brier score, calibration error.

    python benchmarks/calibration.py [--repeats 2] [--epochs 12] [--demo FOLDER] [--write benchmarks/results]

Hong Kong: Landsat 8 (bands 1-7, 100 m) with the expert polygons of the same grid, both in ../shared. The polygons
are halved: one half trains the classifier (a random forest; with --epochs also the small CNN), the other is what
`lcz calibrate` is given, which fits calibrations to four fifths of its polygons and is scored on the last fifth, in
turn; then the halves change places. So each polygon is scored by a classifier and a calibration that have not seen
it. The halves are drawn `--repeats` times, and scores are means over these; the bootstrap draws polygons.

With --demo, the result folder of `lcz demo`: the networks for simulated cities on a simulated city that they were
not trained on, by Sentinel-1 and Sentinel-2, and the two fused by learned weights.

Further maps with polygons of their own: --proba FILE --reference POLYGONS. Berlin's scene among the downloads has no
reference polygons with a licence to pass on, so that it is not among the results.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from hong_kong import hong_kong_patches

from lczlib.analysis.probability_scores import paired_scores
from lczlib.analysis.recalibration import Cells, choose, fold_of, held_out
from lczlib.jobs.calibrate import CalibrateRequest, run
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.forest import Forest
from lczlib.training.options import Options
from lczlib.training.patches import Patches
from lczlib.training.trainer import fit_network

METHODS = ("temperature", "dirichlet")
FOLDS = 5
REPLICATES = 1000


def forest(train: Patches, test: Patches, seed: int) -> np.ndarray:
    """Probabilities by a random forest."""
    return Forest(seed=seed).fit(train).predict(test)


def cnn(train: Patches, test: Patches, seed: int, epochs: int) -> np.ndarray:
    """Probabilities by the small CNN of `hong_kong.py`; a fifth of its polygons stops the training."""
    fold = fold_of(train.table["polygon"].to_numpy(), train.labels, FOLDS, seed)
    parts = [train.subset(np.flatnonzero(fold != 0)), train.subset(np.flatnonzero(fold == 0))]
    options = Options(
        "sen2lcz", {"width": 16, "depth": 1}, epochs=epochs, patience=5, seed=seed, device="cpu"
    )
    with tempfile.TemporaryDirectory() as folder:
        trained = fit_network(*parts, options, folder)
    return predict_patches(trained.network, test, scaling_of(trained.weights), device="cpu")


def halves(patches: Patches, classifier: object, repeats: int) -> dict[str, list[np.ndarray]]:
    """Probabilities before and after each calibration, with class and polygon, over all repeats."""
    polygon, lcz = patches.table["polygon"].to_numpy(), patches.labels.astype(int)
    kept: dict[str, list[np.ndarray]] = {n: [] for n in ("lcz", "polygon", "as it was", *METHODS)}
    for seed in range(repeats):
        half = fold_of(polygon, lcz, 2, seed)
        for h in (0, 1):
            own = np.flatnonzero(half == h)
            p = classifier(patches.subset(np.flatnonzero(half != h)), patches.subset(own), seed)
            cells = Cells(p.astype(float), lcz[own], polygon[own])
            kept["lcz"].append(cells.lcz)
            kept["polygon"].append(cells.group)
            kept["as it was"].append(cells.p)
            for method in METHODS:
                kept[method].append(
                    held_out(cells, lambda c, m=method: choose(c, m)(c), folds=FOLDS)
                )
    return kept


def compared(kept: dict[str, list[np.ndarray]]) -> dict[str, pd.DataFrame]:
    """Each calibration against the probabilities as they were."""
    joined = {n: np.concatenate(v) for n, v in kept.items()}
    strata = dict(zip(joined["polygon"].tolist(), joined["lcz"].tolist(), strict=True))
    return {
        m: paired_scores(
            joined["as it was"], joined[m], joined["lcz"], joined["polygon"], strata, replicates=REPLICATES
        )
        for m in METHODS
    }  # fmt: skip


def rows(what: str, method: str, table: pd.DataFrame, n: str) -> list[str]:
    """Lines of the result's table."""
    names = {
        "log_loss": "log loss",
        "brier": "Brier score",
        "calibration_error": "calibration error",
        "oa": "OA",
    }
    return [
        f"| {what} | {method} | {names[score]} | {r['before']:.3f} | {r['after']:.3f} | "
        f"{r['difference']:+.3f} ({r['ci_low']:+.3f} to {r['ci_high']:+.3f}) | {n} |"
        for score, r in table.iterrows()
    ]


def of_maps(files: tuple[Path, ...], reference: Path, what: str) -> list[str]:
    """The lines of maps and their polygons, by `lcz calibrate` itself."""
    lines = []
    for method in METHODS:
        request = CalibrateRequest(probabilities=files, reference=reference, method=method)
        result = run(request)
        n = f"{result.n:,} cells, {result.n_units} polygons"
        for kind, table in result.scores.items():
            lines += rows(f"{what}, {kind}", method, table, n)
        for other, table in result.fusion.items():
            weights = ", ".join(f"{k} {w:.2f}" for k, w in result.calibration.fusion.items())
            label = f"learned fusion ({weights}) of {method}, against {other}"
            lines += rows(f"{what}, fused", label, table, n)
        print("\n".join(lines), flush=True)
    return lines


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--demo", type=Path)
    parser.add_argument("--proba", type=Path, action="append", default=[])
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    lines, begun = [], time.perf_counter()
    if options.demo:
        files = (options.demo / "s1_proba.tif", options.demo / "s2_proba.tif")
        (polygons,) = options.demo.glob("scene/Reference/*/polygons.gpkg")
        lines += of_maps(files, polygons, "Simulated city, demo networks")
    if options.proba:
        lines += of_maps(tuple(options.proba), options.reference, options.proba[0].parent.name)
    patches = hong_kong_patches()
    classifiers = {"random forest": (forest, options.repeats)}
    if options.epochs:
        classifiers["small CNN"] = (lambda *a: cnn(*a, options.epochs), 1)
    for name, (classifier, repeats) in classifiers.items():
        kept = halves(patches, classifier, repeats)
        n = f"{len(patches):,} cells, {patches.table['polygon'].nunique()} polygons, {counted(repeats)}"
        for method, table in compared(kept).items():
            lines += rows(f"Hong Kong, {name}", method, table, n)
        print("\n".join(lines), flush=True)
        write(options.write, lines, begun)
    write(options.write, lines, begun)


def counted(repeats: int) -> str:
    """``2 draws of halves``."""
    return f"{repeats} draw{'' if repeats == 1 else 's'} of halves"


def write(folder: Path | None, lines: list[str], begun: float) -> None:
    """Write what there is so far."""
    if folder is None:
        return
    head = [
        "# Calibration on held-out polygons", "",
        *(__doc__.split("\n\n", 2)[2].strip().splitlines()), "",
        "Change: after less before, with the paired 95 % interval of a bootstrap over polygons, stratified by class. "
        "The calibration error is that of the highest probability, debiased by the variance between polygons "
        "(`lczlib.analysis.probability_scores`). OA changes where Dirichlet calibration changes labels.", "",
        "| data | calibration | score | before | after | change | n |", "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    tail = [
        "",
        f"Made by `benchmarks/calibration.py` in {time.perf_counter() - begun:,.0f} s of a busy core.",
    ]
    (folder / "calibration.md").write_text("\n".join([*head, *lines, *tail]) + "\n")


if __name__ == "__main__":
    main()
