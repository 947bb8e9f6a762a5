"""What `lcz prepare-s1` needs, from services that speak as the real ones do."""

from __future__ import annotations

import csv
import hashlib
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import radar_services
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from radar_services import PASSWORD, TOKEN, USER, Slc, write_tile
from rasterio.warp import transform
from stac.scenes import clear_sky, town, write_scene
from stac.server import serve

from lczlib.acquire import providers
from lczlib.acquire.download import Downloads, _Session
from lczlib.acquire.passes import SlcProduct, chosen, find_products, passes_over
from lczlib.acquire.providers import RADAR_PROVIDERS
from lczlib.acquire.seasons import periods_of
from lczlib.errors import Cancelled, InputError, ServiceError
from lczlib.grid import geobox_of
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.scenes import open_scenes
from lczlib.sentinel1.simulated import NAME, Layout, View, speckle, write_eof, write_safe

VIEW = View(12.5, 41.9)
LAYOUT = Layout(VIEW, bursts=3, samples=600)
BOX = "12.487,41.893,12.513,41.907"
PRODUCT = NAME.removesuffix(".SAFE")


def called(
    day: int, begin: str = "171300", end: str = "171330", take: str = "0609FF", to: str = "50181"
) -> str:
    return f"S1A_IW_SLC__1SDV_202309{day:02d}T{begin}_202309{day:02d}T{end}_0{to}_{take}_AAAA"


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """A product as its archive, orbit files of three kinds, and a tile of heights."""
    folder = tmp_path_factory.mktemp("stored")

    def values(swath, burst, polarisation, time, distance):
        return 100 * speckle(time, (len(time), len(distance)), f"{swath}{polarisation}")

    safe = write_safe(folder / "safe", LAYOUT, values)
    shutil.make_archive(str(folder / PRODUCT), "zip", safe.parent, safe.name)
    for kind in ("POEORB", "RESORB"):
        (folder / f"orbits/AUX_{kind}").mkdir(parents=True)
        write_eof(folder / f"orbits/AUX_{kind}", LAYOUT, kind=kind)
    other = "S1A_OPER_AUX_POEORB_OPOD_20230926T080729_V20230904T225942_20230906T005942.EOF"
    for name in (other, other.replace("S1A", "S1B"), other.replace("0926", "0927")):
        (folder / "orbits/AUX_POEORB" / name).write_text("of another day")
    write_tile(folder, 41, 12)
    return folder


@pytest.fixture
def services(stored, monkeypatch):
    archive = stored / f"{PRODUCT}.zip"
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    one = Slc(PRODUCT, archive, (11.5, 41.0, 13.5, 43.0), md5=md5)
    found, stop = radar_services.serve(stored, [one])
    asf, cdse = RADAR_PROVIDERS["asf"], RADAR_PROVIDERS["cdse"]
    monkeypatch.setitem(RADAR_PROVIDERS, "asf", replace(asf, search=f"{found.root}/asf", login=""))
    monkeypatch.setitem(
        RADAR_PROVIDERS,
        "cdse",
        replace(cdse, search=f"{found.root}/odata", token=f"{found.root}/token"),
    )
    monkeypatch.setattr(providers, "ORBITS", f"{found.root}/orbits")
    monkeypatch.setattr(providers, "ELEVATION", f"{found.root}/elevation")
    monkeypatch.setenv("LCZLIB_MIRROR", "http://127.0.0.1:9")  # no geoid is fetched from afar
    monkeypatch.setattr("lczlib.acquire.faults.PAUSE", 0.01)
    for name in (*asf.keys, *cdse.keys):
        monkeypatch.delenv(name, raising=False)
    yield found
    stop()


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("EARTHDATA_TOKEN", TOKEN)
    monkeypatch.setenv("CDSE_USERNAME", USER)
    monkeypatch.setenv("CDSE_PASSWORD", PASSWORD)


def asked(**more) -> GetRequest:
    given = {
        "place": BOX,
        "what": ("s1-slc", "orbit", "dem"),
        "start": "2023-09-01",
        "end": "2023-09-30",
    }
    return GetRequest(**given | more)


def fetched(out: Path, **more) -> Path:
    result = run(asked(**more), out)
    result.write(out)
    return out / "Sentinel-1-inputs"


