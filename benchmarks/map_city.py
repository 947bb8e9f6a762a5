"""Mapping a city end to end, beside its bare forward passes and beside a plain version.

    python benchmarks/map_city.py [--pixels 1500] [--quick]

A simulated scene of So2Sat's layout (four Sentinel-2 seasons and Sentinel-1) is mapped with the
published So2Sat networks, each way in a process of its own:

- end to end: `map_city`, from the files to probabilities, maps and manifest (float32, then mixed)
- bare: the forward pass alone, of the same engine on ready batches, for as many patches
- plain: reads a scene whole, cuts all patches first, runs float32 batches of 256 with PyTorch

Ratios are to be read within one run; the machine is printed with them. Weights are downloaded on
first use (LCZLIB_MIRROR names a folder that has them).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import deque
from itertools import repeat
from pathlib import Path

import numpy as np

WEIGHTS = {"s1": "so2sat_s1_resnet20", "s2": "so2sat_s2_resnet20"}
ORIGINAL_SECONDS = {"s1": 52.8, "s2": 178.5}
"""So2Sat's own scripts (TensorFlow 2.15, oneDNN) for 22,650 cells on two cores of an EPYC with AVX-512
bfloat16: one season of Sentinel-1, four of Sentinel-2, peak memory 4.5 and 5.5 GB."""
ORIGINAL_CELLS = 22_650


def end_to_end(scene: Path, out: Path, precision: str, only: str = "") -> dict:
    from lczlib.mapping import MapRequest, map_city

    weights = (WEIGHTS[only],) if only else tuple(WEIGHTS.values())
    request = MapRequest(inputs=(str(scene),), weights=weights, precision=precision)
    started = time.perf_counter()
    result = map_city(request, out)
    return {
        "seconds": time.perf_counter() - started,
        "cells": result.manifest["cells"],
        "engine": next(iter(result.manifest["engines"].values())),
    }


def bare(sensor: str, precision: str, patches: int) -> dict:
    """Seconds of as many forward passes, from those of ready batches; nothing is cut or read."""
    from lczlib.mapping.engines import MixedEngine, OpenVinoEngine, make_engine

    engine = make_engine(WEIGHTS[sensor], precision=precision)
    engine = engine.fast if isinstance(engine, MixedEngine) else engine
    channels, size = engine.weights.in_channels, engine.batch_size
    ready = np.random.default_rng(0).random((size, 32, 32, channels), np.float32)
    if isinstance(engine, OpenVinoEngine):

        def go(batches: int) -> None:
            deque(engine.forwards(repeat(ready, batches)), maxlen=0)
    else:
        import torch

        there = torch.from_numpy(ready).permute(0, 3, 1, 2).to(engine.device)

        def go(batches: int) -> None:
            for _ in range(batches):
                engine.forward(there)

    go(10)
    batches = 6_400 // size
    started = time.perf_counter()
    go(batches)
    return {"seconds": (time.perf_counter() - started) / (batches * size) * patches}


def plain(scene: Path, out: Path) -> dict:
    """Sentinel-2 summer alone: the whole scene, all patches, float32 batches of 256."""
    import rasterio
    import torch

    from lczlib.models import load_model

    started = time.perf_counter()
    (path,) = scene.glob("Sentinel-2/*/summer/*_summer.tif")
    with rasterio.open(path) as src:
        values = src.read([2, 3, 4, 5, 6, 7, 8, 9, 12, 13]).astype(np.float32) / 1e4
    model = load_model(WEIGHTS["s2"])
    mean = np.array(model.weights.mean, np.float32)[:, None, None]
    values = np.where((values == 0).all(0), mean, values)
    padded = np.pad(values, ((0, 0), (16, 32), (16, 32)), "symmetric")
    rows, cols = (-(-n // 10) for n in values.shape[1:])
    starts = [(10 * r + 5, 10 * c + 5) for r in range(rows) for c in range(cols)]
    patches = np.stack([padded[:, y : y + 32, x : x + 32] for y, x in starts])
    found = []
    with torch.no_grad():
        for start in range(0, len(patches), 256):
            batch = torch.from_numpy(patches[start : start + 256])
            found.append(model(batch).softmax(1).numpy())
    labels = (np.concatenate(found).argmax(1) + 1).astype(np.uint8).reshape(rows, cols)
    seconds = time.perf_counter() - started
    np.save(out, labels)
    return {"seconds": seconds, "cells": rows * cols}


def in_a_process(part: str, *arguments: str) -> dict:
    """Run one way in a fresh process; its result and peak memory in MB."""
    command = [sys.executable, __file__, "--part", part, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_part(options: argparse.Namespace) -> None:
    a = options.arguments
    if options.part == "map":
        found = end_to_end(Path(a[0]), Path(a[1]), a[2], a[3] if len(a) > 3 else "")
    elif options.part == "bare":
        found = bare(a[0], a[1], int(a[2]))
    else:
        found = plain(Path(a[0]), Path(a[1]))
    found["peak_mb"] = peak_mb()
    print(json.dumps(found))


def peak_mb() -> float:
    """Peak memory of this process; ru_maxrss would count that of the parent it was forked from."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(line.split()[1]) * 1024 / 1e6


