"""How much a map of surface reflectance depends on the atmosphere that is put back on it.

    python benchmarks/atmosphere.py [--write FILE]

Networks of So2Sat read top-of-atmosphere reflectance (L1C); `lcz map` puts an approximate atmosphere back
on surface reflectance (L2A). What that changes against L1C itself takes one scene at both levels, of which
no open one is at hand. What can be measured is how far the labels depend on what is assumed: one real L2A
scene is mapped under other aerosol, another sun and no atmosphere at all, and labels are compared cell by
cell with those of the default. Where the air was as hazy as one of the rows while the default was assumed,
about so many labels differ; what the model itself leaves out (gases, adjacency, terrain) comes on top.

The scene and the weights are downloaded on first use (LCZLIB_MIRROR names a folder that has them).
"""

from __future__ import annotations

import argparse
import datetime as dt
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

SCENE, DAY = "berlin_s2_20241024", dt.date(2024, 10, 24)
NETWORKS = ("so2sat_s2_resnet20", "sen2lcz_net")
AEROSOL = (0.0, 0.05, 0.1, 0.3, 0.5)
DAYS_OFF = (-30, 30)


def labels(scene: xr.Dataset, network: str) -> np.ndarray:
    """The class of each cell, 0 for none."""
    from lczlib.mapping import make_engine, predict, prepare
    from lczlib.models.weights import published_weights

    engine = make_engine(network, precision="float32")
    found = predict(prepare(scene, published_weights(network)), engine)["probability"]
    known = np.isfinite(found).all("lcz").values
    best = found.fillna(-1).argmax("lcz").values + 1
    return np.where(known, best, 0)


def variants(scene: xr.Dataset) -> dict[str, xr.Dataset]:
    """The scene under each assumption, the default first."""
    from lczlib.scenes.atmosphere import AEROSOL_OPTICAL_DEPTH, to_top_of_atmosphere

    found = {
        f"default: optical depth {AEROSOL_OPTICAL_DEPTH}, {DAY}": to_top_of_atmosphere(
            scene, date=DAY
        )
    }
    for depth in AEROSOL:
        found[f"optical depth {depth}"] = to_top_of_atmosphere(
            scene, date=DAY, aerosol_optical_depth=depth
        )
    for off in DAYS_OFF:
        day = DAY + dt.timedelta(days=off)
        found[f"sun of {day}"] = to_top_of_atmosphere(scene, date=day)
    found["no atmosphere (L2A as it is)"] = scene
    return found


def table() -> str:
    """A Markdown table: of each network, the share of labels that each assumption changes."""
    from lczlib import catalog
    from lczlib.scene_options import SceneOptions
    from lczlib.scenes.sources import open_scenes

    options = SceneOptions(level="L2A", date=DAY.isoformat())
    city = open_scenes([str(catalog.fetch(SCENE))], options)
    (scene,) = city.scenes.values()
    lines = [
        f"| {' | '.join(('assumed', *NETWORKS))} |",
        f"| {' | '.join(('---', *['---:'] * len(NETWORKS)))} |",
    ]
    columns: dict[str, list[str]] = {}
    n = 0
    for network in NETWORKS:
        default = None
        for name, one in variants(scene).items():
            found = labels(one, network)
            default = found if default is None else default
            both = (found > 0) & (default > 0)
            n = int(both.sum())
            columns.setdefault(name, []).append(f"{(found != default)[both].mean():.3f}")
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in columns.items()]
    head = (
        f"Share of the labels of {n:,} cells (one scene, {SCENE}) that an assumption changes against the "
        "default.\nNot a comparison with L1C, of which no scene of the same pass is at hand; `python "
        "benchmarks/atmosphere.py`.\n"
    )
    return "\n".join([head, *lines, ""])


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    text = table()
    print(text)
    if asked.write:
        asked.write.write_text(text)


if __name__ == "__main__":
    main()
