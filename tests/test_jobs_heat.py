"""Heat islands are the same to the last digit on the command line, in the library and in the dashboard."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lczlib.cli import main
from lczlib.errors import InputError
from lczlib.jobs import air_heat, canopy_heat, surface_heat
from lczlib.jobs.air_heat import AirHeatRequest
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.surface_heat import SurfaceHeatRequest
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.study import Places, Study
from lczlib.study.heat_inputs import NAMES

FEW = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # an example takes seconds, and says enough as it is
)  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Path:
    """The simulated city's folder of references: map, temperatures, stations, elevation."""
    root = tmp_path_factory.mktemp("city")
    write_so2sat(simulate_city(5, 2), root, "00000_00000_Simulated")
    return root / "Reference" / "00000_00000_Simulated"


@pytest.fixture
def lcz(monkeypatch, capsys, tmp_path):
    """Run the command into a folder; its ``heat_island.json``."""

    def run(*words: object) -> dict:
        monkeypatch.setattr(sys, "argv", ["lcz", *map(str, words), "--out", str(tmp_path / "out")])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        assert not stop.value.code, printed.err
        return json.loads((tmp_path / "out" / "heat_island.json").read_text())

    return run


def words_of(told: dict) -> list[str]:
    """The options that a request's settings stand for."""
    words = []
    for name, value in told.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, tuple) and name in ("qc", "measures"):
            words += [flag, ",".join(value) or "none"]
        elif isinstance(value, tuple):
            words += [flag, *map(str, value)]
        else:
            words += [flag, str(value)]
    return words


def in_study(study: Study, kind: str, told: dict) -> pd.DataFrame:
    """The same told to a study by its own names; the zones it shows."""
    of = NAMES[kind]
    values = {of[n]: list(v) if n in ("qc", "measures") else v for n, v in told.items()}
    values = {n: (str(v),) if n.endswith("_files") else v for n, v in values.items()}
    study.param.update(heat_kind=kind, heat_map="reference", **values)
    try:
        return study.compute("heat").result.classes
    finally:
        study.param.update({n: study.param[n].default for n in values})


def differences(document: dict) -> dict[int, float]:
    """Each zone's difference, of those that have one."""
    return {r["lcz"]: r["difference"] for r in document["classes"] if r["difference"] is not None}


def study_of(city: Path, tmp_path: Path) -> Study:
    made = Study(tmp_path / "work", tmp_path / "store", Places([city.parents[1]]))
    made.city = f"folder:{city.name}"
    return made


def assert_same(document: dict, library: pd.DataFrame, page: pd.DataFrame) -> None:
    """All three to the last digit: what JSON holds comes back as the very number."""
    pd.testing.assert_frame_equal(library, page)
    rows = {row["lcz"]: row for row in document["classes"]}
    assert set(rows) == set(library.index)
    for number, row in library.iterrows():
        written = rows[number]
        within = written["difference_ci"] or [np.nan, np.nan]
        np.testing.assert_array_equal(within, [row["ci_low"], row["ci_high"]])
        for name, value in row.drop(["ci_low", "ci_high"]).items():
            missing = isinstance(value, float) and np.isnan(value)
            assert written[name] == (None if missing else value), name


SURFACE = st.fixed_dictionaries(
    {"replicates": st.just(100), "band": st.sampled_from(["day", "night"])},
    optional={
        "statistic": st.sampled_from(["median", "mean"]), "interior": st.integers(0, 2),
        "min_pixels": st.integers(1, 60), "reference": st.sampled_from(["D", "9"]),
        "elevation_band": st.sampled_from([5.0, 50.0]), "water_distance": st.sampled_from([0.0, 300.0]),
        "confidence": st.sampled_from([0.8, 0.9]), "seed": st.integers(0, 9),
        "interior_distance": st.sampled_from([100.0, 250.0]), "fallback": st.booleans(),
        "plausible": st.sampled_from([(-10.0, 60.0), (0.0, 33.0)]),
        "block_size": st.sampled_from([500.0, 900.0]),
        "measures": st.sampled_from([("urban_rural",), ("utfvi", "profile")]),
        "elevation": st.just("elevation.tif"),
    },
)  # fmt: skip


