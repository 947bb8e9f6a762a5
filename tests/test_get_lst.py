"""``lcz get --what lst``: surface temperature by dates, without clouds, for ``lcz uhi``."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from stac.lst import (
    BOX,
    CIRRUS,
    CLEAR,
    CLOUD,
    DILATED,
    FILL,
    INSIDE,
    OFFSET,
    SCALE,
    SHADOW,
    SNOW,
    kelvin,
    stored,
    write_landsat,
)

from lczlib.acquire import providers
from lczlib.acquire.lst_pixels import laid_together
from lczlib.acquire.lst_products import LANDSAT
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get import run
from lczlib.jobs.get_lst import find_lst
from lczlib.jobs.get_request import GetRequest
from lczlib.scenes.thermal import open_temperature
from lczlib.terms import worded

pytestmark = pytest.mark.usefixtures("hurried")

JULY = {"start": "2023-07-01", "end": "2023-07-31"}


def asked(service, **more) -> GetRequest:
    given = {"place": INSIDE, "what": ("lst",), "provider": service.api, **JULY}
    return GetRequest(**given | more)


def fetched(service, out, **more):
    result = run(asked(service, **more), out)
    result.write(out)
    return result


def bits(*parts: tuple[slice, slice, int]) -> np.ndarray:
    """QA_PIXEL: clear, and what parts of it are."""
    qa = np.full(BOX.shape, CLEAR)
    for rows, cols, bit in parts:
        qa[rows, cols] = bit
    return qa


def at(src, box: GeoBox = BOX) -> tuple[slice, slice]:
    """Where a raster lies in the pixels of a scene."""
    col, row = (round(v) for v in ~box.affine * (src.transform.c, src.transform.f))
    assert min(col, row) >= 0
    return slice(row, row + src.height), slice(col, col + src.width)


def test_what_is_no_clear_surface_is_told_apart_and_counted_once():
    dn = np.full((1, 8), 44000, np.uint16)
    dn[0, 6] = 0
    qa = np.array([[CLEAR, CLOUD | DILATED, CIRRUS, SHADOW | DILATED, DILATED, SNOW, CLEAR, FILL]])
    error = np.full((1, 8), 150, np.int16)
    values, sd, kinds = laid_together([(dn, qa, error)], LANDSAT)
    names = ["", *LANDSAT.lost]
    assert [names[k] for k in kinds[0]] == [
        "", "cloud", "cirrus", "shadow", "dilated", "snow", "no_temperature", "fill",
    ]  # fmt: skip
    assert values[0].tolist() == [44000, *[0] * 7]
    assert sd[0].tolist() == [150, *[-9999] * 7]


def test_of_two_scenes_of_a_pass_the_clear_one_counts_and_cloud_before_what_neither_shows():
    first = (
        np.uint16([[0, 40000, 40000]]),
        np.uint16([[FILL, CLOUD, CLEAR]]),
        np.int16([[-9999, 9, 9]]),
    )
    second = (
        np.uint16([[0, 41000, 41000]]),
        np.uint16([[CLOUD, CLEAR, CLEAR]]),
        np.int16([[-9999, 8, 8]]),
    )
    values, sd, kinds = laid_together([first, second], LANDSAT)
    assert values.tolist() == [[0, 41000, 40000]]
    assert sd.tolist() == [[-9999, 8, 9]]
    assert LANDSAT.lost[kinds[0, 0] - 1] == "cloud"


def test_dates_become_bands_as_stored_without_their_clouds_and_a_median_beside(
    stac_service, tmp_path
):
    days = [stored(kelvin(mean=m, seed=i)) for i, m in enumerate((300, 304, 296))]
    qa = bits((slice(0, 40), slice(0, 50), CLOUD), (slice(40, 50), slice(0, 50), SNOW))
    items = [
        write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", days[0], qa),
        write_landsat(tmp_path / "s", "2023-07-17T10:02:36Z", days[1], satellite=9, uncertainty=2.25),
        write_landsat(tmp_path / "s", "2023-07-18T09:56:00Z", days[2], path=192),
    ]  # fmt: skip
    out = tmp_path / "out"
    result = fetched(stac_service(items), out)
    with rasterio.open(out / "lst.tif") as src:
        here, found = at(src), src.read()
        assert src.units == ("K",) * 3
        assert (src.scales[0], src.offsets[0], src.nodata) == (SCALE, OFFSET, 0)
        assert src.descriptions == (
            "2023-07-09T10:02Z L8",
            "2023-07-17T10:02Z L9",
            "2023-07-18T09:56Z L8",
        )
        tags = [src.tags(i) for i in src.indexes]
        assert (src.crs.to_epsg(), src.transform.a) == (32633, 30)
    want = [day[here].copy() for day in days]
    want[0][(qa != CLEAR)[here]] = 0
    np.testing.assert_array_equal(found, want)
    assert [t["TIME"] for t in tags] == [
        "2023-07-09T10:02:30Z",
        "2023-07-17T10:02:36Z",
        "2023-07-18T09:56:00Z",
    ]
    assert [t["OVERPASS"] for t in tags] == ["day"] * 3
    assert [t["SOLAR_TIME"] for t in tags] == ["10:51", "10:50", "10:43"]
    with rasterio.open(out / "lst_uncertainty.tif") as src:
        error = src.read() * np.float64(src.scales[0])
    assert error[1].min() == pytest.approx(2.25)
    assert (error[0] < 0).sum() == (want[0] == 0).sum()
    with rasterio.open(out / "lst_median.tif") as src, rasterio.open(out / "lst_count.tif") as n:
        kept = np.where(np.array(want) == 0, np.nan, np.array(want, float))
        np.testing.assert_array_equal(src.read(1), np.rint(np.nanmedian(kept, axis=0)))
        np.testing.assert_array_equal(n.read(1), np.isfinite(kept).sum(0))
    rows = pd.read_csv(out / "lst_dates.csv")
    assert rows["date"].tolist() == ["2023-07-09", "2023-07-17", "2023-07-18"]
    assert rows["band"].tolist() == [1, 2, 3]
    assert rows["snow_share"][0] > 0
    assert rows["cloud_share"][1:].tolist() == [0, 0]
    item = json.loads((out / "item.json").read_text())
    told = item["properties"]["surface_temperature"]
    pixels = told["products"][0]["dates"][0]["pixels"]
    assert pixels["cloud"] + pixels["snow"] + pixels["valid"] == pixels["pixels"]
    assert any("LCZ 8 and 10" in text for text in told["limits"])
    assert any(
        "one overpass time, 10:43 to 10:51 local solar time" in text for text in told["limits"]
    )
    assert set(told["limits"]) <= set(result.cautions())
    assert {"lst", "lst_median", "lst_dates"} <= set(item["assets"])
    assert (
        item["properties"]["attribution"]
        == "Landsat-8/9 image courtesy of the U.S. Geological Survey."
    )
    assert not (out / ".get-lst").exists()
    assert "lst.tif" in json.dumps(json.loads((out / "manifest.json").read_text()))


def test_items_without_a_thermal_band_and_of_other_tiers_are_named_and_left_out(
    stac_service, tmp_path
):
    dn = stored(kelvin())
    items = [
        write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", dn),
        write_landsat(tmp_path / "s", "2023-07-25T10:02:30Z", dn, thermal=False),
        write_landsat(tmp_path / "s", "2023-07-11T10:02:30Z", dn, tier="T2", path=194),
        write_landsat(tmp_path / "s", "2023-07-12T10:02:30Z", np.zeros_like(dn), satellite=7, path=195),
        write_landsat(tmp_path / "s", "2023-07-26T10:02:30Z", dn, satellite=7, path=196),
    ]  # fmt: skip
    lone = {**items[0], "id": "LC08_L2SP_197023_20230713_02_T1", "assets": dict(items[0]["assets"])}
    del lone["assets"]["qa"]
    result = fetched(stac_service([*items, lone]), tmp_path / "out")
    (series,) = result.series
    assert [p.date.isoformat() for p in series.passes] == ["2023-07-09", "2023-07-26"]
    said = "\n".join(result.cautions())
    assert "1 item (LO08_L2SR_193023_20230725_02_T1): no thermal band (ST_B10 or ST_B6)" in said
    assert "1 item (LC08_L2SP_194023_20230711_02_T2): tier T2" in said
    assert "1 item (LC08_L2SP_197023_20230713_02_T1): ST_QA is missing" in said
    assert (
        "1 item (2023-07-12 L7): it has no clear pixel in the box: 100% are without surface temp"
        in said
    )
    left = json.loads((tmp_path / "out/item.json").read_text())["properties"]["surface_temperature"]
    assert "LO08_L2SR_193023_20230725_02_T1" in json.dumps(left["products"][0]["left_out"])
    with pytest.raises(
        InputError, match=r"no pass that can be used .* \(LO08_L2SR_\w+\), no thermal band"
    ):
        find_lst(asked(stac_service(items[1:2])))


def test_a_date_under_cloud_is_left_out_and_said_so(stac_service, tmp_path):
    dn = stored(kelvin())
    items = [
        write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", dn, bits((slice(0, 60), slice(None), CLOUD))),
        write_landsat(tmp_path / "s", "2023-07-25T10:02:30Z", dn),
    ]  # fmt: skip
    service, out = stac_service(items), tmp_path / "out"
    result = fetched(service, out)
    assert [p.date.day for p in result.series[0].passes] == [25]
    assert any(
        "cloud over more than 60% of what it shows (--max-cloud)" in worded(t)
        for t in result.cautions()
    )
    with rasterio.open(out / "lst.tif") as src:
        assert src.count == 1
    fetched(service, out, max_cloud=100)
    with rasterio.open(out / "lst.tif") as src:
        assert src.count == 2


def test_two_rows_of_a_path_are_one_date_and_seasons_have_files_of_their_own(
    stac_service, tmp_path
):
    upper, lower = stored(kelvin()), stored(kelvin(seed=1))
    upper[45:], lower[:35] = 0, 0
    qa = [np.where(dn == 0, FILL, CLEAR) for dn in (upper, lower)]
    items = [
        write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", upper, qa[0]),
        write_landsat(tmp_path / "s", "2023-07-09T10:02:54Z", lower, qa[1], row=24),
        write_landsat(tmp_path / "s", "2023-01-06T10:02:54Z", stored(kelvin(mean=270))),
    ]  # fmt: skip
    own = {
        "seasons": ("warm=2023-06-01..2023-08-31", "cold=2023-01-01..2023-02-28"),
        "start": "",
        "end": "",
    }
    out = tmp_path / "out"
    result = fetched(stac_service(items), out, **own)
    assert [f for _, f in result.files()] == ["lst_cold.tif", "lst_warm.tif"]
    with rasterio.open(out / "lst_warm.tif") as src:
        here = at(src)
        np.testing.assert_array_equal(src.read(1), np.where(upper > 0, upper, lower)[here])
        assert src.tags(1)["TIME"] == "2023-07-09T10:02:42Z"
    assert (out / "lst_cold_median.tif").is_file()


def test_a_stopped_run_is_taken_up_with_its_dates_to_the_same_bytes(stac_service, tmp_path):
    days = ("2023-07-09", "2023-07-17", "2023-07-25")
    items = [
        write_landsat(tmp_path / "s", f"{d}T10:02:30Z", stored(kelvin(seed=i))) for i, d in enumerate(days)
    ]  # fmt: skip
    service = stac_service(items)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    service.fault = lambda h, path, n: "20230717" in path and h.refuse(503)
    with pytest.raises(ServiceError, match="Finished parts are kept"):
        fetched(service, parts)
    service.fault = None
    kept = (parts / ".get-lst/lst_20230709T1002_L8_P193.tif").stat().st_mtime_ns
    all_items = service.items
    service.items = all_items[:2]  # what the service has by then does not count
    request = asked(service)
    with pytest.raises(InputError, match=r"was begun with --seasons"):
        run(asked(service, end="2023-07-30"), parts, resume=True)
    result = run(request, parts, resume=True)
    assert (parts / ".get-lst/lst_20230709T1002_L8_P193.tif").stat().st_mtime_ns == kept
    result.write(parts)
    service.items = all_items
    fetched(service, whole)
    for file in sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file()):
        if file.name != "manifest.json":
            assert (whole / file).read_bytes() == (parts / file).read_bytes(), file


def test_a_file_that_is_gone_leaves_its_date_out(stac_service, tmp_path):
    items = [
        write_landsat(tmp_path / "s", f"2023-07-{d:02d}T10:02:30Z", stored(kelvin()))
        for d in (9, 25)
    ]
    items[0]["assets"]["lwir11"]["href"] += ".gone"
    result = fetched(stac_service(items), tmp_path / "out")
    assert [p.date.day for p in result.series[0].passes] == [25]
    assert any("2023-07-09 L8): ST of LC08" in t and "is not there" in t for t in result.cautions())


def test_the_other_parts_of_a_folder_stay_and_another_run_is_not_left_beside(
    stac_service, tmp_path
):
    from lczlib.acquire.sections import write_section

    service, out = (
        stac_service([write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", stored(kelvin()))]),
        tmp_path / "o",
    )
    result = fetched(service, out)
    other = {"title": "Air", "files": ["air_temperature.csv"]}
    write_section(out, result.place, "air_temperature", other)
    fetched(service, out)
    item = json.loads((out / "item.json").read_text())
    assert {"surface_temperature", "air_temperature"} <= set(item["properties"])
    assert {"lst", "air_temperature"} <= set(item["assets"])
    own = {
        "seasons": ("warm=2023-06-01..2023-08-31", "cold=2023-01-01..2023-02-28"),
        "start": "",
        "end": "",
    }
    with pytest.raises(InputError, match=r"surface temperature .* from another run \(lst\.tif\)"):
        run(asked(service, **own), out)


def test_none_is_said_with_the_filter_that_removed_them(stac_service, tmp_path):
    service = stac_service(
        [write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", stored(kelvin()))]
    )
    with pytest.raises(
        InputError, match=r"none in the period 2023-08 .*; there are some on 2023-07-09"
    ):
        find_lst(asked(service, start="2023-08-01", end="2023-08-31"))
    with pytest.raises(InputError, match="has no collection landsat-c2l2-st; it has landsat-c2-l2"):
        find_lst(asked(service, collection="landsat-c2l2-st"))
    with pytest.raises(
        InputError, match=r"has no surface temperature of Landsat .* planetary-computer or earth"
    ):
        asked(service, provider="cdse")
    with pytest.raises(InputError, match="lies before Landsat's surface temperature"):
        asked(service, start="1981-01-01", end="1981-02-01")
    with pytest.raises(InputError, match="lies before Sentinel-2"):
        asked(service, what=("s2", "lst"), start="2014-01-01", end="2014-02-01")
    with pytest.raises(InputError, match="The seasons of 2012 lie before Sentinel-2"):
        asked(service, what=("s2", "lst"), start="", end="", year=2012)
    assert len(asked(service, start="", end="", year=2012).periods(50.0)) == 4
    with pytest.raises(InputError, match="Surface temperature of nothing is asked for"):
        asked(service, thermal=())
    with pytest.raises(InputError, match="more than the 0 MB that may be read"):
        run(asked(service), tmp_path / "out", most_mb=0.01)


def test_earth_search_asks_for_keys_of_ones_own_for_landsat_alone(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    service = providers.PROVIDERS["earth-search"]
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        service.of_lst.credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert service.of_lst.credentials()["AWS_REQUEST_PAYER"] == "requester"
    assert service.credentials() == {"AWS_NO_SIGN_REQUEST": "YES", "AWS_REGION": "us-west-2"}


def test_the_door_reads_a_date_with_its_time_its_error_and_the_clouds_that_are_gone(
    stac_service, tmp_path
):
    field = kelvin()
    qa = bits((slice(20, 40), slice(20, 60), CLOUD), (slice(60, 70), slice(40, 60), SHADOW))
    items = [
        write_landsat(tmp_path / "s", "2023-07-09T10:02:30Z", stored(field), qa, uncertainty=1.25),
        write_landsat(tmp_path / "s", "2023-07-25T10:02:30Z", stored(field + 2)),
    ]  # fmt: skip
    out = tmp_path / "out"
    fetched(stac_service(items), out)
    one = open_temperature(out / "lst.tif", band=1, fringe=0)
    with rasterio.open(out / "lst.tif") as src:
        here = at(src)
    want = np.where((qa == CLEAR)[here], field[here] - 273.15, np.nan)
    np.testing.assert_allclose(one.temperature.values, want, atol=0.01)
    assert str(one.time) == "2023-07-09T10:02:30"
    assert one.counts["cloud_or_poor"] == np.isnan(want).sum()
    assert one.counts["no_data"] == 0
    assert one.temperature.attrs["clouds"].startswith("QA_PIXEL (cloud, its rim and shadow")
    assert float(one.uncertainty.median()) == pytest.approx(1.25)
    two = open_temperature(out / "lst.tif", band="2023-07-25T10:02Z L8")
    assert str(two.time) == "2023-07-25T10:02:30"
    with pytest.raises(InputError, match="holds 2 times, 2023-07-09T10:02 to 2023-07-25T10:02"):
        open_temperature(out / "lst.tif")
    middle = open_temperature(out / "lst_median.tif")
    assert (middle.overpass, middle.time) == ("day", None)
