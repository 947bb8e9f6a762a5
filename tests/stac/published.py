"""A map in the layout of the published global LCZ map, around the town: made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

STEP = 0.0008983152841195447
"""Edge of a cell of the published map, in degrees."""


def write_published(path: Path) -> Path:
    """Patches of twelve cells of four classes, over Berlin and some way around."""
    rows, cols = 400, 500
    y, x = np.mgrid[:rows, :cols] // 12
    codes = np.choose((x + 3 * y) % 4, [2, 5, 6, 14]).astype(np.uint8)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=rows, width=cols, dtype="uint8", crs="EPSG:4326",
        transform=Affine(STEP, 0, 13.1, 0, -STEP, 52.7), tiled=True, nodata=0,
    ) as out:  # fmt: skip
        out.write(codes, 1)
    return path
