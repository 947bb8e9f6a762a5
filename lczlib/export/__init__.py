"""Writing results: Cloud-Optimized GeoTIFF, tables, manifests. Nothing half-written stays."""

from lczlib.export.files import sha256_of, staged, write_json, write_result, zip_folder
from lczlib.export.geotiff import write_lcz_map, write_probabilities, write_raster

__all__ = [
    "sha256_of",
    "staged",
    "write_json",
    "write_lcz_map",
    "write_probabilities",
    "write_raster",
    "write_result",
    "zip_folder",
]
