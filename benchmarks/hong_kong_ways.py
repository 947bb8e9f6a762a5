"""What beats the small CNN on Hong Kong: context, means of networks, a mean with the forest, calibration.

    python benchmarks/hong_kong_ways.py [--repeats 2] [--seeds 3] [--epochs 12] [--work FOLDER] [--write FOLDER]

Landsat 8 (bands 1-7, 100 m) with the experts' polygons, both in ../shared/data/hong_kong. Five folds of whole
polygons, drawn anew in each repeat. No test patch shares a pixel with a training or validation patch (800 m for
patches of 8 pixels, 1,600 m for those of 16). The fold after the tested one is the inner one: it stops the training,
fits the calibration, and chooses ("chosen inside": per fold, the way of the lowest log loss there). Outer folds are
scored once, and all ways are in the table.

Differences are paired by polygon against the small CNN (mean over its seeds), with 95 % intervals over polygons; the
repeats share polygons, so that they narrow nothing. Stopped at any time, the same ``--work`` goes on.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hong_kong import N_FOLDS, POLYGONS, SCENE

from lczlib.analysis.probability_scores import paired_scores
from lczlib.analysis.recalibration import Cells, choose, log_losses
from lczlib.export import staged
from lczlib.machine import machine
from lczlib.polygons import open_polygons
from lczlib.training.evaluation import predict_patches, scaling_of
from lczlib.training.forest import Forest
from lczlib.training.inputs import SceneFiles, patches_of
from lczlib.training.patches import Patches
from lczlib.training.run import Subsets
from lczlib.training.splits import Split, folds
from lczlib.training.trainer import Options, fit_network

SMALL, DEEP = "small CNN", "deeper CNN with context"
NETWORKS: dict[str, tuple[int, dict[str, Any]]] = {
    SMALL: (8, {"width": 16, "depth": 1}),
    DEEP: (16, {"width": 16, "depth": 2}),
}
FOREST = "random forest"


def patches(size: int) -> Patches:
    """One patch for every labelled pixel, in the order of the pixels."""
    files = SceneFiles(
        (str(SCENE),), sensor="landsat", bands=tuple(f"B{i}" for i in range(1, 8)), fringe=2
    )
    return patches_of(files, open_polygons(POLYGONS), patch_size=size, spacing=100.0)


@dataclass(frozen=True)
class Fold:
    """Probabilities of the inner and of the outer fold, by way."""

    inner: dict[str, np.ndarray]
    outer: dict[str, np.ndarray]


def fold_subsets(sets: dict[int, Patches], fold: np.ndarray, k: int, size: int) -> Subsets:
    """Training, validation and test patches of one size; the test patches are the same for all sizes."""
    test, later = fold == k, fold == (k + 1) % N_FOLDS
    split = Split(*map(np.flatnonzero, (~test & ~later, later, test)), method="polygon", seed=0)
    return Subsets.of(sets[size], split, lose=True)


def single(
    sets: dict[int, Patches], fold: np.ndarray, k: int, name: str, seed: int, epochs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of inner and outer fold (all of their patches) by one trained classifier."""
    size, options = NETWORKS.get(name, (8, {}))
    subsets, whole = fold_subsets(sets, fold, k, size), sets[size]
    parts = [whole.subset(np.flatnonzero(fold == f)) for f in ((k + 1) % N_FOLDS, k)]
    if name == FOREST:
        forest = Forest(seed=seed).fit(subsets.train)
        return forest.predict(parts[0]), forest.predict(parts[1])
    how = Options("sen2lcz", options, epochs=epochs, patience=5, seed=seed, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        trained = fit_network(subsets.train, subsets.validation, how, folder)
    scaling = scaling_of(trained.weights)
    inner, outer = (predict_patches(trained.network, p, scaling, device="cpu") for p in parts)
    return inner, outer


def kept(path: Path, make: Any) -> tuple[np.ndarray, np.ndarray]:
    """What was made before, or is made now."""
    if path.is_file():
        with np.load(path) as held:
            return held["inner"], held["outer"]
    inner, outer = make()
    with staged(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, inner=inner, outer=outer)
    return inner, outer


def ways(
    singles: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]],
    inner_lcz: np.ndarray,
    inner_polygon: np.ndarray,
) -> Fold:
    """All ways of one fold, from what single classifiers say; whatever is fitted or chosen is so on the inner fold."""

    def mean(*names: str) -> tuple[np.ndarray, np.ndarray]:
        each = [
            np.mean([p for (n, _), p in singles.items() if n == name for p in [p[side]]], axis=0, dtype=float)
            for side in (0, 1) for name in names
        ]  # fmt: skip
        half = len(names)
        return np.mean(each[:half], axis=0), np.mean(each[half:], axis=0)

    made = {
        FOREST: mean(FOREST),
        f"mean of {SMALL}s": mean(SMALL),
        "mean of deeper CNNs with context": mean(DEEP),
        "mean of both networks": mean(SMALL, DEEP),
        "mean of both and the forest": mean(SMALL, DEEP, FOREST),
    }
    best = min(made, key=lambda n: log_losses(made[n][0], inner_lcz).mean())
    made["chosen inside"] = made[best]
    cells = Cells(made[best][0], inner_lcz, inner_polygon)
    calibrator = choose(cells, "dirichlet")(cells)
    made["chosen inside, calibrated"] = tuple(calibrator.on_rows(p) for p in made[best])
    return Fold({n: p[0] for n, p in made.items()}, {n: p[1] for n, p in made.items()})


