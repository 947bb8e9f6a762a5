"""The published LCZ map cut to a place, read by ranges from a server that can fail."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pystac.validation
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from stac.server import serve

from lczlib import catalog
from lczlib.acquire import faults, global_map
from lczlib.acquire.global_map import open_generator_map, open_global_map, write_global_map
from lczlib.acquire.places import Place, place_of
from lczlib.errors import Cancelled, GridError, InputError, ServiceError
from lczlib.grid import geobox_of
from lczlib.maps import open_lcz_map

STEP = 0.0008983152841195447  # of the published map
WEST, NORTH, ROWS, COLS = 8.3, 47.6, 600, 700
ZURICH = Place("Zürich", "Switzerland", None, (8.45, 47.3, 8.62, 47.43), "22606", "test")


def write_map(path: Path, codes: np.ndarray, affine: Affine, **more) -> Path:
    bands = codes if codes.ndim == 3 else codes[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2],
        "dtype": bands.dtype, "crs": "EPSG:4326", "transform": affine, "tiled": True, "blockxsize": 128,
        "blockysize": 128, "compress": "deflate", **more,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dst:
        dst.write(bands)
        if len(bands) == 3:
            dst.descriptions = ("lcz", "lczFilter", "classProbability")
    return path


def made_up(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 18, (ROWS, COLS)).astype(np.uint8)


@pytest.fixture
def files(tmp_path):
    """A folder with a made-up map in the layout of the published one."""
    write_map(tmp_path / "files/cog.tif", made_up(), Affine(STEP, 0, WEST, 0, -STEP, NORTH))
    return tmp_path / "files"


@pytest.fixture
def server(files):
    service, stop = serve(files, [])
    yield service
    stop()


def addresses(server, *names: str) -> tuple[str, ...]:
    return tuple(f"{server.root}/files/{n}" for n in names)


@pytest.fixture
def published(server, monkeypatch):
    """The catalog's addresses lead to the loopback server."""
    link = catalog.links()[global_map.GLOBAL_MAP]
    here = addresses(server, "cog.tif", "zenodo.tif")
    monkeypatch.setitem(catalog.links(), link.name, type(link)(**{**vars(link), "addresses": here}))
    monkeypatch.setattr(faults, "PAUSE", 0.01)
    return here


def test_it_is_cut_by_ranges_and_lies_on_its_own_grid_and_on_100_m_utm(server, published, files):
    found = open_global_map(ZURICH)
    ranged = [a for a in server.asked if a.range.startswith("bytes=")]
    assert ranged
    assert {a.status for a in ranged} == {206}
    assert len(server.asked) - len(ranged) <= 1  # the head alone
    own, utm = geobox_of(found.own), geobox_of(found.utm)
    # its cells are those of the published map
    col, row = ~Affine(STEP, 0, WEST, 0, -STEP, NORTH) * (own.affine.c, own.affine.f)
    assert (col, row) == (pytest.approx(round(col), abs=1e-6), pytest.approx(round(row), abs=1e-6))
    whole = made_up()
    part = whole[round(row) : round(row) + own.shape[0], round(col) : round(col) + own.shape[1]]
    np.testing.assert_array_equal(found.own.values, part)
    # and each cell of 100 m is the one that its middle lies in
    assert utm.crs.to_epsg() == 32632
    assert (utm.affine.a, utm.affine.e) == (100, -100)
    assert utm.affine.c % 100 == utm.affine.f % 100 == 0
    to_degrees = Transformer.from_crs(32632, 4326, always_xy=True)
    for y, x in [(0, 0), (0, utm.shape[1] - 1), (utm.shape[0] - 1, 0), (70, 66), (140, 120)]:
        lon, lat = to_degrees.transform(*(utm.affine * (x + 0.5, y + 0.5)))
        assert found.utm.values[y, x] == whole[int((NORTH - lat) / STEP), int((lon - WEST) / STEP)]
    # the whole box is covered
    to_utm = Transformer.from_crs(4326, 32632, always_xy=True)
    west, south, east, north = ZURICH.box
    for lon in (west, east):
        for lat in (south, north):
            x, y = to_utm.transform(lon, lat)
            assert utm.boundingbox.left <= x <= utm.boundingbox.right
            assert utm.boundingbox.bottom <= y <= utm.boundingbox.top


