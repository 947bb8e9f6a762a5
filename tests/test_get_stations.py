"""``lcz get --what stations``: observed hours of stations, and never those of models, for ``lcz uhi``."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import station_services as services
from stac.server import serve

from lczlib.acquire import weather_stations
from lczlib.errors import InputError, ServiceError
from lczlib.jobs.get import run
from lczlib.jobs.get_request import GetRequest
from lczlib.terms import worded

INSIDE = "13.297,52.500,13.340,52.520"
JUNE = services.JUNE


def asked(**more) -> GetRequest:
    given = {"place": INSIDE, "what": ("stations",), "start": "2023-06-01", "end": "2023-06-10"}
    return GetRequest(**given | more)


def test_without_meteostat_the_extra_is_named(monkeypatch, tmp_path, run_lcz):
    def gone(name):
        raise weather_stations.PackageNotFoundError(name)

    monkeypatch.setattr(weather_stations, "version", gone)
    days = ("--start", "2023-06-01", "--end", "2023-06-10")
    code, _, err = run_lcz("get", INSIDE, "--what", "s2,stations", *days, "--out", tmp_path / "out")
    assert code == 1
    assert "needs meteostat: pip install 'lczlib[stations]'" in err
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(weather_stations, "version", lambda name: "1.6.8")
    with pytest.raises(InputError, match=r"needs meteostat 2, and 1\.6\.8 is installed"):
        run(asked(), tmp_path / "out")


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The services on loopback: two stations that observe, one that a model fills, one away."""
    meteostat = pytest.importorskip("meteostat")
    from meteostat.providers.meteostat import hourly
    from meteostat.providers.noaa import isd_lite

    folder = tmp_path / "served"
    folder.mkdir()
    services.write_stations(folder / "stations.db")
    observed = services.air(20, 1)
    observed[100:110] = np.nan
    services.write_isd(folder / "isd", "103810", JUNE, observed)
    services.write_isd(folder / "isd", "103840", JUNE[:200], services.air(18, 2)[:200])
    filled = ["isd_lite"] * 200 + ["dwd_mosmix"] * 30 + ["metar"] * 10
    services.write_hourly(folder / "hourly", "10384", JUNE, services.air(18, 2) + 0.5, filled)
    services.write_hourly(
        folder / "hourly", "10385", JUNE, services.air(19, 3), ["metno_forecast"] * 240
    )
    services.write_isd(folder / "isd", "103790", JUNE, services.air(17, 4))
    service, stop = serve(folder, [])
    files = f"{service.root}/files"
    monkeypatch.setattr(meteostat.config, "stations_db_endpoints", [f"{files}/stations.db"])
    monkeypatch.setattr(meteostat.config, "network_max_retries", 0)
    monkeypatch.setattr(hourly, "ENDPOINT", f"{files}/hourly/{{year}}/{{station}}.csv.gz")
    monkeypatch.setattr(isd_lite, "ISD_LITE_ENDPOINT", f"{files}/isd/")
    monkeypatch.setattr(weather_stations, "_PAUSE", 0.01)
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path / "cache"))
    yield service, observed
    stop()


def fetched(out, **more):
    result = run(asked(**more), out)
    result.write(out)
    return result


def test_only_what_was_observed_is_taken_each_value_with_its_source(world, tmp_path):
    _, observed = world
    out = tmp_path / "out"
    result = fetched(out)
    table = pd.read_csv(out / "air_temperature.csv", parse_dates=["time"])
    assert set(table["station"]) == {"10384", "D0427"}
    mitte = table[table["station"] == "D0427"].set_index("time")["temperature_degC"]
    np.testing.assert_array_equal(
        mitte.reindex(JUNE.tz_localize("UTC")), observed
    )  # missing hours stay missing
    other = table[table["station"] == "10384"].set_index("time")
    assert other["source"].value_counts().to_dict() == {"isd_lite": 200, "metar": 10}
    want = np.concatenate([services.air(18, 2)[:200], services.air(18, 2)[230:] + 0.5])
    np.testing.assert_allclose(other["temperature_degC"], want)
    sites = gpd.read_file(out / "stations.gpkg").set_index("station")
    assert sites.loc["D0427", "wmo"] == "10381"
    assert sites.loc["10384", ["elevation", "icao"]].tolist() == [48, "EDDI"]
    assert sites["hours"].to_dict() == {"D0427": 230, "10384": 210}
    assert sites["missing_hours"].to_dict() == {"D0427": 10, "10384": 30}
    assert sites.loc["10384", "modelled_hours"] == 30
    said = "\n".join(result.cautions())
    assert "Left out, 1 station (Without height (10385)): no observed hour." in said
    assert "30 of dwd_mosmix" in said
    told = json.loads((out / "item.json").read_text())["properties"]["air_temperature"]
    assert set(told["sources"]) == {"isd_lite", "metar"}
    assert told["stations"][0]["station"] == "D0427"
    assert not (out / ".get-stations").exists()


