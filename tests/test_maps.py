"""Opening rasters: what stays behind once the last array is gone."""

import gc
import os
from pathlib import Path

import numpy as np
import psutil
import pytest
import rasterio
from rasterio.transform import from_origin
from rioxarray._io import RASTERIO_LOCK

from lczlib.rasters import open_raster


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    path = tmp_path / "codes.tif"
    profile = {"crs": "EPSG:32650", "transform": from_origin(5e5, 3e6, 100, 100), "dtype": "uint8"}
    with rasterio.open(path, "w", width=40, height=30, count=1, **profile) as dst:
        dst.write(np.full((1, 30, 40), 3, np.uint8))
    return path


def is_open(path: Path) -> bool:
    return any(os.path.samefile(f.path, path) for f in psutil.Process().open_files())


def test_a_file_is_closed_with_its_last_array_though_another_is_read(raster):
    data = open_raster(raster, chunks={})
    assert is_open(raster)
    assert int(data.sum()) == 3 * 1200
    with RASTERIO_LOCK:  # as whoever opened another file without a lock of its own reads it
        del data
        gc.collect()
    assert not is_open(raster)