def test_the_files_say_year_licence_citation_and_open_as_lcz_maps(published, tmp_path):
    told = write_global_map(ZURICH, tmp_path / "out")
    inside = tmp_path / "out/Reference/22606_22606_Zurich"
    assert told["files"] == [
        "Reference/22606_22606_Zurich/lcz_global.tif",
        "Reference/22606_22606_Zurich/lcz_global_own_grid.tif",
    ]
    assert (told["year"], told["licence"], told["failed"]) == (2018, "CC-BY-4.0", [])
    assert told["source"] == published[0]
    for name, how in (("lcz_global.tif", "nearest"), ("lcz_global_own_grid.tif", "own grid")):
        with rasterio.open(inside / name) as src:
            tags = src.tags()
        assert (tags["YEAR"], tags["LICENCE"], tags["RESAMPLING"]) == ("2018", "CC-BY-4.0", how)
        assert "10.5194/essd-14-3835-2022" in tags["CITATION"]
        assert "no ground truth" in tags["NOTE"]
    lcz = open_lcz_map(inside / "lcz_global.tif")
    assert told["cells"] == int((lcz.values > 0).sum()) == lcz.size


def test_on_the_grid_of_the_scenes_it_lies_on_their_lcz_cells(published):
    grid = GeoBox((205, 310), Affine(10, 0, 466050, 0, -10, 5246030), "EPSG:32632")
    utm = geobox_of(open_global_map(ZURICH, grid=grid).utm)
    assert utm.shape == (21, 31)
    assert (utm.affine.c, utm.affine.f, utm.affine.a) == (466050, 5246030, 100)


def refuse(status: int, of: str, times: int = 10**6, **headers: str):
    def fault(handler, path, before):
        if path != of or before >= times:
            return False
        handler.set_status(status)
        for name, value in headers.items():
            handler.set_header(name.replace("_", "-"), value)
        handler.finish()
        return True

    return fault


@pytest.mark.parametrize(
    ("status", "said"), [(403, "HTTP 403"), (404, "HTTP 404"), (500, "HTTP 500")]
)
def test_what_one_address_refuses_the_next_one_gives(server, published, files, status, said):
    write_map(files / "zenodo.tif", made_up(1), Affine(STEP, 0, WEST, 0, -STEP, NORTH))
    server.fault = refuse(status, "cog.tif")
    found = open_global_map(ZURICH)
    assert found.facts["source"] == published[1]
    assert len(found.failed) == 1
    assert published[0] in found.failed[0]
    assert said in found.failed[0]
    server.fault = None
    np.testing.assert_array_equal(
        found.utm.values, open_global_map(ZURICH, published[1]).utm.values
    )


def test_a_busy_service_is_waited_for_as_it_asks(server, published):
    server.fault = refuse(
        429, "cog.tif", times=2, Retry_After="1"
    )  # GDAL's read, and the question why
    start = time.monotonic()
    found = open_global_map(ZURICH)
    assert found.facts["source"] == published[0]
    assert time.monotonic() - start >= 1
    assert found.failed == ()


def test_a_connection_that_is_cut_is_tried_again_and_gives_the_same(server, published):
    whole = open_global_map(ZURICH).own.values
    cuts = []

    def fault(handler, path, before):
        if len(cuts) < 2:
            cuts.append(path)
            handler.cut()
            return True
        return False

    server.fault = fault
    again = open_global_map(ZURICH, f"{published[0]}?again")
    assert len(cuts) == 2
    np.testing.assert_array_equal(again.own.values, whole)


def test_where_nothing_answers_it_says_what_was_tried_and_what_to_do(server, published):
    server.fault = lambda handler, path, before: refuse(503, path)(handler, path, before)
    with pytest.raises(ServiceError) as caught:
        open_global_map(ZURICH)
    told = str(caught.value)
    for part in (*published, "HTTP 503", "service is at fault", "--global-map FILE"):
        assert part in told
    assert told.count(". ") <= 1


