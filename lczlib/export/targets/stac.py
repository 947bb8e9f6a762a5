"""An LCZ map as a STAC item: projection and classification extensions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lczlib.classes import CLASSES, Scheme, in_scheme
from lczlib.export.files import sha256_of, write_json
from lczlib.export.targets.names import name_of
from lczlib.grid import geobox_of
from lczlib.longitudes import outline_of

_EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
)
MULTIHASH_SHA256 = "1220"
"""What stands before a SHA-256 in the file extension: the code of the hash, and its 32 bytes."""


def class_list(scheme: Scheme = "1-17", language: str = "en") -> list[dict[str, Any]]:
    """The classes as the classification extension lists them, with no data."""
    numbers, nodata = in_scheme(np.array([c.number for c in CLASSES], np.uint8), scheme)
    classes: list[dict[str, Any]] = [
        {
            "value": int(value), "name": f"LCZ_{c.code}", "title": name_of(c, language),
            "description": c.label, "color_hint": c.color[1:].upper(),
        }
        for c, value in zip(CLASSES, numbers, strict=True)
    ]  # fmt: skip
    empty = {"value": int(nodata), "name": "no_data", "description": "no data", "nodata": True}
    return [*classes, empty]


def write_item(
    path: str | Path,
    lcz: xr.DataArray,
    raster: Path,
    *,
    name: str,
    days: tuple[date, date],
    scheme: Scheme = "1-17",
    language: str = "en",
    facts: Mapping[str, Any],
    href: str = "",
) -> Path:
    """Write the item of a map whose raster lies beside it.

    Parameters
    ----------
    path : path
        Target.
    lcz : DataArray (y, x)
        Codes 0..17.
    raster : Path
        The GeoTIFF, in the item's folder.
    name : str
        The item's id.
    days : (date, date)
        First and last day that the map is of; alike for a single day.
    scheme, language
        Of the raster's codes, and of the classes' titles.
    facts : mapping
        Further properties.
    href : str
        Of the raster, where it is not in the item's folder.
    """
    box = geobox_of(lcz, "LCZ map")
    longitude, latitude = outline_of(box)
    ring = [
        [round(float(x), 7), round(float(y), 7)] for x, y in zip(longitude, latitude, strict=True)
    ]
    epsg = box.crs.to_epsg()
    first, last = days
    asset = {
        "href": href or f"./{raster.name}",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": "Local Climate Zones",
        "roles": ["data"],
        "bands": [{"name": "lcz", "data_type": "uint8"}],
        "classification:classes": class_list(scheme, language),
        "file:checksum": f"{MULTIHASH_SHA256}{sha256_of(raster)}",
        "file:size": raster.stat().st_size,
    }
    dated = {"datetime": f"{first}T00:00:00Z"} if first == last else {
        "datetime": None, "start_datetime": f"{first}T00:00:00Z", "end_datetime": f"{last}T23:59:59Z",
    }  # fmt: skip
    place = {"proj:code": f"EPSG:{epsg}"} if epsg else {"proj:wkt2": box.crs.to_wkt()}
    affine = box.affine
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [*_EXTENSIONS],
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [float(v.round(7)) for v in (longitude.min(), latitude.min(), longitude.max(), latitude.max())],
        "properties": {
            "title": f"Local Climate Zones, {name}", **dated, **place,
            "proj:shape": [*box.shape],
            "proj:transform": [affine.a, affine.b, affine.c, affine.d, affine.e, affine.f], **facts,
        },
        "links": [],
        "assets": {"lcz": asset},
    }  # fmt: skip
    return write_json(path, item)
