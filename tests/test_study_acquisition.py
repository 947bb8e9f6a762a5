"""Imagery fetched within a study, from services on loopback: shared, limited, taken up, found again."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stac.july import names, write_july
from stac.published import write_published
from stac.server import Service, serve

from lczlib.acquire import faults
from lczlib.acquire.choose import chosen, clear_shares
from lczlib.acquire.providers import PROVIDERS
from lczlib.errors import Cancelled, InputError, ServiceError
from lczlib.jobs.get_request import GetRequest
from lczlib.settings import described
from lczlib.study import Places, Study
from lczlib.study.acquisition import box_asked, can_fetch, request_of, told_of
from lczlib.study.places import Place
from lczlib.study.services import Services
from lczlib.study.state import RESULTS
from lczlib.study.store import make_room

AREA = (13.295, 52.506, 13.378, 52.5175)  # within Berlin's box, and within the scenes
BERLIN = "place:2950159"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("stac")
    return folder, write_july(folder)[0]


@pytest.fixture
def service(files: tuple[Path, list[dict[str, Any]]]) -> Iterator[Service]:
    running, stop = serve(*files)
    yield running
    stop()


@pytest.fixture(autouse=True)
def alone_and_hurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LCZLIB_MIRROR", raising=False)
    monkeypatch.setattr(faults, "PAUSE", 0.01)


@pytest.fixture
def begin(tmp_path: Path, service: Service) -> Callable[..., Study]:
    """A visitor's study of Berlin in July; all visitors share a store."""

    def made(name: str = "one", **limits: Any) -> Study:
        limits = {"providers": (service.api,), "global_map": str(tmp_path / "none.tif"), **limits}
        cache = tmp_path / "cache"
        places = Places(fetched=cache / RESULTS)
        study = Study(tmp_path / name, cache, places, Services(**limits))
        study.param.update(city=BERLIN, area=AREA, get_start="2024-07-01", get_end="2024-07-31")
        return study

    return made


def test_a_search_tells_the_days_and_what_they_will_show(begin: Callable[..., Study]) -> None:
    found = begin().compute("days")
    ((period, days),) = found.seasons.items()
    assert period.name == "2024-07"
    assert [d.date.day for d in days] == [1, 11, 21]
    used, left = chosen(days, period, max_cloud=60, most=2)
    assert len(used) == 2
    assert list(left) == ["2024-07-21"]
    at_least_one, at_least_three = clear_shares(used)
    assert at_least_one == pytest.approx(1, abs=0.01)
    assert at_least_three == 0
    assert clear_shares(days)[1] == pytest.approx(1, abs=0.01)
    assert not any(d.scenes for d in days)  # what only a run needs is not carried about


def test_what_is_fetched_is_the_place_then_for_all_visitors_and_once(
    begin: Callable[..., Study], service: Service
) -> None:
    study = begin()
    key = study.compute("acquired").key
    study.param.update(city=key, area=None)
    scene = study.compute("scene")
    assert list(scene.seasons) == ["2024-07"]
    assert scene.mappable
    assert scene.shared
    assert any(
        "lcz_global" in t or "none.tif" in t for r in study.read["scene"] for t in r.cautions
    )
    told = told_of(scene.place.folder)["seasons"]["2024-07"]
    assert told["clear_count"]["max"] == 3
    asked = len(service.asked)

    other = begin("two")
    (place,) = other.context.places.fetched(of=BERLIN)
    assert place.key == key
    assert place.name.startswith("Berlin")
    assert "2024-07" in place.kind
    assert any(p.key == key for p in other.context.places.find("berlin"))
    assert other.compute("acquired").key == key
    assert len(service.asked) == asked  # nothing was read twice
    assert not Places().fetched()


def test_it_is_the_folder_that_the_command_makes(
    begin: Callable[..., Study],
    service: Service,
    tmp_path: Path,
    run_lcz: Callable[..., tuple[int, str, str]],
) -> None:
    published = str(write_published(tmp_path / "published.tif"))
    study = begin(global_map=published)
    place = study.context.places.place(study.compute("acquired").key)
    code, _, error = run_lcz(
        "get", "Berlin, Germany", "--box", ",".join(map(str, AREA)), "--start", "2024-07-01", "--end",
        "2024-07-31", "--provider", service.api, "--what", "s2,lcz", "--global-map", published, "--out",
        tmp_path / "command",
    )  # fmt: skip
    assert code == 0, error
    ours, theirs = contents(place.folder), contents(tmp_path / "command")
    assert set(ours) - set(theirs) == {"asked.json"}  # whose place it is, for the dashboard's list
    assert set(theirs) <= set(ours)
    assert any(n.endswith("lcz_global.tif") for n in theirs)
    for name in set(theirs) - {"manifest.json"}:  # which holds times and folders
        assert ours[name] == theirs[name], name
    told = [json.loads(c["manifest.json"]) for c in (ours, theirs)]
    assert told[0]["command"] == told[1]["command"]
    assert told[0]["parameters"] == told[1]["parameters"]


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_another_season_of_fetched_imagery_can_be_asked_for(begin: Callable[..., Study]) -> None:
    study = begin()
    study.param.update(city=study.compute("acquired").key, area=None, get_end="2024-07-15")
    second = study.compute("acquired").key
    places = study.context.places.fetched(of=BERLIN)
    assert {p.key for p in places} >= {second}
    assert len(places) == 2


