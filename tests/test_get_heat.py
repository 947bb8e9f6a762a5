"""Temperatures that ``lcz get`` fetched, in the commands: listed, checked, and through ``lcz uhi`` to the end."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest
import rasterio
import station_services as services
from affine import Affine
from odc.geo.geobox import GeoBox
from stac import july
from stac.lst import CLEAR, CLOUD, kelvin, stored, write_landsat
from stac.server import serve

from lczlib.acquire import faults, providers, weather_stations
from lczlib.errors import InputError
from lczlib.study import Places
from lczlib.study.heat_beside import surface_temperatures
from lczlib.study.material import open_material

BOX = GeoBox((270, 270), Affine(30, 0, 384_000, 0, -30, 5_820_000), "EPSG:32633")
CELLS = GeoBox((80, 80), Affine(100, 0, 384_030, 0, -100, 5_819_970), "EPSG:32633")
SQUARE = 10
INSIDE = "13.296,52.444,13.412,52.514"
JULY = ("--start", "2023-07-01", "--end", "2023-07-31")
ABOVE = {2: 3.0, 14: 0.0, 11: -2.0}
"""K of each class above low plants."""


@pytest.fixture
def classes() -> np.ndarray:
    squares = np.random.default_rng(4).choice(np.array([2, 14, 11], np.uint8), (8, 8))
    return np.kron(squares, np.ones((SQUARE, SQUARE), np.uint8))


@pytest.fixture
def city(classes, tmp_path):
    """A map of squares, and how much warmer each pixel of a scene over it is."""
    path = tmp_path / "lcz.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=80, width=80, dtype="uint8", crs=str(CELLS.crs),
        transform=CELLS.affine, nodata=0,
    ) as dst:  # fmt: skip
        dst.write(classes, 1)
    y, x = np.mgrid[:270, :270]
    row, col = ((30 * v + 15 - 30) // 100 for v in (y, x))
    codes = classes[row.clip(0, 79), col.clip(0, 79)]
    above = np.select([codes == k for k in ABOVE], list(ABOVE.values()))
    return path, above


@pytest.fixture
def landsat(city, tmp_path, monkeypatch):
    """Two clear dates and one under cloud, of a service on loopback."""
    monkeypatch.setattr(faults, "PAUSE", 0.01)
    _, above = city
    draw = np.random.default_rng(0)
    items = []
    for day, mean in ((9, 300.0), (17, 304.0), (25, 302.0)):
        dn = stored(mean + above + draw.normal(0, 0.4, above.shape))
        qa = np.full(dn.shape, CLEAR)
        rows, cols = {9: (90, 90), 17: (0, 0), 25: (250, 270)}[day]
        qa[:rows, :cols] = CLOUD
        # under clouds it is far too cold
        dn[qa == CLOUD] = stored(np.full((qa == CLOUD).sum(), 262.0))
        cover = {"eo:cloud_cover": 92.0 if day == 25 else 4.0}
        when = f"2023-07-{day:02d}T10:02:30Z"
        items.append(write_landsat(tmp_path / "s", when, dn, qa, BOX, **cover))
    service, stop = serve(tmp_path / "s", items)
    yield service
    stop()


def get(run_lcz, service, *more):
    return run_lcz("get", INSIDE, "--what", "lst", *JULY, "--provider", service.api, *more)


def command(printed: str, lcz, *more) -> list[str]:
    """The printed command for ``lcz uhi``, with a map in the place of MAP."""
    (line,) = [t for t in printed.splitlines() if t.startswith("lcz uhi MAP ")]
    return [*(str(lcz) if w == "MAP" else w for w in shlex.split(line)[1:]), *map(str, more)]


def test_a_list_of_dates_reads_no_file_and_a_check_reads_a_little(landsat, tmp_path, run_lcz):
    code, out, err = get(run_lcz, landsat, "--list", "--out", tmp_path / "list")
    assert code == 0, err
    assert "3 dates of Landsat Collection 2 Level-2, 3 by day, at 10:49 to 10:51 solar time" in out
    assert not landsat.asked
    assert (tmp_path / "list/lst_dates.csv").read_text().count("2023-07") >= 3
    code, out, err = get(run_lcz, landsat, "--check", "--out", tmp_path)
    assert code == 0, err
    told = (tmp_path / "check.csv").read_text()
    assert "3 dates, the last of 2023-07-25" in told
    assert "in the middle" in told
    assert "sentinel-2" not in told
    assert "1 of 1 services can be used" in out


@pytest.mark.slow
def test_fetched_dates_go_through_uhi_as_they_are_to_the_differences_of_the_zones(
    landsat, city, tmp_path, run_lcz
):
    out = tmp_path / "place"
    code, printed, err = get(run_lcz, landsat, "--out", out)
    assert code == 0, err
    assert "metal roofs emit less" in err
    assert "10:50 to 10:51 local solar time" in err
    assert "cloud over more than 60%" in err
    lcz, _ = city
    code, _, err = run_lcz(*command(printed, lcz, "--no-figures", "--out", tmp_path / "uhi"))
    assert code == 0, err
    found = json.loads((tmp_path / "uhi/heat_island.json").read_text())
    assert found["overpass"] == "day"
    assert [s["time"] for s in found["scenes"]] == ["2023-07-09T10:02:30Z", "2023-07-17T10:02:30Z"]
    assert "cloudy or poor by QA_PIXEL" in found["clouds"]
    assert found["pixels"]["cloud_or_poor"] > 1000
    assert "LCZ 8 and 10" in found["read"][0]["limits"]
    assert [d["time"] for d in found["dates"]] == [s["time"] for s in found["scenes"]]
    for document in (found, *found["dates"]):
        rows = {r["lcz"]: r for r in document["classes"]}
        for number, kelvins in ABOVE.items():
            assert rows[number]["difference"] == pytest.approx(kelvins, abs=0.15)
    code, _, err = run_lcz(
        "uhi", lcz, "--lst", out / "lst_median.tif", "--no-figures", "--out", tmp_path / "median"
    )
    assert code == 0, err
    rows = {
        r["lcz"]: r
        for r in json.loads((tmp_path / "median/heat_island.json").read_text())["classes"]
    }
    assert rows[2]["difference"] == pytest.approx(3, abs=0.15)
    code, _, err = run_lcz(
        "uhi",
        lcz,
        "--lst",
        out / "lst.tif",
        "--band",
        "2",
        "--no-figures",
        "--out",
        tmp_path / "one",
    )
    assert code == 0, err
    one = json.loads((tmp_path / "one/heat_island.json").read_text())
    assert (len(one["scenes"]), one["retrieval_uncertainty_k"]) == (1, 1.5)
    code, printed, _ = get(run_lcz, landsat, "--out", out, "--resume")
    assert "are finished" in printed


def test_of_dates_by_day_and_by_night_uhi_makes_one_result_each(city, tmp_path, run_lcz):
    """As ECOSTRESS brings them; here of Landsat's scenes at made-up hours."""
    lcz, above = city
    items = [
        write_landsat(tmp_path / "s", f"2023-07-{day:02d}T{hour:02d}:02:30Z", stored(mean + above * share), box=BOX)
        for day, hour, mean, share in ((9, 10, 300.0, 1.0), (10, 22, 288.0, 0.5))
    ]  # fmt: skip
    service, stop = serve(tmp_path / "s", items)
    try:
        code, printed, err = get(run_lcz, service, "--out", tmp_path / "place")
    finally:
        stop()
    assert code == 0, err
    assert (tmp_path / "place/lst_night_median.tif").is_file()
    code, _, err = run_lcz(*command(printed, lcz, "--no-figures", "--out", tmp_path / "uhi"))
    assert code == 0, err
    day = json.loads((tmp_path / "uhi/heat_island.json").read_text())
    (night,) = day["other_overpasses"]
    for document, share in ((day, 1.0), (night, 0.5)):
        rows = {r["lcz"]: r for r in document["classes"]}
        assert rows[2]["difference"] == pytest.approx(3 * share, abs=0.15)