@given(told=SURFACE)
@FEW
def test_a_surface_heat_island_is_one_for_all_faces(city, lcz, tmp_path, told):
    told = told | ({"elevation": city / "elevation.tif"} if "elevation" in told else {})
    document = lcz(
        "uhi", city / "lcz.tif", "--lst", city / "lst.tif", *words_of(told), "--no-figures"
    )
    result = surface_heat.run(
        SurfaceHeatRequest(map_path=city / "lcz.tif", lst=city / "lst.tif", **told)
    )
    page = in_study(study_of(city, tmp_path), "surface", told | {"lst": city / "lst.tif"})
    assert_same(document, result.to_dataframe(), page)


@given(
    told=SURFACE.map(lambda t: {k: v for k, v in t.items() if k not in ("measures", "plausible")})
)
@settings(FEW, max_examples=2)
def test_a_heat_island_of_air_rasters_is_one_for_all_faces(city, lcz, tmp_path, told):
    told = told | ({"elevation": city / "elevation.tif"} if "elevation" in told else {})
    air = tmp_path / "t2m.tif"
    with rasterio.open(city / "lst.tif") as src:
        profile = src.profile | {"count": 1}
        day = src.read(1) * 0.2 + 15
    with rasterio.open(air, "w", **profile) as dst:
        dst.write(day.astype(np.float32), 1)
        dst.update_tags(units="degC")
    told.pop("band")
    document = lcz("uhi", city / "lcz.tif", "--air", air, *words_of(told), "--no-figures")
    result = air_heat.run(AirHeatRequest(map_path=city / "lcz.tif", air=air, **told))
    assert (document["kind"], result.kind) == ("canopy", "canopy")
    page = in_study(study_of(city, tmp_path), "air", told | {"air": air})
    assert_same(document, result.to_dataframe(), page)


CANOPY = st.fixed_dictionaries(
    {"replicates": st.just(100), "own_classes": st.booleans()},
    optional={
        "statistic": st.sampled_from(["median", "mean"]), "reference": st.sampled_from(["D", "6"]),
        "qc": st.sampled_from([(), ("duplicates",), ("duplicates", "outliers", "flagged", "correlation")]),
        "peers": st.sampled_from(["alike", "all"]), "station_zone": st.sampled_from(["majority", "point"]),
        "radius": st.sampled_from([100.0, 400.0]), "lapse_rate": st.just(0.0065),
        "elevation": st.just("elevation.tif"), "seed": st.integers(0, 9), "day_block": st.integers(1, 9),
        "heat_wave_threshold": st.sampled_from([20.0, 25.0]), "skip_outside": st.booleans(),
        "time_zone": st.just("UTC"),
    },
)  # fmt: skip


@given(told=CANOPY)
@FEW
def test_a_canopy_heat_island_is_one_for_all_faces(city, lcz, tmp_path, told):
    import geopandas as gpd

    told = dict(told)
    if "elevation" in told:
        told["elevation"] = city / "elevation.tif"
    sites = gpd.read_file(city / "stations.gpkg")
    if not told.pop("own_classes"):
        sites = sites.drop(columns="lcz")
    path = tmp_path / "sites.gpkg"
    sites.to_file(path, driver="GPKG")
    air = city / "air_temperature.csv"
    document = lcz(
        "uhi", city / "lcz.tif", "--stations", air, "--sites", path, *words_of(told), "--no-figures"
    )
    request = CanopyHeatRequest(map_path=city / "lcz.tif", stations=air, sites=path, **told)
    result = canopy_heat.run(request)
    study = study_of(city, tmp_path)
    study.station_files = (str(air), str(path))
    page = in_study(study, "canopy", told)
    assert_same(document, result.to_dataframe(), page)
    sources = {row["source"] for row in document["station_classes"]}
    assert sources == ({"stations file"} if "lcz" in sites else {"map"})


def test_the_elevation_of_a_place_counts_only_where_it_is_asked_for(city, lcz, tmp_path):
    words = (
        "uhi",
        city / "lcz.tif",
        "--lst",
        city / "lst.tif",
        "--band",
        "day",
        "--elevation-band",
        5,
    )
    study = study_of(city, tmp_path)
    plain = in_study(study, "surface", {"elevation_band": 5.0})
    assert differences(lcz(*words, "--no-figures")) == plain["difference"].dropna().to_dict()
    study.heat_place_elevation = True
    level = in_study(study, "surface", {"elevation_band": 5.0})
    assert not level["difference"].equals(plain["difference"])
    there = lcz(*words, "--no-figures", "--elevation", city / "elevation.tif")
    assert differences(there) == level["difference"].dropna().to_dict()