def test_a_run_that_is_stopped_is_taken_up(begin: Callable[..., Study], service: Service) -> None:
    study = begin()
    ticket = study.start("acquired")
    with pytest.raises(Cancelled):
        ticket.run(cancelled=lambda: service.reads("/B") > 40)
    read, searches = service.reads("/B"), service.searches
    assert not study.context.places.fetched()
    begin("two").compute("acquired")
    assert study.context.places.fetched()
    assert service.searches == searches  # the plan of the first run is the second's too
    assert service.reads("/B") > read


def test_who_is_at_fault_is_said(begin: Callable[..., Study], service: Service) -> None:
    service.search_fault = lambda handler, before: handler.refuse(403)
    with pytest.raises(ServiceError, match=r"403.*it is at fault"):
        begin().compute("days")
    with pytest.raises(ServiceError, match="cannot be reached"):
        begin(providers=("http://127.0.0.1:9/api",)).compute("days")


def test_only_listed_services_are_asked(begin: Callable[..., Study], service: Service) -> None:
    study = begin()
    with pytest.raises(ValueError, match="evil"):
        study.get_provider = "http://evil.example/api"
    with pytest.raises(InputError, match="no provider"):
        Services(providers=("evil",))
    told = {"LCZLIB_PROVIDERS": f"cdse {service.api}", "LCZLIB_GET_KM2": "10"}
    assert Services.from_environment(told) == Services(("cdse", service.api), "", 10)
    with pytest.raises(InputError, match="LCZLIB_GET_MB='much'"):
        Services.from_environment({"LCZLIB_GET_MB": "much"})


