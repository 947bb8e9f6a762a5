"""`import lczlib` offers what most people come for, and costs nothing until it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from faces import patches, write_codes

import lczlib
from lczlib.analysis.area import class_areas
from lczlib.errors import ClassSchemeError, InputError
from lczlib.jobs.assess import AssessRequest
from lczlib.jobs.batch import BatchRequest
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.change import ChangeRequest
from lczlib.jobs.check_polygons import CheckPolygonsRequest
from lczlib.jobs.compare import CompareRequest
from lczlib.jobs.field import FieldRequest
from lczlib.jobs.map_files import OneMap
from lczlib.jobs.prepare_s1 import PrepareS1Request
from lczlib.jobs.surface_heat import SurfaceHeatRequest
from lczlib.jobs.water import WaterRequest
from lczlib.map_request import MapRequest
from lczlib.scene_options import SceneOptions
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.settings import described
from lczlib.terms import worded
from lczlib.training.request import TrainRequest

ROOT = Path(__file__).resolve().parents[1]
TOLD = {
    "open_scene": SceneOptions, "open_map": OneMap, "map_city": MapRequest, "assess": AssessRequest,
    "compare": CompareRequest, "surface_heat": SurfaceHeatRequest, "canopy_heat": CanopyHeatRequest,
    "water": WaterRequest, "air_field": FieldRequest, "change": ChangeRequest, "train": TrainRequest,
    "check_polygons": CheckPolygonsRequest, "prepare_s1": PrepareS1Request, "batch": BatchRequest,
}  # fmt: skip
SHAPE = (24, 30)


def test_importing_the_library_takes_no_time():
    heavy = ("geoviews", "lightning", "matplotlib", "numpy", "odc", "pandas", "torch", "xarray")
    code = (
        "import sys, time; begun = time.perf_counter(); import lczlib; "
        "took = time.perf_counter() - begun; dir(lczlib); "
        f"print([m for m in {heavy!r} if m in sys.modules], took < 0.5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


def test_the_first_use_brings_no_network_and_no_dashboard():
    heavy = ("geoviews", "holoviews", "lightning", "panel", "torch")
    code = f"import lczlib, sys; lczlib.assess; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_is_its_table_of_contents():
    assert dir(lczlib) == sorted(TOLD)
    for name in TOLD:
        assert f"``{name}``" in lczlib.__doc__
    modules = {p.stem for p in (ROOT / "lczlib").iterdir() if p.name != "py.typed"} - {
        "__init__", "__main__", "__pycache__", "lazy",
    }  # fmt: skip
    missing = {m for m in modules if f"``{m}``" not in lczlib.__doc__ and m != "api"}
    assert not missing
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = lczlib.nothing_like_it


@pytest.mark.parametrize("name", TOLD)
def test_a_function_shows_the_settings_that_it_takes(name):
    function = getattr(lczlib, name)
    parameters = inspect.signature(function).parameters
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for setting, told in described(TOLD[name]).items():
        if not told.setting.argument and not told.required:
            assert parameters[setting].default == told.default
    assert "Settings\n    --------\n" in function.__doc__


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A simulated city with scenes, truth, polygons and temperatures."""
    folder = tmp_path_factory.mktemp("place")
    write_so2sat(simulate_city(4, 3), folder, "00000_00000_Simulated")
    return folder


@pytest.fixture(scope="module")
def truth(place) -> Path:
    return next(place.rglob("lcz.tif"))


def test_maps_are_opened_by_path_and_said_of_as_in_python(tmp_path):
    codes = patches(np.random.default_rng(0), SHAPE, [2, 6, 11, 16])
    path = write_codes(tmp_path / "map.tif", codes, "0-16")
    with pytest.raises(ClassSchemeError):
        lczlib.open_map(path)
    opened = lczlib.open_map(path, scheme="0-16")
    assert (opened == codes).all()
    by_legend = lczlib.open_map(path, legend={1: 2, 5: "6", 10: "A", 15: 16}, band=1)
    assert (by_legend == codes).all()
    without = lczlib.open_map(path, legend="1=2,5=6,10=A", nodata=15)
    assert set(np.unique(without)) == {0, 2, 6, 11}
    same = lczlib.compare(path, opened, scheme={"map": "0-16"}, names=("map", "open"))
    assert same.first.agreement == 1


def test_a_scene_is_opened_by_its_name(place):
    with pytest.raises(InputError, match="say which") as refused:
        lczlib.open_scene(place)
    assert refused.value.parameter == "name"
    summer = lczlib.open_scene(place, "summer")
    assert {"B02", "B08"} <= set(summer.data_vars)
    assert "Sentinel-1" in str(refused.value)
    assert lczlib.open_scene(place, "Sentinel-1").attrs["sensor"] == "s1"
    raster = next(place.rglob("*summer*.tif"))
    assert set(lczlib.open_scene(raster).data_vars) == set(summer.data_vars)