@pytest.mark.parametrize("service", ["asf", "cdse"])
def test_all_that_a_pass_needs_is_fetched_with_the_user_s_keys(
    services, keys, stored, tmp_path, service
):
    (precise,) = (f for f in stored.glob("orbits/AUX_POEORB/*") if "OSV" in f.read_text())
    (city,) = fetched(tmp_path, radar_provider=service).iterdir()
    assert {f.relative_to(city).as_posix() for f in city.rglob("*") if f.is_file()} == {
        f"slc/{PRODUCT}.zip", "dem/copernicus_glo30.tif", "products.csv", "sources.json",
        f"orbit/{precise.name}",
    }  # fmt: skip
    assert (city / f"slc/{PRODUCT}.zip").read_bytes() == (stored / f"{PRODUCT}.zip").read_bytes()
    with (city / "products.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["product"], row["direction"], row["covered_share"]) == (PRODUCT, "ascending", "1")
    told = json.loads((city / "sources.json").read_text())
    assert told["attribution"][0] == "Contains modified Copernicus Sentinel data 2023"
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert f"Sentinel-1-inputs/{city.name}/slc/{PRODUCT}.zip" in manifest["outputs"]
    assert not (tmp_path / ".get-radar").exists()


def test_the_token_goes_to_the_service_alone(services, keys, tmp_path):
    fetched(tmp_path)
    sent = {p.split("/")[1]: bool(a) for p, _, a in services.asked}
    assert [service for service, with_token in sent.items() if with_token] == ["datapool"]
    own = _Session(RADAR_PROVIDERS["asf"].domains)
    at = "https://datapool.asf.alaska.edu/SLC/SA/x.zip"
    assert not own.should_strip_auth(at, "https://sentinel1.asf.alaska.edu/x.zip")
    assert own.should_strip_auth(at, "https://notasf.alaska.edu.example.com/x.zip")
    assert own.should_strip_auth(at, "http://sentinel1.asf.alaska.edu/x.zip")


def test_a_product_elsewhere_is_asked_for_without_the_token(services, keys):
    # where a product lies is read from an answer
    with Downloads(RADAR_PROVIDERS["asf"]) as downloads:
        elsewhere = services.root.replace("127.0.0.1", "localhost")
        assert downloads.begins(f"{elsewhere}/signed/{PRODUCT}.zip") == b"PK\x03\x04"
    assert [(p.split("/")[1], bool(a)) for p, _, a in services.asked] == [("signed", False)]


@pytest.mark.parametrize("service", ["asf", "cdse"])
def test_what_breaks_off_is_taken_up_where_it_broke(services, keys, tmp_path, service):
    services.cut = 2
    inside = fetched(tmp_path, what=("s1-slc",), radar_provider=service)
    (archive,) = inside.rglob("*.zip")
    assert archive.read_bytes() == (services.folder / f"{PRODUCT}.zip").read_bytes()
    of_archive = [r for p, r, _ in services.asked if "signed" in p or "$value" in p]
    begun = [int(r.removeprefix("bytes=").removesuffix("-") or 0) for r in of_archive]
    assert begun == sorted(set(begun))
    assert (len(begun), begun[0]) == (3, 0)


def test_a_run_that_failed_goes_on_with_what_it_had_and_fetches_nothing_twice(
    services, keys, tmp_path
):
    services.cut = 5
    with pytest.raises(ServiceError, match=r"datapool.* is cut off"):
        run(asked(what=("s1-slc",)), tmp_path)
    (part,) = (tmp_path / ".get-radar").rglob("*.part")
    have = part.stat().st_size
    services.asked.clear()
    fetched(tmp_path, what=("s1-slc",))
    assert [r for p, r, _ in services.asked if "signed" in p] == [f"bytes={have}-"]
    services.asked.clear()
    inside = fetched(tmp_path, what=("s1-slc",))
    assert not services.paths("datapool")
    (archive,) = inside.rglob("*.zip")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert archive.relative_to(tmp_path).as_posix() in manifest["outputs"]


def test_an_archive_that_is_not_what_is_stated_is_not_kept(services, keys, tmp_path):
    services.products[0].md5 = "0" * 32
    with pytest.raises(
        ServiceError, match=r"otherwise than it is stated \(MD5 \w{32}, not 0{32}\)"
    ):
        run(asked(what=("s1-slc",)), tmp_path)
    assert not list(tmp_path.rglob("*.zip*"))


def test_a_damaged_archive_without_a_hash_is_seen_too(services, keys, tmp_path):
    archive = services.products[0].archive
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    (spoilt / archive.name).write_bytes(data)
    services.folder = spoilt
    with pytest.raises(ServiceError, match=r"came (with .* damaged|as no whole archive)"):
        run(asked(what=("s1-slc",), radar_provider="cdse"), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.zip*"))


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("asf", "refuses the keys of EARTHDATA_TOKEN"),
        ("cdse", "gives no token for CDSE_USERNAME and CDSE_PASSWORD"),
    ],
)
def test_wrong_keys_are_said(services, keys, monkeypatch, tmp_path, service, said):
    for name in RADAR_PROVIDERS[service].keys:
        monkeypatch.setenv(name, "wrong")
    with pytest.raises(ServiceError, match=said):
        run(asked(what=("s1-slc",), radar_provider=service), tmp_path)


