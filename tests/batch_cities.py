"""Small simulated cities for batches: crops of the demo city, each with its reference and temperature."""

from __future__ import annotations

import csv
from pathlib import Path

import rasterio
from rasterio.windows import Window

PIXELS = 120
"""Edge of a city in pixels of 10 m."""


def write_cities(scene: Path, folder: Path, n: int, **more: str) -> Path:
    """Write `n` cities of the simulated one in `scene`, and their table with the columns `more`; its path."""
    season = next(scene.glob("Sentinel-2/*/summer/*.tif"))
    reference = next(scene.glob("Reference/*"))
    rows = []
    with rasterio.open(season) as src:
        across = (src.width - PIXELS) // 20 + 1
    for i in range(n):
        row, column = (i // across) * 20, (i % across) * 20
        name = f"City_{i:02}"
        crop(season, folder / f"{name}.tif", row, column, PIXELS)
        for layer in ("lcz", "lst"):
            source = reference / f"{layer}.tif"
            crop(source, folder / f"{name}_{layer}.tif", row // 10, column // 10, PIXELS // 10)
        given = {
            "folder": f"{name}.tif",
            "assess.reference": f"{name}_lcz.tif",
            "lst": f"{name}_lst.tif",
        }
        rows.append({**given, **more})
    table = folder / "cities.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table


def crop(source: Path, path: Path, row: int, column: int, size: int) -> None:
    """Write a square of a raster, with all that is said of it."""
    window = Window(column, row, size, size)
    with rasterio.open(source) as src:
        profile = {
            "driver": "GTiff", "count": src.count, "dtype": src.dtypes[0], "crs": src.crs, "nodata": src.nodata,
            "width": size, "height": size, "transform": src.window_transform(window),
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(path, "w", **profile) as dst:
            dst.write(src.read(window=window))
            dst.update_tags(**src.tags())
            dst.descriptions, dst.scales, dst.offsets = src.descriptions, src.scales, src.offsets
            for band in range(1, src.count + 1):
                dst.update_tags(band, **src.tags(band))
