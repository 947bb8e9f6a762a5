"""Kinds of vector files: names, formats, folders and strays drawn; the truth, or what was left out."""

import json
import math
import zipfile
from html import escape

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from shapely.geometry import Point, box

from lczlib.analysis import assess
from lczlib.analysis.independence import training_areas
from lczlib.classes import CLASSES
from lczlib.errors import GridError, InputError, LczError
from lczlib.export.files import sha256_of
from lczlib.grid import on_grid
from lczlib.maps import lcz_map
from lczlib.polygon_cells import polygon_cells
from lczlib.polygons import crossing_polygons, open_polygons
from lczlib.reading import readings
from lczlib.references import open_reference

ONE = {
    "number": lambda c, i: f"LCZ {c.number if c.built else c.number + 90}",
    "code": lambda c, i: f"LCZ {c.code}",
    "glued": lambda c, i: f"lcz_{c.code}",
    "name": lambda c, i: c.name.title(),
    "both": lambda c, i: f"LCZ {c.code} - {c.name}",
    "behind": lambda c, i: f"{c.name} (LCZ {c.code})",
    "marked": lambda c, i: f"LCZ {c.code} ({i + 1})",
    "bold": lambda c, i: f"<b>LCZ {c.code}</b>",
    "wide": lambda c, i: "LCZ " + "".join(chr(ord(x) + 0xFEE0) for x in c.code),
    "padded": lambda c, i: f"LCZ {c.code.zfill(2) if c.built else c.code}",
    "numbered": lambda c, i: f"LCZ {c.code} polygon {i + 1}",
}
TWO = {
    "slash": lambda a, b: f"LCZ {a.code}/{b.code}",
    "range": lambda a, b: f"{a.code}-{b.code}",
    "or": lambda a, b: f"LCZ {a.code} or {b.code}",
    "and": lambda a, b: f"LCZ {a.code} & LCZ {b.code}",
    "comma": lambda a, b: f"{a.code},{b.code}",
    "contrary": lambda a, b: f"LCZ {a.code} {b.name}",
}
REGIONS = ("ROI", "AOI", "Study area", "Bounding box")
classes = st.sampled_from(CLASSES)


def square(i):
    return box(3 + 0.01 * i, 52, 3.005 + 0.01 * i, 52.005)


def kml(path, names, folders):
    """Placemarks by name, in folders: an own one for each, one for all, or two operators'."""
    ring = [" ".join(f"{x},{y},0" for x, y in square(i).exterior.coords) for i in range(len(names))]
    marks = [
        f"<Placemark><name>{escape(n)}</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{r}"
        "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        for n, r in zip(names, ring, strict=True)
    ]
    if folders == "operators":
        half = len(marks) // 2
        body = "".join(
            f"<Folder><name>Areas</name>{''.join(part)}</Folder>"
            for part in (marks[:half], marks[half:])
        )
    else:
        body = "".join(marks)
    text = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>areas</name>{body}</Document></kml>'
    if path.suffix == ".kmz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("doc.kml", text)
    else:
        path.write_text(text)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_names_of_one_class_are_read_and_all_others_told(tmp_path_factory, data):
    style = data.draw(st.sampled_from(sorted(ONE)))
    truth = data.draw(st.lists(classes, min_size=4, max_size=9))
    names = [ONE[style](c, i) for i, c in enumerate(truth)]
    expected = [c.number for c in truth]
    n_two = data.draw(st.integers(0, 3))
    for _ in range(n_two):
        a, b = data.draw(st.lists(classes, min_size=2, max_size=2, unique=True))
        names.append(TWO[data.draw(st.sampled_from(sorted(TWO)))](a, b))
    regions = data.draw(st.lists(st.sampled_from(REGIONS), max_size=1))
    strays = data.draw(st.lists(st.sampled_from(["Untitled Polygon", "to do"]), max_size=1))
    names += regions + strays
    suffix = data.draw(st.sampled_from([".kml", ".kmz", ".geojson", ".gpkg", ".fgb"]))
    path = tmp_path_factory.mktemp("kinds") / f"areas{suffix}"
    if suffix in (".kml", ".kmz"):
        kml(path, names, data.draw(st.sampled_from(["one", "operators"])))
    else:
        table = gpd.GeoDataFrame({"lcz": names}, geometry=[square(i) for i in range(len(names))],
                                 crs="EPSG:4326")  # fmt: skip
        table.to_file(path, **({"SPATIAL_INDEX": "NO"} if suffix == ".fgb" else {}))
    with readings() as heard:
        areas = open_polygons(path)
    assert areas["lcz"].tolist() == expected
    told = heard[0].facts
    assert (told["several_classes"], told["regions"], told["unreadable"]) == (
        n_two, len(regions), len(strays),
    )  # fmt: skip
    assert told["features"] == len(names)
    assert bool(heard[0].cautions) == bool(n_two or strays)


