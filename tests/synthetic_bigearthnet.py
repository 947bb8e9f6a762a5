"""Made-up tiles and product lists, in each form in which they are published."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

NAME = "S2A_MSIL1C_20170613T101031_N0205_R022_T33UUP_20170613T101608"
UUID = "00000000-aaaa-bbbb-cccc-000000000001"
TIME = dt.datetime(2017, 6, 13, 10, 10, 31, tzinfo=dt.UTC)
LEFT, TOP, EPSG = 300000.0, 5400000.0, 32633
TILE = shapely.box(12.0, 48.0, 13.0, 49.0)


def tile_item(
    name: str = NAME, ground: shapely.Geometry = TILE, time: dt.datetime = TIME
) -> dict[str, Any]:
    """A STAC item of a Sentinel-2 tile."""
    return {
        "type": "Feature", "id": name, "geometry": shapely.geometry.mapping(ground),
        "properties": {"datetime": time.isoformat(), "proj:code": f"EPSG:{EPSG}", "s2:mgrs_tile": "33UUP"},
        "assets": {"B02": {"href": "B02.tif", "proj:transform": [10, 0, LEFT, 0, -10, TOP]}},
    }  # fmt: skip


def product_name(
    track: int, start: dt.datetime, *, take: int, seconds: int = 25, kind: str = "GRDH"
) -> str:
    """The name of a Sentinel-1A product of a relative orbit; `take` tells passes from each other."""
    orbit = track - 1 + 73 + 175 * 80
    end = start + dt.timedelta(seconds=seconds)
    times = "_".join(t.strftime("%Y%m%dT%H%M%S") for t in (start, end))
    return f"S1A_IW_{kind:_<4}_1SDV_{times}_{orbit:06d}_{take:06X}_{take:04X}"


def product_item(name: str, ground: shapely.Geometry) -> dict[str, Any]:
    """A STAC item of a Sentinel-1 product."""
    return {
        "type": "Feature", "id": name, "geometry": shapely.geometry.mapping(ground), "properties": {},
        "assets": {},
    }  # fmt: skip


def write_items(path: Path, items: Sequence[dict[str, Any]]) -> Path:
    """A collection of features."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(items)}))
    return path


def write_tile_info(path: Path, uuids: Sequence[str] = (UUID,)) -> Path:
    """As BigEarthNet publishes its tiles: nested dictionaries of NumPy's numbers, in a pickle."""
    tiles: defaultdict[str, Any] = defaultdict(dict)
    for i, uuid in enumerate(uuids):
        tiles["33UUP"][uuid] = {
            "B01_stats": np.array([0.0, 5794.0, 299.1, 172.9]), "EPSG": np.bytes_(b"32633"),
            "GPS_EPSG": np.int64(4326), "acquisition_time": f"{TIME:%Y-%m-%d %H:%M:%S}.000000",
            "coordinate": np.array([LEFT, TOP, LEFT + 109800, TOP - 109800]),
            "product_name": NAME.replace("101608", f"10160{8 + i}") + ".SAFE", "footprint": TILE.wkt,
        }  # fmt: skip
    return _saved(path, {"tile_info": tiles})


def write_published(path: Path, names: dict[str, Sequence[str]]) -> Path:
    """As BigEarthNet publishes the products of its tiles."""
    listed = defaultdict(list, {u: list(n) for u, n in names.items()})
    return _saved(path, {"Sen2UUID_2_Sen1ProdName": listed})


def _saved(path: Path, content: dict[str, Any]) -> Path:
    np.save(path, np.array(content, dtype=object), allow_pickle=True)
    return path


def write_safe(folder: Path, *, zipped: bool = False) -> Path:
    """The metadata of a Sentinel-2 product, in its folder or its archive."""
    ring = " ".join(f"{y} {x}" for x, y in shapely.get_coordinates(TILE))
    files = {
        "MTD_MSIL1C.xml": f"""<?xml version="1.0"?><n1:Level-1C_User_Product xmlns:n1="https://x">
            <PRODUCT_START_TIME>{TIME:%Y-%m-%dT%H:%M:%S}.000Z</PRODUCT_START_TIME>
            <PRODUCT_URI>{NAME}.SAFE</PRODUCT_URI><EXT_POS_LIST>{ring} </EXT_POS_LIST>
            </n1:Level-1C_User_Product>""",
        "GRANULE/L1C_T33UUP/MTD_TL.xml": f"""<?xml version="1.0"?><n1:Tile xmlns:n1="https://x">
            <HORIZONTAL_CS_CODE>EPSG:{EPSG}</HORIZONTAL_CS_CODE>
            <Geoposition resolution="20"><ULX>0</ULX><ULY>0</ULY></Geoposition>
            <Geoposition resolution="10"><ULX>{LEFT:g}</ULX><ULY>{TOP:.0f}</ULY></Geoposition></n1:Tile>""",
    }  # fmt: skip
    if zipped:
        path = folder / f"{NAME}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(f"{NAME}.SAFE/{name}", text)
        return path
    root = folder / f"{NAME}.SAFE"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root
