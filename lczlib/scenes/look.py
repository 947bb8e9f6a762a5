"""A look at a raster before it is read: a decimated image, its outermost pixels, its metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import rasterio
import xarray as xr

_SAMPLE = 512  # edge of the decimated image


@dataclass(frozen=True)
class Look:
    """What decisions are made on: a decimated image, and the file's metadata."""

    sample: np.ndarray
    step: int
    edges: list[np.ndarray]
    tags: dict[str, str]
    masked: bool


def look_at(raw: xr.DataArray) -> Look:
    """Look at a decimated image of a file, and its outermost rows and columns."""
    height, width = raw.sizes["y"], raw.sizes["x"]
    step = max(1, -(-max(height, width) // _SAMPLE))
    shape = (-(-height // step), -(-width // step))
    numbered = "band" in raw.coords  # the times of a NetCDF are not
    bands = [int(b) for b in raw["band"].values] if numbered else [*range(1, raw.sizes["band"] + 1)]
    with rasterio.open(raw.encoding["source"]) as src:
        tags = _tags(src)
        nearest = rasterio.enums.Resampling.nearest
        sample = src.read(bands, out_shape=(len(bands), *shape), resampling=nearest)
        mask = raw.encoding.get("mask")
        if mask is not None:
            reader, number = (src.read_masks, 1) if mask == "mask" else (src.read, mask)
            seen = reader(number, out_shape=shape, resampling=nearest) > 0
            sample = np.where(seen, sample.astype(raw.dtype), raw.dtype.type(raw.rio.nodata))
        edges = [
            src.read(bands, window=rasterio.windows.Window(*line)).reshape(len(bands), -1)
            for line in (
                (0, 0, width, 1), (0, height - 1, width, 1), (0, 0, 1, height), (width - 1, 0, 1, height),
            )
            if step > 1
        ]  # fmt: skip
    return Look(sample, step, edges, tags, mask is not None)


def _tags(src: rasterio.DatasetReader) -> dict[str, str]:
    """Metadata, keys in lower case; GDAL cuts ``s2:processing_baseline=05.10`` at the colon."""
    out = {}
    for key, value in {**src.tags(1), **src.tags()}.items():
        cut = re.fullmatch(r"([a-z_]+)=(.*)", value)
        whole, text = (f"{key}:{cut.group(1)}", cut.group(2)) if cut else (key, value)
        out[whole.lower()] = text
    return out
