"""From 100 polygons to a map of 400 km2: how long each way takes on this machine, and what it is worth.

    python benchmarks/adapt.py [--from sen2lcz_net] [--polygons 100] [--km 20] [--write benchmarks/results/adapt.md]

A simulated city in one season of Sentinel-2, with polygons drawn from its reference, each class in turn. Each way
is the two commands that a user types, `lcz train` and `lcz map`, with what they do by themselves: patches cut, test
polygons kept apart, early stopping, maps written. Accuracy is `lcz assess` against the city's whole reference raster;
cells are drawn in blocks of 1 km. The published weights know no simulated city, so what a start from them is worth
must be read from a real one; here only the times count, and that each way learns at all.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np

from lczlib.export.files import staged
from lczlib.machine import machine
from lczlib.scenes.simulation import simulate_city, write_so2sat

NAME, SEASON = "00000_00000_Simulated", "summer"


def ways(start: str) -> dict[str, list[str]]:
    """The options of `lcz train` of each way."""
    return {
        "published weights as they are": [],
        "last layer fitted (linear)": ["--from", start, "--tune", "linear"],
        "last layer trained (head)": ["--from", start, "--tune", "head"],
        "last stage trained": ["--from", start, "--tune", "stage"],
        "every layer trained": ["--from", start, "--tune", "all"],
        "from scratch": ["--arch", "sen2lcz"],
        "random forest": ["--arch", "random_forest"],
    }


def drawn(polygons: gpd.GeoDataFrame, n: int, seed: int) -> gpd.GeoDataFrame:
    """Some polygons, each class in turn."""
    shuffled = polygons.sample(frac=1, random_state=seed)
    turn = shuffled.groupby("lcz").cumcount()
    return (
        shuffled.assign(turn=turn).sort_values("turn", kind="stable").head(n).drop(columns="turn")
    )


def timed(*words: object) -> float:
    """Seconds that a command takes; its words go to the log."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "lczlib", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"lcz {words[0]} failed: {done.stderr[-2000:]}")
    return time.perf_counter() - begun


def measured(
    folder: Path,
    scene: Path,
    areas: Path,
    reference: Path,
    options: list[str],
    start: str,
    epochs: int,
) -> dict[str, float | str]:
    """One way: seconds of training and of mapping, and the accuracy with its interval."""
    weights, training = start, float("nan")
    if options:
        more = [] if {"linear", "random_forest"} & {*options} else ["--epochs", epochs]
        training = timed(
            "train", scene, "--city", NAME, "--only-seasons", SEASON, "--polygons", areas, *options, *more,
            "--spacing", 100, "--no-figures", "--device", "cpu", "--out", folder / "trained",
        )  # fmt: skip
        weights = str(folder / "trained/model.safetensors")
    mapping = timed(
        "map", scene, "--city", NAME, "--only-seasons", SEASON, "--weights", weights, "--device", "cpu",
        "--accept-values", "--out", folder / "map",
    )  # fmt: skip
    timed(
        "assess",
        folder / "map/s2_lcz.tif",
        "--reference",
        reference,
        "--no-figures",
        "--out",
        folder / "assessed",
    )
    found = json.loads((folder / "assessed/assessment.json").read_text())
    oa, (low, high) = found["oa"], found["oa_ci"]
    return {
        "training": training,
        "mapping": mapping,
        "oa": f"{oa:.3f} ({low:.3f} to {high:.3f})",
        "n": found["n"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="start", default="sen2lcz_net")
    parser.add_argument("--polygons", type=int, default=100)
    parser.add_argument("--km", type=float, default=20)
    parser.add_argument(
        "--epochs", type=int, default=30, help="At most; training stops early by itself."
    )
    parser.add_argument("--way", action="append", help="Only ways whose name holds this.")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        base = Path(work)
        city = simulate_city(given.km, seed=7)
        write_so2sat(city, base / "scene", NAME)
        beside = base / "scene/Reference" / NAME
        every = gpd.read_file(beside / "polygons.gpkg")
        some = drawn(every, given.polygons, seed=0)
        areas = base / "areas.gpkg"
        some.to_file(areas)
        lines = [
            f"| way | train, s | map {given.km**2:,.0f} km2, s | together, s | OA against the whole reference |",
            "| --- | --- | --- | --- | --- |",
        ]
        n = 0
        for name, options in ways(given.start).items():
            if given.way and not any(w in name for w in given.way):
                continue
            folder = base / name.replace(" ", "-")
            folder.mkdir()
            found = measured(
                folder,
                base / "scene",
                areas,
                beside / "lcz.tif",
                options,
                given.start,
                given.epochs,
            )
            train = "-" if np.isnan(found["training"]) else f"{found['training']:.0f}"
            total = np.nansum([found["training"], found["mapping"]])
            lines.append(
                f"| {name} | {train} | {found['mapping']:.0f} | {total:.0f} | {found['oa']} |"
            )
            n = found["n"]
            print(lines[-1], flush=True)
    text = "\n".join([
        "# From polygons to a map", "",
        f"Made by `benchmarks/adapt.py` on {datetime.date.today()}: {machine()}. Simulated city of {given.km:g} x "
        f"{given.km:g} km, one season of Sentinel-2, {len(some)} polygons of {some['lcz'].nunique()} classes, "
        f"start from {given.start}; accuracy on {n:,} cells, 95 % intervals over blocks. Accuracies are of a "
        "simulated city, which the published weights do not know: they say nothing of a real one.", "", *lines, "",
    ])  # fmt: skip
    print(text)
    if given.write:
        with staged(given.write) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    main()
