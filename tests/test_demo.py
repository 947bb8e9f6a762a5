"""`lcz demo`: the whole flow with nothing downloaded."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest

from lczlib.analysis import assess
from lczlib.analysis.heat.surface import surface_heat_island
from lczlib.cli.demo import demo as command
from lczlib.map_request import MapRequest
from lczlib.mapping import map_city
from lczlib.maps import open_lcz_map
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study.places import DEMO_SEED, DEMO_SIZE_KM

_SETTINGS = inspect.signature(command).parameters


def read(folder, kind):
    return json.loads((folder / kind / "assessment.json").read_text())


def test_the_demo_writes_maps_of_all_three_kinds_and_their_accuracy(demo):
    folder, _ = demo
    for kind in ("s1", "s2", "fused"):
        assert open_lcz_map(folder / f"{kind}_lcz.tif", scheme="1-17").shape == (60, 60)
        found = read(folder, kind)
        assert found["simulated"]
        assert found["oa_ci"][0] < found["oa"] < found["oa_ci"][1]
        assert found["n"] > 3500
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["simulated"]
    assert manifest["read"]


def test_radar_alone_is_clearly_worse_and_nothing_is_too_easy(demo):
    oa = {kind: read(demo[0], kind)["oa"] for kind in ("s1", "s2", "fused")}
    assert 0.4 < oa["s1"] < oa["s2"] - 0.1
    assert oa["s2"] < 0.985
    assert oa["fused"] > oa["s2"] - 0.01


def test_the_table_fits_a_terminal_and_says_what_is_simulated_and_next(demo):
    folder, text = demo
    assert text.startswith("A simulated city of")  # of its own scenes there is nothing to say
    table = text.split("n: cells.")[0]
    table = table.rpartition("Networks: ")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "95 % interval" in table
    assert "Networks: s1 demo_s1; s2 demo_s2; fused of these." in " ".join(text.split())
    assert "simulated" in text
    assert str(folder) in text.replace("\n", "")
    assert "Next: lcz app" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size_km", "seed"),
    [
        (_SETTINGS["size"].default, _SETTINGS["seed"].default),  # of `lcz demo`
        (DEMO_SIZE_KM, DEMO_SEED),  # of the dashboard
    ],
)
def test_each_zone_of_the_demo_city_has_its_intervals(tmp_path, size_km, seed):
    city = simulate_city(size_km, seed)
    write_so2sat(city, tmp_path / "scene")
    request = MapRequest(inputs=(str(tmp_path / "scene"),), fusion="so2sat")
    maps = map_city(request, tmp_path / "maps").kinds
    for kind, lcz in maps.items():
        of_zones = assess(lcz, city.lcz).classes
        for score in ("pa", "ua"):
            assert np.isfinite(of_zones[[f"{score}_ci_low", f"{score}_ci_high"]]).all(None), kind
    # radar alone mixes zones up, so that little of theirs is inside its patches
    for kind, lcz in {"truth": city.lcz, "s2": maps["s2"], "fused": maps["fused"]}.items():
        for time, temperature in city.lst.items():
            rows = surface_heat_island(temperature, lcz).classes
            assert len(rows) == 17, (kind, time)
            assert np.isfinite(rows[["ci_low", "ci_high"]]).all(None), (kind, time)


def test_demo_weights_are_refused_on_a_real_scene(shared, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "lczlib", "map", str(shared / "mirror/berlin_s2_20241024.tif"),
         "--weights", "demo_s2", "--out", str(tmp_path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "simulated cities only" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
