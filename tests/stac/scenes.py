"""Scenes as services lay them out: COGs of ten bands and a classification, and their STAC items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio.io import MemoryFile

from lczlib.acquire.layouts import LAYOUTS
from lczlib.scenes.bands import BANDS

TWENTY = ("B05", "B06", "B07", "B8A", "B11", "B12", "SCL")
PROVIDERS = {
    "pc": ("as ESA names them", "sentinel-2-l2a"),
    "es": ("common names", "sentinel-2-l2a"),
    "es-c1": ("common names", "sentinel-2-c1-l2a"),
    "cdse": ("with resolution", "sentinel-2-l2a"),
}


def halved(values: np.ndarray) -> np.ndarray:
    """Every second pixel along both sides."""
    return values[::2, ::2]


def as_stored(dn: np.ndarray) -> np.ndarray:
    """True DN (10, y, x) as services can give it: bands of 20 m hold each value four times."""
    out = dn.copy()
    for i, band in enumerate(BANDS):
        if band in TWENTY:
            out[i] = halved(dn[i]).repeat(2, 0).repeat(2, 1)
    return out


def write_scene(
    folder: Path, provider: str, name: str, when: str, dn: np.ndarray, scl: np.ndarray, box: GeoBox, *,
    baseline: str = "05.11", stored: int | None = None, lie: bool = False, tile: str = "33UUU",
    cloud: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    """Write the files of a scene and give its item, whose addresses begin with ``{root}/files``.

    Parameters
    ----------
    dn : array (10, y, x)
        Without offset; 0 is no data.
    scl : array (y, x)
        Classification, on the same pixels.
    stored : int, optional
        What is added to DN in the files; by default what the service does for the baseline.
    lie : bool
        The item says that the offset is in, although the files hold DN without it.
    """
    layout, collection = PROVIDERS[provider]
    new = float(baseline) >= 4
    if stored is None:
        stored = 0 if provider == "es" or lie or not new else 1000
    assets = {}
    place = folder / provider / name
    place.mkdir(parents=True, exist_ok=True)
    for band, key in LAYOUTS[layout].items():
        values = scl if band == "SCL" else dn[BANDS.index(band)].astype(np.int32)
        grid = box
        if band in TWENTY:
            values, grid = halved(values), box.zoom_out(2)
        if band != "SCL":
            values = np.where(values > 0, values + stored, 0)
        nodata = None if provider == "pc" else 0
        dtype = "uint8" if band == "SCL" else "uint16"
        _cog(place / f"{band}.tif", values.astype(dtype), grid, nodata)
        assets[key] = {
            "href": f"{{root}}/files/{provider}/{name}/{band}.tif",
            **_raster(provider, band, new), "roles": ["data"],
        }  # fmt: skip
    w, s, e, n = box.geographic_extent.boundingbox.bbox
    ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection, "links": [],
        "bbox": [w, s, e, n], "geometry": {"type": "Polygon", "coordinates": [ring]}, "assets": assets,
        "properties": {
            "datetime": when, "eo:cloud_cover": cloud, "platform": "sentinel-2b",
            **_said(provider, baseline, box.crs.to_epsg(), tile, applied=provider == "es" and not lie and new),
        },
    }  # fmt: skip


def _said(provider: str, baseline: str, epsg: int, tile: str, *, applied: bool) -> dict[str, Any]:
    if provider == "pc":
        return {"proj:epsg": epsg, "s2:processing_baseline": baseline, "s2:mgrs_tile": tile}
    if provider == "cdse":
        return {
            "proj:code": f"EPSG:{epsg}",
            "processing:version": baseline,
            "grid:code": f"MGRS-{tile}",
        }
    return {
        "proj:epsg": epsg, "s2:processing_baseline": baseline, "grid:code": f"MGRS-{tile}",
        "earthsearch:boa_offset_applied": applied,
    }  # fmt: skip


def _raster(provider: str, band: str, new: bool) -> dict[str, Any]:
    if provider == "pc" or band == "SCL":
        return {}
    offset = -0.1 if new else 0
    if provider == "cdse":
        return {"nodata": 0, "raster:scale": 0.0001, "raster:offset": offset}
    return {"raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": offset}]}


def _cog(path: Path, values: np.ndarray, box: GeoBox, nodata: int | None) -> None:
    rows, cols = values.shape
    profile = {
        "driver": "GTiff", "height": rows, "width": cols, "count": 1, "dtype": values.dtype,
        "crs": str(box.crs), "transform": box.affine, "nodata": nodata,
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as flat:
            flat.write(values, 1)
        with memory.open() as flat:
            rasterio.shutil.copy(
                flat,
                path,
                driver="COG",
                compress="DEFLATE",
                blocksize=256,
                overview_resampling="nearest",
            )


def town(box: GeoBox, seed: int = 0) -> np.ndarray:
    """A made-up town, DN (10, y, x): fields with streets, roofs and a lake; the same for a seed."""
    draw = np.random.default_rng(seed)
    rows, cols = box.shape
    cells = draw.uniform(0.05, 0.35, (10, rows // 20 + 1, cols // 20 + 1))
    values = cells.repeat(20, 1).repeat(20, 2)[:, :rows, :cols]
    values = values * draw.uniform(0.9, 1.1, values.shape)
    values[:, : rows // 5, : cols // 5] = 0.02 * draw.uniform(0.8, 1.2, (10, rows // 5, cols // 5))
    return np.maximum(1, values * 10_000).astype(np.uint16)


def clear_sky(box: GeoBox) -> np.ndarray:
    """A classification without clouds: not vegetated."""
    return np.full(box.shape, 5, np.uint8)