def test_a_map_is_judged_and_compared_by_path_or_open(place, truth):
    polygons = next(place.rglob("polygons.gpkg"))
    by_path = lczlib.assess(truth, polygons, replicates=100)
    assert by_path.assessment.scores["oa"] > 0.9
    opened = lczlib.assess(lczlib.open_map(truth), gpd.read_file(polygons), replicates=100)
    assert opened.assessment.scores == by_path.assessment.scores
    assert isinstance(by_path.to_dataframe(), pd.DataFrame)
    with pytest.raises(TypeError, match="replicate"):
        lczlib.assess(truth, polygons, replicate=100)
    three = lczlib.compare(truth, lczlib.open_map(truth), str(truth), names=("a", "b", "c"))
    assert len(three.comparisons) == 3


def test_heat_islands_come_by_path_or_open(place, truth):
    lst = next(place.rglob("lst.tif"))
    settings = {"band": "day", "replicates": 200, "measures": ()}
    by_path = lczlib.surface_heat(truth, lst, **settings)
    opened = lczlib.surface_heat(lczlib.open_map(truth), [lst], **settings)
    pd.testing.assert_frame_equal(by_path.to_dataframe(), opened.to_dataframe())
    assert worded(by_path.headline()) in repr(by_path)
    stations = (next(place.rglob("air_temperature.csv")), next(place.rglob("stations.gpkg")))
    canopy = lczlib.canopy_heat(truth, stations[0], sites=stations[1], replicates=200)
    assert canopy.kind == "canopy"
    assert repr(canopy).startswith("<CanopyHeat: ")
    with pytest.raises(InputError, match="one of the two"):
        lczlib.canopy_heat(truth)
    with pytest.raises(InputError, match="one of the two"):
        lczlib.canopy_heat(truth, stations[0], air=lst)


def test_a_city_is_mapped_from_its_files(place, tmp_path):
    with pytest.raises(InputError, match="mapped from files"):
        lczlib.map_city(lczlib.open_scene(place, "summer"), tmp_path / "no")
    with pytest.raises(InputError, match="does not exist"):
        lczlib.map_city(tmp_path / "nothing.tif", tmp_path / "no")


@pytest.mark.slow
def test_a_city_is_mapped_and_its_maps_can_be_looked_at(place, tmp_path):
    found = lczlib.map_city(place, tmp_path / "maps", fusion="so2sat", device="cpu")
    assert "fused" in repr(found)
    assert len(repr(found)) < 300
    assert found.kinds["fused"].lcz.areas()["n_cells"].sum() > 0
    assert (tmp_path / "maps/manifest.json").is_file()


def test_water_is_asked_as_its_command_asks():
    with pytest.raises(InputError, match="'sideways' is not one of as"):
        lczlib.water("scene.tif", "sideways")


def test_a_map_can_be_drawn_measured_and_judged_where_it_stands(truth, place):
    lcz = lczlib.open_map(truth)
    assert lcz.lcz.plot("Truth").axes[0].get_title() == "Truth"
    areas = lcz.lcz.areas()
    pd.testing.assert_series_equal(areas["area_km2"], class_areas(lcz)["area_km2"])
    assert list(areas["code"][-3:]) == ["E", "F", "G"]
    polygons = next(place.rglob("polygons.gpkg"))
    judged = lcz.lcz.assess(polygons, replicates=100)
    assert judged.assessment.scores == lczlib.assess(truth, polygons, replicates=100).assessment.scores  # fmt: skip
    with pytest.raises(InputError, match="whole numbers 0 to 17"):
        (lcz + 0.5).lcz.areas()


def test_a_map_is_renumbered_and_not_taken_for_one_of_ours(tmp_path):
    codes = patches(np.random.default_rng(0), SHAPE, [0, 2, 6, 11, 17])
    lcz = lczlib.open_map(write_codes(tmp_path / "map.tif", codes))
    for scheme, water, nodata in (("1-17", 17, 0), ("101-107", 107, 0), ("0-16", 16, 255)):
        other = lcz.lcz.to_scheme(scheme)
        assert other.dtype == np.uint8
        assert (other.values[codes == 17] == water).all()
        assert (other.values[codes == 0] == nodata).all()
        assert other.attrs["flag_values"][-1] == water
        if scheme != "1-17":
            with pytest.raises(InputError, match=f"numbered {scheme}"):
                other.lcz.areas()
        else:
            assert (other == lcz).all()
    assert (lcz.chunk(x=10).lcz.to_scheme("101-107").values == lcz.lcz.to_scheme("101-107")).all()
    with pytest.raises(ClassSchemeError, match="letters"):
        lcz.lcz.to_scheme("letters")


def test_probabilities_keep_their_coordinate():
    p = xr.DataArray(np.zeros((17, 2, 2)), {"lcz": np.arange(1, 18)}, ("lcz", "y", "x"))
    assert lczlib.open_map
    assert (p.lcz == np.arange(1, 18)).all()
