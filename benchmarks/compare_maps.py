"""Counting class pairs of two maps: this library against plain numpy and scikit-learn.

    python benchmarks/compare_maps.py [--size 10000]

Synthetic maps of patches, of which a fifth differs. Each way runs in a process of its own, so that
its peak memory is its own; time is that of counting alone, but for the last line, which also reads
and decodes the compressed GeoTIFFs. All ways must give the same counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio


def make_maps(folder, size):
    rng = np.random.default_rng(0)
    patches = rng.integers(1, 18, (-(-size // 10), -(-size // 10)), np.uint8)
    first = np.kron(patches, np.ones((10, 10), np.uint8))[:size, :size]
    second = first.copy()
    for row in second:
        cells = rng.integers(0, size, size // 5)
        row[cells] = rng.integers(1, 18, cells.size)
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8",
        "crs": "EPSG:32633", "transform": rasterio.transform.from_origin(4e5, 6e6, 100, 100),
        "nodata": 0, "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "zstd",
    }  # fmt: skip
    for name, codes in (("first", first), ("second", second)):
        np.save(folder / f"{name}.npy", codes)
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as dst:
            dst.write(codes, 1)


def with_lczlib(first, second):
    from lczlib.analysis.confusion import confusion

    return confusion(first, second).values


def with_numpy(first, second):
    code = first.astype(np.int64).ravel() * 18 + second.ravel()
    return np.bincount(code, minlength=18 * 18).reshape(18, 18)[1:, 1:]


def with_sklearn(first, second):
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(first.ravel(), second.ravel(), labels=np.arange(1, 18))


def with_files(folder):
    from lczlib.analysis.confusion import confusion
    from lczlib.maps import open_lcz_map

    chunks = {"y": 2048, "x": 2048}
    return confusion(
        *(open_lcz_map(folder / f"{n}.tif", chunks=chunks) for n in ("first", "second"))
    ).values


WAYS = {
    "lczlib, arrays": with_lczlib,
    "plain numpy": with_numpy,
    "scikit-learn": with_sklearn,
    "lczlib, files by dask": None,
}


def measure(way, folder):
    """Run one way here and print its figures as JSON; called in a process of its own."""
    if WAYS[way] is None:
        import lczlib.analysis.confusion
        import lczlib.maps  # noqa: F401 - imports are not part of the time

        before = peak_mb()
        start = time.perf_counter()
        counts = with_files(folder)
    else:
        first, second = (np.load(folder / f"{n}.npy") for n in ("first", "second"))
        WAYS[way](first[:10], second[:10])  # imports are not part of the time
        before = peak_mb()
        start = time.perf_counter()
        counts = WAYS[way](first, second)
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "seconds": seconds,
                "peak": peak_mb(),
                "own": peak_mb() - before,
                "counts": counts.tolist(),
            }
        )
    )


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000, help="rows and columns of the maps")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        measure(options.way, options.folder)
        return
    results = {}
    with tempfile.TemporaryDirectory() as name:
        make_maps(Path(name), options.size)
        for way in WAYS:
            command = [sys.executable, "-W", "ignore", __file__, "--way", way, "--folder", name]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results[way] = json.loads(done.stdout)
    if len({json.dumps(r["counts"]) for r in results.values()}) != 1:
        sys.exit("The ways differ in their counts.")
    slowest = results["scikit-learn"]["seconds"]
    n = options.size**2
    print(f"{options.size} x {options.size} cells, same counts by all")
    print(
        f"{'':22} {'seconds':>8} {'ns/cell':>8} {'x sklearn':>10} {'peak MB':>8} {'counting MB':>12}"
    )
    for way, r in results.items():
        print(
            f"{way:22} {r['seconds']:8.2f} {r['seconds'] / n * 1e9:8.2f} "
            f"{slowest / r['seconds']:9.1f}x {r['peak']:8.0f} {r['own']:12.0f}"
        )


if __name__ == "__main__":
    main()
