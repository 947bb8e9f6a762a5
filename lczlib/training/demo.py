"""The two small networks of the embedded demo, trained on simulated cities.

They know nothing but the simulator's idea of a city, so their description says ``simulated`` and
they are refused on real scenes. Those that ship learnt on cities of an earlier plan, with fewer
centres and estates; trained on the present one they were no better (mean OA of seven other cities of
3,600 to 14,400 cells: S2 0.898 as they ship, 0.892 trained anew; S1 0.649 and 0.645).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis import Assessment
from lczlib.grid import geobox_of
from lczlib.models import save_safetensors
from lczlib.scenes.simulation import DemoCity, simulate_city
from lczlib.temporary import TemporaryFolder
from lczlib.training.evaluation import assess_patches, predict_patches, scaling_of, summary
from lczlib.training.inputs import BANDS
from lczlib.training.joining import join_patches
from lczlib.training.patches import ScenePatches, patches_at
from lczlib.training.trainer import Options, fit_network

NAMES = {"s1": "demo_s1", "s2": "demo_s2"}
TRAIN_SEEDS = tuple(range(1001, 1009))
VALIDATION_SEEDS = (2001, 2002)
TEST_SEEDS = (3001, 3002, 3003)
"""Cities that no default of the simulator makes; the demo city itself is none of them."""

CITY_KM = 6.0
CELLS = 1300
"""Patches of a training city: of 3,600 cells, drawn so that rare classes come more often."""
PATCH = 32
OPTIONS = Options(
    "sen2lcz", {"width": 8, "depth": 2, "dropout": 0.1}, epochs=10, batch_size=32,
    halve_every=2, patience=4, alpha="one", seed=7, device="cpu",
)  # fmt: skip
"""Class weights are 1 since the drawing of cells balances classes already."""

_BLOCK = 20  # cells: the edge of a bootstrap block of 2 km
_LEVELS = {"s1": "", "s2": "L1C"}

Report = Callable[[str], None]


def train_demo_weights(
    folder: str | Path,
    *,
    sensors: Sequence[str] = ("s1", "s2"),
    train_seeds: Sequence[int] = TRAIN_SEEDS,
    validation_seeds: Sequence[int] = VALIDATION_SEEDS,
    test_seeds: Sequence[int] = TEST_SEEDS,
    city_km: float = CITY_KM,
    cells: int = CELLS,
    options: Options = OPTIONS,
    report: Report | None = None,
) -> dict[str, Path]:
    """Train the demo networks and write ``demo_s1.safetensors`` and ``demo_s2.safetensors``.

    Parameters
    ----------
    folder : path
        For the files.
    sensors : sequence of {"s1", "s2"}
        Networks to train.
    train_seeds, validation_seeds, test_seeds : sequence of int
        Of the simulated cities.
    city_km : float
        Edge of each city.
    cells : int
        Patches of each training and validation city.
    options : Options
        How to train.
    report : callable, optional
        Told of each step.

    Returns
    -------
    dict of str to Path
        The file of each sensor.
    """
    tell = report or (lambda _: None)
    patches: dict[str, dict[str, list[ScenePatches]]] = {s: {} for s in sensors}
    for subset, seeds in (
        ("train", train_seeds), ("validation", validation_seeds), ("test", test_seeds),
    ):  # fmt: skip
        for seed in seeds:
            tell(f"Simulating {subset} city {seed}")
            city = simulate_city(city_km, seed)
            centres = draw_cells(city, None if subset == "test" else cells)
            for sensor in sensors:
                patches[sensor].setdefault(subset, []).extend(city_patches(city, centres, sensor))
    paths = {}
    for sensor, by_subset in patches.items():
        parts = {k: join_patches(v) for k, v in by_subset.items()}
        tell(f"Training {sensor} on {len(parts['train'])} patches")
        paths[sensor], assessment = _train(Path(folder), sensor, parts, options, tell)
        tell(f"{sensor}: OA {assessment.scores['oa']:.3f} on {assessment.n} cells of other cities")
    return paths


def draw_cells(city: DemoCity, n: int | None) -> pd.DataFrame:
    """Centres of cells of a city with their true class: all, or `n` drawn without replacement.

    A class of share f is drawn in proportion to the square root of f, between its true share and
    an equal one: rare classes are learnt, and common ones are still expected more often.
    """
    box = geobox_of(city.lcz, "simulated city")
    rows, cols = np.nonzero(city.lcz.values)
    lcz = city.lcz.values[rows, cols]
    if n is not None and n < len(lcz):
        count = np.bincount(lcz, minlength=18)
        weight = 1 / np.sqrt(count[lcz])
        rng = np.random.default_rng(city.seed)
        keep = rng.choice(len(lcz), n, replace=False, p=weight / weight.sum())
        rows, cols, lcz = rows[keep], cols[keep], lcz[keep]
    x, y = box.affine @ (cols + 0.5, rows + 0.5)
    block = (rows // _BLOCK) * (box.shape[1] // _BLOCK + 1) + cols // _BLOCK
    return pd.DataFrame({"lcz": lcz, "block": block, "x": x, "y": y})


def city_patches(city: DemoCity, centres: pd.DataFrame, sensor: str) -> list[ScenePatches]:
    """Patches of a city's scenes of a sensor; each cell is seen in one season or orbit, in turn."""
    scenes: dict[str, xr.Dataset] = city.sentinel1 if sensor == "s1" else city.sentinel2
    out = []
    for i, (name, scene) in enumerate(scenes.items()):
        scene = scene.assign_attrs(sensor=sensor, level=_LEVELS[sensor])
        part = patches_at(
            scene, centres.iloc[i :: len(scenes)], sensor=sensor, bands=BANDS[sensor],
            patch_size=PATCH, name=f"{city.name} {name}",
        )  # fmt: skip
        part.table["block"] += 10_000 * city.seed
        out.append(part)
    return out


def _train(
    folder: Path, sensor: str, parts: dict[str, ScenePatches], options: Options, tell: Report
) -> tuple[Path, Assessment]:
    with TemporaryFolder() as scratch:
        trained = fit_network(
            parts["train"], parts["validation"], options, scratch, name=NAMES[sensor], note=tell
        )
    found = predict_patches(
        trained.network, parts["test"], scaling_of(trained.weights), device=options.device
    )
    assessment = assess_patches(found, parts["test"])
    facts: dict[str, Any] = {"on": "cells of simulated cities that were not trained on"}
    weights = dataclasses.replace(
        trained.weights,
        title=f"Demo network for simulated Sentinel-{sensor[1]}",
        source="simulated cities (lczlib.training.demo)",
        licence="MIT",
        accuracy=summary(assessment, **facts),
    )
    return save_safetensors(
        folder / f"{NAMES[sensor]}.safetensors", trained.network, weights
    ), assessment


def main() -> None:
    """``make train-demo``: write the weights that ship with the package."""
    from rich.console import Console

    err = Console(stderr=True, highlight=False)
    folder = Path(__file__).parents[1] / "models" / "demo"
    for path in train_demo_weights(folder, report=err.print).values():
        err.print(f"Wrote {path}")


if __name__ == "__main__":
    main()
