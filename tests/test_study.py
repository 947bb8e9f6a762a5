"""The state of a study, without a browser."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from study_outputs import made
from synthetic_sentinel2 import land

from lczlib.errors import Cancelled, GridError, InputError
from lczlib.mapping import MapRequest
from lczlib.maps import open_lcz_map
from lczlib.reading import Reading
from lczlib.study import STEPS, Places, Study
from lczlib.study.drawn import DrawnPolygon
from lczlib.study.given import Given
from lczlib.study.material import Material
from lczlib.study.places import Place, demo_folder
from lczlib.study.results import assess_maps, request_of
from lczlib.study.state import INPUTS

# Written by hand, not derived from the table of steps that it checks.
_MAPS = {"maps", "next_places", "comparison", "accuracy", "heat", "field", "water_summary"}
_ALL = {*_MAPS, "scene", "suspects", "reference", "own_map", "published", "water"}
_VALUES = {*_MAPS, "suspects"}
_GET = {"days", "acquired"}
DEPENDS = {
    "area": {*_ALL, *_GET},
    **{f"get_{n}": _GET for n in ("provider", "level", "seasons", "year", "start", "end", "dilation")},
    **{f"get_{n}": {"acquired"} for n in ("composite", "max_cloud", "days", "haze", "offsets")},
     "scene_files": _ALL, "radar_files": _ALL,
    "sensors": _MAPS, "s1_weights": _MAPS, "s2_weights": _MAPS, "adapt_files": _MAPS, "fusion": _MAPS, "tta": _MAPS,
    "device": {*_MAPS, "water"},
    "result_folder": _ALL,
    **{f"s2_{n}": _VALUES for n in ("level", "date", "accept_values", "resample")},
    "drawn": {"suspects", "next_places"}, "drawn_spacing": {"suspects"}, "adapt_spacing": _MAPS,
    **{f"next_{n}": {"next_places"} for n in ("n", "size", "spacing")},
    **{f"s2_{n}": _ALL for n in ("scale", "offset", "nodata", "bands", "keep_clouds")},
    "reference_kind": {"accuracy"},
    **{f"map_{n}": {"own_map", "comparison", "accuracy", "heat", "field", "water_summary"}
       for n in ("files", "band", "scheme", "nodata", "legend", "column", "layer")},
    **{f"reference_{n}": {"reference", "comparison", "accuracy", "heat", "field", "water_summary"}
       for n in ("files", "band", "scheme", "nodata", "legend", "column", "layer")},
    "first": {"comparison"}, "second": {"comparison"}, "compare_resample": {"comparison"},
    **{f"accuracy_{n}": {"accuracy"} for n in (
        "block", "replicates", "resample", "seed", "stratified_sample")},
    **{f"heat_{n}": {"heat", "field"} for n in (
        "map", "radius", "place_elevation", "quality", "station_scheme", "time_zone", "time_format",
        "ambiguous", "columns", "air_unit", "skip_outside", "station_zone", "peers")},
    **{f"{n}_files": {"heat", "field"} for n in ("station", "station_class", "elevation")},
    **{f"field_{n}": {"field"} for n in (
        "hours", "start", "end", "covariance", "lapse_rate", "water", "fill", "seed")},
    "coast_files": {"field"},
    **{f"heat_{n}": {"heat"} for n in (
        "kind", "time", "statistic", "interior", "min_pixels", "min_patches", "elevation_band",
        "water_distance", "replicates", "reference", "fallback", "confidence", "seed",
        "product", "unit", "band", "acquired", "k1", "k2", "radiance_mult", "radiance_add",
        "interior_distance", "measures", "sampled_maps", "error_range", "wave_days",
        "day_block", "plausible", "resample", "block_size",
        "map_error", "persistence", "lapse_rate", "wave", "calm_wind", "clear_cloud")},
    **{f"{n}_files": {"heat"} for n in ("thermal", "air", "quality", "mtl", "weather", "maxima")},
    **{f"water_{n}": {"water", "water_summary"}
       for n in ("files", "descending_files", "orbit", "units", "dn_scale", "edges", "dates")},
    "water_threshold": {"water_summary"},
}  # fmt: skip
OTHER = {
    "get_provider": "cdse", "get_year": 2020, "get_dilation": 10.0, "get_composite": "median",
    "get_max_cloud": 20.0, "get_days": 3, "get_offsets": "stated", "get_haze": 0.0, "get_level": "L1C",
    "area": (3.0, 52.1, 3.05, 52.13), "sensors": ["s1"], "fusion": "product", "tta": "flips",
    "reference_kind": "raster",
    "s2_level": "L2A", "s2_scale": 0.001, "s2_offset": -1000.0, "s2_nodata": 0.0,
    "s2_accept_values": True, "s2_resample": "utm", "s2_keep_clouds": True,
    "map_scheme": "0-16", "reference_scheme": "wrf",
    "heat_station_scheme": "0-16",
    "heat_kind": "canopy", "heat_time": "night", "heat_statistic": "mean", "water_orbit": "des",
    "water_units": "linear", "water_edges": "zero", "water_dn_scale": 100.0,
    "heat_interior": 2, "heat_min_pixels": 31, "heat_min_patches": 4, "heat_elevation_band": 50.0,
    "heat_water_distance": 100.0, "heat_replicates": 500, "heat_radius": 100.0, "water_threshold": 0.6,
    "heat_reference": "B", "heat_fallback": True, "heat_confidence": 0.9, "heat_seed": 1,
    "heat_product": "modis", "heat_unit": "K", "heat_plausible": (0.0, 60.0), "heat_resample": "mode",
    "heat_block_size": 500.0, "heat_map_error": True, "heat_persistence": 2.0,
    "heat_quality": ["duplicates"], "heat_lapse_rate": 0.0065, "heat_wave": 30.0,
    "heat_station_zone": "point", "heat_peers": "all", "heat_calm_wind": 1.0, "heat_clear_cloud": 1.0,
    "heat_ambiguous": "infer", "heat_air_unit": "degF", "heat_skip_outside": True, "heat_k1": 774.9, "heat_k2": 1321.1,
    "heat_radiance_mult": 3e-4, "heat_radiance_add": 0.1, "heat_interior_distance": 200.0,
    "heat_place_elevation": True, "heat_measures": ["utfvi"], "heat_sampled_maps": 5,
    "heat_error_range": 200.0, "heat_wave_days": 2, "heat_day_block": 3,
    "field_hours": "night", "field_covariance": "matern", "field_lapse_rate": 0.0065, "field_water": True,
    "field_fill": True, "field_seed": 1,
    "accuracy_block": 7, "accuracy_replicates": 200, "accuracy_resample": "mode", "accuracy_seed": 5,
    "accuracy_stratified_sample": True, "compare_resample": "",
    "drawn": (DrawnPolygon(6, "park", ((3.0, 52.1), (3.1, 52.1), (3.1, 52.2))),), "drawn_spacing": 50.0,
    "adapt_spacing": 50.0, "next_n": 3, "next_size": 500.0, "next_spacing": 2000.0,
}  # fmt: skip


def other_value(name: str) -> object:
    return OTHER.get(name, ("file.tif",) if name.endswith("_files") else "another")


@pytest.fixture
def study(tmp_path: Path, cache: Path) -> Study:
    return Study(tmp_path, cache)


def complete(study: Study) -> Study:
    """Every step finished with some value, as if computed."""
    for name in STEPS:
        study.finish(study.start(name), made(f"{name} of {study.city}"))
    return study


def test_every_input_is_in_the_table_of_this_test() -> None:
    assert set(DEPENDS) | {"city"} == set(INPUTS)


@pytest.mark.parametrize("name", DEPENDS)
def test_an_input_makes_stale_exactly_what_depends_on_it(study: Study, name: str) -> None:
    complete(study)
    setattr(study, name, other_value(name))
    assert {n for n, c in study.conditions.items() if c == "stale"} == DEPENDS[name]
    assert all(getattr(study, n) is not None for n in STEPS)  # still readable, but marked


def test_setting_an_input_back_makes_its_outputs_current_again(study: Study) -> None:
    complete(study)
    study.fusion = "product"
    study.fusion = MapRequest.fusion
    assert set(study.conditions.values()) == {"current"}


def test_another_city_clears_all_outputs(study: Study) -> None:
    complete(study)
    study.city = "own"
    assert all(getattr(study, n) is None for n in STEPS)
    assert set(study.conditions.values()) == {"none"}


def test_a_late_result_is_dropped(study: Study) -> None:
    complete(study)
    ticket = study.start("comparison")
    study.first = "fused"
    assert study.finish(ticket, "late") is False
    assert study.comparison == made("comparison of demo")
    newer = study.start("comparison")
    assert study.finish(newer, "new") is True
    assert study.finish(ticket, "later still") is False
    assert study.comparison == "new"


def test_a_late_result_does_not_end_the_newer_run(study: Study) -> None:
    complete(study)
    old = study.start("heat")
    study.heat_interior = 2
    study.start("heat")
    study.finish(old, "late")
    assert study.conditions["heat"] == "running"


def test_a_failed_step_leaves_its_output_and_one_clear_message(study: Study) -> None:
    complete(study)
    study.second = "nothing"
    ticket = study.start("comparison")
    ticket.read.append(
        Reading("LCZ map", "nothing.tif")
    )  # as `Ticket.run` does, also where it fails
    study.fail(ticket, InputError("There is no map 'nothing'."))
    assert [r.source for r in study.read["comparison"]] == ["nothing.tif"]
    assert study.comparison == made("comparison of demo")
    assert study.messages == {"comparison": "There is no map 'nothing'."}
    assert study.conditions["comparison"] == "stale"
    assert not study.wanting("comparison")  # not tried again by itself with the same inputs
    study.second = "s2"
    assert study.conditions["comparison"] == "current"
    assert study.messages == {}  # what it said is no longer asked for
    assert study.read["comparison"] == ()
    study.second = "fused"
    study.finish(study.start("comparison"), "repaired")
    assert study.messages == {}


def test_an_allowed_folder_may_hold_results_only(tmp_path: Path) -> None:
    assert [p.key for p in Places([tmp_path]).known()] == [p.key for p in Places().known()]


def test_an_unexpected_error_is_not_shown_with_its_inner_text(study: Study) -> None:
    complete(study)
    study.fail(study.start("heat"), ValueError("/secret/path"))
    assert "/secret" not in study.messages["heat"]
    assert "ValueError" in study.messages["heat"]


def test_a_stopped_step_may_be_tried_again(study: Study) -> None:
    complete(study)
    study.fusion = "vote"
    study.fail(study.start("maps"), Cancelled("stopped"))
    assert study.wanting("maps")


def test_outputs_cannot_be_written_from_outside(study: Study) -> None:
    with pytest.raises(TypeError, match="Constant"):
        study.maps = "mine"


def test_a_step_without_what_it_needs_says_so(study: Study) -> None:
    with pytest.raises(InputError, match="no scene yet"):
        study.ticket("maps")


def test_two_studies_share_nothing(tmp_path: Path, cache: Path) -> None:
    a, b = complete(Study(tmp_path / "a", cache)), complete(Study(tmp_path / "b", cache))
    a.fusion, a.sensors = "vote", ["s2"]
    assert b.fusion == MapRequest.fusion
    assert b.sensors == ["s1", "s2"]
    assert set(b.conditions.values()) == {"current"}


def test_a_place_that_is_not_offered_is_refused(study: Study, tmp_path: Path) -> None:
    for key in (f"folder:{tmp_path}", "folder:../../etc", "scene:nothing"):
        study.city = key
        with pytest.raises(InputError, match="no place"):
            study.compute("scene")


def test_only_allowed_folders_are_offered(tmp_path: Path, cache: Path) -> None:
    folder, city = demo_folder()
    assert f"folder:{city}" not in [p.key for p in Places().known()]
    offered = Places([folder])
    assert offered.place(f"folder:{city}").folder == folder.resolve()


def test_cities_are_found_whatever_their_accents(cache: Path) -> None:
    names = [p.name for p in Places().find("sao paulo")]
    assert any(n.startswith("São Paulo") for n in names)
    assert Places().find("demo")[0].key == "demo"


def test_the_cities_of_so2sat_and_of_geonames_are_one_list(
    monkeypatch: pytest.MonkeyPatch, shared: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("LCZLIB_CACHE", str(tmp_path))
    monkeypatch.setenv("LCZLIB_MIRROR", str(shared / "mirror"))
    nigeria, portugal = Places().find("lagos")[:2]
    assert (nigeria.key, nigeria.name) == ("city:22007", "Lagos, Nigeria")
    assert nigeria.kind.startswith("So2Sat city")
    assert (portugal.name, portugal.kind) == ("Lagos, Portugal", "city, without imagery here")
    # an address from before the list of So2Sat was fetched
    assert Places().place("place:2332459").name == "Lagos, Nigeria"
    assert Places().place("place:2332459").key == "place:2332459"
    assert Places().find("xxxx") == []


def test_an_own_map_alone_is_judged_and_one_of_elsewhere_is_left_out(
    study: Study, tmp_path: Path
) -> None:
    folder, city = demo_folder()
    truth = folder / "Reference" / city / "lcz.tif"
    study.param.update(
        city="own", map_files=(str(truth),), reference_files=(str(truth.parent / "polygons.gpkg"),)
    )
    for name in ("scene", "reference", "own_map"):
        study.compute(name)
    assert study.wanting("accuracy")
    found = study.compute("accuracy")
    assert found.assessments["own"].scores["oa"] > 0.9
    far = tmp_path / "far.tif"
    with rasterio.open(truth) as src:
        moved = rasterio.transform.from_origin(3e5, 6.25e6, *src.res)
        with rasterio.open(far, "w", **{**src.profile, "transform": moved}) as dst:
            dst.write(src.read())
    here, there = open_lcz_map(truth), open_lcz_map(far)
    both = assess_maps(None, study.reference, "polygons", {"here": here, "own": there})
    assert set(both.assessments) == {"here"}
    assert "outside the map" in both.refused["own"]
    study.map_files = (str(far),)
    with pytest.raises(InputError, match="outside the map"):
        study.compute("accuracy")


def test_without_any_map_nothing_is_judged_compared_or_measured(study: Study) -> None:
    study.city = "own"
    for name in ("scene", "reference", "own_map"):
        study.compute(name)
    for name in ("accuracy", "comparison", "heat"):
        assert not study.wanting(name)
        with pytest.raises(InputError, match="There is no LCZ map yet"):
            study.ticket(name)


def test_level_and_scale_are_of_own_images_only() -> None:
    given = partial(
        Given, "maps",
        sensors=["s2"], s1_weights="", s2_weights="", fusion="mean", tta="all", device="cpu",
        s2_level="L2A", s2_date="2024-10-24", s2_scale=0.001, s2_offset=-1000.0,
        s2_nodata=7.0, s2_bands="B02, B03,-", s2_accept_values=True,
        s2_resample="", s2_keep_clouds=False,
    )  # fmt: skip
    image = {"s2": xr.Dataset()}
    own = Material(Place("own", "Own", ""), ("mine.tif",), seasons=image, own=True)
    theirs = Material(
        Place("scene:x", "X", ""), ("x.tif",), seasons=image, level="L1C", date="2020-01-01"
    )
    request = request_of(given(scene=own))
    assert (request.level, request.date, request.scale, request.offset) == (
        "L2A",
        "2024-10-24",
        0.001,
        -1000.0,
    )
    assert request.accept_values
    assert request.tta == "all"
    assert (request.nodata, request.bands) == (7.0, ("B02", "B03", "-"))
    request = request_of(given(scene=theirs))
    assert not request.accept_values
    assert (request.level, request.date, request.scale, request.offset) == (
        "L1C",
        "2020-01-01",
        None,
        None,
    )


def test_what_a_visitor_says_of_an_own_image_counts_when_it_is_opened(study, write_tif) -> None:
    values = land(96, seed=3).astype(np.float32) * 100  # per cent, short waves first
    values[:, :30] = 777
    path = write_tif(values[[8, 9, *range(8)]], "own.tif")
    study.param.update(city="own", scene_files=(str(path),))
    with pytest.raises(InputError, match=r"at once: --scale 0\.01 --bands B02,"):
        study.compute("scene")
    study.s2_bands = "B11,B12,B02,B03,B04,B05,B06,B07,B08,B8A"
    with pytest.raises(InputError, match="--scale"):
        study.compute("scene")
    study.s2_scale = 0.01
    scene = study.compute("scene").seasons["own"]
    assert scene.B11.isnull()[:30].all()
    np.testing.assert_allclose(scene.B11[30:], values[8, 30:] / 100, rtol=1e-5)


@pytest.mark.slow
def test_the_whole_flow_of_the_demo_city(study: Study) -> None:
    study.area = (3.02, 52.105, 3.075, 52.138)  # city and fields, which the heat island needs
    reports = []
    maps = study.compute("maps", lambda *report: reports.append(report))
    assert set(maps.kinds) == {"s1", "s2", "fused"}
    assert reports[-1][1] == reports[-1][2] > 0
    first = maps.folder / "manifest.json"
    made = first.stat().st_mtime_ns
    study.second, study.first = "reference", "fused"
    assert study.compute("comparison").agreement > 0.3
    assert study.compute("accuracy").assessments["fused"].n > 100
    assert "LCZ D" in study.compute("heat").sentence()
    assert set(study.conditions.values()) == {"current", "none"}
    again = study.compute("maps")  # the same request is found again, not computed again
    assert first.stat().st_mtime_ns == made
    assert np.array_equal(again.kinds["s2"].values, maps.kinds["s2"].values)


def test_an_area_outside_the_scene_is_refused(study: Study) -> None:
    study.area = (10.0, 10.0, 10.1, 10.1)
    with pytest.raises(GridError, match="less than 4 x 4"):
        study.compute("scene")


@pytest.mark.slow
def test_a_cancelled_run_stops_and_keeps_nothing_under_a_final_name(study: Study) -> None:
    study.compute("scene")
    stop = threading.Event()

    def progress(_: str, done: int, __: int) -> None:
        if done:
            stop.set()

    study.fusion = "entropy"
    before = set(study.context.store.glob("*/fused_lcz.tif"))
    ticket = study.start("maps")
    with pytest.raises(Cancelled):
        ticket.run(progress, stop.is_set)
    assert set(study.context.store.glob("*/fused_lcz.tif")) == before


def test_the_study_knows_no_dashboard() -> None:
    code = "import sys, lczlib.study; sys.exit('panel' in sys.modules or 'bokeh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
