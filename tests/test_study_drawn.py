"""Drawn polygons in a study: checked for mistakes, and where to draw next, as the commands do it."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from lczlib.errors import Cancelled, InputError, Lacking
from lczlib.jobs.check_polygons import CheckPolygonsRequest
from lczlib.jobs.next_polygons import NextPolygonsRequest
from lczlib.study import Study
from lczlib.study.document import settings_of
from lczlib.study.drawn import DrawnPolygon, drawn_table
from lczlib.study.drawn_inputs import DrawnInputs
from lczlib.study.places import demo_folder
from lczlib.study.worker import needs_process, run_apart

CLASSES = (6, 14, 17)


@pytest.fixture(scope="module")
def drawn(cache) -> tuple[DrawnPolygon, ...]:
    """Polygons of three classes of the simulated city as a visitor draws them; the first water is called LCZ 6."""
    folder, city = demo_folder()
    table = gpd.read_file(folder / "Reference" / city / "polygons.gpkg").to_crs(4326)
    found = []
    for lcz in CLASSES:
        for shape in table.geometry[table["lcz"] == lcz].iloc[:6]:
            corners = tuple((round(x, 7), round(y, 7)) for x, y, *_ in shape.exterior.coords[:-1])
            called = (
                6 if lcz == 17 and not any(p.lcz == 17 for p in found) and len(found) == 12 else lcz
            )
            found.append(DrawnPolygon(called, "", corners))
    return tuple(found)


@pytest.fixture(scope="module")
def made(cache, drawn, tmp_path_factory) -> Study:
    """A study with drawn polygons, its map, and both of what is made from them."""
    study = Study(tmp_path_factory.mktemp("visitor"), cache)
    study.sensors = ["s2"]
    study.drawn = drawn
    study.compute("maps")
    study.compute("suspects")
    study.compute("next_places")
    return study


def test_the_settings_are_those_of_the_jobs():
    for request, names in (
        (CheckPolygonsRequest, {"spacing": "drawn_spacing"}),
        (NextPolygonsRequest, {"n": "next_n", "size": "next_size", "spacing": "next_spacing"}),
    ):
        for name, called in names.items():
            told, one = request.settings()[name], DrawnInputs.param[called]
            assert one.default == told.default
            assert one.label == told.setting.title
            assert one.doc == told.setting.doc


@pytest.mark.slow
def test_the_command_finds_the_same_mistakes(made, drawn, run_lcz, tmp_path):
    folder, city = demo_folder()
    areas = tmp_path / "areas.gpkg"
    drawn_table(drawn).to_file(areas)
    code, said, _ = run_lcz(
        "check-polygons", folder, "--city", city, "--polygons", areas, "--out", tmp_path / "out"
    )
    assert code == 0
    found = made.suspects
    written = pd.read_csv(tmp_path / "out/polygons.csv", keep_default_na=False)
    assert written["polygon"].tolist() == found.table["polygon"].tolist()
    np.testing.assert_allclose(
        written["probability"].astype(float), found.table["probability"], rtol=1e-4
    )
    assert written["n_patches"].tolist() == found.table["n_patches"].tolist()
    assert found.headline() in " ".join(said.split())
    first = found.table.iloc[0]
    assert (first["polygon"], first["lcz"], first["preferred"]) == (13, 6, 17)
    # the polygon's number is its place in what was drawn
    shape = found.areas.set_index("polygon").geometry[13]
    assert shape.equals_exact(drawn_table(drawn[12:13]).to_crs(4326).geometry[0], 1e-6)


def test_the_command_proposes_the_same_places(made, drawn, run_lcz, tmp_path):
    areas = tmp_path / "areas.gpkg"
    drawn_table(drawn).to_file(areas)
    code, said, _ = run_lcz(
        "next-polygons", made.maps.folder, "--polygons", areas, "--out", tmp_path / "out"
    )
    assert code == 0
    found = made.next_places
    written = gpd.read_file(tmp_path / "out/next_polygons.gpkg")
    assert written["mapped"].tolist() == found.places["mapped"].tolist()
    assert written.geometry.geom_equals_exact(
        found.places.to_crs(4326).geometry, 1e-7, align=False
    ).all()
    assert found.headline() in " ".join(said.split())


def test_it_is_kept_while_nothing_changes_and_stale_when_a_polygon_does(made, drawn):
    for step in ("suspects", "next_places"):
        assert made.condition(step) == "current"
        made.drawn = drawn[:-1]
        assert made.condition(step) == "stale"
        made.drawn = drawn
        assert made.condition(step) == "current"
    made.next_n = 3
    assert (made.condition("suspects"), made.condition("next_places")) == ("current", "stale")
    made.next_n = made.param["next_n"].default
    made.drawn_spacing = 50.0
    assert (made.condition("suspects"), made.condition("next_places")) == ("stale", "current")
    made.drawn_spacing = made.param["drawn_spacing"].default


def test_it_is_the_visitors_alone(made, cache):
    assert made.suspects.request.polygons.startswith(str(made.context.work))
    assert made.next_places.request.polygons.startswith(str(made.context.work))
    assert not list(cache.rglob("drawn"))
    assert "drawn" not in settings_of(made)
    json.dumps(settings_of(made))


def test_a_process_of_its_own_brings_all_of_it_back(made):
    ticket = made.ticket("next_places")
    assert needs_process(ticket)
    assert needs_process(made.ticket("suspects"))
    found = run_apart(ticket)
    assert found.headline() == made.next_places.headline()
    assert found.places.attrs == made.next_places.places.attrs
    pd.testing.assert_frame_equal(pd.DataFrame(found.places), pd.DataFrame(made.next_places.places))


def test_without_polygons_places_are_proposed_and_nothing_is_checked(made, drawn, cache, tmp_path):
    study = Study(tmp_path, cache)
    study.sensors = ["s2"]
    study.compute("maps")  # those that are there
    with pytest.raises(InputError, match="No polygon is drawn yet"):
        study.compute("suspects")
    assert study.compute("next_places").request.polygons is None
    study.drawn = drawn[:1]
    with pytest.raises(InputError, match="nothing to judge them by"):
        study.compute("suspects")


def test_it_stops_when_asked(made):
    for step in ("suspects", "next_places"):
        with pytest.raises(Cancelled):
            made.ticket(step).compute(cancelled=lambda: True)


def test_where_there_is_no_imagery_that_is_said(cache, drawn, tmp_path):
    study = Study(tmp_path, cache)
    study.city = "own"
    study.drawn = drawn
    study.compute("scene")
    with pytest.raises(Lacking, match="no imagery"):
        study.compute("suspects")
    with pytest.raises(InputError, match="no imagery"):
        study.compute("next_places")
