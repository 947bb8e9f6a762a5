"""``lcz city``: from a place to its map beside the published one, against a service on loopback."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from stac.published import write_published
from stac.scenes import clear_sky, town, write_scene
from stac.server import serve

from lczlib.acquire import faults
from lczlib.acquire.own import own_cities
from lczlib.errors import Cancelled, InputError, ServiceError
from lczlib.grid import geobox_of
from lczlib.jobs.city import CityRequest, run
from lczlib.maps import open_lcz_map

pytestmark = pytest.mark.slow

BOX = GeoBox((200, 240), Affine(10, 0, 384_040, 0, -10, 5_820_320), "EPSG:32633")
INSIDE = (13.295, 52.506, 13.320, 52.519)
CITY = "00000_00000_Town"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two clear days of a made-up town, and a made-up map in the layout of the published one."""
    folder = tmp_path_factory.mktemp("stac")
    items = [
        write_scene(
            folder, "pc", f"S2B_MSIL2A_{d.replace('-', '')}T101029_R022_T33UUU", f"{d}T10:10:29Z", town(BOX),
            clear_sky(BOX), BOX,
        )
        for d in ("2024-07-01", "2024-07-11")
    ]  # fmt: skip
    write_published(folder / "published.tif")
    return folder, items


@pytest.fixture
def service(files, monkeypatch):
    monkeypatch.setattr(faults, "PAUSE", 0.01)
    running, stop = serve(*files)
    yield running
    stop()


def asked(service, **more) -> CityRequest:
    given = {
        "place": "Town", "box": INSIDE, "start": "2024-07-01", "end": "2024-07-31", "provider": service.api,
        "weights": ("so2sat_s2_resnet20",), "device": "cpu",
        "global_map": f"{service.root}/files/published.tif",
    }  # fmt: skip
    return CityRequest(**given | more)


def test_a_name_becomes_imagery_a_map_the_published_one_beside_and_a_report(
    service, mirror, tmp_path, run_lcz
):
    out = tmp_path / "town"
    code, text, error = run_lcz(
        "city", "Town", "--box", ",".join(map(str, INSIDE)), "--start", "2024-07-01", "--end", "2024-07-31",
        "--provider", service.api, "--weights", "so2sat_s2_resnet20", "--device", "cpu",
        "--global-map", f"{service.root}/files/published.tif", "--out", out,
    )  # fmt: skip
    assert code == 0, error
    assert {p.name for p in out.iterdir()} == {
        "scenes", "map", "compared", "areas.csv", "report.html", "manifest.json",
    }  # fmt: skip
    own = open_lcz_map(out / "map/s2_lcz.tif")
    published = open_lcz_map(out / f"scenes/Reference/{CITY}/lcz_global.tif")
    assert geobox_of(own) == geobox_of(published)
    with rasterio.open(out / f"scenes/Reference/{CITY}/lcz_global.tif") as src:
        assert (src.tags()["YEAR"], src.tags()["LICENCE"]) == ("2018", "CC-BY-4.0")
    compared = json.loads((out / "compared/comparison.json").read_text())
    both = (own.values > 0) & (published.values > 0)
    assert compared["n"] == both.sum() > 100
    assert compared["agreement"] == pytest.approx((own.values == published.values)[both].mean())
    areas = pd.read_csv(out / "areas.csv", index_col="lcz")
    for lcz in (1, 6, 17):
        assert areas.loc[lcz, "this map"] == pytest.approx(
            ((own.values == lcz) & both | (own.values == lcz)).sum() / 100, rel=0.01
        )
    html = (out / "report.html").read_text()
    assert (html.count("<img "), html.count("<svg ")) == (
        1,
        3,
    )  # true colour; two maps, the cross table
    for told in (
        "Local Climate Zones of Town", "Contains modified Copernicus Sentinel data 2024", "CC-BY-4.0",
        "10.5194/essd-14-3835-2022", "so2sat_s2_resnet20", "no accuracy", "2024-07-01 to 2024-07-31",
    ):  # fmt: skip
        assert told in html, told
    assert not re.search(r'(src|href)="http', html)
    assert "no accuracy" in text
    assert [c.folder for c in own_cities()] == [(out / "scenes").resolve()]


