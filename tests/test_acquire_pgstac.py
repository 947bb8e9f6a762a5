"""From a search in the API that public services run to a map, with Berlin's real pixels in their layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from stac import pgstac
from stac.server import serve
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.scenes.bands import BANDS

pytestmark = pytest.mark.slow
INSIDE = "13.2915,52.4898,13.3429,52.5209"


@pytest.fixture(scope="module", params=("pc", "es", "es-c1", "cdse"))
def service(request, shared: Path):
    """The real items of a layout in a real API; their files from a server that answers ranges."""
    lines = (shared / "stac" / f"items_{request.param}.ndjson").read_text()
    files, stop = serve(shared / "stac", [])
    own = lines.replace("http://127.0.0.1:8765", f"{files.root}/files")
    items = [json.loads(line) for line in own.splitlines() if line.strip()]
    try:
        if pgstac.programs() and pgstac.postgres():
            with pgstac.running(items) as address:
                yield address, files
        else:  # the tests' own, which knows less
            files.items = items
            yield files.api, files
    finally:
        stop()


def lcz(*words: str) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_search_list_get_map_and_compare(service, tmp_path, mirror, shared):
    address, files = service
    asked = [
        "get", "Berlin", "--box", INSIDE, "--start", "2024-10-01", "--end", "2024-10-31", "--provider", address
    ]  # fmt: skip
    listed = lcz(*asked, "--list", "--out", tmp_path / "list")
    assert "2024-10-24" in listed
    (row,) = (tmp_path / "list" / "scenes.csv").read_text().splitlines()[1:]
    date, cloud, covered = row.split(",")[:3]
    assert (date, float(cloud)) == ("2024-10-24", 0)
    assert float(covered) > 0.99
    assert not [a for a in files.asked if "SCL" not in a.path]
    lcz(*asked, "--out", tmp_path / "berlin")
    check_berlin(tmp_path / "berlin", shared / "mirror" / "berlin_s2_20241024.tif")
    parts = [a for a in files.asked if 0 < a.last < (shared / "stac" / a.path).stat().st_size - 1]
    assert parts
    assert {a.status for a in parts} == {206}
    lcz("map", tmp_path / "berlin", "--out", tmp_path / "map")
    (label,) = (tmp_path / "map").glob("s2_lcz.tif")
    own = stand_in_for_a_global_map(label, tmp_path / "global.tif")
    lcz("compare", label, own, "--resample", "nearest", "--out", tmp_path / "compared")
    told = json.loads((tmp_path / "compared" / "comparison.json").read_text())
    assert told["agreement"] == pytest.approx(1, abs=0.02)
    assert told["n"] > 900


def check_berlin(out: Path, source: Path) -> None:
    with rasterio.open(source) as src:
        dn, corner = src.read().astype(int), (src.transform.c, src.transform.f)
    for i, band in enumerate(BANDS):
        if band in ("B05", "B06", "B07", "B8A", "B11", "B12"):  # of 20 m, as the files hold them
            halves = np.round(dn[i].reshape(174, 2, 174, 2).mean((1, 3)))
            dn[i] = halves.repeat(2, 0).repeat(2, 1)
    (file,) = out.glob("Sentinel-2/*/2024-10/*_2024-10.tif")
    with rasterio.open(file) as src:
        values = src.read().astype(int)
        col, row = (round(v) for v in ~src.transform * corner)
    rows, cols = (
        slice(max(0, at), min(at + 348, n))
        for at, n in zip((row, col), values.shape[1:], strict=True)
    )
    got = values[:, rows, cols]
    want = dn[:, rows.start - row : rows.stop - row, cols.start - col : cols.stop - col]
    valid = (got > 0).all(0)
    assert valid.mean() > 0.99
    assert np.abs(got - want)[:, valid].max() <= 1


def stand_in_for_a_global_map(label: Path, path: Path) -> Path:
    """A map in degrees made of one that was just made: it is no published map, and agrees with it."""
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    with rasterio.open(label) as src:
        codes, crs, transform = src.read(1), src.crs, src.transform
        to, width, height = calculate_default_transform(
            crs, "EPSG:4326", src.width, src.height, *src.bounds, resolution=0.0002
        )
    out = np.zeros((height, width), np.uint8)
    reproject(
        codes, out, src_transform=transform, src_crs=crs, dst_transform=to, dst_crs="EPSG:4326",
        src_nodata=0, dst_nodata=0, resampling=Resampling.nearest,
    )  # fmt: skip
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": "uint8", "nodata": 0,
        "crs": "EPSG:4326", "transform": to,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dst:
        dst.write(out, 1)
    return path
