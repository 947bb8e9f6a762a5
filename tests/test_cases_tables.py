"""Station files of other makes: the same network in other clocks, signs and encodings."""

from __future__ import annotations

import numpy as np
import pytest

from lczlib.analysis.heat.stations import read_stations
from lczlib.errors import InputError
from lczlib.reading import readings

DWD = {"time": "MESS_DATUM", "station": "STATIONS_ID", "temperature": "TT_TU"}
SPAN = "288 times from 2021-06-01 00:00 to 2021-06-12 23:00 UTC, in steps of 1 h"


@pytest.fixture(scope="module")
def read(shared):
    cases = shared / "cases"

    def read(name: str, **options: object):
        with readings() as heard:
            found = read_stations(
                cases / name, sites=cases / "stations.gpkg", **{"time_zone": "UTC"} | options
            )
        return found, heard[-1]

    return read


@pytest.mark.parametrize(
    ("name", "said", "options"),
    [
        ("st-date-and-time/air.csv", "times joined from the columns date + time", {}),
        ("st-dayfirst/air.csv", "day first (month first would leave holes in the record)", {}),
        ("st-dayfirst/air.csv", "day first, as stated", {"time_format": "dayfirst"}),
        ("st-decimal-comma/air.csv", "decimal comma", {}),
        ("st-dwd-int-time/air.csv", "times written YYYYMMDDhh", {"columns": DWD}),
        ("hostile/bom.csv", "8,551 temperatures, 89 missing", {}),
    ],
)
def test_the_same_network_is_read_the_same(read, name, said, options):
    base, _ = read("st-base/air.csv")
    found, told = read(name, **options)
    assert found.air.index.equals(base.air.index)
    rounding = 0.051 if "comma" in name else 1e-9
    np.testing.assert_allclose(found.air, base.air, atol=rounding)
    assert said in str(told)
    assert SPAN in str(told)
    assert not told.cautions


def test_the_hour_that_one_station_shows_once_is_dropped_and_named(read):
    found, told = read("st-dst-gap/air.csv", time_zone="Europe/Brussels", ambiguous="infer")
    assert found.air.shape == (168, 30)
    assert "left out are station 'S07' 2021-10-31 02 h (1 value)" in told.cautions[0]
    assert "30 stations" in str(told)
    doubled = found.air.loc["2021-10-31 00:00":"2021-10-31 01:00"]
    assert doubled["S07"].isna().all()
    assert doubled.drop(columns="S07").notna().mean(axis=None) > 0.9


def test_a_table_larger_than_memory_is_refused_from_its_header(shared, monkeypatch):
    monkeypatch.setenv("LCZLIB_MEMORY", "4")
    with pytest.raises(InputError, match=r"declares 60,000,000 rows x 3 columns, about .* GB"):
        read_stations(shared / "cases/hostile/st_pq_bomb.parquet", time_zone="UTC")


def test_the_command_says_what_it_read_and_takes_the_format(shared, run_lcz, tmp_path):
    cases = shared / "cases"
    (tmp_path / "classes.csv").write_text(
        "station;lcz\n" + "\n".join(f"S{i:02};{14 if i > 10 else 2}" for i in range(1, 31))
    )
    code, out, err = run_lcz(
        "uhi", "--stations", cases / "st-dayfirst/air.csv", "--sites", cases / "stations.gpkg",
        "--time-zone", "UTC", "--time-format", "dayfirst", "--station-classes", tmp_path / "classes.csv",
        "--replicates", 100, "--no-figures", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    assert SPAN in err + out
    code, _, err = run_lcz("uhi", "--stations", "air.csv", "--time-format", "backwards")
    assert code == 2
    assert "is no format of times" in err
