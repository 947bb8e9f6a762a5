"""What is asked for and what comes of it: days of the place, folders, values at the edges of scenes."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from stac.scenes import as_stored, clear_sky, town, write_scene

from lczlib.acquire import seasons
from lczlib.acquire.choose import chosen
from lczlib.acquire.folder import median_date
from lczlib.errors import InputError
from lczlib.jobs import get_days
from lczlib.jobs.get import run
from lczlib.jobs.get_days import find
from lczlib.jobs.get_request import GetRequest

BOX = GeoBox((200, 240), Affine(10, 0, 384_040, 0, -10, 5_820_320), "EPSG:32633")
INSIDE = "13.295,52.506,13.320,52.519"
FIJI = GeoBox((120, 120), Affine(10, 0, 800_020, 0, -10, 8_163_020), "EPSG:32760")


def scene(tmp_path, name: str, when: str, *, dn=None, scl=None, box=BOX, provider="pc", **more):
    dn = town(box) if dn is None else dn
    scl = clear_sky(box) if scl is None else scl
    return write_scene(tmp_path / "s", provider, name, when, dn, scl, box, **more)


def asked(service, **more) -> GetRequest:
    given = {
        "place": INSIDE, "start": "2024-07-01", "end": "2024-07-31", "provider": service.api,
    }  # fmt: skip
    return GetRequest(**given | more)


def fetched(service, out, **more) -> np.ndarray:
    run(asked(service, **more), out).write(out)
    with rasterio.open(next(out.glob("Sentinel-2/*/*/[0-9]*_*.tif"))) as src:
        return src.read()


def season_told(out) -> dict:
    (season,) = json.loads((out / "item.json").read_text())["properties"]["seasons"].values()
    return season


def test_days_of_a_period_are_those_of_the_place_and_not_of_utc(stac_service, tmp_path):
    # at 180 degrees the sun is highest at midnight UTC: the pass of a morning is of the day before in UTC
    passes = ("2024-06-29", "2024-06-30", "2024-07-30", "2024-07-31")
    items = [
        scene(
            tmp_path,
            f"S2_{d}",
            f"{d}T22:20:29Z",
            box=FIJI,
            tile="60KZG",
        )
        for d in passes
    ]
    west, south, east, north = items[0]["bbox"]
    place = f"{west + 0.001},{south + 0.001},{east - 0.001},{north - 0.001}"
    result = find(asked(stac_service(items), place=place))
    (days,) = result.seasons.values()
    assert sorted(d.date.isoformat() for d in days) == ["2024-07-01", "2024-07-31"]


def test_a_pixel_that_lacks_one_band_is_no_data_where_the_offset_is_in(stac_service, tmp_path):
    dn = town(BOX)
    dn[5, 100:120, 100:120] = 0  # at a swath's edge bands end at different pixels
    item = scene(tmp_path, "a", "2024-07-01T10:10:29Z", dn=dn)
    values = fetched(stac_service([item]), tmp_path / "out")
    lacking = (values == 0).any(0)
    assert lacking.sum() == 400
    assert (values[:, lacking] == 0).all()


def test_dark_water_that_a_service_stores_as_zero_stays_data(stac_service, tmp_path):
    dn = town(BOX)
    item = scene(tmp_path, "a", "2024-07-01T10:10:29Z", dn=dn, provider="es")
    file = tmp_path / "s/es/a/B12.tif"
    with rasterio.open(file) as src:
        stored, profile = src.read(1), src.profile
    stored[50:60, 50:60] = 0
    with rasterio.open(file, "w", **{**profile, "driver": "GTiff"}) as dst:
        dst.write(stored, 1)
    values = fetched(stac_service([item]), tmp_path / "out")
    assert (values > 0).all(0).mean() == 1
    assert (values[9] == 1).sum() == 400


def test_the_median_day_of_the_best_days_is_of_those_that_were_taken(stac_service, tmp_path):
    hazy = np.full(BOX.shape, 5, np.uint8)
    hazy[:, :60] = 9  # a fifth of it: a clear day comes before it
    days = ("2024-07-01", "2024-07-04", "2024-07-21")
    items = [
        scene(tmp_path, f"a{d}", f"{d}T10:10:29Z", scl=hazy if d < "2024-07-21" else None)
        for d in days
    ]
    service = stac_service(items)
    fetched(service, tmp_path / "best", composite="best")
    fetched(service, tmp_path / "all", composite="median")
    assert season_told(tmp_path / "best")["median_date"] == "2024-07-21"
    assert [d["clear_pixels"] > 0 for d in season_told(tmp_path / "best")["days"]] == [
        False,
        False,
        True,
    ]
    assert season_told(tmp_path / "all")["median_date"] == "2024-07-04"
    assert season_told(tmp_path / "best")["clear_count"]["max"] == 3


def test_a_folder_never_mixes_seasons_or_places_of_several_runs(stac_service, tmp_path):
    items = [scene(tmp_path, f"a{d}", f"{d}T10:10:29Z") for d in ("2024-07-01", "2024-08-01")]
    service, out = stac_service(items), tmp_path / "out"
    july = {"start": "", "end": "", "seasons": ("one=2024-07-01..2024-07-31",)}
    fetched(service, out, **july)
    with pytest.raises(InputError, match="holds one of"):
        run(asked(service), out)
    with pytest.raises(InputError, match="a folder of its own"):
        run(asked(service, place="Town", box=tuple(map(float, INSIDE.split(",")))), out)
    before = json.loads((out / "item.json").read_text())
    fetched(service, out, **july)  # the same again is no harm
    assert json.loads((out / "item.json").read_text()) == before
    # a season that is asked for again and has no day now does not stay as it was
    both = ("one=2023-07-01..2023-07-31", "two=2024-08-01..2024-08-31")
    fetched(service, out, **july | {"seasons": both})
    assert [p.name for p in out.glob("Sentinel-2/*/*")] == ["two"]


def test_what_is_read_is_said_before_with_the_share_that_will_be_clear(stac_service, tmp_path):
    half = clear_sky(BOX)
    half[:, :120] = 9
    items = [
        scene(tmp_path, f"a{i}", f"2024-07-0{i}T10:10:29Z", scl=half if i == 1 else None)
        for i in (1, 2, 3)
    ]
    result = run(asked(stac_service(items)), tmp_path / "out")
    (said,) = [str(r) for r in result.read if r.what == "season"]
    assert "3 of 3 days chosen" in said
    assert "100% of the box is clear on one of them or more" in said
    (days,) = find(result.request).seasons.items()
    used, _ = chosen(days[1], days[0], max_cloud=60, most=12)
    assert len(used) == 3


def test_several_seasons_without_a_day_are_all_named(stac_service, tmp_path):
    service = stac_service([scene(tmp_path, "a", "2024-07-01T10:10:29Z")])
    none = ("one=2023-07-01..2023-07-31", "two=2023-08-01..2023-08-31")
    with pytest.raises(InputError, match=r"none in the period one .* Nor .* in two \(2023-08-01"):
        find(asked(service, start="", end="", seasons=none))


def test_a_season_that_has_not_begun_is_told_beside_those_that_have(
    stac_service, tmp_path, monkeypatch
):
    service = stac_service([scene(tmp_path, "a", "2024-07-01T10:10:29Z")])
    monkeypatch.setattr(get_days, "today", lambda: dt.date(2024, 8, 15))
    both = ("one=2024-07-01..2024-07-31", "two=2024-09-01..2024-09-30")
    result = run(asked(service, start="", end="", seasons=both), tmp_path / "out")
    assert [s.name for s in result.plan.seasons] == ["one"]
    assert "two (2024-09-01 to 2024-09-30) has not begun yet." in result.cautions()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"start": "2015-01-01", "end": "2015-03-31"}, "images begin in June 2015"),
        ({"year": 2030}, "seasons of 2030 have not begun"),
        ({"start": "2026-12-01", "end": "2026-12-31"}, "has not begun yet"),
    ],
)
def test_periods_without_images_are_refused_before_any_service_is_asked(given, said, monkeypatch):
    monkeypatch.setattr(seasons, "today", lambda: dt.date(2026, 11, 1))
    with pytest.raises(InputError, match=said):
        GetRequest(place="Berlin", **given)


def test_seasons_know_the_hemisphere_the_new_year_and_leap_years(monkeypatch):
    monkeypatch.setattr(seasons, "today", lambda: dt.date(2026, 11, 1))
    north = {p.name: p for p in seasons.periods_of((), year=2024, latitude=52.5)}
    south = {p.name: p for p in seasons.periods_of(("auto",), year=2024, latitude=-33.9)}
    assert str(north["winter"]) == "winter (2023-12-01 to 2024-02-29)"
    assert str(south["summer"]) == "summer (2023-12-01 to 2024-02-29)"
    assert str(south["winter"]) == "winter (2024-06-01 to 2024-08-31)"
    wet, dry = seasons.periods_of(("wet-dry",), year=2024, latitude=6.5)
    assert (wet.start.month, dry.start) == (5, dt.date(2023, 11, 1))
    wet, dry = seasons.periods_of(("wet-dry",), year=2024, latitude=-23.5)
    assert (wet.start, wet.end) == (dt.date(2023, 11, 1), dt.date(2024, 4, 30))


def test_the_median_day_of_a_winter_lies_in_its_order_and_not_in_the_years():
    assert median_date({"2024-01-10": 5, "2023-12-05": 1, "2024-02-20": 3}) == "2024-01-10"
    assert median_date({"2023-12-30": 5, "2024-01-03": 5}) == "2023-12-30"
    assert median_date({}) == ""


def test_a_box_that_begins_in_the_west_is_a_place_and_no_option(stac_service, tmp_path, run_lcz):
    west = GeoBox((120, 120), Affine(10, 0, 330_020, 0, -10, 7_400_020), "EPSG:32723")
    item = scene(tmp_path, "sao", "2024-07-01T13:10:29Z", box=west, tile="23KLP")
    w, s, e, n = item["bbox"]
    place = f"{w + 0.001:.4f},{s + 0.001:.4f},{e - 0.001:.4f},{n - 0.001:.4f}"
    code, text, error = run_lcz(
        "get", place, "--list", "--start", "2024-07-01", "--end", "2024-07-31", "--provider", stac_service([item]).api
    )  # fmt: skip
    assert code == 0, error
    assert "2024-07-01" in text
    assert place.startswith("-")
    assert "1 of 1 day chosen" in text


def test_scenes_of_a_day_that_overlap_agree_whichever_comes_first(stac_service, tmp_path):
    """Two tiles of one pass share ground; one was stored with the offset, the other without."""
    dn = town(BOX)
    right = scene(tmp_path, "b", "2024-07-01T10:10:31Z", dn=dn, tile="33UUU")
    gap = clear_sky(BOX)
    gap[:, 120:] = 0
    left = scene(
        tmp_path, "a", "2024-07-01T10:10:29Z", dn=dn, scl=gap, tile="33UUT", baseline="03.01"
    )
    values = fetched(stac_service([left, right]), tmp_path / "out")
    with rasterio.open(next((tmp_path / "out").glob("Sentinel-2/*/*/[0-9]*_*.tif"))) as src:
        col, row = (round(v) for v in ~BOX.affine * (src.transform.c, src.transform.f))
    rows, cols = values.shape[1:]
    want = as_stored(dn)[:, row : row + rows, col : col + cols]
    assert (values > 0).all()
    assert np.abs(values[:, : want.shape[1], : want.shape[2]].astype(int) - want).max() <= 1


def test_a_finished_run_is_not_fetched_again(stac_service, tmp_path, run_lcz):
    service, out = stac_service([scene(tmp_path, "a", "2024-07-01T10:10:29Z")]), tmp_path / "out"
    words = (
        "get", INSIDE, "--start", "2024-07-01", "--end", "2024-07-31", "--provider", service.api, "--out", out,
    )  # fmt: skip
    assert run_lcz(*words)[0] == 0
    before = len(service.asked)
    code, text, _ = run_lcz(*words, "--resume")
    assert (code, len(service.asked)) == (0, before)
    assert "nothing to take up" in text
    code, text, _ = run_lcz(*words, "--resume", "--what", "s2,lcz,dem")
    assert (code, len(service.asked)) == (0, before)
    assert "--what lcz,dem" in text
