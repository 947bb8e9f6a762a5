"""The days on which a place was seen: what is found, what the sky was like, and why there is none."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from stac.scenes import clear_sky, town, write_scene
from stac.server import serve
from typer.testing import CliRunner

from lczlib.acquire.scene import Scene, newest_versions
from lczlib.acquire.seasons import periods_of
from lczlib.cli import app
from lczlib.errors import InputError
from lczlib.jobs.get import run
from lczlib.jobs.get_days import find
from lczlib.jobs.get_request import GetRequest

BOX = GeoBox((200, 200), Affine(10, 0, 384_040, 0, -10, 5_820_320), "EPSG:32633")
INSIDE = "13.295,52.506,13.315,52.519"


def half_cloudy() -> np.ndarray:
    scl = clear_sky(BOX)
    scl[:, :100] = 9
    return scl


def sliver() -> np.ndarray:
    """Cloudless, but over a tenth of the scene: the rest holds no data."""
    scl = clear_sky(BOX)
    scl[:, 40:] = 0
    return scl


SKIES = {
    "2024-07-01": clear_sky, "2024-07-06": lambda box=None: half_cloudy(), "2024-07-11": lambda box=None: sliver(),
    "2024-07-16": lambda box=None: np.full(BOX.shape, 8, np.uint8),
}  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stac")
    dn = town(BOX)
    items = [
        # the tile's own figure says the contrary of what the box sees
        write_scene(
            folder, "pc", f"scene-{day}", f"{day}T10:10:29Z", dn, sky(BOX), BOX, cloud=90 - 20 * i
        )
        for i, (day, sky) in enumerate(SKIES.items())
    ]
    return folder, items


@pytest.fixture
def service(stored):
    running, stop = serve(*stored)  # at a new port, of which GDAL remembers nothing
    yield running
    stop()


def asked(service, **more) -> GetRequest:
    given = {"place": INSIDE, "start": "2024-07-01", "end": "2024-07-31", "provider": service.api}
    return GetRequest(**given | more)


def days_of(service, **more):
    (days,) = find(asked(service, **more)).seasons.values()
    return days


def test_days_come_by_what_is_seen_of_the_box_and_not_by_the_tiles_cloud(service):
    days = days_of(service)
    assert [d.date.isoformat() for d in days] == list(SKIES)
    whole, half, strip, none = days
    assert (whole.cloud_share, whole.covered_share) == (0, 1)
    assert half.cloud_share == pytest.approx(0.5, abs=0.12)
    assert half.covered_share == 1
    assert strip.cloud_share == 0
    assert strip.covered_share == pytest.approx(0.2, abs=0.1)
    assert none.cloud_share == 1
    assert whole.megabytes > strip.megabytes > 0


def test_listing_downloads_no_band(service, tmp_path):
    words = [
        "get", INSIDE, "--start", "2024-07-01", "--end", "2024-07-31", "--provider", service.api, "--list",
        "--out", str(tmp_path),
    ]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert service.asked
    assert all("SCL" in a.path for a in service.asked)
    rows = list(csv.DictReader((tmp_path / "scenes.csv").open()))
    assert list(rows[0])[:2] == ["date", "cloud_share"]
    assert {"date", "cloud_share", "covered_share", "items", "megabytes"} <= set(rows[0])
    assert [r["date"] for r in rows] == list(SKIES)
    assert (tmp_path / "manifest.json").is_file()


def test_pages_of_a_search_are_all_read(service):
    assert service.page < len(SKIES) == len(days_of(service))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"start": "2023-01-01", "end": "2023-01-31"},
            r"none in the period 2023-01 .*removes them all",
        ),
        ({"place": "20,40,20.1,40.1"}, "has no scene over the box 20,40,20.1,40.1 on any day"),
        (
            {"start": "2024-07-16", "max_cloud": 20.0},
            r"more cloud over the box than --max-cloud 20 .* 100%",
        ),
        ({"start": "2024-07-16", "max_cloud": 100.0}, "shows a pixel of land: all is masked"),
    ],
)
def test_nothing_left_says_which_filter_removed_everything(service, tmp_path, more, said):
    with pytest.raises(InputError, match=said):
        run(asked(service, **more), tmp_path)


def test_a_collection_that_is_not_there_names_those_that_are(service):
    with pytest.raises(InputError, match="has no collection nope; it has sentinel-2-l2a: name one"):
        find(asked(service, collection="nope"))


def _scene(name: str, when: str, tile: str = "33UUU", baseline: str = "05.11") -> Scene:
    said = {"datetime": when, "s2:mgrs_tile": tile, "s2:processing_baseline": baseline}
    return Scene({"id": name, "properties": said, "assets": {}})


def test_a_scene_that_was_processed_again_counts_once_and_parts_of_a_tile_all():
    old = _scene("old", "2021-07-01T10:10:29Z", baseline="03.01")
    new = _scene("new", "2021-07-01T10:10:30Z")
    other_part = _scene("part", "2021-07-01T10:10:41Z")
    other_tile = _scene("tile", "2021-07-01T10:10:29Z", tile="32UQD", baseline="03.01")
    other_day = _scene("day", "2021-07-04T10:10:29Z", baseline="03.01")
    kept = newest_versions([old, new, other_part, other_tile, other_day])
    assert sorted(s.id for s in kept) == ["day", "new", "part", "tile"]


def test_tiles_of_one_pass_are_one_day_also_where_utc_turns_midnight():
    box = (157.0, -10.0, 157.2, -9.8)  # local half past ten is midnight in Greenwich
    late, early = _scene("a", "2024-07-01T23:59:50Z"), _scene("b", "2024-07-02T00:00:05Z", "56LRR")
    assert late.local_day(box) == early.local_day(box)


def test_places_that_cross_180_degrees_are_searched_on_both_sides(tmp_path):
    grid = GeoBox((200, 200), Affine(10, 0, 816_000, 0, -10, 8_140_000), "EPSG:32760")
    west, _, east, _ = (float(v) for v in grid.geographic_extent.boundingbox.bbox)
    item = write_scene(
        tmp_path,
        "pc",
        "fiji",
        "2024-07-01T22:10:00Z",
        town(grid),
        clear_sky(grid),
        grid,
        tile="60KXF",
    )
    running, stop = serve(tmp_path, [item])
    try:
        south, north = item["bbox"][1], item["bbox"][3]
        box = (west + 0.002, south + 0.002, -179.9, north - 0.002)
        (days,) = find(asked(running, place="box", box=box)).seasons.values()
        assert len(days) == 1
        assert 0 < days[0].covered_share < 1
    finally:
        stop()
    assert east < 180


def test_seasons_are_those_of_the_hemisphere():
    north = {p.name: p for p in periods_of((), year=2023, latitude=50)}
    south = {p.name: p for p in periods_of(("auto",), year=2023, latitude=-30)}
    assert str(north["winter"]) == "winter (2022-12-01 to 2023-02-28)"
    assert (south["summer"].start, south["summer"].end) == (
        north["winter"].start,
        north["winter"].end,
    )
    assert south["spring"].start == north["autumn"].start
    wet, dry = periods_of(("wet-dry",), year=2023, latitude=6.5)
    assert (str(wet), str(dry)) == (
        "wet (2023-05-01 to 2023-10-31)", "dry (2022-11-01 to 2023-04-30)"
    )  # fmt: skip
    assert [p.name for p in periods_of(("wet-dry",), year=2023, latitude=-6.5)] == ["wet", "dry"]
    own = periods_of(("monsoon=2023-06-01..2023-09-30",), latitude=0)
    assert str(own[0]) == "monsoon (2023-06-01 to 2023-09-30)"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"seasons": ("summer",)}, "'summer' is no season"),
        ({"seasons": ("a=2023-01-01..2023-02-01", "A=2023-01-01..2023-02-01")}, "given twice"),
        ({"seasons": ("auto", "a=2023-01-01..2023-02-01")}, "go neither with auto"),
        ({"seasons": ("count=2023-01-01..2023-02-01",)}, "is no season"),
        ({"start": "2023-01-01", "end": ""}, "give --end too"),
        ({"start": "2023-02-01", "end": "2023-01-01"}, "ends before it begins"),
        ({"start": "2023-02-30", "end": "2023-03-01"}, "'2023-02-30' is no date"),
        ({"start": "2012-02-01", "end": "2012-03-01"}, "lies before Sentinel-2"),
        ({"start": "2090-02-01", "end": "2090-03-01"}, "has not begun"),
        ({"start": "2023-01-01", "end": "2023-02-01", "year": 2023}, "Give either"),
        ({"provider": "google"}, "'google' is no provider"),
        ({"provider": "https://me:secret@x.org/v1"}, "^The address .* at x.org holds a name or"),
        ({"box": (1.0, 2.0)}, "is no box"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_service_is(more, said):
    with pytest.raises(InputError, match=said):
        GetRequest(**{"place": "Berlin", **more})


def test_a_wrong_option_is_a_usage_error_of_the_command():
    done = CliRunner().invoke(app, ["get", "Berlin", "--start", "2023-01-01", "--out", "x"])
    assert done.exit_code == 2
    done = CliRunner().invoke(app, ["get", "Berlin", "--year", "2023"])
    assert done.exit_code == 2
    assert "--out" in done.output