def test_a_virtual_raster_in_place_of_the_map_is_not_opened(server, published, files):
    (files / "cog.tif").rename(files / "secret.tif")
    text = (
        f'<VRTDataset rasterXSize="{COLS}" rasterYSize="{ROWS}"><SRS>EPSG:4326</SRS>'
        f"<GeoTransform>{WEST}, {STEP}, 0, {NORTH}, 0, {-STEP}</GeoTransform>"
        f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{files}/secret.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    (files / "cog.tif").write_text(text)
    with pytest.raises(ServiceError, match=r"cog\.tif is no GeoTIFF or JPEG 2000"):
        open_global_map(ZURICH)
    assert (open_global_map(ZURICH, files / "secret.tif").own.values > 0).all()


def test_no_connection_is_told_as_that(monkeypatch):
    monkeypatch.setattr(faults, "PAUSE", 0.01)
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:9.*no connection.*or the network"):
        open_global_map(ZURICH, "http://127.0.0.1:9/lcz.tif")


def test_a_long_wait_ends_when_the_user_stops(server, published):
    server.fault = lambda handler, path, before: refuse(429, path, Retry_After="100")(
        handler, path, before
    )
    start = time.monotonic()
    with pytest.raises(Cancelled):
        open_global_map(ZURICH, cancelled=lambda: time.monotonic() - start > 1)
    assert time.monotonic() - start < 20


def test_a_users_own_file_is_read_and_a_wrong_one_refused(files, tmp_path):
    found = open_global_map(ZURICH, files / "cog.tif")
    assert (found.own.values > 0).all()
    with pytest.raises(InputError, match=r"nowhere\.tif.*give a GeoTIFF"):
        open_global_map(ZURICH, tmp_path / "nowhere.tif")
    cover = np.full((ROWS, COLS), 50, np.uint8)
    wrong = write_map(tmp_path / "cover.tif", cover, Affine(STEP, 0, WEST, 0, -STEP, NORTH))
    with pytest.raises(InputError, match="holds 50, and LCZ are 1 to 17"):
        open_global_map(ZURICH, wrong)
    metres = write_map(
        tmp_path / "utm.tif", made_up(), Affine(100, 0, 460000, 0, -100, 5260000), crs="EPSG:32632"
    )
    with pytest.raises(GridError, match="not in degrees"):
        open_global_map(ZURICH, metres)


def test_a_place_beyond_the_map_is_refused_and_half_of_one_is_empty_there(files):
    sea = Place("Sea", "", None, (20.0, 47.3, 20.2, 47.4), None, "test")
    with pytest.raises(InputError, match="has no class in Sea"):
        open_global_map(sea, files / "cog.tif")
    edge = Place("Edge", "", None, (WEST - 0.1, NORTH - 0.1, WEST + 0.1, NORTH + 0.1), None, "test")
    found = open_global_map(edge, files / "cog.tif").utm.values
    share = (found > 0).mean()
    assert share == pytest.approx(0.25, abs=0.02)


def test_a_place_across_180_degrees_has_both_sides(tmp_path):
    step = 0.0071  # 360 degrees are no whole number of cells
    cols = int(360 / step)
    codes = np.ones((120, cols), np.uint8)
    codes[:, cols // 2 :] = 2  # the east of the map
    codes[:, :20] = 3  # what lies right behind 180 degrees
    path = write_map(tmp_path / "world.tif", codes, Affine(step, 0, -180, 0, -step, -16.4))
    fiji = place_of("179.7,-17.0,-179.9,-16.7")
    found = open_global_map(fiji, path)
    utm = found.utm
    to_degrees = Transformer.from_crs(str(utm.odc.geobox.crs), 4326, always_xy=True)
    lon, _ = to_degrees.transform(*np.meshgrid(utm.x.values, utm.y.values))
    east, west = (lon > 0) & (lon < 180 - step), (lon < 0) & (lon > -180 + step)
    assert set(np.unique(utm.values[west])) == {3}
    assert set(np.unique(utm.values[east])) == {2}
    assert (utm.values == 0).mean() < 0.05  # the map ends a part of a cell before 180
    assert geobox_of(found.own).boundingbox.right > 180


NUMBER = "3110e623fbe4e73b1cde55f0e9832c4f5640ac21"


def submission(files: Path, page: str | None) -> None:
    bands = np.stack([made_up(1), made_up(2), np.full((ROWS, COLS), 50, np.uint8)])
    folder = files / "factsheets" / NUMBER
    write_map(folder / f"{NUMBER}.tif", bands, Affine(STEP, 0, WEST, 0, -STEP, NORTH))
    if page is not None:
        (folder / f"{NUMBER}_factsheet.html").write_text(page)


@pytest.mark.parametrize(
    ("page", "licence"),
    [
        ("<p>All data are distributed under the\n <a href='x'>CC BY-SA 4.0</a> license.</p>", "CC BY-SA 4.0"),
        ("<p>under the CC BY-NC-SA 4.0 license</p>", "CC BY-NC-SA 4.0"),
        ("<p>nothing</p>", "not stated in http"),
        (None, "not known: http"),
    ],
)  # fmt: skip
def test_a_submission_to_the_lcz_generator_is_its_filtered_map_under_its_own_licence(
    server, files, page, licence
):
    submission(files, page)
    found = open_generator_map(
        f"{server.root}/files/factsheets/{NUMBER}/{NUMBER}_factsheet.html", ZURICH,
        address=f"{server.root}/files",
    )  # fmt: skip
    assert found.facts["licence"].startswith(licence)
    col, row = ~Affine(STEP, 0, WEST, 0, -STEP, NORTH) * found.own.odc.geobox.affine * (0, 0)
    rows, cols = found.own.shape
    part = made_up(2)[round(row) : round(row) + rows, round(col) : round(col) + cols]
    np.testing.assert_array_equal(found.own.values, part)


def test_a_number_that_is_none_is_refused():
    with pytest.raises(InputError, match="40 digits"):
        open_generator_map("berlin", ZURICH)


@pytest.mark.parametrize("agent", ["lczlib"])
def test_it_says_who_asks(server, published, agent):
    seen = []
    server.fault = lambda handler, path, before: (
        seen.append(handler.request.headers["User-Agent"]) and False
    )
    open_global_map(ZURICH)
    assert set(seen) == {agent}


def test_hong_kong_of_the_stand_in_is_what_the_published_archive_has(shared):
    """Real classes: the stand-in is the map of the Pearl River Delta on the published map's grid."""
    path = shared / "stac/assets/lcz_filter_v3_standin.tif"
    kowloon = place_of("114.12,22.28,114.22,22.36")
    found = open_global_map(kowloon, path)
    shares = np.bincount(found.utm.values.ravel(), minlength=18) / found.utm.size
    assert shares[1] + shares[4] > 0.1  # high-rise
    assert shares[17] > 0.1  # the harbour


def test_the_command_gets_the_map_alone_with_its_terms_and_catalog_item(
    server, published, files, tmp_path, run_lcz, monkeypatch
):
    submission(files, "under the CC BY-SA 4.0 license")
    monkeypatch.setattr(global_map, "GENERATOR", f"{server.root}/files")
    box = ",".join(map(str, ZURICH.box))
    out = tmp_path / "zurich"
    code, text, error = run_lcz("get", box, "--what", "lcz", "--submission", NUMBER, "--out", out)
    assert code == 0, error
    assert "CC-BY-4.0" in text
    assert "CC BY-SA 4.0" in text
    assert "no ground truth" in text
    item = json.loads((out / "item.json").read_text())
    pystac.validation.validate_dict({**item, "stac_extensions": []})
    inside = "Reference/00000_00000_N474E85"
    names = ("lcz_global", "lcz_generator_3110e623")
    assert {p.stem for p in (out / inside).glob("*.tif")} == {
        f"{n}{g}" for n in names for g in ("", "_own_grid")
    }
    assert item["assets"]["lcz_global"]["href"] == f"./{inside}/lcz_global.tif"
    assert [m["licence"] for m in item["properties"]["published_maps"]] == [
        "CC-BY-4.0",
        "CC BY-SA 4.0",
    ]
    assert json.loads((out / "manifest.json").read_text())["parameters"]["what"] == ["lcz"]
    code, _, error = run_lcz("get", box, "--what", "none", "--out", tmp_path / "none")
    assert code == 2
    assert "name one or several of s2, lcz" in error