def say(row: str) -> None:
    print(row, flush=True)


def same_labels(a: Path, b: Path) -> float:
    import rasterio

    with rasterio.open(a) as src:
        first = src.read(1)
    second = np.load(b) if b.suffix == ".npy" else rasterio.open(b).read(1)
    valid = first > 0
    return float((first == second)[valid].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="400 pixels, to try the script")
    parser.add_argument("--part", choices=("map", "bare", "plain"))
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    if options.part:
        run_part(options)
        return
    from lczlib.accelerators import device_name
    from lczlib.scenes.simulation import simulate_city, write_so2sat

    pixels = 400 if options.quick else options.pixels
    cells = (pixels // 10) ** 2
    print(
        f"{pixels} x {pixels} pixels, {cells:,} cells; {device_name('cpu')}, {platform.platform()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_so2sat(simulate_city(pixels / 100, 5), work / "scene")
        bigger = work / "bigger"
        write_so2sat(simulate_city(pixels / 50, 5), bigger)
        # fetches and converts the weights, so that no timed run does
        in_a_process("bare", "s1", "float32", "1")
        in_a_process("bare", "s2", "float32", "1")
        for precision in ("float32", "mixed"):
            found = in_a_process("map", str(work / "scene"), str(work / precision), precision)
            forward = sum(
                in_a_process("bare", s, precision, str(n * cells))["seconds"]
                for s, n in (("s1", 1), ("s2", 4))
            )
            original = (ORIGINAL_SECONDS["s1"] + ORIGINAL_SECONDS["s2"]) * cells / ORIGINAL_CELLS
            say(
                f"end to end, S1 + 4 seasons, {precision:<8} {found['seconds']:7.1f} s "
                f"{found['cells'] / found['seconds']:7.0f} cells/s  peak {found['peak_mb']:5.0f} MB; "
                f"bare forward {forward:6.1f} s: {forward / found['seconds']:.2f} of its speed; "
                f"{original / found['seconds']:.1f} x So2Sat's scripts ({found['engine']})"
            )
        whole = in_a_process("plain", str(work / "scene"), str(work / "plain.npy"))
        ours = in_a_process("map", str(work / "scene"), str(work / "s2"), "float32", "s2")
        say(
            f"plain, one season: {whole['seconds']:.1f} s, {whole['cells'] / whole['seconds']:.0f} "
            f"cells/s, peak {whole['peak_mb']:.0f} MB; ours {ours['cells'] / ours['seconds']:.0f} "
            f"cells/s: {whole['seconds'] * ours['cells'] / whole['cells'] / ours['seconds']:.1f} x, "
            f"{ours['peak_mb'] / whole['peak_mb']:.2f} of the memory"
        )
        for precision in ("float32", "mixed"):
            equal = same_labels(work / precision / "s2_summer_lcz.tif", work / "plain.npy")
            say(f"labels of {precision} equal to the plain version's: {100 * equal:.2f} %")
        four = in_a_process("map", str(bigger), str(work / "four"), "float32", "s2")
        say(
            f"memory, four seasons: {ours['peak_mb']:.0f} MB, on a scene four times as large "
            f"{four['peak_mb']:.0f} MB ({four['cells'] / four['seconds']:.0f} cells/s)"
        )


if __name__ == "__main__":
    main()
