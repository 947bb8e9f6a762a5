"""Scenes: Sentinel-1 and Sentinel-2 as one canonical data set (bands as variables, NaN missing).

`open_scenes` is the one door for what a user names; the others open one kind of file each.
"""

from lczlib.scene_options import SceneOptions
from lczlib.scenes.city import City
from lczlib.scenes.combinations import COMBINATIONS, combination
from lczlib.scenes.crop import box_of, crop
from lczlib.scenes.polarimetry import dual_pol_decomposition, sentinel1_channels
from lczlib.scenes.raster import open_raster_scene
from lczlib.scenes.safe import find_product, open_product
from lczlib.scenes.sentinel1 import open_sentinel1, open_sentinel1_rasters, so2sat_features
from lczlib.scenes.sentinel2 import open_sentinel2
from lczlib.scenes.so2sat import find_cities, open_so2sat
from lczlib.scenes.sources import SceneSource, open_scenes, register, scene_sources

__all__ = [
    "COMBINATIONS",
    "City",
    "SceneOptions",
    "SceneSource",
    "box_of",
    "combination",
    "crop",
    "dual_pol_decomposition",
    "find_cities",
    "find_product",
    "open_product",
    "open_raster_scene",
    "open_scenes",
    "open_sentinel1",
    "open_sentinel1_rasters",
    "open_sentinel2",
    "open_so2sat",
    "register",
    "scene_sources",
    "sentinel1_channels",
    "so2sat_features",
]
