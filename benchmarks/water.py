"""Speed and memory of the water maps, against a plain version that works patch by patch.

    python benchmarks/water.py [--size 1400] [--threads 1] [--scenes 2500x500 ...]

The plain version pads the scene, cuts a 256, a 512 and a 2048 px window for each patch, thins the
two wide ones with SciPy's zoom, and passes them through the network one patch at a time, all of
which is how the published scripts go about it. Both use the same weights and give the same map.
Needs the weights in the cache (`lcz weights fetch gmnet_as`), or LCZLIB_MIRROR.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import zoom

from lczlib.analysis.water_area import dark_as_water, water_area
from lczlib.export import write_raster
from lczlib.grid import on_grid
from lczlib.mapping.water import load_water_model, scaling, tile_count, water_map
from lczlib.mapping.water_files import open_water_probability, write_water
from lczlib.mapping.water_scene import open_water_scene
from lczlib.models import load_model

CRS = "EPSG:32650"


def synthetic(height: int, width: int) -> np.ndarray:
    """VV and VH in dB: speckle with dark bands for water."""
    rng = np.random.default_rng(1)
    dark = (np.arange(height)[:, None] // 150 + np.arange(width) // 220) % 4 == 0
    speckle = 10 * np.log10(rng.standard_gamma(8, (2, height, width), np.float32) / 8)
    return (np.where(dark, -22, -12) + np.array([0, -7])[:, None, None] + speckle).astype("float32")


def on_box(values: np.ndarray):
    box = GeoBox(values.shape[1:], Affine(10, 0, 5e5, 0, -10, 4e6), CRS)
    return on_grid(values, box, dims=("band", "y", "x"), coords={"band": ["VV", "VH"]})


def plain(values: np.ndarray, model: torch.nn.Module) -> np.ndarray:
    """The same probabilities, patch by patch."""
    low, high = (a[:, None, None] for a in scaling("as"))
    scaled = np.clip((values - low) / (high - low + 1e-4), 0, 1)
    rows, cols = (tile_count(n) for n in values.shape[1:])
    before, after = 60 + 896, 256 + 896
    padded = np.pad(scaled, ((0, 0), (before, after), (before, after)))
    out = np.zeros((rows * 196, cols * 196), np.float32)
    for r in range(rows):
        for c in range(cols):
            inputs = []
            for size in (2048, 512, 256):
                top, left = (196 * i + 896 - (size - 256) // 2 for i in (r, c))
                window = padded[:, top : top + size, left : left + size]
                window = zoom(window, (1, 256 / size, 256 / size), order=0)
                inputs.append(torch.from_numpy(np.ascontiguousarray(window))[None])
            with torch.no_grad():
                patch = model(*inputs).sigmoid()[0, 0].numpy()
            out[196 * r : 196 * (r + 1), 196 * c : 196 * (c + 1)] = patch[30:-30, 30:-30]
    return out[30 : 30 + values.shape[1], 30 : 30 + values.shape[2]]


def _peak(height: int, width: int, threads: int, results) -> None:
    """Peak memory in MB of mapping a file and summing its area, in a process of its own."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write = multiprocessing.get_context("spawn").Process(
            target=_write_scene, args=(path, height, width)
        )
        write.start()
        write.join()
        scene = open_water_scene(path, "as")
        proba, _ = write_water(scene, "as", folder, "out", model=load_water_model("as", "cpu"))
        chunks = {"y": 512, "x": -1}
        water_area(open_water_probability(proba, chunks=chunks), dark=dark_as_water(scene))
    results.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _write_scene(path: Path, height: int, width: int) -> None:
    write_raster(path, on_box(synthetic(height, width)), descriptions=["VV", "VH"])


def peak(height: int, width: int, threads: int) -> float:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_peak, args=(height, width, threads, results))
    process.start()
    value = results.get()
    process.join()
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1400, help="edge of the timed scene, px")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--scenes", nargs="*", default=["2500x500", "10000x500", "1000x5000", "1000x10000"]
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    values = synthetic(options.size, options.size)
    patches = tile_count(options.size) ** 2
    model, fast = load_model("gmnet_as"), load_water_model("as", "cpu")
    small = values[:, :300, :300]
    plain(small, model), water_map(on_box(small), "as", edges="zero", model=fast)  # warm-up
    times: dict[str, list[float]] = {"patch by patch": [], "lczlib": []}
    for _ in range(options.repeats):  # alternating, so that other load on the machine meets both
        start = time.perf_counter()
        expected = plain(values, model)
        times["patch by patch"].append(time.perf_counter() - start)
        start = time.perf_counter()
        found = water_map(on_box(values), "as", edges="zero", model=fast).probability.values
        times["lczlib"].append(time.perf_counter() - start)
    best = {name: min(seconds) for name, seconds in times.items()}
    print(f"{options.size} x {options.size} px, {patches} patches, {options.threads} thread(s)")
    print(f"{'':24}{'s':>8}{'ms/patch':>10}")
    for name, seconds in best.items():
        print(f"{name:24}{seconds:8.2f}{1000 * seconds / patches:10.1f}")
    ratio = best["patch by patch"] / best["lczlib"]
    difference = np.abs(found - expected).max()
    print(
        f"{ratio:.1f} times faster (best of {options.repeats}); largest difference {difference:.1e}"
    )

    print(f"\n{'scene, px':24}{'peak memory, MB':>16}")
    for size in options.scenes:
        height, width = (int(n) for n in size.split("x"))
        print(f"{size:24}{peak(height, width, options.threads):16.0f}")


if __name__ == "__main__":
    main()
