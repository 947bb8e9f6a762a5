"""Files that visitors send: each kind is used by the page, each that is refused says why."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from helpers import CELLS_JS, CITY, answered, go, settled, upload, wait_for
from rasterio.windows import Window

pytestmark = pytest.mark.browser


def part_of(source: Path, target: Path, share: float = 0.5) -> Path:
    """The north-western part of a raster, with all it says of itself."""
    with rasterio.open(source) as src:
        window = Window(0, 0, int(src.width * share), int(src.height * share))
        profile = {**src.profile, "width": window.width, "height": window.height}
        with rasterio.open(target, "w", **profile) as dst:
            dst.write(src.read(window=window))
            dst.descriptions, dst.units = src.descriptions, src.units
            dst.update_tags(**src.tags())
            for i in range(1, src.count + 1):
                dst.update_tags(i, **src.tags(i))
    return target


def test_an_own_scene_takes_the_place_of_a_citys(
    city: Path, mapped: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    scene = part_of(next((city / "Sentinel-2" / CITY / "summer").glob("*.tif")), tmp_path / "mine.tif")  # fmt: skip
    page = visit(f"{mapped.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    upload(page, "Sentinel-2", scene)
    answered(page, "Taken: mine.tif")
    page.get_by_role(
        "heading", name="Own files", exact=True
    ).wait_for()  # no longer the simulated city
    page.get_by_text("Sentinel-2: mine").wait_for()
    page.get_by_text("4.0 × 4.0 km").wait_for()
    settled(page, "city map")
    lcz = part_of(city / "Reference" / CITY / "lcz.tif", tmp_path / "theirs.tif")
    upload(page, "Another LCZ map", lcz)
    answered(page, "Taken: theirs.tif")
    page.get_by_text("Sentinel-2: mine").wait_for()  # the scene is still the scene alone
    go(page, "Map")
    page.get_by_role("button", name="Uploaded map").wait_for()
    settled(page, "map")
    with rasterio.open(lcz) as src:
        n = int((src.read(1) > 0).sum())
    assert wait_for(page, CELLS_JS, "map")["cells"] >= n  # finer in the browser, never less
    assert mapped.errors() == []


@pytest.mark.parametrize("ending", ["geojson", "kml", "gpkg", "zip"])
def test_own_reference_polygons_judge_the_maps(
    city: Path, mapped: Any, visit: Callable[..., Any], tmp_path: Path, ending: str
) -> None:
    polygons = gpd.read_file(city / "Reference" / CITY / "polygons.gpkg").to_crs(4326)
    column = next(c for c in polygons.columns if "lcz" in c.lower() or c == "class")
    frame = gpd.GeoDataFrame(
        {"Name": [f"LCZ {c}" for c in polygons[column]], "lcz": polygons[column]},
        geometry=polygons.geometry, crs=4326,
    )  # fmt: skip
    path = tmp_path / f"areas.{ending}"
    if ending == "zip":
        frame.to_file(tmp_path / "areas.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tmp_path.glob("areas.[sdcp][hbpr]*"):
                archive.write(part, part.name)
    else:
        frame.to_file(path, **({"driver": "KML"} if ending == "kml" else {}))
    page = visit(f"{mapped.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    upload(page, "Reference", path)
    answered(page, f"Taken: areas.{ending}")
    go(page, "Accuracy")
    name = "areas.shp" if ending == "zip" else path.name
    page.get_by_text(
        re.compile(rf"Against {re.escape(name)} \(polygons\): [\d,]+ cells")
    ).wait_for()


def test_own_temperatures_are_used(
    city: Path, mapped: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    """A thermal raster far too warm, then stations as CSV and as Parquet with their sites."""
    with rasterio.open(city / "Reference" / CITY / "lst.tif") as src:
        profile = {**src.profile, "count": 1, "dtype": "float32", "nodata": np.nan}
        values = src.read(1).astype(np.float32)
        values[~np.isfinite(values)] = np.nan
    warm = tmp_path / "warm.tif"
    with rasterio.open(warm, "w", **profile) as dst:
        dst.write(values + 300, 1)
        dst.units = ("K",)
        dst.update_tags(1, units="K")
    page = visit(f"{mapped.url}?page=heat&heat_map=reference&heat_replicates=100")
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D")).wait_for()
    page.get_by_text("All figures of the zones").click()  # and it stays open below
    mean = page.locator(".lcz-table td").nth(3)
    before = float(mean.inner_text())
    go(page, "City")
    upload(page, "Surface temperature", warm)
    answered(page, "Taken: warm.tif")
    go(page, "Heat island")
    warmer = before + 300 - 273.15
    whole = rf"^({int(warmer)}|{int(warmer + 0.5)})\."
    mean.get_by_text(re.compile(whole)).wait_for()
    assert float(mean.inner_text()) == pytest.approx(warmer, abs=0.2)
    reference = city / "Reference" / CITY
    air = pd.read_csv(reference / "air_temperature.csv")
    air.to_parquet(tmp_path / "air.parquet")
    air.to_csv(tmp_path / "air.csv", index=False)
    for name in ("air.csv", "air.parquet"):
        page = visit(
            f"{mapped.url}?page=city&heat_kind=canopy&heat_map=reference&heat_replicates=100"
        )
        page.get_by_text("8.0 × 8.0 km").wait_for()
        upload(page, "Air temperatures", tmp_path / name)
        answered(page, f"Taken: {name}")
        upload(page, "Air temperatures", reference / "stations.gpkg")
        answered(page, "Taken: stations.gpkg")
        go(page, "Heat island")
        page.get_by_text(re.compile(r"air of LCZ|No built zone")).wait_for()
        page.get_by_text("All figures of the zones").click()
        page.get_by_text("stations", exact=True).wait_for()
    assert mapped.errors() == []


VRT = (
    "<VRTDataset rasterXSize='5' rasterYSize='5'><VRTRasterBand dataType='Byte' band='1'><SimpleSource>"
    "<SourceFilename>{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
)
OGR_VRT = (
    "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>{}</SrcDataSource></OGRVRTLayer>"
    "</OGRVRTDataSource>"
)


def refused_files(folder: Path, asked: str) -> list[tuple[str, Path, str]]:
    """Kind, file and what must be said of it; all of them would reach `asked` if they could."""

    def text(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def zipped(name: str, members: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return folder / name

    link = f"<kml><NetworkLink><Link><href>{asked}</href></Link></NetworkLink></kml>"
    return [
        ("Another LCZ map", text("vrt.tif", VRT.format(f"/vsicurl/{asked}")), "is no TIFF"),
        ("Another LCZ map", text("path.tif", f"/vsicurl/{asked}"), "is no TIFF"),
        ("Another LCZ map", text("map.vrt", VRT.format("/etc/passwd")), "are accepted"),
        ("Another LCZ map", text("run.exe", b"MZ"), "are accepted"),
        ("Another LCZ map", text("torn.tif", b"II*\0" + bytes(60)), "cannot be read"),
        ("Reference", text("vrt.geojson", OGR_VRT.format(f"/vsicurl/{asked}")), "no GeoJSON"),
        ("Reference", text("path.json", json.dumps(f"/vsicurl/{asked}")), "no GeoJSON"),
        ("Reference", text("link.kml", link), "links to other files"),
        ("Reference", zipped("bomb.zip", {"a.shp": bytes(60_000_000)}), "is refused"),
        ("Reference", zipped("out.zip", {"../../evil.shp": b"x"}), "points outside"),
        ("Reference", zipped("more.zip", {"a.shp": b"x", "a.vrt": b"<VRT/>"}), "nothing else"),
    ]  # fmt: skip


def test_refused_files_say_why_and_reach_nothing(
    start: Callable[..., Any], server: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    sessions = tmp_path / "tmp"
    sessions.mkdir()
    own = start(
        cache=Path(server.log.name).parent, TMPDIR=str(sessions), LCZLIB_UPLOAD_MB="0.3"
    ).wait()
    page = visit(f"{own.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    for kind, path, message in refused_files(tmp_path, f"http://localhost:{own.port}/reached"):
        upload(page, kind, path)
        said = answered(page, re.compile(rf"{re.escape(path.name)}.*{message}")).inner_text()
        assert str(sessions) not in said
    big = tmp_path / "big.tif"
    big.write_bytes(b"II*\0" + bytes(400_000))
    upload(page, "Another LCZ map", big)
    page.get_by_text("File is too large", exact=True).wait_for()
    own.log.flush()
    assert "reached" not in Path(own.log.name).read_text()
    kept = {p.name for p in sessions.rglob("*") if p.is_file()}
    assert kept == {"owner"}  # whose lock says that the session lives
    assert not list(tmp_path.rglob("evil.shp"))
    page.get_by_text("8.0 × 8.0 km").wait_for()  # the page goes on as it was
    assert own.errors() == []
    own.stop()


def test_a_closed_tab_leaves_no_folder(
    start: Callable[..., Any], server: Any, browser: Any, tmp_path: Path
) -> None:
    quick = ("--unused-session-lifetime", "3000", "--check-unused-sessions", "500")
    own = start(*quick, cache=Path(server.log.name).parent, TMPDIR=str(tmp_path)).wait()
    page = browser.new_page()
    page.goto(f"{own.url}?page=city")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    area = tmp_path / "area.geojson"
    ring = [[3.02, 52.12], [3.07, 52.12], [3.07, 52.15], [3.02, 52.15], [3.02, 52.12]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    upload(page, "Own area", area)
    page.get_by_text("cut to your area").wait_for()
    (session,) = tmp_path.glob("lczlib-session-*")
    assert list(session.glob("files/uploads/*/area.geojson"))
    page.close()
    own.until(lambda: not list(tmp_path.glob("lczlib-session-*")))
    own.stop()
