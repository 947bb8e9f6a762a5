"""What is trained and compared, as requests: checked when made, and their defaults said once."""

import math
import subprocess
import sys
from inspect import signature

import pytest

from lczlib.cli.experiment import experiment
from lczlib.cli.train import evaluate, train
from lczlib.errors import InputError
from lczlib.experiment.data import SceneData
from lczlib.experiment.plan import Settings
from lczlib.experiment.prepare import data_of, settings_of
from lczlib.experiment.request import ExperimentRequest
from lczlib.settings import described, options_of
from lczlib.training.inputs import patches_of
from lczlib.training.options import Options
from lczlib.training.request import EvaluateRequest, TrainRequest
from lczlib.training.splits import split

GIVEN = {"inputs": "april.tif", "polygons": "areas.gpkg"}


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"epochs": 0}, "epochs"), ({"gamma": math.nan}, "gamma"), ({"architecture": "vgg"}, "architecture"),
        ({"without": ("2", "Z")}, "without"), ({"buffer": "near"}, "buffer"), ({"level": "L3"}, "level"),
        ({"split": "city"}, "split"), ({"device": "gpu"}, "device"), ({"polygons": None}, "polygons"),
        ({"combination": "D3", "read": ("B02",)}, "combination"), ({"options": {"wi-dth": 8}}, "options"),
    ],
)  # fmt: skip
def test_a_training_that_cannot_be_is_refused_by_the_name_of_its_setting(wrong, parameter):
    with pytest.raises(InputError) as stop:
        TrainRequest(**{**GIVEN, **wrong})
    assert stop.value.parameter == parameter


def test_any_value_may_mean_missing():
    assert math.isnan(TrainRequest(**GIVEN, nodata=math.nan).nodata)


def test_a_request_without_choices_trains_as_the_library_does():
    request = TrainRequest(**GIVEN)
    assert options_of(request, Options) == Options()
    assert request.inputs == ("april.tif",)
    defaults = signature(patches_of).parameters["spacing"].default, signature(split).parameters
    assert (request.spacing, request.block) == (defaults[0], defaults[1]["block"].default)


def test_an_experiment_without_choices_is_that_of_the_library(tmp_path, run_lcz):
    scene = tmp_path / "april.tif"
    scene.touch()
    request = ExperimentRequest(inputs=scene, polygons="areas.gpkg", tables="inputs")
    assert settings_of(request) == Settings()
    data = data_of(request)
    assert data == SceneData(data.cities)
    assert data.cities[0].polygons == "areas.gpkg"
    code, _, err = run_lcz("experiment", scene, "--table", "inputs", "--out", tmp_path)
    assert code == 2
    assert "Give --polygons" in err


def test_an_experiment_has_cities_of_one_folder_each_with_its_own_polygons(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "Sentinel-2" / name).mkdir(parents=True)
        (tmp_path / "Reference" / name).mkdir(parents=True)
        (tmp_path / "Reference" / name / "polygons.gpkg").touch()
    request = ExperimentRequest(
        inputs=tmp_path, tables="gamma", cities="a", test_cities="b", only_seasons="summer",
        options={"rsnnet.width": 8, "sen2lcz.depth": 1},
    )  # fmt: skip
    data = data_of(request)
    for found, name in ((data.cities, "a"), (data.test_cities, "b")):
        (city,) = found
        assert (city.files.options.city, city.files.options.only_seasons) == (name, ("summer",))
        assert city.polygons == str(tmp_path / "Reference" / name / "polygons.gpkg")
    assert settings_of(request).network_options == {"rsnnet": {"width": 8}, "sen2lcz": {"depth": 1}}


@pytest.mark.parametrize(
    ("command", "request_type"),
    [(train, TrainRequest), (evaluate, EvaluateRequest), (experiment, ExperimentRequest)],
)
def test_a_command_has_an_option_for_each_setting_with_its_default(command, request_type):
    offered = signature(command).parameters
    for name, one in described(request_type).items():
        if request_type is ExperimentRequest and name == "city":  # it may have several
            continue
        default = offered[name].default
        assert one.required == (default is signature(command).empty)
        if one.kind in (int, float, bool) and not one.many:
            assert default == one.default


def test_what_can_be_told_is_known_without_a_network():
    code = (
        "import lczlib.training.request, lczlib.experiment.request, sys;"
        "print([m for m in ('torch', 'lightning', 'xarray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