@settings(max_examples=25, deadline=None)
@given(
    bad=st.sampled_from(["nan", "inf", "huge", "line", "empty", "none", "point", "flat"]),
    n_bad=st.integers(1, 2),
    three=st.booleans(),
    metres=st.booleans(),
)
def test_shapes_that_are_no_areas_are_left_out_and_counted(
    tmp_path_factory, bad, n_bad, three, metres
):
    made = {
        "nan": shapely.Polygon([(3, 52), (3.01, math.nan), (3.01, 52.01), (3, 52)]),
        "inf": shapely.Polygon([(3, 52), (3.01, math.inf), (3.01, 52.01), (3, 52)]),
        "huge": box(1e300, 1e300, 2e300, 2e300), "line": shapely.LineString([(3, 52), (3.1, 52)]),
        "empty": shapely.Polygon(), "none": None, "point": Point(3, 52),
        "flat": shapely.Polygon([(3, 52), (3.01, 52.01), (3.02, 52.02), (3, 52)]),
    }[bad]  # fmt: skip
    good = [square(i) for i in range(4)]
    if metres:
        good = [box(5e5 + 500 * i, 5e6, 5e5 + 500 * i + 300, 5e6 + 300) for i in range(4)]
    good = [shapely.force_3d(g, 7.0) for g in good] if three else good
    table = gpd.GeoDataFrame({"lcz": [2, 6, 11, 17] + [3] * n_bad}, geometry=good + [made] * n_bad,
                             crs="EPSG:32631" if metres else "EPSG:4326")  # fmt: skip
    path = tmp_path_factory.mktemp("bad") / "areas.parquet"
    table.to_parquet(path)
    with readings() as heard:
        areas = open_polygons(path)
    assert areas["lcz"].tolist() == [2, 6, 11, 17]
    assert not shapely.has_z(areas.geometry).any()
    a = heard[0].facts
    assert a["impossible"] + a["not_polygons"] + a["without_area"] == n_bad
    assert a["impossible"] == (n_bad if bad in ("nan", "inf", "huge") else 0)


@settings(max_examples=15, deadline=None)
@given(zone=st.integers(32601, 32660), x=st.integers(200_000, 700_000), y=st.integers(100_000, 9_000_000),
       suffix=st.sampled_from([".geojson", ".gpkg", ".fgb"]))  # fmt: skip
def test_metres_under_degrees_and_degrees_under_metres_are_refused(
    tmp_path_factory, zone, x, y, suffix
):
    folder = tmp_path_factory.mktemp("crs")
    shapes = [box(x, y, x + 300, y + 300), box(x + 400, y, x + 800, y + 300)]
    wrong = gpd.GeoDataFrame({"lcz": [2, 6]}, geometry=shapes, crs="EPSG:4326")
    wrong.to_file(folder / f"wrong{suffix}")
    with pytest.raises(GridError, match=r"in degrees .* look like metres"):
        open_polygons(folder / f"wrong{suffix}")
    other = gpd.GeoDataFrame({"lcz": [2, 6]}, geometry=[square(0), square(1)], crs=f"EPSG:{zone}")
    other.to_file(folder / "other.gpkg")
    with pytest.raises(GridError, match=r"in metres .* look like degrees"):
        open_polygons(folder / "other.gpkg")


@settings(max_examples=20, deadline=None)
@given(split=st.booleans(), degrees=st.booleans(), lat=st.floats(-40, 40))
def test_areas_across_180_degrees_lie_on_both_sides(tmp_path_factory, split, degrees, lat):
    if split:
        shape = shapely.MultiPolygon(
            [box(179.99, lat, 180, lat + 0.02), box(-180, lat, -179.99, lat + 0.02)]
        )
    else:
        shape = shapely.Polygon(
            [(179.99, lat), (-179.99, lat), (-179.99, lat + 0.02), (179.99, lat + 0.02)]
        )
    table = gpd.GeoDataFrame({"lcz": [5, 6]}, geometry=[shape, box(179.95, lat, 179.96, lat + 0.02)],
                             crs="EPSG:4326")  # fmt: skip
    path = tmp_path_factory.mktemp("date") / "areas.gpkg"
    table.to_file(path)
    areas = open_polygons(path)
    if degrees:
        grid = GeoBox.from_bbox(
            (179.9, lat - 0.01, 180.1, lat + 0.03), "EPSG:4326", resolution=0.001
        )
        cells = 400
    else:
        local = (
            gpd.GeoSeries([box(179.95, lat, 180, lat + 0.02)], crs=4326).to_crs(32660).total_bounds
        )
        grid = GeoBox.from_bbox((local[0] - 500, local[1] - 500, local[2] + 3000, local[3] + 500),
                                "EPSG:32660", resolution=100)  # fmt: skip
        cells = 0.02 * math.cos(math.radians(lat)) * 0.02 * 111.32**2 * 100
    found = polygon_cells(areas, grid)
    n = int((found["lcz"] == 5).sum())
    assert n == pytest.approx(cells, rel=0.12)
    assert len(crossing_polygons(areas)) == 0


