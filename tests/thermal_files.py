"""Small temperature rasters, written as other tools write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from hypothesis import Phase, settings

SIZE = 72
CLASSES = (2, 6, 14, 11)
KELVIN = 273.15
GENERATED = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking takes minutes of rasters
FEW = settings(max_examples=40, deadline=None, phases=GENERATED)


def city(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of squares of four classes, and their temperature in degC."""
    rng = np.random.default_rng(seed)
    codes = np.kron(rng.choice(CLASSES, (9, 9)), np.ones((8, 8), int)).astype(np.uint8)
    level = np.zeros(18)
    level[list(CLASSES)] = rng.uniform(14, 36) + np.array([4.0, 2.0, 0.0, -3.0])
    return codes, level[codes] + rng.uniform(0.3, 1.2) * rng.standard_normal(codes.shape)


def holes(seed: int, share: float, block: bool) -> np.ndarray:
    """Pixels without data: a block of columns, or scattered."""
    if block:
        out = np.zeros((SIZE, SIZE), bool)
        out[:, : max(1, round(share * SIZE))] = True
        return out
    return np.random.default_rng(seed + 1).random((SIZE, SIZE)) < share


def write(
    folder: str,
    bands: list[tuple[str, np.ndarray, dict[str, object]]],
    name: str = "lst.tif",
    **whole: object,
) -> Path:
    """Bands with a name, values and what is said of them: scale, offset, unit, tags."""
    path = Path(folder) / name
    kinds = {b[1].dtype for b in bands}
    dtype = np.result_type(*kinds)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=SIZE, width=SIZE, dtype=dtype, crs="EPSG:32633",
        transform=rasterio.transform.from_origin(384000, 5820000, 100, 100), nodata=whole.pop("nodata", None),
    ) as dst:  # fmt: skip
        dst.update_tags(**whole)
        for i, (label, values, about) in enumerate(bands, 1):
            dst.write(values.astype(dtype), i)
            if label:
                dst.set_band_description(i, label)
            dst.update_tags(i, **about.get("tags", {}))
        dst.scales = [float(b[2].get("scale", 1.0)) for b in bands]
        dst.offsets = [float(b[2].get("offset", 0.0)) for b in bands]
        dst.units = [str(b[2].get("unit", "")) for b in bands]
    return path
