"""Mutations of rasters: what a writer, a careless export or an attacker can put into a GeoTIFF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

Random = np.random.Generator
_ODD = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, -9999.0, 65535.0, 2.0**31, 0.5)


class Raster:
    """A raster in memory, with all that is written of it."""

    def __init__(self, path: Path) -> None:
        with rasterio.open(path) as src:
            self.values = src.read()
            self.profile = dict(src.profile)
            self.names, self.units = list(src.descriptions), list(src.units)
            self.tags = src.tags()
        self.profile.pop("driver", None)
        self.scales: list[float] = []
        self.after: list[Callable[[Any], object]] = []

    def write(self, path: Path) -> None:
        """As GeoTIFF."""
        count, height, width = self.values.shape
        profile = self.profile | {
            "count": count, "height": height, "width": width, "dtype": self.values.dtype.name,
        }  # fmt: skip
        with rasterio.open(path, "w", driver="GTiff", **profile) as dst:
            dst.write(self.values)
            for i in range(count):
                if i < len(self.names) and self.names[i]:
                    dst.set_band_description(i + 1, self.names[i])
            if len(self.units) == count:
                dst.units = [u or "" for u in self.units]
            if len(self.scales) == count:
                dst.scales = self.scales
            dst.update_tags(**self.tags)
            for change in self.after:
                change(dst)


def dtype(raster: Raster, rng: Random) -> None:
    kinds = (
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "float32",
        "float64",
        "complex64",
        "int64",
    )
    with np.errstate(all="ignore"):
        raster.values = raster.values.astype(rng.choice(kinds))
    raster.profile["nodata"] = None


def extremes(raster: Raster, rng: Random) -> None:
    kind = raster.values.dtype
    flat = raster.values.reshape(-1)
    where = rng.random(flat.size) < rng.choice([0.001, 0.1, 0.9])
    if kind.kind == "f":
        flat[where] = rng.choice(_ODD)
    else:
        limits = np.iinfo(kind)
        flat[where] = rng.choice([limits.min, limits.max, limits.max // 2])


def as_floats(raster: Raster, rng: Random) -> None:
    raster.values = raster.values.astype(rng.choice(["float32", "float64"]))
    raster.profile["nodata"] = None
    extremes(raster, rng)


def constant(raster: Raster, rng: Random) -> None:
    raster.values[:] = rng.choice([0, 1, 7, 17, 18, 100])


def nodata(raster: Raster, rng: Random) -> None:
    kind = raster.values.dtype
    odd = _ODD if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max, 0, 1, 17)
    raster.profile["nodata"] = float(rng.choice(odd))
    if rng.random() < 0.3:
        raster.values[:] = raster.profile["nodata"]


def transform(raster: Raster, rng: Random) -> None:
    t = raster.profile["transform"]
    raster.profile["transform"] = rasterio.Affine(*rng.permutation([
        (0, 0, t.c, 0, 0, t.f), (t.a, 0, 1e300, 0, t.e, t.f), (t.a, 0, np.nan, 0, t.e, t.f),
        (1e-12, 0, t.c, 0, -1e-12, t.f), (1e12, 0, t.c, 0, -1e12, t.f), (t.a, 30, t.c, 30, t.e, t.f),
        (-t.a, 0, t.c, 0, t.e, t.f), (t.a, 0, t.c, 0, -t.e, t.f), (t.a, 0, -t.c, 0, t.e, -t.f),
        (1, 0, 0, 0, 1, 0), (0.001, 0, 179.99, 0, -0.001, 89.99), (t.a, 0, 0, 0, t.e, 0),
        (np.inf, 0, t.c, 0, t.e, t.f), (t.a * 100, 0, t.c, 0, t.e / 7, t.f),
    ])[0])  # fmt: skip


def crs(raster: Raster, rng: Random) -> None:
    raster.profile["crs"] = rng.choice(
        np.array([
            None, "EPSG:4326", "EPSG:3857", "EPSG:4978", "EPSG:2154", "EPSG:2263", "EPSG:3413",
            "EPSG:32760", "+proj=ortho +lat_0=10", 'LOCAL_CS["mine",UNIT["metre",1]]', "EPSG:5041",
        ], object)
    )  # fmt: skip


def shape(raster: Raster, rng: Random) -> None:
    height, width = rng.choice([(1, 1), (1, 40), (40, 1), (2, 2), (3, 500)])
    raster.values = np.resize(raster.values, (len(raster.values), height, width))


def bands(raster: Raster, rng: Random) -> None:
    count = int(rng.choice([1, 2, 3, 4, 8, 17, 300]))
    raster.values = np.resize(
        raster.values[:, :64, :64], (count, *raster.values[:, :64, :64].shape[1:])
    )
    texts = ["", "x", "VV", "lcz", "LST", "B02", "é\u202e\n", "a" * 5000, "../../x", "QA", "%s{0}"]
    raster.names = [str(rng.choice(texts)) for _ in range(count)]
    raster.units, raster.scales = [], []


def scales(raster: Raster, rng: Random) -> None:
    raster.scales = [float(rng.choice([0, 1e-300, 1e300, np.nan, np.inf, -1]))] * len(raster.values)


def tags(raster: Raster, rng: Random) -> None:
    names = ["units", "LST#units", "AREA_OR_POINT", "TIFFTAG_DATETIME", "lczlib_simulated", "scale_factor",
             "valid_range", "raster:bands", "LCZLIB_WEIGHTS", "MTD", "time"]  # fmt: skip
    texts = [
        "",
        "K",
        "1e400",
        "[[[[",
        "nan",
        "{'a': 1}",
        "x" * 100_000,
        "\x01\x02",
        "0 0",
        "-1 -1",
        "[bold]x[/]",
    ]
    raster.tags = {str(rng.choice(names)): str(rng.choice(texts)) for _ in range(5)}


def mask(raster: Raster, rng: Random) -> None:
    share = rng.choice([0.0, 0.5, 1.0])
    valid = (rng.random(raster.values.shape[1:]) < share).astype(np.uint8) * 255
    raster.after.append(lambda dst: dst.write_mask(valid))


def colours(raster: Raster, rng: Random) -> None:
    raster.values = raster.values[:1].astype(np.uint8)
    raster.names, raster.units = raster.names[:1], []
    raster.profile |= {"photometric": None, "nodata": None}
    table = {int(i): tuple(int(v) for v in rng.integers(0, 256, 4)) for i in range(20)}
    raster.after.append(lambda dst: dst.write_colormap(1, table))


def control_points(raster: Raster, rng: Random) -> None:
    points = [
        rasterio.control.GroundControlPoint(*map(float, rng.normal(0, 100, 4))) for _ in range(4)
    ]
    raster.profile["transform"] = None
    raster.after.append(lambda dst: setattr(dst, "gcps", (points, "EPSG:4326")))


def storage(raster: Raster, rng: Random) -> None:
    raster.profile |= rng.choice([
        {"compress": "lzw", "interleave": "pixel"}, {"compress": "zstd", "interleave": "band"},
        {"compress": "packbits", "tiled": False}, {"compress": "deflate", "predictor": 2},
        {"tiled": True, "blockxsize": 16, "blockysize": 2048}, {"compress": "lerc", "max_z_error": 5},
        {"tiled": False, "blockysize": 1}, {"bigtiff": "YES", "endianness": "BIG"},
    ])  # fmt: skip


CHANGES: tuple[Callable[[Raster, Random], None], ...] = (
    dtype, extremes, as_floats, constant, nodata, transform, crs, shape, bands, scales, tags, mask, colours,
    control_points, storage,
)  # fmt: skip


def mutate(source: Path, target: Path, rng: Random) -> str:
    """Write a raster with one to three changes; which."""
    raster, made = Raster(source), []
    for change in rng.choice(np.array(CHANGES, object), rng.integers(1, 4), replace=False):
        change(raster, rng)
        made.append(change.__name__)
    raster.write(target)
    return " ".join(made)


def declare(source: Path, target: Path, rng: Random) -> str:
    """Write a file of a few kilobytes that declares a huge raster: sparse, or in one huge strip."""
    with rasterio.open(source) as src:
        profile = dict(src.profile)
    edge = int(rng.choice([20_000, 60_000, 100_000, 250_000]))
    strip = bool(rng.random() < 0.2)
    for name in ("blockxsize", "blockysize", "photometric", "interleave"):
        profile.pop(name, None)
    profile |= {
        "driver": "GTiff",
        "width": edge,
        "height": edge,
        "sparse_ok": True,
        "bigtiff": "YES",
    }
    profile |= {"tiled": not strip, "compress": "deflate"}
    profile |= {"blockysize": edge} if strip else {"blockxsize": 4096, "blockysize": 4096}
    profile["transform"] = from_origin(300_000, 5_000_000, *[float(rng.choice([10, 100]))] * 2)
    with rasterio.open(source) as src, rasterio.open(target, "w", **profile) as dst:
        dst.descriptions = src.descriptions
        if not strip and rng.random() < 0.5:
            dst.write(src.read(window=Window(0, 0, 16, 16)), window=Window(0, 0, 16, 16))
    return f"declares {edge} x {edge}" + (" in one strip" if strip else "")
