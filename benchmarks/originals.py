"""How far maps made here are from those of the original programs, and `mixed` from float32.

    python benchmarks/originals.py GOLDENS [--only networks|city|mixed] [--write FILE]

GOLDENS is a folder of outputs of the original programs: patches and probabilities of each network
(``resnet20_s1.npz``, ``resnet20_s2.npz``, ``sen2lcz.npz``), and a city mapped by So2Sat's own scripts
(``so2sat_city/``: inputs, ``expected/``, ``intermediate.npz``). Three comparisons:

- networks alone: largest difference of a class probability on the same patches
- the whole city, from the files, corner anchor, fusion ``so2sat``: largest difference of a
  probability and share of equal labels, over the cells that have a class in both, over those whose
  patch holds no missing pixel, and over those whose patch also lies inside the image. The originals
  round reflectance to float16, take missing pixels for reflectance 0, and wrap radar's coherence
  around the edge of the image, which is not repeated here.
- precision ``mixed`` beside ``float32``, PyTorch and OpenVINO on this CPU: largest difference of a
  probability, labels that differ, and how much faster it is; ``--write`` keeps that table

Weights are downloaded on first use (LCZLIB_MIRROR names a folder that has them).
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lczlib.machine import machine, processor

NETWORKS = {
    "so2sat_s1_resnet20": "resnet20_s1",
    "so2sat_s2_resnet20": "resnet20_s2",
    "sen2lcz_net": "sen2lcz",
}
SEASONS = ("spring", "summer", "autumn", "winter")
BERLIN = "berlin_s2_20241024"


def networks(goldens: Path) -> None:
    """The forward passes, on the patches that the originals were run on."""
    import torch

    from lczlib.models import load_model

    for name, file in NETWORKS.items():
        reference = np.load(goldens / f"{file}.npz")
        with torch.no_grad():
            found = load_model(name)(torch.from_numpy(reference["x"]).permute(0, 3, 1, 2))
        _line(name, found.softmax(1).numpy(), reference["p"])


def city(goldens: Path, out: Path) -> None:
    """A whole city from its files to its maps, as So2Sat's scripts do it."""
    from lczlib.mapping import MapRequest, map_city
    from lczlib.maps import open_probabilities
    from lczlib.scenes import open_so2sat

    folder = goldens / "so2sat_city"
    request = MapRequest((str(folder / "data"),), anchor="corner", fusion="so2sat", device="cpu")
    kinds = map_city(request, out).kinds
    kept = np.load(folder / "intermediate.npz")
    inside, clear = _cells(open_so2sat(folder / "data"))
    seasons = dict(zip(SEASONS, kept["s2_prob"], strict=True))
    theirs = {"s1": kept["s1_prob"], **{f"s2_{s}": p for s, p in seasons.items()}}
    theirs["s2"] = kept["s2_mean_prob"]
    theirs["fused"] = (kept["s1_prob"] + kept["s2_prob"].sum(0)) / 5
    expected = {k: _expected(folder, k) for k in ("s1", "s2", "fused")}
    for name, p in theirs.items():
        ours = open_probabilities(out / f"{name}_proba.tif").values.reshape(17, -1).T
        known = np.isfinite(ours).all(1) & np.isfinite(p).all(1)
        _line(f"{name}, with a class in both", ours[known], p[known])
        _line(f"{name}, no missing pixel", ours[known & clear[name]], p[known & clear[name]])
        chosen = known & clear[name] & inside
        _line(f"{name}, and inside the image", ours[chosen], p[chosen])
    for kind, labels in expected.items():
        same, chosen = kinds[kind].values.ravel() == labels, clear[kind]
        print(
            f"{kind}: labels as in the original's file in {same[chosen].mean():.2%} of {chosen.sum():,} "
            f"cells with no missing pixel"
        )


