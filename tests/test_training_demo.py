"""The demo networks: made from simulated cities, small, and refused on real scenes."""

from pathlib import Path

import numpy as np
import pytest

import lczlib
from lczlib.errors import WeightsError
from lczlib.mapping import MapRequest, map_city
from lczlib.models import load_model
from lczlib.scenes.simulation import simulate_city
from lczlib.training import demo
from lczlib.training.evaluation import assess_patches, predict_patches, scaling_of
from lczlib.training.joining import join_patches

FOLDER = Path(lczlib.__file__).parent / "models/demo"


@pytest.fixture(scope="module")
def city():
    """A city that no network was trained, validated or tested on."""
    seed = 77
    assert seed not in (*demo.TRAIN_SEEDS, *demo.VALIDATION_SEEDS, *demo.TEST_SEEDS)
    return simulate_city(3, seed)


@pytest.mark.parametrize("sensor", ["s1", "s2"])
def test_demo_weights_map_a_city_they_have_not_seen(sensor, city):
    model = load_model(FOLDER / f"demo_{sensor}.safetensors")
    patches = join_patches(demo.city_patches(city, demo.draw_cells(city, None), sensor))
    found = assess_patches(predict_patches(model, patches, scaling_of(model.weights)), patches)
    # the published figure is of larger cities; 900 cells of one small city scatter around it
    assert found.scores["oa"] == pytest.approx(model.weights.accuracy["oa"], abs=0.15)
    assert found.scores["oa"] > 0.45


def test_radar_alone_is_clearly_worse_than_optical_images():
    by_sensor = {
        s: load_model(FOLDER / f"demo_{s}.safetensors").weights.accuracy for s in ("s1", "s2")
    }
    assert by_sensor["s1"]["oa_ci"][1] < by_sensor["s2"]["oa_ci"][0]
    assert by_sensor["s2"]["oa"] < 0.97  # not so easy that every network scores 99%


def test_demo_weights_are_small_and_say_what_they_are():
    files = sorted(FOLDER.glob("*.safetensors"))
    assert [f.stem for f in files] == ["demo_s1", "demo_s2"]
    assert sum(f.stat().st_size for f in files) < 1.5e6
    for file in files:
        weights = load_model(file).weights
        assert weights.simulated
        assert weights.licence == "MIT"
        assert weights.accuracy["n"] > 5000


def test_demo_weights_are_refused_on_a_real_scene(mirror, tmp_path):
    request = MapRequest(
        inputs=(str(mirror / "berlin_s2_20241024.tif"),),
        weights=(str(FOLDER / "demo_s2.safetensors"),),
        device="cpu",
    )
    with pytest.raises(WeightsError, match="trained on simulated cities only"):
        map_city(request, tmp_path)


def test_drawn_cells_hold_rare_classes_more_often_than_the_city(city):
    drawn = demo.draw_cells(city, 300)["lcz"]
    whole = demo.draw_cells(city, None)["lcz"]
    assert len(drawn) == 300 < len(whole) == 900
    rare = whole.value_counts().index[-6:]
    assert drawn.isin(rare).mean() > 1.3 * whole.isin(rare).mean()
    centres = demo.draw_cells(city, 50)
    truth = city.lcz.sel(
        x=centres["x"].to_xarray(), y=centres["y"].to_xarray(), method="nearest"
    ).values
    assert np.array_equal(truth, centres["lcz"])


@pytest.mark.slow
def test_the_demo_training_runs_from_simulation_to_file(tmp_path):
    import dataclasses

    said = []
    paths = demo.train_demo_weights(
        tmp_path, sensors=("s2",), train_seeds=[11], validation_seeds=[12], test_seeds=[13],
        city_km=2.0, cells=60, options=dataclasses.replace(demo.OPTIONS, epochs=1),
        report=said.append,
    )  # fmt: skip
    assert load_model(paths["s2"]).weights.accuracy["n"] > 300
    assert said[-1].startswith("s2: OA ")
