"""The field of air temperature of a study is the command's, and its refusals are in the page's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from faces import by_command, by_study
from field_city import City, simulated
from shapely.geometry import box

from lczlib.errors import InputError
from lczlib.jobs.field import FieldRequest, FieldResult
from lczlib.settings import described
from lczlib.study.field_inputs import FIELD_INPUTS, NAMES, SHARED, FieldInputs
from lczlib.study.wording import in_page


@pytest.fixture(scope="module")
def city() -> City:
    return simulated(24, 5, days=3, size=50, lapse=0.006)


@pytest.fixture(scope="module")
def folder(city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = city.write(tmp_path_factory.mktemp("city"))
    west, south, _, north = city.box.extent.boundingbox
    sea = gpd.GeoDataFrame(geometry=[box(west - 3000, south, west - 1000, north)], crs=city.box.crs)
    sea.to_crs(4326).to_file(folder / "coast.geojson")
    return folder


def of_study(folder: Path, work: Path, **values: Any) -> Any:
    """The field of a study on own files, or the error where there is none."""
    told = {
        "map_files": (str(folder / "map.tif"),), "station_files": (str(folder / "air.csv"),),
        "heat_map": "own", "heat_kind": "canopy", "heat_time_zone": "UTC",
    }  # fmt: skip
    return by_study("field", work, **told | values)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({}, {}),
        (
            {"field_hours": "night", "heat_radius": 100.0, "field_covariance": "matern", "field_seed": 3},
            {"hours": "night", "radius": 100.0, "covariance": "matern", "seed": 3},
        ),
        (
            {"field_hours": "day", "field_start": "2021-07-02", "field_lapse_rate": 0.006, "field_fill": True,
             "heat_quality": ["duplicates"], "elevation_files": "dem.tif", "coast_files": "coast.geojson"},
            {"hours": "day", "start": "2021-07-02", "lapse_rate": 0.006, "fill": True, "qc": "duplicates",
             "elevation": "dem.tif", "coast": "coast.geojson"},
        ),
    ],
    ids=["as it is", "by night", "with files"],
)  # fmt: skip
def test_the_field_of_a_study_is_that_of_the_command(folder, tmp_path, here, there):
    here = {k: (str(folder / v),) if k.endswith("_files") else v for k, v in here.items()}
    there = {k: folder / v if k in ("elevation", "coast") else v for k, v in there.items()}
    found = of_study(folder, tmp_path, **here)
    assert isinstance(found, FieldResult), found
    request = FieldRequest(
        map_path=folder / "map.tif", stations=folder / "air.csv", time_zone="UTC", **there
    )
    assert by_command(request, tmp_path / "out") == 0
    folders = (tmp_path / "out", found.write(tmp_path / "again", figures=False))
    for name in ("field.json", "cross_validation.json"):
        written = [json.loads((f / name).read_text()) for f in folders]
        for (
            own
        ) in written:  # a study's map is open already: no file of its own is read for the field
            own.pop("inputs", None)
            own.pop("read")
        assert written[0] == written[1]
    for name in (
        "cross_validation_stations.csv", "stations.csv", "zones.csv", "field.tif", "standard_error.tif",
    ):  # fmt: skip
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_each_setting_of_the_command_is_one_of_the_study_or_left_out_for_a_reason():
    reasons = {
        "map_path", "city", "sites", "probabilities",  # the study has these itself
        "scheme", "legend", "cell", "map_column", "map_layer", "map_band", "map_nodata", "band", "nodata",
        "hourly",  # a file of hours is the command's
    }  # fmt: skip
    assert set(described(FieldRequest)) - reasons == {*SHARED, *NAMES}
    assert {*SHARED.values(), *NAMES.values()} < {*FIELD_INPUTS}
    assert all(FieldInputs.param[n].doc and FieldInputs.param[n].label for n in NAMES.values())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"station_files": ()}, "There are no air temperatures of"),
        ({"field_start": "2030-01-01"}, "(“Air temperature everywhere: First day”, “Air"),
        ({"field_end": "someday"}, "'someday' is no day: write it as 2020-06-30."),
        ({"field_water": True}, "leave “Air temperature everywhere: Distance to water” out"),
        ({"field_lapse_rate": 0.006}, "give “the elevation on the City page”"),
        ({"heat_station_zone": "probabilities"}, "needs its class probabilities"),
        ({"heat_map": "s1"}, "There is no map"),
    ],
)  # fmt: skip
def test_what_makes_no_field_is_told_in_the_words_of_the_page(folder, tmp_path, values, told):
    error = of_study(folder, tmp_path, **values)
    assert isinstance(error, InputError), error
    said = in_page(error.message, "field")
    assert told in said
    assert "--" not in said


def test_zones_without_a_station_are_told_in_the_words_of_the_page(city, folder, tmp_path):
    found = of_study(folder, tmp_path)
    (lone,) = (t for t in found.cautions() if "without a station" in t)
    assert "“Air temperature everywhere: Fill zones without a station” gives" in in_page(
        lone, "field"
    )
    masked = found.areas.index[found.areas["n_stations"] == 0]
    assert len(masked)
    there = np.isin(city.lcz.to_numpy(), masked)
    np.testing.assert_array_equal(np.isnan(found.temperature), there)