def test_tokens_are_asked_for_the_collection_of_landsat(landsat, tmp_path, run_lcz, monkeypatch):
    service = providers.Provider(
        "planetary-computer", "Signed", landsat.api, token=f"{landsat.api}/token/{{collection}}",
        lst=providers.LST_COLLECTION,
    )  # fmt: skip
    monkeypatch.setitem(providers.PROVIDERS, "planetary-computer", service)
    code, _, err = run_lcz("get", INSIDE, "--what", "lst", *JULY, "--out", tmp_path / "one")
    assert code == 0, err
    assert landsat.asked
    assert all(a.query == "sig=0" for a in landsat.asked)


def test_real_brightness_of_hong_kong_as_temperature_is_read_pixel_by_pixel(
    shared, tmp_path, run_lcz
):
    """Of the layout that the reference data has: pixels of 100 m, a scene of 2014."""
    lines = (shared / "stac/items_pc.ndjson").read_text()
    own = lines.replace("http://127.0.0.1:8765/assets", "{root}/files").splitlines()
    items = [i for i in map(json.loads, own) if i["collection"] == providers.LST_COLLECTION]
    service, stop = serve(shared / "stac/assets", items)
    try:
        code, printed, err = run_lcz(
            "get", "113.9,22.15,114.35,22.55", "--what", "lst", "--start", "2014-10-01", "--end", "2014-10-31",
            "--provider", service.api, "--out", tmp_path / "hk",
        )  # fmt: skip
    finally:
        stop()
    assert code == 0, err
    files = shared / "stac/assets/landsat"
    with (
        rasterio.open(tmp_path / "hk/lst.tif") as src,
        rasterio.open(files / "lwir11.tif") as source,
    ):
        col, row = (round(v) for v in ~source.transform * (src.transform.c, src.transform.f))
        found = src.read(1)
        want = np.zeros_like(found)
        part = source.read(1)[row : row + src.height, col : col + src.width]
        want[: part.shape[0], : part.shape[1]] = part
        with rasterio.open(files / "qa_pixel.tif") as qa:
            bits = qa.read(1)[row : row + src.height, col : col + src.width]
        want[: part.shape[0], : part.shape[1]][(bits & 0b111111) > 0] = 0
    np.testing.assert_array_equal(found, want)
    lcz = shared / "data/hong_kong/hong_kong_lcz_GT.tif"
    code, _, err = run_lcz(*command(printed, lcz, "--no-figures", "--out", tmp_path / "uhi"))
    assert code == 0, err
    told = json.loads((tmp_path / "uhi/heat_island.json").read_text())
    assert told["scenes"][0]["time"] == "2014-10-15T02:52:00Z"
    assert told["pixels"]["cloud_or_poor"] == 6600


