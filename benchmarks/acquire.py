"""Peak memory and time of composites, beside odc-stac with dask and the same geomedian.

    python benchmarks/acquire.py [--sizes 750 1500 3000] [--days 12] [--write benchmarks/results/acquire.md]

Both read the same COGs of ten bands from a server on this machine that answers ranges, mask by the same
scene classification, remove the same offset and take the same geometric median; each runs in a process of
its own, whose peak is the system's figure. What odc-stac is told is what its documentation shows: one
cube, chunks of 512, a day a layer. The scenes are made up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from stac.scenes import town, write_scene  # noqa: E402
from stac.server import serve  # noqa: E402

_OWN = """
import sys, time
from pathlib import Path
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
api, place, out = sys.argv[1:4]
begun = time.time()
request = GetRequest(place=place, start="2024-07-01", end="2024-07-31", provider=api, dilation=0, haze=0,
                     offsets="stated")
run(request, out).write(out)
"""
_ODC = """
import sys, time
import numpy as np, odc.stac, pystac_client, rioxarray, xarray as xr
from geomad import nangeomedian_pcm
api, place, out = sys.argv[1:4]
begun = time.time()
box = [float(v) for v in place.split(",")]
items = pystac_client.Client.open(api).search(collections=["sentinel-2-l2a"], bbox=box, method="GET").item_collection()
bands = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
cube = odc.stac.load(items, bands=[*bands, "SCL"], bbox=box, crs="EPSG:32633", resolution=10,
                     groupby="solar_day", chunks={"x": 512, "y": 512}, resampling="nearest", nodata=0,
                     dtype="uint16")
clear = ~cube.SCL.isin([0, 1, 3, 8, 9, 10, 11])
stack = cube[bands].to_dataarray("band").where(clear, 0)
stack = stack.where(stack == 0, stack.clip(1001) - 1000).astype("uint16")
stack = stack.transpose("y", "x", "band", "time").chunk({"band": -1, "time": -1, "y": 512, "x": 512})
def median(block):
    return np.rint(nangeomedian_pcm(np.ascontiguousarray(block), num_threads=2, eps=0.1, scale=1.0, nodata=0))
found = stack.data.map_blocks(median, drop_axis=3, dtype="float32")
xr.DataArray(found.astype("uint16"), dims=("y", "x", "band"), coords={"y": stack.y, "x": stack.x}) \\
    .transpose("band", "y", "x").rio.write_crs("EPSG:32633").rio.to_raster(out + "/odc.tif", compress="deflate")
"""
_REPORT = """
# not ru_maxrss, which begins with what the parent held
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(f"RESULT {time.time() - begun:.2f} {peak / 1024:.0f}")
"""


def scenes(folder: Path, size: int, days: int) -> tuple[list[dict], str]:
    """Scenes of so many days, of three kinds of sky, and the box that they fill."""
    box = GeoBox((size, size), Affine(10, 0, 399_960, 0, -10, 5_800_020), "EPSG:32633")
    items: list[dict] = []
    for day in range(days):
        name, when = f"day{day:02d}", f"2024-07-{day + 1:02d}T10:10:29Z"
        if day < 3:
            sky = np.full(box.shape, 5, np.uint8)
            sky[:, day * size // 6 : (day + 1) * size // 6] = 9
            item = write_scene(folder, "pc", name, when, town(box, day), sky, box)
        else:  # the same files under another name, which a reader cannot know
            there = folder / "pc" / f"day{day % 3:02d}"
            (folder / "pc" / name).mkdir()
            for file in there.iterdir():
                os.link(file, folder / "pc" / name / file.name)
            item = items[day % 3]
            assets = {
                k: {**a, "href": a["href"].replace(there.name, name)}
                for k, a in item["assets"].items()
            }
            item = {
                **item, "id": name, "assets": assets, "properties": {**item["properties"], "datetime": when}
            }  # fmt: skip
        items.append(item)
    west, south, east, north = items[0]["bbox"]
    inset = 0.001
    return items, f"{west + inset:.4f},{south + inset:.4f},{east - inset:.4f},{north - inset:.4f}"


def measured(code: str, *words: str) -> tuple[float, float]:
    """Seconds and megabytes at the peak of a program, its imports of packages among the latter."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code + _REPORT, *words],
        check=False,
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    seconds, peak = (float(v) for v in told.split()[1:])
    return seconds, peak


def main() -> None:
    """Measure and print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[750, 1500, 3000])
    parser.add_argument("--days", type=int, default=12)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    rows = []
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as place:
            items, box = scenes(Path(place) / "files", size, asked.days)
            service, stop = serve(Path(place) / "files", items)
            service.page = 100
            figures = []
            for name, code in (("own", _OWN), ("odc", _ODC)):
                out = Path(place) / name
                out.mkdir()
                figures += measured(code, service.api, box, str(out))
            stop()
        rows.append(
            f"| {size:,} x {size:,} | {figures[0]:.1f} | {figures[1]:,.0f} | {figures[2]:.1f} | "
            f"{figures[3]:,.0f} | {figures[1] / figures[3]:.0%} |"
        )
        print(rows[-1], flush=True)
    head = (
        f"# Composites of {asked.days} days, ten bands\n\n"
        f"`python benchmarks/acquire.py`, {os.cpu_count()} cores, files from this machine.\n\n"
        "| pixels | `lcz get`, s | peak, MB | odc-stac + dask, s | peak, MB | memory of it |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
    )
    text = head + "\n".join(rows) + "\n"
    if asked.write:
        asked.write.write_text(text)


if __name__ == "__main__":
    main()
