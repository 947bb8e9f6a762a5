"""A package that brings a measure, a network and a scene source: a few lines each, seen by every face."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lczlib.jobs.documentation import options_text

ROOT = Path(__file__).resolve().parents[1]

PLUGIN = """
from torch import nn

from lczlib.analysis.heat.further import Found, FurtherMeasure, register as register_measure
from lczlib.models.registry import Architecture, register as register_network
from lczlib.scenes import SceneSource, register as register_source
from lczlib.scenes.sources import scene_sources


def spread(scene):
    low, high = scene.temperature.quantile([0.05, 0.95])
    return Found({"spread": {"difference_k": float(high - low)}})


class Tiny(nn.Module):
    def __init__(self, in_channels, n_classes):
        super().__init__()
        self.head = nn.Linear(in_channels, n_classes)

    def forward(self, x):
        return self.head(x.mean((2, 3)))


register_measure(FurtherMeasure("spread", "Spread of the scene", "5th to 95th percentile, K.", spread))
register_network(Architecture("tiny", "Tiny", __name__ + ":Tiny", 8, 1, reference="none"))
raster = next(s for s in scene_sources() if s.name == "raster")
register_source(SceneSource(
    "pointer", "a text that names a raster", lambda path: path.suffix == ".points",
    lambda path, *rest: raster.open(type(path)(path.read_text()), *rest), raster.options,
))
"""


@pytest.fixture
def run(tmp_path):
    """Python where the package of the test is installed; what it printed."""
    (tmp_path / "zones_of_mine.py").write_text(PLUGIN)
    info = tmp_path / "zones_of_mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zones-of-mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lczlib.plugins]\nmine = zones_of_mine\n")

    def python(*words: str) -> str:
        paths = os.pathsep.join((str(tmp_path), str(ROOT)))
        env = os.environ | {"PYTHONPATH": paths, "COLUMNS": "250"}
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, env=env, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return " ".join(done.stdout.split())

    return python


def test_a_new_measure_is_an_option_a_choice_and_documented(run, tmp_path):
    assert "hot_spots, utfvi, spread" in run("-m", "lczlib", "uhi", "--help")
    code = (
        "from lczlib.study import Study; s = Study('w'); "
        "print(s.param['heat_measures'].objects, [*s.heat_measures])"
    )
    assert run("-c", code).count("'spread'") == 2
    assert "hot_spots, utfvi, spread" in run("-m", "lczlib.jobs.documentation")


def test_a_new_network_and_a_new_source_are_known_everywhere(run):
    documented = run("-m", "lczlib.jobs.documentation")
    assert "`tiny`: Tiny, patches of 8 pixels" in documented
    assert "a text that names a raster" in documented
    assert "a text that names a raster" in run("-m", "lczlib", "map", "--help")
    code = "from lczlib.models import build; import lczlib.api; print(build('tiny', 3, 17).head)"
    assert "out_features=17" in run("-c", code)


def test_the_new_measure_is_computed_and_written(run, tmp_path):
    code = """
import json
import lczlib
from lczlib.scenes.simulation import simulate_city
city = simulate_city(2, 1)
lst = city.lst.isel(time=0, drop=True) if "time" in city.lst.dims else city.lst["day"]
result = lczlib.surface_heat(city.lcz, lst, unit="degC", measures=("spread",), replicates=100)
result.write("out", figures=False)
print(json.load(open("out/heat_island.json"))["measures"]["spread"]["difference_k"] > 0)
"""
    assert run("-c", code).endswith("True")


def test_the_documentation_of_options_is_what_the_requests_say():
    written = (ROOT / "docs" / "options.md").read_text()
    assert written == options_text(), "make options"
