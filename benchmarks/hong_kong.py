"""Small CNN against random forest on Hong Kong, cross-validated at random and by polygon.

Landsat 8 of 15 October 2014 (bands 1-7, 100 m, digital numbers) with the expert polygons of the
same grid, both in ../shared/data/hong_kong. Every patch is predicted once, by a model that trained
on other folds; the CNN's early stopping watches the fold after the tested one. By polygon, patches (800 m
wide) that share pixels with those of another subset are left out of training; at random they are not.

    python benchmarks/hong_kong.py --out benchmarks/results

Writes hong_kong.json and hong_kong.md. Takes some fifteen minutes on one core.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from lczlib.analysis import Assessment
from lczlib.classes import CLASSES
from lczlib.export import staged, write_json
from lczlib.polygons import open_polygons
from lczlib.training.evaluation import assess_patches, predict_patches, scaling_of
from lczlib.training.forest import Forest
from lczlib.training.inputs import SceneFiles, patches_of
from lczlib.training.patches import Patches
from lczlib.training.run import Subsets
from lczlib.training.splits import Split, folds
from lczlib.training.trainer import Options, fit_network

DATA = Path(__file__).resolve().parents[2] / "shared/data/hong_kong"
SCENE = DATA / "LC81220442014288LGN00_B1-7_B10_B11_100m.tif"
POLYGONS = DATA / "lcz_training_polygons.shp"
PATCH = 8  # pixels of 100 m; the smallest that Sen2LCZ-Net's three poolings allow
N_FOLDS = 5


def hong_kong_patches() -> Patches:
    """One patch for every labelled pixel."""
    files = SceneFiles(
        (str(SCENE),), sensor="landsat", bands=tuple(f"B{i}" for i in range(1, 8)), fringe=2
    )
    return patches_of(files, open_polygons(POLYGONS), patch_size=PATCH, spacing=100.0)


def cross_validate(patches: Patches, method: str, epochs: int) -> dict[str, Assessment]:
    """The assessment of forest and CNN by one way of splitting."""
    fold = folds(patches.table, method, n_folds=N_FOLDS)
    found = {"random forest": np.zeros((len(patches), 17)), "CNN": np.zeros((len(patches), 17))}
    for k in range(N_FOLDS):
        test, later = fold == k, fold == (k + 1) % N_FOLDS
        parts = Split(*map(np.flatnonzero, (~test & ~later, later, test)), method=method, seed=0)
        subsets = Subsets.of(patches, parts)
        train, validation, held = subsets.train, subsets.validation, subsets.test
        known = patches.subset(np.concatenate([subsets.split.train, subsets.split.validation]))
        found["random forest"][test] = Forest(seed=k).fit(known).predict(held)
        print(f"{method} fold {k + 1}/{N_FOLDS}: {subsets.separation}", flush=True)
        options = Options(
            "sen2lcz", {"width": 16, "depth": 1}, epochs=epochs, patience=5, seed=k, device="cpu"
        )
        with tempfile.TemporaryDirectory() as folder:
            trained = fit_network(train, validation, options, folder)
        found["CNN"][test] = predict_patches(trained.network, held, scaling_of(trained.weights))
        print(
            f"{method} fold {k + 1}/{N_FOLDS}: CNN kept epoch {trained.best_epoch + 1}", flush=True
        )
    return {name: assess_patches(p, patches) for name, p in found.items()}


def as_markdown(results: dict[str, dict[str, Assessment]]) -> str:
    """Two tables: overall scores, and PA / UA of each class."""
    runs = [(m, name, a) for m, by_name in results.items() for name, a in by_name.items()]
    first = runs[0][2]
    lines = [
        "# Hong Kong: CNN and random forest, random split and polygon split", "",
        f"{first.n:,} labelled 100 m pixels in {first.method['n_units']} polygons, "
        f"{N_FOLDS}-fold cross-validation; 95% intervals from a bootstrap over polygons "
        f"({first.method['replicates']} replicates). Made by `benchmarks/hong_kong.py`.", "",
        "| split | classifier | n | OA | AA | kappa |", "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for method, name, a in runs:
        scores = " | ".join(
            _score(a.scores[s], *a.intervals[f"{s}_ci"]) for s in ("oa", "aa", "kappa")
        )
        lines.append(f"| {method} | {name} | {a.n:,} | {scores} |")
    for score, title in (("pa", "Producer's"), ("ua", "User's")):
        heads = " | ".join(f"{name}, {method}" for method, name, _ in runs)
        lines += ["", f"## {title} accuracy", "", f"| LCZ | pixels | polygons | {heads} |"]
        lines.append("| --- " * (3 + len(runs)) + "|")
        for c in CLASSES:
            row = first.classes.loc[c.number]
            if not row["n_reference"]:
                continue
            values = " | ".join(
                _score(
                    *(
                        a.classes.loc[c.number, k]
                        for k in (score, f"{score}_ci_low", f"{score}_ci_high")
                    )
                )
                for _, _, a in runs
            )
            lines.append(
                f"| {c.code} {c.name} | {row['n_reference']:.0f} | {row['n_units']:.0f} | {values} |"
            )
    return "\n".join(lines) + "\n"


def _score(value: float, low: float, high: float) -> str:
    if value != value:
        return "-"
    return f"{value:.2f}" if low != low else f"{value:.2f} ({low:.2f}-{high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    patches = hong_kong_patches()
    begun = time.perf_counter()
    results = {m: cross_validate(patches, m, args.epochs) for m in ("random", "polygon")}
    text = as_markdown(results)
    with staged(args.out / "hong_kong.md") as path:
        path.write_text(text)
    content = {m: {n: a.to_dict() for n, a in r.items()} for m, r in results.items()}
    write_json(args.out / "hong_kong.json", content)
    print(text)
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
