"""How long heat islands take, beside what else one would use.

    python benchmarks/heat.py [--only raster|stations] [--size 10000]

**Raster.** Temperature by class on 10,000 x 10,000 pixels: time and peak memory, each in its own process. Compared
on the same arrays: `class_statistics` (numpy-backed, and dask-backed from GeoTIFF), xarray-spatial's `zonal_stats`
and a pandas group-by, all giving count, mean, standard deviation and what each has of the median; the whole
`surface_heat_island` with its intervals; and what ``lcz uhi`` does, from files to files with every measure. Needs
some 15 GB of memory for pandas, and the extra ``benchmark``.

**Stations.** Two years of 23 stations, 386,354 hourly rows, through ``lcz uhi --stations``, with and without
figures, beside pandas and `scipy.stats.bootstrap` (`heat_stations.py`).
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rioxarray
import xarray as xr
from heat_stations import compare
from odc.geo.geobox import GeoBox

from lczlib.grid import on_grid

CHUNK = 2048


def scene(size: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Synthetic: square patches of 17 classes, 2.5 km wide, temperature by class and white noise."""
    rng = np.random.default_rng(0)
    patches = rng.integers(1, 18, (-(-size // 250), -(-size // 250)), dtype=np.uint8)
    codes = np.kron(patches, np.ones((250, 250), np.uint8))[:size, :size]
    celsius = rng.standard_normal(codes.shape, dtype=np.float32)
    celsius += 15 + codes
    box = GeoBox.from_bbox((0, 0, size * 10, size * 10), "EPSG:32633", resolution=10)
    return on_grid(celsius, box), on_grid(codes, box)


def class_statistics_numpy(temperature: xr.DataArray, lcz: xr.DataArray) -> float:
    from lczlib.analysis.heat.statistics import class_statistics

    return class_statistics(temperature, lcz).loc[14, "median"]


def class_statistics_dask(folder: Path) -> float:
    from lczlib.analysis.heat.statistics import class_statistics

    chunks = {"y": CHUNK, "x": CHUNK}
    layers = [
        rioxarray.open_rasterio(folder / n, chunks=chunks, lock=False).isel(band=0, drop=True)
        for n in ("celsius.tif", "lcz.tif")
    ]
    return class_statistics(*layers).loc[14, "median"]


def xarray_spatial(temperature: xr.DataArray, lcz: xr.DataArray) -> float:
    from xrspatial.zonal import stats

    functions = {"count": len, "mean": np.nanmean, "std": np.nanstd, "median": np.nanmedian}
    table = stats(zones=lcz.astype(np.int32), values=temperature, stats_funcs=functions)
    return table.set_index("zone").loc[14, "median"]


def pandas_groupby(temperature: xr.DataArray, lcz: xr.DataArray) -> float:
    import pandas as pd

    frame = pd.DataFrame({"lcz": lcz.data.ravel(), "celsius": temperature.data.ravel()})
    table = frame.groupby("lcz")["celsius"].agg(["count", "mean", "std", "median"])
    return table.loc[14, "median"]


def whole_heat_island(temperature: xr.DataArray, lcz: xr.DataArray) -> float:
    from lczlib.analysis.heat import surface_heat_island

    return surface_heat_island(temperature, lcz).classes.loc[14, "median"]


def whole_job(folder: Path) -> float:
    import lczlib
    from lczlib.limits import allowed

    with allowed(20):
        found = lczlib.surface_heat(folder / "lcz.tif", folder / "celsius.tif", unit="degC")
        found.write(folder / "heat")
    return found.main.result.classes.loc[14, "median"]


def _measure(function: Callable, size: int, folder: Path | None, answers: object) -> None:
    arguments = (folder,) if folder else scene(size)
    before = _peak_memory(reset=True)
    start = time.perf_counter()
    value = f"{float(function(*arguments)):.3f}"
    seconds = time.perf_counter() - start
    answers.put((seconds, before, _peak_memory(), value))


def _peak_memory(reset: bool = False) -> float:
    """Most memory resident so far, or since the last reset, in GB (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s)
    return int(line.split()[1]) * 1024 / 1e9


def rasters(size: int) -> None:
    """Print the comparison on rasters."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for data, file in zip(scene(size), ("celsius.tif", "lcz.tif"), strict=True):
            data.rio.to_raster(folder / file, tiled=True, blockxsize=512, blockysize=512)
        rows = [
            ("class_statistics, in memory", class_statistics_numpy, None),
            ("class_statistics, dask from GeoTIFF", class_statistics_dask, folder),
            ("xarray-spatial zonal_stats", xarray_spatial, None),
            ("pandas group-by", pandas_groupby, None),
            ("surface_heat_island, with intervals", whole_heat_island, None),
            ("surface_heat: all measures, files", whole_job, folder),
        ]
        print(f"{size} x {size} pixels, 17 classes; peak memory with imports and input arrays")
        print(f"{'':38} {'seconds':>8} {'peak GB':>8} {'of it input':>12}  median of D")
        for label, function, where in rows:
            answers = context.Queue()
            worker = context.Process(target=_measure, args=(function, size, where, answers))
            worker.start()
            seconds, before, after, value = answers.get()
            worker.join()
            print(f"{label:38} {seconds:8.1f} {after:8.2f} {before:12.2f}  {value}", flush=True)


def stations() -> None:
    """Print the comparison on stations."""
    print("386,354 hourly rows of 23 stations, 7 classes; from the file to the tables")
    print(f"{'':38} {'seconds':>8} {'of CPU':>8}  LCZ 2 by night")
    with tempfile.TemporaryDirectory() as name:
        for label, seconds, busy, value in compare(Path(name)):
            print(f"{label:38} {seconds:8.1f} {busy:8.1f}  {value}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--only", choices=("raster", "stations"), help="one of the two parts")
    told = parser.parse_args()
    if told.only != "stations" and importlib.util.find_spec("xrspatial") is None:
        sys.exit(
            "xarray-spatial, which rasters are compared with, is not installed: pip install 'lczlib[benchmark]', or "
            "take --only stations."
        )
    if told.only != "raster":
        stations()
    if told.only != "stations":
        rasters(told.size)


if __name__ == "__main__":
    main()
