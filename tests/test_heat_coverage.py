"""Do 95% intervals hold the truth in 95% of trials? On synthetic fields and on the simulated city."""

from __future__ import annotations

import importlib
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
    folder = Path(__file__).resolve().parents[1] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("heat_coverage")
    finally:
        sys.path.remove(str(folder))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["", "gradient", "outliers", "clouds", "tails", "spreads", "relief"]
)
def test_intervals_hold_the_truth_on_hard_fields(trials, kind):
    hard = next(f for f in trials.FIELDS if f.kind == kind and f.lengths == (500.0,))
    cell = trials.run_cell(12, hard, 60, seed=11)
    assert cell.coverage[0] >= 0.9
    assert cell.width < 1.7
    assert cell.refused <= 0.2
    assert cell.moves[0] < 0.15


@pytest.mark.slow
def test_pixels_taken_as_independent_do_not_hold_the_truth(trials):
    scene, hard = trials.scene_of(12), trials.FIELDS[1]
    field, rng = trials.Field(scene.size, hard.lengths), np.random.default_rng(11)
    held = []
    for _ in range(60):
        pixels = scene.gathered(scene.celsius(hard, field, rng), hard)
        _, low, high = trials.by_pixels(scene, pixels).T
        truth = np.array([trials.TRUTH[c] for c in scene.classes])
        held.append((low <= truth) & (truth <= high))
    assert np.mean(held) < 0.5


@pytest.mark.slow
def test_intervals_hold_the_truth_of_the_simulated_city():
    from lczlib.scenes.simulation import simulate_city
    from lczlib.scenes.simulation.thermal import surface_temperature

    city = simulate_city()
    truth, held = city.lst_difference, []
    for seed in range(7):  # benchmarks/heat.py counts many more
        lst = surface_temperature(
            np.random.default_rng(seed), city.lcz.values, city.elevation.values, city.lcz.odc.geobox
        )
        for when in ("day", "night"):
            options = SurfaceOptions(replicates=400, seed=seed)
            result = surface_heat_island(lst[when], city.lcz, options, elevation=city.elevation)
            rows = result.classes.drop(index=14).dropna(subset=["ci_low"])
            known = truth[when].sel(lcz=rows.index.to_numpy()).to_numpy()
            held += list((rows["ci_low"] <= known) & (known <= rows["ci_high"]))
    assert len(held) > 120
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


def test_a_benchmark_that_lacks_what_it_compares_with_says_what_to_install(monkeypatch):
    folder = Path(__file__).resolve().parents[1] / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    spec = importlib.util.spec_from_file_location("benchmark_of_heat", folder / "heat.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ran = []
    monkeypatch.setattr(module, "stations", lambda: ran.append("stations"))
    monkeypatch.setattr(module, "rasters", ran.append)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["heat.py"])
    with pytest.raises(SystemExit, match=r"xarray-spatial.*pip install 'lczlib\[benchmark\]'"):
        module.main()
    assert not ran
    monkeypatch.setattr(sys, "argv", ["heat.py", "--only", "stations"])
    module.main()
    assert ran == ["stations"]