@pytest.mark.slow
def test_temperature_beside_composites_stays_whatever_is_fetched_first(tmp_path):
    scenes, _ = july.write_july(tmp_path / "s")
    landsat = [
        write_landsat(tmp_path / "s", "2024-07-09T10:02:30Z", stored(kelvin())),
        write_landsat(tmp_path / "s", "2024-07-25T10:02:30Z", stored(kelvin(seed=1))),
    ]
    service, stop = serve(tmp_path / "s", [*scenes, *landsat])
    together, apart, broken = (tmp_path / n for n in ("together", "apart", "broken"))
    try:
        july.fetched(service, together, what=("s2", "lst"))
        for what in ("lst", "s2"):
            july.fetched(service, apart, what=(what,))
        service.items = [i for i in service.items if i["collection"] != providers.LST_COLLECTION]
        result = july.fetched(service, broken, what=("s2", "lst"))
        alone = json.loads((apart / "item.json").read_text())
        del alone["properties"]["seasons"]
        (tmp_path / "alone").mkdir()
        (tmp_path / "alone/item.json").write_text(json.dumps(alone))
        with pytest.raises(InputError, match=r"holds temperatures of 00000_00000_\w+, not of"):
            july.fetched(service, tmp_path / "alone", place="10.0,50.0,10.1,50.1")
    finally:
        stop()
    for folder in (together, apart):
        item = json.loads((folder / "item.json").read_text())
        assert {"seasons", "surface_temperature"} <= set(item["properties"])
        assert {"2024-07", "lst", "lst_median"} <= set(item["assets"])
        assert not [p for p in folder.iterdir() if p.name.startswith(".")]
    for name in ("lst.tif", "lst_median.tif", "lst_dates.csv"):
        assert (together / name).read_bytes() == (apart / name).read_bytes()
    material = open_material(Places([together]).known()[-1])
    assert surface_temperatures(material, "day") == ((together / "lst.tif",), None)
    (why,) = result.not_published  # the composites are not lost for it
    assert why.startswith("Surface temperature: ")
    assert "has no collection landsat-c2-l2; it has sentinel-2-l2a" in why
    assert list(broken.rglob("*_2024-07.tif"))


