"""Do 95% intervals hold the truth in 95% of trials? On synthetic fields and on the simulated city."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from lczlib.analysis.heat import SurfaceOptions, surface_heat_island
from lczlib.analysis.heat.canopy import CanopyOptions, canopy_heat_island
from lczlib.analysis.heat.station_zones import station_classes
from lczlib.analysis.heat.stations import read_stations


@pytest.fixture(scope="module")
def trials():
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "heat_coverage.py"
    spec = importlib.util.spec_from_file_location("heat_coverage", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_intervals_hold_the_truth_and_independent_pixels_do_not(trials):
    codes, fields = trials.trial_fields(500.0, 300, seed=11)
    blocks = [trials.covered_by_blocks(codes, field, i) for i, field in enumerate(fields)]
    pixels = [trials.covered_by_pixels(codes, field) for field in fields]
    assert 0.90 <= np.mean([held for trial in blocks for held, _ in trial]) <= 0.99
    assert np.mean([held for trial in pixels for held, _ in trial]) < 0.5


@pytest.mark.slow
def test_intervals_hold_the_truth_of_the_simulated_city():
    from lczlib.scenes.simulation import simulate_city
    from lczlib.scenes.simulation.thermal import surface_temperature

    city = simulate_city()
    truth, held = city.lst_difference, []
    for seed in range(40):
        lst = surface_temperature(
            np.random.default_rng(seed), city.lcz.values, city.elevation.values, city.lcz.odc.geobox
        )
        for when in ("day", "night"):
            options = SurfaceOptions(replicates=400, seed=seed)
            result = surface_heat_island(lst[when], city.lcz, options, elevation=city.elevation)
            rows = result.classes.drop(index=14).dropna(subset=["ci_low"])
            known = truth[when].sel(lcz=rows.index.to_numpy()).to_numpy()
            held += list((rows["ci_low"] <= known) & (known <= rows["ci_high"]))
    assert len(held) > 700
    assert 0.90 <= np.mean(held) <= 0.99


@pytest.mark.slow
def test_the_canopy_heat_island_of_the_simulated_city_is_found(tmp_path):
    from lczlib.scenes.simulation import simulate_city

    city = simulate_city()
    city.air_temperature.to_csv(tmp_path / "air.csv", index=False)
    city.stations.drop(columns="lcz").to_file(tmp_path / "sites.gpkg")
    data = read_stations(tmp_path / "air.csv", sites=tmp_path / "sites.gpkg")
    zones = station_classes(data.sites, city.lcz)["lcz"]
    result = canopy_heat_island(data.air, data.sites, zones, CanopyOptions(lapse_rate=0.0065))
    truth = city.air_difference.mean("hour").sel(lcz=result.classes.index.to_numpy()).to_numpy()
    assert np.abs(result.classes["difference"] - truth).max() < 0.6
    assert np.corrcoef(result.classes["difference"], truth)[0, 1] > 0.95