@pytest.mark.parametrize("hole", [-9999.0, -32768.0])
def test_a_hole_in_the_elevation_is_no_height_of_a_station(city, tmp_path, hole):
    """Declared no data over a station that states no elevation: no lapse rate, whoever asks."""
    import geopandas as gpd

    sites = gpd.read_file(city / "stations.gpkg").drop(columns="elevation", errors="ignore")
    sites.to_file(tmp_path / "sites.gpkg", driver="GPKG")
    with rasterio.open(city / "elevation.tif") as src:
        heights, profile = src.read(1), src.profile | {"nodata": hole}
        row, column = src.index(*sites.to_crs(src.crs).geometry.iloc[0].coords[0])
    heights[row - 2 : row + 3, column - 2 : column + 3] = hole
    dem = tmp_path / "dem.tif"
    with rasterio.open(dem, "w", **profile) as dst:
        dst.write(heights, 1)
    told = {"elevation": dem, "lapse_rate": 0.0065}
    with pytest.raises(InputError, match="needs every station's elevation"):
        canopy_heat.run(CanopyHeatRequest(
            map_path=city / "lcz.tif", stations=city / "air_temperature.csv",
            sites=tmp_path / "sites.gpkg", **told,
        ))  # fmt: skip
    study = study_of(city, tmp_path)
    study.station_files = (str(city / "air_temperature.csv"), str(tmp_path / "sites.gpkg"))
    with pytest.raises(InputError, match="needs every station's elevation"):
        in_study(study, "canopy", told)


@pytest.mark.parametrize("band", ["day", "night"])
def test_a_band_that_is_called_so_tells_its_overpass(city, tmp_path, band):
    request = SurfaceHeatRequest(
        map_path=city / "lcz.tif", lst=city / "lst.tif", band=band, replicates=100, measures=()
    )
    assert [*surface_heat.run(request).overpasses] == [band]
    study = study_of(city, tmp_path)
    study.param.update(heat_map="reference", heat_time=band, heat_replicates=100)
    assert f"overpass: {band}" in study.compute("heat").method


def test_a_result_shows_itself_and_is_a_table(city, tmp_path):
    result = surface_heat.run(
        SurfaceHeatRequest(
            map_path=city / "lcz.tif", lst=city / "lst.tif", band="day", replicates=100
        )
    )
    assert repr(result).startswith(f"<PixelHeat: {result.headline()[:60]}")
    assert len(repr(result)) < 600
    assert "<table" in result._repr_html_()
    assert list(result.to_dataframe().index) == sorted(result.to_dataframe().index)
    result.write(tmp_path / "out", figures=False)
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["parameters"]["band"] == "day"
    assert [r["what"] for r in manifest["read"]]


def test_open_arrays_give_what_their_files_give(city):
    from lczlib.maps import open_lcz_map
    from lczlib.scenes.thermal import open_temperature

    told = {"replicates": 100, "interior": 0}
    files = surface_heat.run(
        SurfaceHeatRequest(map_path=city / "lcz.tif", lst=city / "lst.tif", band="day", **told)
    )
    temperature = open_temperature(city / "lst.tif", band="day").temperature
    arrays = surface_heat.run(
        SurfaceHeatRequest(map_path=open_lcz_map(city / "lcz.tif"), lst=(temperature,), **told)
    )
    pd.testing.assert_frame_equal(files.to_dataframe(), arrays.to_dataframe())


@pytest.mark.slow
def test_hong_kong_is_one_for_all_faces(shared, lcz, tmp_path):
    """Real data: Landsat 8's band 10 of 15 October 2014 over the reference map."""
    folder = shared / "data/hong_kong"
    scene, zones = next(folder.glob("LC8*.tif")), folder / "hong_kong_lcz_GT.tif"
    told = {
        "band": "9", "kind": "landsat-l1", "radiance_mult": 3.342e-4, "radiance_add": 0.1,
        "k1": 774.8853, "k2": 1321.0789, "replicates": 200, "interior": 0, "min_pixels": 20,
    }  # fmt: skip
    document = lcz("uhi", zones, "--lst", scene, *words_of(told), "--no-figures")
    result = surface_heat.run(SurfaceHeatRequest(map_path=zones, lst=scene, **told))
    study = Study(tmp_path / "work", tmp_path / "store", Places())
    study.param.update(city="own", reference_files=(str(zones),))
    page = in_study(study, "surface", told | {"lst": scene})
    assert result.to_dataframe()["n_pixels"].sum() > 1000
    assert_same(document, result.to_dataframe(), page)
