"""Passes of Sentinel-1 that ``lcz get`` fetched, in the commands: listed, checked, mapped for water, not for LCZ."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from stac.rtc import BOX, FILL, INSIDE, powers, write_rtc
from stac.scenes import clear_sky, town, write_scene
from stac.server import serve

from lczlib.acquire import providers
from lczlib.errors import InputError
from lczlib.jobs.water import WaterRequest
from lczlib.scenes import open_sentinel1_rasters

OCTOBER = ("--start", "2019-10-01", "--end", "2019-10-31")


@pytest.fixture
def both_ways(stac_service, tmp_path):
    items = [
        write_rtc(tmp_path / "s", f"2019-10-{d:02d}T10:05:00Z", powers(seed=d)) for d in (6, 18)
    ]
    items.append(
        write_rtc(tmp_path / "s", "2019-10-12T22:05:00Z", powers(seed=3), direction="descending", track=3)
    )  # fmt: skip
    return stac_service(items)


def get(run_lcz, service, *more):
    return run_lcz("get", INSIDE, "--what", "s1-rtc", *OCTOBER, "--provider", service.api, *more)


def test_a_list_of_passes_reads_no_file(both_ways, tmp_path, run_lcz):
    code, out, err = get(run_lcz, both_ways, "--list", "--out", tmp_path / "list")
    assert code == 0, err
    assert "3 passes of Sentinel-1 (RTC)" in out
    assert "2 ascending, 1 descending, of 2 tracks, about" in out
    assert not both_ways.asked
    (table,) = (tmp_path / "list").rglob("passes.csv")
    rows = table.read_text().splitlines()
    assert rows[0].startswith("date,time,direction,relative_orbit,covered_share,megabytes")
    assert [r[:10] for r in rows[1:]] == ["2019-10-06", "2019-10-12", "2019-10-18"]


def test_a_check_searches_and_reads_a_little(both_ways, tmp_path, run_lcz):
    code, out, err = get(run_lcz, both_ways, "--check", "--out", tmp_path)
    assert code == 0, err
    told = (tmp_path / "check.csv").read_text()
    assert "3 passes of 2 tracks, the last rtc_20191018_S1A_T142; licence other" in told
    assert "in the middle VV -10.4 dB, VH -17.4 dB" in told
    assert "sentinel-2" not in told
    assert "1 of 1 services can be used" in out


def test_tokens_are_asked_for_the_collection_and_a_refusal_names_the_key(
    both_ways, tmp_path, run_lcz, monkeypatch
):
    service = providers.Provider(
        "planetary-computer", "Signed", both_ways.api, token=f"{both_ways.api}/token/{{collection}}",
        key="PC_SDK_SUBSCRIPTION_KEY", rtc=providers.RTC_COLLECTION,
    )  # fmt: skip
    monkeypatch.setitem(providers.PROVIDERS, "planetary-computer", service)
    words = ("get", INSIDE, "--what", "s1-rtc", *OCTOBER, "--out")
    code, _, err = run_lcz(*words, tmp_path / "one")
    assert code == 0, err
    assert both_ways.asked
    assert all(a.query == "sig=0" for a in both_ways.asked)
    gone = providers.Provider(
        **{**vars(service), "token": f"{both_ways.api}/search?refuse={{collection}}"}
    )
    monkeypatch.setitem(providers.PROVIDERS, "planetary-computer", gone)
    both_ways.search_fault = lambda h, n: "refuse" in h.request.query and h.refuse(401)
    code, _, err = run_lcz(*words, tmp_path / "two")
    assert code == 1
    assert "refuses access to these files (HTTP 401): they need an account" in err
    assert "PC_SDK_SUBSCRIPTION_KEY" in err


def test_water_takes_the_passes_of_its_orbit_from_the_whole_folder(both_ways, tmp_path, run_lcz):
    out = tmp_path / "place"
    code, printed, err = get(run_lcz, both_ways, "--out", out)
    assert code == 0, err
    assert f"lcz water {out} --orbit as --every month --figures --out {out}-water-as" in printed
    assert f"lcz water {out} --orbit des" in printed
    request = WaterRequest(inputs=out, orbit="as", every="month")
    assert request.names() == ["rtc_20191006_S1A_T142", "rtc_20191018_S1A_T142"]
    assert WaterRequest(inputs=out, orbit="des").names() == ["rtc_20191012_S1A_T003"]
    one = next(out.rglob("rtc_20191006*"))
    with pytest.raises(InputError, match=r"is of an ascending pass by its tags.*give --orbit as"):
        WaterRequest(inputs=one, orbit="des").scenes()
    with pytest.raises(InputError, match=r"All scenes in .* are descending: give --orbit des"):
        WaterRequest(inputs=next(out.rglob("descending")), orbit="as")
    code, printed, _ = get(run_lcz, both_ways, "--out", out, "--resume")
    assert "are finished" in printed


def test_no_network_of_lcz_reads_them(both_ways, tmp_path, run_lcz):
    out = tmp_path / "place"
    get(run_lcz, both_ways, "--direction", "descending", "--out", out)
    (file,) = out.rglob("*.tif")
    with pytest.raises(InputError, match="holds gamma nought by its tags, and So2Sat's network"):
        open_sentinel1_rasters([file])
    code, _, err = run_lcz("map", out, "--out", tmp_path / "map")
    assert code == 1
    assert "cannot be mapped to LCZ: it holds detected backscatter (VV, VH)" in err


def test_passes_beside_composites_lie_on_their_grid(stac_service, tmp_path, run_lcz):
    wide = GeoBox((220, 260), BOX.affine, BOX.crs)
    items = [write_rtc(tmp_path / "s", "2019-10-06T10:05:00Z", powers())]
    items.append(
        write_scene(
            tmp_path / "s", "pc", "S2B_MSIL2A_20191007T025549_R032_T50SQC", "2019-10-07T02:55:49Z", town(wide),
            clear_sky(wide), wide, tile="50SQC",
        )
    )  # fmt: skip
    service, together, apart = stac_service(items), tmp_path / "together", tmp_path / "apart"
    words = ("get", INSIDE, *OCTOBER, "--provider", service.api)
    code, _, err = run_lcz(*words, "--what", "s2,s1-rtc", "--out", together)
    assert code == 0, err
    for what in ("s2", "s1-rtc"):
        code, _, err = run_lcz(*words, "--what", what, "--out", apart)
        assert code == 0, err
    grids = set()
    for file in (*together.rglob("*2019-10.tif"), *together.rglob("rtc_*"), *apart.rglob("rtc_*")):
        with rasterio.open(file) as src:
            grids.add((src.crs.to_epsg(), src.transform, src.shape))
    assert len(grids) == 1
    for folder in (together, apart):
        item = json.loads((folder / "item.json").read_text())
        assert {"seasons", "radar_passes"} <= set(item["properties"])
        assert {"2019-10", "rtc_20191006_S1A_T142"} <= set(item["assets"])
        assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_an_item_that_states_neither_orbit_nor_track_is_read_pixel_by_pixel(
    shared, tmp_path, run_lcz
):
    """Of the layout that the reference data has, with real backscatter."""
    files = shared / "stac/assets"
    lines = (
        (shared / "stac/items_pc.ndjson")
        .read_text()
        .replace("http://127.0.0.1:8765/assets", "{root}/files")
    )
    items = [
        i
        for i in map(json.loads, lines.splitlines())
        if i["collection"] == providers.RTC_COLLECTION
    ]
    service, stop = serve(files, items)
    try:
        code, _, err = run_lcz(
            "get", "119.175,33.490,119.199,33.510", "--what", "s1-rtc", *OCTOBER, "--provider", service.api, "--out",
            tmp_path,
        )  # fmt: skip
    finally:
        stop()
    assert code == 0, err
    (file,) = tmp_path.rglob("rtc_20191006_S1A_1005.tif")
    with rasterio.open(file) as src, rasterio.open(files / "s1rtc/vh.tif") as source:
        col, row = (round(v) for v in ~source.transform * (src.transform.c, src.transform.f))
        rows, cols = min(src.height, source.height - row), min(src.width, source.width - col)
        want = 10 * np.log10(source.read(1)[row : row + rows, col : col + cols].astype(float))
        found = src.read(2)[:rows, :cols]
        assert src.tags()["relative_orbit"] == "unknown"
    assert min(col, row) >= 0
    np.testing.assert_allclose(found, want, atol=1e-4)


@pytest.fixture
def rising(shared, stac_service, tmp_path):
    """Real pixels of one day, as six days of half a year, with a made-up lake that grows, and a cut-off scene."""
    bands = []
    for band in ("vv", "vh"):
        with rasterio.open(shared / f"stac/assets/s1rtc/{band}.tif") as src:
            bands.append(src.read(1))
            box = GeoBox(src.shape, src.transform, str(src.crs))
    y, x = np.mgrid[: box.shape[0], : box.shape[1]]
    items = []
    for month in range(1, 7):
        power, draw = np.stack(bands), np.random.default_rng(month)
        lake = np.hypot(y - 90, x - 150) < 15 + 6 * month
        for values, level in zip(power, (-21.0, -27.5), strict=True):
            values[lake] = 10 ** (level / 10) * draw.gamma(4.4, 1 / 4.4, int(lake.sum()))
        if month == 3:
            power[:, :, :60] = 0
        if month == 5:
            power[:, 200:] = FILL
        items.append(write_rtc(tmp_path / "s", f"2019-{month:02d}-06T10:05:00Z", power, box))
    return stac_service(items), items[0]["bbox"]


@pytest.mark.slow
def test_a_half_year_of_water_comes_of_two_commands(rising, tmp_path, mirror, run_lcz):
    service, (west, south, east, north) = rising
    place = f"{west + 0.0005},{south + 0.0008},{east - 0.0005},{north - 0.0008}"
    out, water = tmp_path / "place", tmp_path / "water"
    code, _, err = run_lcz(
        "get", place, "--what", "s1-rtc", "--start", "2019-01-01", "--end", "2019-06-30", "--provider",
        service.api, "--out", out,
    )  # fmt: skip
    assert code == 0, err
    assert "2 passes of 6 show less than 99% of the box" in err
    code, _, err = run_lcz(
        "water", out, "--orbit", "as", "--every", "month", "--figures", "--device", "cpu", "--out", water
    )  # fmt: skip
    assert code == 0, err
    assert err.count("On which one GMNet was trained is stated nowhere") == 1
    assert err.count("as dark as open water but not mapped") <= 1
    months = json.loads((water / "water.json").read_text())["series"]["months"]
    assert [m["month"] for m in months] == [f"2019-{m:02d}" for m in range(1, 7)]
    areas = [m["area_km2"] for m in months]
    assert areas == sorted(areas)
    for month, area in enumerate(areas, start=1):
        assert area == pytest.approx(np.pi * (0.15 + 0.06 * month) ** 2, rel=0.2)
    assert months[2]["valid_share"] < 0.9
    for name in ("water_monthly_maps", "water_monthly_area", "water_occurrence"):
        assert (water / f"{name}.png").stat().st_size > 10_000
