"""What visitors may send, and what is refused."""

# ruff: noqa: E501 - markup and sentences stay whole

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rioxarray
import xarray as xr
from shapely.geometry import Point, box

pytest.importorskip("panel")

from app.parts.messages import what_was_read
from app.uploads import checks, inputs, kinds, panel
from app.uploads.checks import accept
from app.uploads.parts import LooseShapefiles
from app.uploads.review import together, wants_another
from lczlib.errors import InputError
from lczlib.export import write_raster
from lczlib.grid import GeoBox, on_grid
from lczlib.reading import Reading, readings
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study.looking import KINDS, look, read_as

REFERENCE, MAP, RADAR, STATIONS = (KINDS[n] for n in ("reference", "map", "radar", "stations"))


@pytest.fixture
def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"lcz": [6, 14]}, geometry=[box(3, 52, 3.1, 52.1), box(3.1, 52, 3.2, 52.1)], crs=4326
    )


def written(tmp_path: Path, name: str, frame: gpd.GeoDataFrame) -> bytes:
    path = tmp_path / name
    frame.to_file(path)
    return path.read_bytes()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def shapefile(tmp_path: Path, frame: gpd.GeoDataFrame) -> dict[str, bytes]:
    folder = tmp_path / "shape"
    folder.mkdir()
    frame.to_file(folder / "areas.shp")
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def tiff(tmp_path: Path) -> bytes:
    grid = GeoBox.from_bbox((0, 0, 500, 500), "EPSG:32631", resolution=100)
    path = write_raster(tmp_path / "r.tif", on_grid(np.ones((5, 5), np.uint8), grid))
    return path.read_bytes()


@pytest.mark.parametrize("name", ["areas.geojson", "areas.gpkg"])
def test_vector_files_are_accepted(tmp_path: Path, frame: gpd.GeoDataFrame, name: str) -> None:
    path = accept(name, written(tmp_path, name, frame), tmp_path)
    assert len(gpd.read_file(path)) == 2


def test_kml_is_accepted(tmp_path: Path) -> None:
    ring = "3,52 3.1,52 3.1,52.1 3,52"
    text = (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>6</name><Polygon>'
        f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
        "</Polygon></Placemark></Document></kml>"
    )
    path = accept("areas.kml", text.encode(), tmp_path)
    assert inputs.area_of(path) == (3.0, 52.0, 3.1, 52.1)