def test_without_keys_there_is_the_list_and_how_to_get_an_account(services, tmp_path, run_lcz):
    code, said, errors = run_lcz(
        "get", f"--box={BOX}", "--what", "s1-slc,orbit,dem", "--start", "2023-09-01", "--end", "2023-09-30",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 1
    flat = " ".join((said + errors).split())
    assert "https://urs.earthdata.nasa.gov" in flat
    assert "EARTHDATA_TOKEN" in flat
    (city,) = (tmp_path / "Sentinel-1-inputs").iterdir()
    assert PRODUCT in (city / "products.csv").read_text()
    assert {f.name for f in city.iterdir()} == {"dem", "orbit", "products.csv", "sources.json"}
    assert not services.paths("datapool")


def test_the_passes_are_listed_before_anything_is_fetched(services, tmp_path, run_lcz):
    code, said, errors = run_lcz(
        "get", f"--box={BOX}", "--what", "s1-slc", "--start", "2023-09-01", "--end", "2023-09-30", "--list",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 0, errors
    assert "not fetched" in said
    assert (
        next(tmp_path.rglob("products.csv")).read_text().count(PRODUCT) == 2
    )  # its name, and its address
    assert not services.paths("datapool")


def test_the_pages_of_a_search_are_read_to_the_last(services):
    archive = services.products[0].archive
    services.products = [
        Slc(called(d, take=f"0609{d:02d}"), archive, (11.5, 41.0, 13.5, 43.0)) for d in range(1, 9)
    ]
    (period,) = periods_of((), start="2023-09-02", end="2023-09-08", latitude=42.0)
    found = find_products(RADAR_PROVIDERS["cdse"], (12.4, 41.8, 12.6, 42.0), period)
    assert [p.start.day for p in found] == list(range(2, 9))
    assert len(services.paths("odata")) == 3


def product(name: str, box: tuple[float, ...], direction: str = "ascending") -> SlcProduct:
    import shapely

    return SlcProduct(name, "", 0, "", direction, shapely.box(*box))


def test_one_product_that_holds_the_place_comes_before_slices_and_they_before_a_part():
    place = (12.0, 41.0, 13.0, 42.0)
    (period,) = periods_of((), start="2023-09-01", end="2023-09-30", latitude=42.0)
    whole = product(called(2, take="000001"), (11, 40, 14, 43))
    slices = [
        product(called(15, "171300", "171330", "000002"), (11, 40, 14, 41.6)),
        product(called(15, "171325", "171355", "000002"), (11, 41.4, 14, 43)),
        product(called(15, "171350", "171420", "000002"), (11, 41.7, 14, 44)),
    ]
    part = product(called(16, take="000003"), (11, 40, 14, 41.7), "descending")
    passes = passes_over([*slices, whole, part], place)
    assert [len(p.products) for p in passes] == [1, 2, 1]
    assert [p.covered for p in passes] == [1, 1, pytest.approx(0.7)]
    assert chosen(passes, period).products == (whole,)
    assert chosen(passes[1:], period).products == (slices[0], slices[1])
    assert chosen(passes, period, "descending").products == (part,)
    with pytest.raises(InputError, match=r"no descending Sentinel-1 pass.*all 2 go the other way"):
        chosen(passes[:2], period, "descending")
    later = product(called(16, take="000004"), (11, 40, 14, 43))
    assert chosen(passes_over([whole, later], place), period).products == (later,)


def test_a_place_across_180_degrees_is_one():
    import shapely

    place = (179.5, -18.0, -179.5, -17.0)
    ground = shapely.Polygon([(179.0, -19), (-179.0, -19), (-179.0, -16), (179.0, -16)])
    one = SlcProduct(called(2), "", 0, "", "ascending", ground)
    (found,) = passes_over([one], place)
    assert found.covered == 1


def test_no_pass_no_orbit_and_a_dead_service_are_said(services, tmp_path, monkeypatch):
    with pytest.raises(
        InputError, match=r"no Sentinel-1 pass .*2022-09-01 to 2022-09-30.*another period"
    ):
        run(asked(what=("orbit",), start="2022-09-01", end="2022-09-30"), tmp_path)
    monkeypatch.setattr(providers, "ORBITS", f"{services.root}/elevation")
    with pytest.raises(ServiceError, match="cannot be listed"):
        run(asked(what=("orbit",)), tmp_path)
    monkeypatch.setitem(
        RADAR_PROVIDERS, "asf", replace(RADAR_PROVIDERS["asf"], search="http://127.0.0.1:9/asf")
    )
    with pytest.raises(
        ServiceError, match=r"Alaska Satellite Facility \(http://127.0.0.1:9/asf\) cannot be asked"
    ):
        run(asked(what=("orbit",)), tmp_path)
    monkeypatch.setitem(
        RADAR_PROVIDERS,
        "asf",
        replace(RADAR_PROVIDERS["asf"], search=f"{services.root}/orbits?prefix=x"),
    )
    with pytest.raises(ServiceError, match=r"cannot be asked|does not answer as it is known to"):
        run(asked(what=("orbit",)), tmp_path)


def test_the_restituted_orbit_stands_in_for_a_precise_one_to_come(services, tmp_path):
    folder = tmp_path / "bucket"
    shutil.copytree(services.folder / "orbits/AUX_RESORB", folder / "orbits/AUX_RESORB")
    services.folder = folder
    inside = fetched(tmp_path / "out", what=("orbit",))
    (file,) = inside.rglob("*.EOF")
    assert "RESORB" in file.name
    shutil.rmtree(folder / "orbits/AUX_RESORB")
    result = run(asked(what=("orbit",)), tmp_path / "none")
    assert any("precise ones come some 20 days after" in c for c in result.cautions())


def test_a_stopped_download_keeps_what_it_has(services, keys, tmp_path):
    heard: list[int] = []
    target = tmp_path / "x.zip"
    with Downloads(RADAR_PROVIDERS["asf"], lambda: bool(heard)) as downloads:
        address = f"{services.root}/datapool/{PRODUCT}.zip"
        with pytest.raises(Cancelled):
            downloads.fetch(address, target, progress=lambda have, total: heard.append(have))
    assert target.with_name("x.zip.part").stat().st_size == heard[-1]
    assert not target.exists()


def test_each_service_is_tried_with_a_search_and_a_small_read(services, keys, run_lcz, monkeypatch):
    words = (
        "get", f"--box={BOX}", "--check", "--what", "s1-slc,orbit,dem", "--start", "2023-09-01",
        "--end", "2023-09-30",
    )  # fmt: skip
    code, said, errors = run_lcz(*words)
    assert code == 0, errors
    assert said.count("good") == 6
    assert "4 of 4 services can be used" in said
    assert max(len(services.paths("$value")), len(services.paths("signed"))) == 1
    monkeypatch.delenv("EARTHDATA_TOKEN")
    monkeypatch.setenv("CDSE_PASSWORD", "wrong")
    monkeypatch.setattr(providers, "ELEVATION", f"{services.root}/nowhere")
    code, said, _ = run_lcz(*words)
    assert code == 0  # the orbit files can be read
    assert "1 of 4 services can be used" in said
    assert said.count("fails") == 3


@pytest.mark.parametrize("both", [False, True])
def test_the_folder_goes_through_preparation(services, keys, tmp_path, run_lcz, monkeypatch, both):
    """The command that is printed is run as it is; the geoid is a plane of 48 m."""
    out = tmp_path / "city"
    words = ["get", f"--box={BOX}", "--start", "2023-09-01", "--end", "2023-09-30", "--out", out]
    if both:
        (x,), (y,) = transform("EPSG:4326", "EPSG:32633", [12.5], [41.9])
        corner = Affine(10, 0, x // 10 * 10 - 1600, 0, -10, y // 10 * 10 + 1200)
        box = GeoBox((240, 320), corner, "EPSG:32633")
        stamp = "2023-09-05T10:10:29Z"
        item = write_scene(tmp_path / "s", "pc", "a", stamp, town(box), clear_sky(box), box)
        optical, stop = serve(tmp_path / "s", [item])
        words += ["--provider", optical.api]
    code, said, errors = run_lcz(*words, "--what", f"{'s2,' if both else ''}s1-slc,orbit,dem")
    if both:
        stop()
    assert code == 0, errors
    assert "The geoid is missing" in errors
    (command,) = [line for line in said.splitlines() if line.startswith("lcz prepare-s1")]
    geoid = tmp_path / "geoid.tif"
    with rasterio.open(
        geoid, "w", driver="GTiff", width=360, height=181, count=1, dtype="float32", crs="EPSG:4326",
        transform=Affine(1, 0, -180, 0, -1, 90.5),
    ) as target:  # fmt: skip
        target.write(np.full((181, 360), 48, np.float32), 1)
    monkeypatch.setattr("lczlib.catalog.fetch", lambda name: geoid)
    code, said, errors = run_lcz(*shlex.split(command)[1:], "--dry-run")
    assert code == 0, errors
    assert "heights: geoid-egm2008; covers the region" in said
    code, said, errors = run_lcz(*shlex.split(command)[1:])
    assert code == 0, errors
    city = open_scenes([out], sensors=("s1", "s2") if both else ("s1",))
    assert city.sentinel1_time == "202309"
    assert len(city.scenes) == 1 + both
    assert len({geobox_of(scene) for scene in city.scenes.values()}) == 1
