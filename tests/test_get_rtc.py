"""``lcz get --what s1-rtc``: passes of terrain-corrected Sentinel-1 as rasters of VV and VH in dB."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform
from stac.rtc import BOX, FILL, INSIDE, powers, write_rtc

from lczlib.acquire.rtc import RtcScene, passes_of
from lczlib.acquire.rtc_pixels import decibels, laid_together
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.get_rtc import find_rtc

pytestmark = pytest.mark.usefixtures("hurried")

CITY = "00000_00000_N335E1192"


def asked(service, **more) -> GetRequest:
    given = {
        "place": INSIDE, "what": ("s1-rtc",), "start": "2019-10-01", "end": "2019-10-31",
        "provider": service.api,
    }  # fmt: skip
    return GetRequest(**given | more)


def fetched(service, out, **more):
    result = run(asked(service, **more), out)
    result.write(out)
    return result


def raster(out, name: str) -> tuple[np.ndarray, dict, rasterio.DatasetReader]:
    (file,) = out.rglob(f"{name}.tif")
    with rasterio.open(file) as src:
        return src.read(), {**src.tags(), "bands": ", ".join(src.descriptions)}, src


def expected(src, *slices: tuple[np.ndarray, GeoBox]) -> np.ndarray:
    """Scenes on the grid of a raster, the first with powers in both bands; computed apart."""
    out = np.full((2, src.height, src.width), np.nan)
    for power, box in slices:
        col, row = (round(v) for v in ~src.transform * (box.affine.c, box.affine.f))
        for y in range(src.height):
            for x in range(src.width):
                r, c = y - row, x - col
                if (
                    not (0 <= r < box.shape[0] and 0 <= c < box.shape[1])
                    or out[0, y, x] == out[0, y, x]
                ):
                    continue
                both = power[:, r, c]
                if (both > 0).all():
                    out[:, y, x] = 10 * np.log10(both)
    return out


def test_powers_become_decibels_once_and_what_is_missing_is_counted():
    power = np.float32(
        [[[0.1, 0.0, FILL, 1e-6, -0.5, np.nan]], [[0.02, 0.02, 0.02, 1e-5, 0.02, FILL]]]
    )
    values, counts = decibels(power)
    np.testing.assert_allclose(values[:, 0, 0], [-10, -16.9897], atol=1e-4)
    assert np.isnan(values[:, 0, [1, 2, 4, 5]]).all()
    np.testing.assert_allclose(values[:, 0, 3], -40)
    assert dict(counts) == {"valid": 2, "fill": 2, "zero": 1, "negative": 1, "raised": 1}


def test_of_slices_the_first_with_powers_counts_and_a_zero_is_told_from_a_fill():
    first = np.float32([[[0.1, 0.0, FILL, 0.0]], [[0.1, 0.1, FILL, FILL]]])
    second = np.float32([[[0.2, 0.2, 0.0, FILL]], [[0.2, 0.2, 0.2, FILL]]])
    one = laid_together([first, second])
    np.testing.assert_array_equal(one[0, 0], np.float32([0.1, 0.2, 0.0, 0.0]))
    assert decibels(one)[1]["zero"] == 1


def test_slices_of_a_crossing_are_one_pass_and_no_others(tmp_path):
    def scene(when, **more):
        return RtcScene(write_rtc(tmp_path, when, powers(), **more))

    box = (119.1756, 33.4932, 119.1958, 33.5090)
    crossing = [scene("2019-10-06T23:59:50Z"), scene("2019-10-07T00:00:15Z", part="b")]
    scenes = [
        *crossing, scene("2019-10-18T23:59:50Z"), scene("2019-10-06T10:00:00Z", direction="descending", track=3),
        scene("2019-10-06T12:00:00Z", track=76),
        scene("2019-10-09T10:00:00Z", track=None), scene("2019-10-09T11:40:00Z", track=None),
    ]  # fmt: skip
    found = passes_of(scenes, box)
    assert [p.name for p in found] == [
        "rtc_20191006_S1A_T003", "rtc_20191006_S1A_T076", "rtc_20191006_S1A_T142", "rtc_20191009_S1A_1000",
        "rtc_20191009_S1A_1140", "rtc_20191018_S1A_T142",
    ]  # fmt: skip
    assert [s.id for s in found[2].scenes] == [s.id for s in crossing]
    assert all(p.covered == pytest.approx(1, abs=1e-6) for p in found)


def test_a_track_is_found_by_the_orbit_in_the_name_where_it_is_not_stated():
    name = "S1A_IW_GRDH_1SDV_20191215T004249_20191215T004314_030352_0378DC_rtc"
    assert RtcScene({"id": name, "properties": {}}).relative_orbit == (30352 - 73) % 175 + 1


def test_a_pass_becomes_one_raster_of_its_slices_in_decibels(stac_service, tmp_path):
    upper, lower = powers(seed=1), powers(seed=2)
    upper[:, 110:] = FILL
    lower[:, :100] = FILL
    lower[:, :, 150:] = 0  # a fringe that is not declared
    lower[0, 150, 60] = 1e-7
    items = [
        write_rtc(tmp_path / "s", "2019-10-06T10:05:25Z", lower),
        write_rtc(tmp_path / "s", "2019-10-06T10:05:00Z", upper, part="a"),
        write_rtc(tmp_path / "s", "2019-10-12T22:05:00Z", powers(seed=3), direction="descending", track=3),
    ]  # fmt: skip
    out = tmp_path / "out"
    result = fetched(stac_service(items), out)
    values, tags, src = raster(out, "rtc_20191006_S1A_T142")
    lower[0, 150, 60] = 1e-4  # the floor
    want = expected(src, (upper, BOX), (lower, BOX))
    np.testing.assert_allclose(values, want, atol=1e-4)
    assert np.isfinite(want).mean() > 0.5
    assert tags["bands"] == "VV, VH"
    assert np.isnan(src.nodata)
    assert src.dtypes == ("float32", "float32")
    assert tags["radiometry"] == "gamma nought, dB"
    assert tags["units"] == "dB"
    assert tags["orbit_direction"] == "ascending"
    assert tags["relative_orbit"] == "142"
    assert tags["time"] == "2019-10-06T10:05:00Z/2019-10-06T10:05:25Z"
    _, _, other = raster(out, "rtc_20191012_S1A_T003")
    assert (other.transform, other.shape, other.crs) == (src.transform, src.shape, src.crs)
    here = out / "Sentinel-1-rtc" / CITY
    assert [p.relative_to(here).as_posix() for p in sorted(here.rglob("*.tif"))] == [
        "ascending/rtc_20191006_S1A_T142.tif", "descending/rtc_20191012_S1A_T003.tif",
    ]  # fmt: skip
    said = " ".join(result.cautions())
    assert "1 pass of 2 show less than 99% of the box" in said
    assert (
        "hold 0 or less, which no echo has: taken as missing; most in rtc_20191006_S1A_T142" in said
    )
    assert "Below -40 dB in a band, under the noise, and raised to it: 1 pixel" in said


def test_the_folder_says_where_all_is_from_and_what_is_missing(stac_service, tmp_path):
    half = powers()
    half[:, :, 100:] = FILL
    out = tmp_path / "out"
    service = stac_service([write_rtc(tmp_path / "s", "2019-10-06T10:05:00Z", half)])
    fetched(service, out)
    item = json.loads((out / "item.json").read_text())
    radar = item["properties"]["radar_passes"]
    (one,) = radar["passes"]
    assert (radar["radiometry"], radar["units"]) == ("gamma nought", "dB")
    assert one["sat:relative_orbit"] == 142
    assert one["scenes"][0]["href"].startswith(service.api)
    assert one["covered_share"] == one["pixels"]["valid"] / one["pixels"]["pixels"]
    assert 0.3 < one["covered_share"] < 0.6
    assert (out / item["assets"]["rtc_20191006_S1A_T142"]["href"]).is_file()
    (row,) = pd.read_csv(out / "Sentinel-1-rtc" / CITY / "passes.csv").itertuples()
    assert (row.date, row.direction, row.relative_orbit) == ("2019-10-06", "ascending", 142)
    assert row.covered_share == pytest.approx(one["covered_share"])
    manifest = json.loads((out / "manifest.json").read_text())
    assert one["file"] in json.dumps(manifest)
    assert not (out / ".get-rtc").exists()


def test_a_scene_of_another_zone_is_put_on_the_grid_of_the_place(stac_service, tmp_path):
    from lczlib.acquire.rtc_folder import BANDS

    x, y = transform(BOX.crs, "EPSG:32651", [BOX.affine.c + 1200], [BOX.affine.f - 1000])
    corner = round(x[0] - 1700, -1), round(y[0] + 1700, -1)
    other = GeoBox((340, 340), Affine(10, 0, corner[0], 0, -10, corner[1]), "EPSG:32651")
    flat = np.stack([np.full(other.shape, v, np.float32) for v in (0.1, 0.02)])
    items = [
        write_rtc(tmp_path / "s", "2019-10-06T10:05:00Z", powers()),
        write_rtc(tmp_path / "s", "2019-10-18T10:05:00Z", flat, other),
    ]
    fetched(stac_service(items), tmp_path / "out")
    _, _, own = raster(tmp_path / "out", "rtc_20191006_S1A_T142")
    values, _, src = raster(tmp_path / "out", "rtc_20191018_S1A_T142")
    assert (src.crs, src.transform) == (own.crs, own.transform)
    assert src.crs.to_epsg() == 32650
    known = np.isfinite(values[0])
    assert known.mean() > 0.9
    for band, level in zip(range(len(BANDS)), (-10.0, -16.99), strict=True):
        np.testing.assert_allclose(values[band][known], level, atol=0.01)


def test_pixels_of_another_size_are_named_and_those_no_network_takes_are_left_out(
    stac_service, tmp_path
):
    def of(metres: float) -> GeoBox:
        n = round(2600 / metres)
        return GeoBox((n, n), Affine(metres, 0, BOX.affine.c, 0, -metres, BOX.affine.f), BOX.crs)

    items = [
        write_rtc(tmp_path / "s", f"2019-10-{day:02d}T10:05:00Z", powers(of(metres)), of(metres))
        for day, metres in ((6, 10), (12, 20), (18, 40), (30, 20))
    ]
    result = fetched(stac_service(items), tmp_path / "out")
    assert [p.name[4:12] for p in result.passes] == ["20191006", "20191012", "20191030"]
    said = "\n".join(result.cautions())
    assert "2 passes of 3 have pixels of 20 m, put on the grid of 10 m by nearest neighbour" in said
    assert (
        "the pass of 2019-10-18 ascending: its pixels are of 40 m, and the networks for water take 5 to 20 m"
        in said
    )
    values, tags, _ = raster(tmp_path / "out", "rtc_20191012_S1A_T142")
    assert tags["source_pixel_metres"] == "20"
    known = values[0][np.isfinite(values[0])]
    assert len(np.unique(known)) <= known.size / 3.5  # each pixel four times


def test_what_is_no_linear_power_or_cannot_be_read_is_left_out_and_named(stac_service, tmp_path):
    as_decibels = 10 * np.log10(powers())
    items = [
        write_rtc(tmp_path / "s", "2019-10-06T10:05:00Z", powers()),
        write_rtc(tmp_path / "s", "2019-10-12T10:05:00Z", as_decibels),
        write_rtc(tmp_path / "s", "2019-10-18T10:05:00Z", np.zeros_like(as_decibels)),
        write_rtc(tmp_path / "s", "2019-10-30T10:05:00Z", powers()),
        write_rtc(tmp_path / "s", "2019-10-24T10:05:00Z", powers(), **{"sat:orbit_state": None}),
    ]  # fmt: skip
    items[3]["assets"]["vh"]["href"] += ".gone"
    items.append({**items[0], "id": "hh", "assets": {"hh": items[0]["assets"]["vv"]}})
    result = fetched(stac_service(items), tmp_path / "out")
    assert [p.name for p in result.passes] == ["rtc_20191006_S1A_T142"]
    said = "\n".join(result.cautions())
    assert "the pass of 2019-10-12 ascending: its values are negative, as dB are" in said
    assert (
        "the pass of 2019-10-18 ascending: it holds no pixel of the box: all are no data or 0"
        in said
    )
    assert "the pass of 2019-10-30 ascending: VH of S1A" in said
    assert "is not there (HTTP 404)" in said
    assert "Left out, 1 scene: VV or VH is missing." in said
    assert "Left out, 1 scene: no direction is stated." in said


def test_none_is_said_with_the_filter_that_removed_them(stac_service, tmp_path):
    service = stac_service([write_rtc(tmp_path / "s", "2019-10-06T10:05:00Z", powers())])
    with pytest.raises(InputError, match=r"All 1 pass over the box .* are ascending"):
        find_rtc(asked(service, direction="descending"))
    with pytest.raises(
        InputError, match=r"none in the period 2019-11 .*; there are some on 2019-10-06"
    ):
        find_rtc(asked(service, start="2019-11-01", end="2019-11-30"))
    with pytest.raises(InputError, match="has no collection sentinel-1-grd; it has sentinel-1-rtc"):
        find_rtc(asked(service, collection="sentinel-1-grd"))
    with pytest.raises(
        InputError, match=r"has no terrain-corrected Sentinel-1 .* planetary-computer"
    ):
        asked(service, provider="earth-search")
    with pytest.raises(InputError, match="more than the 0 MB that may be read"):
        run(asked(service), tmp_path / "out", most_mb=0.01)
    assert not service.asked or all("vv" in a.path for a in service.asked)


def test_a_stopped_run_is_taken_up_with_its_passes_to_the_same_bytes(stac_service, tmp_path):
    days = ("2019-10-06", "2019-10-18", "2019-10-30")
    items = [
        write_rtc(tmp_path / "s", f"{d}T10:05:00Z", powers(seed=i)) for i, d in enumerate(days)
    ]
    service = stac_service(items)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    service.fault = lambda h, path, n: "20191018" in path and h.refuse(503)
    with pytest.raises(ServiceError, match="Finished parts are kept"):
        fetched(service, parts)
    service.fault = None
    kept = (parts / ".get-rtc/rtc_20191006_S1A_T142.tif").stat().st_mtime_ns
    all_items = service.items
    service.items = all_items[:2]  # what the service has by then does not count
    with pytest.raises(InputError, match="was begun with --direction any, not ascending"):
        run(asked(service, direction="ascending"), parts, resume=True)
    run(asked(service), parts, resume=True).write(parts)
    (first,) = parts.rglob("rtc_20191006*")
    assert first.stat().st_mtime_ns == kept
    service.items = all_items
    fetched(service, whole)
    for file in sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file()):
        if file.name != "manifest.json":
            assert (whole / file).read_bytes() == (parts / file).read_bytes(), file


def test_passes_of_another_run_or_place_are_not_left_beside(stac_service, tmp_path):
    items = [write_rtc(tmp_path / "s", f"2019-10-{d:02d}T10:05:00Z", powers()) for d in (6, 18)]
    service, out = stac_service(items), tmp_path / "out"
    fetched(service, out, end="2019-10-10")
    fetched(service, out)  # all of them, and more
    with pytest.raises(InputError, match=r"holds 2 passes of Sentinel-1 .* from another run"):
        run(asked(service, start="2019-10-10"), out)
    with pytest.raises(InputError, match="holds 2 passes of Sentinel-1"):  # of another box
        run(asked(service, place="119.18,33.494,119.186,33.50"), out)
    outline = tmp_path / "Elsewhere.geojson"
    outline.write_text(json.dumps(service.items[0]["geometry"]))
    with pytest.raises(InputError, match="give each place a folder of its own"):
        run(asked(service, place=str(outline)), out)
