"""Wrong reference polygons found: simulated cities with a tenth of the polygons mislabelled on purpose.

    python benchmarks/suspects.py [--cities 6] [--km 12] [--write FOLDER]

Half of the wrong ones get any other class, half the most similar one (`lczlib.analysis.scores.SIMILARITY`).
Printed: the share of each kind among the first 15 % of the ranking, with its 95 % Wilson interval over all
polygons of all cities, beside what a random ranking holds (15 %), and beside a single random forest without
weights or repeats (cross-validated once), by name.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from lczlib.analysis.scores import SIMILARITY
from lczlib.polygons import open_polygons
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training import suspects
from lczlib.training.inputs import PatchSize, SceneFiles, patches_of

FIRST = 0.15
WRONG = 0.10
_NAME = "00000_00000_Simulated"


def mislabelled(areas: gpd.GeoDataFrame, seed: int) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """The polygons with a tenth of them wrong, and which are wrong in which way."""
    rng = np.random.default_rng(seed)
    kind = pd.Series("", index=areas.index)
    chosen = rng.permutation(areas.index)[: round(WRONG * len(areas))]
    kind[chosen[::2]], kind[chosen[1::2]] = "random", "similar"
    lcz = areas["lcz"].copy()
    alike = SIMILARITY - 2 * np.eye(17)
    for i in chosen:
        own = int(lcz[i])
        others = [c for c in range(1, 18) if c != own]
        best = int(alike[own - 1].argmax()) + 1
        lcz[i] = best if kind[i] == "similar" else rng.choice(others)
    return areas.assign(lcz=lcz.astype(areas["lcz"].dtype)), kind


def plain(patches: object, seed: int) -> pd.DataFrame:
    """One cross-validation by scikit-learn, as a notebook would do it."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    table, lcz = patches.table, patches.labels
    found = cross_val_predict(
        RandomForestClassifier(200, random_state=seed), suspects.features_of(patches), lcz,
        groups=table["polygon"], cv=GroupKFold(5), method="predict_proba",
    )  # fmt: skip
    full = np.zeros((len(lcz), 18))
    full[:, np.unique(lcz)] = found
    own = full[np.arange(len(lcz)), lcz]
    return pd.DataFrame({"polygon": table["polygon"], "own": own}).groupby("polygon")["own"].mean()


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    p, z = hits / n, 1.959964
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return middle - half, middle + half


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=6)
    parser.add_argument("--km", type=int, default=12)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    rows = []
    for seed in range(options.cities):
        with tempfile.TemporaryDirectory() as at:
            folder = Path(at)
            write_so2sat(simulate_city(options.km, seed), folder, _NAME)
            scene = next(folder.glob(f"Sentinel-2/{_NAME}/summer/*.tif"))
            areas = open_polygons(folder / f"Reference/{_NAME}/polygons.gpkg", zero_unlabelled=True)
            wrong, kind = mislabelled(areas, seed)
            files = SceneFiles((str(scene),))
            patches = patches_of(files, wrong, patch_size=PatchSize(metres=320), spacing=100)
            known = pd.Series(kind.to_numpy(), index=areas["polygon"].to_numpy())
            ours = suspects.suspicious_polygons(patches, seed=seed).dropna(subset="margin")
            theirs = plain(patches, seed).sort_values()
            for way, order in (("check-polygons", ours["polygon"]), ("one forest", theirs.index)):
                order = list(order)
                first = set(order[: round(FIRST * len(order))])
                for which in ("random", "similar"):
                    own = [p for p in order if known[p] == which]
                    rows.append((way, which, sum(p in first for p in own), len(own), len(order)))
    table = pd.DataFrame(rows, columns=["way", "wrong", "found", "n", "polygons"])
    sums = table.groupby(["way", "wrong"])[["found", "n", "polygons"]].sum()
    lines = ["| way | wrong polygons get | found in the first 15 % | 95 % interval | n wrong | polygons |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for (way, which), row in sums.iterrows():
        low, high = wilson(row["found"], row["n"])
        lines.append(
            f"| {way} | {'any class' if which == 'random' else 'the most similar class'} | "
            f"{row['found'] / row['n']:.1%} | {low:.1%}-{high:.1%} | {row['n']} | {row['polygons']} |"
        )
    text = "\n".join(lines)
    print(text)
    if options.write:
        head = (
            f"# Wrong reference polygons found\n\n`python benchmarks/suspects.py --cities {options.cities} --km "
            f"{options.km}`: simulated cities, a tenth of the polygons mislabelled, half with any other class, "
            "half with the most similar one. A random ranking holds 15 % of them in its first 15 %.\n\n"
        )
        (options.write / "suspects.md").write_text(head + text + "\n")


if __name__ == "__main__":
    main()
