"""``lcz get --check``: what of each service works as it is taken to, and what does not."""

from __future__ import annotations

import csv

import pytest
from stac.july import BOX, INSIDE, write_july
from stac.scenes import clear_sky, town, write_scene
from stac.server import serve
from typer.testing import CliRunner

from lczlib.acquire import providers
from lczlib.cli import app
from lczlib.jobs.get_check import check
from lczlib.jobs.get_request import GetRequest

pytestmark = pytest.mark.usefixtures("hurried")

JULY = {"start": "2024-07-01", "end": "2024-07-31"}


@pytest.fixture
def start():
    stops = []

    def begin(folder, items):
        running, stop = serve(folder, items)
        stops.append(stop)
        return running

    yield begin
    for stop in stops:
        stop()


def told(result) -> dict[str, tuple[bool, str]]:
    return {f.tried: (f.good, f.said) for f in result.findings}


def test_each_collection_is_searched_and_read_and_its_offset_judged(start, tmp_path):
    items, dn = write_july(tmp_path)
    items.append(
        write_scene(tmp_path, "es-c1", "c1", "2024-07-05T10:10:29Z", dn, clear_sky(BOX), BOX)
    )
    service = start(tmp_path, items)
    found = told(check(GetRequest(place=INSIDE, provider=service.api, **JULY)))
    assert found["search sentinel-2-l2a"] == (True, "3 scenes, 2024-07-01 to 2024-07-21")
    assert found["search sentinel-2-c1-l2a"] == (True, "1 scenes, 2024-07-05 to 2024-07-05")
    for name in ("sentinel-2-l2a", "sentinel-2-c1-l2a"):
        assert found[f"read {name}"][0]
        assert found[f"offset of {name}"][0]
        assert found[f"offset of {name}"][1].startswith("-1000 DN, ")


def test_the_command_prints_a_report_and_needs_no_place(start, tmp_path, monkeypatch):
    items, _ = write_july(tmp_path)
    service = start(tmp_path, items)
    works = providers.Provider("planetary-computer", "Works", service.api)
    gone = providers.Provider("earth-search", "Gone", "http://127.0.0.1:9/stac")
    monkeypatch.setattr(
        "lczlib.jobs.get_check.PROVIDERS", {"planetary-computer": works, "earth-search": gone}
    )
    monkeypatch.setattr("lczlib.jobs.get_check._BERLIN", (13.295, 52.506, 13.32, 52.517))
    out = tmp_path / "report"
    words = ["get", "--check", "--start", "2024-07-01", "--end", "2024-07-31", "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "1 of 2 services can be used: Works." in done.output
    rows = list(csv.DictReader((out / "check.csv").open()))
    (lost,) = [r for r in rows if r["service"] == "Gone"]
    assert (lost["tried"], lost["good"]) == ("answer", "False")
    assert "cannot be reached: is there a network" in lost["said"]


def test_nothing_usable_is_exit_status_1(tmp_path):
    words = ["get", "--check", "--provider", "http://127.0.0.1:9/stac"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "0 of 1 services can be used" in done.output


def test_lacking_keys_wrong_offsets_and_unknown_names_are_found(start, tmp_path, monkeypatch):
    dn = town(BOX)
    when = "2024-07-05T10:10:29Z"
    lies = write_scene(tmp_path, "es", "lies", when, dn, clear_sky(BOX), BOX, stored=1000)
    service = start(tmp_path, [lies])
    found = told(check(GetRequest(place=INSIDE, provider=service.api, **JULY)))
    assert not found["offset of sentinel-2-l2a"][0]
    assert "as if the offset were still in" in found["offset of sentinel-2-l2a"][1]
    for asset in service.items[0]["assets"].values():
        asset["href"] = "s3://eodata/none.jp2"
    monkeypatch.setitem(
        providers.PROVIDERS,
        "cdse",
        providers.Provider(
            "cdse", "Keys", service.api, s3_keys=("LCZ_TEST_KEY", "LCZ_TEST_SECRET")
        ),
    )
    found = told(check(GetRequest(place=INSIDE, provider="cdse", **JULY)))
    assert "set LCZ_TEST_KEY and LCZ_TEST_SECRET" in found["read sentinel-2-l2a"][1]
    service.items[0]["assets"]["azul"] = service.items[0]["assets"].pop("blue")
    found = told(check(GetRequest(place=INSIDE, provider=service.api, **JULY)))
    assert "unknown names of files: azul, green" in found["bands of sentinel-2-l2a"][1]


def test_a_place_is_needed_for_all_else():
    done = CliRunner().invoke(app, ["get", "--list"])
    assert done.exit_code == 2
    assert "name a place" in done.output
