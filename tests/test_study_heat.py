"""The heat island of a study: its settings do what they say, on the simulated city."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import param
import pytest
import rasterio

from lczlib.errors import InputError
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study import Places, Study
from lczlib.study.document import write_report
from lczlib.terms import worded


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_so2sat(simulate_city(5, 2), tmp_path_factory.mktemp("c"), "00000_00000_Simulated")


@pytest.fixture
def study(tmp_path: Path, city: Path) -> Study:
    made = Study(tmp_path / "work", tmp_path / "store", Places([city]))
    made.param.update(
        city="folder:00000_00000_Simulated", heat_map="reference", heat_replicates=200
    )
    return made


@pytest.fixture
def lst(city: Path) -> Path:
    return next(city.rglob("lst.tif"))


def table(study: Study) -> pd.DataFrame:
    return study.compute("heat").result.classes


def test_another_reference_shifts_all_differences_alike(study):
    study.param.update(heat_interior=0, heat_elevation_band=5000.0)
    first = table(study)["difference"]
    of_b = int(study.heat.result.classes["n_pixels"][12])
    study.heat_reference = "A"
    second = table(study)["difference"]
    assert study.heat.result.reference.label == "LCZ A"
    shift = (first - second).dropna()
    assert len(shift) > 3
    np.testing.assert_allclose(shift, shift.iloc[0], atol=1e-4)
    assert "LCZ A" in study.heat.sentence()
    study.param.update(heat_reference="B", heat_min_pixels=of_b + 1)
    with pytest.raises(InputError, match="LCZ B"):
        study.compute("heat")


def test_without_low_plants_temperatures_are_told_and_what_to_ask_for(study, tmp_path):
    of_d = int(table(study)["n_pixels"][14])
    study.heat_min_pixels = of_d + 1
    heat = study.compute("heat")
    assert heat.result.classes["difference"].isna().all()
    assert "No differences: LCZ D has only" in heat.sentence()
    assert "--fallback" in worded(heat.result.reference.note)
    page = write_report(study, tmp_path / "report.html").read_text()
    assert "--fallback" not in page
    assert "“Stand-in (LCZ C)”" in page
    study.heat_fallback = True
    heat = study.compute("heat")
    assert "LCZ D, because there is no other" in heat.result.reference.label


def test_a_lower_confidence_narrows_the_intervals_and_is_told(study):
    wide = table(study)
    study.heat_confidence = 0.8
    narrow = table(study)
    known = wide["ci_low"].notna() & (wide["note"] != "reference")
    assert known.any()
    assert ((narrow["ci_high"] - narrow["ci_low"]) < (wide["ci_high"] - wide["ci_low"]))[
        known
    ].all()
    assert "80% interval" in study.heat.sentence()


def test_several_dates_give_their_median_and_how_often_it_is_hot(study, lst, tmp_path):
    paths = []
    for i, shift in enumerate((0.0, 2.0, 4.0)):
        path = tmp_path / f"date{i}.tif"
        with rasterio.open(lst) as src:
            day = src.read(1)
            profile = src.profile | {"count": 1}
        with rasterio.open(path, "w", **profile) as dst:
            dst.write(day + np.float32(shift), 1)
        paths.append(str(path))
    alone = table(study)["median"]
    study.param.update(thermal_files=tuple(paths), heat_unit="degC")
    heat = study.compute("heat")
    assert "median of 3 dates" in heat.method
    np.testing.assert_allclose(heat.result.classes["median"], alone + 2.0, atol=0.05)
    share = heat.persistence.values
    assert np.nanmin(share) >= 0
    assert np.nanmax(share) == 1  # the same places on each date, since all rise alike
    study.heat_persistence = 25.0
    assert np.nanmax(study.compute("heat").persistence.values) == 0
    study.heat_acquired = "2023-07-01T10:00"
    with pytest.raises(InputError, match="1 acquisition times for 3"):
        study.compute("heat")


def test_the_band_of_own_rasters_is_not_that_of_the_place(study):
    by_day = table(study)
    study.heat_band = "2"
    pd.testing.assert_frame_equal(table(study), by_day)


def test_the_maps_own_error_needs_probabilities(study):
    study.heat_map_error = True
    with pytest.raises(InputError, match="class probabilities"):
        study.compute("heat")


@pytest.mark.slow
def test_the_maps_own_error_moves_the_intervals(study):
    study.param.update(heat_map="s2", sensors=["s2"])
    study.compute("maps")
    plain = table(study)
    study.heat_map_error = True
    carried = table(study)
    np.testing.assert_array_equal(plain["difference"], carried["difference"])
    known = plain["ci_low"].notna() & carried["ci_low"].notna() & (plain["note"] != "reference")
    assert not np.allclose(plain["ci_low"][known], carried["ci_low"][known])
    assert "map's own error included" in study.heat.sentence()


def test_stations_of_the_page_are_those_of_the_command_line(study, city, tmp_path):
    from typer.testing import CliRunner

    from lczlib.cli import app

    study.param.update(heat_kind="canopy", heat_replicates=500)
    page = table(study)
    assert "classes of the stations file: " in study.heat.method
    folder = next(city.rglob("stations.gpkg")).parent
    sites = tmp_path / "sites.csv"
    import geopandas as gpd

    points = gpd.read_file(folder / "stations.gpkg").to_crs(4326)
    points.assign(latitude=points.geometry.y, longitude=points.geometry.x).drop(
        columns="geometry"
    ).to_csv(sites, index=False)
    done = CliRunner().invoke(app, [
        "uhi", str(folder / "lcz.tif"), "--stations", str(folder / "air_temperature.csv"),
        "--sites", str(sites), "--out", str(tmp_path / "out"), "--no-figures",
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    import json

    document = json.loads((tmp_path / "out" / "heat_island.json").read_text())
    assert {row["source"] for row in document["station_classes"]} == {"stations file"}
    rows = document["classes"]
    found = pd.DataFrame(rows).set_index("lcz")
    np.testing.assert_allclose(found["difference"], page["difference"], atol=2e-3)
    for i, end in enumerate(("ci_low", "ci_high")):
        bounds = found["difference_ci"].map(lambda pair, i=i: np.nan if pair is None else pair[i])
        np.testing.assert_allclose(bounds.astype(float), page[end], atol=2e-3)


def test_weather_picks_calm_and_clear_nights(study, city, tmp_path):
    air = pd.read_csv(next(city.rglob("air_temperature.csv")))
    times = pd.Series(air.iloc[:, 0].unique())
    weather = pd.DataFrame({"time": times, "wind": 5.0, "cloud": 0.0})
    weather.loc[: len(weather) // 2, "wind"] = 1.0
    path = tmp_path / "weather.csv"
    weather.to_csv(path, index=False)
    study.param.update(heat_kind="canopy")
    assert "calm and clear nights" not in set(study.compute("heat").result.subsets["subset"])
    study.param.update(weather_files=(str(path),), heat_time_zone="UTC")
    subsets = study.compute("heat").result.subsets.set_index(["subset", "lcz"])
    calm, night = subsets.loc["calm and clear nights"], subsets.loc["night"]
    assert (calm["n_hours"] < night["n_hours"]).all()
    assert (calm["n_hours"] > 0).all()
    study.heat_calm_wind = 10.0
    every = study.compute("heat").result.subsets.set_index(["subset", "lcz"])
    assert every.loc["calm and clear nights"]["n_hours"].equals(night["n_hours"])


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("heat_k1", 774.9, "needs all four"),
        ("heat_columns", "time", "ROLE=NAME"),
    ],
)
def test_settings_that_make_no_sense_are_told_in_words(study, lst, city, setting, value, told):
    if setting == "heat_columns":
        study.heat_kind = "canopy"
        study.station_files = (str(next(city.rglob("air_temperature.csv"))),)
    else:
        study.thermal_files = (str(lst),)
    setattr(study, setting, value)
    with pytest.raises(InputError, match=told):
        study.compute("heat")


def test_every_setting_says_what_it_means():
    from lczlib.study.heat_inputs import HEAT_INPUTS, HeatInputs

    assert [n for n in HEAT_INPUTS if not HeatInputs.param[n].doc] == ["heat_kind"]


def test_a_raster_of_air_temperature_is_a_canopy_heat_island_by_pixels(study, lst, tmp_path):
    study.heat_kind = "air"
    with pytest.raises(InputError, match="no raster of air temperature"):
        study.compute("heat")
    path = tmp_path / "t2m.tif"
    with rasterio.open(lst) as src:
        values, profile = src.read(1), src.profile | {"count": 1}
    with rasterio.open(path, "w", **profile) as dst:
        dst.write(values, 1)
        dst.units = ("degC",)
    study.air_files = (str(path),)
    heat = study.compute("heat")
    assert (heat.kind, heat.pixels) == ("canopy", True)
    assert "surface" not in heat.sentence()
    assert "air" in heat.sentence()
    assert "no quality layer" not in heat.method
    study.heat_kind = "surface"
    assert "no quality layer: clouds not removed" in study.compute("heat").method
    study.thermal_files = (str(path),)
    with pytest.raises(InputError, match="holds air temperature"):
        study.compute("heat")


def test_every_setting_of_the_heat_island_stands_on_its_page():
    from app.pages import heat_settings
    from lczlib.study.heat_inputs import HEAT_INPUTS

    cards = [*heat_settings.SURFACE.values(), *heat_settings.CANOPY.values()]
    shown = {n for names in cards for n in names} | {
        *heat_settings.COMMON,
        *heat_settings.INTERVALS,
    }
    elsewhere = {n for n in HEAT_INPUTS if n.endswith("_files")} | {"heat_kind", "heat_map"}
    assert shown | elsewhere == set(HEAT_INPUTS)


def test_what_has_few_values_is_a_choice_with_a_name_for_people():
    from lczlib.study.heat_inputs import HEAT_INPUTS, HeatInputs

    choices = ("heat_reference", "heat_unit", "heat_air_unit", "heat_product", "heat_resample")
    assert all(isinstance(HeatInputs.param[n], param.Selector) for n in choices)
    shown = [n for n in HEAT_INPUTS if n not in ("heat_kind", "heat_map")]
    made_up = {n: n.replace("_", " ").capitalize() for n in shown}
    assert not [n for n in shown if HeatInputs.param[n].label == made_up[n]]