def collected(
    sets: dict[int, Patches], repeats: int, seeds: int, epochs: int, work: Path
) -> dict[str, list[np.ndarray]]:
    """Outer probabilities of every way, each a list over repeats of (n, 17); the small CNN's of each seed."""
    lcz, polygon = sets[8].labels.astype(int), sets[8].table["polygon"].to_numpy(np.int64)
    found: dict[str, list[np.ndarray]] = {}

    def put(name: str, repeat: int, at: np.ndarray, p: np.ndarray) -> None:
        have = found.setdefault(name, [])
        while len(have) <= repeat:
            have.append(np.zeros((len(lcz), 17)))
        have[repeat][at] = p

    for repeat in range(repeats):
        fold = folds(sets[8].table, "polygon", n_folds=N_FOLDS, seed=repeat)
        for k in range(N_FOLDS):
            begun = time.perf_counter()
            jobs = [(FOREST, 0), *((n, s) for n in NETWORKS for s in range(seeds))]
            singles = {
                (name, seed): kept(
                    work / f"{repeat}-{k}-{name.replace(' ', '-')}-{seed}.npz",
                    partial(single, sets, fold, k, name, seed + 100 * repeat, epochs),
                ) for name, seed in jobs
            }  # fmt: skip
            outer = fold == k
            # of the inner fold, those whose largest patches keep off the tested ones
            inner = fold_subsets(sets, fold, k, max(sets)).split.validation
            near = np.isin(np.flatnonzero(fold == (k + 1) % N_FOLDS), inner)
            singles = {key: (p[near], q) for key, (p, q) in singles.items()}
            for seed in range(seeds):
                for name in NETWORKS:
                    put(f"{name}, seed {seed}", repeat, outer, singles[name, seed][1])
            for name, p in ways(singles, lcz[inner], polygon[inner]).outer.items():
                put(name, repeat, outer, p)
            print(
                f"repeat {repeat + 1}, fold {k + 1}: {time.perf_counter() - begun:.0f} s",
                flush=True,
            )
    return found


def table(
    found: dict[str, list[np.ndarray]], lcz: np.ndarray, polygon: np.ndarray, seeds: int
) -> list[str]:
    """The lines: each way against the small CNN, means over repeats and seeds."""
    repeats = len(found[FOREST])
    strata = dict(zip(polygon.tolist(), lcz.tolist(), strict=True))

    def stacked(name: str) -> np.ndarray:
        each = [found.get(f"{name}, seed {s}", found.get(name)) for s in range(seeds)]
        return np.concatenate([p for own in each for p in own])

    base = stacked(SMALL)
    many = (np.tile(lcz, seeds * repeats), np.tile(polygon, seeds * repeats))
    heads = (
        "way",
        "OA",
        "OA minus small CNN's",
        "log loss",
        "its difference",
        "Brier score",
        "its difference",
        "calibration error",
    )
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    names = [SMALL, DEEP, *(n for n in found if "seed" not in n)]
    for name in names:
        scores = paired_scores(base, stacked(name), *many, strata)

        def told(score: str, own: Any = scores, first: bool = name == SMALL) -> str:
            row = own.loc[score]
            return (
                "-"
                if first
                else f"{row['difference']:+.3f} ({row['ci_low']:+.3f} to {row['ci_high']:+.3f})"
            )

        lines.append(
            f"| {name} | {scores.loc['oa', 'after']:.3f} | {told('oa')} | {scores.loc['log_loss', 'after']:.3f} | "
            f"{told('log_loss')} | {scores.loc['brier', 'after']:.3f} | {told('brier')} | "
            f"{scores.loc['calibration_error', 'after']:.3f} |"
        )
    return lines


def main() -> None:
    """Train what is missing, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--work", type=Path, default=Path("hong-kong-ways"))
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    sets = {size: patches(size) for size in {s for s, _ in NETWORKS.values()}}
    lcz, polygon = sets[8].labels.astype(int), sets[8].table["polygon"].to_numpy(np.int64)
    if not np.array_equal(sets[16].labels, sets[8].labels):
        raise SystemExit("The two patch sizes hold different pixels.")
    given.work.mkdir(parents=True, exist_ok=True)
    found = collected(sets, given.repeats, given.seeds, given.epochs, given.work)
    text = "\n".join([
        "# Hong Kong: what beats the small CNN", "",
        f"Made by `benchmarks/hong_kong_ways.py` on {datetime.date.today()}: {machine()}. {len(lcz):,} labelled 100 m "
        f"pixels in {len(np.unique(polygon))} polygons; {N_FOLDS} folds of whole polygons, drawn {given.repeats} "
        "times; no test patch shares a pixel with a training or validation patch; "
        f"{given.seeds} seeds of each network, at most {given.epochs} epochs. Single networks are means over seeds. "
        "Stopping, calibration and choice see the inner fold only; every outer fold was scored once, and all ways that "
        "were tried are here. Differences are paired, with 95 % intervals over polygons.", "",
        *table(found, lcz, polygon, given.seeds), "",
    ])  # fmt: skip
    print(text)
    if given.write:
        with staged(given.write / "hong_kong_ways.md") as path:
            path.write_text(text)


if __name__ == "__main__":
    main()