def test_a_zipped_shapefile_is_accepted(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = accept("areas.zip", zipped(shapefile(tmp_path, frame)), tmp_path)
    assert len(gpd.read_file(path)) == 2


def test_a_geotiff_is_accepted_into_a_folder_of_its_own(tmp_path: Path) -> None:
    content = tiff(tmp_path)
    first, second = (accept("map.tif", content, tmp_path) for _ in range(2))
    assert first.parent != second.parent
    assert [p.name for p in first.parent.iterdir()] == ["map.tif"]


def test_tables_are_accepted(tmp_path: Path) -> None:
    table = pd.DataFrame({"time": ["2021-07-01T00:00Z"], "station": ["a"], "temperature": [20.0]})
    table.to_parquet(tmp_path / "t.parquet")
    assert accept("t.csv", table.to_csv(index=False).encode(), tmp_path).is_file()
    assert accept("t.parquet", (tmp_path / "t.parquet").read_bytes(), tmp_path).is_file()


VRT = b'<VRTDataset rasterXSize="5" rasterYSize="5"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>' \
      b"<SourceFilename>/etc/passwd</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"  # fmt: skip
OGR_VRT = b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/vsicurl/http://localhost/x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
REFUSED = {
    "a VRT as a raster": ("map.tif", VRT, "no TIFF"),
    "a VRT by its own name": ("map.vrt", VRT, "are accepted"),
    "a vector VRT as GeoJSON": ("a.geojson", OGR_VRT, "no GeoJSON"),
    "a vector VRT as KML": ("a.kml", OGR_VRT, "no KML"),
    "a vector VRT as GeoPackage": ("a.gpkg", OGR_VRT, "no GeoPackage"),
    "a service description as JSON": ("a.json", b'{"type": "topology"}', "no GeoJSON"),
    "KML that links elsewhere": ("a.kml", b'<kml><NetworkLink><Link><href>http://localhost/x</href></Link></NetworkLink></kml>', "links"),
    "XML entities": ("a.kml", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><kml>&e;</kml>', "entities"),
    "a damaged TIFF": ("map.tif", b"II*\0" + b"\0" * 40, "cannot be read"),
    "an empty file": ("map.tif", b"", "empty"),
    "a program": ("run.exe", b"MZ", "are accepted"),
    "no zip": ("a.zip", b"PK nothing", "no zip"),
    "a page as CSV": ("t.csv", b"<html>\n</html>", "no CSV"),
    "bytes as CSV": ("t.csv", b"\xff\xfe\x00a\n", "UTF-8"),
    "no Parquet": ("t.parquet", b"PAR1 nothing", "no Parquet"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    name, content, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        accept(name, content, tmp_path)
    assert not list((tmp_path / "uploads").glob("*/*"))  # nothing is kept


@pytest.mark.parametrize(
    "member", ["../../evil.shp", "/etc/evil.shp", "..\\evil.shp", "C:/evil.shp"]
)
def test_a_zip_that_points_outside_is_refused(tmp_path: Path, member: str) -> None:
    with pytest.raises(InputError, match="outside"):
        accept("a.zip", zipped({member: b"x"}), tmp_path)
    assert not list(tmp_path.parent.rglob("evil.shp"))


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is refused"):
        accept("a.zip", zipped({"a.shp": b"\0" * 60_000_000}), tmp_path)


def test_a_zip_with_other_files_is_refused(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(InputError, match="nothing else"):
        accept(
            "a.zip",
            zipped({**shapefile(tmp_path, frame), "a.vrt": VRT}),
            tmp_path,
        )


def test_too_large_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LARGEST_MB", 0.0001)
    with pytest.raises(InputError, match="at most"):
        accept("map.tif", tiff(tmp_path), tmp_path)


def test_all_files_of_a_visitor_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tiff(tmp_path)
    monkeypatch.setattr(checks, "SESSIONS_MB", 2.5 * len(content) / 1e6)
    for _ in range(2):
        accept("map.tif", content, tmp_path)
    with pytest.raises(InputError, match=r"one too many.*Open the page anew"):
        accept("map.tif", content, tmp_path)
    assert len(list((tmp_path / "uploads").iterdir())) == 2


@pytest.mark.parametrize("name", ["../../map.tif", "/etc/map.tif", "..\\map.tif", "<b>map</b>.tif"])
def test_a_name_cannot_leave_its_folder_nor_carry_markup(tmp_path: Path, name: str) -> None:
    path = accept(name, tiff(tmp_path), tmp_path)
    assert path.resolve().is_relative_to((tmp_path / "uploads").resolve())
    assert "<" not in path.name


def test_attribute_text_is_text(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    frame["name"] = "<script>alert(1)</script>"
    path = accept("a.geojson", frame.to_json().encode(), tmp_path)
    assert json.loads(path.read_text())["features"][0]["properties"]["name"].startswith("<script>")
    from app.parts.markup import table

    assert "<script>" not in table(("name",), [(frame["name"][0],)])


def test_the_area_of_points_and_polygons_is_their_box(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        geometry=[Point(500_000, 5_780_000), Point(505_000, 5_775_000)], crs=32631
    )
    path = accept("a.gpkg", written(tmp_path, "a.gpkg", frame), tmp_path)
    west, south, east, north = inputs.area_of(path)
    assert west == pytest.approx(3, abs=0.001)
    assert south < north < 52.2
    assert east > west


def test_every_kind_of_the_study_has_a_name_on_the_page() -> None:
    assert {k.name for k in kinds.KINDS.values()} == set(KINDS)
    assert [*kinds.BY_NAME] == [*KINDS]  # in one order


def test_backscatter_alone_is_taken_with_a_remark_and_half_of_the_channels_are_not(
    tmp_path: Path,
) -> None:
    beijing = Path(__file__).parents[2] / "shared/data/beijing_s1/THU_2020_sentinel_1_50pt.tif"
    if beijing.is_file():
        path = accept(beijing.name, beijing.read_bytes(), tmp_path)
        assert "not for an LCZ map" in read_as(RADAR, [path]).remark
    three = accept("three.tif", three_bands(tmp_path), tmp_path)
    assert "cannot be mapped" in read_as(RADAR, [three]).refused


def test_two_files_of_one_radar_scene_are_joined_though_they_come_apart(tmp_path: Path) -> None:
    write_so2sat(simulate_city(2.0, 1), tmp_path, "00000_00001_Simulated")
    parts = [
        accept(f"{p.parents[1].name}.tif", p.read_bytes(), tmp_path)
        for p in sorted((tmp_path / "Sentinel-1").rglob("mosaic.tif"))
    ]
    assert len(parts) == 2
    with readings() as heard:
        halves = [look(p) for p in parts]
        both = together([[parts[0]]], halves[1])
    assert all("cannot be mapped" in h.seen.refused for h in halves)
    assert all(map(wants_another, halves))
    assert together([], halves[0]) is halves[0]
    assert not heard  # that is for the study, which opens them again
    assert both.paths == tuple(parts)
    assert not both.seen.refused
    assert not both.seen.remark
    whole = look(accept("other.tif", eight_bands(parts, tmp_path), tmp_path))
    assert whole.best.kind is RADAR
    assert not wants_another(whole)


def test_the_parts_of_a_shapefile_come_one_after_another(
    tmp_path: Path, frame: gpd.GeoDataFrame
) -> None:
    parts = shapefile(tmp_path, frame)
    loose = LooseShapefiles(tmp_path)
    *first, last = sorted(n for n in parts if n.endswith((".shp", ".shx", ".dbf", ".prj")))
    assert [loose.add(n, parts[n]) for n in first] == [None] * 3
    assert loose.waiting() == {"areas": (".shx",)}
    path = loose.add(last, parts[last])
    assert len(gpd.read_file(path)) == 2
    assert loose.waiting() == {}
    with pytest.raises(InputError, match=r"no part of a Shapefile"):
        loose.add("other.shp", b"MZ program")
    assert loose.waiting() == {}


def test_a_kmz_gives_its_document_and_nothing_else(tmp_path: Path) -> None:
    ring = "3,52 3.1,52 3.1,52.1 3,52"
    text = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><Polygon><outerBoundaryIs><LinearRing>'
        f"<coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
    )
    content = zipped({"doc.kml": text.encode(), "files/icon.png": b"\x89PNG"})
    path = accept("city.kmz", content, tmp_path)
    assert [p.name for p in path.parent.iterdir()] == ["city.kml"]
    assert look(path).best.kind.name == "area"
    for bad, message in (
        ({"a.txt": b"x"}, "no KML document"),
        ({"doc.kml": b"<html/>"}, "no KML"),
        ({"../doc.kml": text.encode()}, "points outside"),
        ({"doc.kml": b" " * 60_000_000}, "is refused"),
    ):
        with pytest.raises(InputError, match=message):
            accept("bad.kmz", zipped(bad), tmp_path)


def test_a_damaged_zip_is_refused_in_words(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    content = bytearray(zipped(shapefile(tmp_path, frame)))
    content[60:90] = bytes(30)
    with pytest.raises(InputError, match=r"cannot be unpacked|no zip|damaged"):
        accept("areas.zip", bytes(content), tmp_path)


def test_a_file_that_is_read_for_two_ends_counts_once() -> None:
    read = {"heat": (Reading("LCZ map", "/d/a.tif"), Reading("training areas", "/d/a.tif"))}
    text = what_was_read(SimpleNamespace(read=read), ["heat"])
    assert "What was read (1 file)" in text
    assert text.count("<li>") == 2


def eight_bands(parts: list[Path], tmp_path: Path) -> bytes:
    opened = [rioxarray.open_rasterio(p) for p in sorted(parts, reverse=True)]
    data = xr.concat(opened, "band")
    return write_raster(tmp_path / "8.tif", data).read_bytes()


def three_bands(tmp_path: Path) -> bytes:
    grid = GeoBox.from_bbox((0, 0, 500, 500), "EPSG:32631", resolution=10)
    data = on_grid(np.ones((3, 50, 50), np.float32), grid, ("band", "y", "x"))
    return write_raster(tmp_path / "3.tif", data).read_bytes()


def test_what_a_browser_sends_beyond_the_limit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from panel.models.file_dropper import UploadEvent

    monkeypatch.setattr(panel, "LARGEST_MB", 0.0025)
    drop = panel.Drop()

    def send(name: str, n: int) -> None:
        for i in range(1, n + 1):
            data = {"name": name, "chunk": i, "total_chunks": n, "type": "image/tiff", "data": b"x" * 1000}  # fmt: skip
            drop._process_event(UploadEvent(model=None, data=data))

    send("large.tif", 5)
    assert not drop.value
    assert not drop._file_buffer
    send("small.tif", 2)
    assert list(drop.value) == ["small.tif"]
    for i in range(9):  # many that are begun and never end
        data = {"name": f"{i}.tif", "chunk": 1, "total_chunks": 2, "type": "", "data": b"x" * 1000}
        drop._process_event(UploadEvent(model=None, data=data))
    assert len(drop._file_buffer) == 2


def test_a_new_map_is_not_read_as_the_one_before_was(tmp_path):
    from types import SimpleNamespace

    from lczlib.study import Study

    study = Study(tmp_path)
    session = SimpleNamespace(study=study)
    inputs.take(session, MAP, [tmp_path / "first.tif"])
    study.param.update(map_legend="1=2,2=3", map_band="2", reference_legend="1=4")
    inputs.take(session, MAP, [tmp_path / "second.tif"])
    assert (study.map_legend, study.map_band, study.reference_legend) == ("", "", "1=4")
    inputs.take(session, REFERENCE, [tmp_path / "reference.tif"])
    assert study.reference_legend == ""


def test_temperatures_come_before_their_sites_whichever_is_used_first(tmp_path):
    from types import SimpleNamespace

    from lczlib.study import Study

    session = SimpleNamespace(study=Study(tmp_path))
    air, sites = tmp_path / "air.csv", tmp_path / "sites.csv"
    air.write_text("time,station,temperature\n2021-07-01T00:00Z,a,20\n2021-07-01T01:00Z,b,21\n")
    sites.write_text("station,lat,lon\na,52,3\nb,52.1,3.1\n")
    inputs.take(session, STATIONS, [sites])
    inputs.take(session, STATIONS, [air])
    assert session.study.station_files == (str(air), str(sites))
    later = tmp_path / "later.csv"
    later.write_text(air.read_text())
    inputs.take(session, STATIONS, [later])
    assert session.study.station_files == (str(later), str(sites))


def test_what_is_said_of_a_file_is_said_to_the_study(tmp_path):
    from types import SimpleNamespace

    from lczlib.study import Study

    study = Study(tmp_path)
    session = SimpleNamespace(study=study)
    inputs.take(session, MAP, [tmp_path / "a.tif"], {"map_scheme": "0-16"})
    assert study.map_scheme == "0-16"
    for name, time in (("a", "2021-07-01T10:00"), ("b", "2021-07-17T10:00")):
        said = {"heat_unit": "K", "heat_acquired": time}
        inputs.take(session, KINDS["thermal"], [tmp_path / f"{name}.tif"], said)
    assert study.heat_unit == "K"
    assert study.heat_acquired == "2021-07-01T10:00, 2021-07-17T10:00"


def test_messages_about_own_maps_name_the_settings_of_the_city_page():
    from lczlib.study.wording import in_page
    from lczlib.terms import option

    advice = f"Take that with {option('legend', '1=2,2=3')}, or another {option('band')}."
    said = in_page(advice, "own_map")
    assert "“City: How your LCZ map is read: Legend” 1=2,2=3" in said
    assert "thermal" not in said
