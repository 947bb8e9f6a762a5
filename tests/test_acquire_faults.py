"""What services do wrong: each is one sentence, nothing is lost, and nothing becomes zeros."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
import rasterio
from rasterio.errors import RasterioIOError
from stac.july import DAYS, asked, check_same, command, fetched, left_out, names, write_july
from stac.server import Service, serve
from urllib3 import HTTPResponse

from lczlib.acquire import faults, providers
from lczlib.acquire.download import Downloads
from lczlib.errors import ServiceError
from lczlib.jobs.get import run
from lczlib.jobs.get_days import find
from lczlib.jobs.get_request import GetRequest

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stac")
    return folder, *write_july(folder)


@pytest.fixture
def service(files):
    running, stop = serve(files[0], files[1])
    yield running
    stop()


def test_a_file_that_is_not_there_costs_its_day_which_is_named(service, tmp_path, files):
    name = names(DAYS)[1]

    def fault(handler, path, before):
        if path.endswith(f"{name}/B08.tif"):
            handler.refuse(404)
            return True
        return False

    service.fault = fault
    result = fetched(service, tmp_path)
    (why,) = left_out(tmp_path).values()
    assert why == f"B08 of {name} is not there (HTTP 404)"
    assert any("1 day left out (2024-07-11: B08 of" in c for c in result.cautions())
    with rasterio.open(next(tmp_path.glob("Sentinel-2/*/*/clear_count.tif"))) as src:
        assert src.read(1).max() == 2
    check_same(tmp_path, files[2])


def test_a_classification_that_is_not_there_is_seen_in_the_list(service):
    name = names(DAYS)[0]
    service.fault = lambda h, path, n: f"{name}/SCL" in path and h.refuse(404)
    days = next(iter(find(asked(service)).seasons.values()))
    assert [d.failed for d in days if d.failed] == [f"SCL of {name} is not there (HTTP 404)"]
    assert len(days) == 3
    assert days[-1].failed


def test_a_busy_service_is_waited_for_as_long_as_it_asks(service, tmp_path, files):
    path = f"pc/{names(DAYS)[0]}/B03.tif"
    refused = []

    def fault(handler, asked_for, before):
        now = time.monotonic()
        busy = asked_for == path and (not refused or now < refused[0] + 2)
        if busy:
            refused.append(now)
            handler.refuse(429, f"{refused[0] + 2 - now:.2f}")
        return busy

    service.fault = fault
    fetched(service, tmp_path)
    assert 1 <= len(refused) <= 6
    assert not left_out(tmp_path)
    check_same(tmp_path, files[2])


def test_a_service_that_stays_busy_stops_the_run_which_is_taken_up_later(service, tmp_path, files):
    busy = threading.Event()
    busy.set()

    def fault(handler, path, before):
        if busy.is_set() and path.endswith("B11.tif"):
            handler.refuse(429, "0")
            return True
        return False

    service.fault = fault
    with pytest.raises(ServiceError, match=r"it is busy \(HTTP 429\)\. Finished parts are kept"):
        fetched(service, tmp_path)
    busy.clear()
    run(asked(service), tmp_path, resume=True).write(tmp_path)
    assert not left_out(tmp_path)
    check_same(tmp_path, files[2])


def in_a_bucket(service: Service, monkeypatch) -> GetRequest:
    """The same files at ``s3://`` addresses, where GDAL's own words tell what failed."""
    for item in service.items:
        for asset in item["assets"].values():
            asset["href"] = asset["href"].replace(f"{service.root}/", "s3://")
    s3 = {
        "AWS_S3_ENDPOINT": service.root.removeprefix("http://"), "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }  # fmt: skip
    row = providers.Provider("earth-search", "Bucket", service.api, s3=s3)
    monkeypatch.setitem(providers.PROVIDERS, "earth-search", row)
    return asked(service, provider="earth-search")


def test_a_bucket_that_is_busy_costs_no_day(service, tmp_path, monkeypatch, files):
    request = in_a_bucket(service, monkeypatch)
    service.fault = lambda h, path, n: path.endswith("B11.tif") and h.refuse(429)
    with pytest.raises(ServiceError, match=r"it is busy \(HTTP 429\)\. Finished parts are kept"):
        run(request, tmp_path)
    service.fault = None
    run(request, tmp_path, resume=True).write(tmp_path)
    assert not left_out(tmp_path)
    check_same(tmp_path, files[2])


@pytest.mark.parametrize("day", ["20240404", "20240403", "20230503"])
def test_a_day_in_a_files_name_is_no_status(day):
    address = f"/vsis3/eodata/{day}T101029/B02_{day}.jp2"
    error = RasterioIOError(f"'{address}' not recognized as being in a supported file format.")
    assert not faults.is_busy(error)
    cause = faults.cause_of(address, error)
    assert not cause.final
    assert "not recognized" in cause.what


def test_what_asks_to_wait_for_hours_is_not_waited_for(service, tmp_path, files):
    service.fault = lambda h, path, n: h.refuse(429, "36000")
    begun = time.monotonic()
    with (
        Downloads() as downloads,
        pytest.raises(ServiceError, match=r"it is busy \(HTTP 429\).*run again later"),
    ):
        downloads.fetch(f"{service.root}/files/pc/a.tif", tmp_path / "a.tif")
    assert time.monotonic() - begun < faults.LONGEST_WAIT
    answer = HTTPResponse(headers={"Retry-After": "36000"})
    assert faults.patience().get_retry_after(answer) == faults.LONGEST_WAIT
    assert faults.patience().get_retry_after(HTTPResponse()) is None


def test_a_cut_connection_is_tried_again(service, tmp_path, files):
    cuts = []

    def fault(handler, path, before):
        if path.endswith("B04.tif") and before in (1, 2):
            cuts.append(path)
            handler.cut()
            return True
        return False

    service.fault = fault
    fetched(service, tmp_path)
    assert cuts
    assert not left_out(tmp_path)
    check_same(tmp_path, files[2])


def test_a_file_that_is_always_cut_costs_its_day(service, tmp_path, files):
    name = names(DAYS)[2]

    def fault(handler, path, before):
        whole = handler.request.headers.get("Range") != "bytes=0-0"
        if path.endswith(f"{name}/B12.tif") and whole:
            handler.cut()
            return True
        return False

    service.fault = fault
    fetched(service, tmp_path)
    assert "B12" in left_out(tmp_path)["2024-07-21"]
    assert "cut off or damaged" in left_out(tmp_path)["2024-07-21"]
    check_same(tmp_path, files[2])


def test_a_damaged_file_costs_its_day(service, tmp_path, files):
    folder, _, dn = files
    file = folder / "pc" / names(DAYS)[0] / "B8A.tif"
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
        fetched(service, tmp_path)
    finally:
        file.write_bytes(whole)
    assert "B8A" in left_out(tmp_path)["2024-07-01"]
    check_same(tmp_path, dn)


def with_tokens(service: Service, monkeypatch) -> GetRequest:
    row = providers.Provider(
        "planetary-computer", "Signed", service.api, token=f"{service.api}/token/{{collection}}"
    )
    monkeypatch.setitem(providers.PROVIDERS, "planetary-computer", row)
    return asked(service, provider="planetary-computer")


def test_a_token_that_ends_in_the_middle_is_asked_for_anew(service, tmp_path, monkeypatch, files):
    reads = Counter()

    def fault(handler, path, before):
        token = handler.request.query
        reads[token] += 1
        good = service.tokens and token == service.tokens[-1] and reads[token] <= 40
        return not good and handler.refuse(403)

    service.fault = fault
    request = with_tokens(service, monkeypatch)
    run(request, tmp_path).write(tmp_path)
    assert len(service.tokens) > 2
    assert not left_out(tmp_path)
    check_same(tmp_path, files[2])


def test_addresses_that_the_service_signs_itself_are_asked_for_anew(service, tmp_path, files):
    """The item holds signed addresses; these end, and a new item has new ones."""
    for item in service.items:
        for asset in item["assets"].values():
            asset["href"] += "?sig=old"
    begun = threading.Event()

    def fault(handler, path, before):
        begun.set()
        if service.reads(".tif") > 40 and handler.request.query == "sig=old":
            for item in service.items:
                for asset in item["assets"].values():
                    asset["href"] = asset["href"].replace("=old", "=new")
            handler.refuse(403)
            return True
        return False

    service.fault = fault
    fetched(service, tmp_path)
    assert {a.query for a in service.asked} == {"sig=old", "sig=new"}
    assert not left_out(tmp_path)
    check_same(tmp_path, files[2])


def test_what_stays_refused_costs_its_day(service, tmp_path):
    name = names(DAYS)[0]
    service.fault = lambda h, path, n: f"{name}/B02" in path and h.refuse(403)
    fetched(service, tmp_path)
    assert left_out(tmp_path) == {
        "2024-07-01": f"B02 of {name} is refused (HTTP 403), also signed again"
    }


def test_a_search_that_is_refused_for_a_while_is_repeated(service):
    def fault(handler, before):
        if before == 0:
            handler.refuse(429, "0")
            return True
        return False

    service.search_fault = fault
    assert len(next(iter(find(asked(service)).seasons.values()))) == 3


def test_who_is_at_fault_is_said(service, tmp_path):
    service.search_fault = lambda handler, n: handler.refuse(500)
    with pytest.raises(ServiceError, match="is busy or fails at every try: it is at fault"):
        find(asked(service))
    with pytest.raises(ServiceError, match="cannot be reached: is there a network"):
        find(asked(service, provider="http://127.0.0.1:9/stac"))
    with pytest.raises(ServiceError, match="STAC API"):
        find(asked(service, provider=f"{service.root}/files"))


def test_files_that_cannot_be_reached_stop_the_run(service, tmp_path):
    for item in service.items:
        for band, asset in item["assets"].items():
            if band == "B06":
                asset["href"] = "http://127.0.0.1:9/gone.tif"
    with pytest.raises(ServiceError, match=r"its files cannot be reached \(no connection\)"):
        fetched(service, tmp_path)


def _moved(service: Service, to: str) -> None:
    for item in service.items:
        item["assets"]["B06"]["href"] = to


FAULTS = {
    "404": (lambda s: _fail(s, "SCL.tif", lambda h: h.refuse(404)), "SCL of .* is not there (HTTP 404)"),
    "403": (lambda s: _fail(s, "B02.tif", lambda h: h.refuse(403)), "No day of 2024-07 .* is refused (HTTP 403)"),
    "429": (lambda s: _fail(s, "B03.tif", lambda h: h.refuse(429, "0")), "it is busy (HTTP 429). Finished parts"),
    "500": (lambda s: _fail(s, "B04.tif", lambda h: h.refuse(500)), "No day of 2024-07 .* (HTTP 500)"),
    "cut": (lambda s: _fail(s, "B08.tif", lambda h: h.cut() or True), "No day of 2024-07 .* is cut off"),
    "gone": (lambda s: _moved(s, "http://127.0.0.1:9/a.tif"), "cannot be reached (no connection)"),
    "file": (lambda s: _moved(s, "/etc/passwd"), "B06 of .* lies at '/etc/passwd': files are read from"),
}  # fmt: skip


def _fail(service: Service, part: str, how: Callable[[object], bool]) -> None:
    service.fault = lambda handler, path, before: part in path and how(handler)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_a_sentence_on_the_command_line(service, tmp_path, fault, run_lcz):
    begin, said = FAULTS[fault]
    begin(service)
    code, _, error = run_lcz(*command(service, tmp_path)[3:])
    assert code == 1
    assert error.startswith("lcz: ")
    assert re.search(said.replace("(", r"\(").replace(")", r"\)"), error)
    assert "Traceback" not in error
    assert error.count(". ") <= 1
    assert len(error) < 300
    assert not (tmp_path / "item.json").exists()


def test_what_was_left_out_or_is_doubtful_is_a_sentence_beside_the_result(
    service, tmp_path, run_lcz
):
    _fail(service, f"{names(DAYS)[1]}/B08.tif", lambda h: h.refuse(404))
    code, out, error = run_lcz(*command(service, tmp_path)[3:])
    assert code == 0
    assert "1 day left out (2024-07-11: B08 of" in " ".join((out + error).split())
