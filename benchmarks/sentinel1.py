"""Speed and memory of `lcz prepare-s1` on a city, from a full-size product.

    python benchmarks/sentinel1.py PRODUCT.SAFE [--km 40] [--jobs 1] [--swath IW2]

PRODUCT is any IW SLC product with VV and VH, of which only the annotations are read: its measurements are
made anew as sparse files of full size, with speckle where the city lies, so that nothing is downloaded
and reading costs what it costs. The elevation model is made too. Time and memory are those of the
command in a process of its own, with its compiled loops in the cache.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from lczlib.sentinel1.product import Product

MARGIN = 0.05  # degrees


def copied(product: Path, folder: Path) -> Path:
    """The product's annotations."""
    target = folder / product.name
    shutil.copytree(product, target, ignore=shutil.ignore_patterns("*.tiff", "*.tif"))
    (target / "measurement").mkdir(exist_ok=True)
    return target


def city_of(product: Product, swath: str, km: float) -> tuple[float, float, float, float]:
    """A box in the middle of a swath."""
    ties = product.swaths[swath, "VV"].ties
    longitude, latitude = np.median(ties.longitude), np.median(ties.latitude)
    high = km / 111.32 / 2
    wide = high / np.cos(np.radians(latitude))
    return tuple(
        float(v) for v in (longitude - wide, latitude - high, longitude + wide, latitude + high)
    )


def fill(path: Path, product: Product, box: tuple[float, ...], own: str) -> None:
    """Write each measurement, with speckle over the city in its own swath and nothing elsewhere."""
    rng = np.random.default_rng(1)
    west, south, east, north = box
    for (name, polarisation), swath in product.swaths.items():
        (annotation,) = (path / "annotation").glob(
            f"*-{name.lower()}-*-{polarisation.lower()}-*.xml"
        )
        target = path / "measurement" / f"{annotation.stem}.tiff"
        ties = swath.ties
        near = (ties.longitude > west - 0.6) & (ties.longitude < east + 0.6)
        near &= (ties.latitude > south - 0.25) & (ties.latitude < north + 0.25)
        with rasterio.open(
            target, "w", driver="GTiff", width=swath.samples, height=swath.lines, count=1,
            dtype="complex_int16", SPARSE_OK=True, bigtiff="yes",
        ) as out:  # fmt: skip
            if name != own:
                continue
            first, last = int(ties.line[near].min()), int(ties.line[near].max())
            for line in range(first, min(last, swath.lines - 1), 64):
                lines = min(64, swath.lines - line)
                parts = rng.standard_normal((lines, swath.samples, 2), np.float32) * 50
                out.write(
                    np.rint(parts).view(np.complex64)[..., 0],
                    1,
                    window=Window(0, line, swath.samples, lines),
                )


def elevation(path: Path, box: tuple[float, ...]) -> Path:
    """A smooth country with 30 m pixels."""
    west, south, east, north = box
    step = 1 / 3600
    columns = int((east - west + 2 * MARGIN) / step)
    rows = int((north - south + 2 * MARGIN) / step)
    y, x = np.mgrid[:rows, :columns]
    values = (200 + 100 * np.sin(x / 90) * np.cos(y / 70)).astype(np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs="EPSG:4326",
        transform=rasterio.transform.from_origin(west - MARGIN, north + MARGIN, step, step),
    ) as out:  # fmt: skip
        out.write(values, 1)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("product", type=Path)
    parser.add_argument("--km", type=float, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--swath", default="IW2")
    parser.add_argument(
        "--scratch", type=Path, help="Folder for the product that is made (some GB)."
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as name:
        folder = Path(name)
        path = copied(arguments.product, folder)
        product = Product(path)
        box = city_of(product, arguments.swath, arguments.km)
        fill(path, product, box, arguments.swath)
        dem = elevation(folder / "dem.tif", box)
        command = [
            sys.executable, "-m", "lczlib", "prepare-s1", str(path), f"--roi={','.join(map(str, box))}",
            "--orbit", "annotation", "--dem", str(dem), "--dem-height", "ellipsoid", "--jobs",
            str(arguments.jobs), "--out", str(folder / "out"),
        ]  # fmt: skip
        small = [c if not c.startswith("--roi") else f"--roi={_inner(box)}" for c in command]
        subprocess.run(small, check=True, capture_output=True)  # compiles
        shutil.rmtree(folder / "out")
        begun, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        with rasterio.open(next((folder / "out").glob("mosaic_dat/*/mosaic.tif"))) as made:
            pixels = made.width * made.height / 1e6
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{pixels:.1f} Mpx: {time.time() - begun:.0f} s, {processor:.0f} s of processor, "
            f"{processor / pixels:.2f} s a Mpx, peak memory {after.ru_maxrss / 1e6:.2f} GB"
        )


def _inner(box: tuple[float, ...]) -> str:
    west, south, east, north = box
    x, y = (west + east) / 2, (south + north) / 2
    return f"{x - 0.02},{y - 0.02},{x + 0.02},{y + 0.02}"


if __name__ == "__main__":
    main()