def test_nobody_but_the_listed_service_is_asked(
    begin: Callable[..., Study], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are lists of places fetched on the way, which `lcz get` would."""
    asked: list[object] = []
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **how: asked.append(host) or look_up(host, *more, **how)
    )  # fmt: skip
    study = begin()
    study.compute("days")
    study.compute("acquired")
    assert set(asked) == {"127.0.0.1"}


def test_keys_are_those_of_the_servers_environment(
    begin: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROVIDERS["cdse"].s3_keys:
        monkeypatch.delenv(name, raising=False)
    assert "cdse" not in Services.from_environment({}).providers  # nobody could get its files
    assert "earth-search" in Services.from_environment({}).providers
    with pytest.raises(InputError, match="S3 keys"):
        PROVIDERS["cdse"].credentials()
    for name in PROVIDERS["cdse"].s3_keys:
        monkeypatch.setenv(name, "secret")
    services = Services.from_environment({})
    assert "cdse" in services.providers
    study = begin(providers=services.providers)
    assert not [n for n in study.param if re.search("key|token|secret|password", n)]
    assert "secret" not in repr(study.param.values()) + repr(services)


def test_the_published_map_is_read_of_no_larger_box_than_imagery(
    begin: Callable[..., Study], tmp_path: Path
) -> None:
    published = str(write_published(tmp_path / "published.tif"))
    study = begin(global_map=published, largest_km2=10)
    study.compute("scene")
    lcz = study.compute("published")
    assert lcz.shape[0] * lcz.shape[1] * 0.01 < 12
    study.area = (12.0, 51.0, 15.0, 53.0)
    study.compute("scene")
    with pytest.raises(InputError, match="this server fetches 10 km² at a time"):
        study.compute("published")


def test_a_visitor_has_one_run_at_a_time(begin: Callable[..., Study], service: Service) -> None:
    pytest.importorskip("panel")
    from app.session.jobs import Runner

    go_on = threading.Event()
    service.search_fault = lambda *_: not go_on.wait(60)
    study = begin()
    runner = Runner(study, lambda call: call())
    runner.run("acquired")
    (first,) = runner._jobs.values()
    runner.run("acquired")
    assert list(runner._jobs.values()) == [first]  # the same, and not stopped
    assert not first.stop.is_set()
    study.area = (13.30, 52.506, 13.37, 52.5175)
    assert first.stop.is_set()
    assert not runner._jobs
    go_on.set()
    runner.close()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"largest_km2": 2}, "5.6 x 1.3 km, 7 km²; this server fetches 2 km² at a time"),
        ({"most_mb": 0.01}, "more than the 0 MB that may be read at a time"),
        ({"most_mb": 0}, "This server fetches no imagery"),
    ],
)
def test_limits_are_said_in_words(
    begin: Callable[..., Study], service: Service, limits: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        begin(**limits).compute("acquired")
    assert service.reads("/B") == 0


SAID: dict[str, Any] = {
    "seasons": "wet-dry", "year": 2021, "composite": "median", "max_cloud": 33.0, "days": 5,
    "dilation": 100.0, "offsets": "stated", "start": "2024-07-01", "end": "2024-07-31", "level": "L1C",
    "haze": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("names", [{"seasons", "year"}, {"start", "end"}])
def test_a_study_asks_what_the_command_would(
    begin: Callable[..., Study], service: Service, names: set[str]
) -> None:
    """Every setting of the job but the collection, the service's own, maps of the LCZ Generator, radar and heat."""
    study = begin()
    when = {"seasons", "year", "start", "end"}
    said = {n: v for n, v in SAID.items() if n not in when or n in names}
    study.param.update({f"get_{n}": said.get(n, study.param[f"get_{n}"].default) for n in SAID})
    others = {"provider", "place", "box", "collection", "what", "global_map", "submission"}
    others |= {"radar_provider", "direction", "thermal", "margin", "out_scheme"}
    assert set(SAID) | others == set(described(GetRequest))
    services = study.context.services
    expected = GetRequest(
        place="Berlin, Germany", box=AREA, provider=service.api, what=("s2", "lcz"),
        global_map=services.global_map, **said,
    )  # fmt: skip
    assert request_of(study.ticket("acquired").given, study.context) == expected


def test_a_box_that_is_too_large_is_cut_to_its_middle() -> None:
    sao_paulo = Place("", "", "", box=(-47.169, -24.081, -46.094, -23.006))
    services = Services(largest_km2=400)
    west, south, east, north = box_asked(sao_paulo, None, services)
    assert (west + east) / 2 == pytest.approx(-46.6315, abs=1e-3)
    assert (north - south) * 111.2 == pytest.approx(19.8, abs=0.1)
    across = Place("", "", "", box=(179.5, -17, -179.5, -16))
    west, _, east, _ = box_asked(across, None, services)
    assert 179.8 < west <= 180
    assert -180 <= east < -179.8
    assert box_asked(Place("own", "", ""), None, services) is None
    assert box_asked(sao_paulo, AREA, services) == AREA


def test_imagery_goes_when_room_is_needed_and_an_address_with_it_says_so(
    begin: Callable[..., Study],
) -> None:
    study = begin()
    key = study.compute("acquired").key
    study.param.update(city=key, area=None)
    study.compute("scene")
    assert not make_room(study.context.store, 0)  # a session shows it
    study.forget()
    assert len(make_room(study.context.store, 0)) == 1
    study.param.update(city=BERLIN)
    study.param.update(city=key)
    with pytest.raises(InputError, match=r"no longer here.*get it again"):
        study.compute("scene")


def test_an_own_box_needs_no_city(begin: Callable[..., Study]) -> None:
    study = begin()
    study.param.update(city="own", area=None)
    with pytest.raises(InputError, match="no box yet"):
        study.compute("days")
    study.area = AREA
    key = study.compute("acquired").key
    assert study.context.places.place(key).name == "N52.5 E13.3"


def test_a_day_that_cannot_be_read_is_told_again_with_the_imagery(
    begin: Callable[..., Study], service: Service
) -> None:
    gone = names(("2024-07-11",))[0]
    service.fault = lambda handler, path, _: (
        path.endswith(f"{gone}/B08.tif") and handler.refuse(404)
    )
    study = begin()
    study.param.update(city=study.compute("acquired").key, area=None)
    scene = study.compute("scene")
    left = told_of(scene.place.folder)["seasons"]["2024-07"]["days_not_used"]
    assert [d["date"] for d in left] == ["2024-07-11"]
    assert any("2024-07-11: B08 of" in c for r in study.read["scene"] for c in r.cautions)


def test_nothing_is_fetched_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    from lczlib.study import acquisition

    assert can_fetch(Services()) == ""
    monkeypatch.setattr(acquisition, "find_spec", lambda _: None)
    assert "lczlib[acquire]" in can_fetch(Services())


def test_the_count_of_clear_days_is_what_was_foreseen(begin: Callable[..., Study]) -> None:
    study = begin()
    ((_, days),) = study.compute("days").seasons.items()
    study.param.update(city=study.compute("acquired").key, area=None)
    told = told_of(study.compute("scene").place.folder)["seasons"]["2024-07"]["clear_count"]
    foreseen = clear_shares(days)
    assert foreseen[0] == pytest.approx(1 - told["share_of_pixels_without"], abs=0.01)
    assert foreseen[1] == pytest.approx(told["share_of_pixels_with_3_or_more"], abs=0.01)


def test_a_folder_of_the_store_without_its_record_is_no_place(tmp_path: Path) -> None:
    folder = tmp_path / "got-0123"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({}))
    assert Places(fetched=tmp_path).fetched() == []
    assert np.isnan(Place("own", "", "").longitude)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("tripoli", "Tripoli, Libya · 1.3 million", "Tripoli, Lebanon · 229,000"),
        ("san jose", "San Jose, California, United States · 997,000", "San José, Costa Rica · 335,000"),
        ("munchen", "Munich, Germany · 1.5 million", "Ottobrunn bei München, Germany · 19,000"),
    ],
)  # fmt: skip
def test_places_of_one_name_are_told_apart(name: str, first: str, second: str) -> None:
    told = [p.told for p in Places().find(name)]
    assert told[:2] == [first, second]
    assert len(set(told)) == len(told)
