"""A small simulated city whose own map is judged and whose zones are warm: results of a report, with no network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lczlib.export import write_lcz_map
from lczlib.maps import open_lcz_map
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study import Places, Study

CITY = "00000_00000_Simulated"


def simulated(folder: Path) -> Path:
    """A city with its references and temperatures, and a map of it that is wrong in a fifth of the cells."""
    city = write_so2sat(simulate_city(5, 2), folder / "scene", CITY)
    truth = open_lcz_map(next(city.rglob("lcz.tif")), scheme="1-17").load()
    rng = np.random.default_rng(0)
    wrong = rng.random(truth.shape) < 0.2
    drawn = rng.choice(truth.values[truth.values > 0], truth.shape)
    mapped = truth.copy(
        data=np.where(wrong & (truth.values > 0), drawn, truth.values).astype(np.uint8)
    )
    write_lcz_map(folder / "drawn.tif", mapped)
    return city


def studied(folder: Path, city: Path) -> Study:
    """A study of it: accuracy and comparison of the map, and its heat islands of both kinds."""
    study = Study(folder / "work", folder / "store", Places([city]))
    study.param.update(
        city=f"folder:{CITY}", map_files=(str(city.parent / "drawn.tif"),), heat_map="own",
        first="own", second="reference", heat_replicates=200, accuracy_replicates=200,
    )  # fmt: skip
    for step in ("scene", "reference", "own_map", "comparison", "accuracy", "heat"):
        study.compute(step)
    study.heat_kind = "canopy"
    study.compute("heat")
    return study