def test_a_margin_takes_stations_around_and_the_list_reads_no_hours(world, tmp_path, run_lcz):
    service, _ = world
    words = ("get", INSIDE, "--what", "stations", "--start", "2023-06-01", "--end", "2023-06-10")
    code, out, err = run_lcz(*words, "--margin", "25", "--list", "--out", tmp_path / "list")
    assert code == 0, err
    assert "4 stations of" in out
    assert "and 25 km around; their hours are not fetched" in out
    assert len(pd.read_csv(tmp_path / "list/stations.csv")) == 4
    assert not service.reads("isd")
    code, out, err = run_lcz(*words, "--margin", "25", "--out", tmp_path / "out")
    assert code == 0, err
    assert "--skip-outside" in out
    assert "680 observed hours of 3 stations" in out
    with pytest.raises(
        InputError, match=r"knows no station .* nor within 0 km around: take a larger --margin"
    ):
        run(asked(place="10.0,50.0,10.1,50.1"), tmp_path / "none")


def test_an_hour_that_could_not_be_fetched_is_not_taken_for_missing(world, tmp_path):
    service, _ = world
    service.fault = lambda h, path, n: "103840" in path and h.refuse(503)
    result = fetched(tmp_path / "out")
    assert [s.id for s in result.stations] == ["D0427"]
    (why,) = [w for s, w in result.left_out.items() if "10384" in s]
    assert why.startswith("its hours of 2023 cannot be fetched (")
    assert service.reads("103840") == 3
    said = worded("\n".join(result.cautions()))
    assert "One station alone is no heat island: take some around, by --margin" in said


def test_a_stopped_run_is_taken_up_with_its_stations_to_the_same_bytes(world, tmp_path):
    service, _ = world
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    seen = []

    def stop_at_the_second() -> bool:
        seen.append(service.reads("103810"))
        return service.reads("103840") > 0

    from lczlib.errors import Cancelled

    with pytest.raises(Cancelled):
        run(asked(), parts, cancelled=stop_at_the_second)
    before = service.reads("103810")
    with pytest.raises(InputError, match=r"was begun with --margin 0\.0, not 5\.0"):
        run(asked(margin=5.0), parts, resume=True)
    run(asked(), parts, resume=True).write(parts)
    assert service.reads("103810") == before
    fetched(whole)
    for name in ("air_temperature.csv", "item.json"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()


def test_services_that_fail_as_a_whole_stop_the_run(world, tmp_path):
    service, _ = world
    service.fault = lambda h, path, n: "stations.db" not in path and h.refuse(500)
    with pytest.raises(ServiceError, match=r"Meteostat's services fail: its hours of 2023"):
        run(asked(), tmp_path / "out")
    service.fault = lambda h, path, n: h.refuse(500)
    (tmp_path / "cache/meteostat/stations.db").unlink()
    with pytest.raises(ServiceError, match="Meteostat's list of stations cannot be reached"):
        run(asked(), tmp_path / "out")
    (tmp_path / "cache/meteostat/stations.db").write_bytes(b"SQLite format 3\0 cut off")
    with pytest.raises(ServiceError, match="came damaged, and is removed: run again"):
        run(asked(), tmp_path / "out")
    assert not (tmp_path / "cache/meteostat/stations.db").exists()


def test_all_sources_that_are_taken_observe_by_what_meteostat_says_of_them():
    pytest.importorskip("meteostat")
    from meteostat import Granularity
    from meteostat.enumerations import Grade
    from meteostat.providers.index import DEFAULT_PROVIDERS

    hourly = {str(p.id): p.grade for p in DEFAULT_PROVIDERS if p.granularity is Granularity.HOURLY}
    observing = {i for i, grade in hourly.items() if grade in (Grade.RECORD, Grade.OBSERVATION)}
    assert set(weather_stations.OBSERVING) == observing
    assert set(hourly) - observing == {"hourly", "dwd_mosmix", "metno_forecast"}
