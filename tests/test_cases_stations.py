"""Files of stations and sites as people have them: read right, or refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from lczlib.analysis.heat.stations import read_stations
from lczlib.reading import readings

QUICK = ("--no-figures", "--replicates", 100)


@pytest.fixture(scope="module")
def cases(shared) -> Path:
    return shared / "cases"


def _night(out: Path, lcz: int) -> float:
    rows = json.loads((out / "heat_island.json").read_text())["subsets"]
    return next(r["difference"] for r in rows if r["lcz"] == lcz and r["subset"] == "night")


def _heat(cases: Path, name: str, **options: object):
    """Differences by class, hand-set by the sites' own column, so that no map is needed."""
    from lczlib.analysis.heat.canopy import CanopyOptions, canopy_heat_island

    sites = options.pop("sites", cases / "stations.gpkg")
    data = read_stations(cases / name / "air.csv", sites=sites, time_zone="UTC", **options)
    truth = read_stations(
        cases / "st-base/air.csv", sites=cases / "stations.gpkg", time_zone="UTC"
    ).sites
    zones = truth["lcz"].reindex(data.air.columns)
    result = canopy_heat_island(data.air, data.sites, zones, CanopyOptions(replicates=100))
    return result.classes["difference"], data


@pytest.fixture(scope="module")
def base(cases):
    difference, data = _heat(cases, "st-base")
    assert difference[[1, 2]].round(2).tolist() == [1.68, 1.85]
    assert len(data.air) == 288
    return difference


def test_fahrenheit_is_found_by_the_values_and_told(cases, base):
    with readings() as heard:
        difference, data = _heat(cases, "st-fahrenheit")
    pd.testing.assert_series_equal(difference, base, atol=0.02)
    assert data.air.stack().median() == pytest.approx(16, abs=1)
    told = next(r for r in heard if r.what == "station file")
    assert told.facts["unit"] == "degF"
    assert "unit degF, not stated, by its values" in told.said
    stated, _ = _heat(cases, "st-fahrenheit", unit="degF")
    pd.testing.assert_series_equal(stated, difference)


def test_fills_are_masked_and_counted_and_no_station_is_lost(cases, base):
    with readings() as heard:
        difference, data = _heat(cases, "st-fill-999")
    pd.testing.assert_series_equal(difference, base, atol=0.05)
    assert data.air.shape[1] == 30
    told = next(r for r in heard if r.what == "station file")
    assert told.facts["fills"] == {"-999": 65}
    assert told.facts["temperatures_masked"] == 65
    assert "65 of 8,551 values masked (0.8 %)" in str(told)


def test_columns_reach_the_sites_file(cases, base, run_lcz, tmp_path):
    sites = cases / "st-sites-odd-names/sites.csv"
    difference, _ = _heat(
        cases, "st-base", sites=sites,
        columns={"station": "Vlinder", "latitude": "ilat", "longitude": "ilon"},
    )  # fmt: skip
    pd.testing.assert_series_equal(difference, base)
    code, _, err = run_lcz(
        "uhi", "--stations", cases / "st-base/air.csv", "--sites", sites, "--out", tmp_path / "out"
    )
    assert code == 1
    assert "--columns station=NAME,latitude=NAME,longitude=NAME" in err


@pytest.mark.parametrize("name", ["air.csv", "air_0360.csv"])
def test_a_network_on_both_sides_of_180_degrees_has_its_own_night(cases, run_lcz, tmp_path, name):
    folder = cases / "st-antimeridian"
    code, printed, err = run_lcz(
        "uhi", "--stations", folder / name, "--station-classes", folder / "classes.csv", "--qc",
        "none", "--out", tmp_path / "out", *QUICK,
    )  # fmt: skip
    assert code == 0, err
    assert _night(tmp_path / "out", 2) == pytest.approx(2.72, abs=0.005)
    assert "LCZ 2 at 1 h local solar time" in printed
