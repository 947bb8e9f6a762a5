"""Many dates of a place's own temperatures: the study takes them as the command does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from lczlib.export.geotiff import write_raster
from lczlib.rasters import open_raster
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study import Places, Study
from lczlib.study.heat import Heat
from lczlib.study.heat_beside import stations, surface_temperatures
from lczlib.study.material import open_material

NAME = "00000_00000_Simulated"
DAYS = ("2021-06-10", "2021-07-10", "2021-08-10")
TIMES = [f"{day}T{clock}:00Z" for day in DAYS for clock in ("10:00", "23:00")]


@pytest.fixture
def city(tmp_path) -> Path:
    return write_so2sat(simulate_city(5, 2), tmp_path / "city", NAME)


def dated(city: Path) -> None:
    """Make the city's raster of day and night one of dates, as ``lcz get`` writes it, clouds over a half."""
    path, rng = city / "Reference" / NAME / "lst.tif", np.random.default_rng(0)
    with rasterio.open(path) as src:
        layers = dict(zip(src.descriptions, src.read(), strict=True))
    first = open_raster(path, "lst").isel(band=0, drop=True)
    dates = []
    for i, time in enumerate(TIMES):
        kelvin = (
            layers["day" if "T10" in time else "night"] + 273.15 + rng.normal(0, 0.3, first.shape)
        )
        kelvin[: first.shape[0] * (i == 2) // 2] = np.nan
        dates.append(first.copy(data=kelvin.astype(np.float32)))
    first.close()
    write_raster(
        path, xr.concat(dates, "band"), descriptions=[f"{t} L8" for t in TIMES], unit="K",
        tags={"quantity": "land surface temperature"}, band_tags=[{"TIME": t} for t in TIMES],
    )  # fmt: skip


def study_of(city: Path, folder: Path) -> Study:
    made = Study(folder / "work", folder / "store", Places([city]))
    made.param.update(city=f"folder:{NAME}", heat_map="reference", heat_measures=[])
    return made


@pytest.mark.slow
@pytest.mark.parametrize("fetched", [False, True])
def test_the_study_and_the_command_take_a_places_raster_of_dates_alike(
    city, tmp_path, run_lcz, fetched
):
    dated(city)
    beside = city / "Reference" / NAME / "lst.tif"
    path = beside
    if fetched:  # as `lcz get` lays it
        path = beside.rename(city / "lst.tif")
        told = {"rasters": [{"product": "Landsat", "files": ["lst.tif", "lst_median.tif"]}]}
        item = {"id": NAME, "properties": {"surface_temperature": told}}
        (city / "item.json").write_text(json.dumps(item))
    out = tmp_path / "out"
    code, _, err = run_lcz(
        "uhi", beside.with_name("lcz.tif"), "--lst", path, "--no-figures", "--out", out, "--measures", "utfvi"
    )  # fmt: skip
    assert code == 0, err
    documents = [json.loads((out / f"heat_island{n}.json").read_text()) for n in ("", "_night")]
    study = study_of(city, tmp_path)
    for overpass, document in zip(("day", "night"), documents, strict=True):
        study.heat_time = overpass
        heat = study.compute("heat")
        assert heat.overpass.name == document["overpass"] == overpass
        assert [s["time"] for s in heat.overpass.scenes] == [s["time"] for s in document["scenes"]]
        assert [s["day"] for s in document["scenes"]] == list(DAYS)
        rows = pd.DataFrame(document["classes"]).set_index("lcz")
        np.testing.assert_allclose(rows["difference"], heat.result.classes["difference"])
        (season,), (told,) = heat.seasons, document["seasons"]
        rows = pd.DataFrame(told["classes"]).set_index("lcz")
        assert told["n_dates"] == len(season.dates) == 3
        np.testing.assert_allclose(rows["difference"].astype(float), season.classes["difference"])
    assert study.compute("heat").doubt == documents[1]["dates_note"]
    by_day, by_night = (pd.DataFrame(d["classes"]).set_index("lcz") for d in documents)
    assert (by_day["median"] - by_night["median"]).min() > 2  # the two are not in one


def test_the_demos_raster_of_day_and_night_is_read_by_overpass(city):
    material = open_material(Places([city]).known()[-1])
    beside = city / "Reference" / NAME / "lst.tif"
    assert surface_temperatures(material, "day") == ((beside,), "day")
    assert surface_temperatures(material, "night") == ((beside,), "night")
    assert stations(material) == (
        beside.with_name("air_temperature.csv"), beside.with_name("stations.gpkg"),
    )  # fmt: skip
    with rasterio.open(beside) as src:
        values, profile = src.read(1), src.profile | {"count": 1, "driver": "GTiff"}
    with rasterio.open(beside, "w", **profile) as dst:
        dst.write(values, 1)
    assert surface_temperatures(material, "night") == ((beside,), None)  # it names no overpass


def test_where_there_is_no_overpass_of_the_wanted_kind_it_is_said():
    day = SimpleNamespace(name="day", doubt="Of several seasons.")
    job = SimpleNamespace(overpasses={"day": day}, main=day)
    assert Heat(job, "day").doubt == "Of several seasons."
    assert Heat(job, "night").doubt == (
        "There are no temperatures by night: those by day are shown. Of several seasons."
    )


def test_temperatures_of_a_folder_are_those_of_its_item_alone(city):
    material = open_material(Places([city]).known()[-1])
    beside = city / "Reference" / NAME
    for name in ("lst.tif", "air_temperature.csv", "stations.gpkg"):
        (beside / name).rename(city / name)
    (city / "lst_summer.tif").write_bytes((city / "lst.tif").read_bytes())
    assert surface_temperatures(material, "day") == ((), None)
    assert stations(material) is None
    rasters = [
        {"product": "Landsat", "files": ["lst.tif"]},
        {"product": "Landsat", "files": ["lst_summer.tif"]},
        {"product": "ECOSTRESS", "files": ["lst_ecostress.tif"]},
        {"product": "Landsat", "files": ["../elsewhere.tif"]},
    ]
    told = {"surface_temperature": {"rasters": rasters}, "air_temperature": {"files": []}}
    item = {"id": NAME, "properties": told}
    (city / "item.json").write_text(json.dumps(item))
    (city.parent / "elsewhere.tif").write_bytes(b"")
    assert surface_temperatures(material, "day") == (
        (city / "lst.tif", city / "lst_summer.tif"), None,
    )  # fmt: skip
    assert stations(material) == (city / "air_temperature.csv", city / "stations.gpkg")
    (city / "item.json").write_text(json.dumps(item | {"id": "00000_00000_Elsewhere"}))
    assert surface_temperatures(material, "day") == ((), None)
    assert stations(material) is None
