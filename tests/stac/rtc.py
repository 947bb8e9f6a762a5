"""Terrain-corrected Sentinel-1 in the layout of the Planetary Computer: VV and VH as powers, and their items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from stac.scenes import _cog

COLLECTION = "sentinel-1-rtc"
FILL = -32768
BOX = GeoBox((200, 240), Affine(10, 0, 702_000, 0, -10, 3_710_000), "EPSG:32650")
INSIDE = "119.1756,33.4932,119.1958,33.5090"
_ORBITS = {142: 29294, 3: 29330, 76: 29228}  # absolute ones of Sentinel-1A of those tracks
"""Not of the days that tests make up."""


def powers(box: GeoBox = BOX, seed: int = 0) -> np.ndarray:
    """Made-up land (2, y, x), linear: VV of -10 dB and VH of -17 dB, with speckle of four looks."""
    draw = np.random.default_rng(seed)
    level = np.array([0.1, 0.02])[:, None, None]
    return (level * draw.gamma(4, 0.25, (2, *box.shape))).astype(np.float32)


def write_rtc(
    folder: Path, when: str, power: np.ndarray, box: GeoBox = BOX, *, direction: str = "ascending",
    track: int | None = 142, mission: str = "A", part: str = "", **properties: Any,
) -> dict[str, Any]:  # fmt: skip
    """Write the files of a scene and give its item, whose addresses begin with ``{root}/files``.

    Parameters
    ----------
    folder : path
        That is served as ``files``.
    when : str
        ``2019-10-06T10:05:00Z``.
    power : array (2, y, x)
        VV and VH as stored.
    track : int or None
        As the item states it; None where it does not.
    part : str
        What tells slices of one second apart.
    properties
        Others of the item, or None for one that it lacks.
    """
    stamp = when.replace("-", "").replace(":", "").removesuffix("Z")
    orbit = f"_{_ORBITS[track]:06d}_0378DC" if track in _ORBITS else ""
    name = f"S1{mission}_IW_GRDH_1SDV_{stamp}{part}{orbit}_rtc"
    assets = {}
    (folder / "rtc" / name).mkdir(parents=True, exist_ok=True)
    for band, values in zip(("vv", "vh"), power, strict=True):
        path = f"rtc/{name}/iw-{band}.rtc.tiff"
        _cog(folder / path, values.astype(np.float32), box, FILL)
        assets[band] = {
            "href": f"{{root}}/files/{path}", "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "raster:bands": [{"nodata": FILL, "data_type": "float32", "spatial_resolution": 10}], "roles": ["data"],
        }  # fmt: skip
    w, s, e, n = box.geographic_extent.boundingbox.bbox
    ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
    said = {
        "datetime": when, "proj:epsg": box.crs.to_epsg(), "sar:instrument_mode": "IW",
        "sar:polarizations": ["VV", "VH"], "sat:orbit_state": direction, "platform": f"SENTINEL-1{mission}",
        "sat:relative_orbit": track, **properties,
    }  # fmt: skip
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "collection": COLLECTION, "links": [],
        "bbox": [w, s, e, n], "geometry": {"type": "Polygon", "coordinates": [ring]}, "assets": assets,
        "properties": {k: v for k, v in said.items() if v is not None},
    }  # fmt: skip
