"""Air temperatures whose unit is open, scaled, or changes on the way: read as they are, or asked about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_kinds_stations import CLIMATES, network, read_or_asked, read_values, written

from lczlib.analysis.heat.air_units import SCALED, to_celsius
from lczlib.errors import InputError

HOME = {
    "Berlin in January": 13.4, "Berlin in July": 13.4, "Singapore": 103.8, "Kuwait in July": 47.9,
    "Melbourne in July": 145.0, "Suva": 178.4, "Yakutsk in January": 129.7,
    "Minneapolis in January": -93.3,
}  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(HOME)), st.floats(-14, 8), st.booleans(), st.integers(0, 99))
def test_a_season_far_from_usual_is_never_read_in_the_wrong_unit(climate, warmer, fahrenheit, seed):
    air, sites = network(climate, HOME[climate], seed=seed, hours=96)
    air = air + warmer + np.random.default_rng(seed).normal(0, 0.04, air.shape)  # no tenths of degC
    raw = (air * 1.8 + 32 if fahrenheit else air).round(1)
    found, asked = read_or_asked(raw, sites)
    if found is not None:
        assert found.facts["unit"] == ("degF" if fahrenheit else "degC")
    else:
        assert "--unit degC or --unit degF" in asked
        assert abs(warmer) > 6 or climate in ("Yakutsk in January", "Minneapolis in January")


def test_a_winter_of_degrees_celsius_is_read_where_only_they_make_one():
    air, sites = network("Berlin in January", 13.4)
    found = read_values(air, sites)
    assert found.said[0] == "unit degC, not stated, by its values, place and season"
    harbin, there = network("Minneapolis in January", 129.7)
    with pytest.raises(
        InputError, match=r"fit degC and degF at this place and season: state it with"
    ):
        read_values(harbin, there)


def test_steps_of_another_unit_tell_what_values_were_computed_from():
    air, sites = network("Yakutsk in January", 129.7)
    found = read_values((air * 1.8 + 32).round(2), sites)
    assert found.said[0] == "unit degF, not stated, by its values and their steps"
    found = read_values(((air.round(0) - 32) / 1.8).round(2), sites)
    assert found.facts["unit"] == "degC"


@pytest.mark.parametrize("climate", ["Berlin in July", "Berlin in January", "Singapore"])
@pytest.mark.parametrize("unit", SCALED)
def test_whole_numbers_of_parts_of_degrees_are_read_or_state_their_unit(climate, unit):
    air, sites = network(climate, HOME[climate])
    scale, whole = unit.split()
    raw = ((air + (273.15 if whole == "K" else 0)) / float(scale)).round()
    for stated in (None, unit):
        found = read_values(raw, sites, stated)
        assert found.facts["unit"] == unit
        np.testing.assert_allclose(found.air, air, atol=0.0501)
        assert not found.cautions
    assert float(to_celsius(2153.0, "0.01 degC")) == pytest.approx(21.53)


CHANGES = [("degF", "degC"), ("degC", "degF"), ("K", "degC"), ("degC", "K"), ("0.1 degC", "degC")]


@pytest.mark.parametrize("two", CHANGES)
@pytest.mark.parametrize("climate", ["Berlin in July", "Berlin in January", "Melbourne in July"])
@pytest.mark.parametrize("n", [2, 5])
def test_a_station_whose_unit_changes_is_named_with_the_time_and_read_in_both(two, climate, n):
    air, sites = network(climate, HOME[climate], n=n)
    main = "degC" if "degC" in two else two[0]
    raw, k = written(air, main), 101
    parts = [written(air[["S1"]], unit)["S1"] for unit in two]
    raw["S1"] = np.r_[parts[0][:k], parts[1][k:]]
    raw.iloc[20:30, 1] = -999.0
    found = read_values(raw, sites)
    (caution,) = [c for c in found.cautions if "unit" in c]
    when = f"{air.index[k]:%Y-%m-%d %H:%M} UTC"
    assert caution.startswith(
        f"S1 changes its unit from {two[0]} to {two[1]} at {when}, by its values"
    )
    assert found.facts["units_of_stations"] == {}
    truth = air.copy()
    truth.iloc[20:30, 1] = np.nan
    np.testing.assert_allclose(found.air, truth, atol=0.051)


@pytest.mark.parametrize("two", CHANGES[:4])
def test_a_network_that_changes_its_unit_is_refused_with_the_time(two):
    air, sites = network("Berlin in July", 13.4)
    raw = written(air, two[0])
    raw.iloc[101:] = written(air, two[1])[101:]
    when = f"{air.index[101]:%Y-%m-%d %H:%M} UTC"
    with pytest.raises(
        InputError, match=f"change from {two[0]} to {two[1]} at {when}, by their values"
    ):
        read_values(raw, sites)


@pytest.mark.parametrize("climate", sorted(set(CLIMATES) - {"Yakutsk in January"}))
def test_no_unit_changes_in_a_record_with_a_front_and_a_station_on_a_mountain(climate):
    air, sites = network(climate, HOME[climate])
    air.iloc[100:] -= 9.0
    air["S3"] -= 14.0
    found = read_values(air, sites, "degC")
    assert not [c for c in found.cautions if "changes its unit" in c]
    assert found.facts["units_changed"] == {}
    pd.testing.assert_frame_equal(found.air, air)
