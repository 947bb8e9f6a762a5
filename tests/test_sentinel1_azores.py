"""A real image: the town of Angra do Heroismo on Terceira, its coast, and the sea."""

import shutil

import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from rasterio.windows import Window
from scipy.ndimage import uniform_filter

from lczlib.sentinel1.deburst import Deburst
from lczlib.sentinel1.geocode import Geocoder, grid_of
from lczlib.sentinel1.orbit import from_file
from lczlib.sentinel1.product import Product, read_annotation
from lczlib.sentinel1.terrain import Layer

BETA = 237.0
"""The constant of all IW products; its calibration file is not part of the sample."""
LINE, SAMPLE = 9799, 10999
GEOID = 57.7  # m, of EGM96 there


@pytest.fixture
def image(shared, tmp_path):
    """Backscatter (beta nought, 3 x 3 mean) on a map, heights those of the sea; a function of places."""
    folder = shared / "data/sentinel1/slc_real_window_S1A_IW3_VV_20220918"
    (xml,), (window,) = folder.glob("*.xml"), folder.glob("*.tiff")
    swath = read_annotation(xml.read_bytes(), xml.name)
    safe = tmp_path / "S1A_IW_SLC__1SSV_20220918.SAFE"
    for part in ("annotation", "measurement"):
        (safe / part).mkdir(parents=True)
    shutil.copy(xml, safe / "annotation")
    with rasterio.open(window) as source:
        values = source.read(1)
    with rasterio.open(
        safe / f"measurement/{xml.stem}.tiff", "w", driver="GTiff", width=swath.samples, height=swath.lines,
        count=1, dtype="complex_int16", tiled=True, SPARSE_OK=True,
    ) as target:  # fmt: skip
        target.write(values, 1, window=Window(SAMPLE, LINE, values.shape[1], values.shape[0]))
    deburst = Deburst([Product(safe)], ("VV",), ["IW3"])
    grid = grid_of((-27.26, 38.62, -27.19, 38.69))
    sea = Layer(np.full((4, 4), GEOID, np.float32), CRS.from_epsg(4326), -40.0, 60.0, 20.0, -20.0)
    geocoder = Geocoder(grid, deburst, from_file(folder, [swath]), sea, None)
    found = geocoder.locate(0, 0, *grid.shape)
    line, sample, inside = found.nearest(deburst.whole)
    part = geocoder.radar_window(found, 0)
    seen, _ = deburst.read(part, "VV")
    power = np.zeros(grid.shape)
    power[inside] = np.abs(seen[line[inside] - part.top, sample[inside] - part.left]) ** 2 / BETA**2
    power = uniform_filter(power, 3)
    to_map = Transformer.from_crs(4326, str(grid.crs), always_xy=True)

    def at(longitude, latitude):
        column, row = ~grid.affine * to_map.transform(longitude, latitude)
        around = power[int(row) - 7 : int(row) + 8, int(column) - 7 : int(column) + 8]
        return 10 * np.log10(around.mean())

    return at


def test_sea_and_land_of_a_real_image_lie_where_they_are(image):
    town, crater = image(-27.225, 38.662), image(-27.2235, 38.645)
    assert min(town, crater) > -10
    for sea in (image(-27.21, 38.640), image(-27.238, 38.640), image(-27.2225, 38.633)):
        assert sea < min(town, crater) - 6


def test_the_coast_of_the_peninsula_is_met_within_some_pixels(image):
    """Its southern tip lies at 38.639 degrees north, the way around it is open sea."""
    profile = [image(-27.2235, latitude) for latitude in (38.635, 38.642)]
    assert profile[1] - profile[0] > 6
