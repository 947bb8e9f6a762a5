"""Composites of Sentinel-2 from STAC services: the same DN, whatever the service makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import Resampling, reproject
from stac.scenes import PROVIDERS, as_stored, clear_sky, town, write_scene
from stac.server import Service, serve

from lczlib.errors import InputError
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_result import GetResult
from lczlib.scenes.bands import BANDS
from lczlib.scenes.sentinel2 import open_sentinel2
from lczlib.scenes.sources import at_level, open_scenes

BOX = GeoBox((200, 240), Affine(10, 0, 384_040, 0, -10, 5_820_320), "EPSG:32633")
INSIDE = "13.295,52.506,13.320,52.519"
DAY = "2024-07-01"


@pytest.fixture
def start():
    """Start services that end with the test."""
    stops = []

    def begin(folder: Path, items: list[dict]) -> Service:
        running, stop = serve(folder, items)
        stops.append(stop)
        return running

    yield begin
    for stop in stops:
        stop()


def fetched(service: Service, out: Path, **more) -> GetResult:
    given = {"place": INSIDE, "start": "2024-07-01", "end": "2024-07-31", "provider": service.api}
    result = run(GetRequest(**given | more), out)
    result.write(out)
    return result


def layer(out: Path, pattern: str) -> tuple[np.ndarray, GeoBox]:
    with rasterio.open(next(out.glob(f"Sentinel-2/*/*/{pattern}"))) as src:
        box = GeoBox(src.shape, src.transform, str(src.crs))
        return src.read(), box


def composite_of(out: Path) -> tuple[np.ndarray, GeoBox]:
    return layer(out, "[0-9]*_*.tif")


def on(box: GeoBox, values: np.ndarray, own: GeoBox = BOX) -> np.ndarray:
    """Values of a grid on another one of the same pixels, 0 where there are none."""
    out = np.zeros((len(values), *box.shape), np.int64)
    col, row = (round(v) for v in ~own.affine * (box.affine.c, box.affine.f))
    y, x = (np.arange(n) + at for n, at in zip(box.shape, (row, col), strict=True))
    ok_y, ok_x = (y >= 0) & (y < own.shape[0]), (x >= 0) & (x < own.shape[1])
    out[:, np.ix_(ok_y, ok_x)[0], np.ix_(ok_y, ok_x)[1]] = values[:, y[ok_y]][:, :, x[ok_x]]
    return out


def scenes_told(out: Path) -> list[dict]:
    (season,) = json.loads((out / "item.json").read_text())["properties"]["seasons"].values()
    return [s for d in season["days"] for s in d["scenes"]]


def left_out(out: Path) -> dict[str, str]:
    (season,) = json.loads((out / "item.json").read_text())["properties"]["seasons"].values()
    return {d["date"]: d["why"] for d in season["days_not_used"]}


def check_town(out: Path, dn: np.ndarray, least: float = 0.9) -> None:
    values, box = composite_of(out)
    valid = (values > 0).all(0)
    assert valid.mean() > least
    assert np.abs(values - on(box, as_stored(dn)))[:, valid].max() <= 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_layouts_give_the_same_reflectance_to_one_dn(provider, start, tmp_path):
    dn = town(BOX)
    item = write_scene(tmp_path / "s", provider, "a", f"{DAY}T10:10:29Z", dn, clear_sky(BOX), BOX)
    service = start(tmp_path / "s", [item])
    fetched(service, tmp_path / "out")
    check_town(tmp_path / "out", dn)
    values, box = composite_of(tmp_path / "out")
    assert values.dtype == np.uint16
    assert round(box.affine.c - BOX.affine.c) % 10 == 0  # on the scene's own pixels
    with rasterio.open(next((tmp_path / "out").glob("Sentinel-2/*/*/[0-9]*_*.tif"))) as src:
        assert src.nodata == 0
        assert src.descriptions == BANDS
    # a whole file is answered with 200, also where it is asked for as a range
    parts = [a for a in service.asked if 0 < a.last < (tmp_path / "s" / a.path).stat().st_size - 1]
    assert len(parts) >= 4
    assert {a.status for a in parts} == {206}
    (told,) = scenes_told(tmp_path / "out")
    assert told["offset"] == (0 if provider == "es" else -1000)
    assert told["offset_why"]
    assert told["baseline"] == 5.11


def test_an_item_that_lies_about_its_offset_is_found_out(start, tmp_path):
    dn = town(BOX)
    item = write_scene(
        tmp_path / "s", "es", "lie", f"{DAY}T10:10:29Z", dn, clear_sky(BOX), BOX, lie=True
    )
    fetched(start(tmp_path / "s", [item]), tmp_path / "out")
    check_town(tmp_path / "out", dn)
    (told,) = scenes_told(tmp_path / "out")
    assert told["offset"] == 0
    assert "by its dark pixels" in told["offset_why"]


def test_an_item_that_says_its_offset_is_gone_while_it_is_there_is_refused(start, tmp_path):
    dn = town(BOX)
    item = write_scene(
        tmp_path / "s", "es", "other", f"{DAY}T10:10:29Z", dn, clear_sky(BOX), BOX, stored=1000
    )
    service = start(tmp_path / "s", [item])
    with pytest.raises(
        InputError, match=r"no pixel of it is dark .* as if the offset were still in"
    ):
        fetched(service, tmp_path / "out")
    fetched(service, tmp_path / "out", offsets="stated")
    values, _ = composite_of(tmp_path / "out")
    assert np.percentile(values[values > 0], 1) > 1000


def test_baselines_before_and_after_the_offset_make_one_season(start, tmp_path):
    dn = town(BOX)
    items = [
        write_scene(
            tmp_path / "s", "pc", f"n{b}-{d}", f"2024-07-{d}T10:10:29Z", dn, clear_sky(BOX), BOX, baseline=b
        )
        for d, b in (("01", "03.01"), ("06", "05.11"), ("11", "03.01"), ("16", "05.09"))
    ]  # fmt: skip
    fetched(start(tmp_path / "s", items), tmp_path / "out")
    check_town(tmp_path / "out", dn)
    assert [s["offset"] for s in scenes_told(tmp_path / "out")] == [0, -1000, 0, -1000]


def test_one_scene_that_lies_an_offset_apart_from_the_others_is_left_out(start, tmp_path):
    """Bright ground hides an offset from the dark pixels; the other days of the place do not."""
    bright = (town(BOX) // 4 + 2000).astype(np.uint16)
    items = [
        write_scene(
            tmp_path / "s", "pc", f"d{d}", f"2024-07-{d}T10:10:29Z", bright, clear_sky(BOX), BOX,
            stored=0 if d == "11" else 1000,
        )
        for d in ("01", "06", "11", "16")
    ]  # fmt: skip
    fetched(start(tmp_path / "s", items), tmp_path / "out")
    assert "an offset of 1,000 DN away" in left_out(tmp_path / "out")["2024-07-11"]
    check_town(tmp_path / "out", bright)


def test_the_grids_own_zone_comes_first_and_no_zero_shows_at_the_seam(start, tmp_path):
    dn = town(BOX)
    other = GeoBox.from_bbox(
        BOX.extent.to_crs("EPSG:32632").boundingbox, resolution=20, crs="EPSG:32632"
    )
    other = other.zoom_out(0.5)
    warped = np.zeros((10, *other.shape), np.uint16)
    reproject(
        dn, warped, src_transform=BOX.affine, src_crs=str(BOX.crs), dst_transform=other.affine,
        dst_crs=str(other.crs), src_nodata=0, dst_nodata=0, resampling=Resampling.bilinear,
    )  # fmt: skip
    scl = np.where(warped[0] > 0, 5, 0).astype(np.uint8)
    own = dn.copy()
    own[:, :, :100] = 0  # the neighbour alone has the west
    own_scl = clear_sky(BOX)
    own_scl[:, :100] = 0
    when = f"{DAY}T10:10:29Z"
    items = [
        write_scene(tmp_path / "s", "pc", "A-T32UQD", when, warped, scl, other, tile="32UQD"),
        write_scene(tmp_path / "s", "pc", "B-T33UUU", when, own, own_scl, BOX),
    ]
    fetched(start(tmp_path / "s", items), tmp_path / "out", dilation=0)
    values, box = composite_of(tmp_path / "out")
    want = on(box, as_stored(dn))
    seen = on(box, np.ones((1, *BOX.shape)))[0] > 0
    native = on(box, np.broadcast_to(own_scl == 5, (1, *BOX.shape)))[0] > 0
    assert np.abs(values - want)[:, native].max() <= 1
    inner = seen & on(
        box, np.pad(np.ones((1, *[n - 8 for n in BOX.shape])), ((0, 0), (4, 4), (4, 4)))
    )[0].astype(bool)
    assert (values[:, inner] > 0).all()
    there = np.abs(values - want)[:, inner & ~native].mean()
    for shift in ((0, 2), (2, 0), (-2, 0), (0, -2)):  # resampled, and of the right place
        assert (
            there < 0.6 * np.abs(values - np.roll(want, shift, (1, 2)))[:, inner & ~native].mean()
        )


def test_a_pixel_that_is_clear_on_no_day_holds_no_data_and_is_counted(start, tmp_path):
    dn = town(BOX)
    skies = [clear_sky(BOX) for _ in range(3)]
    for sky in skies:
        sky[100:140, 100:140] = 9
    skies[0][:, 160:] = 3
    items = [
        write_scene(tmp_path / "s", "pc", f"d{i}", f"2024-07-0{i + 1}T10:10:29Z", dn, sky, BOX)
        for i, sky in enumerate(skies)
    ]
    result = fetched(start(tmp_path / "s", items), tmp_path / "out", dilation=0)
    values, box = composite_of(tmp_path / "out")
    count = layer(tmp_path / "out", "clear_count.tif")[0][0]
    want = on(box, np.stack([sum((s == 5).astype(int) for s in skies)]))[0]
    assert (count == want).all()
    assert ((values == 0).all(0) == (count == 0)).all()
    assert any("clear on no day hold no data" in c for c in result.cautions())
    check_town(tmp_path / "out", dn, least=0.7)


def test_what_is_masked_has_a_rim_and_class_7_is_kept(start, tmp_path):
    sky = clear_sky(BOX)
    sky[100, 100] = sky[101, 100] = sky[100, 101] = sky[101, 101] = 8
    sky[20:60, 20:60] = 7
    item = write_scene(tmp_path / "s", "pc", "a", f"{DAY}T10:10:29Z", town(BOX), sky, BOX)
    fetched(start(tmp_path / "s", [item]), tmp_path / "out", dilation=40)
    count, box = layer(tmp_path / "out", "clear_count.tif")
    clear = on(BOX, count, box)[0]
    assert clear[40:60, 40:60].all()
    gone = np.argwhere(clear[60:140, 60:140] == 0) + 60
    # two pixels of the classification (20 m) to each side of the one that is cloud
    assert (gone.min(0).tolist(), gone.max(0).tolist()) == ([96, 96], [105, 105])
    assert len(gone) == 13 * 4


def test_valid_values_are_raised_to_1_and_never_to_the_fill(start, tmp_path):
    dn = town(BOX)
    dn[9, 50:60, 50:60] = 0  # of one band: not missing, but black (water in the infrared)
    item = write_scene(
        tmp_path / "s", "pc", "a", f"{DAY}T10:10:29Z", dn, clear_sky(BOX), BOX, baseline="03.01"
    )
    fetched(start(tmp_path / "s", [item]), tmp_path / "out")
    values, box = composite_of(tmp_path / "out")
    there = on(BOX, values, box)[:, 50:60, 50:60]
    assert (there[9] == 1).all()
    assert (there > 0).all()
    (season,) = json.loads((tmp_path / "out/item.json").read_text())["properties"][
        "seasons"
    ].values()
    assert season["values_raised_to_1"] == 100


def test_the_medians_are_those_of_numpy_and_of_their_definition(start, tmp_path):
    days = [town(BOX, seed) for seed in range(5)]
    items = [
        write_scene(
            tmp_path / "s", "pc", f"d{i}", f"2024-07-0{i + 1}T10:10:29Z", dn, clear_sky(BOX), BOX
        )
        for i, dn in enumerate(days)
    ]
    service = start(tmp_path / "s", items)
    fetched(service, tmp_path / "m", composite="median", haze=0)
    values, box = composite_of(tmp_path / "m")
    valid = (values > 0).all(0)
    stored = np.stack([on(box, as_stored(d)) for d in days])
    assert np.abs(values - np.median(stored, axis=0))[:, valid].max() <= 0.5
    fetched(service, tmp_path / "g", haze=0)
    values, _ = composite_of(tmp_path / "g")

    def distances(point: np.ndarray) -> np.ndarray:
        """Sum of the distances of a point to the days, which the geometric median makes least."""
        return np.sqrt(((stored - point) ** 2).sum(1)).sum(0)

    least = distances(values.astype(float))
    for other in (np.median(stored, axis=0), stored.mean(0), *stored.astype(float)):
        assert (least <= distances(other) + 1)[valid].all()


def test_a_bright_roof_that_is_always_taken_for_cloud_is_flagged(start, tmp_path):
    sky = clear_sky(BOX)
    sky[100:110, 100:110] = 9
    items = [
        write_scene(
            tmp_path / "s", "pc", f"d{i}", f"2024-07-0{i + 1}T10:10:29Z", town(BOX), sky, BOX
        )
        for i in range(5)
    ]
    result = fetched(start(tmp_path / "s", items), tmp_path / "out", dilation=0)
    flags, box = layer(tmp_path / "out", "often_masked.tif")
    assert (on(BOX, flags, box)[0].astype(bool) == (sky == 9)).all()
    assert any("as bright roofs are" in c for c in result.cautions())


def test_the_folder_says_level_and_median_day_to_those_who_read_it(start, tmp_path):
    skies = [clear_sky(BOX) for _ in range(3)]
    skies[0][:, 40:] = 9
    items = [
        write_scene(tmp_path / "s", "pc", f"d{i}", f"2024-07-{d}T10:10:29Z", town(BOX), sky, BOX)
        for i, (d, sky) in enumerate(zip(("01", "11", "21"), skies, strict=True))
    ]
    fetched(start(tmp_path / "s", items), tmp_path / "out")
    city = open_scenes([tmp_path / "out"])
    (scene,) = city.seasons.values()
    assert city.name == "00000_00000_N525E133"
    assert list(city.seasons) == ["2024-07"]
    assert (scene.attrs["level"], scene.attrs["date"]) == ("L2A", "2024-07-11")
    assert at_level(scene, "L1C").attrs["level"] == "L1C"  # an atmosphere is put back unasked
    file = next((tmp_path / "out").glob("Sentinel-2/*/*/*_2024-07.tif"))
    assert open_sentinel2(file).attrs["offset"] == 0


def test_bands_of_the_top_of_the_atmosphere_take_the_classification_of_the_same_pass(
    start, tmp_path
):
    top, surface, other = town(BOX, 1), town(BOX, 2), town(BOX, 3)
    sky = clear_sky(BOX)
    sky[100:140, 100:140] = 9
    items = [
        write_scene(tmp_path / "s", "cdse", "S2B_MSIL2A_x", f"{DAY}T10:10:29Z", surface, sky, BOX),
        write_scene(
            tmp_path / "s",
            "pc",
            "S2B_MSIL1C_x",
            f"{DAY}T10:10:31Z",
            top,
            sky,
            BOX,
            baseline="03.01",
        ),
        write_scene(tmp_path / "s", "pc", "S2B_MSIL1C_y", "2024-07-09T10:10:31Z", other, sky, BOX),
    ]
    for item in items[1:]:
        item["collection"] = "sentinel-2-l1c"
        del item["assets"]["SCL"]
    service = start(tmp_path / "s", items)
    fetched(service, tmp_path / "out", level="L1C", dilation=0)
    values, box = composite_of(tmp_path / "out")
    valid = (values > 0).all(0)
    assert np.abs(values - on(box, as_stored(top)))[:, valid].max() <= 1
    assert (on(BOX, values, box)[:, sky == 9] == 0).all()
    (told,) = scenes_told(tmp_path / "out")
    assert (told["id"], told["collection"], told["offset"]) == ("S2B_MSIL1C_x", "sentinel-2-l1c", 0)
    (scene,) = open_scenes([tmp_path / "out"]).seasons.values()
    assert scene.attrs["level"] == "L1C"
    with pytest.raises(
        InputError, match="has no --level L1C that can be read: choose --provider cdse"
    ):
        GetRequest(place="Berlin", level="L1C")


def test_the_item_is_one_that_stac_knows(start, tmp_path):
    import pystac

    item = write_scene(
        tmp_path / "s", "pc", "a", f"{DAY}T10:10:29Z", town(BOX), clear_sky(BOX), BOX
    )
    service = start(tmp_path / "s", [item])
    fetched(service, tmp_path / "out")
    read = pystac.Item.from_file(tmp_path / "out" / "item.json")
    for asset in read.assets.values():
        assert (tmp_path / "out" / asset.href).is_file()
    assert "Copernicus Sentinel data 2024" in read.properties["attribution"]
    assert read.properties["license"]
    (told,) = scenes_told(tmp_path / "out")
    assert told["href"] == f"{service.api}/collections/sentinel-2-l2a/items/a"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["command"] == "get"
    assert manifest["parameters"]["place"] == INSIDE
    assert len(manifest["outputs"]) == 4