@pytest.fixture
def network(tmp_path, monkeypatch, classes):
    """Ten stations in squares of low plants and of LCZ 2, which is 2 K warmer, on loopback."""
    meteostat = pytest.importorskip("meteostat")
    from meteostat.providers.meteostat import hourly
    from meteostat.providers.noaa import isd_lite
    from rasterio.warp import transform

    folder = tmp_path / "served"
    folder.mkdir()
    stations, shift = {}, {}
    for number in (14, 2):
        squares = classes[SQUARE // 2 :: SQUARE, SQUARE // 2 :: SQUARE]
        rows, cols = (1 + v for v in np.nonzero(squares[1:-1, 1:-1] == number))
        for k in range(5):
            x, y = CELLS.affine * (SQUARE * (cols[k] + 0.5), SQUARE * (rows[k] + 0.5))
            lon, lat = (v[0] for v in transform(CELLS.crs, "EPSG:4326", [x], [y]))
            key = f"{number:02d}00{k}"
            stations[key] = (f"Station {key}", "XX", lat, lon, 40, {"wmo": key, "usaf": f"1{key}"})
            shift[key] = 2.0 * (number == 2)
    services.write_stations(folder / "stations.db", stations)
    for i, key in enumerate(stations):
        air = services.air(20 + shift[key], 7 + i)
        services.write_isd(folder / "isd", f"1{key}", services.JUNE, air)
        # the model knows no city
        services.write_hourly(
            folder / "hourly", key, services.JUNE, services.air(20, 0), ["dwd_mosmix"] * services.JUNE.size
        )  # fmt: skip
    service, stop = serve(folder, [])
    files = f"{service.root}/files"
    monkeypatch.setattr(meteostat.config, "stations_db_endpoints", [f"{files}/stations.db"])
    monkeypatch.setattr(hourly, "ENDPOINT", f"{files}/hourly/{{year}}/{{station}}.csv.gz")
    monkeypatch.setattr(isd_lite, "ISD_LITE_ENDPOINT", f"{files}/isd/")
    monkeypatch.setattr(weather_stations, "_PAUSE", 0.01)
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    yield service
    stop()


def test_fetched_stations_go_through_uhi_as_they_are_to_the_difference_that_was_observed(
    network, city, tmp_path, run_lcz
):
    out = tmp_path / "place"
    days = ("--start", "2023-06-01", "--end", "2023-06-10")
    code, printed, err = run_lcz("get", INSIDE, "--what", "stations", *days, "--check")
    assert code == 0, err
    assert "10 stations" in printed
    code, printed, err = run_lcz("get", INSIDE, "--what", "stations", *days, "--out", out)
    assert code == 0, err
    assert "2,400 observed hours of 10 stations" in printed
    lcz, _ = city
    uhi = command(printed, lcz, "--no-figures", "--out", tmp_path / "uhi")
    assert uhi[uhi.index("--sites") + 1] == str(out / "stations.gpkg")
    code, _, err = run_lcz(*uhi)
    assert code == 0, err
    found = json.loads((tmp_path / "uhi/heat_island.json").read_text())
    rows = {r["lcz"]: r for r in found["classes"]}
    assert rows[2]["n_stations"] == 5
    assert rows[2]["difference"] == pytest.approx(2, abs=0.2)
    code, _, err = run_lcz(
        "uhi",
        lcz,
        "--stations",
        out / "air_temperature.csv",
        "--no-figures",
        "--out",
        tmp_path / "alone",
    )
    assert code == 0, err
    alone = json.loads((tmp_path / "alone/heat_island.json").read_text())
    assert alone["classes"] == found["classes"]
    code, printed, _ = run_lcz("get", INSIDE, "--what", "stations", *days, "--out", out, "--resume")
    assert "are finished" in printed
