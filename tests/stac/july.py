"""A town on three days of a July, served on loopback, and what of it was fetched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_result import GetResult
from stac.scenes import as_stored, clear_sky, town, write_scene
from stac.server import Service

BOX = GeoBox((200, 640), Affine(10, 0, 384_040, 0, -10, 5_820_320), "EPSG:32633")
INSIDE = "13.295,52.506,13.378,52.5175"
DAYS = ("2024-07-01", "2024-07-11", "2024-07-21")


def names(days: tuple[str, ...]) -> list[str]:
    return [f"S2B_MSIL2A_{d.replace('-', '')}T101029_R022_T33UUU" for d in days]


def write_july(folder: Path) -> tuple[list[dict], np.ndarray]:
    """Items of the three days, and the town."""
    dn = town(BOX)
    items = [
        write_scene(folder, "pc", name, f"{day}T10:10:29Z", dn, clear_sky(BOX), BOX)
        for day, name in zip(DAYS, names(DAYS), strict=True)
    ]
    return items, dn


def asked(service: Service, **more) -> GetRequest:
    given = {
        "place": INSIDE, "start": "2024-07-01",
        "end": "2024-07-31", "provider": service.api,
    }  # fmt: skip
    return GetRequest(**given | more)


def fetched(service: Service, out: Path, **more) -> GetResult:
    result = run(asked(service, **more), out)
    result.write(out)
    return result


def values_of(out: Path) -> tuple[np.ndarray, rasterio.Affine]:
    file = next(out.glob("Sentinel-2/*/*/*_20*.tif"))
    with rasterio.open(file) as src:
        return src.read(), src.transform


def check_same(out: Path, dn: np.ndarray) -> None:
    """Where there is data it is that of the town; most of the box has data."""
    values, transform = values_of(out)
    col, row = (round(v) for v in ~BOX.affine * (transform.c, transform.f))
    want = np.zeros_like(values)
    rows, cols = (
        min(n, m - at) for n, m, at in zip(values.shape[1:], BOX.shape, (row, col), strict=True)
    )
    want[:, :rows, :cols] = as_stored(dn)[:, row : row + rows, col : col + cols]
    valid = (values > 0).all(0)
    assert valid.mean() > 0.9
    assert np.abs(values.astype(int) - want)[:, valid].max() <= 1
    assert ((values == 0).all(0) | valid).all()


def left_out(out: Path) -> dict[str, str]:
    item = json.loads((out / "item.json").read_text())
    (season,) = item["properties"]["seasons"].values()
    return {d["date"]: d["why"] for d in season["days_not_used"]}


COMMAND = "import sys; from lczlib.cli import main; sys.argv[0] = 'lcz'; main()"


def command(service: Service, out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-c", COMMAND, "get", INSIDE, "--start", "2024-07-01", "--end",
        "2024-07-31", "--provider", service.api, "--out", str(out), *more,
    ]  # fmt: skip
