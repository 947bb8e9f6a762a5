"""A run that is taken up again: what it may go on with, and what it must not mix."""

from __future__ import annotations

import numpy as np
import pytest

from lczlib.errors import Cancelled
from lczlib.mapping import MapRequest, map_city
from lczlib.models import Weights, build
from lczlib.models.weights import save_safetensors

torch = pytest.importorskip("torch")
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")


@pytest.fixture
def request_with(tmp_path, write_tif):
    """A scene of two tiles, and an untrained network of its bands."""
    rng = np.random.default_rng(0)
    scene = write_tif(
        rng.uniform(0.05, 0.3, (10, 160, 1_400)).astype(np.float32), descriptions=BANDS
    )
    torch.manual_seed(0)
    weights = tmp_path / "small.safetensors"
    described = Weights("small", "resnet20", "s2", BANDS, mean=(0.15,) * 10, std=(0.1,) * 10)
    save_safetensors(weights, build("resnet20", 10), described)

    def made(**more: object) -> MapRequest:
        return MapRequest((str(scene),), weights=(str(weights),), accept_values=True, **more)

    return made


def stopped(request: MapRequest, out) -> None:
    asked = []
    with pytest.raises(Cancelled):
        map_city(request, out, cancelled=lambda: asked.append(1) or len(asked) > 1)


def done_at_start(request: MapRequest, out) -> int:
    steps = []
    map_city(request, out, resume=True, progress=lambda _, done, all_: steps.append((done, all_)))
    assert steps[-1][0] == steps[-1][1]
    return steps[0][0]


def test_a_stopped_run_goes_on_where_it_was(request_with, tmp_path):
    stopped(request_with(engine="torch"), tmp_path / "out")
    assert done_at_start(request_with(engine="torch"), tmp_path / "out") == 16 * 64


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            {"engine": "openvino"},
            marks=pytest.mark.skipif("not __import__('importlib.util').util.find_spec('openvino')"),
        ),
        {"engine": "torch", "precision": "mixed"},
        {"engine": "torch", "anchor": "corner"},
    ],
    ids=["engine", "precision", "anchor"],
)
def test_numbers_of_two_ways_of_computing_are_not_mixed(request_with, tmp_path, other):
    stopped(request_with(engine="torch"), tmp_path / "out")
    assert done_at_start(request_with(**other), tmp_path / "out") == 0