def test_without_the_published_map_all_else_is_made_and_it_is_said(
    service, mirror, tmp_path, monkeypatch
):
    from lczlib import catalog

    link = catalog.links()["lcz_global_2018"]
    nowhere = (f"{service.root}/files/nowhere.tif",)
    monkeypatch.setitem(
        catalog.links(), link.name, type(link)(**{**vars(link), "addresses": nowhere})
    )
    result = run(asked(service, global_map=""), tmp_path)
    result.write(tmp_path, figures=False)
    assert result.comparison is None
    assert not (tmp_path / "compared").exists()
    html = (tmp_path / "report.html").read_text()
    assert "nowhere.tif is not there (HTTP 404)" in html
    assert "agreement" not in html
    # it is there again: only the map is fetched
    before = len(service.asked)
    monkeypatch.setitem(catalog.links(), link.name, link)
    again = run(asked(service), tmp_path, resume=True)
    assert again.comparison is not None
    assert {a.path for a in service.asked[before:]} == {"published.tif"}


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("files/nowhere.tif", ServiceError, "nowhere.tif is not there"),
        ("not-here.tif", InputError, "not-here.tif"),
    ],
)
def test_a_map_that_the_user_gives_and_that_cannot_be_had_is_refused_before_anything_is_fetched(
    given, error, said, service, tmp_path
):
    given = f"{service.root}/{given}" if "/" in given else str(tmp_path / given)
    with pytest.raises(error, match=said):
        run(asked(service, global_map=given), tmp_path / "out")
    assert not [a for a in service.asked if "S2B" in a.path]
    assert service.searches == 0


def test_a_city_is_never_without_its_published_map(service):
    with pytest.raises(InputError, match="s2 and lcz"):
        asked(service, what=("s2",))


def test_a_stopped_run_is_taken_up_without_fetching_anything_twice(service, mirror, tmp_path):
    class Stop:
        now = False

        def __call__(self) -> bool:
            return self.now

    stop = Stop()

    def progress(what: str, done: int, total: int) -> None:
        stop.now = (tmp_path / "scenes/manifest.json").is_file()

    with pytest.raises(Cancelled):
        run(asked(service), tmp_path, progress=progress, cancelled=stop)
    assert (tmp_path / "scenes/item.json").is_file()
    before = len(service.asked)
    run(asked(service), tmp_path, resume=True).write(tmp_path, figures=False)
    assert service.asked[before:] == []
    assert (tmp_path / "report.html").is_file()


def test_imagery_and_published_map_come_together_on_the_same_cells(service, tmp_path, run_lcz):
    asked_for = (
        "get", "Town", "--box", ",".join(map(str, INSIDE)), "--start", "2024-07-01", "--end", "2024-07-31",
        "--provider", service.api, "--what", "s2,lcz",
    )  # fmt: skip
    out = tmp_path / "town"
    code, _, error = run_lcz(
        *asked_for, "--global-map", f"{service.root}/files/published.tif", "--out", out
    )
    assert code == 0, error
    item = json.loads((out / "item.json").read_text())
    assert item["assets"]["lcz_global"]["roles"] == ["reference"]
    assert item["properties"]["published_maps"][0]["year"] == 2018
    (scene,) = out.glob(f"Sentinel-2/{CITY}/*/00000_*.tif")
    with (
        rasterio.open(scene) as src,
        rasterio.open(out / f"Reference/{CITY}/lcz_global.tif") as lcz,
    ):
        assert (src.transform.c, src.transform.f) == (lcz.transform.c, lcz.transform.f)
        assert (src.width, src.height) == (10 * lcz.width, 10 * lcz.height)
    # the map alone, into the same folder: what is told of the scenes stays
    code, _, error = run_lcz(
        *asked_for[:4],
        "--what",
        "lcz",
        "--global-map",
        f"{service.root}/files/published.tif",
        "--out",
        out,
    )
    assert code == 0, error
    assert json.loads((out / "item.json").read_text()) == item
