"""Landsat's surface temperature and ECOSTRESS's, in the layouts of their services: COGs, and their items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from stac.scenes import _cog

COLLECTION = "landsat-c2-l2"
ECOSTRESS_COLLECTION = "ECO_L2T_LSTE_002"
BOX = GeoBox((80, 100), Affine(30, 0, 384_045, 0, -30, 5_820_315), "EPSG:32633")
INSIDE = "13.297,52.503,13.334,52.517"
SCALE, OFFSET = 0.00341802, 149.0
CLEAR, FILL = 1 << 6, 1
CLOUD, CIRRUS, SHADOW, DILATED, SNOW = 1 << 3, 1 << 2, 1 << 4, 1 << 1, 1 << 5
"""Bits of QA_PIXEL."""


def kelvin(box: GeoBox = BOX, mean: float = 300.0, seed: int = 0) -> np.ndarray:
    """A made-up field of surface temperature (y, x): cells of some kelvins more or less, and noise."""
    draw = np.random.default_rng(seed)
    rows, cols = box.shape
    cells = draw.normal(0, 3, (rows // 10 + 1, cols // 10 + 1))
    whole = cells.repeat(10, 0).repeat(10, 1)[:rows, :cols]
    return mean + whole + draw.normal(0, 0.3, box.shape)


def stored(values: np.ndarray) -> np.ndarray:
    """Kelvin as Collection 2 stores them; NaN is no data."""
    return np.nan_to_num(np.rint((values - OFFSET) / SCALE), nan=0).astype(np.uint16)


def write_landsat(
    folder: Path, when: str, dn: np.ndarray, qa: np.ndarray | None = None, box: GeoBox = BOX, *,
    satellite: int = 8, path: int = 193, row: int = 23, tier: str = "T1", uncertainty: float = 1.5,
    thermal: bool = True, **properties: Any,
) -> dict[str, Any]:  # fmt: skip
    """Write the files of a scene as the Planetary Computer has them, and give its item.

    Parameters
    ----------
    folder : path
        That is served as ``files``.
    when : str
        ``2023-07-09T10:02:30Z``.
    dn : array (y, x)
        As of `stored`.
    qa : array (y, x), optional
        QA_PIXEL; by default clear.
    uncertainty : float
        K, everywhere.
    thermal : bool
        Whether it was processed to surface temperature; else its item has reflectance alone.
    """
    day = when[:10].replace("-", "")
    name = f"L{'C' if thermal else 'O'}{satellite:02d}_L2S{'P' if thermal else 'R'}_{path:03d}{row:03d}_{day}_02_{tier}"
    key, band = ("lwir11", "ST_B10") if satellite >= 8 else ("lwir", "ST_B6")
    qa = np.full(dn.shape, CLEAR, np.uint16) if qa is None else qa.astype(np.uint16)
    error = np.where(dn > 0, round(uncertainty * 100), -9999).astype(np.int16)
    layers = {"qa_pixel": ("QA_PIXEL", qa, None, {"data_type": "uint16", "unit": "bit index"})}
    if thermal:
        coded = {
            "nodata": 0,
            "data_type": "uint16",
            "unit": "kelvin",
            "scale": SCALE,
            "offset": OFFSET,
        }
        layers[key] = (band, dn, None, coded)
        coded = {"nodata": -9999, "data_type": "int16", "unit": "kelvin", "scale": 0.01}
        layers["qa"] = ("ST_QA", error, None, coded)
    said = {
        "landsat:wrs_path": f"{path:03d}", "landsat:wrs_row": f"{row:03d}", "landsat:wrs_type": "2",
        "landsat:collection_category": tier, "landsat:correction": "L2SP" if thermal else "L2SR",
        "platform": f"landsat-{satellite}", "instruments": ["oli", "tirs"] if thermal else ["oli"],
    }  # fmt: skip
    return _item(folder, "landsat", name, COLLECTION, when, layers, box, {**said, **properties})


def write_ecostress(
    folder: Path, when: str, values: np.ndarray, cloud: np.ndarray | None = None, box: GeoBox = BOX, *,
    orbit: int = 28527, tile: str = "33UUU", build: str = "0710_01",
) -> dict[str, Any]:  # fmt: skip
    """Write the files of a tile of ECOSTRESS as NASA's catalog lists them, and give its item."""
    stamp = when.replace("-", "").replace(":", "").removesuffix("Z")
    name = f"ECOv002_L2T_LSTE_{orbit}_009_{tile}_{stamp}_{build}"
    cloud = np.zeros(values.shape, np.uint8) if cloud is None else cloud.astype(np.uint8)
    error = np.full(values.shape, 0.8, np.float32)
    layers = {
        f"002/{name}/{name}_{n}": (f"{name}_{n}", v, nodata, {})
        for n, v, nodata in (
            ("LST", values.astype(np.float32), np.nan), ("LST_err", error, np.nan), ("cloud", cloud, 255),
        )
    }  # fmt: skip
    item = _item(folder, "ecostress", name, ECOSTRESS_COLLECTION, when, layers, box, {})
    del item["properties"]["proj:epsg"]
    item["assets"]["browse"] = {"href": "{root}/files/browse.jpg", "roles": ["thumbnail"]}
    return item


def _item(
    folder: Path, kind: str, name: str, collection: str, when: str,
    layers: dict[str, tuple[str, np.ndarray, float | None, dict[str, Any]]], box: GeoBox, said: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    place = f"{kind}/{name}"
    (folder / place).mkdir(parents=True, exist_ok=True)
    assets = {}
    for key, (file, values, nodata, coded) in layers.items():
        _cog(folder / place / f"{file}.tif", values, box, nodata)
        assets[key] = {
            "href": f"{{root}}/files/{place}/{file}.tif", "roles": ["data"],
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            **({"raster:bands": [coded]} if coded else {}),
        }  # fmt: skip
    w, s, e, n = box.geographic_extent.boundingbox.bbox
    ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection, "links": [],
        "bbox": [w, s, e, n], "geometry": {"type": "Polygon", "coordinates": [ring]}, "assets": assets,
        "properties": {"datetime": when, "proj:epsg": box.crs.to_epsg(), "eo:cloud_cover": 3.1, **said},
    }  # fmt: skip