def _cells(city: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cells whose corner-anchored patch lies in the image, and those where it has no missing pixel."""
    scenes = {"s1": city.sentinel1} | {f"s2_{s}": city.seasons[s] for s in SEASONS}
    clear = {}
    for name, scene in scenes.items():
        valid = scene.to_array().notnull().all("variable").values
        clear[name] = _whole(np.pad(valid, 16, "symmetric"))
    clear["s2"] = np.logical_and.reduce([clear[f"s2_{s}"] for s in SEASONS])
    clear["fused"] = clear["s1"] & clear["s2"]
    return _whole(np.pad(np.ones_like(valid), 16)), clear


def _whole(good: np.ndarray) -> np.ndarray:
    """Whether all pixels of each cell's patch are good, of an image padded by half a patch."""
    rows, columns = (-(-(n - 32) // 10) for n in good.shape)
    return np.array(
        [good[r : r + 32, c : c + 32].all() for r in range(0, 10 * rows, 10) for c in range(0, 10 * columns, 10)]
    )  # fmt: skip


def _expected(folder: Path, kind: str) -> np.ndarray:
    import rasterio

    name = {"s1": "LCZLabel.tif", "s2": "*_lab.tiff", "fused": "s1_s2_fusion.tif"}[kind]
    (path,) = (folder / "expected").rglob(name)
    with rasterio.open(path) as src:
        return src.read(1).ravel()


def mixed(goldens: Path, out: Path, write: Path | None = None) -> None:
    """The faster precision beside float32, on a real and on a simulated city."""
    from lczlib import catalog
    from lczlib.mapping import make_engine, predict, prepare
    from lczlib.scenes import open_sentinel2, open_so2sat
    from lczlib.scenes.simulation import simulate_city, write_so2sat

    write_so2sat(simulate_city(6.4, 1), out / "scene")
    simulated = open_so2sat(out / "scene")
    berlin = open_sentinel2(catalog.fetch(BERLIN)).compute()
    jobs = [(BERLIN, berlin, n) for n in ("so2sat_s2_resnet20", "sen2lcz_net")]
    testville = open_so2sat(goldens / "so2sat_city/data")
    jobs += [("so2sat_city", testville.sentinel1, "so2sat_s1_resnet20")]
    jobs += [("so2sat_city", testville.seasons["summer"], "so2sat_s2_resnet20")]
    jobs += [("simulated", simulated.sentinel1, n) for n in ("so2sat_s1_resnet20", "demo_s1")]
    jobs += [("simulated", simulated.seasons["summer"], "demo_s2")]
    lines = [
        "| scene | network | engine | cells | largest move of a probability | labels that differ | times as fast |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for where, scene, name in jobs:
        for engine in ("torch", "openvino"):
            found, spent = {}, {}
            for precision in ("float32", "mixed"):
                runner = make_engine(name, engine=engine, precision=precision, device="cpu")
                ready = prepare(scene, runner.weights)
                predict(ready, runner)  # warms up
                begun = time.perf_counter()
                found[precision] = predict(ready, runner).probability.values
                spent[precision] = time.perf_counter() - begun
            known = np.isfinite(found["float32"]).all(0)
            exact, fast = (found[p][:, known].T for p in ("float32", "mixed"))
            differ = int((fast.argmax(1) != exact.argmax(1)).sum())
            lines.append(
                f"| {where} | {name} | {engine} | {len(exact):,} | {np.abs(fast - exact).max():.3f} | {differ} | "
                f"{spent['float32'] / spent['mixed']:.2f} |"
            )
            print(lines[-1], flush=True)
    if write:
        write.write_text(
            "# Mixed precision beside float32\n\n"
            f"Made by `benchmarks/originals.py GOLDENS --only mixed` on {datetime.date.today()}: {machine()}, "
            "bfloat16. Close calls are computed again in float32; what moves are the probabilities of the other "
            "cells.\n\n"
            + "\n".join(lines) + "\n"
        )  # fmt: skip


def _line(what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    """One comparison: probabilities (n, classes)."""
    differ = int((ours.argmax(1) != theirs.argmax(1)).sum())
    print(
        f"{what:48} probabilities within {np.abs(ours - theirs).max():.1e}, labels differ in "
        f"{differ:,} of {len(ours):,} ({1 - differ / len(ours):.2%} equal)"
    )


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("goldens", type=Path)
    parser.add_argument("--only", choices=["networks", "city", "mixed"])
    parser.add_argument("--write", type=Path, help="A file for the table of mixed.")
    chosen = parser.parse_args()
    print(f"{processor()}\n")
    with tempfile.TemporaryDirectory() as folder:
        for name, run in {
            "networks": lambda: networks(chosen.goldens),
            "city": lambda: city(chosen.goldens, Path(folder) / "city"),
            "mixed": lambda: mixed(chosen.goldens, Path(folder) / "mixed", chosen.write),
        }.items():
            if chosen.only in (None, name):
                print(f"{name}:")
                run()


if __name__ == "__main__":
    main()
