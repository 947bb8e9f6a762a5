"""Places for further polygons: on the map, of one class, apart, where they help; and their files."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.analysis.active_learning import next_polygons
from lczlib.errors import GridError, InputError
from lczlib.export import write_probabilities
from lczlib.grid import on_grid
from lczlib.jobs.next_polygons import NextPolygonsRequest, run
from lczlib.maps import probabilities
from lczlib.polygon_cells import polygon_cells
from lczlib.polygons import open_polygons

WEST, NORTH = 500_000, 5_500_000
COLUMNS, ROWS = 60, 40
PLACE = GeoBox((ROWS, COLUMNS), Affine(100, 0, WEST, 0, -100, NORTH), "EPSG:32633")


def mixed(**shares):
    """Probabilities of one cell: ``lcz6=0.5``; what is left goes to LCZ 17."""
    p = np.zeros(17, np.float32)
    for name, share in shares.items():
        p[int(name.removeprefix("lcz")) - 1] = share
    p[16] += 1 - p.sum()
    return p


def box(row, col, rows, cols):
    return shapely.box(
        WEST + 100 * col, NORTH - 100 * (row + rows), WEST + 100 * (col + cols), NORTH - 100 * row
    )


def drawn(*shapes):
    """Polygons of (lcz, row, col, rows, cols)."""
    return gpd.GeoDataFrame(
        {"polygon": range(1, len(shapes) + 1), "lcz": np.array([s[0] for s in shapes], np.uint8)},
        geometry=[box(*s[1:]) for s in shapes], crs="EPSG:32633",
    )  # fmt: skip


@pytest.fixture
def proba():
    """Sure water in the west, LCZ 6 or 5 in the middle, sure LCZ 2 and a corner of LCZ 8; no data in the east."""
    p = np.empty((17, ROWS, COLUMNS), np.float32)
    p[:] = mixed(lcz17=0.95, lcz14=0.05)[:, None, None]
    p[:, :, 20:40] = mixed(lcz6=0.45, lcz5=0.40)[:, None, None]
    p[:, :, 40:54] = mixed(lcz2=0.9, lcz3=0.1)[:, None, None]
    p[:, :6, 46:54] = mixed(lcz8=0.7, lcz10=0.3)[:, None, None]
    p[:, :, 54:] = np.nan
    return probabilities(on_grid(p, PLACE, dims=("lcz", "y", "x")))


@pytest.fixture
def polygons():
    return drawn((17, 2, 2, 4, 4), (6, 2, 22, 4, 4), (2, 30, 42, 4, 4))


def codes_of(proba):
    """Classes of the mean probabilities of 300 m, 0 where no data."""
    proba = proba.rolling(y=3, x=3, center=True, min_periods=1).mean().where(proba.notnull())
    return np.where(np.isnan(proba.values[0]), 0, np.nan_to_num(proba.values).argmax(0) + 1)


def cells_of(places):
    return polygon_cells(places.assign(polygon=places["rank"], lcz=places["mapped"]), PLACE)


def test_places_are_on_the_map_of_one_class_apart_and_not_on_what_is_drawn(proba, polygons):
    found = next_polygons(proba, polygons, n=8)
    cells, codes = cells_of(found), codes_of(proba)
    assert len(found) == 8
    assert (codes[cells["row"], cells["col"]] == cells["lcz"]).all()  # no data is 0
    assert (cells.groupby("polygon").size() >= 9).all()
    assert np.allclose(found["area_km2"], cells.groupby("polygon").size() / 100)
    assert found["area_km2"].between(0.09, 1).all()
    assert (found.intersection(polygons.union_all()).area == 0).all()
    for i, one in enumerate(found.geometry):
        assert not (found.geometry.drop(i).intersection(one).area > 0).any()
    lon, lat = found["longitude"], found["latitude"]
    own = gpd.GeoSeries.from_xy(lon, lat, crs=4326).to_crs(32633)
    assert (own.distance(polygons.union_all()) >= 400).all()
    apart = shapely.get_coordinates(own.to_numpy())
    assert own.within(found.geometry, align=False).all()
    assert np.abs(apart[:, None] - apart).max(2)[~np.eye(8, dtype=bool)].min() >= 1000 - 1e-3


def test_the_doubtful_comes_before_the_sure(proba, polygons):
    found = next_polygons(proba, drawn((17, 2, 2, 4, 4), (8, 0, 50, 2, 2), (2, 30, 42, 4, 4)), n=6)
    # LCZ 6 has no polygon: it is asked for at once, and stands for the doubtful middle
    assert (found["mapped"][0], found["runner_up"][0]) == (6, 5)
    assert found["stands_for_km2"][0] == pytest.approx(18 * 40 / 100)  # but for its borders
    assert found["margin"][0] == pytest.approx(0.05, abs=1e-5)
    without = next_polygons(proba, n=3)
    assert (
        without["mapped"].tolist()[0] == 6
    )  # of all the map the most doubtful, without any polygon
    assert without["gain"].is_monotonic_decreasing
    assert "LCZ 6 with 45%" in without["reason"][0]
    assert "drawn" not in without["reason"][0]


def test_much_of_the_map_comes_before_little_and_doubt_before_size(proba):
    values = proba.copy(deep=True)
    values[:, :, 20:40] = mixed(lcz6=0.36, lcz5=0.34, lcz4=0.3)[:, None, None]
    values[:, 30:35, 4:9] = mixed(lcz12=0.36, lcz13=0.34, lcz11=0.3)[
        :, None, None
    ]  # as doubtful, and small
    known = drawn(
        (17, 2, 2, 4, 4), (2, 30, 42, 4, 4), (8, 0, 50, 2, 2), (6, 39, 52, 1, 1), (12, 10, 4, 1, 1)
    )
    found = next_polygons(values, known, n=3)
    assert found["mapped"].tolist()[:2] == [6, 12]
    assert found["stands_for_km2"][0] > 5 > 1 > found["stands_for_km2"][1]


def test_a_class_without_a_polygon_is_asked_for_first(proba, polygons):
    found = next_polygons(proba, polygons, n=3)
    assert found["mapped"][0] == 8
    assert found["reason"][0].startswith("No polygon of LCZ 8 is drawn yet")
    assert found["n_drawn"].tolist()[0] == 0
    assert (found["n_drawn"][1:] == 1).all()
    assert 10 in found.attrs["missing"]
    assert 8 not in found.attrs["missing"]
    assert found.attrs["no_room"] == []
    small = proba.copy(deep=True)
    small[:, 20, 10] = mixed(lcz7=0.99)
    values = next_polygons(small, polygons, n=3, size=100)
    assert 7 in values["mapped"].tolist()
    # beside what it lies in, nothing of it is left in the mean of a square
    assert 7 in next_polygons(small, polygons, n=3).attrs["missing"]


def test_what_fills_no_square_has_no_room(proba, polygons):
    thin = proba.copy(deep=True)
    thin[:, 10:12, 5:17] = mixed(lcz15=0.99)[:, None, None]
    found = next_polygons(thin, polygons, n=5)
    assert found.attrs["no_room"] == [15]
    assert 15 not in found["mapped"].tolist()


def test_it_is_the_same_every_time_and_keeps_to_where_it_may_lie(proba, polygons):
    one, again = (next_polygons(proba, polygons, n=6) for _ in range(2))
    pd.testing.assert_frame_equal(one, again)
    part = gpd.GeoDataFrame(geometry=[box(10, 20, 20, 20)], crs="EPSG:32633")
    found = next_polygons(proba, polygons, n=6, within=part)
    assert found["mapped"].eq(6).all()
    assert found.within(part.union_all().buffer(1)).all()


def test_outlines_do_not_overlap_where_a_square_is_wider_than_the_spacing(proba):
    found = next_polygons(
        proba, n=30, size=200, spacing=200
    )  # a square with a middle is 300 m wide
    assert len(found) == 30
    assert found.union_all().area == pytest.approx(found.area.sum())


def test_a_sample_of_a_large_map_is_as_good(proba, polygons, monkeypatch):
    from lczlib.analysis import active_learning

    monkeypatch.setattr(active_learning, "_PER_CLASS", 30)
    monkeypatch.setattr(active_learning, "_CELLS", 200)
    found = next_polygons(proba, polygons[polygons["lcz"] != 6], n=3)
    assert set(found["mapped"][:2]) == {6, 8}
    assert found["stands_for_km2"].sum() <= 54 * 40 / 100


def test_wishes_and_maps_that_make_no_places_are_refused(proba, polygons):
    for wish, words in (
        ({"n": 0}, "at least one place"),
        ({"size": 900, "spacing": 500}, "900 m wide cannot lie 500 m apart"),
        ({"size": 0}, "more than 0"),
        ({"size": 7000, "spacing": 7000}, "no square of 7100 m"),
        ({"size": 300, "spacing": 60000}, "No place is left"),
    ):
        with pytest.raises(InputError, match=words):
            next_polygons(proba, polygons, **wish)
    with pytest.raises(InputError, match="hold no data"):
        next_polygons(proba * np.nan)
    sure = probabilities((proba == proba.max("lcz")).where(proba.notnull()).astype("float32"))
    with pytest.raises(
        InputError, match="The map is certain of every cell, as a map of classes is"
    ):
        next_polygons(sure)
    elsewhere = polygons.assign(geometry=polygons.translate(1e5))
    with pytest.raises(GridError, match="drawn polygons lie outside the map"):
        next_polygons(proba, elsewhere)
    points = polygons.assign(geometry=polygons.centroid)
    with pytest.raises(InputError, match="Points were given"):
        next_polygons(proba, points)
    turned = GeoBox((ROWS, COLUMNS), Affine(1e-3, 0, 13, 0, -1e-3, 50), "EPSG:4326")
    degrees = probabilities(on_grid(proba.values, turned, dims=("lcz", "y", "x")))
    with pytest.raises(GridError, match="in metres"):
        next_polygons(degrees)


@pytest.fixture
def files(proba, polygons, tmp_path):
    write_probabilities(tmp_path / "map/s2_proba.tif", proba)
    write_probabilities(tmp_path / "map/s1_proba.tif", proba[:, ::-1].assign_coords(y=proba.y))
    polygons[["lcz", "geometry"]].to_file(tmp_path / "areas.gpkg")
    return tmp_path


def test_command_job_and_function_find_the_same_and_the_files_are_read_back(files, run_lcz):
    proba, areas = files / "map/s2_proba.tif", files / "areas.gpkg"
    code, said, _ = run_lcz(
        "next-polygons", proba, "--polygons", areas, "-n", 4, "--out", files / "out"
    )
    assert code == 0
    result = run(
        NextPolygonsRequest(probabilities=files / "map", polygons=areas, n=4)
    )  # s2 before s1
    assert result.source == "s2_proba.tif"
    assert result.headline() in " ".join(said.split())
    from lczlib.maps import open_probabilities

    places = next_polygons(open_probabilities(proba), open_polygons(areas), n=4)
    pd.testing.assert_frame_equal(pd.DataFrame(result.places), pd.DataFrame(places))
    layer = gpd.read_file(files / "out/next_polygons.gpkg")
    assert layer.crs.to_epsg() == 4326
    assert layer["mapped_code"].tolist() == places["mapped_code"].tolist()
    assert layer["lcz"].isna().all()
    assert np.allclose(layer.to_crs(32633).area, places.area, rtol=1e-6)
    kml = gpd.read_file(files / "out/next_polygons.kml")
    assert kml["Name"][0] == "1: 8 or 10?"
    assert kml["description"].tolist() == places["reason"].tolist()
    assert np.allclose(kml.to_crs(32633).area, places.area, rtol=1e-4)
    with pytest.raises(InputError, match="of two classes"):  # names of two classes are none
        open_polygons(files / "out/next_polygons.kml")
    code, _, _ = run_lcz("rerun", files / "out/manifest.json", "--out", files / "again")
    assert code == 0
    assert (files / "again/next_polygons.csv").read_text() == (
        files / "out/next_polygons.csv"
    ).read_text()
    table = pd.read_csv(files / "out/next_polygons.csv")
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert np.allclose(table["longitude"], places["longitude"], rtol=0, atol=1e-6)
    told = json.loads((files / "out/next_polygons.json").read_text())
    assert [p["mapped"] for p in told["places"]] == places["mapped"].tolist()
    manifest = json.loads((files / "out/manifest.json").read_text())
    assert manifest["command"] == "next-polygons"
    assert "No polygon and no place on the map of LCZ 1," in " ".join(said.split())


def test_labels_filled_in_are_polygons_to_train_on_and_what_the_map_said_is_none(files, run_lcz):
    run_lcz("next-polygons", files / "map/s2_proba.tif", "-n", 3, "--out", files / "out")
    path = files / "out/next_polygons.gpkg"
    with pytest.raises(InputError, match="'lcz' is empty"):
        open_polygons(path)
    layer = gpd.read_file(path)
    layer["lcz"] = layer["lcz"].astype("Int32")
    layer.loc[0, "lcz"] = 5
    layer.to_file(files / "filled.gpkg")
    assert open_polygons(files / "filled.gpkg", zero_unlabelled=True)["lcz"].tolist() == [5]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["none.tif"], "none.tif"),
        (["map/empty"], "holds no *_proba.tif"),
        (["areas.gpkg"], "areas.gpkg"),
        (["map", "--polygons", "none.gpkg"], "none.gpkg"),
        (["map", "--spacing", "100"], "cannot lie 100 m apart"),
        (["map", "--column", "height", "--polygons", "areas.gpkg"], "height"),
    ],
)
def test_bad_input_is_one_sentence(files, run_lcz, given, words):
    (files / "map/empty").mkdir()
    paths = [files / g if "." in g or "/" in g or g == "map" else g for g in given]
    code, _, said = run_lcz("next-polygons", *paths, "--out", files / "out")
    assert code == 1
    assert words in said
    assert "Traceback" not in said
    assert not (files / "out/manifest.json").exists()


def test_fewer_places_than_asked_for_are_said_to_be_so(files, run_lcz):
    code, _, said = run_lcz(
        "next-polygons", files / "map", "-n", 500, "--spacing", 2500, "--out", files / "out"
    )
    assert code == 0
    assert "of 500 places: lower --spacing or --size" in said
