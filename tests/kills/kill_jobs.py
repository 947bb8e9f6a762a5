"""The commands that are killed, and their small synthetic inputs."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import torch
from affine import Affine
from killing import Job
from odc.geo.geobox import GeoBox
from rasterio.transform import from_origin
from shapely.geometry import box

from lczlib.classes import N_CLASSES
from lczlib.export import write_probabilities
from lczlib.grid import on_grid
from lczlib.maps import probabilities
from lczlib.models import build, save_safetensors
from lczlib.models.parameters import build_for
from lczlib.models.weights import published_weights
from lczlib.scenes.simulation import simulate_city, write_so2sat

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for run.py

from synthetic_bigearthnet import LEFT, TOP, write_tile_info
from synthetic_so2sat import write_hdf5
from synthetic_water import backscatter, lake

from lczlib.sentinel1.simulated import NAME, Layout, View, speckle, write_eof, write_safe

_CRS, _LEFT, _TOP = "EPSG:32633", 384_000.0, 5_820_000.0
_BOX = GeoBox((70, 80), Affine(10, 0, _LEFT, 0, -10, _TOP), _CRS)
_SMALL = (
    "--option", "width=4", "--option", "depth=1", "--device", "cpu", "--batch-size", "16",
)  # fmt: skip
_SETS = ("in/a.h5", "--validation", "in/b.h5", "--test", "in/c.h5")
_MAP = ("map", "in/city", "--device", "cpu", "--out", "out")
_UHI = ("uhi", "in/map.tif", "--lst", "in/lst.tif", "--no-figures", "--out", "out", "--replicates")
_ASSESS = (
    "assess", "in/map.tif", "--reference", "in/areas.gpkg", "--no-figures", "--out", "out", "--replicates"
)  # fmt: skip
_FUSE = ("fuse", "in/a_proba.tif", "in/b_proba.tif", "--out", "out", "--method")

JOBS = {
    "map": Job((*_MAP, "--weights", "demo_s1"), resume="--resume"),
    # an older result whose layers the new one does not have
    "map over another": Job(
        (*_MAP, "--weights", "demo_s1"), (*_MAP, "--weights", "demo_s2")
    ),
    "water": Job(("water", "in/s1.tif", "--orbit", "as", "--device", "cpu", "--out", "out")),
    "train": Job(
        ("train", *_SETS, *_SMALL, "--epochs", "3", "--no-figures", "--out", "out"), resume="--resume"
    ),
    "prepare-s1": Job(
        ("prepare-s1", f"in/{NAME}", "--roi=12.465,41.893,12.535,41.900", "--orbit", "in", "--dem", "in/dem.tif",
         "--dem-height", "ellipsoid", "--out", "out"), resume="--resume"
    ),
    "clip-s1": Job(
        ("clip-s1", "in/patches.tif", "--tile", "in/tile.npy", "--out", "out"), resume="--resume"
    ),
    "uhi": Job((*_UHI, "100")),
    "experiment": Job(
        ("experiment", *_SETS, "--table", "inputs", "--seeds", "1", "--epochs", "2", "--inputs", "D2",
         "--arch", "sen2lcz", "--option", "sen2lcz.width=4", "--option", "sen2lcz.depth=1", "--batch-size", "16",
         "--device", "cpu", "--no-figures", "--out", "out")
    ),
    "assess": Job((*_ASSESS, "100")),
    "assess over another": Job((*_ASSESS, "100"), (*_ASSESS, "200")),
    "fuse": Job((*_FUSE, "mean")),
    "fuse over another": Job((*_FUSE, "mean"), (*_FUSE, "vote")),
    "conversion": Job(("weights", "import", "in/net.pt", "--arch", "sen2lcz", "--name", "own")),
}  # fmt: skip


def write_inputs(folder: Path) -> Path:
    """Write what the jobs read."""
    own = folder / "in"
    own.mkdir(parents=True)
    write_so2sat(simulate_city(2, seed=5), own / "city", "00001_a_Simulated")
    _write_maps(own)
    rng = np.random.default_rng(3)
    for name in "ab":
        values = rng.dirichlet(np.full(N_CLASSES, 0.5), (40, 40)).transpose(2, 0, 1)
        cells = GeoBox((40, 40), Affine(100, 0, _LEFT, 0, -100, _TOP), _CRS)
        write_probabilities(
            own / f"{name}_proba.tif", probabilities(on_grid(values, cells, ("lcz", "y", "x")))
        )
    db = backscatter(lake(20, _BOX, 1), 1, _BOX)
    _write_tif(own / "s1.tif", db.values, ("VV", "VH"), pixel=10)
    for seed, name in enumerate("abc"):
        write_hdf5(own / f"{name}.h5", 32, seed=seed, classes=3)
    _write_pass(own)
    write_tile_info(own / "tile.npy")
    _write_tif(
        own / "patches.tif", rng.normal(-12, 3, (2, 240, 600)).astype(np.float32), ("VV", "VH"), pixel=10,
        corner=(LEFT, TOP),
    )  # fmt: skip
    torch.manual_seed(1)
    torch.save(build("sen2lcz", 10).state_dict(), own / "net.pt")
    described = published_weights("gmnet_as")
    name = f"{described.name}-{described.sha256[:12]}.safetensors"
    # untrained: what it finds means nothing
    save_safetensors(folder / "cache/converted" / name, build_for(described), described)
    return folder


def _write_pass(folder: Path) -> None:
    """A Sentinel-1 product of speckle, its orbit, and a plain."""
    layout = Layout(View(12.5, 41.9), bursts=2, samples=600)
    write_safe(
        folder,
        layout,
        lambda s, b, p, time, distance: 90 * speckle(time, (len(time), len(distance)), s + p),
    )
    write_eof(folder, layout)
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", count=1, height=50, width=50, dtype="float32", crs="EPSG:4326",
        transform=from_origin(12.4, 42.0, 0.004, 0.004),
    ) as dst:  # fmt: skip
        dst.write(np.full((1, 50, 50), 30, np.float32))


def _write_maps(folder: Path) -> None:
    """An LCZ map of 40 x 40 cells, its temperature, and reference areas."""
    rng = np.random.default_rng(0)
    codes = np.kron(
        rng.choice(np.array([2, 6, 14, 11], np.uint8), (10, 10)), np.ones((4, 4), np.uint8)
    )
    celsius = (20 - 0.2 * codes + rng.normal(0, 0.4, codes.shape)).astype(np.float32)
    _write_tif(folder / "map.tif", codes[None], nodata=0)
    _write_tif(folder / "lst.tif", celsius[None], tags={"units": "degC"})
    areas = [box(_LEFT + 400 * i, _TOP - 400, _LEFT + 400 * i + 400, _TOP) for i in range(10)]
    table = gpd.GeoDataFrame({"lcz": codes[2, 2::4].astype(int)}, geometry=areas, crs=_CRS)
    table.to_file(folder / "areas.gpkg")


def _write_tif(
    path: Path,
    values: np.ndarray,
    names=(),
    *,
    pixel=100.0,
    corner=(_LEFT, _TOP),
    tags=None,
    **profile,
) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", count=len(values), height=values.shape[1], width=values.shape[2],
        dtype=values.dtype, crs=_CRS, transform=from_origin(*corner, pixel, pixel), **profile,
    ) as dst:  # fmt: skip
        dst.write(values)
        dst.update_tags(**(tags or {}))
        for i, name in enumerate(names, 1):
            dst.set_band_description(i, name)
