"""How long the server takes from a change of the view to the picture that it sends, on large rasters.

Usage: python benchmarks/map_display.py [--cells 10000] [--pixels 6000] [--views 20] [--write FILE]

A class map of CELLS x CELLS cells, and an image of PIXELS x PIXELS (60 x 60 km at 10 m are 6,000): views are
panned and zoomed over them, and each is timed to the array that goes to the browser, with the pyramid that is
made once (`app.maps.display.levels_of`) and without it, as datashader resamples the part in view anew.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from pathlib import Path
from typing import Any

import datashader as ds
import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from app.maps.display import MOST_CELLS, levels_of, picture, rgba_layer, window_of
from lczlib.grid import geobox_of, on_grid
from lczlib.machine import machine
from lczlib.mercator import MERCATOR

CELL = 10.0


def classes(n: int) -> xr.DataArray:
    """A map in patches of 1 km, with a tenth of other cells in between."""
    rng = np.random.default_rng(1)
    patches = rng.integers(1, 18, (-(-n // 100), -(-n // 100)), dtype=np.uint8)
    values = np.repeat(np.repeat(patches, 100, 0), 100, 1)[:n, :n].copy()
    other = rng.random(values.shape, np.float32) < 0.1
    values[other] = rng.integers(1, 18, int(other.sum()), dtype=np.uint8)
    return on_grid(
        values, GeoBox((n, n), Affine(CELL, 0, 1_400_000, 0, -CELL, 6_900_000), MERCATOR)
    )


def image(n: int) -> xr.DataArray:
    """Noise in three colours."""
    values = np.random.default_rng(2).integers(1, 256, (n, n, 3), dtype=np.uint8)
    box = GeoBox((n, n), Affine(CELL, 0, 400_000, 0, -CELL, 5_900_000), "EPSG:32633")
    return on_grid(values, box, ("y", "x", "band"))


def views(data: xr.DataArray, n: int) -> list[tuple[float, float, float, float]]:
    """Boxes from the whole to 3 km, each moved by more than its margin."""
    left, bottom, right, top = geobox_of(data).boundingbox
    rng = np.random.default_rng(3)
    found = []
    for i in range(n):
        wide = max(3000.0, (right - left) / 2 ** (i % 6))
        x, y = rng.uniform(left, right - wide), rng.uniform(bottom, top - wide * 0.6)
        found.append((float(x), float(y), float(x + wide), float(y + wide * 0.6)))
    return found


def anew(data: xr.DataArray, box: tuple[float, float, float, float], how: str) -> np.ndarray:
    """The alternative: the part in view resampled from all cells, each time."""
    x0, y0, x1, y1 = box
    high = int((MOST_CELLS * (y1 - y0) / (x1 - x0)) ** 0.5)
    canvas = ds.Canvas(int(MOST_CELLS / high), high, (x0, x1), (y0, y1))
    plain = data.drop_vars([c for c in data.coords if c not in data.dims])
    return canvas.raster(plain, downsample_method=how, interpolate="nearest").values


def timed(call: Any, boxes: list[Any]) -> list[float]:
    """Milliseconds of each."""
    call(boxes[0])  # what is compiled and read on first use
    took = []
    for box in boxes:
        begun = time.perf_counter()
        call(box)
        took.append(1000 * (time.perf_counter() - begun))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--pixels", type=int, default=6_000)
    parser.add_argument("--views", type=int, default=20)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    rows = []
    for name, n, made, how in (
        ("class map", options.cells, classes, "mode"), ("image", options.pixels, image, "first"),
    ):  # fmt: skip
        raw = made(n)
        begun = time.perf_counter()
        data = raw if name == "class map" else rgba_layer(raw)
        levels = levels_of(data)
        once = time.perf_counter() - begun
        boxes = views(data, options.views)
        ways = {
            "pyramid": lambda box, d=data: picture(d, window_of(d, box)),
            "resampled anew": lambda box, d=data, h=how: anew(d, box, h),
        }
        if name == "image":  # which travels packed
            ways["pyramid, packed"] = lambda box, d=data: picture(d, window_of(d, box)).address
        for how_made, way in ways.items():
            took = timed(way, boxes)
            middle, worst = statistics.median(took), max(took)
            rows.append((f"{name}, {n:,} x {n:,}", how_made, f"{middle:.1f} ms", f"{worst:.1f} ms"))
            print(
                f"{rows[-1][0]:<32} {how_made:<16} median {middle:7.1f} ms, largest {worst:7.1f} ms"
            )
        print(f"{'':<32} made once: {once:.1f} s, {len(levels)} levels", flush=True)
        rows.append(
            (
                f"{name}, {n:,} x {n:,}",
                f"pyramid of {len(levels)} levels, once",
                f"{once:.1f} s",
                "",
            )
        )
    if options.write:
        lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        options.write.write_text(
            f"# Large rasters on the map\n\n{datetime.date.today()}, {machine()}. From a change of the view to the "
            f"array that is sent, {options.views} views.\n\n| raster | how | median | largest |\n"
            f"| --- | --- | --- | --- |\n{lines}"
        )


if __name__ == "__main__":
    main()