def two_maps(rows=40, cols=40):
    grid = GeoBox.from_bbox(
        (5e5, 5e6, 5e5 + cols * 100, 5e6 + rows * 100), "EPSG:32631", resolution=100
    )
    codes = np.where(np.arange(cols) < cols // 2, 2, 14).astype(np.uint8)
    return lcz_map(on_grid(np.broadcast_to(codes, (rows, cols)).copy(), grid))


def test_points_of_one_cell_count_once_and_disagreeing_ones_never(tmp_path):
    lcz = two_maps()
    x, y = 5e5 + 1050.0, 5e6 + 1050.0
    points = gpd.GeoDataFrame(
        {"lcz": [2, 2, 6, 2, 14, 14, 2]}, crs="EPSG:32631",
        geometry=[Point(x, y), Point(x + 20, y), Point(x + 500, y), Point(x + 510, y + 10),
                  Point(x + 2500, y), Point(x + 2500, y + 2500), Point(x + 9e5, y)],
    )  # fmt: skip
    points.to_file(tmp_path / "points.gpkg")
    with readings() as heard:
        truth = open_reference(tmp_path / "points.gpkg")
        result = assess(lcz, truth)
        one = assess(lcz, truth, block=1)
    assert result.n == 3
    lost = result.left_out
    assert (lost["shared_cells"], lost["contested_cells"], lost["polygons_outside"]) == (1, 1, 1)
    assert result.method["unit"] in ("block", "point")
    assert one.method["unit"] == "point"
    placed = next(r for r in heard if r.what == "reference on the map")
    assert placed.facts["classes_lost"] == [6]
    assert "LCZ 6 of the reference" in placed.cautions[0]
    with pytest.raises(InputError, match="7 labelled points and no labelled polygon"):
        open_polygons(tmp_path / "points.gpkg")


def test_areas_outside_and_too_small_are_told_apart_with_their_classes():
    areas = gpd.GeoDataFrame(
        {"lcz": [2, 14, 9, 17], "polygon": [1, 2, 3, 4]}, crs="EPSG:32631",
        geometry=[box(5e5, 5e6, 5e5 + 500, 5e6 + 500), box(5e5 + 3000, 5e6, 5e5 + 3500, 5e6 + 500),
                  box(5e5 + 10, 5e6 + 10, 5e5 + 20, 5e6 + 20), box(9e5, 5e6, 9e5 + 500, 5e6 + 500)],
    )  # fmt: skip
    with readings() as heard:
        result = assess(two_maps(), areas)
    assert result.left_out["polygons_outside"] == 1
    assert result.left_out["polygons_too_small"] == 1
    assert "LCZ 9, G of the reference" in heard[0].cautions[0]


def test_swapped_coordinates_are_named(tmp_path):
    lcz = two_maps()
    west, south, *_ = (
        gpd.GeoSeries([box(5e5, 5e6, 5e5 + 4e3, 5e6 + 4e3)], crs=32631).to_crs(4326).total_bounds
    )
    shapes = [box(south + 0.01, west + 0.01, south + 0.02, west + 0.02)]
    gpd.GeoDataFrame({"lcz": [2]}, geometry=shapes, crs=4326).to_file(tmp_path / "swapped.geojson")
    with pytest.raises(GridError, match="swapped they would lie on it"):
        polygon_cells(open_polygons(tmp_path / "swapped.geojson"), lcz.odc.geobox)


def test_layers_without_shapes_or_features_are_passed_over(tmp_path):
    path = tmp_path / "areas.gpkg"
    table = gpd.GeoDataFrame({"lcz": [2, 6]}, geometry=[square(0), square(1)], crs=4326)
    table.to_file(path, layer="areas")
    table.iloc[:0].to_file(path, layer="later")
    with readings() as heard:
        assert len(open_polygons(path)) == 2
    assert "layer areas (later not read)" in heard[0].said
    table.iloc[:0].to_file(tmp_path / "none.gpkg")
    with pytest.raises(InputError, match="holds no feature"):
        open_polygons(tmp_path / "none.gpkg")


def test_archives_that_unpack_beyond_the_memory_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setenv("LCZLIB_MEMORY", "0.05")
    for name, inside in (("bomb.kmz", "doc.kml"), ("bomb.zip", "areas.geojson")):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(inside, b" " * 20_000_000)
        assert (tmp_path / name).stat().st_size < 100_000
        with pytest.raises(InputError, match=r"declares 20 MB of shapes in 0\.02 MB"):
            open_polygons(tmp_path / name)


@settings(max_examples=20, deadline=None)
@given(
    name=st.sampled_from(
        ["LCZ_PRIMARY", "lcz_primary", "LCZ1_NAME", "lcz_int", "lczDominant", "LCZ"]
    ),
    other=st.sampled_from(
        ["LCZ_SECONDARY", "LCZ_UNIQUENESS_VALUE", "lcz2", "lcz_area", "MIN_DISTANCE"]
    ),
    codes=st.lists(st.sampled_from([1, 5, 6, 10, 101, 104, 107]), min_size=2, max_size=6),
    missing=st.sampled_from([None, np.nan, 0, -9999]),
)
def test_the_column_of_the_class_is_found_beside_its_neighbours(
    tmp_path_factory, name, other, codes, missing
):
    values = [*codes, missing]
    table = gpd.GeoDataFrame({other: np.arange(1, len(values) + 1), name: values},
                             geometry=[square(i) for i in range(len(values))], crs=4326)  # fmt: skip
    path = tmp_path_factory.mktemp("columns") / "rsu_lcz.geojson"
    table.to_file(path)
    areas = open_polygons(path)
    assert areas.attrs["class_column"] == name
    assert areas["lcz"].tolist() == [c if c < 100 else c - 90 for c in codes]
    assert areas.attrs["unlabelled"] == 1


def test_columns_that_differ_are_asked_for(tmp_path):
    table = gpd.GeoDataFrame(
        {"lcz_osm": [1, 2], "lcz_bdt": [1, 3]}, geometry=[square(0), square(1)], crs=4326
    )
    table.to_file(tmp_path / "two.gpkg")
    with pytest.raises(InputError, match=r"'lcz_osm' and 'lcz_bdt' .* differ.*--column"):
        open_polygons(tmp_path / "two.gpkg")
    assert open_polygons(tmp_path / "two.gpkg", "lcz_bdt")["lcz"].tolist() == [1, 3]


def test_areas_that_a_map_learned_from_are_told(tmp_path):
    table = gpd.GeoDataFrame({"lcz": [2, 6]}, geometry=[square(0), square(1)], crs=4326)
    table.to_file(tmp_path / "areas.gpkg")
    table.to_file(tmp_path / "training_areas.gpkg")
    (tmp_path / "result").mkdir()
    lcz = tmp_path / "result/map.tif"
    areas = open_polygons(tmp_path / "areas.gpkg")
    assert training_areas(lcz, areas) is None
    by_name = training_areas(None, open_polygons(tmp_path / "training_areas.gpkg"))
    assert "if the map was made from them" in by_name.cautions[0]
    # the weights of its network lie beside the patches that they were trained on
    (tmp_path / "run").mkdir()
    patches = gpd.GeoDataFrame({"lcz": [2, 6, 6], "subset": ["train", "train", "test"]},
                               geometry=[square(0).centroid, Point(8, 52), square(1).centroid], crs=4326)  # fmt: skip
    patches.to_file(tmp_path / "run/patches.gpkg")
    manifest = {"parameters": {"weights": ["../run/model.safetensors"]}, "inputs": []}
    (tmp_path / "result/manifest.json").write_text(json.dumps(manifest))
    told = training_areas(lcz, areas)
    assert "1 of the 2 hold training patches" in told.cautions[0]
    manifest["inputs"] = [{"path": "../areas.gpkg", "sha256": sha256_of(tmp_path / "areas.gpkg")}]
    (tmp_path / "result/manifest.json").write_text(json.dumps(manifest))
    told = training_areas(lcz, areas)
    assert "the map was made from them" in told.cautions[0]


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=200) | st.sampled_from([
    "{", "[]", '{"type": "FeatureCollection", "features": []}', '{"type": "Polygon"}', "null",
    '{"type":"Feature","properties":{"lcz":1},"geometry":null}',
    '{"type":"Feature","properties":{"lcz":1},"geometry":{"type":"Polygon","coordinates":[]}}',
    '{"type":"Feature","properties":{"lcz":1},"geometry":{"type":"Polygon","coordinates":[[[1]]]}}',
]))  # fmt: skip
def test_broken_geojson_is_one_sentence(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("json") / "areas.geojson"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(LczError) as error:
        open_polygons(path)
    assert "\n" not in str(error.value)
